#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/disk_memory.h"
#include "xatop/dlog.h"
#include "xatop/prng.h"

static struct err err;
static int64_t now_ms = 1000;

static enum status open_as(struct dlog **dlog, const struct disk *disk, const char *coordinator,
                           uint64_t segment_bytes)
{
    struct dlog_options options = {.coordinator = coordinator,
                                   .new_log_id = 0xfeed,
                                   .wall_ms = now_ms,
                                   .host = "here",
                                   .segment_bytes = segment_bytes,
                                   .retention_ms = 1000};
    return dlog_open(dlog, disk, &options, &err);
}

static struct dlog_record record_of(const struct dlog *dlog, enum dlog_type type, uint64_t sequence)
{
    struct dlog_record record = {
        .type = type, .wall_ms = now_ms, .gtrid = {"lab", dlog_log_id(dlog), dlog_epoch(dlog), sequence}};
    if (type == DLOG_COMMIT) {
        record.branch_count = 1;
        record.branches[0] = (struct dlog_branch){1, 0, 1, "a"};
    }
    return record;
}

static void append(struct dlog *dlog, enum dlog_type type, uint64_t sequence)
{
    struct dlog_record record = record_of(dlog, type, sequence);
    CU_ASSERT_EQUAL_FATAL(dlog_append(dlog, &record, &err), STATUS_OK);
}

static void decide(struct dlog *dlog, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++)
        append(dlog, DLOG_COMMIT, n);
    CU_ASSERT_EQUAL_FATAL(dlog_sync(dlog, &err), STATUS_OK);
}

/* A log of one run: a segment with decisions 1 to 6, two a sync. */
static struct disk_memory *six_decisions(struct disk *disk)
{
    struct dlog *dlog;
    struct disk_memory *memory = disk_memory_new(1);
    *disk = disk_memory_port(memory);
    CU_ASSERT_EQUAL_FATAL(open_as(&dlog, disk, "lab", 4096), STATUS_OK);
    decide(dlog, 1, 2);
    decide(dlog, 3, 4);
    decide(dlog, 5, 6);
    dlog_close(dlog);
    return memory;
}

struct seen {
    uint64_t count, offsets[64];
    char last_file[32];
};

static bool note(void *arg, const struct dlog_record *record, const char *segment, uint64_t offset)
{
    struct seen *seen = arg;
    if (seen->count < 64)
        seen->offsets[seen->count] = offset;
    seen->count++;
    snprintf(seen->last_file, sizeof seen->last_file, "%s", segment);
    return true;
}

/* Turn over one bit at a time: all that was proved durable by a later record is defended, and nothing is touched. */
static void damage_is_refused_and_shown(void)
{
    struct disk disk;
    struct seen whole = {0};
    struct dlog_scan_result result;
    struct disk_memory *memory = six_decisions(&disk);
    CU_ASSERT_EQUAL(dlog_scan(&disk, note, &whole, &result, &err), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(whole.count, 8); /* segment, open, six */
    CU_ASSERT_EQUAL(result.live, 6);
    CU_ASSERT_FALSE(result.torn_tail);
    disk_memory_free(memory);
    int wrong = 0;
    for (uint64_t offset = 0; offset < whole.offsets[7] + 40; offset++) {
        struct dlog *dlog = NULL;
        struct seen seen = {0};
        memory = six_decisions(&disk);
        CU_ASSERT_TRUE_FATAL(disk_memory_flip(memory, "00000001.dlog", offset, offset % 8));
        uint64_t before = disk_memory_count(memory, DISK_MEMORY_ANY);
        enum status status = open_as(&dlog, &disk, "lab", 4096);
        /* Decisions 5 and 6 were one group, and no later record says that it was synced. */
        bool defended = offset < whole.offsets[6];
        wrong += status != (defended ? STATUS_STATE : STATUS_OK);
        wrong += defended && disk_memory_count(memory, DISK_MEMORY_ANY) != before;
        dlog_close(dlog);
        disk_memory_free(memory);
        if (!defended)
            continue;
        memory = six_decisions(&disk);
        disk_memory_flip(memory, "00000001.dlog", offset, offset % 8);
        wrong += dlog_scan(&disk, note, &seen, &result, &err) != STATUS_STATE;
        wrong += strstr(err.text, "00000001.dlog is damaged at byte") == NULL;
        uint64_t readable = 0;
        while (readable < 7 && whole.offsets[readable + 1] <= offset)
            readable++;
        wrong += seen.count != readable;
        disk_memory_free(memory);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* What stood in a segment when it got its name was synced then, though no later record says so. */
static void the_head_of_a_segment_is_defended(void)
{
    struct disk disk;
    struct dlog *dlog;
    struct seen whole = {0};
    struct dlog_scan_result result;
    int wrong = 0;
    for (uint64_t i = 0; i < 7; i++) {
        struct disk_memory *memory = six_decisions(&disk);
        CU_ASSERT_EQUAL_FATAL(open_as(&dlog, &disk, "lab", 4096), STATUS_OK);
        dlog_close(dlog);
        whole.count = 0;
        CU_ASSERT_EQUAL(dlog_scan(&disk, note, &whole, &result, &err), STATUS_OK);
        CU_ASSERT_EQUAL_FATAL(whole.count, 8); /* segment, open, six */
        CU_ASSERT_TRUE(disk_memory_flip(memory, "00000002.dlog", whole.offsets[1 + i] + 30, 0));
        wrong += open_as(&dlog, &disk, "lab", 4096) != STATUS_STATE;
        disk_memory_free(memory);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void a_good_record_in_the_wrong_place_is_damage(void)
{
    struct disk disk;
    struct dlog *dlog;
    struct seen seen = {0};
    struct dlog_scan_result result;
    uint8_t frame[256];
    struct disk_memory *memory = six_decisions(&disk);
    dlog_scan(&disk, note, &seen, &result, &err);
    size_t n = seen.offsets[4] - seen.offsets[3];
    CU_ASSERT_TRUE_FATAL(n < sizeof frame && seen.offsets[3] - seen.offsets[2] == n);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "00000001.dlog", seen.offsets[2], frame, n), (int64_t)n);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "00000001.dlog", seen.offsets[3], frame, n), 0);
    CU_ASSERT_EQUAL(open_as(&dlog, &disk, "lab", 4096), STATUS_STATE);
    disk_memory_free(memory);
}

static void what_is_not_synced_is_not_found(void)
{
    struct disk disk;
    struct dlog *dlog;
    struct disk_memory *memory = six_decisions(&disk);
    CU_ASSERT_EQUAL_FATAL(open_as(&dlog, &disk, "lab", 4096), STATUS_OK);
    append(dlog, DLOG_COMMIT, 7);
    struct gtrid gtrid = {"lab", 0xfeed, 2, 7};
    CU_ASSERT_EQUAL(dlog_find_commit(dlog, &gtrid, NULL), 0);
    CU_ASSERT_EQUAL(dlog_flush(dlog, &err), STATUS_OK);
    CU_ASSERT_EQUAL(dlog_find_commit(dlog, &gtrid, NULL), 0);
    CU_ASSERT_EQUAL(dlog_sync(dlog, &err), STATUS_OK);
    CU_ASSERT_EQUAL(dlog_find_commit(dlog, &gtrid, NULL), 1);
    dlog_close(dlog);
    disk_memory_free(memory);
}

static void what_no_sync_covered_may_be_torn_in_any_way(void)
{
    struct disk disk;
    struct dlog *dlog;
    struct dlog_scan_result result;
    struct seen seen = {0};
    struct disk_memory *memory = six_decisions(&disk);
    dlog_scan(&disk, note, &seen, &result, &err);
    CU_ASSERT_TRUE(disk_memory_flip(memory, "00000001.dlog", seen.offsets[6] + 30,
                                    0)); /* 5 is bad, 6 behind it is good */
    CU_ASSERT_EQUAL(dlog_scan(&disk, NULL, NULL, &result, &err), STATUS_OK);
    CU_ASSERT_TRUE(result.torn_tail && result.live == 4);
    CU_ASSERT_EQUAL_FATAL(open_as(&dlog, &disk, "lab", 4096), STATUS_OK);
    struct gtrid gtrid = {"lab", 0xfeed, 1, 6};
    CU_ASSERT_EQUAL(dlog_find_commit(dlog, &gtrid, NULL), 0);
    gtrid.sequence = 4;
    CU_ASSERT_EQUAL(dlog_find_commit(dlog, &gtrid, NULL), 1);
    CU_ASSERT_EQUAL(dlog_scan(&disk, NULL, NULL, &result, &err), STATUS_OK);
    CU_ASSERT_FALSE(result.torn_tail);
    dlog_close(dlog);
    disk_memory_free(memory);
}

/* Many segments: 1 .. n, of which none may be dropped yet. */
static struct disk_memory *many_segments(struct disk *disk, int *count)
{
    struct dlog *dlog;
    struct disk_memory *memory = disk_memory_new(2);
    *disk = disk_memory_port(memory);
    CU_ASSERT_EQUAL_FATAL(open_as(&dlog, disk, "lab", 1024), STATUS_OK);
    for (uint64_t n = 1; n <= 40; n++) {
        decide(dlog, n, n);
        append(dlog, DLOG_DONE, n);
    }
    CU_ASSERT_EQUAL(dlog_sync(dlog, &err), STATUS_OK);
    dlog_close(dlog);
    *count = (int)disk_memory_count(memory, DISK_MEMORY_RENAME);
    CU_ASSERT_TRUE_FATAL(*count >= 4);
    return memory;
}

static void a_damaged_or_missing_segment_is_refused(void)
{
    struct disk disk;
    struct dlog *dlog;
    struct dlog_scan_result result;
    int count;
    char name[32];
    for (int damaged = 0; damaged < 2; damaged++)
        for (int i = 1;; i++) {
            struct disk_memory *memory = many_segments(&disk, &count);
            if (i == count) {
                disk_memory_free(memory);
                break;
            }
            snprintf(name, sizeof name, "%08d.dlog", i);
            bool done = damaged ? disk_memory_flip(memory, name, 500, 3) : disk.unlink(disk.ctx, name) == 0;
            CU_ASSERT_TRUE(done);
            CU_ASSERT_EQUAL(open_as(&dlog, &disk, "lab", 1024), STATUS_STATE);
            CU_ASSERT_PTR_NOT_NULL(strstr(err.text, name));
            CU_ASSERT_EQUAL(dlog_scan(&disk, NULL, NULL, &result, &err), STATUS_STATE);
            CU_ASSERT_TRUE(result.records > 0); /* what is readable is shown */
            disk_memory_free(memory);
        }
}

static void leftovers_are_cleared_away(void)
{
    struct disk disk;
    struct dlog *dlog;
    struct dlog_scan_result result;
    struct disk_memory *memory = six_decisions(&disk);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "reserve.new", 100), 0); /* of a roll that never ended */
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "reserve.new", 0, "junk", 4), 0);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "notes.txt", 10), 0);
    CU_ASSERT_EQUAL_FATAL(open_as(&dlog, &disk, "lab", 4096), STATUS_OK);
    dlog_close(dlog);
    CU_ASSERT_EQUAL_FATAL(open_as(&dlog, &disk, "lab", 4096), STATUS_OK);
    CU_ASSERT_EQUAL(dlog_epoch(dlog), 3);
    dlog_close(dlog);
    CU_ASSERT_EQUAL(dlog_scan(&disk, NULL, NULL, &result, &err), STATUS_OK);
    CU_ASSERT_EQUAL(result.live, 6);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "00000001.dlog", 0, &result, 1), -ENOENT);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "reserve.new", 0, &result, 1), -ENOENT);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "notes.txt", 0, &result, 1), 1); /* not ours: not touched */
    disk_memory_free(memory);
}

static void another_coordinator_is_refused(void)
{
    struct disk disk;
    struct dlog *dlog;
    struct disk_memory *memory = six_decisions(&disk);
    uint64_t before = disk_memory_count(memory, DISK_MEMORY_ANY);
    CU_ASSERT_EQUAL(open_as(&dlog, &disk, "other", 4096), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "belongs to coordinator 'lab'"));
    CU_ASSERT_EQUAL(disk_memory_count(memory, DISK_MEMORY_ANY), before);
    disk_memory_free(memory);
}

/* --- a reader beside a writer --- */

struct beside {
    struct disk disk; /* the real one */
    int reads, at;    /* when to interfere */
    void (*interfere)(struct beside *beside);
    struct dlog *dlog;
    bool half;
};

static int beside_list(void *ctx, void (*visit)(void *arg, const char *name, uint64_t size), void *arg)
{
    struct beside *beside = ctx;
    return beside->disk.list(beside->disk.ctx, visit, arg);
}

static int64_t beside_read(void *ctx, const char *name, uint64_t offset, void *out, size_t n)
{
    struct beside *beside = ctx;
    if (++beside->reads == beside->at)
        beside->interfere(beside);
    int64_t got = beside->disk.read(beside->disk.ctx, name, offset, out, n);
    if (beside->half && got > 700) { /* seen while it is being copied: a hole with newer bytes behind it */
        memset((char *)out + 500, 0, 60);
        beside->half = false;
    }
    return got;
}

static void roll_away(struct beside *beside)
{
    now_ms += 5000;
    for (uint64_t n = 100; n < 130; n++)
        decide(beside->dlog, n, n);
}

static void show_half(struct beside *beside)
{
    beside->half = true;
}

static void reading_beside_a_writer_is_never_called_damage(void)
{
    int tried = 0;
    for (int half = 0; half < 2; half++)
        for (int at = 1; at <= 40; at++) {
            int count;
            struct beside beside = {.at = at, .interfere = half ? show_half : roll_away};
            struct disk_memory *memory = many_segments(&beside.disk, &count);
            CU_ASSERT_EQUAL_FATAL(open_as(&beside.dlog, &beside.disk, "lab", 1024), STATUS_OK);
            for (uint64_t n = 50; n < 56; n++) /* the last segment, too, reaches over the hole */
                decide(beside.dlog, n, n);
            struct disk port = {.ctx = &beside, .list = beside_list, .read = beside_read};
            struct dlog_scan_result result;
            CU_ASSERT_EQUAL(dlog_scan(&port, NULL, NULL, &result, &err), STATUS_OK);
            CU_ASSERT_TRUE(result.records > 0 && result.epoch == 2);
            tried += beside.reads >= at;
            dlog_close(beside.dlog);
            disk_memory_free(memory);
        }
    CU_ASSERT_TRUE(tried > 12); /* the interference did happen */
}

static void a_scan_can_be_stopped_and_one_file_read_alone(void)
{
    struct disk disk;
    struct dlog_scan_result result;
    struct seen seen = {0};
    int count;
    struct disk_memory *memory = many_segments(&disk, &count);
    CU_ASSERT_EQUAL(dlog_scan_file(&disk, "00000003.dlog", note, &seen, &result, &err), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(seen.last_file, "00000003.dlog");
    CU_ASSERT_TRUE(result.records > 2 && result.records < 40);
    CU_ASSERT_EQUAL(dlog_scan_file(&disk, "00000099.dlog", NULL, NULL, &result, &err), STATUS_STATE);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "empty", 0), 0);
    CU_ASSERT_EQUAL(dlog_scan_file(&disk, "empty", NULL, NULL, &result, &err), STATUS_STATE);
    disk_memory_free(memory);
    memory = disk_memory_new(1);
    disk = disk_memory_port(memory);
    CU_ASSERT_EQUAL(dlog_scan(&disk, NULL, NULL, &result, &err), STATUS_OK);
    CU_ASSERT_EQUAL(result.records, 0);
    disk_memory_free(memory);
}

/* Thousands of undischarged decisions: a node that was away for long. */
static void a_large_backlog_is_carried_along(void)
{
    enum { MANY = 3000 };
    static bool done[MANY];
    struct prng prng;
    struct dlog *dlog;
    struct dlog_scan_result result;
    struct disk_memory *memory = disk_memory_new(3);
    struct disk disk = disk_memory_port(memory);
    uint64_t live = 0;
    prng_seed(&prng, 3);
    memset(done, 0, sizeof done);
    CU_ASSERT_EQUAL_FATAL(open_as(&dlog, &disk, "lab", 65536), STATUS_OK);
    for (uint64_t n = 0; n < MANY; n++) {
        append(dlog, DLOG_COMMIT, n);
        live++;
        uint64_t k = prng_below(&prng, n + 1);
        if (!done[k]) {
            append(dlog, DLOG_DONE, k);
            done[k] = true;
            live--;
        }
    }
    CU_ASSERT_EQUAL(dlog_sync(dlog, &err), STATUS_OK);
    for (int round = 0; round < 3; round++) {
        dlog_close(dlog);
        disk_memory_power_cut(memory);
        now_ms += 10000;
        CU_ASSERT_EQUAL_FATAL(open_as(&dlog, &disk, "lab", 65536), STATUS_OK);
        CU_ASSERT_EQUAL(dlog_scan(&disk, NULL, NULL, &result, &err), STATUS_OK);
        CU_ASSERT_EQUAL(result.live, live);
        int wrong = 0;
        for (uint64_t n = 0; n < MANY; n++) {
            struct gtrid gtrid = {"lab", 0xfeed, 1, n};
            wrong += !done[n] && dlog_find_commit(dlog, &gtrid, NULL) != 1;
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
    dlog_close(dlog);
    disk_memory_free(memory);
}

/* Nobody opens a log four thousand million times: somebody made it. */
static void the_last_epoch_is_refused(void)
{
    struct disk_memory *memory = disk_memory_new(1);
    struct disk disk = disk_memory_port(memory);
    struct dlog_record head = {.type = DLOG_SEGMENT,
                               .lsn = 1,
                               .epoch = UINT32_MAX,
                               .coordinator = "lab",
                               .log_id = 0xabc,
                               .segment = 1,
                               .oldest = 1,
                               .head_lsn = 1};
    struct dlog_options options = {.coordinator = "lab", .new_log_id = 1, .host = "host"};
    struct dlog *dlog = NULL;
    uint8_t frame[DLOG_FRAME_MAX];
    size_t n = dlog_encode(&head, frame, sizeof frame);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "00000001.dlog", 4096), 0);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "00000001.dlog", 0, frame, n), 0);
    CU_ASSERT_EQUAL(dlog_open(&dlog, &disk, &options, &err), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no epoch is left"));
    disk_memory_free(memory);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"damage is refused and shown", damage_is_refused_and_shown},
        {"the head of a segment is defended", the_head_of_a_segment_is_defended},
        {"a good record in the wrong place is damage", a_good_record_in_the_wrong_place_is_damage},
        {"what is not synced is not found", what_is_not_synced_is_not_found},
        {"what no sync covered may be torn in any way", what_no_sync_covered_may_be_torn_in_any_way},
        {"a damaged or missing segment is refused", a_damaged_or_missing_segment_is_refused},
        {"leftovers are cleared away", leftovers_are_cleared_away},
        {"another coordinator is refused", another_coordinator_is_refused},
        {"reading beside a writer is never called damage", reading_beside_a_writer_is_never_called_damage},
        {"a scan can be stopped and one file read alone", a_scan_can_be_stopped_and_one_file_read_alone},
        {"a large backlog is carried along", a_large_backlog_is_carried_along},
        {"the last epoch is refused", the_last_epoch_is_refused},
        {NULL, NULL},
    };
    return test_main("dlog damage", cases);
}
