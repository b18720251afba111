/* Scripts for the transaction machine: feed an event, get the actions back as one line:
 * "send 1 start; send 2 start", "resolve 2 commit", "fence 1", "log-commit", "end". */
#ifndef XATOP_TESTS_TXN_SCRIPT_H
#define XATOP_TESTS_TXN_SCRIPT_H

#include "xatop/text.h"
#include "xatop/txn.h"

struct script {
    struct txn txn;
    struct txn_update update;
    int64_t now_ms;
    bool fits; /* what the last txn_step returned */
    char line[2048];
};

/* Times of a script's transactions, ms: transaction 10000, prepare 4000, finish 1000, settle 300, backoff 100
 * to 1600. */
struct txn_limits script_limits(bool packet);
/* @work operations in each branch; time starts at 1000. */
void script_init(struct script *script, uint8_t branches, uint8_t work, bool packet);

/* Each returns script->line; "refused" if the event did not fit. */
const char *script_step(struct script *script, struct txn_event event);
const char *script_begin(struct script *script);
const char *script_reply(struct script *script, uint8_t branch, unsigned verbs, enum reply reply);
const char *script_logged(struct script *script, bool durable);
const char *script_fenced(struct script *script, uint8_t branch, bool ok);
const char *script_resolved(struct script *script, uint8_t branch, enum finding finding);
/* Advance to @now_ms and tick. */
const char *script_tick(struct script *script, int64_t now_ms);
/* Advance to the machine's own deadline and tick. */
const char *script_wait(struct script *script);
const char *script_abort(struct script *script);

/* The moves of the last step: "active>preparing 1:ended>preparing". */
const char *script_moves(struct script *script);

#endif
