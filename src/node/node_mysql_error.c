#include "config.h"

#include "node_mysql_error.h"

#include <stddef.h>

#include "xatop/verb.h"

/* number; when START, WORK or END fails; when PREPARE or COMMIT ONE PHASE fails; when COMMIT or ROLLBACK fails.
 *
 * While working, any error undoes at most its statement (21) and the whole is rolled back; only a deadlock or a lock wait is
 * worth another try under a new xid. A vote that fails is a no; the branch may still be there. What phase two cannot do
 * now it does later, unless the server says that the branch was rolled back, or that it does not know it (20). */
static const struct {
    int32_t error;
    enum reply work, vote, finish;
} table[] = {
    {1020 /* record changed since last read */, REPLY_RETRYABLE, REPLY_ERROR, REPLY_BUSY},
    {ERROR_BAD_NULL, REPLY_REFUSED, REPLY_ERROR, REPLY_BUSY},
    {ERROR_LOCK_WAIT, REPLY_RETRYABLE, REPLY_ERROR, REPLY_BUSY},
    {1213 /* deadlock */, REPLY_RETRYABLE, REPLY_ERROR, REPLY_BUSY},
    {ERROR_NOTA, REPLY_ERROR, REPLY_NOTA, REPLY_NOTA},
    {ERROR_RBROLLBACK, REPLY_ERROR, REPLY_ROLLED_BACK, REPLY_ROLLED_BACK},
    {ERROR_RBTIMEOUT, REPLY_RETRYABLE, REPLY_ROLLED_BACK, REPLY_ROLLED_BACK},
    /* at END on MySQL the branch is ROLLBACK ONLY, not gone (22) */
    {ERROR_RBDEADLOCK, REPLY_RETRYABLE, REPLY_ROLLED_BACK, REPLY_ROLLED_BACK},
    {ERROR_LOCK_NOWAIT, REPLY_RETRYABLE, REPLY_ERROR, REPLY_BUSY},
    {ERROR_CHECK_MYSQL, REPLY_REFUSED, REPLY_ERROR, REPLY_BUSY},
    {ERROR_CHECK_MARIADB, REPLY_REFUSED, REPLY_ERROR, REPLY_BUSY},
};

bool error_is_loss(int32_t error)
{
    switch (error) {
    case 1053: /* server shutdown in progress */
    case 1152: /* aborting connection */
    case 1153: /* packet too large */
    case 1158: /* network errors as the server saw them */
    case 1159:
    case 1160:
    case 1161:
    case 1927: /* MariaDB: connection was killed */
    case 3169: /* MySQL: session was killed */
    case 4031: /* MySQL: disconnected by wait_timeout */
        return true;
    default:
        /* client errors of both libraries, and those that only Connector/C has */
        return (error >= 2000 && error < 3000) || (error >= 5000 && error < 6000);
    }
}

bool error_is_guard(int32_t error)
{
    return error == ERROR_BAD_NULL || error == ERROR_CHECK_MYSQL || error == ERROR_CHECK_MARIADB;
}

enum reply error_reply(uint16_t verb, int32_t error)
{
    bool vote = verb & (VERB_PREPARE | VERB_ONE_PHASE), finish = verb & (VERB_COMMIT | VERB_ROLLBACK);
    if (error == 0)
        return REPLY_OK;
    if (error_is_loss(error))
        return REPLY_LOST;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].error == error)
            return finish ? table[i].finish : vote ? table[i].vote : table[i].work;
    return finish ? REPLY_BUSY : REPLY_ERROR;
}
