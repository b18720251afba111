#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node_mysql_admin.h"
#include "node_mysql_session.h"
#include "xatop/i18n.h"
#include "xatop/node_harm.h"
#include "xatop/text.h"

enum { ERROR_DEADLOCK = 1213, ERROR_NO_SUCH_KEY = 1091, VICTIMS_MAX = 512 };

static const struct {
    const char *sql[2], *what;
} harms[] = {
    [NODE_HARM_LOCK] = {{"FLUSH TABLES WITH READ LOCK"}, N_("cannot lock every table")},
    [NODE_HARM_UNLOCK] = {{"UNLOCK TABLES"}, N_("cannot unlock")},
    [NODE_HARM_READ_ONLY] = {{"SET GLOBAL read_only = 1"}, N_("cannot be made read-only")},
    [NODE_HARM_WRITABLE] = {{"SET GLOBAL read_only = 0"}, N_("cannot be made writable")},
    [NODE_HARM_TAKE_ACCOUNTS] = {{"START TRANSACTION", "SELECT id FROM accounts ORDER BY id DESC FOR UPDATE"},
                                 N_("cannot lock the accounts")},
    [NODE_HARM_RELEASE] = {{"ROLLBACK"}, N_("cannot release the accounts")},
    [NODE_HARM_ADD_INDEX] = {{"ALTER TABLE accounts ADD INDEX xatop_chaos (balance)"},
                             N_("cannot add an index")},
    [NODE_HARM_DROP_INDEX] = {{"ALTER TABLE accounts DROP INDEX xatop_chaos"}, N_("cannot drop the index")},
};

enum status node_admin_harm(struct node_admin *admin, enum node_harm harm, struct err *err)
{
    struct session *session = &admin->session;
    for (unsigned i = 0; i < 2 && harms[harm].sql[i]; i++) {
        if (session_run(session, harms[harm].sql[i]))
            continue;
        if (harm == NODE_HARM_DROP_INDEX && session->error == ERROR_NO_SUCH_KEY)
            return STATUS_OK;
        enum status status = admin_failed(admin, err, _(harms[harm].what));
        if (session->error != ERROR_DEADLOCK)
            return status;
        if (err)
            err->status = STATUS_REFUSED;
        return STATUS_REFUSED;
    }
    return STATUS_OK;
}

struct victims {
    uint64_t ids[VICTIMS_MAX];
    uint32_t count;
};

static bool take_victim(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct victims *victims = arg;
    int64_t id;
    (void)lengths;
    if (columns == 1 && row[0] && text_to_i64(row[0], 1, INT64_MAX, &id))
        victims->ids[victims->count++] = (uint64_t)id;
    return victims->count < VICTIMS_MAX;
}

enum status node_admin_kill_sessions(struct node_admin *admin, const char *user, uint32_t *killed,
                                     struct err *err)
{
    struct session *session = &admin->session;
    struct victims victims = {.count = 0};
    char sql[384];
    struct text text;
    *killed = 0;
    text_init(&text, sql, sizeof sql);
    text_append(&text, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = X'");
    text_hex(&text, user, strlen(user));
    text_append(&text, "'");
    if (!session_rows(session, sql, take_victim, &victims))
        return admin_failed(admin, err, _("cannot list the sessions"));
    for (uint32_t i = 0; i < victims.count; i++) {
        snprintf(sql, sizeof sql, "KILL CONNECTION %" PRIu64, victims.ids[i]);
        if (session_run(session, sql))
            ++*killed; /* one that has gone meanwhile is an error, and is gone */
        else if (!session->mysql || session->doubtful)
            return admin_failed(admin, err, _("cannot kill a session"));
    }
    return STATUS_OK;
}
