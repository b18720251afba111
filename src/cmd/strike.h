/* Faults that strike a lab node: what the gate decided, carried out on the server or its link, and told to the engine. */
#ifndef XATOP_CMD_STRIKE_H
#define XATOP_CMD_STRIKE_H

#include "links.h"
#include "xatop/cmd.h"
#include "xatop/points.h"

struct strikes; /* opaque */

/* @told is called, on the thread that struck or on one of its own, with words for people; then the node should be looked at. */
struct strikes_hooks {
    void (*told)(void *arg, uint8_t node, int level, const char *words);
    void *arg;
};

/* Which nodes may be struck: bit i = node i. */
uint16_t strikes_processes(const struct app *app);
enum status strikes_start(struct strikes **out, const struct app *app, struct links *links,
                          const struct strikes_hooks *hooks,
                          struct err *err);
/* Ends what is queued first. NULL is allowed. */
void strikes_stop(struct strikes *strikes);
/* Now, on this thread; returns when it is done. Any thread. */
void strikes_now(struct strikes *strikes, enum fault_act act, uint8_t node);
/* Soon, on a thread of its own: for those who must not block. */
void strikes_soon(struct strikes *strikes, enum fault_act act, uint8_t node);

#endif
