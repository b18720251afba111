/* The words of what operators do by hand (xa-facts rule 14): they stand below every room that speaks them, as vocab.h does. */
#ifndef XATOP_FORCED_H
#define XATOP_FORCED_H

/* What is known of one branch of a transaction that an operator decides by hand. code, word */
#define XATOP_FATE_LIST(X)                                                                                  \
    X(UNKNOWN, "unknown")         /* its node cannot be read, or nobody knows which one it is */            \
    X(PREPARED, "prepared")                                                                                 \
    X(COMMITTED, "committed")                                                                               \
    X(ROLLED_BACK, "rolled-back") /* or never prepared: no marker, not listed, on a node that was read */

enum branch_fate {
#define X(code, word) FATE_##code,
    XATOP_FATE_LIST(X)
#undef X
};

/* What the decision log says of it. code, word */
#define XATOP_DECISION_LIST(X)                                                                              \
    X(UNKNOWN, "unknown") /* another log's; the log cannot tell; or it holds none though a branch is committed */ \
    X(COMMIT, "commit")                                                                                     \
    X(NONE, "none") /* presumed abort */

enum decision {
#define X(code, word) DECISION_##code,
    XATOP_DECISION_LIST(X)
#undef X
};

/* How a branch that was forced by hand fits to the decision and to the other branches (heuristic.h, xa-facts rule 14).
 * code, word, words for people */
#define XATOP_FORCED_LIST(X)                                                                                \
    X(AS_DECIDED, "as-decided", "no branch contradicts the decision or another branch")                    \
    X(MIXED, "mixed", "heuristic mixed: a branch contradicts the decision or another branch")              \
    X(HAZARD, "hazard", "heuristic hazard: it cannot be told how every branch ended")

enum forced_outcome {
    FORCED_NONE, /* not known yet */
#define X(code, word, words) FORCED_##code,
    XATOP_FORCED_LIST(X)
#undef X
    FORCED_OUTCOMES
};

/* Take any number: "?" if it is none of the list. */
const char *branch_fate_name(int fate);
const char *decision_name(int decision);

#endif
