/* Recovery verdicts: what to do with one branch that a node lists as prepared. Pure.
 *
 * Order of looks (xa-facts rules 4 and 5): epoch raised and older sessions gone on that node; scan; snapshot of what is
 * in flight; read the log; scan again. Only a branch in both error-free scans gets a verdict that acts. */
#ifndef XATOP_RECOVERY_H
#define XATOP_RECOVERY_H

#include <stdbool.h>

#include "xatop/xid.h"

#define XATOP_VERDICT_LIST(X)                                                                               \
    X(COMMIT, "commit")                                                                                     \
    X(ROLLBACK, "rollback")                                                                                 \
    X(LEAVE, "leave")                                                                                       \
    X(FOREIGN, "foreign")                                                                                   \
    X(AMBIGUOUS, "ambiguous")

enum verdict {
#define X(code, word) VERDICT_##code,
    XATOP_VERDICT_LIST(X)
#undef X
};

/* The first rule that fits gives the verdict. code, verdict, words */
#define XATOP_RULE_LIST(X)                                                                                  \
    X(NOT_OUR_FORM, FOREIGN, "the xid is not of this coordinator's making")                                 \
    X(OTHER_LOG, AMBIGUOUS, "our coordinator id, but another decision log: only that log knows")            \
    X(NEWER_EPOCH, AMBIGUOUS, "a newer epoch of this log wrote it: another coordinator is running")         \
    X(NODE_NOT_RAISED, LEAVE, "this node's epoch is not raised yet: an older session may still act")        \
    X(OTHER_NODE, AMBIGUOUS, "the node's identity is not the one in the record")                            \
    X(IN_FLIGHT, LEAVE, "the transaction is in flight here")                                                \
    X(SEEN_ONCE, LEAVE, "seen in one scan only")                                                            \
    X(LOG_UNKNOWN, LEAVE, "the decision log failed in this run: no verdict until it is opened anew")        \
    X(COMMIT_RECORD, COMMIT, "the decision log holds a durable COMMIT record")                              \
    X(NO_RECORD, ROLLBACK, "no COMMIT record: presumed abort")

enum recovery_rule {
#define X(code, verdict, words) RULE_##code,
    XATOP_RULE_LIST(X)
#undef X
};

struct recovery_facts {
    enum xid_owner owner;
    uint32_t xid_epoch, our_epoch;
    bool node_raised;       /* our epoch stands in the node's epoch row, older sessions gone and settled */
    bool in_flight;         /* at the snapshot between the scans, or after it */
    bool in_both_scans;
    bool log_healthy;
    bool commit_record;     /* in memory or found on disk, discharged or not */
    bool record_has_node;   /* the record names a node id for that branch ... */
    bool node_id_matches;   /* ... and it is this node's */
};

enum verdict recovery_verdict(const struct recovery_facts *facts, enum recovery_rule *rule);
const char *verdict_name(enum verdict verdict);
const char *recovery_rule_name(enum recovery_rule rule);  /* "no-record" */
const char *recovery_rule_words(enum recovery_rule rule);

#endif
