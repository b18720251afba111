#include "config.h"

#include "dlog_internal.h"

#include <stdlib.h>

/* A sequence number is unique within an epoch, so these two spread well; the rest is compared. */
static size_t home(const struct dlog_table *table, const struct gtrid *gtrid)
{
    uint64_t h = (gtrid->sequence ^ (uint64_t)gtrid->epoch << 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 32) & (table->cap - 1);
}

/* The slot of @gtrid, or the empty one where it would go. */
static size_t slot_of(const struct dlog_table *table, const struct gtrid *gtrid)
{
    size_t i = home(table, gtrid);
    while (table->slots[i] && !gtrid_equal(&table->slots[i]->record.gtrid, gtrid))
        i = (i + 1) & (table->cap - 1);
    return i;
}

static bool enlarge(struct dlog_table *table)
{
    struct dlog_table bigger = {.cap = table->cap ? table->cap * 2 : 64, .count = table->count};
    bigger.slots = calloc(bigger.cap, sizeof(struct dlog_live *));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < table->cap; i++)
        if (table->slots[i])
            bigger.slots[slot_of(&bigger, &table->slots[i]->record.gtrid)] = table->slots[i];
    free(table->slots);
    *table = bigger;
    return true;
}

struct dlog_live *dlog_table_put(struct dlog_table *table, const struct gtrid *gtrid)
{
    struct dlog_live *live = dlog_table_find(table, gtrid);
    if (live)
        return live;
    if ((table->count + 1) * 2 > table->cap && !enlarge(table))
        return NULL;
    live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->record.gtrid = *gtrid;
    table->slots[slot_of(table, gtrid)] = live;
    table->count++;
    return live;
}

struct dlog_live *dlog_table_find(const struct dlog_table *table, const struct gtrid *gtrid)
{
    return table->cap ? table->slots[slot_of(table, gtrid)] : NULL;
}

void dlog_table_remove(struct dlog_table *table, const struct gtrid *gtrid)
{
    if (!dlog_table_find(table, gtrid))
        return;
    size_t hole = slot_of(table, gtrid);
    free(table->slots[hole]);
    table->slots[hole] = NULL;
    table->count--;
    /* Close the gap: whoever was pushed past the hole comes back, so that no marker of the dead is needed. */
    for (size_t i = (hole + 1) & (table->cap - 1); table->slots[i]; i = (i + 1) & (table->cap - 1)) {
        struct dlog_live *live = table->slots[i];
        table->slots[i] = NULL;
        table->slots[slot_of(table, &live->record.gtrid)] = live;
    }
}

static int by_lsn(const void *a, const void *b)
{
    uint64_t x = (*(struct dlog_live *const *)a)->record.lsn, y = (*(struct dlog_live *const *)b)->record.lsn;
    return (x > y) - (x < y);
}

struct dlog_live **dlog_table_sorted(const struct dlog_table *table)
{
    struct dlog_live **all = malloc((table->count + 1) * sizeof(struct dlog_live *));
    if (!all)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < table->cap; i++)
        if (table->slots[i])
            all[n++] = table->slots[i];
    qsort(all, n, sizeof(struct dlog_live *), by_lsn);
    return all;
}

void dlog_table_free(struct dlog_table *table)
{
    for (size_t i = 0; i < table->cap; i++)
        free(table->slots[i]);
    free(table->slots);
    *table = (struct dlog_table){0};
}
