#ifndef XATOP_NODE_SIM_PRIVATE_H
#define XATOP_NODE_SIM_PRIVATE_H
/* Inside the simulated nodes. */
#include "xatop/node_sim.h"
#include "xatop/prng.h"

enum {
    SIM_ROWS = 64,
    SIM_LOCK_WAIT_US = 50000,
    SIM_POLL_US = 5000,
    SIM_SETTLE_US = 200000,
    SIM_FLUSH_US = 1000000,        /* a commit is on the disk after that */
    SIM_WAIT_TIMEOUT_US = 4500000, /* a session whose client went unheard ends after that */
};

enum sim_state { SIM_ACTIVE, SIM_IDLE, SIM_PREPARED };
struct sim_branch {
    struct sim_branch *next;
    struct xid xid;
    struct gtrid gtrid;
    bool ours, hidden, rollback_only;
    uint8_t branch, branches;
    enum sim_state state;
    struct sim_session *session; /* NULL: detached */
    int64_t detached_us;
    struct {
        enum work_table table;
        int64_t id, delta;
    } done[XATOP_WORK_MAX];
    uint8_t done_count;
    bool marked; /* has written its marker row */
    char key[XATOP_KEY_MAX + 1], fingerprint[33];
};

struct sim_row {
    bool exists;
    int64_t value, price;
    struct sim_branch *lock;
};

struct sim_session {
    struct sim_session *next;
    uint64_t id;
    uint8_t node;
    uint32_t epoch;
    bool alive, closing, killed; /* closing: the client has gone; killed: nothing unread is read any more */
    uint32_t on_the_way, executing;
    struct sim_branch *branch;
};

/* A message on its way, in the server, or its answer on the way back. */
struct sim_job {
    struct sim_job *next_free, *next_all;
    struct message *message; /* NULL: nobody waits any more */
    unsigned references;
    struct sim_session *session;
    uint8_t node;
    uint16_t carrier, verbs, done_verbs;
    uint8_t step, op;
    uint8_t branch, branches;
    struct xid xid;
    struct branch_plan plan;
    struct message_faults faults;
    int64_t lock_until_us;
    /* the answer */
    enum reply reply;
    uint16_t last_verb;
    int32_t error;
    enum refusal refusal;
    uint8_t refused_step;
    int64_t refused_have, sent_us, reply_us;
    bool unreachable, injected;
};

struct sim_effect {
    struct node_sim_effect effect;
    char key[XATOP_KEY_MAX + 1], fingerprint[33];
};

struct sim_control {
    struct sim_control *next;
    struct control *control;
    bool started, gone;
    int64_t settled_us;
};

struct sim_node {
    bool detaches, down,
        cut; /* cut: what is sent to it or by it is lost, and nobody hears of the other's end */
    int64_t frozen_until_us, read_only_until_us, server_start;
    uint64_t node_id;
    bool claimed;
    uint64_t log_id, place;
    uint32_t epoch, elsewhere;
    int64_t first[WORK_TABLES], initial[WORK_TABLES];
    struct sim_row rows[WORK_TABLES][SIM_ROWS];
    struct sim_branch *branches,
        *rolled_back;             /* rolled_back: acknowledged, not yet flushed by anything later */
    struct sim_branch *committed; /* the latest, likewise */
    uint32_t committed_effect;
    int64_t committed_us;
    struct gtrid finished, pruned; /* the verified floor; epoch 0: none */
    struct sim_session *sessions;
    struct sim_control *controls, **controls_end;
    bool control_busy;
    uint32_t control_serial;
    struct sim_effect *effects;
    uint32_t effect_count, effect_cap;
};

enum sim_event_kind {
    SIM_ARRIVE,
    SIM_EXECUTE,
    SIM_ANSWER,
    SIM_DEADLINE,
    SIM_DIE,
    SIM_CONTROL,
    SIM_UP,
    SIM_EXPIRE
};

struct sim_event {
    int64_t at_us;
    uint64_t order;
    enum sim_event_kind kind;
    struct sim_job *job;
    uint8_t node;
    uint32_t serial;
    uint64_t session; /* EXPIRE */
};

struct node_sim {
    struct node_sim_options options;
    struct prng prng;
    int64_t now_us;
    uint64_t order, next_id;
    struct sim_node nodes[XATOP_NODES_MAX];
    struct sim_session *handles[XATOP_INFLIGHT_MAX][XATOP_NODES_MAX]; /* what a carrier holds */
    struct sim_job *jobs_free, *jobs_all;
    struct sim_event *heap;
    uint32_t heap_count, heap_cap;
    uint32_t hasty;
    struct coordinator coordinator; /* of the latest RAISE: what sessions say when they open */
};

#include "node_sim_calls.h"

#endif
