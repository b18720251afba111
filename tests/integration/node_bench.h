/* What the tests of real nodes share: a private server, a node port on it, synchronous questions, and plain SQL of a stranger. */
#ifndef XATOP_TESTS_NODE_BENCH_H
#define XATOP_TESTS_NODE_BENCH_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

#include "xatop/lab.h"
#include "xatop/node_mysql.h"

/* --- the server: $XATOP_TEST_MAKE (mysql, mariadb), state under $XATOP_TMP --- */
extern struct lab_node bench_server;
extern char bench_password[128];
bool bench_mariadb(void);
bool bench_start(void); /* false: said why */
void bench_stop(void);
bool bench_kill(void);
bool bench_restart(void); /* after bench_kill */
bool bench_freeze(void);
bool bench_thaw(void);
/* Through the unix socket, or with TCP through the loopback port. */
struct node_mysql_config bench_config(bool tcp);

/* --- a port on it: two nodes that are one server, in databases xatop and xatop_b --- */
enum { BENCH_NODES = 2, BENCH_CARRIERS = 4, SHORT_MS = 5000 };
struct bench {
    struct node_mysql *nodes;
    struct node_port port;
    struct mailbox *outbox;
    struct coordinator who;
    uint64_t sequence;
    unsigned crashes;
};
/* Empty schema and sample data on both nodes; no sessions yet. */
bool bench_reset(void);
bool bench_open(struct bench *bench, uint64_t log_id, uint32_t epoch);
void bench_close(struct bench *bench);
bool bench_raise(struct bench *bench); /* both nodes */

/* A transaction of two branches: carrier @carrier, from account 1001 on node 0 to account 1002 on node 1. */
struct bench_txn {
    uint16_t carrier;
    struct gtrid gtrid;
    struct plan plan;
    struct session_ref sessions[BENCH_NODES];
};
void bench_begin(struct bench *bench, struct bench_txn *txn, uint16_t carrier, int64_t amount);
void bench_message(const struct bench_txn *txn, unsigned branch, uint16_t verbs, struct message *out);
void bench_send(struct bench *bench, struct message *message);
void bench_await(struct bench *bench, struct completion *completion); /* aborts the program after a minute */
enum reply bench_say(struct bench *bench, struct bench_txn *txn, unsigned branch, uint16_t verbs);
/* OPEN, START, every WORK, END, then @last (0: nothing) on one branch; the first answer that is not OK. */
enum reply bench_run(struct bench *bench, struct bench_txn *txn, unsigned branch, uint16_t last);
void bench_ask(struct bench *bench, struct control *control); /* deadline_ms 0: SHORT_MS */
bool bench_fence(struct bench *bench, uint8_t node, struct session_ref session);
enum finding bench_resolve(struct bench *bench, const struct bench_txn *txn, unsigned branch, uint16_t verbs);
void bench_settle(void); /* xa-facts 3a */

/* --- plain SQL --- */
MYSQL *bench_connect(const char *database); /* the application's account, unix socket, multi statements */
MYSQL *bench_admin(void);                   /* the server's administrator */
MYSQL *bench_connect_as(const char *user, const char *password);
/* Error number of the last statement of @sql run; all results are drained. */
unsigned bench_sql(MYSQL *mysql, const char *sql, ...) __attribute__((format(printf, 2, 3)));
int64_t bench_number(MYSQL *mysql, const char *sql, ...)
    __attribute__((format(printf, 2, 3)));                       /* first cell; INT64_MIN: no row */
bool bench_listed(MYSQL *mysql, const char *data);               /* in XA RECOVER, gtrid followed by bqual */
bool bench_gone(MYSQL *mysql, unsigned long id, int timeout_ms); /* awaits: left the process list */
void bench_shut(MYSQL *mysql);                                   /* the socket is shut, then all is freed */

#endif
