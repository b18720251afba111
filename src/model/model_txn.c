#include "config.h"

#include "model_fold.h"

#include <string.h>

#include "xatop/i18n.h"
#include "xatop/verb.h"

/* --- rows of a trace --- */

static struct model_row *row_add(struct model *model, const struct trace_event *event)
{
    struct model_trace *trace = (struct model_trace *)model_trace_find(model, event->epoch, event->txn);
    if (!trace)
        return NULL;
    if (trace->count == MODEL_ROWS) {
        trace->lost++;
        return NULL;
    }
    struct model_row *row = &trace->rows[trace->count++];
    *row = (struct model_row){.kind = (uint8_t)event->kind,
                              .branch = event->branch > 0 ? (uint8_t)event->branch : 0,
                              .node = event->node > 0 ? (uint8_t)event->node : 0,
                              .verbs = event->verbs,
                              .from = event->from,
                              .to = event->to,
                              .result = event->result,
                              .error = event->error,
                              .start_us = event->start_us ? event->start_us : event->mono_us,
                              .end_us = event->end_us,
                              .n = event->n[0]};
    text_sanitise_cstr(row->detail, sizeof row->detail, event->detail);
    return row;
}

/* The newest row of a kind (and branch) that still waits for its answer. */
static struct model_row *row_waiting(struct model *model, const struct trace_event *event,
                                     enum trace_kind kind)
{
    struct model_trace *trace = (struct model_trace *)model_trace_find(model, event->epoch, event->txn);
    for (unsigned i = trace ? trace->count : 0; i-- > 0;) {
        struct model_row *row = &trace->rows[i];
        if (row->kind == kind && !row->answered && row->branch == (event->branch > 0 ? event->branch : 0))
            return row;
    }
    return NULL;
}

static void reply(struct model *model, const struct trace_event *event)
{
    struct model_row *row = row_waiting(model, event, TRACE_SEND);
    if (!row && (row = row_add(model, event)) != NULL)
        row->kind = TRACE_SEND;
    if (!row)
        return;
    row->answered = true;
    row->result = event->result;
    row->error = event->error;
    if (event->start_us)
        row->start_us = event->start_us;
    row->end_us = event->end_us ? event->end_us : event->mono_us;
    text_sanitise_cstr(row->detail, sizeof row->detail, event->detail);
}

/* --- the decision log --- */

static void log_append(struct model *model, const struct trace_event *event)
{
    struct model_record *record = &model->records[model->record_count++ % MODEL_RECORDS];
    *record = (struct model_record){.lsn = (uint64_t)event->n[0],
                                    .txn = event->txn,
                                    .append_us = event->mono_us,
                                    .bytes = (uint32_t)event->n[1]};
    text_sanitise_cstr(record->kind, sizeof record->kind, event->detail);
    if (record->lsn > model->last_lsn)
        model->last_lsn = record->lsn;
    model_this_second(model)->records++;
    row_add(model, event);
}

static void log_durable(struct model *model, const struct trace_event *event)
{
    uint64_t lsn = (uint64_t)event->n[0];
    if (lsn > model->durable_lsn)
        model->durable_lsn = lsn;
    if (lsn > model->last_lsn)
        model->last_lsn = lsn;
    model->last_group = (uint32_t)event->n[1];
    if (event->end_us != model->last_sync_us) { /* each record of a group tells of the same fdatasync */
        model->last_sync_us = event->end_us;
        model->fsyncs++;
        model_this_second(model)->fsyncs++;
        if (event->end_us >= event->start_us)
            model->last_fsync_us = event->end_us - event->start_us;
    }
    for (unsigned i = 0; i < MODEL_RECORDS && i < model->record_count; i++) {
        struct model_record *record = &model->records[(model->record_count - 1 - i) % MODEL_RECORDS];
        bool waits = record->lsn == 0 && record->txn == event->txn && record->durable_us == 0;
        if (record->lsn == lsn ||
            waits) { /* the number is known only now, if it was not when the record was queued */
            record->lsn = lsn;
            record->sync_us = event->start_us;
            record->durable_us = event->end_us ? event->end_us : event->mono_us;
            record->group = (uint32_t)event->n[1];
            break;
        }
    }
    struct model_row *row = row_waiting(model, event, TRACE_LOG_APPEND);
    if (!row && (row = row_add(model, event)) != NULL)
        row->kind = TRACE_LOG_APPEND;
    if (row) {
        row->answered = true;
        row->end_us = event->end_us ? event->end_us : event->mono_us;
        if (event->start_us)
            row->start_us = event->start_us;
    }
}

static void log_failed(struct model *model, const struct trace_event *event)
{
    model->log_failed = true;
    for (unsigned i = 0; i < MODEL_RECORDS && i < model->record_count; i++)
        if (model->records[i].txn == event->txn && model->records[i].durable_us == 0)
            model->records[i].failed = true;
    model_notice_add(model, event, 2,
                     _("decision log: write or sync failed; no verdict until it is opened anew"));
    row_add(model, event);
}

/* --- the transaction --- */

static void begin(struct model *model, const struct trace_event *event)
{
    struct model_txn *txn = model_txn_of(model, event);
    if (!txn)
        txn = model_txn_add(model, event);
    txn->recovered |= model->epoch != 0 && event->epoch != model->epoch;
    txn->branch_count = event->n[0] > 0 && event->n[0] <= XATOP_BRANCHES_MAX ? (uint8_t)event->n[0] : 0;
    txn->retry = event->n[1] > 0 ? (uint32_t)event->n[1] : 0;
    model->retried += txn->retry > 0;
    text_sanitise_cstr(txn->meaning, sizeof txn->meaning, event->detail);
}

static void ended(struct model_txn *txn, int64_t now_us)
{
    if (txn->ended_us == 0)
        txn->ended_us = now_us;
}

static void state(struct model *model, struct model_txn *txn, const struct trace_event *event)
{
    if (event->to < 0 || event->to >= TXN_STATES)
        return;
    txn->state = (enum txn_state)event->to;
    if (txn->at_us[event->to] == 0)
        txn->at_us[event->to] = event->mono_us;
    if (txn->state == TXN_COMMITTED || txn->state == TXN_ROLLED_BACK || txn->state == TXN_IN_DOUBT)
        ended(txn, event->mono_us);
    row_add(model, event);
}

/* Told to the caller; @txn NULL: nothing had been begun, or it has left the list. */
static void outcome(struct model *model, struct model_txn *txn, const struct trace_event *event)
{
    if (event->result < OUTCOME_NONE || event->result > OUTCOME_IN_DOUBT)
        return;
    enum outcome told = (enum outcome)event->result;
    if (told == OUTCOME_COMMITTED || told == OUTCOME_COMMITTED_PENDING) {
        model->committed++;
        model_this_second(model)->commits++;
    } else if (told == OUTCOME_ABORTED || told == OUTCOME_ABORTED_PENDING) {
        model->aborted++;
        model_this_second(model)->aborts++;
    }
    model_count_latency(model, event->n[0]);
    if (!txn) {
        if (event->txn == 0 && event->detail[0])
            model_notice_add(model, event, 1, event->detail);
        return;
    }
    txn->outcome = told;
    txn->elapsed_us = event->n[0];
    ended(txn, event->mono_us);
    text_sanitise_cstr(txn->reason, sizeof txn->reason, event->detail);
    row_add(model, event);
}

static void branch(struct model_txn *txn, const struct trace_event *event)
{
    if (event->branch < 1 || event->branch > XATOP_BRANCHES_MAX)
        return;
    struct model_branch *b = &txn->branches[event->branch - 1];
    if (event->node > 0 && event->node <= XATOP_NODES_MAX)
        b->node = (uint8_t)event->node;
    if (event->branch > txn->branch_count)
        txn->branch_count = (uint8_t)event->branch;
    if (event->kind != TRACE_BRANCH || event->to < 0 || event->to >= BRANCH_STATES)
        return;
    b->state = (uint8_t)event->to;
    if (b->state == BRANCH_BACKOFF) {
        enum { LATER_MS = 24 * 3600 * 1000 };
        int64_t ms = event->n[0] < 0 ? 0 : event->n[0] > LATER_MS ? LATER_MS : event->n[0];
        b->tries = event->n[1] < 0 ? 0 : event->n[1] > UINT16_MAX ? UINT16_MAX : (uint16_t)event->n[1];
        b->retry_at_us = event->mono_us > INT64_MAX - ms * 1000 ? event->mono_us : event->mono_us + ms * 1000;
    }
}

static void fault(struct model *model, struct model_txn *txn, const struct trace_event *event)
{
    char buffer[XATOP_REASON_MAX];
    struct text words;
    text_init(&words, buffer, sizeof buffer);
    text_printf(&words, _("fault hit: %s"), event->detail);
    model_notice_add(model, event, 1, buffer);
    model->faults_hit++;
    model_fold_fired(model, event);
    if (txn) {
        txn->faulted = true;
        row_add(model, event);
    }
}

static void verdict(struct model *model, struct model_txn *txn, const struct trace_event *event)
{
    char buffer[XATOP_REASON_MAX];
    struct text words;
    text_init(&words, buffer, sizeof buffer);
    text_printf(&words, "%s: %s: %s", verdict_name(event->result), recovery_rule_words((int)event->n[0]),
                event->detail);
    bool of_course = event->n[0] == RULE_IN_FLIGHT ||
                     event->n[0] == RULE_SEEN_ONCE; /* every sweep under load meets them */
    bool news = model_fold_verdict(model, event); /* while something stays, each sweep says the same of it */
    if (!of_course && news)
        model_notice_add(model, event, event->result == VERDICT_AMBIGUOUS ? 1 : 0, buffer);
    if (txn && news)
        row_add(model, event);
}

/* Does an event say enough of an unlisted transaction to list it? Late words about one that has left the list
 * do not. */
static bool introduces(const struct trace_event *event)
{
    return event->txn != 0 &&
           (event->kind == TRACE_STATE || event->kind == TRACE_RESOLVE || event->kind == TRACE_VERDICT) &&
           !(event->kind == TRACE_STATE && (event->to == TXN_COMMITTED || event->to == TXN_ROLLED_BACK)) &&
           !(event->kind == TRACE_VERDICT && event->n[0] == RULE_IN_FLIGHT);
}

void model_fold_txn(struct model *model, const struct trace_event *event)
{
    if (event->kind == TRACE_BEGIN) {
        if (event->txn != 0)
            begin(model, event);
        return;
    }
    struct model_row *row;
    struct model_txn *txn = model_txn_of(model, event);
    if (!txn && introduces(event)) {
        txn = model_txn_add(model, event);
        txn->recovered = true;
    }
    if (txn)
        branch(txn, event);
    if (event->kind == TRACE_FORGET)
        model_fold_finished(model, event->epoch, event->txn, 0);
    else if (event->kind == TRACE_BRANCH && event->branch > 0 &&
             (event->to == BRANCH_COMMITTED || event->to == BRANCH_ROLLED_BACK))
        model_fold_finished(model, event->epoch, event->txn, (unsigned)event->branch);
    switch (event->kind) {
    case TRACE_LOG_APPEND:
        log_append(model, event);
        return;
    case TRACE_LOG_DURABLE:
        log_durable(model, event);
        return;
    case TRACE_LOG_FAILED:
        log_failed(model, event);
        return;
    case TRACE_FAULT:
        fault(model, txn, event);
        return;
    case TRACE_VERDICT:
        verdict(model, txn, event);
        return;
    case TRACE_OUTCOME:
        outcome(model, txn, event);
        return;
    default:
        break;
    }
    if (!txn)
        return;
    switch (event->kind) {
    case TRACE_STATE:
        state(model, txn, event);
        break;
    case TRACE_REPLY:
        reply(model, event);
        break;
    case TRACE_FORGET:
        txn->forgotten = true;
        ended(txn, event->mono_us);
        break;
    case TRACE_SEND:
        row = row_add(model, event);
        if (row && row->verbs != VERB_WORK) /* the step means something with WORK alone */
            row->n = 0;
        break;
    case TRACE_FENCE:
    case TRACE_RESOLVE:
        row_add(model, event);
        break;
    default:
        break;
    }
}

/* --- words --- */

void model_row_words(const struct model_row *row, struct text *out)
{
    switch (row->kind) {
    case TRACE_SEND:
        verbs_print(row->verbs, out);
        break;
    case TRACE_LOG_APPEND:
        text_printf(out, _("log %s"), row->detail);
        break;
    case TRACE_LOG_FAILED:
        text_append(out, _("log failed"));
        break;
    case TRACE_STATE:
        text_append(out, txn_state_name(row->to));
        break;
    case TRACE_FENCE:
        text_append(out, _("fence"));
        break;
    case TRACE_RESOLVE:
        if (row->verbs)
            verbs_print(row->verbs, out);
        else
            text_append(out, _("ask"));
        break;
    case TRACE_OUTCOME:
        text_append(out, outcome_name(row->result));
        break;
    default:
        text_append(out, row->detail);
        break;
    }
}

void model_row_letters(const struct model_row *row, struct text *out)
{
    for (unsigned bit = 1; bit <= row->verbs; bit <<= 1)
        if ((row->verbs & bit) != 0 && bit <= VERB_ONE_PHASE) {
            char letter = verb_letter((enum verb)bit);
            text_append_n(out, &letter, 1);
        }
}

bool model_row_prepares(const struct model_row *row)
{
    return (row->verbs & VERB_PREPARE) != 0;
}

bool model_row_finishes(const struct model_row *row)
{
    return (row->verbs & (VERB_COMMIT | VERB_ROLLBACK | VERB_ONE_PHASE)) != 0;
}
