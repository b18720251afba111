/* What the commands share that look at nodes and log without a coordinator (setup, init, status, show, audit, indoubt). */
#ifndef XATOP_INSPECT_H
#define XATOP_INSPECT_H

#include "xatop/access.h"
#include "xatop/cmd.h"
#include "xatop/dlog.h"
#include "xatop/node_mysql.h"

/* Administrator's sessions to every node; one that cannot be reached is kept as a reason. Large, holds passwords: heap. */
struct inspection {
    struct access access;
    struct node_admin *admins[XATOP_NODES_MAX]; /* NULL: not reached */
    struct err errors[XATOP_NODES_MAX];
    uint8_t count, reached;
};

/* NULL only if the addresses cannot be known at all (app->err). @create_database as in node_admin_open. */
struct inspection *inspect_open(struct app *app, bool create_database);
void inspect_close(struct inspection *inspection);
/* Time for the calls that follow, on every node. */
void inspect_deadline(struct inspection *inspection, int64_t ms);
/* A node whose answer did not come: close it; the reason is in errors[] already. */
void inspect_lost(struct inspection *inspection, uint8_t node);
/* STATUS_OK if every node was reached, else STATUS_NODE with the first reason in app->err. */
enum status inspect_all_reached(struct app *app, const struct inspection *inspection);

/* The decision log as it stands, beside a running coordinator or without one. */
struct log_view {
    bool present;   /* there is a log */
    int64_t holder; /* pid of the running coordinator; 0: none; -1: there is one */
    struct dlog_scan_result scan;
};
enum status log_view_read(struct app *app, struct log_view *out);
/* Every record, oldest first; none if there is no log. @visit as dlog_scan. */
enum status log_view_visit(struct app *app,
                           bool (*visit)(void *arg, const struct dlog_record *record, const char *segment,
                                         uint64_t offset),
                           void *arg);
/* All records of one transaction, oldest first; at most @cap. */
enum status log_view_find(struct app *app, const struct gtrid *gtrid, struct dlog_record *out, unsigned cap,
                          unsigned *count);
/* Branches that were forced by hand and not forgotten, oldest first; @forced of DLOG_NONE: what came of it is not known. */
struct kept_force {
    struct dlog_record force, forced;
};
/* Malloc'd, the caller frees, also after an error; NULL if there are none. */
enum status log_view_forces(struct app *app, struct kept_force **out, uint32_t *count);
/* The xid one speaks of. */
void kept_force_xid(const struct kept_force *kept, struct xid *out);
void kept_xid_text(const struct kept_force *kept, char *out, size_t cap);
/* STATE/dlog */
void log_view_dir(const struct app *app, char *out, size_t cap);

/* Prepared branches of all nodes. */
struct prepared {
    struct xid xid;
    uint8_t node;
    enum xid_owner owner;
    bool parsed; /* of our making, of any coordinator */
    struct gtrid gtrid;
    unsigned branch;
};
/* Malloc'd, the caller frees. A node whose scan fails counts as not reached from here. NULL: out of memory. */
struct prepared *inspect_prepared(struct app *app, struct inspection *inspection, const struct log_view *log,
                                  uint32_t *count);

#endif
