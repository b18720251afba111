/* Inside the MySQL node: what its carrier, control and port files share. */
#ifndef NODE_MYSQL_INTERNAL_H
#define NODE_MYSQL_INTERNAL_H

#include <stdatomic.h>

#include "node_mysql_packet.h"
#include "node_mysql_session.h"

enum {
    SETTLE_MS = 300, /* xa-facts 3a: at least 250 */
    PREFLIGHT_WATCH_MAX = 96,
};

enum slot_state {
    SLOT_FREE,
    SLOT_HELD,    /* an injected delay before sending */
    SLOT_SENT,    /* waiting for the first byte of the answer */
    SLOT_ANSWERED /* an injected delay before telling */
};

/* What a carrier has under way with one node. */
struct slot {
    enum slot_state state;
    struct message *message;
    int64_t due_ms;    /* HELD, ANSWERED */
    bool holds_branch; /* its session has a branch, as far as was told */
    uint8_t count;
    struct statement statements[PACKET_STATEMENTS];
};

struct carrier {
    struct node_mysql *nodes;
    struct worker *worker;
    struct session sessions[XATOP_NODES_MAX];
    struct slot slots[XATOP_NODES_MAX];
    struct packet packet; /* scratch */
};

/* A node's control session; in the inbox: struct control, or struct kill_request. */
struct control_worker {
    struct node_mysql *nodes;
    uint8_t node;
    struct worker *worker;
    struct session session;
    bool raised;            /* this port has raised the epoch here once */
    bool registered;        /* this session stands in xa_session and saw our epoch */
    struct coordinator who; /* as raised */
    struct preflight_facts facts;
    char watched
        [PREFLIGHT_WATCH_MAX]; /* the settings as they were when facts was asked; "": not on this connection */
};

/* Best-effort KILL of a session that was cut; told apart from a struct control by its completion kind. */
struct kill_request {
    struct completion completion; /* COMPLETION_MESSAGE */
    bool farewell;                /* instead: delete our registrations */
    struct session_ref session;
};

struct node_mysql {
    uint8_t count;
    struct node_mysql_config configs[XATOP_NODES_MAX];
    struct node_mysql_options options;
    struct mailbox *outbox;
    struct watch *watch;
    atomic_bool stopping;
    atomic_bool untidy; /* a session was given up, or closed with a branch: the next start must settle (3a) */
    struct carrier *carriers[XATOP_INFLIGHT_MAX]; /* made when first used; the engine's thread only */
    struct control_worker controls[XATOP_NODES_MAX];
};

void carrier_loop(void *arg, struct mailbox *inbox);
/* Read the whole answer of @slot's message and fill it in. Blocks until the message's deadline. */
void carrier_read_answer(struct session *session, struct slot *slot);

void control_loop(void *arg, struct mailbox *inbox);
/* End the control worker; take our registrations off the node if nothing was left undone. */
void control_end(struct control_worker *worker);
/* Hand a completion over; returns only when it is taken or the outbox is closed. */
void node_post(struct node_mysql *nodes, void *completion);

/* --- on a session: shared by control worker and admin calls --- */

/* One row of XA RECOVER, as untrusted as all that comes from a server; false: no xid by the standard. */
bool scan_row_to_xid(char **row, const unsigned long *lengths, unsigned columns, struct xid *xid);
/* XA RECOVER. @xids may be NULL (count only). 1401 is explained in session->detail. */
bool session_scan(struct session *session, struct xid **xids, uint32_t *count, uint32_t *total);
bool session_lists(struct session *session, const struct xid *xid, bool *listed);
/* Everything in node_info but state; what cannot be known is -1, 0 or "". */
bool session_info(struct session *session, struct node_info *info);
bool session_node_id(struct session *session,
                     uint64_t *id); /* 0: no schema or no row; false: connection lost */
bool session_epoch(struct session *session, const char *coordinator, bool lock, struct node_epoch *out);
/* A number of a row, also one of 64 unsigned bits, kept bit by bit. */
bool cell_to_i64(const char *cell, int64_t *out);

/* xa_place: where a log was when it last raised its epoch here, and up to which epoch it was at other places. */
struct log_home {
    bool found;
    uint64_t place;
    uint32_t epoch, elsewhere;
};
bool session_home(struct session *session, const struct coordinator *who, struct log_home *out);
/* Both rows. @found: there is an epoch row, and we hold its lock. */
bool session_write_epoch(struct session *session, const struct coordinator *who, bool found,
                         uint32_t elsewhere);
/* "host H, pid P, since S", in front of it "log L" if wanted. */
void epoch_say_owner(const struct node_epoch *owner, bool with_log, char *detail, size_t cap);
/* KILL @ids (those that the process list shows under our account), wait until none is left. False: deadline or connection. */
bool session_kill_and_wait(struct session *session, const uint64_t *ids, uint32_t count, int64_t deadline_ms,
                           uint32_t *killed);
/* What preflight_judge needs but @facts->sessions. @whole: with the account's rights and the node's identity (about 25 questions),
 * else these stay as they are. False: connection lost. */
bool session_preflight(struct session *session, struct preflight_facts *facts, bool whole);
/* The settings that may change while the server runs, in one question: another text, another look. */
bool session_watched(struct session *session, char out[PREFLIGHT_WATCH_MAX]);
/* Does the process list show any of @ids under our account? */
bool session_any_present(struct session *session, const uint64_t *ids, uint32_t count, bool *any);
void session_raise(struct session *session, struct control *control);
void session_resolve(struct session *session, struct control *control);
void session_key(struct session *session, struct control *control);
void session_effects(struct session *session, struct control *control);
bool session_floors(struct session *session, struct audit_floors *out); /* of every log */
void session_floor(struct session *session, struct control *control);   /* FLOOR, MARKERS, PRUNE */

#endif
