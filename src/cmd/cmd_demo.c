/* The told tour: real servers, real kills, and what the protocol makes of them. Money goes there and back. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit_run.h"
#include "lab_view.h"
#include "run_scenario.h"
#include "sample.h"
#include "xatop/access.h"
#include "xatop/i18n.h"
#include "xatop/text.h"
#include "xatop/vocab.h"

enum { OPT_PAUSE };

const struct option_spec cmd_demo_options[] = {
    [OPT_PAUSE] = {"pause", 'p', OPTION_FLAG, "", N_("wait for Enter before each step"), 0, 0, false},
    {0},
};

enum { AMOUNT = 50000, MUCH = 100000000000, HELD_MS = 4000, TOLD_AFTER_MS = 1000, AUDIT_MS = 60000 };

static const struct scenario_params there = {.n = {1001, 1002, AMOUNT}};
static const struct scenario_params back = {.n = {1002, 1001, AMOUNT}};
static const struct scenario_params overdraft = {.n = {1001, 1002, MUCH}};

static void step(struct app *app, int number, const char *words)
{
    app_say(app, "\n%d. %s", number, words);
    if (!app->values[OPT_PAUSE].given || app->json || !isatty(STDIN_FILENO))
        return;
    app_say(app, _("   (Enter)"));
    for (int c = getchar(); c != '\n' && c != EOF;)
        c = getchar();
}

/* Run one transaction and hold it to the outcome that the tour promises. */
static enum status expect(struct app *app, struct runtime *runtime, const struct scenario_params *params,
                          enum outcome outcome)
{
    struct report report;
    run_one(app, runtime, "transfer", params, NULL, &report);
    app_say(app, _("   %s: %s%s%s"), report.gtrid, outcome_name((int)report.outcome),
            report.reason[0] ? ": " : "", report.reason);
    if (report.outcome == outcome) {
        app->err = (struct err){0};
        return STATUS_OK;
    }
    return err_set(&app->err, report.status == STATUS_OK ? STATUS_INTERNAL : report.status,
                   _("demo: expected %s, got %s: %s"), outcome_name((int)outcome),
                   outcome_name((int)report.outcome), report.reason);
}

/* The second branch's XA COMMIT is held, the answer comes without it, and its node is killed meanwhile. */
static enum status kill_in_doubt(struct app *app, struct runtime *runtime)
{
    const char *name = app->configuration.nodes[0].name;
    struct command fault = {.kind = COMMAND_FAULT};
    struct report report;
    int64_t wait_s = app->configuration.wait_s;
    snprintf(fault.fault, sizeof fault.fault, "delay=%d@commit.sent:%s", HELD_MS, name);
    runtime_ask(runtime, &fault, &report, NULL);
    if (report.status != STATUS_OK)
        return err_set(&app->err, report.status, "demo: %s", report.reason);
    app->configuration.wait_s = TOLD_AFTER_MS / 1000;
    enum status status = expect(app, runtime, &back, OUTCOME_COMMITTED_PENDING);
    app->configuration.wait_s = wait_s;
    if (status == STATUS_OK)
        status = lab_kill(app->state_dir, name, &app->err);
    if (status == STATUS_OK)
        app_say(
            app,
            _("   SIGKILL to %s: its branch is prepared, its rows are locked, the decision is in the log"),
            name);
    return status;
}

static enum status bring_back(struct app *app, struct runtime *runtime)
{
    bool wanted[XATOP_NODES_MAX] = {true};
    struct command changed = {.kind = COMMAND_NODE_CHANGED, .node = 0};
    struct command recover = {.kind = COMMAND_RECOVER, .wait_ms = 30000};
    struct recovery_report recovery = {.status = STATUS_OK};
    struct report report = {.status = STATUS_OK};
    enum status status = lab_view_start(app, wanted);
    if (status != STATUS_OK)
        return status;
    runtime_ask(runtime, &changed, &report, NULL);
    runtime_ask(runtime, &recover, &report, &recovery);
    app_say(app, _("   transactions not finished everywhere: %u"), recovery.unfinished);
    free(recovery.verdicts);
    if (recovery.status == STATUS_OK)
        return STATUS_OK;
    return err_set(&app->err, recovery.status, "demo: %s", recovery.reason);
}

static enum status tour(struct app *app)
{
    struct runtime *runtime;
    enum status status = runtime_start(app, 0, &runtime);
    if (status != STATUS_OK)
        return status;
    step(app, 2, _("commit: 500.00 from 1001 to 1002, two branches on two servers, both vote yes"));
    status = expect(app, runtime, &there, OUTCOME_COMMITTED);
    if (status == STATUS_OK) {
        step(app, 3,
             _("refusal: more than the account has; one branch says no, so no branch keeps anything"));
        status = expect(app, runtime, &overdraft, OUTCOME_ABORTED);
    }
    if (status == STATUS_OK) {
        step(app, 4, _("a node is killed after the decision and before it was told: it is in doubt"));
        status = kill_in_doubt(app, runtime);
    }
    if (status == STATUS_OK) {
        step(app, 5, _("the node comes back, still prepared; the log knows the decision and tells it"));
        status = bring_back(app, runtime);
    }
    runtime_stop(runtime, 10000);
    return status;
}

static enum status last_audit(struct app *app)
{
    struct audit_run run = {0};
    struct log_view log;
    step(app, 6, _("audit: what went out on one node came in on the other"));
    enum status status = log_view_read(app, &log);
    if (status != STATUS_OK)
        return status;
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return app->err.status;
    inspect_deadline(nodes, AUDIT_MS);
    status = audit_run(app, nodes, &log, &run);
    if (status == STATUS_OK && !run.result.ok)
        status = err_set(&app->err, STATUS_INVARIANT, _("demo: the audit does not hold; see xatop audit"));
    if (status == STATUS_OK)
        app_say(app, _("   every invariant holds"));
    audit_run_free(&run);
    inspect_close(nodes);
    return status;
}

enum status cmd_demo(struct app *app)
{
    struct shape total,
        shape = {(uint8_t)app->configuration.node_count, SAMPLE_ACCOUNTS, SAMPLE_PRODUCTS, SAMPLE_CUSTOMERS};
    enum status status = app_may_change(app, "demo");
    if (status == STATUS_OK && (app->configuration.node_count < 2 || !app->configuration.nodes[0].lab))
        status = err_set(&app->err, STATUS_REFUSED,
                         _("demo: kills a server, so it needs a lab node first of at least two nodes"));
    if (status != STATUS_OK)
        return status;
    step(app, 1, _("two servers of our own, and sample accounts on both"));
    status = lab_view_start(app, NULL);
    if (status == STATUS_OK)
        status = sample_create(app, &shape, SAMPLE_BALANCE, false, &total);
    if (status == STATUS_OK)
        status = tour(app);
    if (status == STATUS_OK)
        status = last_audit(app);
    if (app->json) {
        struct json json;
        json_begin(&json, app->out);
        json_bool(&json, "ok", status == STATUS_OK);
        json_finish(&json);
    }
    return status;
}
