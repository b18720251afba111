#include "config.h"

#include "xatop/heuristic.h"

#include "xatop/status.h"

/* What recovery will make of a branch that is still prepared. (Without a decision, and with a sibling committed by hand, it leaves
 * it to a hand; that is mixed already.) */
static enum branch_fate fate_in_the_end(enum branch_fate fate, enum decision decision)
{
    if (fate != FATE_PREPARED)
        return fate;
    return decision == DECISION_COMMIT ? FATE_COMMITTED
           : decision == DECISION_NONE ? FATE_ROLLED_BACK
                                       : FATE_UNKNOWN;
}

enum forced_outcome heuristic_outcome(const struct heuristic_facts *facts, uint16_t *committed)
{
    bool any_committed = false, any_rolled_back = false, any_unknown = facts->branch_count == 0;
    bool sibling_committed = false;
    uint16_t mask = 0;
    xatop_assert(facts->branch_count <= XATOP_BRANCHES_MAX);
    for (unsigned i = 0; i < facts->branch_count; i++) {
        enum branch_fate fate = fate_in_the_end(facts->fates[i], facts->decision);
        any_committed |= fate == FATE_COMMITTED;
        any_rolled_back |= fate == FATE_ROLLED_BACK;
        any_unknown |= fate == FATE_UNKNOWN;
        sibling_committed |= fate == FATE_COMMITTED && i + 1u != facts->forced;
        if (fate == FATE_COMMITTED)
            mask |= (uint16_t)(1u << i);
    }
    if (committed)
        *committed = mask;
    any_committed |= facts->decision == DECISION_COMMIT;
    any_rolled_back |= facts->decision == DECISION_NONE;
    /* nobody commits a branch without a decision to commit: a sibling tells what another log decided */
    any_unknown |= facts->decision == DECISION_UNKNOWN && !sibling_committed;
    if (any_committed && any_rolled_back)
        return FORCED_MIXED;
    return any_unknown ? FORCED_HAZARD : FORCED_AS_DECIDED;
}

enum heuristic_leave heuristic_leave(enum decision decision, bool commit, bool same_node)
{
    if (decision == DECISION_UNKNOWN)
        return HEURISTIC_FORCE;
    if (commit != (decision == DECISION_COMMIT))
        return HEURISTIC_AGAINST;
    return same_node ? HEURISTIC_PLAIN : HEURISTIC_FORCE;
}
