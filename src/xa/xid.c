#include "config.h"

#include "xatop/xid.h"

#include <inttypes.h>
#include <string.h>

#include "xatop/status.h"

static const char magic[] = "xa1.";

enum { LOG_ID_DIGITS = 16, EPOCH_DIGITS = 8, SEQUENCE_DIGITS = 12 };

static bool coordinator_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool coordinator_id_valid(const char *id)
{
    size_t len = strnlen(id, XATOP_COORD_MAX + 1);
    if (len == 0 || len > XATOP_COORD_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!coordinator_byte((unsigned char)id[i]))
            return false;
    return true;
}

void gtrid_print(const struct gtrid *gtrid, char out[XATOP_GTRID_MAX + 1])
{
    xatop_assert(coordinator_id_valid(gtrid->coordinator));
    xatop_assert(gtrid->sequence >> 48 == 0);
    struct text text;
    text_init(&text, out, XATOP_GTRID_MAX + 1);
    text_printf(&text, "%s%s.%016" PRIx64 ".%08" PRIx32 ".%012" PRIx64, magic, gtrid->coordinator,
                gtrid->log_id, gtrid->epoch, gtrid->sequence);
    xatop_assert(!text.truncated);
}

/* Exactly @n lower-case hex digits at @p. Upper case is refused: an xid has one spelling, or two would be
 * equal to people and different to the server. */
static bool hex_field(const char *p, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned digit;
        if (p[i] >= '0' && p[i] <= '9')
            digit = (unsigned)(p[i] - '0');
        else if (p[i] >= 'a' && p[i] <= 'f')
            digit = (unsigned)(p[i] - 'a' + 10);
        else
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

bool gtrid_parse(const char *string, size_t len, struct gtrid *out)
{
    const size_t tail = 1 + LOG_ID_DIGITS + 1 + EPOCH_DIGITS + 1 + SEQUENCE_DIGITS;
    const size_t head = sizeof magic - 1;
    if (len < head + 1 + tail || len > head + XATOP_COORD_MAX + tail || memcmp(string, magic, head) != 0)
        return false;
    size_t id_len = len - head - tail;
    const char *p = string + head;
    struct gtrid parsed = {.epoch = 0};
    for (size_t i = 0; i < id_len; i++)
        if (!coordinator_byte((unsigned char)p[i]))
            return false;
    memcpy(parsed.coordinator, p, id_len);
    p += id_len;
    uint64_t epoch;
    if (p[0] != '.' || !hex_field(p + 1, LOG_ID_DIGITS, &parsed.log_id))
        return false;
    p += 1 + LOG_ID_DIGITS;
    if (p[0] != '.' || !hex_field(p + 1, EPOCH_DIGITS, &epoch))
        return false;
    p += 1 + EPOCH_DIGITS;
    if (p[0] != '.' || !hex_field(p + 1, SEQUENCE_DIGITS, &parsed.sequence))
        return false;
    parsed.epoch = (uint32_t)epoch;
    *out = parsed;
    return true;
}

bool gtrid_equal(const struct gtrid *a, const struct gtrid *b)
{
    return strcmp(a->coordinator, b->coordinator) == 0 && a->log_id == b->log_id && a->epoch == b->epoch &&
           a->sequence == b->sequence;
}

int gtrid_by_age(const struct gtrid *a, const struct gtrid *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

void xid_make(struct xid *xid, const struct gtrid *gtrid, unsigned branch)
{
    xatop_assert(branch >= 1 && branch <= XATOP_BRANCHES_MAX);
    char string[XATOP_GTRID_MAX + 1], bqual[8];
    gtrid_print(gtrid, string);
    struct text text;
    text_init(&text, bqual, sizeof bqual);
    text_printf(&text, "b%u", branch);
    *xid = (struct xid){.format = XID_FORMAT};
    xid->gtrid_len = (uint8_t)strlen(string);
    memcpy(xid->gtrid, string, xid->gtrid_len);
    xid->bqual_len = (uint8_t)text.len;
    memcpy(xid->bqual, bqual, text.len);
}

/* "b1".."b16", one spelling each. */
static unsigned bqual_branch(const uint8_t *p, size_t len)
{
    if (len < 2 || len > 3 || p[0] != 'b' || p[1] < '1' || p[1] > '9')
        return 0;
    unsigned branch = (unsigned)(p[1] - '0');
    if (len == 3) {
        if (p[2] < '0' || p[2] > '9')
            return 0;
        branch = branch * 10 + (unsigned)(p[2] - '0');
    }
    return branch <= XATOP_BRANCHES_MAX ? branch : 0;
}

bool xid_parse(const struct xid *xid, struct gtrid *gtrid, unsigned *branch)
{
    struct gtrid parsed;
    unsigned number = bqual_branch(xid->bqual, xid->bqual_len);
    if (xid->format != XID_FORMAT || number == 0 ||
        !gtrid_parse((const char *)xid->gtrid, xid->gtrid_len, &parsed))
        return false;
    *gtrid = parsed;
    *branch = number;
    return true;
}

enum xid_owner xid_owner(const struct xid *xid, const char *coordinator, uint64_t log_id)
{
    struct gtrid gtrid;
    unsigned branch;
    if (!xid_parse(xid, &gtrid, &branch) || strcmp(gtrid.coordinator, coordinator) != 0)
        return XID_FOREIGN;
    return gtrid.log_id == log_id ? XID_OURS : XID_OTHER_LOG;
}

bool xid_equal(const struct xid *a, const struct xid *b)
{
    return a->format == b->format && a->gtrid_len == b->gtrid_len && a->bqual_len == b->bqual_len &&
           memcmp(a->gtrid, b->gtrid, a->gtrid_len) == 0 && memcmp(a->bqual, b->bqual, a->bqual_len) == 0;
}

void xid_print_sql(const struct xid *xid, struct text *out)
{
    text_append(out, "X'");
    text_hex(out, xid->gtrid, xid->gtrid_len);
    text_append(out, "',X'");
    text_hex(out, xid->bqual, xid->bqual_len);
    text_printf(out, "',%" PRId64, xid->format);
}

void xid_print(const struct xid *xid, struct text *out)
{
    struct gtrid gtrid;
    unsigned branch;
    if (!xid_parse(xid, &gtrid, &branch)) {
        xid_print_sql(xid, out);
        return;
    }
    char string[XATOP_GTRID_MAX + 1];
    gtrid_print(&gtrid, string);
    text_printf(out, "%s/b%u", string, branch);
}

/* X'hex' at *@p: 0 to @max bytes. Moves *@p behind it. */
static bool scan_hex_literal(const char **p, size_t max, uint8_t *out, uint8_t *len)
{
    const char *s = *p;
    if ((s[0] != 'X' && s[0] != 'x') || s[1] != '\'')
        return false;
    s += 2;
    size_t n = 0;
    for (; *s != '\''; s += 2, n++) {
        char pair[2] = {s[0], s[0] ? s[1] : '\0'};
        for (int i = 0; i < 2; i++)
            if (pair[i] >= 'A' && pair[i] <= 'F')
                pair[i] = (char)(pair[i] - 'A' + 'a');
        uint64_t byte;
        if (n == max || !hex_field(pair, 2, &byte))
            return false;
        out[n] = (uint8_t)byte;
    }
    *p = s + 1;
    *len = (uint8_t)n;
    return true;
}

bool xid_scan(const char *string, struct xid *out)
{
    struct xid xid = {.format = XID_FORMAT};
    const char *slash = strchr(string, '/');
    struct gtrid gtrid;
    if (slash && gtrid_parse(string, (size_t)(slash - string), &gtrid)) {
        unsigned branch = bqual_branch((const uint8_t *)slash + 1, strnlen(slash + 1, 4));
        if (branch == 0)
            return false;
        xid_make(out, &gtrid, branch);
        return true;
    }
    const char *p = string;
    if (!scan_hex_literal(&p, XATOP_GTRID_MAX, xid.gtrid, &xid.gtrid_len) || xid.gtrid_len == 0 ||
        *p++ != ',' || !scan_hex_literal(&p, XATOP_BQUAL_MAX, xid.bqual, &xid.bqual_len) || *p++ != ',' ||
        !text_to_i64(p, INT32_MIN, UINT32_MAX, &xid.format))
        return false;
    *out = xid;
    return true;
}
