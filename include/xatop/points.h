/* The named points a transaction passes, and what may be made to happen there. Types and tables only: the gate
 * (fault.h) decides, the carriers and the log thread carry the verdict out.
 *
 * At a .sent point crash acts after the last byte left and before anything is read, everything else before the first byte; at a
 * .reply point all act after the node acted and before the engine hears of it. decide.append is before the write, decide.durable
 * after fdatasync. */
#ifndef XATOP_POINTS_H
#define XATOP_POINTS_H

#include <stdbool.h>
#include <stdint.h>

/* code, name on the command line, per node */
#define XATOP_POINT_LIST(X)                                                                                  \
    X(BEGIN, "begin", 0)                                                                                     \
    X(START_SENT, "start.sent", 1)                                                                           \
    X(START_REPLY, "start.reply", 1)                                                                         \
    X(WORK_SENT, "work.sent", 1)                                                                             \
    X(WORK_REPLY, "work.reply", 1)                                                                           \
    X(END_SENT, "end.sent", 1)                                                                               \
    X(END_REPLY, "end.reply", 1)                                                                             \
    X(PREPARE_SENT, "prepare.sent", 1)                                                                       \
    X(PREPARE_REPLY, "prepare.reply", 1)                                                                     \
    X(DECIDE_APPEND, "decide.append", 0)                                                                     \
    X(DECIDE_DURABLE, "decide.durable", 0)                                                                   \
    X(COMMIT_SENT, "commit.sent", 1) /* also XA COMMIT ... ONE PHASE */                                      \
    X(COMMIT_REPLY, "commit.reply", 1)                                                                       \
    X(ROLLBACK_SENT, "rollback.sent", 1)                                                                     \
    X(ROLLBACK_REPLY, "rollback.reply", 1)                                                                   \
    X(FORGET, "forget", 0)

enum point {
    POINT_NONE,
#define X(code, name, per_node) POINT_##code,
    XATOP_POINT_LIST(X)
#undef X
        POINTS
};

/* What a fault does to the message, log write or step that passes. */
enum fault_act {
    FAULT_NONE,
    FAULT_CRASH,   /* the coordinator ends at once, nothing flushed, nothing told */
    FAULT_DROP,    /* .sent: the message never leaves; .reply: the answer is lost; the session is cut */
    FAULT_DELAY,   /* held fault_ms */
    FAULT_REFUSE,  /* nothing sent; an error is made up, marked as injected */
    FAULT_LOGFAIL, /* the write or sync fails */
    /* what is done to a lab node or to its link; what passes goes on its way, and meets it */
    FAULT_KILL,   /* the node's process is sent SIGKILL, and is gone when it goes on */
    FAULT_FREEZE, /* SIGSTOP */
    FAULT_CUT,    /* its link is partitioned: bytes stop, both ends stay open */
    FAULT_HEAL    /* its link is whole again */
};

/* Does it strike a node, rather than what passes? */
static inline bool fault_act_harms(enum fault_act act)
{
    return act >= FAULT_KILL;
}

/* The gate's verdict on one message; travels with it. */
struct message_faults {
    enum fault_act strike; /* of its node, before anything else: what was armed for `begin` */
    enum fault_act sent, reply;
    uint16_t sent_verb, reply_verb; /* of a packet: the verb whose point was hit */
    int32_t sent_ms, reply_ms;      /* FAULT_DELAY */
};

const char *point_name(enum point point);
bool point_per_node(enum point point);
/* The .sent point of a verb (enum verb), POINT_NONE if it has none (OPEN); its .reply point is the next one. */
enum point point_sent(unsigned verb);
enum point point_by_name(const char *name);

#endif
