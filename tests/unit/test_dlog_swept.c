#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "xatop/disk_memory.h"
#include "xatop/dlog.h"

/* When a COMMIT record may go (xa-facts rule 6). */

enum { RETENTION_MS = 1000 };

struct world {
    struct disk_memory *memory;
    struct disk disk;
    struct dlog *dlog;
    int64_t now_ms;
    uint64_t segment_bytes;
    struct err err;
};

static void reopen(struct world *w)
{
    struct dlog_options options = {.coordinator = "lab",
                                   .new_log_id = 0xabc,
                                   .wall_ms = w->now_ms,
                                   .host = "host",
                                   .segment_bytes = w->segment_bytes,
                                   .retention_ms = RETENTION_MS};
    if (w->dlog)
        CU_ASSERT_EQUAL(dlog_sync(w->dlog, &w->err), STATUS_OK);
    dlog_close(w->dlog);
    w->dlog = NULL;
    CU_ASSERT_EQUAL_FATAL(dlog_open(&w->dlog, &w->disk, &options, &w->err), STATUS_OK);
}

static void begin(struct world *w, uint64_t segment_bytes)
{
    memset(w, 0, sizeof *w);
    w->memory = disk_memory_new(1);
    w->disk = disk_memory_port(w->memory);
    w->now_ms = 1000000;
    w->segment_bytes = segment_bytes;
    reopen(w);
}

static void end(struct world *w)
{
    dlog_close(w->dlog);
    disk_memory_free(w->memory);
}

static void append(struct world *w, enum dlog_type type, uint64_t n)
{
    struct dlog_record record = {.type = type, .wall_ms = w->now_ms, .gtrid = {"lab", 0xabc, 1, n}};
    if (type == DLOG_COMMIT) {
        record.branch_count = 1;
        record.branches[0] = (struct dlog_branch){1, 0, 11, "a"};
    }
    CU_ASSERT_EQUAL(dlog_append(w->dlog, &record, &w->err), STATUS_OK);
}

static int found(struct world *w, uint64_t n)
{
    return dlog_find_commit(w->dlog, &(struct gtrid){"lab", 0xabc, 1, n}, NULL);
}

static void both(struct world *w, uint64_t n)
{
    append(w, DLOG_COMMIT, n);
    append(w, DLOG_DONE, n);
}

/* The retention time alone lets nothing go: not while running, not at an opening. */
static void nothing_goes_unswept(void)
{
    struct world w;
    begin(&w, 2000);
    for (uint64_t n = 1; n <= 100; n++) {
        w.now_ms += 3 * RETENTION_MS;
        both(&w, n);
        if (n == 50)
            append(&w, DLOG_SWEPT, 20);
        if (n % 30 == 0)
            reopen(&w);
    }
    CU_ASSERT_EQUAL(dlog_sync(w.dlog, &w.err), STATUS_OK);
    int gone = 0;
    for (uint64_t n = 1; n <= 100; n++) {
        gone += found(&w, n) == 0;
        CU_ASSERT_TRUE(found(&w, n) == 1 || n <= 20);
    }
    CU_ASSERT_TRUE(gone > 5); /* what was swept, as far as whole segments go */
    end(&w);
}

/* The time after the sweep counts too: a node may lose once more what the sweep saw. */
static void retention_counts_from_the_sweep(void)
{
    struct world w;
    begin(&w, 0);
    both(&w, 1);
    w.now_ms += 5 * RETENTION_MS;
    append(&w, DLOG_SWEPT, 1);
    w.now_ms += RETENTION_MS - 1;
    for (int i = 0; i < 3; i++) { /* a SWEPT that is read keeps its time */
        reopen(&w);
        CU_ASSERT_EQUAL(found(&w, 1), 1);
    }
    w.now_ms++;
    reopen(&w);
    CU_ASSERT_EQUAL(found(&w, 1), 0);
    end(&w);
}

/* Later ones, which cover no more, do not move it on. */
static void sweeps_that_go_on_hold_nothing_back(void)
{
    struct world w;
    begin(&w, 2000);
    uint64_t n = 0;
    for (; n < 100; n++) {
        w.now_ms += RETENTION_MS / 10;
        both(&w, n + 1);
        append(&w, DLOG_SWEPT, n + 1);
    }
    CU_ASSERT_EQUAL(found(&w, 1), 0);
    CU_ASSERT_EQUAL(found(&w, 50), 0);
    struct gtrid oldest;
    CU_ASSERT_TRUE(dlog_oldest(w.dlog, &oldest) && oldest.sequence > 50);
    end(&w);
}

/* It is copied when its segment goes, and an older one takes nothing back. */
static void the_newest_sweep_stays(void)
{
    struct world w;
    begin(&w, 0);
    both(&w, 1);
    append(&w, DLOG_SWEPT, 1);
    append(&w, DLOG_SWEPT, 0);
    for (int i = 0; i < 3; i++) {
        w.now_ms += 2 * RETENTION_MS;
        reopen(&w);
        CU_ASSERT_EQUAL(found(&w, 1), 0);
    }
    both(&w, 1); /* discharged anew: a DONE had been lost */
    reopen(&w);
    CU_ASSERT_EQUAL(found(&w, 1), 1);
    w.now_ms += RETENTION_MS;
    reopen(&w);
    CU_ASSERT_EQUAL(found(&w, 1), 0);
    both(&w, 2);
    w.now_ms += 2 * RETENTION_MS;
    reopen(&w);
    CU_ASSERT_EQUAL(found(&w, 2), 1);
    end(&w);
}

/* Nobody was told of it, and presumed abort says the same once it is gone. */
static void what_is_void_needs_no_sweep(void)
{
    struct world w;
    struct gtrid oldest;
    begin(&w, 0);
    append(&w, DLOG_COMMIT, 1);
    append(&w, DLOG_ABORT, 1);
    reopen(&w);
    CU_ASSERT_TRUE(dlog_oldest(w.dlog, &oldest));
    w.now_ms += RETENTION_MS;
    reopen(&w);
    CU_ASSERT_FALSE(dlog_oldest(w.dlog, &oldest));
    end(&w);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"nothing goes unswept", nothing_goes_unswept},
        {"retention counts from the sweep", retention_counts_from_the_sweep},
        {"sweeps that go on hold nothing back", sweeps_that_go_on_hold_nothing_back},
        {"the newest sweep stays", the_newest_sweep_stays},
        {"what is void needs no sweep", what_is_void_needs_no_sweep},
        {NULL, NULL},
    };
    return test_main("dlog swept", cases);
}
