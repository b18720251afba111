#include "config.h"

#include "node_sim_private.h"

#include <stdlib.h>
#include <string.h>

/* Life cycle, the queue of what is going on, and the judge's view. */

void *sim_alloc(size_t size)
{
    void *p = calloc(1, size);
    xatop_assert(p != NULL);
    return p;
}

bool sim_chance(struct node_sim *sim, uint16_t thousandths)
{
    return thousandths > 0 && prng_below(&sim->prng, 1000) < thousandths;
}

int64_t sim_latency_us(struct node_sim *sim)
{
    if (sim_chance(sim, sim->options.chances.slow))
        return 1000 + (int64_t)prng_below(&sim->prng, 40000);
    return 20 + (int64_t)prng_below(&sim->prng, 200);
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void put(struct node_sim *sim, struct sim_event event)
{
    if (sim->heap_count == sim->heap_cap) {
        sim->heap_cap = sim->heap_cap ? 2 * sim->heap_cap : 256;
        sim->heap = realloc(sim->heap, sim->heap_cap * sizeof *sim->heap);
        xatop_assert(sim->heap != NULL);
    }
    event.order = ++sim->order;
    uint32_t at = sim->heap_count++;
    for (; at > 0 && before(&event, &sim->heap[(at - 1) / 2]); at = (at - 1) / 2)
        sim->heap[at] = sim->heap[(at - 1) / 2];
    sim->heap[at] = event;
}

void sim_push(struct node_sim *sim, int64_t at_us, enum sim_event_kind kind, struct sim_job *job,
              uint8_t node)
{
    if (job)
        job->references++;
    put(sim, (struct sim_event){
                 .at_us = at_us > sim->now_us ? at_us : sim->now_us,
                 .kind = kind,
                 .job = job,
                 .node = node,
                 .serial = sim->nodes[node].control_serial,
             });
}

void sim_expire(struct node_sim *sim, struct sim_session *session)
{
    put(sim, (struct sim_event){.at_us = sim->now_us + SIM_WAIT_TIMEOUT_US,
                                .kind = SIM_EXPIRE,
                                .node = session->node,
                                .session = session->id});
}

static struct sim_event pop(struct node_sim *sim)
{
    struct sim_event first = sim->heap[0], last = sim->heap[--sim->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= sim->heap_count)
            break;
        if (child + 1 < sim->heap_count && before(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!before(&sim->heap[child], &last))
            break;
        sim->heap[at] = sim->heap[child];
        at = child;
    }
    sim->heap[at] = last;
    return first;
}

struct node_sim *node_sim_new(const struct node_sim_options *options)
{
    xatop_assert(options->node_count <= XATOP_NODES_MAX && options->carriers <= XATOP_INFLIGHT_MAX);
    struct node_sim *sim = sim_alloc(sizeof *sim);
    sim->options = *options;
    prng_seed(&sim->prng, options->seed);
    for (uint8_t i = 0; i < options->node_count; i++) {
        struct sim_node *node = &sim->nodes[i];
        node->detaches = options->detaches >> i & 1;
        node->node_id = 1000u + i;
        node->server_start = 1;
        node->controls_end = &node->controls;
    }
    return sim;
}

static void free_branches(struct sim_branch *branch)
{
    for (struct sim_branch *next; branch; branch = next) {
        next = branch->next;
        free(branch);
    }
}

void node_sim_free(struct node_sim *sim)
{
    if (!sim)
        return;
    for (uint8_t i = 0; i < sim->options.node_count; i++) {
        struct sim_node *node = &sim->nodes[i];
        free_branches(node->branches);
        free_branches(node->rolled_back);
        free(node->committed);
        for (struct sim_session *session = node->sessions, *next; session; session = next) {
            next = session->next;
            free(session);
        }
        for (struct sim_control *control = node->controls, *next; control; control = next) {
            next = control->next;
            free(control);
        }
        free(node->effects);
    }
    for (struct sim_job *job = sim->jobs_all, *next; job; job = next) {
        next = job->next_all;
        free(job);
    }
    free(sim->heap);
    free(sim);
}

void node_sim_fill(struct node_sim *sim, uint8_t node, enum work_table table, int64_t id, int64_t value,
                   int64_t price)
{
    struct sim_node *n = &sim->nodes[node];
    if (n->first[table] == 0)
        n->first[table] = id;
    int64_t at = id - n->first[table];
    xatop_assert(at >= 0 && at < SIM_ROWS);
    n->rows[table][at] = (struct sim_row){.exists = true, .value = value, .price = price};
    n->initial[table] += value;
}

void node_sim_add_foreign(struct node_sim *sim, uint8_t node)
{
    struct sim_branch *branch = sim_alloc(sizeof *branch);
    branch->xid = (struct xid){.format = 1, .gtrid_len = 6, .bqual_len = 1, .gtrid = "theirs", .bqual = "x"};
    branch->state = SIM_PREPARED;
    branch->next = sim->nodes[node].branches;
    sim->nodes[node].branches = branch;
}

void node_sim_now(struct node_sim *sim, int64_t now_us)
{
    xatop_assert(now_us >= sim->now_us);
    sim->now_us = now_us;
}

int64_t node_sim_due_us(const struct node_sim *sim)
{
    return sim->heap_count > 0 ? sim->heap[0].at_us : INT64_MAX;
}

static void drop_reference(struct node_sim *sim, struct sim_job *job)
{
    if (job && --job->references == 0) {
        job->next_free = sim->jobs_free;
        sim->jobs_free = job;
    }
}

static void expire(struct node_sim *sim, struct sim_node *node, uint64_t id)
{
    struct sim_session *session = sim_session_find(node, id);
    if (session)
        sim_session_kill(sim, session);
}

void node_sim_run(struct node_sim *sim, void (*deliver)(void *arg, struct completion *completion), void *arg)
{
    if (sim->heap_count == 0 || sim->heap[0].at_us > sim->now_us)
        return;
    struct sim_event event = pop(sim);
    switch (event.kind) {
    case SIM_ARRIVE:
        sim_arrive(sim, event.job);
        break;
    case SIM_EXECUTE:
        sim_run_job(sim, event.job);
        break;
    case SIM_ANSWER:
        sim_answer(sim, event.job, deliver, arg);
        break;
    case SIM_DEADLINE:
        sim_deadline(sim, event.job, deliver, arg);
        break;
    case SIM_DIE:
        if (event.job->message)
            sim->options.crash(sim->options.ctx);
        break;
    case SIM_CONTROL:
        if (event.serial == sim->nodes[event.node].control_serial)
            sim_control_run(sim, event.node, deliver, arg);
        break;
    case SIM_UP:
        sim->nodes[event.node].down = false;
        break;
    case SIM_EXPIRE:
        expire(sim, &sim->nodes[event.node], event.session);
        break;
    }
    drop_reference(sim, event.job);
}

void node_sim_client_gone(struct node_sim *sim)
{
    for (struct sim_job *job = sim->jobs_all; job; job = job->next_all)
        job->message = NULL;
    memset(sim->handles, 0, sizeof sim->handles[0] * sim->options.carriers);
    for (uint8_t i = 0; i < sim->options.node_count; i++) {
        struct sim_node *node = &sim->nodes[i];
        node->control_serial++;
        node->control_busy = false;
        for (struct sim_control *control = node->controls, *next; control; control = next) {
            next = control->next;
            free(control);
        }
        node->controls = NULL;
        node->controls_end = &node->controls;
        for (struct sim_session *session = node->sessions; session; session = session->next)
            sim_session_close(sim, session);
    }
}

void node_sim_freeze(struct node_sim *sim, uint8_t node, int64_t for_us)
{
    sim->nodes[node].frozen_until_us = sim->now_us + for_us;
}

void node_sim_cut(struct node_sim *sim, uint8_t node, bool cut)
{
    sim->nodes[node].cut = cut;
}

void node_sim_harm(struct node_sim *sim, enum fault_act act, uint8_t node)
{
    enum { AWAY_US = 1000, AWAY_MORE_US = 800000 };
    int64_t for_us = AWAY_US + (int64_t)prng_below(&sim->prng, AWAY_MORE_US);
    if (act == FAULT_KILL)
        node_sim_crash(sim, node, for_us);
    else if (act == FAULT_FREEZE)
        node_sim_freeze(sim, node, for_us);
    else
        node_sim_cut(sim, node, act == FAULT_CUT);
}

void node_sim_read_only(struct node_sim *sim, uint8_t node, int64_t for_us)
{
    sim->nodes[node].read_only_until_us = sim->now_us + for_us;
}

void node_sim_calm(struct node_sim *sim)
{
    memset(&sim->options.chances, 0, sizeof sim->options.chances);
    for (uint8_t i = 0; i < sim->options.node_count; i++) {
        sim->nodes[i].frozen_until_us = sim->nodes[i].read_only_until_us = 0;
        sim->nodes[i].down = sim->nodes[i].cut = false;
    }
}

/* --- the judge's view --- */

void node_sim_effects(const struct node_sim *sim,
                      void (*visit)(void *arg, const struct node_sim_effect *effect), void *arg)
{
    for (uint8_t i = 0; i < sim->options.node_count; i++)
        for (uint32_t k = 0; k < sim->nodes[i].effect_count; k++) {
            struct node_sim_effect effect = sim->nodes[i].effects[k].effect;
            effect.key = sim->nodes[i].effects[k].key[0] ? sim->nodes[i].effects[k].key : NULL;
            visit(arg, &effect);
        }
}

int64_t node_sim_sum(const struct node_sim *sim, uint8_t node, enum work_table table)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < SIM_ROWS; i++)
        sum += sim->nodes[node].rows[table][i].value;
    /* what is not committed is not seen, though it stands in the row here */
    for (const struct sim_branch *branch = sim->nodes[node].branches; branch; branch = branch->next)
        for (unsigned i = 0; i < branch->done_count; i++)
            if (branch->done[i].table == table && branch->done[i].id != 0)
                sum -= branch->done[i].delta;
    for (uint32_t i = 0; i < sim->nodes[node].effect_count; i++)
        if (table == WORK_ORDERS || table == WORK_PAYMENTS)
            sum += sim->nodes[node].effects[i].effect.deltas[table];
    return sum;
}

int64_t node_sim_initial(const struct node_sim *sim, uint8_t node, enum work_table table)
{
    return sim->nodes[node].initial[table];
}

static uint32_t count(const struct node_sim *sim, uint8_t node, bool ours, bool hidden_only)
{
    uint32_t n = 0;
    for (const struct sim_branch *branch = sim->nodes[node].branches; branch; branch = branch->next)
        n += branch->ours == ours && (branch->hidden || !hidden_only);
    return n;
}

uint32_t node_sim_left(const struct node_sim *sim, uint8_t node)
{
    return count(sim, node, true, false);
}

uint32_t node_sim_hidden(const struct node_sim *sim, uint8_t node)
{
    return count(sim, node, true, true);
}

uint32_t node_sim_foreign(const struct node_sim *sim, uint8_t node)
{
    return count(sim, node, false, false);
}

uint32_t node_sim_hasty(const struct node_sim *sim)
{
    return sim->hasty;
}
