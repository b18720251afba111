#include "config.h"

#include "txn_script.h"

#include "xatop/verb.h"

struct txn_limits script_limits(bool packet)
{
    return (struct txn_limits){
        .transaction_timeout_ms = 10000,
        .prepare_timeout_ms = 4000,
        .finish_timeout_ms = 1000,
        .settle_ms = 300,
        .backoff_ms = 100,
        .backoff_max_ms = 1600,
        .packet = packet,
    };
}

void script_init(struct script *script, uint8_t branches, uint8_t work, bool packet)
{
    uint8_t counts[XATOP_BRANCHES_MAX];
    for (unsigned i = 0; i < XATOP_BRANCHES_MAX; i++)
        counts[i] = work;
    struct txn_limits limits = script_limits(packet);
    script->now_ms = 1000;
    txn_init(&script->txn, &limits, branches, counts, script->now_ms, 7);
}

static void print_action(struct text *out, const struct txn_action *action)
{
    static const char *const names[] = {"send", "log-commit", "fence",    "resolve",
                                        "cut",  "alarm",      "log-done", "end"};
    text_printf(out, "%s%s", out->len ? "; " : "", names[action->kind]);
    if (action->branch)
        text_printf(out, " %d", action->branch);
    if (action->verbs) {
        text_append(out, " ");
        verbs_print(action->verbs, out);
    }
    if (action->verbs == VERB_WORK)
        text_printf(out, "@%d", action->step);
    if (action->kind == TXN_ACT_RESOLVE && !action->verbs)
        text_append(out, " ask");
}

const char *script_step(struct script *script, struct txn_event event)
{
    struct text out;
    text_init(&out, script->line, sizeof script->line);
    event.now_ms = script->now_ms;
    script->fits = txn_step(&script->txn, &event, &script->update);
    if (!script->fits)
        return "refused";
    for (unsigned i = 0; i < script->update.count; i++)
        print_action(&out, &script->update.actions[i]);
    return script->line;
}

const char *script_begin(struct script *script)
{
    return script_step(script, (struct txn_event){.kind = TXN_EV_BEGIN});
}

const char *script_reply(struct script *script, uint8_t branch, unsigned verbs, enum reply reply)
{
    return script_step(
        script,
        (struct txn_event){.kind = TXN_EV_REPLY, .branch = branch, .verbs = (uint16_t)verbs, .reply = reply});
}

const char *script_logged(struct script *script, bool durable)
{
    return script_step(script, (struct txn_event){.kind = durable ? TXN_EV_LOGGED : TXN_EV_LOG_FAILED});
}

const char *script_fenced(struct script *script, uint8_t branch, bool ok)
{
    return script_step(script, (struct txn_event){.kind = TXN_EV_FENCED, .branch = branch, .ok = ok});
}

const char *script_resolved(struct script *script, uint8_t branch, enum finding finding)
{
    return script_step(script,
                       (struct txn_event){.kind = TXN_EV_RESOLVED, .branch = branch, .finding = finding});
}

const char *script_tick(struct script *script, int64_t now_ms)
{
    script->now_ms = now_ms;
    return script_step(script, (struct txn_event){.kind = TXN_EV_TICK});
}

const char *script_wait(struct script *script)
{
    int64_t due_ms = txn_deadline_ms(&script->txn);
    return due_ms == INT64_MAX ? "never"
                               : script_tick(script, due_ms > script->now_ms ? due_ms : script->now_ms);
}

const char *script_abort(struct script *script)
{
    return script_step(script, (struct txn_event){.kind = TXN_EV_ABORT});
}

const char *script_moves(struct script *script)
{
    struct text out;
    text_init(&out, script->line, sizeof script->line);
    for (unsigned i = 0; i < script->update.move_count; i++) {
        int from = script->update.moves[i].from, to = script->update.moves[i].to;
        int branch = script->update.moves[i].branch;
        if (out.len)
            text_append(&out, " ");
        if (branch)
            text_printf(&out, "%d:%s>%s", branch, branch_state_name(from), branch_state_name(to));
        else
            text_printf(&out, "%s>%s", txn_state_name(from), txn_state_name(to));
    }
    return script->line;
}
