/* The verified floor: every transaction of one decision log up to it is finished everywhere, and the markers of each were seen
 * complete over all nodes. The audit lists only markers above it; markers below it may be folded into sums once their COMMIT
 * record went from the log (xa-facts rule 6).
 *
 * Order within a log is (epoch, sequence). Only the running coordinator raises the floor of its own log, and each node keeps a
 * copy: any node's copy is true, the highest counts. Pruning stays behind the floor by at least the log's retention. */
#ifndef XATOP_FLOOR_H
#define XATOP_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/xid.h"

enum { FLOOR_BATCH = 5000 }; /* markers looked at, or removed, in one request */

/* One branch whose marker is committed on a node. */
struct marker_seen {
    uint32_t epoch;
    uint64_t sequence;
    uint8_t branch, branches;
};

/* The part of a control request (node.h) that concerns the floor. */
struct floor_ask {
    /* in: whose log, and up to where */
    struct gtrid upto; /* FLOOR: raise it to at least this (epoch 0: only tell); MARKERS, PRUNE: no further than this */
    struct gtrid after; /* MARKERS: beyond this */
    int64_t older_ms;   /* PRUNE: leave what was written less than so long ago */
    /* out */
    struct gtrid finished, pruned; /* FLOOR: what stands there now; epoch 0: nothing yet */
    struct marker_seen *markers;   /* MARKERS: by age; malloc'd, freed with the request's box */
    uint32_t count;                /* MARKERS: listed; PRUNE: rows removed */
    bool more;                     /* the batch was full: only what is at or below .covered is listed whole */
    struct gtrid covered;
};

#endif
