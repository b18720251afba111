#include "config.h"

#include "xatop/scenario.h"

#include <string.h>

#include "xatop/i18n.h"
#include "xatop/money.h"

enum { FROM, TO, AMOUNT };

static enum status check(const struct scenario_params *params, struct err *err)
{
    const int64_t *n = params->n;
    if (n[FROM] < 1 || n[TO] < 1)
        return err_set(err, STATUS_USAGE, _("account numbers are positive: sample accounts begin at %d"),
                       ACCOUNT_FIRST);
    if (n[FROM] == n[TO])
        return err_set(err, STATUS_USAGE, _("account %lld cannot pay itself: name two accounts"),
                       (long long)n[FROM]);
    if (n[AMOUNT] < 1 || n[AMOUNT] > MONEY_MAX)
        return err_set(err, STATUS_USAGE, _("amount out of range: it must be at least 0.01"));
    return STATUS_OK;
}

static void add(struct plan *plan, const struct shape *shape, int64_t account, int64_t delta)
{
    uint8_t node = shape_node(shape, WORK_ACCOUNTS, account);
    struct branch_plan *branch = NULL;
    for (uint8_t b = 0; b < plan->branch_count && !branch; b++)
        if (plan->branches[b].node == node)
            branch = &plan->branches[b];
    if (!branch) {
        branch = &plan->branches[plan->branch_count++];
        branch->node = node;
        branch->work_count = 0;
    }
    branch->work[branch->work_count++] = (struct work_op){
        .kind = WORK_ADD,
        .table = WORK_ACCOUNTS,
        .id = account,
        .delta = delta,
        .price = -1,
    };
}

static void say(int64_t amount, int64_t from, int64_t to, struct text *out)
{
    char money[24];
    text_printf(out, _("%s from %lld to %lld"), money_format(amount, money, sizeof money), (long long)from,
                (long long)to);
}

/* The debited account first: its branch owns the idempotency key, and an overdraft ends the work before
 * anything else. */
static enum status plan(const struct scenario_params *params, const struct shape *shape, bool found,
                        int64_t looked_up, struct plan *out, struct err *err)
{
    out->branch_count = 0;
    add(out, shape, params->n[FROM], -params->n[AMOUNT]);
    add(out, shape, params->n[TO], params->n[AMOUNT]);
    struct text text;
    text_init(&text, out->meaning, sizeof out->meaning);
    say(params->n[AMOUNT], params->n[FROM], params->n[TO], &text);
    text_copy(out->scenario, sizeof out->scenario, "bank");
    return STATUS_OK;
}

static bool meaning(const struct effect *effects, uint32_t count, struct text *out)
{
    if (count != 2 || effects[0].table != WORK_ACCOUNTS || effects[1].table != WORK_ACCOUNTS ||
        effects[0].delta == 0 || effects[0].delta != -effects[1].delta)
        return false;
    const struct effect *from = effects[0].delta < 0 ? &effects[0] : &effects[1];
    const struct effect *to = from == &effects[0] ? &effects[1] : &effects[0];
    say(to->delta, from->row, to->row, out);
    return true;
}

static void random_transfer(struct prng *prng, const struct shape *shape, struct scenario_params *out)
{
    uint64_t accounts = shape->accounts > 2 ? (uint64_t)shape->accounts : 2;
    uint64_t from = prng_below(prng, accounts);
    uint64_t to = (from + 1 + prng_below(prng, accounts - 1)) % accounts;
    memset(out, 0, sizeof *out);
    out->n[FROM] = ACCOUNT_FIRST + (int64_t)from;
    out->n[TO] = ACCOUNT_FIRST + (int64_t)to;
    out->n[AMOUNT] = 1 + (int64_t)prng_below(prng, 10000);
}

static void reason(const struct work_op *op, enum refusal refusal, int64_t have, struct text *out)
{
    char a[24], b[24];
    if (refusal == REFUSAL_SHORT)
        text_printf(out, _("account %lld has %s, %s needed"), (long long)op->id,
                    money_format(have, a, sizeof a), money_format(-op->delta, b, sizeof b));
    else if (refusal == REFUSAL_KEY_EXISTS)
        text_printf(out, _("key '%s' %s"), op->key, refusal_sentence(refusal));
    else
        text_printf(out, _("account %lld %s"), (long long)op->id, refusal_sentence(refusal));
}

extern const struct scenario scenario_bank;
const struct scenario scenario_bank = {
    .name = "bank",
    .command = "transfer",
    .params = {"from", "to", "amount"},
    .money = {false, false, true},
    .check = check,
    .plan = plan,
    .random = random_transfer,
    .reason = reason,
    .meaning = meaning,
};
