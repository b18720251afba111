#include "config.h"

#include "xatop/console.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"
#include "screen.h"
#include "signals.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"

/* No frame clock: a frame is drawn after a key, after news (at most 20 a second, 5 under a lasting load) and once per refresh
 * interval. A terminal that takes nothing is left alone until it does. */
enum { FRAME_US = 50000, LOADED_FRAME_US = 200000, BURST = 10 };

struct loop {
    struct console_ports ports;
    struct ui *ui;
    struct canvas canvas;
    int64_t tick_us;       /* next refresh */
    int64_t news_frame_us; /* news are drawn not before */
    int64_t burst_us;      /* when the burst was last refilled */
    int burst;
    bool news, urgent, stalled;
};

static bool adopt_size(struct loop *loop)
{
    int w, h;
    screen_size(&w, &h);
    return canvas_resize(&loop->canvas, w, h);
}

static void take_keys(struct loop *loop)
{
    int key;
    while ((key = keys_next()) != UI_KEY_NONE && !loop->ui->quit) {
        int64_t now_us = clock_mono_us();
        if (key == KEYS_PASTE)
            ui_paste(loop->ui, now_us);
        else
            ui_key(loop->ui, key, now_us);
        loop->urgent = true;
    }
    if (loop->ui->repaint) {
        loop->ui->repaint = false;
        screen_resize();
        if (!adopt_size(loop))
            loop->ui->quit = true;
    }
}

static void take_signals(struct loop *loop, unsigned signals)
{
    if (signals & SIGNALS_STOP) {
        screen_suspend();
        signals_stop();
        signals |= SIGNALS_GO_ON;
    }
    if (signals & SIGNALS_GO_ON)
        screen_resume();
    if (signals & SIGNALS_RESIZE)
        screen_resize();
    if (signals & (SIGNALS_GO_ON | SIGNALS_RESIZE)) {
        if (!adopt_size(loop))
            loop->ui->quit = true;
        loop->urgent = true;
    }
}

static void take_news(struct loop *loop)
{
    uint64_t count;
    if (loop->ports.wake_fd >= 0 && read(loop->ports.wake_fd, &count, sizeof count) > 0)
        loop->news = true;
}

/* The interval to the next frame of news: short in quiet times, so that one transaction unfolds live. */
static int64_t frame_interval_us(struct loop *loop, int64_t now_us)
{
    while (loop->burst < BURST && now_us - loop->burst_us >= LOADED_FRAME_US) {
        loop->burst++;
        loop->burst_us += LOADED_FRAME_US;
    }
    if (loop->burst == BURST)
        loop->burst_us = now_us;
    if (loop->burst == 0)
        return LOADED_FRAME_US;
    loop->burst--;
    return FRAME_US;
}

static void draw(struct loop *loop, int64_t now_us)
{
    loop->stalled = !keys_terminal_writable();
    if (loop->stalled)
        return;
    ui_refresh(loop->ui, now_us, clock_wall_ms());
    ui_draw(loop->ui, &loop->canvas);
    screen_show(&loop->canvas);
    loop->urgent = false;
    if (loop->news)
        loop->news_frame_us = now_us + frame_interval_us(loop, now_us);
    loop->news = false;
}

static int timeout_ms(const struct loop *loop, int64_t now_us)
{
    if (loop->stalled)
        return -1; /* until it takes output again, a key, or a signal */
    int64_t due_us = loop->tick_us;
    if (loop->news && loop->news_frame_us < due_us)
        due_us = loop->news_frame_us;
    return due_us <= now_us ? 0 : (int)((due_us - now_us + 999) / 1000);
}

static enum console_end run(struct loop *loop)
{
    loop->urgent = true;
    for (;;) {
        int64_t now_us = clock_mono_us();
        bool tick = now_us >= loop->tick_us;
        if (tick)
            loop->tick_us = now_us + loop->ui->refresh_ms * 1000;
        if (loop->urgent || tick || (loop->news && now_us >= loop->news_frame_us))
            draw(loop, now_us);
        /* news that are known already would only wake us again and again */
        unsigned events = keys_wait(loop->stalled, signals_fd(), loop->news ? -1 : loop->ports.wake_fd,
                                    timeout_ms(loop, now_us));
        if (events & KEYS_LOST)
            return CONSOLE_TERMINAL;
        unsigned signals = signals_take();
        if (signals & SIGNALS_END)
            return CONSOLE_SIGNAL;
        take_signals(loop, signals);
        take_news(loop);
        if (events & KEYS_READABLE)
            take_keys(loop);
        if (loop->stalled && (events & KEYS_WRITABLE)) {
            loop->stalled = false;
            loop->urgent = true;
        }
        if (loop->ui->quit)
            return CONSOLE_QUIT;
    }
}

enum console_end console_run(const struct console_ports *ports, int *signal_number, struct err *err)
{
    struct loop loop = {.ports = *ports, .burst = BURST};
    enum console_end end = CONSOLE_FAILED;
    char notice[XATOP_REASON_MAX];
    const char *no_color = getenv("NO_COLOR");
    loop.ports.no_color |= no_color && *no_color;
    loop.ports.ascii |= strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    loop.ui = malloc(sizeof *loop.ui);
    if (!loop.ui || !signals_open()) {
        err_set(err, STATUS_INTERNAL, _("console: out of memory or descriptors"));
        free(loop.ui);
        return CONSOLE_FAILED;
    }
    if (screen_open(loop.ports.no_color, notice, sizeof notice, err) == STATUS_OK) {
        ui_init(loop.ui, &loop.ports, clock_mono_us());
        ui_refresh(loop.ui, clock_mono_us(), clock_wall_ms());
        if (notice[0])
            ui_toast(loop.ui, 1, notice, clock_mono_us());
        if (adopt_size(&loop))
            end = run(&loop);
        else
            err_set(err, STATUS_INTERNAL, _("console: out of memory"));
        screen_close();
    }
    *signal_number = signals_ended_by();
    signals_close();
    canvas_free(&loop.canvas);
    free(loop.ui);
    return end;
}

void console_emergency(void)
{
    screen_emergency();
}
