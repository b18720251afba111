#include "config.h"

#include <errno.h>
#include <string.h>

#include "cunit_main.h"
#include "xatop/disk_memory.h"

static bool present(const struct disk *disk, const char *name)
{
    char byte;
    return disk->read(disk->ctx, name, 0, &byte, 1) >= 0;
}

static void sync_is_kept_and_nothing_else_is_certain(void)
{
    int lost = 0, kept = 0, torn = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct disk_memory *memory = disk_memory_new(seed);
        struct disk disk = disk_memory_port(memory);
        char got[64];
        CU_ASSERT_EQUAL(disk.create(disk.ctx, "f", 4096), 0);
        CU_ASSERT_EQUAL(disk.write(disk.ctx, "f", 0, "synced", 6), 0);
        CU_ASSERT_EQUAL(disk.sync(disk.ctx, "f"), 0);
        CU_ASSERT_EQUAL(disk.sync_dir(disk.ctx), 0);
        CU_ASSERT_EQUAL(disk.write(disk.ctx, "f", 1000, "0123456789abcdefghijklmnopqrstuvwxyz", 36), 0);
        disk_memory_crash(memory);
        CU_ASSERT_EQUAL(disk.read(disk.ctx, "f", 1000, got, 36), 36);
        CU_ASSERT_EQUAL(memcmp(got, "0123456789abcdefghijklmnopqrstuvwxyz", 36),
                        0); /* the page cache outlives us */
        disk_memory_power_cut(memory);
        CU_ASSERT_EQUAL(disk.read(disk.ctx, "f", 0, got, 6), 6);
        CU_ASSERT_EQUAL(memcmp(got, "synced", 6), 0);
        CU_ASSERT_EQUAL(disk.read(disk.ctx, "f", 1000, got, 36),
                        36); /* 24 bytes in one sector, 12 in the next */
        bool first = got[0] == '0', last = got[35] == 'z';
        kept += first && last;
        lost += !first && !last;
        torn += first != last;
        disk_memory_free(memory);
    }
    CU_ASSERT_TRUE(kept > 5 && lost > 20 && torn > 20);
}

static void names_are_certain_after_sync_dir_only(void)
{
    int kept_new = 0, both = 0, neither = 0, came_back = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct disk_memory *memory = disk_memory_new(seed);
        struct disk disk = disk_memory_port(memory);
        disk.create(disk.ctx, "old", 1);
        disk.create(disk.ctx, "gone", 1);
        CU_ASSERT_EQUAL(disk.sync_dir(disk.ctx), 0);
        CU_ASSERT_EQUAL(disk.rename(disk.ctx, "old", "new"), 0);
        CU_ASSERT_EQUAL(disk.unlink(disk.ctx, "gone"), 0);
        CU_ASSERT_FALSE(present(&disk, "old") || present(&disk, "gone"));
        disk_memory_power_cut(memory);
        kept_new += present(&disk, "new");
        both += present(&disk, "new") && present(&disk, "old");
        neither += !present(&disk, "new") && !present(&disk, "old");
        came_back += present(&disk, "gone");
        disk_memory_free(memory);
    }
    CU_ASSERT_TRUE(kept_new > 50 && kept_new < 250 && came_back > 50);
    CU_ASSERT_EQUAL(both + neither, 0); /* a rename is atomic */
}

static void a_failed_sync_forgets_for_good(void)
{
    int lost = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct disk_memory *memory = disk_memory_new(seed);
        struct disk disk = disk_memory_port(memory);
        char got = 0;
        disk.create(disk.ctx, "f", 10);
        disk.sync_dir(disk.ctx);
        disk.write(disk.ctx, "f", 0, "x", 1);
        disk_memory_fail_at(memory, DISK_MEMORY_SYNC, 1, EIO);
        CU_ASSERT_EQUAL(disk.sync(disk.ctx, "f"), -EIO);
        CU_ASSERT_EQUAL(disk.sync(disk.ctx, "f"), 0); /* the kernel says all is well now */
        disk.read(disk.ctx, "f", 0, &got, 1);
        CU_ASSERT_EQUAL(got, 'x');
        disk_memory_power_cut(memory);
        got = 0;
        disk.read(disk.ctx, "f", 0, &got, 1);
        lost += got != 'x';
        disk_memory_free(memory);
    }
    CU_ASSERT_TRUE(lost > 10);
}

static void failures_and_deaths_come_when_they_are_armed(void)
{
    struct disk_memory *memory = disk_memory_new(1);
    struct disk disk = disk_memory_port(memory);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "f", 100), 0);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "f", 100), -EEXIST);
    disk_memory_fail_at(memory, DISK_MEMORY_WRITE, 2, ENOSPC);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "f", 0, "a", 1), 0);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "f", 0, "b", 1), -ENOSPC);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "f", 0, "c", 1), 0);
    uint64_t before = disk_memory_count(memory, DISK_MEMORY_ANY);
    disk_memory_die_at(memory, 2);
    CU_ASSERT_EQUAL(disk.sync(disk.ctx, "f"), 0);
    CU_ASSERT_FALSE(disk_memory_dead(memory));
    CU_ASSERT_EQUAL(disk.sync_dir(disk.ctx), -ESHUTDOWN);
    CU_ASSERT_TRUE(disk_memory_dead(memory));
    char byte;
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "f", 0, &byte, 1), -ESHUTDOWN);
    CU_ASSERT_EQUAL(disk_memory_count(memory, DISK_MEMORY_ANY), before + 2);
    disk_memory_crash(memory);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "f", 0, &byte, 1), 1);
    CU_ASSERT_EQUAL(byte, 'c');
    CU_ASSERT_STRING_EQUAL(disk_memory_op_name(DISK_MEMORY_SYNC_DIR), "sync-dir");
    disk_memory_free(memory);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"sync is kept and nothing else is certain", sync_is_kept_and_nothing_else_is_certain},
        {"names are certain after sync_dir only", names_are_certain_after_sync_dir_only},
        {"a failed sync forgets for good", a_failed_sync_forgets_for_good},
        {"failures and deaths come when they are armed", failures_and_deaths_come_when_they_are_armed},
        {NULL, NULL},
    };
    return test_main("memory disk", cases);
}
