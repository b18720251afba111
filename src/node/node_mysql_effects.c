/* What branches did, read from their marker rows, decided or not. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "node_mysql_admin.h"
#include "node_mysql_error.h"
#include "xatop/effect.h"
#include "xatop/i18n.h"

enum { BATCH = 200, BATCH_BYTES = BATCH * (2 * XATOP_GTRID_MAX + 8) + 512 };

struct reading {
    struct effect *list;
    uint32_t count, cap;
    bool out_of_memory;
};

static bool number(char **row, const unsigned long *lengths, unsigned column, int64_t min, int64_t max,
                   int64_t *out)
{
    char digits[24];
    if (!row[column] || lengths[column] >= sizeof digits)
        return false;
    memcpy(digits, row[column], lengths[column]);
    digits[lengths[column]] = '\0';
    return text_to_i64(digits, min, max, out);
}

static bool table_by_name(const char *name, unsigned long length, enum work_table *out)
{
    for (int i = 0; name && i < WORK_TABLES; i++) {
        const char *known = work_table_name((enum work_table)i);
        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            *out = (enum work_table)i;
            return true;
        }
    }
    return false;
}

/* Untrusted as all that comes from a server: a row that is none of ours is passed over. */
static bool to_effect(char **row, const unsigned long *lengths, struct effect *out)
{
    int64_t branch, step, branches;
    struct gtrid gtrid;
    if (!row[0] || !gtrid_parse(row[0], lengths[0], &gtrid) ||
        !number(row, lengths, 1, 1, XATOP_BRANCHES_MAX, &branch) ||
        !number(row, lengths, 2, 0, UINT8_MAX, &step) ||
        !number(row, lengths, 3, 1, XATOP_BRANCHES_MAX, &branches) ||
        !table_by_name(row[4], lengths[4], &out->table) ||
        !number(row, lengths, 5, INT64_MIN, INT64_MAX, &out->row) ||
        !number(row, lengths, 6, INT64_MIN, INT64_MAX, &out->delta) ||
        !number(row, lengths, 7, INT64_MIN, INT64_MAX, &out->age_ms))
        return false;
    gtrid_print(&gtrid, out->gtrid);
    out->branch = (uint8_t)branch;
    out->step = (uint8_t)step;
    out->branches = (uint8_t)branches;
    return true;
}

static bool take_effect(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct reading *reading = arg;
    struct effect effect;
    if (columns < 8 || !to_effect(row, lengths, &effect))
        return true;
    if (reading->count == reading->cap) {
        uint32_t cap = reading->cap ? 2 * reading->cap : 64;
        struct effect *grown = realloc(reading->list, cap * sizeof *grown);
        reading->out_of_memory = !grown;
        if (!grown)
            return false;
        reading->list = grown;
        reading->cap = cap;
    }
    reading->list[reading->count++] = effect;
    return true;
}

static bool read_batch(struct session *session, const char (*gtrids)[XATOP_GTRID_MAX + 1], uint32_t count,
                       char *sql, struct reading *reading)
{
    struct text text;
    text_init(&text, sql, BATCH_BYTES);
    text_append(&text, "SELECT gtrid, branch, step, branches, tbl, row_id, delta, "
                       "TIMESTAMPDIFF(MICROSECOND, at, NOW(3)) DIV 1000 FROM xa_marker WHERE gtrid IN (");
    for (uint32_t i = 0; i < count; i++) {
        text_append(&text, i > 0 ? ", X'" : "X'");
        text_hex(&text, gtrids[i], strnlen(gtrids[i], XATOP_GTRID_MAX));
        text_append(&text, "'");
    }
    text_append(&text, ") ORDER BY gtrid, branch, step");
    xatop_assert(!text.truncated);
    return session_rows(session, sql, take_effect, reading) || session->error == ERROR_NO_SUCH_TABLE;
}

/* @dirty: also what nobody has decided. False: nothing was read, session->error says why (0: out of memory). */
static bool read_effects(struct session *session, const char (*gtrids)[XATOP_GTRID_MAX + 1], uint32_t count,
                         bool dirty, struct effect **out, uint32_t *out_count)
{
    struct reading reading = {0};
    char *sql = malloc(BATCH_BYTES);
    bool ok = sql != NULL;
    *out = NULL;
    *out_count = 0;
    if (ok && dirty)
        ok = session_run(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED");
    for (uint32_t i = 0; ok && i < count; i += BATCH)
        ok = read_batch(session, gtrids + i, count - i < BATCH ? count - i : BATCH, sql, &reading) &&
             !reading.out_of_memory;
    bool memory = sql && !reading.out_of_memory;
    if (dirty && !session_run(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")) {
        session->doubtful = true; /* it must not go on reading what is not so */
        ok = false;
    }
    free(sql);
    if (ok) {
        *out = reading.list;
        *out_count = reading.count;
        return true;
    }
    free(reading.list);
    if (!memory) {
        session->error = 0;
        text_copy(session->detail, sizeof session->detail, _("out of memory"));
    }
    return false;
}

enum status node_admin_effects(struct node_admin *admin, const char (*gtrids)[XATOP_GTRID_MAX + 1],
                               uint32_t count, bool dirty, struct effect **out, uint32_t *out_count,
                               struct err *err)
{
    if (!read_effects(&admin->session, gtrids, count, dirty, out, out_count))
        return admin_failed(admin, err, _("cannot read the markers"));
    return STATUS_OK;
}

static bool take_key(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct effect_key *key = arg;
    if (columns < 2 || !row[0] || !row[1] || lengths[0] > XATOP_KEY_MAX ||
        lengths[1] != sizeof key->fingerprint - 1 || memchr(row[0], '\0', lengths[0]) ||
        strspn(row[1], "0123456789abcdef") != lengths[1])
        return true; /* none of ours */
    memcpy(key->key, row[0], lengths[0]);
    key->key[lengths[0]] = '\0';
    memcpy(key->fingerprint, row[1], sizeof key->fingerprint);
    return false;
}

/* There is no index for it: only asked for one transaction that somebody decides by hand. */
static bool read_key(struct session *session, struct control *control)
{
    char sql[256];
    struct text text;
    text_init(&text, sql, sizeof sql);
    text_append(&text, "SELECT k, fingerprint FROM xa_key WHERE gtrid = X'");
    text_hex(&text, control->effects_of, strlen(control->effects_of));
    text_append(&text, "'");
    bool ok = session_run(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED") &&
              session_rows(session, sql, take_key, &control->effect_key);
    if (!session_run(session, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")) {
        session->doubtful = true;
        ok = false;
    }
    return ok;
}

/* First what anybody wrote, then what is committed: what is in the second was decided by then. */
void session_effects(struct session *session, struct control *control)
{
    struct effect *committed;
    uint32_t count;
    char gtrids[1][XATOP_GTRID_MAX + 1];
    text_copy(gtrids[0], sizeof gtrids[0], control->effects_of);
    control->ok = read_effects(session, gtrids, 1, true, &control->effects, &control->effect_count) &&
                  read_key(session, control);
    if (!control->ok)
        return;
    control->ok = read_effects(session, gtrids, 1, false, &committed, &count);
    for (uint32_t i = 0; control->ok && i < count; i++)
        control->committed |= (uint16_t)(1u << (committed[i].branch - 1));
    free(committed);
}
