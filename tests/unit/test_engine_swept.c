#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "world.h"

/* When the log may forget (xa-facts rule 6): what was verified is looked for once more, a minute later. */

enum { FLOOR_MS = 3000, ROUND_MS = 4000, LOOK_MS = 21 * FLOOR_MS };

/* A transaction of two branches, complete. */
static void both(uint32_t epoch, uint64_t sequence)
{
    for (uint8_t i = 0; i < 2; i++)
        world.markers[i][world.marker_counts[i]++] = (struct marker_seen){
            .epoch = epoch, .sequence = sequence, .branch = (uint8_t)(i + 1), .branches = 2};
}

static void begin(void)
{
    struct engine_config c = world_config();
    c.floor_ms = FLOOR_MS;
    c.retention_ms = 60000;
    world_fresh();
    both(4, 1);
    world.finding = 0;
    world_open_with(&c, NULL, 0);
    world_play(ROUND_MS);
    CU_ASSERT_EQUAL(world.floor[1].epoch, 5);
}

static bool swept_is(unsigned times, uint32_t epoch, uint64_t sequence)
{
    return world.swepts == times && world.swept.epoch == epoch && world.swept.sequence == sequence &&
           world.swept.log_id == 0xabc && strcmp(world.swept.coordinator, "test") == 0;
}

static void list_branch(uint64_t log_id, uint32_t epoch, uint64_t sequence)
{
    struct gtrid gtrid = {.coordinator = "test", .log_id = log_id, .epoch = epoch, .sequence = sequence};
    xid_make(&world.listed[0], &gtrid, 1);
    world.listed_count = 1;
}

static void what_is_verified_is_looked_for_later(void)
{
    begin();
    world_play(LOOK_MS - 3 * FLOOR_MS);
    unsigned scans = world.scans;
    CU_ASSERT_EQUAL(scans, 4); /* the first sweep's */
    CU_ASSERT_EQUAL(world.swepts, 0);
    world_play(3 * FLOOR_MS);
    CU_ASSERT_TRUE(swept_is(1, 5, 0));
    CU_ASSERT_EQUAL(world.scans, scans + 4); /* each node, twice */
    world_play(10 * LOOK_MS);                /* nothing new: nothing is looked at or written */
    CU_ASSERT_EQUAL(world.scans, scans + 4);
    CU_ASSERT_EQUAL(world.swepts, 1);
    world_end();
}

static void under_load_once_a_minute(void)
{
    begin();
    world_play(LOOK_MS);
    CU_ASSERT_TRUE(swept_is(1, 5, 0));
    for (uint64_t n = 1; n <= 5; n++) {
        struct command command = world_transfer(1001, 1002, 5);
        world_ask(&command);
        both(5, n);
        world_play(FLOOR_MS);
    }
    CU_ASSERT_EQUAL(world.floor[0].sequence, 5);
    CU_ASSERT_EQUAL(world.swepts, 1);
    world_play(LOOK_MS);
    CU_ASSERT_TRUE(swept_is(2, 5, 1)); /* what had been verified a minute ago */
    world_play(LOOK_MS);
    CU_ASSERT_TRUE(swept_is(3, 5, 5));
    world_end();
}

/* Acknowledged and verified, and back: it is finished first, and looked for again. */
static void what_came_back_is_not_swept(void)
{
    begin();
    list_branch(0xabc, 4, 1);
    world.found = 1;
    world_play(LOOK_MS);
    CU_ASSERT_EQUAL(world.swepts, 0);
    CU_ASSERT_TRUE(world.finds > 0); /* a sweep took it up */
    world.listed_count = 0;
    world_play(FLOOR_MS);
    CU_ASSERT_EQUAL(world.swepts, 0);
    world_play(LOOK_MS);
    CU_ASSERT_TRUE(swept_is(1, 5, 0));
    world_end();
}

/* What comes back after its commit is owed anew, on every node, before anything is sent: the incarnation after this one
 * would not know of it if a phantom OK hides it. */
static void what_came_back_is_owed_again(void)
{
    begin();
    list_branch(0xabc, 4, 3); /* the fake log knows its two branches */
    struct command command = {.kind = COMMAND_RECOVER, .wait_ms = 1000, .done = world_told};
    engine_command(world.engine, &command, world.now_us);
    while (world.commits == 0) {
        world_turn();
        CU_ASSERT_EQUAL(world.resolves[1], 0);
        CU_ASSERT_TRUE_FATAL(world_answer_one());
    }
    world.listed_count = 0;
    world.finding = FINDING_STILL_PREPARED;
    world_play(2 * LOOK_MS);
    CU_ASSERT_EQUAL(world.commits, 1);
    CU_ASSERT_EQUAL(world.dones, 0);
    CU_ASSERT_TRUE(world.resolves[1] >= 2);
    CU_ASSERT_EQUAL(world.swepts, 0); /* hidden, but not finished */
    world.finding = FINDING_COMMITTED;
    world_play(ROUND_MS);
    CU_ASSERT_EQUAL(world.dones, 1);
    CU_ASSERT_EQUAL(world.swepts, 0);
    world_play(LOOK_MS);
    CU_ASSERT_EQUAL(world.swepts, 1);
    world_end();
}

static void new_work_goes_on_beside_a_dead_node(void)
{
    static struct dlog_record records[XATOP_PENDING_MAX + 100];
    struct engine_config c = world_config();
    for (unsigned i = 0; i < XATOP_PENDING_MAX + 100; i++)
        records[i] = (struct dlog_record){
            .type = DLOG_COMMIT,
            .gtrid = {.coordinator = "test", .log_id = 0xabc, .epoch = 4, .sequence = i + 1},
            .branch_count = 1,
            .branches = {{1, 0, 999, "gone"}}};
    world_fresh();
    world_open_with(&c, records, XATOP_PENDING_MAX + 100);
    world_play(0);
    CU_ASSERT_EQUAL(engine_unfinished(world.engine), XATOP_PENDING_MAX + 100);
    struct command command = world_transfer(1001, 1002, 5);
    world_ask(&command);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    world_end();
}

static void other_branches_are_no_matter(void)
{
    for (int other_log = 0; other_log < 2; other_log++) {
        begin();
        list_branch(other_log ? 0xdef : 0xabc, other_log ? 4 : 5, 7); /* of somebody else, or younger */
        world_play(LOOK_MS);
        CU_ASSERT_TRUE(swept_is(1, 5, 0));
        world_end();
    }
}

static void a_node_that_is_away_proves_nothing(void)
{
    begin();
    world.away[1] = true;
    world_play(3 * LOOK_MS);
    CU_ASSERT_EQUAL(world.swepts, 0);
    world.away[1] = false;
    world_play(LOOK_MS);
    CU_ASSERT_TRUE(swept_is(1, 5, 0));
    world_end();
}

/* One node does not answer the second look. */
static void both_looks_must_succeed(void)
{
    begin();
    unsigned scans = world.scans;
    while (world.scans < scans + 2) {
        world_turn();
        if (!world_answer_one())
            world.now_us = engine_deadline_ms(world.engine) * 1000;
    }
    world.away[1] = true;
    while (world.scans < scans + 4) {
        CU_ASSERT_TRUE_FATAL(world_answer_one());
        world_turn();
    }
    world.away[1] = false;
    world_play(0);
    CU_ASSERT_EQUAL(world.swepts, 0);
    world_play(2 * FLOOR_MS);
    CU_ASSERT_TRUE(swept_is(1, 5, 0)); /* no need to wait another minute */
    world_end();
}

static void nothing_is_written_to_a_failed_log(void)
{
    begin();
    world.log_status = STATUS_PENDING;
    struct command command = world_transfer(1001, 1002, 5);
    engine_command(world.engine, &command, world.now_us);
    world_play(2 * LOOK_MS);
    CU_ASSERT_EQUAL(world.swepts, 0);
    world_end();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"what is verified is looked for later", what_is_verified_is_looked_for_later},
        {"under load once a minute", under_load_once_a_minute},
        {"what came back is not swept", what_came_back_is_not_swept},
        {"what came back is owed again", what_came_back_is_owed_again},
        {"new work goes on beside a dead node", new_work_goes_on_beside_a_dead_node},
        {"other branches are no matter", other_branches_are_no_matter},
        {"a node that is away proves nothing", a_node_that_is_away_proves_nothing},
        {"both looks must succeed", both_looks_must_succeed},
        {"nothing is written to a failed log", nothing_is_written_to_a_failed_log},
        {0},
    };
    return test_main("engine swept", cases);
}
