#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/disk_memory.h"
#include "xatop/dlog.h"

/* Forced branches (xa-facts rule 14): what is kept of them, and until when. */

enum { RETENTION_MS = 1000, SEEN_MAX = 400 };

struct seen {
    unsigned count;
    char line[SEEN_MAX][96]; /* "SEQUENCE.BRANCH VERDICT DECIDED OUTCOME GAP" */
};

struct world {
    struct disk_memory *memory;
    struct disk disk;
    struct dlog *dlog;
    int64_t now_ms;
    uint64_t segment_bytes;
    struct err err;
    struct seen seen;
};

/* Nothing that was appended is lost. */
static enum status reopen(struct world *w)
{
    struct dlog_options options = {.coordinator = "lab",
                                   .new_log_id = 0xabc,
                                   .wall_ms = w->now_ms,
                                   .pid = 7,
                                   .host = "host",
                                   .segment_bytes = w->segment_bytes,
                                   .retention_ms = RETENTION_MS};
    if (w->dlog)
        CU_ASSERT_EQUAL(dlog_sync(w->dlog, &w->err), STATUS_OK);
    dlog_close(w->dlog);
    w->dlog = NULL;
    return dlog_open(&w->dlog, &w->disk, &options, &w->err);
}

static void begin(struct world *w, uint64_t segment_bytes)
{
    memset(w, 0, sizeof *w);
    w->memory = disk_memory_new(1);
    w->disk = disk_memory_port(w->memory);
    w->now_ms = 1000000;
    w->segment_bytes = segment_bytes;
    CU_ASSERT_EQUAL_FATAL(reopen(w), STATUS_OK);
}

static void end(struct world *w)
{
    dlog_close(w->dlog);
    disk_memory_free(w->memory);
}

static struct dlog_record record_of(const struct world *w, enum dlog_type type, uint64_t n, uint8_t branch)
{
    struct dlog_record record = {.type = type, .wall_ms = w->now_ms, .gtrid = {"lab", 0xabc, 1, n}};
    if (type == DLOG_COMMIT) {
        record.branch_count = 2;
        record.branches[0] = (struct dlog_branch){1, 0, 11, "a"};
        record.branches[1] = (struct dlog_branch){2, 1, 22, "b"};
        strcpy(record.meaning, "pay");
    } else if (type == DLOG_FORCE || type == DLOG_FORCED || type == DLOG_FORGET) {
        record.branch_count = 1;
        record.branches[0] = (struct dlog_branch){branch, 1, 22, "b"};
        strcpy(record.meaning, type == DLOG_FORCED ? "found" : "because");
    }
    return record;
}

static enum status append(struct world *w, struct dlog_record record)
{
    w->now_ms++;
    return dlog_append(w->dlog, &record, &w->err);
}

static enum status plain(struct world *w, enum dlog_type type, uint64_t n)
{
    return append(w, record_of(w, type, n, 0));
}

static enum status force(struct world *w, uint64_t n, uint8_t branch, bool commit)
{
    struct dlog_record record = record_of(w, DLOG_FORCE, n, branch);
    record.commit = commit;
    return append(w, record);
}

static enum status forced(struct world *w, uint64_t n, uint8_t branch, enum forced_outcome outcome,
                          int64_t gap)
{
    struct dlog_record record = record_of(w, DLOG_FORCED, n, branch);
    record.outcome = outcome;
    record.money_gap = gap;
    return append(w, record);
}

static void note(void *arg, const struct dlog_record *f, const struct dlog_record *r)
{
    struct seen *seen = arg;
    CU_ASSERT_TRUE_FATAL(seen->count < SEEN_MAX);
    CU_ASSERT_STRING_EQUAL(f->meaning, "because");
    CU_ASSERT_EQUAL(f->branches[0].node_id, 22);
    snprintf(seen->line[seen->count++], sizeof seen->line[0], "%d.%u %s %s %s %d", (int)f->gtrid.sequence,
             f->branches[0].branch, f->commit ? "commit" : "rollback", f->decided ? "decided" : "undecided",
             r ? forced_outcome_name(r->outcome) : "-", r ? (int)r->money_gap : 0);
}

/* What an opener and a reader see must be the same. */
static const char *kept(struct world *w, unsigned i)
{
    struct seen read = {0};
    memset(&w->seen, 0, sizeof w->seen);
    dlog_forces(w->dlog, note, &w->seen);
    CU_ASSERT_EQUAL(dlog_sync(w->dlog, &w->err), STATUS_OK);
    CU_ASSERT_EQUAL(dlog_scan_forces(&w->disk, note, &read, &w->err), STATUS_OK);
    CU_ASSERT_EQUAL(read.count, w->seen.count);
    CU_ASSERT_EQUAL(memcmp(&read, &w->seen, sizeof read), 0);
    return i < w->seen.count ? w->seen.line[i] : "";
}

static void roll(struct world *w, uint64_t from, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        plain(w, DLOG_COMMIT, from + i);
        plain(w, DLOG_DONE, from + i);
        CU_ASSERT_EQUAL(plain(w, DLOG_SWEPT, from + i), STATUS_OK);
    }
}

static void a_force_is_kept_until_it_is_forgotten(void)
{
    struct world w;
    begin(&w, 1500);
    CU_ASSERT_EQUAL(force(&w, 1, 2, true), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(kept(&w, 0), "1.2 commit undecided - 0");
    roll(&w, 10, 40);
    CU_ASSERT_STRING_EQUAL(kept(&w, 0), "1.2 commit undecided - 0");
    CU_ASSERT_EQUAL(w.seen.count, 1);
    CU_ASSERT_EQUAL(forced(&w, 1, 2, FORCED_MIXED, -500), STATUS_OK);
    for (int i = 0; i < 5; i++) {
        w.now_ms += 10 * RETENTION_MS;
        CU_ASSERT_EQUAL_FATAL(reopen(&w), STATUS_OK);
        roll(&w, 100 + (uint64_t)i * 40, 40);
        CU_ASSERT_STRING_EQUAL(kept(&w, 0), "1.2 commit undecided mixed -500");
        CU_ASSERT_EQUAL(w.seen.count, 1);
    }
    CU_ASSERT_EQUAL(append(&w, record_of(&w, DLOG_FORGET, 1, 2)), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(kept(&w, 0), "");
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(reopen(&w), STATUS_OK);
        CU_ASSERT_STRING_EQUAL(kept(&w, 0), "");
    }
    end(&w);
}

static void its_decision_stays_with_it(void)
{
    for (int late = 0; late < 2; late++) {
        struct world w;
        struct gtrid oldest;
        struct dlog_record found;
        begin(&w, 1500);
        plain(&w, DLOG_COMMIT, 1);
        CU_ASSERT_EQUAL(dlog_sync(w.dlog, &w.err), STATUS_OK);
        if (late)
            plain(&w, DLOG_DONE, 1);
        CU_ASSERT_EQUAL(force(&w, 1, 2, false), STATUS_OK);
        if (!late)
            plain(&w, DLOG_DONE, 1);
        for (int i = 0; i < 5; i++) {
            CU_ASSERT_STRING_EQUAL(kept(&w, 0), "1.2 rollback decided - 0");
            CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &(struct gtrid){"lab", 0xabc, 1, 1}, &found), 1);
            CU_ASSERT_STRING_EQUAL(found.meaning, "pay");
            CU_ASSERT_TRUE(dlog_oldest(w.dlog, &oldest));
            CU_ASSERT_EQUAL(oldest.sequence, 1);
            roll(&w, 100 + (uint64_t)i * 50, 40);
            w.now_ms += 10 * RETENTION_MS;
            roll(&w, 140 + (uint64_t)i * 50, 10);
            CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &(struct gtrid){"lab", 0xabc, 1, 100}, NULL), 0);
            CU_ASSERT_EQUAL_FATAL(reopen(&w), STATUS_OK);
        }
        end(&w);
    }
}

static void a_force_decides_nothing(void)
{
    struct world w;
    begin(&w, 0);
    CU_ASSERT_EQUAL(force(&w, 1, 1, true), STATUS_OK);
    CU_ASSERT_EQUAL(forced(&w, 1, 1, FORCED_HAZARD, 0), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(kept(&w, 0), "1.1 commit undecided hazard 0");
    CU_ASSERT_EQUAL(dlog_find_commit(w.dlog, &(struct gtrid){"lab", 0xabc, 1, 1}, NULL), 0);
    end(&w);
}

static void several_forces_of_one_branch_keep_their_order(void)
{
    struct world w;
    begin(&w, 1500);
    force(&w, 1, 2, true);
    forced(&w, 1, 2, FORCED_HAZARD, 1);
    force(&w, 2, 1, true);
    force(&w, 1, 2, false);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_STRING_EQUAL(kept(&w, 0), "1.2 commit undecided hazard 1");
        CU_ASSERT_STRING_EQUAL(kept(&w, 1), "2.1 commit undecided - 0");
        CU_ASSERT_STRING_EQUAL(kept(&w, 2), "1.2 rollback undecided - 0");
        CU_ASSERT_EQUAL(w.seen.count, 3);
        CU_ASSERT_EQUAL_FATAL(reopen(&w), STATUS_OK);
        roll(&w, 100 + (uint64_t)i * 40, i % 2 ? 0 : 20);
    }
    forced(&w, 1, 2, FORCED_MIXED, 2);
    CU_ASSERT_EQUAL_FATAL(reopen(&w), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(kept(&w, 2), "1.2 rollback undecided mixed 2");
    append(&w, record_of(&w, DLOG_FORGET, 1, 2));
    force(&w, 1, 2, true); /* forced anew behind the FORGET */
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_STRING_EQUAL(kept(&w, 0), "2.1 commit undecided - 0");
        CU_ASSERT_STRING_EQUAL(kept(&w, 1), "1.2 commit undecided - 0");
        CU_ASSERT_EQUAL(w.seen.count, 2);
        CU_ASSERT_EQUAL_FATAL(reopen(&w), STATUS_OK);
    }
    end(&w);
}

static void what_cannot_be_kept_is_refused(void)
{
    struct world w;
    begin(&w, 0);
    CU_ASSERT_EQUAL(forced(&w, 1, 1, FORCED_MIXED, 0), STATUS_REFUSED);
    CU_ASSERT_EQUAL(append(&w, record_of(&w, DLOG_FORGET, 1, 1)), STATUS_REFUSED);
    for (uint64_t n = 0; n < DLOG_FORCES_MAX; n++)
        CU_ASSERT_EQUAL(force(&w, n, 1, true), STATUS_OK);
    CU_ASSERT_EQUAL(force(&w, 9999, 1, true), STATUS_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.err.text, "256"));
    CU_ASSERT_TRUE(dlog_healthy(w.dlog));
    CU_ASSERT_EQUAL(append(&w, record_of(&w, DLOG_FORGET, 0, 1)), STATUS_OK);
    CU_ASSERT_EQUAL(force(&w, 9999, 1, true), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(kept(&w, DLOG_FORCES_MAX - 1), "9999.1 commit undecided - 0");
    CU_ASSERT_EQUAL_FATAL(reopen(&w), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(kept(&w, DLOG_FORCES_MAX - 1), "9999.1 commit undecided - 0");
    CU_ASSERT_EQUAL(w.seen.count, DLOG_FORCES_MAX);
    end(&w);
}

static void the_reason_is_made_harmless(void)
{
    struct world w;
    begin(&w, 0);
    struct dlog_record record = record_of(&w, DLOG_FORCE, 1, 1);
    strcpy(record.meaning, "red \033[31m alert");
    CU_ASSERT_EQUAL(dlog_append(w.dlog, &record, &w.err), STATUS_OK);
    CU_ASSERT_PTR_NULL(strchr(record.meaning, '\033'));
    CU_ASSERT_PTR_NOT_NULL(strstr(record.meaning, "alert"));
    end(&w);
}

/* The same steps with a death in each disk operation. What had been synced holds; the rest may or may not. */
struct step {
    enum dlog_type type;
    uint64_t n;
};

static const struct step steps[] = {{DLOG_COMMIT, 1}, {DLOG_FORCE, 1},  {DLOG_FORCE, 2},  {DLOG_DONE, 1},
                                    {DLOG_FORCED, 1}, {DLOG_FORCE, 3},  {DLOG_FORCED, 2}, {DLOG_FORGET, 3},
                                    {DLOG_FORCED, 3}, {DLOG_FORCE, 4},  {DLOG_FORGET, 4}, {DLOG_FORCE, 4},
                                    {DLOG_FORCE, 5},  {DLOG_FORGET, 1}, {DLOG_FORGET, 5}, {DLOG_FORGET, 2},
                                    {DLOG_FORCED, 4}, {DLOG_FORCE, 6}};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* After each step, what is kept: '-' nothing, 'f' forced, 'o' with its outcome; by n from 1. */
static void expected(unsigned count, char out[8])
{
    strcpy(out, "------");
    for (unsigned i = 0; i < count; i++) {
        char *place = &out[steps[i].n - 1];
        if (steps[i].type == DLOG_FORCE)
            *place = 'f';
        else if (steps[i].type == DLOG_FORGET)
            *place = '-';
        else if (steps[i].type == DLOG_FORCED && *place != '-')
            *place = 'o';
    }
}

static void note_state(void *arg, const struct dlog_record *f, const struct dlog_record *r)
{
    char *out = arg;
    char *place = &out[f->gtrid.sequence - 1];
    *place = *place != '-' ? '2' : r ? 'o' : 'f';
}

/* Number of steps that are certain. The rest of the log is filled up so that it rolls. */
static unsigned walk(struct world *w)
{
    unsigned certain = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        struct dlog_record record = record_of(w, steps[i].type, steps[i].n, 1);
        record.outcome = steps[i].type == DLOG_FORCED ? FORCED_MIXED : FORCED_NONE;
        enum status status = append(w, record);
        if (status != STATUS_OK && status != STATUS_REFUSED)
            return certain;
        for (uint64_t k = 0; k < 3; k++)
            if (plain(w, DLOG_COMMIT, 100 + 10 * i + k) != STATUS_OK ||
                plain(w, DLOG_DONE, 100 + 10 * i + k) != STATUS_OK ||
                plain(w, DLOG_SWEPT, 100 + 10 * i + k) != STATUS_OK)
                return certain;
        if (dlog_sync(w->dlog, &w->err) != STATUS_OK)
            return certain;
        certain = i + 1;
    }
    return certain;
}

static bool as_after(struct world *w, unsigned count)
{
    char want[8], is[8] = "------";
    expected(count, want);
    dlog_forces(w->dlog, note_state, is);
    return strcmp(want, is) == 0;
}

static void forces_survive_death_at_every_operation(void)
{
    struct world w;
    begin(&w, 1500);
    CU_ASSERT_EQUAL(walk(&w), STEPS);
    CU_ASSERT_TRUE(as_after(&w, STEPS));
    uint64_t operations = disk_memory_count(w.memory, DISK_MEMORY_ANY), first;
    end(&w);
    int broken = 0;
    begin(&w, 1500);
    first = disk_memory_count(w.memory, DISK_MEMORY_ANY);
    end(&w);
    CU_ASSERT_TRUE(operations > first + 40);
    for (uint64_t n = 1; n <= operations - first; n++)
        for (int power = 0; power < 2; power++) {
            begin(&w, 1500);
            disk_memory_die_at(w.memory, n);
            unsigned certain = walk(&w);
            dlog_close(w.dlog);
            w.dlog = NULL;
            power ? disk_memory_power_cut(w.memory) : disk_memory_crash(w.memory);
            for (int again = 0; again < 3; again++) {
                CU_ASSERT_EQUAL_FATAL(reopen(&w), STATUS_OK);
                broken += !as_after(&w, certain) && (certain == STEPS || !as_after(&w, certain + 1));
                broken += certain >= 1 && certain < 13 &&
                          dlog_find_commit(w.dlog, &(struct gtrid){"lab", 0xabc, 1, 1}, NULL) != 1;
                w.now_ms += 10 * RETENTION_MS;
            }
            end(&w);
        }
    CU_ASSERT_EQUAL(broken, 0);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"a force is kept until it is forgotten", a_force_is_kept_until_it_is_forgotten},
        {"its decision stays with it", its_decision_stays_with_it},
        {"a force decides nothing", a_force_decides_nothing},
        {"several forces of one branch keep their order", several_forces_of_one_branch_keep_their_order},
        {"what cannot be kept is refused", what_cannot_be_kept_is_refused},
        {"forces survive death at every operation", forces_survive_death_at_every_operation},
        {"the reason is made harmless", the_reason_is_made_harmless},
        {NULL, NULL},
    };
    return test_main("dlog force", cases);
}
