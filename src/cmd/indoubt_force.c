#include "config.h"

#include "indoubt.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/command.h"
#include "xatop/dlog.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/money.h"
#include "xatop/runtime.h"
#include "xatop/scenario.h"
#include "xatop/text.h"

enum { SQL_CAP = 8192 };

/* What would bring the transaction to one end everywhere: towards the decision, and without one towards what can be done. */
static bool redo_wanted(const struct force_report *r)
{
    for (unsigned b = 0; b < r->branch_count; b++)
        if (r->branches[b].fate == FATE_ROLLED_BACK && r->branches[b].effect_count == 0)
            return false; /* nothing tells any more what it did */
    return r->decision == DECISION_COMMIT || (r->decision == DECISION_UNKNOWN && r->committed);
}

static bool to_compensate(const struct force_report *r, unsigned b, bool redo)
{
    enum branch_fate fate = r->branches[b].fate;
    return r->outcome == FORCED_MIXED && r->branches[b].effect_count > 0 &&
           (redo ? fate == FATE_ROLLED_BACK : fate == FATE_COMMITTED);
}

struct result {
    const struct force_report *force;
    struct report report;
    const char *xid, *reason;
    bool commit;
};

static void compensation(const struct force_report *r, unsigned b, bool redo, char sql[SQL_CAP])
{
    struct text text;
    text_init(&text, sql, SQL_CAP);
    effects_compensation(r->branches[b].effects, r->branches[b].effect_count, redo, b == 0 ? &r->key : NULL,
                         &text);
    xatop_assert(!text.truncated);
}

static void print_json(struct app *app, const struct result *result)
{
    const struct force_report *r = result->force;
    bool redo = redo_wanted(r);
    struct json json;
    json_begin(&json, app->out);
    json_string(&json, "xid", result->xid);
    json_string(&json, "node", app->configuration.nodes[r->node].name);
    json_string(&json, "forced", result->commit ? "commit" : "rollback");
    json_bool(&json, "logged", r->logged);
    json_string(&json, "decision", decision_name((int)r->decision));
    json_string(&json, "outcome", forced_outcome_name(r->outcome));
    json_string(&json, "reason", result->reason);
    json_array(&json, "branches");
    for (unsigned b = 0; b < r->branch_count; b++) {
        uint8_t node = r->branches[b].node;
        json_object(&json, NULL);
        json_int(&json, "branch", b + 1);
        json_string(&json, "node",
                    node < app->configuration.node_count ? app->configuration.nodes[node].name : NULL);
        json_string(&json, "state", branch_fate_name((int)r->branches[b].fate));
        json_close(&json, '}');
    }
    json_close(&json, ']');
    if (r->gap_known) {
        json_money(&json, "money_gap", r->money_gap);
        json_int(&json, "stock_gap", r->stock_gap);
    } else {
        json_null(&json, "money_gap");
        json_null(&json, "stock_gap");
    }
    json_array(&json, "compensation");
    for (unsigned b = 0; b < r->branch_count; b++) {
        char sql[SQL_CAP];
        if (!to_compensate(r, b, redo))
            continue;
        compensation(r, b, redo, sql);
        json_object(&json, NULL);
        json_string(&json, "node", app->configuration.nodes[r->branches[b].node].name);
        json_string(&json, "sql", sql);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_finish(&json);
}

static void print_text(struct app *app, const struct result *result)
{
    const struct force_report *r = result->force;
    bool redo = redo_wanted(r);
    char money[24];
    app_say(app, _("%s on %s: %s by hand: %s"), result->xid, app->configuration.nodes[r->node].name,
            result->commit ? _("commit") : _("rollback"), forced_outcome_words(r->outcome));
    if (!r->logged)
        app_say(app, _("recovery would have done the same: nothing was forced"));
    app_say(app, "  %s", result->report.reason);
    if (r->outcome == FORCED_AS_DECIDED)
        return;
    if (!r->gap_known)
        app_say(app, _("by how much the books are off cannot be told yet"));
    else
        app_say(app, _("the books of all nodes together are off by %s in money and %lld pieces"),
                money_format(r->money_gap, money, sizeof money), (long long)r->stock_gap);
    for (unsigned b = 0; b < r->branch_count; b++) {
        char sql[SQL_CAP];
        if (!to_compensate(r, b, redo))
            continue;
        compensation(r, b, redo, sql);
        app_say(app, _("on %s, this would put it right; nothing here runs it:"),
                app->configuration.nodes[r->branches[b].node].name);
        app_say(app, "  %s", sql);
    }
    if (r->outcome == FORCED_MIXED && r->decision == DECISION_NONE)
        app_say(app, _("or finish its other branches the same way: recovery leaves them alone now"));
    app_say(app, _("kept until: xatop indoubt forget %s"), result->xid);
}

/* A line of the program log is short: a statement a line. */
static void log_statements(const char *node, const char *sql)
{
    while (*sql) {
        size_t length = strcspn(sql, ";");
        program_log(LOG_LEVEL_WARNING, "would compensate on %s: %.*s;", node, (int)length, sql);
        sql += length;
        sql += strspn(sql, "; ");
    }
}

/* What people may need later, when the screen is gone. */
static void keep_in_program_log(struct app *app, const struct result *result)
{
    const struct force_report *r = result->force;
    bool redo = redo_wanted(r);
    program_log(r->outcome == FORCED_AS_DECIDED ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                "indoubt %s %s: %s: %s", result->commit ? "commit" : "rollback", result->xid,
                forced_outcome_name(r->outcome), result->reason);
    for (unsigned b = 0; b < r->branch_count; b++) {
        char sql[SQL_CAP];
        if (!to_compensate(r, b, redo))
            continue;
        compensation(r, b, redo, sql);
        log_statements(app->configuration.nodes[r->branches[b].node].name, sql);
    }
}

static enum status ask(struct app *app, struct command *command, struct result *result)
{
    struct runtime *runtime;
    enum status status = runtime_start(app, RUNTIME_MANUAL_RECOVERY, &runtime);
    if (status != STATUS_OK)
        return status;
    runtime_ask(runtime, command, &result->report, NULL);
    runtime_stop(runtime, 0);
    const struct report *report = &result->report;
    status = report->status;
    if (command->act == FORCE_FORGET) {
        if (status == STATUS_OK)
            program_log(LOG_LEVEL_WARNING, "indoubt forget %s", result->xid);
    } else if (command->force->outcome != FORCED_NONE) {
        (app->json ? print_json : print_text)(app, result);
        keep_in_program_log(app, result);
    }
    if (status != STATUS_OK)
        err_set(&app->err, status, "indoubt: %s: %s", result->xid,
                report->reason[0] ? report->reason : status_words(status));
    return status;
}

/* @word as typed. */
static enum status read_xid(struct app *app, const char *word, struct xid *xid, char *printed, size_t cap)
{
    struct gtrid gtrid;
    unsigned branch;
    struct text text;
    if (!xid_scan(word, xid)) {
        char clean[200];
        text_sanitise_cstr(clean, sizeof clean, word);
        return err_set(&app->err, STATUS_USAGE,
                       _("indoubt: %s: is no xid: GTRID/bN or X'hex',X'hex',format, as the list prints it"),
                       clean);
    }
    text_init(&text, printed, cap);
    xid_print(xid, &text);
    const char *maker = xid_maker(xid);
    if (!xid_parse(xid, &gtrid, &branch))
        return err_set(&app->err, STATUS_REFUSED, _("indoubt: %s: is foreign (%s): never touched from here"),
                       printed, maker ? maker : _("maker not known"));
    if (strcmp(gtrid.coordinator, app->configuration.coordinator) != 0)
        return err_set(&app->err, STATUS_REFUSED,
                       _("indoubt: %s: is foreign (xatop, coordinator '%s'): never touched from here"),
                       printed, gtrid.coordinator);
    return STATUS_OK;
}

enum status indoubt_force(struct app *app, enum force_act act, const char *word, const char *reason,
                          bool against)
{
    static struct force_report force;
    struct command command = {.kind = COMMAND_FORCE,
                              .wait_ms = app->configuration.wait_s * 1000,
                              .act = act,
                              .against = against,
                              .force = &force};
    char printed[300];
    struct result result = {
        .force = &force, .xid = printed, .reason = command.note, .commit = act == FORCE_COMMIT};
    enum status status = app_may_change(app, "indoubt");
    if (status == STATUS_OK)
        status = read_xid(app, word, &command.xid, printed, sizeof printed);
    if (status != STATUS_OK)
        return status;
    if (act != FORCE_FORGET && (!reason || strspn(reason, " \t") == strlen(reason)))
        return err_set(&app->err, STATUS_USAGE, _("indoubt: a reason is needed: --reason TEXT"));
    if (reason && strlen(reason) >= sizeof command.note)
        return err_set(&app->err, STATUS_USAGE, _("indoubt: the reason is too long: at most %d bytes"),
                       (int)sizeof command.note - 1);
    if (reason)
        text_sanitise_cstr(command.note, sizeof command.note, reason);
    force = (struct force_report){.outcome = FORCED_NONE};
    return ask(app, &command, &result);
}
