#include "config.h"

#include "dlog_internal.h"

#include <stdlib.h>
#include <string.h>

/* Forced branches that nobody forgot (xa-facts rule 14). A few at most, so a list that is searched from its end. */

static bool speaks_of(const struct dlog_force *kept, const struct dlog_record *record)
{
    return kept->force.branches[0].branch == record->branches[0].branch &&
           gtrid_equal(&kept->force.gtrid, &record->gtrid);
}

/* A copy in a later segment keeps its epoch and its time. */
static bool is_copy(const struct dlog_force *kept, const struct dlog_record *record)
{
    return kept->force.epoch == record->epoch && kept->force.wall_ms == record->wall_ms &&
           kept->force.commit == record->commit && speaks_of(kept, record) &&
           strcmp(kept->force.meaning, record->meaning) == 0;
}

struct dlog_force *dlog_forces_find(const struct dlog_forces *forces, const struct dlog_record *record)
{
    for (size_t i = forces->count; i-- > 0;)
        if (speaks_of(&forces->list[i], record))
            return &forces->list[i];
    return NULL;
}

/* A copy moves to the end: so a FORCED, which is copied behind its FORCE, always belongs to the last one. */
static struct dlog_force *take_force(struct dlog_forces *forces, const struct dlog_record *record)
{
    for (size_t i = forces->count; i-- > 0;) {
        if (!is_copy(&forces->list[i], record))
            continue;
        struct dlog_force moved = forces->list[i];
        memmove(forces->list + i, forces->list + i + 1, (forces->count - 1 - i) * sizeof *forces->list);
        forces->list[forces->count - 1] = moved;
        return &forces->list[forces->count - 1];
    }
    if (forces->count == forces->cap) {
        size_t cap = forces->cap ? 2 * forces->cap : 8;
        struct dlog_force *bigger = realloc(forces->list, cap * sizeof *bigger);
        if (!bigger)
            return NULL;
        forces->list = bigger;
        forces->cap = cap;
    }
    struct dlog_force *kept = &forces->list[forces->count++];
    memset(kept, 0, sizeof *kept);
    return kept;
}

bool dlog_forces_apply(struct dlog_forces *forces, const struct dlog_record *record)
{
    struct dlog_force *kept;
    size_t left = 0;
    switch (record->type) {
    case DLOG_FORCE:
        kept = take_force(forces, record);
        if (kept)
            kept->force = *record;
        return kept != NULL;
    case DLOG_FORCED:
        kept = dlog_forces_find(forces, record);
        if (kept)
            kept->forced = *record;
        return true;
    case DLOG_FORGET:
        for (size_t i = 0; i < forces->count; i++)
            if (!speaks_of(&forces->list[i], record))
                forces->list[left++] = forces->list[i];
        forces->count = left;
        return true;
    default:
        return true;
    }
}

void dlog_forces_visit(const struct dlog_forces *forces, dlog_force_visit visit, void *arg)
{
    for (size_t i = 0; i < forces->count; i++) {
        const struct dlog_force *kept = &forces->list[i];
        visit(arg, &kept->force, kept->forced.type == DLOG_FORCED ? &kept->forced : NULL);
    }
}

void dlog_forces_free(struct dlog_forces *forces)
{
    free(forces->list);
    *forces = (struct dlog_forces){0};
}

void dlog_forces_decided(struct dlog_forces *forces, const struct dlog_record *commit,
                         const struct dlog_record *done)
{
    for (size_t i = 0; i < forces->count; i++) {
        struct dlog_force *kept = &forces->list[i];
        if (!gtrid_equal(&kept->force.gtrid, &commit->gtrid))
            continue;
        kept->commit = *commit;
        kept->done = done ? *done : (struct dlog_record){.type = DLOG_NONE};
    }
}

/* Several branches of one transaction may be forced; its decision is kept once. */
static bool first_of_gtrid(const struct dlog_forces *forces, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (gtrid_equal(&forces->list[k].force.gtrid, &forces->list[i].force.gtrid))
            return false;
    return true;
}

static bool place_decision(struct dlog *dlog, const struct dlog_force *kept, struct dlog_bytes *head)
{
    struct dlog_record commit = kept->commit, done = kept->done;
    if (commit.type != DLOG_COMMIT || dlog_table_find(&dlog->live, &commit.gtrid))
        return true;            /* none, or it is copied as an undischarged one */
    if (done.type == DLOG_NONE) /* discharged before it was forced: when exactly has not been looked for */
        done = (struct dlog_record){.type = DLOG_DONE,
                                    .epoch = kept->force.epoch,
                                    .wall_ms = kept->force.wall_ms,
                                    .gtrid = commit.gtrid};
    return dlog_place(dlog, &commit, head) && dlog_place(dlog, &done, head);
}

bool dlog_place_forces(struct dlog *dlog, struct dlog_bytes *head)
{
    const struct dlog_forces *forces = &dlog->forces;
    for (size_t i = 0; i < forces->count; i++) {
        struct dlog_record force = forces->list[i].force, forced = forces->list[i].forced;
        if (!dlog_place(dlog, &force, head) || (forced.type && !dlog_place(dlog, &forced, head)))
            return false;
    }
    for (size_t i = 0; i < forces->count; i++)
        if (first_of_gtrid(forces, i) && !place_decision(dlog, &forces->list[i], head))
            return false;
    return true;
}
