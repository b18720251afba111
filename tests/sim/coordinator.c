#include "config.h"

#include "sim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The engine looks for what it has verified after 20 rounds: longer than a node keeps a commit unflushed. */
enum { FLOOR_MS = 60 };

/* One incarnation after the other: log opened, engine made, killed. */

void sim_violation(struct sim *sim, const char *format, ...)
{
    if (sim->violation[0])
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(sim->violation, sizeof sim->violation, format, args);
    va_end(args);
}

struct told_txn *sim_txn(struct sim *sim, const struct gtrid *gtrid)
{
    for (unsigned i = 0; i < sim->txn_count; i++)
        if (gtrid_equal(&sim->txns[i].gtrid, gtrid))
            return &sim->txns[i];
    xatop_assert(sim->txn_count < SIM_TXNS);
    sim->txns[sim->txn_count].gtrid = *gtrid;
    return &sim->txns[sim->txn_count++];
}

/* No contradicting verb may ever leave. */
static void note_verb(struct sim *sim, const struct xid *xid, uint16_t verbs)
{
    struct gtrid gtrid;
    unsigned branch;
    if (!(verbs & (VERB_COMMIT | VERB_ROLLBACK)) || !xid_parse(xid, &gtrid, &branch))
        return;
    struct told_txn *txn = sim_txn(sim, &gtrid);
    txn->commit |= (verbs & VERB_COMMIT) != 0;
    txn->rollback |= (verbs & VERB_ROLLBACK) != 0;
    if (txn->commit && txn->rollback)
        sim_violation(sim, "contradicting verbs left for transaction %llu of epoch %u",
                      (unsigned long long)gtrid.sequence, gtrid.epoch);
}

static void send(void *ctx, struct message *message)
{
    struct sim *sim = ctx;
    note_verb(sim, &message->xid, message->verbs);
    sim->node_port.send(sim->node_port.ctx, message);
}

static void control(void *ctx, struct control *request)
{
    struct sim *sim = ctx;
    if (request->kind == CONTROL_RESOLVE)
        note_verb(sim, &request->xid, request->verbs);
    sim->node_port.control(sim->node_port.ctx, request);
}

static void cut(void *ctx, uint16_t carrier, uint8_t node)
{
    struct sim *sim = ctx;
    sim->node_port.cut(sim->node_port.ctx, carrier, node);
}

static void submit(void *ctx, struct dlog_request *request)
{
    struct sim *sim = ctx;
    xatop_assert(sim->log_tail - sim->log_head < SIM_LOG_QUEUE);
    if (sim->log_head == sim->log_tail)
        sim->log_due_us = sim->now_us + 50 + (int64_t)prng_below(&sim->prng, 3000);
    sim->log_queue[sim->log_tail++ % SIM_LOG_QUEUE] = request;
}

static void crash(void *ctx)
{
    struct sim *sim = ctx;
    sim->crashed = true;
}

static void trace(void *ctx, const struct trace_event *event)
{
    struct sim *sim = ctx;
    if (!sim->verbose)
        return;
    char line[1024];
    struct text text;
    text_init(&text, line, sizeof line);
    trace_format(event, &text);
    puts(line);
}

static bool healthy(void *ctx)
{
    const struct sim *sim = ctx;
    return dlog_healthy(sim->dlog);
}

static void harm(void *ctx, enum fault_act act, uint8_t node)
{
    struct sim *sim = ctx;
    node_sim_harm(sim->nodes, act, node);
}

struct records {
    struct dlog_record *list;
    uint32_t count;
};

static void keep_record(void *arg, const struct dlog_record *record)
{
    struct records *records = arg;
    records->list = realloc(records->list, (records->count + 1) * sizeof *records->list);
    xatop_assert(records->list != NULL);
    records->list[records->count++] = *record;
}

static bool forgets_at_once(const struct sim *sim)
{
    return sim->mutant == MUTANT_FORGET_ON_ACK || sim->mutant == MUTANT_NO_RETENTION;
}

static void open_log(struct sim *sim)
{
    struct dlog_options options = {
        .coordinator = "sim",
        .new_log_id = sim->log_id,
        .wall_ms = sim->now_us / 1000,
        .host = "sim",
        .segment_bytes = sim->forgetful ? 2048 : 16384,
        .retention_ms = forgets_at_once(sim) ? 0 : (int64_t)sim->retention_ms,
    };
    for (unsigned tries = 0; tries < 5; tries++) {
        struct err err = {0};
        if (dlog_open(&sim->dlog, &sim->disk_port, &options, &err) == STATUS_OK)
            return;
        if (!disk_memory_dead(sim->disk))
            sim_violation(sim, "the log cannot be opened: %s", err.text);
        disk_memory_crash(sim->disk);
    }
    xatop_assert(!"the simulated log can be opened");
}

void coordinator_open(struct sim *sim)
{
    open_log(sim);
    sim->manual = !sim->healing && !sim->exact && prng_below(&sim->prng, 8) == 0;
    struct records records = {0};
    dlog_undischarged(sim->dlog, keep_record, &records);
    struct engine_config config = {
        .coordinator = {.id = "sim",
                        .log_id = dlog_log_id(sim->dlog),
                        .epoch = dlog_epoch(sim->dlog),
                        .host = "sim"},
        .node_count = sim->shape.node_count,
        .node_names = {"n1", "n2", "n3"},
        .processes = UINT16_MAX,
        .links = UINT16_MAX,
        .shape = sim->shape,
        .limits = sim->limits,
        .max_inflight = sim->inflight,
        .max_retries = 3,
        .health_ms = 300,
        .floor_ms = sim->forgetful ? FLOOR_MS : 0,
        .retention_ms = (int64_t)sim->retention_ms,
        .manual_recovery = sim->manual,
        .seed = prng_next(&sim->prng),
        .log_healthy = healthy,
    };
    struct engine_ports ports = {
        .node = {.ctx = sim, .send = send, .control = control, .cut = cut},
        .log = {.ctx = sim, .submit = submit},
        .ctx = sim,
        .trace = trace,
        .crash = crash,
        .harm = harm,
    };
    sim->engine = engine_new(&config, &ports, records.list, records.count);
    xatop_assert(sim->engine != NULL);
    free(records.list);
    sim->incarnations++;
    coordinator_turn(sim);
}

static void gone(struct sim *sim)
{
    node_sim_client_gone(sim->nodes);
    engine_free(sim->engine);
    dlog_close(sim->dlog);
    sim->engine = NULL;
    sim->dlog = NULL;
    sim->log_head = sim->log_tail = 0;
    sim->crashed = false;
    sim->recover.kind = COMMAND_RUN; /* nobody will answer it */
    for (unsigned i = 0; i < sim->ask_count; i++)
        sim->asks[i].lost |= sim->asks[i].posted && !sim->asks[i].told;
}

void coordinator_crash(struct sim *sim, bool power)
{
    if (sim->verbose)
        printf("[%8.3f] ---- %s\n", (double)sim->now_us / 1e6, power ? "power cut" : "killed");
    sim->crashes++;
    gone(sim);
    if (power)
        disk_memory_power_cut(sim->disk);
    else
        disk_memory_crash(sim->disk);
    coordinator_open(sim);
}

void coordinator_end(struct sim *sim)
{
    (void)dlog_sync(sim->dlog, NULL); /* as the log thread does when it ends */
    gone(sim);
}

static void answer_control(struct sim *sim, struct control *c)
{
    /* a health sample that hides the restart */
    if (sim->mutant == MUTANT_NO_SWEEP && c->kind == CONTROL_HEALTH && c->ok)
        c->info.server_start = 1;
    if (sim->mutant == MUTANT_NO_SWEEP && c->kind == CONTROL_RAISE)
        c->info.server_start = 1;
    engine_control_done(sim->engine, c, sim->now_us);
}

/* Said without a look. */
static void claim_swept(struct sim *sim, const struct dlog_record *done)
{
    struct dlog_record record = {.type = DLOG_SWEPT, .wall_ms = done->wall_ms, .gtrid = done->gtrid};
    if (done->type == DLOG_DONE && (forgets_at_once(sim) || sim->mutant == MUTANT_UNSWEPT))
        (void)dlog_append(sim->dlog, &record, NULL);
}

/* Discharged as soon as one branch has answered. */
static void forget(struct sim *sim, const struct message *m)
{
    struct dlog_record record = {.type = DLOG_DONE, .wall_ms = sim->now_us / 1000};
    unsigned branch;
    if (m->verbs != VERB_COMMIT || m->reply != REPLY_OK || !xid_parse(&m->xid, &record.gtrid, &branch))
        return;
    if (dlog_append(sim->dlog, &record, NULL) == STATUS_OK)
        (void)dlog_sync(sim->dlog, NULL);
    claim_swept(sim, &record);
}

void coordinator_deliver(void *arg, struct completion *completion)
{
    struct sim *sim = arg;
    if (completion->kind == COMPLETION_CONTROL) {
        answer_control(sim, (struct control *)completion);
        return;
    }
    struct message *message = (struct message *)completion;
    if (sim->mutant == MUTANT_FORGET_ON_ACK)
        forget(sim, message);
    engine_message_done(sim->engine, message, sim->now_us);
}

void coordinator_turn(struct sim *sim)
{
    if (!sim->crashed)
        engine_turn(sim->engine, sim->now_us, sim->now_us / 1000);
}

/* --- the log thread --- */

/* False: the coordinator ends here. */
static bool pass_point(struct sim *sim, struct dlog_request *request, enum fault_act act, uint8_t node)
{
    if (fault_act_harms(act))
        node_sim_harm(sim->nodes, act, node);
    if (act == FAULT_LOGFAIL) {
        dlog_fail(sim->dlog);
        request->status = STATUS_PENDING;
    }
    sim->crashed |= act == FAULT_CRASH;
    return !sim->crashed;
}

static void complete(struct sim *sim, struct dlog_request *request)
{
    if (disk_memory_dead(sim->disk)) {
        sim->crashed = true;
        return;
    }
    if (request->record.type == DLOG_COMMIT && !request->find && request->status == STATUS_OK)
        sim_txn(sim, &request->record.gtrid)->durable = true;
    engine_log_done(sim->engine, request, sim->now_us);
}

static void write_one(struct sim *sim, struct dlog_request *request)
{
    request->status = STATUS_OK;
    if (request->find) {
        const struct gtrid gtrid = request->record.gtrid;
        request->found = dlog_find_commit(sim->dlog, &gtrid, &request->record);
        if (sim->mutant == MUTANT_BLIND_LOG)
            request->found = 0;
        complete(sim, request);
        return;
    }
    if (request->oldest) {
        request->found = dlog_oldest(sim->dlog, &request->record.gtrid);
        complete(sim, request);
        return;
    }
    if (!pass_point(sim, request, request->append_fault, request->append_node))
        return;
    if (request->status == STATUS_OK)
        request->status = dlog_append(sim->dlog, &request->record, &request->err);
    claim_swept(sim, &request->record);
    bool early = sim->mutant == MUTANT_EARLY_COMMIT;
    if (request->status == STATUS_OK && request->forced && !early)
        request->status = dlog_sync(sim->dlog, &request->err);
    if (!pass_point(sim, request, request->durable_fault, request->durable_node))
        return;
    complete(sim, request);
}

void coordinator_log_run(struct sim *sim)
{
    uint32_t until = sim->log_tail; /* what is queued meanwhile goes with the next group */
    while (sim->log_head != until && !sim->crashed)
        write_one(sim, sim->log_queue[sim->log_head++ % SIM_LOG_QUEUE]);
    if (sim->log_head != sim->log_tail)
        sim->log_due_us = sim->now_us + 50 + (int64_t)prng_below(&sim->prng, 3000);
    else if (!sim->crashed && prng_below(&sim->prng, 2))
        (void)dlog_flush(sim->dlog, NULL); /* as the log thread does when it has been idle for a while */
}
