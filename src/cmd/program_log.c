#include "config.h"

#include "xatop/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "xatop/i18n.h"
#include "xatop/lock.h"
#include "xatop/text.h"

/* The lock is made by the first open, before there are threads, and lives as long as the process. */
static struct {
    struct lock *lock;
    int dir_fd, fd; /* -1: closed */
    enum log_level level;
    int64_t max_bytes;
} program = {.dir_fd = -1, .fd = -1};

static int open_file(int dir_fd)
{
    struct stat st;
    int fd = openat(dir_fd, "xatop.log",
                    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        errno = EINVAL;
        fd = -1;
    }
    return fd;
}

static void close_both(void)
{
    if (program.fd >= 0)
        close(program.fd);
    if (program.dir_fd >= 0)
        close(program.dir_fd);
    program.fd = program.dir_fd = -1;
}

enum status program_log_open(const char *dir, enum log_level level, int64_t max_bytes, struct err *err)
{
    char clean[256];
    text_sanitise_cstr(clean, sizeof clean, dir);
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = dir_fd < 0 ? -1 : open_file(dir_fd);
    if (fd < 0) {
        enum status status = err_set(err, STATUS_STATE, _("program log %s/xatop.log: %s"), clean,
                                     errno == EINVAL || errno == ENXIO ? _("is not a regular file")
                                     : errno == ELOOP                  ? _("is a symbolic link")
                                                                       : strerror(errno));
        if (dir_fd >= 0)
            close(dir_fd);
        return status;
    }
    if (!program.lock && !(program.lock = lock_new())) {
        close(fd);
        close(dir_fd);
        return err_set(err, STATUS_INTERNAL, _("program log: out of memory"));
    }
    lock_take(program.lock);
    close_both();
    program.dir_fd = dir_fd;
    program.fd = fd;
    program.level = level;
    program.max_bytes = max_bytes;
    lock_give(program.lock);
    return STATUS_OK;
}

void program_log_close(void)
{
    if (!program.lock)
        return;
    lock_take(program.lock);
    close_both();
    lock_give(program.lock);
}

/* Another process may have begun a new file meanwhile: then ours is the old one, and only the open is to be
 * done. */
static void rotate_if_full(void)
{
    struct stat ours, named;
    if (fstat(program.fd, &ours) != 0 || ours.st_size < program.max_bytes)
        return;
    if (fstatat(program.dir_fd, "xatop.log", &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        named.st_ino == ours.st_ino &&
        renameat(program.dir_fd, "xatop.log", program.dir_fd, "xatop.log.1") != 0)
        return;
    int fd = open_file(program.dir_fd);
    if (fd < 0)
        return;
    close(program.fd);
    program.fd = fd;
}

static void stamp(struct text *line, enum log_level level)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    struct timespec now;
    struct tm utc;
    char when[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    text_printf(line, "%s.%03dZ %-7s [%d] ", when, (int)(now.tv_nsec / 1000000), levels[level],
                (int)getpid());
}

void program_log(enum log_level level, const char *format, ...)
{
    char raw[1001], clean[1001], buffer[1100];
    struct text line;
    va_list args;
    if (!program.lock)
        return;
    va_start(args, format);
    int n = vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    if (n < 0)
        return;
    text_sanitise_cstr(clean, sizeof clean, raw);
    text_init(&line, buffer, sizeof buffer);
    stamp(&line, level);
    text_append(&line, clean);
    text_append(&line, "\n");
    lock_take(program.lock);
    if (program.fd >= 0 && level <= program.level) {
        rotate_if_full();
        /* A full disk must not disturb the work: the line is lost, as this log may be. */
        if (write(program.fd, line.p, line.len) < 0)
            errno = 0;
    }
    lock_give(program.lock);
}
