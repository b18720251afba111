/* The answer to a message: results in order, errors assigned by result index, and why a guard said no. */
#include "config.h"

#include "node_mysql_error.h"
#include "node_mysql_internal.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"

/* Nothing we send returns rows; a server that does so anyway is read to the end. */
static bool drain(MYSQL *mysql)
{
    if (mysql_field_count(mysql) == 0)
        return true;
    MYSQL_RES *result = mysql_use_result(mysql);
    if (!result)
        return false;
    while (mysql_fetch_row(result))
        continue;
    bool ok = mysql_errno(mysql) == 0;
    mysql_free_result(result);
    return ok;
}

/* Ask the row on the same session: the branch is still active there. */
static void diagnose(struct session *session, struct message *message, uint8_t step)
{
    const struct work_op *op = &message->plan->work[step];
    char sql[256];
    struct text text;
    int64_t row[2] = {0};
    bool found;
    message->refused_step = step;
    if (op->kind == WORK_KEY && message->error == ERROR_DUPLICATE) {
        message->reply = REPLY_REFUSED;
        message->refusal = REFUSAL_KEY_EXISTS;
        return;
    }
    if (op->kind != WORK_ADD || !error_is_guard(message->error)) {
        if (message->reply == REPLY_REFUSED)
            message->reply = REPLY_ERROR; /* no rule of the business fits */
        return;
    }
    text_init(&text, sql, sizeof sql);
    packet_render_diagnosis(op, &text);
    message->reply = REPLY_REFUSED;
    if (!session_numbers(session, sql, row, 2, &found)) {
        message->error = session->error;
        message->reply = error_is_loss(session->error) ? REPLY_LOST : REPLY_RETRYABLE;
    } else if (!found) {
        message->refusal = REFUSAL_NO_ROW;
    } else if (op->table == WORK_PRODUCTS && op->price >= 0 && row[1] != op->price) {
        message->refusal = REFUSAL_PRICE_CHANGED;
        message->refused_have = row[1];
    } else if (op->delta < 0 && row[0] < -op->delta) {
        message->refusal = REFUSAL_SHORT;
        message->refused_have = row[0];
    } else {
        message->reply = REPLY_RETRYABLE; /* it would do now: the row changed in between */
    }
}

static bool read_one(struct session *session, unsigned index)
{
    int status =
        index == 0 ? (int)mysql_read_query_result(session->mysql) : mysql_next_result(session->mysql);
    if (status < 0) { /* fewer results than statements, and no error: not a server we understand */
        session->error = CR_COMMANDS_OUT_OF_SYNC;
        text_copy(session->detail, sizeof session->detail, _("the server answered too little"));
        session->doubtful = true;
        return false;
    }
    return (status == 0 && drain(session->mysql)) || session_failed(session);
}

static void refuse(struct session *session, struct message *message, const struct statement *statement)
{
    message->error = session->error;
    message->last_verb = statement->verb;
    message->reply = error_reply(statement->verb, session->error);
    text_copy(message->detail, sizeof message->detail, session->detail);
    if (statement->verb == VERB_WORK && message->reply != REPLY_LOST)
        diagnose(session, message, statement->step);
}

void carrier_read_answer(struct session *session, struct slot *slot)
{
    struct message *message = slot->message;
    session_guard(session, message->deadline_ms);
    message->reply = REPLY_OK;
    message->last_verb = (uint16_t)verbs_last(message->verbs);
    const struct statement *idle = NULL; /* work that did not change exactly one row */
    for (unsigned i = 0; i < slot->count && message->reply == REPLY_OK; i++) {
        const struct statement *statement = &slot->statements[i];
        if (!read_one(session, i))
            refuse(session, message, statement);
        else if (statement->role == STATEMENT_WORK && mysql_affected_rows(session->mysql) != 1 && !idle)
            idle = statement;
    }
    /* The guard on the server should have stopped it (27a). After a vote or a commit it is too late to call that a refusal:
     * nobody knows any more what stands there, so fence and marker shall tell. */
    if (message->reply == REPLY_OK && idle && (message->verbs & (VERB_PREPARE | VERB_ONE_PHASE))) {
        session->doubtful = true;
        message->reply = REPLY_LOST;
        text_copy(message->detail, sizeof message->detail, _("not exactly one row changed"));
    } else if (message->reply == REPLY_OK && idle) {
        session->error = ERROR_BAD_NULL;
        text_copy(session->detail, sizeof session->detail, _("not exactly one row changed"));
        refuse(session, message, idle);
    }
    if (message->reply == REPLY_OK && mysql_more_results(session->mysql)) {
        session->doubtful = true; /* more answers than questions */
        message->reply = REPLY_LOST;
    }
    session_unguard(session);
    session->used_ms = clock_mono_ms();
    message->reply_us = message->reply == REPLY_LOST ? 0 : clock_mono_us();
}
