#include "config.h"

#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cunit_main.h"
#include "terminal.h"
#include "xatop/clock.h"
#include "xatop/console.h"
#include "xatop/worker.h"

/* The real console on a real pseudo-terminal, its screen read through a terminal emulator. The child plays the sample journal;
 * t makes a notice and a line on standard error, o a stream of work, r and O end it by a fault,
 * of its own and of another thread. */

/* --- the child --- */

static struct model model;
static struct console_status status = {.generation = 1};
static int wake_fd;
static int64_t last_us, started_us;
static uint64_t next_txn = 500;
static bool loaded; /* 200 transactions a second, made up as they are asked for */

static void load_journal(void)
{
    static const char *const names[] = {"alpha", "beta"};
    char line[4096];
    FILE *in = fopen(XATOP_SRCDIR "/tests/golden/sample.journal", "r");
    model_init(&model, names, 2);
    while (in && fgets(line, sizeof line, in)) {
        struct trace_event event;
        if (!trace_from_json(line, strcspn(line, "\n"), &event))
            continue;
        model_apply(&model, &event);
        last_us = event.mono_us;
    }
    if (in)
        fclose(in);
}

static void apply(enum trace_kind kind, uint64_t txn, int64_t n0, int64_t n1, int16_t result,
                  const char *detail)
{
    struct trace_event event = {.seq = model.last_seq + 1,
                                .mono_us = clock_mono_us(),
                                .wall_ms = clock_wall_ms(),
                                .kind = kind,
                                .txn = txn,
                                .epoch = 4,
                                .result = result,
                                .n = {n0, n1}};
    text_copy(event.detail, sizeof event.detail, detail);
    model_apply(&model, &event);
    status.generation++;
}

static void make_load(void)
{
    int64_t due = (clock_mono_us() - started_us) / 5000;
    for (; (int64_t)next_txn - 500 < due; next_txn++) {
        apply(TRACE_BEGIN, next_txn, 2, 0, 0, "12.50 from 1003 to 1008");
        apply(TRACE_OUTCOME, next_txn, 6000 + (int64_t)(next_txn % 7) * 900, 0, next_txn % 13 ? 1 : 2, "");
        apply(TRACE_FORGET, next_txn, 0, 0, 0, "");
    }
}

static bool snapshot(void *ctx, uint64_t known, struct model *out, struct console_status *status_out)
{
    if (loaded)
        make_load();
    bool news = known != status.generation;
    if (out && news)
        *out = model;
    *status_out = status;
    return news;
}

static void fault_of_a_thread(void *arg, void *item)
{
    raise(SIGSEGV);
}

static enum status wish(void *ctx, const struct console_request *request, struct err *err)
{
    uint64_t one = 1;
    switch (request->wish) {
    case WISH_TRANSFER:
        apply(TRACE_NOTICE, 0, 0, 0, 0, "a transfer was fired");
        if (write(wake_fd, &one, sizeof one) < 0 || write(STDERR_FILENO, "caught words\n", 13) < 0)
            return STATUS_INTERNAL;
        return STATUS_OK;
    case WISH_ORDER: {
        struct itimerspec every = {.it_value = {.tv_nsec = 1000000}, .it_interval = {.tv_nsec = 1000000}};
        loaded = true;
        started_us = clock_mono_us();
        timerfd_settime(wake_fd, 0, &every, NULL);
        return STATUS_OK;
    }
    case WISH_RECOVER:
        abort();
    case WISH_ORDERS: {
        struct worker *worker;
        if (worker_start(&worker, "faulty", 1, fault_of_a_thread, NULL, err) == STATUS_OK)
            worker_submit(worker, &model);
        return STATUS_OK;
    }
    default:
        return err_set(err, STATUS_NODE, "node: %s; wait", "refused by the test");
    }
}

static uint32_t unfinished(void *ctx, struct text *out)
{
    return 0;
}

static int child(int64_t refresh_ms)
{
    struct console_ports ports = {.snapshot = snapshot,
                                  .wish = wish,
                                  .unfinished = unfinished,
                                  .title = "test",
                                  .node_count = 2,
                                  .refresh_ms = refresh_ms};
    struct err err = {0};
    int number = 0;
    load_journal();
    ports.wake_fd = wake_fd =
        getenv("TEST_LOAD") ? timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) : eventfd(0, EFD_NONBLOCK);
    enum console_end end = console_run(&ports, &number, &err);
    if (end == CONSOLE_SIGNAL)
        console_reraise(number);
    if (end == CONSOLE_FAILED) {
        fprintf(stderr, "xatop: %s\n", err.text);
        return status_exit_code(err.status);
    }
    return end == CONSOLE_TERMINAL ? 33 : 0;
}

/* --- tests --- */

static int run_child(void *arg)
{
    return child(*(int64_t *)arg);
}

static void start(struct terminal *s, int w, int h, int64_t refresh_ms, const char *term)
{
    terminal_start(s, w, h, term, run_child, &refresh_ms);
}

static void draws_and_leaves(void)
{
    struct terminal s;
    start(&s, 80, 24, 1000, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    CU_ASSERT_TRUE(terminal_shows(&s, "1 Nodes"));
    CU_ASSERT_TRUE(terminal_shows(&s, "POINT OF NO RETURN") || terminal_shows(&s, "beta"));
    CU_ASSERT_TRUE(s.alternate && s.cursor_hidden);
    CU_ASSERT_TRUE(
        terminal_shows(&s, "王芳")); /* two columns each: the frame behind them is where it belongs */
    for (int y = 17; y < 21; y++) {
        VTermScreenCell cell;
        vterm_screen_get_cell(s.screen, (VTermPos){.row = y, .col = 79}, &cell);
        CU_ASSERT_EQUAL(cell.chars[0], 0x2502);
    }
    terminal_press(&s, "?");
    CU_ASSERT_TRUE(terminal_await(&s, "? closes"));
    terminal_press(&s, "q");
    terminal_press(&s, "q");
    int result = terminal_finish(&s, 2000);
    CU_ASSERT_TRUE(result >= 0 && WIFEXITED(result) && WEXITSTATUS(result) == 0);
    CU_ASSERT_TRUE(terminal_restored(&s));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.tail, "\x1b[?2004l"));
    terminal_free(&s);
}

static void every_signal_gives_the_terminal_back(void)
{
    static const int numbers[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGSEGV, SIGABRT, SIGBUS, SIGFPE};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct terminal s;
        start(&s, 80, 24, 1000, "xterm-256color");
        CU_ASSERT_TRUE_FATAL(terminal_await(&s, "q quit"));
        CU_ASSERT_FALSE(terminal_restored(&s));
        kill(s.pid, numbers[i]);
        int result = terminal_finish(&s, 2000);
        CU_ASSERT_TRUE(result >= 0 && WIFSIGNALED(result) && WTERMSIG(result) == numbers[i]);
        CU_ASSERT_TRUE(terminal_restored(&s));
        CU_ASSERT_PTR_NOT_NULL(strstr(s.tail, "\x1b[?2004l"));
        terminal_free(&s);
    }
}

static void its_own_abort_too_and_says_what_was_caught(void)
{
    struct terminal s;
    start(&s, 80, 24, 1000, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    terminal_press(&s, "t");
    CU_ASSERT_TRUE(terminal_await(&s, "a transfer was fired"));
    CU_ASSERT_FALSE(terminal_shows(&s, "caught words"));
    terminal_press(&s, "r");
    int result = terminal_finish(&s, 2000);
    CU_ASSERT_TRUE(result >= 0 && WIFSIGNALED(result) && WTERMSIG(result) == SIGABRT);
    CU_ASSERT_TRUE(terminal_restored(&s));
    CU_ASSERT_TRUE(terminal_shows(&s, "caught words"));
    terminal_free(&s);
}

static void a_fault_of_another_thread_too(void)
{
    struct terminal s;
    start(&s, 80, 24, 1000, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    terminal_press(&s, "O");
    int result = terminal_finish(&s, 2000);
    CU_ASSERT_TRUE(result >= 0 && WIFSIGNALED(result) && WTERMSIG(result) == SIGSEGV);
    CU_ASSERT_TRUE(terminal_restored(&s));
    terminal_free(&s);
}

static void a_stalled_terminal_holds_up_nobody_for_long(void)
{
    struct terminal s;
    start(&s, 200, 60, 200, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    terminal_press(&s, "\x13");                                        /* Ctrl-S */
    terminal_press(&s, "???????????????????????");                     /* wants to draw again and again */
    CU_ASSERT_FALSE(terminal_pump(&s, 700) && terminal_pump(&s, 700)); /* nothing comes: it is stopped */
    int64_t begun = clock_mono_ms();
    kill(s.pid, SIGTERM);
    int result = terminal_finish(&s, 3000);
    CU_ASSERT_TRUE(result >= 0 && WIFSIGNALED(result) && WTERMSIG(result) == SIGTERM);
    CU_ASSERT_TRUE(clock_mono_ms() - begun < 1500);
    terminal_free(&s);
    start(&s, 80, 24, 200, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    terminal_press(&s, "\x13");
    terminal_press(&s, "?");
    terminal_settle(&s);
    CU_ASSERT_FALSE(terminal_shows(&s, "? closes"));
    terminal_press(&s, "\x11"); /* Ctrl-Q: right at once */
    CU_ASSERT_TRUE(terminal_await(&s, "? closes"));
    terminal_press(&s, "qq");
    CU_ASSERT_EQUAL(terminal_finish(&s, 2000), 0);
    terminal_free(&s);
}

static void a_lost_terminal_ends_it_within_a_second(void)
{
    struct terminal s;
    start(&s, 80, 24, 1000, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    close(s.fd);
    s.fd = -1;
    int64_t begun = clock_mono_ms();
    int result = -1;
    while (waitpid(s.pid, &result, WNOHANG) == 0 && clock_mono_ms() - begun < 3000)
        poll(NULL, 0, 5);
    CU_ASSERT_TRUE(clock_mono_ms() - begun < 1000);
    /* by the hang-up signal or by the terminal itself, whichever came first */
    CU_ASSERT_TRUE((WIFSIGNALED(result) && WTERMSIG(result) == SIGHUP) ||
                   (WIFEXITED(result) && WEXITSTATUS(result) == 33));
    terminal_free(&s);
}

static void nothing_new_writes_nothing(void)
{
    struct terminal s;
    start(&s, 80, 24, 200, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    terminal_press(&s, " ");
    CU_ASSERT_TRUE(terminal_await(&s, "FROZEN"));
    terminal_settle(&s);
    s.bytes = 0;
    CU_ASSERT_FALSE(terminal_pump(&s, 1500));
    CU_ASSERT_EQUAL(s.bytes, 0);
    terminal_press(&s, " ");
    CU_ASSERT_TRUE(terminal_await(&s, "RUN"));
    terminal_press(&s, "q");
    CU_ASSERT_EQUAL(terminal_finish(&s, 2000), 0);
    terminal_free(&s);
}

static void frames_are_small(void)
{
    static const struct {
        int w, h;
        size_t idle, loaded;
    } rows[] = {{80, 24, 300, 1500}, {120, 40, 600, 3000}, {200, 60, 1000, 5000}};
    setenv("TEST_LOAD", "1", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct terminal s;
        start(&s, rows[i].w, rows[i].h, 200, "xterm-256color");
        CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
        terminal_settle(&s);
        s.bytes = s.reads = 0;
        int64_t until = clock_mono_ms() + 2000;
        while (clock_mono_ms() < until)
            terminal_pump(&s, 20);
        size_t idle = s.bytes / 10;
        terminal_press(&s, "o");
        until = clock_mono_ms() + 1000; /* past the burst */
        while (clock_mono_ms() < until)
            terminal_pump(&s, 20);
        s.bytes = s.reads = 0;
        until = clock_mono_ms() + 3000;
        while (clock_mono_ms() < until)
            terminal_pump(&s, 20);
        size_t loaded_frame = s.bytes / 15; /* at least five a second are drawn */
        printf("# %dx%d: idle %zu bytes a frame (at most %zu), loaded %zu (at most %zu)\n", rows[i].w,
               rows[i].h, idle, rows[i].idle, loaded_frame, rows[i].loaded);
        CU_ASSERT_TRUE(idle <= rows[i].idle);
        CU_ASSERT_TRUE(loaded_frame > 0 && loaded_frame <= rows[i].loaded);
        kill(s.pid, SIGTERM);
        terminal_finish(&s, 2000);
        terminal_free(&s);
    }
    unsetenv("TEST_LOAD");
}

static void resizes_storm(void)
{
    struct terminal s;
    start(&s, 80, 24, 1000, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    unsigned seed = 7;
    for (int i = 0; i < 300; i++) {
        seed = seed * 1103515245 + 12345;
        int w = i == 0   ? 1
                : i == 1 ? 500
                         : (int)(seed >> 16 & 0xff) + 1,
            h = i == 0   ? 1
                : i == 1 ? 200
                         : (int)(seed >> 24 & 0x3f) + 1;
        struct winsize size = {.ws_col = (unsigned short)w, .ws_row = (unsigned short)h};
        vterm_set_size(s.vt, h, w);
        ioctl(s.fd, TIOCSWINSZ, &size);
        terminal_pump(&s, 1);
    }
    struct winsize size = {.ws_col = 80, .ws_row = 24};
    terminal_settle(&s);
    vterm_set_size(s.vt, 24, 80);
    ioctl(s.fd, TIOCSWINSZ, &size);
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    terminal_settle(&s);
    char resized[24][4096], line[4096];
    for (int y = 0; y < 24; y++)
        terminal_row(&s, y, resized[y], sizeof resized[y]);
    terminal_press(&s, "\x0c"); /* painted anew, every cell is as it was */
    terminal_settle(&s);
    for (int y = 1; y < 22; y++) {
        terminal_row(&s, y, line, sizeof line);
        CU_ASSERT_STRING_EQUAL(line, resized[y]);
    }
    terminal_press(&s, "q");
    CU_ASSERT_EQUAL(terminal_finish(&s, 2000), 0);
    CU_ASSERT_TRUE(terminal_restored(&s));
    terminal_free(&s);
}

static void a_paste_runs_nothing(void)
{
    struct terminal s;
    start(&s, 80, 24, 1000, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    terminal_press(&s, "\x1b[200~Kyq?t\x1b[201~");
    CU_ASSERT_TRUE(terminal_await(&s, "a paste is never taken as keys"));
    CU_ASSERT_FALSE(terminal_shows(&s, "a transfer was fired"));
    CU_ASSERT_FALSE(terminal_shows(&s, "(y/N)"));
    terminal_press(&s, "\x1b[A\x1bOB\x1b"); /* arrows both ways, a lone escape */
    terminal_press(&s, "z");
    CU_ASSERT_TRUE(terminal_await(&s, "id begun"));
    terminal_press(&s, "q");
    CU_ASSERT_EQUAL(terminal_finish(&s, 2000), 0);
    terminal_free(&s);
}

static void stops_and_goes_on(void)
{
    struct terminal s;
    start(&s, 80, 24, 1000, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    kill(s.pid, SIGTSTP); /* its process group is an orphan, so the stop itself is void */
    terminal_settle(&s);
    kill(s.pid, SIGSTOP);
    int result;
    CU_ASSERT_EQUAL(waitpid(s.pid, &result, WUNTRACED), s.pid);
    kill(s.pid, SIGCONT);
    terminal_press(&s, "?");
    CU_ASSERT_TRUE(terminal_await(&s, "? closes"));
    CU_ASSERT_TRUE(s.alternate && s.cursor_hidden);
    terminal_press(&s, "qq");
    CU_ASSERT_EQUAL(terminal_finish(&s, 2000), 0);
    CU_ASSERT_TRUE(terminal_restored(&s));
    terminal_free(&s);
}

static void terminals_of_many_kinds(void)
{
    static const char *const good[] = {"xterm", "screen", "tmux-256color", "linux", "vt100"};
    struct terminal s;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        start(&s, 80, 24, 1000, good[i]);
        CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
        terminal_press(&s, "q");
        CU_ASSERT_EQUAL(terminal_finish(&s, 2000), 0);
        terminal_free(&s);
    }
    start(&s, 80, 24, 1000, "no-such-terminal");
    CU_ASSERT_TRUE(terminal_await(&s, "terminal type no-such-terminal is not known here"));
    terminal_press(&s, "q");
    CU_ASSERT_EQUAL(terminal_finish(&s, 2000), 0);
    terminal_free(&s);
    start(&s, 100, 24, 1000, "dumb");
    int result = terminal_finish(&s, 2000);
    CU_ASSERT_TRUE(result >= 0 && WIFEXITED(result) && WEXITSTATUS(result) == 2);
    CU_ASSERT_TRUE(terminal_shows(&s, "terminal type dumb cannot place a cursor"));
    terminal_free(&s);
}

static void a_refused_wish_is_said(void)
{
    struct terminal s;
    start(&s, 80, 24, 1000, "xterm-256color");
    CU_ASSERT_TRUE(terminal_await(&s, "q quit"));
    terminal_press(&s, "K");
    CU_ASSERT_TRUE(terminal_await(&s, "(y/N)"));
    terminal_press(&s, "n");
    CU_ASSERT_TRUE(terminal_await(&s, "nothing was done"));
    terminal_press(&s, "Ky");
    CU_ASSERT_TRUE(terminal_await(&s, "refused by the test"));
    terminal_press(&s, "q");
    CU_ASSERT_EQUAL(terminal_finish(&s, 2000), 0);
    terminal_free(&s);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        {"draws and leaves", draws_and_leaves},
        {"every signal gives the terminal back", every_signal_gives_the_terminal_back},
        {"its own abort too, and says what was caught", its_own_abort_too_and_says_what_was_caught},
        {"a fault of another thread too", a_fault_of_another_thread_too},
        {"a stalled terminal holds up nobody for long", a_stalled_terminal_holds_up_nobody_for_long},
        {"a lost terminal ends it within a second", a_lost_terminal_ends_it_within_a_second},
        {"nothing new writes nothing", nothing_new_writes_nothing},
        {"frames are small", frames_are_small},
        {"resizes storm", resizes_storm},
        {"a paste runs nothing", a_paste_runs_nothing},
        {"stops and goes on", stops_and_goes_on},
        {"terminals of many kinds", terminals_of_many_kinds},
        {"a refused wish is said", a_refused_wish_is_said},
        {NULL, NULL},
    };
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return 99;
    if (argc > 1 && strcmp(argv[1], "show") == 0) /* to look at it */
        return child(1000);
    return test_main("screen", cases);
}
