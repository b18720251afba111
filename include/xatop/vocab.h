/* The words of the protocol: one list gives enum, name and help. They stand here, below every room that speaks them, so that
 * trace, model and console need nothing of the core, the engine or the nodes. */
#ifndef XATOP_VOCAB_H
#define XATOP_VOCAB_H

/* --- the global transaction; what each state means: txn.h. code, word, terminal */
#define XATOP_TXN_STATE_LIST(X)                                                                              \
    X(ACTIVE, "active", 0)                                                                                   \
    X(PREPARING, "preparing", 0)                                                                             \
    X(DECIDING, "deciding", 0)                                                                               \
    X(COMMITTING, "committing", 0)                                                                           \
    X(ROLLING_BACK, "rolling-back", 0)                                                                       \
    X(ONE_PHASE, "one-phase", 0)                                                                             \
    X(OUTCOME_UNKNOWN, "outcome-unknown", 0)                                                                 \
    X(COMMITTED, "committed", 1)                                                                             \
    X(ROLLED_BACK, "rolled-back", 1)                                                                         \
    X(IN_DOUBT, "in-doubt",                                                                                  \
      1) /* the log failed: no verdict in this run; the next opening of the log decides */

enum txn_state {
#define X(code, word, terminal) TXN_##code,
    XATOP_TXN_STATE_LIST(X)
#undef X
        TXN_STATES
};

/* --- one branch. code, word */
#define XATOP_BRANCH_STATE_LIST(X)                                                                           \
    X(IDLE, "idle")                 /* nothing sent */                                                       \
    X(STARTING, "starting")         /* START sent */                                                         \
    X(WORKING, "working")           /* WORK sent */                                                          \
    X(ENDING, "ending")             /* END sent */                                                           \
    X(ENDED, "ended")               /* END answered */                                                       \
    X(PREPARING, "preparing")       /* PREPARE (or a packet that holds it) sent */                           \
    X(PREPARED, "prepared")         /* voted yes */                                                          \
    X(COMMITTING, "committing")     /* COMMIT or COMMIT ONE PHASE sent on its own session */                 \
    X(ROLLING_BACK, "rolling-back") /* ROLLBACK (or the END before it) sent on its own session */            \
    X(BACKOFF, "backoff")           /* phase two was refused for now; retried at retry_at_ms */              \
    X(FENCING, "fencing")           /* the session that held it is being killed */                           \
    X(SETTLING, "settling")         /* gone from the process list; waits settle_ms (3a) */                   \
    X(RESOLVING, "resolving")       /* foreign finish + marker check under way */                            \
    X(COMMITTED, "committed")                                                                                \
    X(ROLLED_BACK, "rolled-back")

enum branch_state {
#define X(code, word) BRANCH_##code,
    XATOP_BRANCH_STATE_LIST(X)
#undef X
        BRANCH_STATES
};

/* How a message ended; the node maps server errors to these (xa-facts section 2). */
#define XATOP_REPLY_LIST(X)                                                                                  \
    X(OK, "ok")                                                                                              \
    X(REFUSED, "refused")     /* a guard said no: overdraft, short stock, no such row */                     \
    X(RETRYABLE, "retryable") /* before PREPARE: deadlock 1213, lock wait 1205: abort, new xid */            \
    X(ERROR, "error")         /* any other SQL error before the vote, or a refused vote */                   \
    X(ROLLED_BACK, "rolled-back-by-server") /* 1402, 1613, 1614: the branch is gone */                       \
    X(NOTA, "nota")                         /* 1397: proves nothing */                                       \
    X(BUSY, "busy")         /* phase two only: 1205, 1290, ER_XA_RETRY, ...: retry for ever */               \
    X(LOST, "lost")         /* bytes left, no answer: the server may or may not have acted */                \
    X(NOT_SENT, "not-sent") /* nothing left us; the session is gone */

enum reply {
#define X(code, word) REPLY_##code,
    XATOP_REPLY_LIST(X)
#undef X
};

/* What a foreign finish (RESOLVE) found. */
#define XATOP_FINDING_LIST(X)                                                                                \
    X(COMMITTED, "committed")           /* marker row present, branch not listed */                          \
    X(ROLLED_BACK, "rolled-back")       /* no marker row, not listed, probe says absent */                   \
    X(STILL_PREPARED, "still-prepared") /* marker row locked though not listed: phantom OK, alarm (3a) */    \
    X(BUSY, "busy")                     /* refused for now: 1205, 1290, held by another session */           \
    X(UNREACHABLE, "unreachable")       /* no verdict */                                                     \
    X(OTHER_NODE, "other-node")         /* the node id differs from the record's: no verdict */

enum finding {
#define X(code, word) FINDING_##code,
    XATOP_FINDING_LIST(X)
#undef X
};

/* What the caller is told. word = JSON `outcome` */
#define XATOP_OUTCOME_LIST(X)                                                                                \
    X(NONE, "none")                                                                                          \
    X(COMMITTED, "committed")                                                                                \
    X(ABORTED, "aborted")                                                                                    \
    X(COMMITTED_PENDING, "committed-pending")                                                                \
    X(ABORTED_PENDING, "aborted-pending")                                                                    \
    X(IN_DOUBT, "in-doubt")

enum outcome {
#define X(code, word) OUTCOME_##code,
    XATOP_OUTCOME_LIST(X)
#undef X
};

/* What recovery does with a branch that a node lists. code, word */
#define XATOP_VERDICT_LIST(X)                                                                                \
    X(COMMIT, "commit")                                                                                      \
    X(ROLLBACK, "rollback")                                                                                  \
    X(LEAVE, "leave")                                                                                        \
    X(FOREIGN, "foreign")                                                                                    \
    X(AMBIGUOUS, "ambiguous")

enum verdict {
#define X(code, word) VERDICT_##code,
    XATOP_VERDICT_LIST(X)
#undef X
};

/* The first rule that fits gives the verdict. code, verdict, name, words */
#define XATOP_RULE_LIST(X)                                                                                   \
    X(NOT_OUR_FORM, FOREIGN, "not-our-form", "the xid is not of this coordinator's making")                  \
    X(OTHER_LOG, AMBIGUOUS, "other-log",                                                                     \
      "our coordinator id, but another decision log: only that log knows")                                   \
    X(NEWER_EPOCH, AMBIGUOUS, "newer-epoch",                                                                 \
      "a newer epoch of this log wrote it: another coordinator is running")                                  \
    X(NODE_NOT_RAISED, LEAVE, "node-not-raised",                                                             \
      "this node's epoch is not raised yet: an older session may still act")                                 \
    X(OTHER_NODE, AMBIGUOUS, "other-node", "the node's identity is not the one in the record")               \
    X(IN_FLIGHT, LEAVE, "in-flight", "the transaction is in flight here")                                    \
    X(SEEN_ONCE, LEAVE, "seen-once", "seen in one scan only")                                                \
    X(LOG_UNKNOWN, LEAVE, "log-unknown",                                                                     \
      "the decision log failed in this run: no verdict until it is opened anew")                             \
    X(COMMIT_RECORD, COMMIT, "commit-record", "the decision log holds a durable COMMIT record")              \
    X(OTHER_PLACE, AMBIGUOUS, "other-place",                                                                 \
      "written when this log was at another place: only that copy of the log knows")                         \
    X(SIBLING_COMMITTED, AMBIGUOUS, "sibling-committed",                                                     \
      "no COMMIT record, but another branch is committed: the log has lost a decision")                      \
    X(NO_RECORD, ROLLBACK, "no-record", "no COMMIT record: presumed abort")

enum recovery_rule {
#define X(code, verdict, name, words) RULE_##code,
    XATOP_RULE_LIST(X)
#undef X
};

/* State of a participant node. code, word */
#define XATOP_NODE_STATE_LIST(X)                                                                             \
    X(UNKNOWN, "unknown") X(UP, "up") X(SLOW, "slow") X(FROZEN, "frozen") X(DOWN, "down") X(CUT, "cut") \
    X(UNFIT, "unfit")
enum node_state {
#define X(code, word) NODE_##code,
    XATOP_NODE_STATE_LIST(X)
#undef X
};

/* Names take any number (journals are untrusted): "?" if it is none of the list. */
const char *txn_state_name(int state);
const char *branch_state_name(int state);
const char *reply_name(int reply);
const char *finding_name(int finding);
const char *outcome_name(int outcome);
const char *verdict_name(int verdict);
const char *recovery_rule_name(int rule); /* "no-record" */
const char *recovery_rule_words(int rule);
const char *node_state_name(int state);

#endif
