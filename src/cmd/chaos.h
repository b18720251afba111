/* xatop chaos, inside: one supervisor, one coordinator (the worker), and a hand for every fault that takes time. All three are
 * this program, started through /proc/self/exe; what they count stands in memory they share, so that nothing is lost with one
 * that is killed. The supervisor has one thread and calls no server while the load runs. */
#ifndef XATOP_CHAOS_H
#define XATOP_CHAOS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "chaos_plan.h"
#include "chaos_shared.h"
#include "xatop/cmd.h"

enum {
    CHAOS_LATE_MAX = 4,
    CHAOS_ARMED_MAX = 16,
    CHAOS_HANDS_MAX = 64,
    CHAOS_TROUBLE_MAX = 200,
};

struct runtime;
struct chaos_case { /* one measurement of availability */
    const char *name; /* NULL: not measured */
    int8_t node;      /* -1: of the coordinator */
    uint64_t asked, committed, refused, late;
    int64_t longest_gap_us;
    bool hit; /* the trouble did happen */
};
enum { CHAOS_CASES_MAX = 8 };

/* What the load came to, taken when it was over: what comes after it is not counted in. */
struct chaos_totals {
    uint64_t committed, aborted, pending, in_doubt;
    int64_t longest_gap_us, unavailable_us, longest_commit_gap_us;
    uint64_t hit[CHAOS_KINDS], fired[CHAOS_FAULT_KINDS_MAX];
};

struct chaos_child {
    pid_t pid; /* 0: none */
    enum chaos_kind kind;
    uint8_t node;
};

struct chaos {
    struct app *app;
    struct chaos_plan plan;
    struct chaos_shared *shared;
    int shared_fd, log_fd, signal_fd;
    struct chaos_child hands[CHAOS_HANDS_MAX];
    pid_t worker;
    int orders;           /* to the worker's standard input; -1: none */
    bool loading;         /* each new worker is to make load */
    bool quitting;        /* the worker was told to end */
    bool shot;            /* and killed by us: its end is no surprise */
    int64_t started_ms, load_ms, ended_ms; /* of the worker; of the load (monotonic) */
    int64_t look_ms;      /* at the nodes, next */
    int64_t away_ms[XATOP_NODES_MAX]; /* since when a node is down or frozen without a hand; 0: it is not */
    int64_t cut_ms[XATOP_NODES_MAX];  /* the same of its link */
    uint32_t next;        /* step of the plan */
    /* what waits until a node's process or link is nobody else's, oldest first */
    const struct chaos_step *late[XATOP_NODES_MAX][CHAOS_LATE_MAX];
    uint8_t late_count[XATOP_NODES_MAX];
    /* the gate's faults that this worker was given; if it dies before they fired, the next one gets them */
    const struct chaos_step *armed[CHAOS_ARMED_MAX];
    uint8_t armed_count;
    uint64_t fired_before[CHAOS_FAULT_KINDS_MAX]; /* this worker's life */
    uint32_t quick_deaths, healed;
    bool interrupted;
    int64_t told_ms;      /* progress */
    /* afterwards */
    bool audited, audit_ok;
    uint32_t branches_left, unreachable;
    uint64_t torn_count;
    struct chaos_totals totals;
    unsigned case_count;
    struct chaos_case cases[CHAOS_CASES_MAX];
    char torn[CHAOS_TROUBLE_MAX][XATOP_GTRID_MAX + 1];
};

/* --- chaos_worker.c, chaos_hand.c: what the children do; @words after "worker" or "hand" --- */
enum status chaos_worker(struct app *app);
enum status chaos_hand(struct app *app);
/* Undo what a hand that died may have left on the nodes: read_only, an index. */
enum status chaos_hand_undo(struct app *app, uint8_t node, struct err *err);

/* --- chaos_steady.c, in the worker: asks what is due of the steady load; returns ms until the next (-1: there is none) --- */
int chaos_steady_turn(struct runtime *runtime, struct chaos_shared *shared, uint64_t *next);

/* --- chaos_child.c --- */
/* Start this program again with @words (NULL at the end); standard input from @input (-1: none). Ends by @death if we die. */
pid_t chaos_spawn(struct chaos *chaos, const char *const *words, int input, int death);
enum status chaos_worker_start(struct chaos *chaos);
void chaos_worker_order(struct chaos *chaos, const char *line);
/* SIGKILL; false: there is none. */
bool chaos_worker_shoot(struct chaos *chaos);
/* False: every place is taken, or it cannot be started. */
bool chaos_hand_start(struct chaos *chaos, enum chaos_kind kind, uint8_t node, int32_t for_ms);
/* Thaw or start the node, whatever it needs; counts as no fault. */
#define CHAOS_HEAL "heal"
bool chaos_hand_heal(struct chaos *chaos, uint8_t node);
/* Does a fault of @kind have to wait for another on the same node's process or link? */
bool chaos_hand_busy(const struct chaos *chaos, uint8_t node, enum chaos_kind kind);
unsigned chaos_hands(const struct chaos *chaos);
void chaos_hands_hurry(struct chaos *chaos);
/* Children that have ended; the worker is started again. STATUS_INTERNAL: it ended by itself. */
enum status chaos_reap(struct chaos *chaos);

/* --- chaos_run.c --- */
enum status chaos_load(struct chaos *chaos);
/* The worker died: what it was given and did not meet. Then for a new one. */
void chaos_arm_again(struct chaos *chaos);
void chaos_take_hits(struct chaos *chaos);
/* Wait for children or signals at most @ms; reaps. */
enum status chaos_pause(struct chaos *chaos, int64_t ms);

/* --- chaos_availability.c: one trouble after the other under a steady load; fills chaos->cases --- */
enum status chaos_availability(struct chaos *chaos);

/* --- chaos_heal.c: everything well again, then the audit. STATUS_PENDING: something stays unfinished. --- */
enum status chaos_heal(struct chaos *chaos);
enum status chaos_audit(struct chaos *chaos);

/* --- chaos_report.c --- */
void chaos_report(const struct chaos *chaos);
/* STATUS_PROVED_NOTHING with what was too little. */
enum status chaos_enough(const struct chaos *chaos, struct err *err);
void chaos_progress(struct chaos *chaos, bool last);

#endif
