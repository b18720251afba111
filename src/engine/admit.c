#include "config.h"

#include "engine_private.h"

#include "xatop/i18n.h"

/* First come, first served per row: two transactions of ours never wait for each other's rows in a node,
 * where two nodes locked in no order are a deadlock that no server sees. */

enum { BLOCKED_MAX = 1024 };

bool run_meets(const struct run *run, const uint64_t *rows, unsigned row_count)
{
    for (unsigned i = 0; i < run->row_count; i++)
        for (unsigned j = 0; j < row_count; j++)
            if (rows[j] == run->rows[i])
                return true;
    return false;
}

static bool row_in_flight(const struct engine *engine, const struct run *run)
{
    for (const struct slot *slot = engine->slots; slot; slot = slot->next)
        if (slot->run && !slot->ended && run_meets(run, slot->run->rows, slot->run->row_count))
            return true;
    return false;
}

static uint16_t take_carrier(struct engine *engine)
{
    for (uint16_t i = 0; i < engine->config.max_inflight; i++)
        if (!engine->carrier_used[i]) {
            engine->carrier_used[i] = true;
            engine->carriers_used++;
            return i;
        }
    return NO_CARRIER;
}

static void admit(struct engine *engine, struct run *run)
{
    struct slot *slot = slot_new(engine);
    const struct coordinator *coordinator = &engine->config.coordinator;
    uint8_t work_counts[XATOP_BRANCHES_MAX];
    text_copy(slot->gtrid.coordinator, sizeof slot->gtrid.coordinator, coordinator->id);
    slot->gtrid.log_id = coordinator->log_id;
    slot->gtrid.epoch = coordinator->epoch;
    slot->gtrid.sequence = ++engine->sequence;
    slot->carrier = take_carrier(engine);
    slot->run = run;
    slot->mask = (UINT32_C(1) << run->plan.branch_count) - 1;
    text_copy(slot->meaning, sizeof slot->meaning, run->plan.meaning);
    for (uint8_t i = 0; i < run->plan.branch_count; i++) {
        work_counts[i] = run->plan.branches[i].work_count;
        slot->branches[i].node = run->plan.branches[i].node;
        slot->branches[i].node_id = engine->nodes[run->plan.branches[i].node].node_id;
    }
    struct txn_limits limits = engine->config.limits;
    limits.packet = run->packet;
    txn_init(&slot->txn, &limits, run->plan.branch_count, work_counts, engine->now_ms,
             prng_next(&engine->prng));
    run->slot = slot;
    run->state = RUN_GOING;
    struct trace_event *event = emit_new(engine, TRACE_BEGIN, slot, 0);
    text_copy(event->detail, sizeof event->detail, slot->meaning);
    event->n[0] = slot->txn.branch_count;
    event->n[1] = run->retries;
    emit(engine);
    slot_open(engine, slot);
}

void runs_admit(struct engine *engine)
{
    uint64_t blocked[BLOCKED_MAX];
    unsigned blocked_count = 0;
    for (struct run *run = engine->runs; run; run = run->next) {
        if (run->state != RUN_QUEUED || run->told)
            continue;
        if (engine->carriers_used >= engine->config.max_inflight || engine->slot_count >= XATOP_PENDING_MAX)
            return;
        if (!row_in_flight(engine, run) && !run_meets(run, blocked, blocked_count)) {
            admit(engine, run);
            continue;
        }
        if (blocked_count + run->row_count > BLOCKED_MAX)
            return;
        for (unsigned i = 0; i < run->row_count; i++)
            blocked[blocked_count++] = run->rows[i];
    }
}
