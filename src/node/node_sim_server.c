#include "config.h"

#include "node_sim_private.h"

#include <stdlib.h>
#include <string.h>

/* What a server does with the verbs: branches, rows, locks, markers. */

struct sim_branch *sim_branch_find(struct sim_node *node, const struct xid *xid)
{
    for (struct sim_branch *branch = node->branches; branch; branch = branch->next)
        if (!branch->hidden && xid_equal(&branch->xid, xid))
            return branch;
    return NULL;
}

const struct sim_effect *sim_effect_find(const struct sim_node *node, const struct xid *xid)
{
    struct gtrid gtrid;
    unsigned branch;
    if (!xid_parse(xid, &gtrid, &branch))
        return NULL;
    for (uint32_t i = 0; i < node->effect_count; i++)
        if (node->effects[i].effect.branch == branch && gtrid_equal(&node->effects[i].effect.gtrid, &gtrid))
            return &node->effects[i];
    return NULL;
}

static struct sim_row *row_at(struct sim_node *node, enum work_table table, int64_t id)
{
    int64_t at = id - node->first[table];
    return node->first[table] != 0 && at >= 0 && at < SIM_ROWS && node->rows[table][at].exists
               ? &node->rows[table][at]
               : NULL;
}

static void take_out(struct sim_node *node, struct sim_branch *branch)
{
    for (struct sim_branch **at = &node->branches; *at; at = &(*at)->next)
        if (*at == branch) {
            *at = branch->next;
            break;
        }
    if (branch->session)
        branch->session->branch = NULL;
    branch->session = NULL;
    for (unsigned t = 0; t < WORK_TABLES; t++)
        for (unsigned i = 0; i < SIM_ROWS; i++)
            if (node->rows[t][i].lock == branch)
                node->rows[t][i].lock = NULL;
}

/* A later flush of the redo log makes every rollback before it durable. */
static void flush_rollbacks(struct sim_node *node)
{
    for (struct sim_branch *branch = node->rolled_back, *next; branch; branch = next) {
        next = branch->next;
        free(branch);
    }
    node->rolled_back = NULL;
    free(node->committed);
    node->committed = NULL;
}

void sim_branch_commit(struct node_sim *sim, uint8_t node, struct sim_branch *branch)
{
    struct sim_node *n = &sim->nodes[node];
    take_out(n, branch);
    flush_rollbacks(n);
    if (n->effect_count == n->effect_cap) {
        n->effect_cap = n->effect_cap ? 2 * n->effect_cap : 16;
        n->effects = realloc(n->effects, n->effect_cap * sizeof *n->effects);
        xatop_assert(n->effects != NULL);
    }
    struct sim_effect *effect = &n->effects[n->effect_count++];
    memset(effect, 0, sizeof *effect);
    effect->effect.node = node;
    effect->effect.branch = branch->branch;
    effect->effect.branches = branch->branches;
    effect->effect.gtrid = branch->gtrid;
    for (unsigned i = 0; i < branch->done_count; i++)
        effect->effect.deltas[branch->done[i].table] += branch->done[i].delta;
    memcpy(effect->key, branch->key, sizeof effect->key);
    memcpy(effect->fingerprint, branch->fingerprint, sizeof effect->fingerprint);
    if (branch->state == SIM_PREPARED) {
        n->committed = branch;
        n->committed_effect = n->effect_count - 1;
        n->committed_us = sim->now_us;
    } else {
        free(branch);
    }
}

void sim_branch_roll_back(struct node_sim *sim, uint8_t node, struct sim_branch *branch)
{
    struct sim_node *n = &sim->nodes[node];
    take_out(n, branch);
    for (unsigned i = 0; i < branch->done_count; i++)
        if (branch->done[i].id != 0)
            row_at(n, branch->done[i].table, branch->done[i].id)->value -= branch->done[i].delta;
    if (branch->state != SIM_PREPARED) {
        free(branch);
        return;
    }
    branch->next = n->rolled_back;
    n->rolled_back = branch;
}

static void lock_rows(struct sim_node *node, struct sim_branch *branch)
{
    for (unsigned i = 0; i < branch->done_count; i++)
        if (branch->done[i].id != 0)
            row_at(node, branch->done[i].table, branch->done[i].id)->lock = branch;
}

/* A crash at this moment: an acknowledged rollback is prepared again, with its locks and changes (40a). */
static void resurrect(struct node_sim *sim, struct sim_node *node)
{
    struct sim_branch *list = node->rolled_back, *next;
    node->rolled_back = NULL;
    for (struct sim_branch *branch = list; branch; branch = next) {
        next = branch->next;
        bool free_rows = true;
        for (unsigned i = 0; i < branch->done_count; i++)
            free_rows &= branch->done[i].id == 0 ||
                         row_at(node, branch->done[i].table, branch->done[i].id)->lock == NULL;
        if (!free_rows || !sim_chance(sim, sim->options.chances.resurrect)) {
            free(branch);
            continue;
        }
        for (unsigned i = 0; i < branch->done_count; i++)
            if (branch->done[i].id != 0)
                row_at(node, branch->done[i].table, branch->done[i].id)->value += branch->done[i].delta;
        lock_rows(node, branch);
        branch->hidden = false;
        branch->next = node->branches;
        node->branches = branch;
    }
}

/* With a lazily flushed redo log the latest commit is undone back to PREPARED (40). */
static void uncommit(struct sim_node *node)
{
    struct sim_branch *branch = node->committed;
    node->committed = NULL;
    node->effect_count--; /* it is the latest: any later one would have flushed it */
    lock_rows(node, branch);
    branch->next = node->branches;
    node->branches = branch;
}

void node_sim_crash(struct node_sim *sim, uint8_t node, int64_t down_us)
{
    struct sim_node *n = &sim->nodes[node];
    for (struct sim_session *session = n->sessions; session; session = session->next) {
        session->alive = false;
        session->on_the_way = session->executing = 0;
    }
    for (struct sim_branch *branch = n->branches, *next; branch; branch = next) {
        next = branch->next;
        if (branch->session)
            branch->session->branch = NULL;
        branch->session = NULL;
        branch->detached_us = INT64_MIN / 2;
        branch->hidden = false; /* what a phantom OK had hidden surfaces here (3a) */
        if (branch->state != SIM_PREPARED)
            sim_branch_roll_back(sim, node, branch);
    }
    resurrect(sim, n);
    bool flushed = sim->now_us - n->committed_us > SIM_FLUSH_US; /* a server does that by itself */
    if (n->committed && !flushed && n->committed_effect + 1 == n->effect_count &&
        sim_chance(sim, sim->options.chances.uncommit))
        uncommit(n);
    n->server_start++;
    n->down = true;
    sim_push(sim, sim->now_us + down_us, SIM_UP, NULL, node);
}

static enum reply fail(struct sim_job *job, enum reply reply, int32_t error)
{
    job->error = error;
    return reply;
}

static enum reply refuse(struct sim_job *job, uint8_t step, enum refusal refusal, int64_t have)
{
    job->refusal = refusal;
    job->refused_step = step;
    job->refused_have = have;
    return fail(job, REPLY_REFUSED, 1048);
}

/* The key row: REPLY_OK to go on, BUSY: held by a branch that is not finished. */
static enum reply write_key(struct sim_node *node, struct sim_job *job, struct sim_branch *branch,
                            const struct work_op *op, uint8_t step)
{
    for (uint32_t i = 0; i < node->effect_count; i++)
        if (strcmp(node->effects[i].key, op->key) == 0)
            return refuse(job, step, REFUSAL_KEY_EXISTS, 0);
    for (const struct sim_branch *other = node->branches; other; other = other->next)
        if (other != branch && strcmp(other->key, op->key) == 0)
            return REPLY_BUSY;
    memcpy(branch->key, op->key, sizeof branch->key);
    memcpy(branch->fingerprint, op->fingerprint, sizeof branch->fingerprint);
    return REPLY_OK;
}

static enum reply change_row(struct sim_node *node, struct sim_job *job, struct sim_branch *branch,
                             const struct work_op *op, uint8_t step)
{
    struct sim_row *row = row_at(node, op->table, op->id);
    if (!row)
        return refuse(job, step, REFUSAL_NO_ROW, 0);
    if (row->lock && row->lock != branch)
        return REPLY_BUSY;
    row->lock = branch;
    if (op->price >= 0 && row->price != op->price)
        return refuse(job, step, REFUSAL_PRICE_CHANGED, row->price);
    if (row->value + op->delta < 0)
        return refuse(job, step, REFUSAL_SHORT, row->value);
    row->value += op->delta;
    return REPLY_OK;
}

static enum reply work(struct node_sim *sim, struct sim_job *job, struct sim_branch *branch)
{
    struct sim_node *node = &sim->nodes[job->node];
    bool packet = job->verbs & VERB_START;
    uint8_t last = packet ? job->plan.work_count : (uint8_t)(job->step + 1);
    for (uint8_t step = packet ? job->op : job->step; step < last; step++) {
        const struct work_op *op = &job->plan.work[step];
        enum reply reply = REPLY_OK;
        if (sim_chance(sim, sim->options.chances.deadlock)) {
            branch->rollback_only = true;
            return fail(job, REPLY_RETRYABLE, 1213);
        }
        if (op->kind == WORK_KEY)
            reply = write_key(node, job, branch, op, step);
        else if (op->kind == WORK_ADD)
            reply = change_row(node, job, branch, op, step);
        if (reply != REPLY_OK)
            return reply;
        if (op->kind != WORK_KEY) {
            branch->marked = true;
            branch->done[branch->done_count].table = op->table;
            branch->done[branch->done_count].id = op->kind == WORK_ADD ? op->id : 0;
            branch->done[branch->done_count++].delta = op->delta;
        }
        job->op = (uint8_t)(step + 1);
    }
    return REPLY_OK;
}

static enum reply start(struct node_sim *sim, struct sim_job *job)
{
    struct sim_node *node = &sim->nodes[job->node];
    if (sim_branch_find(node, &job->xid))
        return fail(job, REPLY_ERROR, 1440);
    if (job->session->branch)
        return fail(job, REPLY_ERROR, 1399);
    struct sim_branch *branch = sim_alloc(sizeof *branch);
    unsigned number = 0;
    branch->xid = job->xid;
    branch->ours = xid_parse(&job->xid, &branch->gtrid, &number);
    branch->branch = (uint8_t)number;
    branch->branches = job->branches;
    branch->session = job->session;
    job->session->branch = branch;
    branch->next = node->branches;
    node->branches = branch;
    return REPLY_OK;
}

static enum reply prepare(struct node_sim *sim, struct sim_job *job, struct sim_branch *branch)
{
    struct sim_node *node = &sim->nodes[job->node];
    if (branch->state != SIM_IDLE)
        return fail(job, REPLY_ERROR, 1399);
    if (sim_chance(sim, sim->options.chances.refuse)) {
        bool said = prng_below(&sim->prng, 2); /* in an error of the XA_RB family, or another (31) */
        sim_branch_roll_back(sim, job->node, branch);
        return fail(job, said ? REPLY_ROLLED_BACK : REPLY_ERROR, said ? 1402 : 1205);
    }
    branch->state = SIM_PREPARED;
    flush_rollbacks(node);
    if (node->detaches) {
        branch->session->branch = NULL;
        branch->session = NULL;
        branch->detached_us = INT64_MIN / 2; /* any session may finish it at once: no phantom there */
    }
    return REPLY_OK;
}

static enum reply finish(struct node_sim *sim, uint8_t node, struct sim_branch *branch, uint16_t verb)
{
    if (sim->nodes[node].read_only_until_us > sim->now_us)
        return REPLY_BUSY;
    if (verb == VERB_ROLLBACK)
        sim_branch_roll_back(sim, node, branch);
    else
        sim_branch_commit(sim, node, branch);
    return REPLY_OK;
}

enum reply sim_foreign_finish(struct node_sim *sim, uint8_t node, const struct xid *xid, uint16_t verb)
{
    struct sim_branch *branch = sim_branch_find(&sim->nodes[node], xid);
    if (!branch || branch->state != SIM_PREPARED || branch->session)
        return REPLY_NOTA;
    bool hasty = sim->now_us - branch->detached_us < SIM_SETTLE_US;
    sim->hasty += hasty;
    if (!sim->nodes[node].detaches && sim_chance(sim, hasty ? 300 : sim->options.chances.phantom)) {
        branch->hidden = true;
        return REPLY_OK;
    }
    return finish(sim, node, branch, verb);
}

/* One verb on the branch's own session. */
static enum reply one_verb(struct node_sim *sim, struct sim_job *job, uint16_t verb)
{
    struct sim_branch *branch = job->session->branch;
    if (verb == VERB_START)
        return start(sim, job);
    if (branch && !xid_equal(&branch->xid, &job->xid))
        return fail(job, REPLY_ERROR, 1399);
    if (verb == VERB_COMMIT || verb == VERB_ROLLBACK) {
        if (!branch)
            return sim_foreign_finish(sim, job->node, &job->xid, verb);
        if (branch->state == SIM_ACTIVE && !branch->rollback_only)
            return fail(job, REPLY_ERROR, 1399);
        if (verb == VERB_COMMIT && branch->state != SIM_PREPARED)
            return fail(job, REPLY_ERROR, 1399);
        return finish(sim, job->node, branch, verb);
    }
    if (!branch)
        return fail(job, REPLY_NOTA, 1397);
    if (verb == VERB_WORK)
        return branch->state == SIM_ACTIVE && !branch->rollback_only ? work(sim, job, branch)
                                                                     : fail(job, REPLY_ERROR, 1399);
    if (branch->rollback_only)
        return fail(job, REPLY_ERROR, verb == VERB_END ? 1614 : 1399);
    if (verb == VERB_END) {
        bool active = branch->state == SIM_ACTIVE;
        branch->state = SIM_IDLE;
        return active ? REPLY_OK : fail(job, REPLY_ERROR, 1399);
    }
    if (verb == VERB_PREPARE)
        return prepare(sim, job, branch);
    if (branch->state != SIM_IDLE)
        return fail(job, REPLY_ERROR, 1399);
    if (sim->nodes[job->node].read_only_until_us > sim->now_us)
        return fail(job, REPLY_ERROR, 1290);
    sim_branch_commit(sim, job->node, branch);
    return REPLY_OK;
}

bool sim_execute(struct node_sim *sim, struct sim_job *job)
{
    for (uint16_t verb = VERB_START; verb <= VERB_ONE_PHASE; verb <<= 1) {
        if (!(job->verbs & verb) || job->done_verbs & verb)
            continue;
        enum reply reply = one_verb(sim, job, verb);
        job->last_verb = verb;
        bool finishing = verb == VERB_COMMIT || verb == VERB_ROLLBACK;
        if (reply == REPLY_BUSY && !finishing) { /* a row is locked: wait, at last give up this statement */
            if (job->lock_until_us == 0)
                job->lock_until_us = sim->now_us + SIM_LOCK_WAIT_US;
            if (sim->now_us < job->lock_until_us)
                return false;
            reply = fail(job, REPLY_RETRYABLE, 1205);
        }
        if (reply == REPLY_NOTA || reply == REPLY_BUSY)
            job->error = reply == REPLY_NOTA ? 1397 : 1290;
        job->reply = reply;
        if (reply != REPLY_OK)
            return true;
        job->done_verbs |= verb;
    }
    return true;
}
