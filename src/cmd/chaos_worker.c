/* The coordinator under chaos: the real runtime, streams of both scenarios, orders on standard input, counts in shared memory. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chaos.h"
#include "xatop/clock.h"
#include "xatop/command.h"
#include "xatop/fault.h"
#include "xatop/i18n.h"
#include "xatop/runtime.h"
#include "xatop/text.h"
#include "xatop/vocab.h"

enum {
    TRANSFERS = 6,
    ORDERS = 4,
    TURN_MS = 100,
    WIRE_TURNS = 10,
    SETTLE_MS = 3000,
    DRAIN_MS = 10000,
    ORDER_MAX = 160
};
/* Shorter than what people want: a minute of chaos must see many transactions end. */
enum {
    TRANSACTION_MS = CHAOS_ANSWER_MS,
    STATEMENT_MS = 2000,
    CONNECT_MS = 2000,
    LOCK_WAIT_S = 1,
    INFLIGHT = 32
};

struct worker_state {
    struct chaos_shared *shared;
    struct runtime *runtime;
    char line[ORDER_MAX];
    size_t len;
    unsigned turns;
    bool loaded, settling, over;
};

/* --- counting, on the engine thread --- */

static void answered(struct chaos_shared *shared, int64_t now_us, bool committed)
{
    int64_t gap_us = now_us - shared->last_answer_us;
    if (gap_us > CHAOS_GAP_US)
        shared->unavailable_us += gap_us;
    if (gap_us > shared->longest_gap_us)
        shared->longest_gap_us = gap_us;
    shared->last_answer_us = now_us;
    if (!committed)
        return;
    gap_us = now_us - shared->last_commit_us;
    if (gap_us > shared->longest_commit_gap_us)
        shared->longest_commit_gap_us = gap_us;
    shared->last_commit_us = now_us;
}

static void count_outcome(struct chaos_shared *shared, const struct trace_event *event)
{
    switch (event->result) {
    case OUTCOME_COMMITTED:
        shared->committed++;
        break;
    case OUTCOME_ABORTED:
        shared->aborted++;
        break;
    case OUTCOME_COMMITTED_PENDING:
    case OUTCOME_ABORTED_PENDING:
        shared->pending++;
        break;
    default:
        shared->in_doubt++; /* no answer */
        return;
    }
    answered(shared, event->mono_us,
             event->result == OUTCOME_COMMITTED || event->result == OUTCOME_COMMITTED_PENDING);
}

static void count_fault(struct chaos_shared *shared, const char *spec)
{
    const struct fault_kind *const *kinds = fault_kinds();
    size_t len = strcspn(spec, "=@");
    for (unsigned i = 0; kinds[i] && i < CHAOS_FAULT_KINDS_MAX; i++)
        if (strlen(kinds[i]->name) == len && strncmp(kinds[i]->name, spec, len) == 0)
            shared->fired[i]++;
}

static void seen(void *arg, const struct trace_event *event)
{
    struct chaos_shared *shared = arg;
    switch (event->kind) {
    case TRACE_OUTCOME:
        count_outcome(shared, event);
        break;
    case TRACE_FAULT:
        count_fault(shared, event->detail);
        break;
    case TRACE_RESOLVE:
        shared->recovered += event->result == FINDING_COMMITTED || event->result == FINDING_ROLLED_BACK;
        break;
    case TRACE_LOG_FAILED:
        shared->log_failed = 1;
        break;
    case TRACE_NOTICE:
        if (event->n[0] == 1 && event->node > 0) {
            shared->phantoms++;
            shared->surface |= 1u << (event->node - 1);
        }
        break;
    default:
        break;
    }
}

/* --- orders --- */

static void stream(struct worker_state *worker, uint16_t transfers, uint16_t orders)
{
    bool packet = worker->turns / WIRE_TURNS % 2;
    for (uint8_t i = 0; i < 2; i++) {
        struct command command = {.kind = COMMAND_STREAM,
                                  .scenario = i,
                                  .inflight = i == 0 ? transfers : orders,
                                  .packet = packet ^ (i == 1)};
        runtime_ask(worker->runtime, &command, NULL, NULL);
    }
}

static void obey(struct worker_state *worker, const char *order)
{
    struct command fault = {.kind = COMMAND_FAULT};
    if (strncmp(order, "arm ", 4) == 0) {
        text_copy(fault.fault, sizeof fault.fault, order + 4);
        runtime_ask(worker->runtime, &fault, NULL, NULL);
    } else if (strcmp(order, "settle") == 0) {
        runtime_ask(worker->runtime, &fault, NULL, NULL); /* disarms */
        stream(worker, 0, 0);
        worker->settling = true;
    } else if (strcmp(order, "load") == 0) {
        worker->loaded = true;
        stream(worker, TRANSFERS, ORDERS);
    } else if (strcmp(order, "quit") == 0) {
        worker->over = true;
    }
}

/* Lines; the end of it is the end of the supervisor. */
static void read_orders(struct worker_state *worker, int timeout_ms)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&in, 1, timeout_ms) <= 0)
        return;
    ssize_t n = read(STDIN_FILENO, worker->line + worker->len, sizeof worker->line - 1 - worker->len);
    if (n <= 0) {
        worker->over = n == 0 || errno != EINTR;
        return;
    }
    worker->len += (size_t)n;
    worker->line[worker->len] = '\0';
    for (char *end; (end = strchr(worker->line, '\n'));) {
        *end = '\0';
        obey(worker, worker->line);
        worker->len -= (size_t)(end + 1 - worker->line);
        memmove(worker->line, end + 1, worker->len + 1);
    }
    if (worker->len == sizeof worker->line - 1) /* no order of ours is that long */
        worker->len = 0;
}

static void settle(struct worker_state *worker)
{
    struct command recover = {.kind = COMMAND_RECOVER, .wait_ms = SETTLE_MS};
    struct recovery_report recovery = {.status = STATUS_OK};
    runtime_ask(worker->runtime, &recover, NULL, &recovery);
    free(recovery.verdicts);
    worker->shared->unfinished = recovery.unfinished;
    worker->shared->settled = recovery.status == STATUS_OK && recovery.unfinished == 0 &&
                              recovery.unreachable == 0 && recovery.ambiguous == 0;
}

static void at_most(int64_t *value, int64_t max)
{
    if (*value > max)
        *value = max;
}

enum status chaos_worker(struct app *app)
{
    struct configuration *configuration = &app->configuration;
    struct worker_state worker = {.shared = app->word_count == 2 ? chaos_shared_open(app->words[1]) : NULL};
    if (!worker.shared)
        return err_set(&app->err, STATUS_USAGE, _("chaos: takes no words; see xatop chaos --help"));
    uint64_t steady = 0; /* the next ask's number */
    at_most(&configuration->transaction_timeout_ms, TRANSACTION_MS);
    at_most(&configuration->prepare_timeout_ms, STATEMENT_MS);
    at_most(&configuration->finish_timeout_ms, STATEMENT_MS);
    at_most(&configuration->connect_timeout_ms, CONNECT_MS);
    at_most(&configuration->lock_wait_s, LOCK_WAIT_S);
    at_most(&configuration->max_inflight, INFLIGHT);
    runtime_wish(&(struct runtime_wishes){.seen = seen, .arg = worker.shared, .shape = worker.shared->shape});
    enum status status = runtime_start(app, RUNTIME_COUNT_ROWS, &worker.runtime);
    if (status != STATUS_OK)
        return status;
    worker.shared->ready = 1;
    while (!worker.over && !worker.shared->log_failed) {
        int next_ms = chaos_steady_turn(worker.runtime, worker.shared, &steady);
        read_orders(&worker, next_ms >= 0 && next_ms < TURN_MS ? next_ms : TURN_MS);
        if (worker.settling)
            settle(&worker);
        else if (worker.loaded && ++worker.turns % WIRE_TURNS == 0) /* statements and packets, in turn */
            stream(&worker, TRANSFERS, ORDERS);
    }
    worker.shared->unfinished = runtime_stop(worker.runtime, worker.shared->log_failed ? 0 : DRAIN_MS);
    return STATUS_OK;
}
