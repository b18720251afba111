#include "config.h"

#include "engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

struct engine *engine_new(const struct engine_config *config, const struct engine_ports *ports,
                          const struct dlog_record *undischarged, uint32_t undischarged_count)
{
    xatop_assert(config->node_count >= 1 && config->node_count <= XATOP_NODES_MAX);
    xatop_assert(config->max_inflight >= 1 && config->max_inflight <= XATOP_INFLIGHT_MAX);
    struct engine *engine = calloc(1, sizeof *engine);
    struct dlog_record *records = calloc(undischarged_count + 1u, sizeof *records);
    if (!engine || !records) {
        free(engine);
        free(records);
        return NULL;
    }
    engine->config = *config;
    engine->ports = *ports;
    engine->runs_end = &engine->runs;
    engine->recovery_allowed = !config->manual_recovery;
    engine->undischarged = records;
    engine->undischarged_count = undischarged_count;
    if (undischarged_count > 0)
        memcpy(records, undischarged, undischarged_count * sizeof *records);
    prng_seed(&engine->prng, config->seed);
    return engine;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    for (struct slot *slot = engine->slots, *next; slot; slot = next) {
        next = slot->next;
        free(slot);
    }
    for (struct run *run = engine->runs, *next; run; run = next) {
        next = run->next;
        free(run);
    }
    for (struct pending_command *pending = engine->commands, *next; pending; pending = next) {
        next = pending->next;
        free(pending);
    }
    boxes_free_all(engine);
    fitness_free(engine);
    sweep_free_records(&engine->sweep);
    free(engine->sweep.list);
    free(engine->floor.list);
    free(engine->undischarged);
    free(engine);
}

bool engine_acts(const struct engine *engine)
{
    return !engine->dead && engine->halted == STATUS_OK;
}

/* Another log or a newer incarnation owns the id: whatever is in flight is its to finish or nobody's, never
 * ours. */
void engine_halt(struct engine *engine, enum status status, const char *words)
{
    if (engine->halted != STATUS_OK)
        return;
    engine->halted = status;
    text_copy(engine->halt_words, sizeof engine->halt_words, words);
    emit_notice(engine, NULL, 2, "%s", words);
    for (struct run *run = engine->runs; run; run = run->next) {
        if (run->told)
            continue;
        if (run->slot && run->slot->begun)
            run_tell_halted(engine, run, words);
        else
            run_tell(engine, run, status, OUTCOME_ABORTED, words);
    }
}

static void say_hello(struct engine *engine)
{
    const struct coordinator *coordinator = &engine->config.coordinator;
    engine->started = true;
    engine->started_ms = engine->now_ms;
    struct trace_event *event = emit_new(engine, TRACE_RUN, NULL, 0);
    struct text text;
    text_init(&text, event->detail, sizeof event->detail);
    text_printf(&text, _("coordinator %s on %s, %u decisions to be finished"), coordinator->id,
                coordinator->host, engine->undischarged_count);
    event->n[0] = coordinator->epoch;
    event->n[1] = (int64_t)coordinator->log_id;
    emit(engine);
    if (engine->config.take_over)
        emit_notice(engine, NULL, 1, _("the coordinator id is taken over: %s"),
                    engine->config.take_over_reason);
}

/* Nothing was decided for these: they can still be taken back, and no new decision can be made. */
static void log_gone(struct engine *engine)
{
    engine->log_failed = true;
    for (struct slot *slot = engine->slots; slot; slot = slot->next)
        if (slot->begun && (slot->txn.state == TXN_ACTIVE || slot->txn.state == TXN_PREPARING))
            slot_step(engine, slot, &(struct txn_event){.kind = TXN_EV_ABORT, .now_ms = engine->now_ms});
}

void engine_turn(struct engine *engine, int64_t now_us, int64_t wall_ms)
{
    if (engine->dead)
        return;
    engine->now_us = now_us;
    engine->now_ms = now_us / 1000;
    engine->wall_offset_ms = wall_ms - engine->now_ms;
    if (!engine->started)
        say_hello(engine);
    bool healthy = !engine->config.log_healthy || engine->config.log_healthy(engine->ports.log.ctx);
    if ((!healthy || engine->log_failed) && !engine->log_failure_said) {
        engine->log_failure_said = true;
        emit_notice(engine, NULL, 2,
                    _("the decision log failed: no work is taken and nothing undecided is judged"));
        log_gone(engine);
    }
    if (engine_acts(engine)) {
        nodes_turn(engine);
        recovered_turn(engine);
        streams_turn(engine);
        runs_turn(engine);
        slots_turn(engine);
        if (engine_acts(engine)) /* rows and carriers that just came free */
            runs_turn(engine);
    }
    if (!engine->dead)
        commands_turn(engine);
    if (engine_acts(engine))
        sweep_turn(engine);
    if (engine_acts(engine))
        floor_turn(engine);
    if (!engine->dead)
        force_turn(engine);
    if (engine->halted != STATUS_OK && engine->sweep.command)
        sweep_report(engine, engine->halted, engine->halt_words);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t nodes_deadline_ms(const struct engine *engine)
{
    int64_t due_ms = INT64_MAX;
    if (!engine->looked) /* then every answer is a reason to look on */
        return engine->started_ms + START_PATIENCE_MS;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        const struct book *book = &engine->nodes[i];
        bool away = !book->raised || book->down;
        if (!book->raise_out && away)
            due_ms = earlier(due_ms, book->retry_at_ms);
        if (!book->raise_out && !away && !book->health_out)
            due_ms = earlier(due_ms, book->health_at_ms);
        if (!away && book->health_out)
            due_ms = earlier(due_ms, book->health_until_ms);
        if (book->raise_due && !book->raise_out)
            due_ms = engine->now_ms;
        if (book->raised && !book->down && engine->sweep.state == SWEEP_IDLE && engine->recovery_allowed &&
            engine->open)
            due_ms = earlier(due_ms, sweep_due_ms(book));
    }
    return due_ms;
}

static int64_t run_deadline_ms(const struct run *run)
{
    if (run->told)
        return INT64_MAX;
    if (run->slot)
        return run->decided_ms ? run->decided_ms + run->wait_ms : INT64_MAX;
    if (run->state == RUN_KEYS && run->asked == 0)
        return run->decided_ms + run->wait_ms;
    if (run->state == RUN_LOOKUP || run->state == RUN_KEYS)
        return INT64_MAX; /* an answer is sure to come */
    return run->state == RUN_BACKOFF ? run->retry_at_ms : run->start_by_ms;
}

int64_t engine_deadline_ms(const struct engine *engine)
{
    if (engine->dead)
        return INT64_MAX;
    if (!engine->started)
        return 0;
    int64_t due_ms = commands_deadline_ms(engine);
    if (engine->halted != STATUS_OK)
        return due_ms;
    due_ms = earlier(due_ms, nodes_deadline_ms(engine));
    due_ms = earlier(due_ms, floor_deadline_ms(engine));
    due_ms = earlier(due_ms, force_deadline_ms(engine));
    for (const struct slot *slot = engine->slots; slot; slot = slot->next)
        if (slot->begun && !slot->ended)
            due_ms = earlier(due_ms, txn_deadline_ms(&slot->txn));
    for (const struct run *run = engine->runs; run; run = run->next)
        due_ms = earlier(due_ms, run_deadline_ms(run));
    if (engine->sweep.command && engine->sweep.state == SWEEP_ACTING)
        due_ms = earlier(due_ms, engine->sweep.until_ms);
    for (unsigned i = 0; i < STREAMS_MAX; i++)
        if (engine->streams[i].running < engine->streams[i].target && !engine->draining &&
            !engine->log_failed)
            due_ms = earlier(due_ms, engine->streams[i].pause_until_ms);
    return due_ms;
}

uint32_t engine_unfinished(const struct engine *engine)
{
    uint32_t unfinished = engine->in_doubt + engine->undischarged_count - engine->undischarged_next;
    for (const struct slot *slot = engine->slots; slot; slot = slot->next)
        unfinished += !slot->ended;
    return unfinished;
}

bool engine_idle(const struct engine *engine)
{
    return engine->dead || (!engine->runs && !engine->slots && engine->ports_out == 0);
}

enum status engine_health(const struct engine *engine, struct err *err)
{
    if (engine->halted != STATUS_OK)
        return err_set(err, engine->halted, "%s", engine->halt_words);
    if (engine->log_failed)
        return err_set(err, STATUS_STATE,
                       _("the decision log failed: start again, so that it is opened anew"));
    return STATUS_OK;
}
