/* The judgement: one row of XATOP_PREFLIGHT_LIST = one function here. */
#include "config.h"

#include "xatop/preflight.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xatop/i18n.h"
#include "xatop/status.h"
#include "xatop/text.h"

enum { TABLES_NAMED_MAX = 3 }; /* more that lack rights: the GRANT is for the database */

static const char *variable(const struct preflight_facts *facts, enum preflight_variable which)
{
    return facts->variables[which];
}

static bool is_on(const char *value)
{
    return strcasecmp(value, "ON") == 0 || strcmp(value, "1") == 0 || strcasecmp(value, "YES") == 0;
}

static void say(struct preflight_result *result, const char *value)
{
    text_copy(result->value, sizeof result->value, value);
}

static void fix(struct preflight_result *result, const char *sql)
{
    text_copy(result->fix, sizeof result->fix, sql);
}

/* --- one function a row: what was found, does it pass, what mends it ---------------------------------------------- */

static bool pass_REACHED(const struct preflight_facts *facts, struct preflight_result *result)
{
    (void)facts;
    (void)result;
    return true;
}

static bool pass_VERSION(const struct preflight_facts *facts, struct preflight_result *result)
{
    const char *version = variable(facts, VARIABLE_VERSION);
    char *end = NULL;
    unsigned long part[3] = {0};
    for (int i = 0; i < 3 && version[0] >= '0' && version[0] <= '9'; i++) {
        part[i] = strtoul(version, &end, 10);
        if (*end != '.')
            break;
        version = end + 1;
    }
    struct text value;
    text_init(&value, result->value, sizeof result->value);
    text_printf(&value, "%s %s", facts->mariadb ? "MariaDB" : "MySQL", variable(facts, VARIABLE_VERSION));
    unsigned long number = part[0] * 1000000 + part[1] * 1000 + part[2];
    return number >= (facts->mariadb ? 10005000UL : 8000030UL);
}

static bool pass_FLUSH_LOG(const struct preflight_facts *facts, struct preflight_result *result)
{
    const char *value = variable(facts, VARIABLE_FLUSH_LOG);
    say(result, value);
    fix(result, "SET GLOBAL innodb_flush_log_at_trx_commit = 1;");
    /* 3, on MariaDB only: synced at prepare and at commit */
    return strcmp(value, "1") == 0 || (facts->mariadb && strcmp(value, "3") == 0);
}

static bool pass_SYNC_BINLOG(const struct preflight_facts *facts, struct preflight_result *result)
{
    bool logs = is_on(variable(facts, VARIABLE_LOG_BIN));
    say(result, logs ? variable(facts, VARIABLE_SYNC_BINLOG) : "no binary log");
    fix(result, "SET GLOBAL sync_binlog = 1;");
    return !logs || strcmp(variable(facts, VARIABLE_SYNC_BINLOG), "1") == 0;
}

static bool pass_FORCE_RECOVERY(const struct preflight_facts *facts, struct preflight_result *result)
{
    say(result, variable(facts, VARIABLE_FORCE_RECOVERY));
    return strcmp(result->value, "0") == 0;
}

static bool pass_SCHEMA(const struct preflight_facts *facts, struct preflight_result *result)
{
    struct text value;
    unsigned missing = 0;
    text_init(&value, result->value, sizeof result->value);
    for (unsigned i = 0; i < PREFLIGHT_TABLES; i++)
        if (!facts->engines[i][0])
            text_printf(&value, "%s%s", missing++ ? ", " : _("without "), preflight_table_name(i));
    if (missing == 0)
        text_printf(&value, _("%d tables"), PREFLIGHT_TABLES);
    return missing == 0;
}

/* An identifier stands between backticks; one that cannot is in no SQL of ours. */
static bool database_is_plain(const struct preflight_facts *facts)
{
    char clean[sizeof facts->database];
    text_sanitise_cstr(clean, sizeof clean, facts->database);
    return facts->database[0] && strcmp(clean, facts->database) == 0 && !strchr(clean, '`');
}

static bool append_whole(struct text *text, const char *statement)
{
    size_t needed = strlen(statement) + (text->len ? 1 : 0);
    if (text->len + needed >= text->cap)
        return false;
    text_printf(text, "%s%s", text->len ? " " : "", statement);
    return true;
}

static bool pass_ENGINE(const struct preflight_facts *facts, struct preflight_result *result)
{
    struct text value, sql;
    unsigned others = 0;
    text_init(&value, result->value, sizeof result->value);
    text_init(&sql, result->fix, sizeof result->fix);
    for (unsigned i = 0; i < PREFLIGHT_TABLES; i++) {
        char statement[192];
        if (!facts->engines[i][0] || strcasecmp(facts->engines[i], "InnoDB") == 0)
            continue;
        text_printf(&value, "%s%s: %s", others++ ? ", " : "", preflight_table_name(i), facts->engines[i]);
        snprintf(statement, sizeof statement, "ALTER TABLE `%s`.`%s` ENGINE = InnoDB;", facts->database,
                 preflight_table_name(i));
        if (facts->innodb && database_is_plain(facts))
            append_whole(&sql, statement);
    }
    if (!facts->innodb)
        say(result, _("no InnoDB"));
    else if (others == 0)
        say(result, "InnoDB");
    return facts->innodb && others == 0;
}

static bool pass_GALERA(const struct preflight_facts *facts, struct preflight_result *result)
{
    bool on = is_on(variable(facts, VARIABLE_WSREP_ON));
    say(result, on ? "wsrep_on" : "no");
    return !on;
}

static bool pass_READ_ONLY(const struct preflight_facts *facts, struct preflight_result *result)
{
    bool on = is_on(variable(facts, VARIABLE_READ_ONLY)) || is_on(variable(facts, VARIABLE_SUPER_READ_ONLY));
    say(result, !on ? "OFF" : facts->write_refused ? "ON" : _("ON, but the account is exempt"));
    fix(result, "SET GLOBAL read_only = OFF;"); /* takes super_read_only along */
    return !facts->write_refused;
}

static bool grant(const struct preflight_facts *facts, struct preflight_result *result, const char *right)
{
    struct text sql;
    text_init(&sql, result->fix, sizeof result->fix);
    if (facts->account[0])
        text_printf(&sql, "GRANT %s ON *.* TO %s;", right, facts->account);
    if (sql.truncated)
        result->fix[0] = '\0';
    return true;
}

static bool pass_XA_RECOVER(const struct preflight_facts *facts, struct preflight_result *result)
{
    say(result, facts->may_recover ? _("allowed") : _("denied: XA_RECOVER_ADMIN is missing"));
    if (!facts->mariadb)
        grant(facts, result, "XA_RECOVER_ADMIN");
    return facts->may_recover;
}

static void append_rights(struct text *text, uint8_t rights)
{
    static const char *const words[] = {"SELECT", "INSERT", "UPDATE", "DELETE"};
    const char *between = "";
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (rights & 1u << i) {
            text_printf(text, "%s%s", between, words[i]);
            between = ", ";
        }
}

/* In the name of a database `_` and `%` stand for any character, unless escaped; with partial_revokes they stand for themselves
 * and the escape does too. */
static void append_database(struct text *text, const struct preflight_facts *facts)
{
    bool literal = is_on(variable(facts, VARIABLE_PARTIAL_REVOKES));
    for (const char *p = facts->database; *p; p++) {
        if ((*p == '_' || *p == '%') && !literal)
            text_append(text, "\\");
        text_append_n(text, p, 1);
    }
}

static void grant_tables(const struct preflight_facts *facts, unsigned count, uint8_t all, struct text *sql)
{
    char statement[PREFLIGHT_FIX_MAX];
    struct text text;
    for (unsigned i = 0; i < PREFLIGHT_TABLES && count <= TABLES_NAMED_MAX; i++) {
        if (!facts->denied[i])
            continue;
        text_init(&text, statement, sizeof statement);
        text_append(&text, "GRANT ");
        append_rights(&text, facts->denied[i]);
        text_printf(&text, " ON `%s`.`%s` TO %s;", facts->database, preflight_table_name(i), facts->account);
        if (!text.truncated)
            append_whole(sql, statement);
    }
    if (count <= TABLES_NAMED_MAX)
        return;
    text_init(&text, statement, sizeof statement);
    text_append(&text, "GRANT ");
    append_rights(&text, all);
    text_append(&text, " ON `");
    append_database(&text, facts);
    text_printf(&text, "`.* TO %s;", facts->account);
    if (!text.truncated)
        append_whole(sql, statement);
}

static bool pass_GRANTS(const struct preflight_facts *facts, struct preflight_result *result)
{
    struct text value, sql;
    unsigned tables = 0;
    uint8_t all = 0;
    text_init(&value, result->value, sizeof result->value);
    text_init(&sql, result->fix, sizeof result->fix);
    for (unsigned i = 0; i < PREFLIGHT_TABLES; i++) {
        if (!facts->denied[i])
            continue;
        all |= facts->denied[i];
        text_append(&value, tables++ ? "; " : _("no "));
        append_rights(&value, facts->denied[i]);
        text_printf(&value, _(" on %s"), preflight_table_name(i));
    }
    if (tables == 0)
        text_append(&value, _("enough"));
    else if (facts->account[0] && database_is_plain(facts))
        grant_tables(facts, tables, all, &sql);
    return tables == 0;
}

static bool pass_SERVER(const struct preflight_facts *facts, struct preflight_result *result)
{
    struct text value;
    text_init(&value, result->value, sizeof result->value);
    text_printf(&value, "%s:%s", variable(facts, VARIABLE_HOSTNAME), variable(facts, VARIABLE_PORT));
    return true; /* preflight_compare */
}

static bool pass_PROCESS(const struct preflight_facts *facts, struct preflight_result *result)
{
    say(result, facts->may_process ? _("allowed") : _("denied"));
    return grant(facts, result, "PROCESS") && facts->may_process;
}

static bool pass_WAIT_TIMEOUT(const struct preflight_facts *facts, struct preflight_result *result)
{
    struct text value;
    text_init(&value, result->value, sizeof result->value);
    text_printf(&value, _("%" PRId64 " s in our sessions"), facts->wait_timeout_s);
    return facts->wait_timeout_s == facts->wait_timeout_asked_s;
}

static bool pass_DETACH(const struct preflight_facts *facts, struct preflight_result *result)
{
    const char *value = variable(facts, VARIABLE_DETACH);
    say(result, value[0] ? value : _("the server has none"));
    fix(result, "SET GLOBAL xa_detach_on_prepare = ON;");
    return !value[0] || is_on(value);
}

static bool pass_MAX_CONNECTIONS(const struct preflight_facts *facts, struct preflight_result *result)
{
    unsigned long server = strtoul(variable(facts, VARIABLE_MAX_CONNECTIONS), NULL, 10);
    unsigned long account = strtoul(variable(facts, VARIABLE_MAX_USER_CONNECTIONS), NULL, 10);
    bool tight = account > 0 && account < server; /* 0: no limit */
    struct text value, sql;
    text_init(&value, result->value, sizeof result->value);
    text_printf(&value, _("%lu%s, up to %u wanted"), tight ? account : server, tight ? _(" per account") : "",
                facts->sessions);
    text_init(&sql, result->fix, sizeof result->fix);
    if (server < facts->sessions)
        text_printf(&sql, "SET GLOBAL max_connections = %u;", facts->sessions + 50);
    if (tight && account < facts->sessions)
        text_printf(&sql, "%sSET GLOBAL max_user_connections = %u;", sql.len ? " " : "",
                    facts->sessions + 10);
    return sql.len == 0;
}

static bool pass_LOG_BIN(const struct preflight_facts *facts, struct preflight_result *result)
{
    bool on = is_on(variable(facts, VARIABLE_LOG_BIN));
    say(result, on ? "ON" : "OFF");
    return on || !facts->mariadb; /* the phantom OK of xa-facts 3a was never seen on MySQL */
}

static bool pass_ROLLBACK_ON_TIMEOUT(const struct preflight_facts *facts, struct preflight_result *result)
{
    say(result, variable(facts, VARIABLE_ROLLBACK_ON_TIMEOUT));
    return !is_on(result->value);
}

static const struct {
    const char *name;
    enum preflight_level level;
    const char *words;
    bool (*pass)(const struct preflight_facts *facts, struct preflight_result *result);
} checks[] = {
#define X(code, name, level, words) {name, PREFLIGHT_##level, N_(words), pass_##code},
    XATOP_PREFLIGHT_LIST(X)
#undef X
};

/* --- all of them -------------------------------------------------------------------------------------------------- */

const char *preflight_name(enum preflight_check check)
{
    xatop_assert(check < PREFLIGHT_CHECKS);
    return checks[check].name;
}

const char *preflight_level_name(enum preflight_level level)
{
    static const char *const names[] = {"ok", "note", "warn", "fail"};
    xatop_assert((unsigned)level < sizeof names / sizeof names[0]);
    return names[level];
}

const char *preflight_variable_name(enum preflight_variable which)
{
    static const char *const names[] = {
#define X(code, name) name,
        XATOP_PREFLIGHT_VARIABLE_LIST(X)
#undef X
    };
    xatop_assert(which < PREFLIGHT_VARIABLES);
    return names[which];
}

static const struct {
    const char *name;
    uint8_t rights;
} tables[] = {
#define X(name, rights) {#name, rights},
    XATOP_PREFLIGHT_TABLE_LIST(X)
#undef X
};

const char *preflight_table_name(enum preflight_table table)
{
    xatop_assert(table < PREFLIGHT_TABLES);
    return tables[table].name;
}

uint8_t preflight_table_rights(enum preflight_table table)
{
    xatop_assert(table < PREFLIGHT_TABLES);
    return tables[table].rights;
}

/* FNV-1a over what a server says of itself. All of it, because one alone is copied with a data directory, or the same in two
 * containers; one and the same server says the same whichever way it is reached. */
static uint64_t server_of(const struct preflight_facts *facts)
{
    static const enum preflight_variable said[] = {VARIABLE_SERVER_UUID, VARIABLE_SERVER_UID,
                                                   VARIABLE_HOSTNAME,    VARIABLE_PORT,
                                                   VARIABLE_SOCKET,      VARIABLE_DATADIR};
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        const char *p = variable(facts, said[i]);
        do
            hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
        while (*p++);
    }
    return hash;
}

void preflight_judge(const struct preflight_facts *facts, struct preflight *out)
{
    memset(out, 0, sizeof *out);
    out->server = server_of(facts);
    out->node_id = facts->node_id;
    text_copy(out->database, sizeof out->database, facts->database);
    for (unsigned i = 0; i < PREFLIGHT_CHECKS; i++) {
        struct preflight_result *result = &out->results[i];
        if (checks[i].pass(facts, result)) {
            result->fix[0] = '\0';
            continue;
        }
        result->level = checks[i].level;
        text_copy(result->reason, sizeof result->reason, _(checks[i].words));
    }
}

void preflight_unreached(struct preflight *out, const char *why)
{
    memset(out, 0, sizeof *out);
    out->results[PREFLIGHT_REACHED].level = PREFLIGHT_FAIL;
    text_copy(out->results[PREFLIGHT_REACHED].reason, sizeof out->results[PREFLIGHT_REACHED].reason, why);
}

void preflight_compare_forget(struct preflight *mine)
{
    struct preflight_result *result = &mine->results[PREFLIGHT_SERVER];
    result->level = PREFLIGHT_OK;
    result->reason[0] = '\0';
}

void preflight_compare(struct preflight *mine, const struct preflight *other, const char *name)
{
    struct preflight_result *result = &mine->results[PREFLIGHT_SERVER];
    struct text reason;
    bool server = mine->server == other->server;
    /* the random identity in the schema: a restored copy has it too, and it is as bad: the log knows branches by it */
    bool copy = mine->node_id != 0 && mine->node_id == other->node_id;
    bool database = copy || (server && strcmp(mine->database, other->database) == 0);
    enum preflight_level level = database ? PREFLIGHT_FAIL : server ? PREFLIGHT_WARN : PREFLIGHT_OK;
    if (level <= result->level)
        return;
    result->level = level;
    text_init(&reason, result->reason, sizeof result->reason);
    if (server && database)
        text_printf(&reason, _("the same database as node %s: its books would count twice"), name);
    else if (copy)
        text_printf(&reason, _("a copy of node %s, with its identity: give it a database of its own"), name);
    else
        text_printf(&reason, _("the same server as node %s: one crash takes both"), name);
}

enum preflight_level preflight_worst(const struct preflight *preflight, enum preflight_check *which)
{
    enum preflight_level worst = PREFLIGHT_OK;
    for (unsigned i = 0; i < PREFLIGHT_CHECKS; i++)
        if (preflight->results[i].level > worst) {
            worst = preflight->results[i].level;
            if (which)
                *which = (enum preflight_check)i;
        }
    return worst;
}

void preflight_words(const struct preflight *preflight, enum preflight_check check, char *out, size_t cap)
{
    const struct preflight_result *result = &preflight->results[check];
    struct text text;
    text_init(&text, out, cap);
    text_printf(&text, "%s is %s: %s", preflight_name(check), result->value, result->reason);
}

/* Between quotes a backslash means this or that as the sql_mode will have it; between backticks it is a backslash. */
static bool append_name(struct text *text, const char *name, size_t len)
{
    char clean[PREFLIGHT_ACCOUNT_MAX];
    bool plain = true;
    if (text_sanitise(clean, sizeof clean, name, len) != len || memcmp(clean, name, len) != 0)
        return false;
    for (size_t i = 0; i < len; i++)
        plain = plain && name[i] != '\'' && name[i] != '\\';
    const char quote = plain ? '\'' : '`';
    text_append_n(text, &quote, 1);
    for (size_t i = 0; i < len; i++) {
        text_append_n(text, name + i, 1);
        if (name[i] == quote)
            text_append_n(text, &quote, 1);
    }
    text_append_n(text, &quote, 1);
    return true;
}

void preflight_account(const char *user, size_t user_len, const char *host, size_t host_len, char *out,
                       size_t cap)
{
    struct text text;
    text_init(&text, out, cap);
    bool ok = append_name(&text, user, user_len);
    text_append(&text, "@");
    ok = ok && append_name(&text, host, host_len);
    if (!ok || text.truncated)
        out[0] = '\0';
}
