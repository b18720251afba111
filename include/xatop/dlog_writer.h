/* The log thread: group commit. Everything that was queued while the last sync ran goes with the next one. */
#ifndef XATOP_DLOG_WRITER_H
#define XATOP_DLOG_WRITER_H

#include "xatop/completion.h"
#include "xatop/dlog.h"
#include "xatop/points.h"

/* The memory is the caller's; the writer's from submit until @done was called with it. */
struct dlog_request {
    struct completion completion; /* kind COMPLETION_LOG */
    bool find;   /* no append: dlog_find_commit(record.gtrid), which reads the disk; answer in found */
    bool oldest; /* no append: dlog_oldest; answer in found and record.gtrid */
    int found;   /* out: 1 yes (record filled), 0 no, -1 cannot tell */
    enum fault_act append_fault,
        durable_fault;             /* at decide.append (before the write), decide.durable (after the sync):
                                                 * NONE, CRASH, DELAY, LOGFAIL, or what strikes a node */
    int32_t append_ms, durable_ms; /* FAULT_DELAY */
    uint8_t append_node, durable_node; /* index of the node to be struck */
    struct dlog_record record;         /* in; lsn, epoch out */
    bool forced;    /* complete only after the sync; an unforced record completes with the group it is in */
    uint64_t token; /* the caller's */
    enum status
        status; /* out: OK; PENDING: the write or sync failed, the record's fate is unknown until the log
                                    * is opened anew; STATE: the log had failed before, the record was not written */
    int64_t append_us, durable_us; /* out, measured, monotonic; durable_us 0 if not synced */
    uint32_t group;                /* out: records in that sync */
    struct err err;
};

enum { DLOG_QUEUE_MAX = 4096 }; /* requests queued at once; more is the caller's bug */

struct dlog_writer; /* opaque */

/* From here until dlog_writer_stop @dlog belongs to the log thread: nobody else calls a dlog_ function on it.
 * @done is called on the log thread, once per request, appends in lsn order; it must only post.
 * @crash is called on the log thread at an injected FAULT_CRASH. If it returns, the writer is dead: it writes nothing more
 * and completes nothing more, what is queued is dropped. @harm (may be NULL) is called there to strike a node, and may block. */
struct dlog_writer_hooks {
    void (*done)(void *arg, struct dlog_request *request);
    void (*crash)(void *arg);
    void (*harm)(void *arg, enum fault_act act, uint8_t node);
    void *arg;
};
enum status dlog_writer_start(struct dlog_writer **out, struct dlog *dlog,
                              const struct dlog_writer_hooks *hooks, struct err *err);
void dlog_writer_submit(struct dlog_writer *writer, struct dlog_request *request);
/* Finishes and syncs what is queued, ends the thread. @dlog is the caller's again. NULL is allowed. */
void dlog_writer_stop(struct dlog_writer *writer);

#endif
