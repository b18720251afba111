/* Preflight: what a participant must be like before money is entrusted to it. Pure: facts in, judgement out; who asks a MySQL
 * node for the facts is src/node/node_mysql_preflight.c.
 *
 * `xatop doctor` shows every check; a coordinator makes the same ones when it raises a node, on every new control connection and
 * when one of the settings that can be changed while the server runs has changed. A check that fails makes the node unfit: no
 * transaction begins there (--unsafe: with an alarm only). Sources: xa-facts section 3 (rows 40 to 43), rows 1, 3a, 13, 30. */
#ifndef XATOP_PREFLIGHT_H
#define XATOP_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xatop/limits.h"

/* note: good to know; warn: works, but something is lost by it; fail: would lose money, or cannot work */
enum preflight_level { PREFLIGHT_OK, PREFLIGHT_NOTE, PREFLIGHT_WARN, PREFLIGHT_FAIL };

/* code, name, level when it does not pass, why that matters (fits an error line: at most 90 bytes) */
#define XATOP_PREFLIGHT_LIST(X)                                                                             \
    X(REACHED, "reached", FAIL, "nothing can be asked or done there")                                       \
    X(VERSION, "version", FAIL, "XA is crash-safe only from MySQL 8.0.30 and MariaDB 10.5 on")              \
    X(FLUSH_LOG, "innodb_flush_log_at_trx_commit", FAIL, "a crash loses votes and commits that were acknowledged") \
    X(SYNC_BINLOG, "sync_binlog", FAIL, "with the binary log on, a crash loses branches that voted yes")    \
    X(FORCE_RECOVERY, "innodb_force_recovery", FAIL, "forced recovery may drop prepared branches")          \
    X(SCHEMA, "schema", FAIL, "tables are missing; run xatop init (of a lab: xatop setup)")                 \
    X(ENGINE, "engine", FAIL, "only InnoDB has XA: what another engine wrote is never rolled back")         \
    X(GALERA, "galera", FAIL, "Galera has no XA")                                                           \
    X(READ_ONLY, "read_only", FAIL, "no write and no XA COMMIT passes; of a replica, take its source")      \
    X(XA_RECOVER, "xa_recover", FAIL, "prepared branches cannot be listed: after a crash they stay locked") \
    X(GRANTS, "grants", FAIL, "the account may not do what a transaction needs")                            \
    X(SERVER, "server", FAIL, "two nodes are one database: its books would count twice")                    \
    X(PROCESS, "process", WARN, "without the PROCESS right lock waits cannot be shown")                     \
    X(WAIT_TIMEOUT, "wait_timeout", WARN, "our setting did not take: a half-open session holds its locks that long") \
    X(DETACH, "xa_detach_on_prepare", WARN, "a prepared branch stays tied to its session: finishing it elsewhere takes a fence") \
    X(MAX_CONNECTIONS, "max_connections", WARN, "fewer sessions than max_inflight may open: under load some are refused") \
    X(LOG_BIN, "log_bin", NOTE, "without it MariaDB can answer a foreign XA COMMIT with OK and do nothing; best ON") \
    X(ROLLBACK_ON_TIMEOUT, "innodb_rollback_on_timeout", NOTE, "a lock wait undoes a whole branch; harmless, it is rolled back anyway")

enum preflight_check {
#define X(code, name, level, words) PREFLIGHT_##code,
    XATOP_PREFLIGHT_LIST(X)
#undef X
    PREFLIGHT_CHECKS
};

/* Global variables that are asked for: code, name. */
#define XATOP_PREFLIGHT_VARIABLE_LIST(X)                                                                    \
    X(VERSION, "version")                                                                                   \
    X(FLUSH_LOG, "innodb_flush_log_at_trx_commit")                                                          \
    X(LOG_BIN, "log_bin")                                                                                   \
    X(SYNC_BINLOG, "sync_binlog")                                                                           \
    X(FORCE_RECOVERY, "innodb_force_recovery")                                                              \
    X(WSREP_ON, "wsrep_on")                                                                                 \
    X(READ_ONLY, "read_only")                                                                               \
    X(SUPER_READ_ONLY, "super_read_only")                                                                   \
    X(DETACH, "xa_detach_on_prepare")                                                                       \
    X(MAX_CONNECTIONS, "max_connections")                                                                   \
    X(MAX_USER_CONNECTIONS, "max_user_connections")                                                         \
    X(ROLLBACK_ON_TIMEOUT, "innodb_rollback_on_timeout")                                                    \
    X(PARTIAL_REVOKES, "partial_revokes")                                                                   \
    X(SERVER_UUID, "server_uuid")                                                                           \
    X(SERVER_UID, "server_uid")                                                                             \
    X(HOSTNAME, "hostname")                                                                                 \
    X(PORT, "port")                                                                                         \
    X(SOCKET, "socket")                                                                                     \
    X(DATADIR, "datadir")

enum preflight_variable {
#define X(code, name) VARIABLE_##code,
    XATOP_PREFLIGHT_VARIABLE_LIST(X)
#undef X
    PREFLIGHT_VARIABLES
};

/* The tables of sql/, and what a coordinator does with each. */
enum preflight_right { RIGHT_SELECT = 1, RIGHT_INSERT = 2, RIGHT_UPDATE = 4, RIGHT_DELETE = 8 };
#define XATOP_PREFLIGHT_TABLE_LIST(X)                                                                       \
    X(accounts, RIGHT_SELECT | RIGHT_UPDATE)                                                                \
    X(products, RIGHT_SELECT | RIGHT_UPDATE)                                                                \
    X(customers, RIGHT_SELECT | RIGHT_UPDATE)                                                               \
    X(orders, RIGHT_SELECT | RIGHT_INSERT)                                                                  \
    X(payments, RIGHT_SELECT | RIGHT_INSERT)                                                                \
    X(xa_initial, RIGHT_SELECT)                                                                             \
    X(xa_marker, RIGHT_SELECT | RIGHT_INSERT | RIGHT_DELETE)                                                \
    X(xa_floor, RIGHT_SELECT | RIGHT_INSERT | RIGHT_UPDATE)                                                 \
    X(xa_folded, RIGHT_SELECT | RIGHT_INSERT | RIGHT_UPDATE)                                                \
    X(xa_key, RIGHT_SELECT | RIGHT_INSERT)                                                                  \
    X(xa_node, RIGHT_SELECT)                                                                                \
    X(xa_epoch, RIGHT_SELECT | RIGHT_INSERT | RIGHT_DELETE)                                                 \
    X(xa_place, RIGHT_SELECT | RIGHT_INSERT | RIGHT_DELETE)                                                 \
    X(xa_session, RIGHT_SELECT | RIGHT_INSERT | RIGHT_DELETE)

enum preflight_table {
#define X(name, rights) PREFLIGHT_TABLE_##name,
    XATOP_PREFLIGHT_TABLE_LIST(X)
#undef X
    PREFLIGHT_TABLES
};
enum { PREFLIGHT_VALUE_MAX = 128, PREFLIGHT_FIX_MAX = 1024, PREFLIGHT_ACCOUNT_MAX = 512 };

/* What was found. Every string is sanitised. */
struct preflight_facts {
    bool mariadb, innodb;
    char variables[PREFLIGHT_VARIABLES][PREFLIGHT_VALUE_MAX]; /* "": the server has none of that name */
    char database[65];
    char account[PREFLIGHT_ACCOUNT_MAX];  /* as SQL names it (preflight_account); "": cannot be written safely */
    uint64_t node_id;                     /* 0: none yet */
    char engines[PREFLIGHT_TABLES][24];   /* "": no such table */
    uint8_t denied[PREFLIGHT_TABLES];     /* RIGHT_* that are missing */
    bool write_refused;                   /* read_only, and the account is not exempt */
    bool may_recover, may_process;
    int64_t wait_timeout_s, wait_timeout_asked_s; /* of this session */
    uint32_t sessions;                    /* that a coordinator may open there */
};

struct preflight_result {
    enum preflight_level level;
    char value[PREFLIGHT_VALUE_MAX];
    char reason[XATOP_REASON_MAX]; /* "" when ok */
    char fix[PREFLIGHT_FIX_MAX];   /* SQL for an administrator; "": no SQL can */
};

struct preflight {
    uint64_t server, node_id; /* server: the same for the same server process only (a hash) */
    char database[65];
    struct preflight_result results[PREFLIGHT_CHECKS];
};

const char *preflight_name(enum preflight_check check);
const char *preflight_level_name(enum preflight_level level); /* ok, note, warn, fail */
const char *preflight_variable_name(enum preflight_variable variable);
const char *preflight_table_name(enum preflight_table table);
uint8_t preflight_table_rights(enum preflight_table table);

/* Judge everything but SERVER, which needs the other nodes. */
void preflight_judge(const struct preflight_facts *facts, struct preflight *out);
/* The one answer about a node that could not be asked. */
void preflight_unreached(struct preflight *out, const char *why);
/* Is @other, the node called @name, the same server, or even the same database? Worsens SERVER of @mine; @forget first. */
void preflight_compare(struct preflight *mine, const struct preflight *other, const char *name);
void preflight_compare_forget(struct preflight *mine);
enum preflight_level preflight_worst(const struct preflight *preflight, enum preflight_check *which /* the first */);

/* "name is value: reason" of one result. */
void preflight_words(const struct preflight *preflight, enum preflight_check check, char *out, size_t cap);
/* An account as SQL names it, whatever the sql_mode; "" if a byte of it cannot be shown. */
void preflight_account(const char *user, size_t user_len, const char *host, size_t host_len, char *out, size_t cap);

#endif
