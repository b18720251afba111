#include "config.h"

#include "engine_private.h"

#include <string.h>

#include "xatop/i18n.h"

/* Questions before a transaction begins: a number to plan with, and what became of an idempotency key. */

void run_lookup(struct engine *engine, struct run *run)
{
    enum work_table table;
    int64_t row;
    run->scenario->lookup(&run->params, &table, &row);
    struct control_box *box =
        control_box_new(engine, CONTROL_LOOKUP, FOR_LOOKUP, shape_node(&engine->config.shape, table, row));
    box->run = run;
    box->control.table = table;
    box->control.row = row;
    run->state = RUN_LOOKUP;
    run->asked++;
    engine->ports.node.control(engine->ports.node.ctx, &box->control);
}

/* The owning node must answer. The others are asked too where they can be: the same key with other parameters
 * may have been used there. */
void run_keys(struct engine *engine, struct run *run)
{
    run->state = RUN_KEYS;
    run->key_done = run->key_other = run->key_unresolved = run->key_unread = false;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        if (i != run->plan.branches[0].node && (!engine->nodes[i].raised || engine->nodes[i].down))
            continue;
        struct control_box *box = control_box_new(engine, CONTROL_KEY, FOR_KEY, i);
        box->run = run;
        text_copy(box->control.key, sizeof box->control.key, run->key);
        run->asked++;
        engine->ports.node.control(engine->ports.node.ctx, &box->control);
    }
}

/* The first attempt, if it is being finished right now. */
static bool first_in_hand(const struct engine *engine, const struct run *run)
{
    struct gtrid gtrid;
    if (!gtrid_parse(run->key_gtrid, strlen(run->key_gtrid), &gtrid))
        return false;
    for (const struct slot *slot = engine->slots; slot; slot = slot->next)
        if (!slot->ended && gtrid_equal(&slot->gtrid, &gtrid))
            return true;
    return false;
}

static void tell_first(struct engine *engine, struct run *run, bool unfinished)
{
    char words[XATOP_REASON_MAX];
    struct text text;
    text_init(&text, words, sizeof words);
    if (run->key_done && !unfinished) {
        run_tell(engine, run, STATUS_OK, OUTCOME_COMMITTED, "");
    } else if (run->key_done) {
        text_append(&text, _("decided before, but a node is not told yet"));
        run_tell(engine, run, STATUS_PENDING, OUTCOME_COMMITTED_PENDING, words);
    } else {
        text_printf(&text,
                    _("the first attempt under key '%s' is not resolved yet: xatop recover, then ask again"),
                    run->key);
        run_tell(engine, run, STATUS_PENDING, OUTCOME_IN_DOUBT, words);
    }
}

/* Everybody has answered. While the first attempt is being finished, that is waited for as for phase two of an own one. */
void run_key_turn(struct engine *engine, struct run *run)
{
    char words[XATOP_REASON_MAX];
    struct text text;
    text_init(&text, words, sizeof words);
    if (run->key_other) {
        text_printf(&text, _("key '%s' was used with other parameters: take a new key"), run->key);
        run_tell(engine, run, STATUS_USAGE, OUTCOME_ABORTED, words);
    } else if (run->key_done || run->key_unresolved) {
        bool unfinished = first_in_hand(engine, run), waited = run->decided_ms != 0;
        if (unfinished && !waited)
            run->decided_ms = engine->now_ms;
        if (unfinished && engine->now_ms < run->decided_ms + run->wait_ms)
            return;
        if (unfinished || run->key_done || !waited) {
            tell_first(engine, run, unfinished);
        } else { /* it has ended meanwhile: how? */
            run->decided_ms = 0;
            run_keys(engine, run);
        }
    } else if (run->key_unread) {
        text_printf(&text, _("node %s cannot tell what became of key '%s'"),
                    engine->config.node_names[run->plan.branches[0].node], run->key);
        run_tell(engine, run, STATUS_NODE, OUTCOME_ABORTED, words);
    } else {
        run->key_known = true;
        run->state = RUN_NODES; /* a new attempt needs them all */
    }
}

void run_key_answer(struct engine *engine, struct run *run, const struct control *control)
{
    enum key_state state = control->ok ? control->key_state : KEY_UNKNOWN;
    if (state == KEY_DONE && strcmp(control->fingerprint, run->fingerprint) != 0)
        run->key_other = true;
    else if (state == KEY_DONE)
        run->key_done = true;
    else if (state == KEY_UNRESOLVED)
        run->key_unresolved = true;
    else if (state == KEY_UNKNOWN && control->node == run->plan.branches[0].node)
        run->key_unread = true;
    if (state == KEY_DONE || state == KEY_UNRESOLVED)
        text_copy(run->key_gtrid, sizeof run->key_gtrid, control->gtrid);
    if (run->asked == 0)
        run_key_turn(engine, run);
}
