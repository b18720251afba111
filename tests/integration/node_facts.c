/* What the servers do: the facts that the coordinator's rules rest on, asked of a real server. Row numbers are those of the
 * table of facts in doc and comments (xa-facts). Plain SQL of the client library only: nothing of ours is under test here. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "node_bench.h"
#include "xatop/clock.h"

enum {
    DEADLOCK = 1213,
    LOCK_WAIT = 1205,
    NOTA = 1397,
    INVAL = 1398,
    RMFAIL = 1399,
    OUTSIDE = 1400,
    RMERR = 1401,
    RBROLLBACK = 1402,
    DUPID = 1440,
    RBDEADLOCK = 1614,
    NOWAIT = 3572,
};

static MYSQL *a, *b;
static unsigned serial;
static char x[64]; /* the xid of this test: its gtrid is f<serial>, its bqual is b */

static void begin(void)
{
    a = bench_connect("xatop");
    b = bench_connect("xatop");
    CU_ASSERT_EQUAL_FATAL(
        bench_sql(a, "DROP TABLE IF EXISTS fact; CREATE TABLE fact (id INT PRIMARY KEY, n INT NOT NULL, "
                     "CHECK (n >= 0)) ENGINE = InnoDB; INSERT INTO fact VALUES (1, 10), (2, 10); "
                     "SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1"),
        0);
    bench_sql(b, "SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1");
    snprintf(x, sizeof x, "'f%u','b'", ++serial);
}

static void end(void)
{
    mysql_close(a);
    mysql_close(b);
}

static bool listed(void)
{
    char data[64];
    snprintf(data, sizeof data, "f%ub", serial);
    return bench_listed(b, data);
}

static unsigned prepare(MYSQL *mysql)
{
    return bench_sql(mysql, "XA START %s; UPDATE fact SET n = n - 1 WHERE id = 1; XA END %s; XA PREPARE %s",
                     x, x, x);
}

/* End session @mysql, wait until the server knows, and settle (3, 3a). */
static void leave(MYSQL **mysql)
{
    unsigned long id = mysql_thread_id(*mysql);
    bench_shut(*mysql);
    *mysql = bench_connect("xatop");
    bench_sql(*mysql, "SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1");
    CU_ASSERT(bench_gone(*mysql, id, 5000));
    bench_settle();
}

static void row1_detaching(void)
{
    begin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    CU_ASSERT_EQUAL(bench_sql(a, "SELECT * FROM fact"), bench_mariadb() ? RMFAIL : 0);
    CU_ASSERT_EQUAL(bench_sql(b, "SELECT @@global.xa_detach_on_prepare"), bench_mariadb() ? 1193 : 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA ROLLBACK %s", x), 0);
    end();
}

static void row2_4_nota_although_listed(void)
{
    begin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    CU_ASSERT(listed());
    CU_ASSERT_EQUAL(bench_sql(b, "XA COMMIT %s", x), bench_mariadb() ? NOTA : 0);
    CU_ASSERT_EQUAL(listed(), bench_mariadb());
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), bench_mariadb() ? 0 : NOTA);
    CU_ASSERT_EQUAL(bench_number(b, "SELECT n FROM fact WHERE id = 1"), 9);
    end();
}

static void row3_prepared_survives_its_session(void)
{
    begin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    leave(&a);
    CU_ASSERT(listed());
    CU_ASSERT_EQUAL(bench_sql(b, "XA COMMIT %s", x), 0);
    CU_ASSERT_EQUAL(bench_number(b, "SELECT n FROM fact WHERE id = 1"), 9);
    /* the same by KILL */
    begin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    unsigned long id = mysql_thread_id(a);
    CU_ASSERT_EQUAL(bench_sql(b, "KILL CONNECTION %lu", id), 0);
    CU_ASSERT(bench_gone(b, id, 5000));
    bench_settle();
    CU_ASSERT(listed());
    CU_ASSERT_EQUAL(bench_sql(b, "XA ROLLBACK %s", x), 0);
    CU_ASSERT_EQUAL(bench_number(b, "SELECT n FROM fact WHERE id = 1"), 10);
    end();
}

static void row5_unprepared_dies_with_its_session(void)
{
    for (unsigned idle = 0; idle < 2; idle++) {
        begin();
        CU_ASSERT_EQUAL(bench_sql(a, "XA START %s; UPDATE fact SET n = 0 WHERE id = 1", x), 0);
        if (idle)
            CU_ASSERT_EQUAL(bench_sql(a, "XA END %s", x), 0);
        leave(&a);
        CU_ASSERT_FALSE(listed());
        CU_ASSERT_EQUAL(bench_number(b, "SELECT n FROM fact WHERE id = 1"), 10);
        end();
    }
}

/* On MariaDB whatever finishes the branch before that connection is gone answers OK and does nothing (3a, every time): so
 * sessions are closed, never reset. */
static void row7_reset_connection_keeps_the_branch(void)
{
    begin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    CU_ASSERT_EQUAL(mysql_reset_connection(a), 0);
    CU_ASSERT(listed());
    leave(&a);
    CU_ASSERT_EQUAL(bench_sql(b, "XA ROLLBACK %s", x), 0);
    CU_ASSERT_EQUAL(bench_sql(b, "UPDATE fact SET n = 5 WHERE id = 1"), 0);
    end();
}

static void row8_9_40a_kill_and_restart(void)
{
    begin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    CU_ASSERT_EQUAL(bench_sql(b, "UPDATE fact SET n = 5 WHERE id = 1"), LOCK_WAIT);
    CU_ASSERT_EQUAL(bench_sql(b, "SELECT * FROM fact WHERE id = 1 FOR UPDATE NOWAIT"),
                    bench_mariadb() ? LOCK_WAIT : NOWAIT);
    CU_ASSERT_FATAL(bench_kill() && bench_restart());
    end();
    a = bench_connect("xatop");
    b = bench_connect("xatop");
    bench_sql(b, "SET innodb_lock_wait_timeout = 1");
    CU_ASSERT(listed());
    CU_ASSERT_EQUAL(bench_sql(b, "UPDATE fact SET n = 5 WHERE id = 1"), LOCK_WAIT);
    CU_ASSERT_EQUAL(bench_sql(b, "XA ROLLBACK %s", x), 0);
    /* an acknowledged ROLLBACK may come back (40a): whoever sweeps after a restart must find and finish it again */
    CU_ASSERT_FATAL(bench_kill() && bench_restart());
    end();
    a = bench_connect("xatop");
    b = bench_connect("xatop");
    bool back = listed();
    printf("# after XA ROLLBACK and SIGKILL the branch is %s\n", back ? "back" : "gone");
    if (back)
        CU_ASSERT_EQUAL(bench_sql(b, "XA ROLLBACK %s", x), 0);
    CU_ASSERT_FALSE(listed());
    CU_ASSERT_EQUAL(bench_number(b, "SELECT n FROM fact WHERE id = 1"), 10);
    end();
}

static void row10_innodb_trx_of_a_detached_branch(void)
{
    static const char trx[] =
        "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %lu";
    begin();
    MYSQL *root = bench_admin();
    CU_ASSERT_EQUAL(bench_sql(a, "XA START %s; UPDATE fact SET n = 0 WHERE id = 1; XA END %s", x, x), 0);
    int64_t id = bench_number(root, trx, mysql_thread_id(a));
    CU_ASSERT(id > 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA PREPARE %s", x), 0);
    leave(&a);
    CU_ASSERT_EQUAL(
        bench_number(root,
                     "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_id = %lld "
                     "AND trx_state = 'RUNNING'",
                     (long long)id),
        0);
    CU_ASSERT_EQUAL(bench_sql(b, "XA ROLLBACK %s", x), 0);
    mysql_close(root);
    end();
}

static void row12a_locks_after_prepare(void)
{
    begin();
    CU_ASSERT_EQUAL(bench_sql(a, "INSERT INTO fact VALUES (3, 10)"), 0);
    CU_ASSERT_EQUAL(
        bench_sql(a,
                  "XA START %s; SELECT * FROM fact WHERE id = 1 LOCK IN SHARE MODE; "
                  "SELECT * FROM fact WHERE id = 2 FOR UPDATE; UPDATE fact SET n = 1 WHERE id = 3; XA END %s",
                  x, x),
        0);
    CU_ASSERT_EQUAL(bench_sql(b, "UPDATE fact SET n = 5 WHERE id = 1"), LOCK_WAIT);
    CU_ASSERT_EQUAL(bench_sql(a, "XA PREPARE %s", x), 0);
    /* the share lock is gone on MariaDB; the exclusive ones stay on both */
    CU_ASSERT_EQUAL(bench_sql(b, "UPDATE fact SET n = 5 WHERE id = 1"), bench_mariadb() ? 0 : LOCK_WAIT);
    CU_ASSERT_EQUAL(bench_sql(b, "UPDATE fact SET n = 5 WHERE id = 2"), LOCK_WAIT);
    CU_ASSERT_EQUAL(bench_sql(a, "XA ROLLBACK %s", x), 0);
    end();
}

/* PREPARE is held up by a global read lock, and its client goes away. */
static void row12b_prepare_that_appears_later(void)
{
    char sql[128];
    begin();
    MYSQL *root = bench_admin();
    unsigned long id = mysql_thread_id(a);
    CU_ASSERT_EQUAL(
        bench_sql(a, "SET lock_wait_timeout = 60; XA START %s; UPDATE fact SET n = 9 WHERE id = 1; XA END %s",
                  x, x),
        0);
    CU_ASSERT_EQUAL(bench_sql(root, "FLUSH TABLES WITH READ LOCK"), 0);
    int n = snprintf(sql, sizeof sql, "XA PREPARE %s", x);
    CU_ASSERT_EQUAL(mysql_send_query(a, sql, (unsigned long)n), 0);
    bench_shut(a);
    CU_ASSERT_FALSE(bench_gone(b, id, 300)); /* the server's thread goes on waiting */
    CU_ASSERT_FALSE(listed());
    CU_ASSERT_EQUAL(bench_sql(b, "XA ROLLBACK %s", x), NOTA);
    CU_ASSERT_EQUAL(bench_sql(root, "UNLOCK TABLES"), 0);
    CU_ASSERT(bench_gone(b, id, 5000));
    bench_settle();
    CU_ASSERT(listed());
    CU_ASSERT_EQUAL(bench_sql(b, "XA START %s", x), DUPID); /* the probe */
    CU_ASSERT_EQUAL(bench_sql(b, "XA ROLLBACK %s", x), 0);
    CU_ASSERT_EQUAL(bench_sql(b, "XA START %s; XA END %s; XA ROLLBACK %s", x, x, x), 0);
    mysql_close(root);
    a = bench_connect("xatop");
    end();
}

static void row13_right_to_list(void)
{
    begin();
    MYSQL *root = bench_admin();
    bench_sql(root, "DROP USER IF EXISTS poor@localhost");
    CU_ASSERT_EQUAL(bench_sql(root, "CREATE USER poor@localhost IDENTIFIED BY 'poor'"), 0);
    MYSQL *poor = bench_connect_as("poor", "poor");
    CU_ASSERT_EQUAL(bench_sql(poor, "XA RECOVER"), bench_mariadb() ? 0 : RMERR);
    /* 14: whoever knows the xid may finish the branch of anybody */
    CU_ASSERT_EQUAL(prepare(a), 0);
    leave(&a);
    CU_ASSERT_EQUAL(bench_sql(poor, "XA ROLLBACK %s", x), 0);
    mysql_close(poor);
    bench_sql(root, "DROP USER poor@localhost");
    mysql_close(root);
    end();
}

static void row20_nota_of_a_finished_xid(void)
{
    begin();
    CU_ASSERT_EQUAL(bench_sql(b, "XA COMMIT %s", x), NOTA);
    CU_ASSERT_EQUAL(prepare(a), 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), NOTA);
    CU_ASSERT_EQUAL(bench_sql(a, "XA ROLLBACK %s", x), NOTA);
    end();
}

/* One statement fails, and the rest would be prepared as if nothing had happened. */
static void row21_half_the_work_prepares(void)
{
    static const struct {
        const char *sql;
        unsigned mysql, mariadb;
    } rows[] = {{"INSERT INTO fact VALUES (1, 1)", 1062, 1062},
                {"UPDATE fact SET n = -1 WHERE id = 2", 3819, 4025},
                {"UPDATE fact SET n = 7 WHERE id = 2 /* locked */", LOCK_WAIT, LOCK_WAIT}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        if (i == 2)
            CU_ASSERT_EQUAL(bench_sql(b, "START TRANSACTION; SELECT * FROM fact WHERE id = 2 FOR UPDATE"), 0);
        CU_ASSERT_EQUAL(bench_sql(a, "XA START %s; UPDATE fact SET n = 3 WHERE id = 1", x), 0);
        CU_ASSERT_EQUAL(bench_sql(a, "%s", rows[i].sql), bench_mariadb() ? rows[i].mariadb : rows[i].mysql);
        CU_ASSERT_EQUAL(bench_sql(a, "XA END %s", x), 0);
        CU_ASSERT_EQUAL(bench_sql(a, "XA PREPARE %s", x), 0);
        CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), 0);
        CU_ASSERT_EQUAL(bench_number(a, "SELECT n FROM fact WHERE id = 1"), 3);
        end();
    }
}

static void row22_deadlock_is_rollback_only(void)
{
    static const char first[] = "UPDATE fact SET n = 1 WHERE id = 2";
    begin();
    bench_sql(a, "SET innodb_lock_wait_timeout = 20");
    bench_sql(b, "SET innodb_lock_wait_timeout = 20");
    /* the branch has changed one row, the other session three: the branch is the victim */
    CU_ASSERT_EQUAL(bench_sql(b, "INSERT INTO fact VALUES (3, 1), (4, 1), (5, 1); START TRANSACTION; "
                                 "UPDATE fact SET n = 2 WHERE id = 2; UPDATE fact SET n = 2 WHERE id = 3; "
                                 "UPDATE fact SET n = 2 WHERE id = 4; UPDATE fact SET n = 2 WHERE id = 5"),
                    0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA START %s; UPDATE fact SET n = 3 WHERE id = 1", x), 0);
    CU_ASSERT_EQUAL(mysql_send_query(a, first, sizeof first - 1), 0);
    MYSQL *root = bench_admin();
    int64_t until_ms = clock_mono_ms() + 5000;
    while (bench_number(root,
                        "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'") !=
               1 &&
           clock_mono_ms() < until_ms)
        continue;
    mysql_close(root);
    CU_ASSERT_EQUAL(bench_sql(b, "UPDATE fact SET n = 9 WHERE id = 1"), 0);
    CU_ASSERT(mysql_read_query_result(a) != 0 && mysql_errno(a) == DEADLOCK);
    CU_ASSERT_EQUAL(bench_sql(a, "XA END %s", x), bench_mariadb() ? RMFAIL : RBDEADLOCK);
    CU_ASSERT_EQUAL(bench_sql(a, "XA PREPARE %s", x), RMFAIL);
    CU_ASSERT_EQUAL(bench_sql(a, "XA ROLLBACK %s", x), 0);
    bench_sql(b, "ROLLBACK");
    end();
}

static void row23_24_32_34_wrong_state(void)
{
    begin();
    CU_ASSERT_EQUAL(bench_sql(a, "XA START %s", x), 0);
    CU_ASSERT_EQUAL(bench_sql(a, "CREATE TABLE fact2 (id INT)"), RMFAIL);
    CU_ASSERT_EQUAL(bench_sql(a, "BEGIN"), RMFAIL);
    CU_ASSERT_EQUAL(bench_sql(a, "COMMIT"), RMFAIL);
    CU_ASSERT_EQUAL(bench_sql(a, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"), 1568);
    CU_ASSERT_EQUAL(bench_sql(a, "XA END %s", x), 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), RMFAIL);
    CU_ASSERT_EQUAL(bench_sql(a, "XA PREPARE %s", x), 0);
    /* MySQL takes ONE PHASE for a prepared (detached) branch and commits it */
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s ONE PHASE", x), bench_mariadb() ? INVAL : 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA ROLLBACK %s", x), bench_mariadb() ? 0 : NOTA);
    CU_ASSERT_EQUAL(bench_sql(a, "START TRANSACTION; UPDATE fact SET n = 1 WHERE id = 1; XA START %s", x),
                    OUTSIDE);
    end();
}

static void row25_26_names(void)
{
    char longer[160];
    begin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    CU_ASSERT_EQUAL(bench_sql(b, "XA START %s, 99", x), DUPID); /* whatever the format id */
    CU_ASSERT_EQUAL(bench_sql(a, "XA ROLLBACK %s", x), 0);
    memset(longer, 'g', sizeof longer);
    longer[65] = '\0';
    CU_ASSERT_EQUAL(bench_sql(a, "XA START '%s', 'b'", longer), 1064);
    longer[64] = '\0';
    CU_ASSERT_EQUAL(
        bench_sql(a, "XA START '%s', 'b'; XA END '%s', 'b'; XA ROLLBACK '%s', 'b'", longer, longer, longer),
        0);
    CU_ASSERT_EQUAL(bench_sql(b, "XA START '', 'b'"), bench_mariadb() ? INVAL : 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA START 'g', 'b', 4294967295") != 0, bench_mariadb());
    end();
}

static void row27_27a_28_packets(void)
{
    begin();
    /* 27: nothing runs after the first error */
    CU_ASSERT_EQUAL(
        bench_sql(a, "XA START %s; INSERT INTO fact VALUES (1, 1); XA END %s; XA PREPARE %s", x, x, x), 1062);
    CU_ASSERT_EQUAL(bench_sql(a, "XA PREPARE %s", x), RMFAIL);
    CU_ASSERT_EQUAL(bench_sql(a, "XA END %s; XA ROLLBACK %s", x, x), 0);
    /* 27a, 28: an update of no row is no error; the packet prepares, and is listed like any other */
    CU_ASSERT_EQUAL(
        bench_sql(
            a, "XA START %s; UPDATE fact SET n = n - 99 WHERE id = 1 AND n >= 99; XA END %s; XA PREPARE %s",
            x, x, x),
        0);
    CU_ASSERT(listed());
    CU_ASSERT_EQUAL(bench_sql(a, "XA ROLLBACK %s", x), 0);
    /* 27a: the guard stops it */
    CU_ASSERT_EQUAL(
        bench_sql(a,
                  "XA START %s; UPDATE fact SET n = n - 99 WHERE id = 1 AND n >= 99; "
                  "INSERT INTO fact VALUES (77, IF(ROW_COUNT() = 1, 1, NULL)); XA END %s; XA PREPARE %s",
                  x, x, x),
        1048);
    CU_ASSERT_FALSE(listed());
    CU_ASSERT_EQUAL(bench_sql(a, "XA END %s; XA ROLLBACK %s", x, x), 0);
    CU_ASSERT_EQUAL(
        bench_sql(
            a,
            "XA START %s; UPDATE fact SET n = n - 9 WHERE id = 1 AND n >= 9; "
            "INSERT INTO fact VALUES (77, IF(ROW_COUNT() = 1, 1, NULL)); XA END %s; XA COMMIT %s ONE PHASE",
            x, x, x),
        0);
    CU_ASSERT_EQUAL(bench_number(b, "SELECT n FROM fact WHERE id = 77"), 1);
    end();
}

static void row29_read_only_detached_branch(void)
{
    begin();
    CU_ASSERT_EQUAL(
        bench_sql(a, "XA START %s; SELECT * FROM fact WHERE id = 1; XA END %s; XA PREPARE %s", x, x, x), 0);
    leave(&a);
    unsigned error = bench_sql(b, "XA COMMIT %s", x);
    printf("# XA COMMIT of a read-only detached branch: %u\n", error);
    CU_ASSERT(error == 0 || error == RBROLLBACK || error == NOTA);
    CU_ASSERT_FALSE(listed());
    end();
}

static void row30_read_only_node(void)
{
    begin();
    MYSQL *root = bench_admin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    CU_ASSERT_EQUAL(bench_sql(root, "SET GLOBAL read_only = 1"), 0);
    CU_ASSERT_EQUAL(bench_sql(b, "UPDATE fact SET n = 5 WHERE id = 2"), 1290);
    /* MySQL lets the branch be finished all the same */
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), bench_mariadb() ? 1290 : 0);
    CU_ASSERT_EQUAL(listed(), bench_mariadb());
    CU_ASSERT_EQUAL(bench_sql(root, "SET GLOBAL read_only = 0"), 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), bench_mariadb() ? 0 : NOTA);
    mysql_close(root);
    end();
}

static void row31_backup_lock(void)
{
    begin();
    MYSQL *root = bench_admin();
    CU_ASSERT_EQUAL(prepare(a), 0);
    CU_ASSERT_EQUAL(bench_sql(root, "FLUSH TABLES WITH READ LOCK"), 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), LOCK_WAIT);
    CU_ASSERT(listed());
    CU_ASSERT_EQUAL(bench_sql(root, "UNLOCK TABLES"), 0);
    CU_ASSERT_EQUAL(bench_sql(a, "XA COMMIT %s", x), 0);
    mysql_close(root);
    end();
}

static void row35_bytes_in_recover(void)
{
    begin();
    CU_ASSERT_EQUAL(
        bench_sql(
            a, "XA START X'00ff1b27', X'0a'; UPDATE fact SET n = 1 WHERE id = 1; XA END X'00ff1b27', X'0a'; "
               "XA PREPARE X'00ff1b27', X'0a'"),
        0);
    CU_ASSERT_EQUAL(mysql_query(b, "XA RECOVER"), 0);
    MYSQL_RES *result = mysql_store_result(b);
    MYSQL_ROW row = mysql_fetch_row(result);
    unsigned long *lengths = mysql_fetch_lengths(result);
    CU_ASSERT_FATAL(row != NULL && mysql_num_fields(result) == 4);
    CU_ASSERT_STRING_EQUAL(row[1], "4");
    CU_ASSERT_STRING_EQUAL(row[2], "1");
    CU_ASSERT(lengths[3] == 5 && memcmp(row[3], "\x00\xff\x1b\x27\x0a", 5) == 0);
    mysql_free_result(result);
    CU_ASSERT_EQUAL(bench_sql(a, "XA ROLLBACK X'00ff1b27', X'0a'"), 0);
    end();
}

static void durable_settings_of_the_lab(void)
{
    begin();
    CU_ASSERT_EQUAL(bench_number(a, "SELECT @@global.innodb_flush_log_at_trx_commit"), 1);
    if (bench_number(a, "SELECT @@global.log_bin") == 1)
        CU_ASSERT_EQUAL(bench_number(a, "SELECT @@global.sync_binlog"), 1);
    end();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"1: is a prepared branch detached from its session", row1_detaching},
        {"2, 4: NOTA although listed", row2_4_nota_although_listed},
        {"3: a prepared branch survives its session", row3_prepared_survives_its_session},
        {"5: an unprepared branch dies with its session", row5_unprepared_dies_with_its_session},
        {"7: reset connection keeps the branch", row7_reset_connection_keeps_the_branch},
        {"8, 9, 40a: SIGKILL, restart, locks, what comes back", row8_9_40a_kill_and_restart},
        {"10: innodb_trx of a detached branch", row10_innodb_trx_of_a_detached_branch},
        {"12a: locks after PREPARE", row12a_locks_after_prepare},
        {"12b: a PREPARE that appears later", row12b_prepare_that_appears_later},
        {"13, 14: rights to list and to finish", row13_right_to_list},
        {"20: NOTA of a finished xid", row20_nota_of_a_finished_xid},
        {"21: half the work prepares", row21_half_the_work_prepares},
        {"22: a deadlock makes the branch rollback only", row22_deadlock_is_rollback_only},
        {"23, 24, 32, 34: wrong states", row23_24_32_34_wrong_state},
        {"25, 26: names of branches", row25_26_names},
        {"27, 27a, 28: packets and guards", row27_27a_28_packets},
        {"29: a read-only detached branch", row29_read_only_detached_branch},
        {"30: a node that is read only", row30_read_only_node},
        {"31: a node under a backup lock", row31_backup_lock},
        {"35: XA RECOVER gives bytes", row35_bytes_in_recover},
        {"41: the lab's servers are durable", durable_settings_of_the_lab},
        {NULL, NULL},
    };
    char suite[32];
    if (!bench_start() || !bench_reset())
        return 99;
    snprintf(suite, sizeof suite, "facts, %s", bench_mariadb() ? "MariaDB" : "MySQL");
    int result = test_main(suite, cases);
    bench_stop();
    return result;
}
