#include "config.h"

#include <stdlib.h>

#include "xatop/cmd.h"
#include "xatop/command.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/recovery.h"
#include "xatop/runtime.h"
#include "xatop/text.h"
#include "xatop/vocab.h"

enum { OPT_DRY_RUN };

const struct option_spec cmd_recover_options[] = {
    [OPT_DRY_RUN] = {"dry-run", 'n', OPTION_FLAG, "", N_("verdicts only, nothing is carried out"), 0, 0,
                     false},
    {0},
};

static void xid_text(const struct xid *xid, char *out, size_t cap)
{
    struct text text;
    text_init(&text, out, cap);
    xid_print(xid, &text);
}

static void print_evidence_json(struct app *app, struct json *json, const struct verdict_evidence *e)
{
    json_object(json, "evidence");
    if (e->xid_epoch)
        json_int(json, "epoch", e->xid_epoch);
    else
        json_null(json, "epoch");
    json_int(json, "our_epoch", e->our_epoch);
    if (e->log_lsn)
        json_int(json, "log_lsn", (int64_t)e->log_lsn);
    else
        json_null(json, "log_lsn");
    if (e->holder)
        json_int(json, "holder", (int64_t)e->holder);
    else
        json_null(json, "holder");
    json_array(json, "scans");
    json_bool(json, NULL, e->first_scan);
    json_bool(json, NULL, e->second_scan);
    json_close(json, ']');
    json_object(json, "markers");
    for (int i = 0; i < app->configuration.node_count; i++)
        if (e->markers_read & 1u << i)
            json_string(json, app->configuration.nodes[i].name,
                        e->committed_on & 1u << i ? "committed" : "none");
    json_close(json, '}');
    json_close(json, '}');
}

/* "epoch 3 of 4, lsn 17, in both scans, committed on n1" */
static void evidence_words(struct app *app, const struct verdict_report *v, struct text *out)
{
    const struct verdict_evidence *e = &v->evidence;
    if (e->xid_epoch)
        text_printf(out, _("epoch %u, ours is %u; "), e->xid_epoch, e->our_epoch);
    if (e->log_lsn)
        text_printf(out, _("record at lsn %llu; "), (unsigned long long)e->log_lsn);
    if (e->holder)
        text_printf(out, _("held by connection %llu; "), (unsigned long long)e->holder);
    text_append(out, e->first_scan && e->second_scan ? _("seen in both scans")
                     : e->first_scan                 ? _("seen in the first scan only")
                                                     : _("seen in the second scan only"));
    for (int i = 0; i < app->configuration.node_count; i++)
        if (e->markers_read & 1u << i)
            text_printf(out, e->committed_on & 1u << i ? _("; committed on %s") : _("; no marker row on %s"),
                        app->configuration.nodes[i].name);
}

static void print_json(struct app *app, const struct recovery_report *r)
{
    struct json json;
    char xid[300];
    json_begin(&json, app->out);
    json_int(&json, "committed", r->committed);
    json_int(&json, "rolled_back", r->rolled_back);
    json_int(&json, "left", r->left);
    json_int(&json, "foreign", r->foreign);
    json_int(&json, "ambiguous", r->ambiguous);
    json_int(&json, "unfinished", r->unfinished);
    json_array(&json, "unreachable");
    for (int i = 0; i < app->configuration.node_count; i++)
        if (r->unreachable & 1u << i)
            json_string(&json, NULL, app->configuration.nodes[i].name);
    json_close(&json, ']');
    json_array(&json, "verdicts");
    for (uint32_t i = 0; i < r->verdict_count; i++) {
        const struct verdict_report *v = &r->verdicts[i];
        xid_text(&v->xid, xid, sizeof xid);
        json_object(&json, NULL);
        json_string(&json, "xid", xid);
        json_string(&json, "node", app->configuration.nodes[v->node].name);
        json_string(&json, "verdict", verdict_name((int)v->verdict));
        json_string(&json, "rule", recovery_rule_name((int)v->rule));
        json_string(&json, "words", recovery_rule_words((int)v->rule));
        json_bool(&json, "done", v->done);
        print_evidence_json(app, &json, &v->evidence);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_finish(&json);
}

static void print_text(struct app *app, const struct recovery_report *r)
{
    char xid[300];
    for (uint32_t i = 0; i < r->verdict_count; i++) {
        const struct verdict_report *v = &r->verdicts[i];
        xid_text(&v->xid, xid, sizeof xid);
        app_say(app, "%-10s %s: %s%s (%s)", app->configuration.nodes[v->node].name, xid,
                verdict_name((int)v->verdict), v->done ? _(", done") : "", recovery_rule_words((int)v->rule));
        char evidence[600];
        struct text text;
        text_init(&text, evidence, sizeof evidence);
        evidence_words(app, v, &text);
        app_say(app, "%-10s   %s", "", evidence);
    }
    for (int i = 0; i < app->configuration.node_count; i++)
        if (r->unreachable & 1u << i)
            app_say(app, _("%-10s cannot be read: no verdict there"), app->configuration.nodes[i].name);
    app_say(app, _("committed %u, rolled back %u, left %u, ambiguous %u, foreign %u, unfinished %u"),
            r->committed, r->rolled_back, r->left, r->ambiguous, r->foreign, r->unfinished);
}

enum status cmd_recover(struct app *app)
{
    bool dry_run = app->values[OPT_DRY_RUN].given;
    struct runtime *runtime;
    struct report report = {.status = STATUS_OK};
    struct recovery_report recovery = {.status = STATUS_OK};
    struct command wish = {
        .kind = COMMAND_RECOVER, .dry_run = dry_run, .wait_ms = app->configuration.wait_s * 1000};
    enum status status = dry_run ? STATUS_OK : app_may_change(app, "recover");
    if (status == STATUS_OK)
        status = runtime_start(app, RUNTIME_MANUAL_RECOVERY, &runtime);
    if (status != STATUS_OK)
        return status;
    runtime_ask(runtime, &wish, &report, &recovery);
    (app->json ? print_json : print_text)(app, &recovery);
    program_log(LOG_LEVEL_INFO, "recover: committed %u, rolled back %u, left %u, ambiguous %u, foreign %u",
                recovery.committed, recovery.rolled_back, recovery.left, recovery.ambiguous,
                recovery.foreign);
    status = recovery.status;
    if (status != STATUS_OK)
        err_set(&app->err, status, "recover: %s",
                recovery.reason[0] ? recovery.reason : status_words(status));
    free(recovery.verdicts);
    runtime_stop(runtime, 0);
    return status;
}
