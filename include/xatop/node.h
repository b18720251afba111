/* The port to participant nodes: what the engine asks, what a node kind (MySQL/MariaDB, simulated) answers.
 *
 * A carrier belongs to one transaction in flight and owns one session per node it touches; the session that prepared a branch
 * also finishes it (xa-facts 3a). A node also has one control session for everything that is not a transaction's own message.
 *
 * Ownership: a message or control request belongs to the port from send to its completion, exactly one per request; the engine
 * owns the memory. Completions reach the engine thread only (real nodes: through the outbox; simulated: by call). */
#ifndef XATOP_NODE_H
#define XATOP_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xatop/completion.h"
#include "xatop/effect.h"
#include "xatop/floor.h"
#include "xatop/limits.h"
#include "xatop/points.h"
#include "xatop/preflight.h"
#include "xatop/status.h"
#include "xatop/verb.h"
#include "xatop/vocab.h"
#include "xatop/work.h"
#include "xatop/xid.h"

/* Who we are, towards the nodes' epoch rows and session tables. */
struct coordinator {
    char id[XATOP_COORD_MAX + 1];
    uint64_t log_id;
    uint32_t epoch;
    int64_t pid, since_wall_ms;
    char host[64];
    uint64_t place; /* where the log's folder is: the same number means the same folder of the same machine; 0: not known */
};

/* A session as a fence must know it: a connection id means nothing on a restarted server. */
struct session_ref {
    uint64_t connection_id; /* 0: none */
    int64_t server_start;   /* unix seconds, from the server */
};

/* One message to one node on one carrier's session. */
struct message {
    struct completion completion;
    /* in */
    uint64_t token;
    uint16_t carrier;
    uint8_t node, branch; /* branch 1.. */
    uint8_t branch_count; /* of the transaction: goes into the marker rows */
    uint16_t verbs;       /* VERB_OPEN: make sure a live, registered, checked session exists */
    uint8_t step;         /* with WORK alone: the work operation; in a packet all operations go */
    struct xid xid;
    const struct branch_plan *plan; /* valid until the completion */
    int64_t deadline_ms;            /* monotonic; past it the session is cut and the answer is LOST (or NOT_SENT) */
    struct message_faults faults;
    /* out */
    enum reply reply;
    uint16_t last_verb;      /* the verb the reply is about; OK: the last of verbs */
    int32_t error;           /* server or client error number */
    bool injected;           /* the answer was made up by a fault */
    enum refusal refusal;    /* REPLY_REFUSED: why, which operation, what the row holds */
    uint8_t refused_step;
    int64_t refused_have;
    int64_t sent_us, reply_us; /* measured: first byte out, last byte of the answer in; 0 if it never was */
    struct session_ref session;
    bool unreachable;        /* OPEN: could not connect or authenticate */
    bool fenced;             /* OPEN: the epoch row is not ours any more */
    char detail[XATOP_REASON_MAX]; /* sanitised server words */
};

struct node_info {
    enum node_state state;
    uint64_t node_id;       /* random, in the schema: the node's identity */
    int64_t server_start;   /* unix seconds; a change = the server restarted: sweep again (rule 6) */
    int64_t rtt_us;
    int32_t prepared, lock_waits, sessions; /* -1: not known */
    bool detaches;          /* xa_detach_on_prepare */
    char make[16];          /* "MySQL", "MariaDB" */
    char version[64];       /* sanitised */
};

/* code, what it does */
#define XATOP_CONTROL_LIST(X)                                                                               \
    X(HEALTH, "sample node_info")                                                                           \
    X(RAISE, "rule 4: check and raise the epoch row, kill older sessions, wait until gone, settle")         \
    X(SCAN, "XA RECOVER: every prepared branch")                                                            \
    X(FENCE, "KILL session, wait until it has left the process list (12b)")                                 \
    X(RESOLVE, "foreign finish: verbs COMMIT, ROLLBACK or 0 (ask); then marker FOR UPDATE NOWAIT (3a)")      \
    X(LOOKUP, "an unlocked read of one number: the price of a product")                                     \
    X(KEY, "what became of an idempotency key")                                                             \
    X(EFFECTS, "what a transaction's markers say, decided or not")                                           \
    X(FLOOR, "tell the verified floor of a log, raise it")                                                  \
    X(MARKERS, "which branches between two gtrids have their marker")                                       \
    X(PRUNE, "fold markers at or below the floor into their sums and remove them")

enum control_kind {
#define X(code, words) CONTROL_##code,
    XATOP_CONTROL_LIST(X)
#undef X
};

enum key_state { KEY_UNKNOWN, KEY_ABSENT, KEY_DONE, KEY_UNRESOLVED };

enum raise_result {
    RAISE_UNREACHABLE,
    RAISE_DONE,
    RAISE_OTHER_LOG,   /* another decision log owns the coordinator id: detail says host, pid, since */
    RAISE_NEWER_EPOCH, /* our own log, a newer epoch: another incarnation took over */
    RAISE_NO_SCHEMA,   /* `xatop setup` or `init` has not been run there, or not since the schema grew: detail says so */
    RAISE_ELSEWHERE,   /* our own log, but at another place, and sessions of it are alive: ours is a copy (detail as above) */
    RAISE_CLEAR,       /* a look: nothing stands against raising */
    RAISE_UNFIT        /* the preflight refuses it, nothing was written there: detail says the first reason */
};

struct control {
    struct completion completion;
    /* in */
    enum control_kind kind;
    uint64_t token;
    uint8_t node;
    int64_t deadline_ms;
    const struct coordinator *coordinator; /* RAISE */
    bool look;                             /* RAISE: only look whether it may be done; nothing is changed */
    bool take_over;                        /* RAISE: claim the id even from another log or place (rule 3) */
    bool claimed;                          /* RAISE: claimed earlier in this run: what another log left prepared is no obstacle */
    bool unsafe;                           /* RAISE: also a node that the preflight refuses */
    struct session_ref session;            /* FENCE */
    struct xid xid;                        /* RESOLVE */
    uint8_t branch;
    uint16_t verbs;
    uint64_t expect_node_id;               /* RESOLVE: 0 = any */
    enum work_table table;                 /* LOOKUP */
    int64_t row;
    char key[XATOP_KEY_MAX + 1];           /* KEY */
    char effects_of[XATOP_GTRID_MAX + 1];  /* EFFECTS: a gtrid */
    struct floor_ask floor;                /* FLOOR, MARKERS, PRUNE: in and out */
    /* out */
    bool ok;                  /* the node was reached and the question answered */
    int32_t error;
    int64_t start_us, end_us; /* measured */
    struct node_info info;    /* HEALTH, RAISE */
    enum raise_result raised;
    struct preflight *preflight; /* RAISE, HEALTH: malloc'd, the receiver frees; NULL: as it was. SERVER is not judged */
    bool fenced;              /* HEALTH: the epoch row is not ours any more */
    bool displaced;           /* RAISE: the id was another log's, or our log's at another place; detail says whose */
    uint32_t owner_epoch;     /* RAISE: of the row, where that is why it is refused */
    uint32_t elsewhere;       /* RAISE: up to this epoch our log was at other places (schema: xa_place); 0: never */
    uint32_t killed;          /* RAISE: older sessions */
    struct xid *xids;         /* SCAN: malloc'd, the receiver frees; at most XATOP_SCAN_MAX */
    uint32_t xid_count, xid_total;
    enum finding finding;     /* RESOLVE */
    struct effect *effects;   /* EFFECTS: malloc'd, the receiver frees; also those that nobody has decided */
    uint32_t effect_count;
    uint16_t committed;       /* EFFECTS: bit b - 1: branch b of them is committed */
    struct effect_key effect_key;
    bool found;               /* LOOKUP */
    int64_t value;
    enum key_state key_state; /* KEY */
    char fingerprint[33];
    char gtrid[XATOP_GTRID_MAX + 1]; /* KEY: the first attempt's, sanitised */
    char detail[XATOP_REASON_MAX];
};

struct node_port {
    void *ctx;
    void (*send)(void *ctx, struct message *message);
    void (*control)(void *ctx, struct control *control); /* in order per node */
    /* Close a carrier's session with a node at once, and best-effort KILL it from the control session; no completion. */
    void (*cut)(void *ctx, uint16_t carrier, uint8_t node);
};

#endif
