#include "config.h"

#include "engine_private.h"

#include "xatop/i18n.h"

/* From what came back to events of the core. */

/* The machine says whom it blames when it is over: each branch's first bad answer is kept until then. */
static void keep_cause(struct slot *slot, const struct message *message)
{
    struct cause *cause = &slot->causes[message->branch - 1];
    if (message->reply == REPLY_OK || cause->kept)
        return;
    cause->kept = true;
    cause->refusal = message->refusal;
    cause->step = message->refused_step;
    cause->have = message->refused_have;
    cause->error = message->error;
    cause->injected = message->injected;
    text_copy(cause->detail, sizeof cause->detail, message->detail);
}

static void opened(struct engine *engine, struct slot *slot, const struct message *message)
{
    slot->opening--;
    if (message->reply == REPLY_OK) {
        slot->branches[message->branch - 1].session = message->session;
    } else {
        keep_cause(slot, message);
        if (!slot->open_failed)
            slot->open_failed = message->branch;
        node_suspect(engine, message->node);
        engine->nodes[message->node].raise_due |= message->fenced;
    }
    if (slot->opening > 0 || slot->open_failed)
        return;
    engine_crash(engine, POINT_BEGIN, slot);
    if (engine->dead)
        return;
    slot->begun = true;
    enum txn_event_kind kind = engine->log_failed ? TXN_EV_ABORT : TXN_EV_BEGIN;
    slot_step(engine, slot, &(struct txn_event){.kind = kind, .now_ms = engine->now_ms});
}

static void replied(struct engine *engine, struct slot *slot, const struct message *message)
{
    struct trace_event *event = emit_new(engine, TRACE_REPLY, slot, message->branch);
    event->verbs = message->reply == REPLY_OK ? message->verbs : message->last_verb;
    event->start_us = message->sent_us;
    event->end_us = message->reply_us;
    event->result = (int16_t)message->reply;
    event->error = message->error;
    text_copy(event->detail, sizeof event->detail, message->detail);
    emit(engine);
    if (message->reply == REPLY_LOST || message->reply == REPLY_NOT_SENT) {
        slot->branches[message->branch - 1].foreign =
            true; /* the carrier has closed it; what is killed is an old id */
        node_suspect(engine, message->node);
    }
    keep_cause(slot, message);
    slot_step(engine, slot,
              &(struct txn_event){.kind = TXN_EV_REPLY,
                                  .now_ms = engine->now_ms,
                                  .branch = message->branch,
                                  .verbs = message->last_verb,
                                  .reply = message->reply});
}

void engine_message_done(struct engine *engine, struct message *message, int64_t now_us)
{
    struct message_box *box = (struct message_box *)message;
    struct slot *slot = box->slot;
    if (engine->dead)
        return;
    engine->now_us = now_us;
    engine->now_ms = now_us / 1000;
    if (message->verbs == VERB_OPEN)
        opened(engine, slot, message);
    else
        replied(engine, slot, message);
    if (!engine->dead)
        message_box_free(engine, box);
}

static void fenced(struct engine *engine, struct slot *slot, const struct control *control)
{
    struct trace_event *event = emit_new(engine, TRACE_FENCE, slot, control->branch);
    event->start_us = control->start_us;
    event->end_us = control->end_us;
    event->n[0] = (int64_t)control->session.connection_id;
    event->result = control->ok;
    event->error = control->error;
    text_copy(event->detail, sizeof event->detail, control->detail);
    emit(engine);
    slot->branches[control->branch - 1].foreign |= control->ok;
    if (!control->ok)
        node_suspect(engine, control->node);
    slot_step(
        engine, slot,
        &(struct txn_event){
            .kind = TXN_EV_FENCED, .now_ms = engine->now_ms, .branch = control->branch, .ok = control->ok});
}

static void resolved(struct engine *engine, struct slot *slot, const struct control *control)
{
    enum finding finding = control->ok ? control->finding : FINDING_UNREACHABLE;
    struct trace_event *event = emit_new(engine, TRACE_RESOLVE, slot, control->branch);
    event->verbs = control->verbs;
    event->start_us = control->start_us;
    event->end_us = control->end_us;
    event->result = (int16_t)finding;
    event->error = control->error;
    text_copy(event->detail, sizeof event->detail, control->detail);
    emit(engine);
    if (finding == FINDING_UNREACHABLE)
        node_suspect(engine, control->node);
    slot_step(engine, slot,
              &(struct txn_event){.kind = TXN_EV_RESOLVED,
                                  .now_ms = engine->now_ms,
                                  .branch = control->branch,
                                  .finding = finding});
}

void engine_control_done(struct engine *engine, struct control *control, int64_t now_us)
{
    struct control_box *box = (struct control_box *)control;
    if (engine->dead)
        return;
    engine->now_us = now_us;
    engine->now_ms = now_us / 1000;
    if (box->slot)
        box->slot->others_out--;
    switch (box->purpose) {
    case FOR_RAISE:
        node_raised(engine, control);
        break;
    case FOR_HEALTH:
        node_sampled(engine, control);
        break;
    case FOR_SCAN:
        sweep_scanned(engine, control);
        break;
    case FOR_LOOKUP:
    case FOR_KEY:
        run_answer(engine, box);
        break;
    case FOR_FENCE:
        fenced(engine, box->slot, control);
        break;
    case FOR_RESOLVE:
        resolved(engine, box->slot, control);
        break;
    case FOR_SIBLINGS:
        siblings_listed(engine, control);
        break;
    case FOR_FLOOR:
        floor_answer(engine, control);
        break;
    case FOR_FORCE:
        force_answer(engine, control);
        break;
    }
    if (!engine->dead)
        control_box_free(engine, box);
}

static void decided(struct engine *engine, struct slot *slot, const struct dlog_request *request)
{
    bool ok = request->status == STATUS_OK;
    struct trace_event *event = emit_new(engine, ok ? TRACE_LOG_DURABLE : TRACE_LOG_FAILED, slot, 0);
    event->start_us = request->append_us;
    event->end_us = request->durable_us;
    event->n[0] = (int64_t)request->record.lsn;
    event->n[1] = request->group;
    if (!ok)
        text_copy(event->detail, sizeof event->detail, request->err.text);
    emit(engine);
    if (!ok)
        engine->log_failed = true;
    slot_step(engine, slot,
              &(struct txn_event){.kind = ok ? TXN_EV_LOGGED : TXN_EV_LOG_FAILED, .now_ms = engine->now_ms});
}

void engine_log_done(struct engine *engine, struct dlog_request *request, int64_t now_us)
{
    struct log_box *box = (struct log_box *)request;
    if (engine->dead)
        return;
    engine->now_us = now_us;
    engine->now_ms = now_us / 1000;
    if (box->force) {
        force_logged(engine, box);
    } else if (request->find) {
        sweep_found(engine, box);
    } else if (request->oldest) {
        floor_oldest(engine, request);
    } else if (box->slot) {
        box->slot->others_out--;
        if (!box->slot->txn.recovered)
            decided(engine, box->slot, request);
        else if (request->status != STATUS_OK) /* of an old decision, which stands all the same */
            engine->log_failed = true;
    } else if (request->status != STATUS_OK) {
        engine->log_failed = true;
    }
    if (!engine->dead)
        log_box_free(engine, box);
}
