/* The console: full screen, from a model's snapshots in, to a few wishes out. It knows no engine, no lab and no configuration:
 * whoever runs it fills in the ports (the runtime; a test with a recorded journal).
 *
 * Everything here happens on the main thread. Every port call must return at once: the work goes on elsewhere and is seen
 * again in the next snapshot or as a notice. */
#ifndef XATOP_CONSOLE_H
#define XATOP_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/model.h"
#include "xatop/status.h"
#include "xatop/text.h"

/* What the model cannot know. Filled by the snapshot port together with the model. */
struct console_status {
    uint32_t inflight;          /* transactions in the engine now */
    uint16_t transfers, orders; /* kept going by streams; 0: none */
    uint64_t generation;        /* rises with every change of model or status */
};

enum console_wish {
    WISH_TRANSFER,  /* one bank transfer with random valid parameters */
    WISH_ORDER,     /* one order likewise */
    WISH_TRANSFERS, /* keep number of them in flight; 0 stops */
    WISH_ORDERS,
    WISH_RECOVER,   /* one recovery pass */
    WISH_LOOK,      /* its verdicts only; asked for every few seconds while they are on the screen */
    WISH_KILL,      /* SIGKILL node (index in number) */
    WISH_RESTART,   /* bring node (index in number) back */
    WISH_STOP_NODE, /* SIGSTOP node (index in number) ... */
    WISH_GO_ON,     /* SIGCONT */
    WISH_CUT,       /* its link ... */
    WISH_HEAL,
    WISH_ARM,       /* the fault in words; "" disarms all */
    WISH_WAITERS,   /* who waits for the locks of the branch xid on node number: an answer about that xid */
    WISH_FORCE      /* finish the branch xid by hand: number of CONSOLE_FORCE_ bits; the reason in words */
};

enum { CONSOLE_FORCE_COMMIT = 1, CONSOLE_FORCE_AGAINST = 2 }; /* else roll back; also against what the log says */

struct console_request {
    enum console_wish wish;
    uint16_t number;
    const char *words, *xid; /* valid during the call; never NULL when the wish needs them */
};

/* What became of a wish, when that is not to be seen in the model. */
struct console_answer {
    int level; /* 0 done, 1 refused, 2 alarm */
    char words[XATOP_ERROR_MAX];
    char xid[XATOP_REASON_MAX]; /* of WAITERS; else "" */
};

/* The fault language, for whoever offers it as a menu. Tables outlive the console. */
struct console_fault_kind {
    const char *name, *help;
    bool takes_ms, strikes; /* strikes: a node, so at a point of no node one must be named */
    uint16_t nodes;         /* bit i: node i may be struck by it */
    uint32_t points;        /* bit i: it has a meaning at points[i] */
};
struct console_fault_point {
    const char *name;
    bool per_node;
};
struct console_faults {
    const struct console_fault_kind *kinds;
    const struct console_fault_point *points;
    uint8_t kind_count, point_count;
};

struct console_ports {
    void *ctx;
    /* Always fill in the status. Copy the model, unless @known, the generation the console has, is still that one: then
     * return false. 0: always copy. @out NULL: the status only (the view is frozen); true if the generation has moved on. */
    bool (*snapshot)(void *ctx, uint64_t known, struct model *out, struct console_status *status);
    /* An eventfd (non-blocking) that becomes readable when something changed; the console reads it empty. -1: none. */
    int wake_fd;
    /* STATUS_OK: taken, the rest is seen in the snapshots. Else @err is shown. */
    enum status (*wish)(void *ctx, const struct console_request *request, struct err *err);
    /* The oldest answer that nobody has taken; false: none. When one comes, wake_fd becomes readable. */
    bool (*answer)(void *ctx, struct console_answer *out);
    /* For leaving: append what is unfinished, one line each, to @out; returns how many transactions. */
    uint32_t (*unfinished)(void *ctx, struct text *out);
    struct console_faults faults;
    const char *title;    /* of the header, e.g. the configuration's name; "" none */
    bool read_only;       /* nothing that acts or destroys */
    bool no_color;        /* also if $NO_COLOR is set and not empty */
    bool ascii;           /* also if the locale's codeset is not UTF-8 */
    uint8_t node_count;
    int64_t refresh_ms;   /* 0: 1000 */
};

enum console_end {
    CONSOLE_QUIT,     /* asked to */
    CONSOLE_TERMINAL, /* the terminal is gone: finish by policy and exit within a second */
    CONSOLE_SIGNAL,   /* HUP, INT or TERM: finish by policy, then console_reraise */
    CONSOLE_FAILED    /* never came up: @err says why in one line */
};

/* Until somebody leaves. The terminal is as it was when this returns, and after QUIT, SEGV, ABRT, BUS and FPE as well (then
 * the signal is raised again at once). @signal_number: of CONSOLE_SIGNAL. */
enum console_end console_run(const struct console_ports *ports, int *signal_number, struct err *err);
/* For who ends the process in the middle of everything (an injected crash): the terminal as it was, standard error as it was. Any
 * thread, any signal handler; nothing happens if no console is on. */
void console_emergency(void);
/* End this process by @signal_number with its default action, so that the parent sees the truth. */
_Noreturn void console_reraise(int signal_number);

#endif
