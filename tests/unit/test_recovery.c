#include "config.h"

#include "cunit_main.h"
#include "xatop/recovery.h"

/* A branch that would be rolled back: every fact in favour, no COMMIT record. */
static const struct recovery_facts ours = {
    .owner = XID_OURS,
    .xid_epoch = 3,
    .our_epoch = 4,
    .node_raised = true,
    .in_both_scans = true,
    .log_healthy = true,
};

static void check(struct recovery_facts facts, enum recovery_rule rule, enum verdict verdict)
{
    enum recovery_rule found;
    CU_ASSERT_EQUAL(recovery_verdict(&facts, &found), verdict);
    CU_ASSERT_EQUAL(found, rule);
}

#define FACTS(...)                                                                                           \
    ({                                                                                                       \
        struct recovery_facts facts = ours;                                                                  \
        __VA_ARGS__;                                                                                         \
        facts;                                                                                               \
    })

static void each_rule_gives_its_verdict(void)
{
    check(ours, RULE_NO_RECORD, VERDICT_ROLLBACK);
    check(FACTS(facts.commit_record = true), RULE_COMMIT_RECORD, VERDICT_COMMIT);
    check(FACTS(facts.sibling_committed = true), RULE_SIBLING_COMMITTED, VERDICT_AMBIGUOUS);
    check(FACTS(facts.sibling_committed = true; facts.commit_record = true), RULE_COMMIT_RECORD,
          VERDICT_COMMIT);
    check(FACTS(facts.owner = XID_FOREIGN), RULE_NOT_OUR_FORM, VERDICT_FOREIGN);
    check(FACTS(facts.owner = XID_OTHER_LOG), RULE_OTHER_LOG, VERDICT_AMBIGUOUS);
    check(FACTS(facts.xid_epoch = 5), RULE_NEWER_EPOCH, VERDICT_AMBIGUOUS);
    check(FACTS(facts.xid_epoch = 4), RULE_NO_RECORD, VERDICT_ROLLBACK);
    check(FACTS(facts.node_raised = false), RULE_NODE_NOT_RAISED, VERDICT_LEAVE);
    check(FACTS(facts.in_flight = true), RULE_IN_FLIGHT, VERDICT_LEAVE);
    check(FACTS(facts.in_both_scans = false), RULE_SEEN_ONCE, VERDICT_LEAVE);
    check(FACTS(facts.log_healthy = false), RULE_LOG_UNKNOWN, VERDICT_LEAVE);
    check(FACTS(facts.elsewhere = 2), RULE_NO_RECORD, VERDICT_ROLLBACK);
    check(FACTS(facts.elsewhere = 3), RULE_OTHER_PLACE, VERDICT_AMBIGUOUS);
    check(FACTS(facts.elsewhere = 3; facts.commit_record = true), RULE_COMMIT_RECORD, VERDICT_COMMIT);
    check(FACTS(facts.elsewhere = 3; facts.log_healthy = false), RULE_LOG_UNKNOWN, VERDICT_LEAVE);
    check(FACTS(facts.commit_record = true; facts.record_has_node = true), RULE_OTHER_NODE,
          VERDICT_AMBIGUOUS);
    check(FACTS(facts.commit_record = true; facts.record_has_node = true; facts.node_id_matches = true),
          RULE_COMMIT_RECORD, VERDICT_COMMIT);
    CU_ASSERT_EQUAL(recovery_verdict(&ours, NULL), VERDICT_ROLLBACK);
}

/* Over all facts: what must never be done, said without the order of the rules. */
static void no_verdict_acts_without_every_proof(void)
{
    unsigned commits = 0, rollbacks = 0;
    for (unsigned bits = 0; bits < 1u << 8; bits++)
        for (int owner = XID_FOREIGN; owner <= XID_OURS; owner++)
            for (uint32_t epoch = 3, elsewhere = bits % 3 + 2; epoch <= 5; epoch++) {
                struct recovery_facts f = {
                    .owner = (enum xid_owner)owner,
                    .xid_epoch = epoch,
                    .our_epoch = 4,
                    .elsewhere = elsewhere,
                    .node_raised = bits & 1,
                    .in_flight = bits & 2,
                    .in_both_scans = bits & 4,
                    .log_healthy = bits & 8,
                    .commit_record = bits & 16,
                    .record_has_node = bits & 32,
                    .node_id_matches = bits & 64,
                    .sibling_committed = bits & 128,
                };
                enum verdict verdict = recovery_verdict(&f, NULL);
                bool proved = owner == XID_OURS && epoch <= 4 && f.node_raised && !f.in_flight &&
                              f.in_both_scans && f.log_healthy && (!f.record_has_node || f.node_id_matches);
                CU_ASSERT_EQUAL(verdict == VERDICT_COMMIT, proved && f.commit_record);
                CU_ASSERT_EQUAL(verdict == VERDICT_ROLLBACK,
                                proved && !f.commit_record && !f.sibling_committed && epoch > elsewhere);
                CU_ASSERT_EQUAL(verdict == VERDICT_FOREIGN, owner == XID_FOREIGN);
                commits += verdict == VERDICT_COMMIT;
                rollbacks += verdict == VERDICT_ROLLBACK;
            }
    CU_ASSERT_TRUE(commits > 0 && rollbacks > 0);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"each rule gives its verdict", each_rule_gives_its_verdict},
        {"no verdict acts without every proof", no_verdict_acts_without_every_proof},
        {NULL, NULL},
    };
    return test_main("recovery", cases);
}
