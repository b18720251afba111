/* Inside the MySQL node: one connection with its settings, and the watchdog over all of them. */
#ifndef NODE_MYSQL_SESSION_H
#define NODE_MYSQL_SESSION_H

#include <stddef.h>

#include "node_mysql_compat.h"
#include "xatop/lock.h"
#include "xatop/node_mysql.h"

struct session_settings {
    int64_t connect_timeout_ms, lock_wait_ms, wait_timeout_ms;
    bool multi_statements; /* carriers only: nobody else sends more than one */
    bool no_database;      /* the database may not exist yet */
};

/* Used by its own thread only, except what the lock guards. */
struct session {
    const struct node_mysql_config *config;
    struct session_settings settings;
    MYSQL *mysql; /* NULL: closed */
    struct session_ref ref;
    bool mariadb;
    int64_t used_ms; /* when the server last answered */
    bool doubtful;   /* to be shut without a word */
    bool fenced;     /* the last time it registered, the epoch row was somebody else's */
    int32_t error;   /* of the last call that failed: server's or client's number */
    char detail[XATOP_REASON_MAX];
    struct session *next; /* in its watch */
    struct lock *lock;    /* guards the rest: */
    int fd;               /* -1: no socket to shut */
    bool cut;             /* cut while it had no socket yet */
    uint64_t shared_id;   /* ref, for whoever cuts */
    int64_t shared_start;
    int64_t guard_ms; /* past it the watchdog shuts the socket; INT64_MAX: nobody is waiting */
};

/* STATUS_INTERNAL: no memory. */
enum status session_init(struct session *session, const struct node_mysql_config *config,
                         const struct session_settings *settings, struct err *err);
void session_destroy(struct session *session); /* closes */

/* Connect and set; false: error and detail say why. Blocks at most the connect timeout and @deadline_ms. */
bool session_open(struct session *session, int64_t deadline_ms);
void session_close(struct session *session);
/* Rule 4: register in xa_session, then look at the epoch row: false if it is not @coordinator's (`fenced`) or on failure. */
bool session_register(struct session *session, const struct coordinator *coordinator);
/* Still connected, as far as can be seen without asking: an idle session has nothing to read but its own end. */
bool session_alive(struct session *session);

/* While guarded, a blocking call ends at @deadline_ms because the watchdog shuts the socket. */
void session_guard(struct session *session, int64_t deadline_ms);
void session_unguard(struct session *session);
/* Whoever waits on it now waits no longer than @deadline_ms. Any thread. */
void session_hurry(struct session *session, int64_t deadline_ms);
/* Shut the socket: a thread that reads it comes back at once. Any thread. Returns who was cut. */
struct session_ref session_cut(struct session *session);

/* Note the error of the last call on the connection, sanitised. Always false. */
bool session_failed(struct session *session);

/* One statement, no rows wanted. */
bool session_run(struct session *session, const char *sql);
/* One statement; @row is called for each row (false stops listening, the rest is drained). */
typedef bool session_row(void *arg, char **row, const unsigned long *lengths, unsigned columns);
bool session_rows(struct session *session, const char *sql, session_row *row, void *arg);
/* One statement whose first row's columns are integers; @found false: no row or NULL first column. */
bool session_numbers(struct session *session, const char *sql, int64_t *out, unsigned count, bool *found);

/* @host is this machine: "localhost", 127.0.0.0/8, ::1. */
bool session_host_is_loopback(const char *host);

struct watch;
struct watch *watch_new(struct err *err); /* NULL: no memory or thread */
void watch_add(struct watch *watch, struct session *session);
void watch_remove(struct watch *watch, struct session *session);
void watch_free(struct watch *watch);

#endif
