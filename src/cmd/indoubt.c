#include "config.h"

#include "indoubt.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/scenario.h"
#include "xatop/text.h"

const char *indoubt_presence_name(enum indoubt_presence presence)
{
    static const char *const names[] = {
#define X(code, word) [INDOUBT_##code] = word,
        INDOUBT_PRESENCE_LIST(X)
#undef X
    };
    return names[presence];
}

/* --- order ---------------------------------------------------------------------------------------------- */

static int compare_gtrid(const struct gtrid *a, const struct gtrid *b)
{
    int order = strcmp(a->coordinator, b->coordinator);
    if (order == 0 && a->log_id != b->log_id)
        order = a->log_id < b->log_id ? -1 : 1;
    return order ? order : gtrid_by_age(a, b);
}

static int compare_txns(const void *a, const void *b)
{
    return compare_gtrid(&((const struct indoubt_txn *)a)->gtrid, &((const struct indoubt_txn *)b)->gtrid);
}

static int compare_effects(const void *a, const void *b)
{
    const struct effect *x = a, *y = b;
    int order = strcmp(x->gtrid, y->gtrid);
    return order ? order : (x->branch - y->branch) * 256 + x->step - y->step;
}

static int compare_xids(const struct xid *a, const struct xid *b)
{
    if (a->format != b->format)
        return a->format < b->format ? -1 : 1;
    int order = memcmp(a->gtrid, b->gtrid, sizeof a->gtrid); /* what is not used is zero */
    if (order == 0)
        order = memcmp(a->bqual, b->bqual, sizeof a->bqual);
    return order ? order : (a->gtrid_len - b->gtrid_len) * 256 + a->bqual_len - b->bqual_len;
}

/* Ours first: a limit must not hide what somebody can act on behind thousands of strangers. */
static int compare_prepared(const void *a, const void *b)
{
    const struct prepared *x = a, *y = b;
    if (x->owner != y->owner)
        return y->owner - x->owner;
    if (x->parsed != y->parsed)
        return x->parsed ? -1 : 1;
    int order = x->parsed ? compare_gtrid(&x->gtrid, &y->gtrid) : compare_xids(&x->xid, &y->xid);
    if (order == 0)
        order = (int)x->branch - (int)y->branch;
    return order ? order : x->node - y->node;
}

static struct indoubt_txn *find_txn(const struct indoubt *doubt, const struct gtrid *gtrid)
{
    struct indoubt_txn key = {.gtrid = *gtrid};
    return doubt->txn_count == 0
               ? NULL
               : bsearch(&key, doubt->txns, doubt->txn_count, sizeof *doubt->txns, compare_txns);
}

/* --- the decision log, read once ------------------------------------------------------------------------ */

struct opening {
    uint32_t epoch;
    int64_t wall_ms;
};

struct log_reading {
    struct indoubt *doubt;
    struct opening *openings; /* epochs only rise */
    uint32_t count, cap;
    bool out_of_memory;
};

static bool take_opening(struct log_reading *reading, const struct dlog_record *record)
{
    if (reading->count > 0 && reading->openings[reading->count - 1].epoch >= record->epoch)
        return true;
    if (reading->count == reading->cap) {
        uint32_t cap = reading->cap ? 2 * reading->cap : 64;
        struct opening *grown = realloc(reading->openings, cap * sizeof *grown);
        reading->out_of_memory = !grown;
        if (!grown)
            return false;
        reading->openings = grown;
        reading->cap = cap;
    }
    reading->openings[reading->count++] = (struct opening){record->epoch, record->wall_ms};
    return true;
}

static bool take_record(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    struct log_reading *reading = arg;
    (void)segment, (void)offset;
    if (record->type == DLOG_OPEN)
        return take_opening(reading, record);
    if (record->type != DLOG_COMMIT && record->type != DLOG_ABORT)
        return true;
    struct indoubt_txn *txn = find_txn(reading->doubt, &record->gtrid);
    if (!txn || txn->owner != XID_OURS)
        return true;
    txn->aborted = record->type == DLOG_ABORT;
    if (record->type == DLOG_ABORT)
        return true;
    if (!txn->decided) /* later ones are copies */
        txn->decided_ms = record->wall_ms;
    txn->decided = true;
    text_copy(txn->meaning, sizeof txn->meaning, record->meaning);
    return true;
}

static enum status read_log(struct app *app, struct indoubt *doubt)
{
    struct log_reading reading = {.doubt = doubt};
    enum status status = log_view_visit(app, take_record, &reading);
    if (status == STATUS_OK && reading.out_of_memory)
        status = err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    uint32_t at = 0;
    for (uint32_t i = 0; i < doubt->txn_count; i++) { /* both by epoch, within our log */
        struct indoubt_txn *txn = &doubt->txns[i];
        if (txn->owner != XID_OURS)
            continue;
        while (at < reading.count && reading.openings[at].epoch < txn->gtrid.epoch)
            at++;
        if (at < reading.count && reading.openings[at].epoch == txn->gtrid.epoch)
            txn->opened_ms = reading.openings[at].wall_ms;
    }
    free(reading.openings);
    return status;
}

/* --- the nodes' markers --------------------------------------------------------------------------------- */

/* A marker without a listed branch: committed if others see it, not decided by anybody if they do not. */
static void note_markers(struct indoubt *doubt, uint8_t node, const struct effect *effects, uint32_t count,
                         enum indoubt_presence presence)
{
    for (uint32_t i = 0; i < count; i++) {
        struct gtrid gtrid;
        struct indoubt_txn *txn = NULL;
        if (gtrid_parse(effects[i].gtrid, strlen(effects[i].gtrid), &gtrid))
            txn = find_txn(doubt, &gtrid);
        if (txn && txn->nodes[node] != INDOUBT_PREPARED)
            txn->nodes[node] = presence;
    }
}

static bool keep_effects(struct indoubt *doubt, const struct effect *effects, uint32_t count)
{
    if (count == 0)
        return true;
    struct effect *grown = realloc(doubt->effects, (doubt->effect_count + count) * sizeof *grown);
    if (!grown)
        return false;
    memcpy(grown + doubt->effect_count, effects, count * sizeof *grown);
    doubt->effects = grown;
    doubt->effect_count += count;
    return true;
}

/* First what anybody wrote, then what is committed: what is in the second was decided by then. */
static bool read_node(struct inspection *nodes, struct indoubt *doubt, uint8_t node,
                      const char (*gtrids)[XATOP_GTRID_MAX + 1])
{
    struct effect *dirty = NULL, *committed = NULL;
    uint32_t dirty_count = 0, committed_count = 0;
    struct node_admin *admin = nodes->admins[node];
    struct err *err = &nodes->errors[node];
    bool memory = true;
    if (node_admin_effects(admin, gtrids, doubt->txn_count, true, &dirty, &dirty_count, err) == STATUS_OK &&
        node_admin_effects(admin, gtrids, doubt->txn_count, false, &committed, &committed_count, err) ==
            STATUS_OK) {
        note_markers(doubt, node, dirty, dirty_count, INDOUBT_UNKNOWN);
        note_markers(doubt, node, committed, committed_count, INDOUBT_COMMITTED);
        memory = keep_effects(doubt, dirty, dirty_count);
    } else {
        inspect_lost(nodes, node);
    }
    free(dirty);
    free(committed);
    return memory;
}

static void give_effects(struct indoubt *doubt)
{
    uint32_t at = 0;
    char gtrid[XATOP_GTRID_MAX + 1];
    if (doubt->effect_count > 1)
        qsort(doubt->effects, doubt->effect_count, sizeof *doubt->effects, compare_effects);
    for (uint32_t from = 0; from < doubt->effect_count; from = at) {
        struct gtrid parsed;
        text_copy(gtrid, sizeof gtrid, doubt->effects[from].gtrid);
        for (at = from; at < doubt->effect_count && strcmp(doubt->effects[at].gtrid, gtrid) == 0;)
            at++;
        struct indoubt_txn *txn =
            gtrid_parse(gtrid, strlen(gtrid), &parsed) ? find_txn(doubt, &parsed) : NULL;
        if (!txn)
            continue;
        txn->effects = &doubt->effects[from];
        txn->effect_count = at - from;
        if (!txn->meaning[0]) {
            struct text text;
            text_init(&text, txn->meaning, sizeof txn->meaning);
            effects_meaning(txn->effects, txn->effect_count, &text);
        }
    }
}

static enum status read_markers(struct app *app, struct inspection *nodes, struct indoubt *doubt)
{
    char(*gtrids)[XATOP_GTRID_MAX + 1] = calloc(doubt->txn_count + 1, sizeof *gtrids);
    bool memory = gtrids != NULL;
    for (uint32_t i = 0; memory && i < doubt->txn_count; i++)
        gtrid_print(&doubt->txns[i].gtrid, gtrids[i]);
    for (uint8_t n = 0; memory && n < nodes->count && doubt->txn_count > 0; n++)
        if (nodes->admins[n])
            memory = read_node(nodes, doubt, n, gtrids);
    free(gtrids);
    if (!memory)
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    for (uint8_t n = 0; n < nodes->count; n++)
        for (uint32_t i = 0; !nodes->admins[n] && i < doubt->txn_count; i++)
            if (doubt->txns[i].nodes[n] != INDOUBT_PREPARED)
                doubt->txns[i].nodes[n] = INDOUBT_UNKNOWN;
    give_effects(doubt);
    return STATUS_OK;
}

/* --- put together --------------------------------------------------------------------------------------- */

static bool make_txns(struct indoubt *doubt)
{
    doubt->txns = calloc(doubt->count + 1, sizeof *doubt->txns);
    doubt->branches = calloc(doubt->count + 1, sizeof *doubt->branches);
    if (!doubt->txns || !doubt->branches)
        return false;
    for (uint32_t i = 0; i < doubt->count; i++)
        if (doubt->prepared[i].parsed)
            doubt->txns[doubt->txn_count++] =
                (struct indoubt_txn){.gtrid = doubt->prepared[i].gtrid, .owner = doubt->prepared[i].owner};
    if (doubt->txn_count > 1)
        qsort(doubt->txns, doubt->txn_count, sizeof *doubt->txns, compare_txns);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < doubt->txn_count; i++)
        if (kept == 0 || !gtrid_equal(&doubt->txns[kept - 1].gtrid, &doubt->txns[i].gtrid))
            doubt->txns[kept++] = doubt->txns[i];
    doubt->txn_count = kept;
    for (uint32_t i = 0; i < doubt->count; i++) {
        const struct prepared *p = &doubt->prepared[i];
        struct indoubt_txn *txn = p->parsed ? find_txn(doubt, &p->gtrid) : NULL;
        doubt->branches[i] =
            (struct indoubt_branch){.prepared = p, .maker = xid_maker(&p->xid), .txn = txn, .age_s = -1};
        doubt->foreign += p->owner == XID_FOREIGN;
        if (txn)
            txn->nodes[p->node] = INDOUBT_PREPARED;
    }
    return true;
}

static void set_age(struct indoubt_branch *branch, int64_t age_ms, enum indoubt_age from)
{
    branch->age_s = age_ms > 0 ? age_ms / 1000 : 0;
    branch->age_from = from;
}

/* No server tells since when a branch is prepared: the decision has a date, else its rows, else its epoch. */
static void tell_age(struct indoubt_branch *branch, int64_t now_ms)
{
    const struct indoubt_txn *txn = branch->txn;
    int64_t written_ms = -1;
    for (uint32_t i = 0; txn && i < txn->effect_count; i++)
        if (txn->effects[i].branch == branch->prepared->branch && txn->effects[i].age_ms > written_ms)
            written_ms = txn->effects[i].age_ms;
    if (txn && txn->decided)
        set_age(branch, now_ms - txn->decided_ms, AGE_DECISION);
    else if (written_ms >= 0)
        set_age(branch, written_ms, AGE_MARKER);
    else if (txn && txn->opened_ms > 0)
        set_age(branch, now_ms - txn->opened_ms, AGE_EPOCH);
}

enum status indoubt_read(struct app *app, struct inspection *nodes, const struct log_view *log,
                         struct indoubt *out)
{
    *out = (struct indoubt){.holder = log->holder};
    out->prepared = inspect_prepared(app, nodes, log, &out->count);
    if (!out->prepared)
        return STATUS_INTERNAL;
    if (out->count > 1)
        qsort(out->prepared, out->count, sizeof *out->prepared, compare_prepared);
    if (!make_txns(out))
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    enum status status =
        read_log(app, out); /* after the scan: a decision that stands now, of what was listed then */
    if (status == STATUS_OK)
        status = log_view_forces(app, &out->forces, &out->force_count);
    if (status == STATUS_OK)
        status = read_markers(app, nodes, out);
    int64_t now_ms = clock_wall_ms();
    for (uint32_t i = 0; i < out->count; i++)
        tell_age(&out->branches[i], now_ms);
    return status;
}

void indoubt_free(struct indoubt *doubt)
{
    for (uint32_t i = 0; doubt->branches && i < doubt->count; i++)
        free(doubt->branches[i].waits);
    free(doubt->branches);
    free(doubt->forces);
    free(doubt->prepared);
    free(doubt->txns);
    free(doubt->effects);
    *doubt = (struct indoubt){0};
}
