#include "config.h"

#include "xatop/loop.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/clock.h"

enum { BATCH = 256, WAIT_MAX_MS = 3600 * 1000 };

struct engine_loop {
    struct engine *engine;
    struct mailbox *outbox;
    struct engine_loop_hooks hooks;
    struct worker *worker;
    atomic_bool ended;
    struct completion wake; /* no news, only a reason to look at `ended` */
    struct command drain;
    uint32_t unfinished;
};

static void take(struct engine_loop *loop, struct completion *item, int64_t now_us)
{
    if (item == &loop->wake)
        return;
    switch (item->kind) {
    case COMPLETION_MESSAGE:
        engine_message_done(loop->engine, (struct message *)item, now_us);
        break;
    case COMPLETION_CONTROL:
        engine_control_done(loop->engine, (struct control *)item, now_us);
        break;
    case COMPLETION_LOG:
        engine_log_done(loop->engine, (struct dlog_request *)item, now_us);
        break;
    case COMPLETION_COMMAND:
        engine_command(loop->engine, (struct command *)item, now_us);
        break;
    }
}

static int patience_ms(const struct engine_loop *loop)
{
    int64_t due_ms = engine_deadline_ms(loop->engine);
    int64_t now_ms = clock_mono_ms();
    if (due_ms <= now_ms)
        return 0;
    return due_ms - now_ms < WAIT_MAX_MS ? (int)(due_ms - now_ms) : WAIT_MAX_MS;
}

static void run(void *arg, struct mailbox *inbox)
{
    struct engine_loop *loop = arg;
    void *items[BATCH];
    while (!atomic_load(&loop->ended)) {
        size_t n = mailbox_wait(loop->outbox, items, BATCH, patience_ms(loop));
        if (n == 0 && mailbox_closed(loop->outbox))
            break;
        int64_t now_us = clock_mono_us(); /* one now per turn */
        for (size_t i = 0; i < n && !atomic_load(&loop->ended); i++)
            take(loop, items[i], now_us);
        engine_turn(loop->engine, now_us, clock_wall_ms());
        if (loop->hooks.turned)
            loop->hooks.turned(loop->hooks.arg, loop->engine, now_us);
    }
}

enum status engine_loop_start(struct engine_loop **out, struct engine *engine, struct mailbox *outbox,
                              const struct engine_loop_hooks *hooks, struct err *err)
{
    struct engine_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return err_set(err, STATUS_INTERNAL, "engine: out of memory");
    loop->engine = engine;
    loop->outbox = outbox;
    if (hooks)
        loop->hooks = *hooks;
    atomic_init(&loop->ended, false);
    loop->wake.kind = COMPLETION_COMMAND;
    enum status status = worker_start_loop(&loop->worker, "engine", 1, run, loop, err);
    if (status != STATUS_OK) {
        free(loop);
        return status;
    }
    *out = loop;
    return STATUS_OK;
}

bool engine_loop_post(struct engine_loop *loop, struct command *command)
{
    command->completion.kind = COMPLETION_COMMAND;
    return mailbox_post(loop->outbox, command);
}

static void drained(struct command *command, const struct report *report,
                    const struct recovery_report *recovery)
{
    struct engine_loop *loop = command->arg;
    loop->unfinished = recovery->unfinished;
    atomic_store(&loop->ended, true);
}

uint32_t engine_loop_stop(struct engine_loop *loop, int64_t wait_ms)
{
    loop->drain.kind = COMMAND_DRAIN;
    loop->drain.wait_ms = wait_ms;
    loop->drain.done = drained;
    loop->drain.arg = loop;
    if (!engine_loop_post(loop, &loop->drain)) /* full or closed: no room for manners */
        atomic_store(&loop->ended, true);
    worker_stop(loop->worker, NULL);
    uint32_t unfinished = loop->unfinished;
    free(loop);
    return unfinished;
}

void engine_loop_end(struct engine_loop *loop)
{
    atomic_store(&loop->ended, true);
    mailbox_post(loop->outbox, &loop->wake); /* full: it is awake anyway */
    worker_stop(loop->worker, NULL);
    free(loop);
}
