#include "config.h"

#include "xatop/scenario.h"

#include <string.h>

/* A walk over the markers of all nodes together, one gtrid at a time. */
struct walk {
    const struct audit_snapshot *snapshots;
    uint8_t node_count;
    uint32_t at[XATOP_NODES_MAX];
    /* of the current transaction */
    const char *gtrid;
    uint8_t branches, seen_node;
    uint32_t seen; /* bit b-1 = branch b has its marker */
    int64_t money, stock;
};

static const struct audit_marker *walk_head(const struct walk *walk, uint8_t node)
{
    const struct audit_snapshot *snapshot = &walk->snapshots[node];
    return snapshot->ok && walk->at[node] < snapshot->marker_count ? &snapshot->markers[walk->at[node]]
                                                                   : NULL;
}

static bool walk_next(struct walk *walk)
{
    const char *first = NULL;
    for (uint8_t i = 0; i < walk->node_count; i++) {
        const struct audit_marker *head = walk_head(walk, i);
        if (head && (!first || strcmp(head->gtrid, first) < 0)) {
            first = head->gtrid;
            walk->seen_node = i;
        }
    }
    if (!first)
        return false;
    walk->gtrid = first;
    walk->branches = 0;
    walk->seen = 0;
    walk->money = walk->stock = 0;
    for (uint8_t i = 0; i < walk->node_count; i++)
        for (const struct audit_marker *head;
             (head = walk_head(walk, i)) && strcmp(head->gtrid, first) == 0;) {
            if (head->branch >= 1 && head->branch <= XATOP_BRANCHES_MAX)
                walk->seen |= UINT32_C(1) << (head->branch - 1);
            if (head->branches > walk->branches && head->branches <= XATOP_BRANCHES_MAX)
                walk->branches = head->branches;
            walk->money += head->money;
            walk->stock += head->stock;
            walk->at[i]++;
        }
    return true;
}

uint32_t audit_find_missing(const struct audit_snapshot *snapshots, uint8_t node_count,
                            struct audit_missing *out, uint32_t cap)
{
    struct walk walk = {.snapshots = snapshots, .node_count = node_count};
    uint32_t count = 0;
    while (walk_next(&walk))
        for (uint8_t b = 1; b <= walk.branches; b++) {
            if (walk.seen & UINT32_C(1) << (b - 1))
                continue;
            if (count == cap)
                return count;
            struct audit_missing *missing = &out[count++];
            text_copy(missing->gtrid, sizeof missing->gtrid, walk.gtrid);
            missing->branch = b;
            missing->seen_node = walk.seen_node;
            missing->verdict = MISSING_UNASKED;
        }
    return count;
}

static bool listed_torn(const char *gtrid, const struct audit_missing *missing, uint32_t missing_count)
{
    for (uint32_t i = 0; i < missing_count; i++)
        if (missing[i].verdict == MISSING_TORN && strcmp(missing[i].gtrid, gtrid) == 0)
            return true;
    return false;
}

void audit_judge(const struct audit_snapshot *snapshots, uint8_t node_count,
                 const struct audit_missing *missing, uint32_t missing_count, struct audit_result *out)
{
    memset(out, 0, sizeof *out);
    for (uint8_t i = 0; i < node_count; i++) {
        const struct audit_snapshot *snapshot = &snapshots[i];
        if (!snapshot->ok) {
            out->unreachable |= (uint16_t)(1u << i);
            continue;
        }
        for (unsigned t = 0; t < WORK_TABLES; t++) {
            if (snapshot->initial[t] + snapshot->deltas[t] != snapshot->sum[t])
                out->wrong |= (uint16_t)(1u << i);
            int64_t *expected =
                work_table_is_money((enum work_table)t) ? &out->money_expected : &out->stock_expected;
            int64_t *found = work_table_is_money((enum work_table)t) ? &out->money_found : &out->stock_found;
            *expected += snapshot->initial[t];
            *found += snapshot->sum[t];
        }
    }
    for (uint32_t i = 0; i < missing_count; i++) {
        out->torn += missing[i].verdict == MISSING_TORN;
        out->pending += missing[i].verdict == MISSING_PREPARED || missing[i].verdict == MISSING_UNDISCHARGED;
    }
    /* The nodes were not read at the same moment: what a transaction did where it was seen alone is taken out
     * again, unless it is torn, which is money really lost or made. */
    struct walk walk = {.snapshots = snapshots, .node_count = node_count};
    while (walk_next(&walk)) {
        uint32_t all = (UINT32_C(1) << walk.branches) - 1;
        if ((walk.seen & all) == all || (out->torn > 0 && listed_torn(walk.gtrid, missing, missing_count)))
            continue;
        out->money_found -= walk.money;
        out->stock_found -= walk.stock;
    }
    out->ok = out->unreachable == 0 && out->wrong == 0 && out->torn == 0 &&
              out->money_expected == out->money_found && out->stock_expected == out->stock_found;
}
