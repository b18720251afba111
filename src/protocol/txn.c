#include "config.h"

#include "xatop/txn.h"

#include <string.h>

#include "txn_core.h"
#include "xatop/status.h"
#include "xatop/verb.h"

void txn_init(struct txn *txn, const struct txn_limits *limits, uint8_t branch_count,
              const uint8_t *work_counts, int64_t now_ms, uint64_t jitter_seed)
{
    xatop_assert(branch_count >= 1 && branch_count <= XATOP_BRANCHES_MAX);
    memset(txn, 0, sizeof *txn);
    txn->state = TXN_ACTIVE;
    txn->limits = *limits;
    txn->branch_count = branch_count;
    txn->begun_ms = now_ms;
    txn->deadline_ms = now_ms + limits->transaction_timeout_ms;
    txn->jitter = jitter_seed;
    for (unsigned i = 0; i < branch_count; i++)
        txn->branches[i].work_count = work_counts[i];
}

void txn_init_recovered(struct txn *txn, const struct txn_limits *limits, bool commit, uint8_t branch_count,
                        uint32_t branch_mask, int64_t now_ms, uint64_t jitter_seed)
{
    static const uint8_t no_work[XATOP_BRANCHES_MAX];
    txn_init(txn, limits, branch_count, no_work, now_ms, jitter_seed);
    txn->recovered = true;
    txn->decided_commit = txn->decision_durable = commit;
    txn->state = commit ? TXN_COMMITTING : TXN_ROLLING_BACK;
    for (unsigned i = 0; i < branch_count; i++) {
        struct txn_branch *b = &txn->branches[i];
        bool open = branch_mask >> i & 1;
        b->state = open ? BRANCH_PREPARED : commit ? BRANCH_COMMITTED : BRANCH_ROLLED_BACK;
        b->started = b->ended = b->prepare_sent = b->voted_yes = b->cut = open;
    }
}

void step_move_txn(struct step *step, enum txn_state to)
{
    struct txn *txn = step->txn;
    struct txn_update *up = step->update;
    xatop_assert(txn_state_may_follow(txn->state, to));
    xatop_assert(up->move_count < sizeof up->moves / sizeof up->moves[0]);
    up->moves[up->move_count].branch = 0;
    up->moves[up->move_count].from = (int16_t)txn->state;
    up->moves[up->move_count++].to = (int16_t)to;
    txn->state = to;
}

void step_move_branch(struct step *step, unsigned index, enum branch_state to)
{
    struct txn_branch *b = &step->txn->branches[index];
    struct txn_update *up = step->update;
    if (b->state == to) /* the next statement of the same kind */
        return;
    xatop_assert(branch_state_may_follow(b->state, to));
    xatop_assert(up->move_count < sizeof up->moves / sizeof up->moves[0]);
    up->moves[up->move_count].branch = (uint8_t)(index + 1);
    up->moves[up->move_count].from = (int16_t)b->state;
    up->moves[up->move_count++].to = (int16_t)to;
    b->state = to;
}

struct txn_action *step_emit(struct step *step, enum txn_action_kind kind, unsigned index)
{
    struct txn_update *up = step->update;
    xatop_assert(up->count < TXN_ACTIONS_MAX);
    struct txn_action *action = &up->actions[up->count++];
    memset(action, 0, sizeof *action);
    action->kind = kind;
    bool whole = kind == TXN_ACT_LOG_COMMIT || kind == TXN_ACT_LOG_DONE || kind == TXN_ACT_END;
    action->branch = whole ? 0 : (uint8_t)(index + 1);
    action->deadline_ms = step->now_ms + step->txn->limits.finish_timeout_ms;
    return action;
}

/* Work must end by the transaction's own deadline; a vote has its own time, in a packet whichever ends first.
 */
static int64_t message_deadline_ms(const struct step *step, uint16_t verbs)
{
    const struct txn *txn = step->txn;
    int64_t vote_ms = step->now_ms + txn->limits.prepare_timeout_ms;
    if (txn->state == TXN_ROLLING_BACK || txn->state == TXN_COMMITTING)
        return step->now_ms + txn->limits.finish_timeout_ms;
    if (!(verbs & (VERB_PREPARE | VERB_ONE_PHASE)))
        return txn->deadline_ms;
    return verbs & VERB_START && txn->deadline_ms < vote_ms ? txn->deadline_ms : vote_ms;
}

void step_send(struct step *step, unsigned index, uint16_t verbs, enum branch_state state)
{
    struct txn_branch *b = &step->txn->branches[index];
    step_move_branch(step, index, state);
    b->sent = verbs;
    b->prepare_sent |= (verbs & (VERB_PREPARE | VERB_ONE_PHASE)) != 0;
    b->commit_told |= (verbs & VERB_COMMIT) != 0;
    b->rollback_told |= (verbs & VERB_ROLLBACK) != 0;
    struct txn_action *action = step_emit(step, TXN_ACT_SEND, index);
    action->verbs = verbs;
    action->step = b->step;
    action->deadline_ms = message_deadline_ms(step, verbs);
}

bool txn_all_branches(const struct txn *txn, enum branch_state state)
{
    for (unsigned i = 0; i < txn->branch_count; i++)
        if (txn->branches[i].state != state)
            return false;
    return true;
}

static bool on_begin(struct step *step)
{
    struct txn *txn = step->txn;
    if (txn->begun || txn_terminal(txn))
        return false;
    txn->begun = true;
    if (txn->recovered)
        step_resolve_recovered(step);
    else if (step->now_ms >= txn->deadline_ms)
        step_abort_all(step);
    else
        step_begin_work(step);
    return true;
}

/* Does the answer fit the message that is out? If so the message is no longer out. */
static bool on_reply(struct step *step, const struct txn_event *event)
{
    unsigned index = event->branch - 1u;
    struct txn_branch *b = &step->txn->branches[index];
    uint16_t sent = b->sent;
    uint16_t last = (uint16_t)verbs_last(event->verbs & sent);
    bool no_answer = event->reply == REPLY_LOST || event->reply == REPLY_NOT_SENT;
    if (sent == 0 || (last == 0 && !no_answer) || (event->reply == REPLY_OK && last != verbs_last(sent)))
        return false;
    b->sent = 0;
    b->cut |= no_answer;
    if (sent == VERB_COMMIT)
        step_commit_reply(step, index, event->reply);
    else if (sent == VERB_ROLLBACK)
        step_rollback_reply(step, index, event->reply);
    else
        step_phase1_reply(step, index, sent, last, event->reply);
    return true;
}

static void on_tick(struct step *step)
{
    struct txn *txn = step->txn;
    if (txn->state == TXN_ACTIVE && !txn->begun && step->now_ms >= txn->deadline_ms)
        step_abort_all(step);
    for (unsigned i = 0; i < txn->branch_count; i++) {
        const struct txn_branch *b = &txn->branches[i];
        if ((b->state == BRANCH_BACKOFF || b->state == BRANCH_SETTLING) && b->retry_at_ms <= step->now_ms)
            step_wake_branch(step, i);
    }
}

static bool on_logged(struct step *step, bool durable)
{
    struct txn *txn = step->txn;
    if (txn->state != TXN_DECIDING)
        return false;
    if (durable) {
        txn->decision_durable = true;
        step_move_txn(step, TXN_COMMITTING);
        step_commit_all(step);
    } else {
        /* The write may have reached the disk or not: the next opening of the log decides, no verdict leaves
         * here. */
        step_move_txn(step, TXN_IN_DOUBT);
        step_emit(step, TXN_ACT_END, 0);
    }
    return true;
}

static bool take(struct step *step, const struct txn_event *event)
{
    struct txn *txn = step->txn;
    unsigned index = event->branch - 1u;
    switch (event->kind) {
    case TXN_EV_BEGIN:
        return on_begin(step);
    case TXN_EV_REPLY:
        return on_reply(step, event);
    case TXN_EV_LOGGED:
    case TXN_EV_LOG_FAILED:
        return on_logged(step, event->kind == TXN_EV_LOGGED);
    case TXN_EV_FENCED:
        if (txn->branches[index].state != BRANCH_FENCING)
            return false;
        step_fenced(step, index, event->ok);
        return true;
    case TXN_EV_RESOLVED:
        if (txn->branches[index].state != BRANCH_RESOLVING)
            return false;
        step_resolved(step, index, event->finding);
        return true;
    case TXN_EV_ABORT:
        if (txn->state == TXN_ACTIVE || txn->state == TXN_PREPARING)
            step_abort_all(step);
        return true;
    case TXN_EV_TICK:
        on_tick(step);
        return true;
    }
    return false;
}

/* Is every branch where the decision wants it? Then it is over. */
static void end_if_finished(struct step *step)
{
    struct txn *txn = step->txn;
    bool committed = txn_all_branches(txn, BRANCH_COMMITTED);
    bool rolled_back = txn_all_branches(txn, BRANCH_ROLLED_BACK);
    if (txn_terminal(txn) || (!committed && !rolled_back))
        return;
    step_move_txn(step, committed ? TXN_COMMITTED : TXN_ROLLED_BACK);
    if (txn->decided_commit)
        step_emit(step, TXN_ACT_LOG_DONE, 0);
    step_emit(step, TXN_ACT_END, 0);
}

bool txn_step(struct txn *txn, const struct txn_event *event, struct txn_update *update)
{
    struct step step = {.txn = txn, .update = update, .now_ms = event->now_ms};
    bool of_branch =
        event->kind == TXN_EV_REPLY || event->kind == TXN_EV_FENCED || event->kind == TXN_EV_RESOLVED;
    bool decided = txn->decided_commit, durable = txn->decision_durable;
    xatop_assert(!of_branch || (event->branch >= 1 && event->branch <= txn->branch_count));
    update->count = update->move_count = 0;
    if (!take(&step, event))
        return false;
    end_if_finished(&step);
    xatop_assert(decided <= txn->decided_commit &&
                 durable <= txn->decision_durable); /* a decision never changes */
    xatop_assert(txn_broken_invariant(txn) == NULL);
    xatop_assert(txn_broken_action(txn, update) == NULL);
    return true;
}

int64_t txn_deadline_ms(const struct txn *txn)
{
    int64_t due_ms = txn->state == TXN_ACTIVE && !txn->begun ? txn->deadline_ms : INT64_MAX;
    for (unsigned i = 0; i < txn->branch_count; i++) {
        const struct txn_branch *b = &txn->branches[i];
        if ((b->state == BRANCH_BACKOFF || b->state == BRANCH_SETTLING) && b->retry_at_ms < due_ms)
            due_ms = b->retry_at_ms;
    }
    return due_ms;
}

enum outcome txn_outcome(const struct txn *txn)
{
    static const enum outcome outcomes[TXN_STATES] = {
        [TXN_COMMITTING] = OUTCOME_COMMITTED_PENDING, [TXN_COMMITTED] = OUTCOME_COMMITTED,
        [TXN_ROLLING_BACK] = OUTCOME_ABORTED_PENDING, [TXN_ROLLED_BACK] = OUTCOME_ABORTED,
        [TXN_OUTCOME_UNKNOWN] = OUTCOME_IN_DOUBT,     [TXN_IN_DOUBT] = OUTCOME_IN_DOUBT,
    };
    return outcomes[txn->state];
}
