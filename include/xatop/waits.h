/* Who waits for the locks of a branch: what a node's lock-wait view says, on demand (xa-facts 9, 10). */
#ifndef XATOP_WAITS_H
#define XATOP_WAITS_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/limits.h"

enum { LOCK_WAITERS_MAX = 32 };

struct lock_waiter {
    uint64_t thread;    /* connection id on that server */
    char user[64];      /* sanitised, as all text here */
    int64_t wait_s;
    char statement[81]; /* its beginning */
};

struct lock_waits {
    bool known;
    char why[XATOP_REASON_MAX]; /* not known: why, and what to do */
    uint32_t count, total;      /* listed, longest first; waiting at all */
    struct lock_waiter list[LOCK_WAITERS_MAX];
};

#endif
