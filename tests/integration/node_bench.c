#include "config.h"

#include "node_bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "xatop/clock.h"
#include "xatop/scenario.h"

struct lab_node bench_server;
char bench_password[128];

static const char *state_dir(void)
{
    static char dir[LAB_PATH_MAX];
    const char *tmp = getenv("XATOP_TMP");
    snprintf(dir, sizeof dir, "%s/state", tmp ? tmp : "node-test");
    return dir;
}

bool bench_mariadb(void)
{
    const char *make = getenv("XATOP_TEST_MAKE");
    return !make || strcmp(make, "mysql") != 0;
}

static bool said(enum status status, const struct err *err)
{
    if (status != STATUS_OK)
        printf("# %s\n", err->text);
    return status == STATUS_OK;
}

static bool start(void)
{
    struct err err;
    struct lab_config config = {.name = "db1", .make = bench_mariadb() ? LAB_MARIADB : LAB_MYSQL};
    return said(lab_start(state_dir(), &config, NULL, &bench_server, &err), &err) &&
           said(lab_password(&bench_server, bench_password, sizeof bench_password, &err), &err);
}

bool bench_start(void)
{
    struct err err;
    return said(node_mysql_library_init(&err), &err) && start();
}

void bench_stop(void)
{
    struct err err;
    said(lab_stop(state_dir(), "db1", &err), &err);
    node_mysql_library_end();
}

bool bench_kill(void)
{
    struct err err;
    return said(lab_kill(state_dir(), "db1", &err), &err);
}

bool bench_restart(void)
{
    return start();
}

bool bench_freeze(void)
{
    struct err err;
    return said(lab_freeze(state_dir(), "db1", &err), &err);
}

bool bench_thaw(void)
{
    struct err err;
    return said(lab_thaw(state_dir(), "db1", &err), &err);
}

struct node_mysql_config bench_config(bool tcp)
{
    struct node_mysql_config config = {.port = bench_server.port, .password = bench_password};
    text_copy(config.name, sizeof config.name, "db1");
    text_copy(config.host, sizeof config.host, bench_server.host);
    if (!tcp)
        text_copy(config.socket, sizeof config.socket, bench_server.socket);
    text_copy(config.user, sizeof config.user, bench_server.user);
    text_copy(config.database, sizeof config.database, "xatop");
    return config;
}

static void both(struct node_mysql_config configs[BENCH_NODES])
{
    configs[0] = bench_config(false);
    configs[1] = bench_config(true); /* TLS where the server has it */
    text_copy(configs[1].name, sizeof configs[1].name, "db2");
    text_copy(configs[1].database, sizeof configs[1].database, "xatop_b");
}

/* What a test that failed has left behind must not fail the next one too. */
static void sweep(void)
{
    MYSQL *mysql = bench_connect(NULL);
    MYSQL_RES *result = mysql_query(mysql, "XA RECOVER") ? NULL : mysql_store_result(mysql);
    for (MYSQL_ROW row; result && (row = mysql_fetch_row(result));) {
        char sql[512];
        struct text text;
        int gtrid_len = atoi(row[1]);
        text_init(&text, sql, sizeof sql);
        text_append(&text, "XA ROLLBACK X'");
        text_hex(&text, row[3], (size_t)gtrid_len);
        text_append(&text, "',X'");
        text_hex(&text, row[3] + gtrid_len, (size_t)atoi(row[2]));
        text_printf(&text, "',%s", row[0]);
        bench_sql(mysql, "%s", sql);
    }
    mysql_free_result(result);
    mysql_close(mysql);
}

bool bench_reset(void)
{
    struct node_mysql_config configs[BENCH_NODES];
    const struct shape shape = {.node_count = BENCH_NODES, .accounts = 10, .products = 3, .customers = 4};
    bool ok = true;
    sweep();
    both(configs);
    for (uint8_t i = 0; i < BENCH_NODES && ok; i++) {
        struct node_admin *admin;
        struct err err;
        ok = said(node_admin_open(&admin, &configs[i], true, clock_mono_ms() + 20000, &err), &err);
        if (!ok)
            break;
        node_admin_deadline(admin, clock_mono_ms() + 20000);
        ok = said(node_admin_create(admin, &err), &err) && said(node_admin_reset(admin, &err), &err) &&
             said(node_admin_fill(admin, &shape, i, 100000, &err), &err);
        node_admin_close(admin);
    }
    return ok;
}

static void count_crash(void *ctx)
{
    ++*(unsigned *)ctx;
}

bool bench_open(struct bench *bench, uint64_t log_id, uint32_t epoch)
{
    struct node_mysql_config configs[BENCH_NODES];
    struct err err;
    both(configs);
    *bench = (struct bench){
        .who = {.id = "test",
                .log_id = log_id,
                .epoch = epoch,
                .pid = 1,
                .since_wall_ms = 1700000000000, /* one run, however often it is opened */
                .host = "here"},
        .outbox = mailbox_new(64),
    };
    struct node_mysql_options options = {.coordinator = bench->who,
                                         .carriers = BENCH_CARRIERS,
                                         .transaction_timeout_ms = 20000,
                                         .lock_wait_ms = 2000,
                                         .connect_timeout_ms = 2000,
                                         .crash = count_crash,
                                         .hook_ctx = &bench->crashes};
    if (!said(node_mysql_start(&bench->nodes, configs, BENCH_NODES, &options, bench->outbox, &err), &err))
        return false;
    bench->port = node_mysql_port(bench->nodes);
    return true;
}

void bench_close(struct bench *bench)
{
    node_mysql_stop(bench->nodes);
    mailbox_free(bench->outbox);
}

void bench_await(struct bench *bench, struct completion *completion)
{
    void *item = NULL;
    size_t n = mailbox_wait(bench->outbox, &item, 1, 60000);
    xatop_assert(n == 1 && item == completion);
}

void bench_ask(struct bench *bench, struct control *control)
{
    if (control->deadline_ms == 0)
        control->deadline_ms = clock_mono_ms() + SHORT_MS;
    bench->port.control(bench->port.ctx, control);
    bench_await(bench, &control->completion);
}

bool bench_raise(struct bench *bench)
{
    for (uint8_t node = 0; node < BENCH_NODES; node++) {
        struct control control = {.kind = CONTROL_RAISE, .node = node, .coordinator = &bench->who};
        bench_ask(bench, &control);
        if (control.raised != RAISE_DONE) {
            printf("# raise: %d, error %d, %s\n", (int)control.raised, control.error, control.detail);
            return false;
        }
    }
    return true;
}

void bench_begin(struct bench *bench, struct bench_txn *txn, uint16_t carrier, int64_t amount)
{
    *txn = (struct bench_txn){.carrier = carrier};
    text_copy(txn->gtrid.coordinator, sizeof txn->gtrid.coordinator, bench->who.id);
    txn->gtrid.log_id = bench->who.log_id;
    txn->gtrid.epoch = bench->who.epoch;
    txn->gtrid.sequence = ++bench->sequence;
    txn->plan.branch_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        struct branch_plan *branch = &txn->plan.branches[i];
        branch->node = (uint8_t)i;
        branch->work_count = 1;
        branch->work[0] = (struct work_op){.kind = WORK_ADD,
                                           .table = WORK_ACCOUNTS,
                                           .id = ACCOUNT_FIRST + (int64_t)i,
                                           .delta = i == 0 ? -amount : amount,
                                           .price = -1};
    }
}

void bench_message(const struct bench_txn *txn, unsigned branch, uint16_t verbs, struct message *out)
{
    const struct branch_plan *plan = &txn->plan.branches[branch - 1];
    *out = (struct message){.carrier = txn->carrier,
                            .node = plan->node,
                            .branch = (uint8_t)branch,
                            .branch_count = txn->plan.branch_count,
                            .verbs = verbs,
                            .plan = plan,
                            .deadline_ms = clock_mono_ms() + SHORT_MS};
    xid_make(&out->xid, &txn->gtrid, branch);
}

void bench_send(struct bench *bench, struct message *message)
{
    bench->port.send(bench->port.ctx, message);
}

static enum reply say_step(struct bench *bench, struct bench_txn *txn, unsigned branch, uint16_t verbs,
                           uint8_t step)
{
    struct message message;
    bench_message(txn, branch, verbs, &message);
    message.step = step;
    bench_send(bench, &message);
    bench_await(bench, &message.completion);
    if (message.session.connection_id)
        txn->sessions[branch - 1] = message.session;
    if (message.reply != REPLY_OK)
        printf("# verbs %x: reply %d, error %d, refusal %d, %s\n", verbs, (int)message.reply, message.error,
               (int)message.refusal, message.detail);
    return message.reply;
}

enum reply bench_say(struct bench *bench, struct bench_txn *txn, unsigned branch, uint16_t verbs)
{
    return say_step(bench, txn, branch, verbs, 0);
}

enum reply bench_run(struct bench *bench, struct bench_txn *txn, unsigned branch, uint16_t last)
{
    enum reply reply = bench_say(bench, txn, branch, VERB_OPEN);
    if (reply == REPLY_OK)
        reply = bench_say(bench, txn, branch, VERB_START);
    for (uint8_t i = 0; reply == REPLY_OK && i < txn->plan.branches[branch - 1].work_count; i++)
        reply = say_step(bench, txn, branch, VERB_WORK, i);
    if (reply == REPLY_OK)
        reply = bench_say(bench, txn, branch, VERB_END);
    if (reply == REPLY_OK && last)
        reply = bench_say(bench, txn, branch, last);
    return reply;
}

bool bench_fence(struct bench *bench, uint8_t node, struct session_ref session)
{
    struct control control = {.kind = CONTROL_FENCE, .node = node, .session = session};
    bench_ask(bench, &control);
    return control.ok;
}

enum finding bench_resolve(struct bench *bench, const struct bench_txn *txn, unsigned branch, uint16_t verbs)
{
    struct control control = {.kind = CONTROL_RESOLVE,
                              .node = txn->plan.branches[branch - 1].node,
                              .branch = (uint8_t)branch,
                              .verbs = verbs};
    xid_make(&control.xid, &txn->gtrid, branch);
    bench_ask(bench, &control);
    if (!control.ok)
        printf("# resolve: finding %d, error %d, %s\n", (int)control.finding, control.error, control.detail);
    return control.finding;
}

static void rest_ms(int ms)
{
    struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&span, NULL);
}

void bench_settle(void)
{
    rest_ms(300);
}

static MYSQL *connect_socket(const char *defaults_file, const char *user, const char *password,
                             const char *database)
{
    MYSQL *mysql = mysql_init(NULL);
    unsigned protocol = MYSQL_PROTOCOL_SOCKET;
    xatop_assert(mysql);
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    if (defaults_file) {
        mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, defaults_file);
        mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client");
    }
    if (!mysql_real_connect(mysql, NULL, user, password, database, 0, bench_server.socket,
                            CLIENT_MULTI_STATEMENTS)) {
        printf("# connect: %s\n", mysql_error(mysql));
        abort();
    }
    return mysql;
}

MYSQL *bench_connect(const char *database)
{
    return connect_socket(NULL, bench_server.user, bench_password, database);
}

MYSQL *bench_connect_as(const char *user, const char *password)
{
    return connect_socket(NULL, user, password, NULL);
}

MYSQL *bench_admin(void)
{
    return connect_socket(bench_server.defaults_file, NULL, NULL, "xatop");
}

static unsigned drain(MYSQL *mysql, int64_t *number)
{
    for (;;) {
        MYSQL_RES *result = mysql_store_result(mysql);
        MYSQL_ROW row = result && number ? mysql_fetch_row(result) : NULL;
        if (row && row[0])
            *number = strtoll(row[0], NULL, 10);
        if (result)
            mysql_free_result(result);
        int next = mysql_next_result(mysql);
        if (next > 0)
            return mysql_errno(mysql);
        if (next < 0)
            return 0;
    }
}

static unsigned run(MYSQL *mysql, int64_t *number, const char *format, va_list args)
{
    char sql[4096];
    int n = vsnprintf(sql, sizeof sql, format, args);
    xatop_assert(n > 0 && (size_t)n < sizeof sql);
    unsigned error =
        mysql_real_query(mysql, sql, (unsigned long)n) ? mysql_errno(mysql) : drain(mysql, number);
    return error;
}

unsigned bench_sql(MYSQL *mysql, const char *sql, ...)
{
    va_list args;
    va_start(args, sql);
    unsigned error = run(mysql, NULL, sql, args);
    va_end(args);
    return error;
}

int64_t bench_number(MYSQL *mysql, const char *sql, ...)
{
    int64_t number = INT64_MIN;
    va_list args;
    va_start(args, sql);
    unsigned error = run(mysql, &number, sql, args);
    va_end(args);
    if (error)
        printf("# error %u: %s\n", error, mysql_error(mysql));
    return number;
}

bool bench_listed(MYSQL *mysql, const char *data)
{
    bool listed = false;
    MYSQL_RES *result = mysql_query(mysql, "XA RECOVER") ? NULL : mysql_store_result(mysql);
    xatop_assert(result);
    for (MYSQL_ROW row; (row = mysql_fetch_row(result));)
        listed |= mysql_fetch_lengths(result)[3] == strlen(data) && memcmp(row[3], data, strlen(data)) == 0;
    mysql_free_result(result);
    return listed;
}

bool bench_gone(MYSQL *mysql, unsigned long id, int timeout_ms)
{
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    for (;;) {
        if (bench_number(mysql, "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %lu", id) ==
            0)
            return true;
        if (clock_mono_ms() > deadline_ms)
            return false;
        rest_ms(5);
    }
}

void bench_shut(MYSQL *mysql)
{
#ifdef HAVE_MYSQL_GET_SOCKET
    shutdown((int)mysql_get_socket(mysql), SHUT_RDWR);
#else
    shutdown(mysql->net.fd, SHUT_RDWR);
#endif
    mysql_close(mysql);
}
