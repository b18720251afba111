/* What the engine does with a node that the preflight refuses. */
#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "world.h"

static struct engine_config config;

static void fresh(void)
{
    config = world_config();
    config.health_ms = 1000;
    world_fresh();
    for (uint8_t i = 0; i < 2; i++) {
        world.checked[i] = true;
        world.facts[i] = world_facts(i);
    }
}

static void set(uint8_t node, enum preflight_variable which, const char *value)
{
    text_copy(world.facts[node].variables[which], PREFLIGHT_VALUE_MAX, value);
}

static unsigned said(const char *words)
{
    unsigned times = 0;
    for (const char *p = world.transcript; (p = strstr(p, words)); p++)
        times++;
    return times;
}

static void ask(enum status status)
{
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, status);
}

static void an_unfit_node_takes_nothing_and_gives_no_verdict(void)
{
    fresh();
    set(1, VARIABLE_FLUSH_LOG, "0");
    struct dlog_record record = {.type = DLOG_COMMIT,
                                 .gtrid = {.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 3},
                                 .branch_count = 2,
                                 .branches = {{1, 0, 100, "alpha"}, {2, 1, 101, "beta"}}};
    world_open_with(&config, &record, 1);
    world_play(1000);
    ask(STATUS_NODE);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_ABORTED);
    CU_ASSERT_STRING_EQUAL(world.report.reason,
                           "node beta is unfit: innodb_flush_log_at_trx_commit is 0: a crash loses votes and "
                           "commits that were acknowledged; see xatop doctor, or --unsafe");
    CU_ASSERT_EQUAL(world.sent[VERB_OPEN], 0);
    /* only the fit one's branch of the past is finished */
    CU_ASSERT_EQUAL(world.resolves[1], 1);
    CU_ASSERT_EQUAL(engine_unfinished(world.engine), 1);
    struct command recover = {.kind = COMMAND_RECOVER, .wait_ms = 100, .done = world_told};
    world_ask(&recover);
    CU_ASSERT_EQUAL(world.recovery.unreachable, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.recovery.reason, "node beta is unfit: innodb_flush_log"));
    /* asked again and again, told once; mended, it works on */
    CU_ASSERT(world.raises > 3);
    CU_ASSERT_EQUAL(said("beta is unfit: innodb"), 1 + 1);
    set(1, VARIABLE_FLUSH_LOG, "1");
    world_play(3000);
    CU_ASSERT_EQUAL(said("beta: mended: innodb_flush_log_at_trx_commit is 1"), 1);
    CU_ASSERT_EQUAL(world.resolves[1], 2);
    ask(STATUS_OK);
    world_end();
}

static void unsafe_turns_it_into_an_alarm(void)
{
    fresh();
    config.unsafe = true;
    set(1, VARIABLE_FLUSH_LOG, "0");
    world_open_with(&config, NULL, 0);
    world_play(0);
    ask(STATUS_OK);
    CU_ASSERT_EQUAL(said("--unsafe, beta is used: innodb_flush_log_at_trx_commit is 0"), 1);
    world_end();
}

static void a_node_that_becomes_unfit_finishes_what_it_has(void)
{
    fresh();
    world_open_with(&config, NULL, 0);
    world_play(0);
    struct command first = world_transfer(1001, 1002, 5);
    engine_command(world.engine, &first, world.now_us);
    world_turn();
    while (world.sent[VERB_PREPARE] == 0 && world_answer_one())
        world_turn();
    CU_ASSERT_EQUAL(world.told, 0);
    /* this one waits for the first one's rows */
    struct command second = world_transfer(1002, 1001, 5);
    engine_command(world.engine, &second, world.now_us);
    world_turn();
    set(1, VARIABLE_SYNC_BINLOG, "0");
    world.now_us += 1100000;
    world_turn(); /* the sample is asked before the first one goes on */
    world_play(5000);
    CU_ASSERT_EQUAL(world.told, 2);
    CU_ASSERT_EQUAL(world.commits, 1);
    CU_ASSERT_EQUAL(world.sent[VERB_COMMIT], 2);
    ask(STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.report.reason, "node beta is unfit: sync_binlog is 0"));
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "unfit"));
    set(1, VARIABLE_SYNC_BINLOG, "1");
    world_play(2000);
    ask(STATUS_OK);
    CU_ASSERT_EQUAL(world.raises, 2); /* it never left: its fence still stands */
    world_end();
}

static void warnings_are_told_once_and_when_they_change(void)
{
    fresh();
    set(1, VARIABLE_MAX_CONNECTIONS, "10");
    world_open_with(&config, NULL, 0);
    world_play(5000);
    CU_ASSERT_EQUAL(said("beta: max_connections is 10, up to 66 wanted"), 1);
    set(1, VARIABLE_MAX_CONNECTIONS, "20");
    world_play(5000);
    CU_ASSERT_EQUAL(said("beta: max_connections is 20, up to 66 wanted"), 1);
    set(1, VARIABLE_MAX_CONNECTIONS, "300");
    world_play(5000);
    CU_ASSERT_EQUAL(said("beta: mended: max_connections is 300"), 1);
    ask(STATUS_OK);
    world_end();
}

static void one_database_is_not_two_nodes(void)
{
    fresh();
    world.facts[1] = world_facts(0);
    world_open_with(&config, NULL, 0);
    world_play(0);
    ask(STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.report.reason, "the same database as node"));
    world.facts[1].node_id = 7; /* another database there: a warning */
    text_copy(world.facts[1].database, sizeof world.facts[1].database, "other");
    world_play(3000);
    ask(STATUS_OK);
    CU_ASSERT(said("the same server as node") >= 1);
    world_end();
}

static void a_node_that_goes_is_no_longer_called_unfit(void)
{
    fresh();
    set(1, VARIABLE_FLUSH_LOG, "0");
    world_open_with(&config, NULL, 0);
    world_play(1000);
    world.away[1] = true;
    world_play(5000);
    ask(STATUS_NODE);
    CU_ASSERT_STRING_EQUAL(world.report.reason, "node beta cannot be reached: connection refused");
    world_end();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"an unfit node takes nothing and gives no verdict",
         an_unfit_node_takes_nothing_and_gives_no_verdict},
        {"--unsafe turns it into an alarm", unsafe_turns_it_into_an_alarm},
        {"a node that becomes unfit finishes what it has", a_node_that_becomes_unfit_finishes_what_it_has},
        {"warnings are told once and when they change", warnings_are_told_once_and_when_they_change},
        {"one database is not two nodes", one_database_is_not_two_nodes},
        {"a node that goes is no longer called unfit", a_node_that_goes_is_no_longer_called_unfit},
        {NULL, NULL},
    };
    return test_main("engine fitness", cases);
}
