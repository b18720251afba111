#include "config.h"

#include "lab_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xatop/clock.h"

extern char **environ;

enum { ENV_MAX = 16 };

/* Only what a server or a wrapper may need: DB1_PASSWORD and the like stay with us. */
static void safe_environment(char *out[ENV_MAX + 1])
{
    static const char *const kept[] = {
        "PATH=", "HOME=", "USER=", "LOGNAME=", "TZ=", "LD_LIBRARY_PATH=", NULL};
    static char c_locale[] =
        "LC_ALL=C"; /* the log lines we quote, and what --version prints, in one language */
    size_t n = 0;
    out[n++] = c_locale;
    for (char **e = environ; *e; e++)
        for (size_t i = 0; kept[i]; i++)
            if (n < ENV_MAX && strncmp(*e, kept[i], strlen(kept[i])) == 0)
                out[n++] = *e;
    out[n] = NULL;
}

/* posix_spawn and not fork: the program has threads, and nothing but this list runs in between. */
static pid_t spawn(const char *const *argv, posix_spawn_file_actions_t *files)
{
    posix_spawnattr_t attr;
    sigset_t none, all;
    char *env[ENV_MAX + 1];
    pid_t pid;
    safe_environment(env);
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_init(&attr);
    if (rc)
        return -rc;
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    rc = posix_spawn_file_actions_addclosefrom_np(files, 3);
    if (!rc)
        rc = posix_spawn_file_actions_addchdir_np(files, "/");
    if (!rc)
        rc = posix_spawn(&pid, argv[0], files, &attr, (char *const *)(uintptr_t)argv, env);
    posix_spawnattr_destroy(&attr);
    return rc ? -rc : pid;
}

pid_t lab_spawn(const char *const *argv, const char *stdin_path, const char *log_path)
{
    posix_spawn_file_actions_t files;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc)
        return -rc;
    rc = posix_spawn_file_actions_addopen(&files, 0, stdin_path ? stdin_path : "/dev/null", O_RDONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_addopen(&files, 1, log_path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW,
                                              0600);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(&files, 1, 2);
    pid_t pid = rc ? -rc : spawn(argv, &files);
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

/* Read until the end of the pipe, or the deadline. What does not fit is read and dropped, or the writer would
 * block. */
static bool drain(int fd, char *out, size_t cap, int64_t deadline_ms)
{
    size_t len = 0;
    char dropped[4096];
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        struct pollfd look = {.fd = fd, .events = POLLIN};
        int ready = left_ms > 0 ? poll(&look, 1, (int)left_ms) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            break;
        size_t room = cap - 1 - len;
        ssize_t n = room ? read(fd, out + len, room) : read(fd, dropped, sizeof dropped);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            out[len] = '\0';
            return n == 0;
        }
        if (room)
            len += (size_t)n;
    }
    out[len] = '\0';
    return false;
}

bool lab_capture(const char *const *argv, char *out, size_t cap, int timeout_ms)
{
    int ends[2];
    posix_spawn_file_actions_t files;
    out[0] = '\0';
    if (pipe2(ends, O_CLOEXEC))
        return false;
    pid_t pid = -ENOMEM;
    if (posix_spawn_file_actions_init(&files) == 0) {
        int rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        if (!rc)
            rc = posix_spawn_file_actions_adddup2(&files, ends[1], 1);
        if (!rc)
            rc = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
        pid = rc ? -rc : spawn(argv, &files);
        posix_spawn_file_actions_destroy(&files);
    }
    close(ends[1]);
    bool ok = pid > 0 && drain(ends[0], out, cap, clock_mono_ms() + timeout_ms);
    close(ends[0]);
    if (pid <= 0)
        return false;
    if (!ok)
        kill(pid, SIGKILL); /* our own child, not waited for yet: the pid cannot be another's */
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
