/* The load and the plan: starts what is due, looks after what nobody looks after, counts. Nothing here waits for a server. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "chaos.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/lab.h"
#include "xatop/log.h"
#include "xatop/text.h"

enum { LOOK_MS = 300, PATIENCE_MS = 700, TICK_MS = 200 };

enum status chaos_pause(struct chaos *chaos, int64_t ms)
{
    struct pollfd in = {.fd = chaos->signal_fd, .events = POLLIN};
    struct signalfd_siginfo info;
    if (poll(&in, 1, ms > 0 ? (int)ms : 0) > 0)
        while (read(chaos->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
            chaos->interrupted = chaos->interrupted || info.ssi_signo != SIGCHLD;
    return chaos_reap(chaos);
}

static void strike(struct chaos *chaos, const struct chaos_step *step)
{
    char order[CHAOS_SPEC_MAX + 8];
    struct text text;
    bool done = false;
    chaos->drawn[step->kind]++;
    switch (step->kind) {
    case CHAOS_COORDINATOR:
        done = chaos_worker_shoot(chaos);
        chaos->shared->hit[CHAOS_COORDINATOR] += done;
        break;
    case CHAOS_GATE:
        text_init(&text, order, sizeof order);
        text_printf(&text, "arm %s", step->spec);
        done = chaos->worker && !chaos->shot;
        chaos_worker_order(chaos, order);
        chaos->shared->hit[CHAOS_GATE] += done;
        break;
    default:
        if (!(chaos_kinds[step->kind].needs & CHAOS_PROCESS && chaos_hand_busy(chaos, step->node)))
            done = chaos_hand_start(chaos, step->kind, step->node, step->for_ms);
        break;
    }
    program_log(LOG_LEVEL_INFO, "chaos: %s %s %d ms %s%s", chaos_kinds[step->kind].name,
                chaos->app->configuration.nodes[step->node].name, step->for_ms, step->spec,
                done ? "" : " (not possible now)");
    chaos->missed[step->kind] += !done;
}

/* A fault of the gate, or a hand that failed, may have left a node down or frozen: it is healed after a while. */
static void look_at_nodes(struct chaos *chaos, int64_t now_ms)
{
    if (now_ms < chaos->look_ms)
        return;
    chaos->look_ms = now_ms + LOOK_MS;
    for (uint8_t i = 0; i < chaos->app->configuration.node_count; i++) {
        struct lab_node node;
        bool away = !chaos_hand_busy(chaos, i) &&
                    lab_status(chaos->app->state_dir, chaos->app->configuration.nodes[i].name, &node, NULL) ==
                        STATUS_OK &&
                    (node.state == LAB_DOWN || node.state == LAB_FROZEN);
        if (!away)
            chaos->away_ms[i] = 0;
        else if (chaos->away_ms[i] == 0)
            chaos->away_ms[i] = now_ms;
        else if (now_ms - chaos->away_ms[i] >= PATIENCE_MS && chaos_hand_heal(chaos, i)) {
            chaos->healed++;
            chaos->away_ms[i] = 0;
        }
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
