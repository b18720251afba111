/* Parts of the read model (model.h): what recovery found prepared on the nodes, and which faults are armed. Folded from the trace
 * like everything else there; bounded. */
#ifndef XATOP_MODEL_DOUBT_H
#define XATOP_MODEL_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/limits.h"

enum {
    MODEL_VERDICTS = 192, /* prepared branches listed; foreign ones leave first, the rest is counted */
    MODEL_FAULTS = 32,    /* armed ones (at most 16 at a time, fault.h) and those that have fired before */
    MODEL_SPEC = 96
};

/* One prepared branch that a node listed, and what recovery says of it. */
struct model_verdict {
    uint64_t txn; /* 0: not of this log */
    uint32_t epoch;
    uint8_t branch, node; /* node = index + 1 */
    uint8_t verdict, rule; /* checked: enum verdict, enum recovery_rule */
    bool old;      /* of an earlier look, not seen in the newest: not to be shown */
    bool gone;     /* old, and its node was read: it is there no more */
    bool finished; /* told to be so after the look */
    bool acted;    /* given by a look that also carries out, not by a dry run alone */
    uint16_t committed_on; /* bit i: a sibling is committed on node i */
    int64_t seen_us;       /* when it was looked at */
    int64_t first_us;      /* when the same verdict was first given */
    uint64_t log_lsn, holder; /* of the COMMIT record; connection that has it in hand; 0: none */
    char maker[24]; /* of a foreign one, where format id or text tell; else "" */
    char xid[XATOP_REASON_MAX];
};

/* The newest look at what the nodes list as prepared. */
struct model_sweep {
    bool known, dry_run;
    int64_t mono_us, wall_ms;
    uint32_t seen, foreign; /* branches that it saw, of them somebody else's */
    uint16_t nodes, unread; /* bits: looked at; asked, and gave no answer */
    uint16_t count, lost;   /* verdicts[] in use; how many did not fit */
    struct model_verdict verdicts[MODEL_VERDICTS];
};

enum model_fault_state { MODEL_FAULT_ARMED, MODEL_FAULT_FIRED, MODEL_FAULT_DISARMED };

struct model_fault {
    int64_t armed_us, fired_us, fired_wall_ms; /* 0: unknown; not yet */
    uint64_t txn;                              /* that it hit */
    uint8_t state;                             /* enum model_fault_state */
    char spec[MODEL_SPEC];
};

#endif
