/* The verified floor of a log on one node: told, raised, and what lies below it folded into sums and removed. Never more than
 * a batch at once, and only rows that no branch can hold: all of them are of finished transactions. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node_mysql_admin.h"
#include "node_mysql_internal.h"
#include "xatop/books.h"
#include "xatop/i18n.h"

enum { SQL_BYTES = 1024, ORIGIN_TAIL = 21 /* EEEEEEEE.SSSSSSSSSSSS */ };

static void literal(struct text *sql, const char *string)
{
    text_append(sql, "X'");
    text_hex(sql, string, strlen(string));
    text_append(sql, "'");
}

/* Digits are of fixed width, so the order of bytes is the order of age, and the primary key serves. */
static void range(struct text *sql, const char *after, const char *upto, const char *comparison)
{
    text_append(sql, "gtrid > ");
    literal(sql, after);
    text_printf(sql, " AND gtrid %s ", comparison);
    literal(sql, upto);
}

struct names {
    char origin[XATOP_GTRID_MAX + 1], upto[XATOP_GTRID_MAX + 1], after[XATOP_GTRID_MAX + 1];
};

static void name(const struct floor_ask *ask, struct names *names)
{
    gtrid_print(&ask->upto, names->upto);
    gtrid_print(&ask->upto, names->origin);
    names->origin[strlen(names->origin) - ORIGIN_TAIL] = '\0';
    text_copy(names->after, sizeof names->after, names->origin);
    if (ask->after.epoch != 0)
        gtrid_print(&ask->after, names->after);
}

/* --- tell and raise --- */

static bool take_floor(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct floor_ask *ask = arg;
    if (columns < 2 || !row[0] || !row[1])
        return false;
    if (!gtrid_parse(row[0], lengths[0], &ask->finished))
        ask->finished = (struct gtrid){.epoch = 0};
    if (!gtrid_parse(row[1], lengths[1], &ask->pruned))
        ask->pruned = (struct gtrid){.epoch = 0};
    return false;
}

static bool tell_floor(struct session *session, struct floor_ask *ask, const struct names *names)
{
    char buffer[SQL_BYTES];
    struct text sql;
    if (ask->upto.epoch != 0) {
        text_init(&sql, buffer, sizeof buffer);
        text_append(&sql, "INSERT INTO xa_floor (origin, finished, pruned) VALUES (");
        literal(&sql, names->origin);
        text_append(&sql, ", ");
        literal(&sql, names->upto);
        text_append(&sql, ", '') ON DUPLICATE KEY UPDATE finished = GREATEST(finished, ");
        literal(&sql, names->upto);
        text_append(&sql, ")");
        if (!session_run(session, buffer))
            return false;
    }
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "SELECT finished, pruned FROM xa_floor WHERE origin = ");
    literal(&sql, names->origin);
    return session_rows(session, buffer, take_floor, ask);
}

/* --- list --- */

static bool take_marker(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct floor_ask *ask = arg;
    struct gtrid gtrid;
    struct marker_seen *marker = &ask->markers[ask->count];
    if (columns < 3 || !row[0] || !row[1] || !row[2] || ask->count == FLOOR_BATCH ||
        !gtrid_parse(row[0], lengths[0], &gtrid))
        return ask->count < FLOOR_BATCH;
    marker->epoch = gtrid.epoch;
    marker->sequence = gtrid.sequence;
    marker->branch = (uint8_t)strtoul(row[1], NULL, 10);
    marker->branches = (uint8_t)strtoul(row[2], NULL, 10);
    ask->count++;
    return true;
}

/* A full batch may have cut the last transaction in two: it counts only up to the one before. */
static void cut_batch(struct floor_ask *ask)
{
    const struct marker_seen *last = &ask->markers[ask->count - 1];
    struct gtrid cut = {.epoch = last->epoch, .sequence = last->sequence};
    ask->more = true;
    while (ask->count > 0 && ask->markers[ask->count - 1].epoch == cut.epoch &&
           ask->markers[ask->count - 1].sequence == cut.sequence)
        ask->count--;
    ask->covered = ask->after;
    if (ask->count > 0) {
        ask->covered = ask->upto;
        ask->covered.epoch = ask->markers[ask->count - 1].epoch;
        ask->covered.sequence = ask->markers[ask->count - 1].sequence;
    }
}

static bool list_markers(struct session *session, struct floor_ask *ask, const struct names *names)
{
    char buffer[SQL_BYTES];
    struct text sql;
    ask->markers = malloc(FLOOR_BATCH * sizeof *ask->markers);
    if (!ask->markers) {
        text_copy(session->detail, sizeof session->detail, _("out of memory"));
        return false;
    }
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "SELECT gtrid, branch, MAX(branches) FROM xa_marker WHERE ");
    range(&sql, names->after, names->upto, "<=");
    text_printf(&sql, " GROUP BY gtrid, branch ORDER BY gtrid, branch LIMIT %d", FLOOR_BATCH);
    if (!session_rows(session, buffer, take_marker, ask)) {
        free(ask->markers);
        ask->markers = NULL;
        ask->count = 0;
        return false;
    }
    if (ask->count == FLOOR_BATCH)
        cut_batch(ask);
    return true;
}

/* --- prune --- */

struct boundary {
    bool found;
    char gtrid[XATOP_GTRID_MAX + 1];
};

static bool take_boundary(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct boundary *boundary = arg;
    struct gtrid gtrid;
    boundary->found = columns >= 1 && row[0] && gtrid_parse(row[0], lengths[0], &gtrid);
    if (boundary->found)
        gtrid_print(&gtrid, boundary->gtrid);
    return false;
}

/* The first marker that stays: the last of the batch, or one that is too young. What goes is *below* it, so that the range
 * that is locked ends at a row of a finished transaction, never at a row that a branch in doubt may hold. */
static bool find_boundary(struct session *session, const struct floor_ask *ask, const struct names *names,
                          struct boundary *out)
{
    char buffer[SQL_BYTES];
    struct text sql;
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "SELECT LEAST(MAX(gtrid), COALESCE(MIN(IF(at >= NOW(3) - INTERVAL ");
    text_printf(&sql, "%" PRId64, ask->older_ms / 1000);
    text_append(&sql, " SECOND, gtrid, NULL)), MAX(gtrid))) FROM (SELECT gtrid, at FROM xa_marker WHERE ");
    range(&sql, names->origin, names->upto, "<=");
    text_printf(&sql, " ORDER BY gtrid, branch, step LIMIT %d) batch", FLOOR_BATCH);
    return session_rows(session, buffer, take_boundary, out);
}

/* Once, by one transaction: the sums, the rows, and how far it went. */
static bool fold(struct session *session, struct floor_ask *ask, const struct names *names,
                 const char *boundary)
{
    char buffer[SQL_BYTES];
    struct text sql;
    int64_t floor_holds, rows = 0;
    bool found;
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "SELECT 1 FROM xa_floor WHERE origin = ");
    literal(&sql, names->origin);
    text_append(&sql, " AND finished >= ");
    literal(&sql, names->upto);
    text_append(&sql, " FOR UPDATE");
    if (!session_numbers(session, buffer, &floor_holds, 1, &found) || !found)
        return false;
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql,
                "INSERT INTO xa_folded (tbl, delta) SELECT tbl, total FROM (SELECT tbl, SUM(delta) AS total "
                "FROM xa_marker WHERE ");
    range(&sql, names->origin, boundary, "<");
    text_append(&sql, " GROUP BY tbl) sums ON DUPLICATE KEY UPDATE delta = xa_folded.delta + sums.total");
    if (!session_run(session, buffer))
        return false;
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "SELECT COUNT(*) FROM xa_marker WHERE ");
    range(&sql, names->origin, boundary, "<");
    if (!session_numbers(session, buffer, &rows, 1, &found))
        return false;
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "DELETE FROM xa_marker WHERE ");
    range(&sql, names->origin, boundary, "<");
    if (!session_run(session, buffer) || (int64_t)mysql_affected_rows(session->mysql) != rows)
        return false;
    ask->count = (uint32_t)rows;
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "UPDATE xa_floor SET pruned = GREATEST(pruned, ");
    literal(&sql, boundary);
    text_append(&sql, ") WHERE origin = ");
    literal(&sql, names->origin);
    return session_run(session, buffer);
}

static bool prune(struct session *session, struct floor_ask *ask, const struct names *names)
{
    struct boundary boundary = {.found = false};
    if (!find_boundary(session, ask, names, &boundary))
        return false;
    if (!boundary.found)
        return true;
    if (session_run(session, "START TRANSACTION") && fold(session, ask, names, boundary.gtrid) &&
        session_run(session, "COMMIT")) {
        ask->more = ask->count >= FLOOR_BATCH / 2;
        return true;
    }
    ask->count = 0;
    struct session kept = {.error = session->error};
    text_copy(kept.detail, sizeof kept.detail, session->detail);
    session_run(session, "ROLLBACK");
    session->error = kept.error;
    text_copy(session->detail, sizeof session->detail, kept.detail);
    return false;
}

/* --- for the audit --- */

/* Rows are the server's word: taken only if they are what we write there. */
static bool take_log(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct audit_floors *floors = arg;
    struct gtrid gtrid;
    if (floors->count > AUDIT_FLOORS_MAX || columns < 3 || !row[0] || !row[1] || !row[2] ||
        !gtrid_parse(row[1], lengths[1], &gtrid))
        return true;
    if (floors->count < AUDIT_FLOORS_MAX) {
        struct audit_floor *log = &floors->logs[floors->count];
        gtrid_print(&gtrid, log->finished);
        text_copy(log->origin, sizeof log->origin, log->finished);
        log->origin[strlen(log->origin) - ORIGIN_TAIL] = '\0';
        log->pruned[0] = '\0';
        if (gtrid_parse(row[2], lengths[2], &gtrid))
            gtrid_print(&gtrid, log->pruned);
    }
    floors->count++;
    return true;
}

bool session_floors(struct session *session, struct audit_floors *out)
{
    out->count = 0;
    if (!session_rows(session, "SELECT origin, finished, pruned FROM xa_floor", take_log, out))
        return false;
    if (out->count <= AUDIT_FLOORS_MAX)
        return true;
    out->count = AUDIT_FLOORS_MAX;
    session->error = 0;
    text_copy(session->detail, sizeof session->detail, _("xa_floor holds too many logs"));
    return false;
}

enum status node_admin_floors(struct node_admin *admin, struct audit_floors *out, struct err *err)
{
    if (!session_floors(&admin->session, out))
        return admin_failed(admin, err, _("cannot read how far its markers were verified"));
    return STATUS_OK;
}

void session_floor(struct session *session, struct control *control)
{
    struct names names;
    name(&control->floor, &names);
    if (control->kind == CONTROL_FLOOR)
        control->ok = tell_floor(session, &control->floor, &names);
    else if (control->kind == CONTROL_MARKERS)
        control->ok = list_markers(session, &control->floor, &names);
    else
        control->ok = prune(session, &control->floor, &names);
}
