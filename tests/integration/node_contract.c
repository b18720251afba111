/* The node contract on a real server: what the engine may rely on, good days and bad. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "node_bench.h"
#include "xatop/clock.h"
#include "xatop/scenario.h"

enum { LOG_A = 0xa1, LOG_B = 0xb2 };

static struct bench bench;
static MYSQL *stranger;

static int64_t balance(unsigned node, int64_t account)
{
    return bench_number(stranger, "SELECT balance FROM %s.accounts WHERE id = %lld",
                        node ? "xatop_b" : "xatop", (long long)account);
}

static int64_t markers(const struct bench_txn *txn, unsigned branch)
{
    char gtrid[XATOP_GTRID_MAX + 1];
    gtrid_print(&txn->gtrid, gtrid);
    return bench_number(stranger, "SELECT COUNT(*) FROM %s.xa_marker WHERE gtrid = '%s' AND branch = %u",
                        branch == 2 ? "xatop_b" : "xatop", gtrid, branch);
}

static bool listed(const struct bench_txn *txn, unsigned branch)
{
    char data[XATOP_GTRID_MAX + 8];
    gtrid_print(&txn->gtrid, data);
    snprintf(data + strlen(data), 8, "b%u", branch);
    return bench_listed(stranger, data);
}

/* A clean start of every test: fresh data, epoch 1 of log A raised on both nodes. */
static void open_bench(void)
{
    CU_ASSERT_FATAL(bench_reset());
    stranger = bench_connect("xatop");
    bench_sql(stranger,
              "DELETE FROM xatop.xa_epoch; DELETE FROM xatop_b.xa_epoch; DELETE FROM xatop.xa_session; "
              "DELETE FROM xatop_b.xa_session");
    CU_ASSERT_FATAL(bench_open(&bench, LOG_A, 1));
    CU_ASSERT_FATAL(bench_raise(&bench));
}

static void close_bench(void)
{
    bench_close(&bench);
    mysql_close(stranger);
}

static void commits_statement_by_statement(void)
{
    struct bench_txn txn;
    open_bench();
    bench_begin(&bench, &txn, 0, 500);
    for (unsigned branch = 1; branch <= 2; branch++)
        CU_ASSERT_EQUAL(bench_run(&bench, &txn, branch, VERB_PREPARE), REPLY_OK);
    CU_ASSERT(listed(&txn, 1) && listed(&txn, 2));
    CU_ASSERT_EQUAL(balance(0, 1001), 100000);
    for (unsigned branch = 1; branch <= 2; branch++)
        CU_ASSERT_EQUAL(bench_say(&bench, &txn, branch, VERB_COMMIT), REPLY_OK);
    CU_ASSERT_EQUAL(balance(0, 1001), 99500);
    CU_ASSERT_EQUAL(balance(1, 1002), 100500);
    CU_ASSERT(markers(&txn, 1) == 1 && markers(&txn, 2) == 1);
    CU_ASSERT_FALSE(listed(&txn, 1) || listed(&txn, 2));
    close_bench();
}

static void commits_in_packets_to_both_nodes_at_once(void)
{
    struct bench_txn txn;
    struct message messages[2];
    open_bench();
    bench_begin(&bench, &txn, 1, 700);
    for (unsigned branch = 1; branch <= 2; branch++)
        CU_ASSERT_EQUAL(bench_say(&bench, &txn, branch, VERB_OPEN), REPLY_OK);
    for (unsigned i = 0; i < 2; i++) {
        bench_message(&txn, i + 1, VERB_START | VERB_WORK | VERB_END | VERB_PREPARE, &messages[i]);
        bench_send(&bench, &messages[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        void *item = NULL;
        CU_ASSERT_EQUAL(mailbox_wait(bench.outbox, &item, 1, SHORT_MS), 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(messages[i].reply, REPLY_OK);
        CU_ASSERT_EQUAL(messages[i].last_verb, VERB_PREPARE);
        CU_ASSERT(messages[i].sent_us > 0 && messages[i].reply_us > messages[i].sent_us);
        CU_ASSERT(messages[i].session.connection_id > 0 && messages[i].session.server_start > 0);
        CU_ASSERT_EQUAL(bench_say(&bench, &txn, i + 1, VERB_COMMIT), REPLY_OK);
    }
    CU_ASSERT_EQUAL(balance(0, 1001), 99300);
    CU_ASSERT_EQUAL(balance(1, 1002), 100700);
    close_bench();
}

static void one_phase_commits_a_single_branch(void)
{
    struct bench_txn txn;
    struct message message;
    open_bench();
    bench_begin(&bench, &txn, 0, 100);
    txn.plan.branch_count = 1;
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_ONE_PHASE), REPLY_OK);
    CU_ASSERT(balance(0, 1001) == 99900 && markers(&txn, 1) == 1);
    /* and in one packet; a guard stops it before it commits */
    bench_begin(&bench, &txn, 0, 200000);
    txn.plan.branch_count = 1;
    bench_message(&txn, 1, VERB_START | VERB_WORK | VERB_END | VERB_ONE_PHASE, &message);
    bench_send(&bench, &message);
    bench_await(&bench, &message.completion);
    CU_ASSERT_EQUAL(message.reply, REPLY_REFUSED);
    CU_ASSERT_EQUAL(message.refusal, REFUSAL_SHORT);
    CU_ASSERT_EQUAL(message.refused_have, 99900);
    CU_ASSERT_EQUAL(message.last_verb, VERB_WORK);
    bench_say(&bench, &txn, 1, VERB_END);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_ROLLBACK), REPLY_OK);
    CU_ASSERT_EQUAL(balance(0, 1001), 99900);
    close_bench();
}

/* Send OPEN, then one packet up to PREPARE of branch 1 as planned in @txn; roll back what was begun. */
static struct message refused(struct bench_txn *txn)
{
    struct message message;
    CU_ASSERT_EQUAL(bench_say(&bench, txn, 1, VERB_OPEN), REPLY_OK);
    bench_message(txn, 1, VERB_START | VERB_WORK | VERB_END | VERB_PREPARE, &message);
    bench_send(&bench, &message);
    bench_await(&bench, &message.completion);
    CU_ASSERT_FALSE(listed(txn, 1));
    bench_say(&bench, txn, 1, VERB_END);
    CU_ASSERT_EQUAL(bench_say(&bench, txn, 1, VERB_ROLLBACK), REPLY_OK);
    CU_ASSERT_EQUAL(markers(txn, 1), 0);
    return message;
}

static void says_why_it_refused(void)
{
    struct bench_txn txn;
    struct message message;
    open_bench();
    bench_begin(&bench, &txn, 0, 1);
    txn.plan.branches[0].work[0].id = 999999;
    message = refused(&txn);
    CU_ASSERT(message.reply == REPLY_REFUSED && message.refusal == REFUSAL_NO_ROW);
    bench_begin(&bench, &txn, 0, 100001);
    message = refused(&txn);
    CU_ASSERT(message.refusal == REFUSAL_SHORT && message.refused_have == 100000 &&
              message.refused_step == 0);
    bench_begin(&bench, &txn, 0, 1);
    txn.plan.branches[0].work_count = 2;
    txn.plan.branches[0].work[1] = (struct work_op){
        .kind = WORK_ADD, .table = WORK_PRODUCTS, .id = PRODUCT_FIRST, .delta = -1, .price = 1};
    message = refused(&txn);
    CU_ASSERT(message.reply == REPLY_REFUSED && message.refusal == REFUSAL_PRICE_CHANGED &&
              message.refused_step == 1);
    CU_ASSERT_EQUAL(message.refused_have,
                    bench_number(stranger, "SELECT price FROM products WHERE id = %d", PRODUCT_FIRST));
    /* no rule of the business: an error, not a refusal */
    bench_begin(&bench, &txn, 0, 1);
    txn.plan.branches[0].work[0].delta = INT64_MAX;
    message = refused(&txn);
    CU_ASSERT_EQUAL(message.reply, REPLY_ERROR);
    CU_ASSERT_EQUAL(balance(0, 1001), 100000);
    close_bench();
}

static struct control ask_key(const char *key)
{
    struct control control = {.kind = CONTROL_KEY, .node = 0};
    text_copy(control.key, sizeof control.key, key);
    bench_ask(&bench, &control);
    CU_ASSERT(control.ok);
    return control;
}

static void a_key_is_used_once(void)
{
    static const char key[] = "'; DROP TABLE x -- \\";
    struct bench_txn txn, again;
    char gtrid[XATOP_GTRID_MAX + 1];
    open_bench();
    bench_begin(&bench, &txn, 0, 10);
    gtrid_print(&txn.gtrid, gtrid);
    plan_add_key(&txn.plan, key, "0123456789abcdef0123456789abcdef");
    CU_ASSERT_EQUAL(ask_key(key).key_state, KEY_ABSENT);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    struct control control = ask_key(key);
    CU_ASSERT_EQUAL(control.key_state, KEY_UNRESOLVED);
    CU_ASSERT_STRING_EQUAL(control.gtrid, gtrid);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_COMMIT), REPLY_OK);
    control = ask_key(key);
    CU_ASSERT_EQUAL(control.key_state, KEY_DONE);
    CU_ASSERT_STRING_EQUAL(control.gtrid, gtrid);
    CU_ASSERT_STRING_EQUAL(control.fingerprint, "0123456789abcdef0123456789abcdef");
    bench_begin(&bench, &again, 0, 10);
    plan_add_key(&again.plan, key, "0123456789abcdef0123456789abcdef");
    struct message message = refused(&again);
    CU_ASSERT(message.reply == REPLY_REFUSED && message.refusal == REFUSAL_KEY_EXISTS);
    CU_ASSERT_EQUAL(balance(0, 1001), 99990);
    close_bench();
}

/* PREPARE both branches, with @faults on the PREPARE of branch 1. */
static struct message prepare_with(struct bench_txn *txn, struct message_faults faults)
{
    struct message message;
    bench_begin(&bench, txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, txn, 2, VERB_PREPARE), REPLY_OK);
    CU_ASSERT_EQUAL(bench_run(&bench, txn, 1, 0), REPLY_OK);
    bench_message(txn, 1, VERB_PREPARE, &message);
    message.faults = faults;
    message.faults.sent_verb = message.faults.reply_verb = VERB_PREPARE;
    bench_send(&bench, &message);
    bench_await(&bench, &message.completion);
    return message;
}

static void a_dropped_prepare_is_found_absent(void)
{
    struct bench_txn txn;
    open_bench();
    struct message message = prepare_with(&txn, (struct message_faults){.sent = FAULT_DROP});
    CU_ASSERT(message.reply == REPLY_LOST && message.injected && message.sent_us == 0 &&
              message.reply_us == 0);
    CU_ASSERT(bench_fence(&bench, 0, txn.sessions[0]));
    bench_settle();
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_ROLLBACK), FINDING_ROLLED_BACK);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 2, VERB_ROLLBACK), REPLY_OK);
    CU_ASSERT_FALSE(listed(&txn, 1) || listed(&txn, 2));
    /* and the same carrier goes on with a new session */
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_ROLLBACK), REPLY_OK);
    close_bench();
}

static void a_lost_vote_is_found_prepared(void)
{
    struct bench_txn txn;
    open_bench();
    for (unsigned i = 0; i < 2; i++) {
        uint16_t verdict = i == 0 ? VERB_COMMIT : VERB_ROLLBACK;
        struct message message = prepare_with(&txn, (struct message_faults){.reply = FAULT_DROP});
        CU_ASSERT(message.reply == REPLY_LOST && message.injected);
        CU_ASSERT(listed(&txn, 1));
        CU_ASSERT(bench_fence(&bench, 0, txn.sessions[0]));
        bench_settle();
        CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, 0), FINDING_BUSY); /* asked only: it is prepared */
        CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, verdict),
                        i == 0 ? FINDING_COMMITTED : FINDING_ROLLED_BACK);
        CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, verdict),
                        i == 0 ? FINDING_COMMITTED : FINDING_ROLLED_BACK);
        CU_ASSERT_EQUAL(bench_say(&bench, &txn, 2, verdict), REPLY_OK);
        CU_ASSERT_EQUAL(balance(0, 1001), 99950);
        CU_ASSERT_EQUAL(balance(1, 1002), 100050);
    }
    close_bench();
}

static void other_faults_do_what_they_say(void)
{
    struct bench_txn txn;
    open_bench();
    struct message message = prepare_with(&txn, (struct message_faults){.sent = FAULT_REFUSE});
    CU_ASSERT(message.reply == REPLY_ERROR && message.injected && message.last_verb == VERB_PREPARE);
    CU_ASSERT_FALSE(listed(&txn, 1));
    for (unsigned branch = 1; branch <= 2; branch++)
        CU_ASSERT_EQUAL(bench_say(&bench, &txn, branch, VERB_ROLLBACK), branch == 1 ? REPLY_OK : REPLY_OK);
    int64_t before_ms = clock_mono_ms();
    message = prepare_with(&txn, (struct message_faults){.reply = FAULT_DELAY, .reply_ms = 300});
    CU_ASSERT(message.reply == REPLY_OK && clock_mono_ms() - before_ms >= 300);
    CU_ASSERT(message.reply_us - message.sent_us < 300000); /* what was measured is the server's */
    for (unsigned branch = 1; branch <= 2; branch++)
        CU_ASSERT_EQUAL(bench_say(&bench, &txn, branch, VERB_ROLLBACK), REPLY_OK);
    message = prepare_with(&txn, (struct message_faults){.sent = FAULT_CRASH});
    CU_ASSERT_EQUAL(bench.crashes, 1);
    CU_ASSERT(message.sent_us > 0 && message.reply == REPLY_LOST);
    CU_ASSERT(bench_fence(&bench, 0, txn.sessions[0]));
    bench_settle();
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_ROLLBACK), FINDING_ROLLED_BACK);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 2, VERB_ROLLBACK), REPLY_OK);
    close_bench();
}

static void a_held_message_holds_no_other_node(void)
{
    struct bench_txn txn;
    struct message slow, quick;
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    for (unsigned branch = 1; branch <= 2; branch++)
        CU_ASSERT_EQUAL(bench_say(&bench, &txn, branch, VERB_OPEN), REPLY_OK);
    bench_message(&txn, 1, VERB_START, &slow);
    slow.faults = (struct message_faults){.sent = FAULT_DELAY, .sent_ms = 400, .sent_verb = VERB_START};
    bench_message(&txn, 2, VERB_START, &quick);
    int64_t before_ms = clock_mono_ms();
    bench_send(&bench, &slow);
    bench_send(&bench, &quick);
    bench_await(&bench, &quick.completion);
    CU_ASSERT(clock_mono_ms() - before_ms < 300);
    bench_await(&bench, &slow.completion);
    CU_ASSERT(clock_mono_ms() - before_ms >= 400 && slow.reply == REPLY_OK);
    close_bench();
}

static void held_by_another_session_is_busy(void)
{
    struct bench_txn txn;
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    /* not fenced: MariaDB says NOTA of a branch it lists (2); MySQL lets anyone finish it */
    enum finding finding = bench_resolve(&bench, &txn, 1, VERB_COMMIT);
    CU_ASSERT_EQUAL(finding, bench_mariadb() ? FINDING_BUSY : FINDING_COMMITTED);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_COMMIT), bench_mariadb() ? REPLY_OK : REPLY_NOTA);
    CU_ASSERT_EQUAL(balance(0, 1001), 99950);
    close_bench();
}

/* A phantom OK cannot be made at will: a row that another transaction has written and not committed, the branch not listed, is
 * what it leaves behind (3a). */
static void a_locked_marker_is_no_verdict(void)
{
    struct bench_txn txn;
    char gtrid[XATOP_GTRID_MAX + 1];
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    gtrid_print(&txn.gtrid, gtrid);
    CU_ASSERT_EQUAL(bench_sql(stranger, "START TRANSACTION"), 0);
    CU_ASSERT_EQUAL(bench_sql(stranger,
                              "INSERT INTO xa_marker VALUES ('%s', 1, 0, 2, 'accounts', 1001, -50, NOW(3))",
                              gtrid),
                    0);
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_COMMIT), FINDING_STILL_PREPARED);
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_ROLLBACK), FINDING_STILL_PREPARED);
    CU_ASSERT_EQUAL(bench_sql(stranger, "COMMIT"), 0);
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_COMMIT), FINDING_COMMITTED);
    struct control control = {
        .kind = CONTROL_RESOLVE, .branch = 1, .verbs = VERB_COMMIT, .expect_node_id = 12345};
    xid_make(&control.xid, &txn.gtrid, 1);
    bench_ask(&bench, &control);
    CU_ASSERT_EQUAL(control.finding, FINDING_OTHER_NODE);
    close_bench();
}

static void a_branch_of_somebody_else_stays(void)
{
    static const char xid[] = "X'00ff1b5d', X'01', 7";
    struct control control = {.kind = CONTROL_SCAN};
    open_bench();
    MYSQL *other = bench_connect("xatop");
    CU_ASSERT_EQUAL(
        bench_sql(other,
                  "XA START %s; UPDATE accounts SET balance = balance + 1 WHERE id = 1003; XA END %s; "
                  "XA PREPARE %s",
                  xid, xid, xid),
        0);
    bench_shut(other);
    bench_ask(&bench, &control);
    CU_ASSERT(control.ok && control.xid_count == 1 && control.xid_total == 1);
    CU_ASSERT(control.xids[0].format == 7 && control.xids[0].gtrid_len == 4 &&
              control.xids[0].bqual_len == 1);
    CU_ASSERT_EQUAL(memcmp(control.xids[0].gtrid, "\x00\xff\x1b\x5d", 4), 0);
    CU_ASSERT_EQUAL(xid_owner(&control.xids[0], "test", LOG_A), XID_FOREIGN);
    free(control.xids);
    CU_ASSERT(bench_raise(&bench));
    CU_ASSERT_EQUAL(bench_number(stranger, "SELECT 1"), 1);
    CU_ASSERT(bench_listed(stranger, "") == false);
    bench_settle();
    CU_ASSERT_EQUAL(bench_sql(stranger, "XA ROLLBACK %s", xid), 0);
    close_bench();
}

static void another_log_is_refused(void)
{
    struct bench other;
    struct control control = {.kind = CONTROL_RAISE};
    open_bench();
    CU_ASSERT_FATAL(bench_open(&other, LOG_B, 9));
    control.coordinator = &other.who;
    bench_ask(&other, &control);
    CU_ASSERT_EQUAL(control.raised, RAISE_OTHER_LOG);
    CU_ASSERT_PTR_NOT_NULL(strstr(control.detail, "host here, pid 1"));
    /* a wiped epoch row does not help while a branch of the other log is prepared */
    struct bench_txn txn;
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    bench_sql(stranger, "DELETE FROM xa_epoch");
    bench_ask(&other, &control);
    CU_ASSERT_EQUAL(control.raised, RAISE_OTHER_LOG);
    CU_ASSERT(listed(&txn, 1));
    /* to take over is to claim the id, never the branches: sessions end, the branch stays */
    control.take_over = true;
    bench_ask(&other, &control);
    CU_ASSERT_EQUAL(control.raised, RAISE_DONE);
    CU_ASSERT(control.killed >= 1 && listed(&txn, 1));
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_COMMIT), REPLY_NOT_SENT);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_OPEN), REPLY_ERROR); /* the epoch row is not ours */
    char gtrid[XATOP_GTRID_MAX + 1];
    gtrid_print(&txn.gtrid, gtrid);
    CU_ASSERT_EQUAL(bench_sql(stranger, "XA ROLLBACK '%s', 'b1', %d", gtrid, XID_FORMAT), 0);
    bench_close(&other);
    close_bench();
}

static void a_newer_epoch_fences_the_older(void)
{
    struct bench newer;
    struct bench_txn txn;
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 2, VERB_PREPARE), REPLY_OK);
    CU_ASSERT_FATAL(bench_open(&newer, LOG_A, 2));
    CU_ASSERT_FATAL(bench_raise(&newer));
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT(bench_gone(stranger, (unsigned long)txn.sessions[i].connection_id, 0));
    CU_ASSERT_EQUAL(bench_resolve(&newer, &txn, 1, VERB_COMMIT), FINDING_COMMITTED);
    CU_ASSERT_EQUAL(bench_resolve(&newer, &txn, 2, VERB_COMMIT), FINDING_COMMITTED);
    CU_ASSERT(balance(0, 1001) == 99950 && balance(1, 1002) == 100050);
    /* the older one can do nothing any more, by no way */
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_ROLLBACK), FINDING_UNREACHABLE);
    struct control control = {.kind = CONTROL_RAISE, .coordinator = &bench.who};
    bench_ask(&bench, &control);
    CU_ASSERT_EQUAL(control.raised, RAISE_NEWER_EPOCH);
    bench_close(&newer);
    CU_ASSERT_EQUAL(bench_number(stranger, "SELECT COUNT(*) FROM xa_session WHERE epoch = 2"), 0);
    close_bench();
}

static void a_lock_wait_can_be_cut(void)
{
    struct bench_txn txn;
    struct message message;
    open_bench();
    CU_ASSERT_EQUAL(
        bench_sql(stranger, "START TRANSACTION; SELECT * FROM accounts WHERE id = 1001 FOR UPDATE"), 0);
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_OPEN), REPLY_OK);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_START), REPLY_OK);
    bench_message(&txn, 1, VERB_WORK, &message);
    bench_send(&bench, &message);
    void *none;
    CU_ASSERT_EQUAL(mailbox_wait(bench.outbox, &none, 1, 300), 0);
    int64_t before_ms = clock_mono_ms();
    bench.port.cut(bench.port.ctx, 0, 0);
    bench_await(&bench, &message.completion);
    CU_ASSERT_EQUAL(message.reply, REPLY_LOST);
    CU_ASSERT(clock_mono_ms() - before_ms < 200);
    CU_ASSERT(bench_gone(stranger, (unsigned long)message.session.connection_id, 2000));
    /* without a cut the server's own limit ends it, and it may be tried again */
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_OPEN), REPLY_OK);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_START), REPLY_OK);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_WORK), REPLY_RETRYABLE);
    bench_sql(stranger, "ROLLBACK");
    close_bench();
}

static void wrong_password_is_told_at_once(void)
{
    struct bench wrong;
    struct bench_txn txn;
    struct message message;
    struct control control = {.kind = CONTROL_HEALTH};
    char saved[sizeof bench_password];
    open_bench();
    memcpy(saved, bench_password, sizeof saved);
    text_copy(bench_password, sizeof bench_password, "wrong");
    CU_ASSERT_FATAL(bench_open(&wrong, LOG_A, 1));
    bench_begin(&wrong, &txn, 0, 1);
    bench_message(&txn, 1, VERB_OPEN, &message);
    bench_send(&wrong, &message);
    bench_await(&wrong, &message.completion);
    CU_ASSERT(message.reply == REPLY_NOT_SENT && message.unreachable);
    CU_ASSERT_EQUAL(message.error, 1045);
    bench_ask(&wrong, &control);
    CU_ASSERT(!control.ok && control.error == 1045 && control.info.state == NODE_DOWN);
    bench_close(&wrong);
    memcpy(bench_password, saved, sizeof saved);
    close_bench();
}

static void health_and_lookup(void)
{
    struct control control = {.kind = CONTROL_HEALTH};
    open_bench();
    bench_ask(&bench, &control);
    CU_ASSERT(control.ok && control.info.state == NODE_UP && control.info.node_id != 0);
    CU_ASSERT(control.info.prepared == 0 && control.info.sessions >= 2 && control.info.rtt_us > 0);
    CU_ASSERT_EQUAL(control.info.detaches, !bench_mariadb());
    CU_ASSERT_STRING_EQUAL(control.info.make, bench_mariadb() ? "MariaDB" : "MySQL");
    int64_t start = control.info.server_start;
    for (unsigned i = 0; i < 20; i++) { /* the same whenever it is asked */
        bench_ask(&bench, &control);
        CU_ASSERT_EQUAL(control.info.server_start, start);
    }
    control = (struct control){.kind = CONTROL_LOOKUP, .table = WORK_PRODUCTS, .row = PRODUCT_FIRST};
    bench_ask(&bench, &control);
    CU_ASSERT(control.ok && control.found && control.value > 0);
    control.row = 5;
    bench_ask(&bench, &control);
    CU_ASSERT(control.ok && !control.found);
    close_bench();
}

static void no_schema_is_told(void)
{
    open_bench();
    bench_sql(stranger, "RENAME TABLE xatop.xa_node TO xatop.xa_node_away");
    struct control control = {.kind = CONTROL_RAISE, .coordinator = &bench.who};
    bench_ask(&bench, &control);
    CU_ASSERT_EQUAL(control.raised, RAISE_NO_SCHEMA);
    bench_sql(stranger, "RENAME TABLE xatop.xa_node_away TO xatop.xa_node");
    close_bench();
}

static void tcp_with_tls_where_the_server_has_it(void)
{
    struct node_mysql_config config = bench_config(true);
    struct node_admin *admin;
    struct node_info info;
    struct err err;
    enum status status = node_admin_open(&admin, &config, false, clock_mono_ms() + SHORT_MS, &err);
    CU_ASSERT_EQUAL_FATAL(status, STATUS_OK);
    CU_ASSERT_EQUAL(node_admin_info(admin, &info, &err), STATUS_OK);
    node_admin_close(admin);
    config.verify = true; /* nobody has signed that certificate, or there is none */
    CU_ASSERT_EQUAL(node_admin_open(&admin, &config, false, clock_mono_ms() + SHORT_MS, &err), STATUS_NODE);
    node_admin_close(admin);
}

static void the_snapshot_adds_up(void)
{
    struct bench_txn txn;
    struct audit_snapshot snapshot;
    struct node_admin *admin;
    struct shape shape;
    struct err err;
    bool present;
    char gtrid[XATOP_GTRID_MAX + 1];
    struct node_mysql_config config = bench_config(false);
    open_bench();
    bench_begin(&bench, &txn, 0, 500);
    gtrid_print(&txn.gtrid, gtrid);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_COMMIT), REPLY_OK);
    CU_ASSERT_EQUAL_FATAL(node_admin_open(&admin, &config, false, clock_mono_ms() + SHORT_MS, &err),
                          STATUS_OK);
    CU_ASSERT_EQUAL(node_admin_snapshot(admin, &snapshot, &err), STATUS_OK);
    CU_ASSERT_EQUAL(snapshot.initial[WORK_ACCOUNTS], 500000);
    CU_ASSERT_EQUAL(snapshot.deltas[WORK_ACCOUNTS], -500);
    CU_ASSERT_EQUAL(snapshot.sum[WORK_ACCOUNTS], 499500);
    CU_ASSERT_EQUAL_FATAL(snapshot.marker_count, 1);
    CU_ASSERT_STRING_EQUAL(snapshot.markers[0].gtrid, gtrid);
    CU_ASSERT(snapshot.markers[0].branch == 1 && snapshot.markers[0].branches == 2);
    audit_snapshot_free(&snapshot);
    CU_ASSERT_EQUAL(node_admin_marker(admin, gtrid, 1, &present, &err), STATUS_OK);
    CU_ASSERT(present);
    CU_ASSERT_EQUAL(node_admin_marker(admin, gtrid, 2, &present, &err), STATUS_OK);
    CU_ASSERT_FALSE(present);
    CU_ASSERT_EQUAL(node_admin_count(admin, &shape, &err), STATUS_OK);
    CU_ASSERT(shape.accounts == 5 && shape.products == 3 && shape.customers == 0);
    node_admin_close(admin);
    close_bench();
}

static void a_frozen_server_costs_the_deadline_only(void)
{
    struct bench_txn txn;
    struct message message;
    struct control control = {.kind = CONTROL_HEALTH};
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    CU_ASSERT_FATAL(bench_freeze());
    int64_t before_ms = clock_mono_ms();
    control.deadline_ms = before_ms + 700;
    bench_ask(&bench, &control);
    CU_ASSERT(!control.ok && control.info.state == NODE_FROZEN);
    CU_ASSERT(clock_mono_ms() - before_ms < 1200);
    before_ms = clock_mono_ms();
    bench_message(&txn, 1, VERB_COMMIT, &message);
    message.deadline_ms = before_ms + 500;
    bench_send(&bench, &message);
    bench_await(&bench, &message.completion);
    CU_ASSERT_EQUAL(message.reply, REPLY_LOST);
    CU_ASSERT(clock_mono_ms() - before_ms < 900);
    before_ms = clock_mono_ms();
    bench_message(&txn, 1, VERB_OPEN, &message); /* connects to a server that never greets */
    message.deadline_ms = before_ms + 900;
    bench_send(&bench, &message);
    bench_await(&bench, &message.completion);
    CU_ASSERT(message.reply == REPLY_NOT_SENT && message.unreachable);
    CU_ASSERT(clock_mono_ms() - before_ms < 2500);
    CU_ASSERT_FATAL(bench_thaw());
    CU_ASSERT(bench_fence(&bench, 0, txn.sessions[0]));
    bench_settle();
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_COMMIT), FINDING_COMMITTED);
    CU_ASSERT_EQUAL(balance(0, 1001), 99950);
    close_bench();
}

static void a_killed_server_brings_the_branch_back(void)
{
    struct bench_txn txn;
    struct control control = {.kind = CONTROL_HEALTH};
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 2, VERB_PREPARE), REPLY_OK);
    bench_ask(&bench, &control);
    int64_t start = control.info.server_start;
    CU_ASSERT_FATAL(bench_kill());
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_COMMIT), REPLY_NOT_SENT);
    control = (struct control){.kind = CONTROL_HEALTH};
    bench_ask(&bench, &control);
    CU_ASSERT(!control.ok && control.info.state == NODE_DOWN);
    CU_ASSERT_FALSE(bench_fence(&bench, 0, txn.sessions[0])); /* nobody to ask */
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_COMMIT), FINDING_UNREACHABLE);
    CU_ASSERT_FATAL(bench_restart());
    mysql_close(stranger);
    stranger = bench_connect("xatop");
    CU_ASSERT(listed(&txn, 1) && listed(&txn, 2));
    CU_ASSERT(bench_fence(&bench, 0, txn.sessions[0])); /* that server's sessions are gone with it */
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_COMMIT), FINDING_COMMITTED);
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 2, VERB_COMMIT), FINDING_COMMITTED);
    CU_ASSERT(balance(0, 1001) == 99950 && balance(1, 1002) == 100050);
    control = (struct control){.kind = CONTROL_HEALTH};
    bench_ask(&bench, &control);
    CU_ASSERT(control.ok && control.info.server_start >= start);
    close_bench();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"commits statement by statement", commits_statement_by_statement},
        {"commits in packets, both nodes at once", commits_in_packets_to_both_nodes_at_once},
        {"one phase for a single branch", one_phase_commits_a_single_branch},
        {"says why it refused", says_why_it_refused},
        {"a key is used once", a_key_is_used_once},
        {"a dropped PREPARE is found absent", a_dropped_prepare_is_found_absent},
        {"a lost vote is found prepared", a_lost_vote_is_found_prepared},
        {"refuse, delay and crash do what they say", other_faults_do_what_they_say},
        {"a held message holds no other node", a_held_message_holds_no_other_node},
        {"a branch held by another session is busy", held_by_another_session_is_busy},
        {"a locked marker is no verdict", a_locked_marker_is_no_verdict},
        {"a branch of somebody else stays", a_branch_of_somebody_else_stays},
        {"another log is refused", another_log_is_refused},
        {"a newer epoch fences the older", a_newer_epoch_fences_the_older},
        {"a lock wait can be cut", a_lock_wait_can_be_cut},
        {"a wrong password is told at once", wrong_password_is_told_at_once},
        {"health and lookup", health_and_lookup},
        {"a missing schema is told", no_schema_is_told},
        {"TCP, with TLS where the server has it", tcp_with_tls_where_the_server_has_it},
        {"the snapshot adds up", the_snapshot_adds_up},
        {"a frozen server costs the deadline only", a_frozen_server_costs_the_deadline_only},
        {"a killed server brings the branch back", a_killed_server_brings_the_branch_back},
        {NULL, NULL},
    };
    char suite[32];
    if (!bench_start())
        return 99;
    snprintf(suite, sizeof suite, "node contract, %s", bench_mariadb() ? "MariaDB" : "MySQL");
    int result = test_main(suite, cases);
    bench_stop();
    return result;
}
