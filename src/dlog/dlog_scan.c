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
    dlog_visit visit;
    void *arg;
    struct dlog_scan_result *result;
    struct dlog_table live;
    char name[DLOG_NAME_MAX];
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
        error = dlog_read_all(disk, scan->name, link->end, &bytes);
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

/* One file for itself: as if it were the last segment. */
static enum status scan_file(struct scan *scan, const struct disk *disk, struct err *err)
{
    struct dlog_link link = {.end = DLOG_LAST};
    struct dlog_bytes bytes = {0};
    struct dlog_walk walk;
    size_t len;
    enum status status;
    int error = dlog_read_all(disk, scan->name, DLOG_LAST, &bytes);
    if (error) {
        status = err_set(err, STATUS_STATE, _("decision log: cannot read it: %s"), strerror(-error));
    } else if (dlog_decode(bytes.p, bytes.len, &link.head, &len) != DLOG_RECORD ||
               link.head.type != DLOG_SEGMENT) {
        status = err_set(err, STATUS_STATE, _("decision log: the file does not begin with a segment record"));
    } else {
        link.number = link.head.segment;
        status = dlog_walk(&bytes, &link, see, scan, &walk, err);
        scan->result->torn_tail = walk.torn;
    }
    free(bytes.p);
    return status;
}

/* The chain cannot be followed: show what every file holds, up to its first bad spot. */
static void scan_files(struct scan *scan, const struct disk *disk, const struct dlog_chain *chain)
{
    for (size_t i = 0; i < chain->file_count && !scan->stopped; i++) {
        dlog_segment_name(chain->files[i], scan->name);
        (void)scan_file(scan, disk, NULL);
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

static enum status end_scan(struct scan *scan, enum status status, struct err *err)
{
    dlog_table_free(&scan->live);
    return scan->out_of_memory ? err_set(err, STATUS_INTERNAL, _("decision log: out of memory")) : status;
}

enum status dlog_scan(const struct disk *disk, dlog_visit visit, void *arg, struct dlog_scan_result *result,
                      struct err *err)
{
    *result = (struct dlog_scan_result){0};
    struct scan scan = {.visit = visit, .arg = arg, .result = result};
    return end_scan(&scan, scan_chain(&scan, disk, err), err);
}

struct force_scan {
    struct dlog_forces forces;
    bool out_of_memory;
};

static bool see_force(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    struct force_scan *scan = arg;
    scan->out_of_memory = !dlog_forces_apply(&scan->forces, record);
    return !scan->out_of_memory;
}

enum status dlog_scan_forces(const struct disk *disk, dlog_force_visit visit, void *arg, struct err *err)
{
    struct force_scan scan = {0};
    struct dlog_scan_result result;
    enum status status = dlog_scan(disk, see_force, &scan, &result, err);
    if (status == STATUS_OK && scan.out_of_memory)
        status = err_set(err, STATUS_INTERNAL, _("decision log: out of memory"));
    if (status == STATUS_OK)
        dlog_forces_visit(&scan.forces, visit, arg);
    dlog_forces_free(&scan.forces);
    return status;
}

enum status dlog_scan_file(const struct disk *disk, const char *name, dlog_visit visit, void *arg,
                           struct dlog_scan_result *result, struct err *err)
{
    *result = (struct dlog_scan_result){0};
    struct scan scan = {.visit = visit, .arg = arg, .result = result};
    text_copy(scan.name, sizeof scan.name, name);
    return end_scan(&scan, scan_file(&scan, disk, err), err);
}
