#include "config.h"

#include "node_sim_private.h"

#include <stdlib.h>
#include <string.h>

/* The control session of a node: one question after the other. */

/* What has come of a step: the question is answered, or it is looked at again later. */
enum progress { ANSWERED, AGAIN };

static struct node_info info_of(const struct sim_node *node)
{
    struct node_info info = {
        .state = NODE_UP,
        .node_id = node->node_id,
        .server_start = node->server_start,
        .rtt_us = 100,
        .lock_waits = -1,
        .detaches = node->detaches,
    };
    text_copy(info.make, sizeof info.make, node->detaches ? "MySQL" : "MariaDB");
    text_copy(info.version, sizeof info.version, "simulated");
    for (const struct sim_branch *branch = node->branches; branch; branch = branch->next)
        info.prepared += branch->state == SIM_PREPARED && !branch->hidden;
    for (const struct sim_session *session = node->sessions; session; session = session->next)
        info.sessions += session->alive;
    return info;
}

/* As the schema's xa_epoch and xa_place say; of a log that was taken over the place is forgotten. */
static enum raise_result may_raise(const struct sim_node *node, struct control *c)
{
    const struct coordinator *who = c->coordinator;
    bool another = node->claimed && node->log_id != who->log_id;
    bool moved = node->claimed && !another && node->place != who->place;
    if (another && !c->take_over)
        return RAISE_OTHER_LOG;
    if (node->claimed && !another && node->epoch > who->epoch)
        return RAISE_NEWER_EPOCH;
    for (const struct sim_session *session = node->sessions; moved && session; session = session->next)
        if (session->alive && session->epoch < who->epoch && !c->take_over)
            return RAISE_ELSEWHERE;
    c->displaced = another || moved;
    return RAISE_CLEAR;
}

static enum progress raise_epoch(struct node_sim *sim, struct sim_node *node, struct sim_control *step)
{
    struct control *c = step->control;
    if (!step->started) {
        step->started = true;
        c->raised = may_raise(node, c);
        if (c->look || c->raised != RAISE_CLEAR)
            return ANSWERED;
        if (c->displaced && node->log_id == c->coordinator->log_id)
            node->elsewhere = node->epoch;
        node->claimed = true;
        node->log_id = c->coordinator->log_id;
        node->place = c->coordinator->place;
        node->epoch = c->coordinator->epoch;
        sim->coordinator = *c->coordinator;
        for (struct sim_session *session = node->sessions; session; session = session->next)
            if (session->alive && session->epoch < node->epoch) {
                c->killed++;
                sim_session_kill(sim, session);
            }
    }
    if (!step->gone) {
        for (struct sim_session *session = node->sessions; session; session = session->next)
            if (session->alive && session->epoch < node->epoch)
                return AGAIN;
        step->gone = true;
        step->settled_us = sim->now_us + sim->options.settle_ms * 1000;
    }
    if (sim->now_us < step->settled_us)
        return AGAIN;
    c->raised = RAISE_DONE;
    c->elsewhere = node->elsewhere;
    c->info = info_of(node);
    return ANSWERED;
}

static enum progress fence(struct node_sim *sim, struct sim_node *node, struct sim_control *step)
{
    struct control *c = step->control;
    struct sim_session *session = sim_session_find(node, c->session.connection_id);
    if (sim->options.break_fence || !session || c->session.server_start != node->server_start)
        return ANSWERED;
    if (!step->started)
        sim_session_kill(sim, session);
    step->started = true;
    return session->alive ? AGAIN : ANSWERED;
}

/* The marker read by primary key, FOR UPDATE NOWAIT: there, locked by somebody, or not there (3a). */
static enum finding look_at_marker(struct sim_node *node, const struct control *c)
{
    if (sim_effect_find(node, &c->xid))
        return FINDING_COMMITTED;
    for (const struct sim_branch *branch = node->branches; branch; branch = branch->next)
        if (xid_equal(&branch->xid, &c->xid) && (branch->marked || branch->state == SIM_PREPARED))
            return branch->hidden || branch->state != SIM_PREPARED ? FINDING_STILL_PREPARED : FINDING_BUSY;
    return FINDING_ROLLED_BACK;
}

static void resolve(struct node_sim *sim, struct sim_node *node, struct control *c)
{
    if (c->expect_node_id != 0 && c->expect_node_id != node->node_id) {
        c->finding = FINDING_OTHER_NODE;
        return;
    }
    enum reply reply = c->verbs ? sim_foreign_finish(sim, c->node, &c->xid, c->verbs) : REPLY_NOTA;
    if (reply == REPLY_BUSY)
        c->finding = FINDING_BUSY;
    else if (sim->options.break_marker && c->verbs)
        c->finding = c->verbs == VERB_COMMIT ? FINDING_COMMITTED : FINDING_ROLLED_BACK;
    else
        c->finding = look_at_marker(node, c);
}

static void scan(struct sim_node *node, struct control *c)
{
    uint32_t count = 0;
    for (const struct sim_branch *branch = node->branches; branch; branch = branch->next)
        count += branch->state == SIM_PREPARED && !branch->hidden;
    c->xids = sim_alloc((count + 1) * sizeof *c->xids);
    for (const struct sim_branch *branch = node->branches; branch; branch = branch->next)
        if (branch->state == SIM_PREPARED && !branch->hidden)
            c->xids[c->xid_count++] = branch->xid;
    c->xid_total = c->xid_count;
}

static int older(const void *a, const void *b)
{
    const struct marker_seen *x = a, *y = b;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* Its effects are what marker rows are elsewhere. Few enough for one answer. */
static void list_markers(const struct sim_node *node, struct control *c)
{
    struct floor_ask *ask = &c->floor;
    ask->markers = sim_alloc((node->effect_count + 1) * sizeof *ask->markers);
    for (uint32_t i = 0; i < node->effect_count; i++) {
        const struct node_sim_effect *effect = &node->effects[i].effect;
        if (gtrid_by_age(&effect->gtrid, &ask->after) <= 0 || gtrid_by_age(&effect->gtrid, &ask->upto) > 0)
            continue;
        ask->markers[ask->count++] = (struct marker_seen){.epoch = effect->gtrid.epoch,
                                                          .sequence = effect->gtrid.sequence,
                                                          .branch = effect->branch,
                                                          .branches = effect->branches};
    }
    qsort(ask->markers, ask->count, sizeof ask->markers[0], older);
}

static void look_up(const struct sim_node *node, struct control *c)
{
    int64_t at = c->row - node->first[c->table];
    c->found = node->first[c->table] != 0 && at >= 0 && at < SIM_ROWS && node->rows[c->table][at].exists;
    if (c->found)
        c->value = node->rows[c->table][at].price;
}

static void look_up_key(const struct sim_node *node, struct control *c)
{
    c->key_state = KEY_ABSENT;
    for (const struct sim_branch *branch = node->branches; branch; branch = branch->next)
        if (strcmp(branch->key, c->key) == 0) {
            c->key_state = KEY_UNRESOLVED;
            gtrid_print(&branch->gtrid, c->gtrid);
        }
    for (uint32_t i = 0; i < node->effect_count; i++)
        if (strcmp(node->effects[i].key, c->key) == 0) {
            c->key_state = KEY_DONE;
            text_copy(c->fingerprint, sizeof c->fingerprint, node->effects[i].fingerprint);
            gtrid_print(&node->effects[i].effect.gtrid, c->gtrid);
        }
}

static void tell_floor(struct sim_node *node, struct floor_ask *ask)
{
    if (ask->upto.epoch != 0 && gtrid_by_age(&ask->upto, &node->finished) > 0)
        node->finished = ask->upto;
    ask->finished = node->finished;
    ask->pruned = node->pruned;
}

static void add_effect(struct control *c, uint8_t branch, uint8_t branches, enum work_table table,
                       int64_t row, int64_t delta)
{
    struct effect *effect = &c->effects[c->effect_count++];
    *effect =
        (struct effect){.branch = branch, .branches = branches, .table = table, .row = row, .delta = delta};
    text_copy(effect->gtrid, sizeof effect->gtrid, c->effects_of);
}

/* Of what is committed the judge keeps sums only: one effect a table. */
static void tell_effects(const struct sim_node *node, struct control *c)
{
    struct gtrid gtrid;
    c->effects = sim_alloc(XATOP_BRANCHES_MAX * XATOP_WORK_MAX * 2 * sizeof *c->effects);
    if (!gtrid_parse(c->effects_of, strlen(c->effects_of), &gtrid))
        return;
    for (const struct sim_branch *branch = node->branches; branch; branch = branch->next)
        for (unsigned i = 0; branch->marked && gtrid_equal(&branch->gtrid, &gtrid) && i < branch->done_count;
             i++)
            add_effect(c, branch->branch, branch->branches, branch->done[i].table, branch->done[i].id,
                       branch->done[i].delta);
    for (uint32_t i = 0; i < node->effect_count; i++) {
        const struct node_sim_effect *effect = &node->effects[i].effect;
        if (!gtrid_equal(&effect->gtrid, &gtrid))
            continue;
        c->committed |= (uint16_t)(1u << (effect->branch - 1));
        for (int t = 0; t < WORK_TABLES; t++)
            if (effect->deltas[t] != 0)
                add_effect(c, effect->branch, effect->branches, (enum work_table)t, 0, effect->deltas[t]);
    }
}

static enum progress ask(struct node_sim *sim, struct sim_node *node, struct sim_control *step)
{
    struct control *c = step->control;
    c->ok = true;
    switch (c->kind) {
    case CONTROL_HEALTH:
        c->info = info_of(node);
        return ANSWERED;
    case CONTROL_RAISE:
        return raise_epoch(sim, node, step);
    case CONTROL_SCAN:
        scan(node, c);
        return ANSWERED;
    case CONTROL_FENCE:
        return fence(sim, node, step);
    case CONTROL_RESOLVE:
        resolve(sim, node, c);
        return ANSWERED;
    case CONTROL_FLOOR:
        tell_floor(node, &c->floor);
        return ANSWERED;
    case CONTROL_MARKERS:
        list_markers(node, c);
        return ANSWERED;
    case CONTROL_PRUNE: /* its effects are the judge's evidence: nothing is removed, only said to be */
        node->pruned = c->floor.upto;
        return ANSWERED;
    case CONTROL_LOOKUP:
        look_up(node, c);
        return ANSWERED;
    case CONTROL_KEY:
        look_up_key(node, c);
        return ANSWERED;
    case CONTROL_EFFECTS:
        tell_effects(node, c);
        return ANSWERED;
    }
    return ANSWERED;
}

void sim_control_run(struct node_sim *sim, uint8_t index, sim_deliver *deliver, void *arg)
{
    struct sim_node *node = &sim->nodes[index];
    struct sim_control *step = node->controls;
    struct control *c = step->control;
    bool late = sim->now_us >= c->deadline_ms * 1000;
    bool answered = late || node->down;
    if (c->start_us == 0)
        c->start_us = sim->now_us;
    if (!answered && !node->cut && node->frozen_until_us <= sim->now_us)
        answered = ask(sim, node, step) == ANSWERED;
    if (!answered) {
        sim_push(sim, sim->now_us + SIM_POLL_US, SIM_CONTROL, NULL, index);
        return;
    }
    bool lost = !late && !node->down && sim_chance(sim, sim->options.chances.lose_reply);
    if (late || node->down || lost) {
        free(c->xids);
        c->xids = NULL;
        c->xid_count = c->xid_total = 0;
        free(c->floor.markers);
        c->floor.markers = NULL;
        c->floor.count = 0;
        free(c->effects);
        c->effects = NULL;
        c->effect_count = 0;
        c->ok = false;
        text_copy(c->detail, sizeof c->detail, "no answer");
    }
    c->end_us = sim->now_us;
    node->controls = step->next;
    if (!node->controls)
        node->controls_end = &node->controls;
    node->control_busy = node->controls != NULL;
    if (node->control_busy)
        sim_push(sim, sim->now_us + sim_latency_us(sim), SIM_CONTROL, NULL, index);
    free(step);
    deliver(arg, &c->completion);
}
