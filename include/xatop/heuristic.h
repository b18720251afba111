/* Heuristic outcomes: how a branch that an operator finished by hand fits to the decision and to the other branches. Pure.
 *
 * The words are X/Open's (CAE C193, XA_HEURMIX, XA_HEURHAZ), told for the whole transaction and not for one branch. The
 * decision has a voice of its own: a transaction that was decided COMMIT and rolled back on every node by hand is mixed too,
 * though the books agree; somebody has been told that it is committed. */
#ifndef XATOP_HEURISTIC_H
#define XATOP_HEURISTIC_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/forced.h"
#include "xatop/limits.h"

struct heuristic_facts {
    enum decision decision;
    uint8_t branch_count; /* of the transaction; 0: nobody knows how many it has */
    uint8_t forced;       /* 1.. */
    enum branch_fate fates[XATOP_BRANCHES_MAX]; /* of each branch, the forced one as it is now */
};

/* @committed (may be NULL): bit i = branch i + 1 is committed, or will be: it is prepared and the decision is COMMIT. */
enum forced_outcome heuristic_outcome(const struct heuristic_facts *facts, uint16_t *committed);

/* May it be forced? */
enum heuristic_leave {
    HEURISTIC_PLAIN,   /* recovery would do just this */
    HEURISTIC_FORCE,   /* nobody else can decide it */
    HEURISTIC_AGAINST, /* recovery will do the opposite: to be spelled out */
};
enum heuristic_leave heuristic_leave(enum decision decision, bool commit, bool same_node);

#endif
