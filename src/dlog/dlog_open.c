#include "config.h"

#include "dlog_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

/* Opening: read the chain, take over what counts, begin a segment of our own, remove what it replaces.
 *
 * The last segment L of the previous run ends in records of which nobody can say whether they are on the disk
 * or in the page cache only. L is never written again: the new segment N says where L ends ("previous_end",
 * after its last record that is provably durable) and holds copies of what came behind. If L is small, N
 * holds copies of all of it and L goes: so many short runs make no heap of small files. Undischarged COMMITs
 * of older segments are copied too. If we crash before N has its name, nothing happened; after it, N is
 * whole. */

enum { DEFAULT_SEGMENT = 4 << 20, MERGE_MAX = 256 << 10 };

struct opening {
    struct dlog *dlog;
    const struct dlog_options *options;
    struct dlog_chain chain;
    struct dlog_bytes last;       /* content of L */
    struct dlog_walk walk;        /* of L */
    struct dlog_segment *segment; /* being read */
    struct dlog_bytes head;       /* of N */
    uint64_t cut;                 /* where L ends; 0: N replaces it */
    uint32_t oldest;              /* segment that counts once N stands */
    bool drop_discharged;         /* L is replaced and nothing discharged in it is needed any more */
    bool out_of_memory;
};

static bool read_record(void *arg, const struct dlog_record *record, uint64_t offset, size_t len)
{
    struct opening *o = arg;
    if (o->dlog->epoch < record->epoch)
        o->dlog->epoch = record->epoch;
    o->out_of_memory = !dlog_apply(o->dlog, o->segment, record);
    return !o->out_of_memory;
}

static enum status read_chain(struct opening *o, struct err *err)
{
    struct dlog *dlog = o->dlog;
    dlog->segments = calloc(o->chain.count + 1, sizeof *dlog->segments);
    if (!dlog->segments)
        return err_set(err, STATUS_INTERNAL, _("decision log: out of memory"));
    for (size_t i = 0; i < o->chain.count; i++) {
        const struct dlog_link *link = &o->chain.links[i];
        char name[DLOG_NAME];
        dlog_segment_name(link->number, name);
        int error = dlog_read_all(&dlog->disk, name, link->end, &o->last);
        if (error)
            return err_set(err, STATUS_STATE, _("decision log: cannot read segment %u: %s"), link->number,
                           strerror(-error));
        if (link->head.lsn < dlog->next_lsn)
            return err_set(err, STATUS_STATE,
                           _("decision log: segment %u does not fit behind the one before it; nothing "
                             "was changed, look at it with 'xatop log'"),
                           link->number);
        o->segment = &dlog->segments[dlog->count++];
        *o->segment = (struct dlog_segment){.number = link->number, .needed_until_ms = INT64_MIN};
        enum status status = dlog_walk(&o->last, link, read_record, o, &o->walk, err);
        if (status != STATUS_OK)
            return status;
        if (o->out_of_memory)
            return err_set(err, STATUS_INTERNAL, _("decision log: out of memory"));
        o->segment->end = o->walk.end;
        dlog->next_lsn = o->walk.last_lsn + 1;
    }
    return STATUS_OK;
}

/* A record of L goes to N if N replaces L, or if it is not provably durable in L. */
static bool copy_record(void *arg, const struct dlog_record *record, uint64_t offset, size_t len)
{
    struct opening *o = arg;
    if (record->type == DLOG_SEGMENT || record->type == DLOG_FORCE || record->type == DLOG_FORCED ||
        record->type == DLOG_SWEPT)
        return true; /* what is kept of these is copied afterwards */
    if (o->cut > 0 && offset < o->cut)
        return true;
    if (o->drop_discharged) {
        bool live = record->type == DLOG_COMMIT && dlog_table_find(&o->dlog->live, &record->gtrid);
        /* they may still speak of a COMMIT or FORCE in an older segment */
        bool closes =
            (record->type == DLOG_DONE || record->type == DLOG_ABORT || record->type == DLOG_FORGET) &&
            o->dlog->count > 1;
        if (!live && !closes)
            return true;
    }
    struct dlog_record copy = *record;
    o->out_of_memory = !dlog_place(o->dlog, &copy, &o->head);
    return !o->out_of_memory;
}

static bool find_cut(void *arg, const struct dlog_record *record, uint64_t offset, size_t len)
{
    struct opening *o = arg;
    if (record->lsn > o->walk.attested)
        return false;
    o->cut = offset + len;
    return true;
}

/* Undischarged COMMITs of segments older than L, so that those may go. */
static bool copy_live(struct opening *o, uint32_t last_number)
{
    struct dlog_live **live = dlog_table_sorted(&o->dlog->live);
    bool ok = live != NULL;
    for (size_t i = 0; ok && i < o->dlog->live.count; i++) {
        struct dlog_record copy = live[i]->record;
        if (live[i]->segment != last_number)
            ok = dlog_place(o->dlog, &copy, &o->head);
    }
    free(live);
    return ok;
}

static bool place_open(struct opening *o)
{
    struct dlog_record record = {.type = DLOG_OPEN,
                                 .epoch = o->dlog->epoch,
                                 .wall_ms = o->options->wall_ms,
                                 .log_id = o->dlog->log_id,
                                 .pid = o->options->pid};
    memcpy(record.coordinator, o->dlog->coordinator, sizeof record.coordinator);
    text_sanitise_cstr(record.host, sizeof record.host, o->options->host);
    return dlog_place(o->dlog, &record, &o->head);
}

static bool build_head(struct opening *o, uint32_t number)
{
    struct dlog *dlog = o->dlog;
    const struct dlog_link *last = o->chain.count ? &o->chain.links[o->chain.count - 1] : NULL;
    if (!last)
        return dlog_head_begin(dlog, number, 0, 0, number, o->options->wall_ms, &o->head) && place_open(o);
    struct dlog_walk again;
    const struct dlog_segment *segment = &dlog->segments[dlog->count - 1];
    uint64_t merge_max = dlog->segment_bytes / 2 < MERGE_MAX ? dlog->segment_bytes / 2 : MERGE_MAX;
    /* A segment that never got further than its head is always replaced: its own opening or roll may have
     * failed at the directory sync, and then a name that nothing makes durable any more must not stay in the
     * chain. */
    if (segment->end > merge_max && o->walk.last_lsn > last->head.head_lsn)
        dlog_walk(&o->last, last, find_cut, o, &again, NULL);
    o->drop_discharged = o->cut == 0 && !dlog_segment_needed(segment, o->options->wall_ms);
    o->oldest =
        dlog_oldest_needed(dlog, dlog->count - 1, o->cut > 0 ? last->number : number, o->options->wall_ms);
    bool ok = o->cut > 0 ? dlog_head_begin(dlog, number, last->number, o->cut, o->oldest, o->options->wall_ms,
                                           &o->head)
                         : dlog_head_begin(dlog, number, last->head.previous, last->head.previous_end,
                                           o->oldest, o->options->wall_ms, &o->head);
    if (!ok || !copy_live(o, last->number))
        return false;
    dlog_walk(&o->last, last, copy_record, o, &again, NULL);
    return !o->out_of_memory && dlog_place_forces(dlog, &o->head) && dlog_place_swept(dlog, &o->head) &&
           place_open(o); /* behind what is older: a log is read from the top */
}

/* The new segment stands. L gives back what it does not need, or goes; so do files that an earlier opening
 * replaced. */
static enum status clean_up(struct opening *o, struct err *err)
{
    struct dlog *dlog = o->dlog;
    const struct disk *disk = &dlog->disk;
    char name[DLOG_NAME];
    if (o->chain.count) {
        struct dlog_segment *last = &dlog->segments[dlog->count - 2];
        if (o->cut > 0) {
            last->end = o->cut;
            dlog_segment_name(last->number, name);
            (void)disk->truncate(disk->ctx, name, o->cut); /* saves room only: what is behind is void */
        } else {
            *last = dlog->segments[dlog->count - 1];
            dlog->count--;
        }
    }
    enum status status = dlog_drop_older(dlog, o->oldest, err);
    bool removed = false;
    for (size_t i = 0; status == STATUS_OK && i < o->chain.file_count; i++) {
        bool counts = false, dropped = o->chain.files[i] < o->oldest;
        for (size_t k = 0; k < dlog->count; k++)
            counts |= dlog->segments[k].number == o->chain.files[i];
        if (counts)
            continue;
        dlog_segment_name(o->chain.files[i], name);
        int error = disk->unlink(disk->ctx, name);
        if (error && !(dropped && error == -ENOENT))
            status = dlog_failed(dlog, _("cannot remove a replaced segment"), error, err);
        removed = true;
    }
    int error = removed && status == STATUS_OK ? disk->sync_dir(disk->ctx) : 0;
    return error ? dlog_failed(dlog, _("cannot sync the directory"), error, err) : status;
}

/* Of a transaction that had been discharged before a branch of it was forced nothing is in memory yet. */
static enum status find_forced_decisions(struct dlog *dlog, struct err *err)
{
    for (size_t i = 0; i < dlog->forces.count; i++) {
        const struct dlog_force *kept = &dlog->forces.list[i];
        struct dlog_record decision;
        if (!kept->force.decided || kept->commit.type != DLOG_NONE)
            continue;
        int found = dlog_find_commit(dlog, &kept->force.gtrid, &decision);
        if (found < 0)
            return err_set(err, STATUS_STATE,
                           _("decision log: the decision on a forced branch cannot be read"));
        if (found == 1)
            dlog_forces_decided(&dlog->forces, &decision, NULL);
    }
    return STATUS_OK;
}

static enum status open_log(struct opening *o, struct err *err)
{
    struct dlog *dlog = o->dlog;
    enum status status = dlog_chain_load(&o->chain, &dlog->disk, err);
    if (status != STATUS_OK)
        return status;
    if (o->chain.count) {
        const struct dlog_record *head = &o->chain.links[o->chain.count - 1].head;
        if (strcmp(head->coordinator, dlog->coordinator) != 0)
            return err_set(err, STATUS_STATE,
                           _("decision log: it belongs to coordinator '%s', the configuration says '%s'; use "
                             "that name or "
                             "another state directory"),
                           head->coordinator, dlog->coordinator);
        dlog->log_id = head->log_id;
    }
    status = read_chain(o, err);
    if (status != STATUS_OK)
        return status;
    status = find_forced_decisions(dlog, err);
    if (status != STATUS_OK)
        return status;
    if (dlog->epoch == UINT32_MAX)
        return err_set(err, STATUS_STATE,
                       _("decision log: no epoch is left after %u; nothing was changed, use another state "
                         "directory"),
                       dlog->epoch);
    dlog->epoch++;
    if (o->chain.reserve && dlog->disk.unlink(dlog->disk.ctx, DLOG_RESERVE) != 0)
        return dlog_failed(dlog, _("cannot remove an unfinished segment"), -EIO, err);
    uint32_t number = o->chain.file_count ? o->chain.files[o->chain.file_count - 1] + 1 : 1;
    if (!build_head(o, number))
        return dlog_failed(dlog, _("cannot begin a segment"), -ENOMEM, err);
    status = dlog_head_install(dlog, number, &o->head, err);
    return status == STATUS_OK ? clean_up(o, err) : status;
}

enum status dlog_open(struct dlog **out, const struct disk *disk, const struct dlog_options *options,
                      struct err *err)
{
    xatop_assert(coordinator_id_valid(options->coordinator));
    struct dlog *dlog = calloc(1, sizeof *dlog);
    if (!dlog)
        return err_set(err, STATUS_INTERNAL, _("decision log: out of memory"));
    dlog->disk = *disk;
    dlog->healthy = true;
    dlog->log_id = options->new_log_id;
    dlog->segment_bytes = options->segment_bytes ? options->segment_bytes : DEFAULT_SEGMENT;
    dlog->retention_ms = options->retention_ms;
    dlog->next_lsn = 1;
    text_copy(dlog->coordinator, sizeof dlog->coordinator, options->coordinator);
    struct opening o = {.dlog = dlog, .options = options};
    enum status status = open_log(&o, err);
    dlog_chain_free(&o.chain);
    free(o.last.p);
    free(o.head.p);
    if (status != STATUS_OK) {
        dlog_close(dlog);
        if (status == STATUS_PENDING) { /* nothing is pending on a log that did not open */
            status = STATUS_STATE;
            if (err)
                err->status = status;
        }
        return status;
    }
    *out = dlog;
    return STATUS_OK;
}
