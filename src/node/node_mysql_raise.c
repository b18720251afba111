/* Rule 4: before a node takes work or gives a verdict, our epoch stands in its epoch row, and every session of an older epoch
 * (or of a log that was taken over) has left its process list and settled. */
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

enum { SESSIONS_AT_ONCE = 1024 };

struct epoch_row {
    struct node_epoch *out;
    bool bad;
};

static bool number_cell(const char *cell, int64_t *out)
{
    char *end;
    if (!cell || !*cell)
        return false;
    *out = cell[0] == '-' ? strtoll(cell, &end, 10) : (int64_t)strtoull(cell, &end, 10);
    return *end == '\0';
}

static bool take_epoch(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct epoch_row *epoch = arg;
    int64_t log_id, number, pid, since;
    if (columns < 5 || !number_cell(row[0], &log_id) || !number_cell(row[1], &number) ||
        !number_cell(row[2], &pid) || !number_cell(row[3], &since) || !row[4]) {
        epoch->bad = true;
        return false;
    }
    *epoch->out = (struct node_epoch){
        .found = true,
        .log_id = (uint64_t)log_id,
        .epoch = (uint32_t)number,
        .pid = pid,
        .since_wall_ms = since,
    };
    text_sanitise(epoch->out->host, sizeof epoch->out->host, row[4], lengths[4]);
    return false;
}

bool session_epoch(struct session *session, const char *coordinator, bool lock, struct node_epoch *out)
{
    char sql[256];
    struct epoch_row epoch = {.out = out};
    *out = (struct node_epoch){0};
    xatop_assert(coordinator_id_valid(coordinator)); /* stands in SQL text */
    snprintf(sql, sizeof sql,
             "SELECT log_id, epoch, pid, since_ms, host FROM xa_epoch WHERE coordinator = '%s'%s",
             coordinator, lock ? " FOR UPDATE" : "");
    if (!session_rows(session, sql, take_epoch, &epoch))
        return false;
    if (epoch.bad)
        text_copy(session->detail, sizeof session->detail, _("the epoch row makes no sense"));
    return !epoch.bad;
}

static void say_owner(const struct node_epoch *owner, char *detail, size_t cap)
{
    struct text text;
    struct tm tm;
    char since[32] = "?";
    time_t seconds = (time_t)(owner->since_wall_ms / 1000);
    if (gmtime_r(&seconds, &tm))
        strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", &tm);
    text_init(&text, detail, cap);
    text_printf(&text, _("log %016" PRIx64 ", host %s, pid %" PRId64 ", since %s"), owner->log_id,
                owner->host, owner->pid, since);
}

/* @found: there is a row, and we hold its lock. An absent row cannot be locked at READ COMMITTED: of two who saw none, INSERT
 * lets one pass, and the other gets 1062. */
static bool write_epoch(struct session *session, const struct coordinator *who, bool found)
{
    char sql[512];
    struct text text;
    text_init(&text, sql, sizeof sql);
    text_printf(&text,
                "%s INTO xa_epoch (coordinator, log_id, epoch, pid, since_ms, host) VALUES ('%s', %" PRIu64
                ", %" PRIu32 ", %" PRId64 ", %" PRId64 ", X'",
                found ? "REPLACE" : "INSERT", who->id, who->log_id, who->epoch, who->pid, who->since_wall_ms);
    text_hex(&text, who->host, strnlen(who->host, sizeof who->host));
    text_append(&text, "')");
    xatop_assert(!text.truncated);
    return session_run(session, sql);
}

/* An epoch is durable in its log before any node hears of it, so the next run of that log has a higher one. The same epoch
 * raised by another process means a copy of the log: a copied state directory, or a backup put back. */
static bool is_other_run(const struct node_epoch *owner, const struct coordinator *who)
{
    return owner->epoch == who->epoch &&
           (owner->pid != who->pid || owner->since_wall_ms != who->since_wall_ms);
}

enum compared { COMPARED_RAISED, COMPARED_NOT, COMPARED_AGAIN };

/* Compare and raise in one transaction. NOT: nothing was changed; control->raised says why. */
static enum compared compare_and_raise(struct session *session, struct control *control)
{
    const struct coordinator *who = control->coordinator;
    struct node_epoch owner;
    enum compared compared = COMPARED_NOT;
    if (!session_run(session, "START TRANSACTION") || !session_epoch(session, who->id, true, &owner))
        goto out;
    if (owner.found && owner.log_id != who->log_id && !control->take_over) {
        control->raised = RAISE_OTHER_LOG;
        say_owner(&owner, control->detail, sizeof control->detail);
    } else if (owner.found && owner.log_id == who->log_id &&
               (owner.epoch > who->epoch || is_other_run(&owner, who))) {
        control->raised = RAISE_NEWER_EPOCH;
        say_owner(&owner, control->detail, sizeof control->detail);
    } else if (write_epoch(session, who, owner.found)) {
        compared = session_run(session, "COMMIT") ? COMPARED_RAISED : COMPARED_NOT;
    } else if (!owner.found && session->error == ERROR_DUPLICATE) {
        compared = COMPARED_AGAIN;
    }
out:
    if (compared != COMPARED_RAISED)
        session_run(session, "ROLLBACK");
    return compared;
}

static bool raise_epoch(struct session *session, struct control *control)
{
    enum compared compared = compare_and_raise(session, control);
    if (compared == COMPARED_AGAIN)
        compared = compare_and_raise(session, control);
    return compared == COMPARED_RAISED;
}

/* Branches of our coordinator id, but of another log: only that log knows about them (rule 3). */
static bool other_log_is_prepared(struct session *session, struct control *control)
{
    struct xid *xids;
    uint32_t count, total;
    struct node_epoch owner;
    bool other = false;
    if (!session_scan(session, &xids, &count, &total))
        return true;
    if (total > count) { /* the rest cannot be judged, and one of them may be another log's */
        free(xids);
        text_copy(control->detail, sizeof control->detail, _("too many prepared branches to look at"));
        return true;
    }
    for (uint32_t i = 0; i < count && !other; i++) {
        struct text text;
        if (xid_owner(&xids[i], control->coordinator->id, control->coordinator->log_id) != XID_OTHER_LOG)
            continue;
        other = true;
        control->raised = RAISE_OTHER_LOG;
        text_init(&text, control->detail, sizeof control->detail);
        /* who that is, the epoch row says; without one at least the branch is named */
        if (session_epoch(session, control->coordinator->id, false, &owner) && owner.found &&
            owner.log_id != control->coordinator->log_id) {
            say_owner(&owner, control->detail, sizeof control->detail);
        } else {
            text_append(&text, _("a branch of another log is prepared: "));
            xid_print(&xids[i], &text);
        }
    }
    free(xids);
    return other;
}

struct old_sessions {
    uint64_t ids[SESSIONS_AT_ONCE];
    uint32_t count;
};

static bool take_old(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct old_sessions *old = arg;
    int64_t id;
    (void)lengths;
    if (columns >= 1 && number_cell(row[0], &id))
        old->ids[old->count++] = (uint64_t)id;
    return old->count < SESSIONS_AT_ONCE;
}

static bool end_older_sessions(struct session *session, struct control *control)
{
    const struct timespec settle = {.tv_nsec = SETTLE_MS * 1000000L};
    const struct coordinator *who = control->coordinator;
    static const char others[] = "coordinator = '%s' AND NOT (log_id = %" PRIu64 " AND epoch = %" PRIu32 ")";
    char where[256], sql[512];
    uint32_t killed;
    snprintf(where, sizeof where, others, who->id, who->log_id, who->epoch);
    /* registered with a server that was restarted since: nothing to kill */
    snprintf(sql, sizeof sql, "DELETE FROM xa_session WHERE server_start <> %" PRId64 " AND %s",
             session->ref.server_start, where);
    if (!session_run(session, sql))
        return false;
    for (;;) {
        struct old_sessions old = {.count = 0};
        struct text text;
        char list[SESSIONS_AT_ONCE * 21 + 512];
        snprintf(sql, sizeof sql,
                 "SELECT connection_id FROM xa_session WHERE connection_id <> %" PRIu64 " AND %s",
                 session->ref.connection_id, where);
        if (!session_rows(session, sql, take_old, &old))
            return false;
        if (old.count == 0)
            break;
        if (!session_kill_and_wait(session, old.ids, old.count, control->deadline_ms, &killed))
            return false;
        control->killed += killed;
        /* also for one that ended by itself a moment ago (3a) */
        nanosleep(&settle, NULL);
        text_init(&text, list, sizeof list);
        text_printf(&text, "DELETE FROM xa_session WHERE %s AND connection_id IN (0", where);
        for (uint32_t i = 0; i < old.count; i++)
            text_printf(&text, ",%" PRIu64, old.ids[i]);
        text_append(&text, ")");
        xatop_assert(!text.truncated);
        if (!session_run(session, list))
            return false;
    }
    return true;
}

static void check_and_raise(struct session *session, struct control *control)
{
    xatop_assert(control->coordinator && coordinator_id_valid(control->coordinator->id));
    if (!session_info(session, &control->info))
        return;
    control->info.state = NODE_UP;
    if (control->info.node_id == 0) {
        control->raised = RAISE_NO_SCHEMA;
        return;
    }
    if (!control->take_over && !control->claimed && other_log_is_prepared(session, control))
        return;
    if (!raise_epoch(session, control) || !end_older_sessions(session, control))
        return;
    if (!session_register(session, control->coordinator))
        return;
    control->raised = RAISE_DONE;
}

void session_raise(struct session *session, struct control *control)
{
    check_and_raise(session, control);
    control->ok = control->raised != RAISE_UNREACHABLE; /* a refusal is an answer too */
}
