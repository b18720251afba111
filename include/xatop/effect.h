/* What a branch did, as its marker rows say it: one effect per row (work.h). Nodes are read for them, also of branches that
 * nobody has decided yet (a dirty read); scenarios say what they meant. */
#ifndef XATOP_EFFECT_H
#define XATOP_EFFECT_H

#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/work.h"

struct effect {
    char gtrid[XATOP_GTRID_MAX + 1];
    uint8_t branch, step, branches; /* branches: of the whole transaction */
    enum work_table table;
    int64_t row;    /* id in the table; ORDERS: the product, PAYMENTS: the customer (their rows are found by gtrid) */
    int64_t delta;  /* minor units or pieces, as work_table_is_money says */
    int64_t age_ms; /* since it was written, by the node's own clock */
};

/* The idempotency row that a transaction's first branch wrote beside its effects; "": none. */
struct effect_key {
    char key[XATOP_KEY_MAX + 1]; /* bytes as typed: print them as hex */
    char fingerprint[33];        /* lower-case hex */
};

#endif
