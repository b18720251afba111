/* Every cap of the program in one place. A buffer has a size from here or it has none. */
#ifndef XATOP_LIMITS_H
#define XATOP_LIMITS_H

enum {
    XATOP_NODES_MAX = 16,     /* participant nodes in a configuration */
    XATOP_BRANCHES_MAX = 16,  /* branches of one global transaction */
    XATOP_WORK_MAX = 8,       /* work operations in one branch */
    XATOP_INFLIGHT_MAX = 256, /* carriers; the configured default is 64 */
    XATOP_PENDING_MAX = 1024, /* unfinished transactions a recovery may hold in memory at once */
    XATOP_NAME_MAX = 31,      /* a node's name, bytes */
    XATOP_COORD_MAX = 16,     /* a coordinator id, bytes */
    XATOP_GTRID_MAX = 64,     /* XA: gtrid and bqual are at most 64 bytes each */
    XATOP_BQUAL_MAX = 64,
    XATOP_KEY_MAX = 64,       /* --id KEY, bytes */
    XATOP_REASON_MAX = 160,   /* a sentence for people */
    XATOP_ERROR_MAX = 512,    /* one error line */
    XATOP_SCAN_MAX = 100000,  /* prepared branches taken from one XA RECOVER; more are counted only */
};

#endif
