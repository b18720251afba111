/* Private to the console: waiting, and reading keys. */
#ifndef XATOP_UI_KEYS_H
#define XATOP_UI_KEYS_H

#include <stdbool.h>

#include "xatop/ui.h"

enum {
    KEYS_READABLE = 1,
    KEYS_WRITABLE = 2,
    KEYS_WOKEN = 4, /* one of the descriptors to wait for */
    KEYS_LOST = 8   /* the terminal is gone */
};

/* After newterm. False: out of memory. */
bool keys_open(void);
void keys_close(void);
/* Wait for the terminal (to be read; also to take output if @output), @fd1 or @fd2 (-1: none), at most @timeout_ms. */
unsigned keys_wait(bool output, int fd1, int fd2, int timeout_ms);
/* Can the terminal take output right now? */
bool keys_terminal_writable(void);
enum { KEYS_PASTE = -1 }; /* a paste ended: dropped */
/* Next key; UI_KEY_NONE: none is there. Never waits (an escape sequence: 25 ms). Call only after KEYS_READABLE. */
int keys_next(void);

#endif
