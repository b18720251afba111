/* A message as SQL: one text of one or more statements, and what each of them is. Pure. */
#ifndef NODE_MYSQL_PACKET_H
#define NODE_MYSQL_PACKET_H

#include "xatop/node.h"

enum { PACKET_STATEMENTS = 6 + 2 * XATOP_WORK_MAX, PACKET_BYTES = 16384 };

enum statement_role {
    STATEMENT_VERB,  /* an XA verb */
    STATEMENT_WORK,  /* must change exactly one row */
    STATEMENT_GUARD, /* the marker row: fails unless the work before it did */
};

struct statement {
    uint16_t verb;
    uint8_t step;
    enum statement_role role;
};

struct packet {
    uint8_t count;
    struct statement statements[PACKET_STATEMENTS];
    size_t length;
    char sql[PACKET_BYTES];
};

/* WORK alone: operation message->step only; together with other verbs: all operations, in order. OPEN is skipped. */
void packet_render(const struct message *message, struct packet *out);
/* The row an operation was refused on: counted column, then price (products only). KEY and INSERT have none: empty. */
void packet_render_diagnosis(const struct work_op *op, struct text *out);

#endif
