#include "config.h"

#include <stddef.h>

#include "xatop/txn.h"
#include "xatop/verb.h"

/* What must hold after every step, in release builds too. The names are for the last line of a crash. */

static bool waits_for_something(const struct txn *txn)
{
    if (!txn->begun || txn->state == TXN_DECIDING)
        return true;
    for (unsigned i = 0; i < txn->branch_count; i++) {
        const struct txn_branch *b = &txn->branches[i];
        if (b->sent != 0 || b->state == BRANCH_FENCING || b->state == BRANCH_RESOLVING ||
            b->state == BRANCH_SETTLING || b->state == BRANCH_BACKOFF)
            return true;
    }
    return false;
}

static const char *broken_branch(const struct txn *txn, const struct txn_branch *b)
{
    bool one_phase = txn->branch_count == 1 && !txn->recovered;
    if (b->commit_told && !txn->decision_durable)
        return "no XA COMMIT before the decision is durable";
    if (b->rollback_told && txn->decided_commit)
        return "no XA ROLLBACK after the decision to commit";
    if (txn->decided_commit && !txn->recovered && !b->voted_yes)
        return "only a branch that voted yes is committed";
    if (b->voted_yes && !b->prepare_sent)
        return "no vote without PREPARE";
    if (b->state == BRANCH_COMMITTED && !txn->decision_durable && !(one_phase && txn->state == TXN_COMMITTED))
        return "no branch is committed without a decision";
    if (b->state == BRANCH_ROLLED_BACK && txn->decided_commit)
        return "no branch of a commit counts as rolled back";
    if (txn->state == TXN_COMMITTED && b->state != BRANCH_COMMITTED)
        return "no end while a branch is not committed";
    if (txn->state == TXN_ROLLED_BACK && b->state != BRANCH_ROLLED_BACK)
        return "no end while a branch is not rolled back";
    return NULL;
}

const char *txn_broken_invariant(const struct txn *txn)
{
    bool deciding = txn->state == TXN_DECIDING || txn->state == TXN_IN_DOUBT;
    bool back = txn->state == TXN_ROLLING_BACK || txn->state == TXN_ROLLED_BACK;
    bool alone = txn->state == TXN_ONE_PHASE || txn->state == TXN_OUTCOME_UNKNOWN;
    if (txn->decision_durable && !txn->decided_commit)
        return "no durable decision that was not made";
    if (deciding && (!txn->decided_commit || txn->decision_durable))
        return "deciding means decided and not durable";
    if (txn->state == TXN_COMMITTING && !txn->decision_durable)
        return "committing means a durable decision";
    if (back && txn->decided_commit)
        return "a decision never changes";
    if (alone && txn->branch_count != 1)
        return "one phase is for exactly one branch";
    for (unsigned i = 0; i < txn->branch_count; i++) {
        const char *broken = broken_branch(txn, &txn->branches[i]);
        if (broken)
            return broken;
    }
    if (!txn_terminal(txn) && !waits_for_something(txn))
        return "an unfinished transaction waits for something";
    return NULL;
}

static bool all_ended(const struct txn *txn)
{
    for (unsigned i = 0; i < txn->branch_count; i++)
        if (!txn->branches[i].ended)
            return false;
    return true;
}

static const char *broken_action(const struct txn *txn, const struct txn_action *action)
{
    bool verdict = action->kind == TXN_ACT_SEND || action->kind == TXN_ACT_RESOLVE;
    if (verdict && action->verbs & VERB_COMMIT && !txn->decision_durable)
        return "no XA COMMIT before the decision is durable";
    if (verdict && action->verbs & VERB_ROLLBACK && txn->decided_commit)
        return "no XA ROLLBACK after the decision to commit";
    if (action->kind == TXN_ACT_SEND && action->verbs == VERB_PREPARE && !all_ended(txn))
        return "all work of all branches ends before the first PREPARE";
    if (action->kind == TXN_ACT_LOG_COMMIT && txn->state != TXN_DECIDING)
        return "a COMMIT record is written while deciding only";
    if (action->kind == TXN_ACT_LOG_DONE && (txn->state != TXN_COMMITTED || !txn->decision_durable))
        return "DONE is written after every branch committed";
    if (action->kind == TXN_ACT_END && !txn_terminal(txn))
        return "no end before a terminal state";
    return NULL;
}

const char *txn_broken_action(const struct txn *txn, const struct txn_update *update)
{
    for (unsigned i = 0; i < update->count; i++) {
        const char *broken = broken_action(txn, &update->actions[i]);
        if (broken)
            return broken;
    }
    return NULL;
}
