#include "config.h"

#include "engine_private.h"

#include <stdlib.h>

/* What a verdict rests on, beyond scans and log: the marker rows of the other branches, on every node that can be asked. */

static bool would_roll_back(struct engine *engine, const struct candidate *candidate)
{
    return verdict_needs_log(engine, candidate) && candidate->alive && !candidate->recorded;
}

/* One question a node, over all of them: from the oldest to the youngest that would be rolled back. */
void siblings_ask(struct engine *engine)
{
    struct sweep *sweep = &engine->sweep;
    struct gtrid oldest, youngest;
    bool any = false;
    for (uint32_t i = 0; i < sweep->count; i++) {
        const struct candidate *candidate = &sweep->list[i];
        if (!would_roll_back(engine, candidate))
            continue;
        if (!any || gtrid_by_age(&candidate->gtrid, &oldest) < 0)
            oldest = candidate->gtrid;
        if (!any || gtrid_by_age(&candidate->gtrid, &youngest) > 0)
            youngest = candidate->gtrid;
        any = true;
    }
    sweep->state = SWEEP_MARKERS;
    for (uint8_t i = 0; any && i < engine->config.node_count; i++) {
        if (!engine->nodes[i].raised || engine->nodes[i].down)
            continue;
        struct control_box *box = control_box_new(engine, CONTROL_MARKERS, FOR_SIBLINGS, i);
        box->control.floor.after = oldest;
        if (oldest.sequence > 0)
            box->control.floor.after.sequence--;
        box->control.floor.upto = youngest;
        sweep->out++;
        engine->ports.node.control(engine->ports.node.ctx, &box->control);
    }
    if (sweep->out == 0)
        verdicts_give(engine);
}

static int by_age(const void *key, const void *element)
{
    const struct gtrid *gtrid = key;
    const struct marker_seen *marker = element;
    if (gtrid->epoch != marker->epoch)
        return gtrid->epoch < marker->epoch ? -1 : 1;
    return gtrid->sequence < marker->sequence ? -1 : gtrid->sequence > marker->sequence;
}

/* A node that cannot tell proves nothing, and holds up nobody. */
void siblings_listed(struct engine *engine, struct control *control)
{
    struct sweep *sweep = &engine->sweep;
    const struct floor_ask *ask = &control->floor;
    uint16_t bit = (uint16_t)(1u << control->node);
    sweep->out--;
    for (uint32_t i = 0; control->ok && i < sweep->count; i++) {
        struct candidate *candidate = &sweep->list[i];
        bool covered = !ask->more || gtrid_by_age(&candidate->gtrid, &ask->covered) <= 0;
        if (!covered || !would_roll_back(engine, candidate))
            continue;
        candidate->evidence.markers_read |= bit;
        if (ask->count > 0 &&
            bsearch(&candidate->gtrid, ask->markers, ask->count, sizeof ask->markers[0], by_age))
            candidate->evidence.committed_on |= bit;
    }
    if (sweep->out == 0)
        verdicts_give(engine);
}

void evidence_fill(struct engine *engine, struct candidate *candidate, const struct slot *slot)
{
    struct verdict_evidence *evidence = &candidate->evidence;
    evidence->first_scan = candidate->first;
    evidence->second_scan = candidate->second;
    if (candidate->owner == XID_FOREIGN)
        return;
    evidence->xid_epoch = candidate->gtrid.epoch;
    evidence->our_epoch = engine->config.coordinator.epoch;
    if (slot && candidate->branch > 0) {
        evidence->holder =
            slot->txn.recovered ? 0 : slot->branches[candidate->branch - 1].session.connection_id;
        if (slot->log_lsn > 0)
            evidence->log_lsn = slot->log_lsn;
    }
}
