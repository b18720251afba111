#include "config.h"

#include "dlog_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

/* Reading beside a writer: a file may vanish (replaced or dropped) between the listing and the reading, and a
 * frame that is being written may be seen in part. Both are looked at again before they are called damage. */
enum { TRIES = 4 };

struct scan {
    bool (*visit)(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset);
    void *arg;
    struct dlog_scan_result *result;
    struct dlog_table live;
    char name[DLOG_NAME];
    bool stopped, out_of_memory;
};

static bool see(void *arg, const struct dlog_record *record, uint64_t offset, size_t len)
{
    struct scan *scan = arg;
    struct dlog_scan_result *result = scan->result;
    result->records++;
    result->last_lsn = record->lsn;
    if (result->epoch < record->epoch)
        result->epoch = record->epoch;
    if (record->type == DLOG_SEGMENT) {
        result->log_id = record->log_id;
        memcpy(result->coordinator, record->coordinator, sizeof result->coordinator);
    } else if (record->type == DLOG_COMMIT) {
        struct dlog_live *live = dlog_table_put(&scan->live, &record->gtrid);
        scan->out_of_memory = !live;
    } else if (record->type == DLOG_DONE || record->type == DLOG_ABORT) {
        dlog_table_remove(&scan->live, &record->gtrid);
    }
    result->live = scan->live.count;
    scan->stopped = scan->visit && !scan->visit(scan->arg, record, scan->name, offset);
    return !scan->stopped && !scan->out_of_memory;
}

/* False: the file is gone. */
static bool scan_segment(struct scan *scan, const struct disk *disk, const struct dlog_link *link,
                         enum status *status, struct err *err)
{
    struct dlog_bytes bytes = {0};
    struct dlog_walk walk;
    struct err ignored;
    int error = 0;
    dlog_segment_name(link->number, scan->name);
    for (int i = 0; i < TRIES; i++) {
        error = dlog_read_all(disk, link->number, link->end, &bytes);
        if (error || dlog_walk(&bytes, link, NULL, NULL, &walk, &ignored) == STATUS_OK)
            break;
    }
    if (error == 0) {
        *status = dlog_walk(&bytes, link, see, scan, &walk, err);
        scan->result->torn_tail = walk.torn;
    } else if (error != -ENOENT) {
        *status =
            err_set(err, STATUS_STATE, _("decision log: cannot read %s: %s"), scan->name, strerror(-error));
    }
    free(bytes.p);
    return error != -ENOENT;
}

/* The chain cannot be followed: show what every file holds, up to its first bad spot. */
static void scan_files(struct scan *scan, const struct disk *disk, const struct dlog_chain *chain)
{
    for (size_t i = 0; i < chain->file_count && !scan->stopped; i++) {
        struct dlog_link link = {.number = chain->files[i], .end = DLOG_LAST};
        struct dlog_bytes bytes = {0};
        struct dlog_walk walk;
        size_t len;
        dlog_segment_name(link.number, scan->name);
        if (dlog_read_all(disk, link.number, DLOG_LAST, &bytes) == 0 &&
            dlog_decode(bytes.p, bytes.len, &link.head, &len) == DLOG_RECORD)
            dlog_walk(&bytes, &link, see, scan, &walk, NULL);
        free(bytes.p);
    }
}

static enum status scan_chain(struct scan *scan, const struct disk *disk, struct err *err)
{
    uint32_t seen = 0; /* number of the last segment that was visited */
    for (int try = 1;; try++) {
        struct dlog_chain chain;
        enum status status = dlog_chain_load(&chain, disk, err);
        bool gone = false;
        for (size_t i = 0; status == STATUS_OK && !gone && !scan->stopped && i < chain.count; i++) {
            if (chain.links[i].number <= seen)
                continue;
            gone = !scan_segment(scan, disk, &chain.links[i], &status, err);
            if (!gone)
                seen = chain.links[i].number;
            else if (try == TRIES)
                status = err_set(err, STATUS_STATE,
                                 _("decision log: %s vanished while it was read; try again"), scan->name);
        }
        bool again = try < TRIES && (gone || (status != STATUS_OK && seen == 0));
        if (status != STATUS_OK && seen == 0 && !again)
            scan_files(scan, disk, &chain);
        dlog_chain_free(&chain);
        if (!again)
            return status;
    }
}

enum status dlog_scan(const struct disk *disk,
                      bool (*visit)(void *arg, const struct dlog_record *record, const char *segment,
                                    uint64_t offset),
                      void *arg, struct dlog_scan_result *result, struct err *err)
{
    *result = (struct dlog_scan_result){0};
    struct scan scan = {.visit = visit, .arg = arg, .result = result};
    enum status status = scan_chain(&scan, disk, err);
    if (scan.out_of_memory)
        status = err_set(err, STATUS_INTERNAL, _("decision log: out of memory"));
    dlog_table_free(&scan.live);
    return status;
}
