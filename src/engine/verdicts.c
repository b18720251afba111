#include "config.h"

#include "engine_private.h"

#include <string.h>

#include "xatop/i18n.h"
#include "xatop/recovery.h"

enum { UNRESOLVED_MS = 5000 };
enum { FOREIGN_TRACED = 64 }; /* the rest of somebody else's is counted only */

/* From what a sweep saw to verdicts, and from verdicts to recovered transactions. */

/* Of the unfinished transactions in memory: new work finds room beside those of the past (recovered.c). */
enum { RECOVERED_MAX = XATOP_PENDING_MAX / 4 * 3 };

/* The transaction in hand that will finish this branch itself. One that has finished it already and finds it
 * listed again (40a: it came back at a restart) does not look at it any more. */
static struct slot *in_hand(struct engine *engine, const struct candidate *candidate)
{
    struct slot *slot =
        candidate->owner == XID_OURS ? slot_find(engine, &candidate->gtrid, candidate->branch) : NULL;
    return slot && !slot_branch_finished(slot, candidate->branch) ? slot : NULL;
}

bool verdict_needs_log(struct engine *engine, const struct candidate *candidate)
{
    return candidate->owner == XID_OURS && !candidate->in_flight && candidate->first && candidate->second &&
           !engine->log_failed && !in_hand(engine, candidate);
}

/* What memory does not know is asked from the log before ROLLBACK can be the verdict: decisions that were
 * discharged live on disk only. */
void verdicts_find(struct engine *engine)
{
    struct sweep *sweep = &engine->sweep;
    for (; sweep->next_find < sweep->count && sweep->out < FINDS_OUT_MAX; sweep->next_find++) {
        struct candidate *candidate = &sweep->list[sweep->next_find];
        if (!verdict_needs_log(engine, candidate))
            continue;
        struct log_box *box = log_box_new(engine);
        box->candidate = sweep->next_find;
        box->request.find = true;
        box->request.record.gtrid = candidate->gtrid;
        sweep->out++;
        engine->ports.log.submit(engine->ports.log.ctx, &box->request);
    }
    if (sweep->out == 0 && sweep->next_find == sweep->count)
        siblings_ask(engine);
}

void sweep_found(struct engine *engine, struct log_box *box)
{
    struct sweep *sweep = &engine->sweep;
    struct candidate *candidate = &sweep->list[box->candidate];
    const struct dlog_record *record = &box->request.record;
    sweep->out--;
    candidate->alive = box->request.status == STATUS_OK && box->request.found >= 0; /* the log could answer */
    if (candidate->alive && box->request.found == 1) {
        candidate->recorded = true;
        candidate->evidence.log_lsn = record->lsn;
        candidate->record = engine_alloc(sizeof *candidate->record);
        *candidate->record = *record;
        for (unsigned i = 0; i < record->branch_count; i++) {
            uint8_t branch = record->branches[i].branch;
            candidate->record_ids[branch - 1] = record->branches[i].node_id;
            if (branch > candidate->record_branches)
                candidate->record_branches = branch;
            candidate->record_has_node |= branch == candidate->branch;
        }
    }
    verdicts_find(engine);
}

/* Of all nodes: one that was put back from a backup may have forgotten. */
static uint32_t elsewhere(const struct engine *engine)
{
    uint32_t highest = 0;
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (engine->nodes[i].elsewhere > highest)
            highest = engine->nodes[i].elsewhere;
    return highest;
}

static void judge(struct engine *engine, struct candidate *candidate)
{
    const struct book *book = &engine->nodes[candidate->node];
    struct slot *slot = in_hand(engine, candidate);
    struct recovery_facts facts = {
        .owner = candidate->owner,
        .xid_epoch = candidate->gtrid.epoch,
        .our_epoch = engine->config.coordinator.epoch,
        .elsewhere = elsewhere(engine),
        .node_raised = book->raised,
        .in_flight = candidate->in_flight,
        .in_both_scans = candidate->first && candidate->second,
        .log_healthy = !engine->log_failed && (candidate->alive || slot),
        .commit_record = candidate->recorded,
        .record_has_node = candidate->record_has_node,
        .sibling_committed = candidate->evidence.committed_on != 0,
        .node_id_matches =
            candidate->record_ids[candidate->branch ? candidate->branch - 1 : 0] == book->node_id,
    };
    if (slot && slot->txn.recovered) { /* a promise of the past, already in hand */
        facts.commit_record = slot->txn.decided_commit;
        facts.log_healthy = true;
        facts.record_has_node = facts.commit_record;
        facts.node_id_matches = slot->branches[candidate->branch - 1].node_id == book->node_id;
    } else if (slot) {
        facts.in_flight = true;
    }
    candidate->verdict = recovery_verdict(&facts, &candidate->rule);
    evidence_fill(engine, candidate, slot);
    bool acts = candidate->verdict == VERDICT_COMMIT || candidate->verdict == VERDICT_ROLLBACK;
    candidate->slot = acts ? slot : NULL;
}

static void trace_verdict(struct engine *engine, const struct candidate *candidate)
{
    struct trace_event *event = emit_new(engine, TRACE_VERDICT, NULL, 0);
    struct text text;
    event->node = (int8_t)(candidate->node + 1);
    if (candidate->owner == XID_OURS) {
        event->txn = candidate->gtrid.sequence;
        event->epoch = candidate->gtrid.epoch;
        event->branch = (int8_t)candidate->branch;
    }
    event->result = (int16_t)candidate->verdict;
    event->n[0] = candidate->rule;
    event->n[1] = (int64_t)candidate->evidence.log_lsn;
    event->n[2] = (int64_t)candidate->evidence.holder;
    event->n[3] = candidate->evidence.committed_on;
    text_init(&text, event->detail, sizeof event->detail);
    xid_print(&candidate->xid, &text);
    emit(engine);
}

/* Here begins what one sweep found: whoever shows it forgets the one before. */
static void trace_sweep(struct engine *engine)
{
    const struct sweep *sweep = &engine->sweep;
    struct trace_event *event = emit_new(engine, TRACE_SWEEP, NULL, 0);
    event->result = sweep->command && sweep->command->dry_run;
    event->n[0] = sweep->count;
    event->n[1] = sweep->nodes;
    event->n[2] = sweep->failed;
    for (uint32_t i = 0; i < sweep->count; i++)
        event->n[3] += sweep->list[i].owner == XID_FOREIGN;
    emit(engine);
}

/* A discharged decision whose branch came back is owed again, on every node: else an incarnation after this one would not know
 * that this branch is not finished, if a phantom OK hides it (3a), and the record could go. The transaction begins when
 * that is durable, finishes or verifies every branch, and discharges it anew. */
static void owe_again(struct engine *engine, struct slot *slot, const struct dlog_record *found)
{
    struct log_box *box = log_box_new(engine);
    struct dlog_record *record = &box->request.record;
    int64_t wall_ms = record->wall_ms;
    *record = *found;
    record->type = DLOG_COMMIT;
    record->wall_ms = wall_ms;
    box->request.forced = true;
    box->slot = slot;
    slot->others_out++;
    for (unsigned i = 0; i < found->branch_count; i++)
        slot->branches[found->branches[i].branch - 1].node_id = found->branches[i].node_id;
    engine->ports.log.submit(engine->ports.log.ctx, &box->request);
}

/* Candidates from @from on that belong to the same transaction and verdict go into one recovered transaction.
 */
static void act(struct engine *engine, uint32_t from)
{
    struct sweep *sweep = &engine->sweep;
    struct candidate *first = &sweep->list[from];
    bool commit = first->verdict == VERDICT_COMMIT;
    uint8_t branch_count = commit ? first->record_branches : 0;
    uint32_t mask = 0;
    for (uint32_t i = from; i < sweep->count; i++) {
        struct candidate *c = &sweep->list[i];
        if (c->verdict != first->verdict || c->slot || !gtrid_equal(&c->gtrid, &first->gtrid))
            continue;
        mask |= UINT32_C(1) << (c->branch - 1);
        branch_count = c->branch > branch_count ? c->branch : branch_count;
    }
    for (unsigned i = 0; commit && first->record && i < first->record->branch_count; i++)
        mask |= UINT32_C(1) << (first->record->branches[i].branch - 1);
    struct slot *slot = recovered_new(engine, &first->gtrid, commit, branch_count, mask,
                                      commit ? _("came back after its commit") : _("presumed abort"));
    if (commit && first->record && !engine->log_failed)
        owe_again(engine, slot, first->record);
    for (uint32_t i = from; i < sweep->count; i++) {
        struct candidate *c = &sweep->list[i];
        if (c->verdict != first->verdict || c->slot || !gtrid_equal(&c->gtrid, &first->gtrid))
            continue;
        c->slot = slot;
        slot->branches[c->branch - 1].node = c->node;
        slot->branches[c->branch - 1].node_id = engine->nodes[c->node].node_id;
    }
    if (slot->others_out == 0) /* else when the log has answered: recovered_turn */
        recovered_begin(engine, slot);
}

/* What was not settled is looked at again: soon if only a second look or the log is missing, else every few seconds, for what
 * somebody else may do about it. */
static void look_again(struct engine *engine, const struct candidate *candidate)
{
    struct book *book = &engine->nodes[candidate->node];
    if (candidate->rule == RULE_SEEN_ONCE || candidate->rule == RULE_LOG_UNKNOWN) {
        book->sweep_wanted |= !engine->log_failed;
        book->sweep_at_ms = engine->now_ms + ASK_TIMEOUT_MS / 5;
    } else if (candidate->verdict == VERDICT_AMBIGUOUS) {
        book->unresolved = true;
        book->look_at_ms = engine->now_ms + UNRESOLVED_MS;
    }
}

/* What is left to people may still become anything: the floor stays below it (floor.c). */
static void keep_ambiguous(struct engine *engine)
{
    const struct sweep *sweep = &engine->sweep;
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (sweep->nodes & 1u << i && !(sweep->failed & 1u << i))
            engine->nodes[i].ambiguous = (struct gtrid){.epoch = 0};
    for (uint32_t i = 0; i < sweep->count; i++) {
        const struct candidate *c = &sweep->list[i];
        struct gtrid *oldest = &engine->nodes[c->node].ambiguous;
        if (c->verdict == VERDICT_AMBIGUOUS && c->owner == XID_OURS &&
            (oldest->epoch == 0 || gtrid_by_age(&c->gtrid, oldest) < 0))
            *oldest = c->gtrid;
    }
}

void verdicts_give(struct engine *engine)
{
    struct sweep *sweep = &engine->sweep;
    bool dry_run = sweep->command && sweep->command->dry_run;
    uint32_t foreign = 0;
    sweep->state = SWEEP_ACTING;
    engine->swept_once |= !dry_run;
    trace_sweep(engine);
    for (uint32_t i = 0; i < sweep->count; i++) {
        judge(engine, &sweep->list[i]);
        foreign += sweep->list[i].owner == XID_FOREIGN;
        if (sweep->list[i].owner != XID_FOREIGN || foreign <= FOREIGN_TRACED)
            trace_verdict(engine, &sweep->list[i]);
        if (!dry_run)
            look_again(engine, &sweep->list[i]);
    }
    keep_ambiguous(engine);
    for (uint32_t i = 0; i < sweep->count && !dry_run && engine_acts(engine); i++) {
        struct candidate *candidate = &sweep->list[i];
        bool acts = candidate->verdict == VERDICT_COMMIT || candidate->verdict == VERDICT_ROLLBACK;
        if (!acts || candidate->slot)
            continue;
        if (engine->recovered_count < RECOVERED_MAX && engine->slot_count < XATOP_PENDING_MAX) {
            act(engine, i);
        } else { /* memory is full of promises: the rest in a later sweep */
            engine->nodes[candidate->node].sweep_wanted = true;
            engine->nodes[candidate->node].sweep_at_ms = engine->now_ms + ASK_TIMEOUT_MS;
        }
    }
    if (dry_run)
        for (uint32_t i = 0; i < sweep->count; i++)
            sweep->list[i].slot = NULL;
    for (uint8_t i = 0; i < engine->config.node_count && !dry_run; i++)
        if (sweep->nodes & 1u << i && !(sweep->failed & 1u << i))
            engine->nodes[i].swept = true;
    if (dry_run)
        sweep_report(engine, STATUS_OK, "");
}
