/* A pseudo-terminal with a program in it, its screen read through libvterm. */
#ifndef XATOP_TESTS_TERMINAL_H
#define XATOP_TESTS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>
#include <vterm.h>

struct terminal {
    pid_t pid;
    int fd;
    VTerm *vt;
    VTermScreen *screen;
    int w, h;
    bool alternate, cursor_hidden;
    size_t bytes, reads;
    char tail[8192]; /* the newest bytes */
    size_t tail_n;
    struct termios before;
};

/* Fork; the child has the terminal and ends with what @child returns. @term: its $TERM. */
void terminal_start(struct terminal *s, int w, int h, const char *term, int (*child)(void *arg), void *arg);
/* Take what comes within @ms; false: nothing came. */
bool terminal_pump(struct terminal *s, int ms);
/* The text of one row. */
void terminal_row(struct terminal *s, int y, char *out, size_t cap);
bool terminal_shows(struct terminal *s, const char *words);
/* Until it shows @words; false: not within five seconds. */
bool terminal_await(struct terminal *s, const char *words);
void terminal_press(struct terminal *s, const char *keys);
/* Everything is out that wants out. */
void terminal_settle(struct terminal *s);
/* Wait for the child's end (at most @ms), reading on; its wait status, or -1 after which it has been killed. */
int terminal_finish(struct terminal *s, int ms);
/* Normal screen, visible cursor, modes as before. */
bool terminal_restored(struct terminal *s);
void terminal_free(struct terminal *s);

#endif
