#include "config.h"

#include "sim.h"

#include <stdlib.h>
#include <string.h>

/* What must hold at the end, by what the nodes have really committed. */

enum { FATES = SIM_TXNS };

struct fate {
    struct gtrid gtrid;
    uint32_t seen; /* bit b-1: branch b is committed */
    uint8_t branches;
    char key[XATOP_KEY_MAX + 1];
    uint8_t key_node;
};

struct court {
    struct sim *sim;
    struct fate fates[FATES];
    unsigned count;
};

static struct fate *fate_of(struct court *court, const struct gtrid *gtrid)
{
    for (unsigned i = 0; i < court->count; i++)
        if (gtrid_equal(&court->fates[i].gtrid, gtrid))
            return &court->fates[i];
    return NULL;
}

static void collect(void *arg, const struct node_sim_effect *effect)
{
    struct court *court = arg;
    struct fate *fate = fate_of(court, &effect->gtrid);
    if (!fate) {
        xatop_assert(court->count < FATES);
        fate = &court->fates[court->count++];
        *fate = (struct fate){.gtrid = effect->gtrid, .branches = effect->branches};
    }
    uint32_t bit = UINT32_C(1) << (effect->branch - 1);
    if (fate->seen & bit)
        sim_violation(court->sim, "branch %u of transaction %llu was committed twice", effect->branch,
                      (unsigned long long)effect->gtrid.sequence);
    fate->seen |= bit;
    if (effect->key) {
        text_copy(fate->key, sizeof fate->key, effect->key);
        fate->key_node = effect->node;
    }
}

static bool whole(const struct fate *fate)
{
    return fate && fate->seen == (UINT32_C(1) << fate->branches) - 1;
}

static void judge_atomicity(struct court *court)
{
    for (unsigned i = 0; i < court->count; i++) {
        const struct fate *fate = &court->fates[i];
        if (!whole(fate))
            sim_violation(court->sim, "transaction %llu of epoch %u is torn: branches %x of %u committed",
                          (unsigned long long)fate->gtrid.sequence, fate->gtrid.epoch, fate->seen,
                          fate->branches);
        for (unsigned k = 0; k < i; k++)
            /* the same request has the same owning node; with other parameters, and that node away, it is another's key */
            if (fate->key[0] && strcmp(fate->key, court->fates[k].key) == 0 &&
                fate->key_node == court->fates[k].key_node)
                sim_violation(court->sim, "key %s was used twice", fate->key);
    }
    for (unsigned i = 0; i < court->sim->txn_count; i++)
        if (court->sim->txns[i].durable && !whole(fate_of(court, &court->sim->txns[i].gtrid)))
            sim_violation(court->sim, "transaction %llu was decided COMMIT and is not committed",
                          (unsigned long long)court->sim->txns[i].gtrid.sequence);
}

static void judge_words(struct court *court)
{
    for (unsigned i = 0; i < court->sim->ask_count; i++) {
        const struct ask *ask = &court->sim->asks[i];
        const struct report *report = &ask->report;
        struct gtrid gtrid;
        if (!ask->told || !gtrid_parse(report->gtrid, strlen(report->gtrid), &gtrid))
            continue;
        const struct fate *fate = fate_of(court, &gtrid);
        bool committed = report->outcome == OUTCOME_COMMITTED || report->outcome == OUTCOME_COMMITTED_PENDING;
        bool aborted = report->outcome == OUTCOME_ABORTED || report->outcome == OUTCOME_ABORTED_PENDING;
        court->sim->commits += committed;
        court->sim->aborts += aborted;
        court->sim->in_doubt += report->outcome == OUTCOME_IN_DOUBT;
        if (committed && !whole(fate))
            sim_violation(court->sim, "told committed, is not: %s", report->gtrid);
        if (aborted && fate)
            sim_violation(court->sim, "told aborted, is committed: %s", report->gtrid);
    }
}

static int compare_markers(const void *a, const void *b)
{
    const struct audit_marker *x = a, *y = b;
    int gtrid = strcmp(x->gtrid, y->gtrid);
    return gtrid ? gtrid : x->branch - y->branch;
}

static void note_marker(void *arg, const struct node_sim_effect *effect)
{
    struct audit_snapshot *snapshot = &((struct audit_snapshot *)arg)[effect->node];
    snapshot->markers = realloc(snapshot->markers, (snapshot->marker_count + 1) * sizeof *snapshot->markers);
    xatop_assert(snapshot->markers != NULL);
    struct audit_marker *marker = &snapshot->markers[snapshot->marker_count++];
    *marker = (struct audit_marker){.branch = effect->branch, .branches = effect->branches};
    gtrid_print(&effect->gtrid, marker->gtrid);
    for (unsigned t = 0; t < WORK_TABLES; t++) {
        snapshot->deltas[t] += effect->deltas[t];
        *(work_table_is_money((enum work_table)t) ? &marker->money : &marker->stock) += effect->deltas[t];
    }
}

/* The program's own audit must agree, and the sums must be what they were, whatever the audit says. */
static void judge_books(struct sim *sim)
{
    struct audit_snapshot snapshots[XATOP_NODES_MAX] = {0};
    struct audit_missing missing[8];
    struct audit_result result;
    uint8_t n = sim->shape.node_count;
    int64_t money = 0, stock = 0;
    node_sim_effects(sim->nodes, note_marker, snapshots);
    for (uint8_t i = 0; i < n; i++) {
        snapshots[i].ok = true;
        if (snapshots[i].marker_count > 1)
            qsort(snapshots[i].markers, snapshots[i].marker_count, sizeof snapshots[i].markers[0],
                  compare_markers);
        for (unsigned t = 0; t < WORK_TABLES; t++) {
            snapshots[i].initial[t] = node_sim_initial(sim->nodes, i, (enum work_table)t);
            snapshots[i].sum[t] = node_sim_sum(sim->nodes, i, (enum work_table)t);
            *(work_table_is_money((enum work_table)t) ? &money : &stock) +=
                snapshots[i].sum[t] - snapshots[i].initial[t];
        }
    }
    uint32_t missing_count = audit_find_missing(snapshots, n, missing, 8);
    for (uint32_t i = 0; i < missing_count; i++)
        missing[i].verdict = MISSING_TORN;
    audit_judge(snapshots, n, missing, missing_count, &result);
    if (!result.ok)
        sim_violation(sim, "the audit does not agree: %u torn, money %lld of %lld", result.torn,
                      (long long)result.money_found, (long long)result.money_expected);
    if (money != 0 || stock != 0)
        sim_violation(sim, "money changed by %lld, stock by %lld", (long long)money, (long long)stock);
    for (uint8_t i = 0; i < n; i++)
        audit_snapshot_free(&snapshots[i]);
}

static void judge_nodes(struct sim *sim)
{
    for (uint8_t i = 0; i < sim->shape.node_count; i++) {
        if (node_sim_left(sim->nodes, i) > 0)
            sim_violation(sim, "node %u keeps a branch of ours", i + 1u);
        if (node_sim_foreign(sim->nodes, i) != 1)
            sim_violation(sim, "node %u: somebody else's branch was touched", i + 1u);
    }
    if (node_sim_hasty(sim->nodes) > 0)
        sim_violation(sim, "%u branches were finished from elsewhere before they had settled",
                      node_sim_hasty(sim->nodes));
}

static bool note_decision(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    struct sim *sim = arg;
    if (record->type == DLOG_COMMIT)
        sim_txn(sim, &record->gtrid)->held = true;
    return true;
}

static void judge_log(struct sim *sim)
{
    struct dlog_scan_result result = {0};
    struct err err = {0};
    if (dlog_scan(&sim->disk_port, note_decision, sim, &result, &err) != STATUS_OK)
        sim_violation(sim, "the log is damaged: %s", err.text);
    else if (result.live > 0)
        sim_violation(sim, "%llu decisions stand undischarged", (unsigned long long)result.live);
    for (unsigned i = 0; i < sim->txn_count; i++)
        sim->forgotten += sim->txns[i].durable && !sim->txns[i].held;
}

void sim_judge(struct sim *sim)
{
    struct court court = {.sim = sim};
    node_sim_effects(sim->nodes, collect, &court);
    judge_atomicity(&court);
    judge_words(&court);
    judge_books(sim);
    judge_nodes(sim);
    judge_log(sim);
}
