/* Reading the configuration file: libconfig's tree against the tables of keys. */
#include "config.h"

#include "config_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xatop/i18n.h"
#include "xatop/text.h"

struct reader {
    struct configuration *configuration;
    const char *file;
    char folder[1024]; /* of the file */
    bool others_read;  /* the file, or one it includes, is readable by group or others */
    struct err *err;
};

int config_open(const char *file, struct stat *st)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

static enum status fail_at(struct reader *r, const char *file, unsigned line, const char *why)
{
    char clean[256];
    text_sanitise_cstr(clean, sizeof clean, file);
    return err_set(r->err, STATUS_USAGE, "%s:%u: %s", clean, line, why);
}

static enum status fail(struct reader *r, const config_setting_t *setting, const char *why)
{
    const char *file = config_setting_source_file(setting);
    return fail_at(r, file ? file : r->file, config_setting_source_line(setting), why);
}

/* The whole of @file as a string that the caller wipes and frees, or NULL. */
static char *read_whole(struct reader *r, const char *file, size_t *len)
{
    char clean[256];
    struct stat st;
    text_sanitise_cstr(clean, sizeof clean, file);
    int fd = config_open(file, &st);
    if (fd < 0) {
        err_set(r->err, STATUS_USAGE, "%s: %s", clean,
                errno == EINVAL  ? _("is not a regular file")
                : errno == ELOOP ? _("is a symbolic link")
                                 : strerror(errno));
        return NULL;
    }
    char *text = NULL;
    if ((st.st_uid != geteuid() && st.st_uid != 0 && geteuid() != 0) || (st.st_mode & S_IWOTH)) {
        err_set(r->err, STATUS_USAGE,
                _("%s: belongs to somebody else or can be written by others; run chmod o-w"), clean);
    } else if (st.st_size > CONFIG_FILE_BYTES_MAX) {
        err_set(r->err, STATUS_USAGE, _("%s: is larger than 1 MiB"), clean);
    } else if ((text = calloc(1, CONFIG_FILE_BYTES_MAX + 1)) == NULL) {
        err_set(r->err, STATUS_INTERNAL, _("%s: out of memory"), clean);
    } else {
        ssize_t n;
        while (*len < CONFIG_FILE_BYTES_MAX &&
               (n = read(fd, text + *len, CONFIG_FILE_BYTES_MAX - *len)) != 0) {
            if (n < 0 && errno != EINTR)
                break;
            *len += n > 0 ? (size_t)n : 0;
        }
    }
    r->others_read = r->others_read || (st.st_mode & (S_IRGRP | S_IROTH));
    close(fd);
    return text;
}

static enum status look_at_includes(struct reader *r, const char *file, const char *text, int depth);

static enum status look_at_include(struct reader *r, const char *file, const char *name, unsigned line,
                                   int depth)
{
    char path[2048];
    struct text joined;
    size_t len = strcspn(name, "\"\n"), got = 0;
    if (depth == 0)
        return fail_at(r, file, line, _("@include: nested too deeply"));
    if (memchr(name, '/', len) || memchr(name, '\\', len))
        return fail_at(r, file, line, _("@include: only files of the same folder are allowed"));
    text_init(&joined, path, sizeof path);
    text_printf(&joined, "%s/%.*s", r->folder, (int)len, name);
    char *text = joined.truncated ? NULL : read_whole(r, path, &got);
    if (!text)
        return STATUS_USAGE;
    enum status status = look_at_includes(r, path, text, depth - 1);
    explicit_bzero(text, got);
    free(text);
    return status;
}

/* Past the string, comment or word that begins at @p; past one character if none does. */
static const char *skip_token(const char *p)
{
    if (*p == '"') {
        for (p++; *p && *p != '"'; p++)
            p += *p == '\\' && p[1];
        return p + (*p == '"');
    }
    if (*p == '#' || (p[0] == '/' && p[1] == '/'))
        return p + strcspn(p, "\n");
    if (p[0] == '/' && p[1] == '*') {
        const char *end = strstr(p + 2, "*/");
        return end ? end + 2 : p + strlen(p);
    }
    return p + 1;
}

/* libconfig takes an integer that does not fit 32 bits modulo 2^32 without a word: find it before. */
static enum status look_at_numbers(struct reader *r, const char *file, const char *text)
{
    static const char words[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.*";
    unsigned line = 1;
    for (const char *p = text, *next; *p; p = next) {
        size_t len = strspn(p, words);
        next = len > 0 ? p + len : skip_token(p);
        if (len > 0 && strchr("-0123456789", *p)) {
            errno = 0;
            char *end;
            long long value = strtoll(p, &end, 0);
            if (end == next && (errno || value > INT32_MAX || value < INT32_MIN))
                return fail_at(r, file, line, _("a number is out of range"));
        }
        for (; p < next; p++)
            line += *p == '\n';
    }
    return STATUS_OK;
}

/* libconfig opens included files by itself: look at each of them first, by the pattern of its scanner. */
static enum status look_at_includes(struct reader *r, const char *file, const char *text, int depth)
{
    unsigned line = 0;
    enum status numbers = look_at_numbers(r, file, text);
    if (numbers != STATUS_OK)
        return numbers;
    for (const char *p = text; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
        line++;
        const char *word = p + strspn(p, " \t");
        if (strncmp(word, "@include", 8) != 0)
            continue;
        word += 8 + strspn(word + 8, " \t");
        if (*word != '"')
            continue;
        enum status status = look_at_include(r, file, word + 1, line, depth);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static const char *type_words(enum key_type type)
{
    return type == KEY_INT    ? _("a whole number")
           : type == KEY_BOOL ? _("true or false")
                              : _("a string in quotes");
}

static bool set_path(struct reader *r, const struct key_spec *key, void *base, const char *value, char *why)
{
    char path[2200];
    struct text joined;
    text_init(&joined, path, sizeof path);
    if (value[0] && value[0] != '/')
        text_printf(&joined, "%s/", r->folder);
    text_append(&joined, value);
    return key_set_text(key, base, path, why);
}

static enum status read_setting(struct reader *r, const struct key_spec *key, void *base,
                                config_setting_t *setting)
{
    char why[CONFIG_WHY_MAX] = "";
    int type = config_setting_type(setting);
    bool number = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    bool right = key->type == KEY_INT    ? number
                 : key->type == KEY_BOOL ? type == CONFIG_TYPE_BOOL
                                         : type == CONFIG_TYPE_STRING;
    if (!right) {
        snprintf(why, sizeof why, _("%s: wrong type; write %s"), key->name, type_words(key->type));
        return fail(r, setting, why);
    }
    if (key->type == KEY_INT)
        right = key_set_int(key, base, config_setting_get_int64(setting), why);
    else if (key->type == KEY_BOOL)
        right = key_set_bool(key, base, config_setting_get_bool(setting), why);
    else if (key->type == KEY_PATH)
        right = set_path(r, key, base, config_setting_get_string(setting), why);
    else
        right = key_set_text(key, base, config_setting_get_string(setting), why);
    if (right && key->type == KEY_SECRET) {
        char *secret =
            (char *)config_setting_get_string(setting); /* libconfig's copy: it frees without wiping */
        explicit_bzero(secret, strlen(secret));
        if (r->others_read)
            return fail(r, setting,
                        _("password: the file can be read by others; run chmod 600, or use password_file"));
    }
    return right ? STATUS_OK : fail(r, setting, why);
}

static enum status unknown_key(struct reader *r, const struct key_spec *keys, config_setting_t *setting)
{
    const char *known[CONFIG_KEYS_MAX + 2];
    char name[64], why[CONFIG_WHY_MAX];
    int n = 0;
    for (const struct key_spec *k = keys; k->name; k++)
        known[n++] = k->name;
    if (keys == configuration_keys)
        known[n++] = "nodes";
    known[n] = NULL;
    text_sanitise_cstr(name, sizeof name, config_setting_name(setting) ? config_setting_name(setting) : "?");
    const char *near = text_nearest(name, known);
    if (near)
        snprintf(why, sizeof why, _("%s: unknown key; did you mean %s"), name, near);
    else
        snprintf(why, sizeof why, _("%s: unknown key; see xatop.conf(5)"), name);
    return fail(r, setting, why);
}

static enum status read_nodes(struct reader *r, config_setting_t *list);

static enum status read_group(struct reader *r, const struct key_spec *keys, void *base,
                              config_setting_t *group)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(setting);
        const struct key_spec *key = keys;
        enum status status;
        while (key->name && strcmp(key->name, name) != 0)
            key++;
        if (key->name)
            status = read_setting(r, key, base, setting);
        else if (keys == configuration_keys && strcmp(name, "nodes") == 0)
            status = read_nodes(r, setting);
        else
            status = unknown_key(r, keys, setting);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status read_nodes(struct reader *r, config_setting_t *list)
{
    struct configuration *c = r->configuration;
    int count = config_setting_length(list);
    if (!config_setting_is_list(list))
        return fail(r, list, _("nodes: wrong type; write a list of groups: ( { ... }, { ... } )"));
    if (count < 1 || count > XATOP_NODES_MAX)
        return fail(r, list, _("nodes: out of range; allowed: 1 to 16 nodes"));
    c->builtin_lab = false;
    c->node_count = count;
    for (int i = 0; i < count; i++) {
        config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
        keys_set_defaults(node_keys, &c->nodes[i]);
        if (!config_setting_is_group(group))
            return fail(r, group,
                        _("nodes: wrong type; each node is a group: { name = \"n1\"; host = \"...\"; }"));
        enum status status = read_group(r, node_keys, &c->nodes[i], group);
        if (status != STATUS_OK)
            return status;
        if (!c->nodes[i].name[0])
            snprintf(c->nodes[i].name, sizeof c->nodes[i].name, "n%d", i + 1);
    }
    return STATUS_OK;
}

static enum status check_whole(struct reader *r, config_t *tree)
{
    char why[CONFIG_WHY_MAX];
    if (configuration_check(r->configuration, why))
        return STATUS_OK;
    config_setting_t *nodes = config_lookup(tree, "nodes");
    return fail(r, nodes ? nodes : config_root_setting(tree), why);
}

static enum status read_tree(struct reader *r, const char *text)
{
    config_t tree;
    enum status status;
    config_init(&tree);
    config_set_include_dir(&tree, r->folder);
    if (config_read_string(&tree, text) != CONFIG_TRUE) {
        const char *file = config_error_file(&tree);
        status =
            fail_at(r, file ? file : r->file, (unsigned)config_error_line(&tree), config_error_text(&tree));
    } else {
        status = read_group(r, configuration_keys, r->configuration, config_root_setting(&tree));
        if (status == STATUS_OK)
            status = check_whole(r, &tree);
    }
    config_destroy(&tree);
    return status;
}

enum status configuration_read_file(struct configuration *configuration, const char *file, struct err *err)
{
    struct reader r = {.configuration = configuration, .file = file, .err = err};
    char *real = realpath(file, NULL);
    size_t len = 0;
    text_copy(r.folder, sizeof r.folder, real ? real : file);
    free(real);
    char *slash = strrchr(r.folder, '/');
    if (slash)
        *(slash == r.folder ? slash + 1 : slash) = '\0';
    text_copy(configuration->file, sizeof configuration->file, file);
    char *text = read_whole(&r, file, &len);
    if (!text)
        return STATUS_USAGE;
    enum status status = STATUS_OK;
    if (memchr(text, '\0', len))
        status = err_set(err, STATUS_USAGE, _("%s: is not text"), configuration->file);
    if (status == STATUS_OK)
        status = look_at_includes(&r, file, text, 8);
    if (status == STATUS_OK)
        status = read_tree(&r, text);
    explicit_bzero(text, len);
    free(text);
    return status;
}
