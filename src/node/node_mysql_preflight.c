/* Asks a MySQL or MariaDB server for what preflight.c judges. Reads only: a right is tried with EXPLAIN, which both servers allow
 * to those who may run the statement itself, whichever way they came by it (roles, wildcards, partial revokes), and which changes
 * nothing. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "node_mysql_admin.h"
#include "node_mysql_error.h"
#include "xatop/i18n.h"

/* What was refused is an answer; only a lost connection is none. */
static bool answered(const struct session *session, bool ok)
{
    return ok || !error_is_loss(session->error);
}

static bool is_denial(int32_t error)
{
    return error == ERROR_DB_DENIED || error == ERROR_TABLE_DENIED || error == ERROR_COLUMN_DENIED ||
           error == ERROR_DENIED;
}

/* --- variables, tables ---------------------------------------------------------------------------------------------- */

static bool take_variable(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct preflight_facts *facts = arg;
    for (unsigned i = 0; columns >= 2 && row[0] && row[1] && i < PREFLIGHT_VARIABLES; i++)
        if (strcasecmp(row[0], preflight_variable_name(i)) == 0)
            text_sanitise(facts->variables[i], sizeof facts->variables[i], row[1], lengths[1]);
    return true;
}

static bool ask_variables(struct session *session, struct preflight_facts *facts)
{
    char buffer[1024];
    struct text sql;
    memset(facts->variables, 0, sizeof facts->variables);
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "SHOW GLOBAL VARIABLES WHERE Variable_name IN (");
    for (unsigned i = 0; i < PREFLIGHT_VARIABLES; i++)
        text_printf(&sql, "%s'%s'", i ? ", " : "", preflight_variable_name(i));
    text_append(&sql, ")");
    xatop_assert(!sql.truncated);
    return session_rows(session, buffer, take_variable, facts);
}

static bool take_table(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct preflight_facts *facts = arg;
    for (unsigned i = 0; columns >= 2 && row[0] && i < PREFLIGHT_TABLES; i++)
        if (strcmp(row[0], preflight_table_name(i)) == 0) {
            text_copy(facts->engines[i], sizeof facts->engines[i], "?"); /* a view has none */
            if (row[1])
                text_sanitise(facts->engines[i], sizeof facts->engines[i], row[1], lengths[1]);
        }
    return true;
}

static bool ask_tables(struct session *session, struct preflight_facts *facts)
{
    int64_t engines = 0;
    bool found;
    memset(facts->engines, 0, sizeof facts->engines);
    if (!session_rows(
            session,
            "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
            take_table, facts))
        return false;
    if (!session_numbers(session,
                         "SELECT COUNT(*) FROM information_schema.ENGINES WHERE ENGINE = 'InnoDB' AND "
                         "SUPPORT IN ('YES', 'DEFAULT')",
                         &engines, 1, &found))
        return false;
    facts->innodb = engines > 0;
    return true;
}

/* --- rights ----------------------------------------------------------------------------------------------------------- */

static void write_trial(enum preflight_table table, uint8_t right, char *sql, size_t cap)
{
    const char *name = preflight_table_name(table);
    static const char *const columns[] = {
        [PREFLIGHT_TABLE_accounts] = "balance",  [PREFLIGHT_TABLE_products] = "stock",
        [PREFLIGHT_TABLE_customers] = "balance", [PREFLIGHT_TABLE_xa_floor] = "finished",
        [PREFLIGHT_TABLE_xa_folded] = "delta",   [PREFLIGHT_TABLES] = NULL,
    };
    const char *column = columns[table];
    xatop_assert(right != RIGHT_UPDATE || column);
    if (right == RIGHT_SELECT)
        snprintf(sql, cap, "EXPLAIN SELECT * FROM %s WHERE FALSE", name);
    else if (right == RIGHT_INSERT)
        snprintf(sql, cap, "EXPLAIN INSERT INTO %s SELECT * FROM %s WHERE FALSE", name, name);
    else if (right == RIGHT_UPDATE)
        snprintf(sql, cap, "EXPLAIN UPDATE %s SET %s = %s WHERE FALSE", name, column, column);
    else
        snprintf(sql, cap, "EXPLAIN DELETE FROM %s WHERE FALSE", name);
}

static bool ask_rights(struct session *session, struct preflight_facts *facts)
{
    memset(facts->denied, 0, sizeof facts->denied);
    for (unsigned i = 0; i < PREFLIGHT_TABLES; i++) {
        for (uint8_t right = RIGHT_SELECT; facts->engines[i][0] && right <= RIGHT_DELETE; right *= 2) {
            char sql[256];
            if (!(preflight_table_rights(i) & right))
                continue;
            write_trial(i, right, sql, sizeof sql);
            bool ok = session_run(session, sql);
            if (!answered(session, ok))
                return false;
            if (!ok && is_denial(session->error))
                facts->denied[i] |= right;
        }
    }
    return true;
}

static bool take_account(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct preflight_facts *facts = arg;
    if (columns >= 2 && row[0] && row[1])
        preflight_account(row[0], lengths[0], row[1], lengths[1], facts->account, sizeof facts->account);
    return false;
}

static bool ask_account(struct session *session, struct preflight_facts *facts)
{
    int64_t number = 0;
    uint32_t kept, total;
    bool found;
    facts->account[0] = '\0';
    /* no host has an @ in it, a user may */
    if (!session_rows(session,
                      "SELECT LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - 1 - "
                      "CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1))), "
                      "SUBSTRING_INDEX(CURRENT_USER(), '@', -1)",
                      take_account, facts))
        return false;
    if (!session_numbers(session, "SELECT @@session.wait_timeout", &facts->wait_timeout_s, 1, &found))
        return false;
    facts->may_recover = session_scan(session, NULL, &kept, &total);
    if (!answered(session, facts->may_recover))
        return false;
    facts->may_process =
        session_numbers(session, "SELECT COUNT(*) FROM information_schema.innodb_trx", &number, 1, &found);
    return answered(session, facts->may_process);
}

/* --- all --------------------------------------------------------------------------------------------------------------- */

static bool says_read_only(const struct preflight_facts *facts, enum preflight_variable which)
{
    return facts->variables[which][0] && strcmp(facts->variables[which], "OFF") != 0;
}

/* Only the server knows whether an account is exempt. Asked only then: a backup lock would hold the question up. */
static bool ask_writable(struct session *session, struct preflight_facts *facts)
{
    char sql[256];
    facts->write_refused = false;
    if (!says_read_only(facts, VARIABLE_READ_ONLY) && !says_read_only(facts, VARIABLE_SUPER_READ_ONLY))
        return true;
    write_trial(PREFLIGHT_TABLE_accounts, RIGHT_UPDATE, sql, sizeof sql);
    bool ok = session_run(session, sql);
    facts->write_refused = !ok && session->error == ERROR_READ_ONLY;
    return answered(session, ok);
}

bool session_preflight(struct session *session, struct preflight_facts *facts, bool whole)
{
    facts->mariadb = session->mariadb;
    facts->wait_timeout_asked_s = (session->settings.wait_timeout_ms + 999) / 1000;
    text_copy(facts->database, sizeof facts->database, session->config->database);
    if (!ask_variables(session, facts) || !ask_tables(session, facts) || !ask_writable(session, facts))
        return false;
    if (!whole)
        return true;
    facts->node_id = 0;
    bool ok = !facts->engines[PREFLIGHT_TABLE_xa_node][0] || session_node_id(session, &facts->node_id);
    return answered(session, ok) && ask_account(session, facts) && ask_rights(session, facts);
}

static bool take_watched(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    if (columns >= 1 && row[0])
        text_sanitise(arg, PREFLIGHT_WATCH_MAX, row[0], lengths[0]);
    return false;
}

bool session_watched(struct session *session, char out[PREFLIGHT_WATCH_MAX])
{
    static const char common[] = "SELECT CONCAT_WS(' ', @@global.innodb_flush_log_at_trx_commit, "
                                 "@@global.sync_binlog, @@global.read_only, @@global.max_connections)";
    static const char mysql[] = "SELECT CONCAT_WS(' ', @@global.innodb_flush_log_at_trx_commit, "
                                "@@global.sync_binlog, @@global.read_only, @@global.max_connections, "
                                "@@global.super_read_only)";
    out[0] = '\0';
    return answered(session, session_rows(session, session->mariadb ? common : mysql, take_watched, out));
}

enum status node_admin_preflight(struct node_admin *admin, uint32_t sessions, struct preflight *out,
                                 struct err *err)
{
    struct preflight_facts facts = {.sessions = sessions};
    if (!session_preflight(&admin->session, &facts, true))
        return admin_failed(admin, err, _("cannot be checked"));
    preflight_judge(&facts, out);
    return STATUS_OK;
}
