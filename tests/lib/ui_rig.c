#include "config.h"

#include "ui_rig.h"

#include <string.h>

#include "fault_menu.h"

struct model model;
struct console_status status;
struct ui ui;
struct canvas canvas;
struct console_ports ports;
enum console_wish wished;
int wish_number, wishes, looks;
char wish_words[200], wish_xid[200];
uint32_t unfinished_count;
const char *answered, *answered_xid = "";
char shown[600000];

static bool snapshot(void *ctx, uint64_t known, struct model *out, struct console_status *status_out)
{
    *status_out = status;
    if (out && known != status.generation)
        *out = model;
    return known != status.generation;
}

static enum status wish(void *ctx, const struct console_request *request, struct err *err)
{
    if (request->wish == WISH_LOOK || request->wish == WISH_WAITERS) {
        looks += request->wish == WISH_LOOK;
        return STATUS_OK;
    }
    wished = request->wish;
    wish_number = request->number;
    text_copy(wish_words, sizeof wish_words, request->words ? request->words : "");
    text_copy(wish_xid, sizeof wish_xid, request->xid ? request->xid : "");
    wishes++;
    if (request->wish == WISH_RECOVER)
        return err_set(err, STATUS_STATE, "recovery: another one is running; wait for it");
    return STATUS_OK;
}

static bool answer(void *ctx, struct console_answer *out)
{
    if (!answered)
        return false;
    out->level = 1;
    text_copy(out->words, sizeof out->words, answered);
    text_copy(out->xid, sizeof out->xid, answered_xid);
    answered = NULL;
    return true;
}

static uint32_t unfinished(void *ctx, struct text *out)
{
    if (unfinished_count)
        text_append(out, "transaction 7  COMMITTING\n");
    return unfinished_count;
}

struct trace_event event(enum trace_kind kind, uint64_t txn)
{
    return (struct trace_event){.seq = model.last_seq + 1,
                                .kind = kind,
                                .txn = txn,
                                .epoch = 1,
                                .mono_us = (int64_t)(1000 + model.events) * 10000,
                                .wall_ms = 1767265380000};
}

void apply(const struct trace_event *e)
{
    model_apply(&model, e);
    status.generation++;
}

void begin(uint64_t txn, int64_t branches, const char *meaning)
{
    struct trace_event e = event(TRACE_BEGIN, txn);
    e.n[0] = branches;
    text_copy(e.detail, sizeof e.detail, meaning);
    apply(&e);
}

void message(uint64_t txn, int8_t number, unsigned verbs, enum reply result)
{
    struct trace_event e = event(TRACE_SEND, txn);
    e.branch = e.node = number;
    e.verbs = (uint16_t)verbs;
    e.start_us = e.mono_us;
    apply(&e);
    e = event(TRACE_REPLY, txn);
    e.branch = e.node = number;
    e.verbs = (uint16_t)verbs;
    e.start_us = e.mono_us - 9000;
    e.end_us = e.mono_us;
    e.result = (int16_t)result;
    apply(&e);
}

void commits(uint64_t txn)
{
    struct trace_event e = event(TRACE_OUTCOME, txn);
    e.result = OUTCOME_COMMITTED;
    e.n[0] = 9000;
    apply(&e);
    e = event(TRACE_FORGET, txn);
    apply(&e);
}

void snap(void)
{
    ui_refresh(&ui, (int64_t)(1000 + model.events) * 10000, 1767265381000);
}

void fresh_with(uint8_t nodes)
{
    static const char *const names[XATOP_NODES_MAX] = {
        "alpha", "beta",  "c",   "d",   "e",   "f",   "g",   "h",
        "i",     "jjjjj", "k10", "l11", "m12", "n13", "o14", "a-name-of-31-bytes-of-length-ok"};
    model_init(&model, names, nodes);
    status = (struct console_status){.generation = 1};
    ports = (struct console_ports){.snapshot = snapshot,
                                   .wish = wish,
                                   .answer = answer,
                                   .unfinished = unfinished,
                                   .faults = fault_menu(nodes),
                                   .title = "",
                                   .node_count = nodes};
    wishes = looks = 0;
    answered = NULL;
    unfinished_count = 0;
    ui_init(&ui, &ports, 10000000);
    canvas_resize(&canvas, 80, 24);
    snap();
}

void fresh(void)
{
    fresh_with(2);
}

const char *screen(void)
{
    struct text text;
    ui_draw(&ui, &canvas);
    text_init(&text, shown, sizeof shown);
    canvas_to_text(&canvas, &text);
    return shown;
}

bool shows(const char *words)
{
    return strstr(screen(), words) != NULL;
}

void press(const char *keys)
{
    for (; *keys; keys++)
        ui_key(&ui, *keys, ui.now_us);
}

void node_is(int8_t number, enum node_state what)
{
    struct trace_event e = event(TRACE_NODE, 0);
    e.node = number;
    e.result = (int16_t)what;
    apply(&e);
}

void sweep(int64_t nodes, int64_t unread, int64_t foreign)
{
    struct trace_event e = event(TRACE_SWEEP, 0);
    e.result = 1;
    e.n[1] = nodes;
    e.n[2] = unread;
    e.n[3] = foreign;
    apply(&e);
}

void verdict(uint64_t txn, int8_t node, enum verdict what, enum recovery_rule rule, const char *xid)
{
    struct trace_event e = event(TRACE_VERDICT, txn);
    e.branch = txn ? node : 0;
    e.node = node;
    e.result = (int16_t)what;
    e.n[0] = rule;
    e.n[1] = 42;
    e.n[3] = 2;
    text_copy(e.detail, sizeof e.detail, xid);
    apply(&e);
}

void arm(const char *spec)
{
    struct trace_event e = event(TRACE_ARM, 0);
    e.result = spec[0] != '\0';
    text_copy(e.detail, sizeof e.detail, spec);
    apply(&e);
}
