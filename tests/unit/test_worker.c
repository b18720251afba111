#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "cunit_main.h"
#include "xatop/clock.h"
#include "xatop/worker.h"

static bool readable(const struct mailbox *mailbox)
{
    struct pollfd poll_fd = {.fd = mailbox_fd(mailbox), .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static void mailbox_is_a_bounded_fifo(void)
{
    int v[4];
    void *got[4];
    struct mailbox *box = mailbox_new(3);
    for (int round = 0; round < 5; round++) { /* the ring wraps */
        CU_ASSERT_FALSE(readable(box));
        CU_ASSERT_EQUAL(mailbox_take(box, got, 4), 0);
        for (int i = 0; i < 3; i++)
            CU_ASSERT_TRUE(mailbox_post(box, &v[i]));
        CU_ASSERT_FALSE(mailbox_post(box, &v[3]));
        CU_ASSERT_TRUE(readable(box));
        CU_ASSERT_EQUAL(mailbox_take(box, got, 1), 1);
        CU_ASSERT_PTR_EQUAL(got[0], &v[0]);
        CU_ASSERT_TRUE(readable(box));
        CU_ASSERT_EQUAL(mailbox_take(box, got, 4), 2);
        CU_ASSERT_PTR_EQUAL(got[0], &v[1]);
        CU_ASSERT_PTR_EQUAL(got[1], &v[2]);
    }
    mailbox_free(box);
}

static void closed_mailbox_gives_what_it_holds_and_takes_nothing(void)
{
    int v[2];
    void *got[4];
    struct mailbox *box = mailbox_new(4);
    CU_ASSERT_TRUE(mailbox_post(box, &v[0]));
    mailbox_close(box);
    mailbox_close(box);
    CU_ASSERT_FALSE(mailbox_post(box, &v[1]));
    CU_ASSERT_TRUE(readable(box));
    CU_ASSERT_EQUAL(mailbox_wait(box, got, 4, -1), 1);
    CU_ASSERT_TRUE(readable(box));
    CU_ASSERT_EQUAL(mailbox_wait(box, got, 4, -1), 0);
    CU_ASSERT_TRUE(mailbox_closed(box));
    mailbox_free(box);
}

static void waiting_ends_at_its_timeout(void)
{
    void *got;
    struct mailbox *box = mailbox_new(1);
    int64_t before_ms = clock_mono_ms();
    CU_ASSERT_EQUAL(mailbox_wait(box, &got, 1, 20), 0);
    CU_ASSERT_TRUE(clock_mono_ms() - before_ms >= 20);
    mailbox_free(box);
}

/* Every item of each of four posters comes out of the outbox once, in that poster's order. */
enum { POSTERS = 4, ITEMS = 5000 };
struct item {
    int poster, number;
};
static struct item items[POSTERS][ITEMS];

static void forward(void *arg, void *item)
{
    while (!mailbox_post(arg, item)) { /* the outbox is small on purpose */
        struct pollfd nothing = {.fd = -1};
        poll(&nothing, 1, 1);
    }
}

static void nothing_is_lost_or_reordered_between_threads(void)
{
    struct mailbox *outbox = mailbox_new(64);
    struct worker *workers[POSTERS];
    for (int p = 0; p < POSTERS; p++) {
        CU_ASSERT_EQUAL_FATAL(worker_start(&workers[p], "test-forwarder", ITEMS, forward, outbox, NULL),
                              STATUS_OK);
        for (int i = 0; i < ITEMS; i++) {
            items[p][i] = (struct item){p, i};
            CU_ASSERT_TRUE_FATAL(worker_submit(workers[p], &items[p][i]));
        }
    }
    int next[POSTERS] = {0}, wrong = 0;
    for (int n = 0; n < POSTERS * ITEMS;) {
        void *got[16];
        size_t count = mailbox_wait(outbox, got, 16, 10000);
        CU_ASSERT_TRUE_FATAL(count > 0);
        for (size_t i = 0; i < count; i++, n++) {
            const struct item *item = got[i];
            wrong += item->number != next[item->poster]++;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (int p = 0; p < POSTERS; p++)
        worker_stop(workers[p], NULL);
    mailbox_free(outbox);
}

struct slow {
    struct mailbox *begun, *go_on;
    atomic_int done;
};

static void work_when_told(void *arg, void *item)
{
    struct slow *slow = arg;
    void *token;
    mailbox_post(slow->begun, item);
    mailbox_wait(slow->go_on, &token, 1, -1);
    slow->done++;
}

static int dropped;

static void count_drop(void *item)
{
    if (++dropped == 2)
        mailbox_close(*(struct mailbox **)item); /* lets the item in hand go on */
}

static void stop_finishes_or_drops_what_is_queued(void)
{
    for (int drop = 0; drop < 2; drop++) {
        struct slow slow = {.begun = mailbox_new(8), .go_on = mailbox_new(8)};
        struct worker *worker;
        void *got;
        CU_ASSERT_EQUAL_FATAL(worker_start(&worker, "test-slow", 8, work_when_told, &slow, NULL), STATUS_OK);
        for (int i = 0; i < 3; i++)
            CU_ASSERT_TRUE(worker_submit(worker, &slow.go_on));
        CU_ASSERT_EQUAL(mailbox_wait(slow.begun, &got, 1, 10000), 1); /* one in hand, two queued */
        dropped = 0;
        if (!drop)
            mailbox_close(slow.go_on);
        worker_stop(worker, drop ? count_drop : NULL);
        CU_ASSERT_EQUAL(dropped, drop ? 2 : 0);
        CU_ASSERT_EQUAL(slow.done, drop ? 1 : 3);
        mailbox_free(slow.begun);
        mailbox_free(slow.go_on);
    }
}

static void read_mask(void *arg, struct mailbox *inbox)
{
    sigset_t *mask = arg;
    void *item;
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    while (mailbox_wait(inbox, &item, 1, -1))
        ;
}

static void signals_are_blocked_in_the_thread_only(void)
{
    sigset_t before, inside, after;
    struct worker *worker;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    CU_ASSERT_EQUAL_FATAL(
        worker_start_loop(&worker, "a-name-longer-than-fifteen", 1, read_mask, &inside, NULL), STATUS_OK);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    worker_stop(worker, NULL);
    CU_ASSERT_TRUE(sigismember(&inside, SIGINT) == 1 && sigismember(&inside, SIGTERM) == 1);
    CU_ASSERT_TRUE(sigismember(&inside, SIGWINCH) == 1);
    CU_ASSERT_EQUAL(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}

int main(void)
{
    static const struct test_case cases[] = {
        {"mailbox is a bounded fifo", mailbox_is_a_bounded_fifo},
        {"closed mailbox gives what it holds and takes nothing",
         closed_mailbox_gives_what_it_holds_and_takes_nothing},
        {"waiting ends at its timeout", waiting_ends_at_its_timeout},
        {"nothing is lost or reordered between threads", nothing_is_lost_or_reordered_between_threads},
        {"stop finishes or drops what is queued", stop_finishes_or_drops_what_is_queued},
        {"signals are blocked in the thread only", signals_are_blocked_in_the_thread_only},
        {NULL, NULL},
    };
    return test_main("worker", cases);
}
