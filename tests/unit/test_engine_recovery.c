#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "world.h"

static void another_log_stops_everything(void)
{
    struct engine_config c = world_config();
    world_fresh();
    world.raised[1] = RAISE_OTHER_LOG;
    xid_make(&world.listed[0],
             &(struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 9}, 1);
    world.listed_count = 1;
    world_open_with(&c, NULL, 0);
    world_play(5000);
    struct err err = {0};
    CU_ASSERT_EQUAL(engine_health(world.engine, &err), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "pid 4711"));
    struct command command = world_transfer(1001, 1003, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_STATE);
    CU_ASSERT_EQUAL(world.resolves[0] + world.resolves[1] + world.resolves[2], 0);
    world_end();
}

static struct dlog_record record_of(uint64_t sequence)
{
    return (struct dlog_record){
        .type = DLOG_COMMIT,
        .lsn = 77,
        .gtrid = {.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = sequence},
        .branch_count = 2,
        .branches = {{1, 0, 100, "alpha"}, {2, 1, 101, "beta"}}};
}

static void the_past_is_finished_first(void)
{
    struct engine_config c = world_config();
    struct dlog_record record = record_of(3);
    world_fresh();
    world.finding = 0;
    /* one with a record in memory, one that nobody decided, one that is not ours */
    xid_make(&world.listed[0], &record.gtrid, 1);
    xid_make(&world.listed[1],
             &(struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 9}, 1);
    xid_make(&world.listed[2], &(struct gtrid){.coordinator = "them", .log_id = 1, .epoch = 4, .sequence = 9},
             1);
    world.listed_count = 3;
    c.manual_recovery = true;
    world_open_with(&c, &record, 1);
    world_play(1000);
    CU_ASSERT_EQUAL(world.resolves[1] + world.resolves[2], 0);
    struct command dry = {.kind = COMMAND_RECOVER, .dry_run = true, .wait_ms = 1000, .done = world_told};
    world_ask(&dry);
    CU_ASSERT_EQUAL(world.recovery.foreign, 1);
    CU_ASSERT_EQUAL(world.resolves[1] + world.resolves[2], 0);
    struct command command = {.kind = COMMAND_RECOVER, .wait_ms = 1000, .done = world_told};
    world_ask(&command);
    CU_ASSERT_EQUAL(world.recovery.status, STATUS_OK);
    CU_ASSERT_EQUAL(world.recovery.committed, 1);
    CU_ASSERT_EQUAL(world.recovery.rolled_back, 1);
    CU_ASSERT_EQUAL(world.recovery.foreign, 1);
    CU_ASSERT_EQUAL(world.recovery.verdict_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct verdict_report *v = &world.verdicts[i];
        CU_ASSERT_TRUE(v->evidence.first_scan && v->evidence.second_scan && v->evidence.committed_on == 0);
        CU_ASSERT_EQUAL(v->evidence.xid_epoch, v->verdict == VERDICT_FOREIGN ? 0 : 4);
        CU_ASSERT_EQUAL(v->evidence.log_lsn, v->verdict == VERDICT_COMMIT ? 77 : 0);
        CU_ASSERT_EQUAL(v->evidence.markers_read, v->verdict == VERDICT_ROLLBACK ? 3 : 0);
    }
    CU_ASSERT_EQUAL(world.resolves[1], 2); /* both branches of the record, listed or not */
    CU_ASSERT_EQUAL(world.resolves[2], 1);
    CU_ASSERT_EQUAL(world.dones, 1);
    CU_ASSERT_EQUAL(engine_unfinished(world.engine), 0);
    world_end();
}

/* The log has lost a decision (a weakly durable disk, a copy put back): half of it stands committed, and is not torn further. */
static void what_is_half_committed_is_not_rolled_back(void)
{
    struct engine_config c = world_config();
    const struct gtrid lost = {.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 9};
    struct command command = {.kind = COMMAND_RECOVER, .wait_ms = 1000, .done = world_told};
    world_fresh();
    xid_make(&world.listed[0], &lost, 2);
    world.listed_count = 1;
    world.markers[1][0] = (struct marker_seen){.epoch = 4, .sequence = 9, .branch = 1, .branches = 2};
    world.marker_counts[1] = 1;
    c.manual_recovery = true;
    world_open_with(&c, NULL, 0);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.recovery.ambiguous, 1);
    CU_ASSERT_EQUAL(world.verdicts[0].rule, RULE_SIBLING_COMMITTED);
    CU_ASSERT_EQUAL(world.verdicts[0].evidence.committed_on, 2);
    CU_ASSERT_EQUAL(world.resolves[1] + world.resolves[2], 0);
    /* it is looked at again every few seconds, and has its end when somebody has put it right */
    unsigned lists = world.lists;
    world_play(11000);
    CU_ASSERT_TRUE(world.lists >= lists + 4);
    /* no marker anywhere: presumed abort */
    world.marker_counts[1] = 0;
    world_ask(&command);
    CU_ASSERT_EQUAL(world.recovery.rolled_back, 1);
    CU_ASSERT_EQUAL(world.resolves[2], 1);
    world_end();
}

/* Decided, crashed, and the other node is down: who asks again under the key hears that, not "cannot be reached". */
static void a_key_tells_while_the_other_node_is_away(void)
{
    struct engine_config c = world_config();
    struct dlog_record record = record_of(3);
    world_fresh();
    world.away[1] = true;
    world.key_state = KEY_DONE;
    gtrid_print(&record.gtrid, world.key_gtrid);
    world_open_with(&c, &record, 1);
    struct command command = world_transfer(1001, 1002, 5);
    text_copy(command.key, sizeof command.key, "rent");
    scenario_fingerprint(scenario_at(0), &command.params, world.fingerprint);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_PENDING);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED_PENDING);
    CU_ASSERT_STRING_EQUAL(world.report.gtrid, world.key_gtrid);
    world.key_state = KEY_UNRESOLVED; /* its row is still locked: the answer comes when the node is told */
    world.told = 0;
    command.wait_ms = 5000;
    engine_command(world.engine, &command, world.now_us);
    world_play(0);
    CU_ASSERT_EQUAL(world.told, 0);
    world.key_state = KEY_DONE;
    world.away[1] = false;
    world_play(5000);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_EQUAL(world.report.outcome, OUTCOME_COMMITTED);
    CU_ASSERT_TRUE(world.report.repeated);
    /* a new key needs both nodes */
    world.key_state = KEY_ABSENT;
    world.away[1] = true;
    world.server_start = 2;
    world_play(5000);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_NODE);
    CU_ASSERT_EQUAL(world.sent[VERB_START], 0);
    world_end();
}

static void recovery_names_the_node_that_is_away(void)
{
    struct engine_config c = world_config();
    struct dlog_record record = record_of(3);
    struct command command = {.kind = COMMAND_RECOVER, .wait_ms = 1000, .done = world_told};
    c.manual_recovery = true;
    for (uint32_t undischarged = 0; undischarged < 2; undischarged++) {
        world_fresh();
        world.away[1] = true;
        world_open_with(&c, &record, undischarged);
        world_ask(&command);
        CU_ASSERT_EQUAL(world.recovery.status, undischarged ? STATUS_PENDING : STATUS_NODE);
        CU_ASSERT_EQUAL(world.recovery.unreachable, 2);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(world.recovery.reason, "node beta cannot be reached: connection refused"));
        CU_ASSERT_EQUAL(strncmp(world.recovery.reason, "transactions not finished everywhere: 1", 39) == 0,
                        undischarged == 1);
        world_end();
    }
}

static void a_branch_that_came_back_asks_the_log(void)
{
    world_begin();
    world.finding = 0;
    xid_make(&world.listed[0],
             &(struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 9}, 1);
    world.listed_count = 1;
    world.server_start = 2; /* the node was restarted */
    world.found = -1;       /* the log cannot tell: no verdict */
    struct command changed = {.kind = COMMAND_NODE_CHANGED, .node = 0, .done = world_told};
    unsigned raises = world.raises;
    world_ask(&changed);
    CU_ASSERT_EQUAL(world.raises, raises + 1);
    CU_ASSERT_TRUE(world.finds > 0);
    CU_ASSERT_EQUAL(world.resolves[2], 0);
    world.found = 0;
    world_play(3000);
    CU_ASSERT_TRUE(world.resolves[2] > 0);
    world_end();
}

/* Somebody who only looks, again and again, takes nobody's turn: neither at the beginning nor later. */
static void a_dry_run_keeps_recovery_from_nothing(void)
{
    struct engine_config c = world_config();
    struct command dry = {.kind = COMMAND_RECOVER, .dry_run = true, .wait_ms = 1000, .done = world_told};
    world_fresh();
    world.finding = 0;
    xid_make(&world.listed[0],
             &(struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 9}, 1);
    world.listed_count = 1;
    world_open_with(&c, NULL, 0);
    engine_command(world.engine, &dry, world.now_us); /* it is waiting when the nodes have been raised */
    world_play(3000);
    CU_ASSERT_TRUE(world.told > 0);
    CU_ASSERT_TRUE(world.resolves[2] > 0);
    world_end();
}

/* A refusal of one node is known before any other was changed. */
static void every_node_is_looked_at_before_one_is_raised(void)
{
    static const enum raise_result refusals[] = {RAISE_OTHER_LOG, RAISE_NEWER_EPOCH, RAISE_ELSEWHERE};
    struct engine_config c = world_config();
    for (unsigned i = 0; i < 3; i++) {
        struct err err = {0};
        world_fresh();
        world.raised[1] = refusals[i];
        world_open_with(&c, NULL, 0);
        world_play(30000);
        CU_ASSERT_EQUAL(world.looks, 2);
        CU_ASSERT_EQUAL(world.raises, 0);
        CU_ASSERT_EQUAL(engine_health(world.engine, &err), STATUS_STATE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "host elsewhere, pid 4711"));
        world_end();
    }
}

/* Nobody alive on the node that answers; the other may hold the original's sessions. */
static void a_copy_that_cannot_see_everything_waits_for_a_claim(void)
{
    struct engine_config c = world_config();
    struct err err = {0};
    world_fresh();
    world.displaced[0] = world.away[1] = true;
    world_open_with(&c, NULL, 0);
    world_play(30000);
    CU_ASSERT_EQUAL(world.raises, 0);
    CU_ASSERT_EQUAL(engine_health(world.engine, &err), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "while beta is away: host elsewhere, pid 4711"));
    world_end();
    /* claimed: what is there is taken, the rest when it comes back, and both is said */
    world_fresh();
    world.displaced[0] = world.displaced[1] = world.away[1] = true;
    c.take_over = true;
    text_copy(c.take_over_reason, sizeof c.take_over_reason, "the other machine burns");
    world_open_with(&c, NULL, 0);
    world_play(1000);
    CU_ASSERT_EQUAL(engine_health(world.engine, &err), STATUS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "the other machine burns"));
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "alpha: taken over from host elsewhere, pid 4711"));
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "beta is not taken over: connection refused"));
    world.away[1] = false;
    world_play(5000);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.transcript, "beta: taken over from host elsewhere, pid 4711"));
    world_end();
}

/* After a claim from another place the log's silence proves nothing about what was written there. */
static void what_another_place_wrote_is_not_presumed_aborted(void)
{
    struct engine_config c = world_config();
    world_fresh();
    world.finding = 0;
    world.elsewhere[1] = 4; /* told by one node: counts for all */
    for (uint32_t epoch = 3; epoch <= 5; epoch++)
        xid_make(&world.listed[epoch - 3],
                 &(struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = epoch, .sequence = 9}, 1);
    xid_make(&world.listed[3],
             &(struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 3}, 1);
    world.listed_count = 4;
    c.manual_recovery = true;
    world_open_with(&c, NULL, 0);
    struct command command = {.kind = COMMAND_RECOVER, .wait_ms = 1000, .done = world_told};
    world_ask(&command);
    CU_ASSERT_EQUAL(world.recovery.ambiguous, 2);
    CU_ASSERT_EQUAL(world.recovery.committed, 1);   /* its record is here: sequence 3 */
    CU_ASSERT_EQUAL(world.recovery.rolled_back, 1); /* epoch 5 is this one */
    CU_ASSERT_EQUAL(world.resolves[1], 2); /* its decision is owed again: to every branch of the record */
    CU_ASSERT_EQUAL(world.resolves[2], 1);
    for (uint32_t i = 0; i < world.recovery.verdict_count; i++)
        CU_ASSERT_EQUAL(world.verdicts[i].verdict == VERDICT_AMBIGUOUS,
                        world.verdicts[i].rule == RULE_OTHER_PLACE);
    world_end();
}

/* Its sessions were killed, its epoch row is another's: an idle one finds out by its next sample. */
static void whoever_was_taken_over_stops_and_says_why(void)
{
    struct engine_config c = world_config();
    struct err err = {0};
    world_fresh();
    c.health_ms = 1000;
    world_open_with(&c, NULL, 0);
    world_play(1500);
    CU_ASSERT_EQUAL(engine_health(world.engine, &err), STATUS_OK);
    world.fenced[1] = true;
    world.raised[1] = RAISE_NEWER_EPOCH;
    world_play(2500);
    CU_ASSERT_EQUAL(engine_health(world.engine, &err), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "has taken over on beta: host elsewhere, pid 4711"));
    struct command stream = {.kind = COMMAND_STREAM, .inflight = 1, .done = world_told};
    world_ask(&stream);
    CU_ASSERT_EQUAL(world.report.status, STATUS_STATE);
    world_end();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"another log stops everything", another_log_stops_everything},
        {"the past is finished first", the_past_is_finished_first},
        {"what is half committed is not rolled back", what_is_half_committed_is_not_rolled_back},
        {"a key tells while the other node is away", a_key_tells_while_the_other_node_is_away},
        {"recovery names the node that is away", recovery_names_the_node_that_is_away},
        {"a dry run keeps recovery from nothing", a_dry_run_keeps_recovery_from_nothing},
        {"a branch that came back asks the log", a_branch_that_came_back_asks_the_log},
        {"every node is looked at before one is raised", every_node_is_looked_at_before_one_is_raised},
        {"a copy that cannot see everything waits for a claim",
         a_copy_that_cannot_see_everything_waits_for_a_claim},
        {"what another place wrote is not presumed aborted",
         what_another_place_wrote_is_not_presumed_aborted},
        {"whoever was taken over stops and says why", whoever_was_taken_over_stops_and_says_why},
        {0},
    };
    return test_main("recovery of the engine", cases);
}
