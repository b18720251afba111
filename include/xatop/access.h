/* How the configured nodes are reached now: addresses of lab nodes as they run, passwords from where they are kept.
 * Main thread. The struct is large and holds passwords: static or heap, wiped with access_wipe. */
#ifndef XATOP_ACCESS_H
#define XATOP_ACCESS_H

#include "xatop/cmd.h"
#include "xatop/lab.h"
#include "xatop/node_mysql.h"

struct access {
    uint8_t count;
    struct node_mysql_config nodes[XATOP_NODES_MAX]; /* configs[i].password points into passwords or the configuration */
    char passwords[XATOP_NODES_MAX][256];
};

/* Fill @out for every configured node. A lab node that was never made: STATUS_NODE "run xatop setup". One that is down keeps
 * its address: to find it gone is the caller's business. */
enum status access_load(struct app *app, struct access *out);
void access_wipe(struct access *access);

/* A lab node's part of the configuration in the lab's own words. Strings stay the configuration's. */
void access_lab_config(const struct node_configuration *node, struct lab_config *out);

#endif
