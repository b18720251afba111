/* What the tests of the node contract share: one bench with fresh data per test, and a stranger who looks. */
#ifndef XATOP_TESTS_NODE_FIXTURE_H
#define XATOP_TESTS_NODE_FIXTURE_H

#include "cunit_main.h"
#include "node_bench.h"

enum { LOG_A = 0xa1, LOG_B = 0xb2 };

extern struct bench bench;
extern MYSQL *stranger;

/* A clean start of every test: fresh data, epoch 1 of log A raised on both nodes. */
void open_bench(void);
void close_bench(void);
int64_t balance(unsigned node, int64_t account);
int64_t markers(const struct bench_txn *txn, unsigned branch);
bool listed(const struct bench_txn *txn, unsigned branch); /* in XA RECOVER */
int fixture_main(const char *words, const struct test_case *cases);

#endif
