#include "config.h"

#include "xatop/worker.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

struct worker {
    pthread_t thread;
    struct mailbox *inbox;
    void (*loop)(void *arg, struct mailbox *inbox);
    void (*each)(void *arg, void *item); /* if set, instead of loop */
    void *arg;
};

static void *thread_main(void *p)
{
    struct worker *worker = p;
    if (worker->loop) {
        worker->loop(worker->arg, worker->inbox);
        return NULL;
    }
    void *item;
    while (mailbox_wait(worker->inbox, &item, 1, -1) == 1)
        worker->each(worker->arg, item);
    return NULL;
}

static enum status start(struct worker **out, struct worker init, const char *name, size_t inbox_capacity,
                         struct err *err)
{
    int error = 0;
    struct worker *worker = malloc(sizeof *worker);
    if (!worker)
        goto fail;
    *worker = init;
    worker->inbox = mailbox_new(inbox_capacity);
    if (!worker->inbox)
        goto fail;
    /* A thread inherits the mask, so it is set before and put back after: no moment without it. A fault of its own stays
     * open: blocked, it would end the process past the handlers that give the terminal back. */
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&worker->thread, NULL, thread_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        goto fail;
    char short_name[16];
    text_copy(short_name, sizeof short_name, name);
    pthread_setname_np(worker->thread, short_name);
    *out = worker;
    return STATUS_OK;
fail:
    if (worker)
        mailbox_free(worker->inbox);
    free(worker);
    return err_set(err, STATUS_INTERNAL, _("thread %s: cannot start: %s"), name,
                   error ? strerror(error) : _("out of memory or file descriptors"));
}

enum status worker_start_loop(struct worker **out, const char *name, size_t inbox_capacity,
                              void (*loop)(void *arg, struct mailbox *inbox), void *arg, struct err *err)
{
    return start(out, (struct worker){.loop = loop, .arg = arg}, name, inbox_capacity, err);
}

enum status worker_start(struct worker **out, const char *name, size_t inbox_capacity,
                         void (*each)(void *arg, void *item), void *arg, struct err *err)
{
    return start(out, (struct worker){.each = each, .arg = arg}, name, inbox_capacity, err);
}

bool worker_submit(struct worker *worker, void *item)
{
    return mailbox_post(worker->inbox, item);
}

void worker_stop(struct worker *worker, void (*drop)(void *item))
{
    if (!worker)
        return;
    mailbox_close(worker->inbox);
    void *item;
    while (drop && mailbox_take(worker->inbox, &item, 1) == 1)
        drop(item);
    pthread_join(worker->thread, NULL);
    mailbox_free(worker->inbox);
    free(worker);
}

void worker_sleep_ms(int ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    for (int64_t left = ms; left > 0; left = until_ms - clock_mono_ms()) /* a signal may cut it short */
        poll(NULL, 0, (int)left);
}
