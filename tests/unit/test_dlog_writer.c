#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cunit_main.h"
#include "xatop/clock.h"
#include "xatop/disk_memory.h"
#include "xatop/dlog_writer.h"
#include "xatop/worker.h"

static struct err err;

static struct dlog *open_log(const struct disk *disk, uint64_t segment_bytes)
{
    struct dlog_options options = {.coordinator = "lab",
                                   .new_log_id = 1,
                                   .wall_ms = 1000,
                                   .host = "here",
                                   .segment_bytes = segment_bytes,
                                   .retention_ms = 1000000};
    struct dlog *dlog = NULL;
    CU_ASSERT_EQUAL_FATAL(dlog_open(&dlog, disk, &options, &err), STATUS_OK);
    return dlog;
}

struct harm {
    enum fault_act act;
    uint8_t node;
    bool told; /* the request had been told when it came */
};

struct rig {
    struct disk_memory *memory;
    struct disk disk;
    struct dlog *dlog;
    struct dlog_writer *writer;
    struct mailbox *outbox;
    uint64_t log_id;
    uint32_t epoch;
    int crashes;
    unsigned harm_count, done_count;
    struct harm harms[4];
};

static void post(void *arg, struct dlog_request *request)
{
    struct rig *rig = arg;
    rig->done_count++;
    xatop_assert(mailbox_post(rig->outbox, request));
}

static void note_crash(void *arg)
{
    struct rig *rig = arg;
    rig->crashes++;
    mailbox_close(rig->outbox);
}

static void note_harm(void *arg, enum fault_act act, uint8_t node)
{
    struct rig *rig = arg;
    rig->harms[rig->harm_count++ % 4] = (struct harm){act, node, rig->done_count > 0};
}

static void rig_start(struct rig *rig, const struct disk *disk)
{
    const struct dlog_writer_hooks hooks = {.done = post, .crash = note_crash, .harm = note_harm, .arg = rig};
    memset(rig, 0, sizeof *rig);
    if (!disk) {
        rig->memory = disk_memory_new(1);
        rig->disk = disk_memory_port(rig->memory);
    } else {
        rig->disk = *disk;
    }
    rig->dlog = open_log(&rig->disk, disk ? 0 : 8192);
    rig->log_id = dlog_log_id(rig->dlog);
    rig->epoch = dlog_epoch(rig->dlog);
    rig->outbox = mailbox_new(DLOG_QUEUE_MAX);
    CU_ASSERT_EQUAL_FATAL(dlog_writer_start(&rig->writer, rig->dlog, &hooks, &err), STATUS_OK);
}

static void rig_stop(struct rig *rig)
{
    dlog_writer_stop(rig->writer);
    dlog_close(rig->dlog);
    mailbox_free(rig->outbox);
    disk_memory_free(rig->memory);
}

static void prepare(const struct rig *rig, struct dlog_request *request, enum dlog_type type,
                    uint64_t sequence)
{
    *request = (struct dlog_request){.forced = dlog_type_forced(type), .token = sequence};
    request->record = (struct dlog_record){
        .type = type, .wall_ms = 1000, .gtrid = {"lab", rig->log_id, rig->epoch, sequence}};
    if (type == DLOG_COMMIT) {
        request->record.branch_count = 1;
        request->record.branches[0] = (struct dlog_branch){1, 0, 1, "a"};
    }
}

static struct dlog_request *next(struct rig *rig)
{
    void *item = NULL;
    CU_ASSERT_EQUAL_FATAL(mailbox_wait(rig->outbox, &item, 1, 10000), 1);
    return item;
}

enum { THREADS = 4, EACH = 400 };

struct submitter {
    struct rig *rig;
    struct worker *worker;
    struct dlog_request *requests;
    int number;
};

static void submit_all(void *arg, void *item)
{
    struct submitter *s = arg;
    for (int i = 0; i < EACH; i++) {
        prepare(s->rig, &s->requests[i], i % 4 == 3 ? DLOG_DONE : DLOG_COMMIT,
                (uint64_t)(s->number * EACH + (i % 4 == 3 ? i - 1 : i) + 1));
        dlog_writer_submit(s->rig->writer, &s->requests[i]);
    }
}

static void many_threads_share_the_syncs(void)
{
    struct rig rig;
    struct submitter submitters[THREADS];
    rig_start(&rig, NULL);
    uint64_t before = disk_memory_count(rig.memory, DISK_MEMORY_SYNC);
    for (int t = 0; t < THREADS; t++) {
        submitters[t] = (struct submitter){.rig = &rig, .number = t};
        submitters[t].requests = calloc(EACH, sizeof(struct dlog_request));
        CU_ASSERT_EQUAL_FATAL(
            worker_start(&submitters[t].worker, "test-submit", 1, submit_all, &submitters[t], &err),
            STATUS_OK);
        worker_submit(submitters[t].worker, &submitters[t]);
    }
    uint64_t lsn = 0;
    int disorder = 0, failed = 0, unsynced = 0;
    uint32_t largest = 0;
    for (int n = 0; n < THREADS * EACH; n++) {
        const struct dlog_request *request = next(&rig);
        disorder += request->record.lsn <= lsn;
        lsn = request->record.lsn;
        failed += request->status != STATUS_OK || request->append_us == 0;
        unsynced += request->forced && (request->durable_us < request->append_us || request->group == 0);
        if (largest < request->group)
            largest = request->group;
    }
    for (int t = 0; t < THREADS; t++) {
        worker_stop(submitters[t].worker, NULL);
        free(submitters[t].requests);
    }
    dlog_writer_stop(rig.writer);
    rig.writer = NULL;
    uint64_t syncs = disk_memory_count(rig.memory, DISK_MEMORY_SYNC) - before;
    CU_ASSERT_EQUAL(disorder, 0);
    CU_ASSERT_EQUAL(failed, 0);
    CU_ASSERT_EQUAL(unsynced, 0);
    CU_ASSERT_TRUE(largest >= 1);
    CU_ASSERT_TRUE(syncs < THREADS * EACH);
    dlog_close(rig.dlog);
    disk_memory_power_cut(rig.memory);
    rig.dlog = open_log(&rig.disk, 8192);
    int missing = 0;
    for (uint64_t t = 0; t < THREADS; t++)
        for (uint64_t i = 0; i < EACH; i += 7) {
            struct gtrid gtrid = {"lab", rig.log_id, rig.epoch, t * EACH + i + 1};
            missing += dlog_find_commit(rig.dlog, &gtrid, NULL) != (i % 4 != 3);
        }
    CU_ASSERT_EQUAL(missing, 0);
    rig_stop(&rig);
}

static void lookups_see_what_was_decided_before_them(void)
{
    struct rig rig;
    struct dlog_request commit, known, unknown, done, later;
    rig_start(&rig, NULL);
    prepare(&rig, &commit, DLOG_COMMIT, 5);
    prepare(&rig, &known, DLOG_COMMIT, 5);
    prepare(&rig, &unknown, DLOG_COMMIT, 6);
    prepare(&rig, &done, DLOG_DONE, 5);
    prepare(&rig, &later, DLOG_COMMIT, 5);
    known.find = unknown.find = later.find = true;
    dlog_writer_submit(rig.writer, &commit);
    dlog_writer_submit(rig.writer, &known);
    dlog_writer_submit(rig.writer, &unknown);
    dlog_writer_submit(rig.writer, &done);
    dlog_writer_submit(rig.writer, &later);
    CU_ASSERT_PTR_EQUAL(next(&rig), &commit);
    CU_ASSERT_PTR_EQUAL(next(&rig), &known);
    CU_ASSERT_TRUE(known.found == 1 && known.record.branches[0].node_id == 1);
    CU_ASSERT_PTR_EQUAL(next(&rig), &unknown);
    CU_ASSERT_EQUAL(unknown.found, 0);
    CU_ASSERT_PTR_EQUAL(next(&rig), &done);
    CU_ASSERT_TRUE(done.status == STATUS_OK && done.durable_us == 0);
    CU_ASSERT_PTR_EQUAL(next(&rig), &later);
    CU_ASSERT_EQUAL(later.found, 1);
    rig_stop(&rig);
}

static void an_unforced_record_is_written_soon_and_synced_at_the_stop(void)
{
    struct rig rig;
    struct dlog_request commit, done;
    rig_start(&rig, NULL);
    prepare(&rig, &commit, DLOG_COMMIT, 1);
    prepare(&rig, &done, DLOG_DONE, 1);
    dlog_writer_submit(rig.writer, &commit);
    dlog_writer_submit(rig.writer, &done);
    next(&rig);
    next(&rig);
    dlog_writer_stop(rig.writer);
    rig.writer = NULL;
    dlog_close(rig.dlog);
    rig.dlog = NULL;
    disk_memory_power_cut(rig.memory);
    struct dlog_scan_result result;
    CU_ASSERT_EQUAL(dlog_scan(&rig.disk, NULL, NULL, &result, &err), STATUS_OK);
    CU_ASSERT_EQUAL(result.live, 0);
    CU_ASSERT_EQUAL(result.last_lsn, done.record.lsn);
    rig_stop(&rig);
}

/* After a failure: the group's fate is open, later records are refused, and a new opening tells the truth. */
static void a_failed_sync_leaves_doubt(void)
{
    static const enum disk_memory_op ops[] = {DISK_MEMORY_WRITE, DISK_MEMORY_SYNC};
    for (int i = 0; i < 4; i++) {
        struct rig rig;
        struct dlog_request first, second, look;
        rig_start(&rig, NULL);
        prepare(&rig, &first, DLOG_COMMIT, 1);
        prepare(&rig, &second, DLOG_COMMIT, 2);
        prepare(&rig, &look, DLOG_COMMIT, 1);
        look.find = true;
        if (i < 2)
            disk_memory_fail_at(rig.memory, ops[i], 1, 5);
        else if (i == 2)
            first.append_fault = FAULT_LOGFAIL;
        else
            first.durable_fault = FAULT_LOGFAIL;
        dlog_writer_submit(rig.writer, &first);
        dlog_writer_submit(rig.writer, &look);
        CU_ASSERT_PTR_EQUAL(next(&rig), &first);
        CU_ASSERT_EQUAL(first.status, STATUS_PENDING);
        CU_ASSERT_PTR_NOT_NULL(strstr(first.err.text, "in doubt"));
        CU_ASSERT_PTR_EQUAL(next(&rig), &look);
        CU_ASSERT_EQUAL(look.found, -1);
        dlog_writer_submit(rig.writer, &second);
        CU_ASSERT_PTR_EQUAL(next(&rig), &second);
        CU_ASSERT_EQUAL(second.status, STATUS_STATE);
        dlog_writer_stop(rig.writer);
        rig.writer = NULL;
        dlog_close(rig.dlog);
        disk_memory_crash(rig.memory);
        rig.dlog = open_log(&rig.disk, 8192);
        int found = dlog_find_commit(rig.dlog, &first.record.gtrid, NULL);
        CU_ASSERT_TRUE(found >= 0);
        CU_ASSERT_TRUE(i != 2 || found == 0);
        CU_ASSERT_TRUE(i != 3 || found == 1); /* it was durable all along */
        CU_ASSERT_EQUAL(dlog_find_commit(rig.dlog, &second.record.gtrid, NULL), 0);
        rig_stop(&rig);
    }
}

static void an_injected_crash_drops_what_is_queued(void)
{
    for (int durable = 0; durable < 2; durable++) {
        struct rig rig;
        struct dlog_request commits[3];
        void *item;
        rig_start(&rig, NULL);
        for (int i = 0; i < 3; i++)
            prepare(&rig, &commits[i], DLOG_COMMIT, (uint64_t)i + 1);
        *(durable ? &commits[1].durable_fault : &commits[1].append_fault) = FAULT_CRASH;
        for (int i = 0; i < 3; i++)
            dlog_writer_submit(rig.writer, &commits[i]);
        CU_ASSERT_PTR_EQUAL(next(&rig), &commits[0]);
        CU_ASSERT_EQUAL(mailbox_wait(rig.outbox, &item, 1, 10000), 0); /* closed by note_crash */
        dlog_writer_stop(rig.writer);
        rig.writer = NULL;
        CU_ASSERT_EQUAL(rig.crashes, 1);
        dlog_close(rig.dlog);
        disk_memory_power_cut(rig.memory);
        rig.dlog = open_log(&rig.disk, 8192);
        CU_ASSERT_EQUAL(dlog_find_commit(rig.dlog, &commits[0].record.gtrid, NULL), 1);
        CU_ASSERT_EQUAL(dlog_find_commit(rig.dlog, &commits[1].record.gtrid, NULL), durable);
        CU_ASSERT_EQUAL(dlog_find_commit(rig.dlog, &commits[2].record.gtrid, NULL), 0);
        rig_stop(&rig);
    }
}

static void a_node_is_struck_before_anybody_is_told(void)
{
    struct rig rig;
    struct dlog_request commit;
    rig_start(&rig, NULL);
    prepare(&rig, &commit, DLOG_COMMIT, 1);
    commit.append_fault = FAULT_KILL;
    commit.append_node = 3;
    commit.durable_fault = FAULT_CUT;
    commit.durable_node = 1;
    dlog_writer_submit(rig.writer, &commit);
    CU_ASSERT_PTR_EQUAL(next(&rig), &commit);
    CU_ASSERT_EQUAL(commit.status, STATUS_OK);
    CU_ASSERT_EQUAL(rig.harm_count, 2);
    CU_ASSERT_TRUE(rig.harms[0].act == FAULT_KILL && rig.harms[0].node == 3 && !rig.harms[0].told);
    CU_ASSERT_TRUE(rig.harms[1].act == FAULT_CUT && rig.harms[1].node == 1 && !rig.harms[1].told);
    rig_stop(&rig);
}

static void an_injected_delay_is_held(void)
{
    struct rig rig;
    struct dlog_request commit;
    rig_start(&rig, NULL);
    prepare(&rig, &commit, DLOG_COMMIT, 1);
    commit.append_fault = FAULT_DELAY;
    commit.append_ms = 30;
    int64_t before_us = clock_mono_us();
    dlog_writer_submit(rig.writer, &commit);
    next(&rig);
    CU_ASSERT_EQUAL(commit.status, STATUS_OK);
    CU_ASSERT_TRUE(commit.append_us - before_us >= 29000);
    rig_stop(&rig);
}

static void unlink_one(void *arg, const char *name, uint64_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", (const char *)arg, name);
    unlink(path);
}

/* Figures, never a verdict: a test machine's disk is nobody's promise. */
static void figures_of_group_commit(void)
{
    enum { ALONE = 200, TOGETHER = 4000, INFLIGHT = 64 };
    static struct dlog_request requests[INFLIGHT];
    char dir[] = "/tmp/xatop-test-writer-XXXXXX";
    struct disk disk;
    struct rig rig;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    CU_ASSERT_EQUAL_FATAL(disk_file_open(&disk, dir, false, &err), STATUS_OK);
    int64_t start_us = clock_mono_us();
    rig_start(&rig, &disk);
    int64_t open_us = clock_mono_us() - start_us;
    uint64_t sequence = 0;
    start_us = clock_mono_us();
    for (int i = 0; i < ALONE; i++) {
        prepare(&rig, &requests[0], DLOG_COMMIT, ++sequence);
        dlog_writer_submit(rig.writer, &requests[0]);
        CU_ASSERT_EQUAL(next(&rig)->status, STATUS_OK);
    }
    double alone = ALONE * 1e6 / (double)(clock_mono_us() - start_us);
    start_us = clock_mono_us();
    for (int i = 0; i < INFLIGHT; i++) {
        prepare(&rig, &requests[i], DLOG_COMMIT, ++sequence);
        dlog_writer_submit(rig.writer, &requests[i]);
    }
    uint64_t grouped = 0;
    for (int i = 0; i < TOGETHER; i++) {
        struct dlog_request *request = next(&rig);
        CU_ASSERT_EQUAL(request->status, STATUS_OK);
        grouped += request->group;
        if (i + INFLIGHT < TOGETHER) {
            prepare(&rig, request, DLOG_COMMIT, ++sequence);
            dlog_writer_submit(rig.writer, request);
        }
    }
    double together = TOGETHER * 1e6 / (double)(clock_mono_us() - start_us);
    printf("# open %.1f ms; one sync each %.0f/s; 64 in flight %.0f/s, %.1f a group; ratio %.1f\n",
           (double)open_us / 1e3, alone, together, (double)grouped / TOGETHER, together / alone);
    rig_stop(&rig);
    disk.list(disk.ctx, unlink_one, dir);
    disk_file_close(&disk);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"many threads share the syncs", many_threads_share_the_syncs},
        {"lookups see what was decided before them", lookups_see_what_was_decided_before_them},
        {"an unforced record is written soon and synced at the stop",
         an_unforced_record_is_written_soon_and_synced_at_the_stop},
        {"a failed sync leaves doubt", a_failed_sync_leaves_doubt},
        {"an injected crash drops what is queued", an_injected_crash_drops_what_is_queued},
        {"an injected delay is held", an_injected_delay_is_held},
        {"a node is struck before anybody is told", a_node_is_struck_before_anybody_is_told},
        {"figures of group commit", figures_of_group_commit},
        {NULL, NULL},
    };
    return test_main("dlog writer", cases);
}
