#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chaos.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/text.h"

enum { ARGS_MAX = 24, QUICK_MS = 2000, QUICK_MAX = 20 };

/* In the child, between fork and exec: only what is safe there. */
static _Noreturn void become(struct chaos *chaos, char *const *argv, int input, int death, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0); /* ^C is the supervisor's business */
    if (prctl(PR_SET_PDEATHSIG, death) != 0 || getppid() != parent)
        _exit(70);
    if (input >= 0)
        dup2(input, STDIN_FILENO);
    else
        close(STDIN_FILENO);
    dup2(chaos->log_fd, STDOUT_FILENO);
    dup2(chaos->log_fd, STDERR_FILENO);
    fcntl(chaos->shared_fd, F_SETFD, 0);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", argv);
    _exit(70);
}

pid_t chaos_spawn(struct chaos *chaos, const char *const *words, int input, int death)
{
    const char *argv[ARGS_MAX] = {"xatop", "--state", chaos->app->state_dir};
    char shared[16];
    unsigned count = 3;
    if (chaos->app->configuration.file[0]) {
        argv[count++] = "--config";
        argv[count++] = chaos->app->configuration.file;
    }
    argv[count++] = "chaos";
    argv[count++] = words[0];
    snprintf(shared, sizeof shared, "%d", chaos->shared_fd);
    argv[count++] = shared;
    for (unsigned i = 1; words[i] && count < ARGS_MAX - 1; i++)
        argv[count++] = words[i];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(chaos, (char *const *)(uintptr_t)argv, input, death, parent);
    return pid;
}

/* --- the worker --- */

enum status chaos_worker_start(struct chaos *chaos)
{
    static const char *const words[] = {"worker", NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set(&chaos->app->err, STATUS_INTERNAL, "chaos: pipe: %s", strerror(errno));
    chaos->shared->ready = chaos->shared->log_failed = chaos->shared->settled = 0;
    chaos->worker = chaos_spawn(chaos, words, ends[0], SIGKILL);
    close(ends[0]);
    if (chaos->worker <= 0) {
        chaos->worker = 0;
        close(ends[1]);
        return err_set(&chaos->app->err, STATUS_INTERNAL, _("chaos: cannot start the coordinator: %s"),
                       strerror(errno));
    }
    chaos->orders = ends[1];
    fcntl(chaos->orders, F_SETFL, O_NONBLOCK);
    chaos->shot = chaos->quitting = false;
    chaos->started_ms = clock_mono_ms();
    if (chaos->loading) {
        chaos_worker_order(chaos, "load");
        chaos_arm_again(chaos);
    }
    return STATUS_OK;
}

/* One that does not read is about to be killed anyway: an order that finds no room is lost. */
void chaos_worker_order(struct chaos *chaos, const char *line)
{
    char bytes[CHAOS_SPEC_MAX + 16];
    struct text text;
    text_init(&text, bytes, sizeof bytes);
    text_printf(&text, "%s\n", line);
    if (chaos->worker)
        (void)!write(chaos->orders, text.p, text.len);
    if (strcmp(line, "quit") == 0)
        chaos->quitting = true;
}

bool chaos_worker_shoot(struct chaos *chaos)
{
    if (!chaos->worker || chaos->shot)
        return false;
    chaos->shot = kill(chaos->worker, SIGKILL) == 0; /* our child, not waited for yet: the pid is its own */
    return chaos->shot;
}

/* It was killed, it met an injected crash, its log failed, it was told to end: all of that is wanted. */
static bool expected(const struct chaos *chaos, int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGKILL && chaos->shot;
    int code = WEXITSTATUS(status);
    return code == status_exit_code(STATUS_INJECTED_CRASH) ||
           (code == 0 && (chaos->quitting || chaos->shared->log_failed));
}

static enum status worker_ended(struct chaos *chaos, int status)
{
    bool quick = clock_mono_ms() - chaos->started_ms < QUICK_MS;
    chaos->worker = 0;
    close(chaos->orders);
    chaos->orders = -1;
    chaos->quick_deaths = quick && !chaos->shot ? chaos->quick_deaths + 1 : 0;
    program_log(LOG_LEVEL_INFO, "chaos: the coordinator ended: %s %d",
                WIFSIGNALED(status) ? "signal" : "exit code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (!expected(chaos, status) || chaos->quick_deaths > QUICK_MAX)
        return err_set(&chaos->app->err, STATUS_INTERNAL,
                       _("chaos: the coordinator ended by itself (%s %d): see %s/chaos.log"),
                       WIFSIGNALED(status) ? _("signal") : _("exit code"),
                       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), chaos->app->state_dir);
    return chaos->quitting ? STATUS_OK : chaos_worker_start(chaos);
}

/* --- hands --- */

static bool start_hand(struct chaos *chaos, const char *what, enum chaos_kind kind, uint8_t node,
                       int32_t for_ms)
{
    char ms[16];
    const char *words[] = {"hand", what, chaos->app->configuration.nodes[node].name, ms, NULL};
    snprintf(ms, sizeof ms, "%d", for_ms);
    for (unsigned i = 0; i < CHAOS_HANDS_MAX; i++)
        if (chaos->hands[i].pid == 0) {
            pid_t pid = chaos_spawn(chaos, words, -1, SIGTERM); /* it heals what it did, then ends */
            if (pid > 0)
                chaos->hands[i] = (struct chaos_child){pid, kind, node};
            return pid > 0;
        }
    return false;
}

bool chaos_hand_start(struct chaos *chaos, enum chaos_kind kind, uint8_t node, int32_t for_ms)
{
    return start_hand(chaos, chaos_kinds[kind].name, kind, node, for_ms);
}

bool chaos_hand_heal(struct chaos *chaos, uint8_t node)
{
    return start_hand(chaos, CHAOS_HEAL, CHAOS_KILL, node, 0);
}

bool chaos_hand_busy(const struct chaos *chaos, uint8_t node, enum chaos_kind kind)
{
    unsigned alone = chaos_kinds[kind].needs & (CHAOS_PROCESS | CHAOS_LINK);
    for (unsigned i = 0; i < CHAOS_HANDS_MAX; i++)
        if (chaos->hands[i].pid && chaos->hands[i].node == node &&
            chaos_kinds[chaos->hands[i].kind].needs & alone)
            return true;
    return false;
}

unsigned chaos_hands(const struct chaos *chaos)
{
    unsigned count = 0;
    for (unsigned i = 0; i < CHAOS_HANDS_MAX; i++)
        count += chaos->hands[i].pid != 0;
    return count;
}

void chaos_hands_hurry(struct chaos *chaos)
{
    for (unsigned i = 0; i < CHAOS_HANDS_MAX; i++)
        if (chaos->hands[i].pid)
            kill(chaos->hands[i].pid, SIGTERM);
}

enum status chaos_reap(struct chaos *chaos)
{
    enum status result = STATUS_OK;
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == chaos->worker) {
            enum status ended = worker_ended(chaos, status);
            result = ended == STATUS_OK ? result : ended;
        }
        for (unsigned i = 0; i < CHAOS_HANDS_MAX; i++)
            if (chaos->hands[i].pid == pid)
                chaos->hands[i].pid = 0;
    }
    return result;
}
