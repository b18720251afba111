/* What the processes of chaos count, in memory they share: nothing is lost with one that is killed, and a pause goes on from one
 * coordinator to the next. Lock-free; one writer for each number but hit[], which any hand may raise. */
#ifndef XATOP_CHAOS_SHARED_H
#define XATOP_CHAOS_SHARED_H

#include <stdatomic.h>
#include <stdint.h>

#include "chaos_plan.h"
#include "xatop/scenario.h"

enum {
    CHAOS_MAGIC = 0x78616331,
    CHAOS_GAP_US = 1000000, /* longer without an answer is time without service */
    CHAOS_PERIOD_US = 20000, /* of the steady load */
    CHAOS_ANSWER_MS = 5000,  /* an answer that takes longer does not count there */
};

struct chaos_shared {
    uint32_t magic;
    struct shape shape;
    _Atomic uint64_t hit[CHAOS_KINDS];
    _Atomic uint64_t fired[CHAOS_FAULT_KINDS_MAX]; /* at the gate; index as fault_kinds() */
    _Atomic uint64_t committed, aborted, pending, in_doubt; /* as told; pending: decided, not told everywhere */
    /* the steady load: one ask every CHAOS_PERIOD_US since @steady_us (monotonic; 0: none) until @steady_end_us */
    _Atomic int64_t steady_us, steady_end_us;
    _Atomic uint64_t steady_begun, steady_committed, steady_refused, steady_late; /* as answered; late: after its time */
    _Atomic uint64_t recovered; /* branches finished from another session than the one that prepared */
    _Atomic uint64_t phantoms;
    _Atomic uint32_t surface;   /* bit i: node i must be restarted to surface a branch */
    _Atomic int64_t last_answer_us, longest_gap_us, unavailable_us; /* monotonic */
    _Atomic int64_t last_commit_us, longest_commit_gap_us;
    /* the present worker's state; the supervisor resets it at each start */
    _Atomic uint32_t ready, log_failed, settled, unfinished;
};

static inline uint64_t chaos_answered(const struct chaos_shared *shared)
{
    return shared->committed + shared->aborted + shared->pending;
}

struct chaos_shared *chaos_shared_make(int *fd, struct err *err);
/* From the number a parent gave; NULL: it is none of ours. */
struct chaos_shared *chaos_shared_open(const char *number);

#endif
