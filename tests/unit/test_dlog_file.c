#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cunit_main.h"
#include "xatop/dlog.h"

static char dir[64];
static struct err err;

static void make_dir(void)
{
    strcpy(dir, "/tmp/xatop-test-dlog-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
}

static void unlink_one(void *arg, const char *name, uint64_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

static void remove_dir(void)
{
    struct disk disk;
    CU_ASSERT_EQUAL_FATAL(disk_file_open(&disk, dir, true, &err), STATUS_OK);
    disk.list(disk.ctx, unlink_one, NULL);
    disk_file_close(&disk);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static enum status open_log(struct dlog **dlog, const struct disk *disk)
{
    struct dlog_options options = {.coordinator = "lab",
                                   .new_log_id = 1,
                                   .wall_ms = 1000,
                                   .pid = getpid(),
                                   .host = "here",
                                   .segment_bytes = 16384,
                                   .retention_ms = 1000000};
    return dlog_open(dlog, disk, &options, &err);
}

static struct dlog_record commit(const struct dlog *dlog, uint64_t sequence)
{
    return (struct dlog_record){.type = DLOG_COMMIT,
                                .wall_ms = 1000,
                                .gtrid = {"lab", dlog_log_id(dlog), dlog_epoch(dlog), sequence},
                                .branch_count = 1,
                                .branches = {{1, 0, 1, "a"}}};
}

static void port_does_what_it_says(void)
{
    struct disk disk;
    char got[8];
    make_dir();
    CU_ASSERT_EQUAL_FATAL(disk_file_open(&disk, dir, false, &err), STATUS_OK);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "a", 100000), 0);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "a", 1), -EEXIST);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "a", 99998, got, 8), 2);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "a", 10, "hello", 5), 0);
    CU_ASSERT_EQUAL(disk.sync(disk.ctx, "a"), 0);
    CU_ASSERT_EQUAL(disk.rename(disk.ctx, "a", "b"), 0);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "b", 15, "!", 1), 0);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "a", 15, "!", 1), -ENOENT);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "b", 9, got, 8), 8);
    CU_ASSERT_EQUAL(memcmp(got, "\0hello!\0", 8), 0);
    CU_ASSERT_EQUAL(disk.truncate(disk.ctx, "b", 12), 0);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "b", 9, got, 8), 3);
    CU_ASSERT_EQUAL(disk.sync_dir(disk.ctx), 0);
    CU_ASSERT_EQUAL(disk.unlink(disk.ctx, "b"), 0);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "b", 0, got, 1), -ENOENT);
    struct stat st;
    char path[128];
    snprintf(path, sizeof path, "%s/holder", dir);
    CU_ASSERT_TRUE(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    /* A planted link is not followed, whichever way. */
    snprintf(path, sizeof path, "%s/link", dir);
    CU_ASSERT_EQUAL(symlink("/dev/null", path), 0);
    CU_ASSERT_EQUAL(disk.write(disk.ctx, "link", 0, "x", 1), -ELOOP);
    CU_ASSERT_EQUAL(disk.read(disk.ctx, "link", 0, got, 1), -ELOOP);
    unlink(path);
    disk_file_close(&disk);
    CU_ASSERT_EQUAL_FATAL(disk_file_open(&disk, dir, true, &err), STATUS_OK);
    CU_ASSERT_EQUAL(disk.create(disk.ctx, "c", 1), -EROFS);
    disk_file_close(&disk);
    remove_dir();
}

static void only_one_holds_the_directory(void)
{
    struct disk first, second;
    char words[64];
    make_dir();
    CU_ASSERT_EQUAL(disk_file_holder(dir), 0);
    CU_ASSERT_EQUAL_FATAL(disk_file_open(&first, dir, false, &err), STATUS_OK);
    CU_ASSERT_EQUAL(disk_file_holder(dir), getpid());
    CU_ASSERT_EQUAL(disk_file_open(&second, dir, false, &err), STATUS_STATE);
    snprintf(words, sizeof words, "held by pid %ld", (long)getpid());
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    CU_ASSERT_EQUAL_FATAL(disk_file_open(&second, dir, true, &err),
                          STATUS_OK); /* looking is always allowed */
    disk_file_close(&second);
    disk_file_close(&first);
    CU_ASSERT_EQUAL(disk_file_holder(dir), 0);
    CU_ASSERT_EQUAL_FATAL(disk_file_open(&second, dir, false, &err), STATUS_OK);
    disk_file_close(&second);
    remove_dir();
}

static void a_child_program_does_not_keep_the_lock(void)
{
    struct disk disk;
    int started[2];
    char byte;
    make_dir();
    CU_ASSERT_EQUAL_FATAL(disk_file_open(&disk, dir, false, &err), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(pipe(started), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(started[1], 1);
        close(started[0]);
        close(started[1]);
        execl("/bin/sh", "sh", "-c", "echo x; exec >&-; exec sleep 60", (char *)NULL);
        _exit(127);
    }
    close(started[1]);
    CU_ASSERT_EQUAL(read(started[0], &byte, 1), 1); /* the other program runs now */
    close(started[0]);
    disk_file_close(&disk);
    CU_ASSERT_EQUAL(disk_file_open(&disk, dir, false, &err), STATUS_OK);
    CU_ASSERT_EQUAL(kill(child, 0), 0);
    disk_file_close(&disk);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    remove_dir();
}

static void directories_of_doubtful_safety_are_refused(void)
{
    struct disk disk;
    make_dir();
    chmod(dir, 0770);
    CU_ASSERT_EQUAL(disk_file_open(&disk, dir, false, &err), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "chmod 700"));
    chmod(dir, 0700);
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL(chown(dir, 65534, 65534), 0);
        CU_ASSERT_EQUAL(disk_file_open(&disk, dir, false, &err), STATUS_STATE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "belongs to user 65534"));
        CU_ASSERT_EQUAL(chown(dir, 0, 0), 0);
    }
    remove_dir();
    CU_ASSERT_EQUAL(disk_file_open(&disk, "/nonexistent/dir", false, &err), STATUS_STATE);
    CU_ASSERT_EQUAL(disk_file_open(&disk, "/nonexistent/dir", true, &err), STATUS_STATE);
    CU_ASSERT_EQUAL(disk_file_open(&disk, "/dev/null", false, &err), STATUS_STATE);
}

/* The child decides and tells us after each sync; we kill it at some moment and must find all we were told. */
static void child_decides(int fd)
{
    struct disk disk;
    struct dlog *dlog;
    if (disk_file_open(&disk, dir, false, NULL) != STATUS_OK || open_log(&dlog, &disk) != STATUS_OK)
        _exit(1);
    for (uint64_t n = 1;; n++) {
        struct dlog_record record = commit(dlog, n);
        if (dlog_append(dlog, &record, NULL) != STATUS_OK || dlog_sync(dlog, NULL) != STATUS_OK ||
            write(fd, &record.gtrid, sizeof record.gtrid) != sizeof record.gtrid)
            _exit(1);
        record.type = DLOG_DONE;
        if (n % 3 == 0 && dlog_append(dlog, &record, NULL) != STATUS_OK)
            _exit(1);
    }
}

static void a_killed_process_loses_nothing_it_had_told(void)
{
    static struct gtrid told[2000];
    size_t count = 0;
    uint32_t epoch = 0;
    make_dir();
    for (int round = 0; round < 5; round++) {
        int fds[2];
        CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
        pid_t child = fork();
        if (child == 0) {
            close(fds[0]);
            child_decides(fds[1]);
        }
        close(fds[1]);
        for (int n = 0; n < 60 + 17 * round; n++, count++)
            CU_ASSERT_EQUAL_FATAL(read(fds[0], &told[count], sizeof told[0]), sizeof told[0]);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(fds[0], &told[count], sizeof told[0]) == sizeof told[0] && count < 1999)
            count++;
        close(fds[0]);
        struct disk disk;
        struct dlog *dlog;
        CU_ASSERT_EQUAL_FATAL(disk_file_open(&disk, dir, false, &err), STATUS_OK);
        CU_ASSERT_EQUAL_FATAL(open_log(&dlog, &disk), STATUS_OK);
        int missing = 0;
        for (size_t i = 0; i < count; i++)
            missing += dlog_find_commit(dlog, &told[i], NULL) != 1;
        CU_ASSERT_EQUAL(missing, 0);
        CU_ASSERT_TRUE(dlog_epoch(dlog) > epoch);
        epoch = dlog_epoch(dlog);
        dlog_close(dlog);
        disk_file_close(&disk);
    }
    remove_dir();
}

int main(void)
{
    static const struct test_case cases[] = {
        {"port does what it says", port_does_what_it_says},
        {"only one holds the directory", only_one_holds_the_directory},
        {"a child program does not keep the lock", a_child_program_does_not_keep_the_lock},
        {"directories of doubtful safety are refused", directories_of_doubtful_safety_are_refused},
        {"a killed process loses nothing it had told", a_killed_process_loses_nothing_it_had_told},
        {NULL, NULL},
    };
    return test_main("dlog file", cases);
}
