#include "config.h"

#include "engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

/* One piece of business from asking to telling: nodes there? read what must be read first; key; plan;
 * admission; attempts. */

void run_new(struct engine *engine, struct command *command, const struct scenario *scenario,
             const struct scenario_params *params, bool packet)
{
    struct run *run = engine_alloc(sizeof *run);
    run->command = command;
    run->stream = !command;
    run->scenario = scenario;
    run->params = *params;
    run->packet = packet;
    run->begun_us = engine->now_us;
    run->start_by_ms = engine->now_ms + engine->config.limits.transaction_timeout_ms;
    run->wait_ms = command ? command->wait_ms : STREAM_WAIT_MS;
    if (command && command->key[0]) {
        text_copy(run->key, sizeof run->key, command->key);
        scenario_fingerprint(scenario, params, run->fingerprint);
    }
    *engine->runs_end = run;
    engine->runs_end = &run->next;
    struct err err = {0};
    if (scenario->check(params, &err) != STATUS_OK)
        run_tell(engine, run, STATUS_USAGE, OUTCOME_ABORTED, err.text);
    else if (engine->draining)
        run_tell(engine, run, STATUS_STATE, OUTCOME_ABORTED, _("shutting down: no more work is taken"));
}

/* Is @node ready for work? If not yet: wait. If it will not be: that is the answer. */
bool run_may_start(struct engine *engine, struct run *run, uint8_t node)
{
    const struct book *book = &engine->nodes[node];
    if (engine->open && book->raised && !book->down && !book->unfit &&
        (book->swept || !engine->recovery_allowed))
        return true;
    /* not asked yet, or being swept; a node that did not answer the last time is not waited for */
    bool asking = !engine->open || (book->raise_out && book->failures == 0) ||
                  (book->raised && !book->down && !book->unfit);
    if (asking && engine->now_ms < run->start_by_ms)
        return false;
    /* nothing starts before every node was heard: then the silent one is the reason, not the one that is wanted */
    for (uint8_t i = 0; !engine->open && engine->nodes[node].looked && i < engine->config.node_count; i++)
        if (!engine->nodes[i].looked)
            node = i;
    char words[XATOP_REASON_MAX];
    struct text text;
    text_init(&text, words, sizeof words);
    node_why(engine, node, &text);
    run_tell(engine, run, STATUS_NODE, OUTCOME_ABORTED, words);
    return false;
}

static bool nodes_ready(struct engine *engine, struct run *run)
{
    for (uint8_t i = 0; i < run->plan.branch_count; i++)
        if (!run_may_start(engine, run, run->plan.branches[i].node))
            return false;
    return true;
}

static void plan(struct engine *engine, struct run *run, bool found, int64_t value)
{
    struct err err = {0};
    enum status status =
        run->scenario->plan(&run->params, &engine->config.shape, found, value, &run->plan, &err);
    if (status != STATUS_OK) {
        run_tell(engine, run, status, OUTCOME_ABORTED, err.text);
        return;
    }
    if (run->key[0])
        plan_add_key(&run->plan, run->key, run->fingerprint);
    run->row_count = plan_rows(&run->plan, run->rows, ROWS_MAX);
    run->planned = true;
}

/* Two attempts under one key at once: the second must learn the first's outcome, so it waits for its end. */
static bool key_in_hand(const struct engine *engine, const struct run *run)
{
    for (const struct run *other = engine->runs; run->key[0] && other != run; other = other->next)
        if (other->key[0] && (other->state != RUN_OVER || other->slot) && strcmp(other->key, run->key) == 0)
            return true;
    return false;
}

static void start(struct engine *engine, struct run *run)
{
    enum work_table table;
    int64_t row;
    if (key_in_hand(engine, run) && engine->now_ms < run->start_by_ms)
        return;
    if (!run->planned && run->scenario->lookup && run->scenario->lookup(&run->params, &table, &row)) {
        if (run_may_start(engine, run, shape_node(&engine->config.shape, table, row)))
            run_lookup(engine, run);
        return;
    }
    if (!run->planned)
        plan(engine, run, false, 0);
    if (run->told)
        return;
    /* what became of a key its own node can tell; another one that is away must not hide it */
    if (run->key[0] && !run->key_known) {
        if (run_may_start(engine, run, run->plan.branches[0].node))
            run_keys(engine, run);
    } else if (nodes_ready(engine, run)) {
        run->state = RUN_QUEUED;
    }
}

static void looked_up(struct engine *engine, struct run *run, const struct control *control)
{
    if (!control->ok) {
        char words[XATOP_REASON_MAX];
        struct text text;
        text_init(&text, words, sizeof words);
        text_printf(&text, _("node %s cannot be read: %s"), engine->config.node_names[control->node],
                    control->detail);
        node_suspect(engine, control->node);
        run_tell(engine, run, STATUS_NODE, OUTCOME_ABORTED, words);
        return;
    }
    run->state = RUN_NODES;
    plan(engine, run, control->found, control->value);
}

void run_answer(struct engine *engine, struct control_box *box)
{
    struct run *run = box->run;
    run->asked--;
    if (run->told)
        return;
    if (box->purpose == FOR_LOOKUP)
        looked_up(engine, run, &box->control);
    else
        run_key_answer(engine, run, &box->control);
}

/* An attempt is over and its slot goes: the end, or once more under a new xid. */
void run_ended(struct engine *engine, struct slot *slot)
{
    struct run *run = slot->run;
    if (!run)
        return;
    run->slot = NULL;
    slot->run = NULL;
    if (run->told)
        run->state = RUN_OVER;
}

/* Doubled at each attempt, from the upper half at random: two that met once should not meet again. */
void run_back_off(struct engine *engine, struct run *run)
{
    int64_t delay_ms = engine->config.limits.backoff_ms > 2 ? engine->config.limits.backoff_ms : 2;
    for (uint32_t i = 0; i < run->retries && delay_ms < engine->config.limits.backoff_max_ms; i++)
        delay_ms *= 2;
    run->retries++;
    run->retry_at_ms =
        engine->now_ms + delay_ms / 2 + (int64_t)prng_below(&engine->prng, (uint64_t)(delay_ms / 2 + 1));
    run->start_by_ms = run->retry_at_ms + engine->config.limits.transaction_timeout_ms;
    run->decided_ms = 0;
    run->state = RUN_BACKOFF;
}

static void run_turn(struct engine *engine, struct run *run)
{
    if (run->told)
        return;
    if (engine->log_failed && !run->slot) {
        run_tell(engine, run, STATUS_STATE, OUTCOME_ABORTED,
                 _("the decision log failed: no work is taken until it is opened anew"));
        return;
    }
    if (run->state == RUN_BACKOFF && !run->slot && engine->now_ms >= run->retry_at_ms)
        run->state = RUN_NODES;
    if (run->state == RUN_KEYS && run->asked == 0)
        run_key_turn(engine, run);
    if (run->state == RUN_NODES && !run->told)
        start(engine, run);
    if (run->state == RUN_QUEUED && engine->now_ms >= run->start_by_ms)
        run_tell(engine, run, STATUS_REFUSED, OUTCOME_ABORTED,
                 _("timeout: other transactions held the rows or every carrier for too long"));
    /* decided, but a branch is not told yet: the asker's patience ends, the transaction does not */
    if (run->slot && run->decided_ms != 0 && engine->now_ms >= run->decided_ms + run->wait_ms)
        run_tell_slot(engine, run);
}

void runs_turn(struct engine *engine)
{
    for (struct run *run = engine->runs; run && engine_acts(engine); run = run->next)
        run_turn(engine, run);
    if (engine_acts(engine))
        runs_admit(engine);
    for (struct run **at = &engine->runs; *at;) {
        struct run *run = *at;
        if (run->told && !run->slot && run->asked == 0) {
            *at = run->next;
            free(run);
        } else {
            at = &run->next;
        }
    }
    engine->runs_end = &engine->runs;
    while (*engine->runs_end)
        engine->runs_end = &(*engine->runs_end)->next;
}
