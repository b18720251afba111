#include "config.h"

#include "audit_run.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"
#include "xatop/text.h"

enum { MISSING_MAX = 65536 };

static void read_snapshots(struct inspection *nodes, struct audit_snapshot *snapshots)
{
    for (uint8_t i = 0; i < nodes->count; i++)
        if (nodes->admins[i] &&
            node_admin_snapshot(nodes->admins[i], &snapshots[i], &nodes->errors[i]) != STATUS_OK) {
            audit_snapshot_free(&snapshots[i]);
            inspect_lost(nodes, i);
        }
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

/* A COMMIT in the log without its DONE: the coordinator still owes it to some node. */
static bool is_owed(struct app *app, const struct audit_missing *missing)
{
    enum { RECORDS = 8 };
    static struct dlog_record records[RECORDS];
    struct gtrid gtrid;
    unsigned count = 0;
    if (!gtrid_parse(missing->gtrid, strlen(missing->gtrid), &gtrid) ||
        log_view_find(app, &gtrid, records, RECORDS, &count) != STATUS_OK)
        return false;
    return count > 0 && records[count - 1].type == DLOG_COMMIT;
}

/* First who is listed, then the markers again: a branch is prepared before its marker is seen, never the reverse. */
static enum status look_again(struct app *app, struct inspection *nodes, const struct log_view *log,
                              struct audit_run *run)
{
    uint32_t count = 0;
    struct prepared *prepared = inspect_prepared(app, nodes, log, &count);
    if (!prepared)
        return STATUS_INTERNAL;
    for (uint32_t i = 0; i < run->missing_count; i++) {
        struct audit_missing *missing = &run->missing[i];
        bool unknown = false;
        if (has_appeared(nodes, missing, &unknown))
            missing->verdict = MISSING_APPEARED;
        else if (is_listed(missing, prepared, count))
            missing->verdict = MISSING_PREPARED;
        else if (is_owed(app, missing))
            missing->verdict = MISSING_UNDISCHARGED;
        else if (!unknown)
            missing->verdict = MISSING_TORN;
    }
    free(prepared);
    return STATUS_OK;
}

enum status audit_run(struct app *app, struct inspection *nodes, const struct log_view *log,
                      struct audit_run *out)
{
    struct audit_snapshot snapshots[XATOP_NODES_MAX] = {0};
    enum status status = STATUS_OK;
    *out = (struct audit_run){.missing = calloc(MISSING_MAX, sizeof *out->missing)};
    if (!out->missing)
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    read_snapshots(nodes, snapshots);
    out->missing_count = audit_find_missing(snapshots, nodes->count, out->missing, MISSING_MAX);
    if (out->missing_count > 0)
        status = look_again(app, nodes, log, out);
    audit_judge(snapshots, nodes->count, out->missing, out->missing_count, &out->result);
    for (uint8_t i = 0; i < nodes->count; i++)
        audit_snapshot_free(&snapshots[i]);
    return status;
}

void audit_run_free(struct audit_run *run)
{
    free(run->missing);
    *run = (struct audit_run){0};
}
