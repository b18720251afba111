/* Private to the trace pane: the rows of a trace as lines to be drawn, in the order in which things happened. Pure. */
#ifndef XATOP_UI_TRACE_LINES_H
#define XATOP_UI_TRACE_LINES_H

#include "xatop/model.h"

enum { TRACE_LINES_MAX = 2 * MODEL_ROWS };

enum trace_line_kind {
    LINE_SEND,   /* an arrow out; row = the message */
    LINE_REPLY,  /* an arrow back */
    LINE_ROUND,  /* folded: the same message to several branches, with the answers; rows[branch - 1] */
    LINE_LOG,    /* the forced write */
    LINE_FINISH, /* fence or foreign finish: a connection of its own */
    LINE_WORDS   /* fault, outcome, verdict */
};

struct trace_line {
    enum trace_line_kind kind;
    int64_t at_us;                    /* absolute, as in the trace */
    uint16_t row;                     /* index in the trace; ROUND: of the first */
    uint8_t rows[XATOP_BRANCHES_MAX]; /* ROUND: index + 1 of each branch's message; 0: none */
    int8_t state; /* enum txn_state that had just been entered when the line happened; -1: none new */
};

struct trace_lines {
    unsigned count;
    struct trace_line lines[TRACE_LINES_MAX];
};

enum trace_fold {
    FOLD_NOT,    /* every send and every reply a line of its own */
    FOLD_ROUNDS, /* one line for messages of the same words that were on their way together */
    FOLD_STEPS /* one line for messages of the same words, though one branch was ahead of the other; its time is the first's */
};
/* @begun_here: it starts ACTIVE. */
void trace_lines_make(const struct model_trace *trace, bool begun_here, enum trace_fold fold,
                      struct trace_lines *out);

#endif
