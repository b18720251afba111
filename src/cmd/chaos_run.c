/* The load and the plan: starts what is due, looks after what nobody looks after, counts. Nothing here waits for a server. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "chaos.h"
#include "links.h"
#include "xatop/clock.h"
#include "xatop/fault.h"
#include "xatop/i18n.h"
#include "xatop/lab.h"
#include "xatop/log.h"
#include "xatop/text.h"

enum { LATE_MS = 8000, LOOK_MS = 300, PATIENCE_MS = 500, TICK_MS = 200 };

enum status chaos_pause(struct chaos *chaos, int64_t ms)
{
    struct pollfd in = {.fd = chaos->signal_fd, .events = POLLIN};
    struct signalfd_siginfo info;
    if (poll(&in, 1, ms > 0 ? (int)ms : 0) > 0)
        while (read(chaos->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
            chaos->interrupted = chaos->interrupted || info.ssi_signo != SIGCHLD;
    return chaos_reap(chaos);
}

static bool arm(struct chaos *chaos, const struct chaos_step *step)
{
    char order[CHAOS_SPEC_MAX + 8];
    struct text text;
    if (!chaos->worker || chaos->shot || chaos->armed_count == CHAOS_ARMED_MAX)
        return false;
    text_init(&text, order, sizeof order);
    text_printf(&text, "arm %s", step->spec);
    chaos_worker_order(chaos, order);
    chaos->armed[chaos->armed_count++] = step;
    return true;
}

static unsigned gate_kind(const char *spec)
{
    const struct fault_kind *const *kinds = fault_kinds();
    size_t len = strcspn(spec, "=@");
    unsigned i = 0;
    while (i < CHAOS_FAULT_KINDS_MAX - 1 && kinds[i] &&
           (strlen(kinds[i]->name) != len || strncmp(kinds[i]->name, spec, len) != 0))
        i++;
    return i;
}

void chaos_arm_again(struct chaos *chaos)
{
    uint64_t met[CHAOS_FAULT_KINDS_MAX];
    const struct chaos_step *again[CHAOS_ARMED_MAX];
    uint8_t count = 0;
    for (unsigned i = 0; i < CHAOS_FAULT_KINDS_MAX; i++) {
        met[i] = chaos->shared->fired[i] - chaos->fired_before[i];
        chaos->fired_before[i] = chaos->shared->fired[i];
    }
    for (uint8_t i = 0; i < chaos->armed_count; i++) {
        unsigned kind = gate_kind(chaos->armed[i]->spec);
        if (met[kind] > 0)
            met[kind]--; /* of several of a kind any may be the one: they are alike */
        else
            again[count++] = chaos->armed[i];
    }
    chaos->armed_count = 0;
    for (uint8_t i = 0; i < count; i++)
        arm(chaos, again[i]);
}

static void strike(struct chaos *chaos, const struct chaos_step *step)
{
    bool done = false;
    switch (step->kind) {
    case CHAOS_COORDINATOR:
        done = chaos_worker_shoot(chaos);
        chaos->shared->hit[CHAOS_COORDINATOR] += done;
        break;
    case CHAOS_GATE:
        done = arm(chaos, step);
        chaos->shared->hit[CHAOS_GATE] += done;
        break;
    default:
        if (chaos_hand_busy(chaos, step->node, step->kind)) {
            if (chaos->late_count[step->node] < CHAOS_LATE_MAX)
                chaos->late[step->node][chaos->late_count[step->node]++] = step;
            return;
        }
        done = chaos_hand_start(chaos, step->kind, step->node, step->for_ms);
        break;
    }
    program_log(LOG_LEVEL_INFO, "chaos: %s %s %d ms %s%s", chaos_kinds[step->kind].name,
                chaos->app->configuration.nodes[step->node].name, step->for_ms, step->spec,
                done ? "" : " (not possible now)");
}

/* A server's start took longer than the plan has room for: what was due meanwhile is done when it is up, if that is soon. */
static void strike_late(struct chaos *chaos, int64_t now_ms)
{
    for (uint8_t node = 0; node < chaos->app->configuration.node_count; node++)
        for (uint8_t i = 0; i < chaos->late_count[node];) {
            const struct chaos_step **late = chaos->late[node], *step = late[i];
            bool over = now_ms - chaos->load_ms - step->at_ms > LATE_MS;
            if (!over && chaos_hand_busy(chaos, node, step->kind)) {
                i++;
                continue;
            }
            chaos->late_count[node]--;
            memmove(&late[i], &late[i + 1], (size_t)(chaos->late_count[node] - i) * sizeof *late);
            if (!over)
                strike(chaos, step);
        }
}

/* Since when something is amiss that no hand looks after; true when it is time to heal it. */
static bool overdue(int64_t *since_ms, bool amiss, int64_t now_ms)
{
    if (!amiss)
        *since_ms = 0;
    else if (*since_ms == 0)
        *since_ms = now_ms;
    return amiss && now_ms - *since_ms >= PATIENCE_MS;
}

/* A fault of the gate, or a hand that failed, may have left a node down or frozen, or its link cut: healed after a while. */
static void look_at_nodes(struct chaos *chaos, int64_t now_ms)
{
    char dir[sizeof chaos->app->state_dir + 8];
    links_dir(chaos->app, dir, sizeof dir);
    if (now_ms < chaos->look_ms)
        return;
    chaos->look_ms = now_ms + LOOK_MS;
    for (uint8_t i = 0; i < chaos->app->configuration.node_count; i++) {
        const char *name = chaos->app->configuration.nodes[i].name;
        struct lab_node node;
        struct link_state link;
        bool away = !chaos_hand_busy(chaos, i, CHAOS_KILL) &&
                    lab_status(chaos->app->state_dir, name, &node, NULL) == STATUS_OK &&
                    (node.state == LAB_DOWN || node.state == LAB_FROZEN);
        if (overdue(&chaos->away_ms[i], away, now_ms) && chaos_hand_heal(chaos, i)) {
            chaos->healed++;
            chaos->away_ms[i] = 0;
        }
        links_recorded(chaos->app, i, &link);
        bool cut = !chaos_hand_busy(chaos, i, CHAOS_LINK_CUT) && (link.cut_request || link.cut_reply);
        if (overdue(&chaos->cut_ms[i], cut, now_ms) &&
            link_file_change(dir, name, "heal", &link, NULL) == STATUS_OK)
            chaos->cut_ms[i] = 0;
    }
}

/* --fault: once, not again in every coordinator that comes after a crash. */
static void arm_wishes(struct chaos *chaos)
{
    for (int i = 0; i < chaos->app->fault_count; i++) {
        char order[CHAOS_SPEC_MAX + 8];
        struct text text;
        text_init(&text, order, sizeof order);
        text_printf(&text, "arm %s", chaos->app->faults[i]);
        chaos_worker_order(chaos, order);
    }
}

static int64_t due_ms(const struct chaos *chaos)
{
    return chaos->next < chaos->plan.count ? chaos->load_ms + chaos->plan.steps[chaos->next].at_ms
                                           : INT64_MAX;
}

static void close_gaps(struct chaos *chaos)
{
    struct chaos_shared *shared = chaos->shared;
    int64_t now_us = clock_mono_us(), gap_us = now_us - shared->last_answer_us;
    if (gap_us > CHAOS_GAP_US)
        shared->unavailable_us += gap_us;
    if (gap_us > shared->longest_gap_us)
        shared->longest_gap_us = gap_us;
    if (now_us - shared->last_commit_us > shared->longest_commit_gap_us)
        shared->longest_commit_gap_us = now_us - shared->last_commit_us;
}

static void take_totals(struct chaos *chaos)
{
    const struct chaos_shared *shared = chaos->shared;
    close_gaps(chaos);
    chaos->totals = (struct chaos_totals){
        .committed = shared->committed,
        .aborted = shared->aborted,
        .pending = shared->pending,
        .in_doubt = shared->in_doubt,
        .longest_gap_us = shared->longest_gap_us,
        .unavailable_us = shared->unavailable_us,
        .longest_commit_gap_us = shared->longest_commit_gap_us,
    };
}

/* Hands that were at it when the load ended have ended now. */
void chaos_take_hits(struct chaos *chaos)
{
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        chaos->totals.hit[kind] = chaos->shared->hit[kind];
    for (unsigned i = 0; i < CHAOS_FAULT_KINDS_MAX; i++)
        chaos->totals.fired[i] = chaos->shared->fired[i];
}

enum status chaos_load(struct chaos *chaos)
{
    chaos->loading = true;
    enum status status = chaos_worker_start(chaos);
    if (status != STATUS_OK)
        return status;
    chaos->load_ms = clock_mono_ms();
    chaos->shared->last_answer_us = chaos->shared->last_commit_us = clock_mono_us();
    arm_wishes(chaos);
    int64_t end_ms = chaos->load_ms + chaos->plan.duration_ms;
    while (status == STATUS_OK && !chaos->interrupted) {
        int64_t now_ms = clock_mono_ms();
        if (now_ms >= end_ms)
            break;
        for (; due_ms(chaos) <= now_ms; chaos->next++)
            strike(chaos, &chaos->plan.steps[chaos->next]);
        strike_late(chaos, now_ms);
        look_at_nodes(chaos, now_ms);
        chaos_progress(chaos, false);
        int64_t until_ms = due_ms(chaos) < now_ms + TICK_MS ? due_ms(chaos) : now_ms + TICK_MS;
        status = chaos_pause(chaos, (until_ms < end_ms ? until_ms : end_ms) - now_ms);
    }
    chaos->loading = false;
    take_totals(chaos);
    chaos->ended_ms = clock_mono_ms();
    chaos_progress(chaos, true);
    return status;
}
