#include "config.h"

#include "xatop/points.h"

#include <string.h>

#include "xatop/status.h"
#include "xatop/verb.h"

static const struct {
    const char *name;
    bool per_node;
} points[POINTS] = {[POINT_NONE] = {"", false},
#define X(code, name, per_node) [POINT_##code] = {name, per_node},
                    XATOP_POINT_LIST(X)
#undef X
};

const char *point_name(enum point point)
{
    xatop_assert((unsigned)point < POINTS);
    return points[point].name;
}

bool point_per_node(enum point point)
{
    xatop_assert((unsigned)point < POINTS);
    return points[point].per_node;
}

enum point point_sent(unsigned verb)
{
    switch (verb) {
    case VERB_START:
        return POINT_START_SENT;
    case VERB_WORK:
        return POINT_WORK_SENT;
    case VERB_END:
        return POINT_END_SENT;
    case VERB_PREPARE:
        return POINT_PREPARE_SENT;
    case VERB_COMMIT:
    case VERB_ONE_PHASE:
        return POINT_COMMIT_SENT;
    case VERB_ROLLBACK:
        return POINT_ROLLBACK_SENT;
    default:
        return POINT_NONE;
    }
}

enum point point_by_name(const char *name)
{
    for (unsigned i = POINT_NONE + 1; i < POINTS; i++)
        if (strcmp(points[i].name, name) == 0)
            return (enum point)i;
    return POINT_NONE;
}
