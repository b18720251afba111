/* Who waits for the locks of a branch: a second session is made to wait for it too, and the lock-wait view names its blocker. */
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "node_mysql_admin.h"
#include "node_mysql_error.h"
#include "xatop/clock.h"
#include "xatop/effect.h"
#include "xatop/i18n.h"
#include "xatop/waits.h"

/* MariaDB refreshes its view only if nobody has read it for 0.1 s (CACHE_MIN_IDLE_TIME_NS): asking more often would show
 * the past for ever. */
enum { PROBE_LIMIT_MS = 1000, LOOK_MS = 30, LOOK_MARIADB_MS = 120, STATEMENT_BYTES = 400 };

static const char *waits_view(const struct session *session)
{
    return session->mariadb ? "(SELECT requesting_trx_id AS waiter, blocking_trx_id AS holder "
                              "FROM information_schema.innodb_lock_waits)"
                            : "(SELECT REQUESTING_ENGINE_TRANSACTION_ID AS waiter, "
                              "BLOCKING_ENGINE_TRANSACTION_ID AS holder "
                              "FROM performance_schema.data_lock_waits WHERE ENGINE = 'INNODB')";
}

/* The server refused the question, not the connection: @out says why. False: the connection is lost. */
static bool not_told(const struct session *session, struct lock_waits *out)
{
    struct text text;
    if (error_is_loss(session->error))
        return false;
    text_init(&text, out->why, sizeof out->why);
    text_printf(&text,
                _("not known: GRANT PROCESS ON *.* and SELECT ON performance_schema.* to the account "
                  "(error %d)"),
                session->error);
    return true;
}

enum status node_admin_lock_waits(struct node_admin *admin, int32_t *out, struct err *err)
{
    int64_t count = 0;
    bool found;
    *out = -1;
    if (session_numbers(&admin->session,
                        "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
                        &count, 1, &found))
        *out = found && count <= INT32_MAX ? (int32_t)count : -1;
    else if (error_is_loss(admin->session.error))
        return admin_failed(admin, err, _("cannot read its lock waits"));
    return STATUS_OK;
}

/* --- making somebody wait --- */

static bool send_probe(struct session *session, const struct effect *effect)
{
    char sql[STATEMENT_BYTES];
    struct text text;
    text_init(&text, sql, sizeof sql);
    text_printf(&text, "SELECT 1 FROM %s WHERE ", work_table_name(effect->table));
    if (effect->table == WORK_ORDERS || effect->table == WORK_PAYMENTS) {
        text_append(&text, "gtrid = X'");
        text_hex(&text, effect->gtrid, strlen(effect->gtrid));
        text_append(&text, "'");
    } else {
        text_printf(&text, "id = %" PRId64, effect->row);
    }
    text_append(&text, " FOR UPDATE");
    return session_run(session, "SET SESSION innodb_lock_wait_timeout = 1") &&
           (mysql_send_query(session->mysql, sql, text.len) == 0 || session_failed(session));
}

/* Has the probe's answer come (within @ms)? Then nothing holds that row, or the second is over. */
static bool answered(struct session *session, int ms)
{
    struct pollfd socket = {.fd = session->fd, .events = POLLIN};
    return poll(&socket, 1, ms) != 0;
}

/* @free: the row could be locked. False: the connection is lost. */
static bool end_probe(struct session *session, bool *row_free)
{
    *row_free = false;
    if (mysql_read_query_result(session->mysql) != 0) {
        session_failed(session);
        return !error_is_loss(session->error);
    }
    MYSQL_RES *result = mysql_use_result(session->mysql);
    while (result && mysql_fetch_row(result))
        ;
    bool ok = mysql_errno(session->mysql) == 0 || session_failed(session);
    mysql_free_result(result);
    *row_free = ok;
    return ok || !error_is_loss(session->error);
}

/* --- who waits --- */

static bool take_waiter(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct lock_waits *out = arg;
    struct lock_waiter waiter = {0};
    char digits[24];
    int64_t value;
    if (columns < 4 || !row[0] || lengths[0] >= sizeof digits)
        return true;
    out->total++;
    if (out->count == LOCK_WAITERS_MAX)
        return true;
    text_copy(digits, sizeof digits, row[0]);
    if (text_to_i64(digits, 0, INT64_MAX, &value))
        waiter.thread = (uint64_t)value;
    if (row[1] && text_to_i64(row[1], 0, INT64_MAX, &value))
        waiter.wait_s = value;
    if (row[2])
        text_sanitise(waiter.user, sizeof waiter.user, row[2], lengths[2]);
    if (row[3])
        text_sanitise(waiter.statement, sizeof waiter.statement, row[3], lengths[3]);
    out->list[out->count++] = waiter;
    return true;
}

static bool list_waiters(struct session *session, uint64_t holder, uint64_t probe, struct lock_waits *out)
{
    char sql[1024];
    snprintf(sql, sizeof sql,
             "SELECT r.trx_mysql_thread_id, MAX(TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW())), "
             "MAX(p.USER), MAX(LEFT(r.trx_query, 200)) FROM %s w "
             "JOIN information_schema.innodb_trx r ON r.trx_id = w.waiter "
             "LEFT JOIN information_schema.processlist p ON p.ID = r.trx_mysql_thread_id "
             "WHERE w.holder = %" PRIu64 " AND r.trx_mysql_thread_id <> %" PRIu64
             " GROUP BY r.trx_mysql_thread_id ORDER BY 2 DESC",
             waits_view(session), holder, probe);
    out->known = session_rows(session, sql, take_waiter, out);
    return out->known || not_told(session, out);
}

/* Who holds what the probe waits for, and does not wait itself: a prepared branch never does. */
static bool find_holder(struct session *session, uint64_t probe, uint64_t *holder, struct lock_waits *out)
{
    char sql[1024];
    int64_t number = 0;
    bool found;
    snprintf(sql, sizeof sql,
             "SELECT w.holder FROM %s w JOIN information_schema.innodb_trx r ON r.trx_id = w.waiter "
             "JOIN information_schema.innodb_trx h ON h.trx_id = w.holder "
             "WHERE r.trx_mysql_thread_id = %" PRIu64 " AND h.trx_state <> 'LOCK WAIT' LIMIT 1",
             waits_view(session), probe);
    *holder = 0;
    if (!session_numbers(session, sql, &number, 1, &found))
        return not_told(session, out);
    *holder = found ? (uint64_t)number : 0;
    return true;
}

static bool look(struct session *session, struct session *probe, struct lock_waits *out)
{
    uint64_t id = probe->ref.connection_id, holder = 0;
    int64_t until_ms = clock_mono_ms() + PROBE_LIMIT_MS;
    bool done = false;
    while (!done && holder == 0 && !out->why[0] && clock_mono_ms() < until_ms) {
        done = answered(probe, session->mariadb ? LOOK_MARIADB_MS : LOOK_MS);
        if (!done && !find_holder(session, id, &holder, out))
            return false;
    }
    if (holder != 0 && !list_waiters(session, holder, id, out))
        return false;
    if (!done) {
        char sql[64];
        snprintf(sql, sizeof sql, "KILL QUERY %" PRIu64, id);
        return session_run(session, sql) || !error_is_loss(session->error);
    }
    return true;
}

enum status node_admin_waiters(struct node_admin *admin, struct node_admin *prober,
                               const struct effect *effect, struct lock_waits *out, struct err *err)
{
    struct session *session = &admin->session, *probe = &prober->session;
    bool row_free;
    *out = (struct lock_waits){0};
    if (!send_probe(probe, effect))
        return admin_failed(prober, err, _("cannot wait for a lock"));
    bool looked = look(session, probe, out);
    if (!end_probe(probe, &row_free))
        return admin_failed(prober, err, _("cannot wait for a lock"));
    if (!looked)
        return admin_failed(admin, err, _("cannot read its lock waits"));
    if (row_free && !out->known && !out->why[0])
        out->known = true; /* it ended meanwhile: nobody waits for it */
    if (!out->known && !out->why[0])
        text_copy(out->why, sizeof out->why, _("not known: the server's lock-wait view names no holder"));
    return STATUS_OK;
}
