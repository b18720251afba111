/* The disk port of the decision log: one directory of files, and nothing a log does not need.
 *
 * The file disk and the simulator's memory disk (disk_memory.h) implement it. Not thread-safe: one thread at a time. */
#ifndef XATOP_DISK_H
#define XATOP_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xatop/status.h"

/* Every call returns 0 or -errno (read: the number of bytes, short only at the end of the file). */
struct disk {
    void *ctx;
    int (*list)(void *ctx, void (*visit)(void *arg, const char *name, uint64_t size), void *arg);
    int (*create)(void *ctx, const char *name, uint64_t preallocate); /* zero-filled; -EEXIST if it is there */
    int64_t (*read)(void *ctx, const char *name, uint64_t offset, void *out, size_t n);
    int (*write)(void *ctx, const char *name, uint64_t offset, const void *bytes, size_t n); /* all or an error */
    int (*sync)(void *ctx, const char *name); /* fdatasync */
    int (*truncate)(void *ctx, const char *name, uint64_t size); /* only ever shrinks */
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*unlink)(void *ctx, const char *name);
    int (*sync_dir)(void *ctx);
};

/* --- the file disk (src/dlog/dlog_disk_file.c) --- */

/* Open @dir (made 0700 if missing unless @read_only). It must be a directory of ours that nobody else may write, not on a
 * network or user-space file system (their locks and fsync promise too little): else STATUS_STATE with words.
 * Unless @read_only it is locked (flock on the directory itself, held for life, not inherited by exec): STATUS_STATE names
 * the holder's pid, read from the file "holder" in it. */
enum status disk_file_open(struct disk *out, const char *dir, bool read_only, struct err *err);
void disk_file_close(struct disk *disk);
/* The pid that holds the lock on @dir; 0: nobody; -1: held, holder not known. */
int64_t disk_file_holder(const char *dir);

#endif
