/* Everything well again: nodes up, thawed, writable; recovery until nothing is unfinished; then what the nodes say of it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "audit_run.h"
#include "chaos.h"
#include "inspect.h"
#include "links.h"
#include "xatop/access.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/lab.h"
#include "xatop/log.h"
#include "xatop/node_mysql.h"
#include "xatop/text.h"

enum {
    HANDS_MS = 150000, /* a hand may be in the middle of a server's start */
    SETTLE_MS = 90000,
    RECOVER_MS = 3000, /* the worker's own try */
    QUIT_MS = 20000,
    TICK_MS = 100,
    AUDIT_MS = 120000
};

static void say(struct chaos *chaos, const char *words)
{
    app_say(chaos->app, "%s", words);
    program_log(LOG_LEVEL_INFO, "chaos: %s", words);
}

static enum status wait_for_hands(struct chaos *chaos)
{
    int64_t until_ms = clock_mono_ms() + HANDS_MS;
    enum status status = STATUS_OK;
    chaos_hands_hurry(chaos);
    while (status == STATUS_OK && chaos_hands(chaos) > 0 && clock_mono_ms() < until_ms)
        status = chaos_pause(chaos, TICK_MS);
    return status;
}

static enum status heal_node(struct chaos *chaos, uint8_t i)
{
    struct app *app = chaos->app;
    const struct node_configuration *configured = &app->configuration.nodes[i];
    struct lab_node node;
    struct lab_config config;
    char dir[sizeof app->state_dir + 8];
    links_dir(app, dir, sizeof dir);
    enum status status = link_file_change(dir, configured->name, "heal", NULL, &app->err);
    if (status == STATUS_OK)
        status = lab_status(app->state_dir, configured->name, &node, &app->err);
    if (status == STATUS_OK && node.state == LAB_FROZEN)
        status = lab_thaw(app->state_dir, configured->name, &app->err);
    access_lab_config(configured, &config);
    if (status == STATUS_OK)
        status = lab_start(app->state_dir, &config, NULL, NULL, &app->err);
    if (status == STATUS_OK)
        status = chaos_hand_undo(app, i, &app->err);
    return status;
}

/* A branch that only a restart brings back: what the alarm asks for is done. */
static enum status surface(struct chaos *chaos)
{
    struct app *app = chaos->app;
    uint32_t mask = atomic_exchange(&chaos->shared->surface, 0);
    enum status status = STATUS_OK;
    for (uint8_t i = 0; i < app->configuration.node_count && status == STATUS_OK; i++)
        if (mask & 1u << i) {
            struct lab_config config;
            access_lab_config(&app->configuration.nodes[i], &config);
            app_say(app, _("%s is restarted to surface a branch"), config.name);
            program_log(LOG_LEVEL_INFO, "chaos: %s is restarted to surface a branch", config.name);
            status = lab_restart(app->state_dir, &config, NULL, NULL, &app->err);
        }
    return status;
}

static enum status settle(struct chaos *chaos)
{
    int64_t until_ms = clock_mono_ms() + SETTLE_MS, order_ms = 0;
    enum status status = STATUS_OK;
    pid_t told = 0;
    while (status == STATUS_OK &&
           !(told == chaos->worker && chaos->shared->settled && !chaos->shared->surface)) {
        if (clock_mono_ms() >= until_ms)
            return STATUS_OK;                         /* what the nodes list tells */
        if (told != chaos->worker && chaos->worker) { /* also a new one, after a fault that was armed still */
            told = chaos->worker;
            chaos_worker_order(chaos, "settle");
            order_ms = clock_mono_ms();
        }
        if (chaos->shared->surface && clock_mono_ms() - order_ms > RECOVER_MS) {
            status = surface(chaos);
            chaos->shared->settled = 0;
        }
        if (status == STATUS_OK)
            status = chaos_pause(chaos, TICK_MS);
    }
    return status;
}

static enum status quit_worker(struct chaos *chaos)
{
    int64_t until_ms = clock_mono_ms() + QUIT_MS;
    enum status status = STATUS_OK;
    chaos_worker_order(chaos, "quit");
    while (status == STATUS_OK && chaos->worker && clock_mono_ms() < until_ms)
        status = chaos_pause(chaos, TICK_MS);
    if (status != STATUS_OK || !chaos->worker)
        return status;
    chaos_worker_shoot(chaos);
    while (chaos->worker)
        chaos_pause(chaos, TICK_MS);
    return err_set(&chaos->app->err, STATUS_INTERNAL, _("chaos: the coordinator did not end when told to"));
}

enum status chaos_heal(struct chaos *chaos)
{
    say(chaos, _("healing: nodes, locks, then recovery"));
    enum status status = wait_for_hands(chaos), first;
    if (status == STATUS_OK)
        status = node_mysql_library_init(&chaos->app->err);
    bool open = status == STATUS_OK;
    for (uint8_t i = 0; i < chaos->app->configuration.node_count && status == STATUS_OK; i++)
        status = heal_node(chaos, i);
    if (open)
        node_mysql_library_end();
    if (status == STATUS_OK)
        status = settle(chaos);
    first = status;
    if (chaos->worker) {
        status = quit_worker(chaos);
        first = first == STATUS_OK ? status : first;
    }
    return first;
}

/* --- what the nodes say --- */

static uint32_t count_ours(struct chaos *chaos, struct inspection *nodes, const struct log_view *log)
{
    uint32_t count = 0, ours = 0;
    struct prepared *prepared = inspect_prepared(chaos->app, nodes, log, &count);
    for (uint32_t i = 0; prepared && i < count; i++)
        ours += prepared[i].owner == XID_OURS;
    free(prepared);
    return ours;
}

static void keep_torn(struct chaos *chaos, const struct audit_run *run)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->missing_count && kept < CHAOS_TROUBLE_MAX; i++)
        if (run->missing[i].verdict == MISSING_TORN &&
            (kept == 0 || strcmp(chaos->torn[kept - 1], run->missing[i].gtrid) != 0))
            text_copy(chaos->torn[kept++], sizeof chaos->torn[0], run->missing[i].gtrid);
    chaos->torn_count = kept;
}

enum status chaos_audit(struct chaos *chaos)
{
    struct app *app = chaos->app;
    struct audit_run run = {0};
    struct log_view log;
    say(chaos, _("audit"));
    enum status status = log_view_read(app, &log);
    struct inspection *nodes = status == STATUS_OK ? inspect_open(app, false) : NULL;
    if (!nodes)
        return app->err.status;
    inspect_deadline(nodes, AUDIT_MS);
    chaos->branches_left = count_ours(chaos, nodes, &log);
    status = audit_run(app, nodes, &log, &run);
    if (status == STATUS_OK) {
        chaos->audited = true;
        chaos->audit_ok = run.result.ok;
        keep_torn(chaos, &run);
        program_log(run.result.ok ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "chaos: audit: %s, torn %u, pending %u",
                    run.result.ok ? "ok" : "not ok", run.result.torn, run.result.pending);
        if (run.result.torn || run.result.wrong)
            status =
                err_set(&app->err, STATUS_INVARIANT,
                        _("chaos: an invariant does not hold: %u torn; see xatop audit"), run.result.torn);
        else if (run.result.unreachable)
            status = inspect_all_reached(app, nodes);
        else if (!run.result.ok)
            status =
                err_set(&app->err, STATUS_INVARIANT, _("chaos: the totals do not agree; see xatop audit"));
        else if (chaos->branches_left || run.result.pending)
            status =
                err_set(&app->err, STATUS_PENDING,
                        _("chaos: %u branches are prepared still and %u transactions pending after healing; "
                          "see xatop recover"),
                        chaos->branches_left, run.result.pending);
    }
    audit_run_free(&run);
    inspect_close(nodes);
    return status;
}
