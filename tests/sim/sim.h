/* The simulator: the production engine, protocol, gate and decision log on simulated nodes, disk and clock, under one seed.
 *
 * A schedule is a few transactions, some trouble, then a time without trouble in which everything must end; then it is judged by
 * what the nodes have really committed. The same seed gives the same schedule, event by event. */
#ifndef XATOP_TESTS_SIM_H
#define XATOP_TESTS_SIM_H

#include "xatop/disk_memory.h"
#include "xatop/dlog_writer.h"
#include "xatop/engine.h"
#include "xatop/node_sim.h"
#include "xatop/prng.h"

enum { SIM_ASKS = 6, SIM_TROUBLES = 6, SIM_LOG_QUEUE = 256, SIM_TXNS = 2048 };

/* Broken on purpose, one way each; every one must be noticed. code, word */
#define SIM_MUTANT_LIST(X)                                                                                   \
    X(NONE, "none")                                                                                          \
    X(NO_SETTLE, "no-settle")                    /* a foreign finish right after the session's end */        \
    X(NO_MARKER, "no-marker-check")              /* believes a foreign OK */                                 \
    X(NO_FENCE, "no-fence")                      /* resolves while the session may still prepare */          \
    X(EARLY_COMMIT, "commit-before-durable")     /* the log says durable before it is */                     \
    X(FORGET_ON_ACK, "forget-on-first-ack")      /* the decision is discharged at the first answer */        \
    X(NO_RETENTION, "no-retention")              /* a discharged decision is gone at the next opening */     \
    X(UNSWEPT, "drop-by-retention-alone")        /* nobody looked at the nodes once more */                  \
    X(NO_SWEEP, "no-sweep-after-restart")        /* a node's restart goes unnoticed */                       \
    X(BLIND_LOG, "no-log-asked-before-rollback") /* a record that memory does not know is no record */

enum mutant {
#define X(code, word) MUTANT_##code,
    SIM_MUTANT_LIST(X)
#undef X
        MUTANTS
};

struct ask {
    struct command command;
    int64_t at_us;
    bool posted, told, lost; /* lost: the coordinator died before it told */
    struct report report;
};

enum trouble_kind {
    TROUBLE_NODE_CRASH,
    TROUBLE_FREEZE,
    TROUBLE_CUT, /* the link: cut, and healed after a while */
    TROUBLE_READ_ONLY,
    TROUBLE_COORDINATOR,
    TROUBLE_LOG,
    TROUBLE_RECOVER,      /* somebody asks for a pass, or for its verdicts only */
    TROUBLE_NODE_CHANGED, /* the lab says that it did something */
    TROUBLE_STREAM,       /* random transactions one after the other, for some time */
    TROUBLE_KINDS
};

struct trouble {
    enum trouble_kind kind;
    int64_t at_us, for_us;
    uint8_t node;
    bool begun, done;
    struct command command;
};

/* What was said about one global transaction. */
struct told_txn {
    struct gtrid gtrid;
    bool commit, rollback, durable, acked, held; /* held: its record is in the log at the end */
};

struct sim {
    uint64_t seed;
    enum mutant mutant;
    bool verbose;
    struct prng prng;
    int64_t now_us;
    /* the world */
    struct shape shape;
    struct node_sim *nodes;
    struct node_port node_port;
    struct disk_memory *disk;
    struct disk disk_port;
    uint64_t log_id;
    bool forgetful; /* the log may forget while the schedule runs */
    uint64_t retention_ms, forgotten; /* decisions that have gone from the log */
    /* the coordinator */
    struct dlog *dlog;
    bool manual; /* this incarnation recovers nothing until asked */
    struct engine *engine;
    struct txn_limits limits;
    uint16_t inflight;
    bool crashed; /* an injected crash happened: it is carried out between two events */
    uint32_t incarnations, reopen_at_least;
    struct dlog_request *log_queue[SIM_LOG_QUEUE];
    uint32_t log_head, log_tail;
    int64_t log_due_us;
    uint64_t events, crash_at_event; /* 0: none */
    char fault[96];
    bool exact; /* one exact crash and nothing else */
    bool power;
    /* the schedule */
    struct ask asks[SIM_ASKS];
    unsigned ask_count;
    struct trouble troubles[SIM_TROUBLES];
    unsigned trouble_count;
    bool healing;
    struct command recover;
    struct told_txn txns[SIM_TXNS];
    unsigned txn_count;
    /* what it did, over all of them */
    uint64_t commits, aborts, in_doubt, crashes;
    char violation[256];
};

/* coordinator.c */
void coordinator_open(struct sim *sim);
void coordinator_crash(struct sim *sim, bool power);
void coordinator_end(struct sim *sim);
void coordinator_log_run(struct sim *sim);
void coordinator_turn(struct sim *sim);
void coordinator_deliver(void *arg, struct completion *completion);
void sim_violation(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct told_txn *sim_txn(struct sim *sim, const struct gtrid *gtrid);
/* schedule.c */
void sim_crashed(void *ctx);
/* What is to be run. Without an exact crash everything is drawn from the seed; with one nothing else goes wrong. */
struct sim_order {
    uint64_t seed;
    enum mutant mutant;
    bool verbose;
    uint64_t crash_at_event; /* the coordinator is killed after that event ... */
    bool power;              /* ... with the machine's power */
    uint64_t die_at_write;   /* the coordinator dies inside that changing operation of its disk */
};

void sim_run(struct sim *sim, const struct sim_order *order);
/* judge.c */
void sim_judge(struct sim *sim);

#endif
