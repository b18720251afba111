/* The node contract on a real server, bad days: lost messages, other coordinators, frozen and killed servers. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_fixture.h"
#include "xatop/clock.h"
#include "xatop/scenario.h"

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
    CU_ASSERT_STRING_EQUAL(message.detail, "injected loss");
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

static void a_copy_of_the_log_is_refused(void)
{
    struct bench_txn txn;
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    struct coordinator copy = bench.who; /* same log, same epoch, another process */
    copy.pid = 2;
    struct control control = {.kind = CONTROL_RAISE, .coordinator = &copy};
    bench_ask(&bench, &control);
    CU_ASSERT_EQUAL(control.raised, RAISE_NEWER_EPOCH);
    CU_ASSERT_EQUAL(control.killed, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(control.detail, "pid 1"));
    /* the run that was there first goes on, and may raise again after a restart of the node */
    CU_ASSERT(bench_raise(&bench));
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_ROLLBACK), REPLY_OK);
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

/* A real phantom OK (3a): MariaDB makes one every time when the preparing connection is reset and not closed. */
static void a_phantom_ok_is_noticed_and_heals(void)
{
    struct bench_txn txn;
    char x[XATOP_GTRID_MAX + 32], gtrid[XATOP_GTRID_MAX + 1];
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    gtrid_print(&txn.gtrid, gtrid);
    snprintf(x, sizeof x, "'%s','b1',%d", gtrid, XID_FORMAT);
    MYSQL *owner = bench_connect("xatop");
    CU_ASSERT_EQUAL(bench_sql(owner,
                              "XA START %s; UPDATE accounts SET balance = balance - 50 WHERE id = 1001; "
                              "INSERT INTO xa_marker VALUES ('%s', 1, 0, 2, 'accounts', 1001, -50, NOW(3)); "
                              "XA END %s; XA PREPARE %s",
                              x, gtrid, x, x),
                    0);
    CU_ASSERT_EQUAL(mysql_reset_connection(owner), 0);
    enum finding finding = bench_resolve(&bench, &txn, 1, VERB_COMMIT);
    printf("# a commit behind a reset connection: finding %d\n", (int)finding);
    CU_ASSERT(finding == FINDING_COMMITTED || finding == FINDING_STILL_PREPARED);
    CU_ASSERT_EQUAL(finding == FINDING_COMMITTED, balance(0, 1001) == 99950);
    CU_ASSERT_FALSE(listed(&txn, 1)); /* the server says it is done, either way */
    mysql_close(owner);
    CU_ASSERT_FATAL(bench_kill() && bench_restart());
    mysql_close(stranger);
    stranger = bench_connect("xatop");
    CU_ASSERT_EQUAL(bench_resolve(&bench, &txn, 1, VERB_COMMIT), FINDING_COMMITTED);
    CU_ASSERT_EQUAL(balance(0, 1001), 99950);
    close_bench();
}

static void reset_waits_for_recovery(void)
{
    struct bench_txn txn;
    struct node_admin *admin;
    struct err err;
    struct node_mysql_config config = bench_config(false);
    open_bench();
    bench_begin(&bench, &txn, 0, 50);
    CU_ASSERT_EQUAL(bench_run(&bench, &txn, 1, VERB_PREPARE), REPLY_OK);
    CU_ASSERT_EQUAL_FATAL(node_admin_open(&admin, &config, true, clock_mono_ms() + SHORT_MS, &err),
                          STATUS_OK);
    node_admin_deadline(admin, clock_mono_ms() + 20000);
    CU_ASSERT_EQUAL(node_admin_reset(admin, &err), STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "xatop recover"));
    CU_ASSERT_EQUAL(bench_say(&bench, &txn, 1, VERB_COMMIT), REPLY_OK);
    CU_ASSERT(balance(0, 1001) == 99950 && markers(&txn, 1) == 1);
    CU_ASSERT_EQUAL(node_admin_reset(admin, &err), STATUS_OK);
    CU_ASSERT_EQUAL(markers(&txn, 1), 0);
    node_admin_close(admin);
    close_bench();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"a dropped PREPARE is found absent", a_dropped_prepare_is_found_absent},
        {"a lost vote is found prepared", a_lost_vote_is_found_prepared},
        {"refuse, delay and crash do what they say", other_faults_do_what_they_say},
        {"a branch held by another session is busy", held_by_another_session_is_busy},
        {"a locked marker is no verdict", a_locked_marker_is_no_verdict},
        {"another log is refused", another_log_is_refused},
        {"a newer epoch fences the older", a_newer_epoch_fences_the_older},
        {"a copy of the log is refused", a_copy_of_the_log_is_refused},
        {"a frozen server costs the deadline only", a_frozen_server_costs_the_deadline_only},
        {"a killed server brings the branch back", a_killed_server_brings_the_branch_back},
        {"a phantom OK is noticed and heals at a restart", a_phantom_ok_is_noticed_and_heals},
        {"reset waits for recovery", reset_waits_for_recovery},
        {NULL, NULL},
    };
    return fixture_main("node trouble", cases);
}
