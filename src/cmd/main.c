#include "config.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/text.h"

/* Passwords live in this process: no core file, no reading of its memory by others. A closed standard stream
 * would give its number to the next file opened, the decision log among them. */
static void harden(void)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
#if !defined(__SANITIZE_ADDRESS__) &&                                                                        \
    !defined(__SANITIZE_THREAD__) /* they look at the process from outside */
    prctl(PR_SET_DUMPABLE, 0);
#endif
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            _exit(70);
    signal(SIGPIPE, SIG_IGN);
    umask(077);
}

static enum status find_state_dir(struct app *app)
{
    struct text path;
    const char *typed = app->globals[GLOBAL_state].string, *variable = getenv("XATOP_STATE");
    const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (!typed && variable && variable[0])
        typed = variable;
    if (!typed && app->configuration.state_dir[0])
        typed = app->configuration.state_dir;
    text_init(&path, app->state_dir, sizeof app->state_dir);
    if (typed && typed[0] != '/') {
        char here[1024];
        if (getcwd(here, sizeof here))
            text_printf(&path, "%s/", here);
    }
    if (typed)
        text_append(&path, typed);
    else if (xdg && xdg[0] == '/')
        text_printf(&path, "%s/xatop", xdg);
    else if (home && home[0] == '/')
        text_printf(&path, "%s/.local/state/xatop", home);
    else
        return err_set(&app->err, STATUS_STATE, _("state directory: neither --state nor HOME is given"));
    while (path.len > 1 && path.p[path.len - 1] == '/')
        path.p[--path.len] = '\0';
    if (path.truncated)
        return err_set(&app->err, STATUS_STATE, _("state directory: the path is too long"));
    struct stat st;
    if (stat(app->state_dir, &st) == 0 && !S_ISDIR(st.st_mode)) {
        char clean[256];
        text_sanitise_cstr(clean, sizeof clean, app->state_dir);
        return err_set(&app->err, STATUS_STATE,
                       _("state directory %s: is not a directory; choose another with --state"), clean);
    }
    return STATUS_OK;
}

/* What ends at once. True if it was one of these. */
static bool print_and_end(const struct app *app)
{
    if (app->globals[GLOBAL_help].given)
        help_print(app->command, app->out);
    else if (app->globals[GLOBAL_version].given)
        fprintf(app->out, "xatop %s\n", PACKAGE_VERSION);
    else if (app->globals[GLOBAL_completion].given)
        help_print_completion(app->out);
    else
        return false;
    return true;
}

/* Words of the contract that this version cannot keep are refused, never ignored. */
static enum status refuse_what_is_not_there(struct app *app)
{
    if (app->globals[GLOBAL_sim].given)
        return err_set(
            &app->err, STATUS_USAGE,
            _("--sim: this version has simulated nodes in its tests only; run xatop setup for real ones"));
    return STATUS_OK;
}

static enum status run(struct app *app)
{
    if (refuse_what_is_not_there(app) != STATUS_OK)
        return app->err.status;
    enum status status =
        configuration_load(&app->configuration, app->globals[GLOBAL_config].string, &app->err);
    if (status != STATUS_OK)
        return status;
    if (app->globals[GLOBAL_wait].given)
        app->configuration.wait_s = app->globals[GLOBAL_wait].number;
    if (app->globals[GLOBAL_dump_config].given) {
        configuration_print(&app->configuration, app->out);
        return STATUS_OK;
    }
    status = find_state_dir(app);
    if (status == STATUS_OK && (!app->command || (app->command->flags & CMD_NODES)))
        status = configuration_passwords(&app->configuration, &app->err);
    if (status != STATUS_OK)
        return status;
    /* A command that only reads works without a log, and where it cannot be written. */
    program_log_open(app->state_dir, (enum log_level)app->configuration.log_level,
                     app->configuration.log_max_kib * 1024, NULL);
    return app->command ? app->command->run(app) : console_app(app);
}

/* A reader that has seen enough (| head) is no error; which write met it is not known any more. */
static bool reader_left(int fd)
{
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static int finish(struct app *app, enum status status)
{
    bool lost = fflush(app->out) != 0 || ferror(app->out);
    if (lost && !reader_left(fileno(app->out))) {
        fprintf(stderr, _("xatop: standard output: cannot be written\n"));
        if (status == STATUS_OK)
            status = STATUS_INTERNAL;
    }
    if (status != STATUS_OK && app->err.text[0]) {
        fprintf(stderr, "xatop: %s\n", app->err.text);
        program_log(LOG_LEVEL_ERROR, "%s", app->err.text);
    }
    program_log_close();
    configuration_wipe(&app->configuration);
    return status_exit_code(status);
}

int main(int argc, char **argv)
{
    static struct app app;
    harden();
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* a number has a point on every screen and in every JSON */
    app.out = stdout;
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    if (!words)
        return status_exit_code(STATUS_INTERNAL);
    enum status status = options_parse(&app, argc, argv, words);
    if (status == STATUS_OK && !print_and_end(&app))
        status = run(&app);
    int code = finish(&app, status);
    free(words);
    return code;
}
