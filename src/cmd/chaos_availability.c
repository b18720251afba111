/* Availability, measured: for each trouble a window of steady load, the trouble one second into it, and how many of those who
 * asked had an answer in time. Asked are all whose time came, also those that no coordinator was there to hear. */
#include "config.h"

#include "chaos.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/lab.h"
#include "xatop/log.h"
#include "xatop/text.h"

enum { WINDOW_MS = 12000, TROUBLE_MS = 1000, FROZEN_MS = 5000, READY_MS = 60000, TICK_MS = 100 };

static const struct {
    const char *name;
    enum chaos_kind kind;
    int32_t for_ms;
} troubles[] = {
    {"none", CHAOS_KINDS, 0},
    {"node-restart", CHAOS_RESTART, 0},
    {"node-freeze-5s", CHAOS_FREEZE, FROZEN_MS},
    {"link-cut-5s", CHAOS_LINK_CUT, FROZEN_MS},
    {"coordinator-kill", CHAOS_COORDINATOR, 0},
};

static bool all_up(const struct chaos *chaos)
{
    bool up = chaos->worker && chaos->shared->ready && chaos_hands(chaos) == 0;
    for (int i = 0; i < chaos->app->configuration.node_count && up; i++) {
        struct lab_node node;
        up = lab_status(chaos->app->state_dir, chaos->app->configuration.nodes[i].name, &node, NULL) ==
                 STATUS_OK &&
             node.state == LAB_UP;
    }
    return up;
}

/* Until everybody is there, and answers: transactions commit again. */
static enum status wait_until_well(struct chaos *chaos)
{
    int64_t until_ms = clock_mono_ms() + READY_MS;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !chaos->interrupted && !all_up(chaos)) {
        if (clock_mono_ms() > until_ms)
            return err_set(&chaos->app->err, STATUS_NODE, _("chaos: the nodes do not come back"));
        status = chaos_pause(chaos, TICK_MS);
    }
    return status;
}

static bool strike(struct chaos *chaos, const struct chaos_case *row, enum chaos_kind kind, int32_t for_ms)
{
    if (kind == CHAOS_KINDS)
        return true;
    if (kind == CHAOS_COORDINATOR)
        return chaos_worker_shoot(chaos);
    return chaos_hand_start(chaos, kind, (uint8_t)row->node, for_ms);
}

static enum status pause_until(struct chaos *chaos, int64_t until_ms)
{
    enum status status = STATUS_OK;
    for (int64_t now_ms; status == STATUS_OK && (now_ms = clock_mono_ms()) < until_ms && !chaos->interrupted;)
        status = chaos_pause(chaos, until_ms - now_ms);
    return status;
}

static enum status measure(struct chaos *chaos, unsigned trouble, uint8_t node)
{
    struct chaos_shared *shared = chaos->shared;
    struct chaos_case *row = &chaos->cases[chaos->case_count];
    enum chaos_kind kind = troubles[trouble].kind;
    bool of_node = kind != CHAOS_KINDS && kind != CHAOS_COORDINATOR;
    enum status status = wait_until_well(chaos);
    if (status != STATUS_OK || chaos->interrupted)
        return status;
    *row = (struct chaos_case){.name = troubles[trouble].name, .node = (int8_t)(of_node ? node : -1)};
    uint64_t hits = of_node ? (uint64_t)shared->hit[troubles[trouble].kind] : 0;
    shared->steady_committed = shared->steady_refused = shared->steady_late = 0;
    int64_t from_us = clock_mono_us(), from_ms = from_us / 1000;
    shared->last_answer_us = shared->last_commit_us = from_us;
    shared->longest_gap_us = 0;
    shared->steady_end_us = from_us + WINDOW_MS * INT64_C(1000);
    shared->steady_us = from_us;
    status = pause_until(chaos, from_ms + TROUBLE_MS);
    row->hit = strike(chaos, row, troubles[trouble].kind, troubles[trouble].for_ms);
    if (status == STATUS_OK)
        status = pause_until(chaos, from_ms + WINDOW_MS);
    int64_t gap_us = clock_mono_us() - shared->last_answer_us;
    row->longest_gap_us = gap_us > shared->longest_gap_us ? gap_us : (int64_t)shared->longest_gap_us;
    row->asked = WINDOW_MS * 1000 / CHAOS_PERIOD_US - 1; /* the window's last is due when it is over */
    if (status == STATUS_OK)                             /* the last ones have their time too */
        status = pause_until(chaos, from_ms + WINDOW_MS + CHAOS_ANSWER_MS);
    row->committed = shared->steady_committed;
    row->refused = shared->steady_refused;
    row->late = shared->steady_late;
    if (of_node)
        row->hit = shared->hit[troubles[trouble].kind] > hits;
    shared->steady_us = 0;
    chaos->case_count++;
    program_log(LOG_LEVEL_INFO, "chaos: availability %s: asked %d, committed %d, refused %d", row->name,
                (int)row->asked, (int)row->committed, (int)row->refused);
    return status;
}

enum status chaos_availability(struct chaos *chaos)
{
    enum status status = chaos_worker_start(chaos);
    for (unsigned i = 0; i < sizeof troubles / sizeof troubles[0] && status == STATUS_OK; i++) {
        app_say(chaos->app, _("availability: %s"), troubles[i].name);
        status = measure(chaos, i, 0);
    }
    return status;
}
