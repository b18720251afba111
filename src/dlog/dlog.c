#include "config.h"

#include "dlog_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

void dlog_close(struct dlog *dlog)
{
    if (!dlog)
        return;
    dlog_table_free(&dlog->live);
    dlog_forces_free(&dlog->forces);
    free(dlog->segments);
    free(dlog->buffer.p);
    free(dlog);
}

uint64_t dlog_log_id(const struct dlog *dlog)
{
    return dlog->log_id;
}

uint32_t dlog_epoch(const struct dlog *dlog)
{
    return dlog->epoch;
}

bool dlog_healthy(const struct dlog *dlog)
{
    return dlog->healthy;
}

void dlog_fail(struct dlog *dlog)
{
    dlog->healthy = false;
}

enum status dlog_failed(struct dlog *dlog, const char *what, int error, struct err *err)
{
    dlog->healthy = false;
    return err_set(err, STATUS_PENDING,
                   _("decision log: %s%s%s; what was being decided is in doubt until the log is "
                     "opened anew"),
                   what, error ? ": " : "", error ? strerror(-error) : "");
}

void dlog_forces(const struct dlog *dlog, dlog_force_visit visit, void *arg)
{
    dlog_forces_visit(&dlog->forces, visit, arg);
}

void dlog_undischarged(struct dlog *dlog, void (*visit)(void *arg, const struct dlog_record *record),
                       void *arg)
{
    struct dlog_live **live = dlog_table_sorted(&dlog->live);
    xatop_assert(live != NULL);
    for (size_t i = 0; i < dlog->live.count; i++)
        if (live[i]->record.gtrid.epoch != dlog->epoch)
            visit(arg, &live[i]->record);
    free(live);
}

static enum status failed_before(struct err *err)
{
    return err_set(err, STATUS_STATE,
                   _("decision log: it failed earlier in this run, nothing was written; open it anew"));
}

/* What a FORCE, FORCED or FORGET must find. @decision: what the log says of its gtrid. */
static enum status may_force(struct dlog *dlog, struct dlog_record *record, struct dlog_record *decision,
                             struct err *err)
{
    char reason[XATOP_REASON_MAX];
    text_sanitise_cstr(reason, sizeof reason, record->meaning);
    memcpy(record->meaning, reason, sizeof reason);
    if (record->type != DLOG_FORCE)
        return dlog_forces_find(&dlog->forces, record)
                   ? STATUS_OK
                   : err_set(err, STATUS_REFUSED,
                             _("decision log: nothing that was forced is kept of this branch"));
    if (dlog->forces.count >= DLOG_FORCES_MAX)
        return err_set(err, STATUS_REFUSED,
                       _("decision log: %d forced branches are kept already; forget some of them first"),
                       DLOG_FORCES_MAX);
    int found = dlog_find_commit(dlog, &record->gtrid, decision);
    if (found < 0)
        return err_set(err, STATUS_STATE,
                       _("decision log: it cannot be read whether this transaction was decided to commit; "
                         "nothing was written"));
    record->decided = found == 1;
    return STATUS_OK;
}

enum status dlog_append(struct dlog *dlog, struct dlog_record *record, struct err *err)
{
    struct dlog_record decision = {.type = DLOG_NONE};
    xatop_assert(record->type > DLOG_OPEN && record->type < DLOG_TYPES);
    if (!dlog->healthy)
        return failed_before(err);
    if (record->type == DLOG_FORCE || record->type == DLOG_FORCED || record->type == DLOG_FORGET) {
        enum status status = may_force(dlog, record, &decision, err);
        if (status != STATUS_OK)
            return status;
    }
    uint8_t frame[DLOG_FRAME_MAX];
    record->epoch = dlog->epoch;
    size_t n = dlog_encode(record, frame, sizeof frame); /* its length does not depend on its place */
    xatop_assert(n > 0);
    if (dlog->written + dlog->buffer.len + n > dlog->capacity) {
        enum status status = dlog_roll(dlog, record->wall_ms, err);
        if (status != STATUS_OK)
            return status;
    }
    if (!dlog_place(dlog, record, &dlog->buffer) ||
        !dlog_apply(dlog, &dlog->segments[dlog->count - 1], record))
        return dlog_failed(dlog, _("cannot queue a record"), -ENOMEM, err);
    if (record->type == DLOG_FORCE && record->decided && !dlog_table_find(&dlog->live, &record->gtrid))
        dlog_forces_decided(&dlog->forces, &decision, NULL);
    return STATUS_OK;
}

enum status dlog_flush(struct dlog *dlog, struct err *err)
{
    if (!dlog->healthy)
        return failed_before(err);
    if (dlog->buffer.len == 0)
        return STATUS_OK;
    char name[DLOG_NAME];
    dlog_segment_name(dlog->segments[dlog->count - 1].number, name);
    int error = dlog->disk.write(dlog->disk.ctx, name, dlog->written, dlog->buffer.p, dlog->buffer.len);
    if (error)
        return dlog_failed(dlog, _("a write failed"), error, err);
    dlog->written += dlog->buffer.len;
    dlog->buffer.len = 0;
    return STATUS_OK;
}

/* The next segment is made while there is room in this one, so that a full disk is met there and not at a
 * decision. A failure is no harm yet: it is tried again after the next sync, and at the latest when the
 * segment is full. */
static void keep_reserve(struct dlog *dlog)
{
    if (dlog->reserve || dlog->written < dlog->capacity / 2)
        return;
    int error = dlog->disk.create(dlog->disk.ctx, DLOG_RESERVE, dlog->segment_bytes);
    dlog->reserve = error == 0 || error == -EEXIST;
}

enum status dlog_sync(struct dlog *dlog, struct err *err)
{
    enum status status = dlog_flush(dlog, err);
    if (status != STATUS_OK)
        return status;
    struct dlog_segment *current = &dlog->segments[dlog->count - 1];
    if (current->end == dlog->written)
        return STATUS_OK;
    char name[DLOG_NAME];
    dlog_segment_name(current->number, name);
    int error = dlog->disk.sync(dlog->disk.ctx, name);
    if (error)
        return dlog_failed(dlog, _("a sync failed"), error, err);
    current->end = dlog->written;
    dlog->durable_lsn = dlog->next_lsn - 1;
    keep_reserve(dlog);
    return STATUS_OK;
}

bool dlog_oldest(const struct dlog *dlog, struct gtrid *out)
{
    const struct gtrid *oldest = NULL;
    for (size_t i = 0; i < dlog->count; i++) {
        const struct dlog_segment *segment = &dlog->segments[i];
        if (segment->first.epoch != 0 && (!oldest || gtrid_by_age(&segment->first, oldest) < 0))
            oldest = &segment->first;
    }
    for (size_t i = 0; i < dlog->forces.count; i++) { /* its markers tell what the force did */
        const struct gtrid *gtrid = &dlog->forces.list[i].force.gtrid;
        if (!oldest || gtrid_by_age(gtrid, oldest) < 0)
            oldest = gtrid;
    }
    if (oldest)
        *out = *oldest;
    return oldest != NULL;
}

struct search {
    const struct gtrid *gtrid;
    struct dlog_record *out;
    int found;
};

static bool look(void *arg, const struct dlog_record *record, uint64_t offset, size_t len)
{
    struct search *search = arg;
    if ((record->type != DLOG_COMMIT && record->type != DLOG_ABORT) ||
        !gtrid_equal(&record->gtrid, search->gtrid))
        return true;
    search->found = record->type == DLOG_COMMIT; /* the later one wins */
    if (search->found && search->out)
        *search->out = *record;
    return true;
}

static bool look_in_segment(struct dlog *dlog, const struct dlog_segment *segment, struct search *search)
{
    struct dlog_bytes bytes = {0};
    struct dlog_link link = {.number = segment->number, .end = segment->end};
    struct dlog_walk walk;
    size_t len;
    char name[DLOG_NAME];
    dlog_segment_name(segment->number, name);
    bool ok = dlog_read_all(&dlog->disk, name, segment->end, &bytes) == 0 &&
              dlog_decode(bytes.p, bytes.len, &link.head, &len) == DLOG_RECORD &&
              dlog_walk(&bytes, &link, look, search, &walk, NULL) == STATUS_OK;
    free(bytes.p);
    return ok;
}

int dlog_find_commit(struct dlog *dlog, const struct gtrid *gtrid, struct dlog_record *out)
{
    if (!dlog->healthy)
        return -1;
    const struct dlog_live *live = dlog_table_find(&dlog->live, gtrid);
    if (live && live->record.lsn <= dlog->durable_lsn) {
        if (out)
            *out = live->record;
        return 1;
    }
    struct search search = {.gtrid = gtrid, .out = out};
    for (size_t i = 0; i < dlog->count; i++) {
        const struct dlog_segment *segment = &dlog->segments[i];
        if (segment->first.epoch == 0 || gtrid_by_age(gtrid, &segment->first) < 0 ||
            gtrid_by_age(gtrid, &segment->last) > 0)
            continue;
        if (!look_in_segment(dlog, segment, &search))
            return -1;
    }
    return search.found;
}
