#include "config.h"

#include "inspect.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

/* --- nodes ----------------------------------------------------------------- */

struct inspection *inspect_open(struct app *app, bool create_database)
{
    struct inspection *inspection = calloc(1, sizeof *inspection);
    if (!inspection) {
        err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
        return NULL;
    }
    if (access_load(app, &inspection->access) != STATUS_OK ||
        node_mysql_library_init(&app->err) != STATUS_OK) {
        access_wipe(&inspection->access);
        free(inspection);
        return NULL;
    }
    inspection->count = inspection->access.count;
    for (uint8_t i = 0; i < inspection->count; i++) {
        int64_t deadline_ms = clock_mono_ms() + app->configuration.connect_timeout_ms;
        if (node_admin_open(&inspection->admins[i], &inspection->access.nodes[i], create_database,
                            deadline_ms, &inspection->errors[i]) == STATUS_OK)
            inspection->reached++;
        else
            inspection->admins[i] = NULL;
    }
    return inspection;
}

void inspect_close(struct inspection *inspection)
{
    for (uint8_t i = 0; i < inspection->count; i++)
        node_admin_close(inspection->admins[i]);
    node_mysql_library_end();
    access_wipe(&inspection->access);
    free(inspection);
}

void inspect_deadline(struct inspection *inspection, int64_t ms)
{
    for (uint8_t i = 0; i < inspection->count; i++)
        if (inspection->admins[i])
            node_admin_deadline(inspection->admins[i], clock_mono_ms() + ms);
}

void inspect_lost(struct inspection *inspection, uint8_t node)
{
    node_admin_close(inspection->admins[node]);
    inspection->admins[node] = NULL;
    inspection->reached--;
}

enum status inspect_all_reached(struct app *app, const struct inspection *inspection)
{
    for (uint8_t i = 0; i < inspection->count; i++)
        if (!inspection->admins[i]) {
            app->err = inspection->errors[i];
            return app->err.status;
        }
    return STATUS_OK;
}

/* --- decision log ---------------------------------------------------------- */

void log_view_dir(const struct app *app, char *out, size_t cap)
{
    snprintf(out, cap, "%s/dlog", app->state_dir);
}

/* False: there is no log directory. */
static bool open_log(struct app *app, struct disk *disk, enum status *status)
{
    char dir[sizeof app->state_dir + 8];
    log_view_dir(app, dir, sizeof dir);
    *status = STATUS_OK;
    if (access(dir, F_OK) != 0)
        return false;
    *status = disk_file_open(disk, dir, true, &app->err);
    return *status == STATUS_OK;
}

enum status log_view_read(struct app *app, struct log_view *out)
{
    struct disk disk;
    enum status status;
    char dir[sizeof app->state_dir + 8];
    *out = (struct log_view){0};
    if (!open_log(app, &disk, &status))
        return status;
    status = dlog_scan(&disk, NULL, NULL, &out->scan, &app->err);
    disk_file_close(&disk);
    log_view_dir(app, dir, sizeof dir);
    out->present = out->scan.records > 0;
    out->holder = disk_file_holder(dir);
    return status;
}

struct search {
    const struct gtrid *gtrid;
    struct dlog_record *out;
    unsigned cap, count;
};

static bool visit_same(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    struct search *search = arg;
    bool decision = record->type == DLOG_COMMIT || record->type == DLOG_DONE || record->type == DLOG_ABORT;
    if (decision && gtrid_equal(&record->gtrid, search->gtrid) && search->count < search->cap)
        search->out[search->count++] = *record;
    return true;
}

enum status log_view_visit(struct app *app,
                           bool (*visit)(void *arg, const struct dlog_record *record, const char *segment,
                                         uint64_t offset),
                           void *arg)
{
    struct dlog_scan_result result;
    struct disk disk;
    enum status status;
    if (!open_log(app, &disk, &status))
        return status;
    status = dlog_scan(&disk, visit, arg, &result, &app->err);
    disk_file_close(&disk);
    return status;
}

enum status log_view_find(struct app *app, const struct gtrid *gtrid, struct dlog_record *out, unsigned cap,
                          unsigned *count)
{
    struct search search = {.gtrid = gtrid, .out = out, .cap = cap};
    enum status status = log_view_visit(app, visit_same, &search);
    *count = search.count;
    return status;
}

struct keeping {
    struct kept_force *list;
    uint32_t count, cap;
    bool out_of_memory;
};

static void keep_force(void *arg, const struct dlog_record *force, const struct dlog_record *forced)
{
    struct keeping *keeping = arg;
    if (keeping->count == keeping->cap) {
        uint32_t cap = keeping->cap ? 2 * keeping->cap : 16;
        struct kept_force *grown = realloc(keeping->list, cap * sizeof *grown);
        keeping->out_of_memory |= !grown;
        if (!grown)
            return;
        keeping->list = grown;
        keeping->cap = cap;
    }
    struct kept_force *kept = &keeping->list[keeping->count++];
    kept->force = *force;
    kept->forced = forced ? *forced : (struct dlog_record){.type = DLOG_NONE};
}

enum status log_view_forces(struct app *app, struct kept_force **out, uint32_t *count)
{
    struct keeping keeping = {0};
    struct disk disk;
    enum status status;
    *out = NULL;
    *count = 0;
    if (!open_log(app, &disk, &status))
        return status;
    status = dlog_scan_forces(&disk, keep_force, &keeping, &app->err);
    disk_file_close(&disk);
    *out = keeping.list;
    *count = keeping.count;
    if (status == STATUS_OK && keeping.out_of_memory)
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    return status;
}

void kept_force_xid(const struct kept_force *kept, struct xid *out)
{
    xid_make(out, &kept->force.gtrid, kept->force.branches[0].branch);
}

void kept_xid_text(const struct kept_force *kept, char *out, size_t cap)
{
    struct xid xid;
    struct text text;
    kept_force_xid(kept, &xid);
    text_init(&text, out, cap);
    xid_print(&xid, &text);
}

/* --- prepared branches ----------------------------------------------------- */

static void fill_prepared(struct prepared *p, const struct xid *xid, uint8_t node, const struct app *app,
                          const struct log_view *log)
{
    *p = (struct prepared){.xid = *xid, .node = node};
    p->parsed = xid_parse(xid, &p->gtrid, &p->branch);
    /* without a log of ours no branch is ours */
    p->owner = xid_owner(xid, app->configuration.coordinator, log->present ? log->scan.log_id : 0);
}

struct prepared *inspect_prepared(struct app *app, struct inspection *inspection, const struct log_view *log,
                                  uint32_t *count)
{
    struct prepared *all = calloc(1, sizeof *all);
    *count = 0;
    for (uint8_t i = 0; i < inspection->count && all; i++) {
        struct xid *xids = NULL;
        uint32_t here = 0, total = 0;
        if (!inspection->admins[i])
            continue;
        if (node_admin_scan(inspection->admins[i], &xids, &here, &total, &inspection->errors[i]) !=
            STATUS_OK) {
            inspect_lost(inspection, i);
        } else {
            struct prepared *grown = realloc(all, (*count + here + 1) * sizeof *all);
            if (!grown)
                free(all);
            all = grown;
            for (uint32_t x = 0; x < here && all; x++)
                fill_prepared(&all[(*count)++], &xids[x], i, app, log);
        }
        free(xids);
    }
    if (!all)
        err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    return all;
}
