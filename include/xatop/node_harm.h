/* Harm on purpose: what chaos does to a lab node through an administrator's session of its own. Fixed statements, nothing else.
 * Calls as the admin calls of node_mysql.h: synchronous, bounded by the session's deadline, one thread a session. */
#ifndef XATOP_NODE_HARM_H
#define XATOP_NODE_HARM_H

#include "xatop/node_mysql.h"

enum node_harm {
    NODE_HARM_LOCK,         /* FLUSH TABLES WITH READ LOCK; held until UNLOCK or the session's end */
    NODE_HARM_UNLOCK,
    NODE_HARM_READ_ONLY,    /* SET GLOBAL read_only = 1; stays until WRITABLE or the server's end */
    NODE_HARM_WRITABLE,
    NODE_HARM_TAKE_ACCOUNTS, /* BEGIN, then every account's row lock from the last to the first; until RELEASE */
    NODE_HARM_RELEASE,
    NODE_HARM_ADD_INDEX,    /* on accounts */
    NODE_HARM_DROP_INDEX,   /* one that is not there: done */
};
/* A deadlock whose victim we are is STATUS_REFUSED, anything else that fails STATUS_NODE. */
enum status node_admin_harm(struct node_admin *admin, enum node_harm harm, struct err *err);
/* KILL every session of the account @user; @killed: how many took it. */
enum status node_admin_kill_sessions(struct node_admin *admin, const char *user, uint32_t *killed, struct err *err);

#endif
