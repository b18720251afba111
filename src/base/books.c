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

static const struct audit_floor *floor_of(const struct audit_floors *floors, const char *origin)
{
    for (uint32_t i = 0; i < floors->count; i++)
        if (strcmp(floors->logs[i].origin, origin) == 0)
            return &floors->logs[i];
    return NULL;
}

/* Gtrids of one log are ordered by age as they are by bytes: their digits are of fixed width. */
bool audit_floors_join(struct audit_floors *floors, const struct audit_floors *more)
{
    for (uint32_t i = 0; i < more->count; i++) {
        const struct audit_floor *other = &more->logs[i];
        const struct audit_floor *mine = floor_of(floors, other->origin);
        if (!mine && floors->count == AUDIT_FLOORS_MAX)
            return false;
        if (!mine)
            floors->logs[floors->count++] = *other;
        else if (strcmp(other->finished, mine->finished) > 0)
            floors->logs[mine - floors->logs] = *other;
    }
    return true;
}

bool audit_floors_overtaken(const struct audit_floors *floors, const struct audit_floors *seen)
{
    for (uint32_t i = 0; i < seen->count; i++) {
        const struct audit_floor *mine = floor_of(floors, seen->logs[i].origin);
        if (strcmp(seen->logs[i].pruned, mine ? mine->finished : "") > 0)
            return true;
    }
    return false;
}
