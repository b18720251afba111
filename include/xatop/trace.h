/* The trace: everything that happened, in one total order, with measured times.
 *
 * The engine emits; the model, the journal and --json fold. A trace event is a value: no pointer in it, safe to copy
 * to another thread. `seq` is given by the engine thread alone. Times are measured where the bytes moved (carrier or
 * log thread), never made up: a packet of several verbs is one event with one send and one reply time. */
#ifndef XATOP_TRACE_H
#define XATOP_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "xatop/limits.h"
#include "xatop/status.h"
#include "xatop/text.h"
#include "xatop/xid.h"

/* code, word in the journal, what its fields mean */
#define XATOP_TRACE_LIST(X)                                                                                  \
    X(RUN, "run", "coordinator opened: detail = words, n[0] epoch, n[1] log id")                             \
    X(BEGIN, "begin", "a global transaction: detail = meaning, n[0] branches, n[1] retry number")            \
    X(STATE, "state", "a move of the machine: from, to (enum txn_state)")                                    \
    X(BRANCH, "branch",                                                                                      \
      "a move of one branch: from, to (enum branch_state); to backoff: n[0] ms until the next try, n[1] "    \
      "tries")                                                                                               \
    X(SEND, "send", "bytes left: verbs, start_us = when; n[0] work step")                                    \
    X(REPLY, "reply", "answer read: verbs, start_us, end_us, result (enum reply), error, detail")            \
    X(LOG_APPEND, "log-append", "a record was queued: n[0] lsn, n[1] bytes, detail = kind")                  \
    X(LOG_DURABLE, "log-durable", "fdatasync returned: start_us, end_us, n[0] lsn, n[1] records in group")   \
    X(LOG_FAILED, "log-failed", "write or sync failed: error")                                               \
    X(FENCE, "fence",                                                                                        \
      "holder session killed and gone: start_us, end_us, n[0] connection id, result 1 gone 0 not")           \
    X(RESOLVE, "resolve", "foreign finish of a branch: verbs, start_us, end_us, result (enum finding)")      \
    X(OUTCOME, "outcome", "told to the caller: result (enum outcome), detail = reason, n[0] elapsed_us")     \
    X(FORGET, "forget", "the slot is free; every branch finished")                                           \
    X(ARM, "arm", "result 1: a fault was armed, detail = spec; 0: all that were armed are not any more")       \
    X(FAULT, "fault", "an armed fault hit: detail = spec")                                                   \
    X(NODE, "node",                                                                                          \
      "health sample: result (enum node_state), n[0] rtt_us, n[1] prepared, n[2] lock waits, n[3] "          \
      "sessions, detail = make and version")                                                                 \
    X(SWEEP, "sweep",                                                                                        \
      "recovery looked: its verdicts follow; result 1 dry run, n[0] branches seen, n[1] nodes (bits), n[2] " \
      "unread (bits), n[3] foreign")                                                                         \
    X(VERDICT, "verdict",                                                                                    \
      "recovery: detail = xid, result (enum verdict), n[0] rule, n[1] lsn of the COMMIT record, n[2] "       \
      "holder's connection id, n[3] nodes where it is committed (bits)")                                     \
    X(AUDIT, "audit",                                                                                        \
      "result 1 ok 0 broken, n[0] money expected, n[1] found, n[2] stock expected, n[3] found")              \
    X(NOTICE, "notice",                                                                                      \
      "words for people: result 0 info 1 warning 2 alarm, detail; n[0] 1: its node must be restarted to "    \
      "surface the branch")

enum trace_kind {
#define X(code, word, meaning) TRACE_##code,
    XATOP_TRACE_LIST(X)
#undef X
        TRACE_KINDS
};

struct trace_event {
    uint64_t seq;
    int64_t mono_us, wall_ms; /* when the engine noted it */
    enum trace_kind kind;
    uint64_t txn; /* sequence number of the global transaction, 0 if none */
    uint32_t epoch;
    int8_t branch; /* 1.., 0 if none */
    int8_t node;   /* index + 1, 0 if none */
    uint16_t verbs;
    int16_t from, to, result;
    int32_t error;            /* server or system error number, 0 if none */
    int64_t start_us, end_us; /* measured, monotonic; 0 if none */
    int64_t n[4];
    char detail[XATOP_REASON_MAX]; /* sanitised UTF-8 */
};

/* The word of an event in the journal: "log-append"; "?" if it is none. */
const char *trace_kind_name(int kind);
/* The one text form, used by tests' transcripts, the journal pane and --verbose: one line without a newline,
 * "[   0.412] t17 b1@2 reply prepare ok 1.234 ms" (seconds of mono_us; branch 1 on the second node). */
void trace_format(const struct trace_event *event, struct text *out);

/* Journal: JSON Lines, one event a line; may be lost; writing allocates nothing. Line 1 is a header object
 * {"xatop-journal":1,"coordinator":...,"nodes":[names...]}. @cap for a line: TRACE_LINE_MAX is always enough.
 * Fields that are 0 or empty are left out; verbs, states and results are words where there is one, else numbers. */
enum { TRACE_LINE_MAX = 1024 };
void trace_to_json(const struct trace_event *event, struct text *out);
/* Parse one journal line (untrusted; detail is sanitised again). False: not an event of ours, @out is untouched. Unknown keys are
 * skipped, so that an older program reads a newer journal. */
bool trace_from_json(const char *line, size_t len, struct trace_event *out);

#endif
