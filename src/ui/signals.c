#include "config.h"

#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "screen.h"
#include "xatop/console.h"

enum { GUARD_US = 800000 };

static const int fatal_signals[] = {SIGQUIT, SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
static const int told_signals[] = {SIGHUP, SIGINT, SIGTERM, SIGWINCH, SIGTSTP, SIGCONT};
enum {
    FATAL = sizeof fatal_signals / sizeof fatal_signals[0],
    TOLD = sizeof told_signals / sizeof told_signals[0]
};

static struct sigaction before_fatal[FATAL], before_told[TOLD], before_alarm;
static volatile sig_atomic_t ended_by, told;
static int event_fd = -1;
static char stack[65536]; /* of the handlers: a stack that ran over has no room for one */

static void fatal(int number)
{
    screen_emergency();
    signal(number, SIG_DFL);
    raise(number); /* pending until this returns; a fault happens again by itself, and the core shows where */
}

static void ring(void)
{
    int saved_errno = errno;
    uint64_t one = 1;
    if (write(event_fd, &one, sizeof one) < 0)
        errno = 0; /* full: it is readable anyway */
    errno = saved_errno;
}

static void tell(int number)
{
    unsigned bits = number == SIGWINCH  ? SIGNALS_RESIZE
                    : number == SIGTSTP ? SIGNALS_STOP
                    : number == SIGCONT ? SIGNALS_GO_ON
                                        : SIGNALS_END;
    told = (sig_atomic_t)((unsigned)told | bits);
    if (bits == SIGNALS_END && !ended_by) {
        ended_by = number;
        /* the terminal may be stalled in the middle of a write */
        struct itimerval guard = {.it_value = {.tv_usec = GUARD_US}};
        setitimer(ITIMER_REAL, &guard, NULL);
    }
    ring();
}

static void nobody_listened(int number)
{
    screen_emergency();
    int end = ended_by ? ended_by : number;
    signal(end, SIG_DFL);
    raise(end);
}

static void install(int number, void (*handler)(int), struct sigaction *before)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < TOLD; i++) /* the bits are read, changed and written */
        sigaddset(&action.sa_mask, told_signals[i]);
    sigaction(number, &action, before);
}

bool signals_open(void)
{
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return false;
    ended_by = told = 0;
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    for (int i = 0; i < FATAL; i++)
        install(fatal_signals[i], fatal, &before_fatal[i]);
    for (int i = 0; i < TOLD; i++)
        install(told_signals[i], tell, &before_told[i]);
    install(SIGALRM, nobody_listened, &before_alarm);
    return true;
}

void signals_close(void)
{
    struct itimerval off = {0};
    setitimer(ITIMER_REAL, &off, NULL);
    for (int i = 0; i < FATAL; i++)
        sigaction(fatal_signals[i], &before_fatal[i], NULL);
    for (int i = 0; i < TOLD; i++)
        sigaction(told_signals[i], &before_told[i], NULL);
    sigaction(SIGALRM, &before_alarm, NULL);
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    close(event_fd);
    event_fd = -1;
}

int signals_fd(void)
{
    return event_fd;
}

unsigned signals_take(void)
{
    uint64_t count;
    if (read(event_fd, &count, sizeof count) < 0 && !told)
        return 0;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    unsigned bits = (unsigned)told;
    told = 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return bits;
}

int signals_ended_by(void)
{
    return ended_by;
}

void signals_stop(void)
{
    struct sigaction ours, plain = {.sa_handler = SIG_DFL};
    sigaction(SIGTSTP, &plain, &ours);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &ours, NULL);
}

_Noreturn void console_reraise(int signal_number)
{
    signal(signal_number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(signal_number);
    _exit(128 + signal_number);
}
