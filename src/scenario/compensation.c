#include "config.h"

#include "xatop/scenario.h"

#include <inttypes.h>
#include <string.h>

static void of_gtrid(const struct effect *effect, struct text *out)
{
    text_append(out, "X'");
    text_hex(out, effect->gtrid, strlen(effect->gtrid));
    text_append(out, "'");
}

static bool inserted(const struct effect *effect)
{
    return effect->table == WORK_ORDERS || effect->table == WORK_PAYMENTS;
}

static void undo(const struct effect *effect, struct text *out)
{
    const char *table = work_table_name(effect->table), *column = work_table_column(effect->table);
    if (inserted(effect)) {
        text_printf(out, " DELETE FROM %s WHERE gtrid = ", table);
        of_gtrid(effect, out);
    } else {
        text_printf(out, " UPDATE %s SET %s = %s - (%" PRId64 ") WHERE id = %" PRId64, table, column, column,
                    effect->delta, effect->row);
    }
    text_append(out, ";");
}

static void redo_insert(const struct effect *effect, int64_t customer, struct text *out)
{
    bool order = effect->table == WORK_ORDERS;
    text_printf(out, " INSERT INTO %s (gtrid, %scustomer, %s) VALUES (", work_table_name(effect->table),
                order ? "product, " : "", work_table_column(effect->table));
    of_gtrid(effect, out);
    if (order)
        text_printf(out, ", %" PRId64, effect->row);
    text_printf(out, ", %" PRId64 ", %" PRId64 ");", customer, effect->delta);
}

static void redo(const struct effect *effect, int64_t customer, struct text *out)
{
    const char *column = work_table_column(effect->table);
    if (inserted(effect))
        redo_insert(effect, customer, out);
    else
        text_printf(out, " UPDATE %s SET %s = %s + (%" PRId64 ") WHERE id = %" PRId64 ";",
                    work_table_name(effect->table), column, column, effect->delta, effect->row);
    text_append(out,
                " INSERT INTO xa_marker (gtrid, branch, step, branches, tbl, row_id, delta, at) VALUES (");
    of_gtrid(effect, out);
    text_printf(out, ", %u, %u, %u, '%s', %" PRId64 ", %" PRId64 ", NOW(3));", effect->branch, effect->step,
                effect->branches, work_table_name(effect->table), effect->row, effect->delta);
}

void effects_compensation(const struct effect *effects, uint32_t count, bool again,
                          const struct effect_key *key, struct text *out)
{
    int64_t customer = 0; /* an order's row does not tell: its payment's does, in the same branch */
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (effects[i].table == WORK_PAYMENTS || effects[i].table == WORK_CUSTOMERS)
            customer = effects[i].row;
    text_append(out, "START TRANSACTION;");
    for (uint32_t i = 0; i < count; i++) {
        if (again)
            redo(&effects[i], customer, out);
        else
            undo(&effects[i], out);
    }
    if (again && key && key->key[0]) {
        text_append(out, " INSERT INTO xa_key (k, fingerprint, gtrid) VALUES (X'");
        text_hex(out, key->key, strlen(key->key));
        text_printf(out, "', '%s', ", key->fingerprint);
        of_gtrid(&effects[0], out);
        text_append(out, ");");
    }
    if (!again) { /* the key too: whoever repeats the request means it to be done */
        text_append(out, " DELETE FROM xa_key WHERE gtrid = ");
        of_gtrid(&effects[0], out);
        text_append(out, "; DELETE FROM xa_marker WHERE gtrid = ");
        of_gtrid(&effects[0], out);
        text_printf(out, " AND branch = %u;", effects[0].branch);
    }
    text_append(out, " COMMIT");
}
