/* A mutual exclusion for the few places where a mailbox is the wrong shape: a snapshot read by one thread and folded by
 * another. Hold it for a copy, never across a call that can wait. Not recursive. Any thread. */
#ifndef XATOP_LOCK_H
#define XATOP_LOCK_H

struct lock; /* opaque */

struct lock *lock_new(void); /* NULL: out of memory */
void lock_free(struct lock *lock);
void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

#endif
