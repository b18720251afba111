/* Private to the console: what signals do while it is on. */
#ifndef XATOP_UI_SIGNALS_H
#define XATOP_UI_SIGNALS_H

#include <stdbool.h>

enum {
    SIGNALS_END = 1,    /* HUP, INT, TERM */
    SIGNALS_RESIZE = 2, /* WINCH */
    SIGNALS_STOP = 4,   /* TSTP */
    SIGNALS_GO_ON = 8   /* CONT */
};

/* Install the handlers; false: no descriptor. Fatal ones restore the terminal and are raised again at once. HUP, INT and TERM
 * only tell, so that transactions can be finished; if nobody listens for most of a second they end the process as well. */
bool signals_open(void);
void signals_close(void);
/* Readable when there is something to take. */
int signals_fd(void);
unsigned signals_take(void);
int signals_ended_by(void);
/* Stop this process as the terminal's stop key wishes; returns when it is continued. */
void signals_stop(void);

#endif
