#include "config.h"

#include "engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

/* One round: what the nodes say the floor is; which markers lie between it and the oldest unfinished transaction; are they
 * complete over all nodes; then raise it everywhere; then what the log has forgotten may go. A round that meets any trouble
 * ends without effect: all it did before was true. */

enum { FULL_BATCH_MS = 500 }; /* more was waiting: soon again, but never back to back */

static void finish(struct engine *engine)
{
    struct floor *floor = &engine->floor;
    int64_t pause_ms = engine->config.floor_ms;
    if (floor->more && !floor->failed && pause_ms > FULL_BATCH_MS)
        pause_ms = FULL_BATCH_MS;
    free(floor->list);
    floor->list = NULL;
    floor->count = 0;
    floor->state = FLOOR_IDLE;
    floor->due_ms = engine->now_ms + pause_ms;
}

static struct gtrid gtrid_at(const struct engine *engine, uint32_t epoch, uint64_t sequence)
{
    struct gtrid gtrid = {.log_id = engine->config.coordinator.log_id, .epoch = epoch, .sequence = sequence};
    text_copy(gtrid.coordinator, sizeof gtrid.coordinator, engine->config.coordinator.id);
    return gtrid;
}

static void stay_below(struct engine *engine, struct gtrid *target, const struct gtrid *unfinished)
{
    if (gtrid_by_age(unfinished, target) > 0)
        return;
    *target = unfinished->sequence > 0 ? gtrid_at(engine, unfinished->epoch, unfinished->sequence - 1)
                                       : gtrid_at(engine, unfinished->epoch - 1, (UINT64_C(1) << 48) - 1);
}

/* Just below the oldest transaction that anything is still to be done for. */
static struct gtrid highest_finished(struct engine *engine)
{
    struct gtrid target = gtrid_at(engine, engine->config.coordinator.epoch, engine->sequence);
    for (const struct slot *slot = engine->slots; slot; slot = slot->next)
        if (!slot->ended)
            stay_below(engine, &target, &slot->gtrid);
    for (uint32_t i = engine->undischarged_next; i < engine->undischarged_count; i++)
        stay_below(engine, &target, &engine->undischarged[i].gtrid);
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (engine->nodes[i].ambiguous.epoch != 0)
            stay_below(engine, &target, &engine->nodes[i].ambiguous);
    return target;
}

/* Every node must be heard, and the past be known: an unread node may hold half of anything. */
static bool may_begin(const struct engine *engine)
{
    if (!engine->open || engine->draining || engine->log_failed || engine->in_doubt > 0 ||
        !engine->recovery_allowed || !engine->swept_once || engine->sweep.state != SWEEP_IDLE)
        return false;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        const struct book *book = &engine->nodes[i];
        if (!book->raised || book->down || !book->swept || book->sweep_wanted || book->raise_due ||
            book->raise_out)
            return false;
    }
    return true;
}

void floor_ask_all(struct engine *engine, enum floor_state state, enum control_kind kind,
                   const struct gtrid *after, const struct gtrid *upto)
{
    struct floor *floor = &engine->floor;
    floor->state = state;
    floor->failed = false;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        struct control_box *box = control_box_new(engine, kind, FOR_FLOOR, i);
        struct floor_ask *ask = &box->control.floor;
        if (after)
            ask->after = *after;
        if (upto)
            ask->upto = *upto;
        ask->older_ms = engine->config.retention_ms;
        floor->out++;
        engine->ports.node.control(engine->ports.node.ctx, &box->control);
    }
}

void floor_turn(struct engine *engine)
{
    struct floor *floor = &engine->floor;
    if (engine->config.floor_ms == 0 || floor->state != FLOOR_IDLE || engine->now_ms < floor->due_ms)
        return;
    floor->due_ms = engine->now_ms + engine->config.floor_ms;
    if (!may_begin(engine))
        return;
    if (swept_due(engine)) {
        swept_begin(engine);
        return;
    }
    struct gtrid none = gtrid_at(engine, 0, 0);
    floor->now = none;
    floor->pruned = gtrid_at(engine, UINT32_MAX, 0);
    floor->more = false;
    floor_ask_all(engine, FLOOR_READING, CONTROL_FLOOR, &none, &none);
}

int64_t floor_deadline_ms(const struct engine *engine)
{
    return engine->config.floor_ms == 0 || engine->floor.state != FLOOR_IDLE ? INT64_MAX
                                                                             : engine->floor.due_ms;
}

static void ask_log(struct engine *engine)
{
    struct log_box *box = log_box_new(engine);
    swept_verified(engine, &engine->floor.now);
    engine->floor.state = FLOOR_ASKING_LOG;
    box->request.oldest = true;
    engine->ports.log.submit(engine->ports.log.ctx, &box->request);
}

/* What was verified once is true for every node: the highest counts. A node that was not told yet is, by the raise. */
static void begin_listing(struct engine *engine)
{
    struct floor *floor = &engine->floor;
    floor->target = highest_finished(engine);
    if (gtrid_by_age(&floor->target, &floor->now) <= 0)
        ask_log(engine);
    else
        floor_ask_all(engine, FLOOR_LISTING, CONTROL_MARKERS, &floor->now, &floor->target);
}

static int compare(const void *a, const void *b)
{
    const struct marker_seen *x = a, *y = b;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    if (x->sequence != y->sequence)
        return x->sequence < y->sequence ? -1 : 1;
    return x->branch - y->branch;
}

static void say_torn(struct engine *engine, const struct gtrid *torn)
{
    char gtrid[XATOP_GTRID_MAX + 1];
    if (gtrid_equal(&engine->floor.torn, torn))
        return;
    engine->floor.torn = *torn;
    gtrid_print(torn, gtrid);
    emit_notice(engine, NULL, 2, _("%s is torn: a branch has its marker, another has none on any node"),
                gtrid);
}

/* The list is whole up to the target. Lower the target below the first transaction that is not. */
static void verify(struct engine *engine)
{
    struct floor *floor = &engine->floor;
    if (floor->count > 1)
        qsort(floor->list, floor->count, sizeof floor->list[0], compare);
    for (uint32_t i = 0; i < floor->count;) {
        const struct marker_seen *first = &floor->list[i];
        struct gtrid gtrid = gtrid_at(engine, first->epoch, first->sequence);
        uint32_t seen = 0;
        unsigned branches = 0;
        if (gtrid_by_age(&gtrid, &floor->target) > 0)
            return;
        for (; i < floor->count && floor->list[i].epoch == first->epoch &&
               floor->list[i].sequence == first->sequence;
             i++) {
            const struct marker_seen *marker = &floor->list[i];
            if (marker->branch >= 1 && marker->branch <= XATOP_BRANCHES_MAX)
                seen |= UINT32_C(1) << (marker->branch - 1);
            branches = marker->branches > branches ? marker->branches : branches;
        }
        if (branches == 0 || branches > XATOP_BRANCHES_MAX || seen != (UINT32_C(1) << branches) - 1) {
            say_torn(engine, &gtrid);
            stay_below(engine, &floor->target, &gtrid);
            floor->more = false;
            return;
        }
    }
}

static void listed(struct engine *engine)
{
    struct floor *floor = &engine->floor;
    verify(engine);
    if (gtrid_by_age(&floor->target, &floor->now) <= 0)
        finish(engine);
    else
        floor_ask_all(engine, FLOOR_RAISING, CONTROL_FLOOR, &floor->now, &floor->target);
}

static void take_list(struct floor *floor, const struct floor_ask *ask)
{
    struct marker_seen *grown = realloc(floor->list, ((size_t)floor->count + ask->count + 1) * sizeof *grown);
    xatop_assert(grown != NULL);
    floor->list = grown;
    if (ask->count > 0)
        memcpy(grown + floor->count, ask->markers, ask->count * sizeof *grown);
    floor->count += ask->count;
    floor->more |= ask->more;
    if (ask->more && gtrid_by_age(&ask->covered, &floor->target) < 0)
        floor->target = ask->covered;
}

void floor_answer(struct engine *engine, struct control *control)
{
    struct floor *floor = &engine->floor;
    const struct floor_ask *ask = &control->floor;
    floor->out--;
    if (!control->ok) {
        floor->failed = true; /* a node that cannot be read: no raise */
    } else if (control->kind == CONTROL_MARKERS) {
        take_list(floor, ask);
    } else if (control->kind == CONTROL_SCAN) {
        swept_scanned(engine, control);
    } else if (control->kind == CONTROL_PRUNE) {
        floor->more |= ask->more;
    } else if (floor->state == FLOOR_READING) {
        if (ask->finished.epoch != 0 && gtrid_by_age(&ask->finished, &floor->now) > 0)
            floor->now = ask->finished;
        if (gtrid_by_age(&ask->pruned, &floor->pruned) < 0)
            floor->pruned = ask->pruned;
    }
    if (floor->out > 0)
        return;
    if (floor->failed || floor->state == FLOOR_PRUNING || !engine_acts(engine))
        finish(engine);
    else if (floor->state == FLOOR_LOOKING) {
        if (swept_looked(engine))
            finish(engine);
    } else if (floor->state == FLOOR_READING)
        begin_listing(engine);
    else if (floor->state == FLOOR_LISTING)
        listed(engine);
    else { /* raised everywhere */
        floor->now = floor->target;
        ask_log(engine);
    }
}

/* Only below what the log still holds: a decision that can be asked for keeps its witness, also while it waits for its
 * SWEPT or for the retention time behind it. */
void floor_oldest(struct engine *engine, const struct dlog_request *request)
{
    struct floor *floor = &engine->floor;
    struct gtrid upto = floor->now;
    if (request->status == STATUS_OK && request->found == 1)
        stay_below(engine, &upto, &request->record.gtrid);
    if (request->status != STATUS_OK || request->found < 0 || engine->config.retention_ms == 0 ||
        upto.epoch == 0 || gtrid_by_age(&upto, &floor->pruned) <= 0)
        finish(engine);
    else
        floor_ask_all(engine, FLOOR_PRUNING, CONTROL_PRUNE, &floor->now, &upto);
}
