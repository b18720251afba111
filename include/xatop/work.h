/* What a branch does, as data: the scenario says it, the node renders it (MySQL: SQL; simulated node: arithmetic).
 * There is no SQL text from outside anywhere: ids and amounts are integers, the tables are this list.
 *
 * Every operation is followed, inside the branch, by a marker row (gtrid, branch, step, table, row, delta) whose delta is
 * NULL unless exactly one row changed: NOT NULL turns "nothing matched" into an SQL error (1048) on both servers, also
 * in the middle of a packet (xa-facts 27a). */
#ifndef XATOP_WORK_H
#define XATOP_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/text.h"

/* code, SQL table, counted column, unit of the column, words */
#define XATOP_WORK_TABLE_LIST(X)                                                                            \
    X(ACCOUNTS, "accounts", "balance", MONEY, "account")                                                    \
    X(PRODUCTS, "products", "stock", PIECES, "product")                                                     \
    X(CUSTOMERS, "customers", "balance", MONEY, "customer")                                                 \
    X(ORDERS, "orders", "quantity", PIECES, "order")                                                        \
    X(PAYMENTS, "payments", "amount", MONEY, "payment")

enum work_table {
#define X(code, table, column, unit, words) WORK_##code,
    XATOP_WORK_TABLE_LIST(X)
#undef X
    WORK_TABLES
};

enum work_kind {
    WORK_ADD,    /* column += delta where id = @id and column + delta >= 0 [and price = @price] */
    WORK_INSERT, /* a new row of ORDERS or PAYMENTS with @delta, @product, @customer, keyed by the gtrid */
    WORK_KEY,    /* the idempotency row: key, fingerprint, gtrid; no marker of its own */
};

struct work_op {
    enum work_kind kind;
    enum work_table table;
    int64_t id;
    int64_t delta;
    int64_t price;             /* PRODUCTS: the price the order was computed with; -1: do not check */
    int64_t product, customer; /* WORK_INSERT */
    char key[XATOP_KEY_MAX + 1];
    char fingerprint[33]; /* hex */
};

/* Why a node refused an operation. code, word (JSON `reason` starts with it), sentence */
#define XATOP_REFUSAL_LIST(X)                                                                               \
    X(NONE, "", "")                                                                                         \
    X(NO_ROW, "no-such-row", "does not exist")                                                              \
    X(SHORT, "short", "is too small")                                                                       \
    X(PRICE_CHANGED, "price-changed", "has another price now")                                              \
    X(KEY_EXISTS, "key-exists", "has been used before")

enum refusal {
#define X(code, word, sentence) REFUSAL_##code,
    XATOP_REFUSAL_LIST(X)
#undef X
};

struct branch_plan {
    uint8_t node; /* index in the configuration */
    uint8_t work_count;
    struct work_op work[XATOP_WORK_MAX];
};

/* A global transaction as its scenario wants it. */
struct plan {
    uint8_t branch_count; /* 1..16; exactly 1 is committed in one phase */
    struct branch_plan branches[XATOP_BRANCHES_MAX];
    char meaning[XATOP_REASON_MAX]; /* "500.00 from 1001 to 1002": log, in-doubt list, console */
    char scenario[16];              /* "bank", "inventory" */
};

const char *work_table_name(enum work_table table);   /* SQL name */
const char *work_table_column(enum work_table table); /* counted column */
const char *work_table_words(enum work_table table);
bool work_table_is_money(enum work_table table);
const char *refusal_word(enum refusal refusal);
const char *refusal_sentence(enum refusal refusal);

#endif
