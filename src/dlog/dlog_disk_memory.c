#include "config.h"

#include "xatop/disk_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/prng.h"
#include "xatop/text.h"

enum { SECTOR = 512, NAME = 32, FAILURES = 8 };

/* Bytes past `used` are zeros up to `size`, so that preallocation costs no memory. */
struct bytes {
    uint8_t *p;
    uint64_t used, size;
};

/* A file without regard to its names. A sector is dirty (kept by the next sync), or clean; clean does not
 * mean stored: a failed sync cleans without storing. */
struct inode {
    struct bytes cache, disk;
    uint8_t *dirty; /* one byte a sector of cache.used */
    bool size_dirty;
    struct inode *next;
};

struct entry {
    char name[NAME];
    struct inode *inode;
};

struct directory {
    struct entry *entries;
    size_t count;
};

/* A directory change not yet synced: set @name to @inode (NULL: take it away). A rename is two of them with
 * one @group. */
struct change {
    struct entry entry;
    uint64_t group;
};

struct disk_memory {
    struct prng prng;
    struct inode *inodes;
    struct directory cache, disk;
    struct change *changes;
    size_t change_count;
    uint64_t next_group;
    uint64_t counts[DISK_MEMORY_OPS];
    struct {
        enum disk_memory_op op;
        uint64_t left; /* 0: not armed */
        int error;
    } failures[FAILURES];
    uint64_t die_left;
    bool dead;
};

static const char *const op_names[DISK_MEMORY_OPS] = {[DISK_MEMORY_ANY] = "any",
#define X(code, word) [DISK_MEMORY_##code] = word,
                                                      DISK_MEMORY_OP_LIST(X)
#undef X
};

const char *disk_memory_op_name(enum disk_memory_op op)
{
    return op_names[op];
}

static void *grow(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    xatop_assert(p != NULL);
    return p;
}

/* --- bytes --- */

static void bytes_reach(struct bytes *bytes, uint64_t used)
{
    if (used <= bytes->used)
        return;
    bytes->p = grow(bytes->p, used);
    memset(bytes->p + bytes->used, 0, used - bytes->used);
    bytes->used = used;
}

static void bytes_resize(struct bytes *bytes, uint64_t size)
{
    bytes->size = size;
    if (bytes->used > size)
        bytes->used = size;
}

static void bytes_copy(struct bytes *to, const struct bytes *from, uint64_t offset, uint64_t n)
{
    if (n == 0 || offset >= from->used)
        return;
    if (n > from->used - offset)
        n = from->used - offset;
    bytes_reach(to, offset + n);
    if (to->size < to->used)
        to->size = to->used;
    memcpy(to->p + offset, from->p + offset, n);
}

/* --- directories --- */

static struct entry *find(const struct directory *dir, const char *name)
{
    for (size_t i = 0; i < dir->count; i++)
        if (strcmp(dir->entries[i].name, name) == 0)
            return &dir->entries[i];
    return NULL;
}

static void apply(struct directory *dir, const struct entry *change)
{
    struct entry *entry = find(dir, change->name);
    if (entry && change->inode) {
        entry->inode = change->inode;
    } else if (entry) {
        *entry = dir->entries[--dir->count];
    } else if (change->inode) {
        dir->entries = grow(dir->entries, (dir->count + 1) * sizeof *dir->entries);
        dir->entries[dir->count++] = *change;
    }
}

static void change(struct disk_memory *memory, const char *name, struct inode *inode, uint64_t group)
{
    struct change row = {.entry.inode = inode, .group = group};
    text_copy(row.entry.name, sizeof row.entry.name, name);
    apply(&memory->cache, &row.entry);
    memory->changes = grow(memory->changes, (memory->change_count + 1) * sizeof row);
    memory->changes[memory->change_count++] = row;
}

static bool named(const struct directory *dir, const struct inode *inode)
{
    for (size_t i = 0; i < dir->count; i++)
        if (dir->entries[i].inode == inode)
            return true;
    return false;
}

/* A change that is not on the disk yet may still get there, though the cache has forgotten the file. */
static bool pending(const struct disk_memory *memory, const struct inode *inode)
{
    for (size_t i = 0; i < memory->change_count; i++)
        if (memory->changes[i].entry.inode == inode)
            return true;
    return false;
}

static void collect(struct disk_memory *memory)
{
    for (struct inode **p = &memory->inodes; *p;) {
        struct inode *inode = *p;
        if (named(&memory->cache, inode) || named(&memory->disk, inode) || pending(memory, inode)) {
            p = &inode->next;
            continue;
        }
        *p = inode->next;
        free(inode->cache.p);
        free(inode->disk.p);
        free(inode->dirty);
        free(inode);
    }
}

/* --- failures --- */

enum fate { GO_ON, DIE_HERE, FAIL_HERE };

/* Count the operation; what becomes of it. */
static enum fate pass(struct disk_memory *memory, enum disk_memory_op op, int *error)
{
    memory->counts[DISK_MEMORY_ANY]++;
    memory->counts[op]++;
    if (memory->die_left && --memory->die_left == 0) {
        memory->dead = true;
        *error = -ESHUTDOWN;
        return DIE_HERE;
    }
    for (int i = 0; i < FAILURES; i++) {
        if (!memory->failures[i].left ||
            (memory->failures[i].op != op && memory->failures[i].op != DISK_MEMORY_ANY))
            continue;
        if (--memory->failures[i].left == 0) {
            *error = -memory->failures[i].error;
            return FAIL_HERE;
        }
    }
    return GO_ON;
}

/* --- the port --- */

static int port_list(void *ctx, void (*visit)(void *arg, const char *name, uint64_t size), void *arg)
{
    struct disk_memory *memory = ctx;
    if (memory->dead)
        return -ESHUTDOWN;
    for (size_t i = 0; i < memory->cache.count; i++)
        visit(arg, memory->cache.entries[i].name, memory->cache.entries[i].inode->cache.size);
    return 0;
}

static int port_create(void *ctx, const char *name, uint64_t preallocate)
{
    struct disk_memory *memory = ctx;
    int error;
    if (memory->dead)
        return -ESHUTDOWN;
    if (find(&memory->cache, name))
        return -EEXIST;
    if (strlen(name) >= NAME)
        return -ENAMETOOLONG;
    if (pass(memory, DISK_MEMORY_CREATE, &error) != GO_ON)
        return error;
    struct inode *inode = calloc(1, sizeof *inode);
    xatop_assert(inode != NULL);
    inode->next = memory->inodes;
    memory->inodes = inode;
    inode->cache.size = preallocate;
    inode->size_dirty = true;
    change(memory, name, inode, memory->next_group++);
    return 0;
}

static int64_t port_read(void *ctx, const char *name, uint64_t offset, void *out, size_t n)
{
    struct disk_memory *memory = ctx;
    if (memory->dead)
        return -ESHUTDOWN;
    const struct entry *entry = find(&memory->cache, name);
    if (!entry)
        return -ENOENT;
    const struct bytes *bytes = &entry->inode->cache;
    if (offset >= bytes->size)
        return 0;
    if (n > bytes->size - offset)
        n = bytes->size - offset;
    memset(out, 0, n);
    if (offset < bytes->used)
        memcpy(out, bytes->p + offset, n < bytes->used - offset ? n : bytes->used - offset);
    return (int64_t)n;
}

static int port_write(void *ctx, const char *name, uint64_t offset, const void *bytes, size_t n)
{
    struct disk_memory *memory = ctx;
    int error = 0;
    if (memory->dead)
        return -ESHUTDOWN;
    const struct entry *entry = find(&memory->cache, name);
    if (!entry)
        return -ENOENT;
    if (pass(memory, DISK_MEMORY_WRITE, &error) != GO_ON)
        n = prng_below(&memory->prng, n + 1);
    if (n == 0)
        return error;
    struct inode *inode = entry->inode;
    uint64_t sectors_before = (inode->cache.used + SECTOR - 1) / SECTOR;
    bytes_reach(&inode->cache, offset + n);
    if (inode->cache.size < inode->cache.used) {
        inode->cache.size = inode->cache.used;
        inode->size_dirty = true;
    }
    uint64_t sectors = (inode->cache.used + SECTOR - 1) / SECTOR;
    if (sectors > sectors_before) {
        inode->dirty = grow(inode->dirty, sectors);
        memset(inode->dirty + sectors_before, 0, sectors - sectors_before);
    }
    memcpy(inode->cache.p + offset, bytes, n);
    memset(inode->dirty + offset / SECTOR, 1, (offset + n - 1) / SECTOR - offset / SECTOR + 1);
    return error;
}

/* Store the dirty sectors that @keep says (NULL: all), and clean them all. */
static void store(struct inode *inode, struct prng *some)
{
    uint64_t sectors = (inode->cache.used + SECTOR - 1) / SECTOR;
    if (inode->size_dirty && !(some && prng_below(some, 2)))
        bytes_resize(&inode->disk, inode->cache.size);
    for (uint64_t i = 0; i < sectors; i++) {
        if (!inode->dirty[i])
            continue;
        uint64_t n =
            !some ? SECTOR : (uint64_t[]){0, SECTOR, 1 + prng_below(some, SECTOR)}[prng_below(some, 3)];
        bytes_copy(&inode->disk, &inode->cache, i * SECTOR, n);
        inode->dirty[i] = 0;
    }
    inode->size_dirty = false;
}

static int port_sync(void *ctx, const char *name)
{
    struct disk_memory *memory = ctx;
    int error = 0;
    if (memory->dead)
        return -ESHUTDOWN;
    const struct entry *entry = find(&memory->cache, name);
    if (!entry)
        return -ENOENT;
    enum fate fate = pass(memory, DISK_MEMORY_SYNC, &error);
    if (fate != DIE_HERE) /* a process that dies inside fsync leaves the sectors dirty */
        store(entry->inode, fate == FAIL_HERE ? &memory->prng : NULL);
    return error;
}

static int port_truncate(void *ctx, const char *name, uint64_t size)
{
    struct disk_memory *memory = ctx;
    int error;
    if (memory->dead)
        return -ESHUTDOWN;
    const struct entry *entry = find(&memory->cache, name);
    if (!entry)
        return -ENOENT;
    if (pass(memory, DISK_MEMORY_TRUNCATE, &error) != GO_ON)
        return error;
    if (size < entry->inode->cache.size) {
        bytes_resize(&entry->inode->cache, size);
        entry->inode->size_dirty = true;
    }
    return 0;
}

static int port_rename(void *ctx, const char *from, const char *to)
{
    struct disk_memory *memory = ctx;
    int error;
    if (memory->dead)
        return -ESHUTDOWN;
    const struct entry *entry = find(&memory->cache, from);
    if (!entry)
        return -ENOENT;
    if (strlen(to) >= NAME)
        return -ENAMETOOLONG;
    if (pass(memory, DISK_MEMORY_RENAME, &error) != GO_ON)
        return error;
    uint64_t group = memory->next_group++;
    change(memory, to, entry->inode, group);
    change(memory, from, NULL, group);
    return 0;
}

static int port_unlink(void *ctx, const char *name)
{
    struct disk_memory *memory = ctx;
    int error;
    if (memory->dead)
        return -ESHUTDOWN;
    if (!find(&memory->cache, name))
        return -ENOENT;
    if (pass(memory, DISK_MEMORY_UNLINK, &error) != GO_ON)
        return error;
    change(memory, name, NULL, memory->next_group++);
    return 0;
}

/* Half of the time the changes survive in order up to some moment (a journal), else each as it likes. */
static void store_some_changes(struct disk_memory *memory)
{
    bool in_order = prng_below(&memory->prng, 2);
    size_t upto = prng_below(&memory->prng, memory->change_count + 1);
    bool keep = false;
    for (size_t i = 0; i < memory->change_count; i++) {
        bool same_group = i > 0 && memory->changes[i].group == memory->changes[i - 1].group;
        if (!same_group)
            keep = in_order ? i < upto : prng_below(&memory->prng, 2);
        if (keep)
            apply(&memory->disk, &memory->changes[i].entry);
    }
    memory->change_count = 0;
}

static int port_sync_dir(void *ctx)
{
    struct disk_memory *memory = ctx;
    int error = 0;
    if (memory->dead)
        return -ESHUTDOWN;
    enum fate fate = pass(memory, DISK_MEMORY_SYNC_DIR, &error);
    if (fate == FAIL_HERE) {
        store_some_changes(memory);
    } else if (fate == GO_ON) {
        for (size_t i = 0; i < memory->change_count; i++)
            apply(&memory->disk, &memory->changes[i].entry);
        memory->change_count = 0;
    }
    collect(memory);
    return error;
}

struct disk disk_memory_port(struct disk_memory *memory)
{
    return (struct disk){
        .ctx = memory,
        .list = port_list,
        .create = port_create,
        .read = port_read,
        .write = port_write,
        .sync = port_sync,
        .truncate = port_truncate,
        .rename = port_rename,
        .unlink = port_unlink,
        .sync_dir = port_sync_dir,
    };
}

/* --- life and death --- */

struct disk_memory *disk_memory_new(uint64_t seed)
{
    struct disk_memory *memory = calloc(1, sizeof *memory);
    xatop_assert(memory != NULL);
    prng_seed(&memory->prng, seed);
    return memory;
}

void disk_memory_free(struct disk_memory *memory)
{
    if (!memory)
        return;
    memory->cache.count = memory->disk.count = 0;
    memory->change_count = 0;
    collect(memory);
    free(memory->cache.entries);
    free(memory->disk.entries);
    free(memory->changes);
    free(memory);
}

void disk_memory_fail_at(struct disk_memory *memory, enum disk_memory_op op, uint64_t nth, int error)
{
    xatop_assert(nth > 0 && error > 0);
    for (int i = 0; i < FAILURES; i++) {
        if (memory->failures[i].left)
            continue;
        memory->failures[i].op = op;
        memory->failures[i].left = nth;
        memory->failures[i].error = error;
        return;
    }
    xatop_assert(!"too many failures armed");
}

void disk_memory_die_at(struct disk_memory *memory, uint64_t nth)
{
    xatop_assert(nth > 0);
    memory->die_left = nth;
}

bool disk_memory_dead(const struct disk_memory *memory)
{
    return memory->dead;
}

void disk_memory_crash(struct disk_memory *memory)
{
    memory->dead = false;
    memory->die_left = 0;
    memset(memory->failures, 0, sizeof memory->failures);
}

void disk_memory_power_cut(struct disk_memory *memory)
{
    disk_memory_crash(memory);
    store_some_changes(memory);
    for (struct inode *inode = memory->inodes; inode; inode = inode->next) {
        store(inode, &memory->prng);
        inode->cache.used =
            0; /* what the cache alone knew is gone, also what a failed sync had called clean */
        bytes_resize(&inode->cache, inode->disk.size);
        bytes_copy(&inode->cache, &inode->disk, 0, inode->disk.used);
        free(inode->dirty);
        inode->dirty = calloc(inode->cache.used / SECTOR + 1, 1);
        xatop_assert(inode->dirty != NULL);
    }
    memory->cache.count = 0;
    for (size_t i = 0; i < memory->disk.count; i++)
        apply(&memory->cache, &memory->disk.entries[i]);
    collect(memory);
}

uint64_t disk_memory_count(const struct disk_memory *memory, enum disk_memory_op op)
{
    return memory->counts[op];
}

bool disk_memory_flip(struct disk_memory *memory, const char *name, uint64_t offset, unsigned bit)
{
    const struct entry *entry = find(&memory->cache, name);
    if (!entry || offset >= entry->inode->cache.used)
        return false;
    entry->inode->cache.p[offset] ^= (uint8_t)(1u << bit);
    if (offset < entry->inode->disk.used)
        entry->inode->disk.p[offset] ^= (uint8_t)(1u << bit);
    return true;
}
