/* journal_make [more]: writes the sample journal of the golden screens: what two nodes and a coordinator went through in one minute. Made of trace
 * events and the journal's own writer, so that it follows the format; the same bytes every time. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "xatop/trace.h"
#include "xatop/verb.h"
#include "xatop/vocab.h"

#define WALL_MS INT64_C(1767265380000) /* 2026-01-01 11:03:00 UTC */
#define MONO_US INT64_C(1000000000)

static uint64_t seq;
static int64_t now_us; /* since the journal's beginning */

static struct trace_event event(enum trace_kind kind, uint64_t txn)
{
    return (struct trace_event){.seq = ++seq,
                                .mono_us = MONO_US + now_us,
                                .wall_ms = WALL_MS + now_us / 1000,
                                .kind = kind,
                                .txn = txn,
                                .epoch = txn ? 3 : 0};
}

static void emit(const struct trace_event *e)
{
    char line[2048];
    struct text text;
    text_init(&text, line, sizeof line);
    trace_to_json(e, &text);
    puts(line);
}

static void words(enum trace_kind kind, uint64_t txn, int16_t result, const char *detail)
{
    struct trace_event e = event(kind, txn);
    e.result = result;
    text_copy(e.detail, sizeof e.detail, detail);
    emit(&e);
}

static void node(int8_t number, enum node_state state, int64_t rtt_us, int prepared, int waits, int sessions,
                 const char *version)
{
    struct trace_event e = event(TRACE_NODE, 0);
    e.node = number;
    e.result = (int16_t)state;
    e.n[0] = rtt_us;
    e.n[1] = prepared;
    e.n[2] = waits;
    e.n[3] = sessions;
    text_copy(e.detail, sizeof e.detail, version);
    emit(&e);
}

static void begin(uint64_t txn, const char *meaning, int64_t retry)
{
    struct trace_event e = event(TRACE_BEGIN, txn);
    e.n[0] = 2;
    e.n[1] = retry;
    text_copy(e.detail, sizeof e.detail, meaning);
    emit(&e);
}

static void state(uint64_t txn, enum txn_state from, enum txn_state to)
{
    struct trace_event e = event(TRACE_STATE, txn);
    e.from = (int16_t)from;
    e.to = (int16_t)to;
    emit(&e);
}

static void branch(uint64_t txn, int8_t number, enum branch_state from, enum branch_state to)
{
    struct trace_event e = event(TRACE_BRANCH, txn);
    e.branch = e.node = number;
    e.from = (int16_t)from;
    e.to = (int16_t)to;
    emit(&e);
}

/* One message to both branches: sent 30 us apart, answered after @a_us and @b_us (-1: no answer). */
static void round_trip(uint64_t txn, unsigned verbs, int64_t a_us, int64_t b_us)
{
    int64_t start_us = now_us, took[] = {a_us, b_us};
    for (int8_t i = 0; i < 2; i++) {
        struct trace_event e = event(TRACE_SEND, txn);
        e.branch = e.node = (int8_t)(i + 1);
        e.verbs = (uint16_t)verbs;
        e.start_us = MONO_US + start_us + 30 * i;
        emit(&e);
    }
    int first = a_us <= b_us ? 0 : 1;
    for (int i = 0; i < 2; i++) {
        int8_t which = (int8_t)(i == 0 ? first : 1 - first);
        if (took[which] < 0)
            continue;
        now_us = start_us + 30 * which + took[which];
        struct trace_event e = event(TRACE_REPLY, txn);
        e.branch = e.node = (int8_t)(which + 1);
        e.verbs = (uint16_t)verbs;
        e.start_us = MONO_US + start_us + 30 * which;
        e.end_us = MONO_US + now_us;
        e.result = REPLY_OK;
        emit(&e);
    }
    now_us += 20;
}

static void reply(uint64_t txn, int8_t number, unsigned verbs, int64_t took_us, enum reply result, int error,
                  const char *detail)
{
    struct trace_event e = event(TRACE_REPLY, txn);
    e.branch = e.node = number;
    e.verbs = (uint16_t)verbs;
    e.start_us = MONO_US + now_us - took_us;
    e.end_us = MONO_US + now_us;
    e.result = (int16_t)result;
    e.error = error;
    text_copy(e.detail, sizeof e.detail, detail);
    emit(&e);
}

static void decide(uint64_t txn, int64_t lsn, int64_t sync_us)
{
    struct trace_event e = event(TRACE_LOG_APPEND, txn);
    e.n[0] = lsn;
    e.n[1] = 212;
    text_copy(e.detail, sizeof e.detail, "commit");
    emit(&e);
    int64_t start_us = now_us;
    now_us += sync_us;
    e = event(TRACE_LOG_DURABLE, txn);
    e.start_us = MONO_US + start_us;
    e.end_us = MONO_US + now_us;
    e.n[0] = lsn;
    e.n[1] = 1;
    emit(&e);
}

static void outcome(uint64_t txn, enum outcome result, int64_t elapsed_us, const char *reason)
{
    struct trace_event e = event(TRACE_OUTCOME, txn);
    e.result = (int16_t)result;
    e.n[0] = elapsed_us;
    text_copy(e.detail, sizeof e.detail, reason);
    emit(&e);
}

static void forget(uint64_t txn)
{
    struct trace_event e = event(TRACE_FORGET, txn);
    emit(&e);
}

/* A stream: what a journal keeps when it has to let messages go. */
static void quick(uint64_t txn, int64_t elapsed_us, bool commits)
{
    static const char *const meanings[] = {"12.50 from 1003 to 1008", "7.00 from 1006 to 1001",
                                           "99.90 from 1002 to 1005"};
    begin(txn, meanings[txn % 3], 0);
    now_us += elapsed_us / 2;
    if (commits)
        decide(txn, (int64_t)txn, elapsed_us / 4);
    now_us += elapsed_us / 4;
    state(txn, commits ? TXN_COMMITTING : TXN_ROLLING_BACK, commits ? TXN_COMMITTED : TXN_ROLLED_BACK);
    outcome(txn, commits ? OUTCOME_COMMITTED : OUTCOME_ABORTED, elapsed_us,
            commits ? "" : "account 1002 has 10.00, 99.90 needed");
    forget(txn);
}

static void health(void)
{
    node(1, NODE_UP, 310 + now_us / 1000000 % 7 * 12, 0, 0, 11, "MariaDB 10.11.19");
    node(2, NODE_UP, 420 + now_us / 1000000 % 5 * 31, (int)(now_us / 1000000 % 3), 0, 9, "MySQL 9.7.4");
}

static uint64_t stream(uint64_t txn)
{
    static const uint8_t per_second[] = {0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6, 6, 5, 4, 4,
                                         3, 2, 2, 1, 1, 2, 4, 6, 7, 7, 6, 5, 3, 2, 1, 0};
    for (unsigned second = 0; second < sizeof per_second; second++) {
        now_us = second * INT64_C(1000000) + 5000;
        health();
        for (unsigned i = 0; i < per_second[second]; i++) {
            quick(txn, 6000 + (int64_t)(txn * 7919 % 9000), txn % 13 != 0);
            txn++;
        }
    }
    return txn;
}

static const enum txn_state A = TXN_ACTIVE, P = TXN_PREPARING, D = TXN_DECIDING, C = TXN_COMMITTING;

/* Message by message: the plain case. */
static void statement_by_statement(uint64_t txn)
{
    int64_t begun_us = now_us;
    begin(txn, "500.00 from 1001 to 1002", 0);
    round_trip(txn, VERB_OPEN | VERB_START, 310, 420);
    round_trip(txn, VERB_WORK, 890, 1210);
    round_trip(txn, VERB_END, 280, 350);
    state(txn, A, P);
    round_trip(txn, VERB_PREPARE, 2240, 4710);
    branch(txn, 1, BRANCH_PREPARING, BRANCH_PREPARED);
    branch(txn, 2, BRANCH_PREPARING, BRANCH_PREPARED);
    state(txn, P, D);
    decide(txn, (int64_t)txn, 1830);
    state(txn, D, C);
    round_trip(txn, VERB_COMMIT, 1120, 2370);
    branch(txn, 1, BRANCH_COMMITTING, BRANCH_COMMITTED);
    branch(txn, 2, BRANCH_COMMITTING, BRANCH_COMMITTED);
    state(txn, C, TXN_COMMITTED);
    outcome(txn, OUTCOME_COMMITTED, now_us - begun_us, "");
    forget(txn);
}

static void refused(uint64_t txn)
{
    int64_t begun_us = now_us;
    begin(txn, "5 pieces of 101 for 2001", 0);
    round_trip(txn, VERB_OPEN | VERB_START, 300, 410);
    now_us += 700;
    reply(txn, 1, VERB_WORK, 690, REPLY_REFUSED, 1048, "product 101 has 3 pieces, 5 needed");
    state(txn, A, TXN_ROLLING_BACK);
    round_trip(txn, VERB_ROLLBACK, 410, 530);
    branch(txn, 1, BRANCH_ROLLING_BACK, BRANCH_ROLLED_BACK);
    branch(txn, 2, BRANCH_ROLLING_BACK, BRANCH_ROLLED_BACK);
    state(txn, TXN_ROLLING_BACK, TXN_ROLLED_BACK);
    outcome(txn, OUTCOME_ABORTED, now_us - begun_us, "product 101 has 3 pieces, 5 needed");
    forget(txn);
}

/* A packet for each branch; the name of a customer that is wider than its letters. */
static void packet(uint64_t txn)
{
    int64_t begun_us = now_us;
    begin(txn, "2 x 茶壶 for 王芳, 64.00", 1);
    round_trip(txn, VERB_START | VERB_WORK | VERB_END | VERB_PREPARE, 3100, 5200);
    branch(txn, 1, BRANCH_PREPARING, BRANCH_PREPARED);
    branch(txn, 2, BRANCH_PREPARING, BRANCH_PREPARED);
    state(txn, A, D);
    decide(txn, (int64_t)txn, 1540);
    state(txn, D, C);
    round_trip(txn, VERB_COMMIT, 980, 1730);
    branch(txn, 1, BRANCH_COMMITTING, BRANCH_COMMITTED);
    branch(txn, 2, BRANCH_COMMITTING, BRANCH_COMMITTED);
    state(txn, C, TXN_COMMITTED);
    outcome(txn, OUTCOME_COMMITTED, now_us - begun_us, "");
    forget(txn);
}

static void backoff(uint64_t txn, int8_t number, int64_t ms, int64_t tries)
{
    struct trace_event e = event(TRACE_BRANCH, txn);
    e.branch = e.node = number;
    e.from = BRANCH_FENCING;
    e.to = BRANCH_BACKOFF;
    e.n[0] = ms;
    e.n[1] = tries;
    emit(&e);
}

static void verdict(uint64_t txn, uint32_t epoch, int8_t number, enum verdict what, enum recovery_rule rule,
                    int64_t lsn, int64_t committed_on, const char *xid)
{
    struct trace_event e = event(TRACE_VERDICT, txn);
    e.epoch = epoch;
    e.branch = txn ? number : 0;
    e.node = number;
    e.result = (int16_t)what;
    e.n[0] = rule;
    e.n[1] = lsn;
    e.n[3] = committed_on;
    text_copy(e.detail, sizeof e.detail, xid);
    emit(&e);
}

/* What stands on the nodes: one that an older run decided, one it did not, one that the log has lost, one of another log, and others'. */
static void sweep(void)
{
    struct trace_event e = event(TRACE_SWEEP, 0);
    e.result = 1;
    e.n[0] = 10004;
    e.n[1] = 1;
    e.n[3] = 10000;
    emit(&e);
    verdict(71, 2, 1, VERDICT_COMMIT, RULE_COMMIT_RECORD, 71, 0,
            "xa1.lab.0000000000005eed.00000002.000000000047/b1");
    verdict(72, 2, 1, VERDICT_ROLLBACK, RULE_NO_RECORD, 0, 0,
            "xa1.lab.0000000000005eed.00000002.000000000048/b1");
    verdict(73, 2, 1, VERDICT_AMBIGUOUS, RULE_SIBLING_COMMITTED, 0, 2,
            "xa1.lab.0000000000005eed.00000002.000000000049/b1");
    verdict(0, 0, 1, VERDICT_AMBIGUOUS, RULE_OTHER_LOG, 0, 0,
            "xa1.lab.00000000000bad10.00000001.000000000001/b1");
    for (int i = 0; i < 3; i++) {
        char xid[64];
        struct text text;
        text_init(&text, xid, sizeof xid);
        text_printf(&text, "X'1b5b324a%04x',X'0a',9752", i);
        verdict(0, 0, 1, VERDICT_FOREIGN, RULE_NOT_OUR_FORM, 0, 0, xid);
    }
}

static void arm(const char *spec)
{
    struct trace_event e = event(TRACE_ARM, 0);
    e.result = spec[0] != '\0';
    text_copy(e.detail, sizeof e.detail, spec);
    emit(&e);
}

/* The second node dies between its vote and the commit. */
static void left_pending(uint64_t txn)
{
    int64_t begun_us = now_us;
    begin(txn, "20.00 from 1003 to 1004", 0);
    round_trip(txn, VERB_OPEN | VERB_START, 330, 440);
    round_trip(txn, VERB_WORK, 910, 1190);
    round_trip(txn, VERB_END, 270, 330);
    state(txn, A, P);
    round_trip(txn, VERB_PREPARE, 2110, 4630);
    branch(txn, 1, BRANCH_PREPARING, BRANCH_PREPARED);
    branch(txn, 2, BRANCH_PREPARING, BRANCH_PREPARED);
    state(txn, P, D);
    decide(txn, (int64_t)txn, 1910);
    state(txn, D, C);
    words(TRACE_FAULT, txn, 0, "drop@commit.sent:beta");
    words(TRACE_NOTICE, 0, 1, "beta was killed (SIGKILL)");
    round_trip(txn, VERB_COMMIT, 1090, -1);
    branch(txn, 1, BRANCH_COMMITTING, BRANCH_COMMITTED);
    now_us += 2500;
    reply(txn, 2, VERB_COMMIT, 3580, REPLY_LOST, 2013, "lost connection to server during query");
    branch(txn, 2, BRANCH_COMMITTING, BRANCH_FENCING);
    now_us += 200000;
    backoff(txn, 2, 1600, 3);
    now_us += 500000;
    outcome(txn, OUTCOME_COMMITTED_PENDING, now_us - begun_us, "node beta cannot be reached");
}

int main(int argc, char **argv)
{
    puts("{\"xatop-journal\":1,\"coordinator\":\"lab\",\"nodes\":[\"alpha\",\"beta\"]}");
    struct trace_event run = event(TRACE_RUN, 0);
    run.n[0] = 3;
    run.n[1] = 0x5eed;
    text_copy(run.detail, sizeof run.detail, "coordinator lab opened its log");
    emit(&run);
    uint64_t txn = stream(1);
    now_us = 33 * 1000000 + 140000;
    health();
    struct trace_event audit = event(TRACE_AUDIT, 0);
    audit.result = 1;
    audit.n[0] = audit.n[1] = 200000000;
    audit.n[2] = audit.n[3] = 5000;
    emit(&audit);
    refused(txn++);
    now_us = 34 * 1000000 + 205000;
    packet(txn++);
    now_us = 35 * 1000000 + 12000;
    statement_by_statement(txn++);
    now_us = 36 * 1000000 + 90000;
    health();
    arm("drop@commit.sent:beta");
    left_pending(txn++);
    now_us = 37 * 1000000 + 3000;
    node(1, NODE_UP, 340, 0, 0, 12, "MariaDB 10.11.19");
    node(2, NODE_DOWN, -1, -1, -1, -1, "");
    /* "more": what it leads to, for the screens of faults and doubts */
    if (argc < 2)
        return 0;
    sweep();
    arm("delay=200@prepare.sent:alpha#3");
    arm("kill@decide.durable:beta");
    words(TRACE_NOTICE, 0, 1, "link beta: cut");
    now_us += 200000;
    node(2, NODE_CUT, -1, -1, -1, -1, "");
    return 0;
}
