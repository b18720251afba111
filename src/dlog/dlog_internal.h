/* Inside the decision log: its files, and its picture in memory. Only src/dlog/ includes this. */
#ifndef XATOP_DLOG_INTERNAL_H
#define XATOP_DLOG_INTERNAL_H

#include "xatop/dlog.h"

/* --- undischarged COMMITs by gtrid (dlog_table.c) --- */

struct dlog_live {
    struct dlog_record record;
    uint32_t segment; /* of the latest copy */
};

struct dlog_table {
    struct dlog_live **slots;
    size_t cap, count; /* cap is a power of 2, at most half full */
};

/* NULL: out of memory. A gtrid that is there already keeps its entry, which the caller overwrites. */
struct dlog_live *dlog_table_put(struct dlog_table *table, const struct gtrid *gtrid);
struct dlog_live *dlog_table_find(const struct dlog_table *table, const struct gtrid *gtrid);
void dlog_table_remove(struct dlog_table *table, const struct gtrid *gtrid);
/* All entries by rising lsn, @table->count of them; to be freed; NULL: out of memory. */
struct dlog_live **dlog_table_sorted(const struct dlog_table *table);
void dlog_table_free(struct dlog_table *table);

/* --- forced branches (dlog_force.c) --- */

/* One FORCE that nobody forgot. Type DLOG_NONE: there is none. */
struct dlog_force {
    struct dlog_record force, forced;
    struct dlog_record commit, done; /* the decision on its gtrid, and when that was discharged */
};

struct dlog_forces {
    struct dlog_force *list; /* oldest first */
    size_t count, cap;
};

/* False: out of memory. Any type may come; only FORCE, FORCED and FORGET matter. */
bool dlog_forces_apply(struct dlog_forces *forces, const struct dlog_record *record);
/* The newest FORCE of the branch that @record speaks of. */
struct dlog_force *dlog_forces_find(const struct dlog_forces *forces, const struct dlog_record *record);
/* The decision on a gtrid: @commit, discharged by @done (NULL: not yet). @commit of type DLOG_NONE: it is void. */
void dlog_forces_decided(struct dlog_forces *forces, const struct dlog_record *commit,
                         const struct dlog_record *done);
void dlog_forces_visit(const struct dlog_forces *forces, dlog_force_visit visit, void *arg);
void dlog_forces_free(struct dlog_forces *forces);

/* --- files (dlog_chain.c) --- */

enum { DLOG_NAME = 16, DLOG_NAME_MAX = 256, DLOG_SEGMENT_MAX = 99999999 };
#define DLOG_RESERVE "reserve.new" /* a segment that has no name yet */

/* One segment that counts. */
struct dlog_link {
    uint32_t number;
    uint64_t end; /* bytes that count; DLOG_LAST: to be found out */
    struct dlog_record head;
};
#define DLOG_LAST UINT64_MAX

struct dlog_chain {
    struct dlog_link *links; /* oldest first */
    size_t count;
    uint32_t *files; /* every segment file there is, sorted: also superseded ones */
    size_t file_count;
    bool reserve; /* a DLOG_RESERVE is lying about */
};

void dlog_segment_name(uint32_t number, char out[DLOG_NAME]);
enum status dlog_chain_load(struct dlog_chain *chain, const struct disk *disk, struct err *err);
void dlog_chain_free(struct dlog_chain *chain);

struct dlog_bytes {
    uint8_t *p;
    size_t len, cap;
};

/* Append @n bytes; false: out of memory. */
bool dlog_bytes_add(struct dlog_bytes *bytes, const void *p, size_t n);
/* The whole file, at most @max bytes of it. 0 or -errno. */
int dlog_read_all(const struct disk *disk, const char *name, uint64_t max, struct dlog_bytes *out);

struct dlog_walk {
    uint64_t end; /* bytes of whole, good frames */
    uint64_t records;
    uint64_t last_lsn;
    uint64_t attested; /* the highest lsn that is provably durable */
    bool torn;         /* something that is not zeros follows */
};

/* Visit the frames in @bytes, the content of @link. @visit may be NULL, returns false to stop (then @out is not complete). */
enum status dlog_walk(const struct dlog_bytes *bytes, const struct dlog_link *link,
                      bool (*visit)(void *arg, const struct dlog_record *record, uint64_t offset, size_t len),
                      void *arg, struct dlog_walk *out, struct err *err);

/* --- the log (dlog.c, dlog_open.c, dlog_roll.c) --- */

struct dlog_segment {
    uint32_t number;
    uint64_t end;             /* synced bytes */
    uint32_t live;            /* undischarged COMMITs whose latest copy is here */
    int64_t needed_until_ms;  /* of the discharged and the void ones */
    struct gtrid discharged;  /* the youngest of the discharged ones; epoch 0: none */
    bool swept;               /* a SWEPT covers all discharged ones */
    struct gtrid first, last; /* range of (epoch, sequence) of COMMITs and ABORTs; first.epoch 0: none */
};
struct dlog {
    struct disk disk;
    char coordinator[XATOP_COORD_MAX + 1];
    uint64_t log_id;
    uint32_t epoch;
    bool healthy, reserve;
    uint64_t next_lsn, durable_lsn;
    uint64_t segment_bytes, capacity; /* configured; of the current one */
    int64_t retention_ms;
    struct dlog_segment *segments; /* oldest first; the last one is written */
    size_t count;
    uint64_t written;         /* bytes of the current one that were written, synced or not */
    struct dlog_bytes buffer; /* not yet written */
    struct dlog_table live;
    struct dlog_forces forces;
    struct dlog_record swept; /* the newest; type DLOG_NONE: none yet */
};

/* Make the log fail; words into @err. Returns STATUS_PENDING. @error: -errno or 0. */
enum status dlog_failed(struct dlog *dlog, const char *what, int error, struct err *err);
/* What @record, standing in @segment, does to the picture. False: out of memory. */
bool dlog_apply(struct dlog *dlog, struct dlog_segment *segment, const struct dlog_record *record);
/* Give @record, whose epoch is set, its place in the order and append its frame to @head. False: out of memory. */
bool dlog_place(struct dlog *dlog, struct dlog_record *record, struct dlog_bytes *head);
/* Copy what is kept of forced branches to @head, behind every FORGET that goes there. False: out of memory. */
bool dlog_place_forces(struct dlog *dlog, struct dlog_bytes *head);
/* Copy the newest SWEPT, if there is one. False: out of memory. */
bool dlog_place_swept(struct dlog *dlog, struct dlog_bytes *head);
/* May a discharged COMMIT that stands in @segment still be asked for? */
bool dlog_segment_needed(const struct dlog_segment *segment, int64_t wall_ms);
/* Start a head: the SEGMENT record. */
bool dlog_head_begin(struct dlog *dlog, uint32_t number, uint32_t previous, uint64_t previous_end,
                     uint32_t oldest, int64_t wall_ms, struct dlog_bytes *head);
/* The segment @number comes to be, durably, with @head in it, and becomes the current one. */
enum status dlog_head_install(struct dlog *dlog, uint32_t number, struct dlog_bytes *head, struct err *err);
enum status dlog_roll(struct dlog *dlog, int64_t wall_ms, struct err *err);
/* The first of the @count oldest segments that is needed still, or @otherwise. */
uint32_t dlog_oldest_needed(const struct dlog *dlog, size_t count, uint32_t otherwise, int64_t wall_ms);
/* Unlink the segments before @oldest: the head of the current one says already that they do not count. */
enum status dlog_drop_older(struct dlog *dlog, uint32_t oldest, struct err *err);

#endif
