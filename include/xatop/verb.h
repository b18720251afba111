/* The XA verbs a message may carry, their letters, and their SQL. A message is a set of verbs sent in this order. */
#ifndef XATOP_VERB_H
#define XATOP_VERB_H

#include <stdint.h>

#include "xatop/text.h"
#include "xatop/xid.h"

/* name, bit, word (as in the names of points), SQL prefix, letter in the trace. OPEN and WORK have no SQL of their own. */
#define XATOP_VERB_LIST(X)                                                                                  \
    X(OPEN, 0, "open", "", 'o')                                                                             \
    X(START, 1, "start", "XA START ", 'S')                                                                  \
    X(WORK, 2, "work", "", 'W')                                                                             \
    X(END, 3, "end", "XA END ", 'E')                                                                        \
    X(PREPARE, 4, "prepare", "XA PREPARE ", 'P')                                                            \
    X(COMMIT, 5, "commit", "XA COMMIT ", 'C')                                                               \
    X(ROLLBACK, 6, "rollback", "XA ROLLBACK ", 'R')                                                         \
    X(ONE_PHASE, 7, "one-phase", "XA COMMIT ", 'C') /* followed by ONE PHASE; its points are those of commit */

enum verb {
#define X(name, bit, word, sql, letter) VERB_##name = 1 << bit,
    XATOP_VERB_LIST(X)
#undef X
};

const char *verb_name(enum verb verb); /* "start", "work", ...; exactly one verb */
char verb_letter(enum verb verb);
/* "start+work+end+prepare" */
void verbs_print(unsigned verbs, struct text *out);
/* The verb that is sent last of a set; 0 if the set is empty. */
enum verb verbs_last(unsigned verbs);
/* One verb's SQL with the xid as hex literals: XA START X'..',X'..',1482773616. WORK and OPEN are not SQL of ours. */
void verb_sql(enum verb verb, const struct xid *xid, struct text *out);

#endif
