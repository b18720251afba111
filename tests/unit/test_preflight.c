/* The judging: what a server says, and the level, words and SQL that follow. */
#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "world.h"

enum { MARIADB, MYSQL };

static struct preflight found;

static const struct preflight_result *judge(const struct preflight_facts *facts, enum preflight_check check)
{
    preflight_judge(facts, &found);
    return &found.results[check];
}

static void a_good_node_passes(void)
{
    for (uint8_t node = 0; node < 2; node++) {
        struct preflight_facts facts = world_facts(node);
        preflight_judge(&facts, &found);
        for (unsigned i = 0; i < PREFLIGHT_CHECKS; i++) {
            CU_ASSERT_EQUAL(found.results[i].level, PREFLIGHT_OK);
            CU_ASSERT_STRING_EQUAL(found.results[i].reason, "");
            CU_ASSERT_STRING_EQUAL(found.results[i].fix, "");
            CU_ASSERT(found.results[i].value[0] != '\0' || i == PREFLIGHT_REACHED);
        }
    }
}

/* One variable of a good node changed: which check sees it, as what, and the SQL. */
static void variables_are_judged(void)
{
    static const char flush[] = "SET GLOBAL innodb_flush_log_at_trx_commit = 1;",
                      sync[] = "SET GLOBAL sync_binlog = 1;",
                      detach[] = "SET GLOBAL xa_detach_on_prepare = ON;",
                      more[] = "SET GLOBAL max_connections = 116;",
                      own[] = "SET GLOBAL max_user_connections = 76;";
    static const struct {
        int node;
        enum preflight_variable variable;
        const char *value;
        enum preflight_check check;
        enum preflight_level level;
        const char *fix;
    } rows[] = {
        {MYSQL, VARIABLE_VERSION, "8.0.30", PREFLIGHT_VERSION, PREFLIGHT_OK, ""},
        {MYSQL, VARIABLE_VERSION, "8.0.29", PREFLIGHT_VERSION, PREFLIGHT_FAIL, ""},
        {MYSQL, VARIABLE_VERSION, "8.1.0", PREFLIGHT_VERSION, PREFLIGHT_OK, ""},
        {MYSQL, VARIABLE_VERSION, "5.7.44-log", PREFLIGHT_VERSION, PREFLIGHT_FAIL, ""},
        {MYSQL, VARIABLE_VERSION, "10.0", PREFLIGHT_VERSION, PREFLIGHT_OK, ""},
        {MYSQL, VARIABLE_VERSION, "", PREFLIGHT_VERSION, PREFLIGHT_FAIL, ""},
        {MYSQL, VARIABLE_VERSION, "x.y", PREFLIGHT_VERSION, PREFLIGHT_FAIL, ""},
        {MARIADB, VARIABLE_VERSION, "10.5.0-MariaDB", PREFLIGHT_VERSION, PREFLIGHT_OK, ""},
        {MARIADB, VARIABLE_VERSION, "10.4.34-MariaDB", PREFLIGHT_VERSION, PREFLIGHT_FAIL, ""},
        {MARIADB, VARIABLE_VERSION, "11.4.2-MariaDB", PREFLIGHT_VERSION, PREFLIGHT_OK, ""},
        {MYSQL, VARIABLE_FLUSH_LOG, "0", PREFLIGHT_FLUSH_LOG, PREFLIGHT_FAIL, flush},
        {MYSQL, VARIABLE_FLUSH_LOG, "2", PREFLIGHT_FLUSH_LOG, PREFLIGHT_FAIL, flush},
        {MYSQL, VARIABLE_FLUSH_LOG, "3", PREFLIGHT_FLUSH_LOG, PREFLIGHT_FAIL, flush},
        {MYSQL, VARIABLE_FLUSH_LOG, "", PREFLIGHT_FLUSH_LOG, PREFLIGHT_FAIL, flush},
        {MARIADB, VARIABLE_FLUSH_LOG, "0", PREFLIGHT_FLUSH_LOG, PREFLIGHT_FAIL, flush},
        {MARIADB, VARIABLE_FLUSH_LOG, "3", PREFLIGHT_FLUSH_LOG, PREFLIGHT_OK, ""},
        {MYSQL, VARIABLE_SYNC_BINLOG, "0", PREFLIGHT_SYNC_BINLOG, PREFLIGHT_FAIL, sync},
        {MARIADB, VARIABLE_SYNC_BINLOG, "100", PREFLIGHT_SYNC_BINLOG, PREFLIGHT_FAIL, sync},
        {MARIADB, VARIABLE_LOG_BIN, "OFF", PREFLIGHT_LOG_BIN, PREFLIGHT_NOTE, ""},
        {MYSQL, VARIABLE_LOG_BIN, "OFF", PREFLIGHT_LOG_BIN, PREFLIGHT_OK, ""},
        {MYSQL, VARIABLE_FORCE_RECOVERY, "1", PREFLIGHT_FORCE_RECOVERY, PREFLIGHT_FAIL, ""},
        {MARIADB, VARIABLE_WSREP_ON, "ON", PREFLIGHT_GALERA, PREFLIGHT_FAIL, ""},
        {MYSQL, VARIABLE_READ_ONLY, "ON", PREFLIGHT_READ_ONLY, PREFLIGHT_OK, ""}, /* exempt */
        {MYSQL, VARIABLE_DETACH, "OFF", PREFLIGHT_DETACH, PREFLIGHT_WARN, detach},
        {MYSQL, VARIABLE_MAX_CONNECTIONS, "65", PREFLIGHT_MAX_CONNECTIONS, PREFLIGHT_WARN, more},
        {MYSQL, VARIABLE_MAX_CONNECTIONS, "66", PREFLIGHT_MAX_CONNECTIONS, PREFLIGHT_OK, ""},
        {MYSQL, VARIABLE_MAX_USER_CONNECTIONS, "5", PREFLIGHT_MAX_CONNECTIONS, PREFLIGHT_WARN, own},
        {MYSQL, VARIABLE_ROLLBACK_ON_TIMEOUT, "ON", PREFLIGHT_ROLLBACK_ON_TIMEOUT, PREFLIGHT_NOTE, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct preflight_facts facts = world_facts((uint8_t)rows[i].node);
        text_copy(facts.variables[rows[i].variable], PREFLIGHT_VALUE_MAX, rows[i].value);
        const struct preflight_result *result = judge(&facts, rows[i].check);
        CU_ASSERT_EQUAL(result->level, rows[i].level);
        CU_ASSERT_STRING_EQUAL(result->fix, rows[i].fix);
        CU_ASSERT_EQUAL(result->reason[0] != '\0', rows[i].level != PREFLIGHT_OK);
        CU_ASSERT_EQUAL(preflight_worst(&found, NULL), rows[i].level); /* and nothing else changed */
    }
}

static void without_a_binary_log_nothing_is_synced(void)
{
    struct preflight_facts facts = world_facts(MARIADB);
    text_copy(facts.variables[VARIABLE_LOG_BIN], PREFLIGHT_VALUE_MAX, "OFF");
    text_copy(facts.variables[VARIABLE_SYNC_BINLOG], PREFLIGHT_VALUE_MAX, "0");
    CU_ASSERT_EQUAL(judge(&facts, PREFLIGHT_SYNC_BINLOG)->level, PREFLIGHT_OK);
}

static void read_only_matters_if_it_means_us(void)
{
    struct preflight_facts facts = world_facts(MYSQL);
    text_copy(facts.variables[VARIABLE_SUPER_READ_ONLY], PREFLIGHT_VALUE_MAX, "ON");
    facts.write_refused = true;
    const struct preflight_result *result = judge(&facts, PREFLIGHT_READ_ONLY);
    CU_ASSERT_EQUAL(result->level, PREFLIGHT_FAIL);
    CU_ASSERT_STRING_EQUAL(result->value, "ON");
    CU_ASSERT_STRING_EQUAL(result->fix, "SET GLOBAL read_only = OFF;");
}

static void tables_must_be_there_and_innodb(void)
{
    struct preflight_facts facts = world_facts(MARIADB);
    facts.engines[PREFLIGHT_TABLE_xa_key][0] = '\0';
    CU_ASSERT_EQUAL(judge(&facts, PREFLIGHT_SCHEMA)->level, PREFLIGHT_FAIL);
    CU_ASSERT_STRING_EQUAL(found.results[PREFLIGHT_SCHEMA].value, "without xa_key");
    CU_ASSERT_EQUAL(found.results[PREFLIGHT_ENGINE].level, PREFLIGHT_OK);
    facts = world_facts(MARIADB);
    text_copy(facts.engines[PREFLIGHT_TABLE_accounts], sizeof facts.engines[0], "Aria");
    text_copy(facts.engines[PREFLIGHT_TABLE_xa_marker], sizeof facts.engines[0], "MyISAM");
    const struct preflight_result *result = judge(&facts, PREFLIGHT_ENGINE);
    CU_ASSERT_EQUAL(result->level, PREFLIGHT_FAIL);
    CU_ASSERT_STRING_EQUAL(result->value, "accounts: Aria, xa_marker: MyISAM");
    CU_ASSERT_STRING_EQUAL(result->fix, "ALTER TABLE `xatop`.`accounts` ENGINE = InnoDB; "
                                        "ALTER TABLE `xatop`.`xa_marker` ENGINE = InnoDB;");
    text_copy(facts.database, sizeof facts.database, "a`b"); /* in no SQL of ours */
    CU_ASSERT_STRING_EQUAL(judge(&facts, PREFLIGHT_ENGINE)->fix, "");
    facts = world_facts(MYSQL);
    facts.innodb = false;
    CU_ASSERT_EQUAL(judge(&facts, PREFLIGHT_ENGINE)->level, PREFLIGHT_FAIL);
}

static void rights_come_with_their_grant(void)
{
    struct preflight_facts facts = world_facts(MYSQL);
    facts.may_recover = facts.may_process = false;
    CU_ASSERT_EQUAL(judge(&facts, PREFLIGHT_XA_RECOVER)->level, PREFLIGHT_FAIL);
    CU_ASSERT_STRING_EQUAL(found.results[PREFLIGHT_XA_RECOVER].fix,
                           "GRANT XA_RECOVER_ADMIN ON *.* TO 'xatop'@'localhost';");
    CU_ASSERT_EQUAL(found.results[PREFLIGHT_PROCESS].level, PREFLIGHT_WARN);
    CU_ASSERT_STRING_EQUAL(found.results[PREFLIGHT_PROCESS].fix,
                           "GRANT PROCESS ON *.* TO 'xatop'@'localhost';");
    facts = world_facts(MYSQL);
    facts.denied[PREFLIGHT_TABLE_accounts] = RIGHT_UPDATE;
    facts.denied[PREFLIGHT_TABLE_xa_marker] = RIGHT_INSERT | RIGHT_DELETE;
    const struct preflight_result *result = judge(&facts, PREFLIGHT_GRANTS);
    CU_ASSERT_EQUAL(result->level, PREFLIGHT_FAIL);
    CU_ASSERT_STRING_EQUAL(result->value, "no UPDATE on accounts; INSERT, DELETE on xa_marker");
    CU_ASSERT_STRING_EQUAL(result->fix,
                           "GRANT UPDATE ON `xatop`.`accounts` TO 'xatop'@'localhost'; "
                           "GRANT INSERT, DELETE ON `xatop`.`xa_marker` TO 'xatop'@'localhost';");
    facts.account[0] = '\0'; /* a name that cannot be shown */
    CU_ASSERT_STRING_EQUAL(judge(&facts, PREFLIGHT_GRANTS)->fix, "");
    CU_ASSERT_EQUAL(found.results[PREFLIGHT_GRANTS].level, PREFLIGHT_FAIL);
}

static void many_rights_are_granted_at_once(void)
{
    struct preflight_facts facts = world_facts(MYSQL);
    text_copy(facts.database, sizeof facts.database, "xatop_a");
    for (unsigned i = 0; i < PREFLIGHT_TABLES; i++)
        facts.denied[i] = preflight_table_rights(i);
    CU_ASSERT_STRING_EQUAL(judge(&facts, PREFLIGHT_GRANTS)->fix,
                           "GRANT SELECT, INSERT, UPDATE, DELETE ON `xatop\\_a`.* TO 'xatop'@'localhost';");
    text_copy(facts.variables[VARIABLE_PARTIAL_REVOKES], PREFLIGHT_VALUE_MAX, "ON");
    CU_ASSERT_STRING_EQUAL(judge(&facts, PREFLIGHT_GRANTS)->fix,
                           "GRANT SELECT, INSERT, UPDATE, DELETE ON `xatop_a`.* TO 'xatop'@'localhost';");
}

static void accounts_are_quoted_whatever_the_sql_mode(void)
{
    static const struct {
        const char *user, *host, *want;
    } rows[] = {
        {"xatop", "localhost", "'xatop'@'localhost'"},
        {"", "%", "''@'%'"},
        {"a@b", "10.0.0.%", "'a@b'@'10.0.0.%'"},
        {"it's", "h", "`it's`@'h'"},
        {"back\\slash`", "h", "`back\\slash```@'h'"},
        {"x'; DROP USER root; -- ", "h", "`x'; DROP USER root; -- `@'h'"},
        {"esc\x1b[31m", "h", ""},
        {"new\nline", "h", ""},
        {"bad\xff", "h", ""},
        {"李娜", "h", "'李娜'@'h'"},
    };
    char out[PREFLIGHT_ACCOUNT_MAX], small[8];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        preflight_account(rows[i].user, strlen(rows[i].user), rows[i].host, strlen(rows[i].host), out,
                          sizeof out);
        CU_ASSERT_STRING_EQUAL(out, rows[i].want);
    }
    preflight_account("xatop", 5, "localhost", 9, small, sizeof small); /* half an account is none */
    CU_ASSERT_STRING_EQUAL(small, "");
}

static void compared(struct preflight_facts a, struct preflight_facts b, enum preflight_level level,
                     const char *words)
{
    struct preflight other;
    preflight_judge(&b, &other);
    preflight_judge(&a, &found);
    preflight_compare(&found, &other, "n1");
    CU_ASSERT_EQUAL(found.results[PREFLIGHT_SERVER].level, level);
    CU_ASSERT_PTR_NOT_NULL(strstr(found.results[PREFLIGHT_SERVER].reason, words));
    preflight_compare_forget(&found);
    CU_ASSERT_EQUAL(preflight_worst(&found, NULL), PREFLIGHT_OK);
}

static void two_nodes_are_two_servers(void)
{
    struct preflight_facts a = world_facts(MARIADB), b = world_facts(MARIADB);
    a.node_id = 1;
    b.node_id = 2;
    compared(a, b, PREFLIGHT_FAIL, "the same database as node n1");
    text_copy(b.database, sizeof b.database, "other");
    compared(a, b, PREFLIGHT_WARN, "the same server as node n1");
    text_copy(b.variables[VARIABLE_PORT], PREFLIGHT_VALUE_MAX, "3399");
    compared(a, b, PREFLIGHT_OK, "");
    b.node_id = 1;
    compared(a, b, PREFLIGHT_FAIL, "a copy of node n1");
    a.node_id = b.node_id = 0; /* no identity is not the same identity */
    compared(a, b, PREFLIGHT_OK, "");
    /* a data directory copied with its uuid, on another port */
    a = world_facts(MYSQL), b = world_facts(MYSQL);
    b.node_id = 7;
    text_copy(b.variables[VARIABLE_PORT], PREFLIGHT_VALUE_MAX, "3399");
    compared(a, b, PREFLIGHT_OK, "");
}

static void every_reason_fits_an_error_line(void)
{
    struct preflight_facts facts = {.database = "xatop", .wait_timeout_s = 1};
    facts.write_refused = true;
    text_copy(facts.variables[VARIABLE_WSREP_ON], PREFLIGHT_VALUE_MAX, "ON");
    preflight_judge(&facts, &found);
    for (unsigned i = 0; i < PREFLIGHT_CHECKS; i++)
        CU_ASSERT(strlen(found.results[i].reason) <= 90);
}

static void longest_values_are_cut_not_overrun(void)
{
    struct preflight_facts facts = world_facts(MYSQL);
    memset(facts.account, 'a', sizeof facts.account - 1);
    for (unsigned i = 0; i < PREFLIGHT_TABLES; i++) {
        memset(facts.engines[i], 'E', sizeof facts.engines[i] - 1);
        facts.denied[i] = i < 3 ? RIGHT_SELECT : 0;
    }
    for (unsigned i = 0; i < PREFLIGHT_VARIABLES; i++)
        memset(facts.variables[i], '9', PREFLIGHT_VALUE_MAX - 1);
    facts.may_recover = false;
    preflight_judge(&facts, &found);
    for (unsigned i = 0; i < PREFLIGHT_CHECKS; i++) {
        const char *fix = found.results[i].fix;
        CU_ASSERT(strlen(fix) < PREFLIGHT_FIX_MAX && strlen(found.results[i].value) < PREFLIGHT_VALUE_MAX);
        CU_ASSERT(!fix[0] || fix[strlen(fix) - 1] == ';'); /* whole statements only */
    }
}

int main(void)
{
    static const struct test_case cases[] = {
        {"a good node passes", a_good_node_passes},
        {"variables are judged", variables_are_judged},
        {"without a binary log nothing is synced", without_a_binary_log_nothing_is_synced},
        {"read_only matters if it means us", read_only_matters_if_it_means_us},
        {"tables must be there and InnoDB", tables_must_be_there_and_innodb},
        {"rights come with their GRANT", rights_come_with_their_grant},
        {"many rights are granted at once", many_rights_are_granted_at_once},
        {"accounts are quoted whatever the sql_mode", accounts_are_quoted_whatever_the_sql_mode},
        {"two nodes are two servers", two_nodes_are_two_servers},
        {"every reason fits an error line", every_reason_fits_an_error_line},
        {"longest values are cut, not overrun", longest_values_are_cut_not_overrun},
        {NULL, NULL},
    };
    return test_main("preflight", cases);
}
