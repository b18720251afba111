/* The engine's thread: takes completions and commands from one mailbox, carries the clock, turns the engine.
 *
 * The mailbox is made by the caller before the ports are, since they post into it: messages, controls, log requests and
 * commands, by their struct completion. Trace callbacks and command answers run on this thread. */
#ifndef XATOP_LOOP_H
#define XATOP_LOOP_H

#include "xatop/engine.h"
#include "xatop/worker.h"

struct engine_loop; /* opaque */

struct engine_loop_hooks {
    void *arg;
    void (*turned)(void *arg, struct engine *engine,
                   int64_t now_us); /* after every turn: publish what was folded; may be NULL */
};

/* From here until the loop has ended @engine belongs to its thread. */
enum status engine_loop_start(struct engine_loop **out, struct engine *engine, struct mailbox *outbox,
                              const struct engine_loop_hooks *hooks, struct err *err);
/* Any thread. False: the mailbox is full or closed, the command stays the caller's. */
bool engine_loop_post(struct engine_loop *loop, struct command *command);
/* Take no more work, give what is in flight @wait_ms to end, end the thread, free the loop. Returns how many transactions are
 * unfinished. The engine is the caller's again, to be freed after the ports' threads are gone. */
uint32_t engine_loop_stop(struct engine_loop *loop, int64_t wait_ms);
/* The same at once, as a crash would: nothing is waited for. */
void engine_loop_end(struct engine_loop *loop);

#endif
