/* What the unit tests of the lab share: a directory of their own, processes to look at, and a server that is a script. */
#ifndef XATOP_TESTS_LAB_FIXTURE_H
#define XATOP_TESTS_LAB_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "../../src/lab/lab_internal.h"

/* A new empty directory; removed with everything in it by scratch_remove. */
void scratch_make(char dir[LAB_PATH_MAX]);
void scratch_remove(const char *dir);
/* @dir/@leaf with @content and @mode. */
void scratch_file(const char *dir, const char *leaf, const char *content, mode_t mode);
/* The whole of @path, cut at @cap. */
void slurp(const char *path, char *out, size_t cap);

/* A process that sleeps until it is signalled, with @word (may be NULL) as one word of its command line. */
pid_t sleeper_start(const char *word);
/* End it if it still runs, and take its exit status. */
void sleeper_end(pid_t pid);
/* The record that fits that process, as if it served @data_dir. */
struct lab_pid sleeper_record(pid_t pid, const char *data_dir);

#endif
