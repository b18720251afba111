#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chaos.h"
#include "xatop/fault.h"
#include "xatop/i18n.h"

/* What chaos came to, for people and for programs.
 *
 * Time without service (unavailable_s): the sum of all pauses of more than one second in which no transaction was answered, be it
 * committed or cleanly refused, over every coordinator that there was; the end of the load ends the last one. */

/* What a minute must have seen to prove anything; a shorter run its share, but one at least. */
enum { MINUTE_MS = 60000, TRANSACTIONS_MIN = 300, NODES_MIN = 20, COORDINATOR_MIN = 10, LINK_MIN = 10 };

/* Of the plan's kind, or of the gate's kind of that name. */
static uint64_t drawn(const struct chaos *chaos, const char *name)
{
    uint64_t count = 0;
    size_t len = strlen(name);
    for (uint32_t i = 0; i < chaos->plan.count; i++) {
        const struct chaos_step *step = &chaos->plan.steps[i];
        if (step->kind == CHAOS_GATE)
            count +=
                strncmp(step->spec, name, len) == 0 && (step->spec[len] == '@' || step->spec[len] == '=');
        else
            count += strcmp(chaos_kinds[step->kind].name, name) == 0;
    }
    return count;
}

static uint64_t hit(const struct chaos *chaos, const char *name)
{
    const struct fault_kind *const *kinds = fault_kinds();
    uint64_t count = 0;
    for (unsigned i = 0; kinds[i] && i < CHAOS_FAULT_KINDS_MAX; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            count += chaos->totals.fired[i];
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        if (strcmp(chaos_kinds[kind].name, name) == 0)
            count += chaos->totals.hit[kind];
    return count;
}

/* Each name once: the kinds of the plan but for the gate, then those of the gate that are not among them. */
static const char *fault_name(unsigned index, const char **counted)
{
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        if (kind != CHAOS_GATE && index-- == 0) {
            *counted = _(chaos_kinds[kind].hit);
            return chaos_kinds[kind].name;
        }
    for (const struct fault_kind *const *kind = fault_kinds(); *kind; kind++) {
        bool told = false;
        for (enum chaos_kind other = 0; other < CHAOS_KINDS; other++)
            told = told || strcmp(chaos_kinds[other].name, (*kind)->name) == 0;
        *counted = _("fired at the gate");
        if (!told && index-- == 0)
            return (*kind)->name;
    }
    return NULL;
}

static uint64_t answered(const struct chaos *chaos)
{
    return chaos->totals.committed + chaos->totals.aborted + chaos->totals.pending;
}

static uint64_t coordinator_kills(const struct chaos *chaos)
{
    return hit(chaos, chaos_kinds[CHAOS_COORDINATOR].name) + hit(chaos, "crash");
}

static uint64_t link_faults(const struct chaos *chaos)
{
    uint64_t count = hit(chaos, "cut");
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        if (chaos_kinds[kind].needs & CHAOS_LINK)
            count += chaos->totals.hit[kind];
    return count;
}

static void json_faults(const struct chaos *chaos, struct json *json, const char *key,
                        uint64_t (*number)(const struct chaos *chaos, const char *name))
{
    const char *counted;
    json_object(json, key);
    for (unsigned i = 0; fault_name(i, &counted); i++)
        json_int(json, fault_name(i, &counted), (int64_t)number(chaos, fault_name(i, &counted)));
    json_close(json, '}');
}

static void text_faults(const struct chaos *chaos)
{
    const char *counted;
    app_say(chaos->app, "%6s %6s  %-12s %s", _("DRAWN"), _("HIT"), _("FAULT"), _("COUNTED AS HIT IS"));
    for (unsigned i = 0; fault_name(i, &counted); i++) {
        const char *name = fault_name(i, &counted);
        app_say(chaos->app, "%6" PRIu64 " %6" PRIu64 "  %-12s %s", drawn(chaos, name), hit(chaos, name), name,
                counted);
    }
}

static void json_availability(const struct chaos *chaos, struct json *json)
{
    json_array(json, "availability");
    for (unsigned i = 0; i < chaos->case_count; i++) {
        const struct chaos_case *row = &chaos->cases[i];
        json_object(json, NULL);
        json_string(json, "case", row->name);
        json_string(json, "node", row->node < 0 ? NULL : chaos->app->configuration.nodes[row->node].name);
        json_bool(json, "hit", row->hit);
        json_int(json, "asked", (int64_t)row->asked);
        json_int(json, "answered", (int64_t)(row->committed + row->refused));
        json_int(json, "committed", (int64_t)row->committed);
        json_int(json, "refused", (int64_t)row->refused);
        json_int(json, "late", (int64_t)row->late);
        /* three decimals are what json_ms prints */
        json_ms(json, "share",
                (int64_t)(1000 * (row->committed + row->refused) / (row->asked ? row->asked : 1)));
        json_ms(json, "longest_gap_ms", row->longest_gap_us);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void report_json(const struct chaos *chaos)
{
    const struct chaos_shared *shared = chaos->shared;
    const struct chaos_totals *totals = &chaos->totals;
    struct json json;
    json_begin(&json, chaos->app->out);
    json_int(&json, "seed", (int64_t)chaos->plan.seed);
    json_ms(&json, "duration_ms", (chaos->ended_ms - chaos->load_ms) * 1000);
    json_int(&json, "transactions", (int64_t)answered(chaos));
    json_int(&json, "committed", (int64_t)totals->committed);
    json_int(&json, "aborted", (int64_t)totals->aborted);
    json_int(&json, "pending", (int64_t)totals->pending);
    json_int(&json, "in_doubt", (int64_t)totals->in_doubt);
    json_faults(chaos, &json, "faults", hit);
    json_faults(chaos, &json, "drawn", drawn);
    json_int(&json, "node_kills", (int64_t)hit(chaos, "kill"));
    json_int(&json, "node_freezes", (int64_t)hit(chaos, "freeze"));
    json_int(&json, "coordinator_kills", (int64_t)coordinator_kills(chaos));
    json_int(&json, "link_faults", (int64_t)link_faults(chaos));
    json_int(&json, "phantoms", (int64_t)shared->phantoms);
    json_int(&json, "recovered", (int64_t)shared->recovered);
    json_ms(&json, "unavailable_s", totals->unavailable_us / 1000);
    json_ms(&json, "longest_gap_ms", totals->longest_gap_us);
    json_ms(&json, "longest_commit_gap_ms", totals->longest_commit_gap_us);
    if (chaos->audited)
        json_bool(&json, "audit_ok", chaos->audit_ok);
    else
        json_null(&json, "audit_ok");
    json_array(&json, "torn");
    for (uint64_t i = 0; i < chaos->torn_count; i++)
        json_string(&json, NULL, chaos->torn[i]);
    json_close(&json, ']');
    json_int(&json, "branches_left", chaos->branches_left);
    if (chaos->case_count)
        json_availability(chaos, &json);
    json_finish(&json);
}

static void text_availability(const struct chaos *chaos)
{
    if (chaos->case_count)
        app_say(chaos->app, "%-18s %-8s %6s %9s %9s %8s %12s", _("AVAILABILITY"), _("NODE"), _("ASKED"),
                _("COMMITTED"), _("REFUSED"), _("SHARE"), _("LONGEST GAP"));
    for (unsigned i = 0; i < chaos->case_count; i++) {
        const struct chaos_case *row = &chaos->cases[i];
        app_say(chaos->app, "%-18s %-8s %6" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7.1f%% %9.0f ms%s", row->name,
                row->node < 0 ? "-" : chaos->app->configuration.nodes[row->node].name, row->asked,
                row->committed, row->refused,
                row->asked ? 100.0 * (double)(row->committed + row->refused) / (double)row->asked : 0,
                (double)row->longest_gap_us / 1000, row->hit ? "" : _(" (it did not happen)"));
    }
}

static void text_audit(const struct chaos *chaos)
{
    if (chaos->audited)
        app_say(chaos->app, "%s", chaos->audit_ok ? _("audit: every invariant holds") : _("audit: NOT OK"));
    for (uint64_t i = 0; i < chaos->torn_count; i++)
        app_say(chaos->app, _("torn: %s"), chaos->torn[i]);
}

static void report_text(const struct chaos *chaos)
{
    const struct chaos_shared *shared = chaos->shared;
    const struct chaos_totals *totals = &chaos->totals;
    struct app *app = chaos->app;
    if (chaos->plan.count == 0) { /* no load */
        text_availability(chaos);
        text_audit(chaos);
        return;
    }
    app_say(app,
            _("seed %" PRIu64 ", %.1f s of load: %" PRIu64 " transactions answered (%" PRIu64
              " committed, %" PRIu64 " refused, %" PRIu64 " pending), %" PRIu64 " in doubt"),
            chaos->plan.seed, (double)(chaos->ended_ms - chaos->load_ms) / 1000, answered(chaos),
            (uint64_t)totals->committed, (uint64_t)totals->aborted, (uint64_t)totals->pending,
            (uint64_t)totals->in_doubt);
    text_faults(chaos);
    app_say(app, _("%" PRIu64 " branches finished by recovery, %" PRIu64 " phantom alarms"),
            (uint64_t)shared->recovered, (uint64_t)shared->phantoms);
    app_say(app,
            _("without service %.1f s (pauses over 1 s without any answer), longest pause %.1f s, "
              "longest without a commit %.1f s"),
            (double)totals->unavailable_us / 1e6, (double)totals->longest_gap_us / 1e6,
            (double)totals->longest_commit_gap_us / 1e6);
    text_availability(chaos);
    text_audit(chaos);
}

void chaos_report(const struct chaos *chaos)
{
    (chaos->app->json ? report_json : report_text)(chaos);
}

/* --- did enough happen? --- */

static uint64_t share(const struct chaos *chaos, uint64_t of_a_minute)
{
    uint64_t least = of_a_minute * (uint64_t)chaos->plan.duration_ms / MINUTE_MS;
    return least < 1 ? 1 : least;
}

enum status chaos_enough(const struct chaos *chaos, struct err *err)
{
    const struct {
        const char *what;
        uint64_t had, least;
    } all[] = {
        {_("transactions"), answered(chaos), share(chaos, TRANSACTIONS_MIN)},
        {_("node kills or freezes"), hit(chaos, "kill") + hit(chaos, "freeze"), share(chaos, NODES_MIN)},
        {_("coordinator kills"), coordinator_kills(chaos), share(chaos, COORDINATOR_MIN)},
        {_("link faults"), link_faults(chaos), share(chaos, LINK_MIN)},
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].had < all[i].least)
            return err_set(err, STATUS_PROVED_NOTHING,
                           _("chaos: proved nothing: %" PRIu64 " %s, %" PRIu64 " are needed; run it longer"),
                           all[i].had, all[i].what, all[i].least);
    return STATUS_OK;
}
