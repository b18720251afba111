#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/disk_memory.h"
#include "xatop/dlog.h"
#include "xatop/prng.h"

/* What we were promised, kept beside the log and compared with it at every opening. */
enum promise {
    NEVER,      /* not appended */
    UNKNOWN,    /* appended, no sync has said yes (or one said no) */
    COMMITTED,  /* a sync said yes */
    DISCHARGED, /* COMMITTED, and DONE appended: findable until the retention time after a SWEPT, may come
                   back as undischarged */
    VOID,       /* ABORT appended after a COMMIT that stood */
    ABORTED     /* ... and synced */
};

enum { TXNS = 200, RETENTION_MS = 1000 };

struct world {
    struct disk_memory *memory;
    struct disk disk;
    struct dlog *dlog;
    struct prng prng;
    uint64_t segment_bytes;
    int64_t now_ms;
    uint32_t epoch;
    uint64_t log_id;
    int count;
    struct gtrid gtrid[TXNS];
    enum promise promise[TXNS];
    int64_t swept_ms[TXNS]; /* the first SWEPT since it was DISCHARGED; 0: none */
    int listed[TXNS];
    int strange;
    uint64_t opened, refused, dropped;
    struct err err;
};

static void world_init(struct world *w, uint64_t seed, uint64_t segment_bytes)
{
    memset(w, 0, sizeof *w);
    w->memory = disk_memory_new(seed);
    w->disk = disk_memory_port(w->memory);
    prng_seed(&w->prng, seed ^ 0x5ca1ab1e);
    w->segment_bytes = segment_bytes;
    w->now_ms = 1000000;
}

static void world_free(struct world *w)
{
    dlog_close(w->dlog);
    disk_memory_free(w->memory);
}

static enum status open_log(struct world *w)
{
    struct dlog_options options = {.coordinator = "lab",
                                   .new_log_id = w->log_id ? w->log_id : 0xabc,
                                   .wall_ms = w->now_ms,
                                   .pid = 7,
                                   .host = "host",
                                   .segment_bytes = w->segment_bytes,
                                   .retention_ms = RETENTION_MS};
    dlog_close(w->dlog);
    w->dlog = NULL;
    return dlog_open(&w->dlog, &w->disk, &options, &w->err);
}

static int index_of(const struct world *w, const struct gtrid *gtrid)
{
    for (int i = 0; i < w->count; i++)
        if (gtrid_equal(&w->gtrid[i], gtrid))
            return i;
    return -1;
}

static void note_listed(void *arg, const struct dlog_record *record)
{
    struct world *w = arg;
    int i = index_of(w, &record->gtrid);
    if (i < 0 || strcmp(record->meaning, "pay") != 0 || record->branch_count != 2 ||
        record->branches[1].node_id != 22)
        w->strange++;
    else
        w->listed[i]++;
}

/* Compare the promises with the log just opened; settle what was unknown. Returns the number of broken ones.
 */
static int check(struct world *w)
{
    int broken = 0;
    memset(w->listed, 0, sizeof w->listed);
    w->strange = 0;
    dlog_undischarged(w->dlog, note_listed, w);
    broken += w->strange;
    broken += dlog_epoch(w->dlog) <= w->epoch;
    w->epoch = dlog_epoch(w->dlog);
    broken += w->log_id && dlog_log_id(w->dlog) != w->log_id;
    w->log_id = dlog_log_id(w->dlog);
    for (int i = 0; i < w->count; i++) {
        if (w->promise[i] == DISCHARGED && !w->listed[i] && prng_below(&w->prng, 8))
            continue; /* reads files: a sample is enough */
        int found = dlog_find_commit(w->dlog, &w->gtrid[i], NULL);
        bool retained = w->swept_ms[i] == 0 || w->now_ms < w->swept_ms[i] + RETENTION_MS;
        broken += w->listed[i] > 1 || found < 0 || (w->listed[i] && !found);
        switch (w->promise[i]) {
        case NEVER:
            broken += found;
            break;
        case UNKNOWN:
            broken += found != w->listed[i];
            w->promise[i] = found ? COMMITTED : NEVER; /* from here on it is settled */
            break;
        case COMMITTED:
            broken += !found || !w->listed[i];
            break;
        case DISCHARGED:
            broken += !found && retained;
            w->dropped += !found;
            if (w->listed[i])
                w->promise[i] = COMMITTED;
            break;
        case VOID:
            broken += found != w->listed[i];
            w->promise[i] = found ? COMMITTED : ABORTED;
            break;
        case ABORTED:
            broken += found || w->listed[i];
            break;
        }
    }
    return broken;
}

static void promise_synced(struct world *w)
{
    for (int i = 0; i < w->count; i++) {
        if (w->promise[i] == UNKNOWN)
            w->promise[i] = COMMITTED;
        if (w->promise[i] == VOID)
            w->promise[i] = ABORTED;
    }
}

static struct dlog_record record_of(struct world *w, enum dlog_type type, int i)
{
    struct dlog_record record = {.type = type, .wall_ms = w->now_ms, .gtrid = w->gtrid[i]};
    if (type == DLOG_COMMIT) {
        record.branch_count = 2;
        record.branches[0] = (struct dlog_branch){1, 0, 11, "a"};
        record.branches[1] = (struct dlog_branch){2, 1, 22, "b"};
        strcpy(record.meaning, "pay");
    }
    return record;
}

static bool do_commit(struct world *w)
{
    int i = w->count++;
    w->gtrid[i] = (struct gtrid){"lab", w->log_id, w->epoch, (uint64_t)i + 1};
    w->promise[i] = UNKNOWN;
    struct dlog_record record = record_of(w, DLOG_COMMIT, i);
    enum status status = dlog_append(w->dlog, &record, &w->err);
    if (status == STATUS_STATE)
        w->promise[i] = NEVER;
    return status == STATUS_OK;
}

static bool do_done(struct world *w, int i)
{
    struct dlog_record record = record_of(w, DLOG_DONE, i);
    w->promise[i] = DISCHARGED;
    w->swept_ms[i] = 0;
    return dlog_append(w->dlog, &record, &w->err) == STATUS_OK;
}

static bool do_swept(struct world *w, int upto)
{
    struct dlog_record record = record_of(w, DLOG_SWEPT, upto);
    for (int i = 0; i <= upto; i++)
        if (w->promise[i] == DISCHARGED && w->swept_ms[i] == 0)
            w->swept_ms[i] = w->now_ms;
    return dlog_append(w->dlog, &record, &w->err) == STATUS_OK;
}

/* As the engine does: nothing that is unfinished lies below. */
static bool sweep(struct world *w)
{
    int n = 0;
    while (n < w->count &&
           (w->promise[n] == DISCHARGED || w->promise[n] == NEVER || w->promise[n] == ABORTED))
        n++;
    return n == 0 || do_swept(w, n - 1);
}

static bool do_abort(struct world *w, int i)
{
    struct dlog_record record = record_of(w, DLOG_ABORT, i);
    w->promise[i] = VOID;
    return dlog_append(w->dlog, &record, &w->err) == STATUS_OK;
}

static bool do_sync(struct world *w)
{
    if (dlog_sync(w->dlog, &w->err) != STATUS_OK)
        return false;
    promise_synced(w);
    return true;
}

/* Thirty transactions: two decided per group, the one before discharged, every seventh much later; small
 * segments. */
static void thirty_transactions(struct world *w)
{
    if (open_log(w) != STATUS_OK)
        return;
    w->epoch = dlog_epoch(w->dlog) - 1;
    if (check(w))
        w->strange = 1;
    for (int n = 0; n < 30; n++) {
        w->now_ms += 100;
        if (!do_commit(w) || (n % 2 && !do_sync(w)))
            return;
        if (n >= 3 && n % 7 && w->promise[n - 3] == COMMITTED && !do_done(w, n - 3))
            return;
        if (n >= 10 && n % 7 == 0 && w->promise[n - 10] == COMMITTED && !do_done(w, n - 10))
            return;
        if (n % 4 == 3 && !sweep(w))
            return;
        if (n % 5 == 0 && dlog_flush(w->dlog, &w->err) != STATUS_OK)
            return;
    }
    do_sync(w);
}

static void survives_death_at_every_operation(void)
{
    struct world w;
    world_init(&w, 1, 1500);
    thirty_transactions(&w);
    uint64_t operations = disk_memory_count(w.memory, DISK_MEMORY_ANY);
    CU_ASSERT_TRUE(disk_memory_count(w.memory, DISK_MEMORY_RENAME) >= 4); /* it did roll */
    CU_ASSERT_TRUE(disk_memory_count(w.memory, DISK_MEMORY_UNLINK) >= 1); /* and drop */
    world_free(&w);
    CU_ASSERT_TRUE(operations > 60);
    int broken = 0, refused = 0;
    for (uint64_t n = 1; n <= operations; n++)
        for (int power = 0; power < 2; power++)
            for (uint64_t seed = 0; seed < 8; seed++) {
                world_init(&w, seed * 1000 + n, 1500);
                disk_memory_die_at(w.memory, n);
                thirty_transactions(&w);
                CU_ASSERT_TRUE(disk_memory_dead(w.memory));
                power ? disk_memory_power_cut(w.memory) : disk_memory_crash(w.memory);
                if (open_log(&w) != STATUS_OK)
                    refused++;
                else
                    broken += check(&w);
                world_free(&w);
            }
    CU_ASSERT_EQUAL(broken, 0);
    CU_ASSERT_EQUAL(refused, 0);
}

static void survives_failure_at_every_operation(void)
{
    struct world w;
    world_init(&w, 1, 1500);
    thirty_transactions(&w);
    uint64_t operations = disk_memory_count(w.memory, DISK_MEMORY_ANY);
    world_free(&w);
    int broken = 0, refused = 0, unnoticed = 0;
    for (uint64_t n = 1; n <= operations; n++)
        for (uint64_t seed = 0; seed < 16; seed++) {
            world_init(&w, seed * 1000 + n, 1500);
            disk_memory_fail_at(w.memory, DISK_MEMORY_ANY, n, seed % 2 ? EIO : ENOSPC);
            thirty_transactions(&w);
            if (w.dlog && !dlog_healthy(w.dlog)) {
                struct dlog_record record = record_of(&w, DLOG_COMMIT, 0);
                unnoticed += dlog_append(w.dlog, &record, NULL) != STATUS_STATE;
                unnoticed += dlog_sync(w.dlog, NULL) != STATUS_STATE;
                unnoticed += dlog_find_commit(w.dlog, &w.gtrid[0], NULL) != -1;
            }
            if (seed & 2)
                disk_memory_power_cut(w.memory);
            for (int again = 0; again < 2; again++) { /* opened in the same process, then after a power cut */
                if (open_log(&w) != STATUS_OK)
                    refused++;
                else
                    broken += check(&w);
                disk_memory_power_cut(w.memory);
            }
            world_free(&w);
        }
    CU_ASSERT_EQUAL(broken, 0);
    CU_ASSERT_EQUAL(refused, 0);
    CU_ASSERT_EQUAL(unnoticed, 0);
}

static void trouble(struct world *w)
{
    switch (prng_below(&w->prng, 4)) {
    case 0:
        disk_memory_die_at(w->memory, 1 + prng_below(&w->prng, 30));
        break;
    case 1:
        disk_memory_fail_at(w->memory, (enum disk_memory_op)prng_below(&w->prng, DISK_MEMORY_OPS),
                            1 + prng_below(&w->prng, 8), prng_below(&w->prng, 2) ? EIO : ENOSPC);
        break;
    default:
        break;
    }
}

static int one_step(struct world *w)
{
    if (!w->dlog || !dlog_healthy(w->dlog) || disk_memory_dead(w->memory) || prng_below(&w->prng, 25) == 0) {
        if (prng_below(&w->prng, 2))
            disk_memory_power_cut(w->memory);
        else if (disk_memory_dead(w->memory) || prng_below(&w->prng, 2))
            disk_memory_crash(
                w->memory); /* else: closed and opened by the same process, with what is armed */
        if (open_log(w) == STATUS_OK) {
            if (disk_memory_dead(w->memory)) /* in the last operation of all, whose failure does no harm */
                return 0;
            w->opened++;
            int broken = check(w);
            trouble(w);
            return broken;
        }
        w->refused++;
        /* A refusal must have a cause that is gone after the next power cut. */
        disk_memory_power_cut(w->memory);
        if (open_log(w) != STATUS_OK)
            return 1;
        return check(w);
    }
    w->now_ms += (int64_t)prng_below(&w->prng, 100);
    uint64_t what = prng_below(&w->prng, 12);
    int i = w->count ? (int)prng_below(&w->prng, (uint64_t)w->count) : -1;
    while (i > 0 && what > 8 && w->promise[i - 1] == COMMITTED) /* rather the older ones */
        i--;
    if (what < 4 && w->count < TXNS)
        do_commit(w);
    else if (what < 7)
        do_sync(w);
    else if (what == 7)
        dlog_flush(w->dlog, &w->err);
    else if (what == 8 && i >= 0 && w->promise[i] == COMMITTED && w->gtrid[i].epoch != w->epoch &&
             prng_below(&w->prng, 3) == 0)
        do_abort(w, i);
    else if (what == 11)
        sweep(w);
    else if (i >= 0 && w->promise[i] == COMMITTED)
        do_done(w, i);
    return 0;
}

static void keeps_its_promises_under_random_schedules(void)
{
    const char *more = getenv("XATOP_DLOG_SCHEDULES");
    uint64_t schedules = more ? strtoull(more, NULL, 10) : 20000, opened = 0, first_bad = 0, dropped = 0;
    int bad = 0;
    for (uint64_t seed = 1; seed <= schedules; seed++) {
        static struct world w;
        int broken = 0;
        world_init(&w, seed, 400 + seed % 7 * 700);
        for (int step = 0; step < 70 && !broken; step++)
            broken = one_step(&w);
        opened += w.opened;
        dropped += w.dropped;
        if (broken && !bad++)
            first_bad = seed;
        world_free(&w);
    }
    if (bad)
        printf("# first broken seed: %llu\n", (unsigned long long)first_bad);
    CU_ASSERT_EQUAL(bad, 0);
    CU_ASSERT_TRUE(opened > schedules * 2);
    CU_ASSERT_TRUE(dropped > schedules / 20);
}

static bool count_segment(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    *(int *)arg += record->type == DLOG_SEGMENT;
    return true;
}

static int segments(struct world *w)
{
    struct dlog_scan_result result;
    int n = 0;
    CU_ASSERT_EQUAL(dlog_scan(&w->disk, count_segment, &n, &result, &w->err), STATUS_OK);
    return n;
}

static void old_segments_go_when_nothing_needs_them(void)
{
    struct world w;
    world_init(&w, 5, 2000);
    CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
    check(&w);
    CU_ASSERT_TRUE(do_commit(&w)); /* never discharged */
    for (int i = 1; i < 150; i++) {
        w.now_ms += 20;
        CU_ASSERT_TRUE_FATAL(do_commit(&w) && do_sync(&w) && do_done(&w, i) && do_swept(&w, i));
    }
    int many = segments(&w);
    CU_ASSERT_TRUE(many >= 4 && many < 25); /* about a second's worth */
    CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &w.gtrid[0], NULL), 1);
    CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &w.gtrid[140], NULL),
                    1);                                              /* discharged, retained, on disk only */
    CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &w.gtrid[2], NULL), 0); /* dropped */
    CU_ASSERT_TRUE(do_sync(&w));
    w.now_ms += 2 * RETENTION_MS;
    CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
    CU_ASSERT_EQUAL(check(&w), 0);
    CU_ASSERT_TRUE(segments(&w) <= 2);
    CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &w.gtrid[0], NULL), 1);
    CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &w.gtrid[140], NULL), 0);
    struct gtrid oldest;
    CU_ASSERT_TRUE(dlog_oldest(w.dlog, &oldest) && gtrid_equal(&oldest, &w.gtrid[0]));
    CU_ASSERT_TRUE_FATAL(do_commit(&w) && do_sync(&w) && do_done(&w, 0) && do_done(&w, 150) &&
                         do_swept(&w, 150) && do_sync(&w));
    w.now_ms += RETENTION_MS / 2;
    CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
    CU_ASSERT_TRUE(dlog_oldest(w.dlog, &oldest) && gtrid_equal(&oldest, &w.gtrid[0])); /* retained */
    w.now_ms += 2 * RETENTION_MS;
    for (int i = 0; i < 2; i++) /* what was written last goes with the segment it is in */
        CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
    CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &w.gtrid[0], NULL), 0);
    CU_ASSERT_FALSE(dlog_oldest(w.dlog, &oldest));
    world_free(&w);
}

static void count_files(void *arg, const char *name, uint64_t size)
{
    *(uint64_t *)arg += size;
}

static void many_short_runs_make_no_heap(void)
{
    struct world w;
    world_init(&w, 6, 0);
    for (int run = 0; run < 150; run++) {
        w.now_ms += 1;
        CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
        CU_ASSERT_EQUAL(check(&w), 0);
        CU_ASSERT_TRUE_FATAL(do_commit(&w) && do_sync(&w) && do_done(&w, run) && do_swept(&w, run) &&
                             do_sync(&w));
    }
    uint64_t bytes = 0;
    w.disk.list(w.disk.ctx, count_files, &bytes);
    CU_ASSERT_EQUAL(segments(&w), 1);
    CU_ASSERT_EQUAL(bytes, 4 << 20);
    w.now_ms += 2 * RETENTION_MS;
    CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
    struct dlog_scan_result result;
    CU_ASSERT_EQUAL(dlog_scan(&w.disk, NULL, NULL, &result, &w.err), STATUS_OK);
    CU_ASSERT_EQUAL(result.records, 3); /* the segment's own, the newest SWEPT and the opening */
    CU_ASSERT_EQUAL(result.epoch, 151);
    world_free(&w);
}

static void full_disk_is_met_ahead_of_the_decision(void)
{
    struct world w;
    world_init(&w, 9, 3000);
    CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
    check(&w);
    disk_memory_fail_at(w.memory, DISK_MEMORY_CREATE, 1,
                        ENOSPC); /* the reserve, once half full: no harm done */
    while (disk_memory_count(w.memory, DISK_MEMORY_CREATE) < 3)
        CU_ASSERT_TRUE_FATAL(do_commit(&w) && do_sync(&w));
    CU_ASSERT_TRUE(dlog_healthy(w.dlog));
    world_free(&w);
}

/* The log as a reader meets it. The clock stands still in a run, so a record's time names the epoch it is of. */
enum { RUN_MS = 10 };

struct reading {
    int64_t first_ms, latest_ms;
    uint32_t opened; /* the latest OPEN seen */
    int opens, commits, ends, wrong, backwards;
};

static bool read_in_time(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    struct reading *r = arg;
    r->wrong += record->epoch != 1 + (record->wall_ms - r->first_ms) / RUN_MS;
    if (record->type == DLOG_SEGMENT) /* always of the opening that made the file */
        return true;
    r->backwards += record->wall_ms < r->latest_ms;
    r->latest_ms = record->wall_ms;
    if (record->type == DLOG_OPEN) {
        r->opens++;
        r->wrong += record->epoch <= r->opened;
        r->opened = record->epoch;
    } else if (record->type == DLOG_COMMIT) {
        r->commits++;
        r->wrong += record->epoch != record->gtrid.epoch;
    } else {
        r->ends++;
    }
    return true;
}

static struct reading read_log(struct world *w, int64_t first_ms)
{
    struct reading r = {.first_ms = first_ms};
    struct dlog_scan_result result;
    CU_ASSERT_EQUAL(dlog_scan(&w->disk, read_in_time, &r, &result, &w->err), STATUS_OK);
    CU_ASSERT_EQUAL(result.epoch, w->epoch);
    CU_ASSERT_EQUAL(r.opened, w->epoch);
    CU_ASSERT_EQUAL(r.wrong, 0);
    return r;
}

/* In each run two are decided; one is discharged at once, the other in the next run if that is an odd one. */
static void what_is_carried_over_keeps_its_epoch(void)
{
    struct world w;
    world_init(&w, 10, 0);
    int64_t first_ms = w.now_ms;
    for (int run = 0; run < 6; run++, w.now_ms += RUN_MS) {
        CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
        CU_ASSERT_EQUAL(check(&w), 0);
        CU_ASSERT_TRUE_FATAL(do_commit(&w) && do_commit(&w) && do_sync(&w) && do_done(&w, 2 * run));
        if (run % 2)
            CU_ASSERT_TRUE_FATAL(do_done(&w, 2 * run - 1));
        CU_ASSERT_TRUE_FATAL(do_sync(&w));
        struct reading r = read_log(&w, first_ms);
        CU_ASSERT_EQUAL(r.opens, run + 1);
        CU_ASSERT_EQUAL(r.commits, 2 * run + 2);
        CU_ASSERT_EQUAL(r.ends, run + 1 + (run + 1) / 2);
        CU_ASSERT_EQUAL(r.backwards, 0);
        struct dlog_record found = {.epoch = 0};
        CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &w.gtrid[run], &found), 1);
        CU_ASSERT_EQUAL(found.epoch, (uint32_t)run / 2 + 1);
    }
    world_free(&w);
}

/* The same where segments fill up within a run, older ones are kept, and tails are not synced. */
static void epochs_rise_over_rolled_segments(void)
{
    struct world w;
    world_init(&w, 11, 1500);
    int64_t first_ms = w.now_ms;
    int copies = 0;
    for (int run = 0; run < 12; run++, w.now_ms += RUN_MS) {
        CU_ASSERT_EQUAL_FATAL(open_log(&w), STATUS_OK);
        CU_ASSERT_EQUAL(check(&w), 0);
        for (int i = 0; i < 2 + run % 7; i++)
            CU_ASSERT_TRUE_FATAL(do_commit(&w) && (i % 3 == 2 || do_sync(&w)));
        CU_ASSERT_TRUE_FATAL(do_done(&w, 2 * run) && dlog_flush(w.dlog, &w.err) == STATUS_OK);
        struct reading r = read_log(&w, first_ms);
        CU_ASSERT_TRUE(r.commits >= w.count); /* nothing is older than the retention time */
        copies += r.commits - w.count;
    }
    CU_ASSERT_TRUE(copies > 0 && segments(&w) > 1);
    world_free(&w);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"survives death at every operation", survives_death_at_every_operation},
        {"survives failure at every operation", survives_failure_at_every_operation},
        {"keeps its promises under random schedules", keeps_its_promises_under_random_schedules},
        {"old segments go when nothing needs them", old_segments_go_when_nothing_needs_them},
        {"many short runs make no heap", many_short_runs_make_no_heap},
        {"what is carried over keeps its epoch", what_is_carried_over_keeps_its_epoch},
        {"epochs rise over rolled segments", epochs_rise_over_rolled_segments},
        {"full disk is met ahead of the decision", full_disk_is_met_ahead_of_the_decision},
        {NULL, NULL},
    };
    return test_main("dlog", cases);
}
