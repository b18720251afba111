/* The identity of a branch, and whether it is ours.
 *
 * XA (X/Open CAE C193) and both servers: format id + gtrid (1..64 bytes) + bqual (0..64 bytes). Uniqueness on a
 * server is gtrid + bqual whatever the format id, so the bqual differs per branch even on one server, and the format
 * id is never relied on for identity.
 *
 * Our gtrid is ASCII, so that people can read it in XA RECOVER:
 *     xa1.COORD.LLLLLLLLLLLLLLLL.EEEEEEEE.SSSSSSSSSSSS
 *     magic, coordinator id (configuration), log id, epoch, sequence (the last three lower-case hex)
 * Our bqual is "b1".."b16". Bytes from a server are untrusted: they are kept as bytes and printed as hex unless they
 * parse as ours. */
#ifndef XATOP_XID_H
#define XATOP_XID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xatop/limits.h"
#include "xatop/text.h"

#define XID_FORMAT 0x58615470 /* "XaTp"; MariaDB takes at most 2147483647 */

struct xid {
    int64_t format; /* MySQL's is unsigned 32 bits */
    uint8_t gtrid_len, bqual_len;
    uint8_t gtrid[XATOP_GTRID_MAX], bqual[XATOP_BQUAL_MAX];
};

/* What our gtrid says. */
struct gtrid {
    char coordinator[XATOP_COORD_MAX + 1]; /* [a-z0-9_-]{1,16} */
    uint64_t log_id;
    uint32_t epoch;
    uint64_t sequence; /* at most 48 bits */
};

enum xid_owner {
    XID_FOREIGN,     /* not our magic, or another coordinator id */
    XID_OTHER_LOG,   /* our coordinator id, another log id: never ours to judge */
    XID_OURS
};

bool coordinator_id_valid(const char *id);
void gtrid_print(const struct gtrid *gtrid, char out[XATOP_GTRID_MAX + 1]);
bool gtrid_parse(const char *string, size_t len, struct gtrid *out);
bool gtrid_equal(const struct gtrid *a, const struct gtrid *b);
/* Of one log: < 0, 0, > 0 as @a is older, the same, younger. */
int gtrid_by_age(const struct gtrid *a, const struct gtrid *b);

void xid_make(struct xid *xid, const struct gtrid *gtrid, unsigned branch /* 1.. */);
/* True if @xid is of our making (any coordinator; our format id, gtrid and bqual in their one spelling): fills @gtrid
 * and @branch. */
bool xid_parse(const struct xid *xid, struct gtrid *gtrid, unsigned *branch);
enum xid_owner xid_owner(const struct xid *xid, const char *coordinator, uint64_t log_id);
bool xid_equal(const struct xid *a, const struct xid *b);
/* Who makes xids like this one, where format id or text tell (xid_maker_list.h); "xatop" for any coordinator of our making.
 * NULL: nobody known. */
const char *xid_maker(const struct xid *xid);

/* For people: "GTRID/bN" if ours, else "X'hex',X'hex',format". Never raw bytes. */
void xid_print(const struct xid *xid, struct text *out);
/* X'hex',X'hex',format: how an xid is written in SQL. */
void xid_print_sql(const struct xid *xid, struct text *out);
/* The reverse of both forms of xid_print. */
bool xid_scan(const char *string, struct xid *out);

#endif
