#include "config.h"

#include "node_mysql_packet.h"

#include <inttypes.h>
#include <string.h>

static void add(struct packet *packet, struct text *text, uint16_t verb, uint8_t step,
                enum statement_role role)
{
    xatop_assert(packet->count < PACKET_STATEMENTS);
    if (packet->count > 0)
        text_append(text, "; ");
    packet->statements[packet->count++] = (struct statement){verb, step, role};
}

static void literal(struct text *text, const void *bytes, size_t n)
{
    text_append(text, "X'");
    text_hex(text, bytes, n);
    text_append(text, "'");
}

static void render_add(const struct work_op *op, struct text *text)
{
    const char *column = work_table_column(op->table);
    text_printf(text,
                "UPDATE %s SET %s = %s + (%" PRId64 ") WHERE id = %" PRId64 " AND %s + (%" PRId64 ") >= 0",
                work_table_name(op->table), column, column, op->delta, op->id, column, op->delta);
    if (op->table == WORK_PRODUCTS && op->price >= 0)
        text_printf(text, " AND price = %" PRId64, op->price);
}

static void render_insert(const struct work_op *op, const struct xid *xid, struct text *text)
{
    xatop_assert(op->table == WORK_ORDERS || op->table == WORK_PAYMENTS);
    bool order = op->table == WORK_ORDERS;
    text_append(text, order ? "INSERT INTO orders (gtrid, product, customer, quantity) VALUES ("
                            : "INSERT INTO payments (gtrid, customer, amount) VALUES (");
    literal(text, xid->gtrid, xid->gtrid_len);
    if (order)
        text_printf(text, ", %" PRId64, op->product);
    text_printf(text, ", %" PRId64 ", %" PRId64 ")", op->customer, op->delta);
}

static void render_key(const struct work_op *op, const struct xid *xid, struct text *text)
{
    text_append(text, "INSERT INTO xa_key (k, fingerprint, gtrid) VALUES (");
    literal(text, op->key, strnlen(op->key, sizeof op->key));
    text_append(text, ", ");
    literal(text, op->fingerprint, strnlen(op->fingerprint, sizeof op->fingerprint));
    text_append(text, ", ");
    literal(text, xid->gtrid, xid->gtrid_len);
    text_append(text, ")");
}

/* xa-facts 27a: delta is NOT NULL, so the branch fails right here if the statement before did not change one row. */
static void render_guard(const struct message *message, const struct work_op *op, uint8_t step,
                         struct text *text)
{
    int64_t row = op->kind == WORK_ADD ? op->id : op->table == WORK_ORDERS ? op->product : op->customer;
    text_append(text,
                "INSERT INTO xa_marker (gtrid, branch, step, branches, tbl, row_id, delta, at) VALUES (");
    literal(text, message->xid.gtrid, message->xid.gtrid_len);
    text_printf(text, ", %u, %u, %u, '%s', %" PRId64 ", IF(ROW_COUNT() = 1, %" PRId64 ", NULL), NOW(3))",
                message->branch, step, message->branch_count, work_table_name(op->table), row, op->delta);
}

static void render_work(const struct message *message, uint8_t step, struct packet *packet, struct text *text)
{
    const struct work_op *op = &message->plan->work[step];
    add(packet, text, VERB_WORK, step, STATEMENT_WORK);
    switch (op->kind) {
    case WORK_ADD:
        render_add(op, text);
        break;
    case WORK_INSERT:
        render_insert(op, &message->xid, text);
        break;
    case WORK_KEY:
        render_key(op, &message->xid, text);
        return;
    }
    add(packet, text, VERB_WORK, step, STATEMENT_GUARD);
    render_guard(message, op, step, text);
}

void packet_render(const struct message *message, struct packet *out)
{
    static const enum verb order[] = {VERB_START,  VERB_WORK,     VERB_END,      VERB_PREPARE,
                                      VERB_COMMIT, VERB_ROLLBACK, VERB_ONE_PHASE};
    uint16_t verbs = message->verbs & (uint16_t)~VERB_OPEN;
    struct text text;
    text_init(&text, out->sql, sizeof out->sql);
    out->count = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (!(verbs & order[i]))
            continue;
        if (order[i] != VERB_WORK) {
            add(out, &text, order[i], 0, STATEMENT_VERB);
            verb_sql(order[i], &message->xid, &text);
            continue;
        }
        xatop_assert(message->plan->work_count <= XATOP_WORK_MAX);
        bool all = verbs != VERB_WORK;
        xatop_assert(all || message->step < message->plan->work_count);
        for (uint8_t step = all ? 0 : message->step; step < message->plan->work_count; step++) {
            render_work(message, step, out, &text);
            if (!all)
                break;
        }
    }
    xatop_assert(!text.truncated && out->count > 0);
    out->length = text.len;
}

void packet_render_diagnosis(const struct work_op *op, struct text *out)
{
    if (op->kind != WORK_ADD)
        return;
    text_printf(out, "SELECT %s, %s FROM %s WHERE id = %" PRId64, work_table_column(op->table),
                op->table == WORK_PRODUCTS ? "price" : "0", work_table_name(op->table), op->id);
}
