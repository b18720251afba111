#include "config.h"

#include "engine_private.h"

#include <string.h>

struct trace_event *emit_new(struct engine *engine, enum trace_kind kind, const struct slot *slot,
                             uint8_t branch)
{
    struct trace_event *event = &engine->event;
    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->epoch = engine->config.coordinator.epoch;
    if (slot) {
        event->txn = slot->gtrid.sequence;
        event->epoch = slot->gtrid.epoch;
    }
    event->branch = (int8_t)branch;
    if (slot && branch > 0 && slot->branches[branch - 1].node != NO_NODE)
        event->node = (int8_t)(slot->branches[branch - 1].node + 1);
    return event;
}

void emit(struct engine *engine)
{
    engine->event.seq = ++engine->trace_seq;
    engine->event.mono_us = engine->now_us;
    engine->event.wall_ms = engine->now_ms + engine->wall_offset_ms;
    if (engine->ports.trace)
        engine->ports.trace(engine->ports.ctx, &engine->event);
}

void emit_notice(struct engine *engine, const struct slot *slot, int level, const char *format, ...)
{
    struct trace_event *event = emit_new(engine, TRACE_NOTICE, slot, 0);
    struct text text;
    va_list args;
    event->result = (int16_t)level;
    text_init(&text, event->detail, sizeof event->detail);
    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    emit(engine);
}
