/* Threads and the only way they talk: mailboxes.
 *
 * A mailbox is a bounded FIFO of pointers with an eventfd: the same thing is a worker's inbox and the engine's outbox of
 * completions. A pointer's memory belongs to whoever holds it: the poster until mailbox_post returns true, the taker after
 * mailbox_take. Posting and taking order memory: what was written before the post is seen after the take.
 *
 * A worker is one thread with one inbox. Every signal is blocked in it (the main thread handles them). Nothing else in the
 * program uses pthread. Any thread may call any mailbox function, except mailbox_free. */
#ifndef XATOP_WORKER_H
#define XATOP_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "xatop/status.h"

struct mailbox; /* opaque */

/* @capacity > 0: items at most inside. NULL: out of memory or file descriptors (errno says). */
struct mailbox *mailbox_new(size_t capacity);
/* Nobody may use it any more. What is still inside is forgotten. NULL is allowed. */
void mailbox_free(struct mailbox *mailbox);
/* False: full or closed; the item stays the caller's. Never blocks for long. */
bool mailbox_post(struct mailbox *mailbox, void *item);
/* Take at most @max items, oldest first. 0: nothing there. Never blocks. */
size_t mailbox_take(struct mailbox *mailbox, void **items, size_t max);
/* As mailbox_take, but waits up to @timeout_ms (-1: for ever) for the first item. 0: timeout, or closed and empty. */
size_t mailbox_wait(struct mailbox *mailbox, void **items, size_t max, int timeout_ms);
/* Poll this for POLLIN: readable as long as an item is inside or the mailbox is closed. Never read or close it. */
int mailbox_fd(const struct mailbox *mailbox);
/* From now on nothing can be posted; what is inside can still be taken; every waiter wakes. */
void mailbox_close(struct mailbox *mailbox);
bool mailbox_closed(struct mailbox *mailbox);

struct worker; /* opaque */

/* @loop runs on the new thread until it returns; it must return once @inbox is closed and empty. This form is for threads
 * that poll other descriptors too (carriers) or take batches (log). @name: at most 15 bytes, for ps and debuggers.
 * STATUS_INTERNAL: no memory, descriptor or thread. */
enum status worker_start_loop(struct worker **out, const char *name, size_t inbox_capacity,
                              void (*loop)(void *arg, struct mailbox *inbox), void *arg, struct err *err);
/* @each is called on the new thread for every submitted item, in order. */
enum status worker_start(struct worker **out, const char *name, size_t inbox_capacity,
                         void (*each)(void *arg, void *item), void *arg, struct err *err);
/* False: inbox full or worker stopping; the item stays the caller's. */
bool worker_submit(struct worker *worker, void *item);
/* Close the inbox, wait for the thread to end, free the worker. @drop NULL: what is queued is finished first; else the items
 * not begun are given to @drop (on the calling thread) instead. Waits as long as the item in hand takes: whoever owns a
 * socket that blocks it shuts that down first. NULL worker is allowed. */
void worker_stop(struct worker *worker, void (*drop)(void *item));

/* Block the calling thread: for injected delays and retries of a lock, never to wait for another thread. */
void worker_sleep_ms(int ms);

#endif
