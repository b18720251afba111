#include "config.h"

#include "engine_private.h"

#include <stdlib.h>

#include "xatop/i18n.h"

struct slot *slot_new(struct engine *engine)
{
    struct slot *slot = engine_alloc(sizeof *slot);
    slot->carrier = NO_CARRIER;
    slot->next = engine->slots;
    engine->slots = slot;
    engine->slot_count++;
    return slot;
}

struct slot *slot_find(struct engine *engine, const struct gtrid *gtrid, uint8_t branch)
{
    for (struct slot *slot = engine->slots; slot; slot = slot->next)
        if (slot->mask & UINT32_C(1) << (branch - 1) && gtrid_equal(&slot->gtrid, gtrid))
            return slot;
    return NULL;
}

bool slot_branch_finished(const struct slot *slot, uint8_t branch)
{
    enum branch_state state = slot->txn.branches[branch - 1].state;
    return state == BRANCH_COMMITTED || state == BRANCH_ROLLED_BACK;
}

void slot_release_carrier(struct engine *engine, struct slot *slot)
{
    if (slot->carrier == NO_CARRIER)
        return;
    engine->carrier_used[slot->carrier] = false;
    engine->carriers_used--;
    slot->carrier = NO_CARRIER;
}

/* Nothing of the transaction will use its carrier's sessions again: every unfinished branch is in foreign
 * hands. */
static bool handed_over(const struct slot *slot)
{
    if (slot->messages_out > 0 || !slot->begun)
        return false;
    for (uint8_t i = 0; i < slot->txn.branch_count; i++)
        if (!slot_branch_finished(slot, (uint8_t)(i + 1)) && !slot->branches[i].foreign)
            return false;
    return true;
}

static void slot_free(struct engine *engine, struct slot **at)
{
    struct slot *slot = *at;
    emit_new(engine, TRACE_FORGET, slot, 0);
    emit(engine);
    *at = slot->next;
    engine->slot_count--;
    engine->recovered_count -= slot->txn.recovered;
    sweep_slot_gone(engine, slot);
    swept_slot_gone(engine, slot);
    slot_release_carrier(engine, slot);
    run_ended(engine, slot);
    free(slot);
}

/* A clock event for whoever is due; carriers and slots that nobody needs any more go back. */
void slots_turn(struct engine *engine)
{
    for (struct slot **at = &engine->slots; *at && engine_acts(engine);) {
        struct slot *slot = *at;
        if (slot->begun && !slot->ended && txn_deadline_ms(&slot->txn) <= engine->now_ms)
            slot_step(engine, slot, &(struct txn_event){.kind = TXN_EV_TICK, .now_ms = engine->now_ms});
        if (slot->carrier != NO_CARRIER && handed_over(slot))
            slot_release_carrier(engine, slot);
        if (slot->ended && slot->messages_out == 0 && slot->others_out == 0) {
            slot_free(engine, at);
            continue;
        }
        if (slot->opening == 0 && slot->open_failed && slot->messages_out == 0) {
            run_open_failed(engine, slot);
            slot_free(engine, at);
            continue;
        }
        at = &slot->next;
    }
}
