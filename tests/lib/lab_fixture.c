#include "config.h"

#include "lab_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xatop/status.h"
#include "xatop/text.h"

void scratch_make(char dir[LAB_PATH_MAX])
{
    text_copy(dir, LAB_PATH_MAX, "/tmp/xatop-test-XXXXXX");
    xatop_assert(mkdtemp(dir) != NULL);
}

void scratch_remove(const char *dir)
{
    xatop_assert(lab_remove_tree(dir));
}

void scratch_file(const char *dir, const char *leaf, const char *content, mode_t mode)
{
    char path[LAB_PATH_MAX];
    lab_path(path, dir, leaf);
    FILE *file = fopen(path, "we");
    xatop_assert(file && fputs(content, file) >= 0 && fclose(file) == 0 && chmod(path, mode) == 0);
}

void slurp(const char *path, char *out, size_t cap)
{
    FILE *file = fopen(path, "re");
    out[0] = '\0';
    if (!file)
        return;
    out[fread(out, 1, cap - 1, file)] = '\0';
    fclose(file);
}

pid_t sleeper_start(const char *word)
{
    int ready[2];
    char byte;
    xatop_assert(pipe2(ready, O_CLOEXEC) == 0);
    pid_t pid = fork();
    xatop_assert(pid >= 0);
    if (pid == 0) {
        dup2(ready[1], 1);
        execl("/bin/sh", "sh", "-c", "echo; while :; do sleep 0.05; done", "sleeper", word ? word : "nothing",
              NULL);
        _exit(127);
    }
    close(ready[1]);
    xatop_assert(read(ready[0], &byte, 1) == 1); /* it is the shell by now, with that command line */
    close(ready[0]);
    return pid;
}

void sleeper_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

struct lab_pid sleeper_record(pid_t pid, const char *data_dir)
{
    struct lab_pid record = {.pid = pid};
    struct lab_proc_stat stat;
    xatop_assert(lab_proc_stat(pid, &stat));
    record.start_ticks = stat.start_ticks;
    text_copy(record.data_dir, sizeof record.data_dir, data_dir);
    return record;
}
