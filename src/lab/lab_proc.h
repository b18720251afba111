/* Processes of the lab: started here, and signalled only behind the guard. For the files of src/lab. */
#ifndef XATOP_LAB_PROC_H
#define XATOP_LAB_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "xatop/lab.h"

/* What we wrote down when the server was started. */
struct lab_pid {
    pid_t pid;
    uint64_t start_ticks;        /* /proc/PID/stat field 22 */
    bool ready;                  /* it answered once */
    char data_dir[LAB_PATH_MAX]; /* as in its --datadir= */
};

enum lab_life {
    LAB_LIFE_GONE,    /* no such process, a zombie, or the pid is somebody else's by now */
    LAB_LIFE_ENDING,  /* ours, past the point where it could be signalled, still holding files */
    LAB_LIFE_RUNNING, /* ours */
    LAB_LIFE_STOPPED, /* ours, SIGSTOPped */
};

struct lab_proc_stat {
    char state;
    int threads;
    uint64_t start_ticks;
};

bool lab_proc_stat(pid_t pid, struct lab_proc_stat *out);
/* The guard. Reaps a zombie if it is our child. */
enum lab_life lab_proc_look(const struct lab_pid *record);
/* Signal it if and only if the guard says it is ours; race-free against reuse of the pid. False: not sent. */
bool lab_proc_signal(const struct lab_pid *record, int signal);
/* Wait for @wanted (or GONE); false at the deadline. */
bool lab_proc_await(const struct lab_pid *record, enum lab_life wanted, int64_t timeout_ms);
/* A process whose command line names @data_dir, though we have no record of it. */
bool lab_proc_find(const char *data_dir, struct lab_pid *out);

/* --- lab_spawn.c --- */

/* Start @argv (argv[0] is the path): own session, no file of ours but stdin (@stdin_path, or /dev/null) and
 * @log_path for the rest, default signals, an environment of harmless names only. Returns the pid or -errno.
 */
pid_t lab_spawn(const char *const *argv, const char *stdin_path, const char *log_path);
/* Run @argv and take at most @cap - 1 bytes of its stdout. False if it failed, or took longer than
 * @timeout_ms. */
bool lab_capture(const char *const *argv, char *out, size_t cap, int timeout_ms);

#endif
