/* A disk in memory that keeps exactly what fsync promises and loses the rest: for tests and the simulator.
 *
 * Written bytes are in the "page cache": read back at once, kept when the process dies, at the mercy of a power cut until
 * synced. Directory changes (create, rename, unlink) likewise until sync_dir. A failed sync marks the bytes clean without
 * storing them, as Linux does (Rebello et al., USENIX ATC 2020): later syncs succeed and a power cut loses them.
 * The same seed gives the same losses. Not thread-safe. */
#ifndef XATOP_DISK_MEMORY_H
#define XATOP_DISK_MEMORY_H

#include "xatop/disk.h"

#define DISK_MEMORY_OP_LIST(X)                                                                              \
    X(CREATE, "create")                                                                                     \
    X(WRITE, "write")                                                                                       \
    X(SYNC, "sync")                                                                                         \
    X(TRUNCATE, "truncate")                                                                                 \
    X(RENAME, "rename")                                                                                     \
    X(UNLINK, "unlink")                                                                                     \
    X(SYNC_DIR, "sync-dir")

enum disk_memory_op {
    DISK_MEMORY_ANY, /* any of the following */
#define X(code, word) DISK_MEMORY_##code,
    DISK_MEMORY_OP_LIST(X)
#undef X
    DISK_MEMORY_OPS
};

struct disk_memory; /* opaque */

struct disk_memory *disk_memory_new(uint64_t seed); /* aborts if out of memory, as everything here */
void disk_memory_free(struct disk_memory *memory);
struct disk disk_memory_port(struct disk_memory *memory);

/* The @nth operation of kind @op from now (1 = the next) fails with @error (EIO, ENOSPC): a write may have happened in
 * part, a sync has stored some of the sectors. One failure; several may be armed. */
void disk_memory_fail_at(struct disk_memory *memory, enum disk_memory_op op, uint64_t nth, int error);
/* The process dies inside the @nth changing operation from now: that one happens in part or not at all, and all later
 * calls fail with -ESHUTDOWN until disk_memory_crash or disk_memory_power_cut. */
void disk_memory_die_at(struct disk_memory *memory, uint64_t nth);
bool disk_memory_dead(const struct disk_memory *memory);

/* The process was killed: the page cache stays. Disarms everything. */
void disk_memory_crash(struct disk_memory *memory);
/* The machine lost power: each unsynced sector is kept, lost or torn at a random byte; each unsynced directory change is
 * kept or lost. Disarms everything. */
void disk_memory_power_cut(struct disk_memory *memory);

/* Changing operations of that kind so far, for "crash at every one of them". */
uint64_t disk_memory_count(const struct disk_memory *memory, enum disk_memory_op op);
/* Turn over one bit of what is stored and cached. False: no such byte. */
bool disk_memory_flip(struct disk_memory *memory, const char *name, uint64_t offset, unsigned bit);

const char *disk_memory_op_name(enum disk_memory_op op);

#endif
