/* The decision log: which transactions were decided COMMIT. Binary, framed, checked, forced before any XA COMMIT.
 *
 * Frame (little-endian):  magic u32 | length u32 (whole frame) | type u16 | version u16 | lsn u64 | epoch u32 | payload | CRC32C u32
 * over everything before it. lsn rises by one per record over all segments. A segment file is "NNNNNNNN.dlog", preallocated
 * (zero-filled tail = end). Files 0600, O_CLOEXEC|O_NOFOLLOW; the directory is 0700 and locked for life.
 *
 * Reading: an incomplete or zero tail of the LAST segment is a legal torn tail and is cut. A bad record followed by a valid
 * one, or in an earlier segment, is damage: STATUS_STATE, nothing is opened for writing, `xatop log` shows it.
 * Opening (xa-facts rule 2): what was read is rewritten to a new segment (live records first), fdatasync, directory fsync, and
 * only then may a verdict act on it. The epoch rises by one per opening and is durable before dlog_open returns.
 * Failing (rule 1): the first failed write or sync makes the log unhealthy for this opening: every later append fails.
 * Compaction: a COMMIT goes only if its DONE was written more than the retention time ago; an undischarged COMMIT never. */
#ifndef XATOP_DLOG_H
#define XATOP_DLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xatop/completion.h"
#include "xatop/limits.h"
#include "xatop/points.h"
#include "xatop/status.h"
#include "xatop/xid.h"

/* code, word, forced */
#define XATOP_DLOG_LIST(X)                                                                                  \
    X(OPEN, "open", 1)     /* log id, coordinator id, epoch, pid, host, wall time */                        \
    X(COMMIT, "commit", 1) /* the decision: gtrid, branches with node ids, meaning */                       \
    X(DONE, "done", 0)     /* every branch verified committed */                                            \
    X(ABORT, "abort", 1)   /* after a failed sync: supersedes a COMMIT of the same gtrid; later lsn wins */

enum dlog_type {
    DLOG_NONE,
#define X(code, word, forced) DLOG_##code,
    XATOP_DLOG_LIST(X)
#undef X
};

struct dlog_branch {
    uint8_t branch;      /* 1.. (the bqual) */
    uint8_t node;        /* index in the configuration at that time, for people */
    uint64_t node_id;    /* the node's own random id: what counts */
    char name[XATOP_NAME_MAX + 1];
};

struct dlog_record {
    enum dlog_type type;
    uint64_t lsn;
    uint32_t epoch;
    int64_t wall_ms;
    struct gtrid gtrid; /* COMMIT, DONE, ABORT */
    uint8_t branch_count;
    struct dlog_branch branches[XATOP_BRANCHES_MAX];
    char meaning[XATOP_REASON_MAX];
    /* OPEN */
    char coordinator[XATOP_COORD_MAX + 1];
    uint64_t log_id;
    int64_t pid;
    char host[64];
};

enum { DLOG_FRAME_MAX = 4096 };

/* Returns the frame's length, or 0 if it does not fit @cap. */
size_t dlog_encode(const struct dlog_record *record, uint8_t *out, size_t cap);
enum dlog_decode { DLOG_RECORD, DLOG_END, DLOG_TORN, DLOG_DAMAGED };
/* Decode the frame at @in. DLOG_END: zeros. DLOG_TORN: too short for its length. DLOG_DAMAGED: magic, length or CRC wrong. */
enum dlog_decode dlog_decode(const uint8_t *in, size_t len, struct dlog_record *record, size_t *frame_len);
uint32_t crc32c(const void *bytes, size_t n);

/* The disk port: a directory of files. All calls return 0 or -errno (read: bytes). The file disk (dlog_disk_file.c, the only
 * one with <fcntl.h>) and the simulator's memory disk implement it. Not thread-safe: one thread at a time. */
struct disk {
    void *ctx;
    int (*list)(void *ctx, void (*visit)(void *arg, const char *name, uint64_t size), void *arg);
    int (*create)(void *ctx, const char *name, uint64_t preallocate); /* fails if it exists */
    int64_t (*read)(void *ctx, const char *name, uint64_t offset, void *out, size_t n);
    int (*write)(void *ctx, const char *name, uint64_t offset, const void *bytes, size_t n);
    int (*sync)(void *ctx, const char *name); /* fdatasync */
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*unlink)(void *ctx, const char *name);
    int (*sync_dir)(void *ctx);
};

struct dlog; /* opaque */

struct dlog_options {
    const char *coordinator;
    uint64_t new_log_id;    /* used only if the log is new; random */
    int64_t wall_ms, pid;
    const char *host;
    uint64_t segment_bytes; /* preallocation; default 4 MiB if 0 */
    int64_t retention_ms;   /* of discharged COMMIT records */
};

/* Open for writing (see above). The directory lock is the file disk's business, taken before. STATUS_STATE with words if the
 * log is damaged, belongs to another coordinator id, or cannot be written. */
enum status dlog_open(struct dlog **out, const struct disk *disk, const struct dlog_options *options, struct err *err);
void dlog_close(struct dlog *dlog);
uint64_t dlog_log_id(const struct dlog *dlog);
uint32_t dlog_epoch(const struct dlog *dlog);
bool dlog_healthy(const struct dlog *dlog);
/* Visit the COMMIT records that stood undischarged when the log was opened. @record lives for the call only. */
void dlog_undischarged(struct dlog *dlog, void (*visit)(void *arg, const struct dlog_record *record), void *arg);
/* Queue a record in memory; sets its lsn. */
enum status dlog_append(struct dlog *dlog, struct dlog_record *record, struct err *err);
/* Write and fdatasync everything appended. A failure is final for this opening: dlog_healthy turns false. */
enum status dlog_sync(struct dlog *dlog, struct err *err);
/* Is there a durable COMMIT record (and no later ABORT) for @gtrid, discharged or not? Reads the disk. 1 yes, 0 no, -1 cannot tell. */
int dlog_find_commit(struct dlog *dlog, const struct gtrid *gtrid, struct dlog_record *out);

/* Read-only walk over all segments, for `xatop log`, status, audit: needs no lock, works beside a writer.
 * @visit returns false to stop. STATUS_STATE if damaged (the records before the damage were visited; @err says where). */
struct dlog_scan_result {
    uint64_t records, live; /* live = undischarged COMMITs */
    uint64_t last_lsn;
    uint32_t epoch;
    uint64_t log_id;
    char coordinator[XATOP_COORD_MAX + 1];
    bool torn_tail;
};
enum status dlog_scan(const struct disk *disk, bool (*visit)(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset),
                      void *arg, struct dlog_scan_result *result, struct err *err);

const char *dlog_type_name(enum dlog_type type);

/* --- the file disk (src/dlog/dlog_disk_file.c) --- */
/* Open @dir (made 0700 if missing unless @read_only). Exclusive: flock on the directory itself, held for life, never inherited;
 * STATUS_STATE names the holder's pid (from a "holder" file beside it) if taken. Network file systems are refused. */
enum status disk_file_open(struct disk *out, const char *dir, bool read_only, struct err *err);
void disk_file_close(struct disk *disk);
/* The pid that holds the lock on @dir, or 0. */
int64_t disk_file_holder(const char *dir);

/* --- the log thread (src/dlog/dlog_writer.c, on worker): group commit --- */
struct dlog_writer;
struct dlog_request {            /* owned by the queue from submit to completion */
    struct completion completion; /* kind COMPLETION_LOG */
    bool find;                   /* no append: dlog_find_commit(record.gtrid), which reads the disk; answer in found */
    int found;                   /* out: 1 yes (record filled), 0 no, -1 cannot tell */
    enum fault_act append_fault, durable_fault; /* injected at decide.append (before the write), decide.durable (after the sync) */
    int32_t append_ms, durable_ms;              /* FAULT_DELAY */
    struct dlog_record record;
    bool forced;                 /* wait for the sync before completing */
    uint64_t token;              /* the caller's */
    enum status status;          /* out */
    int64_t append_us, durable_us; /* out, measured */
    uint32_t group;              /* out: records in that sync */
    struct err err;
};
/* @done is called on the log thread, once per request, in lsn order; it must only post. */
enum status dlog_writer_start(struct dlog_writer **out, struct dlog *dlog, void (*done)(void *arg, struct dlog_request *request), void *arg, struct err *err);
void dlog_writer_submit(struct dlog_writer *writer, struct dlog_request *request);
void dlog_writer_stop(struct dlog_writer *writer); /* finishes what is queued */

#endif
