/* What became of one transaction: the log decides, markers and lists of prepared branches are the witnesses. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "xatop/books.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/text.h"
#include "xatop/vocab.h"

const struct option_spec cmd_show_options[] = {{0}};

enum { SHOW_DEADLINE_MS = 30000, RECORDS_MAX = 8, EVIDENCE_MAX = 64 };

struct finding_row {
    int node; /* -1: not known */
    bool marker, listed;
};

struct case_file {
    struct gtrid gtrid;
    char gtrid_text[XATOP_GTRID_MAX + 1];
    struct dlog_record records[RECORDS_MAX];
    unsigned record_count;
    bool commit; /* the last word of the log is COMMIT or DONE */
    bool in_flight_possible, unreachable;
    bool verified, removed; /* at or below the floor; its markers may be gone from some node */
    unsigned branch_count;
    struct finding_row branches[XATOP_BRANCHES_MAX];
    enum outcome outcome;
    unsigned evidence_count;
    char evidence[EVIDENCE_MAX][XATOP_REASON_MAX];
};

__attribute__((format(printf, 2, 3))) static void note(struct case_file *file, const char *format, ...)
{
    if (file->evidence_count == EVIDENCE_MAX)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(file->evidence[file->evidence_count++], XATOP_REASON_MAX, format, args);
    va_end(args);
}

static void read_records(struct case_file *file, const struct configuration *configuration)
{
    for (unsigned i = 0; i < file->record_count; i++) {
        const struct dlog_record *r = &file->records[i];
        note(file, _("decision log: %s, lsn %" PRIu64 ", epoch %u"), dlog_type_name(r->type), r->lsn,
             r->epoch);
        file->commit = r->type != DLOG_ABORT;
        for (unsigned b = 0; b < r->branch_count && r->type == DLOG_COMMIT; b++) {
            unsigned branch = r->branches[b].branch;
            if (branch < 1 || branch > XATOP_BRANCHES_MAX)
                continue;
            file->branches[branch - 1].node = configuration_find_node(configuration, r->branches[b].name);
            if (branch > file->branch_count)
                file->branch_count = branch;
        }
    }
    if (file->record_count == 0)
        note(file, _("decision log: no record"));
}

static void see(struct case_file *file, const struct inspection *nodes, unsigned branch, uint8_t node,
                bool marker)
{
    struct finding_row *row = &file->branches[branch - 1];
    row->node = node;
    *(marker ? &row->marker : &row->listed) = true;
    if (branch > file->branch_count)
        file->branch_count = branch;
    note(file, marker ? _("node %s: the marker of branch %u is there") : _("node %s: branch %u is prepared"),
         nodes->access.nodes[node].name, branch);
}

static void read_floor(struct case_file *file, struct inspection *nodes, uint8_t node)
{
    struct audit_floors floors;
    if (node_admin_floors(nodes->admins[node], &floors, &nodes->errors[node]) != STATUS_OK) {
        inspect_lost(nodes, node);
        return;
    }
    for (uint32_t i = 0; i < floors.count; i++) {
        const struct audit_floor *log = &floors.logs[i];
        if (strncmp(file->gtrid_text, log->origin, strlen(log->origin)) != 0)
            continue;
        file->verified |= strcmp(file->gtrid_text, log->finished) <= 0;
        if (strcmp(file->gtrid_text, log->pruned) < 0) {
            file->removed = true;
            note(file, _("node %s: markers of its age were removed"), nodes->access.nodes[node].name);
        }
    }
}

/* Listed first, markers after: a branch moves from one to the other, never back. */
static enum status read_nodes(struct app *app, struct case_file *file, struct inspection *nodes,
                              const struct log_view *log)
{
    uint32_t count = 0;
    struct prepared *prepared = inspect_prepared(app, nodes, log, &count);
    if (!prepared)
        return STATUS_INTERNAL;
    for (uint8_t i = 0; i < nodes->count; i++) {
        for (unsigned b = 1; b <= XATOP_BRANCHES_MAX && nodes->admins[i]; b++) {
            bool present = false;
            if (node_admin_marker(nodes->admins[i], file->gtrid_text, (uint8_t)b, &present,
                                  &nodes->errors[i]) != STATUS_OK)
                inspect_lost(nodes, i);
            else if (present)
                see(file, nodes, b, i, true);
        }
        if (nodes->admins[i]) /* last: what was removed meanwhile is known then */
            read_floor(file, nodes, i);
        if (!nodes->admins[i]) {
            file->unreachable = true;
            note(file, _("node %s: cannot be read: %s"), nodes->access.nodes[i].name, nodes->errors[i].text);
        }
    }
    for (uint32_t p = 0; p < count; p++)
        if (prepared[p].parsed && gtrid_equal(&prepared[p].gtrid, &file->gtrid) && prepared[p].branch >= 1 &&
            prepared[p].branch <= XATOP_BRANCHES_MAX && !file->branches[prepared[p].branch - 1].marker)
            see(file, nodes, prepared[p].branch, prepared[p].node, false);
    free(prepared);
    return STATUS_OK;
}

static void judge(struct case_file *file)
{
    bool all = file->branch_count > 0, any_marker = false, any_listed = false;
    for (unsigned b = 0; b < file->branch_count; b++) {
        all = all && file->branches[b].marker;
        any_marker = any_marker || file->branches[b].marker;
        any_listed = any_listed || file->branches[b].listed;
    }
    if (file->verified &&
        (file->commit || any_marker)) /* complete when it was verified, removed here or there since */
        file->outcome = OUTCOME_COMMITTED;
    else if (file->removed)
        file->outcome = OUTCOME_IN_DOUBT;
    else if (file->commit)
        file->outcome = all ? OUTCOME_COMMITTED : OUTCOME_COMMITTED_PENDING;
    else if (any_marker) /* no record: one phase, or the record has been retired since */
        file->outcome = all && !any_listed ? OUTCOME_COMMITTED : OUTCOME_IN_DOUBT;
    else if (any_listed)
        file->outcome = file->in_flight_possible ? OUTCOME_IN_DOUBT : OUTCOME_ABORTED_PENDING;
    else
        file->outcome = file->unreachable || file->in_flight_possible ? OUTCOME_IN_DOUBT : OUTCOME_ABORTED;
    if (file->outcome == OUTCOME_ABORTED && file->record_count == 0)
        note(file, _("no record and no trace on any node: presumed abort"));
    if (file->removed && file->outcome == OUTCOME_IN_DOUBT)
        note(file, _("it is finished on every node, but nothing tells any more whether it was committed"));
    if (file->in_flight_possible && !file->removed && (file->outcome == OUTCOME_IN_DOUBT))
        note(file, _("a coordinator of that epoch runs: it may be in flight"));
}

static const char *branch_word(const struct finding_row *row, const struct case_file *file)
{
    return row->marker                        ? "committed"
           : row->listed                      ? "prepared"
           : file->outcome == OUTCOME_ABORTED ? "rolled-back"
                                              : "unknown";
}

static void print(struct app *app, const struct case_file *file)
{
    struct json json;
    if (!app->json) {
        app_say(app, "%s: %s", file->gtrid_text, outcome_name(file->outcome));
        for (unsigned i = 0; i < file->evidence_count; i++)
            app_say(app, "  %s", file->evidence[i]);
        return;
    }
    json_begin(&json, app->out);
    json_string(&json, "gtrid", file->gtrid_text);
    json_string(&json, "outcome", outcome_name(file->outcome));
    json_array(&json, "branches");
    for (unsigned b = 0; b < file->branch_count; b++) {
        const struct finding_row *row = &file->branches[b];
        char name[XATOP_GTRID_MAX + 16];
        snprintf(name, sizeof name, "%s/b%u", file->gtrid_text, b + 1);
        json_object(&json, NULL);
        json_string(&json, "node", row->node >= 0 ? app->configuration.nodes[row->node].name : NULL);
        json_string(&json, "xid", name);
        json_string(&json, "state", branch_word(row, file));
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_array(&json, "evidence");
    for (unsigned i = 0; i < file->evidence_count; i++)
        json_string(&json, NULL, file->evidence[i]);
    json_close(&json, ']');
    json_finish(&json);
}

static enum status check_ours(struct app *app, const struct case_file *file, const struct log_view *log)
{
    if (!log->present)
        return err_set(&app->err, STATUS_USAGE, _("show: this state directory has no decision log"));
    if (strcmp(file->gtrid.coordinator, app->configuration.coordinator) != 0 ||
        file->gtrid.log_id != log->scan.log_id)
        return err_set(&app->err, STATUS_USAGE,
                       _("show: %s: another decision log made it, and only that one knows"),
                       file->gtrid_text);
    if (file->gtrid.epoch > log->scan.epoch)
        return err_set(&app->err, STATUS_USAGE, _("show: %s: this log is only at epoch %u"), file->gtrid_text,
                       log->scan.epoch);
    return STATUS_OK;
}

static enum status investigate(struct app *app, struct case_file *file)
{
    struct log_view log;
    enum status status = log_view_read(app, &log);
    if (status == STATUS_OK)
        status = check_ours(app, file, &log);
    if (status == STATUS_OK)
        status = log_view_find(app, &file->gtrid, file->records, RECORDS_MAX, &file->record_count);
    if (status != STATUS_OK)
        return status;
    for (unsigned b = 0; b < XATOP_BRANCHES_MAX; b++)
        file->branches[b].node = -1;
    file->in_flight_possible = log.holder != 0 && file->gtrid.epoch == log.scan.epoch;
    read_records(file, &app->configuration);
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return app->err.status;
    inspect_deadline(nodes, SHOW_DEADLINE_MS);
    status = read_nodes(app, file, nodes, &log);
    inspect_close(nodes);
    if (status != STATUS_OK)
        return status;
    judge(file);
    print(app, file);
    bool settled = file->outcome == OUTCOME_COMMITTED || file->outcome == OUTCOME_ABORTED;
    return settled ? STATUS_OK : STATUS_PENDING;
}

enum status cmd_show(struct app *app)
{
    if (app->word_count != 1)
        return err_set(&app->err, STATUS_USAGE, _("show: name one transaction; usage: xatop %s"),
                       app->command->usage);
    struct case_file *file = calloc(1, sizeof *file);
    if (!file)
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    const char *typed = app->words[0];
    enum status status = STATUS_OK;
    if (!gtrid_parse(typed, strcspn(typed, "/"), &file->gtrid)) {
        char clean[100];
        text_sanitise_cstr(clean, sizeof clean, typed);
        status = err_set(&app->err, STATUS_USAGE, _("show: \"%s\": is not a gtrid of xatop"), clean);
    } else {
        gtrid_print(&file->gtrid, file->gtrid_text);
        status = investigate(app, file);
    }
    free(file);
    return status;
}
