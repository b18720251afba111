/* One file a node: "xatop-link 1 ID WORDS\n". Replaced atomically under a lock of the directory, so a reader needs none. */
#include "config.h"

#include "link_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/worker.h"

#define MAGIC "xatop-link 1 "
#define TEMPORARY ".new" /* no node is named so */

enum { FILE_MAX = sizeof MAGIC + 16 + LINK_WORDS_MAX, LOCK_WAIT_MS = 2000, LOCK_POLL_MS = 5 };

static enum status dir_error(const char *dir, const char *why, struct err *err)
{
    char clean[256];
    text_sanitise_cstr(clean, sizeof clean, dir);
    return err_set(err, STATUS_STATE, _("links directory %s: %s"), clean, why);
}

int link_dir_open(const char *dir, struct err *err)
{
    struct stat st;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        dir_error(dir, strerror(errno), err);
        return -1;
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        dir_error(dir, strerror(errno), err);
        return -1;
    }
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 077))
        return fd;
    dir_error(dir, _("is not private; run chmod 700, or remove it"), err);
    close(fd);
    return -1;
}

static enum status damaged(const char *node, const char *why, struct err *err)
{
    return err_set(err, STATUS_STATE, _("links/%s: %s; run xatop link %s heal, or remove the file"), node,
                   why, node);
}

/* @text is the whole file, NUL-terminated, with no NUL in it. */
static bool parse_file(const char *text, struct link_state *out, uint64_t *id)
{
    size_t len = strlen(text), magic = sizeof MAGIC - 1;
    char words[LINK_WORDS_MAX];
    if (strncmp(text, MAGIC, magic) != 0 || text[len - 1] != '\n')
        return false;
    const char *p = text + magic;
    if (strspn(p, "0123456789abcdef") != 16 || p[16] != ' ')
        return false;
    *id = 0;
    for (int i = 0; i < 16; i++)
        *id = *id << 4 | (uint64_t)(p[i] <= '9' ? p[i] - '0' : p[i] - 'a' + 10);
    size_t n = strlen(p + 17) - 1;
    if (n == 0 || n >= sizeof words || *id == 0)
        return false;
    snprintf(words, sizeof words, "%.*s", (int)n, p + 17);
    *out = (struct link_state){0};
    return link_parse(words, out, NULL) == STATUS_OK;
}

enum status link_file_read_at(int dir_fd, const char *node, struct link_state *out, uint64_t *id,
                              struct err *err)
{
    char text[FILE_MAX + 2];
    struct stat st;
    struct link_state state = {0};
    uint64_t found = 0;
    ssize_t len = -1;
    int fd = openat(dir_fd, node, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return damaged(node, errno == ELOOP ? _("is a symbolic link") : strerror(errno), err);
    if (fd >= 0) {
        bool ours =
            fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077);
        if (ours)
            len = read(fd, text, sizeof text - 1);
        close(fd);
        if (!ours)
            return damaged(node, _("is no private file of ours"), err);
        if (len <= 0 || len > FILE_MAX || memchr(text, '\0', (size_t)len))
            return damaged(node, _("is no link file"), err);
        text[len] = '\0';
        if (!parse_file(text, &state, &found))
            return damaged(node, _("is no link file"), err);
    }
    *out = state;
    if (id)
        *id = found;
    return STATUS_OK;
}

static enum status write_at(int dir_fd, const char *node, const struct link_state *state, uint64_t *id,
                            struct err *err)
{
    char text[FILE_MAX + 2];
    struct text line;
    do
        random_bytes(id, sizeof *id);
    while (*id == 0);
    text_init(&line, text, sizeof text);
    text_printf(&line, MAGIC "%016" PRIx64 " ", *id);
    link_format(state, &line);
    text_append(&line, "\n");
    xatop_assert(!line.truncated);
    unlinkat(dir_fd, TEMPORARY, 0);
    int fd = openat(dir_fd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text, line.len) == (ssize_t)line.len;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (ok && renameat(dir_fd, TEMPORARY, dir_fd, node) == 0)
        return STATUS_OK;
    if (ok)
        error = errno;
    unlinkat(dir_fd, TEMPORARY, 0);
    return err_set(err, STATUS_STATE, _("links/%s: cannot write: %s"), node, strerror(error));
}

static bool lock_dir(int dir_fd)
{
    int64_t until_ms = clock_mono_ms() + LOCK_WAIT_MS;
    while (flock(dir_fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_mono_ms() >= until_ms)
            return false;
        worker_sleep_ms(LOCK_POLL_MS);
    }
    return true;
}

enum status link_file_read(const char *dir, const char *node, struct link_state *out, uint64_t *id,
                           struct err *err)
{
    *out = (struct link_state){0};
    if (access(dir, F_OK) != 0 && errno == ENOENT) {
        if (id)
            *id = 0;
        return STATUS_OK;
    }
    int dir_fd = link_dir_open(dir, err);
    if (dir_fd < 0)
        return STATUS_STATE;
    enum status status = link_file_read_at(dir_fd, node, out, id, err);
    close(dir_fd);
    return status;
}

enum status link_file_change(const char *dir, const char *node, const char *words, struct link_state *out,
                             struct err *err)
{
    struct link_state state = {0};
    uint64_t id;
    enum status status = link_parse(words, &state, err); /* before anything is touched */
    int dir_fd = status == STATUS_OK ? link_dir_open(dir, err) : -1;
    if (dir_fd < 0)
        return status == STATUS_OK ? STATUS_STATE : status;
    if (!lock_dir(dir_fd)) { /* the lock goes with the descriptor */
        close(dir_fd);
        return err_set(err, STATUS_STATE, _("links/%s: another xatop is writing it; try again"), node);
    }
    status = link_file_read_at(dir_fd, node, &state, &id, err);
    size_t first = strspn(words, " ,");
    if (status != STATUS_OK && strncmp(words + first, "heal", 4) == 0) {
        state = (struct link_state){0};
        status = STATUS_OK;
    }
    if (status == STATUS_OK)
        status = link_parse(words, &state, err);
    if (status == STATUS_OK)
        status = write_at(dir_fd, node, &state, &id, err);
    close(dir_fd);
    if (status == STATUS_OK && out)
        *out = state;
    return status;
}

bool link_file_spend(int dir_fd, const char *node, uint64_t *id)
{
    struct link_state state;
    uint64_t found;
    if (flock(dir_fd, LOCK_EX | LOCK_NB) != 0)
        return false;
    if (link_file_read_at(dir_fd, node, &state, &found, NULL) == STATUS_OK && found == *id && state.reset) {
        state.reset = false;
        if (write_at(dir_fd, node, &state, &found, NULL) == STATUS_OK)
            *id = found;
    }
    flock(dir_fd, LOCK_UN);
    return true;
}
