#include "config.h"

#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "keys.h"
#include "xatop/i18n.h"

enum { RESTORE_MAX = 256, CAUGHT_MAX = 16384 };

static struct {
    SCREEN *curses;
    attr_t attributes[STYLES];
    bool colour;
    struct cell *shown; /* what the terminal has; valid if shown_w and shown_h are its size */
    int64_t shown_capacity;
    int shown_w, shown_h, cursor_x, cursor_y;
    char paste_on[32], paste_off[32];
    /* for the handlers: written before @ours is set, constant while it is */
    volatile sig_atomic_t ours;
    char restore[RESTORE_MAX];
    size_t restore_n;
    struct termios saved;
    int stderr_fd,
        caught_fd; /* the real standard error, and the file that stands in for it; -1: not caught */
} screen = {.stderr_fd = -1, .caught_fd = -1};

/* --- the emergency half --- */

static void write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        bytes += done;
        n -= (size_t)done;
    }
}

/* The end of what was caught; a file in memory, so that no writer is ever held up by it. */
static void release_stderr(void)
{
    int fd = screen.stderr_fd, caught = screen.caught_fd;
    if (fd < 0)
        return;
    screen.stderr_fd = screen.caught_fd = -1;
    dup2(fd, STDERR_FILENO);
    off_t size = lseek(caught, 0, SEEK_END);
    char buffer[512];
    if (size > 0) {
        lseek(caught, size > CAUGHT_MAX ? size - CAUGHT_MAX : 0, SEEK_SET);
        ssize_t n;
        while ((n = read(caught, buffer, sizeof buffer)) > 0)
            write_all(fd, buffer, (size_t)n);
    }
    close(caught);
    close(fd);
}

void screen_emergency(void)
{
    if (!screen.ours)
        return;
    screen.ours = 0;
    int saved_errno = errno;
    /* A stalled terminal must not hold up the end of the process. The flag belongs to the open file, which the shell shares. */
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags >= 0)
        fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK);
    write_all(STDOUT_FILENO, screen.restore, screen.restore_n);
    tcsetattr(STDOUT_FILENO, TCSANOW, &screen.saved);
    release_stderr();
    if (flags >= 0)
        fcntl(STDOUT_FILENO, F_SETFL, flags);
    errno = saved_errno;
}

/* Append a capability without its padding ("$<5>"). */
static void add_restore(const char *string)
{
    for (; string && *string; string++) {
        if (string[0] == '$' && string[1] == '<') {
            const char *end = strchr(string, '>');
            if (end) {
                string = end;
                continue;
            }
        }
        if (screen.restore_n < RESTORE_MAX)
            screen.restore[screen.restore_n++] = *string;
    }
}

static const char *capability(const char *name)
{
    const char *string = tigetstr(name);
    return string == (const char *)-1 || !string ? "" : string;
}

static void prepare_restore(void)
{
    text_copy(screen.paste_on, sizeof screen.paste_on, capability("BE"));
    text_copy(screen.paste_off, sizeof screen.paste_off, capability("BD"));
    screen.restore_n = 0;
    add_restore(screen.paste_off);
    add_restore(capability("rmkx"));
    add_restore(capability("sgr0"));
    add_restore(capability("op"));
    add_restore(capability("cnorm"));
    if (capability("rmcup")[0])
        add_restore(capability("rmcup"));
    else
        add_restore("\r\n");
}

/* --- opening --- */

static bool can_place_cursor(const char *term)
{
    int why;
    if (setupterm(term, STDOUT_FILENO, &why) != OK)
        return false;
    bool can = capability("cup")[0] != '\0';
    del_curterm(cur_term);
    return can;
}

/* The terminal's own type, or one that nearly every terminal understands. */
static const char *terminal_type(char *notice, size_t cap, struct err *err)
{
    static const char *const fallbacks[] = {"xterm-256color", "xterm", "vt100"};
    const char *own = getenv("TERM");
    int why;
    if (own && *own && setupterm(own, STDOUT_FILENO, &why) == OK) {
        del_curterm(cur_term);
        if (can_place_cursor(own))
            return own;
        err_set(err, STATUS_USAGE,
                _("terminal type %s cannot place a cursor: the console needs one that can; set TERM, or use "
                  "xatop status"),
                own);
        return NULL;
    }
    for (unsigned i = 0; i < sizeof fallbacks / sizeof fallbacks[0]; i++)
        if (can_place_cursor(fallbacks[i])) {
            struct text text;
            text_init(&text, notice, cap);
            text_printf(&text, _("terminal type %s is not known here: taken for %s"),
                        own && *own ? own : "(none)", fallbacks[i]);
            return fallbacks[i];
        }
    err_set(err, STATUS_USAGE,
            _("no terminal descriptions on this machine: no terminfo entry is usable; install ncurses-base"));
    return NULL;
}

static attr_t attributes_of(const char *letters)
{
    attr_t attributes = A_NORMAL;
    for (; *letters; letters++)
        attributes |= *letters == 'b'   ? A_BOLD
                      : *letters == 'd' ? A_DIM
                      : *letters == 'r' ? A_REVERSE
                                        : A_UNDERLINE;
    return attributes;
}

static void prepare_styles(bool no_color)
{
    static const struct {
        short colour8, colour256;
        const char *coloured, *mono;
    } styles[] = {
#define X(code, letter, colour8, colour256, coloured, mono) {colour8, colour256, coloured, mono},
        XATOP_STYLE_LIST(X)
#undef X
    };
    /* the terminal's own background, whatever it is; without default colours ncurses would paint it black */
    screen.colour = !no_color && has_colors() && start_color() == OK && use_default_colors() == OK;
    for (short i = 0; i < STYLES; i++) {
        screen.attributes[i] = attributes_of(screen.colour ? styles[i].coloured : styles[i].mono);
        if (screen.colour)
            init_pair((short)(i + 1), COLORS >= 256 ? styles[i].colour256 : styles[i].colour8, -1);
    }
}

static void catch_stderr(void)
{
    if (!isatty(STDERR_FILENO))
        return;
    int caught = memfd_create("xatop-stderr", MFD_CLOEXEC);
    int real = caught >= 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
    if (real < 0 || dup2(caught, STDERR_FILENO) < 0) {
        if (caught >= 0)
            close(caught);
        if (real >= 0)
            close(real);
        return;
    }
    screen.caught_fd = caught;
    screen.stderr_fd = real;
}

static void paste_mode(const char *bytes)
{
    write_all(STDOUT_FILENO, bytes, strlen(bytes));
}

enum status screen_open(bool no_color, char *notice, size_t cap, struct err *err)
{
    notice[0] = '\0';
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_set(err, STATUS_USAGE,
                       _("no terminal: the console needs one for input and output; use xatop status"));
    const char *term = terminal_type(notice, cap, err);
    if (!term)
        return STATUS_USAGE;
    if (tcgetattr(STDOUT_FILENO, &screen.saved) != 0)
        return err_set(err, STATUS_USAGE, _("terminal: %s; try another one"), strerror(errno));
    use_env(FALSE); /* $LINES and $COLUMNS would freeze the size */
    use_tioctl(TRUE);
    if (!getenv("ESCDELAY"))
        set_escdelay(25);
    screen.curses = newterm(term, stdout, stdin);
    if (!screen.curses)
        return err_set(err, STATUS_USAGE, _("terminal type %s: cannot be used; set TERM"), term);
    prepare_restore();
    screen.ours = 1;
    cbreak();
    noecho();
    nonl();
    /* ncurses flushes after every cursor move until it has been through one endwin-refresh: 50 times the writes */
    refresh();
    endwin();
    refresh();
    curs_set(0);
    prepare_styles(no_color);
    if (!keys_open())
        return screen_close(), err_set(err, STATUS_INTERNAL, _("console: out of memory"));
    catch_stderr();
    paste_mode(screen.paste_on);
    screen_resize();
    return STATUS_OK;
}

void screen_close(void)
{
    if (!screen.curses)
        return;
    if (screen.ours) {
        paste_mode(screen.paste_off);
        endwin();
        tcsetattr(STDOUT_FILENO, TCSANOW, &screen.saved);
    }
    screen.ours = 0;
    keys_close();
    delscreen(screen.curses);
    screen.curses = NULL;
    free(screen.shown);
    screen.shown = NULL;
    screen.shown_capacity = 0;
    release_stderr();
}

/* --- size --- */

void screen_size(int *w, int *h)
{
    getmaxyx(stdscr, *h, *w);
}

void screen_forget(void)
{
    screen.shown_w = screen.shown_h = 0;
    clearok(curscr, TRUE);
}

void screen_resize(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return; /* a line that does not know: the description's size stays */
    if (size.ws_row != LINES || size.ws_col != COLS)
        resizeterm(size.ws_row, size.ws_col);
    screen_forget();
}

/* --- drawing --- */

static void draw_row(const struct canvas *canvas, int y)
{
    for (int x = 0; x < canvas->w; x++) {
        const struct cell *cell = canvas_at(canvas, x, y);
        if (cell->width == 0)
            continue;
        wchar_t characters[] = {(wchar_t)cell->code, (wchar_t)cell->mark, L'\0'};
        cchar_t wide;
        short pair = screen.colour ? (short)(cell->style + 1) : 0;
        if (setcchar(&wide, characters, screen.attributes[cell->style], pair, NULL) == OK)
            mvadd_wchnstr(y, x, &wide, 1);
    }
}

static bool remember(int w, int h)
{
    int64_t cells = (int64_t)w * h;
    if (cells > screen.shown_capacity) {
        struct cell *bigger = realloc(screen.shown, (size_t)cells * sizeof *bigger);
        if (!bigger)
            return false;
        screen.shown = bigger;
        screen.shown_capacity = cells;
    }
    return true;
}

bool screen_show(const struct canvas *canvas)
{
    if (!remember(canvas->w, canvas->h))
        return false;
    bool whole = screen.shown_w != canvas->w || screen.shown_h != canvas->h, changed = whole;
    size_t row_bytes = (size_t)canvas->w * sizeof(struct cell);
    for (int y = 0; y < canvas->h; y++) {
        struct cell *shown = &screen.shown[(int64_t)y * canvas->w];
        const struct cell *wanted = canvas_at(canvas, 0, y);
        if (!whole && memcmp(shown, wanted, row_bytes) == 0)
            continue;
        memcpy(shown, wanted, row_bytes);
        draw_row(canvas, y);
        changed = true;
    }
    screen.shown_w = canvas->w;
    screen.shown_h = canvas->h;
    int cursor_x = canvas->cursor_x < 0 ? 0 : canvas->cursor_x,
        cursor_y = canvas->cursor_y < 0 ? 0 : canvas->cursor_y;
    if (!changed && cursor_x == screen.cursor_x && cursor_y == screen.cursor_y)
        return true;
    screen.cursor_x = cursor_x;
    screen.cursor_y = cursor_y;
    move(cursor_y, cursor_x); /* hidden, but braille displays and magnifiers follow it */
    wnoutrefresh(stdscr);
    doupdate();
    return true;
}

/* --- job control --- */

void screen_suspend(void)
{
    paste_mode(screen.paste_off);
    endwin();
    screen.ours = 0;
}

void screen_resume(void)
{
    screen.ours = 1;
    reset_prog_mode();
    paste_mode(screen.paste_on);
    screen_resize();
    refresh();
}
