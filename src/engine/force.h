/* Inside the engine room: one branch being finished by hand. Included by engine_private.h. */
#ifndef XATOP_ENGINE_FORCE_H
#define XATOP_ENGINE_FORCE_H

#include "xatop/engine.h"

enum force_state {
    FORCE_IDLE,
    FORCE_LOOKING,    /* nodes are asked: who lists it, what did its siblings do */
    FORCE_FINDING,    /* the log is asked for its decision */
    FORCE_LOGGING,    /* the FORCE record */
    FORCE_SENDING,    /* to the node */
    FORCE_WAITING,    /* it was refused for now */
    FORCE_CLOSING,    /* the FORCED record */
    FORCE_FORGETTING, /* the FORGET record */
};

struct force {
    enum force_state state;
    struct command *command; /* NULL: none */
    struct gtrid gtrid;
    char gtrid_text[XATOP_GTRID_MAX + 1];
    uint8_t branch;
    bool same_node; /* the record names no other node for it */
    uint32_t out;
    uint16_t reached;                   /* bit i: node i answered */
    uint16_t listed, committed, marked; /* bit b - 1: branch b; marked: a marker that somebody wrote */
    int64_t until_ms, retry_at_ms;
    struct force_report report;
    char words[XATOP_REASON_MAX];
};

#endif
