/* The read model: what people want to see, folded from trace events. Bounded, no allocation, no clock, no lock, no pointer
 * inside: a snapshot is a plain copy of the struct (taken under the owner's lock). A recorded journal folds to the same model.
 *
 * Times: `_us` monotonic as in the trace; `wall_ms` for display. Numbers from a journal are untrusted: every one is checked
 * before it is an index. Any thread, one at a time per struct. */
#ifndef XATOP_MODEL_H
#define XATOP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/model_doubt.h"
#include "xatop/text.h"
#include "xatop/trace.h"
#include "xatop/vocab.h"

enum {
    MODEL_TXNS = 256,    /* transactions listed; finished ones leave first */
    MODEL_TRACES = 48,   /* of them with the rows of their trace */
    MODEL_ROWS = 128,    /* rows of one trace; more are counted only */
    MODEL_SECONDS = 128, /* seconds of rates kept; 120 of them are shown */
    MODEL_RECORDS = 32,  /* newest records of the decision log */
    MODEL_NOTICES = 32,
    MODEL_BUCKETS = 256, /* latency histogram of the current second: 8 per power of two, so 12 % exact */
    MODEL_DETAIL = 48
};

struct model_node {
    char name[XATOP_NAME_MAX + 1];
    char version[64];   /* make and version, "" before the first sample */
    enum node_state state;
    int64_t rtt_us;     /* -1: not known; so for the next three */
    int32_t prepared, lock_waits, sessions;
    int64_t sampled_us; /* 0: never */
};

/* One row of a trace: a message and its answer are one row. What the fields mean is said at XATOP_TRACE_LIST. */
struct model_row {
    uint8_t kind;     /* enum trace_kind: SEND (REPLY merged in), LOG_APPEND (LOG_DURABLE merged in), LOG_FAILED, STATE, FENCE,
                         RESOLVE, FAULT, OUTCOME, VERDICT */
    uint8_t branch, node; /* 1.., 0 none; node = index + 1 */
    bool answered;    /* SEND: the answer was read; LOG_APPEND: durable */
    uint16_t verbs;
    int16_t from, to, result;
    int32_t error;
    int64_t start_us; /* measured if there is a measurement, else when the engine noted it */
    int64_t end_us;   /* measured; 0: not yet or not measured */
    int64_t n;        /* SEND of WORK alone: the step; LOG_APPEND: lsn; OUTCOME: elapsed_us */
    char detail[MODEL_DETAIL];
};

struct model_trace {
    uint64_t txn; /* 0: unused */
    uint32_t epoch;
    uint16_t count, lost; /* lost: rows that did not fit */
    struct model_row rows[MODEL_ROWS];
};

struct model_branch {
    uint8_t node; /* index + 1; 0: not known yet */
    uint8_t state; /* enum branch_state */
    uint16_t tries;      /* BACKOFF: of its finish, so far */
    int64_t retry_at_us; /* BACKOFF: when it is tried next */
};

struct model_txn {
    uint64_t txn;
    uint32_t epoch, retry;
    enum txn_state state;
    enum outcome outcome;  /* as told to the caller; NONE: not told yet */
    bool recovered;        /* began before this run, or nothing is known of its beginning */
    bool forgotten;        /* its slot is free: every branch finished */
    bool faulted;          /* an armed fault hit it */
    uint8_t branch_count;
    int64_t begun_us, begun_wall_ms;
    int64_t ended_us;      /* terminal state or outcome, the earlier; 0: not yet */
    int64_t elapsed_us;    /* as told; 0: not yet */
    int64_t at_us[TXN_STATES]; /* when each state was first entered; 0: never */
    struct model_branch branches[XATOP_BRANCHES_MAX]; /* index = branch - 1 */
    char meaning[XATOP_REASON_MAX], reason[XATOP_REASON_MAX];
};

struct model_second {
    int64_t second; /* monotonic; which second this slot holds */
    uint32_t commits, aborts, fsyncs, records;
    int64_t p50_us, p95_us, p99_us; /* of the outcomes told in it; -1: none */
};

struct model_record {
    uint64_t lsn, txn;
    int64_t append_us, sync_us, durable_us; /* sync_us: when the fdatasync began; durable_us 0: not yet */
    uint32_t group, bytes;
    bool failed;
    char kind[16];
};

struct model_notice {
    uint64_t number; /* 1.. in order */
    int64_t wall_ms, mono_us;
    uint64_t txn;
    int16_t level; /* 0 info, 1 warning, 2 alarm */
    char text[XATOP_REASON_MAX];
};

struct model_audit {
    bool known, ok;
    int64_t mono_us, wall_ms, money_expected, money_found, stock_expected, stock_found;
};

struct model {
    uint64_t events;   /* folded so far: what has not changed needs no drawing */
    uint64_t last_seq, gaps; /* gaps: events that never came */
    uint32_t epoch;
    uint64_t log_id;
    uint8_t node_count;
    struct model_node nodes[XATOP_NODES_MAX];
    uint64_t committed, aborted, retried; /* outcomes told in this run; transactions begun anew after deadlock or lock wait */
    uint64_t fsyncs, last_lsn, durable_lsn, faults_hit;
    int64_t last_fsync_us; /* how long the newest fdatasync took; -1: none yet */
    uint32_t last_group;
    bool log_failed;
    struct model_audit audit;
    struct model_sweep sweep;
    uint32_t fault_count; /* ever armed; the newest of them in faults[] */
    struct model_fault faults[MODEL_FAULTS];
    /* newest last; order[] are indices of txns[] in order of their beginning */
    uint16_t txn_count, order[MODEL_TXNS];
    uint64_t keys[MODEL_TXNS]; /* for finding; by index of txns[] */
    struct model_txn txns[MODEL_TXNS];
    struct model_trace traces[MODEL_TRACES];
    uint32_t record_count, notice_count; /* ever */
    struct model_record records[MODEL_RECORDS];
    struct model_notice notices[MODEL_NOTICES];
    int64_t now_second; /* the newest second in seconds[]; 0: none yet */
    struct model_second seconds[MODEL_SECONDS];
    uint32_t histogram[MODEL_BUCKETS];
    int64_t last_sync_us; /* end of the newest fdatasync */
};

/* @names of the nodes as configured; @count at most XATOP_NODES_MAX. */
void model_init(struct model *model, const char *const *names, uint8_t count);
void model_apply(struct model *model, const struct trace_event *event);
/* Time goes on though nothing happens: close the seconds before @now_us. Call on a snapshot before reading rates. */
void model_advance(struct model *model, int64_t now_us);

/* @age 0 = newest; NULL past the oldest. */
const struct model_txn *model_txn_at(const struct model *model, unsigned age);
const struct model_txn *model_txn_find(const struct model *model, uint32_t epoch, uint64_t txn);
/* NULL: never traced, or its rows had to go. */
const struct model_trace *model_trace_find(const struct model *model, uint32_t epoch, uint64_t txn);
/* The rates of one second; a zero slot (percentiles -1) if nothing happened or it is too long ago. */
struct model_second model_rates(const struct model *model, int64_t second);
const struct model_notice *model_notice_at(const struct model *model, unsigned age);
const struct model_record *model_record_at(const struct model *model, unsigned age);

/* What was armed, newest first; NULL past the oldest that is kept. */
const struct model_fault *model_fault_at(const struct model *model, unsigned age);
unsigned model_faults_armed(const struct model *model);
/* The newest verdict on a branch of ours; NULL: the newest look did not see it. */
const struct model_verdict *model_verdict_find(const struct model *model, uint32_t epoch, uint64_t txn,
                                               uint8_t branch);

/* Some branch is not known to be finished. */
bool model_txn_unfinished(const struct model_txn *txn);
/* Unfinished, and: decided but a node cannot be told (pending), or nobody knows (in doubt), or found by recovery. */
bool model_txn_in_doubt(const struct model_txn *txn);
unsigned model_unfinished(const struct model *model);
unsigned model_in_doubt(const struct model *model);
unsigned model_nodes_up(const struct model *model); /* up or slow */
/* "start+work+end+prepare", or what else the row is about. */
void model_row_words(const struct model_row *row, struct text *out);
/* The row's verbs as their letters: "SWEP". */
void model_row_letters(const struct model_row *row, struct text *out);

/* The message asks for the vote; it tells the branch the end (commit or roll back). */
bool model_row_prepares(const struct model_row *row);
bool model_row_finishes(const struct model_row *row);

#endif
