#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "audit_run.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/money.h"

const struct option_spec cmd_audit_options[] = {{0}};

enum { AUDIT_DEADLINE_MS = 60000, SAID_MAX = 20 };

/* One gtrid has several missing branches: once is enough. */
static bool first_of_gtrid(const struct audit_run *run, uint32_t i)
{
    return i == 0 || strcmp(run->missing[i - 1].gtrid, run->missing[i].gtrid) != 0;
}

static void print_json(struct app *app, const struct inspection *nodes, const struct audit_run *run)
{
    const struct audit_result *r = &run->result;
    struct json json;
    json_begin(&json, app->out);
    if (r->unreachable && !r->torn && !r->wrong)
        json_null(&json, "ok"); /* cannot be told */
    else
        json_bool(&json, "ok", r->ok);
    json_object(&json, "money");
    json_money(&json, "expected", r->money_expected);
    json_money(&json, "found", r->money_found);
    json_close(&json, '}');
    json_object(&json, "stock");
    json_int(&json, "expected", r->stock_expected);
    json_int(&json, "found", r->stock_found);
    json_close(&json, '}');
    json_array(&json, "torn");
    for (uint32_t i = 0; i < run->missing_count; i++)
        if (run->missing[i].verdict == MISSING_TORN && first_of_gtrid(run, i))
            json_string(&json, NULL, run->missing[i].gtrid);
    json_close(&json, ']');
    json_array(&json, "forced"); /* of those that are torn or pending */
    for (uint32_t i = 0; i < run->missing_count; i++)
        if (run->missing[i].verdict != MISSING_APPEARED && first_of_gtrid(run, i) &&
            audit_run_forced(run, run->missing[i].gtrid))
            json_string(&json, NULL, run->missing[i].gtrid);
    json_close(&json, ']');
    json_int(&json, "pending", r->pending);
    json_array(&json, "unreachable");
    for (uint8_t i = 0; i < nodes->count; i++)
        if (r->unreachable & 1u << i)
            json_string(&json, NULL, nodes->access.nodes[i].name);
    json_close(&json, ']');
    json_array(&json, "wrong");
    for (uint8_t i = 0; i < nodes->count; i++)
        if (r->wrong & 1u << i)
            json_string(&json, NULL, nodes->access.nodes[i].name);
    json_close(&json, ']');
    json_finish(&json);
}

static void print_missing(struct app *app, const struct inspection *nodes, const struct audit_run *run)
{
    uint32_t said = 0;
    for (uint32_t i = 0; i < run->missing_count && said < SAID_MAX; i++) {
        const struct audit_missing *m = &run->missing[i];
        said += m->verdict == MISSING_TORN || m->verdict == MISSING_PREPARED ||
                m->verdict == MISSING_UNDISCHARGED;
        const struct kept_force *kept = audit_run_forced(run, m->gtrid);
        const char *forced = kept ? _("; forced by hand: ") : "", *reason = kept ? kept->force.meaning : "";
        if (m->verdict == MISSING_TORN)
            app_say(app, _("torn: %s is on %s, its branch %d is on no node%s%s"), m->gtrid,
                    nodes->access.nodes[m->seen_node].name, m->branch, forced, reason);
        else if (m->verdict == MISSING_PREPARED)
            app_say(app, _("pending: %s, branch %d is prepared%s%s"), m->gtrid, m->branch, forced, reason);
        else if (m->verdict == MISSING_UNDISCHARGED)
            app_say(app, _("pending: %s, branch %d is decided but found nowhere; run xatop recover%s%s"),
                    m->gtrid, m->branch, forced, reason);
    }
    uint32_t all = run->result.torn + run->result.pending;
    if (all > said)
        app_say(app, _("and %u more; --json lists every torn one"), all - said);
}

static void print_text(struct app *app, const struct inspection *nodes, const struct audit_run *run)
{
    const struct audit_result *r = &run->result;
    char expected[32], found[32];
    const char *part = r->unreachable ? _(" (only the nodes that could be read)") : "";
    app_say(app, _("money: expected %s, found %s%s"),
            money_format(r->money_expected, expected, sizeof expected),
            money_format(r->money_found, found, sizeof found), part);
    app_say(app, _("stock: expected %" PRId64 ", found %" PRId64 "%s"), r->stock_expected, r->stock_found,
            part);
    print_missing(app, nodes, run);
    for (uint8_t i = 0; i < nodes->count; i++) {
        if (r->wrong & 1u << i)
            app_say(app, _("node %s: what it had at first and the markers do not add up to what it has"),
                    nodes->access.nodes[i].name);
        if (r->unreachable & 1u << i)
            app_say(app, _("node %s: cannot be read"), nodes->access.nodes[i].name);
    }
    app_say(app, "%s",
            r->ok            ? _("every invariant holds")
            : r->unreachable ? _("cannot be told")
                             : _("an invariant does not hold"));
}

enum status cmd_audit(struct app *app)
{
    struct audit_run run = {0};
    struct log_view log;
    enum status status = log_view_read(app, &log);
    if (status != STATUS_OK)
        return status;
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return app->err.status;
    inspect_deadline(nodes, AUDIT_DEADLINE_MS);
    status = audit_run(app, nodes, &log, &run);
    if (status == STATUS_OK) {
        (app->json ? print_json : print_text)(app, nodes, &run);
        program_log(run.result.ok ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "audit: %s, torn %u, pending %u",
                    run.result.ok ? "ok" : "not ok", run.result.torn, run.result.pending);
        if (run.result.torn || run.result.wrong)
            status = err_set(&app->err, STATUS_INVARIANT, _("audit: an invariant does not hold: %u torn"),
                             run.result.torn);
        else if (run.result.unreachable)
            status = inspect_all_reached(app, nodes);
        else if (!run.result.ok)
            status = err_set(&app->err, STATUS_INVARIANT, _("audit: the totals do not agree"));
    }
    audit_run_free(&run);
    inspect_close(nodes);
    return status;
}
