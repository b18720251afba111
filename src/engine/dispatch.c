#include "config.h"

#include "engine_private.h"

#include <string.h>

#include "xatop/i18n.h"

/* From the core's wishes through the gate to the ports. */

static void emit_fault(struct engine *engine, const struct slot *slot, uint8_t branch,
                       const struct fault *fault)
{
    struct trace_event *event = emit_new(engine, TRACE_FAULT, slot, branch);
    text_copy(event->detail, sizeof event->detail, fault->spec);
    emit(engine);
}

static const struct fault *gate(struct engine *engine, enum point point, const struct slot *slot,
                                uint8_t branch)
{
    uint8_t node = branch > 0 ? slot->branches[branch - 1].node : 0;
    const struct fault *fault = gate_pass(&engine->gate, point, branch, branch > 0 ? (uint8_t)(node + 1) : 0);
    if (fault)
        emit_fault(engine, slot, branch, fault);
    return fault;
}

/* What strikes a node where no node is spoken to: NULL, or the fault and the branch whose node it is. */
static const struct fault *gate_over(struct engine *engine, enum point point, const struct slot *slot,
                                     uint8_t *struck)
{
    for (uint8_t branch = 1; branch <= slot->txn.branch_count; branch++) {
        uint8_t node = slot->branches[branch - 1].node;
        const struct fault *fault =
            node == NO_NODE ? NULL : gate_pass_over(&engine->gate, point, branch, (uint8_t)(node + 1));
        if (!fault)
            continue;
        emit_fault(engine, slot, branch, fault);
        *struck = branch;
        return fault;
    }
    return NULL;
}

/* The points that no message and no log record carries. What strikes a node at the beginning does so before the first byte of its
 * branch leaves; at the end nothing follows that could wait for it. */
static void strike(struct engine *engine, enum point point, struct slot *slot)
{
    uint8_t branch;
    const struct fault *fault = gate_over(engine, point, slot, &branch);
    if (fault && point == POINT_BEGIN)
        slot->branches[branch - 1].strike = fault->kind->act;
    else if (fault && engine->ports.harm)
        engine->ports.harm(engine->ports.ctx, fault->kind->act, slot->branches[branch - 1].node);
}

void engine_crash(struct engine *engine, enum point point, struct slot *slot)
{
    strike(engine, point, slot);
    const struct fault *fault = gate(engine, point, slot, 0);
    if (!fault || fault->kind->act != FAULT_CRASH)
        return;
    engine->dead = true;
    engine->ports.crash(engine->ports.ctx);
}

static void gate_message(struct engine *engine, struct slot *slot, struct message *message)
{
    struct message_faults *faults = &message->faults;
    faults->strike = slot->branches[message->branch - 1].strike;
    slot->branches[message->branch - 1].strike = FAULT_NONE;
    for (unsigned verb = VERB_START; verb <= VERB_ONE_PHASE; verb <<= 1) {
        if (!(message->verbs & verb))
            continue;
        enum point sent = point_sent(verb);
        const struct fault *fault = gate(engine, sent, slot, message->branch);
        if (fault && faults->sent == FAULT_NONE) {
            faults->sent = fault->kind->act;
            faults->sent_verb = (uint16_t)verb;
            faults->sent_ms = fault->ms;
        }
        fault = gate(engine, (enum point)(sent + 1), slot, message->branch);
        if (fault && faults->reply == FAULT_NONE) {
            faults->reply = fault->kind->act;
            faults->reply_verb = (uint16_t)verb;
            faults->reply_ms = fault->ms;
        }
    }
}

static void send(struct engine *engine, struct slot *slot, const struct txn_action *action)
{
    struct message_box *box = message_box_new(engine, slot, action->branch);
    struct message *message = &box->message;
    message->verbs = action->verbs;
    message->step = action->step;
    message->deadline_ms = action->deadline_ms;
    message->session = slot->branches[action->branch - 1].session;
    struct trace_event *event = emit_new(engine, TRACE_SEND, slot, action->branch);
    event->verbs = action->verbs;
    event->n[0] = action->step;
    emit(engine);
    gate_message(engine, slot, message);
    engine->ports.node.send(engine->ports.node.ctx, message);
}

static void gate_decision(struct engine *engine, enum point point, const struct slot *slot,
                          enum fault_act *act, int32_t *ms, uint8_t *node)
{
    uint8_t branch;
    const struct fault *fault = gate(engine, point, slot, 0);
    if (fault) {
        *act = fault->kind->act;
        *ms = fault->ms;
    } else if ((fault = gate_over(engine, point, slot, &branch)) != NULL) {
        *act = fault->kind->act;
        *node = slot->branches[branch - 1].node;
    }
}

static void log_commit(struct engine *engine, struct slot *slot)
{
    struct log_box *box = log_box_new(engine);
    struct dlog_request *request = &box->request;
    struct dlog_record *record = &request->record;
    box->slot = slot;
    slot->others_out++;
    request->forced = true;
    request->token = slot->gtrid.sequence;
    record->type = DLOG_COMMIT;
    record->gtrid = slot->gtrid;
    record->branch_count = slot->txn.branch_count;
    for (uint8_t i = 0; i < record->branch_count; i++) {
        struct dlog_branch *branch = &record->branches[i];
        branch->branch = (uint8_t)(i + 1);
        branch->node = slot->branches[i].node;
        branch->node_id = slot->branches[i].node_id;
        text_copy(branch->name, sizeof branch->name, engine->config.node_names[branch->node]);
    }
    text_copy(record->meaning, sizeof record->meaning, slot->meaning);
    gate_decision(engine, POINT_DECIDE_APPEND, slot, &request->append_fault, &request->append_ms,
                  &request->append_node);
    gate_decision(engine, POINT_DECIDE_DURABLE, slot, &request->durable_fault, &request->durable_ms,
                  &request->durable_node);
    struct trace_event *event = emit_new(engine, TRACE_LOG_APPEND, slot, 0);
    text_copy(event->detail, sizeof event->detail, dlog_type_name(DLOG_COMMIT));
    emit(engine);
    engine->ports.log.submit(engine->ports.log.ctx, request);
}

/* Only the transaction that finished every branch of the record may discharge it: one that finished a branch
 * which came back (40a) knows nothing of the others. */
static void log_done(struct engine *engine, struct slot *slot)
{
    uint32_t all = (UINT32_C(1) << slot->txn.branch_count) - 1;
    if ((slot->mask & all) != all || engine->log_failed)
        return;
    struct log_box *box = log_box_new(engine);
    box->request.record.type = DLOG_DONE;
    box->request.record.gtrid = slot->gtrid;
    struct trace_event *event = emit_new(engine, TRACE_LOG_APPEND, slot, 0);
    text_copy(event->detail, sizeof event->detail, dlog_type_name(DLOG_DONE));
    emit(engine);
    engine->ports.log.submit(engine->ports.log.ctx, &box->request);
}

/* FENCE and RESOLVE are the control session's. A node that is away or not raised is not asked: the wish waits
 * for it. */
static void ask(struct engine *engine, struct slot *slot, const struct txn_action *action)
{
    struct slot_branch *branch = &slot->branches[action->branch - 1];
    if (branch->node == NO_NODE)
        branch->node = node_by_id(engine, branch->node_id);
    if (branch->node == NO_NODE || !engine->nodes[branch->node].raised || engine->nodes[branch->node].down) {
        branch->parked = true;
        branch->action = *action;
        return;
    }
    bool fence = action->kind == TXN_ACT_FENCE;
    struct control_box *box = control_box_new(engine, fence ? CONTROL_FENCE : CONTROL_RESOLVE,
                                              fence ? FOR_FENCE : FOR_RESOLVE, branch->node);
    struct control *control = &box->control;
    box->slot = slot;
    slot->others_out++;
    control->branch = action->branch;
    control->verbs = action->verbs;
    control->session = branch->session;
    control->expect_node_id = branch->node_id;
    control->deadline_ms = engine->now_ms + slot->txn.limits.finish_timeout_ms;
    xid_make(&control->xid, &slot->gtrid, action->branch);
    engine->ports.node.control(engine->ports.node.ctx, control);
}

void slot_unpark(struct engine *engine)
{
    for (struct slot *slot = engine->slots; slot; slot = slot->next)
        for (unsigned i = 0; i < slot->txn.branch_count; i++)
            if (slot->branches[i].parked) {
                slot->branches[i].parked = false;
                struct txn_action action = slot->branches[i].action;
                ask(engine, slot, &action);
            }
}

/* The event names the branch and its node, so that a program need not read the words. */
static void alarm_people(struct engine *engine, struct slot *slot, uint8_t branch)
{
    char gtrid[XATOP_GTRID_MAX + 1];
    struct text text;
    gtrid_print(&slot->gtrid, gtrid);
    uint8_t node = slot->branches[branch - 1].node;
    const char *name = node == NO_NODE ? "?" : engine->config.node_names[node];
    struct trace_event *event = emit_new(engine, TRACE_NOTICE, slot, branch);
    event->result = 2;
    event->n[0] = !slot->txn.branches[branch - 1].damaged;
    text_init(&text, event->detail, sizeof event->detail);
    if (slot->txn.branches[branch - 1].damaged)
        text_printf(&text, _("%s/b%u was finished against the decision on %s: heuristic damage"), gtrid,
                    branch, name);
    else
        text_printf(&text, _("%s/b%u is still prepared on %s, hidden: restart %s to surface the branch"),
                    gtrid, branch, name, name);
    emit(engine);
}

static void dispatch(struct engine *engine, struct slot *slot, const struct txn_action *action)
{
    switch (action->kind) {
    case TXN_ACT_SEND:
        send(engine, slot, action);
        break;
    case TXN_ACT_LOG_COMMIT:
        log_commit(engine, slot);
        break;
    case TXN_ACT_FENCE:
    case TXN_ACT_RESOLVE:
        ask(engine, slot, action);
        break;
    case TXN_ACT_CUT:
        if (slot->carrier != NO_CARRIER)
            engine->ports.node.cut(engine->ports.node.ctx, slot->carrier,
                                   slot->branches[action->branch - 1].node);
        break;
    case TXN_ACT_ALARM:
        alarm_people(engine, slot, action->branch);
        break;
    case TXN_ACT_LOG_DONE:
    case TXN_ACT_END:
        if (!slot->forget_passed && slot->txn.state != TXN_IN_DOUBT) {
            slot->forget_passed = true;
            engine_crash(engine, POINT_FORGET, slot);
        }
        if (engine->dead)
            break;
        if (action->kind == TXN_ACT_LOG_DONE)
            log_done(engine, slot);
        else
            slot->ended = true;
        engine->in_doubt += slot->ended && slot->txn.state == TXN_IN_DOUBT;
        break;
    }
}

void slot_step(struct engine *engine, struct slot *slot, const struct txn_event *event)
{
    struct txn_update update;
    if (!engine_acts(engine) || slot->ended || !txn_step(&slot->txn, event, &update))
        return;
    for (unsigned i = 0; i < update.move_count; i++) {
        uint8_t branch = update.moves[i].branch;
        struct trace_event *trace = emit_new(engine, branch ? TRACE_BRANCH : TRACE_STATE, slot, branch);
        trace->from = update.moves[i].from;
        trace->to = update.moves[i].to;
        if (branch && trace->to == BRANCH_BACKOFF) {
            trace->n[0] = slot->txn.branches[branch - 1].retry_at_ms - engine->now_ms;
            trace->n[1] = slot->txn.branches[branch - 1].attempts;
        }
        emit(engine);
    }
    for (unsigned i = 0; i < update.count && !engine->dead; i++)
        dispatch(engine, slot, &update.actions[i]);
    struct run *run = slot->run;
    if (engine->dead || !run)
        return;
    if (txn_outcome(&slot->txn) != OUTCOME_NONE && run->decided_ms == 0)
        run->decided_ms = engine->now_ms;
    if (slot->ended)
        run_tell_slot(engine, run);
}

/* Every branch's session first: a branch that cannot even be reached starts nothing anywhere. */
void slot_open(struct engine *engine, struct slot *slot)
{
    int64_t limit_ms = slot->txn.limits.transaction_timeout_ms;
    slot->opening = slot->txn.branch_count;
    for (uint8_t branch = 1; branch <= slot->txn.branch_count; branch++) {
        struct message_box *box = message_box_new(engine, slot, branch);
        box->message.verbs = VERB_OPEN;
        box->message.deadline_ms = engine->now_ms + (limit_ms < OPEN_TIMEOUT_MS ? limit_ms : OPEN_TIMEOUT_MS);
        engine->ports.node.send(engine->ports.node.ctx, &box->message);
    }
}
