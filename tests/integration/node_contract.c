/* The node contract on a real server: what the engine may rely on, good days and bad. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_fixture.h"
#include "xatop/clock.h"
#include "xatop/scenario.h"

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
    /* the same after the deadline, when our end is shut already and the server still waits for the lock */
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_OPEN), REPLY_OK);
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_START), REPLY_OK);
    bench_message(&txn, 1, VERB_WORK, &message);
    message.deadline_ms = clock_mono_ms() + 200;
    bench_send(&bench, &message);
    bench_await(&bench, &message.completion);
    CU_ASSERT_EQUAL(message.reply, REPLY_LOST);
    bench.port.cut(bench.port.ctx, 0, 0);
    CU_ASSERT(bench_gone(stranger, (unsigned long)message.session.connection_id, 1000));
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
    CU_ASSERT_EQUAL(node_admin_snapshot(admin, &(struct audit_floors){0}, &snapshot, &err), STATUS_OK);
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

int main(void)
{
    static const struct test_case cases[] = {
        {"commits statement by statement", commits_statement_by_statement},
        {"commits in packets, both nodes at once", commits_in_packets_to_both_nodes_at_once},
        {"one phase for a single branch", one_phase_commits_a_single_branch},
        {"says why it refused", says_why_it_refused},
        {"a key is used once", a_key_is_used_once},
        {"a held message holds no other node", a_held_message_holds_no_other_node},
        {"a branch of somebody else stays", a_branch_of_somebody_else_stays},
        {"a lock wait can be cut", a_lock_wait_can_be_cut},
        {"a wrong password is told at once", wrong_password_is_told_at_once},
        {"health and lookup", health_and_lookup},
        {"a missing schema is told", no_schema_is_told},
        {"TCP, with TLS where the server has it", tcp_with_tls_where_the_server_has_it},
        {"the snapshot adds up", the_snapshot_adds_up},
        {NULL, NULL},
    };
    return fixture_main("node contract", cases);
}
