#include "config.h"

#include "xatop/recovery.h"

static enum recovery_rule first_rule(const struct recovery_facts *facts)
{
    if (facts->owner == XID_FOREIGN)
        return RULE_NOT_OUR_FORM;
    if (facts->owner == XID_OTHER_LOG)
        return RULE_OTHER_LOG;
    if (facts->xid_epoch > facts->our_epoch)
        return RULE_NEWER_EPOCH;
    if (!facts->node_raised)
        return RULE_NODE_NOT_RAISED;
    if (facts->record_has_node && !facts->node_id_matches)
        return RULE_OTHER_NODE;
    if (facts->in_flight)
        return RULE_IN_FLIGHT;
    if (!facts->in_both_scans)
        return RULE_SEEN_ONCE;
    if (!facts->log_healthy)
        return RULE_LOG_UNKNOWN;
    if (facts->commit_record)
        return RULE_COMMIT_RECORD;
    /* Presumed abort needs the whole log. Ours was copied at a moment that nobody wrote down, and went on without us. */
    if (facts->xid_epoch <= facts->elsewhere)
        return RULE_OTHER_PLACE;
    /* Only a durable decision commits a branch. To roll this one back would tear what is half there already. */
    if (facts->sibling_committed)
        return RULE_SIBLING_COMMITTED;
    return RULE_NO_RECORD;
}

enum verdict recovery_verdict(const struct recovery_facts *facts, enum recovery_rule *rule)
{
    static const enum verdict verdicts[] = {
#define X(code, verdict, name, words) [RULE_##code] = VERDICT_##verdict,
        XATOP_RULE_LIST(X)
#undef X
    };
    enum recovery_rule found = first_rule(facts);
    if (rule)
        *rule = found;
    return verdicts[found];
}
