#include "config.h"

#include "txn_core.h"
#include "xatop/prng.h"
#include "xatop/verb.h"

/* Finishing branches, after a decision either way. It never changes its mind and never gives up (rule 7); one
 * stuck branch holds up no other. First the session that prepared is asked (3a: never wrong); when that
 * cannot answer, it is fenced, and after the settle time the branch is finished from elsewhere, with the
 * marker row as witness (12b, 20). */

static int64_t backoff_ms(struct txn *txn, const struct txn_branch *b)
{
    int64_t max = txn->limits.backoff_max_ms > 1 ? txn->limits.backoff_max_ms : 1;
    int64_t delay = txn->limits.backoff_ms > 1 ? txn->limits.backoff_ms : 1;
    for (uint32_t i = 1; i < b->attempts && delay < max; i++)
        delay *= 2;
    if (delay > max)
        delay = max;
    struct prng prng = {.state = txn->jitter};
    int64_t jitter = (int64_t)prng_below(&prng, (uint64_t)(delay - delay / 2));
    txn->jitter = prng.state;
    return delay -
           jitter; /* from the upper half, so that many branches of one node do not come back together */
}

static void back_off(struct step *step, unsigned index, enum txn_retry retry)
{
    struct txn_branch *b = &step->txn->branches[index];
    b->attempts += b->attempts < UINT32_MAX;
    b->retry = retry;
    b->retry_at_ms = step->now_ms + backoff_ms(step->txn, b);
    step_move_branch(step, index, BRANCH_BACKOFF);
}

/* Finished against the decision: heuristic damage. People are told at once and the record is kept: the branch
 * may yet surface at a restart of its node (3a, 40a), so it is asked again, seldom, for ever. */
static void damage(struct step *step, unsigned index, enum txn_retry retry)
{
    struct txn_branch *b = &step->txn->branches[index];
    if (!b->damaged)
        step_emit(step, TXN_ACT_ALARM, index);
    b->damaged = true;
    back_off(step, index, retry);
    b->retry_at_ms = step->now_ms + step->txn->limits.backoff_max_ms;
}

void step_fence(struct step *step, unsigned index)
{
    step_move_branch(step, index, BRANCH_FENCING);
    step_emit(step, TXN_ACT_FENCE, index);
}

static void finish_on_own_session(struct step *step, unsigned index)
{
    if (step->txn->decided_commit)
        step_send(step, index, VERB_COMMIT, BRANCH_COMMITTING);
    else
        step_send(step, index, VERB_ROLLBACK, BRANCH_ROLLING_BACK);
}

static void resolve(struct step *step, unsigned index)
{
    struct txn *txn = step->txn;
    struct txn_branch *b = &txn->branches[index];
    bool ask = txn->state == TXN_OUTCOME_UNKNOWN;
    step_move_branch(step, index, BRANCH_RESOLVING);
    struct txn_action *action = step_emit(step, TXN_ACT_RESOLVE, index);
    action->verbs = ask ? 0 : txn->decided_commit ? VERB_COMMIT : VERB_ROLLBACK;
    b->commit_told |= action->verbs == VERB_COMMIT;
    b->rollback_told |= action->verbs == VERB_ROLLBACK;
}

void step_commit_all(struct step *step)
{
    for (unsigned i = 0; i < step->txn->branch_count; i++)
        finish_on_own_session(step, i);
}

void step_resolve_recovered(struct step *step)
{
    for (unsigned i = 0; i < step->txn->branch_count; i++)
        if (step->txn->branches[i].state == BRANCH_PREPARED)
            resolve(step, i);
}

void step_commit_reply(struct step *step, unsigned index, enum reply reply)
{
    switch (reply) {
    case REPLY_OK:
        step_move_branch(step, index, BRANCH_COMMITTED);
        break;
    case REPLY_BUSY:
    case REPLY_RETRYABLE:
        back_off(step, index, TXN_RETRY_SEND);
        break;
    case REPLY_ROLLED_BACK:
        damage(step, index, TXN_RETRY_FENCE);
        break;
    default: /* NOTA has three meanings, none of them "done" (20) */
        step_fence(step, index);
        break;
    }
}

void step_rollback_reply(struct step *step, unsigned index, enum reply reply)
{
    const struct txn_branch *b = &step->txn->branches[index];
    if (reply == REPLY_OK || reply == REPLY_ROLLED_BACK) {
        step_move_branch(step, index, BRANCH_ROLLED_BACK);
    } else if (!b->prepare_sent) {
        step_emit(step, TXN_ACT_CUT, index); /* never prepared: it ends with its session (5) */
        step_move_branch(step, index, BRANCH_ROLLED_BACK);
    } else if (reply == REPLY_BUSY || reply == REPLY_RETRYABLE) {
        back_off(step, index, TXN_RETRY_SEND);
    } else {
        step_fence(step, index);
    }
}

void step_fenced(struct step *step, unsigned index, bool ok)
{
    struct txn_branch *b = &step->txn->branches[index];
    if (!ok) {
        back_off(step, index, TXN_RETRY_FENCE);
        return;
    }
    b->cut = true;
    b->retry_at_ms = step->now_ms + step->txn->limits.settle_ms;
    step_move_branch(step, index, BRANCH_SETTLING);
}

void step_resolved(struct step *step, unsigned index, enum finding finding)
{
    struct txn *txn = step->txn;
    struct txn_branch *b = &txn->branches[index];
    bool asked = txn->state == TXN_OUTCOME_UNKNOWN;
    bool committed = finding == FINDING_COMMITTED;
    switch (finding) {
    case FINDING_COMMITTED:
    case FINDING_ROLLED_BACK:
        if (!asked && committed != txn->decided_commit)
            damage(step, index, TXN_RETRY_RESOLVE);
        else
            step_move_branch(step, index, committed ? BRANCH_COMMITTED : BRANCH_ROLLED_BACK);
        break;
    case FINDING_STILL_PREPARED:
        if (!asked &&
            !b->alarmed) { /* a branch asked about was never prepared: its session is still rolling back */
            b->alarmed = true;
            step_emit(step, TXN_ACT_ALARM, index);
        }
        back_off(step, index, TXN_RETRY_RESOLVE);
        break;
    case FINDING_UNREACHABLE:
        /* The server may be another incarnation when it answers again, and our last try may still run there.
         * What was recovered has no session to fence. */
        back_off(step, index, txn->recovered ? TXN_RETRY_RESOLVE : TXN_RETRY_FENCE);
        break;
    case FINDING_BUSY:
    case FINDING_OTHER_NODE:
        back_off(step, index, TXN_RETRY_RESOLVE);
        break;
    }
}

void step_wake_branch(struct step *step, unsigned index)
{
    const struct txn_branch *b = &step->txn->branches[index];
    if (b->state == BRANCH_SETTLING || b->retry == TXN_RETRY_RESOLVE)
        resolve(step, index);
    else if (b->retry == TXN_RETRY_FENCE)
        step_fence(step, index);
    else
        finish_on_own_session(step, index);
}
