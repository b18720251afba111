/* The decision log: which transactions were decided COMMIT. Binary, framed, checked, forced before any XA COMMIT.
 *
 * Frame (little-endian):  magic u32 | length u32 (whole frame) | type u16 | version u16 | lsn u64 | epoch u32 | payload | CRC32C u32
 * over everything before it. The payload starts with wall_ms i64 | durable u64: the highest lsn that was known durable when
 * the frame was written. Files are "NNNNNNNN.dlog" (segments), preallocated, so zeros follow the last frame. The first frame
 * of each is a SEGMENT record: it names the previous segment, where that one ends for ever (bytes beyond are void), and
 * head_lsn. A segment gets its name only when everything up to head_lsn is synced. The lsn rises by one per record within
 * a segment and never falls over all of them.
 *
 * Reading: the last segment may end in a legal torn tail: zeros, half a frame, or frames in any state that nothing says were
 * ever synced. It is damage, STATUS_STATE, and nothing is opened for writing, if a record is bad although a later frame's
 * `durable` or the head_lsn says it was synced, or if it lies before the end of an earlier segment, or if a segment is
 * missing between two. (A tail cut at a checksum alone is how logs lose acknowledged decisions: Alagappan et al., FAST'18.)
 * Opening (xa-facts rule 2): every record that is not provably synced is rewritten to a new segment,
 * fdatasync, rename, directory fsync, and only then does dlog_open return. So a COMMIT found at open counts, even if its
 * sync had failed in the previous run: nobody had been told anything, and from now on it is durable. The epoch is the
 * previous one + 1, and durable by the same sync.
 * Failing (rule 1): the first failed write or sync makes the log unhealthy for this opening: every later call fails.
 * Retention (rule 6): a COMMIT goes only with its whole segment, when each COMMIT there has a newer copy, or was discharged
 * (DONE) and is at or below a SWEPT, and the retention time passed since both; one that an ABORT voided needs no SWEPT; an
 * undischarged COMMIT never goes. So while a node is away, or nothing runs long enough to sweep, the log only grows.
 * Memory holds undischarged ones only. */
#ifndef XATOP_DLOG_H
#define XATOP_DLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xatop/disk.h"
#include "xatop/forced.h"
#include "xatop/limits.h"
#include "xatop/status.h"
#include "xatop/text.h"
#include "xatop/xid.h"

/* code, word, forced */
#define XATOP_DLOG_LIST(X)                                                                                  \
    X(SEGMENT, "segment", 1) /* first of each file: log id, coordinator id, the chain of segments */        \
    X(OPEN, "open", 1)     /* log id, coordinator id, pid, host */                                          \
    X(COMMIT, "commit", 1) /* the decision: gtrid, branches with node ids, meaning */                       \
    X(DONE, "done", 0)     /* every branch verified committed */                                            \
    X(ABORT, "abort", 1)   /* supersedes an earlier COMMIT of the same gtrid of which nobody was told; later lsn wins */ \
    X(FORCE, "force", 1)   /* an operator is about to force a branch: verdict, reason; before anything is sent */ \
    X(FORCED, "forced", 1) /* what came of the newest FORCE of that branch */                               \
    X(FORGET, "forget", 1) /* every FORCE of that branch is forgotten, by hand */                           \
    X(SWEPT, "swept", 0)   /* this and all older COMMITs: verified on all nodes, then a sweep found none listed */

enum dlog_type {
    DLOG_NONE,
#define X(code, word, forced) DLOG_##code,
    XATOP_DLOG_LIST(X)
#undef X
    DLOG_TYPES
};

struct dlog_branch {
    uint8_t branch;      /* 1.. (the bqual) */
    uint8_t node;        /* index in the configuration at that time, for people */
    uint64_t node_id;    /* the node's own random id: what counts */
    char name[XATOP_NAME_MAX + 1];
};

struct dlog_record {
    enum dlog_type type;
    uint64_t lsn;     /* given by dlog_append */
    uint32_t epoch;   /* the opening that wrote it, kept by copies in later segments; given by dlog_append */
    uint64_t durable; /* given by dlog_append */
    int64_t wall_ms;
    struct gtrid gtrid; /* all but OPEN and SEGMENT */
    uint8_t branch_count;                            /* FORCE, FORCED, FORGET: always 1, the branch of which they speak */
    struct dlog_branch branches[XATOP_BRANCHES_MAX]; /* COMMIT, FORCE, FORCED, FORGET */
    char meaning[XATOP_REASON_MAX]; /* COMMIT; FORCE, FORGET: the reason as typed; FORCED: what was found */
    /* FORCE */
    bool commit;  /* the verdict: commit, else rollback */
    bool decided; /* the log held a durable COMMIT of gtrid; given by dlog_append */
    /* FORCED */
    enum forced_outcome outcome;
    int64_t money_gap; /* minor units that the books of all nodes together are off by it; 0: none, or not known */
    /* OPEN, SEGMENT */
    char coordinator[XATOP_COORD_MAX + 1];
    uint64_t log_id;
    /* OPEN */
    int64_t pid;
    char host[64];
    /* SEGMENT */
    uint32_t segment, previous; /* previous 0: none */
    uint32_t oldest;            /* the oldest one that still counts: all from there on must be present */
    uint64_t previous_end;      /* bytes of it that count */
    uint64_t head_lsn;
};

enum { DLOG_FRAME_MAX = 4096 };

/* Returns the frame's length, or 0 if it does not fit @cap. */
size_t dlog_encode(const struct dlog_record *record, uint8_t *out, size_t cap);
enum dlog_decode { DLOG_RECORD, DLOG_END, DLOG_TORN, DLOG_DAMAGED };
/* Decode the frame at @in (hostile bytes; text in it comes out sanitised). DLOG_END: @len is 0 or the length word's place is
 * zeros. DLOG_TORN: too short for its length. DLOG_DAMAGED: magic, length, CRC or content wrong. */
enum dlog_decode dlog_decode(const uint8_t *in, size_t len, struct dlog_record *record, size_t *frame_len);
uint32_t crc32c(const void *bytes, size_t n);

const char *dlog_type_name(enum dlog_type type);
bool dlog_type_forced(enum dlog_type type);
const char *forced_outcome_name(enum forced_outcome outcome);  /* "none" for FORCED_NONE */
const char *forced_outcome_words(enum forced_outcome outcome); /* translated */
/* One line in words, no newline; cap 1280 is always enough. */
void dlog_describe(const struct dlog_record *record, struct text *out);
/* One JSON object, no newline; cap 8192 is always enough. */
void dlog_to_json(const struct dlog_record *record, const char *segment, uint64_t offset, struct text *out);

struct dlog; /* opaque */

struct dlog_options {
    const char *coordinator;
    uint64_t new_log_id; /* used only if the log is new; random */
    int64_t wall_ms, pid;
    const char *host;
    uint64_t segment_bytes; /* preallocation; default 4 MiB if 0 */
    int64_t retention_ms;   /* of discharged COMMIT records, see above */
};

/* Open for writing (see above). The directory lock is the file disk's business, taken before; @disk is copied, its ctx must
 * outlive the log. STATUS_STATE with words if the log is damaged, belongs to another coordinator id, or cannot be written. */
enum status dlog_open(struct dlog **out, const struct disk *disk, const struct dlog_options *options, struct err *err);
/* Writes nothing: unsynced records are as lost as after a crash. NULL is allowed. */
void dlog_close(struct dlog *dlog);
uint64_t dlog_log_id(const struct dlog *dlog);
uint32_t dlog_epoch(const struct dlog *dlog);
bool dlog_healthy(const struct dlog *dlog);
/* Visit the COMMIT records of earlier epochs that are undischarged. @record lives for the call only; @visit must not call
 * a dlog_ function on @dlog. */
void dlog_undischarged(struct dlog *dlog, void (*visit)(void *arg, const struct dlog_record *record), void *arg);
/* Make the log fail as if a write had (an injected fault): unhealthy from here. */
void dlog_fail(struct dlog *dlog);
/* Queue a record of any type but OPEN and SEGMENT in memory; sets its lsn, epoch, durable. When a segment is full this syncs
 * and starts the next. STATUS_PENDING: that failed; STATUS_STATE: the log had failed before. A FORCE looks for the COMMIT (as
 * dlog_find_commit; STATUS_STATE: that cannot be told, nothing was written, the log is as healthy as it was).
 * STATUS_REFUSED, nothing was written: a FORCE beyond DLOG_FORCES_MAX; a FORCED or FORGET without a FORCE that is kept. */
enum status dlog_append(struct dlog *dlog, struct dlog_record *record, struct err *err);
/* Write what is queued, without a sync: it survives the process, not the machine. */
enum status dlog_flush(struct dlog *dlog, struct err *err);
/* Write and fdatasync everything appended. A failure is final for this opening: STATUS_PENDING, dlog_healthy turns false. */
enum status dlog_sync(struct dlog *dlog, struct err *err);
/* Is there a durable COMMIT record (and no later ABORT) for @gtrid, discharged or not? Reads the disk if it is not among the
 * undischarged. 1 yes (fills @out, may be NULL), 0 no, -1 cannot tell. */
int dlog_find_commit(struct dlog *dlog, const struct gtrid *gtrid, struct dlog_record *out);

/* Forced branches that nobody forgot. Each FORCE is kept, with its FORCED and with the COMMIT of its gtrid, through every roll
 * and opening until the FORGET. Oldest first; @forced is NULL while the outcome is not known. Visitor as above. It never changes
 * what dlog_find_commit says: a decision stays what it was, whatever was forced. At most this many are kept by dlog_append
 * (a log that holds more is read all the same). */
enum { DLOG_FORCES_MAX = 256 };
typedef void (*dlog_force_visit)(void *arg, const struct dlog_record *force, const struct dlog_record *forced);
void dlog_forces(const struct dlog *dlog, dlog_force_visit visit, void *arg);
/* The same without opening: as dlog_scan, which visits FORCE, FORCED and FORGET like all others, copies among them. */
enum status dlog_scan_forces(const struct disk *disk, dlog_force_visit visit, void *arg, struct err *err);

/* The oldest gtrid of which a decision, or a FORCE, is still held; false: none is. What is older has none and never will. */
bool dlog_oldest(const struct dlog *dlog, struct gtrid *out);

/* Read-only walk over all segments, for `xatop log`, status, audit: needs no lock, works beside a writer.
 * @visit (may be NULL) returns false to stop. STATUS_STATE if damaged: the records before the damage were visited, @err says
 * where. An empty directory is STATUS_OK with no record. */
struct dlog_scan_result {
    uint64_t records, live; /* live = undischarged COMMITs */
    uint64_t last_lsn;
    uint32_t epoch;
    uint64_t log_id;
    char coordinator[XATOP_COORD_MAX + 1];
    bool torn_tail;
};
typedef bool (*dlog_visit)(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset);
enum status dlog_scan(const struct disk *disk, dlog_visit visit, void *arg, struct dlog_scan_result *result,
                      struct err *err);
/* The same for one file alone (a copy, a segment somebody sent): nothing is asked of the others. */
enum status dlog_scan_file(const struct disk *disk, const char *name, dlog_visit visit, void *arg,
                           struct dlog_scan_result *result, struct err *err);

#endif
