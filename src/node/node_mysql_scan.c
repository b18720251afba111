/* What a session can ask about its node: prepared branches, identity, health, the process list. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node_mysql_error.h"
#include "node_mysql_internal.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"

/* WORDS_MS: before the watchdog ends the session at the deadline, it must have said why. */
enum { POLL_MS = 10, WORDS_MS = 500 };

/* --- XA RECOVER --- */

struct scan {
    struct xid *xids;
    uint32_t count, capacity, total;
    bool keep, out_of_memory;
    const struct xid *wanted;
    bool listed;
};

static bool cell_number(const char *cell, unsigned long length, int64_t *out)
{
    char digits[24];
    if (!cell || length >= sizeof digits)
        return false;
    memcpy(digits, cell, length);
    digits[length] = '\0';
    return text_to_i64(digits, 0, INT64_MAX, out);
}

/* formatID, gtrid_length, bqual_length, data: data is bytes, cut by the lengths (35). */
bool scan_row_to_xid(char **row, const unsigned long *lengths, unsigned columns, struct xid *xid)
{
    int64_t gtrid_len, bqual_len;
    if (columns < 4 || !cell_number(row[0], lengths[0], &xid->format) ||
        !cell_number(row[1], lengths[1], &gtrid_len) || !cell_number(row[2], lengths[2], &bqual_len) ||
        !row[3])
        return false;
    if (gtrid_len > XATOP_GTRID_MAX || bqual_len > XATOP_BQUAL_MAX ||
        lengths[3] != (unsigned long)(gtrid_len + bqual_len))
        return false;
    xid->gtrid_len = (uint8_t)gtrid_len;
    xid->bqual_len = (uint8_t)bqual_len;
    memcpy(xid->gtrid, row[3], (size_t)gtrid_len);
    memcpy(xid->bqual, row[3] + gtrid_len, (size_t)bqual_len);
    return true;
}

static bool take_xid(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct scan *scan = arg;
    struct xid xid = {0};
    scan->total++;
    if (!scan_row_to_xid(row, lengths, columns, &xid))
        return true; /* counted; no xid by the standard, so not ours either */
    if (scan->wanted && xid_equal(&xid, scan->wanted))
        scan->listed = true;
    if (!scan->keep || scan->count == XATOP_SCAN_MAX)
        return true;
    if (scan->count == scan->capacity) {
        uint32_t capacity = scan->capacity ? scan->capacity * 2 : 64;
        struct xid *grown = realloc(scan->xids, capacity * sizeof *grown);
        if (!grown) {
            scan->out_of_memory = true;
            return false;
        }
        scan->xids = grown;
        scan->capacity = capacity;
    }
    scan->xids[scan->count++] = xid;
    return true;
}

static bool scan_failed(struct session *session)
{
    /* the server says XAER_RMERR; the reason is in the warnings only (13) */
    if (session->error == ERROR_RMERR)
        text_copy(session->detail, sizeof session->detail,
                  _("XA RECOVER is denied: grant the account XA_RECOVER_ADMIN ON *.*"));
    return false;
}

bool session_scan(struct session *session, struct xid **xids, uint32_t *count, uint32_t *total)
{
    struct scan scan = {.keep = xids != NULL};
    bool ok = session_rows(session, "XA RECOVER", take_xid, &scan);
    if (!ok || scan.out_of_memory) {
        free(scan.xids);
        if (!ok)
            return scan_failed(session);
        text_copy(session->detail, sizeof session->detail, _("out of memory"));
        return false;
    }
    if (xids)
        *xids = scan.xids;
    *count = scan.count;
    *total = scan.total;
    return true;
}

bool session_lists(struct session *session, const struct xid *xid, bool *listed)
{
    struct scan scan = {.wanted = xid};
    bool ok = session_rows(session, "XA RECOVER", take_xid, &scan);
    *listed = scan.listed;
    return ok || scan_failed(session);
}

/* --- identity and health --- */

bool session_node_id(struct session *session, uint64_t *id)
{
    int64_t number = 0;
    bool found;
    *id = 0;
    if (!session_numbers(session, "SELECT id FROM xa_node WHERE one = 1", &number, 1, &found))
        return session->error == ERROR_NO_SUCH_TABLE;
    *id = found ? (uint64_t)number : 0;
    return true;
}

/* A number that may be hidden from our account: -1 then. False only if the connection is lost. */
static bool optional_number(struct session *session, const char *sql, int32_t *out)
{
    int64_t number = -1;
    bool found, ok = session_numbers(session, sql, &number, 1, &found);
    *out = ok && found && number >= 0 && number <= INT32_MAX ? (int32_t)number : -1;
    return ok || !error_is_loss(session->error);
}

bool session_info(struct session *session, struct node_info *info)
{
    uint32_t kept, total;
    int32_t detaches;
    char sql[128];
    snprintf(sql, sizeof sql,
             "SELECT VARIABLE_VALUE FROM %s.global_status WHERE VARIABLE_NAME = 'THREADS_CONNECTED'",
             session->mariadb ? "information_schema" : "performance_schema");
    text_copy(info->make, sizeof info->make, session->mariadb ? "MariaDB" : "MySQL");
    text_sanitise_cstr(info->version, sizeof info->version, mysql_get_server_info(session->mysql));
    info->server_start = session->ref.server_start;
    bool scanned = session_scan(session, NULL, &kept, &total);
    if (!scanned && error_is_loss(session->error))
        return false;
    info->prepared = scanned ? (int32_t)total : -1;
    bool ok = session_node_id(session, &info->node_id) &&
              optional_number(
                  session, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'",
                  &info->lock_waits) &&
              optional_number(session, sql, &info->sessions) &&
              optional_number(session, "SELECT @@global.xa_detach_on_prepare", &detaches);
    info->detaches = ok && detaches == 1; /* MariaDB and older servers do not know the variable */
    return ok;
}

/* --- the process list --- */

struct process_list {
    const char *user;
    const uint64_t *ids;
    uint32_t count, present;
    bool *seen;
};

static bool take_process(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct process_list *list = arg;
    int64_t id;
    if (columns < 2 || !cell_number(row[0], lengths[0], &id) || !row[1] || strcmp(row[1], list->user) != 0)
        return true; /* somebody else's */
    for (uint32_t i = 0; i < list->count; i++)
        if (list->ids[i] == (uint64_t)id) {
            list->seen[i] = true;
            list->present++;
        }
    return true;
}

/* MariaDB 10.11 takes 'xatop'@'localhost' and 'xatop'@'127.0.0.1' for strangers, MySQL 9.7 does not. */
static bool may_not_kill(struct session *session, uint64_t id)
{
    struct text text;
    text_init(&text, session->detail, sizeof session->detail);
    text_printf(
        &text,
        _("session %" PRIu64 " is of another account: GRANT %s ON *.* to ours, so that it may be killed"), id,
        session->mariadb ? "CONNECTION ADMIN" : "CONNECTION_ADMIN");
    return false;
}

static bool kill_seen(struct session *session, const struct process_list *list, uint32_t *killed)
{
    for (uint32_t i = 0; i < list->count; i++) {
        char sql[64];
        if (!list->seen[i] || list->ids[i] == session->ref.connection_id)
            continue;
        snprintf(sql, sizeof sql, "KILL CONNECTION %" PRIu64, list->ids[i]);
        if (session_run(session, sql))
            ++*killed;
        else if (session->error == ERROR_KILL_DENIED)
            return may_not_kill(session, list->ids[i]);
        else if (session->error != ERROR_NO_SUCH_THREAD)
            return false;
    }
    return true;
}

bool session_any_present(struct session *session, const uint64_t *ids, uint32_t count, bool *any)
{
    struct process_list list = {
        .user = session->config->user, .ids = ids, .count = count, .seen = calloc(count ? count : 1, 1)};
    *any = false;
    if (!list.seen)
        return false;
    bool ok = count == 0 || session_rows(session, "SHOW PROCESSLIST", take_process, &list);
    *any = list.present > 0;
    free(list.seen);
    return ok;
}

/* Killed, and still there: stuck in something that the server cannot break off. */
static bool say_stuck(struct session *session, const struct process_list *list)
{
    struct text text;
    uint32_t i = 0;
    while (i < list->count && !list->seen[i])
        i++;
    text_init(&text, session->detail, sizeof session->detail);
    text_printf(&text, _("session %" PRIu64 " was killed and does not leave the process list"),
                i < list->count ? list->ids[i] : 0);
    if (list->present > 1)
        text_printf(&text, _(", and %u more"), list->present - 1);
    return false;
}

bool session_kill_and_wait(struct session *session, const uint64_t *ids, uint32_t count, int64_t deadline_ms,
                           uint32_t *killed)
{
    const struct timespec moment = {.tv_nsec = POLL_MS * 1000000L};
    struct process_list list = {
        .user = session->config->user, .ids = ids, .count = count, .seen = calloc(count ? count : 1, 1)};
    bool ok = list.seen != NULL;
    *killed = 0;
    for (bool first = true; ok; first = false) {
        list.present = 0;
        if (!first)
            memset(list.seen, 0, count);
        ok = session_rows(session, "SHOW PROCESSLIST", take_process, &list);
        if (!ok || list.present == 0)
            break;
        if (first && !kill_seen(session, &list, killed))
            ok = false;
        if (ok && clock_mono_ms() >= deadline_ms - WORDS_MS)
            ok = say_stuck(session, &list);
        if (ok)
            nanosleep(&moment, NULL);
    }
    free(list.seen);
    return ok;
}
