#include "config.h"

#include "indoubt.h"

#include <stdlib.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"

/* The row whose lock is asked about: one that the branch changed, where it can be had; its inserted rows else. */
static const struct effect *row_of(const struct indoubt_branch *branch)
{
    const struct effect *row = NULL;
    for (uint32_t i = 0; branch->txn && i < branch->txn->effect_count; i++) {
        const struct effect *effect = &branch->txn->effects[i];
        if (effect->branch != branch->prepared->branch)
            continue;
        if (!row || row->table == WORK_ORDERS || row->table == WORK_PAYMENTS)
            row = effect;
    }
    return row;
}

struct asking {
    struct app *app;
    struct inspection *nodes;
    struct node_admin *probers[XATOP_NODES_MAX];
    int32_t waiting[XATOP_NODES_MAX]; /* sessions that wait at all; -1: not known */
    const char *why[XATOP_NODES_MAX]; /* not asked any more */
    int64_t until_ms;
};

static void prepare_node(struct asking *asking, uint8_t node)
{
    struct err err = {0};
    asking->waiting[node] = 0;
    if (!asking->nodes->admins[node])
        asking->why[node] = _("the node is away");
    else if (node_admin_lock_waits(asking->nodes->admins[node], &asking->waiting[node],
                                   &asking->nodes->errors[node]) != STATUS_OK)
        asking->why[node] = _("the node is away");
    else if (asking->waiting[node] != 0 &&
             node_admin_open(&asking->probers[node], &asking->nodes->access.nodes[node], false,
                             asking->until_ms, &err) != STATUS_OK)
        asking->why[node] = _("no second session could be had");
}

static enum status ask(struct asking *asking, struct indoubt_branch *branch)
{
    uint8_t node = branch->prepared->node;
    const struct effect *row = row_of(branch);
    struct err err = {0};
    if (asking->why[node]) {
        branch->waits_why = asking->why[node];
        return STATUS_OK;
    }
    if (!branch->txn || (!row && asking->waiting[node] != 0)) {
        branch->waits_why = _("nothing tells which rows it locks");
        return STATUS_OK;
    }
    branch->waits = calloc(1, sizeof *branch->waits);
    if (!branch->waits)
        return err_set(&asking->app->err, STATUS_INTERNAL, _("out of memory"));
    if (asking->waiting[node] == 0) { /* nobody waits for anything there: no need to make somebody wait */
        branch->waits->known = true;
    } else if (node_admin_waiters(asking->nodes->admins[node], asking->probers[node], row, branch->waits,
                                  &err) != STATUS_OK) {
        free(branch->waits);
        branch->waits = NULL;
        branch->waits_why = asking->why[node] = _("the node gave no answer about its locks");
    }
    return STATUS_OK;
}

enum status indoubt_read_waits(struct app *app, struct inspection *nodes, struct indoubt *doubt,
                               uint32_t count, int64_t until_ms)
{
    struct asking asking = {.app = app, .nodes = nodes, .until_ms = until_ms};
    enum status status = STATUS_OK;
    bool any[XATOP_NODES_MAX] = {false};
    for (uint32_t i = 0; i < count; i++)
        any[doubt->branches[i].prepared->node] |= doubt->branches[i].txn != NULL;
    for (uint8_t n = 0; n < nodes->count; n++)
        if (any[n])
            prepare_node(&asking, n);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        if (clock_mono_ms() >= until_ms)
            doubt->branches[i].waits_why = _("not asked: --waits asks for all of them");
        else
            status = ask(&asking, &doubt->branches[i]);
    }
    for (uint8_t n = 0; n < nodes->count; n++)
        node_admin_close(asking.probers[n]);
    return status;
}
