#include "config.h"

#include "node_mysql_session.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "node_mysql_error.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"

enum { READ_BACKSTOP_S = 600, WRITE_BACKSTOP_S = 30 }; /* the watchdog comes long before */

/* Ending the library under other users' open sessions would take its plugins and TLS state from them. */
static atomic_uint library_users;

enum status node_mysql_library_init(struct err *err)
{
    /* The environment must not choose plugins, or let a password go in clear. */
    unsetenv("LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN");
    unsetenv("LIBMYSQL_PLUGIN_DIR");
    unsetenv("LIBMYSQL_PLUGINS");
    unsetenv("MARIADB_PLUGIN_DIR");
    /* Connector/C reads the system's whole bundle of certificates (0.1 s) for every connection that names none. Where a
     * certificate is verified we always name the file or folder, so the default may be empty. */
    setenv("SSL_CERT_FILE", "/dev/null", 1);
    setenv("SSL_CERT_DIR", "/dev/null", 1);
    signal(SIGPIPE, SIG_IGN);
    if (atomic_fetch_add(&library_users, 1) > 0 ? mysql_thread_init() : mysql_library_init(0, NULL, NULL))
        return err_set(err, STATUS_INTERNAL, _("the MySQL client library does not start"));
    return STATUS_OK;
}

void node_mysql_library_end(void)
{
    if (atomic_fetch_sub(&library_users, 1) > 1)
        mysql_thread_end(); /* libmysqlclient waits 5 s for a thread that went without */
    else
        mysql_library_end();
}

enum status session_init(struct session *session, const struct node_mysql_config *config,
                         const struct session_settings *settings, struct err *err)
{
    *session = (struct session){
        .config = config, .settings = *settings, .fd = -1, .guard_ms = INT64_MAX, .lock = lock_new()};
    if (!session->lock)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    return STATUS_OK;
}

void session_destroy(struct session *session)
{
    session_close(session);
    lock_free(session->lock);
    session->lock = NULL;
}

bool session_host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static enum compat_tls tls_wanted(const struct node_mysql_config *config)
{
    if (config->socket[0])
        return COMPAT_TLS_OFF;
    if (config->allow_insecure)
        return COMPAT_TLS_OFFER;
    if (config->verify || !session_host_is_loopback(config->host))
        return COMPAT_TLS_VERIFY;
    return COMPAT_TLS_OFFER;
}

static unsigned ceil_s(int64_t ms)
{
    return ms <= 1000 ? 1 : (unsigned)((ms + 999) / 1000);
}

static void set_options(MYSQL *mysql, const struct session *session, int64_t left_ms)
{
    const struct node_mysql_config *config = session->config;
    int64_t timeout_ms = session->settings.connect_timeout_ms;
    unsigned connect_s = ceil_s(left_ms < timeout_ms ? left_ms : timeout_ms);
    unsigned read_s = READ_BACKSTOP_S, write_s = WRITE_BACKSTOP_S, off = 0;
    unsigned protocol = config->socket[0] ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    compat_bool no = 0;
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &read_s);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &write_s);
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
#if !HAVE_DECL_MYSQL_OPT_SSL_MODE
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &no); /* libmysqlclient has none any more, and warns */
#else
    (void)no;
#endif
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    compat_tls_set(mysql, tls_wanted(config), config->tls_ca);
    compat_refuse_clear_password(mysql);
}

bool session_failed(struct session *session)
{
    const char *words = session->mysql ? mysql_error(session->mysql) : "";
    session->error = session->mysql ? (int32_t)mysql_errno(session->mysql) : CR_SERVER_LOST;
    text_sanitise_cstr(session->detail, sizeof session->detail, words);
    session->doubtful = session->doubtful || error_is_loss(session->error);
    return false;
}

static bool settle_in(struct session *session)
{
    char sql[512];
    const struct session_settings *settings = &session->settings;
    /* The isolation level cannot change inside XA START (1568). READ COMMITTED: branches lock rows by primary key and must
     * not lock gaps, which would make strangers wait for a branch in doubt. */
    if (!session_run(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"))
        return false;
    snprintf(sql, sizeof sql,
             "SET SESSION autocommit = 1, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', "
             "time_zone = '+00:00', innodb_lock_wait_timeout = %u, lock_wait_timeout = %u, wait_timeout = %u",
             ceil_s(settings->lock_wait_ms), ceil_s(settings->lock_wait_ms),
             ceil_s(settings->wait_timeout_ms));
    if (!session_run(session, sql))
        return false;
    /* Both terms take the statement's own start from the server, so that the difference is exact. */
    int64_t numbers[2] = {0};
    bool found;
    snprintf(sql, sizeof sql,
             "SELECT CONNECTION_ID(), CAST(UNIX_TIMESTAMP() AS SIGNED) - CAST(VARIABLE_VALUE AS SIGNED) "
             "FROM %s.global_status WHERE VARIABLE_NAME = 'UPTIME'",
             session->mariadb ? "information_schema" : "performance_schema");
    if (!session_numbers(session, sql, numbers, 2, &found))
        return false;
    if (!found) {
        session->error = CR_UNKNOWN_ERROR;
        text_copy(session->detail, sizeof session->detail, _("the server does not tell its uptime"));
        return false;
    }
    session->ref = (struct session_ref){(uint64_t)numbers[0], numbers[1]};
    return true;
}

/* From here the socket can be shut by others. False: it was cut while it was being made. */
static bool publish(struct session *session)
{
    lock_take(session->lock);
    bool cut = session->cut;
    session->fd = compat_socket(session->mysql);
    session->shared_id = session->ref.connection_id;
    session->shared_start = session->ref.server_start;
    lock_give(session->lock);
    return !cut;
}

bool session_open(struct session *session, int64_t deadline_ms)
{
    const struct node_mysql_config *config = session->config;
    session_close(session);
    session->error = CR_CONN_HOST_ERROR;
    text_copy(session->detail, sizeof session->detail, _("timed out"));
    int64_t left_ms = deadline_ms - clock_mono_ms();
    if (left_ms <= 0)
        return false;
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql) {
        text_copy(session->detail, sizeof session->detail, _("out of memory"));
        return false;
    }
    session->mysql = mysql;
    lock_take(session->lock);
    session->cut = false;
    lock_give(session->lock);
    set_options(mysql, session, left_ms);
    bool local = config->socket[0] != '\0';
    if (!mysql_real_connect(mysql, local ? NULL : config->host, config->user,
                            config->password ? config->password : "",
                            session->settings.no_database ? NULL : config->database, local ? 0 : config->port,
                            local ? config->socket : NULL,
                            session->settings.multi_statements ? CLIENT_MULTI_STATEMENTS : 0)) {
        session_failed(session);
        session_close(session);
        return false;
    }
    session->mariadb = strstr(mysql_get_server_info(mysql), "MariaDB") != NULL;
    bool ok = publish(session);
    session_guard(session, deadline_ms);
    ok = ok && settle_in(session) && publish(session);
    session_unguard(session);
    if (!ok)
        session_close(session);
    else
        session->used_ms = clock_mono_ms();
    return ok;
}

void session_close(struct session *session)
{
    if (!session->mysql)
        return;
    lock_take(session->lock);
    /* No COM_QUIT to a server that may be frozen or was given up. */
    if (session->doubtful && session->fd >= 0)
        shutdown(session->fd, SHUT_RDWR);
    session->fd = -1;
    if (!session->doubtful)
        session->shared_id =
            0; /* else it may still be at work there: whoever cuts it must know whom to kill */
    session->guard_ms = INT64_MAX;
    lock_give(session->lock);
    mysql_close(session->mysql);
    session->mysql = NULL;
    session->doubtful = false;
    session->ref = (struct session_ref){0};
}

bool session_register(struct session *session, const struct coordinator *coordinator)
{
    char sql[512];
    xatop_assert(coordinator_id_valid(coordinator->id)); /* stands in SQL text */
    session->fenced = false;
    snprintf(sql, sizeof sql,
             "REPLACE INTO xa_session (coordinator, connection_id, server_start, log_id, epoch, opened) "
             "VALUES ('%s', %llu, %lld, %llu, %u, NOW(3))",
             coordinator->id, (unsigned long long)session->ref.connection_id,
             (long long)session->ref.server_start, (unsigned long long)coordinator->log_id,
             coordinator->epoch);
    if (!session_run(session, sql))
        return false;
    /* Only after that row is committed: whoever raises the epoch in between kills us, or we see it here. */
    bool found;
    int64_t same = 0;
    snprintf(sql, sizeof sql,
             "SELECT log_id = %llu AND epoch = %u AND pid = %lld AND since_ms = %lld FROM xa_epoch WHERE "
             "coordinator = '%s'",
             (unsigned long long)coordinator->log_id, coordinator->epoch, (long long)coordinator->pid,
             (long long)coordinator->since_wall_ms, coordinator->id);
    if (!session_numbers(session, sql, &same, 1, &found))
        return false;
    session->fenced = !found || same != 1;
    if (!session->fenced)
        return true;
    session->error = 0;
    text_copy(session->detail, sizeof session->detail, _("the epoch row of the node is not ours"));
    return false;
}

bool session_alive(struct session *session)
{
    if (!session->mysql)
        return false;
    struct pollfd poll_fd = {.fd = compat_socket(session->mysql), .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 0;
}

void session_guard(struct session *session, int64_t deadline_ms)
{
    lock_take(session->lock);
    session->guard_ms = deadline_ms;
    lock_give(session->lock);
}

void session_unguard(struct session *session)
{
    session_guard(session, INT64_MAX);
}

void session_hurry(struct session *session, int64_t deadline_ms)
{
    if (!session->lock)
        return; /* never initialised */
    lock_take(session->lock);
    if (session->guard_ms != INT64_MAX && session->guard_ms > deadline_ms)
        session->guard_ms = deadline_ms;
    lock_give(session->lock);
}

struct session_ref session_cut(struct session *session)
{
    struct session_ref ref;
    lock_take(session->lock);
    session->cut = true;
    if (session->fd >= 0)
        shutdown(session->fd, SHUT_RDWR);
    ref = (struct session_ref){session->shared_id, session->shared_start};
    lock_give(session->lock);
    return ref;
}
