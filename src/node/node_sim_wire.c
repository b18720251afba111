#include "config.h"

#include "node_sim_private.h"

#include <stdlib.h>
#include <string.h>

/* Between the coordinator and the servers: sessions, messages on their way, and what can happen to them. */

struct sim_session *sim_session_find(struct sim_node *node, uint64_t id)
{
    for (struct sim_session *session = node->sessions; session; session = session->next)
        if (session->id == id)
            return session;
    return NULL;
}

void sim_session_check(struct node_sim *sim, struct sim_session *session)
{
    bool unread = session->killed ? false : session->on_the_way > 0;
    if (!session->alive || !(session->closing || session->killed) || unread || session->executing > 0)
        return;
    session->alive = false;
    struct sim_branch *branch = session->branch;
    if (!branch)
        return;
    session->branch = NULL;
    branch->session = NULL;
    branch->detached_us = sim->now_us;
    if (branch->state != SIM_PREPARED)
        sim_branch_roll_back(sim, session->node, branch);
}

void sim_session_close(struct node_sim *sim, struct sim_session *session)
{
    if (sim->nodes[session->node].cut) { /* half-open: the server waits for more until its patience ends */
        sim_expire(sim, session);
        return;
    }
    session->closing = true;
    sim_session_check(sim, session);
}

void sim_session_kill(struct node_sim *sim, struct sim_session *session)
{
    session->killed = true;
    sim_session_check(sim, session);
}

static struct sim_job *job_new(struct node_sim *sim, struct message *message)
{
    struct sim_job *job = sim->jobs_free;
    if (job) {
        struct sim_job *next_all = job->next_all;
        sim->jobs_free = job->next_free;
        memset(job, 0, sizeof *job);
        job->next_all = next_all;
    } else {
        job = sim_alloc(sizeof *job);
        job->next_all = sim->jobs_all;
        sim->jobs_all = job;
    }
    job->message = message;
    job->node = message->node;
    job->carrier = message->carrier;
    job->verbs = message->verbs;
    job->step = message->step;
    job->branch = message->branch;
    job->branches = message->branch_count;
    job->xid = message->xid;
    job->faults = message->faults;
    if (message->verbs & VERB_WORK)
        job->plan = *message->plan;
    return job;
}

/* The answer is made up on the client's side. */
static void answer_later(struct node_sim *sim, struct sim_job *job, enum reply reply, int64_t after_us)
{
    job->reply = reply;
    sim_push(sim, sim->now_us + after_us, SIM_ANSWER, job, job->node);
}

static void drop_handle(struct node_sim *sim, uint16_t carrier, uint8_t node, bool kill)
{
    struct sim_session *session = sim->handles[carrier][node];
    sim->handles[carrier][node] = NULL;
    if (!session)
        return;
    if (kill && !sim->nodes[node].cut)
        sim_session_kill(sim, session);
    sim_session_close(sim, session);
}

static void send(void *ctx, struct message *message)
{
    struct node_sim *sim = ctx;
    struct sim_job *job = job_new(sim, message);
    int64_t way_us = sim_latency_us(sim);
    job->sent_us = sim->now_us;
    if (fault_act_harms(message->faults.strike))
        node_sim_harm(sim, message->faults.strike, message->node);
    if (fault_act_harms(message->faults.sent))
        node_sim_harm(sim, message->faults.sent, message->node);
    if (message->faults.sent == FAULT_DELAY)
        way_us += (int64_t)message->faults.sent_ms * 1000;
    sim_push(sim, message->deadline_ms * 1000, SIM_DEADLINE, job, message->node);
    if (message->faults.sent == FAULT_REFUSE) {
        bool finishing = message->verbs & (VERB_COMMIT | VERB_ROLLBACK);
        job->injected = true;
        job->last_verb = message->faults.sent_verb;
        answer_later(sim, job, finishing ? REPLY_BUSY : REPLY_ERROR, way_us);
        return;
    }
    if (message->faults.sent == FAULT_DROP) {
        drop_handle(sim, message->carrier, message->node, false);
        answer_later(sim, job, REPLY_NOT_SENT, way_us);
        return;
    }
    if (message->faults.sent == FAULT_CRASH)
        sim_push(sim, sim->now_us + 10, SIM_DIE, job, message->node);
    if (message->verbs != VERB_OPEN) {
        job->session = sim->handles[message->carrier][message->node];
        if (!job->session) {
            answer_later(sim, job, REPLY_NOT_SENT, way_us);
            return;
        }
        job->session->on_the_way++;
    }
    if (!sim_chance(sim, sim->options.chances.lose_request))
        sim_push(sim, sim->now_us + way_us, SIM_ARRIVE, job, message->node);
    else if (job->session)
        job->session->on_the_way--;
}

static void open(struct node_sim *sim, struct sim_job *job)
{
    struct sim_node *node = &sim->nodes[job->node];
    struct sim_session *held = job->message ? sim->handles[job->carrier][job->node] : NULL;
    if (!job->message)
        return;
    job->last_verb = VERB_OPEN;
    if (sim->coordinator.log_id != node->log_id || sim->coordinator.epoch < node->epoch) {
        answer_later(sim, job, REPLY_ERROR, sim_latency_us(sim));
        return;
    }
    if (!held || !held->alive || held->killed) {
        held = sim_alloc(sizeof *held);
        held->id = ++sim->next_id;
        held->node = job->node;
        held->epoch = sim->coordinator.epoch;
        held->alive = true;
        held->next = node->sessions;
        node->sessions = held;
        sim->handles[job->carrier][job->node] = held;
    }
    answer_later(sim, job, REPLY_OK, sim_latency_us(sim));
}

void sim_arrive(struct node_sim *sim, struct sim_job *job)
{
    struct sim_node *node = &sim->nodes[job->node];
    struct sim_session *session = job->session;
    if (node->cut) {
        if (session)
            session->on_the_way--;
        return; /* its deadline tells */
    }
    if (node->frozen_until_us > sim->now_us) {
        sim_push(sim, node->frozen_until_us + sim_latency_us(sim), SIM_ARRIVE, job, job->node);
        return;
    }
    if (!session) {
        job->unreachable = node->down;
        if (node->down)
            answer_later(sim, job, REPLY_NOT_SENT, sim_latency_us(sim));
        else
            open(sim, job);
        return;
    }
    if (!session->alive || session->killed) {
        if (session->alive)
            session->on_the_way--;
        sim_session_check(sim, session);
        answer_later(sim, job, REPLY_LOST, sim_latency_us(sim)); /* connection reset */
        return;
    }
    session->on_the_way--;
    session->executing++;
    bool can_stand = job->verbs & (VERB_PREPARE | VERB_COMMIT | VERB_ONE_PHASE);
    if (can_stand && sim_chance(sim, sim->options.chances.late))
        sim_push(sim, sim->now_us + 1000 + (int64_t)prng_below(&sim->prng, 1500000), SIM_EXECUTE, job,
                 job->node);
    else
        sim_run_job(sim, job);
}

static bool node_is_cut(const struct node_sim *sim, const struct sim_job *job)
{
    return sim->nodes[job->node].cut && !fault_act_harms(job->faults.reply);
}

void sim_run_job(struct node_sim *sim, struct sim_job *job)
{
    struct sim_session *session = job->session;
    if (!session->alive) { /* the server has crashed under it */
        answer_later(sim, job, REPLY_LOST, sim_latency_us(sim));
        return;
    }
    if (!sim_execute(sim, job)) {
        sim_push(sim, sim->now_us + SIM_POLL_US, SIM_EXECUTE, job, job->node);
        return;
    }
    session->executing--;
    sim_session_check(sim, session);
    if (job->faults.reply == FAULT_CRASH) {
        sim_push(sim, sim->now_us + sim_latency_us(sim), SIM_DIE, job, job->node);
        return;
    }
    if (job->faults.reply == FAULT_DROP) {
        if (job->message)
            drop_handle(sim, job->carrier, job->node, false);
        answer_later(sim, job, REPLY_LOST, sim_latency_us(sim));
        return;
    }
    if (fault_act_harms(job->faults.reply) && job->message)
        node_sim_harm(sim, job->faults.reply, job->node);
    /* what was cut or killed after it had answered: the answer is read by then */
    if (node_is_cut(sim, job) || sim_chance(sim, sim->options.chances.lose_reply))
        return; /* its deadline tells */
    int64_t held_us = job->faults.reply == FAULT_DELAY ? (int64_t)job->faults.reply_ms * 1000 : 0;
    sim_push(sim, sim->now_us + sim_latency_us(sim) + held_us, SIM_ANSWER, job, job->node);
}

void sim_answer(struct node_sim *sim, struct sim_job *job, sim_deliver *deliver, void *arg)
{
    struct message *message = job->message;
    if (!message)
        return;
    job->message = NULL;
    bool gone = job->reply == REPLY_LOST || job->reply == REPLY_NOT_SENT;
    if (gone && sim->handles[job->carrier][job->node] == job->session)
        drop_handle(sim, job->carrier, job->node, false);
    struct sim_session *session = sim->handles[job->carrier][job->node];
    message->reply = job->reply;
    message->last_verb = job->reply == REPLY_OK ? (uint16_t)verbs_last(message->verbs) : job->last_verb;
    message->error = job->error;
    message->refusal = job->refusal;
    message->refused_step = job->refused_step;
    message->refused_have = job->refused_have;
    message->injected = job->injected;
    message->unreachable = job->unreachable;
    message->sent_us = job->sent_us;
    message->reply_us = gone ? 0 : sim->now_us;
    if (session)
        message->session = (struct session_ref){.connection_id = session->id,
                                                .server_start = sim->nodes[job->node].server_start};
    if (gone)
        text_copy(message->detail, sizeof message->detail, "the connection was lost");
    deliver(arg, &message->completion);
}

void sim_deadline(struct node_sim *sim, struct sim_job *job, sim_deliver *deliver, void *arg)
{
    if (!job->message)
        return;
    drop_handle(sim, job->carrier, job->node, false);
    job->reply = job->verbs == VERB_OPEN ? REPLY_NOT_SENT : REPLY_LOST;
    job->last_verb = 0;
    sim_answer(sim, job, deliver, arg);
}

static void cut(void *ctx, uint16_t carrier, uint8_t node)
{
    drop_handle(ctx, carrier, node, true);
}

static void control(void *ctx, struct control *request)
{
    struct node_sim *sim = ctx;
    struct sim_node *node = &sim->nodes[request->node];
    struct sim_control *queued = sim_alloc(sizeof *queued);
    queued->control = request;
    *node->controls_end = queued;
    node->controls_end = &queued->next;
    if (node->control_busy)
        return;
    node->control_busy = true;
    sim_push(sim, sim->now_us + sim_latency_us(sim), SIM_CONTROL, NULL, request->node);
}

struct node_port node_sim_port(struct node_sim *sim)
{
    return (struct node_port){.ctx = sim, .send = send, .control = control, .cut = cut};
}
