#include "config.h"

#include "terminal.h"

#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include "cunit_main.h"
#include "xatop/clock.h"

static int on_property(VTermProp property, VTermValue *value, void *user)
{
    struct terminal *s = user;
    if (property == VTERM_PROP_ALTSCREEN)
        s->alternate = value->boolean;
    else if (property == VTERM_PROP_CURSORVISIBLE)
        s->cursor_hidden = !value->boolean;
    return 1;
}

void terminal_start(struct terminal *s, int w, int h, const char *term, int (*child)(void *arg), void *arg)
{
    static const VTermScreenCallbacks callbacks = {.settermprop = on_property};
    memset(s, 0, sizeof *s);
    struct winsize size = {.ws_col = (unsigned short)w, .ws_row = (unsigned short)h};
    s->w = w;
    s->h = h;
    s->vt = vterm_new(h, w);
    vterm_set_utf8(s->vt, 1);
    s->screen = vterm_obtain_screen(s->vt);
    vterm_screen_set_callbacks(s->screen, &callbacks, s);
    vterm_screen_enable_altscreen(s->screen, 1);
    vterm_screen_reset(s->screen, 1);
    s->cursor_hidden = false;
    int slave;
    CU_ASSERT_FATAL(openpty(&s->fd, &slave, NULL, NULL, &size) == 0);
    tcgetattr(slave, &s->before);
    s->pid = fork();
    if (s->pid == 0) {
        close(s->fd);
        login_tty(slave);
        setenv("TERM", term, 1);
        unsetenv("NO_COLOR");
        _exit(child(arg));
    }
    close(slave);
    CU_ASSERT_FATAL(s->pid > 0);
}

bool terminal_pump(struct terminal *s, int ms)
{
    struct pollfd fd = {.fd = s->fd, .events = POLLIN};
    if (poll(&fd, 1, ms) <= 0)
        return false;
    char buffer[4096];
    ssize_t n = read(s->fd, buffer, sizeof buffer);
    if (n <= 0)
        return false;
    s->reads++;
    s->bytes += (size_t)n;
    vterm_input_write(s->vt, buffer, (size_t)n);
    size_t keep = (size_t)n > sizeof s->tail / 2 ? sizeof s->tail / 2 : (size_t)n;
    if (s->tail_n + keep > sizeof s->tail - 1) {
        memmove(s->tail, s->tail + sizeof s->tail / 2, s->tail_n - sizeof s->tail / 2);
        s->tail_n -= sizeof s->tail / 2;
    }
    memcpy(s->tail + s->tail_n, buffer + (size_t)n - keep, keep);
    s->tail_n += keep;
    s->tail[s->tail_n] = '\0';
    return true;
}

void terminal_row(struct terminal *s, int y, char *out, size_t cap)
{
    VTermRect rect = {.start_row = y, .end_row = y + 1, .start_col = 0, .end_col = s->w};
    size_t n = vterm_screen_get_text(s->screen, out, cap - 1, rect);
    out[n < cap ? n : cap - 1] = '\0';
}

bool terminal_shows(struct terminal *s, const char *words)
{
    char line[4096];
    for (int y = 0; y < s->h; y++) {
        terminal_row(s, y, line, sizeof line);
        if (strstr(line, words))
            return true;
    }
    return false;
}

bool terminal_await(struct terminal *s, const char *words)
{
    int64_t deadline = clock_mono_ms() + 5000;
    while (!terminal_shows(s, words))
        if (clock_mono_ms() > deadline)
            return false;
        else
            terminal_pump(s, 50);
    return true;
}

void terminal_press(struct terminal *s, const char *keys)
{
    CU_ASSERT_EQUAL(write(s->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

void terminal_settle(struct terminal *s)
{
    while (terminal_pump(s, 150))
        ;
}

int terminal_finish(struct terminal *s, int ms)
{
    int64_t deadline = clock_mono_ms() + ms;
    int result = -1;
    while (waitpid(s->pid, &result, WNOHANG) == 0 && clock_mono_ms() < deadline)
        terminal_pump(s, 10);
    if (clock_mono_ms() >= deadline && waitpid(s->pid, &result, WNOHANG) == 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
        result = -1;
    }
    while (terminal_pump(s, 0))
        ;
    return result;
}

bool terminal_restored(struct terminal *s)
{
    struct termios now;
    return !s->alternate && !s->cursor_hidden && tcgetattr(s->fd, &now) == 0 &&
           now.c_lflag == s->before.c_lflag && now.c_iflag == s->before.c_iflag &&
           now.c_oflag == s->before.c_oflag;
}

void terminal_free(struct terminal *s)
{
    if (s->fd >= 0)
        close(s->fd);
    vterm_free(s->vt);
}
