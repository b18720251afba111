#include "config.h"

#include "dlog_internal.h"

/* What a record does to the picture in memory: the same when it is read, copied, and appended. */

static struct dlog_segment *segment_by_number(struct dlog *dlog, uint32_t number)
{
    for (size_t i = dlog->count; i-- > 0;) /* most often the last one */
        if (dlog->segments[i].number == number)
            return &dlog->segments[i];
    return NULL;
}

static void widen(struct dlog_segment *segment, const struct gtrid *gtrid)
{
    if (segment->first.epoch == 0 || gtrid_by_age(gtrid, &segment->first) < 0)
        segment->first = *gtrid;
    if (segment->last.epoch == 0 || gtrid_by_age(gtrid, &segment->last) > 0)
        segment->last = *gtrid;
}

static bool apply_commit(struct dlog *dlog, struct dlog_segment *segment, const struct dlog_record *record)
{
    struct dlog_live *live = dlog_table_put(&dlog->live, &record->gtrid);
    if (!live)
        return false;
    struct dlog_segment *before = live->segment ? segment_by_number(dlog, live->segment) : NULL;
    if (before)
        before->live--;
    live->record = *record;
    live->segment = segment->number;
    segment->live++;
    widen(segment, &record->gtrid);
    dlog_forces_decided(&dlog->forces, record, NULL);
    return true;
}

static int64_t retained_until(const struct dlog *dlog, const struct dlog_record *since)
{
    return since->wall_ms > INT64_MAX - dlog->retention_ms ? INT64_MAX : since->wall_ms + dlog->retention_ms;
}

static void need_until(struct dlog_segment *segment, int64_t until_ms)
{
    if (segment->needed_until_ms < until_ms)
        segment->needed_until_ms = until_ms;
}

/* The retention time counts from the first SWEPT that covers all of them, too: rule 6 wants it after the sweep. */
static void cover(const struct dlog *dlog, struct dlog_segment *segment)
{
    if (segment->swept || segment->discharged.epoch == 0 || dlog->swept.type == DLOG_NONE ||
        gtrid_by_age(&segment->discharged, &dlog->swept.gtrid) > 0)
        return;
    segment->swept = true;
    need_until(segment, retained_until(dlog, &dlog->swept));
}

static void apply_swept(struct dlog *dlog, const struct dlog_record *record)
{
    if (dlog->swept.type != DLOG_NONE && gtrid_by_age(&record->gtrid, &dlog->swept.gtrid) <= 0)
        return;
    dlog->swept = *record;
    for (size_t i = 0; i < dlog->count; i++)
        cover(dlog, &dlog->segments[i]);
}

static void discharge(const struct dlog *dlog, struct dlog_segment *holder, const struct gtrid *gtrid)
{
    if (holder->discharged.epoch == 0 || gtrid_by_age(gtrid, &holder->discharged) > 0) {
        holder->discharged = *gtrid;
        holder->swept = false;
    }
    cover(dlog, holder);
}

static void apply_end(struct dlog *dlog, struct dlog_segment *segment, const struct dlog_record *record)
{
    if (record->type == DLOG_ABORT) {
        widen(segment, &record->gtrid);
        dlog_forces_decided(&dlog->forces, &(struct dlog_record){.type = DLOG_NONE, .gtrid = record->gtrid},
                            NULL);
    }
    struct dlog_live *live = dlog_table_find(&dlog->live, &record->gtrid);
    if (!live)
        return;
    if (record->type == DLOG_DONE)
        dlog_forces_decided(&dlog->forces, &live->record, record);
    struct dlog_segment *holder = segment_by_number(dlog, live->segment);
    if (holder) {
        holder->live--;
        need_until(holder, retained_until(dlog, record));
        if (record->type == DLOG_DONE) /* what is void needs no witness that it was carried out */
            discharge(dlog, holder, &record->gtrid);
    }
    dlog_table_remove(&dlog->live, &record->gtrid);
}

bool dlog_apply(struct dlog *dlog, struct dlog_segment *segment, const struct dlog_record *record)
{
    if (record->type == DLOG_COMMIT)
        return apply_commit(dlog, segment, record);
    if (record->type == DLOG_DONE || record->type == DLOG_ABORT)
        apply_end(dlog, segment, record);
    if (record->type == DLOG_SWEPT)
        apply_swept(dlog, record);
    if (!dlog_forces_apply(&dlog->forces, record))
        return false;
    const struct dlog_live *live =
        record->type == DLOG_FORCE ? dlog_table_find(&dlog->live, &record->gtrid) : NULL;
    if (live)
        dlog_forces_decided(&dlog->forces, &live->record, NULL);
    return true;
}
