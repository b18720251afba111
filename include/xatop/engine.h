/* The engine: the only code that knows both the core and the ports. One turn: take completions and commands, step
 * transactions, dispatch actions through the gate, emit trace. It never blocks: no client call, no fsync, no terminal.
 *
 * Everything here is single-threaded and free of threads, clocks and files, so that the simulator runs this very code
 * (libcore); loop.c (librest) gives it a thread, a clock and an outbox. */
#ifndef XATOP_ENGINE_H
#define XATOP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/command.h"
#include "xatop/dlog_writer.h"
#include "xatop/fault.h"
#include "xatop/node.h"
#include "xatop/scenario.h"
#include "xatop/trace.h"
#include "xatop/txn.h"

/* To the log thread. Completes as engine_log_done with the same request. */
struct log_port {
    void *ctx;
    void (*submit)(void *ctx, struct dlog_request *request);
};

struct engine_ports {
    struct node_port node;
    struct log_port log;
    void *ctx;
    void (*trace)(void *ctx, const struct trace_event *event);
    void (*crash)(
        void *
            ctx); /* an injected crash at an engine point (begin, forget). If it returns, the engine is dead: from
                               * then on every call does nothing, it waits to be freed */
    void (*harm)(void *ctx, enum fault_act act,
                 uint8_t node); /* strike a node that config.processes or .links allow; must only
                                                                * hand over. NULL: nothing happens */
};

struct engine_config {
    struct coordinator coordinator;
    bool unsafe;    /* nodes that the preflight refuses are used all the same, with an alarm */
    bool take_over; /* the operator claims the coordinator id from another decision log, or place of it (xa-facts rule 3) */
    char take_over_reason[XATOP_REASON_MAX]; /* sanitised; said before anything is done */
    uint8_t node_count;
    char node_names[XATOP_NODES_MAX][XATOP_NAME_MAX + 1];
    uint16_t processes, links; /* bit i: node i may be killed and frozen; its link cut (fault_allowed) */
    struct shape shape;
    struct txn_limits limits;
    uint16_t max_inflight; /* carriers */
    uint16_t max_retries;
    int64_t health_ms;    /* between samples per node; 0: only when asked */
    int64_t floor_ms;     /* between rounds of verifying and removing markers (floor.h); 0: never */
    int64_t retention_ms; /* no marker younger than this is removed */
    uint64_t seed;
    bool
        manual_recovery; /* look at and finish nothing of the past until COMMAND_RECOVER (xatop recover, also --dry-run) */
    bool (*log_healthy)(void *ctx); /* ctx of the log port; NULL: only failed requests tell */
};

struct engine; /* opaque */

/* Ports complete later, by a call below: never from inside send, control or submit.
 * @undischarged: COMMIT records that stood undischarged when the log was opened; copied. NULL only when out of memory. */
struct engine *engine_new(const struct engine_config *config, const struct engine_ports *ports,
                          const struct dlog_record *undischarged, uint32_t undischarged_count);
/* What it handed to the ports must not be in use any more: stop their threads first. */
void engine_free(struct engine *engine);

void engine_message_done(struct engine *engine, struct message *message, int64_t now_us);
void engine_control_done(struct engine *engine, struct control *control, int64_t now_us);
void engine_log_done(struct engine *engine, struct dlog_request *request, int64_t now_us);
void engine_command(struct engine *engine, struct command *command, int64_t now_us);
/* Do what is due. Call after completions and at engine_deadline_ms. */
void engine_turn(struct engine *engine, int64_t now_us, int64_t wall_ms);
int64_t engine_deadline_ms(const struct engine *engine);
/* Transactions not finished everywhere (in flight and recovered); undecided work waiting is not counted. */
uint32_t engine_unfinished(const struct engine *engine);
bool engine_idle(const struct engine *engine);
/* STATUS_OK while work is taken; else why not (another log owns the id, newer epoch, the log failed). */
enum status engine_health(const struct engine *engine, struct err *err);

#endif
