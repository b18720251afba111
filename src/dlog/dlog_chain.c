#include "config.h"

#include "dlog_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

enum { FILE_BYTES_MAX = 1 << 30, FILES_MAX = 1000000 };

void dlog_segment_name(uint32_t number, char out[DLOG_NAME])
{
    xatop_assert(number >= 1 && number <= DLOG_SEGMENT_MAX);
    snprintf(out, DLOG_NAME, "%08" PRIu32 ".dlog", number);
}

static uint32_t number_of(const char *name)
{
    uint32_t number = 0;
    if (strlen(name) != 13 || strcmp(name + 8, ".dlog") != 0)
        return 0;
    for (int i = 0; i < 8; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = number * 10 + (uint32_t)(name[i] - '0');
    }
    return number;
}

bool dlog_bytes_add(struct dlog_bytes *bytes, const void *p, size_t n)
{
    if (bytes->len + n > bytes->cap) {
        size_t cap = bytes->cap ? bytes->cap : 4096;
        while (cap < bytes->len + n)
            cap *= 2;
        uint8_t *bigger = realloc(bytes->p, cap);
        if (!bigger)
            return false;
        bytes->p = bigger;
        bytes->cap = cap;
    }
    memcpy(bytes->p + bytes->len, p, n);
    bytes->len += n;
    return true;
}

int dlog_read_all(const struct disk *disk, const char *name, uint64_t max, struct dlog_bytes *out)
{
    uint8_t block[65536];
    out->len = 0;
    while (out->len < max) {
        uint64_t want = max - out->len < sizeof block ? max - out->len : sizeof block;
        int64_t n = disk->read(disk->ctx, name, out->len, block, want);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return 0;
        if (out->len + (uint64_t)n > FILE_BYTES_MAX)
            return -EFBIG;
        if (!dlog_bytes_add(out, block, (size_t)n))
            return -ENOMEM;
    }
    return 0;
}

struct listing {
    struct dlog_chain *chain;
    size_t cap;
    bool failed;
};

static void note_file(void *arg, const char *name, uint64_t size)
{
    struct listing *listing = arg;
    struct dlog_chain *chain = listing->chain;
    if (strcmp(name, DLOG_RESERVE) == 0)
        chain->reserve = true;
    uint32_t number = number_of(name);
    if (number == 0)
        return;
    if (chain->file_count == listing->cap) {
        size_t cap = listing->cap ? listing->cap * 2 : 64;
        uint32_t *bigger = cap <= FILES_MAX ? realloc(chain->files, cap * sizeof *bigger) : NULL;
        if (!bigger) {
            listing->failed = true;
            return;
        }
        chain->files = bigger;
        listing->cap = cap;
    }
    chain->files[chain->file_count++] = number;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static enum status damaged(struct err *err, uint32_t number, uint64_t offset, const char *why)
{
    char name[DLOG_NAME];
    dlog_segment_name(number, name);
    return err_set(err, STATUS_STATE,
                   _("decision log: %s is damaged at byte %" PRIu64
                     ": %s; nothing was changed, look at it with 'xatop log'"),
                   name, offset, why);
}

static enum status unreadable(struct err *err, uint32_t number, int error)
{
    char name[DLOG_NAME];
    dlog_segment_name(number, name);
    return err_set(err, STATUS_STATE, _("decision log: cannot read %s: %s"), name, strerror(-error));
}

static enum status read_head(const struct disk *disk, uint32_t number, struct dlog_record *head,
                             struct err *err)
{
    struct dlog_bytes bytes = {0};
    size_t len;
    char name[DLOG_NAME];
    dlog_segment_name(number, name);
    int error = dlog_read_all(disk, name, DLOG_FRAME_MAX, &bytes);
    enum status status = STATUS_OK;
    if (error)
        status = unreadable(err, number, error);
    else if (dlog_decode(bytes.p, bytes.len, head, &len) != DLOG_RECORD || head->type != DLOG_SEGMENT ||
             head->segment != number)
        status = damaged(err, number, 0, _("it does not begin with its segment record"));
    free(bytes.p);
    return status;
}

/* From the last segment back, each names the one before it. */
static enum status follow(struct dlog_chain *chain, const struct disk *disk, struct err *err)
{
    uint32_t number = chain->files[chain->file_count - 1];
    uint32_t oldest = 0; /* as the last one says; what is older was dropped, even if the file came back */
    uint64_t end = DLOG_LAST;
    while (number && number >= oldest) {
        if (!bsearch(&number, chain->files, chain->file_count, sizeof number, by_number))
            return err_set(err, STATUS_STATE,
                           _("decision log: segment %" PRIu32
                             " is missing; nothing was changed, bring the file %08" PRIu32 ".dlog back"),
                           number, number);
        struct dlog_link link = {.number = number, .end = end};
        enum status status = read_head(disk, number, &link.head, err);
        if (status != STATUS_OK)
            return status;
        const struct dlog_record *last = chain->count ? &chain->links[0].head : &link.head;
        if (link.head.log_id != last->log_id || strcmp(link.head.coordinator, last->coordinator) != 0)
            return damaged(err, number, 0, _("it belongs to another log"));
        if (chain->count == 0)
            oldest = link.head.oldest;
        chain->links[chain->count++] = link;
        number = link.head.previous;
        end = link.head.previous_end;
    }
    return STATUS_OK;
}

enum status dlog_chain_load(struct dlog_chain *chain, const struct disk *disk, struct err *err)
{
    *chain = (struct dlog_chain){0};
    struct listing listing = {.chain = chain};
    int error = disk->list(disk->ctx, note_file, &listing);
    if (error)
        return err_set(err, STATUS_STATE, _("decision log: cannot list its directory: %s"), strerror(-error));
    if (listing.failed)
        return err_set(err, STATUS_STATE, _("decision log: too many segment files"));
    if (chain->file_count == 0)
        return STATUS_OK;
    qsort(chain->files, chain->file_count, sizeof *chain->files, by_number);
    chain->links = calloc(chain->file_count, sizeof *chain->links);
    if (!chain->links)
        return err_set(err, STATUS_INTERNAL, _("decision log: out of memory"));
    enum status status = follow(chain, disk, err);
    for (size_t i = 0; i < chain->count / 2; i++) { /* oldest first */
        struct dlog_link link = chain->links[i];
        chain->links[i] = chain->links[chain->count - 1 - i];
        chain->links[chain->count - 1 - i] = link;
    }
    return status;
}

void dlog_chain_free(struct dlog_chain *chain)
{
    free(chain->links);
    free(chain->files);
    *chain = (struct dlog_chain){0};
}

/* Is there a good frame behind the bad spot that says a record as late as @lsn had been synced? Then that one
 * was damaged after it had been durable. Frames that say nothing of the kind are of the same unsynced group,
 * written back out of order. */
static bool attested_behind(const struct dlog_bytes *bytes, uint64_t offset, uint64_t lsn)
{
    for (size_t at = offset; at < bytes->len; at++) {
        struct dlog_record record;
        size_t len;
        if (bytes->p[at] && dlog_decode(bytes->p + at, bytes->len - at, &record, &len) == DLOG_RECORD &&
            record.durable >= lsn)
            return true;
    }
    return false;
}

static bool zeros(const struct dlog_bytes *bytes, uint64_t offset)
{
    const uint8_t *p = bytes->p + offset;
    size_t n = bytes->len - offset;
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

enum status dlog_walk(const struct dlog_bytes *bytes, const struct dlog_link *link,
                      bool (*visit)(void *arg, const struct dlog_record *record, uint64_t offset, size_t len),
                      void *arg, struct dlog_walk *out, struct err *err)
{
    struct dlog_record record;
    size_t len;
    bool last = link->end == DLOG_LAST;
    uint64_t limit = last || link->end > bytes->len ? bytes->len : link->end, lsn = link->head.lsn;
    *out = (struct dlog_walk){.attested = link->head.head_lsn};
    while (out->end < limit &&
           dlog_decode(bytes->p + out->end, limit - out->end, &record, &len) == DLOG_RECORD &&
           record.lsn == lsn) {
        if (visit && !visit(arg, &record, out->end, len))
            return STATUS_OK;
        if (out->attested < record.durable)
            out->attested = record.durable;
        out->end += len;
        out->records++;
        out->last_lsn = lsn++;
    }
    if (!last)
        return out->end == link->end
                   ? STATUS_OK
                   : damaged(err, link->number, out->end, _("a record of an earlier segment is bad"));
    if (lsn <= link->head.head_lsn)
        return damaged(err, link->number, out->end,
                       _("a record is bad that was synced when the segment began"));
    out->torn = !zeros(bytes, out->end);
    if (out->torn && attested_behind(bytes, out->end, lsn))
        return damaged(err, link->number, out->end, _("a record is bad that a later one says was synced"));
    return STATUS_OK;
}
