#include "config.h"

#include "lab_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

enum {
    LEAF_MAX = 64,   /* longest path below a node's directory */
    SOCKET_MAX = 11, /* "/mysql.sock" */
    LOCK_POLL_MS = 20,
};

bool lab_name_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t len = strlen(name);
    return len > 0 && len <= XATOP_NAME_MAX && strspn(name, allowed) == len && name[0] != '-' &&
           name[0] != '_';
}

void lab_path(char out[LAB_PATH_MAX], const char *dir, const char *leaf)
{
    struct text text;
    text_init(&text, out, LAB_PATH_MAX);
    text_printf(&text, "%s/%s", dir, leaf);
    xatop_assert(!text.truncated);
}

/* A path in an error line: nothing in it may steer a terminal, and it must not push the reason out. */
static enum status path_error(struct err *err, const char *what, const char *path)
{
    int saved = errno;
    char shown[256];
    text_sanitise_cstr(shown, sizeof shown, path);
    return err_set(err, STATUS_STATE, "%s %s: %s", what, shown, strerror(saved));
}

enum status lab_mkdir(const char *path, struct err *err)
{
    if (mkdir(path, 0700) == 0)
        return STATUS_OK;
    if (errno != EEXIST)
        return path_error(err, _("cannot create directory"), path);
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return STATUS_OK;
    errno = ENOTDIR;
    return path_error(err, _("cannot create directory"), path);
}

/* Everything above and including @path. */
static enum status make_parents(const char *path, struct err *err)
{
    char part[LAB_PATH_MAX];
    text_copy(part, sizeof part, path);
    for (char *slash = part + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        enum status status = lab_mkdir(part, err);
        if (status)
            return status;
        *slash = '/';
    }
    return lab_mkdir(part, err);
}

enum status lab_node_dir(const char *state_dir, const char *name, bool make, char out[LAB_PATH_MAX],
                         struct err *err)
{
    char real[PATH_MAX];
    struct text text;
    out[0] = '\0';
    if (name[0] && !lab_name_valid(name)) {
        char shown[64];
        text_sanitise_cstr(shown, sizeof shown, name);
        return err_set(
            err, STATUS_USAGE,
            _("node name '%s': not valid; use 1 to %d of a-z, 0-9, '_' and '-', a letter or digit first"),
            shown, XATOP_NAME_MAX);
    }
    if (strlen(state_dir) + XATOP_NAME_MAX + LEAF_MAX >= LAB_PATH_MAX) {
        errno = ENAMETOOLONG;
        return path_error(err, _("state directory"), state_dir);
    }
    enum status status = make ? make_parents(state_dir, err) : STATUS_OK;
    if (status)
        return status;
    if (!realpath(state_dir, real)) {
        if (errno == ENOENT)
            return STATUS_OK;
        return path_error(err, _("state directory"), state_dir);
    }
    if (strlen(real) + XATOP_NAME_MAX + LEAF_MAX >= LAB_PATH_MAX) {
        errno = ENAMETOOLONG;
        return path_error(err, _("state directory"), real);
    }
    text_init(&text, out, LAB_PATH_MAX);
    text_printf(&text, "%s/nodes", strcmp(real, "/") == 0 ? "" : real);
    if (make && (status = lab_mkdir(out, err)) != STATUS_OK)
        return status;
    if (name[0])
        text_printf(&text, "/%s", name);
    return make && name[0] ? lab_mkdir(out, err) : STATUS_OK;
}

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text += n;
        left -= (size_t)n;
    }
    return 0;
}

enum status lab_write_file(const char *path, const char *text, struct err *err)
{
    char temporary[LAB_PATH_MAX];
    struct text name;
    text_init(&name, temporary, sizeof temporary);
    text_printf(&name, "%s.new", path);
    xatop_assert(!name.truncated);
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return path_error(err, _("cannot write"), temporary);
    bool ok = write_all(fd, text) == 0 && fsync(fd) == 0;
    int saved = errno;
    close(fd);
    if (ok && rename(temporary, path) == 0)
        return STATUS_OK;
    if (!ok)
        errno = saved;
    enum status status = path_error(err, _("cannot write"), path);
    unlink(temporary);
    return status;
}

ssize_t lab_read_file(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    struct stat st;
    ssize_t len = -1;
    if (fstat(fd, &st) == 0) {
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
            errno = EPERM;
        else
            len = read(fd, out, cap - 1);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    if (len >= 0)
        out[len] = '\0';
    return len;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

bool lab_remove_tree(const char *path)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
}

bool lab_socket_fits(const char *dir)
{
    return strlen(dir) + SOCKET_MAX < sizeof((struct sockaddr_un *)0)->sun_path;
}

/* A short directory of last time may have been swept from /tmp, or be somebody else's by now. */
static bool private_dir(const char *dir)
{
    struct stat st;
    return dir[0] && lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           !(st.st_mode & 077);
}

enum status lab_socket_dir(const char *node_dir, char dir[LAB_PATH_MAX], struct err *err)
{
    if (lab_socket_fits(node_dir)) {
        text_copy(dir, LAB_PATH_MAX, node_dir);
        return STATUS_OK;
    }
    if (lab_socket_fits(dir) && private_dir(dir))
        return STATUS_OK;
    const char *bases[] = {getenv("XDG_RUNTIME_DIR"), "/tmp"};
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        struct text text;
        text_init(&text, dir, LAB_PATH_MAX);
        if (!bases[i] || bases[i][0] != '/')
            continue;
        text_printf(&text, "%s/xatop-XXXXXX", bases[i]);
        if (!text.truncated && lab_socket_fits(dir) && mkdtemp(dir))
            return STATUS_OK;
    }
    dir[0] = '\0';
    return err_set(
        err, STATUS_STATE,
        _("state directory: its path is too long for a unix socket and no short private directory can be "
          "made in $XDG_RUNTIME_DIR or /tmp; choose a shorter one with --state"));
}

int lab_lock(const char *node_dir, const char *name, int64_t timeout_ms, struct err *err)
{
    char path[LAB_PATH_MAX];
    lab_path(path, node_dir, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        path_error(err, _("cannot open"), path);
        return -1;
    }
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            path_error(err, _("cannot lock"), path);
            close(fd);
            return -1;
        }
        if (clock_mono_ms() >= deadline_ms) {
            err_set(err, STATUS_NODE,
                    _("node %s: another xatop is starting or stopping it; try again in a while"), name);
            close(fd);
            return -1;
        }
        poll(NULL, 0, LOCK_POLL_MS);
    }
    return fd;
}
