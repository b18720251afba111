#include "config.h"

#include "xatop/worker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "xatop/clock.h"

struct mailbox {
    pthread_mutex_t mutex;
    int fd; /* eventfd; its counter is above 0 exactly while (count > 0 || closed): changed under the mutex
               only */
    bool closed;
    size_t capacity, first, count;
    void *items[];
};

struct mailbox *mailbox_new(size_t capacity)
{
    xatop_assert(capacity > 0 && capacity <= SIZE_MAX / sizeof(void *) / 2);
    struct mailbox *mailbox = calloc(1, sizeof *mailbox + capacity * sizeof mailbox->items[0]);
    if (!mailbox)
        return NULL;
    mailbox->capacity = capacity;
    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->fd < 0) {
        free(mailbox);
        return NULL;
    }
    xatop_assert(pthread_mutex_init(&mailbox->mutex, NULL) == 0);
    return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (!mailbox)
        return;
    close(mailbox->fd);
    pthread_mutex_destroy(&mailbox->mutex);
    free(mailbox);
}

/* An eventfd transfer of 8 bytes can only fail by a signal or, never here, by a full or empty counter. */
static void ring(struct mailbox *mailbox)
{
    uint64_t one = 1;
    ssize_t n;
    do
        n = write(mailbox->fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    xatop_assert(n == sizeof one);
}

static void silence(struct mailbox *mailbox)
{
    uint64_t count;
    ssize_t n;
    do
        n = read(mailbox->fd, &count, sizeof count);
    while (n < 0 && errno == EINTR);
    xatop_assert(n == sizeof count);
}

bool mailbox_post(struct mailbox *mailbox, void *item)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool taken = !mailbox->closed && mailbox->count < mailbox->capacity;
    if (taken) {
        mailbox->items[(mailbox->first + mailbox->count) % mailbox->capacity] = item;
        if (mailbox->count++ == 0)
            ring(mailbox);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return taken;
}

size_t mailbox_take(struct mailbox *mailbox, void **items, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&mailbox->mutex);
    while (n < max && mailbox->count > 0) {
        items[n++] = mailbox->items[mailbox->first];
        mailbox->first = (mailbox->first + 1) % mailbox->capacity;
        mailbox->count--;
    }
    if (n > 0 && mailbox->count == 0 && !mailbox->closed)
        silence(mailbox);
    pthread_mutex_unlock(&mailbox->mutex);
    return n;
}

size_t mailbox_wait(struct mailbox *mailbox, void **items, size_t max, int timeout_ms)
{
    int64_t deadline_ms = timeout_ms < 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;
    for (;;) {
        size_t n = mailbox_take(mailbox, items, max);
        if (n > 0)
            return n;
        if (mailbox_closed(mailbox)) /* nothing can be posted after this, so one more look is the last one */
            return mailbox_take(mailbox, items, max);
        int left_ms = -1;
        if (timeout_ms >= 0) {
            int64_t left = deadline_ms - clock_mono_ms();
            if (left <= 0)
                return 0;
            left_ms = left > INT_MAX ? INT_MAX : (int)left;
        }
        struct pollfd poll_fd = {.fd = mailbox->fd, .events = POLLIN};
        int ready = poll(&poll_fd, 1, left_ms);
        xatop_assert(ready >= 0 || errno == EINTR || errno == ENOMEM);
    }
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->fd;
}

void mailbox_close(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    if (!mailbox->closed) {
        mailbox->closed = true;
        if (mailbox->count == 0)
            ring(mailbox);
    }
    pthread_mutex_unlock(&mailbox->mutex);
}

bool mailbox_closed(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool closed = mailbox->closed;
    pthread_mutex_unlock(&mailbox->mutex);
    return closed;
}
