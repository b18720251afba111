#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/scenario.h"

static const struct shape two = {.node_count = 2, .accounts = 100, .products = 20, .customers = 50};
static const struct shape one = {.node_count = 1, .accounts = 100, .products = 20, .customers = 50};

static const struct scenario *by_command(const char *command)
{
    const struct scenario *scenario = scenario_by_command(command, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    return scenario;
}

static void places_rows_as_the_contract_says(void)
{
    CU_ASSERT_EQUAL(shape_node(&two, WORK_ACCOUNTS, 1001), 0);
    CU_ASSERT_EQUAL(shape_node(&two, WORK_ACCOUNTS, 1002), 1);
    CU_ASSERT_EQUAL(shape_node(&two, WORK_PRODUCTS, 102), 0);
    CU_ASSERT_EQUAL(shape_node(&two, WORK_CUSTOMERS, 2001), 1);
    CU_ASSERT_EQUAL(shape_node(&one, WORK_ORDERS, 5), 0);
    struct shape three = {.node_count = 3};
    CU_ASSERT_EQUAL(shape_node(&three, WORK_ACCOUNTS, 1003), 0);
}

static void a_transfer_touches_two_nodes_or_one(void)
{
    const struct scenario *bank = by_command("transfer");
    struct scenario_params p = {.n = {1001, 1002, 50000}};
    struct plan plan;
    CU_ASSERT_EQUAL(bank->check(&p, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(bank->plan(&p, &two, false, 0, &plan, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(plan.branch_count, 2);
    CU_ASSERT_EQUAL(plan.branches[0].node, 0);
    CU_ASSERT_EQUAL(plan.branches[0].work[0].delta, -50000);
    CU_ASSERT_EQUAL(plan.branches[1].work[0].delta, 50000);
    CU_ASSERT_STRING_EQUAL(plan.meaning, "500.00 from 1001 to 1002");
    p.n[1] = 1003;
    CU_ASSERT_EQUAL(bank->plan(&p, &two, false, 0, &plan, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(plan.branch_count, 1);
    CU_ASSERT_EQUAL(plan.branches[0].work_count, 2);
}

static void an_order_touches_both_nodes(void)
{
    const struct scenario *inventory = by_command("order");
    struct scenario_params p = {.n = {101, 2, 2001}};
    enum work_table table;
    int64_t row;
    struct plan plan;
    struct err err = {0};
    CU_ASSERT_TRUE(inventory->lookup(&p, &table, &row));
    CU_ASSERT_EQUAL(table, WORK_PRODUCTS);
    CU_ASSERT_EQUAL(row, 101);
    CU_ASSERT_EQUAL(inventory->plan(&p, &two, true, 1999, &plan, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(plan.branch_count, 2);
    CU_ASSERT_EQUAL(plan.branches[0].work[0].price, 1999);
    CU_ASSERT_EQUAL(plan.branches[0].work[0].delta, -2);
    CU_ASSERT_EQUAL(plan.branches[1].work_count, 3);
    CU_ASSERT_EQUAL(plan.branches[1].work[0].delta, -3998);
    CU_ASSERT_EQUAL(plan.branches[1].work[2].delta, 3998);
    CU_ASSERT_EQUAL(inventory->plan(&p, &one, true, 1999, &plan, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(plan.branch_count, 1);
    CU_ASSERT_EQUAL(plan.branches[0].work_count, 4);
    CU_ASSERT_EQUAL(inventory->plan(&p, &two, false, 0, &plan, &err), STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(err.text, "no-such-row: product 101 does not exist");
    p.n[1] = 1000000;
    CU_ASSERT_EQUAL(inventory->plan(&p, &two, true, INT64_C(10000000000), &plan, &err), STATUS_REFUSED);
}

static void nonsense_is_a_usage_error(void)
{
    static const struct {
        const char *command;
        struct scenario_params params;
    } rows[] = {
        {"transfer", {{1001, 1001, 1}}},     {"transfer", {{1001, 1002, 0}}},
        {"transfer", {{1001, 1002, -1}}},    {"transfer", {{1001, 1002, INT64_MAX}}},
        {"transfer", {{0, 1002, 1}}},        {"order", {{101, 0, 2001}}},
        {"order", {{101, -1, 2001}}},        {"order", {{-1, 1, 2001}}},
        {"order", {{101, INT64_MAX, 2001}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = {0};
        CU_ASSERT_EQUAL(by_command(rows[i].command)->check(&rows[i].params, &err), STATUS_USAGE);
        CU_ASSERT_TRUE(err.text[0] != '\0');
    }
    CU_ASSERT_PTR_NULL(scenario_by_command("rob", NULL));
}

/* Whatever a scenario draws can be run, and every plan moves nothing out of the world. */
static void random_instances_conserve(void)
{
    struct prng prng;
    prng_seed(&prng, 7);
    for (uint8_t s = 0; scenario_at(s); s++)
        for (int i = 0; i < 2000; i++) {
            const struct scenario *scenario = scenario_at(s);
            struct scenario_params p;
            struct plan plan;
            scenario->random(&prng, &two, &p);
            CU_ASSERT_EQUAL_FATAL(scenario->check(&p, NULL), STATUS_OK);
            CU_ASSERT_EQUAL_FATAL(scenario->plan(&p, &two, true, 250, &plan, NULL), STATUS_OK);
            int64_t money = 0, stock = 0;
            for (int b = 0; b < plan.branch_count; b++)
                for (int w = 0; w < plan.branches[b].work_count; w++) {
                    const struct work_op *op = &plan.branches[b].work[w];
                    *(work_table_is_money(op->table) ? &money : &stock) += op->delta;
                }
            CU_ASSERT_EQUAL(money, 0);
            CU_ASSERT_EQUAL(stock, 0);
        }
}

static void the_key_goes_first_and_same_requests_have_the_same_words(void)
{
    const struct scenario *bank = by_command("transfer");
    struct scenario_params p = {.n = {1001, 1002, 50000}}, q = {.n = {1001, 1002, 50001}};
    char a[33], b[33], c[33];
    scenario_fingerprint(bank, &p, a);
    scenario_fingerprint(bank, &p, b);
    scenario_fingerprint(bank, &q, c);
    CU_ASSERT_EQUAL(strlen(a), 32);
    CU_ASSERT_STRING_EQUAL(a, b);
    CU_ASSERT_STRING_NOT_EQUAL(a, c);
    scenario_fingerprint(by_command("order"), &p, c);
    CU_ASSERT_STRING_NOT_EQUAL(a, c);
    struct plan plan;
    bank->plan(&p, &two, false, 0, &plan, NULL);
    plan_add_key(&plan, "order-77", a);
    CU_ASSERT_EQUAL(plan.branches[0].work_count, 2);
    CU_ASSERT_EQUAL(plan.branches[0].work[0].kind, WORK_KEY);
    CU_ASSERT_STRING_EQUAL(plan.branches[0].work[0].key, "order-77");
    CU_ASSERT_EQUAL(plan.branches[0].work[1].delta, -50000);
}

static void rows_tell_who_must_wait(void)
{
    const struct scenario *bank = by_command("transfer");
    struct scenario_params p = {.n = {1001, 1002, 1}}, q = {.n = {1002, 1003, 1}};
    struct plan plan;
    uint64_t a[8], b[8];
    bank->plan(&p, &two, false, 0, &plan, NULL);
    CU_ASSERT_EQUAL(plan_rows(&plan, a, 8), 2);
    CU_ASSERT_EQUAL(plan_rows(&plan, a, 1), 1);
    bank->plan(&q, &two, false, 0, &plan, NULL);
    CU_ASSERT_EQUAL(plan_rows(&plan, b, 8), 2);
    CU_ASSERT_EQUAL(a[1], b[0]);
    CU_ASSERT_NOT_EQUAL(a[0], b[1]);
    struct scenario_params order = {.n = {101, 2, 2001}};
    by_command("order")->plan(&order, &two, true, 5, &plan, NULL);
    CU_ASSERT_EQUAL(plan_rows(&plan, b, 8), 2); /* the new rows are nobody else's */
}

static void reasons_are_sentences(void)
{
    static const struct {
        const char *command;
        struct work_op op;
        enum refusal refusal;
        int64_t have;
        const char *words;
    } rows[] = {
        {"transfer",
         {.id = 1001, .delta = -50000},
         REFUSAL_SHORT,
         1000,
         "account 1001 has 10.00, 500.00 needed"},
        {"transfer", {.id = 9}, REFUSAL_NO_ROW, 0, "account 9 does not exist"},
        {"transfer", {.kind = WORK_KEY, .key = "k"}, REFUSAL_KEY_EXISTS, 0, "key 'k' has been used before"},
        {"order",
         {.table = WORK_PRODUCTS, .id = 101, .delta = -2},
         REFUSAL_SHORT,
         1,
         "product 101 has 1 in stock, 2 wanted"},
        {"order",
         {.table = WORK_PRODUCTS, .id = 101, .price = 100},
         REFUSAL_PRICE_CHANGED,
         200,
         "product 101 has another price now: 2.00, not 1.00"},
        {"order",
         {.table = WORK_CUSTOMERS, .id = 2001, .delta = -2},
         REFUSAL_SHORT,
         1,
         "customer 2001 has 0.01, 0.02 needed"},
        {"order", {.table = WORK_CUSTOMERS, .id = 2001}, REFUSAL_NO_ROW, 0, "customer 2001 does not exist"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buffer[XATOP_REASON_MAX];
        struct text text;
        text_init(&text, buffer, sizeof buffer);
        by_command(rows[i].command)->reason(&rows[i].op, rows[i].refusal, rows[i].have, &text);
        CU_ASSERT_STRING_EQUAL(buffer, rows[i].words);
    }
}

/* Two nodes with 1000 each; @a and @b are their markers. */
static void books(struct audit_snapshot snapshots[2], struct audit_marker *a, uint32_t a_count,
                  struct audit_marker *b, uint32_t b_count)
{
    memset(snapshots, 0, 2 * sizeof snapshots[0]);
    struct audit_marker *markers[2] = {a, b};
    uint32_t counts[2] = {a_count, b_count};
    for (int i = 0; i < 2; i++) {
        snapshots[i].ok = true;
        snapshots[i].initial[WORK_ACCOUNTS] = 1000;
        snapshots[i].markers = markers[i];
        snapshots[i].marker_count = counts[i];
        for (uint32_t m = 0; m < counts[i]; m++)
            snapshots[i].deltas[WORK_ACCOUNTS] += markers[i][m].money;
        snapshots[i].sum[WORK_ACCOUNTS] = 1000 + snapshots[i].deltas[WORK_ACCOUNTS];
    }
}

static void the_audit_knows_whole_half_and_torn(void)
{
    struct audit_marker a[] = {{"t1", 1, 2, -10, 0}, {"t2", 1, 2, -20, 0}, {"t3", 1, 1, 0, 0}};
    struct audit_marker b[] = {{"t1", 2, 2, 10, 0}, {"t4", 2, 2, 5, 0}};
    struct audit_snapshot snapshots[2];
    struct audit_missing missing[4];
    struct audit_result result;
    books(snapshots, a, 3, b, 2);
    CU_ASSERT_EQUAL_FATAL(audit_find_missing(snapshots, 2, missing, 4), 2);
    CU_ASSERT_STRING_EQUAL(missing[0].gtrid, "t2");
    CU_ASSERT_EQUAL(missing[0].branch, 2);
    CU_ASSERT_EQUAL(missing[0].seen_node, 0);
    CU_ASSERT_STRING_EQUAL(missing[1].gtrid, "t4");
    CU_ASSERT_EQUAL(missing[1].branch, 1);
    CU_ASSERT_EQUAL(audit_find_missing(snapshots, 2, missing, 1), 1);
    missing[0].verdict = MISSING_APPEARED;
    missing[1].verdict = MISSING_PREPARED;
    audit_judge(snapshots, 2, missing, 2, &result);
    CU_ASSERT_TRUE(result.ok);
    CU_ASSERT_EQUAL(result.pending, 1);
    CU_ASSERT_EQUAL(result.money_expected, 2000);
    CU_ASSERT_EQUAL(result.money_found, 2000);
    missing[0].verdict = MISSING_TORN;
    audit_judge(snapshots, 2, missing, 2, &result);
    CU_ASSERT_FALSE(result.ok);
    CU_ASSERT_EQUAL(result.torn, 1);
    CU_ASSERT_EQUAL(result.money_found, 1980);
}

static void the_audit_sees_a_row_changed_behind_its_back(void)
{
    struct audit_snapshot snapshots[2];
    struct audit_result result;
    books(snapshots, NULL, 0, NULL, 0);
    snapshots[1].sum[WORK_ACCOUNTS] += 1;
    audit_judge(snapshots, 2, NULL, 0, &result);
    CU_ASSERT_FALSE(result.ok);
    CU_ASSERT_EQUAL(result.wrong, 2);
    books(snapshots, NULL, 0, NULL, 0);
    snapshots[0].ok = false;
    audit_judge(snapshots, 2, NULL, 0, &result);
    CU_ASSERT_FALSE(result.ok);
    CU_ASSERT_EQUAL(result.unreachable, 1);
    struct audit_snapshot owned = {.markers = malloc(sizeof(struct audit_marker)), .marker_count = 1};
    audit_snapshot_free(&owned);
    CU_ASSERT_PTR_NULL(owned.markers);
}

static struct effect effect(unsigned branch, enum work_table table, int64_t row, int64_t delta)
{
    return (struct effect){
        .branch = (uint8_t)branch, .branches = 2, .table = table, .row = row, .delta = delta};
}

static void means(const struct effect *effects, uint32_t count, const char *want)
{
    char buffer[200];
    struct text text;
    text_init(&text, buffer, sizeof buffer);
    effects_meaning(effects, count, &text);
    CU_ASSERT_STRING_EQUAL(buffer, want);
}

static void effects_say_what_was_meant(void)
{
    const struct effect transfer[] = {effect(2, WORK_ACCOUNTS, 1002, 50000),
                                      effect(1, WORK_ACCOUNTS, 1001, -50000)};
    const struct effect order[] = {effect(1, WORK_PRODUCTS, 101, -2), effect(2, WORK_CUSTOMERS, 2001, -3998),
                                   effect(2, WORK_ORDERS, 101, 2), effect(2, WORK_PAYMENTS, 2001, 3998)};
    const struct effect odd[] = {effect(1, WORK_ACCOUNTS, 1001, -5), effect(2, WORK_ACCOUNTS, 1002, 6)};
    means(transfer, 2, "500.00 from 1001 to 1002");
    means(transfer, 1, "500.00 of account 1002 (1 of its 2 branches seen)");
    means(order, 4, "2 of product 101 to customer 2001 for 39.98");
    means(order, 1, "-2 of product 101 (1 of its 2 branches seen)");
    means(order + 1, 3,
          "-39.98 of customer 2001, 2 of product 101 ordered, 39.98 paid by customer 2001 (1 of its 2 "
          "branches seen)");
    means(odd, 2, "-0.05 of account 1001, 0.06 of account 1002");
    means(NULL, 0, "");
}

/* The plan and what its markers say must be told in the same words, whatever the parameters. */
static void effects_speak_as_the_plan(void)
{
    struct prng prng;
    prng_seed(&prng, 7);
    for (int round = 0; round < 500; round++) {
        const struct scenario *scenario = scenario_at((uint8_t)(round % 2));
        struct scenario_params params;
        struct plan plan;
        struct effect effects[XATOP_BRANCHES_MAX];
        uint32_t count = 0;
        scenario->random(&prng, &two, &params);
        CU_ASSERT_EQUAL_FATAL(scenario->plan(&params, &two, true, 1999, &plan, NULL), STATUS_OK);
        for (unsigned b = 0; b < plan.branch_count; b++)
            for (unsigned w = 0; w < plan.branches[b].work_count; w++) {
                const struct work_op *op = &plan.branches[b].work[w];
                int64_t row = op->kind == WORK_ADD       ? op->id
                              : op->table == WORK_ORDERS ? op->product
                                                         : op->customer;
                effects[count] = effect(b + 1, op->table, row, op->delta);
                effects[count++].branches = plan.branch_count;
            }
        means(effects, count, plan.meaning);
    }
}

static void compensates(const struct effect *effects, uint32_t count, bool redo, const struct effect_key *key,
                        const char *want)
{
    char buffer[8192];
    struct text text;
    text_init(&text, buffer, sizeof buffer);
    effects_compensation(effects, count, redo, key, &text);
    CU_ASSERT_FALSE(text.truncated);
    CU_ASSERT_STRING_EQUAL(buffer, want);
}

static void compensation_is_sql_with_its_markers(void)
{
    struct effect debit = effect(1, WORK_ACCOUNTS, 1001, -500);
    struct effect order[] = {effect(2, WORK_CUSTOMERS, 2001, -3998), effect(2, WORK_ORDERS, 101, 2),
                             effect(2, WORK_PAYMENTS, 2001, 3998)};
    text_copy(debit.gtrid, sizeof debit.gtrid, "xa");
    for (int i = 0; i < 3; i++)
        text_copy(order[i].gtrid, sizeof order[i].gtrid, "xa");
    compensates(&debit, 1, false, NULL,
                "START TRANSACTION; UPDATE accounts SET balance = balance - (-500) WHERE id = 1001;"
                " DELETE FROM xa_key WHERE gtrid = X'7861';"
                " DELETE FROM xa_marker WHERE gtrid = X'7861' AND branch = 1; COMMIT");
    compensates(&debit, 1, true, NULL,
                "START TRANSACTION; UPDATE accounts SET balance = balance + (-500) WHERE id = 1001;"
                " INSERT INTO xa_marker (gtrid, branch, step, branches, tbl, row_id, delta, at)"
                " VALUES (X'7861', 1, 0, 2, 'accounts', 1001, -500, NOW(3)); COMMIT");
    compensates(order + 1, 2, false, NULL,
                "START TRANSACTION; DELETE FROM orders WHERE gtrid = X'7861';"
                " DELETE FROM payments WHERE gtrid = X'7861'; DELETE FROM xa_key WHERE gtrid = X'7861';"
                " DELETE FROM xa_marker WHERE gtrid = X'7861' AND branch = 2; COMMIT");
    compensates(order + 1, 2, true, NULL,
                "START TRANSACTION; INSERT INTO orders (gtrid, product, customer, quantity) VALUES (X'7861', "
                "101, 2001, 2);"
                " INSERT INTO xa_marker (gtrid, branch, step, branches, tbl, row_id, delta, at)"
                " VALUES (X'7861', 2, 0, 2, 'orders', 101, 2, NOW(3));"
                " INSERT INTO payments (gtrid, customer, amount) VALUES (X'7861', 2001, 3998);"
                " INSERT INTO xa_marker (gtrid, branch, step, branches, tbl, row_id, delta, at)"
                " VALUES (X'7861', 2, 0, 2, 'payments', 2001, 3998, NOW(3)); COMMIT");
    compensates(NULL, 0, false, NULL, "");
    struct effect_key key = {.key = "ab", .fingerprint = "0123456789abcdef0123456789abcdef"};
    compensates(&debit, 1, true, &key,
                "START TRANSACTION; UPDATE accounts SET balance = balance + (-500) WHERE id = 1001;"
                " INSERT INTO xa_marker (gtrid, branch, step, branches, tbl, row_id, delta, at)"
                " VALUES (X'7861', 1, 0, 2, 'accounts', 1001, -500, NOW(3));"
                " INSERT INTO xa_key (k, fingerprint, gtrid)"
                " VALUES (X'6162', '0123456789abcdef0123456789abcdef', X'7861'); COMMIT");
    memset(key.key, 'k', XATOP_KEY_MAX);
    /* the longest there can be: no cut statement is ever printed */
    struct effect many[XATOP_WORK_MAX];
    char buffer[8192];
    struct text text;
    for (int i = 0; i < XATOP_WORK_MAX; i++) {
        many[i] = effect(16, i % 2 ? WORK_ORDERS : WORK_CUSTOMERS, INT64_MIN, INT64_MIN);
        memset(many[i].gtrid, 'x', XATOP_GTRID_MAX);
    }
    for (int redo = 0; redo < 2; redo++) {
        text_init(&text, buffer, sizeof buffer);
        effects_compensation(many, XATOP_WORK_MAX, redo, &key, &text);
        CU_ASSERT_FALSE(text.truncated);
    }
}

int main(void)
{
    static const struct test_case cases[] = {
        {"places rows as the contract says", places_rows_as_the_contract_says},
        {"a transfer touches two nodes or one", a_transfer_touches_two_nodes_or_one},
        {"an order touches both nodes", an_order_touches_both_nodes},
        {"nonsense is a usage error", nonsense_is_a_usage_error},
        {"random instances conserve", random_instances_conserve},
        {"keys and fingerprints", the_key_goes_first_and_same_requests_have_the_same_words},
        {"rows tell who must wait", rows_tell_who_must_wait},
        {"reasons are sentences", reasons_are_sentences},
        {"effects say what was meant", effects_say_what_was_meant},
        {"effects speak as the plan", effects_speak_as_the_plan},
        {"compensation is sql with its markers", compensation_is_sql_with_its_markers},
        {"the audit knows whole, half and torn", the_audit_knows_whole_half_and_torn},
        {"the audit sees a row changed behind its back", the_audit_sees_a_row_changed_behind_its_back},
        {0},
    };
    return test_main("scenario", cases);
}
