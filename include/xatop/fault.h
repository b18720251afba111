/* Faults and the gate: the one place that can hold, drop, delay or refuse what the core wished, or end the process there.
 * The protocol knows nothing of it. Pure (engine thread only); the verdict travels with the message and is carried out by
 * whoever holds the bytes. */
#ifndef XATOP_FAULT_H
#define XATOP_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/points.h"
#include "xatop/status.h"
#include "xatop/text.h"

/* What a kind strikes, and so what must be ours: anything else is refused. */
enum fault_needs {
    FAULT_NEEDS_NOTHING, /* what passes, here in the coordinator */
    FAULT_NEEDS_PROCESS, /* a node whose server xatop itself started */
    FAULT_NEEDS_LINK     /* a node that is reached through a link of xatop's */
};

struct fault_kind {
    const char *name; /* "crash", "drop", ... */
    const char *help;
    enum fault_act act;
    bool takes_ms;                       /* delay=MS */
    bool at_decide, at_message, at_step; /* which points it fits: decide.*, .sent/.reply, begin/forget */
    enum fault_needs needs;
};

/* One row a kind, in fault_list.h: X(kind) names `const struct fault_kind fault_kind_##kind` in src/fault/fault_##kind.c. */
const struct fault_kind *const *fault_kinds(void); /* ended by NULL */

/* Has it a meaning there? */
bool fault_kind_fits(const struct fault_kind *kind, enum point point);

enum { FAULTS_MAX = 16 };

struct fault {
    const struct fault_kind *kind;
    enum point point;
    int32_t ms;
    uint8_t branch;  /* :1, :2 = first, second branch; 0: not by branch */
    uint8_t node;    /* index + 1 by name; 0: any */
    uint32_t nth;    /* fires at the nth pass */
    uint32_t passed; /* passes so far */
    bool spent;
    char spec[96];
};

struct gate {
    uint8_t count;
    struct fault faults[FAULTS_MAX];
};

/* Parse KIND[=MS]@POINT[:NODE][#NTH]; @node_names as configured. STATUS_USAGE with words and the nearest name.
 * At points that belong to no node (begin, decide.*, forget) a kind that strikes a node needs :NODE, the one to be struck; a pass
 * counts if the transaction has a branch there. */
enum status fault_parse(const char *spec, const char *const *node_names, uint8_t node_count,
                        struct fault *out, struct err *err);
/* Is everything it may strike ours? Bit i of @processes, @links: node i may be killed and frozen, has a link that may be cut. A fault
 * that names no node may strike any. STATUS_REFUSED with words. */
enum status fault_allowed(const struct fault *fault, const char *const *node_names, uint8_t node_count,
                          uint16_t processes, uint16_t links, struct err *err);
enum status gate_arm(struct gate *gate, const struct fault *fault, struct err *err);
void gate_disarm_all(struct gate *gate);
uint8_t gate_armed(const struct gate *gate); /* not yet spent */
/* A point is passed (branch/node 0 where it has none): the first armed fault that fits and is due, or NULL. It is spent then. */
const struct fault *gate_pass(struct gate *gate, enum point point, uint8_t branch, uint8_t node_index_plus_1);
/* The same for what strikes a node at a point that belongs to none: to be asked for every branch of the transaction. */
const struct fault *gate_pass_over(struct gate *gate, enum point point, uint8_t branch,
                                   uint8_t node_index_plus_1);

#endif
