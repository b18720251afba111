#include "config.h"

#include "xatop/trace.h"

#include <inttypes.h>
#include <stddef.h>

#include "trace_names.h"
#include "xatop/money.h"
#include "xatop/verb.h"
#include "xatop/vocab.h"

static const char *const kinds[] = {
#define X(code, word, meaning) [TRACE_##code] = word,
    XATOP_TRACE_LIST(X)
#undef X
};

const char *trace_kind_name(int kind)
{
    return kind >= 0 && kind < TRACE_KINDS ? kinds[kind] : "?";
}

trace_name_fn *trace_state_names(enum trace_kind kind)
{
    return kind == TRACE_STATE ? txn_state_name : kind == TRACE_BRANCH ? branch_state_name : NULL;
}

trace_name_fn *trace_result_names(enum trace_kind kind)
{
    switch (kind) {
    case TRACE_REPLY:
        return reply_name;
    case TRACE_RESOLVE:
        return finding_name;
    case TRACE_OUTCOME:
        return outcome_name;
    case TRACE_NODE:
        return node_state_name;
    case TRACE_VERDICT:
        return verdict_name;
    default:
        return NULL;
    }
}

static void put_ms(struct text *out, int64_t us)
{
    uint64_t magnitude = us < 0 ? -(uint64_t)us : (uint64_t)us;
    text_printf(out, " %s%" PRIu64 ".%03u ms", us < 0 ? "-" : "", magnitude / 1000,
                (unsigned)(magnitude % 1000));
}

static void put_elapsed(struct text *out, const struct trace_event *event)
{
    if (event->start_us && event->end_us)
        put_ms(out, (int64_t)((uint64_t)event->end_us - (uint64_t)event->start_us));
}

static void put_verbs(struct text *out, const struct trace_event *event)
{
    text_append(out, " ");
    if (event->verbs)
        verbs_print(event->verbs, out);
    else
        text_append(out, "ask");
    if (event->kind == TRACE_SEND && event->verbs == VERB_WORK)
        text_printf(out, "@%" PRId64, event->n[0]);
}

static void put_money(struct text *out, int64_t minor)
{
    char buffer[32];
    text_append(out, money_format(minor, buffer, sizeof buffer));
}

static void put_node(struct text *out, const struct trace_event *event)
{
    static const char *const counts[] = {"prepared", "lock waits", "sessions"};
    text_printf(out, " %s", node_state_name(event->result));
    if (event->n[0])
        put_ms(out, event->n[0]);
    for (int i = 0; i < 3; i++)
        if (event->n[i + 1] >= 0) /* -1: not known */
            text_printf(out, ", %" PRId64 " %s", event->n[i + 1], counts[i]);
}

static void put_audit(struct text *out, const struct trace_event *event)
{
    text_append(out, event->result == 1 ? " ok, money " : " broken, money ");
    put_money(out, event->n[0]);
    text_append(out, " found ");
    put_money(out, event->n[1]);
    text_printf(out, ", stock %" PRId64 " found %" PRId64, event->n[2], event->n[3]);
}

static void put_log(struct text *out, const struct trace_event *event)
{
    text_printf(out, " lsn %" PRId64, event->n[0]);
    if (event->kind == TRACE_LOG_APPEND) {
        text_printf(out, " %" PRId64 " bytes", event->n[1]);
    } else {
        text_printf(out, " group %" PRId64, event->n[1]);
        put_elapsed(out, event);
    }
}

static void put_body(struct text *out, const struct trace_event *event)
{
    static const char *const levels[] = {"info", "warning", "alarm"};
    trace_name_fn *state = trace_state_names(event->kind);
    switch (event->kind) {
    case TRACE_RUN:
        text_printf(out, " epoch %" PRId64 " log %016" PRIx64, event->n[0], (uint64_t)event->n[1]);
        break;
    case TRACE_BEGIN:
        text_printf(out, " %" PRId64 " branches", event->n[0]);
        if (event->n[1])
            text_printf(out, " retry %" PRId64, event->n[1]);
        break;
    case TRACE_STATE:
    case TRACE_BRANCH:
        text_printf(out, " %s > %s", state(event->from), state(event->to));
        if (event->n[1])
            text_printf(out, " try %" PRId64 " in %" PRId64 " ms", event->n[1], event->n[0]);
        break;
    case TRACE_SEND:
        put_verbs(out, event);
        break;
    case TRACE_REPLY:
    case TRACE_RESOLVE:
        put_verbs(out, event);
        text_printf(out, " %s", trace_result_names(event->kind)(event->result));
        put_elapsed(out, event);
        break;
    case TRACE_LOG_APPEND:
    case TRACE_LOG_DURABLE:
        put_log(out, event);
        break;
    case TRACE_FENCE:
        text_printf(out, " connection %" PRId64 " %s", event->n[0], event->result ? "gone" : "not gone");
        put_elapsed(out, event);
        break;
    case TRACE_OUTCOME:
        text_printf(out, " %s", outcome_name(event->result));
        put_ms(out, event->n[0]);
        break;
    case TRACE_NODE:
        put_node(out, event);
        break;
    case TRACE_VERDICT: /* a rule is a small number; what a journal holds may be none */
        text_printf(out, " %s %s", verdict_name(event->result),
                    recovery_rule_name(event->n[0] >= 0 && event->n[0] < 1000 ? (int)event->n[0] : -1));
        if (event->n[1])
            text_printf(out, " lsn %" PRId64, event->n[1]);
        if (event->n[2])
            text_printf(out, " held by connection %" PRId64, event->n[2]);
        break;
    case TRACE_ARM:
        if (!event->result)
            text_append(out, " none");
        break;
    case TRACE_SWEEP:
        text_printf(out, " %" PRId64 " branches, %" PRId64 " foreign%s", event->n[0], event->n[3],
                    event->result ? ", dry run" : "");
        break;
    case TRACE_AUDIT:
        put_audit(out, event);
        break;
    case TRACE_NOTICE:
        text_printf(out, " %s", event->result >= 0 && event->result <= 2 ? levels[event->result] : "?");
        break;
    case TRACE_LOG_FAILED:
    case TRACE_FORGET:
    case TRACE_FAULT:
    case TRACE_KINDS:
        break;
    }
}

void trace_format(const struct trace_event *event, struct text *out)
{
    int64_t ms = event->mono_us > 0 ? event->mono_us / 1000 : 0;
    text_printf(out, "[%4" PRId64 ".%03d]", ms / 1000, (int)(ms % 1000));
    if (event->txn)
        text_printf(out, " t%" PRIu64, event->txn);
    if (event->branch)
        text_printf(out, event->node ? " b%d@%d" : " b%d", event->branch, event->node);
    else if (event->node)
        text_printf(out, " @%d", event->node);
    text_printf(out, " %s", trace_kind_name((int)event->kind));
    put_body(out, event);
    if (event->error)
        text_printf(out, " error %" PRId32, event->error);
    if (event->detail[0])
        text_printf(out, ": %s", event->detail);
}
