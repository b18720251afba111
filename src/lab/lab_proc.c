#include "config.h"

#include "lab_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xatop/clock.h"
#include "xatop/text.h"

enum { CMDLINE_MAX = 32768, POLL_MS = 10 };

static ssize_t read_proc(pid_t pid, const char *leaf, char *out, size_t cap)
{
    char path[64];
    struct text text;
    text_init(&text, path, sizeof path);
    text_printf(&text, "/proc/%ld/%s", (long)pid, leaf);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t n = 0;
    while (len < cap && (n = read(fd, out + len, cap - len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        len += (size_t)n;
    }
    close(fd);
    return n < 0 ? -1 : (ssize_t)len;
}

bool lab_proc_stat(pid_t pid, struct lab_proc_stat *out)
{
    char line[1024];
    ssize_t n = pid > 0 ? read_proc(pid, "stat", line, sizeof line - 1) : -1;
    if (n <= 0)
        return false;
    line[n] = '\0';
    /* field 2 is the program's own name in parentheses and may hold anything, also ") " */
    const char *p = strrchr(line, ')');
    long threads;
    unsigned long long start;
    char state;
    if (!p ||
        sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu",
               &state, &threads, &start) != 3)
        return false;
    *out = (struct lab_proc_stat){.state = state, .threads = (int)threads, .start_ticks = start};
    return true;
}

/* Is one of the words of the command line exactly --datadir=@data_dir? -1: it has no command line (any more).
 */
static int cmdline_names(pid_t pid, const char *data_dir)
{
    static const char option[] = "--datadir=";
    int found = -1;
    char *words = malloc(CMDLINE_MAX + 1);
    xatop_assert(words);
    ssize_t n = read_proc(pid, "cmdline", words, CMDLINE_MAX);
    if (n > 0) {
        words[n] = '\0';
        found = 0;
        for (const char *word = words; word < words + n && !found; word += strlen(word) + 1)
            found = strncmp(word, option, sizeof option - 1) == 0 &&
                    strcmp(word + sizeof option - 1, data_dir) == 0;
    }
    free(words);
    return found;
}

static enum lab_life look(const struct lab_pid *record)
{
    struct lab_proc_stat stat;
    if (!lab_proc_stat(record->pid, &stat) || stat.start_ticks != record->start_ticks)
        return LAB_LIFE_GONE;
    if (stat.state == 'Z' || stat.state == 'X') {
        /* the first thread may be dead while others still hold the server's files */
        if (stat.threads > 1)
            return LAB_LIFE_ENDING;
        if (waitpid(record->pid, NULL, WNOHANG) < 0 && errno != ECHILD)
            return LAB_LIFE_ENDING;
        return LAB_LIFE_GONE;
    }
    int names = cmdline_names(record->pid, record->data_dir);
    if (names < 0) /* its memory is gone: about to become a zombie, or a zombie by now */
        return LAB_LIFE_ENDING;
    if (!names)
        return LAB_LIFE_GONE;
    return stat.state == 'T' ? LAB_LIFE_STOPPED : LAB_LIFE_RUNNING;
}

enum lab_life lab_proc_look(const struct lab_pid *record)
{
    enum lab_life life = record->pid > 0 ? look(record) : LAB_LIFE_GONE;
    if (life != LAB_LIFE_ENDING)
        return life;
    struct lab_proc_stat stat; /* it may have got there between the two reads */
    if (lab_proc_stat(record->pid, &stat) && stat.state == 'Z')
        return look(record);
    return life;
}

bool lab_proc_signal(const struct lab_pid *record, int signal)
{
    if (record->pid <= 0)
        return false;
    /* the handle first, then the look: what is looked at is what is signalled, even if the pid is reused
     * meanwhile */
    int handle = (int)syscall(SYS_pidfd_open, record->pid, 0);
    if (handle < 0 && errno != ENOSYS && errno != EPERM)
        return false;
    enum lab_life life = lab_proc_look(record);
    bool sent = false;
    if (life == LAB_LIFE_RUNNING || life == LAB_LIFE_STOPPED) {
        if (handle >= 0)
            sent = syscall(SYS_pidfd_send_signal, handle, signal, NULL, 0) == 0;
        else
            sent = kill(record->pid, signal) == 0; /* a kernel or sandbox without pidfd */
    }
    if (handle >= 0)
        close(handle);
    return sent;
}

bool lab_proc_await(const struct lab_pid *record, enum lab_life wanted, int64_t timeout_ms)
{
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    for (;;) {
        enum lab_life life = lab_proc_look(record);
        if (life == wanted || life == LAB_LIFE_GONE)
            return life == wanted;
        if (clock_mono_ms() >= deadline_ms)
            return false;
        poll(NULL, 0, POLL_MS);
    }
}

bool lab_proc_find(const char *data_dir, struct lab_pid *out)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(proc)) != NULL;) {
        int64_t pid;
        if (!text_to_i64(entry->d_name, 1, INT32_MAX, &pid))
            continue;
        struct lab_proc_stat stat;
        if (!lab_proc_stat((pid_t)pid, &stat) || cmdline_names((pid_t)pid, data_dir) != 1)
            continue;
        *out = (struct lab_pid){.pid = (pid_t)pid, .start_ticks = stat.start_ticks};
        text_copy(out->data_dir, sizeof out->data_dir, data_dir);
        found = true;
    }
    closedir(proc);
    return found;
}
