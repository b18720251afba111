#include "config.h"

#include "cunit_main.h"
#include "xatop/heuristic.h"

#define C FATE_COMMITTED
#define R FATE_ROLLED_BACK
#define P FATE_PREPARED
#define U FATE_UNKNOWN

static void the_table(void)
{
    static const struct {
        enum decision decision;
        uint8_t count, forced;
        enum branch_fate fates[3];
        enum forced_outcome want;
        uint16_t committed;
    } rows[] = {
        /* decided commit */
        {DECISION_COMMIT, 2, 1, {C, P}, FORCED_AS_DECIDED, 3},
        {DECISION_COMMIT, 2, 1, {C, C}, FORCED_AS_DECIDED, 3},
        {DECISION_COMMIT, 2, 1, {C, U}, FORCED_HAZARD, 1},
        {DECISION_COMMIT, 2, 1, {R, P}, FORCED_MIXED, 2}, /* recovery will commit the other */
        {DECISION_COMMIT, 2, 1, {R, C}, FORCED_MIXED, 2},
        {DECISION_COMMIT, 2, 1, {R, U}, FORCED_MIXED, 0},
        {DECISION_COMMIT, 2, 1, {R, R}, FORCED_MIXED, 0}, /* the books agree, the promise is broken */
        {DECISION_COMMIT, 2, 1, {U, C}, FORCED_HAZARD, 2},
        {DECISION_COMMIT, 3, 2, {C, C, R}, FORCED_MIXED, 3},
        /* nothing decided: presumed abort */
        {DECISION_NONE, 2, 2, {P, R}, FORCED_AS_DECIDED, 0},
        {DECISION_NONE, 2, 2, {R, R}, FORCED_AS_DECIDED, 0},
        {DECISION_NONE, 2, 2, {U, R}, FORCED_HAZARD, 0},
        {DECISION_NONE, 2, 2, {P, C}, FORCED_MIXED, 2},
        {DECISION_NONE, 2, 2, {C, C}, FORCED_MIXED, 3},
        /* only another log knows */
        {DECISION_UNKNOWN, 2, 1, {C, P}, FORCED_HAZARD, 1},
        {DECISION_UNKNOWN, 2, 1, {R, P}, FORCED_HAZARD, 0},
        {DECISION_UNKNOWN, 2, 1, {R, R}, FORCED_HAZARD, 0}, /* it may have told somebody "committed" */
        {DECISION_UNKNOWN, 2, 1, {C, C}, FORCED_AS_DECIDED, 3},
        {DECISION_UNKNOWN, 2, 1, {R, C}, FORCED_MIXED, 2},
        {DECISION_UNKNOWN, 2, 1, {C, R}, FORCED_MIXED, 1},
        /* nobody knows what it had */
        {DECISION_NONE, 0, 1, {R}, FORCED_HAZARD, 0},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct heuristic_facts facts = {
            .decision = rows[i].decision, .branch_count = rows[i].count, .forced = rows[i].forced};
        uint16_t committed = 0xffff;
        for (unsigned b = 0; b < rows[i].count; b++)
            facts.fates[b] = rows[i].fates[b];
        CU_ASSERT_EQUAL(heuristic_outcome(&facts, &committed), rows[i].want);
        CU_ASSERT_EQUAL(committed, rows[i].committed);
    }
}

/* Over every decision and every fate of three branches: nothing that contradicts anything is ever called as decided, and
 * nothing that cannot be known either. */
static void as_decided_is_never_said_lightly(void)
{
    for (unsigned n = 0; n < 3 * 4 * 4 * 4; n++) {
        struct heuristic_facts facts = {.decision = (enum decision)(n % 3),
                                        .branch_count = 3,
                                        .forced = 1,
                                        .fates = {(enum branch_fate)(n / 3 % 4),
                                                  (enum branch_fate)(n / 12 % 4),
                                                  (enum branch_fate)(n / 48)}};
        bool committed = facts.decision == DECISION_COMMIT, back = facts.decision == DECISION_NONE;
        bool unknown = false;
        for (unsigned b = 0; b < 3; b++) {
            committed |= facts.fates[b] == C;
            back |= facts.fates[b] == R;
            unknown |= facts.fates[b] == U;
        }
        enum forced_outcome outcome = heuristic_outcome(&facts, NULL);
        if (committed && back)
            CU_ASSERT_EQUAL(outcome, FORCED_MIXED)
        else if (unknown)
            CU_ASSERT_EQUAL(outcome, FORCED_HAZARD);
        struct heuristic_facts turned = facts;
        turned.fates[1] = facts.fates[2];
        turned.fates[2] = facts.fates[1];
        CU_ASSERT_EQUAL(heuristic_outcome(&turned, NULL), outcome);
    }
}

static void what_must_be_spelled_out(void)
{
    CU_ASSERT_EQUAL(heuristic_leave(DECISION_COMMIT, true, true), HEURISTIC_PLAIN);
    CU_ASSERT_EQUAL(heuristic_leave(DECISION_COMMIT, true, false), HEURISTIC_FORCE);
    CU_ASSERT_EQUAL(heuristic_leave(DECISION_COMMIT, false, true), HEURISTIC_AGAINST);
    CU_ASSERT_EQUAL(heuristic_leave(DECISION_NONE, false, true), HEURISTIC_PLAIN);
    CU_ASSERT_EQUAL(heuristic_leave(DECISION_NONE, true, true), HEURISTIC_AGAINST);
    CU_ASSERT_EQUAL(heuristic_leave(DECISION_UNKNOWN, true, true), HEURISTIC_FORCE);
    CU_ASSERT_EQUAL(heuristic_leave(DECISION_UNKNOWN, false, true), HEURISTIC_FORCE);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"the table", the_table},
        {"as decided is never said lightly", as_decided_is_never_said_lightly},
        {"what must be spelled out", what_must_be_spelled_out},
        {NULL, NULL},
    };
    return test_main("heuristic", cases);
}
