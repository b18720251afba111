#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "txn_script.h"
#include "xatop/verb.h"

/* Every invariant is broken once by hand: a check that cannot fail checks nothing. */

static struct script s;

static void to_committing(void)
{
    script_init(&s, 2, 1, true);
    script_begin(&s);
    script_reply(&s, 1, VERB_PREPARE, REPLY_OK);
    script_reply(&s, 2, VERB_PREPARE, REPLY_OK);
    script_logged(&s, true);
    CU_ASSERT_EQUAL_FATAL(s.txn.state, TXN_COMMITTING);
    CU_ASSERT_PTR_NULL(txn_broken_invariant(&s.txn));
}

static void broken(const char *wanted)
{
    const char *got = txn_broken_invariant(&s.txn);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_STRING_EQUAL(got, wanted);
}

static void the_decision_is_guarded(void)
{
    to_committing();
    s.txn.decided_commit = false;
    broken("no durable decision that was not made");
    to_committing();
    s.txn.decision_durable = false;
    broken("committing means a durable decision");
    to_committing();
    s.txn.state = TXN_DECIDING;
    broken("deciding means decided and not durable");
    to_committing();
    s.txn.state = TXN_IN_DOUBT;
    s.txn.decided_commit = s.txn.decision_durable = false;
    broken("deciding means decided and not durable");
    to_committing();
    s.txn.state = TXN_ROLLING_BACK;
    broken("a decision never changes");
    to_committing();
    s.txn.state = TXN_ROLLED_BACK;
    broken("a decision never changes");
    to_committing();
    s.txn.state = TXN_ONE_PHASE;
    broken("one phase is for exactly one branch");
    to_committing();
    s.txn.state = TXN_OUTCOME_UNKNOWN;
    broken("one phase is for exactly one branch");
}

static void branches_are_guarded(void)
{
    to_committing();
    s.txn.state = TXN_DECIDING;
    s.txn.decision_durable = false;
    broken("no XA COMMIT before the decision is durable");
    to_committing();
    s.txn.branches[1].rollback_told = true;
    broken("no XA ROLLBACK after the decision to commit");
    to_committing();
    s.txn.branches[1].voted_yes = false;
    broken("only a branch that voted yes is committed");
    s.txn.recovered = true; /* there the record is the proof */
    CU_ASSERT_PTR_NULL(txn_broken_invariant(&s.txn));
    to_committing();
    s.txn.branches[1].prepare_sent = false;
    broken("no vote without PREPARE");
    to_committing();
    s.txn.branches[1].state = BRANCH_ROLLED_BACK;
    broken("no branch of a commit counts as rolled back");
    to_committing();
    s.txn.state = TXN_COMMITTED;
    broken("no end while a branch is not committed");

    script_init(&s, 2, 1, true);
    script_begin(&s);
    s.txn.branches[0].state = BRANCH_COMMITTED;
    broken("no branch is committed without a decision");
    script_init(&s, 1, 1, true);
    script_begin(&s);
    s.txn.branches[0].state = BRANCH_COMMITTED;
    broken("no branch is committed without a decision");
    script_init(&s, 2, 1, true);
    script_begin(&s);
    s.txn.state = TXN_ROLLED_BACK;
    broken("no end while a branch is not rolled back");
    script_init(&s, 2, 1, true);
    script_begin(&s);
    s.txn.branches[0].sent = s.txn.branches[1].sent = 0;
    broken("an unfinished transaction waits for something");
    s.txn.branches[1].state = BRANCH_SETTLING;
    CU_ASSERT_PTR_NULL(txn_broken_invariant(&s.txn));
}

static void bad_action(enum txn_action_kind kind, uint16_t verbs, const char *wanted)
{
    struct txn_update update = {.count = 2};
    update.actions[0] = (struct txn_action){.kind = TXN_ACT_CUT, .branch = 1};
    update.actions[1] = (struct txn_action){.kind = kind, .branch = 1, .verbs = verbs};
    const char *got = txn_broken_action(&s.txn, &update);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_STRING_EQUAL(got, wanted);
}

static void actions_are_guarded(void)
{
    script_init(&s, 2, 1, false);
    script_begin(&s);
    bad_action(TXN_ACT_SEND, VERB_COMMIT, "no XA COMMIT before the decision is durable");
    bad_action(TXN_ACT_RESOLVE, VERB_COMMIT, "no XA COMMIT before the decision is durable");
    bad_action(TXN_ACT_SEND, VERB_PREPARE, "all work of all branches ends before the first PREPARE");
    bad_action(TXN_ACT_LOG_COMMIT, 0, "a COMMIT record is written while deciding only");
    bad_action(TXN_ACT_LOG_DONE, 0, "DONE is written after every branch committed");
    bad_action(TXN_ACT_END, 0, "no end before a terminal state");
    to_committing();
    bad_action(TXN_ACT_SEND, VERB_ROLLBACK, "no XA ROLLBACK after the decision to commit");
    bad_action(TXN_ACT_RESOLVE, VERB_ROLLBACK, "no XA ROLLBACK after the decision to commit");
    bad_action(TXN_ACT_LOG_DONE, 0, "DONE is written after every branch committed");

    script_init(&s, 1, 1, true); /* one phase writes no record, so none is done */
    script_begin(&s);
    script_reply(&s, 1, VERB_ONE_PHASE, REPLY_OK);
    CU_ASSERT_EQUAL(s.txn.state, TXN_COMMITTED);
    bad_action(TXN_ACT_LOG_DONE, 0, "DONE is written after every branch committed");
}

/* DECIDING leaves only forward; terminal states lead nowhere; every other state is reached and left. */
static void the_tables_have_no_holes(void)
{
    CU_ASSERT_FALSE(txn_state_may_follow(TXN_DECIDING, TXN_ROLLING_BACK));
    CU_ASSERT_FALSE(txn_state_may_follow(TXN_COMMITTING, TXN_ROLLING_BACK));
    CU_ASSERT_FALSE(txn_state_may_follow(TXN_ROLLING_BACK, TXN_COMMITTING));
    CU_ASSERT_FALSE(txn_state_may_follow(TXN_ACTIVE, TXN_DECIDING));
    for (int a = 0; a < TXN_STATES; a++) {
        unsigned in = 0, out = 0;
        struct txn txn = {.state = (enum txn_state)a};
        for (int b = 0; b < TXN_STATES; b++) {
            in += txn_state_may_follow((enum txn_state)b, (enum txn_state)a);
            out += txn_state_may_follow((enum txn_state)a, (enum txn_state)b);
        }
        CU_ASSERT_EQUAL(in == 0, a == TXN_ACTIVE);
        CU_ASSERT_EQUAL(out == 0, txn_terminal(&txn));
    }
    for (int a = 0; a < BRANCH_STATES; a++) {
        unsigned in = 0, out = 0;
        for (int b = 0; b < BRANCH_STATES; b++) {
            in += branch_state_may_follow((enum branch_state)b, (enum branch_state)a);
            out += branch_state_may_follow((enum branch_state)a, (enum branch_state)b);
        }
        CU_ASSERT_EQUAL(in == 0, a == BRANCH_IDLE);
        CU_ASSERT_EQUAL(out == 0, a == BRANCH_COMMITTED || a == BRANCH_ROLLED_BACK);
    }
}

int main(void)
{
    static const struct test_case cases[] = {
        {"the decision is guarded", the_decision_is_guarded},
        {"branches are guarded", branches_are_guarded},
        {"actions are guarded", actions_are_guarded},
        {"the tables have no holes", the_tables_have_no_holes},
        {NULL, NULL},
    };
    return test_main("txn_invariant", cases);
}
