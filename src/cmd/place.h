/* Where a decision log lives: a number that is the same only for the same folder of the same machine, also after a restart of
 * either, and another one for every copy of it that has an inode of its own. */
#ifndef XATOP_PLACE_H
#define XATOP_PLACE_H

#include <stdint.h>

#include "xatop/status.h"

/* Of the folder @path. Never 0. STATUS_STATE: it cannot be read. */
enum status place_of(const char *path, uint64_t *out, struct err *err);

#endif
