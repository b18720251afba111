#include "config.h"

#include "engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

void command_told(struct command *command, enum status status, const char *reason)
{
    struct report report = {.status = status};
    text_copy(report.reason, sizeof report.reason, reason);
    if (command->done)
        command->done(command, &report, NULL);
}

static void recovery_told(struct engine *engine, struct command *command, enum status status,
                          const char *reason)
{
    struct recovery_report report = {.status = status, .unfinished = engine_unfinished(engine)};
    text_copy(report.reason, sizeof report.reason, reason);
    if (command->done)
        command->done(command, NULL, &report);
}

static void emit_arm(struct engine *engine, const char *spec)
{
    struct trace_event *event = emit_new(engine, TRACE_ARM, NULL, 0);
    event->result = spec[0] != '\0';
    text_copy(event->detail, sizeof event->detail, spec);
    emit(engine);
}

static void arm(struct engine *engine, struct command *command)
{
    if (command->fault[0] == '\0') {
        gate_disarm_all(&engine->gate);
        emit_arm(engine, "");
        command_told(command, STATUS_OK, "");
        return;
    }
    const char *names[XATOP_NODES_MAX];
    struct fault fault;
    struct err err = {0};
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        names[i] = engine->config.node_names[i];
    enum status status = fault_parse(command->fault, names, engine->config.node_count, &fault, &err);
    if (status == STATUS_OK)
        status = fault_allowed(&fault, names, engine->config.node_count, engine->config.processes,
                               engine->config.links, &err);
    if (status == STATUS_OK)
        status = gate_arm(&engine->gate, &fault, &err);
    if (status == STATUS_OK)
        emit_arm(engine, fault.spec);
    command_told(command, status, err.text);
}

static void keep(struct engine *engine, struct command *command)
{
    struct pending_command *pending = engine_alloc(sizeof *pending);
    struct pending_command **at = &engine->commands;
    pending->command = command;
    pending->until_ms = engine->now_ms + command->wait_ms;
    while (*at)
        at = &(*at)->next;
    *at = pending;
}

static void run_or_stream(struct engine *engine, struct command *command)
{
    const struct scenario *scenario = scenario_at(command->scenario);
    if (!scenario || command->scenario >= STREAMS_MAX) {
        command_told(command, STATUS_USAGE, _("no such scenario"));
    } else if (command->kind == COMMAND_RUN) {
        run_new(engine, command, scenario, &command->params, command->packet);
    } else {
        struct stream *stream = &engine->streams[command->scenario];
        stream->target = command->inflight;
        stream->packet = command->packet;
        stream->pause_until_ms = engine->now_ms;
        command_told(command, STATUS_OK, "");
    }
}

static void pass_on(struct engine *engine, struct command *command)
{
    if (command->kind == COMMAND_NOTE) {
        emit_notice(engine, NULL, command->level, "%s", command->note);
    } else {
        struct trace_event *event = emit_new(engine, TRACE_AUDIT, NULL, 0);
        event->result = command->audit_ok;
        memcpy(event->n, command->audit, sizeof event->n);
        emit(engine);
    }
    command_told(command, STATUS_OK, "");
}

void engine_command(struct engine *engine, struct command *command, int64_t now_us)
{
    if (engine->dead)
        return;
    engine->now_us = now_us;
    engine->now_ms = now_us / 1000;
    bool work =
        command->kind == COMMAND_RUN || command->kind == COMMAND_STREAM || command->kind == COMMAND_FORCE;
    if (engine->halted != STATUS_OK && (work || command->kind == COMMAND_RECOVER)) {
        if (work)
            command_told(command, engine->halted, engine->halt_words);
        else
            recovery_told(engine, command, engine->halted, engine->halt_words);
        return;
    }
    switch (command->kind) {
    case COMMAND_RUN:
    case COMMAND_STREAM:
        run_or_stream(engine, command);
        break;
    case COMMAND_FAULT:
        arm(engine, command);
        break;
    case COMMAND_NODE_CHANGED:
        if (command->node < engine->config.node_count) {
            engine->nodes[command->node].retry_at_ms = engine->now_ms;
            engine->nodes[command->node].failures = 0; /* worth waiting for again */
            engine->nodes[command->node].raise_due = true;
        }
        command_told(command, STATUS_OK, "");
        break;
    case COMMAND_NOTE:
    case COMMAND_AUDITED:
        pass_on(engine, command);
        break;
    case COMMAND_DRAIN:
        engine->draining = true;
        keep(engine, command);
        break;
    case COMMAND_RECOVER:
    case COMMAND_FORCE:
        keep(engine, command);
        break;
    }
}

/* One recovery pass at a time; it begins when every node has been heard or is known to be away. */
static bool recover_now(struct engine *engine, struct pending_command *pending)
{
    struct sweep *sweep = &engine->sweep;
    if (sweep->state != SWEEP_IDLE || sweep->command || !engine->open)
        return false;
    if (!engine->recovery_allowed && !pending->command->dry_run) {
        engine->recovery_allowed = true;
        engine->swept_once = false; /* first the verdicts, then what they say */
    }
    sweep->command = pending->command;
    sweep->until_ms = pending->until_ms;
    return true;
}

static bool drained(struct engine *engine, struct pending_command *pending)
{
    bool quiet =
        !engine->runs && engine_unfinished(engine) == engine->in_doubt; /* those end in another opening */
    if (!quiet && engine_acts(engine) && engine->now_ms < pending->until_ms)
        return false;
    recovery_told(engine, pending->command, engine_unfinished(engine) == 0 ? STATUS_OK : STATUS_PENDING, "");
    return true;
}

void commands_turn(struct engine *engine)
{
    for (struct pending_command **at = &engine->commands; *at;) {
        struct pending_command *pending = *at;
        bool over = false;
        if (pending->command->kind == COMMAND_DRAIN) {
            over = drained(engine, pending);
        } else if (pending->command->kind == COMMAND_FORCE && engine->halted != STATUS_OK) {
            command_told(pending->command, engine->halted, engine->halt_words);
            over = true;
        } else if (pending->command->kind == COMMAND_FORCE) {
            over = force_begin(engine, pending->command, pending->until_ms);
        } else if (engine->halted != STATUS_OK) {
            recovery_told(engine, pending->command, engine->halted, engine->halt_words);
            over = true;
        } else {
            over = recover_now(engine, pending);
        }
        if (over) {
            *at = pending->next;
            free(pending);
        } else {
            at = &pending->next;
        }
    }
}

int64_t commands_deadline_ms(const struct engine *engine)
{
    int64_t due_ms = INT64_MAX;
    for (const struct pending_command *pending = engine->commands; pending; pending = pending->next)
        if (pending->command->kind == COMMAND_DRAIN && pending->until_ms < due_ms)
            due_ms = pending->until_ms;
    return due_ms;
}

void stream_told(struct engine *engine, const struct run *run, const struct report *report)
{
    for (uint8_t i = 0; i < STREAMS_MAX && scenario_at(i); i++) {
        if (scenario_at(i) != run->scenario)
            continue;
        struct stream *stream = &engine->streams[i];
        if (run->aside) /* it was counted out when its node went */
            continue;
        stream->running--;
        if (report->status != STATUS_OK && report->status != STATUS_REFUSED)
            stream->pause_until_ms = engine->now_ms + STREAM_PAUSE_MS;
    }
}

/* What waits for a node that went away (its vote, its acknowledgement, a row held until then) holds up no stream: others
 * take its place. */
void streams_set_aside(struct engine *engine, uint8_t node)
{
    for (struct run *run = engine->runs; run; run = run->next) {
        bool there = run->state == RUN_QUEUED;
        for (uint8_t i = 0; run->planned && i < run->plan.branch_count; i++)
            there = there || run->plan.branches[i].node == node;
        if (!there || !run->stream || run->told || run->aside)
            continue;
        run->aside = true;
        for (uint8_t i = 0; i < STREAMS_MAX && scenario_at(i); i++)
            engine->streams[i].running -= scenario_at(i) == run->scenario;
    }
}

static bool is_away(const struct book *book)
{
    return book->down || book->unfit;
}

static bool needs_one_away(const struct engine *engine, const struct plan *plan)
{
    for (uint8_t i = 0; i < plan->branch_count; i++)
        if (is_away(&engine->nodes[plan->branches[i].node]))
            return true;
    return false;
}

/* Does it need a node that is away, a row that is held by what needs one, or one that somebody waits for already? */
static bool would_wait(const struct engine *engine, const struct scenario *scenario,
                       const struct scenario_params *params)
{
    struct plan plan;
    struct err err = {0};
    uint64_t rows[ROWS_MAX];
    if (scenario->plan(params, &engine->config.shape, true, 0, &plan, &err) != STATUS_OK)
        return false; /* its run will say why not */
    if (needs_one_away(engine, &plan))
        return true;
    unsigned count = plan_rows(&plan, rows, ROWS_MAX);
    for (const struct run *run = engine->runs; run; run = run->next)
        if (run->planned && (run->state == RUN_QUEUED || needs_one_away(engine, &run->plan)) &&
            run_meets(run, rows, count))
            return true;
    return false;
}

static bool one_is_away(const struct engine *engine)
{
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (is_away(&engine->nodes[i]))
            return true;
    return false;
}

/* A random piece of business that can be done now, if there is one. */
static void draw(struct engine *engine, const struct scenario *scenario, struct scenario_params *params)
{
    enum { DRAWS = 64 };
    for (int i = 0; i < DRAWS; i++) {
        scenario->random(&engine->prng, &engine->config.shape, params);
        if (!one_is_away(engine) || !would_wait(engine, scenario, params))
            return;
    }
}

void streams_turn(struct engine *engine)
{
    for (uint8_t i = 0; i < STREAMS_MAX && scenario_at(i); i++) {
        struct stream *stream = &engine->streams[i];
        if (engine->draining || engine->log_failed || engine->now_ms < stream->pause_until_ms)
            continue;
        while (stream->running < stream->target) {
            struct scenario_params params;
            draw(engine, scenario_at(i), &params);
            stream->running++;
            run_new(engine, NULL, scenario_at(i), &params, stream->packet);
        }
    }
}
