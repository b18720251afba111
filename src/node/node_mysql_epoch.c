/* The two rows of a node that say whose a coordinator id is (xa_epoch) and where each decision log was (xa_place). */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node_mysql_internal.h"
#include "xatop/i18n.h"

struct epoch_row {
    struct node_epoch *out;
    bool bad;
};

bool cell_to_i64(const char *cell, int64_t *out)
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
    if (columns < 5 || !cell_to_i64(row[0], &log_id) || !cell_to_i64(row[1], &number) ||
        !cell_to_i64(row[2], &pid) || !cell_to_i64(row[3], &since) || !row[4]) {
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

bool session_home(struct session *session, const struct coordinator *who, struct log_home *out)
{
    char sql[256];
    int64_t row[3] = {0};
    snprintf(sql, sizeof sql,
             "SELECT place, epoch, elsewhere FROM xa_place WHERE coordinator = '%s' AND log_id = %" PRIu64,
             who->id, who->log_id);
    if (!session_numbers(session, sql, row, 3, &out->found))
        return false;
    out->place = (uint64_t)row[0];
    out->epoch = (uint32_t)row[1];
    out->elsewhere = (uint32_t)row[2];
    return true;
}

/* Who owns the id: one line for people, however it is refused. */
void epoch_say_owner(const struct node_epoch *owner, bool with_log, char *detail, size_t cap)
{
    struct text text;
    struct tm tm;
    char since[32] = "?";
    time_t seconds = (time_t)(owner->since_wall_ms / 1000);
    if (gmtime_r(&seconds, &tm))
        strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC", &tm);
    text_init(&text, detail, cap);
    if (with_log)
        text_printf(&text, _("log %016" PRIx64 ", "), owner->log_id);
    text_printf(&text, _("host %s, pid %" PRId64 ", since %s"), owner->host, owner->pid, since);
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

bool session_write_epoch(struct session *session, const struct coordinator *who, bool found,
                         uint32_t elsewhere)
{
    char sql[384];
    if (!write_epoch(session, who, found))
        return false;
    snprintf(sql, sizeof sql,
             "REPLACE INTO xa_place (coordinator, log_id, place, epoch, elsewhere) VALUES ('%s', %" PRIu64
             ", %" PRIu64 ", %" PRIu32 ", %" PRIu32 ")",
             who->id, who->log_id, who->place, who->epoch, elsewhere);
    return session_run(session, sql);
}
