/* Rule 4: before a node takes work or gives a verdict, our epoch stands in its epoch row, and every session of an older epoch
 * (or of a log that was taken over) has left its process list and settled.
 *
 * A copy of the log (a copied state directory, a backup put back, another machine) has our log id and may have a higher epoch
 * than its original. Two things tell it apart: the place of the log's folder is not the one in xa_place, and sessions that
 * registered from there are alive. Then it is refused. With nobody alive there it may go on, and with --take-over always; but
 * its records are those of the moment it was copied, so of every epoch up to then nothing may be presumed (xa_place.elsewhere,
 * rule other-place). The same folder on the same machine is an ordinary restart: whoever holds the lock of the folder knows
 * that nobody else is at work there. A cloned virtual machine or disk image has the same place as its original and is not told
 * apart by this, only by its epoch. */
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

/* What stands in the node's rows. */
struct standing {
    struct node_epoch owner;
    struct log_home home;
    bool elsewhere; /* our log was at another place */
};

/* An epoch is durable in its log before any node hears of it, so the next run of that log has a higher one. The same epoch
 * raised by another process means a copy of the log: a copied state directory, or a backup put back. */
static bool is_other_run(const struct node_epoch *owner, const struct coordinator *who)
{
    return owner->epoch == who->epoch &&
           (owner->pid != who->pid || owner->since_wall_ms != who->since_wall_ms);
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
    if (columns >= 1 && cell_to_i64(row[0], &id))
        old->ids[old->count++] = (uint64_t)id;
    return old->count < SESSIONS_AT_ONCE;
}

/* Sessions that our log registered from where it was, and that the process list still shows. */
static bool somebody_is_alive(struct session *session, const struct control *control, bool *alive)
{
    const struct coordinator *who = control->coordinator;
    struct old_sessions old = {.count = 0};
    char sql[384];
    snprintf(sql, sizeof sql,
             "SELECT connection_id FROM xa_session WHERE coordinator = '%s' AND log_id = %" PRIu64
             " AND epoch < %" PRIu32 " AND server_start = %" PRId64 " AND connection_id <> %" PRIu64
             " ORDER BY opened DESC",
             who->id, who->log_id, who->epoch, session->ref.server_start, session->ref.connection_id);
    return session_rows(session, sql, take_old, &old) &&
           session_any_present(session, old.ids, old.count, alive);
}

static bool no_schema(const struct session *session, struct control *control, const char *words)
{
    if (session->error == ERROR_NO_SUCH_TABLE) {
        control->raised = RAISE_NO_SCHEMA;
        text_copy(control->detail, sizeof control->detail, words);
    }
    return false;
}

static bool refuse(struct control *control, enum raise_result why, const struct node_epoch *owner)
{
    control->raised = why;
    control->owner_epoch = owner->epoch;
    epoch_say_owner(owner, why == RAISE_OTHER_LOG, control->detail, sizeof control->detail);
    return false;
}

/* Read the rows and judge them; in a transaction with @lock. False: control->raised says why, or the session failed. */
static bool may_raise(struct session *session, struct control *control, bool lock, struct standing *now)
{
    const struct coordinator *who = control->coordinator;
    const struct node_epoch *owner = &now->owner;
    bool alive = false;
    if (!session_epoch(session, who->id, lock, &now->owner) || !session_home(session, who, &now->home))
        return no_schema(session, control,
                         _("the schema there is older than this program: run xatop setup (or init) again"));
    now->elsewhere =
        now->home.found && now->home.place != 0 && who->place != 0 && now->home.place != who->place;
    bool another = owner->found && owner->log_id != who->log_id;
    if (another && !control->take_over)
        return refuse(control, RAISE_OTHER_LOG, owner);
    if (owner->found && !another && (owner->epoch > who->epoch || is_other_run(owner, who)))
        return refuse(control, RAISE_NEWER_EPOCH, owner);
    if (now->elsewhere && !control->take_over) {
        if (!somebody_is_alive(session, control, &alive))
            return false;
        if (alive)
            return refuse(control, RAISE_ELSEWHERE, owner);
    }
    control->displaced = another || now->elsewhere;
    if (control->displaced)
        epoch_say_owner(owner, another, control->detail, sizeof control->detail);
    return true;
}

enum compared { COMPARED_RAISED, COMPARED_NOT, COMPARED_AGAIN };

/* Compare and raise in one transaction. NOT: nothing was changed; control->raised says why. */
static enum compared compare_and_raise(struct session *session, struct control *control)
{
    const struct coordinator *who = control->coordinator;
    struct standing now;
    enum compared compared = COMPARED_NOT;
    if (session_run(session, "START TRANSACTION") && may_raise(session, control, true, &now)) {
        control->elsewhere = now.home.elsewhere;
        if (now.elsewhere && now.home.epoch > control->elsewhere)
            control->elsewhere = now.home.epoch;
        if (session_write_epoch(session, who, now.owner.found, control->elsewhere))
            compared = session_run(session, "COMMIT") ? COMPARED_RAISED : COMPARED_NOT;
        else if (!now.owner.found && session->error == ERROR_DUPLICATE)
            compared = COMPARED_AGAIN;
    }
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

/* Branches of our coordinator id, but of another log: only that log knows about them (rule 3). They stand in the way of
 * whoever comes first; once the row is ours they are known, and left alone. */
static bool other_log_is_prepared(struct session *session, struct control *control)
{
    struct xid *xids;
    uint32_t count, total;
    struct node_epoch owner;
    bool other = false;
    if (!session_epoch(session, control->coordinator->id, false, &owner))
        return true;
    if (owner.found && owner.log_id == control->coordinator->log_id)
        return false;
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
        /* who that is, the epoch row says; without one at least the branch is named */
        if (owner.found) {
            refuse(control, RAISE_OTHER_LOG, &owner);
            continue;
        }
        text_init(&text, control->detail, sizeof control->detail);
        text_append(&text, _("a branch of another log is prepared: "));
        xid_print(&xids[i], &text);
    }
    free(xids);
    return other;
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
    struct standing now;
    xatop_assert(control->coordinator && coordinator_id_valid(control->coordinator->id));
    if (!session_info(session, &control->info))
        return;
    control->info.state = NODE_UP;
    if (control->info.node_id == 0) {
        control->raised = RAISE_NO_SCHEMA;
        text_copy(control->detail, sizeof control->detail, _("no schema there: run xatop setup"));
        return;
    }
    if (!control->take_over && !control->claimed && other_log_is_prepared(session, control))
        return;
    if (control->look) {
        if (may_raise(session, control, false, &now))
            control->raised = RAISE_CLEAR;
        return;
    }
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
