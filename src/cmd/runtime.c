#include "config.h"

#include "xatop/runtime.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "links.h"
#include "place.h"
#include "strike.h"
#include "xatop/access.h"
#include "xatop/clock.h"
#include "xatop/console.h"
#include "xatop/disk.h"
#include "xatop/dlog_writer.h"
#include "xatop/engine.h"
#include "xatop/i18n.h"
#include "xatop/journal.h"
#include "xatop/lock.h"
#include "xatop/log.h"
#include "xatop/loop.h"
#include "xatop/prng.h"
#include "xatop/text.h"

enum { OUTBOX_CAPACITY = 16384, ADMIN_DEADLINE_MS = 2000 };

struct runtime {
    struct access access;
    struct disk disk;
    struct dlog *dlog;
    struct dlog_writer *writer;
    struct mailbox *outbox;
    struct node_mysql *nodes;
    struct engine *engine;
    struct engine_loop *loop;
    struct journal *journal;
    struct links *links;
    struct strikes *strikes;
    struct lock *lock; /* guards model */
    struct model model;
    int wake_fd;
    atomic_bool woken; /* since the last snapshot: one write per frame, not one per event */
    struct engine_config config;
    struct dlog_record *undischarged;
    uint32_t undischarged_count, undischarged_cap;
    bool disk_open, library_open;
};

static struct runtime_wishes wished; /* one runtime per process */

void runtime_wish(const struct runtime_wishes *wishes)
{
    wished = *wishes;
}

/* --- callbacks of the threads; each only hands over ------------------------------------------------------- */

static void log_done(void *arg, struct dlog_request *request)
{
    struct runtime *runtime = arg;
    xatop_assert(mailbox_post(runtime->outbox, request));
}

/* What a crash says last, made when the fault fired (engine thread), before the bytes that carry it out are handed on. */
static char last_words[256];

static void prepare_last_words(const struct runtime *runtime, const struct trace_event *event)
{
    char id[XATOP_GTRID_MAX + 1];
    struct text text;
    struct gtrid gtrid = {
        .log_id = runtime->config.coordinator.log_id, .epoch = event->epoch, .sequence = event->txn};
    text_copy(gtrid.coordinator, sizeof gtrid.coordinator, runtime->config.coordinator.id);
    gtrid_print(&gtrid, id);
    text_init(&text, last_words, sizeof last_words);
    text_printf(&text, _("xatop: injected %s in %s; run xatop recover\n"), event->detail, id);
}

static void crash_now(void *arg)
{
    (void)arg;
    console_emergency();
    (void)!write(STDERR_FILENO, last_words,
                 strlen(last_words)); /* the one thing a crash may still do: be seen */
    _exit(status_exit_code(STATUS_INJECTED_CRASH));
}

static void harm_now(void *arg, enum fault_act act, uint8_t node)
{
    struct runtime *runtime = arg;
    strikes_now(runtime->strikes, act, node);
}

static void harm_soon(void *arg, enum fault_act act, uint8_t node)
{
    struct runtime *runtime = arg;
    strikes_soon(runtime->strikes, act, node);
}

static void free_command(struct command *command, const struct report *report,
                         const struct recovery_report *recovery)
{
    (void)report, (void)recovery;
    free(command);
}

/* From a thread that must not wait for the engine: when its mailbox is full or closed, nobody needs to know any more. */
static void hint(struct runtime *runtime, const struct command *command)
{
    struct command *copy = malloc(sizeof *copy);
    if (!copy)
        return;
    *copy = *command;
    copy->completion.kind = COMPLETION_COMMAND;
    copy->done = free_command;
    if (!mailbox_post(runtime->outbox, copy))
        free(copy);
}

static void struck(void *arg, uint8_t node, int level, const char *words)
{
    struct command note = {.kind = COMMAND_NOTE, .level = level};
    struct command changed = {.kind = COMMAND_NODE_CHANGED, .node = node};
    text_copy(note.note, sizeof note.note, words);
    hint(arg, &note);
    hint(arg, &changed);
}

static void link_changed(void *arg, uint8_t node, const char *words)
{
    struck(arg, node, 0, words);
}

static void log_submit(void *ctx, struct dlog_request *request)
{
    struct runtime *runtime = ctx;
    dlog_writer_submit(runtime->writer, request);
}

static void note_for_operators(const struct trace_event *event)
{
    if (event->kind == TRACE_NOTICE)
        program_log(event->result == 0   ? LOG_LEVEL_INFO
                    : event->result == 1 ? LOG_LEVEL_WARNING
                                         : LOG_LEVEL_ERROR,
                    "%s", event->detail);
    else if (event->kind == TRACE_FAULT)
        program_log(LOG_LEVEL_WARNING, "fault fired: %s", event->detail);
}

/* From here a node behind a cut link only does not answer; we know why. */
static const struct trace_event *with_cut(struct runtime *runtime, const struct trace_event *event,
                                          struct trace_event *copy)
{
    bool away = event->kind == TRACE_NODE && (event->result == NODE_FROZEN || event->result == NODE_DOWN);
    if (!away || !links_cut(runtime->links, (uint8_t)(event->node - 1)))
        return event;
    *copy = *event;
    copy->result = NODE_CUT;
    return copy;
}

static void take_trace(void *ctx, const struct trace_event *emitted)
{
    struct runtime *runtime = ctx;
    struct trace_event copy;
    const struct trace_event *event = with_cut(runtime, emitted, &copy);
    lock_take(runtime->lock);
    model_apply(&runtime->model, event);
    lock_give(runtime->lock);
    if (!atomic_exchange(&runtime->woken, true))
        (void)eventfd_write(runtime->wake_fd, 1);
    if (event->kind == TRACE_FAULT && strncmp(event->detail, "crash", 5) == 0 && !last_words[0])
        prepare_last_words(runtime, event);
    if (runtime->journal)
        journal_event(runtime->journal, event);
    note_for_operators(event);
    if (wished.seen)
        wished.seen(wished.arg, event);
}

/* --- start ------------------------------------------------------------------------------------------------ */

static void keep_undischarged(void *arg, const struct dlog_record *record)
{
    struct runtime *runtime = arg;
    if (runtime->undischarged_count == runtime->undischarged_cap) {
        uint32_t cap = runtime->undischarged_cap ? 2 * runtime->undischarged_cap : 64;
        struct dlog_record *grown = realloc(runtime->undischarged, cap * sizeof *grown);
        xatop_assert(grown); /* without them recovery would presume abort of what was decided */
        runtime->undischarged = grown;
        runtime->undischarged_cap = cap;
    }
    runtime->undischarged[runtime->undischarged_count++] = *record;
}

static enum status open_log(struct runtime *runtime, struct app *app)
{
    char path[sizeof app->state_dir + 8];
    snprintf(path, sizeof path, "%s/dlog", app->state_dir);
    enum status status = disk_file_open(&runtime->disk, path, false, &app->err);
    if (status != STATUS_OK)
        return status;
    runtime->disk_open = true;
    struct coordinator *self = &runtime->config.coordinator;
    struct dlog_options options = {
        .coordinator = app->configuration.coordinator,
        .wall_ms = clock_wall_ms(),
        .pid = getpid(),
        .host = self->host,
        .retention_ms = app->configuration.retention_s * 1000,
    };
    random_bytes(&options.new_log_id, sizeof options.new_log_id);
    status = dlog_open(&runtime->dlog, &runtime->disk, &options, &app->err);
    if (status != STATUS_OK)
        return status;
    status = place_of(path, &self->place, &app->err);
    if (status != STATUS_OK)
        return status;
    self->log_id = dlog_log_id(runtime->dlog);
    self->epoch = dlog_epoch(runtime->dlog);
    dlog_undischarged(runtime->dlog, keep_undischarged, runtime);
    struct dlog_writer_hooks hooks = {.done = log_done, .crash = crash_now, .harm = harm_now, .arg = runtime};
    return dlog_writer_start(&runtime->writer, runtime->dlog, &hooks, &app->err);
}

/* The shape of the data is what the nodes hold; one that is away is taken as holding its sample share. */
static void count_shape(struct runtime *runtime)
{
    struct shape total = {.node_count = runtime->access.count};
    bool whole = true;
    int64_t deadline_ms = clock_mono_ms() + ADMIN_DEADLINE_MS; /* of all: frozen ones must not add up */
    for (uint8_t i = 0; i < runtime->access.count; i++) {
        struct node_admin *admin;
        struct shape here = {0};
        bool counted =
            node_admin_open(&admin, &runtime->access.nodes[i], false, deadline_ms, NULL) == STATUS_OK;
        if (counted) {
            counted = node_admin_count(admin, &here, NULL) == STATUS_OK;
            node_admin_close(admin);
        }
        whole = whole && counted;
        total.accounts += here.accounts;
        total.products += here.products;
        total.customers += here.customers;
    }
    if (whole)
        runtime->config.shape = total;
}

static void fill_engine_config(struct runtime *runtime, const struct app *app)
{
    const struct configuration *configuration = &app->configuration;
    struct engine_config *config = &runtime->config;
    struct coordinator *self = &config->coordinator;
    text_copy(self->id, sizeof self->id, configuration->coordinator);
    self->pid = getpid();
    self->since_wall_ms = clock_wall_ms();
    if (gethostname(self->host, sizeof self->host - 1) != 0)
        text_copy(self->host, sizeof self->host, "unknown");
    config->node_count = runtime->access.count;
    const char *names[XATOP_NODES_MAX];
    for (uint8_t i = 0; i < config->node_count; i++) {
        names[i] = runtime->access.nodes[i].name;
        text_copy(config->node_names[i], sizeof config->node_names[i], names[i]);
    }
    model_init(&runtime->model, names, config->node_count);
    config->shape = (struct shape){config->node_count, SAMPLE_ACCOUNTS, SAMPLE_PRODUCTS, SAMPLE_CUSTOMERS};
    config->limits = (struct txn_limits){
        .transaction_timeout_ms = configuration->transaction_timeout_ms,
        .prepare_timeout_ms = configuration->prepare_timeout_ms,
        .finish_timeout_ms = configuration->finish_timeout_ms,
        .settle_ms = configuration->settle_ms,
        .backoff_ms = 100,
        .backoff_max_ms = 5000,
    };
    config->take_over = app->globals[GLOBAL_take_over].given;
    if (config->take_over)
        text_sanitise_cstr(config->take_over_reason, sizeof config->take_over_reason,
                           app->globals[GLOBAL_take_over].string);
    config->processes = strikes_processes(app);
    config->unsafe = app->globals[GLOBAL_unsafe].given;
    if (config->unsafe)
        program_log(LOG_LEVEL_WARNING, "--unsafe: nodes that the preflight refuses are used all the same");
    config->links = links_mask(app);
    config->max_inflight = (uint16_t)configuration->max_inflight;
    config->max_retries = (uint16_t)configuration->max_retries;
    config->health_ms = 1000;
    config->floor_ms = 3000;
    config->retention_ms = configuration->retention_s * 1000;
    random_bytes(&config->seed, sizeof config->seed);
}

static enum status start_nodes(struct runtime *runtime, struct app *app)
{
    struct node_mysql_options options = {
        .coordinator = runtime->config.coordinator,
        .carriers = runtime->config.max_inflight,
        .transaction_timeout_ms = app->configuration.transaction_timeout_ms,
        .lock_wait_ms = app->configuration.lock_wait_s * 1000,
        .connect_timeout_ms = app->configuration.connect_timeout_ms,
        .crash = crash_now,
        .harm = harm_now,
        .hook_ctx = runtime,
    };
    return node_mysql_start(&runtime->nodes, runtime->access.nodes, runtime->access.count, &options,
                            runtime->outbox, &app->err);
}

static enum status start_engine(struct runtime *runtime, struct app *app)
{
    char path[sizeof app->state_dir + 16];
    snprintf(path, sizeof path, "%s/journal.jsonl", app->state_dir);
    enum status status = journal_open(&runtime->journal, path, &runtime->config.coordinator,
                                      (const char(*)[XATOP_NAME_MAX + 1]) runtime->config.node_names,
                                      runtime->config.node_count, &app->err);
    if (status != STATUS_OK)
        return status;
    struct engine_ports ports = {
        .node = node_mysql_port(runtime->nodes),
        .log = {.ctx = runtime, .submit = log_submit},
        .ctx = runtime,
        .trace = take_trace,
        .crash = crash_now,
        .harm = harm_soon,
    };
    runtime->engine =
        engine_new(&runtime->config, &ports, runtime->undischarged, runtime->undischarged_count);
    free(runtime->undischarged);
    runtime->undischarged = NULL;
    if (!runtime->engine)
        return err_set(&app->err, STATUS_INTERNAL, _("engine: out of memory"));
    return engine_loop_start(&runtime->loop, runtime->engine, runtime->outbox, NULL, &app->err);
}

/* A fault that cannot be parsed must be known before anything starts: the specs are checked here, armed by the engine. */
static enum status arm_faults(struct runtime *runtime, struct app *app)
{
    const char *names[XATOP_NODES_MAX];
    for (uint8_t i = 0; i < runtime->config.node_count; i++)
        names[i] = runtime->config.node_names[i];
    for (int i = 0; i < app->fault_count; i++) {
        struct fault fault;
        enum status status =
            fault_parse(app->faults[i], names, runtime->config.node_count, &fault, &app->err);
        if (status != STATUS_OK)
            return status;
        struct command command = {.kind = COMMAND_FAULT};
        struct report report;
        text_copy(command.fault, sizeof command.fault, app->faults[i]);
        runtime_ask(runtime, &command, &report, NULL);
        if (report.status != STATUS_OK)
            return err_set(&app->err, report.status, "%s", report.reason);
    }
    return STATUS_OK;
}

enum status runtime_start(struct app *app, unsigned flags, struct runtime **out)
{
    enum status status = app_state_create(app);
    if (status != STATUS_OK)
        return status;
    struct runtime *runtime = calloc(1, sizeof *runtime);
    if (!runtime)
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    runtime->lock = lock_new();
    runtime->outbox = mailbox_new(OUTBOX_CAPACITY);
    runtime->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    status = runtime->lock && runtime->outbox && runtime->wake_fd >= 0
                 ? access_load(app, &runtime->access)
                 : err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    if (status == STATUS_OK)
        fill_engine_config(runtime, app);
    runtime->config.manual_recovery = flags & RUNTIME_MANUAL_RECOVERY;
    struct strikes_hooks hooks = {.told = struck, .arg = runtime};
    if (status == STATUS_OK)
        status = open_log(runtime, app);
    if (status == STATUS_OK)
        status = links_start(&runtime->links, app, &runtime->access, link_changed, runtime, &app->err);
    if (status == STATUS_OK)
        status = strikes_start(&runtime->strikes, app, runtime->links, &hooks, &app->err);
    if (status == STATUS_OK)
        status = node_mysql_library_init(&app->err);
    if (status == STATUS_OK) {
        runtime->library_open = true;
        if (wished.shape.accounts > 0)
            runtime->config.shape = wished.shape;
        else if (flags & RUNTIME_COUNT_ROWS)
            count_shape(runtime);
        status = start_nodes(runtime, app);
    }
    if (status == STATUS_OK)
        status = start_engine(runtime, app);
    if (status == STATUS_OK)
        status = arm_faults(runtime, app);
    if (status != STATUS_OK) {
        runtime_stop(runtime, 0);
        return status;
    }
    *out = runtime;
    return STATUS_OK;
}

uint32_t runtime_stop(struct runtime *runtime, int64_t drain_ms)
{
    if (!runtime)
        return 0;
    uint32_t unfinished = runtime->loop ? engine_loop_stop(runtime->loop, drain_ms) : 0;
    links_hang_up(runtime->links);
    node_mysql_stop(runtime->nodes);
    dlog_writer_stop(runtime->writer);
    strikes_stop(runtime->strikes);
    links_stop(runtime->links);
    engine_free(runtime->engine);
    dlog_close(runtime->dlog);
    if (runtime->disk_open)
        disk_file_close(&runtime->disk);
    uint64_t lost = journal_close(runtime->journal);
    if (lost)
        program_log(LOG_LEVEL_WARNING, "journal: %" PRIu64 " events were lost", lost);
    if (runtime->library_open)
        node_mysql_library_end();
    mailbox_free(runtime->outbox);
    if (runtime->wake_fd >= 0)
        close(runtime->wake_fd);
    lock_free(runtime->lock);
    access_wipe(&runtime->access);
    free(runtime->undischarged);
    free(runtime);
    return unfinished;
}

/* --- asking ------------------------------------------------------------------------------------------------- */

void runtime_post(struct runtime *runtime, struct command *command)
{
    xatop_assert(engine_loop_post(runtime->loop, command)); /* the outbox holds more than may ever be out */
}

struct answer {
    struct mailbox *box;
    struct report report;
    struct recovery_report recovery;
};

static void answered(struct command *command, const struct report *report,
                     const struct recovery_report *recovery)
{
    struct answer *answer = command->arg;
    if (report)
        answer->report = *report;
    if (recovery) {
        answer->recovery = *recovery;
        size_t bytes = recovery->verdict_count * sizeof *recovery->verdicts;
        answer->recovery.verdicts = bytes ? malloc(bytes) : NULL;
        if (answer->recovery.verdicts)
            memcpy(answer->recovery.verdicts, recovery->verdicts, bytes);
        else
            answer->recovery.verdict_count = 0;
    }
    xatop_assert(mailbox_post(answer->box, command));
}

void runtime_ask(struct runtime *runtime, const struct command *command, struct report *report,
                 struct recovery_report *recovery)
{
    struct answer answer = {.box = mailbox_new(1)};
    struct command *copy = malloc(sizeof *copy);
    xatop_assert(answer.box && copy);
    *copy = *command;
    copy->completion.kind = COMPLETION_COMMAND;
    copy->done = answered;
    copy->arg = &answer;
    runtime_post(runtime, copy);
    void *item;
    while (mailbox_wait(answer.box, &item, 1, -1) == 0)
        ;
    free(copy);
    mailbox_free(answer.box);
    if (report)
        *report = answer.report;
    if (recovery)
        *recovery = answer.recovery;
    else
        free(answer.recovery.verdicts);
}

bool runtime_snapshot(struct runtime *runtime, uint64_t known, struct model *out)
{
    atomic_store(&runtime->woken, false);
    lock_take(runtime->lock);
    bool changed = runtime->model.events != known;
    if (changed)
        *out = runtime->model;
    lock_give(runtime->lock);
    return changed;
}

uint64_t runtime_events(struct runtime *runtime)
{
    atomic_store(&runtime->woken, false);
    lock_take(runtime->lock);
    uint64_t events = runtime->model.events;
    lock_give(runtime->lock);
    return events;
}

uint64_t runtime_outcomes(struct runtime *runtime)
{
    lock_take(runtime->lock);
    uint64_t outcomes = runtime->model.committed + runtime->model.aborted;
    lock_give(runtime->lock);
    return outcomes;
}

int runtime_wake_fd(const struct runtime *runtime)
{
    return runtime->wake_fd;
}

const struct shape *runtime_shape(const struct runtime *runtime)
{
    return &runtime->config.shape;
}
