#include "config.h"

#include "xatop/xid.h"

#include <string.h>

#include "xatop/xid_maker_list.h"

static const struct {
    const char *name;
    int64_t first, last;
    const char *beginning;
} makers[] = {
#define X(name, first, last, beginning) {name, first, last, beginning},
    XATOP_XID_MAKER_LIST(X)
#undef X
};

const char *xid_maker(const struct xid *xid)
{
    struct gtrid gtrid;
    unsigned branch;
    if (xid_parse(xid, &gtrid, &branch))
        return "xatop";
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        size_t len = strlen(makers[i].beginning);
        if (xid->format >= makers[i].first && xid->format <= makers[i].last && xid->gtrid_len >= len &&
            memcmp(xid->gtrid, makers[i].beginning, len) == 0)
            return makers[i].name;
    }
    return NULL;
}
