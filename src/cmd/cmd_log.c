#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inspect.h"
#include "xatop/cmd.h"
#include "xatop/dlog.h"
#include "xatop/i18n.h"

enum { OPTION_FILE };

const struct option_spec cmd_log_options[] = {
    [OPTION_FILE] = {"file", 'f', OPTION_STRING, "FILE",
                     N_("one segment file, or another log directory, instead of the state directory's"), 0, 0,
                     false},
    {0},
};

static bool print_record(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    struct app *app = arg;
    char line[8192];
    struct text text;
    text_init(&text, line, sizeof line);
    if (app->json)
        dlog_to_json(record, segment, offset, &text);
    else
        dlog_describe(record, &text);
    fprintf(app->out, "%s\n", line);
    return !ferror(app->out);
}

/* Split @path into the directory to open and the file in it; @file is empty if the path is a directory. */
static enum status locate(struct app *app, const char *path, char dir[PATH_MAX], char file[256])
{
    char clean[256];
    struct stat st;
    text_sanitise_cstr(clean, sizeof clean, path);
    if (stat(path, &st) != 0)
        return err_set(&app->err, STATUS_USAGE, _("log: %s: %s"), clean, strerror(errno));
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    text_copy(dir, PATH_MAX, path);
    file[0] = '\0';
    if (S_ISDIR(st.st_mode))
        return STATUS_OK;
    if (!S_ISREG(st.st_mode) || strlen(path) >= PATH_MAX || strlen(name) >= 64)
        return err_set(&app->err, STATUS_USAGE, _("log: %s: not a segment file or log directory"), clean);
    text_copy(file, 256, name);
    if (!slash)
        text_copy(dir, PATH_MAX, ".");
    else
        dir[slash == path ? 1 : slash - path] = '\0';
    return STATUS_OK;
}

enum status cmd_log(struct app *app)
{
    char dir[PATH_MAX], file[256] = "";
    struct stat st;
    struct disk disk;
    struct dlog_scan_result result;
    const struct option_value *option = &app->values[OPTION_FILE];
    log_view_dir(app, dir, sizeof dir);
    if (option->given) {
        enum status status = locate(app, option->string, dir, file);
        if (status != STATUS_OK)
            return status;
    } else if (stat(dir, &st) != 0 && errno == ENOENT) {
        app_say(app, _("no decision log yet: nothing was ever decided here"));
        return STATUS_OK;
    }
    enum status status = disk_file_open(&disk, dir, true, &app->err);
    if (status != STATUS_OK)
        return status;
    status = file[0] ? dlog_scan_file(&disk, file, print_record, app, &result, &app->err)
                     : dlog_scan(&disk, print_record, app, &result, &app->err);
    disk_file_close(&disk);
    app_say(
        app,
        _("%" PRIu64 " records, %" PRIu64 " decisions not yet carried out everywhere, epoch %" PRIu32 "%s"),
        result.records, result.live, result.epoch,
        result.torn_tail ? _("; the last record is incomplete (it was being written)") : "");
    return status;
}
