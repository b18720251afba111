#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/text.h"

static enum status unusable(struct app *app, const char *why)
{
    char clean[256];
    text_sanitise_cstr(clean, sizeof clean, app->state_dir);
    return err_set(&app->err, STATUS_STATE, _("state directory %s: %s"), clean, why);
}

enum status app_state_create(struct app *app)
{
    struct stat st;
    char path[sizeof app->state_dir];
    text_copy(path, sizeof path, app->state_dir);
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return unusable(app, strerror(errno));
        *p = '/';
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return unusable(app, strerror(errno));
    if (stat(path, &st) != 0)
        return unusable(app, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return unusable(app, _("is not a directory"));
    if (st.st_uid != geteuid())
        return unusable(app, _("belongs to another user"));
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return unusable(app, _("can be written by others; run chmod go-w"));
    if (access(path, W_OK | X_OK) != 0)
        return unusable(app, strerror(errno));
    return program_log_open(path, (enum log_level)app->configuration.log_level,
                            app->configuration.log_max_kib * 1024, &app->err);
}

enum status app_may_change(struct app *app, const char *what)
{
    if (!app->readonly)
        return STATUS_OK;
    return err_set(&app->err, STATUS_REFUSED, _("%s: changes shared state, and --readonly is given"), what);
}

bool app_ask(const char *question)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fprintf(stderr, _("%s [y/N] "), question);
    int first = getchar(), c = first;
    while (c != '\n' && c != EOF)
        c = getchar();
    return first == 'y' || first == 'Y';
}

void app_say(struct app *app, const char *format, ...)
{
    if (app->json || app->quiet)
        return;
    va_list args;
    va_start(args, format);
    vfprintf(app->out, format, args);
    va_end(args);
    fputc('\n', app->out);
    fflush(app->out);
}
