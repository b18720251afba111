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
    uint8_t faults_armed;
    uint64_t generation;        /* rises with every change of model or status */
};

enum console_wish {
    WISH_TRANSFER,  /* one bank transfer with random valid parameters */
    WISH_ORDER,     /* one order likewise */
    WISH_TRANSFERS, /* keep number of them in flight; 0 stops */
    WISH_ORDERS,
    WISH_RECOVER,   /* one recovery pass */
    WISH_KILL,      /* SIGKILL node (index in number) */
    WISH_RESTART    /* bring node (index in number) back */
};

struct console_ports {
    void *ctx;
    /* Always fill in the status. Copy the model, unless @known, the generation the console has, is still that one: then
     * return false. 0: always copy. @out NULL: the status only (the view is frozen); true if the generation has moved on. */
    bool (*snapshot)(void *ctx, uint64_t known, struct model *out, struct console_status *status);
    /* An eventfd (non-blocking) that becomes readable when something changed; the console reads it empty. -1: none. */
    int wake_fd;
    /* STATUS_OK: taken, the rest is seen in the snapshots. Else @err is shown. */
    enum status (*wish)(void *ctx, enum console_wish wish, uint16_t number, struct err *err);
    /* For leaving: append what is unfinished, one line each, to @out; returns how many transactions. */
    uint32_t (*unfinished)(void *ctx, struct text *out);
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
/* End this process by @signal_number with its default action, so that the parent sees the truth. */
_Noreturn void console_reraise(int signal_number);

#endif
