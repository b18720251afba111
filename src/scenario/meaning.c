#include "config.h"

#include "xatop/scenario.h"

#include <stdio.h>

#include "xatop/i18n.h"
#include "xatop/money.h"

/* "-500.00 of account 1001", "2 of product 101 ordered" */
static void say_effect(const struct effect *effect, struct text *out)
{
    char amount[24];
    if (work_table_is_money(effect->table))
        money_format(effect->delta, amount, sizeof amount);
    else
        snprintf(amount, sizeof amount, "%lld", (long long)effect->delta);
    if (effect->table == WORK_ORDERS)
        text_printf(out, _("%s of product %lld ordered"), amount, (long long)effect->row);
    else if (effect->table == WORK_PAYMENTS)
        text_printf(out, _("%s paid by customer %lld"), amount, (long long)effect->row);
    else
        text_printf(out, _("%s of %s %lld"), amount, work_table_words(effect->table), (long long)effect->row);
}

static unsigned branches_seen(const struct effect *effects, uint32_t count)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++)
        if (effects[i].branch >= 1 && effects[i].branch <= XATOP_BRANCHES_MAX)
            seen |= UINT32_C(1) << (effects[i].branch - 1);
    return (unsigned)__builtin_popcount(seen);
}

void effects_meaning(const struct effect *effects, uint32_t count, struct text *out)
{
    if (count == 0)
        return;
    unsigned seen = branches_seen(effects, count);
    bool whole = seen >= effects[0].branches;
    const struct scenario *scenario;
    for (uint8_t i = 0; whole && (scenario = scenario_at(i)); i++)
        if (scenario->meaning(effects, count, out))
            return;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            text_append(out, ", ");
        say_effect(&effects[i], out);
    }
    if (!whole)
        text_printf(out, _(" (%u of its %u branches seen)"), seen, effects[0].branches);
}
