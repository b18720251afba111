#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "world.h"

static void a_transfer_commits(void)
{
    world_begin();
    struct command command = world_transfer(1001, 1002, 50000);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.told, 1);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    CU_ASSERT_EQUAL(world.report.branch_count, 2);
    CU_ASSERT_STRING_EQUAL(world.report.gtrid, "xa1.test.0000000000000abc.00000005.000000000001");
    CU_ASSERT_EQUAL(world.commits, 1);
    CU_ASSERT_EQUAL(world.dones, 1);
    CU_ASSERT_EQUAL(world.sent[VERB_PREPARE], 2);
    CU_ASSERT_EQUAL(world.sent[VERB_COMMIT], 2);
    CU_ASSERT_TRUE(engine_idle(world.engine));
    CU_ASSERT_EQUAL(engine_unfinished(world.engine), 0);
    world_end();
}

static void one_branch_needs_no_log(void)
{
    world_begin();
    struct command command = world_transfer(1001, 1003, 5);
    command.packet = true;
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    CU_ASSERT_EQUAL(world.commits, 0);
    CU_ASSERT_EQUAL(world.sent[VERB_ONE_PHASE], 1);
    world_end();
}

static void an_overdraft_is_refused_with_words(void)
{
    world_begin();
    world.reply = REPLY_REFUSED;
    world.reply_verb = VERB_WORK;
    world.refusal = REFUSAL_SHORT;
    struct command command = world_transfer(1001, 1002, 50000);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.told, 1);
    CU_ASSERT_EQUAL(world.report.status, STATUS_REFUSED);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_ABORTED);
    CU_ASSERT_STRING_EQUAL(world.report.reason, "short: account 1001 has 10.00, 500.00 needed");
    CU_ASSERT_EQUAL(world.sent[VERB_ROLLBACK], 2);
    CU_ASSERT_EQUAL(world.commits, 0);
    world_end();
}

static void nonsense_and_unknown_products_start_nothing(void)
{
    world_begin();
    struct command command = world_transfer(1001, 1001, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_USAGE);
    struct command order = {
        .kind = COMMAND_RUN, .scenario = 1, .params = {{999, 1, 2001}}, .wait_ms = 1000, .done = world_told};
    world_ask(&order);
    CU_ASSERT_EQUAL(world.report.status, STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(world.report.reason, "no-such-row: product 999 does not exist");
    CU_ASSERT_EQUAL(world.sent[VERB_OPEN], 0);
    order.params.n[0] = 101;
    world_ask(&order);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    world_end();
}

static void a_deadlock_is_tried_again_under_a_new_xid(void)
{
    world_begin();
    world.reply = REPLY_RETRYABLE;
    world.reply_verb = VERB_WORK;
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.told, 1);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    CU_ASSERT_EQUAL(world.report.retries, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.report.gtrid, "000000000002"));
    world_end();
}

static void a_node_that_is_away_is_an_answer(void)
{
    world_begin();
    world.away[1] = true;
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_NODE);
    CU_ASSERT_STRING_EQUAL(world.report.reason, "node beta cannot be reached: connection refused");
    CU_ASSERT_EQUAL(world.sent[VERB_START], 0);
    struct command local = world_transfer(1001, 1003, 5);
    world_ask(&local);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    world.away[1] = false;
    world_play(3000);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    world_end();
}

/* The second node has gone, which is known, and a probe of it is out. */
static void begin_away(void)
{
    world_begin();
    world.away[1] = true;
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_NODE);
    world.told = 0;
    while (world.head == world.tail) { /* until the next probe is asked */
        world.now_us = engine_deadline_ms(world.engine) * 1000;
        world_turn();
    }
}

/* A frozen node: nobody is kept waiting for the probe that is out, unless the lab has just said that something changed. */
static void a_node_known_to_be_away_is_not_waited_for(void)
{
    begin_away();
    struct command command = world_transfer(1001, 1002, 5);
    engine_command(world.engine, &command, world.now_us);
    world_turn();
    CU_ASSERT_EQUAL(world.told, 1);
    CU_ASSERT_EQUAL(world.report.status, STATUS_NODE);
    struct command changed = {.kind = COMMAND_NODE_CHANGED, .node = 1, .done = world_told};
    engine_command(world.engine, &changed, world.now_us);
    engine_command(world.engine, &command, world.now_us);
    world_turn();
    CU_ASSERT_EQUAL(world.told, 2); /* only the change has been answered */
    world.away[1] = false;
    world_play(1000);
    CU_ASSERT_EQUAL(world.told, 3);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    world_end();
}

static void a_node_that_leaves_a_sample_unanswered_is_frozen(void)
{
    world_fresh();
    struct engine_config config = world_config();
    config.health_ms = 1000;
    world_open_with(&config, NULL, 0);
    world_play(100);
    world.now_us += 1100000;
    world_turn(); /* the samples are out, and stay so */
    CU_ASSERT_PTR_NULL(strstr(world.transcript, "frozen"));
    world.now_us += 20000000;
    world_turn();
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "frozen"));
    world.transcript[0] = '\0';
    world_play(3000); /* it was only slow: raised again, it is up again */
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "up"));
    CU_ASSERT_PTR_NULL(strstr(world.transcript, "frozen"));
    world_end();
}

static void what_a_newer_incarnation_interrupts_is_named(void)
{
    world_begin();
    struct command command = world_transfer(1001, 1002, 5);
    engine_command(world.engine, &command, world.now_us);
    world_turn();
    while (world.sent[VERB_PREPARE] == 0 && world_answer_one())
        world_turn();
    CU_ASSERT_EQUAL(world.told, 0);
    world.raised[0] = RAISE_NEWER_EPOCH;
    struct command changed = {.kind = COMMAND_NODE_CHANGED, .node = 0};
    engine_command(world.engine, &changed, world.now_us);
    world_play(1000);
    CU_ASSERT_EQUAL(world.told, 1);
    CU_ASSERT_EQUAL(world.report.status, STATUS_PENDING);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_IN_DOUBT);
    CU_ASSERT_STRING_EQUAL(world.report.gtrid, "xa1.test.0000000000000abc.00000005.000000000001");
    CU_ASSERT_EQUAL(world.report.branch_count, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.report.reason, "newer incarnation"));
    world_end();
}

static void a_lost_commit_is_fenced_and_resolved(void)
{
    world_begin();
    world.reply = REPLY_LOST;
    world.reply_verb = VERB_COMMIT;
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    CU_ASSERT_EQUAL(world.resolves[1], 1);
    CU_ASSERT_EQUAL(world.resolves[2], 0);
    world_end();
}

static void patience_ends_but_the_transaction_does_not(void)
{
    world_begin();
    world.reply = REPLY_LOST;
    world.reply_verb = VERB_COMMIT;
    world.finding = FINDING_BUSY;
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.told, 1);
    CU_ASSERT_EQUAL(world.report.status, STATUS_PENDING);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED_PENDING);
    CU_ASSERT_STRING_EQUAL(world.report.reason, "committed, and not yet told to: alpha");
    CU_ASSERT_EQUAL(engine_unfinished(world.engine), 1);
    CU_ASSERT_EQUAL(world.dones, 0);
    world.finding = FINDING_COMMITTED;
    world_play(5000);
    CU_ASSERT_EQUAL(engine_unfinished(world.engine), 0);
    CU_ASSERT_EQUAL(world.dones, 1);
    CU_ASSERT_EQUAL(world.told, 1);
    world_end();
}

static void a_failed_log_leaves_doubt_and_takes_no_work(void)
{
    world_begin();
    world.log_status = STATUS_PENDING;
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_PENDING);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_IN_DOUBT);
    CU_ASSERT_EQUAL(world.sent[VERB_COMMIT] + world.sent[VERB_ROLLBACK], 0);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_STATE);
    CU_ASSERT_EQUAL(engine_health(world.engine, NULL), STATUS_STATE);
    world_end();
}

static void a_key_answers_for_its_first_attempt(void)
{
    world_begin();
    struct command command = world_transfer(1001, 1002, 5);
    text_copy(command.key, sizeof command.key, "order-77");
    world.key_state = KEY_DONE;
    scenario_fingerprint(scenario_at(0), &command.params, world.fingerprint);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_TRUE(world.report.repeated);
    CU_ASSERT_STRING_EQUAL(world.report.gtrid, "xa1.first");
    CU_ASSERT_EQUAL(world.sent[VERB_START], 0);
    command.params.n[2] = 6;
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_USAGE);
    world.key_state = KEY_UNRESOLVED;
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_PENDING);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_IN_DOUBT);
    world.key_state = KEY_ABSENT;
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    CU_ASSERT_FALSE(world.report.repeated);
    world_end();
}

static void an_injected_crash_leaves_a_dead_engine(void)
{
    static const char *const specs[] = {"crash@begin", "crash@forget"};
    for (unsigned i = 0; i < 2; i++) {
        world_begin();
        world_fault(specs[i]);
        struct command command = world_transfer(1001, 1002, 5);
        world_ask(&command);
        CU_ASSERT_TRUE(world.crashed);
        CU_ASSERT_EQUAL(world.told, 0);
        CU_ASSERT_EQUAL(world.sent[VERB_START], i == 0 ? 0 : 2);
        CU_ASSERT_EQUAL(world.dones, 0);
        CU_ASSERT_EQUAL(engine_deadline_ms(world.engine), INT64_MAX);
        world_end();
    }
}

static void streams_run_until_told_and_drain_waits(void)
{
    world_begin();
    struct command stream = {
        .kind = COMMAND_STREAM, .scenario = 0, .inflight = 3, .packet = true, .done = world_told};
    engine_command(world.engine, &stream, world.now_us);
    for (int i = 0; i < 200; i++) {
        world_turn();
        CU_ASSERT_TRUE(world.tail - world.head <= 20);
        while (world_answer_one())
            ;
    }
    CU_ASSERT_TRUE(world.sent[VERB_START] > 100);
    world.told = 0;
    struct command drain = {.kind = COMMAND_DRAIN, .wait_ms = 1000, .done = world_told};
    world_ask(&drain);
    CU_ASSERT_EQUAL(world.told, 1);
    CU_ASSERT_EQUAL(world.recovery.unfinished, 0);
    CU_ASSERT_TRUE(engine_idle(world.engine));
    world_end();
}

static void turns(int count)
{
    for (int i = 0; i < count; i++) {
        world_turn();
        while (world_answer_one())
            ;
    }
}

static void node_changed(uint8_t node, bool away)
{
    struct command changed = {.kind = COMMAND_NODE_CHANGED, .node = node, .done = world_told};
    world.away[node] = away;
    engine_command(world.engine, &changed, world.now_us);
    turns(20);
}

/* Whatever waits for the dead node, a stream goes on with what does not need it; later with all nodes again. */
static void a_stream_goes_on_without_a_dead_node(void)
{
    world_begin();
    world.reply = REPLY_LOST;
    world.reply_verb = VERB_COMMIT;
    world.reply_node = 1;
    world.finding = FINDING_UNREACHABLE;
    struct command stream = {.kind = COMMAND_STREAM, .inflight = 1, .packet = true, .done = world_told};
    engine_command(world.engine, &stream, world.now_us);
    turns(100);
    unsigned prepared = world.sent[VERB_PREPARE], one_phase = world.sent[VERB_ONE_PHASE];
    CU_ASSERT_EQUAL(world.reply_verb, 0);
    turns(100);
    CU_ASSERT_EQUAL(world.sent[VERB_ONE_PHASE], one_phase); /* waits for what it has in flight */
    node_changed(1, true);
    CU_ASSERT_TRUE(world.sent[VERB_ONE_PHASE] > one_phase);
    one_phase = world.sent[VERB_ONE_PHASE];
    turns(1000); /* in a thousand, many would meet a row that the lost one holds */
    CU_ASSERT_TRUE(world.sent[VERB_ONE_PHASE] >= one_phase + 150);
    CU_ASSERT_EQUAL(world.sent[VERB_PREPARE], prepared);
    world.finding = FINDING_COMMITTED;
    node_changed(1, false);
    turns(100);
    CU_ASSERT_TRUE(world.sent[VERB_PREPARE] > prepared);
    stream.inflight = 0;
    engine_command(world.engine, &stream, world.now_us);
    world_play(5000);
    CU_ASSERT_TRUE(engine_idle(world.engine));
    world_end();
}

static void rows_in_flight_make_others_wait(void)
{
    world_begin();
    struct command a = world_transfer(1001, 1002, 5), b = world_transfer(1003, 1002, 5),
                   c = world_transfer(1005, 1004, 5);
    engine_command(world.engine, &a, world.now_us);
    engine_command(world.engine, &b, world.now_us);
    engine_command(world.engine, &c, world.now_us);
    world_turn();
    CU_ASSERT_EQUAL(world.tail - world.head, 4); /* a and c open their sessions, b waits for account 1002 */
    world_play(1000);
    CU_ASSERT_EQUAL(world.told, 3);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    world_end();
}

static void what_others_saw_comes_into_the_trace(void)
{
    world_begin();
    struct command note = {.kind = COMMAND_NOTE, .level = 2, .note = "n1 killed", .done = world_told};
    world_ask(&note);
    struct command audit = {
        .kind = COMMAND_AUDITED, .audit_ok = true, .audit = {5, 5, 7, 7}, .done = world_told};
    world_ask(&audit);
    CU_ASSERT_EQUAL(world.told, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "n1 killed"));
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "audit"));
    world_end();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"a transfer commits", a_transfer_commits},
        {"one branch needs no log", one_branch_needs_no_log},
        {"an overdraft is refused with words", an_overdraft_is_refused_with_words},
        {"nonsense and unknown products start nothing", nonsense_and_unknown_products_start_nothing},
        {"a deadlock is tried again under a new xid", a_deadlock_is_tried_again_under_a_new_xid},
        {"a node that is away is an answer", a_node_that_is_away_is_an_answer},
        {"a node known to be away is not waited for", a_node_known_to_be_away_is_not_waited_for},
        {"a node that leaves a sample unanswered is frozen",
         a_node_that_leaves_a_sample_unanswered_is_frozen},
        {"what a newer incarnation interrupts is named", what_a_newer_incarnation_interrupts_is_named},
        {"a lost commit is fenced and resolved", a_lost_commit_is_fenced_and_resolved},
        {"patience ends but the transaction does not", patience_ends_but_the_transaction_does_not},
        {"a failed log leaves doubt and takes no work", a_failed_log_leaves_doubt_and_takes_no_work},
        {"a key answers for its first attempt", a_key_answers_for_its_first_attempt},
        {"an injected crash leaves a dead engine", an_injected_crash_leaves_a_dead_engine},
        {"streams run until told and drain waits", streams_run_until_told_and_drain_waits},
        {"a stream goes on without a dead node", a_stream_goes_on_without_a_dead_node},
        {"what others saw comes into the trace", what_others_saw_comes_into_the_trace},
        {"rows in flight make others wait", rows_in_flight_make_others_wait},
        {0},
    };
    return test_main("engine", cases);
}
