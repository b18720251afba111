#include "config.h"

#include "engine_private.h"

#include "xatop/i18n.h"

/* The truth about one asked-for transaction, once (rule 13). */

static void tell(struct engine *engine, struct run *run, struct report *report)
{
    xatop_assert(!run->told);
    run->told = true;
    if (!run->slot)
        run->state = RUN_OVER;
    report->retries = run->retries;
    report->elapsed_us = engine->now_us - run->begun_us;
    struct trace_event *event = emit_new(engine, TRACE_OUTCOME, run->slot, 0);
    event->result = (int16_t)report->outcome;
    event->n[0] = report->elapsed_us;
    text_copy(event->detail, sizeof event->detail, report->reason);
    emit(engine);
    if (run->stream)
        stream_told(engine, run, report);
    struct command *command = run->command;
    run->command = NULL;
    if (command && command->done)
        command->done(command, report, NULL);
}

/* Before or without an attempt of its own. */
void run_tell(struct engine *engine, struct run *run, enum status status, enum outcome outcome,
              const char *reason)
{
    struct report report = {.status = status,
                            .outcome = outcome,
                            .repeated = run->key_done && (status == STATUS_OK || status == STATUS_PENDING)};
    text_copy(report.reason, sizeof report.reason, reason);
    if (outcome != OUTCOME_ABORTED) /* the first attempt's, whose outcome this is */
        text_copy(report.gtrid, sizeof report.gtrid, run->key_gtrid);
    tell(engine, run, &report);
}

static void reason_of_abort(struct engine *engine, const struct slot *slot, struct text *out)
{
    const struct txn *txn = &slot->txn;
    if (txn->blamed == 0 && engine->log_failed) {
        text_append(out, _("the decision log failed before the decision"));
        return;
    }
    if (txn->blamed == 0) {
        text_printf(out, _("timeout: not done within %lld ms"),
                    (long long)txn->limits.transaction_timeout_ms);
        return;
    }
    const struct cause *cause = &slot->causes[txn->blamed - 1];
    const char *node = engine->config.node_names[slot->branches[txn->blamed - 1].node];
    if (cause->injected)
        text_append(out, _("injected: "));
    switch (txn->blame) {
    case REPLY_REFUSED: {
        const struct branch_plan *plan = &slot->run->plan.branches[txn->blamed - 1];
        text_printf(out, "%s: ", refusal_word(cause->refusal));
        if (cause->step < plan->work_count)
            slot->run->scenario->reason(&plan->work[cause->step], cause->refusal, cause->have, out);
        else
            text_append(out, cause->detail);
        break;
    }
    case REPLY_RETRYABLE:
        text_printf(out, _("conflict: rows were locked on %s, %u retries"), node, slot->run->retries);
        break;
    case REPLY_LOST:
        text_printf(out, _("lost: %s did not answer: %s"), node, cause->detail);
        break;
    case REPLY_NOT_SENT:
        text_printf(out, _("lost: the session with %s ended: %s"), node, cause->detail);
        break;
    default:
        text_printf(out, _("error: %s: %s (%d)"), node,
                    cause->detail[0] ? cause->detail : reply_name(txn->blame), cause->error);
        break;
    }
}

static void reason_of_pending(struct engine *engine, const struct slot *slot, struct text *out)
{
    text_append(out, _("committed, and not yet told to: "));
    const char *between = "";
    for (uint8_t i = 0; i < slot->txn.branch_count; i++)
        if (!slot_branch_finished(slot, (uint8_t)(i + 1))) {
            text_printf(out, "%s%s", between, engine->config.node_names[slot->branches[i].node]);
            between = ", ";
        }
}

static void fill(struct engine *engine, const struct slot *slot, struct report *report)
{
    const struct txn *txn = &slot->txn;
    gtrid_print(&slot->gtrid, report->gtrid);
    report->branch_count = txn->branch_count;
    for (uint8_t i = 0; i < txn->branch_count; i++) {
        report->branches[i].node = slot->branches[i].node;
        report->branches[i].state = txn->branches[i].state;
        xid_make(&report->branches[i].xid, &slot->gtrid, i + 1u);
    }
    struct text text;
    text_init(&text, report->reason, sizeof report->reason);
    if (report->outcome == OUTCOME_ABORTED || report->outcome == OUTCOME_ABORTED_PENDING)
        reason_of_abort(engine, slot, &text);
    else if (report->outcome == OUTCOME_COMMITTED_PENDING)
        reason_of_pending(engine, slot, &text);
    else if (txn->state == TXN_IN_DOUBT)
        text_append(
            &text,
            _("the decision log failed while the decision was written: it decides when it is opened anew"));
    else if (report->outcome == OUTCOME_IN_DOUBT)
        text_append(&text, _("the node did not answer the commit: its marker row will tell"));
}

/* What is known stays true; what is not is somebody else's to find out, and under which gtrid is said. */
void run_tell_halted(struct engine *engine, struct run *run, const char *words)
{
    struct report report = {.outcome = txn_outcome(&run->slot->txn)};
    if (report.outcome == OUTCOME_NONE)
        report.outcome = OUTCOME_IN_DOUBT;
    report.status = report.outcome == OUTCOME_COMMITTED ? STATUS_OK
                    : report.outcome == OUTCOME_ABORTED ? STATUS_REFUSED
                                                        : STATUS_PENDING;
    fill(engine, run->slot, &report);
    if (report.status == STATUS_PENDING)
        text_copy(report.reason, sizeof report.reason, words);
    tell(engine, run, &report);
}

static bool key_was_there(const struct slot *slot)
{
    const struct txn *txn = &slot->txn;
    return txn->state == TXN_ROLLED_BACK && txn->blame == REPLY_REFUSED && txn->blamed != 0 &&
           slot->causes[txn->blamed - 1].refusal == REFUSAL_KEY_EXISTS;
}

/* The attempt has ended, or the asker's patience has. */
void run_tell_slot(struct engine *engine, struct run *run)
{
    struct slot *slot = run->slot;
    if (run->told)
        return;
    bool again =
        slot->ended && run->retries < engine->config.max_retries && !engine->draining && !engine->log_failed;
    if (again && slot->txn.state == TXN_ROLLED_BACK && slot->txn.retryable) {
        run_back_off(engine, run);
        return;
    }
    if (again && key_was_there(slot)) { /* somebody was faster: what became of that one? */
        run->key_known = false;
        run_back_off(engine, run);
        return;
    }
    struct report report = {.outcome = txn_outcome(&slot->txn)};
    switch (report.outcome) {
    case OUTCOME_COMMITTED:
        report.status = STATUS_OK;
        break;
    case OUTCOME_ABORTED:
        report.status = STATUS_REFUSED;
        break;
    default:
        report.status = STATUS_PENDING;
        break;
    }
    fill(engine, slot, &report);
    tell(engine, run, &report);
}

/* Nothing was started anywhere. */
void run_open_failed(struct engine *engine, struct slot *slot)
{
    struct run *run = slot->run;
    const struct cause *cause = &slot->causes[slot->open_failed - 1];
    uint8_t node = slot->branches[slot->open_failed - 1].node;
    if (run->told)
        return;
    char words[XATOP_REASON_MAX];
    struct text text;
    text_init(&text, words, sizeof words);
    text_printf(&text, _("node %s cannot be reached: %s"), engine->config.node_names[node], cause->detail);
    struct trace_event *event = emit_new(engine, TRACE_STATE, slot, 0);
    event->from = TXN_ACTIVE;
    event->to = TXN_ROLLED_BACK;
    emit(engine);
    run_tell(engine, run, STATUS_NODE, OUTCOME_ABORTED, words);
}
