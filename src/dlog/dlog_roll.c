#include "config.h"

#include "dlog_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

/* How a segment comes to be: written and synced without a name, then renamed, then the directory synced. So a
 * name means that its head is whole, and a crash anywhere leaves the old chain as it was. */

static enum status write_head(struct dlog *dlog, const char *name, const struct dlog_bytes *head,
                              struct err *err)
{
    const struct disk *disk = &dlog->disk;
    int error = disk->write(disk->ctx, DLOG_RESERVE, 0, head->p, head->len);
    if (error)
        return dlog_failed(dlog, _("cannot write a new segment"), error, err);
    error = disk->sync(disk->ctx, DLOG_RESERVE);
    if (error)
        return dlog_failed(dlog, _("cannot sync a new segment"), error, err);
    error = disk->rename(disk->ctx, DLOG_RESERVE, name);
    if (error)
        return dlog_failed(dlog, _("cannot rename a new segment"), error, err);
    error = disk->sync_dir(disk->ctx);
    if (error)
        return dlog_failed(dlog, _("cannot sync the directory"), error, err);
    return STATUS_OK;
}

bool dlog_place(struct dlog *dlog, struct dlog_record *record, struct dlog_bytes *head)
{
    uint8_t frame[DLOG_FRAME_MAX];
    /* a copy keeps the epoch it was first written in; that of the SEGMENT record says who copied it */
    xatop_assert(record->epoch >= 1 && record->epoch <= dlog->epoch);
    record->lsn = dlog->next_lsn;
    record->durable = dlog->durable_lsn;
    size_t n = dlog_encode(record, frame, sizeof frame);
    xatop_assert(n > 0); /* the largest record there can be is a quarter of a frame */
    if (!dlog_bytes_add(head, frame, n))
        return false;
    dlog->next_lsn++;
    return true;
}

bool dlog_head_begin(struct dlog *dlog, uint32_t number, uint32_t previous, uint64_t previous_end,
                     uint32_t oldest, int64_t wall_ms, struct dlog_bytes *head)
{
    struct dlog_record record = {
        .type = DLOG_SEGMENT,
        .epoch = dlog->epoch,
        .wall_ms = wall_ms,
        .log_id = dlog->log_id,
        .segment = number,
        .previous = previous,
        .previous_end = previous_end,
        .oldest = oldest,
        .head_lsn = UINT64_MAX, /* known, and put right, when the head is whole */
    };
    memcpy(record.coordinator, dlog->coordinator, sizeof record.coordinator);
    return dlog_place(dlog, &record, head);
}

static void put_head_lsn(const struct dlog *dlog, struct dlog_bytes *head)
{
    struct dlog_record record;
    size_t len;
    xatop_assert(dlog_decode(head->p, head->len, &record, &len) == DLOG_RECORD &&
                 record.type == DLOG_SEGMENT);
    record.head_lsn = dlog->next_lsn - 1;
    xatop_assert(dlog_encode(&record, head->p, len) == len); /* its numbers have fixed widths */
}

static bool take_head(struct dlog *dlog, struct dlog_segment *segment, const struct dlog_bytes *head)
{
    struct dlog_record record;
    size_t len;
    for (size_t at = 0; at < head->len; at += len) {
        xatop_assert(dlog_decode(head->p + at, head->len - at, &record, &len) == DLOG_RECORD);
        if (!dlog_apply(dlog, segment, &record))
            return false;
    }
    return true;
}

enum status dlog_head_install(struct dlog *dlog, uint32_t number, struct dlog_bytes *head, struct err *err)
{
    const struct disk *disk = &dlog->disk;
    char name[DLOG_NAME];
    if (number > DLOG_SEGMENT_MAX)
        return dlog_failed(dlog, _("no segment number is left"), 0, err);
    struct dlog_segment *bigger = realloc(dlog->segments, (dlog->count + 1) * sizeof *bigger);
    if (!bigger)
        return dlog_failed(dlog, _("cannot begin a segment"), -ENOMEM, err);
    dlog->segments = bigger;
    put_head_lsn(dlog, head);
    /* At least as much room again as the head takes, or a log of many live records would roll for each new
     * one. */
    uint64_t capacity = dlog->segment_bytes > 2 * head->len ? dlog->segment_bytes : 2 * head->len;
    if (!dlog->reserve) {
        int error = disk->create(disk->ctx, DLOG_RESERVE, capacity);
        if (error)
            return dlog_failed(dlog, _("cannot make a new segment"), error, err);
    }
    dlog_segment_name(number, name);
    enum status status = write_head(dlog, name, head, err);
    if (status != STATUS_OK)
        return status;
    dlog->reserve = false;
    struct dlog_segment *segment = &dlog->segments[dlog->count++];
    *segment = (struct dlog_segment){.number = number, .end = head->len, .needed_until_ms = INT64_MIN};
    dlog->capacity = capacity;
    dlog->written = head->len;
    dlog->durable_lsn = dlog->next_lsn - 1;
    if (!take_head(dlog, segment, head))
        return dlog_failed(dlog, _("cannot begin a segment"), -ENOMEM, err);
    return STATUS_OK;
}

enum status dlog_roll(struct dlog *dlog, int64_t wall_ms, struct err *err)
{
    enum status status = dlog_sync(dlog, err);
    if (status != STATUS_OK)
        return status;
    const struct dlog_segment *current = &dlog->segments[dlog->count - 1];
    struct dlog_bytes head = {0};
    struct dlog_live **live = dlog_table_sorted(&dlog->live);
    uint32_t number = current->number + 1;
    /* Every undischarged COMMIT is about to be copied: only the discharged ones hold a segment back. */
    uint32_t oldest = dlog_oldest_needed(dlog, dlog->count, number, wall_ms);
    bool ok = live && dlog_head_begin(dlog, number, current->number, current->end, oldest, wall_ms, &head);
    for (size_t i = 0; ok && i < dlog->live.count; i++) {
        struct dlog_record copy = live[i]->record;
        ok = dlog_place(dlog, &copy, &head);
    }
    ok = ok && dlog_place_forces(dlog, &head) && dlog_place_swept(dlog, &head);
    status = ok ? dlog_head_install(dlog, number, &head, err)
                : dlog_failed(dlog, _("cannot begin a segment"), -ENOMEM, err);
    if (status == STATUS_OK)
        status = dlog_drop_older(dlog, oldest, err);
    free(live);
    free(head.p);
    return status;
}

bool dlog_place_swept(struct dlog *dlog, struct dlog_bytes *head)
{
    struct dlog_record copy = dlog->swept;
    return copy.type == DLOG_NONE || dlog_place(dlog, &copy, head);
}

bool dlog_segment_needed(const struct dlog_segment *segment, int64_t wall_ms)
{
    return segment->needed_until_ms > wall_ms || (segment->discharged.epoch != 0 && !segment->swept);
}

uint32_t dlog_oldest_needed(const struct dlog *dlog, size_t count, uint32_t otherwise, int64_t wall_ms)
{
    for (size_t i = 0; i < count; i++)
        if (dlog_segment_needed(&dlog->segments[i], wall_ms))
            return dlog->segments[i].number;
    return otherwise;
}

enum status dlog_drop_older(struct dlog *dlog, uint32_t oldest, struct err *err)
{
    const struct disk *disk = &dlog->disk;
    size_t n = 0;
    int error = 0;
    for (; dlog->segments[n].number < oldest && !error; n++) {
        char name[DLOG_NAME];
        xatop_assert(dlog->segments[n].live == 0); /* an undischarged COMMIT never goes */
        dlog_segment_name(dlog->segments[n].number, name);
        error = disk->unlink(disk->ctx, name);
    }
    if (n == 0)
        return STATUS_OK;
    dlog->count -= n;
    memmove(dlog->segments, dlog->segments + n, dlog->count * sizeof *dlog->segments);
    if (!error)
        error = disk->sync_dir(disk->ctx);
    return error ? dlog_failed(dlog, _("cannot remove an old segment"), error, err) : STATUS_OK;
}
