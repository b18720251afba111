#include "config.h"

#include "lab_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/text.h"

/* Two small files of "key=value" lines per node: "record" (what it is) and "pid" (the process). Ours alone,
 * but read as strictly as anything from outside: a line that is not understood makes the file unreadable. */

enum { FILE_MAX = 8192 };

static bool take_text(char *out, size_t cap, const char *value)
{
    if (strlen(value) >= cap)
        return false;
    text_copy(out, cap, value);
    return true;
}

static bool take_number(const char *value, int64_t max, int64_t *out)
{
    return text_to_i64(value, 0, max, out);
}

static bool take_record_line(const char *key, const char *value, struct lab_record *out)
{
    int64_t n = 0;
    if (strcmp(key, "server") == 0)
        return take_text(out->server, sizeof out->server, value);
    if (strcmp(key, "version") == 0)
        return take_text(out->version, sizeof out->version, value);
    if (strcmp(key, "socket_dir") == 0)
        return take_text(out->socket_dir, sizeof out->socket_dir, value);
    if (strcmp(key, "make") == 0) {
        out->make = strcmp(value, lab_make_name(LAB_MYSQL)) == 0 ? LAB_MYSQL : LAB_MARIADB;
        return strcmp(value, lab_make_name(out->make)) == 0;
    }
    bool ok = true;
    if (strcmp(key, "port") == 0) {
        ok = take_number(value, UINT16_MAX, &n);
        out->port = (uint16_t)n;
    } else if (strcmp(key, "server_id") == 0) {
        ok = take_number(value, UINT32_MAX, &n);
        out->server_id = (uint32_t)n;
    } else if (strcmp(key, "secured") == 0) {
        ok = take_number(value, 1, &n);
        out->secured = n == 1;
    } else {
        return false;
    }
    return ok;
}

static bool take_pid_line(const char *key, const char *value, struct lab_pid *out)
{
    int64_t n = 0;
    if (strcmp(key, "data_dir") == 0)
        return take_text(out->data_dir, sizeof out->data_dir, value);
    if (!take_number(value, INT64_MAX, &n))
        return false;
    if (strcmp(key, "pid") == 0)
        out->pid = n <= INT32_MAX ? (pid_t)n : 0;
    else if (strcmp(key, "start_ticks") == 0)
        out->start_ticks = (uint64_t)n;
    else if (strcmp(key, "ready") == 0)
        out->ready = n == 1;
    else
        return false;
    return true;
}

/* Cut the next "key=value\n" off *@p. */
static bool next_line(char **p, char **key, char **value)
{
    char *end = strchr(*p, '\n');
    char *equals = strchr(*p, '=');
    if (!end || !equals || equals > end)
        return false;
    *end = *equals = '\0';
    *key = *p;
    *value = equals + 1;
    *p = end + 1;
    return true;
}

static bool read_lines(const char *node_dir, const char *leaf, char text[FILE_MAX])
{
    char path[LAB_PATH_MAX];
    lab_path(path, node_dir, leaf);
    return lab_read_file(path, text, FILE_MAX) > 0;
}

bool lab_record_read(const char *node_dir, struct lab_record *out)
{
    char text[FILE_MAX], *p = text, *key, *value;
    *out = (struct lab_record){0};
    if (!read_lines(node_dir, "record", text))
        return false;
    while (*p)
        if (!next_line(&p, &key, &value) || !take_record_line(key, value, out))
            return false;
    return out->make != LAB_ANY && out->server[0] && out->socket_dir[0];
}

enum status lab_record_write(const char *node_dir, const struct lab_record *record, struct err *err)
{
    char bytes[FILE_MAX], path[LAB_PATH_MAX];
    struct text text;
    text_init(&text, bytes, sizeof bytes);
    text_printf(&text,
                "server=%s\nmake=%s\nversion=%s\nport=%u\nserver_id=%" PRIu32 "\nsocket_dir=%s\nsecured=%d\n",
                record->server, lab_make_name(record->make), record->version, record->port, record->server_id,
                record->socket_dir, record->secured);
    xatop_assert(!text.truncated);
    lab_path(path, node_dir, "record");
    return lab_write_file(path, bytes, err);
}

bool lab_pid_read(const char *node_dir, struct lab_pid *out)
{
    char text[FILE_MAX], *p = text, *key, *value;
    *out = (struct lab_pid){0};
    if (!read_lines(node_dir, "pid", text))
        return false;
    while (*p)
        if (!next_line(&p, &key, &value) || !take_pid_line(key, value, out))
            return false;
    return out->pid > 0 && out->start_ticks > 0 && out->data_dir[0];
}

enum status lab_pid_write(const char *node_dir, const struct lab_pid *record, struct err *err)
{
    char bytes[FILE_MAX], path[LAB_PATH_MAX];
    struct text text;
    text_init(&text, bytes, sizeof bytes);
    text_printf(&text, "pid=%ld\nstart_ticks=%" PRIu64 "\nready=%d\ndata_dir=%s\n", (long)record->pid,
                record->start_ticks, record->ready, record->data_dir);
    xatop_assert(!text.truncated);
    lab_path(path, node_dir, "pid");
    return lab_write_file(path, bytes, err);
}

void lab_node_fill(const char *node_dir, const char *name, const struct lab_record *record,
                   struct lab_node *out)
{
    *out = (struct lab_node){.state = LAB_ABSENT};
    text_copy(out->name, sizeof out->name, name);
    if (!record)
        return;
    out->state = LAB_DOWN;
    text_copy(out->host, sizeof out->host, "127.0.0.1");
    text_copy(out->user, sizeof out->user, "xatop");
    out->port = record->port;
    out->make = record->make;
    text_copy(out->server, sizeof out->server, record->server);
    text_copy(out->version, sizeof out->version, record->version);
    lab_path(out->data_dir, node_dir, "data");
    lab_path(out->socket, record->socket_dir, "mysql.sock");
    lab_path(out->log_file, node_dir, "server.log");
    lab_path(out->defaults_file, node_dir, "admin.cnf");
    lab_path(out->password_file, node_dir, "app.password");
}
