/* What people and programs may ask of the engine, and what it answers. Types only: console, scenarios and the command line say
 * what they want, the engine does it. */
#ifndef XATOP_COMMAND_H
#define XATOP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "xatop/completion.h"
#include "xatop/effect.h"
#include "xatop/forced.h"
#include "xatop/limits.h"
#include "xatop/points.h"
#include "xatop/status.h"
#include "xatop/text.h"
#include "xatop/verb.h"
#include "xatop/vocab.h"
#include "xatop/work.h"
#include "xatop/xid.h"

enum { SCENARIO_PARAMS_MAX = 4 };

/* bank: from, to, amount (minor units); inventory: product, quantity, customer */
struct scenario_params {
    int64_t n[SCENARIO_PARAMS_MAX];
};

struct branch_report {
    uint8_t node;
    struct xid xid;
    enum branch_state state;
};

/* The truth about one asked-for transaction (xa-facts rule 13). */
struct report {
    enum status status; /* exit code of the contract */
    enum outcome outcome;
    bool repeated; /* answered from an earlier attempt with the same key */
    uint32_t retries;
    char gtrid[XATOP_GTRID_MAX + 1];
    char reason[XATOP_REASON_MAX]; /* "" if committed */
    int64_t elapsed_us;
    uint8_t branch_count;
    struct branch_report branches[XATOP_BRANCHES_MAX];
};

/* What a verdict rests on. */
struct verdict_evidence {
    uint32_t xid_epoch, our_epoch; /* 0: not of our form */
    uint64_t log_lsn;              /* of the COMMIT record; 0: none, or nobody asked for it */
    uint64_t holder;               /* connection id of the session that has it in hand here; 0: none */
    bool first_scan, second_scan;  /* seen in */
    uint16_t markers_read; /* bit i: node i was asked for committed marker rows of the transaction ... */
    uint16_t committed_on; /* ... and has some */
};

struct verdict_report {
    struct xid xid;
    uint8_t node;
    enum verdict verdict;
    enum recovery_rule rule;
    bool done; /* the verdict was carried out (not in a dry run, not if the node went away) */
    struct verdict_evidence evidence;
};

struct recovery_report {
    enum status status;
    uint32_t committed, rolled_back, left, foreign, ambiguous;
    uint16_t unreachable; /* bit i = node i */
    uint32_t unfinished;  /* own transactions still being finished */
    uint32_t verdict_count;
    struct verdict_report *verdicts; /* valid during the callback only */
    char reason[XATOP_REASON_MAX];
};

/* One branch of a transaction of which one was forced. */
struct force_branch {
    enum branch_fate fate;
    uint8_t node;         /* UINT8_MAX: not known */
    uint8_t effect_count; /* 0: not known */
    struct effect effects[XATOP_WORK_MAX];
};

/* What came of an operator's force (xa-facts rule 14). Of a refusal nothing in it counts. */
struct force_report {
    bool logged; /* a FORCE stands in the decision log; false: recovery would have done the same, so it was done as recovery does */
    uint8_t node, branch;
    enum decision decision;
    enum forced_outcome outcome;
    uint8_t branch_count; /* 0: not known */
    uint16_t committed;   /* bit b - 1: branch b is committed, or will be */
    bool gap_known;
    int64_t money_gap, stock_gap; /* by how much the books of all nodes together are off because of it */
    struct force_branch branches[XATOP_BRANCHES_MAX];
    struct effect_key key; /* of the first branch */
};

enum force_act { FORCE_ROLLBACK, FORCE_COMMIT, FORCE_FORGET };

enum command_kind {
    COMMAND_RUN,          /* one transaction */
    COMMAND_STREAM,       /* keep @inflight random transactions of a scenario going; 0 stops */
    COMMAND_RECOVER,      /* one recovery pass; dry_run: verdicts only */
    COMMAND_FORCE,        /* finish one branch by hand, or forget that (xid, act, note: the reason, against) */
    COMMAND_FAULT,        /* arm (spec), or disarm all (spec "") */
    COMMAND_NODE_CHANGED, /* the lab did something to a node: sample and sweep it now */
    COMMAND_NOTE,    /* words (note, level) that belong into the trace, from somebody who has no other way */
    COMMAND_AUDITED, /* an audit was taken beside the engine: its result belongs into the trace */
    COMMAND_DRAIN    /* take no more work; done is called when nothing is in flight or at the deadline */
};

struct command {
    struct completion completion; /* kind COMPLETION_COMMAND: it goes through the engine's inbox */
    enum command_kind kind;
    uint8_t scenario; /* index in the scenario table */
    struct scenario_params params;
    char key[XATOP_KEY_MAX + 1]; /* --id, "" if none */
    bool packet;                 /* wire mode */
    bool dry_run;
    uint8_t node;
    uint16_t inflight;
    int64_t wait_ms; /* RUN: phase two after the decision; RECOVER, DRAIN, FORCE: limit of the whole */
    char fault[96];
    int level;                   /* NOTE: 0 info, 1 warning, 2 alarm */
    char note[XATOP_REASON_MAX]; /* NOTE, FORCE: sanitised */
    struct xid xid;              /* FORCE */
    enum force_act act;
    bool against;                /* FORCE: also against what the decision log says */
    struct force_report *force;  /* FORCE: the asker's; filled in before done is called */
    bool audit_ok;               /* AUDITED */
    int64_t audit[4];            /* AUDITED: money expected, found, stock expected, found */
    /* Called once on the engine thread; must only hand over. The command (malloc'd by the asker) may be freed in it. */
    void (*done)(struct command *command, const struct report *report,
                 const struct recovery_report *recovery);
    void *arg;
};

#endif
