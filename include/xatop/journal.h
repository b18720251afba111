/* The journal on disk: every trace event as one line of JSON, for people, replay and export. It may lose events (a full disk,
 * a burst) and then says how many: it never holds anybody up and nothing depends on it.
 *
 * journal_event may be called by the engine thread; the rest by the thread that opened it. */
#ifndef XATOP_JOURNAL_H
#define XATOP_JOURNAL_H

#include <stdint.h>

#include "xatop/node.h"
#include "xatop/status.h"
#include "xatop/trace.h"

enum { JOURNAL_FILE_MAX = 16 << 20 }; /* bytes; then it becomes PATH.1, of which one is kept */

struct journal; /* opaque */

/* Append to @path (0600, made if missing) and write the header line. */
enum status journal_open(struct journal **out, const char *path, const struct coordinator *coordinator,
                         const char (*node_names)[XATOP_NAME_MAX + 1], uint8_t node_count, struct err *err);
void journal_event(struct journal *journal, const struct trace_event *event);
/* Writes what is queued. Returns how many events were lost. NULL is allowed. */
uint64_t journal_close(struct journal *journal);

#endif
