#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/node_sim.h"

/* The simulated nodes must be as nasty as the real ones were measured to be, no more and no less. */
static struct node_sim *sim;
static struct node_port port;
static int64_t now_us;
static void *delivered;
static const struct coordinator self = {.id = "test", .log_id = 5, .epoch = 3};

static void deliver(void *arg, struct completion *completion)
{
    delivered = completion;
}

/* Until @request comes back; false: nothing goes on any more. */
static bool await(void *request)
{
    delivered = NULL;
    while (delivered != request) {
        if (node_sim_due_us(sim) == INT64_MAX)
            return false;
        if (node_sim_due_us(sim) > now_us)
            now_us = node_sim_due_us(sim);
        node_sim_now(sim, now_us);
        node_sim_run(sim, deliver, NULL);
    }
    return true;
}

static void wait_ms(int64_t ms)
{
    int64_t until_us = now_us + ms * 1000;
    while (node_sim_due_us(sim) <= until_us) {
        now_us = node_sim_due_us(sim) > now_us ? node_sim_due_us(sim) : now_us;
        node_sim_now(sim, now_us);
        node_sim_run(sim, deliver, NULL);
    }
    now_us = until_us;
    node_sim_now(sim, now_us);
}

static struct control ask(struct control c)
{
    c.completion.kind = COMPLETION_CONTROL;
    c.coordinator = &self;
    c.deadline_ms = now_us / 1000 + 5000;
    port.control(port.ctx, &c);
    CU_ASSERT_TRUE(await(&c));
    return c;
}

static void begin(uint16_t detaches, struct node_sim_chances chances)
{
    struct node_sim_options options = {.node_count = 1,
                                       .carriers = 2,
                                       .detaches = detaches,
                                       .seed = 1,
                                       .settle_ms = 250,
                                       .chances = chances};
    sim = node_sim_new(&options);
    port = node_sim_port(sim);
    now_us = 1000000;
    node_sim_now(sim, now_us);
    node_sim_fill(sim, 0, WORK_ACCOUNTS, 1001, 1000, -1);
    node_sim_fill(sim, 0, WORK_ACCOUNTS, 1002, 1000, -1);
    CU_ASSERT_EQUAL(ask((struct control){.kind = CONTROL_RAISE}).raised, RAISE_DONE);
}

static void end(void)
{
    node_sim_free(sim);
}

static const struct branch_plan plan = {
    .work_count = 1,
    .work = {{.kind = WORK_ADD, .table = WORK_ACCOUNTS, .id = 1001, .delta = -10, .price = -1}}};

static struct xid xid_of(uint64_t sequence)
{
    struct xid xid;
    xid_make(&xid, &(struct gtrid){.coordinator = "test", .log_id = 5, .epoch = 3, .sequence = sequence}, 1);
    return xid;
}

static struct message tell(uint16_t carrier, uint64_t sequence, uint16_t verbs,
                           const struct branch_plan *work)
{
    struct message m = {.carrier = carrier, .branch = 1, .branch_count = 1, .verbs = verbs, .plan = work};
    m.xid = xid_of(sequence);
    m.deadline_ms = now_us / 1000 + 3000;
    port.send(port.ctx, &m);
    CU_ASSERT_TRUE(await(&m));
    return m;
}

enum { PHASE_ONE = VERB_START | VERB_WORK | VERB_END | VERB_PREPARE };

static struct message prepared(uint16_t carrier, uint64_t sequence)
{
    struct message open = tell(carrier, sequence, VERB_OPEN, NULL);
    CU_ASSERT_EQUAL(open.reply, REPLY_OK);
    CU_ASSERT_EQUAL(tell(carrier, sequence, PHASE_ONE, &plan).reply, REPLY_OK);
    return open;
}

static struct control resolve(uint64_t sequence, uint16_t verbs)
{
    return ask(
        (struct control){.kind = CONTROL_RESOLVE, .xid = xid_of(sequence), .branch = 1, .verbs = verbs});
}

static uint32_t listed(void)
{
    struct control c = ask((struct control){.kind = CONTROL_SCAN});
    free(c.xids);
    return c.xid_count;
}

static const struct node_sim_chances none;

static void a_branch_commits_on_its_own_session(void)
{
    begin(0, none);
    prepared(0, 1);
    CU_ASSERT_EQUAL(node_sim_sum(sim, 0, WORK_ACCOUNTS), 2000); /* not committed, not seen */
    CU_ASSERT_EQUAL(tell(0, 1, VERB_COMMIT, NULL).reply, REPLY_OK);
    CU_ASSERT_EQUAL(node_sim_sum(sim, 0, WORK_ACCOUNTS), 1990);
    CU_ASSERT_EQUAL(tell(0, 1, VERB_COMMIT, NULL).reply, REPLY_NOTA);
    end();
}

static void guards_refuse_and_locks_wait(void)
{
    struct branch_plan poor = plan, nobody = plan;
    begin(0, none);
    poor.work[0].delta = -1001;
    nobody.work[0].id = 1040;
    CU_ASSERT_EQUAL(tell(0, 1, VERB_OPEN, NULL).reply, REPLY_OK);
    struct message m = tell(0, 1, PHASE_ONE, &poor);
    CU_ASSERT_EQUAL(m.reply, REPLY_REFUSED);
    CU_ASSERT_EQUAL(m.refusal, REFUSAL_SHORT);
    CU_ASSERT_EQUAL(m.refused_have, 1000);
    CU_ASSERT_EQUAL(m.last_verb, VERB_WORK);
    CU_ASSERT_EQUAL(tell(0, 1, VERB_ROLLBACK, NULL).reply, REPLY_ERROR); /* ACTIVE: END comes first */
    CU_ASSERT_EQUAL(tell(0, 1, VERB_END, NULL).reply, REPLY_OK);
    CU_ASSERT_EQUAL(tell(0, 1, VERB_ROLLBACK, NULL).reply, REPLY_OK);
    CU_ASSERT_EQUAL(tell(0, 2, PHASE_ONE, &nobody).refusal, REFUSAL_NO_ROW);
    prepared(1, 3);
    CU_ASSERT_EQUAL(tell(0, 2, VERB_END, NULL).reply, REPLY_OK);
    CU_ASSERT_EQUAL(tell(0, 2, VERB_ROLLBACK, NULL).reply, REPLY_OK);
    CU_ASSERT_EQUAL(tell(0, 4, PHASE_ONE, &plan).reply,
                    REPLY_RETRYABLE); /* the row is the prepared branch's */
    end();
}

/* Row 2: only on a node that does not detach. */
static void a_live_session_holds_its_branch(void)
{
    for (uint16_t detaches = 0; detaches < 2; detaches++) {
        begin(detaches, none);
        prepared(0, 1);
        CU_ASSERT_EQUAL(listed(), 1);
        CU_ASSERT_EQUAL(resolve(1, VERB_COMMIT).finding, detaches ? FINDING_COMMITTED : FINDING_BUSY);
        end();
    }
}

/* Rows 3, 12b: KILL, gone, settled, finished; the marker tells. */
static void fence_then_finish(void)
{
    begin(0, none);
    struct message open = prepared(0, 1);
    struct control fence = ask((struct control){.kind = CONTROL_FENCE, .session = open.session});
    CU_ASSERT_TRUE(fence.ok);
    wait_ms(250);
    CU_ASSERT_EQUAL(resolve(1, VERB_ROLLBACK).finding, FINDING_ROLLED_BACK);
    CU_ASSERT_EQUAL(resolve(1, 0).finding, FINDING_ROLLED_BACK);
    CU_ASSERT_EQUAL(listed(), 0);
    CU_ASSERT_EQUAL(node_sim_hasty(sim), 0);
    CU_ASSERT_EQUAL(tell(0, 2, VERB_START, NULL).reply, REPLY_LOST); /* that session is gone */
    end();
}

/* Row 3a: OK, and nothing done, until a restart. */
static void a_phantom_hides_the_branch_until_a_restart(void)
{
    begin(0, (struct node_sim_chances){.phantom = 1000});
    struct message open = prepared(0, 1);
    ask((struct control){.kind = CONTROL_FENCE, .session = open.session});
    wait_ms(250);
    CU_ASSERT_EQUAL(resolve(1, VERB_COMMIT).finding, FINDING_STILL_PREPARED);
    CU_ASSERT_EQUAL(listed(), 0);
    CU_ASSERT_EQUAL(node_sim_hidden(sim, 0), 1);
    CU_ASSERT_EQUAL(resolve(1, VERB_COMMIT).finding, FINDING_STILL_PREPARED);
    node_sim_crash(sim, 0, 1000);
    wait_ms(5);
    CU_ASSERT_EQUAL(listed(), 1);
    node_sim_calm(sim);
    CU_ASSERT_EQUAL(resolve(1, VERB_COMMIT).finding, FINDING_COMMITTED);
    end();
}

/* Rows 5, 8, 40a. */
static void a_crash_keeps_what_is_prepared(void)
{
    begin(0, (struct node_sim_chances){.resurrect = 1000});
    CU_ASSERT_EQUAL(tell(0, 1, VERB_OPEN, NULL).reply, REPLY_OK);
    CU_ASSERT_EQUAL(tell(0, 1, VERB_START | VERB_WORK, &plan).reply, REPLY_OK);
    node_sim_crash(sim, 0, 1000);
    CU_ASSERT_EQUAL(node_sim_left(sim, 0), 0);
    wait_ms(5);
    prepared(0, 2);
    CU_ASSERT_EQUAL(tell(0, 2, VERB_ROLLBACK, NULL).reply, REPLY_OK);
    CU_ASSERT_EQUAL(listed(), 0);
    node_sim_crash(sim, 0, 1000);
    wait_ms(5);
    CU_ASSERT_EQUAL(listed(), 1); /* the acknowledged rollback */
    CU_ASSERT_EQUAL(ask((struct control){.kind = CONTROL_HEALTH}).info.server_start, 3);
    end();
}

/* Row 6: the client has gone, the PREPARE it sent has not. */
static void a_late_prepare_appears_after_its_session_was_cut(void)
{
    begin(0, (struct node_sim_chances){.late = 1000});
    CU_ASSERT_EQUAL(tell(0, 1, VERB_OPEN, NULL).reply, REPLY_OK);
    struct message m = {.branch = 1, .branch_count = 1, .verbs = PHASE_ONE, .plan = &plan};
    m.xid = xid_of(1);
    m.deadline_ms = now_us / 1000 + 1;
    port.send(port.ctx, &m);
    CU_ASSERT_TRUE(await(&m));
    CU_ASSERT_EQUAL(m.reply, REPLY_LOST);
    CU_ASSERT_EQUAL(listed(), 0);
    wait_ms(2000);
    CU_ASSERT_EQUAL(listed(), 1);
    end();
}

static void an_epoch_is_raised_over_older_ones_only(void)
{
    struct coordinator other = {.id = "test", .log_id = 6, .epoch = 9},
                       older = {.id = "test", .log_id = 5, .epoch = 2};
    begin(0, none);
    prepared(0, 1);
    struct control c = {.kind = CONTROL_RAISE, .coordinator = &other, .deadline_ms = now_us / 1000 + 5000};
    port.control(port.ctx, &c);
    CU_ASSERT_TRUE(await(&c));
    CU_ASSERT_EQUAL(c.raised, RAISE_OTHER_LOG);
    c.coordinator = &older;
    port.control(port.ctx, &c);
    CU_ASSERT_TRUE(await(&c));
    CU_ASSERT_EQUAL(c.raised, RAISE_NEWER_EPOCH);
    struct coordinator newer = {.id = "test", .log_id = 5, .epoch = 4};
    c = (struct control){.kind = CONTROL_RAISE, .coordinator = &newer, .deadline_ms = now_us / 1000 + 5000};
    port.control(port.ctx, &c);
    CU_ASSERT_TRUE(await(&c));
    CU_ASSERT_EQUAL(c.raised, RAISE_DONE);
    CU_ASSERT_EQUAL(c.killed, 1);
    CU_ASSERT_EQUAL(resolve(1, VERB_ROLLBACK).finding, FINDING_ROLLED_BACK);
    CU_ASSERT_EQUAL(node_sim_hasty(sim), 0);
    end();
}

static void faults_travel_with_the_message(void)
{
    begin(0, none);
    CU_ASSERT_EQUAL(tell(0, 1, VERB_OPEN, NULL).reply, REPLY_OK);
    struct message m = {.branch = 1, .branch_count = 1, .verbs = PHASE_ONE, .plan = &plan};
    m.xid = xid_of(1);
    m.deadline_ms = now_us / 1000 + 3000;
    m.faults = (struct message_faults){.sent = FAULT_REFUSE, .sent_verb = VERB_PREPARE};
    port.send(port.ctx, &m);
    CU_ASSERT_TRUE(await(&m));
    CU_ASSERT_EQUAL(m.reply, REPLY_ERROR);
    CU_ASSERT_TRUE(m.injected);
    m.faults = (struct message_faults){.reply = FAULT_DROP, .reply_verb = VERB_PREPARE};
    port.send(port.ctx, &m);
    CU_ASSERT_TRUE(await(&m));
    CU_ASSERT_EQUAL(m.reply, REPLY_LOST);
    CU_ASSERT_EQUAL(listed(), 1); /* it was prepared all the same */
    end();
}

static void a_node_that_is_away_says_nothing(void)
{
    begin(0, none);
    node_sim_freeze(sim, 0, 10000000);
    struct control c = ask((struct control){.kind = CONTROL_HEALTH});
    CU_ASSERT_FALSE(c.ok);
    struct message m = tell(0, 1, VERB_OPEN, NULL);
    CU_ASSERT_EQUAL(m.reply, REPLY_NOT_SENT);
    node_sim_calm(sim);
    CU_ASSERT_TRUE(ask((struct control){.kind = CONTROL_HEALTH}).ok);
    end();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"a branch commits on its own session", a_branch_commits_on_its_own_session},
        {"guards refuse and locks wait", guards_refuse_and_locks_wait},
        {"a live session holds its branch", a_live_session_holds_its_branch},
        {"fence, then finish", fence_then_finish},
        {"a phantom hides the branch until a restart", a_phantom_hides_the_branch_until_a_restart},
        {"a crash keeps what is prepared", a_crash_keeps_what_is_prepared},
        {"a late PREPARE appears after its session was cut",
         a_late_prepare_appears_after_its_session_was_cut},
        {"an epoch is raised over older ones only", an_epoch_is_raised_over_older_ones_only},
        {"faults travel with the message", faults_travel_with_the_message},
        {"a node that is away says nothing", a_node_that_is_away_says_nothing},
        {0},
    };
    return test_main("simulated nodes", cases);
}
