/* Inside the engine room: one transaction, its asker, and its requests at the ports. */
#ifndef XATOP_ENGINE_PARTS_H
#define XATOP_ENGINE_PARTS_H

#include "xatop/dlog_writer.h"
#include "xatop/engine.h"

enum {
    NO_CARRIER = UINT16_MAX,
    NO_NODE = UINT8_MAX,
    ROWS_MAX = 2 * XATOP_WORK_MAX,
    OPEN_TIMEOUT_MS = 5000,   /* connect and check a session */
    ASK_TIMEOUT_MS = 5000,    /* one question to a control session */
    RAISE_TIMEOUT_MS = 10000, /* kills older sessions and waits until they are gone */
    HEALTH_TIMEOUT_MS = 2000,
    START_PATIENCE_MS = 6000, /* a node that does not answer holds up the start no longer */
    PROBE_MS = 200,           /* a node that is away is asked again after this, doubled up to ... */
    PROBE_MAX_MS = 2000,
    FINDS_OUT_MAX = 64,
    STREAM_WAIT_MS = 2000,
    STREAM_PAUSE_MS = 200, /* after a stream's transaction could not even start */
};

/* --- what is out at the ports: the request first, so that a completion finds its box --- */
struct message_box {
    struct message message;
    struct slot *slot;
    struct message_box *next_free, *next_all;
};

enum purpose {
    FOR_RAISE,
    FOR_HEALTH,
    FOR_SCAN,
    FOR_LOOKUP,
    FOR_KEY,
    FOR_FENCE,
    FOR_RESOLVE,
    FOR_FLOOR,
    FOR_SIBLINGS,
    FOR_FORCE
};

struct control_box {
    struct control control;
    enum purpose purpose;
    struct slot *slot;
    struct run *run;
    struct control_box *next_free, *next_all;
};

struct log_box {
    struct dlog_request request;
    struct slot *slot;  /* COMMIT; NULL: DONE or a find */
    uint32_t candidate; /* find: index in the sweep */
    bool force;         /* of the branch that is finished by hand */
    struct log_box *next_free, *next_all;
};

/* --- one asked-for piece of business, over all its attempts --- */
enum run_state {
    RUN_NODES,   /* waits until the nodes it needs are raised and swept */
    RUN_LOOKUP,  /* a number is being read */
    RUN_KEYS,    /* the idempotency key is being looked up */
    RUN_QUEUED,  /* waits for rows or a carrier */
    RUN_GOING,   /* has a slot */
    RUN_BACKOFF, /* aborted, to be tried again under a new xid */
    RUN_OVER
};

struct run {
    struct run *next;
    struct command *command; /* NULL: a stream's, or already told */
    const struct scenario *scenario;
    struct scenario_params params;
    char key[XATOP_KEY_MAX + 1], fingerprint[33];
    bool packet, stream, told, planned, key_known;
    bool aside; /* of a stream, but waiting for a node that went away: not one of its number any more */
    enum run_state state;
    uint32_t asked; /* controls out */
    uint32_t retries;
    int64_t begun_us, start_by_ms, retry_at_ms, wait_ms;
    int64_t
        decided_ms; /* since when only phase two, own or of the key's first attempt, is waited for; 0: not yet */
    struct plan plan;
    uint64_t rows[ROWS_MAX];
    unsigned row_count;
    struct slot *slot;
    /* answers about the key */
    bool key_done, key_other, key_unresolved, key_unread;
    char key_gtrid[XATOP_GTRID_MAX + 1];
};

/* --- one global transaction: the machine and what the ports must know --- */
struct slot_branch {
    uint8_t node; /* NO_NODE: a recovered branch whose node has not been met yet */
    uint64_t node_id;
    struct session_ref session;
    bool foreign;          /* its session is gone: only control sessions touch it from here */
    bool parked;           /* FENCE or RESOLVE waits for the node to be raised */
    enum fault_act strike; /* of its node, before the next message leaves */
    struct txn_action action;
};

/* why it may have been aborted: a branch's first bad answer */
struct cause {
    bool kept, injected;
    uint8_t step;
    enum refusal refusal;
    int64_t have;
    int32_t error;
    char detail[XATOP_REASON_MAX];
};

struct slot {
    struct slot *next;
    struct txn txn;
    struct gtrid gtrid;
    struct run *run;  /* NULL: recovered */
    uint32_t mask;    /* branches it is to finish */
    uint64_t log_lsn; /* of the COMMIT record, if recovered from one */
    uint16_t carrier;
    uint8_t opening, open_failed;
    bool begun, ended, forget_passed;
    uint32_t messages_out, others_out;
    struct slot_branch branches[XATOP_BRANCHES_MAX];
    struct cause causes[XATOP_BRANCHES_MAX];
    char meaning[XATOP_REASON_MAX];
};

#endif
