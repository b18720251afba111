#include "config.h"

#include "xatop/dlog.h"

#include <string.h>

#include "xatop/i18n.h"

#define MAGIC UINT32_C(0x4c447458) /* "XtDL" */
enum { FRAME_VERSION = 1, HEADER = 24, CRC = 4 };

static const struct {
    const char *word;
    bool forced;
} types[DLOG_TYPES] = {[DLOG_NONE] = {"none", false},
#define X(code, word, forced) [DLOG_##code] = {N_(word), forced},
                       XATOP_DLOG_LIST(X)
#undef X
};

const char *dlog_type_name(enum dlog_type type)
{
    return types[type].word;
}

bool dlog_type_forced(enum dlog_type type)
{
    return types[type].forced;
}

static const struct {
    const char *word, *words;
} outcomes[FORCED_OUTCOMES] = {[FORCED_NONE] = {"none", N_("it is not known yet what came of it")},
#define X(code, word, words) [FORCED_##code] = {word, N_(words)},
                               XATOP_FORCED_LIST(X)
#undef X
};

const char *forced_outcome_name(enum forced_outcome outcome)
{
    return outcomes[outcome].word;
}

const char *forced_outcome_words(enum forced_outcome outcome)
{
    return _(outcomes[outcome].words);
}

/* A cursor over bytes: the same for both directions, sticky failure instead of overrun. */
struct cursor {
    uint8_t *out;
    const uint8_t *in;
    size_t at, end;
    bool failed;
};

static void put(struct cursor *c, uint64_t value, size_t bytes)
{
    if (c->failed || c->end - c->at < bytes) {
        c->failed = true;
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        c->out[c->at++] = (uint8_t)(value >> 8 * i);
}

static void put_string(struct cursor *c, const char *string)
{
    size_t n = strlen(string);
    put(c, n, 1);
    for (size_t i = 0; i < n; i++)
        put(c, (uint8_t)string[i], 1);
}

static uint64_t get(struct cursor *c, size_t bytes)
{
    if (c->failed || c->end - c->at < bytes) {
        c->failed = true;
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)c->in[c->at++] << 8 * i;
    return value;
}

/* Text from a file may steer a terminal as well as text from a server: sanitised here, once. */
static void get_string(struct cursor *c, char *out, size_t cap)
{
    size_t n = get(c, 1);
    out[0] = '\0';
    if (c->failed || n >= cap || c->end - c->at < n) {
        c->failed = true;
        return;
    }
    text_sanitise(out, cap, (const char *)c->in + c->at, n);
    c->at += n;
}

static void put_gtrid(struct cursor *c, const struct gtrid *gtrid)
{
    put_string(c, gtrid->coordinator);
    put(c, gtrid->log_id, 8);
    put(c, gtrid->epoch, 4);
    put(c, gtrid->sequence, 8);
}

static void get_gtrid(struct cursor *c, struct gtrid *gtrid)
{
    get_string(c, gtrid->coordinator, sizeof gtrid->coordinator);
    gtrid->log_id = get(c, 8);
    gtrid->epoch = (uint32_t)get(c, 4);
    gtrid->sequence = get(c, 8);
    if (!coordinator_id_valid(gtrid->coordinator) || gtrid->sequence >> 48)
        c->failed = true;
}

static void put_branch(struct cursor *c, const struct dlog_branch *branch)
{
    put(c, branch->branch, 1);
    put(c, branch->node, 1);
    put(c, branch->node_id, 8);
    put_string(c, branch->name);
}

static void get_branch(struct cursor *c, struct dlog_branch *branch)
{
    branch->branch = (uint8_t)get(c, 1);
    branch->node = (uint8_t)get(c, 1);
    branch->node_id = get(c, 8);
    get_string(c, branch->name, sizeof branch->name);
    if (branch->branch == 0 || branch->branch > XATOP_BRANCHES_MAX)
        c->failed = true;
}

static void put_commit(struct cursor *c, const struct dlog_record *record)
{
    put_gtrid(c, &record->gtrid);
    put(c, record->branch_count, 1);
    for (size_t i = 0; i < record->branch_count; i++)
        put_branch(c, &record->branches[i]);
    put_string(c, record->meaning);
}

static void get_commit(struct cursor *c, struct dlog_record *record)
{
    get_gtrid(c, &record->gtrid);
    record->branch_count = (uint8_t)get(c, 1);
    if (record->branch_count > XATOP_BRANCHES_MAX) {
        c->failed = true;
        return;
    }
    for (size_t i = 0; i < record->branch_count; i++)
        get_branch(c, &record->branches[i]);
    get_string(c, record->meaning, sizeof record->meaning);
}

/* FORCE, FORCED and FORGET: one branch, words, and what else the type has to say. */
static void put_force(struct cursor *c, const struct dlog_record *record)
{
    if (record->branch_count != 1)
        c->failed = true;
    put_gtrid(c, &record->gtrid);
    put_branch(c, &record->branches[0]);
    put_string(c, record->meaning);
    if (record->type == DLOG_FORCE) {
        put(c, record->commit, 1);
        put(c, record->decided, 1);
    } else if (record->type == DLOG_FORCED) {
        put(c, record->outcome, 1);
        put(c, (uint64_t)record->money_gap, 8);
    }
}

static void get_force(struct cursor *c, struct dlog_record *record)
{
    get_gtrid(c, &record->gtrid);
    record->branch_count = 1;
    get_branch(c, &record->branches[0]);
    get_string(c, record->meaning, sizeof record->meaning);
    if (record->type == DLOG_FORCE) {
        uint64_t commit = get(c, 1), decided = get(c, 1);
        record->commit = commit == 1;
        record->decided = decided == 1;
        if (commit > 1 || decided > 1)
            c->failed = true;
    } else if (record->type == DLOG_FORCED) {
        uint64_t outcome = get(c, 1);
        record->money_gap = (int64_t)get(c, 8);
        if (outcome == FORCED_NONE || outcome >= FORCED_OUTCOMES)
            c->failed = true;
        else
            record->outcome = (enum forced_outcome)outcome;
    }
}

static void put_segment(struct cursor *c, const struct dlog_record *record)
{
    put_string(c, record->coordinator);
    put(c, record->log_id, 8);
    put(c, record->segment, 4);
    put(c, record->previous, 4);
    put(c, record->oldest, 4);
    put(c, record->previous_end, 8);
    put(c, record->head_lsn, 8);
}

static void get_segment(struct cursor *c, struct dlog_record *record)
{
    get_string(c, record->coordinator, sizeof record->coordinator);
    record->log_id = get(c, 8);
    record->segment = (uint32_t)get(c, 4);
    record->previous = (uint32_t)get(c, 4);
    record->oldest = (uint32_t)get(c, 4);
    record->previous_end = get(c, 8);
    record->head_lsn = get(c, 8);
    if (!coordinator_id_valid(record->coordinator) || record->segment == 0 || record->oldest == 0 ||
        record->oldest > record->segment || record->previous >= record->segment ||
        record->head_lsn < record->lsn)
        c->failed = true;
}

static void put_open(struct cursor *c, const struct dlog_record *record)
{
    put_string(c, record->coordinator);
    put(c, record->log_id, 8);
    put(c, (uint64_t)record->pid, 8);
    put_string(c, record->host);
}

static void get_open(struct cursor *c, struct dlog_record *record)
{
    get_string(c, record->coordinator, sizeof record->coordinator);
    record->log_id = get(c, 8);
    record->pid = (int64_t)get(c, 8);
    get_string(c, record->host, sizeof record->host);
    if (!coordinator_id_valid(record->coordinator))
        c->failed = true;
}

static void put_payload(struct cursor *c, const struct dlog_record *record)
{
    put(c, (uint64_t)record->wall_ms, 8);
    put(c, record->durable, 8);
    switch (record->type) {
    case DLOG_SEGMENT:
        put_segment(c, record);
        break;
    case DLOG_OPEN:
        put_open(c, record);
        break;
    case DLOG_COMMIT:
        put_commit(c, record);
        break;
    case DLOG_DONE:
    case DLOG_ABORT:
    case DLOG_SWEPT:
        put_gtrid(c, &record->gtrid);
        break;
    case DLOG_FORCE:
    case DLOG_FORCED:
    case DLOG_FORGET:
        put_force(c, record);
        break;
    case DLOG_NONE:
    case DLOG_TYPES:
        c->failed = true;
    }
}

static void get_payload(struct cursor *c, struct dlog_record *record)
{
    record->wall_ms = (int64_t)get(c, 8);
    record->durable = get(c, 8);
    switch (record->type) {
    case DLOG_SEGMENT:
        get_segment(c, record);
        break;
    case DLOG_OPEN:
        get_open(c, record);
        break;
    case DLOG_COMMIT:
        get_commit(c, record);
        break;
    case DLOG_DONE:
    case DLOG_ABORT:
    case DLOG_SWEPT:
        get_gtrid(c, &record->gtrid);
        break;
    case DLOG_FORCE:
    case DLOG_FORCED:
    case DLOG_FORGET:
        get_force(c, record);
        break;
    case DLOG_NONE:
    case DLOG_TYPES:
        c->failed = true;
    }
}

size_t dlog_encode(const struct dlog_record *record, uint8_t *out, size_t cap)
{
    xatop_assert(record->type > DLOG_NONE && record->type < DLOG_TYPES);
    xatop_assert(record->branch_count <= XATOP_BRANCHES_MAX);
    struct cursor c = {.out = out, .end = cap < DLOG_FRAME_MAX ? cap : DLOG_FRAME_MAX};
    put(&c, MAGIC, 4);
    put(&c, 0, 4); /* the length, below */
    put(&c, record->type, 2);
    put(&c, FRAME_VERSION, 2);
    put(&c, record->lsn, 8);
    put(&c, record->epoch, 4);
    put_payload(&c, record);
    if (c.failed || c.end - c.at < CRC)
        return 0;
    size_t length = c.at + CRC;
    c.at = 4;
    put(&c, length, 4);
    c.at = length - CRC;
    put(&c, crc32c(out, length - CRC), CRC);
    return length;
}

enum dlog_decode dlog_decode(const uint8_t *in, size_t len, struct dlog_record *record, size_t *frame_len)
{
    static const uint8_t zeros[8];
    if (len == 0 || memcmp(in, zeros, len < 8 ? len : 8) == 0)
        return DLOG_END;
    if (len < 8)
        return DLOG_TORN;
    struct cursor c = {.in = in, .end = len};
    bool ours = get(&c, 4) == MAGIC;
    size_t length = get(&c, 4);
    if (!ours || length < HEADER + CRC || length > DLOG_FRAME_MAX)
        return DLOG_DAMAGED;
    if (length > len)
        return DLOG_TORN;
    c.end = length;
    c.at = length - CRC;
    if (get(&c, CRC) != crc32c(in, length - CRC))
        return DLOG_DAMAGED;
    c.at = 8;
    c.end = length - CRC;
    memset(record, 0, sizeof *record);
    uint64_t type = get(&c, 2), version = get(&c, 2);
    if (type == DLOG_NONE || type >= DLOG_TYPES || version != FRAME_VERSION)
        return DLOG_DAMAGED;
    record->type = (enum dlog_type)type;
    record->lsn = get(&c, 8);
    record->epoch = (uint32_t)get(&c, 4);
    get_payload(&c, record);
    if (c.failed || c.at != c.end || record->lsn == 0 || record->epoch == 0 || record->durable >= record->lsn)
        return DLOG_DAMAGED;
    *frame_len = length;
    return DLOG_RECORD;
}
