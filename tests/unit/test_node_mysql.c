/* The pure parts of the MySQL node: errors to replies, messages to SQL, what counts as loopback, the two schemas. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "../../src/node/node_mysql_error.h"
#include "../../src/node/node_mysql_internal.h"
#include "../../src/node/node_mysql_packet.h"
#include "cunit_main.h"
#include "xatop/scenario.h"
#include "xatop/verb.h"

extern const char node_schema_mysql[], node_schema_mariadb[];

static void errors_become_replies(void)
{
    static const struct {
        int32_t error;
        enum reply work, vote, finish;
    } rows[] = {
        {0, REPLY_OK, REPLY_OK, REPLY_OK},
        {1048, REPLY_REFUSED, REPLY_ERROR, REPLY_BUSY},
        {1062, REPLY_ERROR, REPLY_ERROR, REPLY_BUSY},
        {1205, REPLY_RETRYABLE, REPLY_ERROR, REPLY_BUSY},
        {1213, REPLY_RETRYABLE, REPLY_ERROR, REPLY_BUSY},
        {1290, REPLY_ERROR, REPLY_ERROR, REPLY_BUSY},
        {1317, REPLY_ERROR, REPLY_ERROR, REPLY_BUSY},
        {1397, REPLY_ERROR, REPLY_NOTA, REPLY_NOTA},
        {1399, REPLY_ERROR, REPLY_ERROR, REPLY_BUSY},
        {1402, REPLY_ERROR, REPLY_ROLLED_BACK, REPLY_ROLLED_BACK},
        {1440, REPLY_ERROR, REPLY_ERROR, REPLY_BUSY},
        {1613, REPLY_RETRYABLE, REPLY_ROLLED_BACK, REPLY_ROLLED_BACK},
        {1614, REPLY_RETRYABLE, REPLY_ROLLED_BACK, REPLY_ROLLED_BACK},
        {3197, REPLY_ERROR, REPLY_ERROR, REPLY_BUSY},
        {3819, REPLY_REFUSED, REPLY_ERROR, REPLY_BUSY},
        {4025, REPLY_REFUSED, REPLY_ERROR, REPLY_BUSY},
        {2006, REPLY_LOST, REPLY_LOST, REPLY_LOST},
        {2013, REPLY_LOST, REPLY_LOST, REPLY_LOST},
        {1927, REPLY_LOST, REPLY_LOST, REPLY_LOST},
        {4031, REPLY_LOST, REPLY_LOST, REPLY_LOST},
        {5010, REPLY_LOST, REPLY_LOST, REPLY_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static const uint16_t work[] = {VERB_START, VERB_WORK, VERB_END},
                              vote[] = {VERB_PREPARE, VERB_ONE_PHASE},
                              finish[] = {VERB_COMMIT, VERB_ROLLBACK};
        for (size_t j = 0; j < 3; j++)
            CU_ASSERT_EQUAL(error_reply(work[j], rows[i].error), rows[i].work);
        for (size_t j = 0; j < 2; j++)
            CU_ASSERT_EQUAL(error_reply(vote[j], rows[i].error), rows[i].vote);
        for (size_t j = 0; j < 2; j++)
            CU_ASSERT_EQUAL(error_reply(finish[j], rows[i].error), rows[i].finish);
    }
}

/* Phase two may never read an error as an end, unless the server says rolled back. */
static void no_error_ends_phase_two(void)
{
    for (int32_t error = 1; error < 6000; error++) {
        enum reply reply = error_reply(VERB_COMMIT, error);
        CU_ASSERT(reply == REPLY_BUSY || reply == REPLY_NOTA || reply == REPLY_LOST ||
                  reply == REPLY_ROLLED_BACK);
        CU_ASSERT_EQUAL(reply == REPLY_ROLLED_BACK, error == 1402 || error == 1613 || error == 1614);
    }
}

static void plan_order(struct branch_plan *plan)
{
    *plan = (struct branch_plan){.work_count = 4};
    plan->work[0] = (struct work_op){.kind = WORK_KEY};
    text_copy(plan->work[0].key, sizeof plan->work[0].key, "a'b");
    text_copy(plan->work[0].fingerprint, sizeof plan->work[0].fingerprint, "00");
    plan->work[1] =
        (struct work_op){.kind = WORK_ADD, .table = WORK_PRODUCTS, .id = 101, .delta = -2, .price = 1999};
    plan->work[2] = (struct work_op){
        .kind = WORK_INSERT, .table = WORK_ORDERS, .delta = 2, .price = -1, .product = 101, .customer = 2001};
    plan->work[3] = (struct work_op){.kind = WORK_INSERT,
                                     .table = WORK_PAYMENTS,
                                     .delta = 3998,
                                     .price = -1,
                                     .product = 101,
                                     .customer = 2001};
}

static struct message message_of(const struct branch_plan *plan, uint16_t verbs, uint8_t step)
{
    struct message message = {.branch = 1, .branch_count = 2, .verbs = verbs, .step = step, .plan = plan};
    message.xid = (struct xid){.format = 7, .gtrid_len = 1, .bqual_len = 1, .gtrid = {0xab}, .bqual = {0xcd}};
    return message;
}

static void one_verb_is_one_statement(void)
{
    struct packet packet;
    struct message message = message_of(NULL, VERB_COMMIT, 0);
    packet_render(&message, &packet);
    CU_ASSERT_EQUAL(packet.count, 1);
    CU_ASSERT_STRING_EQUAL(packet.sql, "XA COMMIT X'ab',X'cd',7");
    CU_ASSERT_EQUAL(packet.length, strlen(packet.sql));
    message.verbs = VERB_ONE_PHASE;
    packet_render(&message, &packet);
    CU_ASSERT_STRING_EQUAL(packet.sql, "XA COMMIT X'ab',X'cd',7 ONE PHASE");
}

static void a_step_is_its_work_and_its_guard(void)
{
    struct branch_plan plan;
    struct packet packet;
    plan_order(&plan);
    struct message message = message_of(&plan, VERB_WORK, 1);
    packet_render(&message, &packet);
    CU_ASSERT_EQUAL(packet.count, 2);
    CU_ASSERT_STRING_EQUAL(
        packet.sql, "UPDATE products SET stock = stock + (-2) WHERE id = 101 AND stock + (-2) >= 0 "
                    "AND price = 1999; "
                    "INSERT INTO xa_marker (gtrid, branch, step, branches, tbl, row_id, delta, at) VALUES "
                    "(X'ab', 1, 1, 2, 'products', 101, IF(ROW_COUNT() = 1, -2, NULL), NOW(3))");
    CU_ASSERT(packet.statements[0].role == STATEMENT_WORK && packet.statements[1].role == STATEMENT_GUARD);
    CU_ASSERT(packet.statements[0].step == 1 && packet.statements[1].step == 1);
    message.step = 0; /* a key has no marker; whatever it says stands in hex */
    packet_render(&message, &packet);
    CU_ASSERT_EQUAL(packet.count, 1);
    CU_ASSERT_STRING_EQUAL(packet.sql,
                           "INSERT INTO xa_key (k, fingerprint, gtrid) VALUES (X'612762', X'3030', X'ab')");
}

static void a_packet_is_everything_in_order(void)
{
    static const uint16_t verbs[] = {VERB_START, VERB_WORK, VERB_WORK, VERB_WORK, VERB_WORK,
                                     VERB_WORK,  VERB_WORK, VERB_WORK, VERB_END,  VERB_PREPARE};
    static const uint8_t steps[] = {0, 0, 1, 1, 2, 2, 3, 3, 0, 0};
    struct branch_plan plan;
    struct packet packet;
    plan_order(&plan);
    struct message message =
        message_of(&plan, VERB_OPEN | VERB_START | VERB_WORK | VERB_END | VERB_PREPARE, 2);
    packet_render(&message, &packet);
    CU_ASSERT_EQUAL_FATAL(packet.count, sizeof steps);
    for (size_t i = 0; i < sizeof steps; i++)
        CU_ASSERT(packet.statements[i].verb == verbs[i] && packet.statements[i].step == steps[i]);
    CU_ASSERT_PTR_NOT_NULL(strstr(packet.sql,
                                  "INSERT INTO orders (gtrid, product, customer, quantity) VALUES "
                                  "(X'ab', 101, 2001, 2); "));
    CU_ASSERT_PTR_NOT_NULL(strstr(packet.sql,
                                  "INSERT INTO payments (gtrid, customer, amount) VALUES (X'ab', 2001, "
                                  "3998); "));
    CU_ASSERT_PTR_NOT_NULL(strstr(packet.sql, "; XA END X'ab',X'cd',7; XA PREPARE X'ab',X'cd',7"));
}

/* The longest message there can be fits its buffer: packet_render asserts it. */
static void the_longest_packet_fits(void)
{
    struct branch_plan plan = {.work_count = XATOP_WORK_MAX};
    struct packet packet;
    for (unsigned i = 0; i < XATOP_WORK_MAX; i++) {
        plan.work[i] = (struct work_op){.kind = WORK_ADD,
                                        .table = WORK_PRODUCTS,
                                        .id = INT64_MIN,
                                        .delta = INT64_MIN,
                                        .price = INT64_MAX};
    }
    struct message message = message_of(&plan, VERB_START | VERB_WORK | VERB_END | VERB_ONE_PHASE, 0);
    message.xid.gtrid_len = message.xid.bqual_len = 64;
    message.branch = message.branch_count = 255;
    packet_render(&message, &packet);
    CU_ASSERT_EQUAL(packet.count, 3 + 2 * XATOP_WORK_MAX);
    CU_ASSERT(packet.length < sizeof packet.sql);
}

static void loopback_is_this_machine_only(void)
{
    static const char *const yes[] = {"localhost", "127.0.0.1", "127.9.9.9", "::1"};
    static const char *const no[] = {"",    "10.0.0.1", "128.0.0.1", "localhost.example", "127.0.0.1.example",
                                     "::2", "0.0.0.0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        CU_ASSERT(session_host_is_loopback(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        CU_ASSERT_FALSE(session_host_is_loopback(no[i]));
}

/* The two dialects differ in the collation and nothing else, and every table of work is there. */
static void the_schemas_say_the_same(void)
{
    const char *a = node_schema_mysql, *b = node_schema_mariadb;
    while (*a || *b) {
        size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
        const char *collate_a = strstr(a, " COLLATE utf8mb4"), *collate_b = strstr(b, " COLLATE utf8mb4");
        size_t upto_a = collate_a && collate_a < a + n ? (size_t)(collate_a - a) : n;
        size_t upto_b = collate_b && collate_b < b + m ? (size_t)(collate_b - b) : m;
        CU_ASSERT_FATAL(upto_a == upto_b && strncmp(a, b, upto_a) == 0);
        a += n + (a[n] != '\0');
        b += m + (b[m] != '\0');
    }
    for (unsigned i = 0; i < WORK_TABLES; i++) {
        char create[64], column[64];
        snprintf(create, sizeof create, "CREATE TABLE IF NOT EXISTS %s (",
                 work_table_name((enum work_table)i));
        snprintf(column, sizeof column, "    %s ", work_table_column((enum work_table)i));
        const char *table = strstr(node_schema_mysql, create);
        CU_ASSERT_FATAL(table != NULL);
        const char *found = strstr(table, column), *end = strstr(table, "ENGINE = InnoDB");
        CU_ASSERT(found && end && found < end);
    }
    CU_ASSERT_PTR_NULL(strstr(node_schema_mysql, "FOREIGN"));
    unsigned tables = 0; /* and the preflight looks at each */
    for (const char *p = node_schema_mysql; (p = strstr(p, "CREATE TABLE ")); p++)
        tables++;
    CU_ASSERT_EQUAL(tables, PREFLIGHT_TABLES);
    for (unsigned i = 0; i < PREFLIGHT_TABLES; i++) {
        char create[64];
        snprintf(create, sizeof create, "CREATE TABLE IF NOT EXISTS %s (", preflight_table_name(i));
        CU_ASSERT_PTR_NOT_NULL(strstr(node_schema_mysql, create));
    }
}

static bool row(const char *format, const char *gtrid, const char *bqual, const char *data, size_t n,
                struct xid *xid)
{
    char *cells[] = {(char *)format, (char *)gtrid, (char *)bqual, (char *)data};
    unsigned long lengths[] = {format ? strlen(format) : 0, gtrid ? strlen(gtrid) : 0,
                               bqual ? strlen(bqual) : 0, n};
    return scan_row_to_xid(cells, lengths, 4, xid);
}

static void rows_of_recover_are_cut_by_their_lengths(void)
{
    static char full[129];
    struct xid xid = {0};
    memset(full, 'x', sizeof full);
    CU_ASSERT(row("7", "3", "2",
                  "\0\xff\x1b"
                  "'b",
                  5, &xid));
    CU_ASSERT(xid.format == 7 && xid.gtrid_len == 3 && xid.bqual_len == 2);
    CU_ASSERT(memcmp(xid.gtrid, "\0\xff\x1b", 3) == 0 && memcmp(xid.bqual, "'b", 2) == 0);
    CU_ASSERT(row("4294967295", "64", "64", full, 128, &xid));
    CU_ASSERT(row("0", "1", "0", full, 1, &xid));
    CU_ASSERT_FALSE(row("7", "65", "63", full, 128, &xid));
    CU_ASSERT_FALSE(row("7", "64", "65", full, 129, &xid));
    CU_ASSERT_FALSE(row("7", "3", "2", full, 4, &xid));
    CU_ASSERT_FALSE(row("7", "3", "2", full, 6, &xid));
    CU_ASSERT_FALSE(row("7", "-1", "6", full, 5, &xid));
    CU_ASSERT_FALSE(row("7", "18446744073709551615", "6", full, 5, &xid));
    CU_ASSERT_FALSE(row("-7", "3", "2", full, 5, &xid));
    CU_ASSERT_FALSE(row("seven", "3", "2", full, 5, &xid));
    CU_ASSERT_FALSE(row("7", "", "5", full, 5, &xid));
    CU_ASSERT_FALSE(row("7", "3", NULL, full, 5, &xid));
    CU_ASSERT_FALSE(row("7", "3", "2", NULL, 5, &xid));
}

int main(void)
{
    static const struct test_case cases[] = {
        {"errors become replies by phase", errors_become_replies},
        {"no error ends phase two", no_error_ends_phase_two},
        {"one verb is one statement", one_verb_is_one_statement},
        {"a step is its work and its guard", a_step_is_its_work_and_its_guard},
        {"a packet is everything in order", a_packet_is_everything_in_order},
        {"the longest packet fits", the_longest_packet_fits},
        {"rows of XA RECOVER are cut by their lengths", rows_of_recover_are_cut_by_their_lengths},
        {"loopback is this machine only", loopback_is_this_machine_only},
        {"the schemas say the same", the_schemas_say_the_same},
        {NULL, NULL},
    };
    return test_main("node_mysql", cases);
}
