/* Scenarios: what the business does, said as plans of work operations (work.h), and why it was refused, in words.
 * One kind = src/scenario/scenario_x.c + one row in scenario_list.h. Pure. */
#ifndef XATOP_SCENARIO_H
#define XATOP_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/books.h"
#include "xatop/command.h"
#include "xatop/effect.h"
#include "xatop/prng.h"
#include "xatop/status.h"
#include "xatop/work.h"

enum { SAMPLE_ACCOUNTS = 100, SAMPLE_PRODUCTS = 10, SAMPLE_CUSTOMERS = 50 }; /* what init makes unless told otherwise */

struct scenario {
    const char *name;                               /* "bank" */
    const char *command;                            /* "transfer" */
    const char *params[SCENARIO_PARAMS_MAX];        /* option names, NULL-padded */
    bool money[SCENARIO_PARAMS_MAX];                /* that parameter is an amount */
    /* STATUS_USAGE with words if the parameters can never make sense (same account twice, amount 0). */
    enum status (*check)(const struct scenario_params *params, struct err *err);
    /* True if a number must be read first (unlocked, re-checked inside the branch): fills table and row. */
    bool (*lookup)(const struct scenario_params *params, enum work_table *table, int64_t *row);
    /* @looked_up: the number read. STATUS_REFUSED with words if the plan cannot be made (no such product). */
    enum status (*plan)(const struct scenario_params *params, const struct shape *shape, bool found, int64_t looked_up,
                        struct plan *out, struct err *err);
    /* A random instance for streams. */
    void (*random)(struct prng *prng, const struct shape *shape, struct scenario_params *out);
    /* Why operation @op was refused: "account 1001 has 10.00, 500.00 needed". */
    void (*reason)(const struct work_op *op, enum refusal refusal, int64_t have, struct text *out);
    /* The effects of a whole transaction in the words of its plan's meaning. False: it is none of this scenario's. */
    bool (*meaning)(const struct effect *effects, uint32_t count, struct text *out);
};

const struct scenario *scenario_at(uint8_t index); /* NULL past the end */
const struct scenario *scenario_by_command(const char *command, uint8_t *index);
/* Put the idempotency row in front of the first operation of the owning branch (debited account, ordered product). */
void plan_add_key(struct plan *plan, const char *key, const char *fingerprint);
/* 128 bits of hex over scenario and parameters: the same request, the same words. */
void scenario_fingerprint(const struct scenario *scenario, const struct scenario_params *params, char out[33]);
/* What a transaction meant, from what its branches did: as its scenario says it if every branch is there, else effect by
 * effect and how many branches were seen. @effects: of one gtrid, in any order. */
void effects_meaning(const struct effect *effects, uint32_t count, struct text *out);
/* SQL for people, one line, that undoes on one node what a branch did there (@redo false), or does it again after it was
 * rolled back; with its markers, so that the books of that node add up afterwards, and its idempotency row @key (NULL: none).
 * @effects: of one branch, all of them. Cap 8192 is always enough. It is printed, never run from here. */
void effects_compensation(const struct effect *effects, uint32_t count, bool redo, const struct effect_key *key,
                          struct text *out);
/* Rows the plan will lock exclusively, as hashes, for the engine's admission (no two transactions in flight on one row:
 * two nodes locked at once in no order is a distributed deadlock that no server sees). Returns the count. */
unsigned plan_rows(const struct plan *plan, uint64_t *out, unsigned cap);

/* --- audit: the judgement, pure, over the books the nodes were read for (books.h) --- */
/* A branch that is missing although a sibling's marker is there: to be asked for again (listed, then marker). */
struct audit_missing {
    char gtrid[XATOP_GTRID_MAX + 1];
    uint8_t branch, seen_node;
    enum { MISSING_UNASKED, MISSING_APPEARED, MISSING_PREPARED, MISSING_UNDISCHARGED, MISSING_TORN } verdict;
};

struct audit_result {
    bool ok;
    int64_t money_expected, money_found, stock_expected, stock_found;
    uint16_t unreachable, wrong; /* bit i: node i not read; node i: initial + deltas != sum */
    uint32_t pending, torn; /* what was not asked for again is neither: somebody was unreachable */
};

/* Siblings missing over all snapshots taken (in any order, while load runs). Returns the count (capped at @cap). */
uint32_t audit_find_missing(const struct audit_snapshot *snapshots, uint8_t node_count, struct audit_missing *out, uint32_t cap);
/* Totals: found is corrected by the deltas of transactions seen on one node only (in flight between the snapshots). */
void audit_judge(const struct audit_snapshot *snapshots, uint8_t node_count, const struct audit_missing *missing, uint32_t missing_count,
                 struct audit_result *out);

#endif
