/* What an error number of a server or client library means for the protocol (xa-facts section 2). Pure. */
#ifndef NODE_MYSQL_ERROR_H
#define NODE_MYSQL_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/vocab.h"

/* The numbers the program itself looks for. */
enum {
    ERROR_DB_DENIED = 1044,
    ERROR_BAD_NULL = 1048,
    ERROR_BAD_DATABASE = 1049,
    ERROR_DUPLICATE = 1062,
    ERROR_NO_SUCH_THREAD = 1094,
    ERROR_KILL_DENIED = 1095,
    ERROR_UNKNOWN = 1105,
    ERROR_TABLE_DENIED = 1142,
    ERROR_COLUMN_DENIED = 1143,
    ERROR_NO_SUCH_TABLE = 1146,
    ERROR_UNKNOWN_VARIABLE = 1193,
    ERROR_LOCK_WAIT = 1205,
    ERROR_DENIED = 1227,
    ERROR_READ_ONLY = 1290,
    ERROR_NOTA = 1397,
    ERROR_RMERR = 1401,
    ERROR_RBROLLBACK = 1402,
    ERROR_DUPID = 1440,
    ERROR_RBTIMEOUT = 1613,
    ERROR_RBDEADLOCK = 1614,
    ERROR_LOCK_NOWAIT = 3572,
    ERROR_CHECK_MYSQL = 3819,
    ERROR_CHECK_MARIADB = 4025,
};

/* The connection is worth nothing after it: what was sent may or may not have been done. */
bool error_is_loss(int32_t error);
/* @verb: the one that failed (VERB_*). OK for error 0. */
enum reply error_reply(uint16_t verb, int32_t error);
/* A guard or constraint said no: worth asking the row why. */
bool error_is_guard(int32_t error);

#endif
