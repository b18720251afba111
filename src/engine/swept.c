#include "config.h"

#include "engine_private.h"

/* What lets the log forget (xa-facts rule 6): all up to some floor was verified on every node by its markers; a while later
 * every node is looked at, twice, and lists nothing of ours up to there. Then a SWEPT record says so.
 *
 * The while is 20 rounds, a minute: far beyond the second in which a server that does not flush every commit flushes by
 * itself (xa-facts 40), so that what was verified is on its disk by then. It also bounds the cost: two XA RECOVER per node and
 * one unforced record a minute under load, and none at all once the floor rises no more. It is no sweep (sweep.c), which under
 * load meets branches on their way and asks for the next one: nothing is judged here, and a branch that is found is left to a
 * real one. */

enum { SWEPT_ROUNDS = 20, LOOKS = 2 };

static int64_t pause_ms(const struct engine *engine)
{
    return SWEPT_ROUNDS * engine->config.floor_ms;
}

void swept_verified(struct engine *engine, const struct gtrid *floor)
{
    struct swept *swept = &engine->swept;
    if (swept->upto.epoch != 0 || floor->epoch == 0 || gtrid_by_age(floor, &swept->logged) <= 0)
        return;
    swept->upto = *floor;
    swept->due_ms = engine->now_ms + pause_ms(engine);
}

bool swept_due(const struct engine *engine)
{
    return engine->swept.upto.epoch != 0 && engine->now_ms >= engine->swept.due_ms;
}

void swept_begin(struct engine *engine)
{
    engine->swept.looks = 0;
    engine->swept.listed = 0;
    floor_ask_all(engine, FLOOR_LOOKING, CONTROL_SCAN, NULL, NULL);
}

void swept_scanned(struct engine *engine, const struct control *control)
{
    struct swept *swept = &engine->swept;
    const struct coordinator *coordinator = &engine->config.coordinator;
    bool listed = control->xid_total > control->xid_count; /* the rest is unknown */
    for (uint32_t i = 0; i < control->xid_count; i++) {
        struct gtrid gtrid;
        unsigned branch;
        listed |= xid_owner(&control->xids[i], coordinator->id, coordinator->log_id) == XID_OURS &&
                  xid_parse(&control->xids[i], &gtrid, &branch) && gtrid_by_age(&gtrid, &swept->upto) <= 0;
    }
    if (listed)
        swept->listed |= (uint16_t)(1u << control->node);
}

/* Finished anew, so perhaps not on that server's disk yet: the while begins again. */
void swept_slot_gone(struct engine *engine, const struct slot *slot)
{
    struct swept *swept = &engine->swept;
    if (slot->txn.recovered && swept->upto.epoch != 0 && gtrid_by_age(&slot->gtrid, &swept->upto) <= 0)
        swept->due_ms = engine->now_ms + pause_ms(engine);
}

/* A branch that came back may be hidden from the look by a phantom OK (3a). */
static bool unfinished(const struct engine *engine)
{
    for (const struct slot *slot = engine->slots; slot; slot = slot->next)
        if (!slot->ended && gtrid_by_age(&slot->gtrid, &engine->swept.upto) <= 0)
            return true;
    for (uint32_t i = engine->undischarged_next; i < engine->undischarged_count; i++)
        if (gtrid_by_age(&engine->undischarged[i].gtrid, &engine->swept.upto) <= 0)
            return true;
    return false;
}

bool swept_looked(struct engine *engine)
{
    struct swept *swept = &engine->swept;
    if (!swept_due(engine)) /* put off while it looked */
        return true;
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (swept->listed & 1u << i) {
            engine->nodes[i].sweep_wanted = true;
            engine->nodes[i].sweep_at_ms = engine->now_ms;
        }
    if (swept->listed || unfinished(engine)) {
        swept->due_ms = engine->now_ms + pause_ms(engine);
        return true;
    }
    if (++swept->looks < LOOKS) {
        floor_ask_all(engine, FLOOR_LOOKING, CONTROL_SCAN, NULL, NULL);
        return false;
    }
    if (!engine->log_failed) {
        struct log_box *box = log_box_new(engine);
        box->request.record.type = DLOG_SWEPT;
        box->request.record.gtrid = swept->upto;
        engine->ports.log.submit(engine->ports.log.ctx, &box->request);
    }
    swept->logged = swept->upto;
    swept->upto.epoch = 0;
    return true;
}
