#include "config.h"

#include "txn_core.h"
#include "xatop/verb.h"

/* Begin to prepare: work, votes; and the way back while nothing is decided.
 *
 * Any answer but OK rolls the whole back: a failed statement undoes only itself, and END and PREPARE would
 * then succeed with half the work (xa-facts 21). */

void step_begin_work(struct step *step)
{
    struct txn *txn = step->txn;
    bool one = txn->branch_count == 1;
    if (!txn->limits.packet) {
        for (unsigned i = 0; i < txn->branch_count; i++)
            step_send(step, i, VERB_START, BRANCH_STARTING);
        return;
    }
    uint16_t packet = VERB_START | VERB_WORK | VERB_END;
    packet |= one ? VERB_ONE_PHASE : VERB_PREPARE;
    step_move_txn(step, one ? TXN_ONE_PHASE : TXN_PREPARING);
    for (unsigned i = 0; i < txn->branch_count; i++)
        step_send(step, i, packet, one ? BRANCH_COMMITTING : BRANCH_PREPARING);
}

/* Every statement of every branch has ended before the first PREPARE: MariaDB drops share locks there (12a).
 */
static void prepare_if_all_ended(struct step *step)
{
    struct txn *txn = step->txn;
    if (!txn_all_branches(txn, BRANCH_ENDED))
        return;
    if (txn->branch_count == 1) {
        step_move_txn(step, TXN_ONE_PHASE);
        step_send(step, 0, VERB_ONE_PHASE, BRANCH_COMMITTING);
        return;
    }
    step_move_txn(step, TXN_PREPARING);
    for (unsigned i = 0; i < txn->branch_count; i++)
        step_send(step, i, VERB_PREPARE, BRANCH_PREPARING);
}

static void next_statement(struct step *step, unsigned index)
{
    struct txn_branch *b = &step->txn->branches[index];
    if (b->step < b->work_count)
        step_send(step, index, VERB_WORK, BRANCH_WORKING);
    else
        step_send(step, index, VERB_END, BRANCH_ENDING);
}

static void decide_if_all_prepared(struct step *step)
{
    if (!txn_all_branches(step->txn, BRANCH_PREPARED))
        return;
    step->txn->decided_commit = true;
    step_move_txn(step, TXN_DECIDING);
    step_emit(step, TXN_ACT_LOG_COMMIT, 0);
}

/* What an answer proves about the branch, whatever is to become of it. A packet stops at its first error
 * (27), so all verbs before the last answered one have succeeded and none after it has run. */
static void learn(struct txn_branch *b, uint16_t sent, uint16_t last, enum reply reply)
{
    bool ok = reply == REPLY_OK;
    uint16_t votes = sent & (VERB_PREPARE | VERB_ONE_PHASE);
    if (reply == REPLY_LOST)
        return;
    if (reply == REPLY_NOT_SENT) { /* no byte of it left: what it carried never ran */
        b->prepare_sent = false;
        return;
    }
    b->started |= sent & VERB_START && (last > VERB_START || ok);
    b->ended |= sent & VERB_END && (last > VERB_END || ok);
    b->voted_yes |= sent & VERB_PREPARE && ok;
    if (votes && last < votes)
        b->prepare_sent = false;
    if (sent == VERB_WORK && ok)
        b->step++;
}

/* The reason to be told: the first answer that was not OK, unless a later one is worth more than "try again".
 */
static void blame(struct txn *txn, unsigned index, enum reply reply)
{
    bool first = txn->state != TXN_ROLLING_BACK;
    if (first || (txn->retryable && reply != REPLY_RETRYABLE)) {
        txn->blamed = (uint8_t)(index + 1);
        txn->blame = reply;
        txn->retryable = reply == REPLY_RETRYABLE;
    }
}

static void went_well(struct step *step, unsigned index, uint16_t last)
{
    struct txn *txn = step->txn;
    if (last == VERB_ONE_PHASE) {
        step_move_branch(step, index, BRANCH_COMMITTED);
        return;
    }
    if (last == VERB_END)
        step_move_branch(step, index, txn->state == TXN_ACTIVE ? BRANCH_ENDED : BRANCH_ROLLING_BACK);
    if (last == VERB_PREPARE)
        step_move_branch(step, index, BRANCH_PREPARED);
    if (txn->state == TXN_ROLLING_BACK)
        step_roll_back_branch(step, index);
    else if (txn->state == TXN_PREPARING)
        decide_if_all_prepared(step);
    else if (step->now_ms >= txn->deadline_ms)
        step_abort_all(step);
    else if (last == VERB_END)
        prepare_if_all_ended(step);
    else
        next_statement(step, index);
}

void step_phase1_reply(struct step *step, unsigned index, uint16_t sent, uint16_t last, enum reply reply)
{
    struct txn *txn = step->txn;
    struct txn_branch *b = &txn->branches[index];
    bool ending_the_abort =
        b->state == BRANCH_ROLLING_BACK; /* END before ROLLBACK: its answer does not matter (22) */
    learn(b, sent, last, reply);
    if (reply == REPLY_OK) {
        went_well(step, index, last);
        return;
    }
    if (!ending_the_abort)
        blame(txn, index, reply);
    if (sent & VERB_ONE_PHASE && b->prepare_sent && reply != REPLY_ROLLED_BACK) {
        step_move_txn(step,
                      TXN_OUTCOME_UNKNOWN); /* the server may have committed: the marker tells (rule 12) */
        step_fence(step, index);
        return;
    }
    if (b->prepare_sent && reply == REPLY_ROLLED_BACK)
        step_move_branch(step, index, BRANCH_ROLLED_BACK); /* a vote of no: the server has rolled it back */
    if (ending_the_abort)
        b->ended = true; /* as far as it will: ROLLBACK next */
    if (txn->state == TXN_ROLLING_BACK)
        step_roll_back_branch(step, index);
    else
        step_abort_all(step);
}

void step_abort_all(struct step *step)
{
    step_move_txn(step, TXN_ROLLING_BACK);
    for (unsigned i = 0; i < step->txn->branch_count; i++)
        step_roll_back_branch(step, i);
}

void step_roll_back_branch(struct step *step, unsigned index)
{
    struct txn_branch *b = &step->txn->branches[index];
    if (b->sent != 0 || b->state == BRANCH_ROLLED_BACK)
        return; /* its message has a deadline: the answer comes */
    if (b->state == BRANCH_IDLE) {
        step_move_branch(step, index, BRANCH_ROLLED_BACK);
    } else if (b->prepare_sent) {
        if (b->cut)
            step_fence(step, index);
        else
            step_send(step, index, VERB_ROLLBACK, BRANCH_ROLLING_BACK);
    } else if (b->cut || !b->started) {
        /* The server rolls back whatever an ending session has not prepared (5). A refused START: nothing is
         * ours there. */
        step_emit(step, TXN_ACT_CUT, index);
        step_move_branch(step, index, BRANCH_ROLLED_BACK);
    } else if (!b->ended) {
        step_send(step, index, VERB_END, BRANCH_ROLLING_BACK);
    } else {
        step_send(step, index, VERB_ROLLBACK, BRANCH_ROLLING_BACK);
    }
}
