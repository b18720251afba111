/* The protocol core: one global transaction as a pure state machine (presumed abort, 1 to 16 branches).
 *
 *   ACTIVE ──► PREPARING ──► DECIDING ──► COMMITTING ──► COMMITTED
 *      │           └──────────► ROLLING_BACK ──► ROLLED_BACK      DECIDING leaves only forward (or IN_DOUBT: log failed)
 *      └─► ONE_PHASE ─► COMMITTED | ROLLING_BACK | OUTCOME_UNKNOWN (fence, then marker)       exactly one branch
 *
 * txn_step: an event in (its time inside it), a bounded list of actions out; txn_deadline_ms says when to wake it with
 * TXN_EV_TICK. No allocation, no clock, no callback, keeps no pointer. The caller owns every struct. Any thread, one at
 * a time per struct.
 *
 * Where it waits, and what a death of the coordinator there means (presumed abort, Mohan/Lindsay/Obermarck 1986):
 *   ACTIVE, PREPARING, ROLLING_BACK  nothing was decided: no COMMIT record, recovery rolls every branch back
 *   DECIDING                         the record is durable (recovery commits) or not (recovery rolls back)
 *   COMMITTING                       the record is durable: recovery commits every branch
 *   ONE_PHASE                        the server decided alone; the marker row tells (xa-facts rule 12)
 *
 * Rules it enforces: all work of all branches ends before the first PREPARE (12a); any error before the decision aborts
 * the whole (21); XA COMMIT only after the decision is durable (rule 1); phase two never changes its mind and never gives
 * up (rule 7); NOTA is never an outcome (20); a branch whose reply was lost after PREPARE is fenced, settled and then
 * finished from elsewhere with the marker as witness (3a, 12b). */
#ifndef XATOP_TXN_H
#define XATOP_TXN_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/vocab.h"

struct txn_limits {
    int64_t transaction_timeout_ms; /* ACTIVE */
    int64_t prepare_timeout_ms;     /* PREPARING, ONE_PHASE */
    int64_t finish_timeout_ms;      /* one phase-two statement */
    int64_t settle_ms;              /* at least 250 in production (3a) */
    int64_t backoff_ms, backoff_max_ms;
    bool packet; /* whole first phase of a branch in one message */
};

/* What a branch in BACKOFF does next. */
enum txn_retry { TXN_RETRY_SEND, TXN_RETRY_FENCE, TXN_RETRY_RESOLVE };

struct txn_branch {
    enum branch_state state;
    uint8_t work_count, step; /* step: work operations answered */
    bool started, ended;      /* START, END were answered OK on the live session */
    bool prepare_sent;        /* PREPARE or ONE PHASE: from here a lost reply leaves doubt */
    bool voted_yes;
    bool commit_told, rollback_told; /* that verdict has left for it; never both */
    bool cut;                 /* its own session is gone */
    bool damaged;             /* finished against the decision: heuristic; never silent */
    bool alarmed;             /* still prepared behind a phantom OK */
    uint32_t attempts;        /* of phase two, for the backoff */
    int64_t retry_at_ms;      /* BACKOFF, SETTLING */
    enum txn_retry retry;     /* BACKOFF */
    uint16_t sent;            /* verbs of the message that is out; 0: none */
};

struct txn {
    enum txn_state state;
    struct txn_limits limits;
    uint8_t branch_count;
    bool decided_commit;  /* the COMMIT record was asked for; never with one phase, where the server decides */
    bool decision_durable, recovered;
    bool begun;           /* TXN_EV_BEGIN was taken */
    bool retryable;       /* the abort was caused by RETRYABLE only: try again under a new xid */
    uint8_t blamed;       /* branch (1..) whose answer caused the abort, 0: none (deadline, operator) */
    enum reply blame;     /* that answer */
    int64_t begun_ms, deadline_ms;
    uint64_t jitter;      /* seed of the backoff jitter */
    struct txn_branch branches[XATOP_BRANCHES_MAX]; /* index = branch - 1 */
};

enum txn_event_kind {
    TXN_EV_BEGIN,    /* every branch has an open session */
    TXN_EV_REPLY,    /* branch, reply, verbs: the last verb that was answered, i.e. where a packet stopped (LOST, NOT_SENT: 0 will do).
                        Exactly one per SEND */
    TXN_EV_LOGGED,   /* the COMMIT record is durable */
    TXN_EV_LOG_FAILED,
    TXN_EV_FENCED,   /* branch; ok: the holder is gone (or the server restarted); !ok: could not, try again */
    TXN_EV_RESOLVED, /* branch, finding */
    TXN_EV_TICK,     /* now_ms reached txn_deadline_ms; always accepted */
    TXN_EV_ABORT     /* the operator or the engine gives up (also before BEGIN: a session could not be opened). Always accepted; after
                        DECIDING or ONE_PHASE was reached it changes nothing: watch the state */
};

struct txn_event {
    enum txn_event_kind kind;
    int64_t now_ms;   /* monotonic, never smaller than before */
    uint8_t branch;   /* 1.. */
    uint16_t verbs;
    enum reply reply;
    enum finding finding;
    bool ok;
};

enum txn_action_kind {
    TXN_ACT_SEND,       /* branch, verbs, step (first work op), deadline_ms: on the branch's own session */
    TXN_ACT_LOG_COMMIT, /* append and sync the COMMIT record, then TXN_EV_LOGGED */
    TXN_ACT_FENCE,      /* branch: kill its session's connection id, wait until gone, then TXN_EV_FENCED */
    TXN_ACT_RESOLVE,    /* branch, commit/rollback/ask (verbs COMMIT, ROLLBACK or 0): foreign finish, then TXN_EV_RESOLVED */
    TXN_ACT_CUT,        /* branch: close its session, best-effort KILL; no answer expected (never prepared: it dies alone) */
    TXN_ACT_ALARM,      /* branch: damaged (finished against the decision), else still prepared behind a phantom OK: tell people */
    TXN_ACT_LOG_DONE,   /* unforced: every branch verified committed */
    TXN_ACT_END         /* terminal state reached; the slot may be freed after this step */
};

enum { TXN_ACTIONS_MAX = 3 * XATOP_BRANCHES_MAX + 4 };

struct txn_action {
    enum txn_action_kind kind;
    uint8_t branch;
    uint8_t step;
    uint16_t verbs;
    int64_t deadline_ms; /* of the message; the carrier enforces it and answers REPLY_LOST */
};

struct txn_update {
    uint8_t count;
    struct txn_action actions[TXN_ACTIONS_MAX]; /* to be done in this order */
    /* Moves of this step, for the trace, in the order they were made (branch 0 = the machine). */
    uint8_t move_count;
    struct {
        uint8_t branch;
        int16_t from, to;
    } moves[2 * XATOP_BRANCHES_MAX + 4];
};

/* @work_counts: operations per branch. */
void txn_init(struct txn *txn, const struct txn_limits *limits, uint8_t branch_count, const uint8_t *work_counts,
              int64_t now_ms, uint64_t jitter_seed);
/* A transaction found by recovery: every session of its epoch is fenced. @commit: a durable COMMIT record exists
 * (COMMITTING), else presumed abort (ROLLING_BACK). @branch_mask: bit b-1 = branch b is to be finished (for an abort only
 * the branches that were found); the others count as finished. The first txn_step (TXN_EV_BEGIN) emits its RESOLVEs; it never
 * sends on a session of its own and never fences. */
void txn_init_recovered(struct txn *txn, const struct txn_limits *limits, bool commit, uint8_t branch_count,
                        uint32_t branch_mask, int64_t now_ms, uint64_t jitter_seed);

/* False: the event does not fit the state (late or duplicate): nothing changed, @update is empty. */
bool txn_step(struct txn *txn, const struct txn_event *event, struct txn_update *update);
/* When TXN_EV_TICK is due; INT64_MAX: never. */
int64_t txn_deadline_ms(const struct txn *txn);
/* What may truthfully be told now: NONE while undecided; *_PENDING while decided and some branch is not finished. */
enum outcome txn_outcome(const struct txn *txn);
bool txn_terminal(const struct txn *txn);
/* NULL if every invariant holds, else the name of the broken one. txn_step asserts it after every step, and the same of its actions. */
const char *txn_broken_invariant(const struct txn *txn);
const char *txn_broken_action(const struct txn *txn, const struct txn_update *update); /* @txn as it is after the step */

bool txn_state_may_follow(enum txn_state from, enum txn_state to);
bool branch_state_may_follow(enum branch_state from, enum branch_state to);

#endif
