/* Private to the console: the terminal. One terminal a process, main thread only; the emergency half may run in any signal
 * handler. */
#ifndef XATOP_UI_SCREEN_H
#define XATOP_UI_SCREEN_H

#include "xatop/canvas.h"
#include "xatop/status.h"

/* Take over standard input and output. STATUS_USAGE: not a terminal, or one that cannot place a cursor. @notice: words for
 * the user if another terminal type had to be assumed, else "". */
enum status screen_open(bool no_color, char *notice, size_t cap, struct err *err);
/* Give it back as it was; what was written to standard error meanwhile comes out now. */
void screen_close(void);
void screen_size(int *w, int *h);
/* Adopt the terminal's size if it has changed; what is shown is forgotten. */
void screen_resize(void);
/* Everything is painted anew by the next screen_show. */
void screen_forget(void);
/* Nothing is written if nothing changed. Its size must be the screen's. False: out of memory, not shown. */
bool screen_show(const struct canvas *canvas);
/* For job control: modes of the shell, and ours again. */
void screen_suspend(void);
void screen_resume(void);
/* Async-signal-safe: the terminal as it was, by bytes and modes prepared before. Does nothing if it is not ours now. */
void screen_emergency(void);

#endif
