#include "config.h"

#include "lab_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xatop/text.h"

enum { VERSION_TIMEOUT_MS = 20000, HELP_TIMEOUT_MS = 20000, HELP_MAX = 1 << 20 };

/* "/usr/sbin/mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)" */
static bool parse_version(const char *line, struct lab_server *out)
{
    const char *version = strstr(line, "Ver ");
    if (!version)
        return false;
    version += 4;
    size_t len = strcspn(version, " \n");
    if (len == 0 || version[0] < '0' || version[0] > '9')
        return false;
    text_sanitise(out->version, sizeof out->version, version, len);
    out->make = strstr(line, "MariaDB") ? LAB_MARIADB : LAB_MYSQL;
    return true;
}

bool lab_probe(const char *path, struct lab_server *out)
{
    char line[1024];
    struct stat st;
    *out = (struct lab_server){.make = LAB_ANY};
    /* a newline would break the node's record */
    if (strlen(path) >= sizeof out->path || strchr(path, '\n') || stat(path, &st) || !S_ISREG(st.st_mode))
        return false;
    text_copy(out->path, sizeof out->path, path);
    const char *argv[] = {path, "--no-defaults", "--version", NULL};
    return access(path, X_OK) == 0 && lab_capture(argv, line, sizeof line, VERSION_TIMEOUT_MS) &&
           parse_version(line, out);
}

struct found {
    struct lab_server *out;
    char real[LAB_SERVERS_MAX][PATH_MAX]; /* /usr/sbin/mysqld may be another name of mariadbd */
    size_t count, cap;
};

static void consider(struct found *found, const char *path)
{
    char real[PATH_MAX];
    if (found->count == found->cap || !realpath(path, real))
        return;
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->real[i], real) == 0)
            return;
    if (!lab_probe(path, &found->out[found->count]))
        return;
    text_copy(found->real[found->count++], PATH_MAX, real);
}

static void consider_dirs(struct found *found, const char *dirs, const char *program)
{
    for (const char *p = dirs; *p;) {
        size_t len = strcspn(p, ":");
        char path[LAB_PATH_MAX];
        struct text text;
        text_init(&text, path, sizeof path);
        text_append_n(&text, p, len);
        text_printf(&text, "/%s", program);
        if (path[0] == '/' && !text.truncated) /* never from a relative entry: we may stand anywhere */
            consider(found, path);
        p += len + (p[len] == ':');
    }
}

size_t lab_detect(struct lab_server *out, size_t cap)
{
    static const char *const variables[] = {"XATOP_MYSQLD", "XATOP_MARIADBD"};
    static const char *const programs[] = {"mariadbd", "mysqld"};
    static const char usual[] = "/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/local/bin:/usr/local/mysql/bin:"
                                "/usr/local/mariadb/bin:/opt/mysql/bin:/opt/mariadb/bin";
    const char *path = getenv("PATH");
    struct found *found = calloc(1, sizeof *found);
    xatop_assert(found);
    found->out = out;
    found->cap = cap < LAB_SERVERS_MAX ? cap : LAB_SERVERS_MAX;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *named = getenv(variables[i]);
        if (named && named[0] == '/')
            consider(found, named);
    }
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        if (path)
            consider_dirs(found, path, programs[i]);
        consider_dirs(found, usual, programs[i]);
    }
    size_t count = found->count;
    free(found);
    return count;
}

/* The value of @name in the table at the end of --verbose --help: "name   value". */
static bool variable(const char *help, const char *name, char *out, size_t cap)
{
    size_t len = strlen(name);
    for (const char *line = help; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, len) != 0 || line[len] != ' ')
            continue;
        const char *value = line + len + strspn(line + len, " ");
        struct text text;
        text_init(&text, out, cap);
        text_append_n(&text, value, strcspn(value, "\n"));
        return !text.truncated && out[0] == '/';
    }
    return false;
}

static bool has_sql(const char *dir)
{
    char path[LAB_PATH_MAX + 64];
    static const char *const leaves[] = {"mariadb_system_tables.sql", "mysql_system_tables.sql"};
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        struct text text;
        text_init(&text, path, sizeof path);
        text_printf(&text, "%s/%s", dir, leaves[i]);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

/* @out/@below, in place. False if there is no SQL. */
static bool sql_below(char out[LAB_PATH_MAX], const char *below)
{
    char base[LAB_PATH_MAX];
    struct text text;
    text_copy(base, sizeof base, out);
    text_init(&text, out, LAB_PATH_MAX);
    text_printf(&text, "%s/%s", base, below);
    return !text.truncated && has_sql(out);
}

bool lab_mariadb_share(const char *server, char out[LAB_PATH_MAX])
{
    /* a packager may put the SQL with the messages, beside the character sets, or in either share directory */
    static const struct {
        const char *variable, *below;
    } places[] = {{"lc-messages-dir", "."},
                  {"character-sets-dir", ".."},
                  {"basedir", "share/mariadb"},
                  {"basedir", "share/mysql"},
                  {"basedir", "share"}};
    const char *argv[] = {server, "--no-defaults", "--verbose", "--help", NULL};
    char *help = malloc(HELP_MAX);
    xatop_assert(help);
    bool found = false;
    if (lab_capture(argv, help, HELP_MAX, HELP_TIMEOUT_MS))
        for (size_t i = 0; i < sizeof places / sizeof places[0] && !found; i++)
            found = variable(help, places[i].variable, out, LAB_PATH_MAX) && sql_below(out, places[i].below);
    free(help);
    return found;
}
