#include "config.h"

#include "trace_lines.h"

#include <string.h>

static struct trace_line *add(struct trace_lines *out, enum trace_line_kind kind, int64_t at_us, unsigned row)
{
    if (out->count == TRACE_LINES_MAX)
        return NULL;
    unsigned place = out->count++;
    for (; place > 0 && out->lines[place - 1].at_us > at_us; place--) /* nearly sorted already */
        out->lines[place] = out->lines[place - 1];
    out->lines[place] = (struct trace_line){.kind = kind, .at_us = at_us, .row = (uint16_t)row, .state = -1};
    return &out->lines[place];
}

/* Does the message belong to the round: the same words, another branch, and, unless branches may be ahead of each other, the
 * first was not answered before it left? */
static bool joins(const struct model_trace *trace, const struct trace_line *round,
                  const struct model_row *row, enum trace_fold fold)
{
    if (round->kind != LINE_ROUND || row->branch < 1 || row->branch > XATOP_BRANCHES_MAX ||
        round->rows[row->branch - 1])
        return false;
    const struct model_row *first = &trace->rows[round->row];
    return first->verbs == row->verbs && first->n == row->n &&
           (fold == FOLD_STEPS || !first->answered || first->end_us >= row->start_us);
}

static void add_message(const struct model_trace *trace, unsigned index, enum trace_fold fold,
                        struct trace_lines *out)
{
    const struct model_row *row = &trace->rows[index];
    if (fold == FOLD_NOT) {
        add(out, LINE_SEND, row->start_us, index);
        if (row->answered)
            add(out, LINE_REPLY, row->end_us, index);
        return;
    }
    for (unsigned i = out->count; i-- > 0;)
        if (joins(trace, &out->lines[i], row, fold)) {
            out->lines[i].rows[row->branch - 1] = (uint8_t)(index + 1);
            return;
        }
    struct trace_line *line = add(out, LINE_ROUND, row->start_us, index);
    if (line && row->branch >= 1 && row->branch <= XATOP_BRANCHES_MAX)
        line->rows[row->branch - 1] = (uint8_t)(index + 1);
}

/* The machine's moves are no lines: each is told beside the first line at or after it; what the forced write brought about is
 * told after it. */
static void tell_states(const struct model_trace *trace, bool begun_here, struct trace_lines *out)
{
    if (out->count > 0)
        out->lines[0].state = begun_here ? TXN_ACTIVE : -1;
    for (unsigned i = 0; i < trace->count; i++) {
        const struct model_row *row = &trace->rows[i];
        if (row->kind != TRACE_STATE || row->to < 0 || row->to >= TXN_STATES)
            continue;
        unsigned place = 0;
        while (place < out->count &&
               (out->lines[place].at_us < row->start_us ||
                (out->lines[place].kind == LINE_LOG && out->lines[place].at_us == row->start_us)))
            place++;
        if (place < out->count)
            out->lines[place].state = (int8_t)row->to;
    }
}

void trace_lines_make(const struct model_trace *trace, bool begun_here, enum trace_fold fold,
                      struct trace_lines *out)
{
    out->count = 0;
    for (unsigned i = 0; i < trace->count && i < MODEL_ROWS; i++) {
        const struct model_row *row = &trace->rows[i];
        switch (row->kind) {
        case TRACE_SEND:
            add_message(trace, i, fold, out);
            break;
        case TRACE_LOG_APPEND:
            if (row->answered ||
                strcmp(row->detail, "commit") == 0) /* what is not forced holds nobody up: no line */
                add(out, LINE_LOG, row->answered ? row->end_us : row->start_us, i);
            break;
        case TRACE_FENCE:
        case TRACE_RESOLVE:
            add(out, LINE_FINISH, row->end_us ? row->end_us : row->start_us, i);
            break;
        case TRACE_LOG_FAILED:
        case TRACE_FAULT:
        case TRACE_OUTCOME:
        case TRACE_VERDICT:
            add(out, LINE_WORDS, row->start_us, i);
            break;
        default:
            break;
        }
    }
    tell_states(trace, begun_here, out);
}
