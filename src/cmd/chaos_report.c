#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "chaos.h"
#include "xatop/clock.h"
#include "xatop/fault.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

/* What a minute must have seen to prove anything; a shorter run its share, but one at least. */
enum { MINUTE_MS = 60000, TRANSACTIONS_MIN = 300, NODES_MIN = 20, COORDINATOR_MIN = 10 };
enum { BAR_MS = 250, LINE_MS = 10000, BAR_MAX = 60 };

static uint64_t fired(const struct chaos *chaos, const char *name)
{
    const struct fault_kind *const *kinds = fault_kinds();
    for (unsigned i = 0; kinds[i] && i < CHAOS_FAULT_KINDS_MAX; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return chaos->totals.fired[i];
    return 0;
}

static uint64_t answered(const struct chaos *chaos)
{
    return chaos->totals.committed + chaos->totals.aborted + chaos->totals.pending;
}

static uint64_t node_kills(const struct chaos *chaos)
{
    return chaos->totals.hit[CHAOS_KILL] + fired(chaos, "kill");
}

static uint64_t node_freezes(const struct chaos *chaos)
{
    return chaos->totals.hit[CHAOS_FREEZE] + fired(chaos, "freeze");
}

static uint64_t coordinator_kills(const struct chaos *chaos)
{
    return chaos->totals.hit[CHAOS_COORDINATOR] + fired(chaos, "crash");
}

/* Of a kind that the plan draws and of the gate's kind of that name alike. */
static void json_faults(const struct chaos *chaos, struct json *json)
{
    const struct fault_kind *const *kinds = fault_kinds();
    json_object(json, "faults");
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        if (kind != CHAOS_GATE)
            json_int(json, chaos_kinds[kind].name,
                     (int64_t)(chaos->totals.hit[kind] + fired(chaos, chaos_kinds[kind].name)));
    for (unsigned i = 0; kinds[i] && i < CHAOS_FAULT_KINDS_MAX; i++) {
        bool told = false;
        for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
            told = told || strcmp(chaos_kinds[kind].name, kinds[i]->name) == 0;
        if (!told)
            json_int(json, kinds[i]->name, (int64_t)chaos->totals.fired[i]);
    }
    json_close(json, '}');
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
    json_faults(chaos, &json);
    json_int(&json, "node_kills", (int64_t)node_kills(chaos));
    json_int(&json, "node_freezes", (int64_t)node_freezes(chaos));
    json_int(&json, "coordinator_kills", (int64_t)coordinator_kills(chaos));
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

static void report_text(const struct chaos *chaos)
{
    const struct chaos_shared *shared = chaos->shared;
    const struct chaos_totals *totals = &chaos->totals;
    const struct fault_kind *const *kinds = fault_kinds();
    struct app *app = chaos->app;
    app_say(app,
            _("seed %" PRIu64 ", %.1f s of load: %" PRIu64 " transactions answered (%" PRIu64
              " committed, %" PRIu64 " refused, %" PRIu64 " pending), %" PRIu64 " in doubt"),
            chaos->plan.seed, (double)(chaos->ended_ms - chaos->load_ms) / 1000, answered(chaos),
            (uint64_t)totals->committed, (uint64_t)totals->aborted, (uint64_t)totals->pending,
            (uint64_t)totals->in_doubt);
    app_say(app, _("%6s  %-12s %s"), _("HIT"), _("FAULT"), _("COUNTED IS"));
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        app_say(app, "%6" PRIu64 "  %-12s %s", (uint64_t)totals->hit[kind], chaos_kinds[kind].name,
                _(chaos_kinds[kind].hit));
    for (unsigned i = 0; kinds[i] && i < CHAOS_FAULT_KINDS_MAX; i++)
        app_say(app, "%6" PRIu64 "  %-12s %s", (uint64_t)totals->fired[i], kinds[i]->name,
                _("fired at the gate"));
    app_say(app, _("%" PRIu64 " branches finished by recovery, %" PRIu64 " phantom alarms"),
            (uint64_t)shared->recovered, (uint64_t)shared->phantoms);
    app_say(app,
            _("without service %.1f s (pauses over 1 s without any answer), longest pause %.1f s, "
              "longest without a commit %.1f s"),
            (double)totals->unavailable_us / 1e6, (double)totals->longest_gap_us / 1e6,
            (double)totals->longest_commit_gap_us / 1e6);
    text_availability(chaos);
    if (chaos->audited)
        app_say(app, "%s", chaos->audit_ok ? _("audit: every invariant holds") : _("audit: NOT OK"));
    for (uint64_t i = 0; i < chaos->torn_count; i++)
        app_say(app, _("torn: %s"), chaos->torn[i]);
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
        {_("node kills or freezes"), node_kills(chaos) + node_freezes(chaos), share(chaos, NODES_MIN)},
        {_("coordinator kills"), coordinator_kills(chaos), share(chaos, COORDINATOR_MIN)},
    };
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].had < all[i].least)
            return err_set(err, STATUS_PROVED_NOTHING,
                           _("chaos: proved nothing: %" PRIu64 " %s, %" PRIu64 " are needed; run it longer"),
                           all[i].had, all[i].what, all[i].least);
    return STATUS_OK;
}

/* --- while it runs --- */

static unsigned columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void bar(const struct chaos *chaos, int64_t gone_ms, const char *words, bool last)
{
    char line[BAR_MAX + 1];
    unsigned width = columns(), taken = (unsigned)strlen(words) + 4;
    unsigned room = width > taken + 8 ? width - taken : 0;
    if (room > BAR_MAX)
        room = BAR_MAX;
    unsigned full = (unsigned)(room * gone_ms / chaos->plan.duration_ms);
    memset(line, '-', room);
    memset(line, '#', full < room ? full : room);
    line[room] = '\0';
    if (room)
        fprintf(stderr, "\r[%s] %.*s\033[K", line, (int)(width - room - 4), words);
    else
        fprintf(stderr, "\r%.*s\033[K", (int)(width > 1 ? width - 1 : 1), words);
    if (last)
        fputc('\n', stderr);
    fflush(stderr);
}

void chaos_progress(struct chaos *chaos, bool last)
{
    const struct app *app = chaos->app;
    int64_t now_ms = clock_mono_ms();
    bool terminal = isatty(STDERR_FILENO);
    if (app->json || app->quiet || (!last && now_ms - chaos->told_ms < (terminal ? BAR_MS : LINE_MS)))
        return;
    if (chaos->told_ms == 0 && !terminal) { /* the first line after ten seconds */
        chaos->told_ms = now_ms;
        return;
    }
    char words[160];
    struct text text;
    uint64_t faults = 0;
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        faults += chaos->shared->hit[kind];
    chaos->told_ms = now_ms;
    text_init(&text, words, sizeof words);
    text_printf(&text, _("%d/%d s, %" PRIu64 " transactions, %" PRIu64 " faults"),
                (int)((now_ms - chaos->load_ms) / 1000), chaos->plan.duration_ms / 1000,
                chaos_answered(chaos->shared), faults);
    if (terminal)
        bar(chaos, now_ms - chaos->load_ms, words, last);
    else
        fprintf(stderr, "%s\n", words);
}
