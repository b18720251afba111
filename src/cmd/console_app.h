/* Private to the console's ports: what its files share. Everything slow (starting a server) is done by a worker of its own. */
#ifndef XATOP_CMD_CONSOLE_APP_H
#define XATOP_CMD_CONSOLE_APP_H

#include <stdatomic.h>

#include "xatop/cmd.h"
#include "xatop/console.h"
#include "xatop/prng.h"
#include "xatop/runtime.h"
#include "xatop/worker.h"

enum { CONSOLE_DRAIN_MS = 10000 };

struct console_app {
    struct app *app;
    struct runtime *runtime;
    struct worker *hands;   /* starts and kills servers, touches links */
    struct app *audit_app;  /* the auditor's own: its errors are not the screen's */
    struct worker *auditor; /* audits while work goes on, at most a twentieth of the time */
    struct app *asker_app;  /* likewise of who asks the nodes who waits */
    struct worker *asker;
    struct mailbox *answers; /* struct console_answer, malloc'd, from the engine's thread to the screen's */
    atomic_bool looking;     /* a dry run is under way */
    atomic_bool asking;      /* who waits is being asked */
    struct prng prng;
    uint16_t streams[2]; /* bank, inventory */
};

/* A copy of @command to the engine; nobody hears of its answer. */
enum status console_post(struct console_app *console, const struct command *command, struct err *err);
/* The ports of console.h: main thread. */
enum status console_wish(void *ctx, const struct console_request *request, struct err *err);
bool console_answer_take(void *ctx, struct console_answer *out);
/* Works off what a wish handed to the hands. */
void console_hand(void *arg, void *item);
/* From the engine's thread or a worker: words for the screen. Only hands over. */
void console_tell(struct console_app *console, int level, const char *words);
/* The same about a branch: not a toast. */
void console_tell_of(struct console_app *console, const char *xid, const char *words);
/* Works off one question who waits for a branch (struct waiters_job, malloc'd). */
void console_ask_waiters(void *arg, void *item);
enum status console_waiters_wish(struct console_app *console, uint8_t node, const char *xid, struct err *err);
/* The fault language as data; lives as long as the program. Which nodes each kind may strike is of this configuration. */
void console_fault_table(const struct app *app, struct console_faults *out);

#endif
