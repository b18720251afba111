/* The books: how the business data is spread over the nodes, and what the books of one node say at one moment. Types that
 * both those who read a node and those who judge what was read speak; they know nothing of either. */
#ifndef XATOP_BOOKS_H
#define XATOP_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/work.h"

enum { ACCOUNT_FIRST = 1001, PRODUCT_FIRST = 101, CUSTOMER_FIRST = 2001 };

/* How the data is spread; the same for every run on the same nodes. */
struct shape {
    uint8_t node_count;
    int64_t accounts, products, customers; /* how many sample rows exist */
};

/* Accounts by id modulo nodes (of two: odd first, even second); products on the first node; customers, orders and payments on
 * the second (on the only one, if one). */
uint8_t shape_node(const struct shape *shape, enum work_table table, int64_t id);

struct audit_marker {
    char gtrid[XATOP_GTRID_MAX + 1];
    uint8_t branch, branches; /* this branch, branches of the transaction */
    int64_t money, stock;     /* what its rows changed: accounts + customers + payments; products + orders */
};

/* How far logs were verified (floor.h): markers of `origin` up to `finished` need not be listed, they are complete on every
 * node; those below `pruned` are gone. */
enum { AUDIT_FLOORS_MAX = 32 };

struct audit_floor {
    char origin[XATOP_GTRID_MAX + 1]; /* how the log's gtrids begin */
    char finished[XATOP_GTRID_MAX + 1], pruned[XATOP_GTRID_MAX + 1];
};

struct audit_floors {
    uint32_t count;
    struct audit_floor logs[AUDIT_FLOORS_MAX];
};

/* Take over what @more knows better. False: more logs than there is room for. */
bool audit_floors_join(struct audit_floors *floors, const struct audit_floors *more);
/* Has anything above @floors been removed, as far as @seen knows? Then what was listed above them is not whole. */
bool audit_floors_overtaken(const struct audit_floors *floors, const struct audit_floors *seen);

/* One node at one moment: a single consistent snapshot. */
struct audit_snapshot {
    bool ok;
    int64_t initial[WORK_TABLES], sum[WORK_TABLES], deltas[WORK_TABLES]; /* deltas: markers, folded ones included */
    struct audit_marker *markers; /* one a branch, sorted by gtrid, branch; malloc'd by the reader, freed by audit_snapshot_free */
    uint32_t marker_count;
    struct audit_floors floors; /* as they stood at that moment */
};

void audit_snapshot_free(struct audit_snapshot *snapshot);

#endif
