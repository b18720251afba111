#include "config.h"

#include "xatop/model.h"

#include <string.h>

#include "model_fold.h"
#include "xatop/status.h"

void model_init(struct model *model, const char *const *names, uint8_t count)
{
    xatop_assert(count <= XATOP_NODES_MAX);
    memset(model, 0, sizeof *model);
    model->node_count = count;
    model->last_fsync_us = -1;
    for (unsigned i = 0; i < XATOP_NODES_MAX; i++) {
        struct model_node *node = &model->nodes[i];
        node->rtt_us = -1;
        node->prepared = node->lock_waits = node->sessions = -1;
        if (i < count)
            text_sanitise_cstr(node->name, sizeof node->name, names[i]);
    }
}

/* A sequence number has at most 48 bits (xid.h), so this names a transaction of any epoch of one log. */
static uint64_t key_of(uint32_t epoch, uint64_t txn)
{
    return (uint64_t)epoch << 48 ^ txn;
}

static struct model_txn *find(struct model *model, uint32_t epoch, uint64_t txn)
{
    return (struct model_txn *)model_txn_find(model, epoch, txn);
}

const struct model_txn *model_txn_find(const struct model *model, uint32_t epoch, uint64_t txn)
{
    uint64_t key = key_of(epoch, txn);
    for (unsigned i = model->txn_count; i-- > 0;) {
        unsigned index = model->order[i];
        if (model->keys[index] == key && model->txns[index].txn == txn && model->txns[index].epoch == epoch)
            return &model->txns[index];
    }
    return NULL;
}

const struct model_trace *model_trace_find(const struct model *model, uint32_t epoch, uint64_t txn)
{
    for (unsigned i = 0; txn != 0 && i < MODEL_TRACES; i++)
        if (model->traces[i].txn == txn && model->traces[i].epoch == epoch)
            return &model->traces[i];
    return NULL;
}

const struct model_txn *model_txn_at(const struct model *model, unsigned age)
{
    return age < model->txn_count ? &model->txns[model->order[model->txn_count - 1 - age]] : NULL;
}

const struct model_notice *model_notice_at(const struct model *model, unsigned age)
{
    if (age >= model->notice_count || age >= MODEL_NOTICES)
        return NULL;
    return &model->notices[(model->notice_count - 1 - age) % MODEL_NOTICES];
}

const struct model_record *model_record_at(const struct model *model, unsigned age)
{
    if (age >= model->record_count || age >= MODEL_RECORDS)
        return NULL;
    return &model->records[(model->record_count - 1 - age) % MODEL_RECORDS];
}

bool model_txn_unfinished(const struct model_txn *txn)
{
    return !txn->forgotten && txn->state != TXN_COMMITTED && txn->state != TXN_ROLLED_BACK;
}

/* Decided, and a branch could not be told so on its own session: its node is away, or forgot whom it talks to. */
static bool waits_for_a_node(const struct model_txn *txn)
{
    if (txn->state != TXN_COMMITTING && txn->state != TXN_ROLLING_BACK)
        return false;
    for (unsigned i = 0; i < txn->branch_count; i++) {
        unsigned state = txn->branches[i].state;
        if (state == BRANCH_BACKOFF || state == BRANCH_FENCING || state == BRANCH_SETTLING ||
            state == BRANCH_RESOLVING)
            return true;
    }
    return false;
}

bool model_txn_in_doubt(const struct model_txn *txn)
{
    if (!model_txn_unfinished(txn))
        return false;
    return txn->recovered || txn->outcome != OUTCOME_NONE || txn->state == TXN_IN_DOUBT ||
           txn->state == TXN_OUTCOME_UNKNOWN || waits_for_a_node(txn);
}

unsigned model_unfinished(const struct model *model)
{
    unsigned n = 0;
    for (unsigned i = 0; i < model->txn_count; i++)
        n += model_txn_unfinished(&model->txns[model->order[i]]);
    return n;
}

unsigned model_in_doubt(const struct model *model)
{
    unsigned n = 0;
    for (unsigned i = 0; i < model->txn_count; i++)
        n += model_txn_in_doubt(&model->txns[model->order[i]]);
    return n;
}

unsigned model_nodes_up(const struct model *model)
{
    unsigned n = 0;
    for (unsigned i = 0; i < model->node_count; i++)
        n += model->nodes[i].state == NODE_UP || model->nodes[i].state == NODE_SLOW;
    return n;
}

/* Finished ones leave first: who looks for the one that hangs must find it. All unfinished: the oldest
 * leaves. */
static unsigned free_index(struct model *model)
{
    if (model->txn_count < MODEL_TXNS)
        return model->txn_count++;
    unsigned place = 0;
    while (place < MODEL_TXNS && model_txn_unfinished(&model->txns[model->order[place]]))
        place++;
    if (place == MODEL_TXNS)
        place = 0;
    unsigned index = model->order[place];
    memmove(&model->order[place], &model->order[place + 1],
            (MODEL_TXNS - 1 - place) * sizeof model->order[0]);
    return index;
}

/* Likewise for the rows of traces. */
static struct model_trace *free_trace(struct model *model)
{
    struct model_trace *oldest = NULL, *oldest_finished = NULL;
    int64_t oldest_us = 0, finished_us = 0;
    for (unsigned i = 0; i < MODEL_TRACES; i++) {
        struct model_trace *trace = &model->traces[i];
        const struct model_txn *txn = trace->txn ? model_txn_find(model, trace->epoch, trace->txn) : NULL;
        if (!txn)
            return trace;
        if (!oldest || txn->begun_us < oldest_us) {
            oldest = trace;
            oldest_us = txn->begun_us;
        }
        if (!model_txn_unfinished(txn) && (!oldest_finished || txn->begun_us < finished_us)) {
            oldest_finished = trace;
            finished_us = txn->begun_us;
        }
    }
    return oldest_finished ? oldest_finished : oldest;
}

struct model_txn *model_txn_add(struct model *model, const struct trace_event *event)
{
    unsigned index = free_index(model);
    struct model_txn *txn = &model->txns[index];
    *txn = (struct model_txn){.txn = event->txn,
                              .epoch = event->epoch,
                              .state = TXN_ACTIVE,
                              .begun_us = event->mono_us,
                              .begun_wall_ms = event->wall_ms};
    txn->at_us[TXN_ACTIVE] = event->mono_us;
    struct model_trace *trace = free_trace(model);
    trace->txn = event->txn;
    trace->epoch = event->epoch;
    trace->count = trace->lost = 0;
    model->keys[index] = key_of(event->epoch, event->txn);
    model->order[model->txn_count - 1] = (uint16_t)index;
    return txn;
}

struct model_txn *model_txn_of(struct model *model, const struct trace_event *event)
{
    return event->txn == 0 ? NULL : find(model, event->epoch, event->txn);
}

static void node_sample(struct model *model, const struct trace_event *event)
{
    if (event->node < 1 || event->node > model->node_count)
        return;
    struct model_node *node = &model->nodes[event->node - 1];
    node->state = (enum node_state)event->result;
    bool answers = node->state == NODE_UP || node->state == NODE_SLOW;
    node->rtt_us = answers ? event->n[0] : -1;
    node->prepared = answers ? (int32_t)event->n[1] : -1;
    node->lock_waits = answers ? (int32_t)event->n[2] : -1;
    node->sessions = answers ? (int32_t)event->n[3] : -1;
    node->sampled_us = event->mono_us;
    if (event->detail[0])
        text_sanitise_cstr(node->version, sizeof node->version, event->detail);
}

void model_notice_add(struct model *model, const struct trace_event *event, int16_t level, const char *words)
{
    struct model_notice *notice = &model->notices[model->notice_count++ % MODEL_NOTICES];
    *notice = (struct model_notice){.number = model->notice_count,
                                    .wall_ms = event->wall_ms,
                                    .mono_us = event->mono_us,
                                    .txn = event->txn,
                                    .level = level};
    text_sanitise_cstr(notice->text, sizeof notice->text, words);
}

static void audit(struct model *model, const struct trace_event *event)
{
    model->audit = (struct model_audit){.known = true,
                                        .ok = event->result == 1,
                                        .mono_us = event->mono_us,
                                        .wall_ms = event->wall_ms,
                                        .money_expected = event->n[0],
                                        .money_found = event->n[1],
                                        .stock_expected = event->n[2],
                                        .stock_found = event->n[3]};
}

void model_apply(struct model *model, const struct trace_event *event)
{
    model->events++;
    if (model->last_seq != 0 && event->seq > model->last_seq + 1)
        model->gaps += event->seq - model->last_seq - 1;
    if (event->seq < model->last_seq) /* numbers begin anew: a journal may hold several runs */
        model_fold_new_run(model);
    model->last_seq = event->seq;
    model_advance(model, event->mono_us);
    switch (event->kind) {
    case TRACE_RUN:
        model->epoch = (uint32_t)event->n[0];
        model->log_id = (uint64_t)event->n[1];
        model->log_failed = false;
        break;
    case TRACE_NODE:
        node_sample(model, event);
        break;
    case TRACE_SWEEP:
        model_fold_sweep(model, event);
        break;
    case TRACE_ARM:
        model_fold_arm(model, event);
        break;
    case TRACE_AUDIT:
        audit(model, event);
        break;
    case TRACE_NOTICE:
        model_notice_add(model, event, event->result, event->detail);
        break;
    default:
        model_fold_txn(model, event);
        break;
    }
}
