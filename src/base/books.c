#include "config.h"

#include "xatop/books.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/status.h"

uint8_t shape_node(const struct shape *shape, enum work_table table, int64_t id)
{
    xatop_assert(shape->node_count > 0);
    switch (table) {
    case WORK_ACCOUNTS:
        /* of two: odd ids on the first node, even ids on the second */
        return (uint8_t)((uint64_t)(id - 1) % shape->node_count);
    case WORK_PRODUCTS:
        return 0;
    default:
        return shape->node_count > 1 ? 1 : 0;
    }
}

void audit_snapshot_free(struct audit_snapshot *snapshot)
{
    free(snapshot->markers);
    memset(snapshot, 0, sizeof *snapshot);
}
