#include "config.h"

#include "keys.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Keys are read through a pad: reading through a window would refresh it. */
static WINDOW *input;
static bool pasting;

enum { CODE_PASTE_BEGIN = KEY_MAX + 1, CODE_PASTE_END };

bool keys_open(void)
{
    input = newpad(1, 1);
    if (!input)
        return false;
    keypad(input, TRUE);
    nodelay(input, TRUE);
    define_key("\033[200~", CODE_PASTE_BEGIN);
    define_key("\033[201~", CODE_PASTE_END);
    pasting = false;
    return true;
}

void keys_close(void)
{
    if (input)
        delwin(input);
    input = NULL;
}

bool keys_terminal_writable(void)
{
    struct pollfd terminal = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&terminal, 1, 0) == 1 && (terminal.revents & POLLOUT);
}

unsigned keys_wait(bool output, int fd1, int fd2, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = output ? STDOUT_FILENO : -1, .events = POLLOUT},
                           {.fd = fd1, .events = POLLIN},
                           {.fd = fd2, .events = POLLIN}};
    unsigned events = 0;
    if (poll(fds, 4, timeout_ms) < 0)
        return 0; /* a signal: its handler has told */
    const short gone = POLLHUP | POLLERR | POLLNVAL;
    if ((fds[0].revents & gone) || (fds[1].revents & gone))
        return KEYS_LOST;
    if (fds[0].revents & POLLIN) {
        int waiting =
            0; /* readable with nothing to read is the end of input: a read would return at once, for ever */
        if (ioctl(STDIN_FILENO, FIONREAD, &waiting) == 0 && waiting == 0)
            return KEYS_LOST;
        events |= KEYS_READABLE;
    }
    events |= fds[1].revents & POLLOUT ? KEYS_WRITABLE : 0;
    events |= (fds[2].revents | fds[3].revents) & POLLIN ? KEYS_WOKEN : 0;
    return events;
}

static int translate(wint_t code)
{
    static const struct {
        int code, key;
    } rows[] = {{KEY_UP, UI_KEY_UP},         {KEY_DOWN, UI_KEY_DOWN},
                {KEY_PPAGE, UI_KEY_PAGE_UP}, {KEY_NPAGE, UI_KEY_PAGE_DOWN},
                {KEY_HOME, UI_KEY_HOME},     {KEY_END, UI_KEY_END},
                {KEY_LEFT, UI_KEY_LEFT},     {KEY_RIGHT, UI_KEY_RIGHT},
                {KEY_BTAB, UI_KEY_BACKTAB},  {KEY_BACKSPACE, UI_KEY_BACKSPACE},
                {KEY_ENTER, '\r'},           {KEY_F(1), UI_KEY_F1},
                {KEY_F(10), UI_KEY_F10}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == (int)code)
            return rows[i].key;
    return UI_KEY_NONE;
}

int keys_next(void)
{
    wint_t code;
    int kind;
    while ((kind = wget_wch(input, &code)) != ERR) {
        if (kind == KEY_CODE_YES && code == CODE_PASTE_BEGIN) {
            pasting = true;
        } else if (kind == KEY_CODE_YES && code == CODE_PASTE_END) {
            pasting = false;
            return KEYS_PASTE;
        } else if (pasting) {
            continue;
        } else if (kind == KEY_CODE_YES) {
            int key = translate(code);
            if (key != UI_KEY_NONE)
                return key;
        } else {
            return code == 0x7f || code == 0x08 ? UI_KEY_BACKSPACE : (int)code;
        }
    }
    return UI_KEY_NONE;
}
