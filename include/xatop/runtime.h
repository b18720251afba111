/* The coordinator, wired: decision log, log thread, nodes, engine thread, journal and model under one state directory.
 *
 * One per process. The state directory's log is locked for as long as it runs: a second one is refused with STATUS_STATE and the
 * holder's pid. All calls: main thread, except runtime_post, runtime_snapshot (any). */
#ifndef XATOP_RUNTIME_H
#define XATOP_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/cmd.h"
#include "xatop/command.h"
#include "xatop/model.h"
#include "xatop/scenario.h"
#include "xatop/trace.h"

struct runtime; /* opaque */

/* What whoever measures a run may want of the next runtime_start. */
struct runtime_wishes {
    void (*seen)(void *arg, const struct trace_event *event); /* every event, on the engine thread: only count; NULL: none */
    void *arg;
    struct shape shape; /* known already, so nobody is asked; accounts 0: not known */
};
void runtime_wish(const struct runtime_wishes *wishes);

enum {
    RUNTIME_COUNT_ROWS = 1,      /* ask the nodes how many rows there are (random transactions need it) */
    RUNTIME_MANUAL_RECOVERY = 2, /* finish nothing of the past until COMMAND_RECOVER */
};

/* Open the log (a new epoch), start every thread, arm the faults of the command line. Nodes are raised and recovered behind the
 * scenes; work that needs them waits for that. app->err on failure. */
enum status runtime_start(struct app *app, unsigned flags, struct runtime **out);
/* Take no more work, let what is in flight end (at most @drain_ms), close. Returns transactions still unfinished: the next
 * start finds them in the log. NULL is allowed. */
uint32_t runtime_stop(struct runtime *runtime, int64_t drain_ms);

/* Hand a malloc'd command to the engine; it owns it until its done callback (engine thread), which frees or hands it over. */
void runtime_post(struct runtime *runtime, struct command *command);
/* Post a copy of @command and wait for its answer. @recovery (may be NULL): its verdicts are malloc'd, the caller frees. */
void runtime_ask(struct runtime *runtime, const struct command *command, struct report *report,
                 struct recovery_report *recovery);

/* Copy what people want to see, unless it still is what @known (model.events of an earlier copy) was: then false. Holds the
 * engine up for one copy. */
bool runtime_snapshot(struct runtime *runtime, uint64_t known, struct model *out);
/* model.events of a snapshot taken now; counts as one for the eventfd. */
uint64_t runtime_events(struct runtime *runtime);
/* Transactions told about in this run. */
uint64_t runtime_outcomes(struct runtime *runtime);
/* An eventfd that becomes readable when something happened after the last snapshot. */
int runtime_wake_fd(const struct runtime *runtime);
const struct shape *runtime_shape(const struct runtime *runtime);

#endif
