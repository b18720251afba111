#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/loop.h"

/* The engine's thread with ports that answer at once, through the mailbox as real ones do. */
enum { ANSWER_MS = 5000 };

static struct mailbox *outbox, *answers;
static struct report last;
static atomic_uint turns;
static atomic_bool silent; /* the nodes no longer answer messages */
static struct message *kept;

static void post(struct completion *completion)
{
    (void)mailbox_post(outbox, completion); /* closed: nobody waits for it */
}

static void send(void *ctx, struct message *message)
{
    message->reply = REPLY_OK;
    message->last_verb = (uint16_t)verbs_last(message->verbs);
    if (atomic_load(&silent) && message->verbs != VERB_OPEN)
        kept = message;
    else
        post(&message->completion);
}

static void control(void *ctx, struct control *request)
{
    request->ok = true;
    request->raised = request->look ? RAISE_CLEAR : RAISE_DONE;
    request->info = (struct node_info){.state = NODE_UP, .node_id = 1u + request->node, .server_start = 1};
    post(&request->completion);
}

static void cut(void *ctx, uint16_t carrier, uint8_t node)
{
}

static void submit(void *ctx, struct dlog_request *request)
{
    request->status = STATUS_OK;
    post(&request->completion);
}

static void turned(void *arg, struct engine *engine, int64_t now_us)
{
    atomic_fetch_add(&turns, 1);
}

static void told(struct command *command, const struct report *report, const struct recovery_report *recovery)
{
    last = *report;
    CU_ASSERT_TRUE(mailbox_post(answers, command));
}

static struct engine *engine;
static struct engine_loop *loop;

static void start(void)
{
    struct engine_config config = {
        .coordinator = {.id = "loop", .log_id = 1, .epoch = 1, .host = "here"},
        .node_count = 2,
        .node_names = {"alpha", "beta"},
        .shape = {.node_count = 2, .accounts = 10, .products = 1, .customers = 1},
        .limits = {.transaction_timeout_ms = 60000,
                   .prepare_timeout_ms = 30000,
                   .finish_timeout_ms = 5000,
                   .settle_ms = 250,
                   .backoff_ms = 10,
                   .backoff_max_ms = 100},
        .max_inflight = 4,
    };
    struct engine_ports ports = {.node = {.send = send, .control = control, .cut = cut},
                                 .log = {.submit = submit}};
    struct engine_loop_hooks hooks = {.turned = turned};
    outbox = mailbox_new(1024);
    answers = mailbox_new(16);
    CU_ASSERT_FATAL(outbox && answers);
    atomic_store(&silent, false);
    engine = engine_new(&config, &ports, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(engine);
    CU_ASSERT_EQUAL_FATAL(engine_loop_start(&loop, engine, outbox, &hooks, NULL), STATUS_OK);
}

static void end(void)
{
    engine_free(engine);
    mailbox_free(outbox);
    mailbox_free(answers);
}

static bool answered(struct command *command)
{
    void *item;
    return mailbox_wait(answers, &item, 1, ANSWER_MS) == 1 && item == command;
}

static struct command transfer(void)
{
    return (struct command){.kind = COMMAND_RUN, .params = {{1001, 1002, 5}}, .wait_ms = 1000, .done = told};
}

static void a_command_is_answered_from_the_thread(void)
{
    start();
    struct command command = transfer();
    CU_ASSERT_TRUE(engine_loop_post(loop, &command));
    CU_ASSERT_TRUE(answered(&command));
    CU_ASSERT_EQUAL(last.outcome, OUTCOME_COMMITTED);
    CU_ASSERT_TRUE(atomic_load(&turns) > 0);
    CU_ASSERT_EQUAL(engine_loop_stop(loop, 1000), 0);
    CU_ASSERT_TRUE(engine_idle(engine));
    end();
}

static void stopping_counts_what_it_leaves(void)
{
    start();
    struct command first = transfer(), command = transfer();
    CU_ASSERT_TRUE(engine_loop_post(loop, &first));
    CU_ASSERT_TRUE(answered(&first));
    atomic_store(&silent, true);
    CU_ASSERT_TRUE(engine_loop_post(loop, &command));
    CU_ASSERT_EQUAL(engine_loop_stop(loop, 50), 1);
    CU_ASSERT_PTR_NOT_NULL(kept);
    end();
}

static void ending_waits_for_nothing(void)
{
    start();
    struct command command = transfer();
    atomic_store(&silent, true);
    CU_ASSERT_TRUE(engine_loop_post(loop, &command));
    engine_loop_end(loop);
    end();
}

static void a_closed_mailbox_ends_the_thread(void)
{
    start();
    mailbox_close(outbox);
    struct command command = transfer();
    CU_ASSERT_FALSE(engine_loop_post(loop, &command));
    (void)engine_loop_stop(loop, 60000); /* returns at once: there is nobody left to wait for */
    end();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"a command is answered from the thread", a_command_is_answered_from_the_thread},
        {"stopping counts what it leaves", stopping_counts_what_it_leaves},
        {"ending waits for nothing", ending_waits_for_nothing},
        {"a closed mailbox ends the thread", a_closed_mailbox_ends_the_thread},
        {0},
    };
    return test_main("engine loop", cases);
}
