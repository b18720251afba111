#include "config.h"

#include "run_scenario.h"

#include <inttypes.h>
#include <string.h>

#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/text.h"
#include "xatop/vocab.h"

static enum status check_key(struct app *app, const char *key)
{
    size_t len = strlen(key);
    if (len == 0 || len > XATOP_KEY_MAX)
        return err_set(&app->err, STATUS_USAGE, _("--id: wrong length; 1 to %d bytes"), XATOP_KEY_MAX);
    for (const char *p = key; *p; p++)
        if (*p <= 0x20 || *p >= 0x7f)
            return err_set(&app->err, STATUS_USAGE,
                           _("--id: only printable ASCII without blanks is allowed"));
    return STATUS_OK;
}

static enum status check_params(struct app *app, const char *command, const struct scenario_params *params)
{
    struct err err = {0};
    enum status status = scenario_by_command(command, NULL)->check(params, &err);
    return status == STATUS_OK ? STATUS_OK : err_set(&app->err, status, "%s: %s", command, err.text);
}

static void print_json(struct app *app, const struct report *report)
{
    struct json json;
    json_begin(&json, app->out);
    json_string(&json, "gtrid", report->gtrid[0] ? report->gtrid : NULL);
    json_string(&json, "outcome", outcome_name(report->outcome));
    json_string(&json, "reason", report->reason);
    json_bool(&json, "repeated", report->repeated);
    json_int(&json, "retries", report->retries);
    json_ms(&json, "elapsed_ms", report->elapsed_us);
    json_array(&json, "branches");
    for (uint8_t b = 0; b < report->branch_count; b++) {
        char xid[300];
        struct text text;
        text_init(&text, xid, sizeof xid);
        xid_print(&report->branches[b].xid, &text);
        json_object(&json, NULL);
        json_string(&json, "node", app->configuration.nodes[report->branches[b].node].name);
        json_string(&json, "xid", xid);
        json_string(&json, "state", branch_state_name((int)report->branches[b].state));
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_finish(&json);
}

void print_report(struct app *app, const struct report *report)
{
    if (app->json) {
        print_json(app, report);
        return;
    }
    /* why it was not committed stands on standard error, once */
    app_say(app, _("%s %s in %.1f ms%s"), report->gtrid[0] ? report->gtrid : _("nothing was begun:"),
            outcome_name(report->outcome), (double)report->elapsed_us / 1000,
            report->repeated ? _(" (answered before)") : "");
    for (uint8_t b = 0; b < report->branch_count && app->verbose; b++)
        app_say(app, "  b%d %-10s %s", b + 1, app->configuration.nodes[report->branches[b].node].name,
                branch_state_name((int)report->branches[b].state));
}

enum status run_one(struct app *app, struct runtime *runtime, const char *command,
                    const struct scenario_params *params, const char *key, struct report *report)
{
    struct command wish = {
        .kind = COMMAND_RUN, .params = *params, .wait_ms = app->configuration.wait_s * 1000};
    xatop_assert(scenario_by_command(command, &wish.scenario));
    text_copy(wish.key, sizeof wish.key, key ? key : "");
    wish.packet = app->globals[GLOBAL_wire].number == 1;
    runtime_ask(runtime, &wish, report, NULL);
    program_log(LOG_LEVEL_INFO, "%s: %s %s %s", command, report->gtrid, outcome_name(report->outcome),
                report->reason);
    if (report->status == STATUS_OK)
        return STATUS_OK;
    return err_set(&app->err, report->status, "%s: %s%s%s", command, outcome_name(report->outcome),
                   report->reason[0] ? ": " : "", report->reason);
}

enum status run_scenario(struct app *app, const char *command, const struct scenario_params *params,
                         const char *key)
{
    struct runtime *runtime;
    struct report report;
    enum status status = app_may_change(app, command);
    if (status == STATUS_OK && key)
        status = check_key(app, key);
    if (status == STATUS_OK)
        status = check_params(app, command, params);
    if (status == STATUS_OK)
        status = runtime_start(app, 0, &runtime);
    if (status != STATUS_OK)
        return status;
    status = run_one(app, runtime, command, params, key, &report);
    if (report.outcome != OUTCOME_NONE &&
        status != STATUS_USAGE) /* a key of another request: not this one's outcome */
        print_report(app, &report);
    runtime_stop(runtime, 0);
    return status;
}
