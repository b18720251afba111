#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/model.h"
#include "xatop/verb.h"

static struct model model;
static uint64_t seq;

static void fresh(void)
{
    static const char *const names[] = {"alpha", "beta"};
    model_init(&model, names, 2);
    seq = 0;
}

static struct trace_event event(enum trace_kind kind, uint64_t txn, int64_t mono_us)
{
    return (struct trace_event){
        .seq = ++seq, .kind = kind, .txn = txn, .epoch = 7, .mono_us = mono_us, .wall_ms = mono_us / 1000};
}

static void begin(uint64_t txn, int64_t at_us)
{
    struct trace_event e = event(TRACE_BEGIN, txn, at_us);
    e.n[0] = 2;
    text_copy(e.detail, sizeof e.detail, "500.00 from 1001 to 1002");
    model_apply(&model, &e);
}

static void state(uint64_t txn, enum txn_state to, int64_t at_us)
{
    struct trace_event e = event(TRACE_STATE, txn, at_us);
    e.to = (int16_t)to;
    model_apply(&model, &e);
}

static void outcome(uint64_t txn, enum outcome result, int64_t elapsed_us, int64_t at_us)
{
    struct trace_event e = event(TRACE_OUTCOME, txn, at_us);
    e.result = (int16_t)result;
    e.n[0] = elapsed_us;
    model_apply(&model, &e);
}

static void forget(uint64_t txn, int64_t at_us)
{
    struct trace_event e = event(TRACE_FORGET, txn, at_us);
    model_apply(&model, &e);
}

static void whole(uint64_t txn, int64_t at_us)
{
    begin(txn, at_us);
    state(txn, TXN_COMMITTED, at_us + 10);
    outcome(txn, OUTCOME_COMMITTED, 10, at_us + 10);
    forget(txn, at_us + 11);
}

static void folds_one_transaction(void)
{
    fresh();
    begin(1, 1000000);
    CU_ASSERT_EQUAL(model_unfinished(&model), 1);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 0);
    struct trace_event move = event(TRACE_BRANCH, 1, 1000100);
    move.branch = 2;
    move.node = 1;
    move.to = BRANCH_PREPARED;
    model_apply(&model, &move);
    state(1, TXN_PREPARING, 1002000);
    state(1, TXN_COMMITTED, 1009000);
    outcome(1, OUTCOME_COMMITTED, 9000, 1009100);
    forget(1, 1009200);
    const struct model_txn *txn = model_txn_find(&model, 7, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(txn);
    CU_ASSERT_EQUAL(txn->state, TXN_COMMITTED);
    CU_ASSERT_EQUAL(txn->branch_count, 2);
    CU_ASSERT_EQUAL(txn->branches[1].state, BRANCH_PREPARED);
    CU_ASSERT_EQUAL(txn->branches[1].node, 1);
    CU_ASSERT_EQUAL(txn->at_us[TXN_PREPARING], 1002000);
    CU_ASSERT_EQUAL(txn->ended_us, 1009000);
    CU_ASSERT_EQUAL(txn->elapsed_us, 9000);
    CU_ASSERT_STRING_EQUAL(txn->meaning, "500.00 from 1001 to 1002");
    CU_ASSERT_EQUAL(model.committed, 1);
    CU_ASSERT_EQUAL(model_unfinished(&model), 0);
    CU_ASSERT_PTR_NULL(model_txn_find(&model, 8, 1));
}

static void a_message_and_its_answer_are_one_row(void)
{
    fresh();
    begin(1, 1000000);
    struct trace_event send = event(TRACE_SEND, 1, 1000010);
    send.branch = 1;
    send.node = 1;
    send.verbs = VERB_START | VERB_WORK;
    model_apply(&model, &send);
    send.branch = 2;
    send.node = 2;
    model_apply(&model, &send);
    struct trace_event reply = event(TRACE_REPLY, 1, 1000900);
    reply.branch = 1;
    reply.node = 1;
    reply.verbs = VERB_WORK;
    reply.start_us = 1000020;
    reply.end_us = 1000800;
    model_apply(&model, &reply);
    const struct model_trace *trace = model_trace_find(&model, 7, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trace);
    CU_ASSERT_EQUAL(trace->count, 2);
    CU_ASSERT_TRUE(trace->rows[0].answered);
    CU_ASSERT_EQUAL(trace->rows[0].start_us, 1000020); /* measured beats noted */
    CU_ASSERT_EQUAL(trace->rows[0].end_us, 1000800);
    CU_ASSERT_FALSE(trace->rows[1].answered);
    char buffer[64];
    struct text words;
    text_init(&words, buffer, sizeof buffer);
    model_row_words(&trace->rows[0], &words);
    CU_ASSERT_STRING_EQUAL(buffer, "start+work");
    text_init(&words, buffer, sizeof buffer);
    model_row_letters(&trace->rows[0], &words);
    CU_ASSERT_STRING_EQUAL(buffer, "SW");
}

static void a_sync_is_counted_once_for_its_group(void)
{
    fresh();
    for (uint64_t txn = 1; txn <= 3; txn++) {
        begin(txn, 1000000);
        struct trace_event append = event(TRACE_LOG_APPEND, txn, 1000100);
        append.n[0] = (int64_t)txn;
        text_copy(append.detail, sizeof append.detail, "commit");
        model_apply(&model, &append);
    }
    CU_ASSERT_EQUAL(model.last_lsn, 3);
    CU_ASSERT_EQUAL(model.durable_lsn, 0);
    for (uint64_t txn = 1; txn <= 3; txn++) {
        struct trace_event durable = event(TRACE_LOG_DURABLE, txn, 1002000);
        durable.n[0] = (int64_t)txn;
        durable.n[1] = 3;
        durable.start_us = 1000200;
        durable.end_us = 1001900;
        model_apply(&model, &durable);
    }
    CU_ASSERT_EQUAL(model.fsyncs, 1);
    CU_ASSERT_EQUAL(model.durable_lsn, 3);
    CU_ASSERT_EQUAL(model.last_fsync_us, 1700);
    CU_ASSERT_EQUAL(model_record_at(&model, 0)->group, 3);
    CU_ASSERT_EQUAL(model_record_at(&model, 2)->durable_us, 1001900);
    CU_ASSERT_PTR_NULL(model_record_at(&model, 3));
    CU_ASSERT_TRUE(model_trace_find(&model, 7, 2)->rows[0].answered);
}

static void a_record_gets_its_number_when_it_is_durable(void)
{
    fresh();
    for (uint64_t txn = 1; txn <= 2; txn++) {
        begin(txn, 1000000);
        struct trace_event append = event(TRACE_LOG_APPEND, txn, 1000100);
        text_copy(append.detail, sizeof append.detail, "commit");
        model_apply(&model, &append);
    }
    struct trace_event durable = event(TRACE_LOG_DURABLE, 1, 1002000);
    durable.n[0] = 41;
    durable.start_us = 1000200;
    durable.end_us = 1001900;
    model_apply(&model, &durable);
    CU_ASSERT_EQUAL(model_record_at(&model, 1)->lsn, 41);
    CU_ASSERT_EQUAL(model_record_at(&model, 0)->lsn, 0);
    CU_ASSERT_EQUAL(model_record_at(&model, 0)->durable_us, 0);
}

static void what_never_began_is_told_too(void)
{
    fresh();
    struct trace_event e = event(TRACE_OUTCOME, 0, 1000000);
    e.result = OUTCOME_ABORTED;
    text_copy(e.detail, sizeof e.detail, "product 999 does not exist");
    model_apply(&model, &e);
    CU_ASSERT_EQUAL(model.aborted, 1);
    CU_ASSERT_EQUAL(model.txn_count, 0);
    CU_ASSERT_STRING_EQUAL(model_notice_at(&model, 0)->text, "product 999 does not exist");
}

static void what_an_older_epoch_left_is_in_doubt(void)
{
    fresh();
    struct trace_event e = event(TRACE_RUN, 0, 1000000);
    e.n[0] = 8; /* our transactions are of epoch 8 now, the tests' of 7 */
    model_apply(&model, &e);
    begin(1, 1000000);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 1);
    state(1, TXN_COMMITTED, 1000100);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 0);
}

static void pending_and_in_doubt_are_counted_until_finished(void)
{
    fresh();
    begin(1, 1000000);
    outcome(1, OUTCOME_COMMITTED_PENDING, 10, 1000010);
    begin(2, 1000000);
    outcome(2, OUTCOME_IN_DOUBT, 10, 1000010);
    state(3, TXN_COMMITTING, 1000020); /* recovery's: nothing is known of its beginning */
    CU_ASSERT_EQUAL(model_in_doubt(&model), 3);
    CU_ASSERT_TRUE(model_txn_find(&model, 7, 3)->recovered);
    state(1, TXN_COMMITTED, 1000030);
    state(3, TXN_COMMITTED, 1000030);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 1);
    CU_ASSERT_EQUAL(model.committed, 1);
}

static void what_a_dead_node_was_not_told_is_pending(void)
{
    fresh();
    begin(1, 1000000);
    state(1, TXN_COMMITTING, 1000010);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 0); /* the acknowledgements are under way */
    struct trace_event e = event(TRACE_BRANCH, 1, 1000020);
    e.branch = 2;
    e.node = 2;
    e.to = BRANCH_FENCING;
    model_apply(&model, &e);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 1);
    e.to = BRANCH_COMMITTED;
    model_apply(&model, &e);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 0);
    begin(2, 1000000);
    e.txn = 2;
    e.to = BRANCH_RESOLVING;
    model_apply(&model, &e); /* nothing is decided: a vote was lost */
    CU_ASSERT_EQUAL(model_in_doubt(&model), 0);
    state(2, TXN_ROLLING_BACK, 1000030);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 1);
}

static void unfinished_transactions_stay_listed(void)
{
    fresh();
    begin(1, 1000000);
    for (uint64_t txn = 2; txn < 2000; txn++)
        whole(txn, 1000000 + (int64_t)txn * 100);
    CU_ASSERT_PTR_NOT_NULL(model_txn_find(&model, 7, 1));
    CU_ASSERT_PTR_NOT_NULL(model_trace_find(&model, 7, 1));
    CU_ASSERT_PTR_NULL(model_txn_find(&model, 7, 2));
    CU_ASSERT_EQUAL(model.txn_count, MODEL_TXNS);
    CU_ASSERT_EQUAL(model_txn_at(&model, 0)->txn, 1999);
    CU_ASSERT_EQUAL(model_txn_at(&model, MODEL_TXNS - 1)->txn, 1);
    CU_ASSERT_PTR_NULL(model_txn_at(&model, MODEL_TXNS));
    for (uint64_t txn = 3000; txn < 3400; txn++) /* more unfinished ones than the list holds: still alive */
        begin(txn, 2000000);
    CU_ASSERT_EQUAL(model.txn_count, MODEL_TXNS);
    CU_ASSERT_EQUAL(model_txn_at(&model, 0)->txn, 3399);
    forget(1, 3000000); /* long gone: no ghost appears */
    CU_ASSERT_PTR_NULL(model_txn_find(&model, 7, 1));
}

static void rates_are_per_second_with_percentiles(void)
{
    fresh();
    for (int i = 0; i < 100; i++) {
        begin((uint64_t)i + 1, 5000000 + i * 1000);
        outcome((uint64_t)i + 1, i < 90 ? OUTCOME_COMMITTED : OUTCOME_ABORTED, i < 94 ? 1000 : 64000,
                5000000 + i * 1000);
    }
    CU_ASSERT_EQUAL(model_rates(&model, 5).p50_us, -1); /* not over yet */
    model_advance(&model, 7000000);
    struct model_second second = model_rates(&model, 5);
    CU_ASSERT_EQUAL(second.commits, 90);
    CU_ASSERT_EQUAL(second.aborts, 10);
    CU_ASSERT_TRUE(second.p50_us > 880 && second.p50_us < 1120);
    CU_ASSERT_TRUE(second.p95_us > 56000 && second.p95_us < 72000);
    CU_ASSERT_EQUAL(model_rates(&model, 6).commits, 0);
    CU_ASSERT_EQUAL(model_rates(&model, 6).p50_us, -1);
    model_advance(&model, 6000000); /* time never goes back */
    CU_ASSERT_EQUAL(model.now_second, 7);
    CU_ASSERT_EQUAL(model_rates(&model, 5 + MODEL_SECONDS).commits, 0);
}

static void takes_nonsense_from_a_journal(void)
{
    fresh();
    begin(1, 1000000);
    for (int kind = 0; kind < TRACE_KINDS + 3; kind++)
        for (int i = 0; i < 3; i++) {
            static const int16_t numbers[] = {-1, 999, INT16_MIN};
            struct trace_event e = event((enum trace_kind)kind, 1, INT64_MAX - i);
            e.branch = i ? 127 : -128;
            e.node = i ? 127 : -128;
            e.from = e.to = e.result = numbers[i];
            e.n[0] = e.n[1] = e.n[2] = e.n[3] = i ? INT64_MIN : INT64_MAX;
            e.verbs = 0xffff;
            memset(e.detail, 'x', sizeof e.detail - 1);
            model_apply(&model, &e);
        }
    const struct model_trace *trace = model_trace_find(&model, 7, 1);
    char buffer[256];
    for (unsigned i = 0; trace && i < trace->count; i++) {
        struct text words;
        text_init(&words, buffer, sizeof buffer);
        model_row_words(&trace->rows[i], &words);
        model_row_letters(&trace->rows[i], &words);
    }
    CU_ASSERT_EQUAL(model.node_count, 2);
    for (int i = 0; i < MODEL_ROWS + 10; i++)
        state(1, TXN_PREPARING, 2000000);
    trace = model_trace_find(&model, 7, 1);
    CU_ASSERT_EQUAL(trace->count, MODEL_ROWS);
    CU_ASSERT_TRUE(trace->lost >= 10);
}

static void nodes_notices_and_audits_are_kept(void)
{
    fresh();
    CU_ASSERT_EQUAL(model_nodes_up(&model), 0);
    struct trace_event e = event(TRACE_NODE, 0, 1000000);
    e.node = 2;
    e.result = NODE_UP;
    e.n[0] = 800;
    e.n[1] = 1;
    text_copy(e.detail, sizeof e.detail, "MariaDB 10.11");
    model_apply(&model, &e);
    CU_ASSERT_EQUAL(model_nodes_up(&model), 1);
    CU_ASSERT_STRING_EQUAL(model.nodes[1].name, "beta");
    CU_ASSERT_STRING_EQUAL(model.nodes[1].version, "MariaDB 10.11");
    e.result = NODE_DOWN;
    e.detail[0] = '\0';
    model_apply(&model, &e);
    CU_ASSERT_STRING_EQUAL(model.nodes[1].version, "MariaDB 10.11"); /* what it was is still worth knowing */
    for (int i = 0; i < MODEL_NOTICES + 5; i++) {
        e = event(TRACE_NOTICE, 0, 1000000);
        text_copy(e.detail, sizeof e.detail, i % 2 ? "a\x1b[2Jb" : "plain");
        model_apply(&model, &e);
    }
    CU_ASSERT_EQUAL(model_notice_at(&model, 0)->number, MODEL_NOTICES + 5);
    CU_ASSERT_STRING_EQUAL(model_notice_at(&model, 1)->text, "a\\x1b[2Jb");
    CU_ASSERT_PTR_NULL(model_notice_at(&model, MODEL_NOTICES));
    e = event(TRACE_AUDIT, 0, 1000000);
    e.result = 1;
    e.n[0] = e.n[1] = 200000;
    model_apply(&model, &e);
    CU_ASSERT_TRUE(model.audit.known && model.audit.ok);
    CU_ASSERT_EQUAL(model.audit.money_found, 200000);
}

static void verdicts_are_told_unless_they_go_without_saying(void)
{
    fresh();
    struct trace_event e = event(TRACE_VERDICT, 0, 1000000);
    e.result = VERDICT_LEAVE;
    e.n[0] = RULE_IN_FLIGHT;
    model_apply(&model, &e);
    CU_ASSERT_EQUAL(model.notice_count, 0);
    e.result = VERDICT_AMBIGUOUS;
    e.n[0] = RULE_OTHER_LOG;
    text_copy(e.detail, sizeof e.detail, "xa1.x/b1");
    model_apply(&model, &e);
    CU_ASSERT_EQUAL(model_notice_at(&model, 0)->level, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(model_notice_at(&model, 0)->text, "only that log knows: xa1.x/b1"));
}

static void sweep(bool dry_run, int64_t nodes, int64_t unread, int64_t foreign, int64_t at_us)
{
    struct trace_event e = event(TRACE_SWEEP, 0, at_us);
    e.result = dry_run;
    e.n[0] = 3;
    e.n[1] = nodes;
    e.n[2] = unread;
    e.n[3] = foreign;
    model_apply(&model, &e);
}

static void verdict(uint64_t txn, int8_t node, enum verdict what, enum recovery_rule rule, const char *xid,
                    int64_t at_us)
{
    struct trace_event e = event(TRACE_VERDICT, txn, at_us);
    e.branch = e.node = node;
    e.result = (int16_t)what;
    e.n[0] = rule;
    e.n[1] = 17;
    text_copy(e.detail, sizeof e.detail, xid);
    model_apply(&model, &e);
}

static void node_is(int8_t number, enum node_state what)
{
    struct trace_event e = event(TRACE_NODE, 0, 1);
    e.node = number;
    e.result = (int16_t)what;
    model_apply(&model, &e);
}

static unsigned shown_verdicts(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < model.sweep.count; i++)
        n += !model.sweep.verdicts[i].old;
    return n;
}

static void a_sweep_replaces_the_one_before(void)
{
    fresh();
    node_is(1, NODE_UP);
    node_is(2, NODE_UP);
    sweep(true, 3, 0, 1, 1000000);
    verdict(5, 1, VERDICT_COMMIT, RULE_COMMIT_RECORD, "xa1.5/b1", 1000001);
    verdict(5, 2, VERDICT_COMMIT, RULE_COMMIT_RECORD, "xa1.5/b2", 1000001);
    verdict(0, 2, VERDICT_FOREIGN, RULE_NOT_OUR_FORM, "X'00',X'',1", 1000001);
    CU_ASSERT_EQUAL(shown_verdicts(), 3);
    CU_ASSERT_EQUAL(model.sweep.foreign, 1);
    CU_ASSERT_EQUAL(model.notice_count, 3);
    const struct model_verdict *found = model_verdict_find(&model, 7, 5, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    CU_ASSERT_EQUAL(found->log_lsn, 17);
    CU_ASSERT_FALSE(found->acted);
    sweep(true, 1, 2, 0, 2000000); /* the second node gave no answer: no verdict on its branches */
    verdict(5, 1, VERDICT_COMMIT, RULE_COMMIT_RECORD, "xa1.5/b1", 2000001);
    CU_ASSERT_EQUAL(shown_verdicts(), 1);
    CU_ASSERT_EQUAL(model.notice_count, 3); /* said before */
    CU_ASSERT_EQUAL(model_verdict_find(&model, 7, 5, 1)->first_us, 1000001);
    CU_ASSERT_PTR_NULL(model_verdict_find(&model, 7, 5, 2));
    sweep(false, 1, 0, 0, 3000000);
    verdict(5, 1, VERDICT_COMMIT, RULE_COMMIT_RECORD, "xa1.5/b1", 3000001);
    CU_ASSERT_EQUAL(model.notice_count, 4); /* now it is carried out */
    struct trace_event e = event(TRACE_BRANCH, 5, 3000002);
    e.branch = e.node = 1;
    e.to = BRANCH_COMMITTED;
    model_apply(&model, &e);
    CU_ASSERT_TRUE(model_verdict_find(&model, 7, 5, 1)->finished);
    sweep(true, 2, 0, 0,
          4000000); /* the other node only; what was said of the first stands, but it is finished */
    CU_ASSERT_EQUAL(shown_verdicts(), 0);
    verdict(6, 1, VERDICT_ROLLBACK, RULE_NO_RECORD, "xa1.6/b1", 4000001);
    sweep(true, 2, 0, 0, 5000000);
    CU_ASSERT_EQUAL(shown_verdicts(), 1);
    node_is(1, NODE_DOWN);
    sweep(true, 2, 0, 0, 6000000);
    CU_ASSERT_EQUAL(shown_verdicts(), 0);
}

static void what_nobody_lists_any_more_is_over(void)
{
    fresh();
    node_is(1, NODE_UP);
    node_is(2, NODE_UP);
    sweep(true, 3, 0, 0, 1000000);
    verdict(5, 1, VERDICT_AMBIGUOUS, RULE_SIBLING_COMMITTED, "xa1.5/b1", 1000001);
    verdict(5, 2, VERDICT_AMBIGUOUS, RULE_SIBLING_COMMITTED, "xa1.5/b2", 1000001);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 1);
    sweep(true, 3, 0, 0, 2000000);
    verdict(5, 2, VERDICT_AMBIGUOUS, RULE_SIBLING_COMMITTED, "xa1.5/b2", 2000001);
    sweep(true, 1, 2, 0, 3000000); /* the second is not read: who knows */
    sweep(true, 1, 2, 0, 4000000);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 1);
    sweep(true, 3, 0, 0, 5000000);
    verdict(5, 2, VERDICT_AMBIGUOUS, RULE_SIBLING_COMMITTED, "xa1.5/b2", 5000001);
    sweep(true, 3, 0, 0, 6000000);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 1);
    sweep(true, 3, 0, 0, 7000000);
    CU_ASSERT_EQUAL(model_in_doubt(&model), 0);
}

static void what_ends_while_it_is_listed_is_no_doubt(void)
{
    fresh();
    whole(1, 1000000);
    begin(2, 1000000);
    sweep(true, 3, 0, 0, 1100000);
    verdict(1, 1, VERDICT_LEAVE, RULE_IN_FLIGHT, "xa1.1/b1", 1100001);
    verdict(2, 1, VERDICT_LEAVE, RULE_IN_FLIGHT, "xa1.2/b1", 1100001);
    verdict(3, 1, VERDICT_LEAVE, RULE_IN_FLIGHT, "xa1.3/b1", 1100001); /* it has left the list */
    CU_ASSERT_TRUE(model_verdict_find(&model, 7, 1, 1)->finished);
    CU_ASSERT_FALSE(model_verdict_find(&model, 7, 2, 1)->finished);
    CU_ASSERT_TRUE(model_verdict_find(&model, 7, 3, 1)->finished);
    CU_ASSERT_PTR_NULL(model_txn_find(&model, 7, 3));
    CU_ASSERT_EQUAL(model_in_doubt(&model), 0);
    CU_ASSERT_EQUAL(model.notice_count, 0);
}

static void ours_are_kept_when_others_are_many(void)
{
    char xid[32];
    fresh();
    sweep(true, 3, 0, 10000, 1000000);
    for (int i = 0; i < MODEL_VERDICTS + 10; i++) {
        snprintf(xid, sizeof xid, "X'%04x',X'',9752", i);
        verdict(0, 1, VERDICT_FOREIGN, RULE_NOT_OUR_FORM, xid, 1000001);
    }
    verdict(9, 2, VERDICT_AMBIGUOUS, RULE_SIBLING_COMMITTED, "xa1.9/b2", 1000002);
    CU_ASSERT_EQUAL(model.sweep.count, MODEL_VERDICTS);
    CU_ASSERT_EQUAL(model.sweep.lost, 11);
    CU_ASSERT_PTR_NOT_NULL(model_verdict_find(&model, 7, 9, 2));
    CU_ASSERT_EQUAL(model.sweep.foreign, 10000);
    CU_ASSERT_STRING_EQUAL(model.sweep.verdicts[0].maker, "Seata");
}

static void a_retry_says_when(void)
{
    fresh();
    begin(1, 1000000);
    state(1, TXN_COMMITTING, 1000010);
    struct trace_event e = event(TRACE_BRANCH, 1, 2000000);
    e.branch = e.node = 2;
    e.to = BRANCH_BACKOFF;
    e.n[0] = 1500;
    e.n[1] = 4;
    model_apply(&model, &e);
    const struct model_branch *branch = &model_txn_find(&model, 7, 1)->branches[1];
    CU_ASSERT_EQUAL(branch->tries, 4);
    CU_ASSERT_EQUAL(branch->retry_at_us, 3500000);
}

static void arm(const char *spec)
{
    struct trace_event e = event(TRACE_ARM, 0, 1000000 + (int64_t)seq);
    e.result = spec[0] != '\0';
    text_copy(e.detail, sizeof e.detail, spec);
    model_apply(&model, &e);
}

static void fires(const char *spec, uint64_t txn)
{
    struct trace_event e = event(TRACE_FAULT, txn, 2000000);
    text_copy(e.detail, sizeof e.detail, spec);
    model_apply(&model, &e);
}

static void armed_faults_are_counted_as_told(void)
{
    fresh();
    arm("drop@commit.sent");
    arm("drop@commit.sent"); /* twice the same is two */
    arm("kill@begin:beta");
    CU_ASSERT_EQUAL(model_faults_armed(&model), 3);
    fires("drop@commit.sent", 4);
    CU_ASSERT_EQUAL(model_faults_armed(&model), 2);
    CU_ASSERT_EQUAL(model_fault_at(&model, 2)->state, MODEL_FAULT_FIRED);
    CU_ASSERT_EQUAL(model_fault_at(&model, 2)->txn, 4);
    arm("");
    CU_ASSERT_EQUAL(model_faults_armed(&model), 0);
    fires("crash@forget", 5); /* nobody told of its arming */
    CU_ASSERT_EQUAL(model_faults_armed(&model), 0);
    CU_ASSERT_STRING_EQUAL(model_fault_at(&model, 0)->spec, "crash@forget");
    arm("freeze@begin:\x1b[2J");
    CU_ASSERT_PTR_NOT_NULL(strstr(model_fault_at(&model, 0)->spec, "\\x1b[2J"));
    for (int i = 0; i < 3 * MODEL_FAULTS; i++) { /* what is armed stays known */
        arm("drop@begin");
        fires("drop@begin", 6);
    }
    CU_ASSERT_EQUAL(model_faults_armed(&model), 1);
    seq = 0; /* another run begins: nothing is armed there */
    state(7, TXN_PREPARING, 3000000);
    CU_ASSERT_EQUAL(model_faults_armed(&model), 0);
}

static void stays_small(void)
{
    CU_ASSERT_TRUE(sizeof(struct model) < 1024 * 1024);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"folds one transaction", folds_one_transaction},
        {"a message and its answer are one row", a_message_and_its_answer_are_one_row},
        {"a sync is counted once for its group", a_sync_is_counted_once_for_its_group},
        {"a record gets its number when it is durable", a_record_gets_its_number_when_it_is_durable},
        {"what never began is told too", what_never_began_is_told_too},
        {"what an older epoch left is in doubt", what_an_older_epoch_left_is_in_doubt},
        {"what a dead node was not told is pending", what_a_dead_node_was_not_told_is_pending},
        {"pending and in doubt are counted until finished", pending_and_in_doubt_are_counted_until_finished},
        {"unfinished transactions stay listed", unfinished_transactions_stay_listed},
        {"rates are per second with percentiles", rates_are_per_second_with_percentiles},
        {"takes nonsense from a journal", takes_nonsense_from_a_journal},
        {"nodes, notices and audits are kept", nodes_notices_and_audits_are_kept},
        {"verdicts are told unless they go without saying", verdicts_are_told_unless_they_go_without_saying},
        {"a sweep replaces the one before", a_sweep_replaces_the_one_before},
        {"what nobody lists any more is over", what_nobody_lists_any_more_is_over},
        {"what ends while it is listed is no doubt", what_ends_while_it_is_listed_is_no_doubt},
        {"ours are kept when others are many", ours_are_kept_when_others_are_many},
        {"a retry says when", a_retry_says_when},
        {"armed faults are counted as told", armed_faults_are_counted_as_told},
        {"stays small", stays_small},
        {NULL, NULL},
    };
    return test_main("model", cases);
}
