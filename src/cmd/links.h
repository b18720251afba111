/* The links of this configuration: which nodes have one, where their files are, and the proxy of a running coordinator. */
#ifndef XATOP_CMD_LINKS_H
#define XATOP_CMD_LINKS_H

#include "xatop/access.h"
#include "xatop/cmd.h"
#include "xatop/link.h"

/* STATE/links */
void links_dir(const struct app *app, char *out, size_t cap);
/* May the link of this node be touched, is there one? STATUS_REFUSED with the reason: not lab = true and not role = "lab" on
 * loopback, or links = false. @err may be NULL. */
enum status links_check(const struct app *app, int node, struct err *err);
/* Bit i: links_check of node i is STATUS_OK. */
uint16_t links_mask(const struct app *app);
/* What the file of this node says; a node without a link, or whose file cannot be read, is healthy. Any process, no proxy needed. */
void links_recorded(const struct app *app, int node, struct link_state *out);

struct links; /* opaque */

/* Start the proxy for every node that has a link, and let @access lead there. No such node: *out is an empty one. Call it with the
 * decision log locked: one a state directory. @changed is called on the proxy's thread when another process has changed a link:
 * words for people; it must only hand over. */
enum status links_start(struct links **out, const struct app *app, struct access *access,
                        void (*changed)(void *arg, uint8_t node, const char *words), void *arg, struct err *err);
/* Before the node sessions are ended: none of them waits for a link that is cut or slow any more. NULL is allowed. */
void links_hang_up(struct links *links);
void links_stop(struct links *links); /* NULL is allowed */
/* Change a link by words (link_parse) as `xatop link` would: written to the file, and in force when it returns. Any thread but the
 * proxy's. STATUS_REFUSED: no link there. */
enum status links_apply(struct links *links, uint8_t node, const char *words, struct err *err);
/* Is either direction cut now? Any thread; @links may be NULL. */
bool links_cut(struct links *links, uint8_t node);

#endif
