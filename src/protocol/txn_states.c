#include "config.h"

#include "xatop/txn.h"

/* The one table of the machine. Arrows are numbered; what a death of the coordinator at each means stands
 * below.
 *
 *                 1             2            3               4
 *      ACTIVE ───────► PREPARING ─────► DECIDING ─────► COMMITTING ─────► COMMITTED
 *        │  │              │                │
 *        │  │ 5            │ 5              │ 6
 *        │  └──────────────┴──► ROLLING_BACK│──7──► ROLLED_BACK
 *        │                          ▲       └─────► IN_DOUBT
 *        │ 8                        │ 9
 *        └───────► ONE_PHASE ───────┤
 *                      │   │        │
 *                   10 │   └────────│────────────────► COMMITTED
 *                      ▼            │
 *               OUTCOME_UNKNOWN ────┴─11─► COMMITTED | ROLLED_BACK
 *
 *  Where the program dies          what recovery finds, and does
 *  before or at 1                  no branch is prepared, or some are; no COMMIT record: rolled back
 * (presumed abort) at 2, record not durable        every branch prepared, no COMMIT record: rolled back.
 * Nobody was told anything yet at 3, record durable            every branch prepared, COMMIT record:
 * committed between 3 and 4                 some branches committed, the rest prepared, COMMIT record: the
 * rest committed at 4, before DONE was written   COMMIT record, nothing prepared: the markers are verified,
 * then DONE at 5, 7                         prepared branches without a COMMIT record: rolled back at 6 the
 * log failed: the record may or may not be durable. The next opening of the log reads what is there, makes it
 * durable, and that is the decision at 8, 9, 10, 11                 one branch, never prepared: the server
 * has committed it or not; the marker row tells
 *
 * DECIDING has no arrow to ROLLING_BACK: from the moment the record may be durable, only the log knows. */
#define BIT(state) (1u << (state))

static const unsigned txn_successors[TXN_STATES] = {
    [TXN_ACTIVE] = BIT(TXN_PREPARING) | BIT(TXN_ONE_PHASE) | BIT(TXN_ROLLING_BACK),
    [TXN_PREPARING] = BIT(TXN_DECIDING) | BIT(TXN_ROLLING_BACK),
    [TXN_DECIDING] = BIT(TXN_COMMITTING) | BIT(TXN_IN_DOUBT),
    [TXN_COMMITTING] = BIT(TXN_COMMITTED),
    [TXN_ROLLING_BACK] = BIT(TXN_ROLLED_BACK),
    [TXN_ONE_PHASE] = BIT(TXN_COMMITTED) | BIT(TXN_ROLLING_BACK) | BIT(TXN_OUTCOME_UNKNOWN),
    [TXN_OUTCOME_UNKNOWN] = BIT(TXN_COMMITTED) | BIT(TXN_ROLLED_BACK),
};

/* A branch leaves its first phase forward, or to ROLLING_BACK (asked on its own session), ROLLED_BACK
 * (nothing to ask: never started, its session is gone before PREPARE, or the server said it is gone) or
 * FENCING (its vote is in doubt). */
static const unsigned branch_successors[BRANCH_STATES] = {
    [BRANCH_IDLE] =
        BIT(BRANCH_STARTING) | BIT(BRANCH_PREPARING) | BIT(BRANCH_COMMITTING) | BIT(BRANCH_ROLLED_BACK),
    [BRANCH_STARTING] =
        BIT(BRANCH_WORKING) | BIT(BRANCH_ENDING) | BIT(BRANCH_ROLLING_BACK) | BIT(BRANCH_ROLLED_BACK),
    [BRANCH_WORKING] = BIT(BRANCH_ENDING) | BIT(BRANCH_ROLLING_BACK) | BIT(BRANCH_ROLLED_BACK),
    [BRANCH_ENDING] = BIT(BRANCH_ENDED) | BIT(BRANCH_ROLLING_BACK) | BIT(BRANCH_ROLLED_BACK),
    [BRANCH_ENDED] = BIT(BRANCH_PREPARING) | BIT(BRANCH_COMMITTING) | BIT(BRANCH_ROLLING_BACK),
    [BRANCH_PREPARING] =
        BIT(BRANCH_PREPARED) | BIT(BRANCH_ROLLING_BACK) | BIT(BRANCH_ROLLED_BACK) | BIT(BRANCH_FENCING),
    [BRANCH_PREPARED] = BIT(BRANCH_COMMITTING) | BIT(BRANCH_ROLLING_BACK) | BIT(BRANCH_RESOLVING),
    [BRANCH_COMMITTING] = BIT(BRANCH_COMMITTED) | BIT(BRANCH_BACKOFF) | BIT(BRANCH_FENCING) |
                          /* one phase: */ BIT(BRANCH_ROLLING_BACK) | BIT(BRANCH_ROLLED_BACK),
    [BRANCH_ROLLING_BACK] = BIT(BRANCH_ROLLED_BACK) | BIT(BRANCH_BACKOFF) | BIT(BRANCH_FENCING),
    [BRANCH_BACKOFF] =
        BIT(BRANCH_COMMITTING) | BIT(BRANCH_ROLLING_BACK) | BIT(BRANCH_FENCING) | BIT(BRANCH_RESOLVING),
    [BRANCH_FENCING] = BIT(BRANCH_SETTLING) | BIT(BRANCH_BACKOFF),
    [BRANCH_SETTLING] = BIT(BRANCH_RESOLVING),
    [BRANCH_RESOLVING] = BIT(BRANCH_COMMITTED) | BIT(BRANCH_ROLLED_BACK) | BIT(BRANCH_BACKOFF),
};

static const bool terminal[TXN_STATES] = {
#define X(code, word, is_terminal) [TXN_##code] = is_terminal,
    XATOP_TXN_STATE_LIST(X)
#undef X
};

bool txn_state_may_follow(enum txn_state from, enum txn_state to)
{
    return txn_successors[from] & BIT(to);
}

bool branch_state_may_follow(enum branch_state from, enum branch_state to)
{
    return branch_successors[from] & BIT(to);
}

bool txn_terminal(const struct txn *txn)
{
    return terminal[txn->state];
}
