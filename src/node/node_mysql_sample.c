/* Sample data, and the consistent snapshot that the audit judges. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "node_mysql_admin.h"
#include "xatop/i18n.h"
#include "xatop/books.h"

enum { BATCH_BYTES = 65536, ROW_BYTES = 256, PRICE_FIRST = 1999, PRICE_STEP = 500, STOCK = 1000 };

bool admin_random(uint64_t *out)
{
    ssize_t n;
    do
        n = getrandom(out, sizeof *out, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *out;
}

static const char *const people[] = {
    "Ada Lovelace",   "王小明", "Jim Gray",    "李娜", "Grace Hopper",  "张伟", "Edgar Codd",     "陈静",
    "Barbara Liskov", "刘洋",   "Pat Helland", "赵敏", "Bruce Lindsay", "孙丽", "Leslie Lamport", "周杰"};
static const char *const goods[] = {"tea kettle", "茶壶", "notebook", "毛笔", "umbrella", "灯笼",
                                    "keyboard",   "瓷碗", "bicycle",  "丝绸", "compass",  "算盘"};

#define PICK(names, id) names[(uint64_t)(id) % (sizeof names / sizeof names[0])]

/* --- filling --- */

struct filler {
    struct session *session;
    const struct shape *shape;
    uint8_t node;
    enum work_table table;
    int64_t first, count, balance;
    int64_t total; /* out: sum of the counted column */
};

static const char *fill_head(enum work_table table)
{
    switch (table) {
    case WORK_ACCOUNTS:
        return "INSERT INTO accounts (id, owner, balance) VALUES ";
    case WORK_PRODUCTS:
        return "INSERT INTO products (id, name, price, stock) VALUES ";
    default:
        return "INSERT INTO customers (id, name, balance) VALUES ";
    }
}

static void fill_row(struct filler *filler, int64_t id, struct text *text)
{
    if (filler->table == WORK_PRODUCTS) {
        text_printf(text, "(%" PRId64 ", '%s', %" PRId64 ", %d)", id, PICK(goods, id),
                    PRICE_FIRST + PRICE_STEP * ((id - PRODUCT_FIRST) % 20), STOCK);
        filler->total += STOCK;
    } else {
        text_printf(text, "(%" PRId64 ", '%s', %" PRId64 ")", id, PICK(people, id), filler->balance);
        filler->total += filler->balance;
    }
}

/* A batch per statement, cut before the buffer or the server's packet limit is full. */
static bool fill_rows(struct filler *filler)
{
    char *sql = malloc(BATCH_BYTES);
    struct text text = {0};
    bool ok = sql != NULL, empty = true;
    for (int64_t i = 0; ok && i < filler->count; i++) {
        int64_t id = filler->first + i;
        if (shape_node(filler->shape, filler->table, id) == filler->node) {
            if (empty) {
                text_init(&text, sql, BATCH_BYTES);
                text_append(&text, fill_head(filler->table));
            } else {
                text_append(&text, ", ");
            }
            empty = false;
            fill_row(filler, id, &text);
        }
        if (!empty && (text.len > BATCH_BYTES - ROW_BYTES || i + 1 == filler->count)) {
            ok = session_run(filler->session, sql);
            empty = true;
        }
    }
    free(sql);
    return ok;
}

static bool write_initial(struct session *session, enum work_table table, int64_t total)
{
    char sql[160];
    snprintf(sql, sizeof sql, "INSERT INTO xa_initial (tbl, total) VALUES ('%s', %" PRId64 ")",
             work_table_name(table), total);
    return session_run(session, sql);
}

static bool filled_before(struct session *session, enum work_table table, bool *found)
{
    char sql[160];
    int64_t total;
    snprintf(sql, sizeof sql, "SELECT total FROM xa_initial WHERE tbl = '%s'", work_table_name(table));
    return session_numbers(session, sql, &total, 1, found);
}

enum status node_admin_fill(struct node_admin *admin, const struct shape *shape, uint8_t node,
                            int64_t balance, struct err *err)
{
    struct session *session = &admin->session;
    const struct {
        enum work_table table;
        int64_t first, count;
    } tables[] = {{WORK_ACCOUNTS, ACCOUNT_FIRST, shape->accounts},
                  {WORK_PRODUCTS, PRODUCT_FIRST, shape->products},
                  {WORK_CUSTOMERS, CUSTOMER_FIRST, shape->customers},
                  {WORK_ORDERS, 0, 0},
                  {WORK_PAYMENTS, 0, 0}};
    bool ok = session_run(session, "START TRANSACTION");
    for (size_t i = 0; ok && i < sizeof tables / sizeof tables[0]; i++) {
        bool before;
        struct filler filler = {.session = session,
                                .shape = shape,
                                .node = node,
                                .table = tables[i].table,
                                .first = tables[i].first,
                                .count = tables[i].count,
                                .balance = balance};
        ok = filled_before(session, filler.table, &before);
        if (ok && !before)
            ok = fill_rows(&filler) && write_initial(session, filler.table, filler.total);
    }
    if (ok && session_run(session, "COMMIT"))
        return STATUS_OK;
    enum status status = admin_failed(admin, err, _("cannot insert the sample data"));
    session_run(session, "ROLLBACK");
    return status;
}

/* --- the audit's snapshot --- */

static bool read_totals(struct session *session, struct audit_snapshot *out)
{
    for (unsigned i = 0; i < WORK_TABLES; i++) {
        const char *table = work_table_name((enum work_table)i);
        int64_t row[3] = {0};
        char sql[384];
        bool found;
        snprintf(sql, sizeof sql,
                 "SELECT COALESCE((SELECT total FROM xa_initial WHERE tbl = '%s'), 0), "
                 "COALESCE((SELECT SUM(%s) FROM %s), 0), "
                 "COALESCE((SELECT SUM(delta) FROM xa_marker WHERE tbl = '%s'), 0) + "
                 "COALESCE((SELECT delta FROM xa_folded WHERE tbl = '%s'), 0)",
                 table, work_table_column((enum work_table)i), table, table, table);
        if (!session_numbers(session, sql, row, 3, &found))
            return false;
        out->initial[i] = row[0];
        out->sum[i] = row[1];
        out->deltas[i] = row[2];
    }
    return true;
}

struct markers {
    struct audit_snapshot *out;
    uint32_t capacity;
    bool out_of_memory;
};

static bool take_marker(void *arg, char **row, const unsigned long *lengths, unsigned columns)
{
    struct markers *markers = arg;
    struct audit_snapshot *out = markers->out;
    if (columns < 5 || !row[0] || !row[1] || !row[2] || !row[3] || !row[4])
        return true;
    if (out->marker_count == markers->capacity) {
        uint32_t capacity = markers->capacity ? markers->capacity * 2 : 256;
        struct audit_marker *grown = realloc(out->markers, capacity * sizeof *grown);
        if (!grown) {
            markers->out_of_memory = true;
            return false;
        }
        out->markers = grown;
        markers->capacity = capacity;
    }
    struct audit_marker *marker = &out->markers[out->marker_count++];
    text_sanitise(marker->gtrid, sizeof marker->gtrid, row[0], lengths[0]);
    marker->branch = (uint8_t)strtoul(row[1], NULL, 10);
    marker->branches = (uint8_t)strtoul(row[2], NULL, 10);
    marker->money = strtoll(row[3], NULL, 10);
    marker->stock = strtoll(row[4], NULL, 10) - marker->money;
    return true;
}

/* One row a branch: what its markers say it changed, money and pieces apart. */
static bool read_markers(struct session *session, const struct audit_floors *floors, struct markers *markers)
{
    char buffer[512 + AUDIT_FLOORS_MAX * (6 * XATOP_GTRID_MAX)];
    struct text sql;
    text_init(&sql, buffer, sizeof buffer);
    text_append(&sql, "SELECT gtrid, branch, MAX(branches), SUM(IF(tbl = ''");
    for (unsigned i = 0; i < WORK_TABLES; i++)
        if (work_table_is_money((enum work_table)i))
            text_printf(&sql, " OR tbl = '%s'", work_table_name((enum work_table)i));
    text_append(&sql, ", delta, 0)), SUM(delta) FROM xa_marker WHERE 1 = 1");
    for (uint32_t i = 0; i < floors->count; i++) {
        const struct audit_floor *floor = &floors->logs[i];
        text_append(&sql, " AND (gtrid <= X'");
        text_hex(&sql, floor->origin, strlen(floor->origin));
        text_append(&sql, "' OR gtrid > X'");
        text_hex(&sql, floor->finished, strlen(floor->finished));
        text_append(&sql, "')");
    }
    text_append(&sql, " GROUP BY gtrid, branch ORDER BY gtrid, branch");
    xatop_assert(!sql.truncated);
    return session_rows(session, buffer, take_marker, markers);
}

enum status node_admin_snapshot(struct node_admin *admin, const struct audit_floors *floors,
                                struct audit_snapshot *out, struct err *err)
{
    struct session *session = &admin->session;
    struct markers markers = {.out = out};
    *out = (struct audit_snapshot){0};
    /* READ COMMITTED would look anew at every statement; the order of the primary key is the order of bytes */
    bool ok = session_run(session, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ") &&
              session_run(session, "START TRANSACTION WITH CONSISTENT SNAPSHOT") &&
              read_totals(session, out) && session_floors(session, &out->floors) &&
              read_markers(session, floors, &markers);
    enum status status = STATUS_OK;
    if (!ok)
        status = admin_failed(admin, err, _("cannot read the snapshot"));
    else if (markers.out_of_memory)
        status = err_set(err, STATUS_INTERNAL, _("out of memory"));
    session_run(session, "ROLLBACK");
    out->ok = status == STATUS_OK;
    return status;
}
