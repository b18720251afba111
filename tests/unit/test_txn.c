#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cunit_main.h"
#include "txn_script.h"
#include "xatop/verb.h"

/* Transcripts: what the machine does, path by path. */

static void expect(int line, const char *got, const char *wanted)
{
    CU_ASSERT_STRING_EQUAL(got, wanted);
    if (strcmp(got, wanted) != 0)
        printf("# line %d: got \"%s\", wanted \"%s\"\n", line, got, wanted);
}

#define IS(got, wanted) expect(__LINE__, got, wanted)

static struct script s;

enum { PACKET = VERB_START | VERB_WORK | VERB_END | VERB_PREPARE };

static void ok(uint8_t branch, unsigned verb)
{
    script_reply(&s, branch, verb, REPLY_OK);
    CU_ASSERT_TRUE(s.fits);
}

/* Two branches, both sent PREPARE, one statement a message. */
static void to_prepare(void)
{
    script_init(&s, 2, 1, false);
    script_begin(&s);
    for (uint8_t b = 1; b <= 2; b++) {
        ok(b, VERB_START);
        ok(b, VERB_WORK);
        ok(b, VERB_END);
    }
    CU_ASSERT_EQUAL(s.txn.state, TXN_PREPARING);
}

static void to_committing(void)
{
    to_prepare();
    ok(1, VERB_PREPARE);
    ok(2, VERB_PREPARE);
    IS(script_logged(&s, true), "send 1 commit; send 2 commit");
}

static void commits_statement_by_statement(void)
{
    script_init(&s, 2, 2, false);
    CU_ASSERT_EQUAL(txn_deadline_ms(&s.txn), 11000);
    IS(script_begin(&s), "send 1 start; send 2 start");
    CU_ASSERT_EQUAL(s.update.actions[0].deadline_ms, 11000);
    CU_ASSERT_EQUAL(txn_deadline_ms(&s.txn), INT64_MAX);
    IS(script_reply(&s, 2, VERB_START, REPLY_OK), "send 2 work@0");
    IS(script_reply(&s, 1, VERB_START, REPLY_OK), "send 1 work@0");
    IS(script_moves(&s), "1:starting>working");
    IS(script_reply(&s, 1, VERB_WORK, REPLY_OK), "send 1 work@1");
    IS(script_moves(&s), "");
    IS(script_reply(&s, 1, VERB_WORK, REPLY_OK), "send 1 end");
    IS(script_reply(&s, 1, VERB_END, REPLY_OK), "");
    IS(script_reply(&s, 2, VERB_WORK, REPLY_OK), "send 2 work@1");
    IS(script_reply(&s, 2, VERB_WORK, REPLY_OK), "send 2 end");
    s.now_ms = 5000;
    IS(script_reply(&s, 2, VERB_END, REPLY_OK), "send 1 prepare; send 2 prepare");
    CU_ASSERT_EQUAL(s.update.actions[0].deadline_ms, 9000);
    IS(script_moves(&s), "2:ending>ended active>preparing 1:ended>preparing 2:ended>preparing");
    IS(script_reply(&s, 1, VERB_PREPARE, REPLY_OK), "");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_NONE);
    IS(script_reply(&s, 2, VERB_PREPARE, REPLY_OK), "log-commit");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_NONE);
    IS(script_logged(&s, true), "send 1 commit; send 2 commit");
    CU_ASSERT_EQUAL(s.update.actions[1].deadline_ms, 6000);
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_COMMITTED_PENDING);
    IS(script_reply(&s, 1, VERB_COMMIT, REPLY_OK), "");
    IS(script_reply(&s, 2, VERB_COMMIT, REPLY_OK), "log-done; end");
    IS(script_moves(&s), "2:committing>committed committing>committed");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_COMMITTED);
    CU_ASSERT_TRUE(txn_terminal(&s.txn));
}

static void commits_in_packets(void)
{
    script_init(&s, 2, 2, true);
    IS(script_begin(&s), "send 1 start+work+end+prepare; send 2 start+work+end+prepare");
    CU_ASSERT_EQUAL(s.update.actions[0].deadline_ms, 5000);
    IS(script_reply(&s, 1, VERB_PREPARE, REPLY_OK), "");
    IS(script_reply(&s, 2, PACKET, REPLY_OK), "log-commit");
    IS(script_logged(&s, true), "send 1 commit; send 2 commit");
    ok(2, VERB_COMMIT);
    IS(script_reply(&s, 1, VERB_COMMIT, REPLY_OK), "log-done; end");

    script_init(&s, 2, 2,
                true); /* little time left: the packet holds work, so the transaction's own deadline counts */
    s.now_ms = 9000;
    script_begin(&s);
    CU_ASSERT_EQUAL(s.update.actions[0].deadline_ms, 11000);
}

static void one_branch_commits_in_one_phase(void)
{
    script_init(&s, 1, 1, false);
    script_begin(&s);
    ok(1, VERB_START);
    ok(1, VERB_WORK);
    IS(script_reply(&s, 1, VERB_END, REPLY_OK), "send 1 one-phase");
    CU_ASSERT_EQUAL(s.txn.state, TXN_ONE_PHASE);
    IS(script_abort(&s), ""); /* too late: the server decides */
    IS(script_reply(&s, 1, VERB_ONE_PHASE, REPLY_OK), "end");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_COMMITTED);
    CU_ASSERT_FALSE(s.txn.decided_commit);

    script_init(&s, 1, 1, true);
    IS(script_begin(&s), "send 1 start+work+end+one-phase");
    IS(script_reply(&s, 1, VERB_ONE_PHASE, REPLY_OK), "end");

    script_init(&s, 1, 0, false); /* no work at all */
    script_begin(&s);
    IS(script_reply(&s, 1, VERB_START, REPLY_OK), "send 1 end");
}

static void one_phase_refusals_roll_back(void)
{
    script_init(&s, 1, 1, true);
    script_begin(&s);
    IS(script_reply(&s, 1, VERB_WORK, REPLY_REFUSED), "send 1 end");
    IS(script_reply(&s, 1, VERB_END, REPLY_OK), "send 1 rollback");
    IS(script_reply(&s, 1, VERB_ROLLBACK, REPLY_OK), "end");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_ABORTED);
    CU_ASSERT_TRUE(s.txn.blamed == 1 && s.txn.blame == REPLY_REFUSED && !s.txn.retryable);

    script_init(&s, 1, 1, true);
    script_begin(&s);
    IS(script_reply(&s, 1, VERB_ONE_PHASE, REPLY_ROLLED_BACK), "end");
    CU_ASSERT_EQUAL(s.txn.state, TXN_ROLLED_BACK);

    script_init(&s, 1, 1, true); /* nothing left us: never committed */
    script_begin(&s);
    IS(script_reply(&s, 1, 0, REPLY_NOT_SENT), "cut 1; end");
    CU_ASSERT_EQUAL(s.txn.state, TXN_ROLLED_BACK);
}

static void one_phase_without_answer_asks_the_marker(void)
{
    static const enum reply doubts[] = {REPLY_LOST, REPLY_ERROR, REPLY_NOTA, REPLY_BUSY, REPLY_RETRYABLE};
    for (size_t i = 0; i < sizeof doubts / sizeof doubts[0]; i++)
        for (int committed = 0; committed <= 1; committed++) {
            script_init(&s, 1, 1, false);
            script_begin(&s);
            ok(1, VERB_START);
            ok(1, VERB_WORK);
            ok(1, VERB_END);
            IS(script_reply(&s, 1, VERB_ONE_PHASE, doubts[i]), "fence 1");
            CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_IN_DOUBT);
            CU_ASSERT_FALSE(txn_terminal(&s.txn));
            IS(script_fenced(&s, 1, true), "");
            CU_ASSERT_EQUAL(txn_deadline_ms(&s.txn), s.now_ms + 300);
            IS(script_wait(&s), "resolve 1 ask");
            IS(script_resolved(&s, 1, FINDING_STILL_PREPARED), ""); /* never prepared: no alarm */
            IS(script_wait(&s), "resolve 1 ask");
            IS(script_resolved(&s, 1, committed ? FINDING_COMMITTED : FINDING_ROLLED_BACK), "end");
            CU_ASSERT_EQUAL(s.txn.state, committed ? TXN_COMMITTED : TXN_ROLLED_BACK);
            CU_ASSERT_FALSE(s.txn.branches[0].damaged);
        }
}

static void a_refusal_rolls_everything_back(void)
{
    script_init(&s, 2, 1, false);
    script_begin(&s);
    ok(1, VERB_START);
    ok(2, VERB_START);
    IS(script_reply(&s, 1, VERB_WORK, REPLY_REFUSED), "send 1 end"); /* branch 2 is waited for */
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_ABORTED_PENDING);
    CU_ASSERT_EQUAL(s.update.actions[0].deadline_ms, s.now_ms + 1000);
    IS(script_reply(&s, 2, VERB_WORK, REPLY_OK), "send 2 end");
    IS(script_reply(&s, 2, VERB_END, REPLY_OK), "send 2 rollback");
    IS(script_reply(&s, 1, VERB_END, REPLY_ERROR), "send 1 rollback"); /* tolerated */
    IS(script_reply(&s, 1, VERB_ROLLBACK, REPLY_OK), "");
    IS(script_reply(&s, 2, VERB_ROLLBACK, REPLY_ROLLED_BACK), "end");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_ABORTED);
    CU_ASSERT_EQUAL(s.txn.blamed, 1);
    CU_ASSERT_EQUAL(s.txn.blame, REPLY_REFUSED);
}

static void every_answer_but_ok_aborts(void)
{
    for (int reply = REPLY_OK + 1; reply <= REPLY_NOT_SENT; reply++) {
        bool cut = reply == REPLY_LOST || reply == REPLY_NOT_SENT;
        script_init(&s, 2, 1, false);
        script_begin(&s);
        IS(script_reply(&s, 1, VERB_START, (enum reply)reply), "cut 1"); /* nothing of ours is there */
        CU_ASSERT_EQUAL(s.txn.state, TXN_ROLLING_BACK);

        script_init(&s, 2, 1, false);
        script_begin(&s);
        ok(1, VERB_START);
        IS(script_reply(&s, 1, VERB_WORK, (enum reply)reply), cut ? "cut 1" : "send 1 end");
        CU_ASSERT_EQUAL(s.txn.retryable, reply == REPLY_RETRYABLE);

        script_init(&s, 2, 0, false);
        script_begin(&s);
        ok(1, VERB_START);
        IS(script_reply(&s, 1, VERB_END, (enum reply)reply), cut ? "cut 1" : "send 1 end");
    }
}

static void a_refused_vote_rolls_everything_back(void)
{
    to_prepare();
    IS(script_reply(&s, 1, VERB_PREPARE, REPLY_ERROR), "send 1 rollback");
    IS(script_reply(&s, 2, VERB_PREPARE, REPLY_OK), "send 2 rollback");
    IS(script_moves(&s), "2:preparing>prepared 2:prepared>rolling-back");
    IS(script_reply(&s, 2, VERB_ROLLBACK, REPLY_OK), "");
    IS(script_reply(&s, 1, VERB_ROLLBACK, REPLY_OK), "end");

    to_prepare(); /* the server says the branch is gone */
    ok(2, VERB_PREPARE);
    IS(script_reply(&s, 1, VERB_PREPARE, REPLY_ROLLED_BACK), "send 2 rollback");
    IS(script_reply(&s, 2, VERB_ROLLBACK, REPLY_OK), "end");

    to_prepare(); /* 1205 at PREPARE: already gone, the ROLLBACK finds nothing, which proves nothing */
    ok(2, VERB_PREPARE);
    IS(script_reply(&s, 1, VERB_PREPARE, REPLY_RETRYABLE), "send 1 rollback; send 2 rollback");
    CU_ASSERT_TRUE(s.txn.retryable);
    IS(script_reply(&s, 1, VERB_ROLLBACK, REPLY_NOTA), "fence 1");
    IS(script_reply(&s, 2, VERB_ROLLBACK, REPLY_OK), "");
    IS(script_fenced(&s, 1, true), "");
    IS(script_wait(&s), "resolve 1 rollback");
    IS(script_resolved(&s, 1, FINDING_ROLLED_BACK), "end");
}

static void a_lost_vote_is_fenced(void)
{
    to_prepare();
    IS(script_reply(&s, 1, VERB_PREPARE, REPLY_LOST), "fence 1");
    CU_ASSERT_EQUAL(s.txn.branches[0].state, BRANCH_FENCING);
    IS(script_fenced(&s, 1, false), "");
    IS(script_reply(&s, 2, VERB_PREPARE, REPLY_OK), "send 2 rollback");
    IS(script_wait(&s), "fence 1");
    IS(script_fenced(&s, 1, true), "");
    IS(script_reply(&s, 2, VERB_ROLLBACK, REPLY_OK), "");
    IS(script_wait(&s), "resolve 1 rollback");
    CU_ASSERT_EQUAL(s.update.actions[0].deadline_ms, s.now_ms + 1000);
    IS(script_resolved(&s, 1, FINDING_ROLLED_BACK), "end");
    CU_ASSERT_EQUAL(s.txn.blame, REPLY_LOST);

    to_prepare(); /* it never left: the session ends, and with it the branch */
    IS(script_reply(&s, 1, VERB_PREPARE, REPLY_NOT_SENT), "cut 1");
    IS(script_reply(&s, 2, VERB_PREPARE, REPLY_LOST), "fence 2");
}

static void a_packet_says_where_it_stopped(void)
{
    static const struct {
        unsigned last;
        enum reply reply;
        const char *next;
    } rows[] = {
        {VERB_START, REPLY_ERROR, "cut 1"},
        {VERB_WORK, REPLY_REFUSED, "send 1 end"},
        {VERB_WORK, REPLY_RETRYABLE, "send 1 end"},
        {VERB_END, REPLY_ERROR, "send 1 end"},
        {VERB_PREPARE, REPLY_ERROR, "send 1 rollback"},
        {VERB_PREPARE, REPLY_ROLLED_BACK, ""},
        {VERB_START, REPLY_LOST, "fence 1"},
        {0, REPLY_LOST, "fence 1"},
        {0, REPLY_NOT_SENT, "cut 1"},
        {PACKET, REPLY_NOT_SENT, "cut 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        script_init(&s, 2, 1, true);
        script_begin(&s);
        IS(script_reply(&s, 1, rows[i].last, rows[i].reply), rows[i].next);
        IS(script_reply(&s, 2, VERB_PREPARE, REPLY_OK), "send 2 rollback");
    }
    script_init(&s, 2, 1, true); /* not prepared, so that whatever ROLLBACK says it ends with its session */
    script_begin(&s);
    script_reply(&s, 1, VERB_WORK, REPLY_REFUSED);
    script_reply(&s, 2, VERB_WORK, REPLY_REFUSED);
    IS(script_reply(&s, 1, VERB_END, REPLY_LOST), "cut 1");
    IS(script_reply(&s, 2, VERB_END, REPLY_NOTA), "send 2 rollback");
    IS(script_reply(&s, 2, VERB_ROLLBACK, REPLY_BUSY), "cut 2; end");
}

static void a_vote_of_yes_is_taken_back_for_sure(void)
{
    static const struct {
        enum reply reply;
        const char *now, *later;
    } rows[] = {
        {REPLY_OK, "end", "never"},           {REPLY_ROLLED_BACK, "end", "never"},
        {REPLY_BUSY, "", "send 1 rollback"},  {REPLY_RETRYABLE, "", "send 1 rollback"},
        {REPLY_NOTA, "fence 1", "never"},     {REPLY_LOST, "fence 1", "never"},
        {REPLY_NOT_SENT, "fence 1", "never"}, {REPLY_ERROR, "fence 1", "never"},
        {REPLY_REFUSED, "fence 1", "never"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        to_prepare();
        ok(1, VERB_PREPARE);
        IS(script_reply(&s, 2, VERB_PREPARE, REPLY_ROLLED_BACK), "send 1 rollback");
        IS(script_reply(&s, 1, VERB_ROLLBACK, rows[i].reply), rows[i].now);
        IS(script_wait(&s), rows[i].later);
    }
}

static void phase_two_never_gives_up(void)
{
    to_committing();
    ok(2, VERB_COMMIT);
    int64_t longest = 0;
    for (int i = 0; i < 200; i++) {
        IS(script_reply(&s, 1, VERB_COMMIT, i % 2 ? REPLY_BUSY : REPLY_RETRYABLE), "");
        int64_t wait_ms = txn_deadline_ms(&s.txn) - s.now_ms;
        CU_ASSERT_TRUE(wait_ms > 0 && wait_ms <= 1600);
        CU_ASSERT_TRUE(i > 0 || wait_ms <= 100);
        CU_ASSERT_TRUE(i < 10 || wait_ms > 800);
        longest = wait_ms > longest ? wait_ms : longest;
        IS(script_tick(&s, txn_deadline_ms(&s.txn) - 1), ""); /* too early */
        IS(script_wait(&s), "send 1 commit");
    }
    CU_ASSERT_TRUE(longest > 1000);
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_COMMITTED_PENDING);
    IS(script_reply(&s, 1, VERB_COMMIT, REPLY_OK), "log-done; end");
}

static void waits_stay_within_their_bounds(void)
{
    static const struct {
        int64_t backoff_ms, max_ms, longest_ms;
    } rows[] = {{100, 150, 150}, {1000, 10, 10}, {0, 0, 1}, {1, 1, 1}, {3, INT64_MAX / 4, 3 << 9}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        to_committing();
        s.txn.limits.backoff_ms = rows[i].backoff_ms;
        s.txn.limits.backoff_max_ms = rows[i].max_ms;
        for (int round = 0; round < 10; round++) {
            IS(script_reply(&s, 1, VERB_COMMIT, REPLY_BUSY), "");
            int64_t wait_ms = txn_deadline_ms(&s.txn) - s.now_ms;
            CU_ASSERT_TRUE(wait_ms >= 1 && wait_ms <= rows[i].longest_ms);
            CU_ASSERT_TRUE(round < 9 || wait_ms > rows[i].longest_ms / 2);
            IS(script_wait(&s), "send 1 commit");
        }
    }
}

static void a_lost_commit_is_finished_from_elsewhere(void)
{
    static const enum reply doubts[] = {REPLY_LOST, REPLY_NOT_SENT, REPLY_NOTA, REPLY_ERROR, REPLY_REFUSED};
    for (size_t i = 0; i < sizeof doubts / sizeof doubts[0]; i++) {
        to_committing();
        IS(script_reply(&s, 1, VERB_COMMIT, doubts[i]), "fence 1");
        IS(script_reply(&s, 2, VERB_COMMIT, REPLY_OK), "");
        IS(script_fenced(&s, 1, true), "");
        CU_ASSERT_EQUAL(txn_deadline_ms(&s.txn), s.now_ms + 300);
        IS(script_wait(&s), "resolve 1 commit");
        IS(script_resolved(&s, 1, FINDING_BUSY), "");
        IS(script_wait(&s), "resolve 1 commit");
        IS(script_resolved(&s, 1, FINDING_OTHER_NODE), "");
        IS(script_wait(&s), "resolve 1 commit");
        IS(script_resolved(&s, 1, FINDING_UNREACHABLE), ""); /* perhaps another incarnation when it is back */
        IS(script_wait(&s), "fence 1");
        IS(script_fenced(&s, 1, true), "");
        IS(script_wait(&s), "resolve 1 commit");
        IS(script_resolved(&s, 1, FINDING_STILL_PREPARED), "alarm 1");
        IS(script_wait(&s), "resolve 1 commit");
        IS(script_resolved(&s, 1, FINDING_STILL_PREPARED), ""); /* once is enough */
        IS(script_wait(&s), "resolve 1 commit");
        IS(script_resolved(&s, 1, FINDING_COMMITTED), "log-done; end");
    }
}

static void damage_is_told_and_never_counted(void)
{
    to_committing(); /* the node rolled back what was decided to commit */
    ok(2, VERB_COMMIT);
    IS(script_reply(&s, 1, VERB_COMMIT, REPLY_ROLLED_BACK), "alarm 1");
    CU_ASSERT_TRUE(s.txn.branches[0].damaged);
    CU_ASSERT_EQUAL(txn_deadline_ms(&s.txn), s.now_ms + 1600);
    IS(script_wait(&s), "fence 1");
    script_fenced(&s, 1, true);
    for (int i = 0; i < 5; i++) {
        IS(script_wait(&s), "resolve 1 commit");
        IS(script_resolved(&s, 1, FINDING_ROLLED_BACK), "");
        CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_COMMITTED_PENDING);
    }
    script_wait(&s); /* it surfaced at a restart of its node and was committed after all */
    IS(script_resolved(&s, 1, FINDING_COMMITTED), "log-done; end");
    CU_ASSERT_TRUE(s.txn.branches[0].damaged);

    to_prepare(); /* the other way round */
    script_reply(&s, 2, VERB_PREPARE, REPLY_ROLLED_BACK);
    script_reply(&s, 1, VERB_PREPARE, REPLY_LOST);
    script_fenced(&s, 1, true);
    IS(script_wait(&s), "resolve 1 rollback");
    IS(script_resolved(&s, 1, FINDING_COMMITTED), "alarm 1");
    CU_ASSERT_TRUE(s.txn.branches[0].damaged);
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_ABORTED_PENDING);
    IS(script_wait(&s), "resolve 1 rollback");
    IS(script_resolved(&s, 1, FINDING_ROLLED_BACK), "end");
}

static void a_failed_log_leaves_it_in_doubt(void)
{
    to_prepare();
    ok(1, VERB_PREPARE);
    IS(script_reply(&s, 2, VERB_PREPARE, REPLY_OK), "log-commit");
    IS(script_abort(&s), ""); /* too late: the record may be durable */
    CU_ASSERT_EQUAL(s.txn.state, TXN_DECIDING);
    IS(script_logged(&s, false), "end");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_IN_DOUBT);
    CU_ASSERT_TRUE(txn_terminal(&s.txn));
    IS(script_logged(&s, true), "refused");
    IS(script_begin(&s), "refused");
}

static void gives_up_when_told_or_out_of_time(void)
{
    script_init(&s, 2, 1, false); /* a session could not be opened */
    IS(script_abort(&s), "end");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_ABORTED);
    CU_ASSERT_EQUAL(s.txn.blamed, 0);

    script_init(&s, 2, 1, false);
    IS(script_tick(&s, 10999), "");
    IS(script_tick(&s, 11000), "end");

    script_init(&s, 2, 1, false);
    s.now_ms = 11000;
    IS(script_begin(&s), "end");

    script_init(&s, 2, 1, false); /* between two statements */
    script_begin(&s);
    s.now_ms = 11000;
    IS(script_reply(&s, 1, VERB_START, REPLY_OK), "send 1 end");
    IS(script_reply(&s, 2, VERB_START, REPLY_LOST), "cut 2");
    CU_ASSERT_EQUAL(s.txn.blamed, 0);

    script_init(&s, 2, 0, false); /* by the operator: what has ended needs only ROLLBACK */
    script_begin(&s);
    ok(1, VERB_START);
    ok(1, VERB_END);
    IS(script_abort(&s), "send 1 rollback");
    IS(script_reply(&s, 2, VERB_START, REPLY_OK), "send 2 end");
    CU_ASSERT_EQUAL(s.txn.blamed, 0);
    IS(script_abort(&s), "");

    script_init(&s, 2, 0, false); /* END was on its way when the other branch failed */
    script_begin(&s);
    ok(1, VERB_START);
    script_reply(&s, 2, VERB_START, REPLY_ERROR);
    IS(script_reply(&s, 1, VERB_END, REPLY_OK), "send 1 rollback");

    to_prepare();
    ok(1, VERB_PREPARE);
    IS(script_abort(&s), "send 1 rollback");
    IS(script_reply(&s, 2, VERB_PREPARE, REPLY_OK), "send 2 rollback");
}

static void blames_what_people_should_hear(void)
{
    script_init(&s, 4, 1, false);
    script_begin(&s);
    for (uint8_t b = 1; b <= 4; b++)
        ok(b, VERB_START);
    script_reply(&s, 2, VERB_WORK, REPLY_RETRYABLE);
    CU_ASSERT_TRUE(s.txn.blamed == 2 && s.txn.retryable);
    script_reply(&s, 2, VERB_END, REPLY_ROLLED_BACK); /* the END of an abort is nobody's fault */
    CU_ASSERT_TRUE(s.txn.blamed == 2 && s.txn.retryable);
    script_reply(&s, 4, VERB_WORK, REPLY_RETRYABLE);
    CU_ASSERT_TRUE(s.txn.blamed == 2 && s.txn.retryable);
    script_reply(&s, 1, VERB_WORK, REPLY_REFUSED); /* trying again would not help */
    CU_ASSERT_TRUE(s.txn.blamed == 1 && s.txn.blame == REPLY_REFUSED && !s.txn.retryable);
    script_reply(&s, 3, VERB_WORK, REPLY_ERROR);
    CU_ASSERT_TRUE(s.txn.blamed == 1 && s.txn.blame == REPLY_REFUSED);
}

static void what_recovery_found_is_finished_from_elsewhere(void)
{
    struct txn_limits limits = script_limits(false);
    txn_init_recovered(&s.txn, &limits, true, 3, 5, 1000, 7);
    s.now_ms = 1000;
    CU_ASSERT_EQUAL(txn_deadline_ms(&s.txn), INT64_MAX);
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_COMMITTED_PENDING);
    IS(script_abort(&s), "");
    IS(script_begin(&s), "resolve 1 commit; resolve 3 commit");
    IS(script_begin(&s), "refused");
    IS(script_resolved(&s, 1, FINDING_UNREACHABLE), "");
    IS(script_wait(&s), "resolve 1 commit"); /* no session of its own: nothing to fence */
    IS(script_resolved(&s, 1, FINDING_COMMITTED), "");
    IS(script_resolved(&s, 3, FINDING_ROLLED_BACK), "alarm 3");
    IS(script_wait(&s), "resolve 3 commit");
    IS(script_resolved(&s, 3, FINDING_COMMITTED), "log-done; end");

    txn_init_recovered(&s.txn, &limits, false, 2, 2, s.now_ms, 7);
    IS(script_begin(&s), "resolve 2 rollback");
    IS(script_resolved(&s, 2, FINDING_ROLLED_BACK), "end");
    CU_ASSERT_EQUAL(txn_outcome(&s.txn), OUTCOME_ABORTED);

    txn_init_recovered(&s.txn, &limits, true, 2, 0, s.now_ms, 7);
    IS(script_begin(&s), "log-done; end");
}

static void late_and_double_events_change_nothing(void)
{
    to_committing();
    struct txn before = s.txn;
    IS(script_begin(&s), "refused");
    IS(script_logged(&s, true), "refused");
    IS(script_reply(&s, 1, VERB_PREPARE, REPLY_OK), "refused");
    IS(script_reply(&s, 1, 0, REPLY_OK), "refused");
    IS(script_fenced(&s, 1, true), "refused");
    IS(script_resolved(&s, 1, FINDING_ROLLED_BACK), "refused");
    CU_ASSERT_EQUAL(s.update.count + s.update.move_count, 0);
    CU_ASSERT_EQUAL(memcmp(&before, &s.txn, sizeof before), 0);
    ok(1, VERB_COMMIT);
    IS(script_reply(&s, 1, VERB_COMMIT, REPLY_OK), "refused");

    script_init(&s, 2, 1, true); /* OK for half a packet is no OK */
    script_begin(&s);
    IS(script_reply(&s, 1, VERB_WORK, REPLY_OK), "refused");
    IS(script_step(&s, (struct txn_event){.kind = (enum txn_event_kind)99}), "refused");
}

static void sixteen_branches_fit(void)
{
    script_init(&s, XATOP_BRANCHES_MAX, 1, true);
    script_begin(&s);
    for (uint8_t b = 1; b <= XATOP_BRANCHES_MAX; b++)
        ok(b, VERB_PREPARE);
    script_logged(&s, true);
    CU_ASSERT_EQUAL(s.update.count, XATOP_BRANCHES_MAX);
    for (uint8_t b = 1; b <= XATOP_BRANCHES_MAX; b++)
        ok(b, VERB_COMMIT);
    CU_ASSERT_EQUAL(s.txn.state, TXN_COMMITTED);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"commits statement by statement", commits_statement_by_statement},
        {"commits in packets", commits_in_packets},
        {"one branch commits in one phase", one_branch_commits_in_one_phase},
        {"one-phase refusals roll back", one_phase_refusals_roll_back},
        {"one phase without answer asks the marker", one_phase_without_answer_asks_the_marker},
        {"a refusal rolls everything back", a_refusal_rolls_everything_back},
        {"every answer but OK aborts", every_answer_but_ok_aborts},
        {"a refused vote rolls everything back", a_refused_vote_rolls_everything_back},
        {"a lost vote is fenced", a_lost_vote_is_fenced},
        {"a packet says where it stopped", a_packet_says_where_it_stopped},
        {"a vote of yes is taken back for sure", a_vote_of_yes_is_taken_back_for_sure},
        {"phase two never gives up", phase_two_never_gives_up},
        {"waits stay within their bounds", waits_stay_within_their_bounds},
        {"a lost commit is finished from elsewhere", a_lost_commit_is_finished_from_elsewhere},
        {"damage is told and never counted", damage_is_told_and_never_counted},
        {"a failed log leaves it in doubt", a_failed_log_leaves_it_in_doubt},
        {"gives up when told or out of time", gives_up_when_told_or_out_of_time},
        {"blames what people should hear", blames_what_people_should_hear},
        {"what recovery found is finished from elsewhere", what_recovery_found_is_finished_from_elsewhere},
        {"late and double events change nothing", late_and_double_events_change_nothing},
        {"sixteen branches fit", sixteen_branches_fit},
        {NULL, NULL},
    };
    return test_main("txn", cases);
}
