#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "world.h"

/* A coordinator that touches nothing of the past by itself. Of sequence 3 the log of this world holds a COMMIT: branch 1 on
 * alpha, branch 2 on beta. */
static struct force_report report;

static struct gtrid gtrid_of(uint64_t sequence)
{
    return (struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = sequence};
}

static void add_effect(uint8_t node, const struct gtrid *gtrid, uint8_t branch, int64_t delta)
{
    struct effect *effect = &world.effects[node][world.effect_counts[node]++];
    *effect = (struct effect){
        .branch = branch, .branches = 2, .table = WORK_ACCOUNTS, .row = 1000 + branch, .delta = delta};
    gtrid_print(gtrid, effect->gtrid);
}

/* Branch 1 is listed on alpha, branch 2 is committed on beta if @sibling. */
static void open_world(const struct gtrid *gtrid, bool sibling)
{
    struct engine_config c = world_config();
    world_fresh();
    world.finding = 0; /* as asked */
    c.manual_recovery = true;
    xid_make(&world.listed[0], gtrid, 1);
    world.listed_count = 1;
    add_effect(0, gtrid, 1, -500);
    if (sibling) {
        add_effect(1, gtrid, 2, 500);
        world.committed[1] = 2;
    }
    world_open_with(&c, NULL, 0);
    world_play(1000);
}

static void ask(const struct gtrid *gtrid, unsigned branch, enum force_act act, bool against)
{
    struct command command = {.kind = COMMAND_FORCE,
                              .wait_ms = 1000,
                              .act = act,
                              .against = against,
                              .force = &report,
                              .done = world_told};
    memset(&report, 0, sizeof report);
    world.told = 0;
    memset(world.history, 0, sizeof world.history);
    xid_make(&command.xid, gtrid, branch);
    text_copy(command.note, sizeof command.note, "because");
    engine_command(world.engine, &command, world.now_us);
    world_play(3000);
    CU_ASSERT_EQUAL(world.told, 1);
}

static void logged_then_sent_then_classified(void)
{
    struct gtrid gtrid = gtrid_of(3);
    open_world(&gtrid, true);
    ask(&gtrid, 1, FORCE_ROLLBACK, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.report.reason, "--against-the-decision"));
    CU_ASSERT_STRING_EQUAL(world.history, "");
    ask(&gtrid, 1, FORCE_ROLLBACK, true);
    CU_ASSERT_EQUAL(world.report.status, STATUS_INVARIANT);
    CU_ASSERT_STRING_EQUAL(world.history, "FRD");
    CU_ASSERT_TRUE(report.logged);
    CU_ASSERT_EQUAL(report.node, 0);
    CU_ASSERT_EQUAL(report.decision, DECISION_COMMIT);
    CU_ASSERT_EQUAL(report.outcome, FORCED_MIXED);
    CU_ASSERT_TRUE(report.gap_known);
    CU_ASSERT_EQUAL(report.money_gap, 500);
    CU_ASSERT_EQUAL(report.branches[0].fate, FATE_ROLLED_BACK);
    CU_ASSERT_EQUAL(report.branches[1].fate, FATE_COMMITTED);
    CU_ASSERT_EQUAL(report.branches[0].effect_count, 1);
    CU_ASSERT_EQUAL(world.forced.outcome, FORCED_MIXED);
    CU_ASSERT_EQUAL(world.forced.money_gap, 500);
    CU_ASSERT_EQUAL(world.forced.branches[0].branch, 1);
    CU_ASSERT_EQUAL(world.forced.branches[0].node_id, 100);
    world_end();
}

static void what_recovery_would_do_is_no_force(void)
{
    struct gtrid decided = gtrid_of(3), not_decided = gtrid_of(9);
    open_world(&decided, true);
    ask(&decided, 1, FORCE_COMMIT, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_STRING_EQUAL(world.history, "R");
    CU_ASSERT_FALSE(report.logged);
    CU_ASSERT_EQUAL(report.outcome, FORCED_AS_DECIDED);
    CU_ASSERT_EQUAL(report.money_gap, 0);
    world_end();
    open_world(&not_decided, false);
    ask(&not_decided, 1, FORCE_ROLLBACK, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_STRING_EQUAL(world.history, "R");
    ask(&not_decided, 1, FORCE_COMMIT, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_REFUSED);
    world_end();
}

/* The log holds nothing, but a sibling is committed: it has lost a decision, or it was by hand. Recovery leaves it alone. */
static void a_committed_sibling_says_more_than_no_record(void)
{
    struct gtrid gtrid = gtrid_of(9);
    open_world(&gtrid, true);
    ask(&gtrid, 1, FORCE_COMMIT, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_STRING_EQUAL(world.history, "FRD");
    CU_ASSERT_EQUAL(report.decision, DECISION_UNKNOWN);
    CU_ASSERT_EQUAL(report.outcome, FORCED_AS_DECIDED);
    ask(&gtrid, 1, FORCE_ROLLBACK, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_INVARIANT);
    CU_ASSERT_EQUAL(report.outcome, FORCED_MIXED);
    CU_ASSERT_EQUAL(report.money_gap, 500);
    world_end();
}

/* Only the log that made it knows: no flag is needed, and nothing is promised. */
static void another_logs_branch(void)
{
    struct gtrid gtrid = gtrid_of(3);
    gtrid.log_id = 0xdef;
    open_world(&gtrid, false);
    xid_make(&world.listed[1], &gtrid, 2);
    world.listed_count = 2;
    ask(&gtrid, 1, FORCE_COMMIT, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_PENDING);
    CU_ASSERT_STRING_EQUAL(world.history, "FRD");
    CU_ASSERT_EQUAL(report.decision, DECISION_UNKNOWN);
    CU_ASSERT_EQUAL(report.outcome, FORCED_HAZARD);
    world.listed_count = 1; /* the sibling has gone without a marker */
    ask(&gtrid, 1, FORCE_COMMIT, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_INVARIANT);
    CU_ASSERT_EQUAL(report.outcome, FORCED_MIXED);
    world_end();
}

static void what_does_not_answer_is_a_hazard(void)
{
    struct gtrid gtrid = gtrid_of(3);
    open_world(&gtrid, true);
    world.finding = FINDING_BUSY;
    ask(&gtrid, 1, FORCE_ROLLBACK, true);
    CU_ASSERT_EQUAL(world.report.status, STATUS_PENDING);
    CU_ASSERT_EQUAL(report.outcome, FORCED_HAZARD);
    CU_ASSERT_EQUAL(world.history[0], 'F');
    CU_ASSERT_EQUAL(world.history[1], 'R');
    CU_ASSERT_EQUAL(world.history[2], 'R'); /* asked again for as long as there was time */
    CU_ASSERT_EQUAL(world.history[strlen(world.history) - 1], 'D');
    world.finding = FINDING_STILL_PREPARED;
    ask(&gtrid, 1, FORCE_ROLLBACK, true);
    CU_ASSERT_STRING_EQUAL(world.history, "FRD");
    CU_ASSERT_EQUAL(report.outcome, FORCED_HAZARD);
    world_end();
}

static void nothing_is_sent_that_is_not_logged(void)
{
    struct gtrid gtrid = gtrid_of(3);
    open_world(&gtrid, true);
    world.log_status = STATUS_REFUSED; /* too many are kept: the log is well */
    ask(&gtrid, 1, FORCE_ROLLBACK, true);
    CU_ASSERT_NOT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_EQUAL(world.resolves[1] + world.resolves[2], 0);
    CU_ASSERT_EQUAL(engine_health(world.engine, NULL), STATUS_OK);
    world_end();
    open_world(&gtrid, true);
    world.log_status = STATUS_PENDING;
    ask(&gtrid, 1, FORCE_ROLLBACK, true);
    CU_ASSERT_NOT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_EQUAL(world.resolves[1] + world.resolves[2], 0);
    world_end();
}

static void what_is_not_ours_or_not_there_is_refused(void)
{
    struct gtrid gtrid = gtrid_of(3), other = gtrid_of(3);
    text_copy(other.coordinator, sizeof other.coordinator, "them");
    open_world(&gtrid, false);
    xid_make(&world.listed[1], &other, 1);
    world.listed_count = 2;
    ask(&other, 1, FORCE_COMMIT, true);
    CU_ASSERT_EQUAL(world.report.status, STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(world.history, "");
    ask(&gtrid, 2, FORCE_COMMIT, true);
    CU_ASSERT_EQUAL(world.report.status, STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(world.history, "");
    world_end();
    open_world(&gtrid, false);
    world.away[1] = true;
    ask(&gtrid, 2, FORCE_COMMIT, true);
    CU_ASSERT_EQUAL(world.report.status, STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(world.report.reason, "beta"));
    CU_ASSERT_STRING_EQUAL(world.history, "");
    world_end();
}

static void forgetting_needs_no_node_but_an_end(void)
{
    struct engine_config c = world_config();
    struct gtrid gtrid = gtrid_of(3), other = gtrid_of(9);
    struct dlog_record record = {.type = DLOG_COMMIT,
                                 .gtrid = gtrid,
                                 .branch_count = 2,
                                 .branches = {{1, 0, 100, "alpha"}, {2, 1, 101, "beta"}}};
    world_fresh();
    world.away[0] = world.away[1] = true;
    c.manual_recovery = true;
    world_open_with(&c, &record, 1);
    ask(&gtrid, 1, FORCE_FORGET, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(world.history, "");
    ask(&gtrid, 1, FORCE_FORGET, true);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    CU_ASSERT_STRING_EQUAL(world.history, "X");
    ask(&other, 1, FORCE_FORGET, false);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    world_end();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"logged, then sent, then classified", logged_then_sent_then_classified},
        {"what recovery would do is no force", what_recovery_would_do_is_no_force},
        {"a committed sibling says more than no record", a_committed_sibling_says_more_than_no_record},
        {"another log's branch", another_logs_branch},
        {"what does not answer is a hazard", what_does_not_answer_is_a_hazard},
        {"nothing is sent that is not logged", nothing_is_sent_that_is_not_logged},
        {"what is not ours or not there is refused", what_is_not_ours_or_not_there_is_refused},
        {"forgetting needs no node but an end", forgetting_needs_no_node_but_an_end},
        {NULL, NULL},
    };
    return test_main("engine_force", cases);
}
