/* Inside the MySQL node: what the admin files share. */
#ifndef NODE_MYSQL_ADMIN_H
#define NODE_MYSQL_ADMIN_H

#include "node_mysql_internal.h"

struct node_admin {
    struct node_mysql_config config;
    struct watch *watch;
    struct session session;
};

/* STATUS_NODE: "node NAME: @what: the server's words". */
enum status admin_failed(struct node_admin *admin, struct err *err, const char *what);
bool admin_random(uint64_t *out); /* from the system; false: none to be had */

#endif
