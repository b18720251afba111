#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cunit_main.h"
#include "lab_fixture.h"
#include "xatop/clock.h"
#include "xatop/text.h"

#define DIR "/nowhere/nodes/db1/data"

static bool alive(pid_t pid)
{
    struct lab_proc_stat stat;
    return lab_proc_stat(pid, &stat) && stat.state != 'Z';
}

/* Each of these must leave the process alone. */
static void what_does_not_name_our_directory_is_never_signalled(void)
{
    static const char *const words[] = {NULL,
                                        DIR,
                                        "--datadir=" DIR "2",
                                        "--datadir=" DIR "/",
                                        "--datadir=/nowhere/nodes/db1",
                                        "x--datadir=" DIR,
                                        "--datadir=",
                                        "--datadir"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        pid_t pid = sleeper_start(words[i]);
        struct lab_pid record = sleeper_record(pid, DIR);
        CU_ASSERT_EQUAL(lab_proc_look(&record), LAB_LIFE_GONE);
        CU_ASSERT_FALSE(lab_proc_signal(&record, SIGKILL));
        CU_ASSERT_FALSE(lab_proc_signal(&record, SIGSTOP));
        CU_ASSERT_TRUE(alive(pid));
        sleeper_end(pid);
    }
}

static void another_start_time_is_another_process(void)
{
    pid_t pid = sleeper_start("--datadir=" DIR);
    struct lab_pid record = sleeper_record(pid, DIR);
    CU_ASSERT_EQUAL(lab_proc_look(&record), LAB_LIFE_RUNNING);
    record.start_ticks++;
    CU_ASSERT_EQUAL(lab_proc_look(&record), LAB_LIFE_GONE);
    CU_ASSERT_FALSE(lab_proc_signal(&record, SIGKILL));
    CU_ASSERT_TRUE(alive(pid));
    sleeper_end(pid);
}

static void pids_that_are_no_process_are_never_signalled(void)
{
    static const pid_t pids[] = {0, -1, 1};
    for (size_t i = 0; i < sizeof pids / sizeof pids[0]; i++) {
        struct lab_pid record = {.pid = pids[i], .start_ticks = 0, .data_dir = DIR};
        struct lab_proc_stat stat;
        if (lab_proc_stat(pids[i], &stat))
            record.start_ticks = stat.start_ticks;
        CU_ASSERT_EQUAL(lab_proc_look(&record), LAB_LIFE_GONE);
        CU_ASSERT_FALSE(lab_proc_signal(&record, 0));
    }
}

static void ours_is_stopped_continued_and_killed(void)
{
    pid_t pid = sleeper_start("--datadir=" DIR);
    struct lab_pid record = sleeper_record(pid, DIR);
    CU_ASSERT_TRUE(lab_proc_signal(&record, SIGSTOP));
    CU_ASSERT_TRUE(lab_proc_await(&record, LAB_LIFE_STOPPED, 5000));
    CU_ASSERT_TRUE(lab_proc_signal(&record, SIGCONT));
    CU_ASSERT_TRUE(lab_proc_await(&record, LAB_LIFE_RUNNING, 5000));
    CU_ASSERT_TRUE(lab_proc_signal(&record, SIGKILL));
    CU_ASSERT_TRUE(lab_proc_await(&record, LAB_LIFE_GONE, 5000));
    CU_ASSERT_EQUAL(waitpid(pid, NULL, WNOHANG), -1); /* reaped already */
    CU_ASSERT_EQUAL(errno, ECHILD);
}

static void a_zombie_is_gone_and_reaped(void)
{
    pid_t pid = sleeper_start("--datadir=" DIR);
    struct lab_pid record = sleeper_record(pid, DIR);
    siginfo_t info;
    kill(pid, SIGKILL);
    CU_ASSERT_EQUAL(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0); /* ended, not taken */
    struct lab_proc_stat stat;
    CU_ASSERT_TRUE(lab_proc_stat(pid, &stat) && stat.state == 'Z');
    CU_ASSERT_FALSE(lab_proc_signal(&record, SIGKILL));
    CU_ASSERT_EQUAL(lab_proc_look(&record), LAB_LIFE_GONE);
    CU_ASSERT_FALSE(lab_proc_stat(pid, &stat));
}

static void waiting_ends_at_its_deadline(void)
{
    pid_t pid = sleeper_start("--datadir=" DIR);
    struct lab_pid record = sleeper_record(pid, DIR);
    int64_t begun_ms = clock_mono_ms();
    CU_ASSERT_FALSE(lab_proc_await(&record, LAB_LIFE_GONE, 60));
    CU_ASSERT_TRUE(clock_mono_ms() - begun_ms >= 60);
    sleeper_end(pid);
}

static void a_server_without_a_record_is_found_by_its_directory(void)
{
    char dir[LAB_PATH_MAX], word[LAB_PATH_MAX + 16];
    struct lab_pid found;
    struct text text;
    scratch_make(dir);
    text_init(&text, word, sizeof word);
    text_printf(&text, "--datadir=%s", dir);
    CU_ASSERT_FALSE(lab_proc_find(dir, &found));
    pid_t pid = sleeper_start(word);
    CU_ASSERT_TRUE(lab_proc_find(dir, &found));
    CU_ASSERT_EQUAL(found.pid, pid);
    CU_ASSERT_EQUAL(lab_proc_look(&found), LAB_LIFE_RUNNING);
    sleeper_end(pid);
    scratch_remove(dir);
}

static void capture_takes_what_fits_and_knows_failure(void)
{
    char out[8];
    const char *say[] = {"/bin/sh", "-c", "echo 1234567890", NULL};
    const char *fail[] = {"/bin/sh", "-c", "echo x; exit 3", NULL};
    const char *hang[] = {"/bin/sh", "-c", "echo x; exec sleep 100", NULL};
    const char *none[] = {"/nowhere/program", NULL};
    CU_ASSERT_TRUE(lab_capture(say, out, sizeof out, 5000));
    CU_ASSERT_STRING_EQUAL(out, "1234567");
    CU_ASSERT_FALSE(lab_capture(fail, out, sizeof out, 5000));
    CU_ASSERT_FALSE(lab_capture(none, out, sizeof out, 5000));
    int64_t begun_ms = clock_mono_ms();
    CU_ASSERT_FALSE(lab_capture(hang, out, sizeof out, 100));
    CU_ASSERT_TRUE(clock_mono_ms() - begun_ms < 20000);
}

/* Secrets of ours, open files, blocked and ignored signals, the terminal: a server must have none of them. */
static void a_spawned_process_inherits_nothing_of_ours(void)
{
    char dir[LAB_PATH_MAX], log[LAB_PATH_MAX], script[LAB_PATH_MAX], got[8192];
    struct lab_pid record;
    sigset_t block, before;
    scratch_make(dir);
    lab_path(log, dir, "log");
    lab_path(script, dir, "script");
    scratch_file(dir, "secret-file", "", 0600);
    /* grep reads its own: the shell blocks signals of its own while it waits */
    scratch_file(dir, "script",
                 "#!/bin/sh\nenv\nls -l /proc/$$/fd\ngrep -E '^Sig(Blk|Ign)' /proc/self/status\n"
                 "echo sid $(cut -d' ' -f6 /proc/$$/stat) pid $$ cwd $(pwd)\n",
                 0700);
    char secret[LAB_PATH_MAX];
    lab_path(secret, dir, "secret-file");
    FILE *leak = fopen(secret, "r"); /* no close-on-exec: that is the point */
    setenv("DB1_PASSWORD", "hunter2", 1);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, &before);
    signal(SIGPIPE, SIG_IGN);
    const char *argv[] = {script, "--datadir=" DIR, NULL};
    pid_t pid = lab_spawn(argv, NULL, log);
    CU_ASSERT_TRUE_FATAL(pid > 0);
    record = sleeper_record(pid, DIR);
    CU_ASSERT_TRUE(lab_proc_await(&record, LAB_LIFE_GONE, 10000));
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    unsetenv("DB1_PASSWORD");
    fclose(leak);
    slurp(log, got, sizeof got);
    CU_ASSERT_PTR_NULL(strstr(got, "hunter2"));
    CU_ASSERT_PTR_NULL(strstr(got, "secret-file"));
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "SigBlk:\t0000000000000000"));
    const char *ignored = strstr(got, "SigIgn:\t");
    CU_ASSERT_PTR_NOT_NULL_FATAL(ignored);
    CU_ASSERT_EQUAL(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0); /* 32 and 33 are the C library's own */
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "cwd /\n"));
    char session[64];
    struct text text;
    text_init(&text, session, sizeof session);
    text_printf(&text, "sid %ld pid %ld ", (long)pid, (long)pid);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, session));
    scratch_remove(dir);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"what does not name our directory is never signalled",
         what_does_not_name_our_directory_is_never_signalled},
        {"another start time is another process", another_start_time_is_another_process},
        {"pids that are no process are never signalled", pids_that_are_no_process_are_never_signalled},
        {"ours is stopped, continued and killed", ours_is_stopped_continued_and_killed},
        {"a zombie is gone and reaped", a_zombie_is_gone_and_reaped},
        {"waiting ends at its deadline", waiting_ends_at_its_deadline},
        {"a server without a record is found by its directory",
         a_server_without_a_record_is_found_by_its_directory},
        {"capture takes what fits and knows failure", capture_takes_what_fits_and_knows_failure},
        {"a spawned process inherits nothing of ours", a_spawned_process_inherits_nothing_of_ours},
        {NULL, NULL},
    };
    return test_main("lab proc", cases);
}
