#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "audit_run.h"
#include "console_app.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/log.h"

/* The console's ports on the real coordinator. */

enum { HANDS_QUEUE = 16, ANSWERS_QUEUE = 64, DRAIN_LOST_MS = 700 };
/* The whole of leaving: a node that does not answer (an audit's connect, a restart's wait) must not keep the program. */
enum { LEAVE_MS = 15000, LEAVE_LOST_MS = 900 };
enum { AUDIT_PAUSE_MS = 4000, AUDIT_SHARE = 20, AUDIT_IDLE_MS = 30000, AUDIT_DEADLINE_MS = 10000 };

/* Everything the audit needs is its own: sessions, passwords, errors. Only @console->runtime is shared. */
static bool audit_once(struct console_app *console, struct app *app)
{
    struct log_view log;
    struct audit_run run = {.missing = NULL};
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return false;
    inspect_deadline(nodes, AUDIT_DEADLINE_MS);
    bool told = nodes->reached == nodes->count && log_view_read(app, &log) == STATUS_OK &&
                audit_run(app, nodes, &log, &run) == STATUS_OK && !run.result.unreachable;
    if (told) {
        const struct audit_result *r = &run.result;
        struct command command = {
            .kind = COMMAND_AUDITED,
            .audit_ok = r->ok,
            .audit = {r->money_expected, r->money_found, r->stock_expected, r->stock_found}};
        console_post(console, &command, NULL);
    }
    audit_run_free(&run);
    inspect_close(nodes);
    return told;
}

/* Work, or a while without any (somebody else may change the books): an audit is due. An idle console costs nothing. */
static bool audit_due(struct console_app *console, uint64_t *outcomes, int64_t *last_ms)
{
    uint64_t now = runtime_outcomes(console->runtime);
    int64_t now_ms = clock_mono_ms();
    if (*last_ms != 0 && now == *outcomes && now_ms - *last_ms < AUDIT_IDLE_MS)
        return false;
    *outcomes = now;
    *last_ms = now_ms;
    return true;
}

static void audit_loop(void *arg, struct mailbox *inbox)
{
    struct console_app *console = arg;
    struct app *app = console->audit_app;
    int64_t pause_ms = 0, last_ms = 0;
    uint64_t outcomes = 0;
    void *item;
    while (mailbox_wait(inbox, &item, 1, (int)pause_ms) == 0 && !mailbox_closed(inbox)) {
        int64_t begun_ms = clock_mono_ms();
        if (audit_due(console, &outcomes, &last_ms) && !audit_once(console, app))
            last_ms = 0; /* a node was away: again as soon as may be */
        pause_ms = AUDIT_SHARE * (clock_mono_ms() - begun_ms);
        if (pause_ms < AUDIT_PAUSE_MS)
            pause_ms = AUDIT_PAUSE_MS;
    }
}

static uint32_t count_unfinished(const struct model *model, struct text *out)
{
    uint32_t count = 0;
    const struct model_txn *txn;
    for (unsigned age = 0; (txn = model_txn_at(model, age)); age++) {
        if (txn->forgotten || (txn->ended_us && txn->state == TXN_IN_DOUBT))
            continue;
        count++;
        if (out)
            text_printf(out, "#%llu %s: %s\n", (unsigned long long)txn->txn, txn->meaning,
                        txn_state_name(txn->state));
    }
    return count;
}

static bool snapshot(void *ctx, uint64_t known, struct model *out, struct console_status *status)
{
    struct console_app *console = ctx;
    status->transfers = console->streams[0];
    status->orders = console->streams[1];
    if (!out) { /* the view is frozen: how much it misses */
        status->generation = runtime_events(console->runtime);
        return status->generation != known;
    }
    if (!runtime_snapshot(console->runtime, known, out))
        return false;
    status->inflight = count_unfinished(out, NULL);
    status->generation = out->events;
    return true;
}

static uint32_t unfinished(void *ctx, struct text *out)
{
    struct console_app *console = ctx;
    struct model *model = malloc(sizeof *model);
    if (!model)
        return 0;
    runtime_snapshot(console->runtime, 0, model);
    uint32_t count = count_unfinished(model, out);
    free(model);
    return count;
}

static volatile sig_atomic_t ended_by;

/* To end at any moment is safe: the decision log is what counts. */
static void time_is_up(int number)
{
    static const char words[] =
        "xatop: a node does not answer: left without waiting; the next start finishes the rest\n";
    (void)number;
    if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
        _exit(status_exit_code(STATUS_PENDING)); /* nobody there to read it */
    if (ended_by) {
        signal(ended_by, SIG_DFL);
        raise(ended_by);
    }
    _exit(status_exit_code(STATUS_PENDING));
}

static void end_within(int64_t ms)
{
    struct sigaction action = {.sa_handler = time_is_up};
    struct itimerval timer = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void leave(struct console_app *console, enum console_end end, int signal_number)
{
    bool asked = end == CONSOLE_QUIT;
    struct command drain = {.kind = COMMAND_DRAIN, .wait_ms = asked ? CONSOLE_DRAIN_MS : DRAIN_LOST_MS};
    ended_by = end == CONSOLE_SIGNAL ? signal_number : 0;
    end_within(asked ? LEAVE_MS : LEAVE_LOST_MS);
    console_post(console, &drain, NULL); /* while the others come to their end */
    worker_stop(console->auditor, NULL);
    worker_stop(console->asker, free);
    worker_stop(console->hands, free);
    uint32_t left = runtime_stop(console->runtime, drain.wait_ms);
    end_within(0);
    if (left)
        fprintf(stderr,
                _("xatop: %u transactions are not finished on every node; the next start finishes them\n"),
                left);
    program_log(LOG_LEVEL_INFO, "console ended, %u unfinished", left);
}

static void free_app(struct app *app)
{
    if (app)
        explicit_bzero(app, sizeof *app); /* passwords */
    free(app);
}

/* After the runtime has stopped: nobody tells anything any more. */
static void free_parts(struct console_app *console)
{
    struct console_answer answer;
    while (console->answers && console_answer_take(console, &answer))
        ;
    mailbox_free(console->answers);
    free_app(console->audit_app);
    free_app(console->asker_app);
}

/* The coordinator runs already. */
static enum status start_workers(struct console_app *console)
{
    struct app *app = console->app;
    console->answers = mailbox_new(ANSWERS_QUEUE);
    console->audit_app = malloc(sizeof *console->audit_app);
    console->asker_app = malloc(sizeof *console->asker_app);
    if (!console->audit_app || !console->asker_app || !console->answers)
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    *console->audit_app = *console->asker_app = *app;
    enum status status =
        worker_start(&console->hands, "hands", HANDS_QUEUE, console_hand, console, &app->err);
    if (status == STATUS_OK)
        status = worker_start_loop(&console->auditor, "auditor", 1, audit_loop, console, &app->err);
    if (status == STATUS_OK)
        status = worker_start(&console->asker, "asker", 2, console_ask_waiters, console, &app->err);
    if (status != STATUS_OK) {
        worker_stop(console->auditor, NULL);
        worker_stop(console->hands, free);
    }
    return status;
}

enum status console_app(struct app *app)
{
    struct console_app console = {.app = app};
    random_bytes(&console.prng, sizeof console.prng);
    enum status status = runtime_start(app, RUNTIME_COUNT_ROWS, &console.runtime);
    if (status != STATUS_OK)
        return status;
    status = start_workers(&console);
    if (status != STATUS_OK) {
        runtime_stop(console.runtime, 0);
        free_parts(&console);
        return status;
    }
    struct console_ports ports = {
        .ctx = &console,
        .snapshot = snapshot,
        .wake_fd = runtime_wake_fd(console.runtime),
        .wish = console_wish,
        .answer = console_answer_take,
        .unfinished = unfinished,
        .title = app->configuration.builtin_lab ? _("built-in lab") : app->configuration.coordinator,
        .read_only = app->readonly,
        .no_color = app->globals[GLOBAL_no_color].given,
        .node_count = (uint8_t)app->configuration.node_count,
    };
    console_fault_table(app, &ports.faults);
    int signal_number = 0;
    enum console_end end = console_run(&ports, &signal_number, &app->err);
    leave(&console, end, signal_number);
    free_parts(&console);
    if (end == CONSOLE_SIGNAL)
        console_reraise(signal_number);
    return end == CONSOLE_FAILED ? (app->err.status ? app->err.status : STATUS_USAGE) : STATUS_OK;
}
