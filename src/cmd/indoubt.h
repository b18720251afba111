/* What is known of every prepared branch: read once from all nodes and once from the decision log, told by `xatop indoubt`. */
#ifndef XATOP_INDOUBT_H
#define XATOP_INDOUBT_H

#include "inspect.h"
#include "xatop/command.h"
#include "xatop/effect.h"
#include "xatop/waits.h"

/* A transaction on one node. word = JSON value. */
#define INDOUBT_PRESENCE_LIST(X)                                                                            \
    X(ABSENT, "absent")       /* neither listed nor a marker */                                             \
    X(PREPARED, "prepared")   /* listed by XA RECOVER */                                                    \
    X(COMMITTED, "committed") /* its marker is there */                                                     \
    X(UNKNOWN, "unknown")     /* not reached; or a marker that nobody has decided, of a branch not listed */

enum indoubt_presence {
#define X(code, word) INDOUBT_##code,
    INDOUBT_PRESENCE_LIST(X)
#undef X
};
const char *indoubt_presence_name(enum indoubt_presence presence);

/* Where an age comes from. word = JSON value of age_from */
enum indoubt_age { AGE_UNKNOWN, AGE_DECISION, AGE_MARKER, AGE_EPOCH /* at most so old */ };

/* One global transaction of our making, of whichever log. */
struct indoubt_txn {
    struct gtrid gtrid;
    enum xid_owner owner;
    bool decided, aborted; /* a COMMIT record stands in our log; an ABORT after it */
    int64_t decided_ms, opened_ms;  /* wall clock: of the COMMIT; of the opening of its epoch; 0: not known */
    char meaning[XATOP_REASON_MAX]; /* "": nobody tells */
    enum indoubt_presence nodes[XATOP_NODES_MAX];
    const struct effect *effects; /* of all nodes, decided or not: into indoubt.effects */
    uint32_t effect_count;
};

struct indoubt_branch {
    const struct prepared *prepared;
    const char *maker;       /* NULL: not known */
    struct indoubt_txn *txn; /* NULL: not of our making */
    int64_t age_s;
    enum indoubt_age age_from;
    struct lock_waits *waits; /* NULL: not asked, for the reason in waits_why */
    const char *waits_why;
};

struct indoubt {
    struct prepared *prepared;
    struct indoubt_branch *branches; /* ours first, then other logs', then foreign ones */
    uint32_t count, foreign;
    struct indoubt_txn *txns; /* sorted by gtrid */
    uint32_t txn_count;
    struct effect *effects; /* sorted by gtrid */
    uint32_t effect_count;
    struct kept_force *forces; /* forced by hand, and not forgotten */
    uint32_t force_count;
    int64_t holder; /* as log_view */
};

/* @nodes are asked one after the other; one whose answer does not come counts as not reached from there on. */
enum status indoubt_read(struct app *app, struct inspection *nodes, const struct log_view *log, struct indoubt *out);
/* Who waits for the first @count branches; what would not be told before @until_ms (monotonic) is left out with a reason. */
enum status indoubt_read_waits(struct app *app, struct inspection *nodes, struct indoubt *doubt, uint32_t count,
                               int64_t until_ms);
void indoubt_free(struct indoubt *doubt);

/* The first @count branches, as JSON object or for people. */
void indoubt_print_json(struct app *app, const struct inspection *nodes, const struct log_view *log,
                        const struct indoubt *doubt, uint32_t count);
void indoubt_print_text(struct app *app, const struct inspection *nodes, const struct log_view *log,
                        const struct indoubt *doubt, uint32_t count);
/* Into an object that is open: what was forced and what came of it. */
void indoubt_print_force(struct json *json, const struct kept_force *kept);

/* indoubt commit|rollback|forget XID: refused, done, or told why not; prints what came of it. @reason NULL: none given. */
enum status indoubt_force(struct app *app, enum force_act act, const char *word, const char *reason, bool against);

#endif
