/* Finishing a branch from elsewhere, and asking the rows what became of it. The caller has fenced the session that held the
 * branch and let it settle; an answer of the server alone is never believed (3a, 12b, 20): the marker row is the witness. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "node_mysql_error.h"
#include "node_mysql_internal.h"
#include "xatop/i18n.h"

enum row_state { ROW_UNKNOWN, ROW_THERE, ROW_ABSENT, ROW_LOCKED };

struct row_text {
    char *cells[2];
    size_t caps[2];
    bool found;
};

static bool take_text(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct row_text *text = arg;
    text->found = true;
    for (unsigned i = 0; i < 2 && i < columns; i++)
        if (text->cells[i] && row[i])
            text_sanitise(text->cells[i], text->caps[i], row[i], lengths[i]);
    return false;
}

/* A locking read that does not wait: it sees what is committed, or that somebody has not decided yet. */
static enum row_state read_row(struct session *session, const char *sql, struct row_text *text)
{
    struct row_text none = {0};
    if (!text)
        text = &none;
    if (session_rows(session, sql, take_text, text))
        return text->found ? ROW_THERE : ROW_ABSENT;
    if (session->error == ERROR_LOCK_NOWAIT || session->error == ERROR_LOCK_WAIT)
        return ROW_LOCKED;
    return ROW_UNKNOWN;
}

static void literal(struct text *text, const void *bytes, size_t n)
{
    text_append(text, "X'");
    text_hex(text, bytes, n);
    text_append(text, "'");
}

static enum row_state read_marker(struct session *session, const struct control *control)
{
    char sql[512];
    struct text text;
    text_init(&text, sql, sizeof sql);
    text_append(&text, "SELECT 1 FROM xa_marker WHERE gtrid = ");
    literal(&text, control->xid.gtrid, control->xid.gtrid_len);
    text_printf(&text, " AND branch = %u LIMIT 1 FOR UPDATE NOWAIT", control->branch);
    return read_row(session, sql, NULL);
}

/* 12b: is there a branch of that name, listed or not? OK means no; it is undone at once. */
static bool probe(struct session *session, const struct xid *xid, bool *exists)
{
    static const enum verb verbs[] = {VERB_START, VERB_END, VERB_ROLLBACK};
    *exists = false;
    for (unsigned i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        char sql[512];
        struct text text;
        text_init(&text, sql, sizeof sql);
        verb_sql(verbs[i], xid, &text);
        if (session_run(session, sql))
            continue;
        *exists = i == 0 && session->error == ERROR_DUPID;
        if (!*exists)
            session->doubtful = true; /* whatever was begun dies with this session */
        return *exists;
    }
    return true;
}

static enum finding weigh(struct session *session, struct control *control)
{
    bool exists;
    switch (read_marker(session, control)) {
    case ROW_THERE:
        return FINDING_COMMITTED;
    case ROW_LOCKED:
        return FINDING_STILL_PREPARED;
    case ROW_UNKNOWN:
        return error_is_loss(session->error) ? FINDING_UNREACHABLE : FINDING_BUSY;
    case ROW_ABSENT:
        break;
    }
    if (!probe(session, &control->xid, &exists))
        return FINDING_UNREACHABLE;
    if (!exists)
        return FINDING_ROLLED_BACK;
    text_copy(session->detail, sizeof session->detail, _("the branch still exists there"));
    return FINDING_BUSY;
}

static enum finding finish(struct session *session, struct control *control)
{
    char sql[512];
    struct text text;
    bool listed;
    text_init(&text, sql, sizeof sql);
    if (control->verbs) {
        xatop_assert(control->verbs == VERB_COMMIT || control->verbs == VERB_ROLLBACK);
        verb_sql((enum verb)control->verbs, &control->xid, &text);
        bool done = session_run(session, sql);
        control->error = done ? 0 : session->error;
        text_copy(control->detail, sizeof control->detail, session->detail);
        enum reply reply = done ? REPLY_OK : error_reply(control->verbs, session->error);
        if (reply == REPLY_LOST)
            return FINDING_UNREACHABLE;
        if (reply == REPLY_BUSY)
            return FINDING_BUSY;
        if (reply != REPLY_NOTA)
            return weigh(session, control);
    }
    if (!session_lists(session, &control->xid, &listed))
        return FINDING_UNREACHABLE;
    if (!listed)
        return weigh(session, control);
    text_copy(control->detail, sizeof control->detail,
              control->verbs ? _("prepared, and held by another session") : _("prepared"));
    return FINDING_BUSY;
}

void session_resolve(struct session *session, struct control *control)
{
    uint64_t id;
    session->detail[0] = '\0';
    control->finding = FINDING_UNREACHABLE;
    if (!session_node_id(session, &id))
        return;
    if (control->expect_node_id != 0 && id != control->expect_node_id)
        control->finding = FINDING_OTHER_NODE;
    else
        control->finding = finish(session, control);
    control->ok = control->finding != FINDING_UNREACHABLE;
}

void session_key(struct session *session, struct control *control)
{
    char sql[512];
    struct text text;
    struct row_text row = {.cells = {control->fingerprint, control->gtrid},
                           .caps = {sizeof control->fingerprint, sizeof control->gtrid}};
    text_init(&text, sql, sizeof sql);
    text_append(&text, "SELECT fingerprint, gtrid FROM xa_key WHERE k = ");
    literal(&text, control->key, strnlen(control->key, sizeof control->key));
    size_t plain = text.len;
    text_append(&text, " FOR UPDATE NOWAIT");
    enum row_state state = read_row(session, sql, &row);
    control->ok = state != ROW_UNKNOWN;
    control->key_state = state == ROW_THERE ? KEY_DONE : state == ROW_ABSENT ? KEY_ABSENT : KEY_UNKNOWN;
    if (state != ROW_LOCKED)
        return;
    /* somebody's first attempt is not decided: its words can be read, not believed */
    sql[plain] = '\0';
    control->key_state = KEY_UNRESOLVED;
    control->ok = session_run(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED") &&
                  session_rows(session, sql, take_text, &row);
    if (!session_run(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"))
        session->doubtful = true;
}
