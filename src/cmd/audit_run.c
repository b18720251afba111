#include "config.h"

#include "audit_run.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"
#include "xatop/text.h"

enum { MISSING_MAX = 65536, TRIES = 5 };

/* What one node knows as verified is true on all of them, and was before any of the snapshots. */
static bool read_floors(struct inspection *nodes, struct audit_floors *floors)
{
    bool room = true;
    floors->count = 0;
    for (uint8_t i = 0; i < nodes->count; i++) {
        struct audit_floors here;
        if (!nodes->admins[i])
            continue;
        if (node_admin_floors(nodes->admins[i], &here, &nodes->errors[i]) == STATUS_OK)
            room &= audit_floors_join(floors, &here);
        else
            inspect_lost(nodes, i);
    }
    return room;
}

/* False: while it read, markers above the floors were removed: what it holds is not comparable. */
static bool read_snapshots(struct inspection *nodes, const struct audit_floors *floors,
                           struct audit_snapshot *snapshots)
{
    bool whole = true;
    for (uint8_t i = 0; i < nodes->count; i++) {
        audit_snapshot_free(&snapshots[i]);
        if (!nodes->admins[i])
            continue;
        if (node_admin_snapshot(nodes->admins[i], floors, &snapshots[i], &nodes->errors[i]) != STATUS_OK) {
            audit_snapshot_free(&snapshots[i]);
            inspect_lost(nodes, i);
        } else {
            whole &= !audit_floors_overtaken(floors, &snapshots[i].floors);
        }
    }
    return whole;
}

static enum status read_books(struct app *app, struct inspection *nodes, struct audit_snapshot *snapshots)
{
    struct audit_floors floors;
    for (int i = 0; i < TRIES; i++) {
        if (!read_floors(nodes, &floors))
            return err_set(&app->err, STATUS_NODE, _("the nodes know too many decision logs"));
        if (read_snapshots(nodes, &floors, snapshots))
            return STATUS_OK;
    }
    return err_set(&app->err, STATUS_NODE,
                   _("markers were removed faster than they could be read: raise retention_s"));
}

static bool is_listed(const struct audit_missing *missing, const struct prepared *prepared, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char gtrid[XATOP_GTRID_MAX + 1];
        if (!prepared[i].parsed || prepared[i].branch != missing->branch)
            continue;
        gtrid_print(&prepared[i].gtrid, gtrid);
        if (strcmp(gtrid, missing->gtrid) == 0)
            return true;
    }
    return false;
}

/* Does any node hold the marker now? A node that does not answer leaves it open: @unknown. */
static bool has_appeared(struct inspection *nodes, const struct audit_missing *missing, bool *unknown)
{
    for (uint8_t i = 0; i < nodes->count; i++) {
        bool present = false;
        if (!nodes->admins[i])
            *unknown = true;
        else if (node_admin_marker(nodes->admins[i], missing->gtrid, missing->branch, &present,
                                   &nodes->errors[i]) != STATUS_OK) {
            inspect_lost(nodes, i);
            *unknown = true;
        }
        if (present)
            return true;
    }
    return false;
}

/* COMMITs in the log without their DONE: what the coordinator still owes to some node. */
struct owed {
    struct gtrid *gtrids;
    size_t count, cap;
    bool failed;
};

static bool visit_owed(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    struct owed *owed = arg;
    (void)segment, (void)offset;
    size_t i = owed->count;
    while (i > 0 &&
           !gtrid_equal(&owed->gtrids[i - 1], &record->gtrid)) /* from the end: a DONE follows soon */
        i--;
    if (record->type == DLOG_COMMIT && i == 0) {
        if (owed->count == owed->cap) {
            size_t cap = owed->cap ? 2 * owed->cap : 256;
            struct gtrid *grown = realloc(owed->gtrids, cap * sizeof *grown);
            owed->failed = !grown;
            if (owed->failed)
                return false;
            owed->gtrids = grown;
            owed->cap = cap;
        }
        owed->gtrids[owed->count++] = record->gtrid;
    } else if (i > 0 && (record->type == DLOG_DONE || record->type == DLOG_ABORT)) {
        owed->gtrids[i - 1] = owed->gtrids[--owed->count];
    }
    return true;
}

static bool is_owed(const struct owed *owed, const struct audit_missing *missing)
{
    struct gtrid gtrid;
    if (!gtrid_parse(missing->gtrid, strlen(missing->gtrid), &gtrid))
        return false;
    for (size_t i = 0; i < owed->count; i++)
        if (gtrid_equal(&owed->gtrids[i], &gtrid))
            return true;
    return false;
}

/* Rolled back by hand: whatever is still owed to it will not come. */
static bool was_forced(const struct audit_run *run, const struct audit_missing *missing)
{
    for (uint32_t i = 0; i < run->force_count; i++) {
        const struct dlog_record *force = &run->forces[i].force;
        char gtrid[XATOP_GTRID_MAX + 1];
        gtrid_print(&force->gtrid, gtrid);
        if (!force->commit && force->branches[0].branch == missing->branch &&
            strcmp(gtrid, missing->gtrid) == 0)
            return true;
    }
    return false;
}

/* First what is owed, then who is listed, then the markers again: what was not owed any more had been told everywhere, so its
 * marker is seen by the later look; the other order would call a commit torn that ends between two looks. */
static enum status look_again(struct app *app, struct inspection *nodes, const struct log_view *log,
                              struct audit_run *run)
{
    uint32_t count = 0;
    struct owed owed = {0};
    enum status status = log_view_visit(app, visit_owed, &owed);
    if (status == STATUS_OK)
        status = log_view_forces(app, &run->forces, &run->force_count);
    struct prepared *prepared = status == STATUS_OK ? inspect_prepared(app, nodes, log, &count) : NULL;
    if (status == STATUS_OK && (!prepared || owed.failed))
        status = err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    for (uint32_t i = 0; status == STATUS_OK && i < run->missing_count; i++) {
        struct audit_missing *missing = &run->missing[i];
        bool unknown = false;
        if (has_appeared(nodes, missing, &unknown))
            missing->verdict = MISSING_APPEARED;
        else if (is_listed(missing, prepared, count))
            missing->verdict = MISSING_PREPARED;
        else if (was_forced(run, missing))
            missing->verdict = unknown ? MISSING_UNDISCHARGED : MISSING_TORN;
        else if (is_owed(&owed, missing))
            missing->verdict = MISSING_UNDISCHARGED;
        else if (!unknown)
            missing->verdict = MISSING_TORN;
    }
    free(owed.gtrids);
    free(prepared);
    return status;
}

enum status audit_run(struct app *app, struct inspection *nodes, const struct log_view *log,
                      struct audit_run *out)
{
    struct audit_snapshot snapshots[XATOP_NODES_MAX] = {0};
    enum status status = STATUS_OK;
    *out = (struct audit_run){.missing = calloc(MISSING_MAX, sizeof *out->missing)};
    if (!out->missing)
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    status = read_books(app, nodes, snapshots);
    if (status != STATUS_OK)
        goto end;
    out->missing_count = audit_find_missing(snapshots, nodes->count, out->missing, MISSING_MAX);
    if (out->missing_count == MISSING_MAX) /* a torn one may stand behind them */
        status = err_set(&app->err, STATUS_INTERNAL,
                         _("audit: over %d incomplete transactions: too many to look at"), MISSING_MAX);
    /* With a node away nearly every transaction misses a branch, and nothing can be said of it: no second look. */
    if (status == STATUS_OK && out->missing_count > 0 && nodes->reached == nodes->count)
        status = look_again(app, nodes, log, out);
    audit_judge(snapshots, nodes->count, out->missing, out->missing_count, &out->result);
end:
    for (uint8_t i = 0; i < nodes->count; i++) {
        if (!nodes->admins
                 [i]) { /* also if it was lost after its snapshot: then the second look is not whole */
            out->result.unreachable |= (uint16_t)(1u << i);
            out->result.ok = false;
        }
        audit_snapshot_free(&snapshots[i]);
    }
    return status;
}

const struct kept_force *audit_run_forced(const struct audit_run *run, const char *gtrid)
{
    for (uint32_t i = 0; i < run->force_count; i++) {
        char known[XATOP_GTRID_MAX + 1];
        gtrid_print(&run->forces[i].force.gtrid, known);
        if (strcmp(known, gtrid) == 0)
            return &run->forces[i];
    }
    return NULL;
}

void audit_run_free(struct audit_run *run)
{
    free(run->missing);
    free(run->forces);
    *run = (struct audit_run){0};
}
