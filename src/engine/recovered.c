#include "config.h"

#include "engine_private.h"

#include "xatop/i18n.h"

/* Transactions of the past: from COMMIT records that stood undischarged, and from branches that a sweep
 * found. */

/* Records of a node that is gone for good must not take the room of what can be finished: at most half of it, as sweeps take
 * at most three quarters (verdicts.c), and the rest is for new work. */
enum { RECORDS_MAX = XATOP_PENDING_MAX / 2 };

struct slot *recovered_new(struct engine *engine, const struct gtrid *gtrid, bool commit,
                           uint8_t branch_count, uint32_t mask, const char *meaning)
{
    struct slot *slot = slot_new(engine);
    engine->recovered_count++;
    slot->gtrid = *gtrid;
    slot->mask = mask;
    text_copy(slot->meaning, sizeof slot->meaning, meaning);
    for (unsigned i = 0; i < XATOP_BRANCHES_MAX; i++)
        slot->branches[i] = (struct slot_branch){.node = NO_NODE, .foreign = true};
    txn_init_recovered(&slot->txn, &engine->config.limits, commit, branch_count, mask, engine->now_ms,
                       prng_next(&engine->prng));
    return slot;
}

void recovered_begin(struct engine *engine, struct slot *slot)
{
    struct trace_event *event = emit_new(engine, TRACE_BEGIN, slot, 0);
    text_copy(event->detail, sizeof event->detail, slot->meaning);
    event->n[0] = slot->txn.branch_count;
    emit(engine);
    event = emit_new(engine, TRACE_STATE, slot, 0); /* what it was told to be, not "active" */
    event->from = TXN_ACTIVE;
    event->to = (int16_t)slot->txn.state;
    emit(engine);
    slot->begun = true;
    slot_step(engine, slot, &(struct txn_event){.kind = TXN_EV_BEGIN, .now_ms = engine->now_ms});
}

static void from_record(struct engine *engine, const struct dlog_record *record)
{
    uint32_t mask = 0;
    uint8_t branch_count = 0;
    for (unsigned i = 0; i < record->branch_count; i++) {
        uint8_t branch = record->branches[i].branch;
        mask |= UINT32_C(1) << (branch - 1);
        branch_count = branch > branch_count ? branch : branch_count;
    }
    struct slot *slot = recovered_new(engine, &record->gtrid, true, branch_count, mask, record->meaning);
    slot->log_lsn = record->lsn;
    for (unsigned i = 0; i < record->branch_count; i++)
        slot->branches[record->branches[i].branch - 1].node_id = record->branches[i].node_id;
}

/* A slot for each record that promised a commit. More of them than memory may hold wait on the list. They begin after the
 * first sweep, so that its verdicts can name every branch that was left behind. */
void recovered_turn(struct engine *engine)
{
    if (!engine->open)
        return;
    while (engine->undischarged_next < engine->undischarged_count && engine->recovered_count < RECORDS_MAX &&
           engine->slot_count < XATOP_PENDING_MAX)
        from_record(engine, &engine->undischarged[engine->undischarged_next++]);
    if (!engine->recovery_allowed || !engine->swept_once)
        return;
    for (struct slot *slot = engine->slots; slot && engine_acts(engine); slot = slot->next)
        if (slot->txn.recovered && !slot->begun && slot->others_out == 0)
            recovered_begin(engine, slot);
}
