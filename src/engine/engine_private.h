/* Inside the engine room: the whole state. Everything runs on the engine thread. */
#ifndef XATOP_ENGINE_PRIVATE_H
#define XATOP_ENGINE_PRIVATE_H

#include "force.h"
#include "parts.h"
#include "xatop/prng.h"

/* --- what is known of a node --- */
struct book {
    bool looked;    /* the first look has been answered, whatever it said */
    bool clear;     /* ... and said that nothing stands against raising */
    bool displaced; /* ... and that our log was at another place, or the id another log's: words say whose */
    bool answered;  /* nothing more is to be heard of it before the engine opens */
    bool raised;    /* our epoch stands there and its identity is known; stays so while it is away */
    bool down, no_schema;
    bool
        unfit; /* the preflight refuses it: nothing begins there; what is in flight and of the past is finished (fitness.c) */
    bool swept, sweep_wanted;
    bool raise_out, raise_due, health_out;
    bool
        unresolved; /* the last sweep left something there that is nobody's business here: looked at again at look_at_ms */
    int64_t retry_at_ms, health_at_ms, sweep_at_ms, look_at_ms;
    bool away_said;         /* that it could not be taken over */
    uint32_t elsewhere;     /* up to this epoch our log was at other places (recovery.h) */
    struct gtrid ambiguous; /* the oldest of ours that the last sweep left to people there; epoch 0: none */
    int64_t
        health_until_ms; /* health_out: past this it counts as frozen, whatever its control session is stuck in */
    uint32_t failures;
    uint64_t node_id;
    int64_t server_start;
    struct node_info info;
    char words[XATOP_REASON_MAX];
    struct preflight *preflight;     /* as last checked; NULL: never */
    uint64_t told[PREFLIGHT_CHECKS]; /* what was said last of each check; 0: nothing */
};

/* --- one look at all prepared branches (xa-facts rule 5) --- */
struct candidate {
    struct xid xid;
    struct gtrid gtrid;
    enum xid_owner owner;
    uint8_t node, branch;
    bool first, second, in_flight, recorded, record_has_node, done, alive;
    uint8_t record_branches;
    uint64_t record_ids[XATOP_BRANCHES_MAX];
    struct dlog_record *record; /* what the log has of it; owned */
    enum verdict verdict;
    enum recovery_rule rule;
    struct slot *slot; /* carries the verdict out */
    struct verdict_evidence evidence;
};

enum sweep_state { SWEEP_IDLE, SWEEP_FIRST, SWEEP_SECOND, SWEEP_FINDS, SWEEP_MARKERS, SWEEP_ACTING };

struct sweep {
    enum sweep_state state;
    uint16_t nodes, failed; /* bit i = node i */
    uint32_t out, next_find;
    uint32_t count, sorted, cap;
    struct candidate *list;
    struct command *command; /* COMMAND_RECOVER that is answered by it */
    int64_t until_ms;
};

/* --- one round of raising the floor and removing what lies deep below it (floor.h) --- */
enum floor_state {
    FLOOR_IDLE,
    FLOOR_READING,
    FLOOR_LISTING,
    FLOOR_RAISING,
    FLOOR_ASKING_LOG,
    FLOOR_PRUNING,
    FLOOR_LOOKING
};

struct floor {
    enum floor_state state;
    uint32_t out;
    bool failed, more;
    int64_t due_ms;
    struct gtrid now, target, pruned, torn; /* torn: the one that was told of */
    struct marker_seen *list;               /* of all nodes together */
    uint32_t count;
};

/* --- the proof that lets the log forget (swept.c) --- */
struct swept {
    struct gtrid upto, logged; /* verified, waits for the look; the last SWEPT. epoch 0: none */
    int64_t due_ms;
    unsigned looks;
    uint16_t listed; /* nodes that list something of it still */
};

struct pending_command {
    struct command *command;
    int64_t until_ms;
    struct pending_command *next;
};

struct stream {
    bool packet;
    uint16_t target, running;
    int64_t pause_until_ms;
};

enum { STREAMS_MAX = 8 };

struct engine {
    struct engine_config config;
    struct engine_ports ports;
    int64_t now_us, now_ms, wall_offset_ms;
    uint64_t trace_seq, sequence;
    struct prng prng;
    struct gate gate;
    bool started, looked, open, dead, log_failed, log_failure_said, draining, recovery_allowed, swept_once;
    uint32_t in_doubt;  /* the log failed while they were decided: not for this opening */
    enum status halted; /* another log or a newer epoch: acts on nothing any more */
    char halt_words[XATOP_REASON_MAX];
    int64_t started_ms;
    struct book nodes[XATOP_NODES_MAX];
    struct slot *slots;
    uint32_t slot_count, recovered_count; /* all of them; those of the past among them */
    struct run *runs, **runs_end;
    bool carrier_used[XATOP_INFLIGHT_MAX];
    uint16_t carriers_used;
    struct dlog_record *undischarged; /* not in a slot yet: from undischarged_next on */
    uint32_t undischarged_count, undischarged_next;
    struct sweep sweep;
    struct floor floor;
    struct swept swept;
    struct force force;
    struct stream streams[STREAMS_MAX];
    struct pending_command *commands;
    struct message_box *messages_free, *messages_all;
    struct control_box *controls_free, *controls_all;
    struct log_box *logs_free, *logs_all;
    uint32_t ports_out; /* requests that have not come back */
    struct trace_event event;
};

#include "calls.h"

#endif
