#include "config.h"

#include "model_fold.h"

#include <string.h>

#include "xatop/xid.h"

/* --- what is prepared on the nodes --- */

/* Nothing was ever known of it but branches that nodes listed, and they list none any more: somebody has ended it. */
static void end_of_txn(struct model *model, const struct model_verdict *gone)
{
    struct model_txn *txn = (struct model_txn *)model_txn_find(model, gone->epoch, gone->txn);
    if (!txn || !txn->recovered || txn->state != TXN_ACTIVE || model->sweep.unread != 0)
        return;
    for (uint16_t i = 0; i < model->sweep.count; i++) {
        const struct model_verdict *other = &model->sweep.verdicts[i];
        if (!other->gone && other->txn == gone->txn && other->epoch == gone->epoch)
            return;
    }
    txn->forgotten = true;
}

static void forget_old(struct model *model)
{
    struct model_sweep *sweep = &model->sweep;
    uint16_t kept = 0;
    for (uint16_t i = 0; i < sweep->count; i++)
        if (sweep->verdicts[i].gone)
            end_of_txn(model, &sweep->verdicts[i]);
    for (uint16_t i = 0; i < sweep->count; i++)
        if (!sweep->verdicts[i].old) {
            if (kept != i)
                sweep->verdicts[kept] = sweep->verdicts[i];
            kept++;
        }
    sweep->count = kept;
}

static bool answers(const struct model *model, unsigned index)
{
    return index < model->node_count &&
           (model->nodes[index].state == NODE_UP || model->nodes[index].state == NODE_SLOW);
}

/* What the look before found counts no more, but on nodes that this one left alone and that are there: it was said of them
 * and still stands. The words stay for one more look, so that what is said again is no news. */
void model_fold_sweep(struct model *model, const struct trace_event *event)
{
    struct model_sweep *sweep = &model->sweep;
    forget_old(model);
    uint16_t nodes = (uint16_t)event->n[1], unread = (uint16_t)event->n[2];
    for (uint16_t i = 0; i < sweep->count; i++) {
        struct model_verdict *verdict = &sweep->verdicts[i];
        unsigned index = verdict->node ? verdict->node - 1u : 0;
        verdict->old = ((nodes | unread) & 1u << index) != 0 || !answers(model, index) || verdict->finished;
        verdict->gone = verdict->old && (nodes & ~unread & 1u << index) != 0;
    }
    sweep->known = true;
    sweep->dry_run = event->result == 1;
    sweep->mono_us = event->mono_us;
    sweep->wall_ms = event->wall_ms;
    sweep->seen = event->n[0] < 0 || event->n[0] > UINT32_MAX ? 0 : (uint32_t)event->n[0];
    sweep->foreign = event->n[3] < 0 || event->n[3] > UINT32_MAX ? 0 : (uint32_t)event->n[3];
    sweep->nodes = nodes;
    sweep->unread = unread;
    sweep->lost = 0;
}

/* A place for a verdict: one that counts no more, a new one, or that of somebody else's branch if this one is not. */
static struct model_verdict *place_for(struct model_sweep *sweep, bool foreign)
{
    if (sweep->count < MODEL_VERDICTS)
        return &sweep->verdicts[sweep->count++];
    for (uint16_t i = 0; i < sweep->count; i++)
        if (sweep->verdicts[i].old)
            return &sweep->verdicts[i];
    sweep->lost = sweep->lost == UINT16_MAX ? UINT16_MAX : (uint16_t)(sweep->lost + 1);
    for (uint16_t i = sweep->count; !foreign && i-- > 0;)
        if (sweep->verdicts[i].verdict == VERDICT_FOREIGN)
            return &sweep->verdicts[i];
    return NULL;
}

static bool ended_meanwhile(const struct model *model, const struct trace_event *event)
{
    const struct model_txn *txn = model_txn_find(model, event->epoch, event->txn);
    if (!txn || txn->forgotten)
        return true;
    unsigned state = event->branch > 0 && event->branch <= XATOP_BRANCHES_MAX
                         ? txn->branches[event->branch - 1].state
                         : BRANCH_IDLE;
    return state == BRANCH_COMMITTED || state == BRANCH_ROLLED_BACK;
}

bool model_fold_verdict(struct model *model, const struct trace_event *event)
{
    struct model_sweep *sweep = &model->sweep;
    if (event->result < VERDICT_COMMIT || event->result > VERDICT_AMBIGUOUS || event->n[0] < 0 ||
        event->n[0] > RULE_NO_RECORD || event->node < 1 || event->node > model->node_count)
        return true;
    struct model_verdict fresh = {.txn = event->txn,
                                  .epoch = event->epoch,
                                  .branch = event->branch > 0 ? (uint8_t)event->branch : 0,
                                  .node = (uint8_t)event->node,
                                  .verdict = (uint8_t)event->result,
                                  .rule = (uint8_t)event->n[0],
                                  .acted = !sweep->dry_run,
                                  .committed_on = (uint16_t)event->n[3],
                                  .seen_us = event->mono_us,
                                  .first_us = event->mono_us,
                                  .log_lsn = (uint64_t)event->n[1],
                                  .holder = (uint64_t)event->n[2]};
    text_sanitise_cstr(fresh.xid, sizeof fresh.xid, event->detail);
    struct xid xid;
    const char *maker = event->txn == 0 && xid_scan(event->detail, &xid) ? xid_maker(&xid) : NULL;
    if (maker)
        text_sanitise_cstr(fresh.maker, sizeof fresh.maker, maker);
    if (fresh.rule == RULE_IN_FLIGHT) /* it was when it was listed; the words come a moment later */
        fresh.finished = ended_meanwhile(model, event);
    for (uint16_t i = 0; i < sweep->count; i++) {
        struct model_verdict *known = &sweep->verdicts[i];
        if (known->node != fresh.node || strcmp(known->xid, fresh.xid) != 0)
            continue;
        bool same = known->verdict == fresh.verdict && known->rule == fresh.rule;
        bool news = !same || (fresh.acted && !known->acted);
        if (same) {
            fresh.first_us = known->first_us;
            fresh.acted |= known->acted;
        }
        *known = fresh;
        return news;
    }
    struct model_verdict *place = place_for(sweep, fresh.verdict == VERDICT_FOREIGN);
    if (place)
        *place = fresh;
    return true;
}

void model_fold_finished(struct model *model, uint32_t epoch, uint64_t txn, unsigned branch)
{
    struct model_sweep *sweep = &model->sweep;
    for (uint16_t i = 0; i < sweep->count; i++) {
        struct model_verdict *verdict = &sweep->verdicts[i];
        if (verdict->txn == txn && txn != 0 && verdict->epoch == epoch &&
            (branch == 0 || verdict->branch == branch))
            verdict->finished = true;
    }
}

const struct model_verdict *model_verdict_find(const struct model *model, uint32_t epoch, uint64_t txn,
                                               uint8_t branch)
{
    for (uint16_t i = 0; i < model->sweep.count && txn != 0; i++) {
        const struct model_verdict *verdict = &model->sweep.verdicts[i];
        if (!verdict->old && verdict->txn == txn && verdict->epoch == epoch && verdict->branch == branch)
            return verdict;
    }
    return NULL;
}

/* --- faults --- */

const struct model_fault *model_fault_at(const struct model *model, unsigned age)
{
    if (age >= model->fault_count || age >= MODEL_FAULTS)
        return NULL;
    return &model->faults[(model->fault_count - 1 - age) % MODEL_FAULTS];
}

unsigned model_faults_armed(const struct model *model)
{
    unsigned n = 0;
    const struct model_fault *fault;
    for (unsigned age = 0; (fault = model_fault_at(model, age)); age++)
        n += fault->state == MODEL_FAULT_ARMED;
    return n;
}

static void disarm_all(struct model *model)
{
    for (unsigned i = 0; i < MODEL_FAULTS; i++)
        if (model->faults[i].state == MODEL_FAULT_ARMED)
            model->faults[i].state = MODEL_FAULT_DISARMED;
}

/* The place of a fault that has fired or was disarmed; what is armed stays, so the oldest of them first. */
static struct model_fault *fault_add(struct model *model)
{
    struct model_fault *place = &model->faults[model->fault_count++ % MODEL_FAULTS];
    if (model->fault_count <= MODEL_FAULTS || place->state != MODEL_FAULT_ARMED)
        return place;
    /* the oldest one is still armed: it takes the place of the next that is not */
    for (unsigned i = 0; i < MODEL_FAULTS; i++) {
        struct model_fault *other = &model->faults[(model->fault_count + i) % MODEL_FAULTS];
        if (other != place && other->state != MODEL_FAULT_ARMED) {
            *other = *place;
            return place;
        }
    }
    return place;
}

void model_fold_arm(struct model *model, const struct trace_event *event)
{
    if (event->result != 1) {
        disarm_all(model);
        return;
    }
    struct model_fault *fault = fault_add(model);
    *fault = (struct model_fault){.armed_us = event->mono_us, .state = MODEL_FAULT_ARMED};
    text_sanitise_cstr(fault->spec, sizeof fault->spec, event->detail);
}

void model_fold_fired(struct model *model, const struct trace_event *event)
{
    char spec[MODEL_SPEC];
    struct model_fault *hit = NULL;
    text_sanitise_cstr(spec, sizeof spec, event->detail);
    for (unsigned i = 0; i < MODEL_FAULTS && i < model->fault_count; i++) {
        struct model_fault *fault = &model->faults[i];
        if (fault->state == MODEL_FAULT_ARMED && strcmp(fault->spec, spec) == 0 &&
            (!hit || fault->armed_us < hit->armed_us))
            hit = fault;
    }
    if (!hit) { /* its arming was lost, or of a journal that did not tell it */
        hit = fault_add(model);
        *hit = (struct model_fault){.armed_us = 0};
        text_copy(hit->spec, sizeof hit->spec, spec);
    }
    hit->state = MODEL_FAULT_FIRED;
    hit->txn = event->txn;
    hit->fired_us = event->mono_us;
    hit->fired_wall_ms = event->wall_ms;
}

void model_fold_new_run(struct model *model)
{
    disarm_all(model);
    model->sweep.known = false;
    model->sweep.count = 0;
}
