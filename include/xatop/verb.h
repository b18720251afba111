/* The XA verbs a message may carry, their letters, and their SQL. A message is a set of verbs sent in this order. */
#ifndef XATOP_VERB_H
#define XATOP_VERB_H

#include <stdint.h>

#include "xatop/text.h"
#include "xatop/xid.h"

/* name, bit, SQL prefix, letter in the trace (START S, WORK W, ...). OPEN and WORK have no SQL of their own. */
#define XATOP_VERB_LIST(X)                                                                                  \
    X(OPEN, 0, "", 'o')                                                                                     \
    X(START, 1, "XA START ", 'S')                                                                           \
    X(WORK, 2, "", 'W')                                                                                     \
    X(END, 3, "XA END ", 'E')                                                                               \
    X(PREPARE, 4, "XA PREPARE ", 'P')                                                                       \
    X(COMMIT, 5, "XA COMMIT ", 'C')                                                                         \
    X(ROLLBACK, 6, "XA ROLLBACK ", 'R')                                                                     \
    X(ONE_PHASE, 7, "XA COMMIT ", 'C') /* followed by ONE PHASE */

enum verb {
#define X(name, bit, sql, letter) VERB_##name = 1 << bit,
    XATOP_VERB_LIST(X)
#undef X
};

const char *verb_name(enum verb verb); /* "start", "work", ... as in the names of points */
/* "start+work+end+prepare" */
void verbs_print(unsigned verbs, struct text *out);
/* One verb's SQL with the xid as hex literals: XA START X'..',X'..',1482773616. WORK and OPEN are not SQL of ours. */
void verb_sql(enum verb verb, const struct xid *xid, struct text *out);

#endif
