#include "config.h"

#include "xatop/scenario.h"

#include <string.h>

#include "xatop/i18n.h"
#include "xatop/money.h"

enum { PRODUCT, QUANTITY, CUSTOMER };
enum { QUANTITY_MAX = 1000000 };

static enum status check(const struct scenario_params *params, struct err *err)
{
    const int64_t *n = params->n;
    if (n[PRODUCT] < 1 || n[CUSTOMER] < 1)
        return err_set(err, STATUS_USAGE,
                       _("numbers are positive: sample products begin at %d, customers at %d"), PRODUCT_FIRST,
                       CUSTOMER_FIRST);
    if (n[QUANTITY] < 1 || n[QUANTITY] > QUANTITY_MAX)
        return err_set(err, STATUS_USAGE, _("quantity out of range: it must be 1 to %d"), QUANTITY_MAX);
    return STATUS_OK;
}

/* The price is read before and checked again inside the branch: a price that changed meanwhile refuses the
 * order. */
static bool lookup(const struct scenario_params *params, enum work_table *table, int64_t *row)
{
    *table = WORK_PRODUCTS;
    *row = params->n[PRODUCT];
    return true;
}

static void add_op(struct branch_plan *branch, enum work_kind kind, enum work_table table, int64_t id,
                   int64_t delta, const struct scenario_params *params)
{
    branch->work[branch->work_count++] = (struct work_op){
        .kind = kind,
        .table = table,
        .id = id,
        .delta = delta,
        .price = -1,
        .product = params->n[PRODUCT],
        .customer = params->n[CUSTOMER],
    };
}

static void say(int64_t quantity, int64_t product, int64_t customer, int64_t cost, struct text *out)
{
    char money[24];
    text_printf(out, _("%lld of product %lld to customer %lld for %s"), (long long)quantity,
                (long long)product, (long long)customer, money_format(cost, money, sizeof money));
}

static enum status plan(const struct scenario_params *params, const struct shape *shape, bool found,
                        int64_t looked_up, struct plan *out, struct err *err)
{
    const int64_t *n = params->n;
    if (!found)
        return err_set(err, STATUS_REFUSED, "%s: %s %lld %s", refusal_word(REFUSAL_NO_ROW),
                       work_table_words(WORK_PRODUCTS), (long long)n[PRODUCT],
                       refusal_sentence(REFUSAL_NO_ROW));
    if (looked_up < 0 || looked_up > MONEY_MAX / n[QUANTITY])
        return err_set(err, STATUS_REFUSED, _("the price of product %lld makes no sum of money"),
                       (long long)n[PRODUCT]);
    int64_t cost = looked_up * n[QUANTITY];
    struct branch_plan *stock = &out->branches[0];
    struct branch_plan *sale = stock;
    out->branch_count = 1;
    stock->node = shape_node(shape, WORK_PRODUCTS, n[PRODUCT]);
    stock->work_count = 0;
    uint8_t sale_node = shape_node(shape, WORK_CUSTOMERS, n[CUSTOMER]);
    if (sale_node != stock->node) {
        sale = &out->branches[out->branch_count++];
        sale->node = sale_node;
        sale->work_count = 0;
    }
    add_op(stock, WORK_ADD, WORK_PRODUCTS, n[PRODUCT], -n[QUANTITY], params);
    stock->work[0].price = looked_up;
    add_op(sale, WORK_ADD, WORK_CUSTOMERS, n[CUSTOMER], -cost, params);
    add_op(sale, WORK_INSERT, WORK_ORDERS, 0, n[QUANTITY], params);
    add_op(sale, WORK_INSERT, WORK_PAYMENTS, 0, cost, params);
    struct text text;
    text_init(&text, out->meaning, sizeof out->meaning);
    say(n[QUANTITY], n[PRODUCT], n[CUSTOMER], cost, &text);
    text_copy(out->scenario, sizeof out->scenario, "inventory");
    return STATUS_OK;
}

static bool meaning(const struct effect *effects, uint32_t count, struct text *out)
{
    const struct effect *by_table[WORK_TABLES] = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (by_table[effects[i].table])
            return false;
        by_table[effects[i].table] = &effects[i];
    }
    const struct effect *stock = by_table[WORK_PRODUCTS], *customer = by_table[WORK_CUSTOMERS];
    const struct effect *order = by_table[WORK_ORDERS], *payment = by_table[WORK_PAYMENTS];
    if (!stock || !customer || !order || !payment || stock->delta != -order->delta ||
        customer->delta != -payment->delta)
        return false;
    say(order->delta, stock->row, customer->row, payment->delta, out);
    return true;
}

static void random_order(struct prng *prng, const struct shape *shape, struct scenario_params *out)
{
    uint64_t products = shape->products > 0 ? (uint64_t)shape->products : 1;
    uint64_t customers = shape->customers > 0 ? (uint64_t)shape->customers : 1;
    memset(out, 0, sizeof *out);
    out->n[PRODUCT] = PRODUCT_FIRST + (int64_t)prng_below(prng, products);
    out->n[QUANTITY] = 1 + (int64_t)prng_below(prng, 3);
    out->n[CUSTOMER] = CUSTOMER_FIRST + (int64_t)prng_below(prng, customers);
}

static void reason(const struct work_op *op, enum refusal refusal, int64_t have, struct text *out)
{
    char a[24], b[24];
    if (refusal == REFUSAL_SHORT && op->table == WORK_PRODUCTS)
        text_printf(out, _("product %lld has %lld in stock, %lld wanted"), (long long)op->id, (long long)have,
                    (long long)-op->delta);
    else if (refusal == REFUSAL_SHORT)
        text_printf(out, _("customer %lld has %s, %s needed"), (long long)op->id,
                    money_format(have, a, sizeof a), money_format(-op->delta, b, sizeof b));
    else if (refusal == REFUSAL_PRICE_CHANGED)
        text_printf(out, _("product %lld %s: %s, not %s"), (long long)op->id, refusal_sentence(refusal),
                    money_format(have, a, sizeof a), money_format(op->price, b, sizeof b));
    else if (refusal == REFUSAL_KEY_EXISTS)
        text_printf(out, _("key '%s' %s"), op->key, refusal_sentence(refusal));
    else
        text_printf(out, "%s %lld %s", work_table_words(op->table), (long long)op->id,
                    refusal_sentence(refusal));
}

extern const struct scenario scenario_inventory;
const struct scenario scenario_inventory = {
    .name = "inventory",
    .command = "order",
    .params = {"product", "quantity", "customer"},
    .check = check,
    .lookup = lookup,
    .plan = plan,
    .random = random_order,
    .reason = reason,
    .meaning = meaning,
};
