#include "config.h"

#include "engine_private.h"

#include "xatop/i18n.h"

/* Each node's life as the engine sees it: raised (rule 4), sampled, gone, back, swept again (rule 6). */

uint8_t node_by_id(const struct engine *engine, uint64_t node_id)
{
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (engine->nodes[i].raised && engine->nodes[i].node_id == node_id)
            return i;
    return NO_NODE;
}

/* Somebody met trouble there: look at once, do not wait for the next sample. */
void node_suspect(struct engine *engine, uint8_t node)
{
    engine->nodes[node].health_at_ms = engine->now_ms;
}

static void trace_node(struct engine *engine, const struct control *control, enum node_state state)
{
    const struct node_info *info = &control->info;
    struct trace_event *event = emit_new(engine, TRACE_NODE, NULL, 0);
    struct text text;
    event->node = (int8_t)(control->node + 1);
    event->result = (int16_t)state;
    event->error = control->error;
    event->n[0] = info->rtt_us;
    event->n[1] = info->prepared;
    event->n[2] = info->lock_waits;
    event->n[3] = info->sessions;
    text_init(&text, event->detail, sizeof event->detail);
    if (info->make[0])
        text_printf(&text, "%s %s", info->make, info->version);
    else
        text_append(&text, control->detail);
    emit(engine);
}

static void went_away(struct engine *engine, struct book *book, const struct control *control)
{
    int64_t pause_ms = PROBE_MS;
    for (uint32_t i = 0; i < book->failures && pause_ms < PROBE_MAX_MS; i++)
        pause_ms *= 2;
    book->failures++;
    if (!book->down)
        streams_set_aside(engine, control->node);
    book->down = true;
    book->retry_at_ms = engine->now_ms + (pause_ms < PROBE_MAX_MS ? pause_ms : PROBE_MAX_MS);
    text_copy(book->words, sizeof book->words, control->detail);
    bool said = control->info.state != NODE_UNKNOWN && control->info.state != NODE_UP;
    trace_node(engine, control, said ? control->info.state : NODE_DOWN);
}

static void is_there(struct engine *engine, struct book *book, const struct control *control)
{
    book->down = false;
    book->failures = 0;
    book->info = control->info;
    book->health_at_ms = engine->config.health_ms > 0 ? engine->now_ms + engine->config.health_ms : INT64_MAX;
    enum node_state state = control->info.state == NODE_UNKNOWN ? NODE_UP : control->info.state;
    trace_node(engine, control, book->unfit ? NODE_UNFIT : state);
}

static void is_ours(struct engine *engine, struct book *book, const struct control *control)
{
    const char *name = engine->config.node_names[control->node];
    book->raised = true;
    book->node_id = control->info.node_id;
    book->server_start = control->info.server_start;
    book->elsewhere = control->elsewhere;
    book->sweep_wanted = true;
    book->sweep_at_ms = engine->now_ms;
    is_there(engine, book, control);
    if (control->displaced)
        emit_notice(engine, NULL, 1, _("%s: taken over from %s; sessions ended: %u"), name, control->detail,
                    control->killed);
    else if (control->killed > 0)
        emit_notice(engine, NULL, 0, _("%s: %u sessions of an earlier epoch ended"), name, control->killed);
    if (engine->open)
        slot_unpark(engine);
}

static void is_refused(struct engine *engine, const struct control *control)
{
    const char *name = engine->config.node_names[control->node];
    char words[XATOP_REASON_MAX];
    struct text text;
    text_init(&text, words, sizeof words);
    if (control->raised == RAISE_OTHER_LOG)
        text_printf(&text, _("another decision log owns coordinator id '%s' on %s: %s"),
                    engine->config.coordinator.id, name, control->detail);
    else if (control->raised == RAISE_NEWER_EPOCH && engine->config.take_over &&
             !engine->nodes[control->node].raised)
        /* its own xids would be used again */
        text_printf(
            &text, _("epoch %u of this log rules on %s, ours is %u: claim it again until ours is higher: %s"),
            control->owner_epoch, name, engine->config.coordinator.epoch, control->detail);
    else if (control->raised == RAISE_NEWER_EPOCH)
        text_printf(&text, _("a newer incarnation, or a copy, of this decision log has taken over on %s: %s"),
                    name, control->detail);
    else
        text_printf(
            &text,
            _("this decision log is a copy, its original is at work on %s: %s (or --take-over REASON)"), name,
            control->detail);
    engine_halt(engine, STATUS_STATE, words);
}

void node_raised(struct engine *engine, struct control *control)
{
    struct book *book = &engine->nodes[control->node];
    book->raise_out = false;
    book->looked = book->answered = true;
    book->no_schema = book->unfit = false;
    node_checked(engine, control);
    switch (control->ok ? control->raised : RAISE_UNREACHABLE) {
    case RAISE_DONE:
        is_ours(engine, book, control);
        break;
    case RAISE_CLEAR: /* now it only waits for the other nodes' looks */
        book->answered = false;
        book->clear = true;
        book->displaced = control->displaced;
        text_copy(book->words, sizeof book->words, control->detail);
        break;
    case RAISE_OTHER_LOG:
    case RAISE_NEWER_EPOCH:
    case RAISE_ELSEWHERE:
        is_refused(engine, control);
        break;
    case RAISE_NO_SCHEMA:
        went_away(engine, book, control);
        book->no_schema = true;
        break;
    case RAISE_UNFIT:
        went_away(engine, book, control);
        book->unfit = true;
        break;
    case RAISE_UNREACHABLE:
        went_away(engine, book, control);
        break;
    }
}

void node_sampled(struct engine *engine, struct control *control)
{
    struct book *book = &engine->nodes[control->node];
    book->health_out = false;
    if (!control->ok) {
        if (!book->down)
            went_away(engine, book, control);
        return;
    }
    node_checked(engine, control);
    if (book->down)
        return;          /* an old sample: only the epoch's raising brings a node back */
    if (control->fenced) /* who owns the id now, its row says */
        book->raise_due = true;
    /* another server process: all it had told us may have come back (40a) */
    if (control->info.server_start != book->server_start || control->info.node_id != book->node_id)
        book->raise_due = true;
    is_there(engine, book, control);
}

/* @look: change nothing, only ask whether it may be done. */
static void raise_node(struct engine *engine, uint8_t node, bool look)
{
    struct control_box *box = control_box_new(engine, CONTROL_RAISE, FOR_RAISE, node);
    engine->nodes[node].raise_out = true;
    engine->nodes[node].raise_due = false;
    box->control.coordinator = &engine->config.coordinator;
    box->control.look = look;
    /* claimed once: whoever claims it from us afterwards has it */
    box->control.take_over = engine->config.take_over && !engine->nodes[node].raised;
    box->control.claimed = engine->config.take_over;
    box->control.unsafe = engine->config.unsafe;
    box->control.deadline_ms = engine->now_ms + RAISE_TIMEOUT_MS;
    engine->ports.node.control(engine->ports.node.ctx, &box->control);
}

static void sample_node(struct engine *engine, uint8_t node)
{
    struct control_box *box = control_box_new(engine, CONTROL_HEALTH, FOR_HEALTH, node);
    engine->nodes[node].health_out = true;
    engine->nodes[node].health_at_ms = INT64_MAX;
    box->control.deadline_ms = engine->now_ms + HEALTH_TIMEOUT_MS;
    engine->nodes[node].health_until_ms = box->control.deadline_ms + ASK_TIMEOUT_MS + 1000;
    engine->ports.node.control(engine->ports.node.ctx, &box->control);
}

/* A sample may wait behind questions with more patience than it has. Nobody should look at "up" for so long. */
static void unanswered(struct engine *engine, uint8_t node)
{
    struct control none = {.node = node,
                           .info = {.state = NODE_FROZEN, .prepared = -1, .lock_waits = -1, .sessions = -1}};
    text_copy(none.detail, sizeof none.detail, _("does not answer"));
    went_away(engine, &engine->nodes[node], &none);
}

/* Nobody is alive where our log was before, as far as could be seen: but on a node that was not heard somebody may be, and the
 * raise would end his sessions on the others. Only a claim may do that. */
static void unheard_is_refused(struct engine *engine)
{
    uint8_t moved = NO_NODE, unheard = NO_NODE;
    char words[XATOP_REASON_MAX];
    struct text text;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        if (engine->nodes[i].displaced)
            moved = i;
        if (!engine->nodes[i].clear && !engine->nodes[i].no_schema)
            unheard = i;
    }
    if (engine->config.take_over || moved == NO_NODE || unheard == NO_NODE)
        return;
    text_init(&text, words, sizeof words);
    text_printf(
        &text,
        _("this decision log is a copy; whether its original is at work cannot be seen while %s is away: %s"),
        engine->config.node_names[unheard], engine->nodes[moved].words);
    engine_halt(engine, STATUS_STATE, words);
}

/* Whoever is refused must not have changed anything anywhere: so every node is looked at before the first is raised. */
static void look_around(struct engine *engine)
{
    bool all_looked = true;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        struct book *book = &engine->nodes[i];
        if (!book->looked && !book->raise_out)
            raise_node(engine, i, true);
        all_looked &= book->looked;
    }
    if (!all_looked && engine->now_ms < engine->started_ms + START_PATIENCE_MS)
        return;
    engine->looked = true;
    unheard_is_refused(engine);
}

/* What an operator claims and cannot get yet, he must know. */
static void say_not_taken_over(struct engine *engine)
{
    for (uint8_t i = 0; engine->config.take_over && i < engine->config.node_count; i++) {
        struct book *book = &engine->nodes[i];
        if (book->raised || book->away_said)
            continue;
        book->away_said = true;
        emit_notice(engine, NULL, 1, _("%s is not taken over: %s; it will be when it is back in this run"),
                    engine->config.node_names[i], book->words[0] ? book->words : _("no answer"));
    }
}

void nodes_turn(struct engine *engine)
{
    bool all_answered = true;
    if (!engine->looked)
        look_around(engine);
    if (!engine->looked || !engine_acts(engine))
        return;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        struct book *book = &engine->nodes[i];
        bool away = !book->raised || book->down;
        /* a look that is not answered is waited for no longer; a raise that has begun is, it has a deadline */
        all_answered &= book->answered || !book->clear;
        if (!away && book->health_out && book->health_until_ms <= engine->now_ms) {
            unanswered(engine, i);
            continue;
        }
        if (book->raise_out)
            continue;
        if (book->raise_due || (away && book->retry_at_ms <= engine->now_ms))
            raise_node(engine, i, false);
        else if (!away && !book->health_out && book->health_at_ms <= engine->now_ms)
            sample_node(engine, i);
    }
    if (!engine->open && all_answered) {
        engine->open = true;
        say_not_taken_over(engine);
        slot_unpark(engine);
    }
}
