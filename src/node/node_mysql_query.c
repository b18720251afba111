/* Single statements on a session, and the watchdog that ends those that wait too long. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "node_mysql_session.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"

enum { WATCH_TICK_MS = 100 };

struct watch {
    struct lock *lock;
    struct session *first;
    struct worker *worker;
};

bool session_rows(struct session *session, const char *sql, session_row *row, void *arg)
{
    if (!session->mysql || mysql_real_query(session->mysql, sql, strlen(sql)) != 0)
        return session_failed(session);
    MYSQL_RES *result = mysql_use_result(session->mysql);
    if (!result && mysql_field_count(session->mysql) > 0)
        return session_failed(session);
    if (result) {
        unsigned columns = mysql_num_fields(result);
        bool listening = row != NULL;
        MYSQL_ROW cells;
        while ((cells = mysql_fetch_row(result)))
            if (listening)
                listening = row(arg, cells, mysql_fetch_lengths(result), columns);
        bool ok = mysql_errno(session->mysql) == 0;
        if (!ok)
            session_failed(session); /* before free: that resets the error */
        mysql_free_result(result);
        if (!ok)
            return false;
    }
    session->used_ms = clock_mono_ms();
    return true;
}

bool session_run(struct session *session, const char *sql)
{
    return session_rows(session, sql, NULL, NULL);
}

struct numbers {
    int64_t *out;
    unsigned count;
    bool found;
};

static bool take_numbers(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct numbers *numbers = arg;
    numbers->found = columns >= numbers->count && row[0];
    for (unsigned i = 0; numbers->found && i < numbers->count; i++) {
        char digits[24];
        numbers->out[i] = 0;
        if (!row[i] || lengths[i] >= sizeof digits)
            continue;
        memcpy(digits, row[i], lengths[i]);
        digits[lengths[i]] = '\0';
        /* identifiers of the servers and ours are unsigned 64 bits: kept bit by bit */
        numbers->out[i] = digits[0] == '-' ? strtoll(digits, NULL, 10) : (int64_t)strtoull(digits, NULL, 10);
    }
    return false;
}

bool session_numbers(struct session *session, const char *sql, int64_t *out, unsigned count, bool *found)
{
    struct numbers numbers = {out, count, false};
    bool ok = session_rows(session, sql, take_numbers, &numbers);
    *found = ok && numbers.found;
    return ok;
}

static void watch_look(struct watch *watch, int64_t now_ms)
{
    lock_take(watch->lock);
    for (struct session *session = watch->first; session; session = session->next) {
        lock_take(session->lock);
        if (session->guard_ms <= now_ms && session->fd >= 0)
            shutdown(session->fd, SHUT_RDWR);
        lock_give(session->lock);
    }
    lock_give(watch->lock);
}

static void watch_loop(void *arg, struct mailbox *inbox)
{
    void *none;
    while (!mailbox_closed(inbox)) {
        mailbox_wait(inbox, &none, 1, WATCH_TICK_MS);
        watch_look(arg, clock_mono_ms());
    }
}

struct watch *watch_new(struct err *err)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch && (watch->lock = lock_new()) &&
        worker_start_loop(&watch->worker, "watchdog", 1, watch_loop, watch, err) == STATUS_OK)
        return watch;
    if (!watch || !watch->lock)
        err_set(err, STATUS_INTERNAL, _("out of memory"));
    if (watch)
        lock_free(watch->lock);
    free(watch);
    return NULL;
}

void watch_add(struct watch *watch, struct session *session)
{
    lock_take(watch->lock);
    session->next = watch->first;
    watch->first = session;
    lock_give(watch->lock);
}

void watch_remove(struct watch *watch, struct session *session)
{
    lock_take(watch->lock);
    for (struct session **at = &watch->first; *at; at = &(*at)->next)
        if (*at == session) {
            *at = session->next;
            break;
        }
    lock_give(watch->lock);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    worker_stop(watch->worker, NULL);
    lock_free(watch->lock);
    free(watch);
}
