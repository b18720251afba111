/* A scenario file: commands with their faults, one a line, each a process of its own, so that a crash in one is an end like any. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/text.h"

const struct option_spec cmd_play_options[] = {{0}};

enum { LINE_BYTES = 1024, WORDS_MAX = 48, OWN_WORDS = 8, LINES_MAX = 1000 };

enum step_kind { STEP_NOTHING, STEP_SAY, STEP_PAUSE, STEP_RUN };

struct step {
    enum step_kind kind;
    int64_t expected;           /* exit code */
    char *words[WORDS_MAX + 1]; /* into bytes */
    int count;
    char bytes[LINE_BYTES];
    char line[LINE_BYTES]; /* as written, sanitised */
};

static enum status wrong(struct app *app, int number, const char *why, const char *word)
{
    char file[200], clean[80];
    text_sanitise_cstr(file, sizeof file, app->words[0]);
    text_sanitise_cstr(clean, sizeof clean, word);
    return err_set(&app->err, STATUS_USAGE, "%s:%d: %s%s%s", file, number, why, word[0] ? ": " : "", clean);
}

/* Blanks part words, double quotes hold them together. False: a quote is open, or there are too many. */
static bool split(struct step *step)
{
    char *p = step->bytes;
    step->count = 0;
    for (;;) {
        p += strspn(p, " \t\r\n");
        if (!*p)
            break;
        if (step->count == WORDS_MAX)
            return false;
        char *out = p;
        bool quoted = false;
        step->words[step->count++] = out;
        for (; *p && (quoted || !strchr(" \t\r\n", *p)); p++) {
            if (*p == '"')
                quoted = !quoted;
            else
                *out++ = *p;
        }
        if (quoted)
            return false;
        if (*p)
            p++;
        *out = '\0';
    }
    step->words[step->count] = NULL;
    return true;
}

static void drop_words(struct step *step, int n)
{
    step->count -= n;
    memmove(step->words, step->words + n, ((size_t)step->count + 1) * sizeof step->words[0]);
}

static enum status take_line(struct app *app, int number, const char *line, struct step *step)
{
    static const char *const outer[] = {"--config", "-c", "--state"};
    *step = (struct step){.kind = STEP_NOTHING};
    text_copy(step->bytes, sizeof step->bytes, line);
    text_sanitise(step->line, sizeof step->line, line, strcspn(line, "\r\n"));
    if (!split(step))
        return wrong(app, number, _("a quote is not closed, or there are too many words"), "");
    if (step->count == 0 || step->words[0][0] == '#')
        return STATUS_OK;
    if (strcmp(step->words[0], "say") == 0 || strcmp(step->words[0], "pause") == 0) {
        step->kind = step->words[0][0] == 's' ? STEP_SAY : STEP_PAUSE;
        return STATUS_OK;
    }
    if (strcmp(step->words[0], "expect") == 0) {
        if (step->count < 3 || !text_to_i64(step->words[1], 0, 255, &step->expected))
            return wrong(app, number, _("write: expect EXIT-CODE COMMAND..."), "");
        drop_words(step, 2);
        size_t from = (size_t)(strstr(step->line, step->words[0]) - step->line);
        memmove(step->line, step->line + from, strlen(step->line + from) + 1);
    }
    step->kind = STEP_RUN;
    bool command = false;
    for (int i = 0; i < step->count; i++) {
        for (unsigned k = 0; k < sizeof outer / sizeof outer[0]; k++)
            if (strncmp(step->words[i], outer[k], strlen(outer[k])) == 0)
                return wrong(app, number, _("belongs to xatop play itself"), step->words[i]);
        command = command || (cmd_find(step->words[i]) && strcmp(step->words[i], "play") != 0);
    }
    return command ? STATUS_OK
                   : wrong(app, number, _("no command of xatop that can be played"), step->words[0]);
}

/* --- running --- */

static _Noreturn void become(const char *const *argv)
{
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(status_exit_code(STATUS_INTERNAL));
}

/* The exit code, or -1. */
static int run_step(struct app *app, struct step *step)
{
    const char *argv[WORDS_MAX + OWN_WORDS + 1];
    int n = 0, ended;
    argv[n++] = "xatop";
    argv[n++] = "--state";
    argv[n++] = app->state_dir;
    if (app->configuration.file[0]) {
        argv[n++] = "--config";
        argv[n++] = app->configuration.file;
    }
    if (app->json)
        argv[n++] = "--json";
    if (app->readonly)
        argv[n++] = "--readonly";
    for (int i = 0; i < step->count; i++)
        argv[n++] = step->words[i];
    argv[n] = NULL;
    fflush(app->out);
    pid_t child = fork();
    if (child == 0)
        become(argv);
    while (child > 0 && waitpid(child, &ended, 0) < 0)
        if (errno != EINTR)
            return -1;
    if (child < 0)
        return -1;
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
}

static enum status run_and_judge(struct app *app, int number, struct step *step)
{
    app_say(app, "$ xatop %s", step->line);
    int code = run_step(app, step);
    if (app->json) {
        struct json json;
        json_begin(&json, app->out);
        json_int(&json, "line", number);
        json_string(&json, "command", step->line);
        json_int(&json, "exit", code);
        json_int(&json, "expected", step->expected);
        json_finish(&json);
    }
    program_log(LOG_LEVEL_INFO, "play: line %d ended with %d: %s", number, code, step->line);
    if (code == step->expected)
        return STATUS_OK;
    char file[200];
    text_sanitise_cstr(file, sizeof file, app->words[0]);
    return err_set(&app->err, STATUS_INVARIANT, _("%s:%d: ended with exit code %d, expected %d: %s"), file,
                   number, code, (int)step->expected, step->line);
}

static void pause_here(struct app *app)
{
    if (app->json || !isatty(STDIN_FILENO))
        return;
    app_say(app, _("(Enter)"));
    for (int c = getchar(); c != '\n' && c != EOF;)
        c = getchar();
}

/* @run false: only understand it. The whole file is understood before its first line is run. */
static enum status play(struct app *app, FILE *in, bool run)
{
    char line[LINE_BYTES];
    struct step step;
    enum status status = STATUS_OK;
    int number = 0;
    rewind(in);
    while (status == STATUS_OK && fgets(line, sizeof line, in)) {
        number++;
        if (!strchr(line, '\n') && !feof(in))
            return wrong(app, number, _("the line is too long"), "");
        if (number > LINES_MAX)
            return wrong(app, number, _("too many lines"), "");
        status = take_line(app, number, line, &step);
        if (status != STATUS_OK || !run)
            continue;
        if (step.kind == STEP_SAY)
            app_say(app, "\n%s", step.line + strspn(step.line, " \t") + 3);
        else if (step.kind == STEP_PAUSE)
            pause_here(app);
        else if (step.kind == STEP_RUN)
            status = run_and_judge(app, number, &step);
    }
    return status;
}

enum status cmd_play(struct app *app)
{
    char file[200];
    struct stat st;
    if (app->word_count != 1)
        return err_set(&app->err, STATUS_USAGE, _("play: name one file; usage: xatop %s"),
                       app->command->usage);
    text_sanitise_cstr(file, sizeof file, app->words[0]);
    FILE *in = fopen(app->words[0], "re");
    if (!in || fstat(fileno(in), &st) != 0 || !S_ISREG(st.st_mode)) {
        enum status status = err_set(&app->err, STATUS_USAGE, _("play: %s: %s"), file,
                                     in ? _("is no regular file") : strerror(errno));
        if (in)
            fclose(in);
        return status;
    }
    enum status status = play(app, in, false);
    if (status == STATUS_OK)
        status = play(app, in, true);
    fclose(in);
    return status;
}
