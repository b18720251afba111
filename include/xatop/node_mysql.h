/* Participant nodes that are MySQL or MariaDB servers: the node port of node.h on real sessions, and the calls of commands
 * that need no coordinator (setup, init, status, show, audit, indoubt list).
 *
 * Threads: a carrier thread per transaction in flight (started when first used), a control thread per node, one watchdog that
 * shuts the socket of whoever read past its deadline. The port's three calls never block. Admin calls block until their
 * deadline and share nothing: one struct node_admin per thread.
 *
 * Sessions follow xa-facts rule 15: autocommit, READ COMMITTED (the branches lock exactly the rows they change, by primary key,
 * and no gaps), strict SQL mode, short lock waits, a short wait_timeout, our own deadlines; reconnect, LOCAL INFILE and
 * option files off. Every session registers itself in xa_session, then checks the epoch row (rule 4). */
#ifndef XATOP_NODE_MYSQL_H
#define XATOP_NODE_MYSQL_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/node.h"
#include "xatop/status.h"
#include "xatop/worker.h"

struct audit_snapshot; /* books.h */
struct effect;         /* effect.h */
struct lock_waits;     /* waits.h */
struct audit_floors;
struct shape;

struct node_mysql_config {
    char name[XATOP_NAME_MAX + 1];
    char socket[108]; /* if not empty: the unix socket; host and port are not used */
    char host[256];   /* always TCP, also for "localhost" */
    uint16_t port;
    char user[128];
    const char *
        password; /* the caller's, valid (and best in locked memory) as long as anything here is open; NULL: none */
    char database[65];
    /* TLS with a verified certificate is demanded of everything but a unix socket or a loopback address; there TLS is used
     * unverified if the server offers it. */
    bool verify;         /* demand it on loopback too */
    bool allow_insecure; /* "yes, really": a remote node without verification, or without TLS */
    char tls_ca[1024];   /* PEM file; empty: the system's */
};

struct node_mysql_options {
    struct coordinator coordinator;
    uint16_t carriers;              /* at most XATOP_INFLIGHT_MAX; message.carrier is below it */
    int64_t transaction_timeout_ms; /* wait_timeout of a carrier's session is a small multiple of it */
    int64_t lock_wait_ms; /* innodb_lock_wait_timeout and lock_wait_timeout, rounded up to seconds */
    int64_t connect_timeout_ms;
    /* FAULT_CRASH on the thread that holds the bytes; NULL: _exit(99). If it returns, the message ends LOST and its session is
     * cut. */
    void (*crash)(void *ctx);
    /* Strike a node, on that thread: before the first byte leaves, or after the answer was read; may block. NULL: nothing. */
    void (*harm)(void *ctx, enum fault_act act, uint8_t node);
    void *hook_ctx;
};

/* Before any of the other calls: first once on the main thread before there are others, then again on each thread (but ours)
 * that uses admin calls meanwhile; each with its own end on the same thread. Also ignores SIGPIPE. */
enum status node_mysql_library_init(struct err *err);
void node_mysql_library_end(void);

struct node_mysql; /* opaque */

/* No connection is made here. Completions (struct message, struct control) are posted to @outbox, which must have room for
 * all requests that are out, and outlives the port. Copies @configs (not the passwords). STATUS_INTERNAL: no memory or threads. */
enum status node_mysql_start(struct node_mysql **out, const struct node_mysql_config *configs, uint8_t count,
                             const struct node_mysql_options *options, struct mailbox *outbox,
                             struct err *err);
struct node_port node_mysql_port(struct node_mysql *nodes);
/* Cut every session, complete what is out (LOST, not ok), end the threads, free. Nothing may be sent meanwhile.
 * NULL is allowed. Takes at most the connect timeout. */
void node_mysql_stop(struct node_mysql *nodes);

/* --- commands without a coordinator: one plain session, synchronous --- */

struct node_admin; /* opaque */

/* Connect. @create_database: make the database first if it is missing (setup, init). STATUS_NODE: unreachable, refused,
 * no such database. */
enum status node_admin_open(struct node_admin **out, const struct node_mysql_config *config,
                            bool create_database, int64_t deadline_ms, struct err *err);
void node_admin_close(struct node_admin *admin); /* NULL is allowed */
/* For the calls that follow: monotonic; past it the socket is shut and STATUS_NODE returned. */
void node_admin_deadline(struct node_admin *admin, int64_t deadline_ms);

/* Create what is missing of the schema and the node's identity. Harmless when repeated. */
enum status node_admin_create(struct node_admin *admin, struct err *err);
/* Drop the business tables, markers and keys and create them empty; the node's identity and the epoch row stay.
 * STATUS_NODE with words if a prepared branch holds one of them. */
enum status node_admin_reset(struct node_admin *admin, struct err *err);
/* Insert the sample rows that belong on node @node of @shape, and the initial totals, in one local transaction; a table that
 * was filled before is left alone. @balance: minor units, of every account and customer. */
enum status node_admin_fill(struct node_admin *admin, const struct shape *shape, uint8_t node,
                            int64_t balance, struct err *err);
/* Sample rows of each kind on this node; the sum over all nodes is the shape. */
enum status node_admin_count(struct node_admin *admin, struct shape *out, struct err *err);

/* How far each log's markers were verified. More than AUDIT_FLOORS_MAX are an error. */
enum status node_admin_floors(struct node_admin *admin, struct audit_floors *out, struct err *err);
/* Everything the audit reads, in one consistent snapshot; no marker at or below @floors is listed. The caller frees @out
 * (audit_snapshot_free) also after an error. */
enum status node_admin_snapshot(struct node_admin *admin, const struct audit_floors *floors,
                                struct audit_snapshot *out, struct err *err);
/* Is there a committed marker of that branch? */
enum status node_admin_marker(struct node_admin *admin, const char *gtrid, uint8_t branch, bool *present,
                              struct err *err);
/* The marker rows of @gtrids, by gtrid, branch, step. @dirty: also of branches that nobody has decided. @out malloc'd, the caller
 * frees. A node without the schema has none. */
enum status node_admin_effects(struct node_admin *admin, const char (*gtrids)[XATOP_GTRID_MAX + 1], uint32_t count, bool dirty,
                               struct effect **out, uint32_t *out_count, struct err *err);
/* How many sessions wait for a lock at all; -1: our account may not know. */
enum status node_admin_lock_waits(struct node_admin *admin, int32_t *out, struct err *err);
/* Who waits for the branch that wrote @effect: @prober, a second session with the same node, tries to lock the row of @effect for
 * at most 1 s, so that the lock-wait view, read by @admin, names who holds it; then all that wait for that one. The business
 * row, not its marker: a waiting lock on the marker could be granted just when recovery looks at it without waiting. What
 * the view does not tell is in @out, with STATUS_OK. */
enum status node_admin_waiters(struct node_admin *admin, struct node_admin *prober, const struct effect *effect,
                               struct lock_waits *out, struct err *err);
/* XA RECOVER: everybody's. @xids malloc'd, the caller frees; at most XATOP_SCAN_MAX, @total counts all. */
enum status node_admin_scan(struct node_admin *admin, struct xid **xids, uint32_t *count, uint32_t *total,
                            struct err *err);
/* As control HEALTH. */
enum status node_admin_info(struct node_admin *admin, struct node_info *out, struct err *err);

/* Every check but SERVER, which needs the other nodes (preflight.h). @sessions: that a coordinator may open there. */
enum status node_admin_preflight(struct node_admin *admin, uint32_t sessions, struct preflight *out, struct err *err);

/* The epoch row of a coordinator id. */
struct node_epoch {
    bool found;
    uint64_t log_id;
    uint32_t epoch;
    int64_t pid, since_wall_ms;
    char host[64]; /* sanitised */
};
enum status node_admin_epoch(struct node_admin *admin, const char *coordinator, struct node_epoch *out,
                             struct err *err);

#endif
