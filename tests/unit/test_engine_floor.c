#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "world.h"
#include "xatop/books.h"

enum { FLOOR_MS = 3000, ROUND_MS = 4000 };

static void seen(uint8_t node, uint32_t epoch, uint64_t sequence, uint8_t branch, uint8_t branches)
{
    world.markers[node][world.marker_counts[node]++] =
        (struct marker_seen){.epoch = epoch, .sequence = sequence, .branch = branch, .branches = branches};
}

/* A transaction of two branches, complete. */
static void both(uint32_t epoch, uint64_t sequence)
{
    seen(0, epoch, sequence, 1, 2);
    seen(1, epoch, sequence, 2, 2);
}

static void open_with(const struct dlog_record *records, uint32_t count)
{
    struct engine_config c = world_config();
    c.floor_ms = FLOOR_MS;
    c.retention_ms = 60000;
    world.finding = 0;
    world_open_with(&c, records, count);
}

static bool floor_is(uint8_t node, uint32_t epoch, uint64_t sequence)
{
    return world.floor[node].epoch == epoch && world.floor[node].sequence == sequence;
}

static void what_is_complete_is_passed_and_pruned(void)
{
    world_fresh();
    both(4, 1);
    seen(0, 4, 2, 1, 1);
    both(4, 3);
    world.oldest = (struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 3};
    open_with(NULL, 0);
    world_play(ROUND_MS);
    CU_ASSERT_TRUE(floor_is(0, 5, 0));
    CU_ASSERT_TRUE(floor_is(1, 5, 0));
    CU_ASSERT_EQUAL(world.prunes, 2);
    CU_ASSERT_EQUAL(world.pruned[0].epoch, 4);
    CU_ASSERT_EQUAL(world.pruned[0].sequence, 2); /* below what the log still holds */
    unsigned lists = world.lists, prunes = world.prunes;
    world_play(3 * FLOOR_MS); /* nothing new: nothing is listed or removed */
    CU_ASSERT_EQUAL(world.lists, lists);
    CU_ASSERT_EQUAL(world.prunes, prunes);
    world_end();
}

static void a_torn_one_is_never_passed(void)
{
    world_fresh();
    both(4, 1);
    seen(1, 4, 2, 2, 2);
    both(4, 3);
    open_with(NULL, 0);
    world_play(4 * FLOOR_MS);
    CU_ASSERT_TRUE(floor_is(0, 4, 1));
    CU_ASSERT_TRUE(floor_is(1, 4, 1));
    CU_ASSERT_TRUE(world.pruned[0].epoch == 4 && world.pruned[0].sequence == 1);
    char *told = strstr(world.transcript, "000000000002 is torn");
    CU_ASSERT_PTR_NOT_NULL_FATAL(told);
    CU_ASSERT_PTR_NULL(strstr(told + strlen("000000000002 is torn"), "is torn")); /* said once */
    /* somebody mends it */
    world.markers[0][2] = world.markers[0][1];
    world.markers[0][1] = (struct marker_seen){.epoch = 4, .sequence = 2, .branch = 1, .branches = 2};
    world.marker_counts[0] = 3;
    world_play(ROUND_MS);
    CU_ASSERT_TRUE(floor_is(1, 5, 0));
    world_end();
}

static void a_node_that_is_away_stops_it(void)
{
    world_fresh();
    both(4, 1);
    world.away[1] = true;
    open_with(NULL, 0);
    world_play(20000);
    CU_ASSERT_EQUAL(world.lists, 0);
    CU_ASSERT_EQUAL(world.floor[0].epoch, 0);
    world.away[1] = false;
    world_play(20000);
    CU_ASSERT_TRUE(floor_is(0, 5, 0));
    world_end();
}

/* It goes away between two questions of one round: nothing was raised, later all of it is. */
static void a_node_that_goes_away_midway(void)
{
    world_fresh();
    both(4, 1);
    open_with(NULL, 0);
    world_turn();
    while (world.lists == 0) {
        if (!world_answer_one())
            world.now_us = engine_deadline_ms(world.engine) * 1000;
        world_turn();
    }
    world.away[1] = true;
    while (world_answer_one())
        world_turn();
    CU_ASSERT_EQUAL(world.floor[0].epoch, 0);
    world.away[1] = false;
    world_play(20000);
    CU_ASSERT_TRUE(floor_is(0, 5, 0));
    CU_ASSERT_TRUE(floor_is(1, 5, 0));
    world_end();
}

static void it_stays_below_what_is_unfinished(void)
{
    struct dlog_record record = {.type = DLOG_COMMIT,
                                 .gtrid = {.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 3},
                                 .branch_count = 2,
                                 .branches = {{1, 0, 100, "alpha"}, {2, 1, 101, "beta"}}};
    world_fresh();
    both(4, 1);
    both(4, 5);
    open_with(&record, 1);
    world.finding = FINDING_BUSY; /* cannot be told yet */
    world_play(ROUND_MS);
    CU_ASSERT_TRUE(floor_is(0, 4, 2));
    CU_ASSERT_EQUAL(engine_unfinished(world.engine), 1);
    world.finding = FINDING_COMMITTED;
    world_play(3 * FLOOR_MS);
    CU_ASSERT_TRUE(floor_is(0, 5, 0));
    /* a new one: it counts as soon as it is over */
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    both(5, 1);
    world_play(ROUND_MS);
    CU_ASSERT_TRUE(floor_is(0, 5, 1));
    world_end();
}

/* Prepared, and left to people: whatever becomes of it, its markers will come below where others are verified already. */
static void it_stays_below_what_is_left_to_people(void)
{
    world_fresh();
    both(4, 1);
    both(4, 5);
    world.elsewhere[0] = 4;
    xid_make(&world.listed[0],
             &(struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 4}, 1);
    world.listed_count = 1;
    open_with(NULL, 0);
    world_play(3 * FLOOR_MS);
    CU_ASSERT_TRUE(floor_is(0, 4, 3));
    world.listed_count = 0; /* somebody finished it; the node is swept again after a restart */
    world.server_start = 2;
    struct command changed = {.kind = COMMAND_NODE_CHANGED, .node = 0, .done = world_told};
    world_ask(&changed);
    world_play(3 * FLOOR_MS);
    CU_ASSERT_TRUE(floor_is(0, 5, 0));
    world_end();
}

static void a_full_batch_counts_only_as_far_as_it_goes(void)
{
    world_fresh();
    both(4, 1);
    both(4, 2);
    both(4, 3);
    world.markers_more = true;
    open_with(NULL, 0);
    unsigned lists = world.lists;
    while (world.lists < lists + 2) {
        world_turn();
        if (!world_answer_one())
            world.now_us = engine_deadline_ms(world.engine) * 1000;
    }
    while (world_answer_one())
        world_turn();
    CU_ASSERT_TRUE(floor_is(0, 4, 2)); /* not 5.0 */
    int64_t due_ms = engine_deadline_ms(world.engine);
    CU_ASSERT_TRUE(due_ms - world.now_us / 1000 <= 500); /* soon again */
    world.markers_more = false;
    world_play(ROUND_MS);
    CU_ASSERT_TRUE(floor_is(0, 5, 0));
    world_end();
}

/* One node was told, then all was lost: the other is told in the next round, from where the first stands. */
static void a_crash_between_two_nodes(void)
{
    world_fresh();
    both(4, 1);
    both(4, 2);
    world.floor[0] = (struct gtrid){.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = 2};
    world.pruned[0] = world.floor[0];
    world.marker_counts[0] = 0; /* even removed there already */
    open_with(NULL, 0);
    world_play(ROUND_MS);
    CU_ASSERT_TRUE(floor_is(0, 5, 0));
    CU_ASSERT_TRUE(floor_is(1, 5, 0));
    CU_ASSERT_PTR_NULL(strstr(world.transcript, "is torn"));
    world_end();
}

static void nothing_after_the_log_failed(void)
{
    world_fresh();
    open_with(NULL, 0);
    world_play(0);
    world.log_status = STATUS_PENDING;
    struct command command = world_transfer(1001, 1002, 5);
    engine_command(world.engine, &command, world.now_us);
    world_play(1000);
    both(4, 1);
    world_play(ROUND_MS);
    CU_ASSERT_EQUAL(world.lists, 0);
    world_end();
}

static void floors_of_several_nodes(void)
{
    struct audit_floors all = {.count = 1, .logs = {{"xa1.a.", "xa1.a.3", "xa1.a.1"}}};
    struct audit_floors more = {.count = 2, .logs = {{"xa1.a.", "xa1.a.5", ""}, {"xa1.b.", "xa1.b.1", ""}}};
    CU_ASSERT_TRUE(audit_floors_join(&all, &more));
    CU_ASSERT_EQUAL(all.count, 2);
    CU_ASSERT_STRING_EQUAL(all.logs[0].finished, "xa1.a.5");
    CU_ASSERT_FALSE(audit_floors_overtaken(&all, &more));
    text_copy(more.logs[0].pruned, sizeof more.logs[0].pruned, "xa1.a.5");
    CU_ASSERT_FALSE(audit_floors_overtaken(&all, &more));
    text_copy(more.logs[0].pruned, sizeof more.logs[0].pruned, "xa1.a.6");
    CU_ASSERT_TRUE(audit_floors_overtaken(&all, &more));
    more = (struct audit_floors){.count = 1, .logs = {{"xa1.c.", "xa1.c.2", "xa1.c.1"}}};
    CU_ASSERT_TRUE(audit_floors_overtaken(&all, &more)); /* a log nobody knew of */
    all.count = AUDIT_FLOORS_MAX;
    CU_ASSERT_FALSE(audit_floors_join(&all, &more));
}

int main(void)
{
    static const struct test_case cases[] = {
        {"what is complete is passed and pruned", what_is_complete_is_passed_and_pruned},
        {"a torn one is never passed", a_torn_one_is_never_passed},
        {"a node that is away stops it", a_node_that_is_away_stops_it},
        {"a node that goes away midway", a_node_that_goes_away_midway},
        {"it stays below what is unfinished", it_stays_below_what_is_unfinished},
        {"it stays below what is left to people", it_stays_below_what_is_left_to_people},
        {"a full batch counts only as far as it goes", a_full_batch_counts_only_as_far_as_it_goes},
        {"a crash between two nodes", a_crash_between_two_nodes},
        {"nothing after the log failed", nothing_after_the_log_failed},
        {"floors of several nodes", floors_of_several_nodes},
        {0},
    };
    return test_main("verified floor", cases);
}
