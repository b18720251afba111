#include "config.h"

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
        {"stays small", stays_small},
        {NULL, NULL},
    };
    return test_main("model", cases);
}
