/* The program log: what an operator reads afterwards. STATE/xatop.log, mode 0600, begun anew as xatop.log.1 at its size.
 * May be lost; never holds a secret. Open and close: main thread
 * while no other logs; program_log: any thread. Before program_log_open and after program_log_close lines go nowhere. */
#ifndef XATOP_LOG_H
#define XATOP_LOG_H

#include <stdint.h>

#include "xatop/status.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* @dir must exist. A symlink or anything but a regular file in its place is refused: STATUS_STATE. */
enum status program_log_open(const char *dir, enum log_level level, int64_t max_bytes, struct err *err);
void program_log_close(void);
/* One line: time, level, pid, text. Text is sanitised and cut at 1000 bytes. */
void program_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
