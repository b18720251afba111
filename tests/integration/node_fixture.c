#include "config.h"

#include "node_fixture.h"

#include <stdio.h>
#include <string.h>

struct bench bench;
MYSQL *stranger;

int64_t balance(unsigned node, int64_t account)
{
    return bench_number(stranger, "SELECT balance FROM %s.accounts WHERE id = %lld",
                        node ? "xatop_b" : "xatop", (long long)account);
}

int64_t markers(const struct bench_txn *txn, unsigned branch)
{
    char gtrid[XATOP_GTRID_MAX + 1];
    gtrid_print(&txn->gtrid, gtrid);
    return bench_number(stranger, "SELECT COUNT(*) FROM %s.xa_marker WHERE gtrid = '%s' AND branch = %u",
                        branch == 2 ? "xatop_b" : "xatop", gtrid, branch);
}

bool listed(const struct bench_txn *txn, unsigned branch)
{
    char data[XATOP_GTRID_MAX + 8];
    gtrid_print(&txn->gtrid, data);
    snprintf(data + strlen(data), 8, "b%u", branch);
    return bench_listed(stranger, data);
}

void open_bench(void)
{
    CU_ASSERT_FATAL(bench_reset());
    stranger = bench_connect("xatop");
    bench_sql(stranger,
              "DELETE FROM xatop.xa_epoch; DELETE FROM xatop_b.xa_epoch; DELETE FROM xatop.xa_session; "
              "DELETE FROM xatop_b.xa_session");
    CU_ASSERT_FATAL(bench_open(&bench, LOG_A, 1));
    CU_ASSERT_FATAL(bench_raise(&bench));
}

void close_bench(void)
{
    bench_close(&bench);
    mysql_close(stranger);
}

int fixture_main(const char *words, const struct test_case *cases)
{
    char suite[48];
    if (!bench_start())
        return 99;
    snprintf(suite, sizeof suite, "%s, %s", words, bench_mariadb() ? "MariaDB" : "MySQL");
    int result = test_main(suite, cases);
    bench_stop();
    return result;
}
