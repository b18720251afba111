/* Load for the integration tests, through the real runtime: configuration, decision log, nodes, engine, journal.
 *
 *     load [--transfers N] [--orders N] [OPTIONS OF XATOP: --state, --config, --wire, --take-over, --fault ...]
 *
 * Keeps N transfers and N orders (4 and 2 if not given) in flight until SIGTERM or SIGINT; transfers in packets and orders
 * statement by statement, unless --wire says so of both. On stdout "ready" when both streams run, then once a second
 * "committed N aborted N", at the end "ended committed N aborted N unfinished N". Exit 0, or 3 if transactions are unfinished.
 * When the coordinator takes no work (another one owns the id, the log failed) the reason is on stderr as the program would say
 * it, and the exit code is the contract's.
 */
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "xatop/clock.h"
#include "xatop/cmd.h"
#include "xatop/log.h"
#include "xatop/runtime.h"
#include "xatop/text.h"

enum { TICK_MS = 1000, DRAIN_MS = 10000, STREAM_MAX = 64 };

struct load {
    struct app app;
    struct runtime *runtime;
    struct model model;
    int64_t transfers, orders;
};

static int usage(void)
{
    fputs("usage: load [--transfers N] [--orders N] [OPTIONS OF XATOP]\n", stderr);
    return 2;
}

/* Our own options are taken out; what is left is the program's business. */
static bool parse(struct load *load, int argc, char **argv, const char **words)
{
    int kept = 1;
    load->transfers = 4;
    load->orders = 2;
    for (int i = 1; i < argc; i++) {
        int64_t *number = strcmp(argv[i], "--transfers") == 0 ? &load->transfers
                          : strcmp(argv[i], "--orders") == 0  ? &load->orders
                                                              : NULL;
        if (!number)
            argv[kept++] = argv[i];
        else if (++i >= argc || !text_to_i64(argv[i], 0, STREAM_MAX, number))
            return false;
    }
    argv[kept] = NULL;
    return options_parse(&load->app, kept, argv, words) == STATUS_OK && !load->app.command;
}

static enum status set_up(struct load *load)
{
    struct app *app = &load->app;
    const char *state = app->globals[GLOBAL_state].string;
    if (!state)
        state = getenv("XATOP_STATE");
    if (!state || state[0] != '/')
        return err_set(&app->err, STATUS_USAGE, "load: --state or XATOP_STATE must be an absolute path");
    text_copy(app->state_dir, sizeof app->state_dir, state);
    enum status status =
        configuration_load(&app->configuration, app->globals[GLOBAL_config].string, &app->err);
    if (status == STATUS_OK)
        status = configuration_passwords(&app->configuration, &app->err);
    if (status == STATUS_OK)
        status = runtime_start(app, RUNTIME_COUNT_ROWS, &load->runtime);
    return status;
}

/* Asked again it changes nothing, but tells whether work is still taken. */
static enum status stream(struct load *load, const char *name, int64_t inflight, bool packet)
{
    struct command command = {.kind = COMMAND_STREAM, .inflight = (uint16_t)inflight, .packet = packet};
    struct report report;
    const struct option_value *wire = &load->app.globals[GLOBAL_wire];
    if (wire->given)
        command.packet = wire->number == 1;
    xatop_assert(scenario_by_command(name, &command.scenario));
    runtime_ask(load->runtime, &command, &report, NULL);
    if (report.status == STATUS_OK)
        return STATUS_OK;
    return err_set(&load->app.err, report.status, "%s", report.reason);
}

static enum status streams(struct load *load)
{
    enum status status = stream(load, "transfer", load->transfers, true);
    return status == STATUS_OK ? stream(load, "order", load->orders, false) : status;
}

static void say(struct load *load, const char *before)
{
    runtime_snapshot(load->runtime, UINT64_MAX, &load->model);
    printf("%scommitted %" PRIu64 " aborted %" PRIu64, before, load->model.committed, load->model.aborted);
}

static enum status run(struct load *load, int signals)
{
    struct pollfd wanted = {.fd = signals, .events = POLLIN};
    enum status status = streams(load);
    if (status != STATUS_OK)
        return status;
    puts("ready");
    for (int64_t next_ms = clock_mono_ms() + TICK_MS; status == STATUS_OK;) {
        int64_t left_ms = next_ms - clock_mono_ms();
        if (poll(&wanted, 1, left_ms > 0 ? (int)left_ms : 0) > 0)
            break;
        if (left_ms > 0)
            continue;
        next_ms += TICK_MS;
        status = streams(load);
        say(load, "");
        putchar('\n');
    }
    return status;
}

int main(int argc, char **argv)
{
    static struct load load;
    sigset_t ends;
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int signals = signalfd(-1, &ends, SFD_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    load.app.out = stdout;
    if (!words || signals < 0 || !parse(&load, argc, argv, words))
        return usage();
    enum status status = set_up(&load);
    if (status == STATUS_OK) {
        status = run(&load, signals);
        say(&load, "ended ");
        uint32_t unfinished = runtime_stop(load.runtime, status == STATUS_OK ? DRAIN_MS : 0);
        printf(" unfinished %u\n", unfinished);
        if (status == STATUS_OK && unfinished > 0)
            status =
                err_set(&load.app.err, STATUS_PENDING, "load: transactions not finished: %u", unfinished);
    }
    if (status != STATUS_OK)
        fprintf(stderr, "xatop: %s\n", load.app.err.text);
    program_log_close();
    configuration_wipe(&load.app.configuration);
    free(words);
    return status_exit_code(status);
}
