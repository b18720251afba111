/* Simulated participant nodes: the node port without servers, threads or a clock. The same seed gives the same run.
 *
 * They answer as MariaDB (a prepared branch belongs to its session) or MySQL (it is detached at once), with the measured quirks
 * as chances: late PREPARE, NOTA for what a live session holds, phantom OK, rollbacks that come back after a crash, lost requests
 * and answers, read-only times. Virtual time is the caller's: set it before calling the port, run what is due, deliver. */
#ifndef XATOP_NODE_SIM_H
#define XATOP_NODE_SIM_H

#include "xatop/node.h"

struct node_sim; /* opaque */

/* In thousandths, of each chance. */
struct node_sim_chances {
    uint16_t lose_request, lose_reply;
    uint16_t slow;     /* a message takes milliseconds instead of microseconds */
    uint16_t late;     /* PREPARE, COMMIT or ONE PHASE stands still inside the server for up to 1.5 s (12b) */
    uint16_t deadlock; /* a work statement is its victim (22) */
    uint16_t refuse;   /* PREPARE fails and the branch is gone (31) */
    uint16_t phantom;  /* a foreign finish answers OK and does nothing (3a), on nodes that do not detach */
    uint16_t resurrect; /* an acknowledged rollback is prepared again after a crash (40a), per branch */
    uint16_t uncommit;  /* the latest acknowledged commit is prepared again after a crash (40) */
};

struct node_sim_options {
    uint8_t node_count;
    uint16_t carriers;
    uint16_t detaches; /* bit i: node i detaches at PREPARE, as MySQL does */
    uint64_t seed;
    int64_t settle_ms; /* RAISE waits so long after the last older session has gone */
    struct node_sim_chances chances;
    void (*crash)(void *ctx); /* a FAULT_CRASH on a message: called from node_sim_run */
    void *ctx;
    /* Broken on purpose, to prove that a test would see it. */
    bool break_fence;  /* FENCE answers at once and kills nothing */
    bool break_marker; /* RESOLVE believes the answer and does not look at the marker */
};

struct node_sim *node_sim_new(const struct node_sim_options *options); /* aborts if out of memory */
void node_sim_free(struct node_sim *sim);
struct node_port node_sim_port(struct node_sim *sim);
/* A row with its counted column, and a price if it is a product. Ids of one table lie near each other. */
void node_sim_fill(struct node_sim *sim, uint8_t node, enum work_table table, int64_t id, int64_t value,
                   int64_t price);
/* A prepared branch of somebody else's. */
void node_sim_add_foreign(struct node_sim *sim, uint8_t node);

void node_sim_now(struct node_sim *sim, int64_t now_us);
int64_t node_sim_due_us(const struct node_sim *sim); /* INT64_MAX: nothing is going on */
/* Do the earliest thing that is due at the time set. @deliver is called with each completion. */
void node_sim_run(struct node_sim *sim, void (*deliver)(void *arg, struct completion *completion), void *arg);
/* The coordinator's process is gone: its requests are forgotten, its sockets close, what has left may still act. */
void node_sim_client_gone(struct node_sim *sim);

void node_sim_crash(struct node_sim *sim, uint8_t node,
                    int64_t down_us); /* SIGKILL, and a start after @down_us */
void node_sim_freeze(struct node_sim *sim, uint8_t node, int64_t for_us);
/* Partitioned: what passes between coordinator and node is lost, sessions stay half-open until killed or out of patience. */
void node_sim_cut(struct node_sim *sim, uint8_t node, bool cut);
/* What a fault does to it: a crash or a freeze of its own length, a cut until healed. */
void node_sim_harm(struct node_sim *sim, enum fault_act act, uint8_t node);
void node_sim_read_only(struct node_sim *sim, uint8_t node, int64_t for_us);
void node_sim_calm(struct node_sim *sim); /* no chance strikes from here; nodes that are away come back */

/* --- for the judge --- */
struct node_sim_effect {
    uint8_t node, branch, branches;
    struct gtrid gtrid;
    int64_t deltas[WORK_TABLES];
    const char *key; /* NULL if none */
};
void node_sim_effects(const struct node_sim *sim,
                      void (*visit)(void *arg, const struct node_sim_effect *effect), void *arg);
int64_t node_sim_sum(const struct node_sim *sim, uint8_t node, enum work_table table);
int64_t node_sim_initial(const struct node_sim *sim, uint8_t node, enum work_table table);
uint32_t node_sim_left(const struct node_sim *sim,
                       uint8_t node); /* branches of ours not finished, hidden ones too */
uint32_t node_sim_hidden(const struct node_sim *sim, uint8_t node);  /* of them: behind a phantom OK */
uint32_t node_sim_foreign(const struct node_sim *sim, uint8_t node); /* of others */
uint32_t
node_sim_hasty(const struct node_sim *sim); /* foreign finishes within the settle time of the session's end */

#endif
