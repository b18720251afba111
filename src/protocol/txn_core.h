/* Between the files of the protocol room only: one step in progress, and the few functions through which
 * everything that a step does must pass. */
#ifndef XATOP_PROTOCOL_TXN_CORE_H
#define XATOP_PROTOCOL_TXN_CORE_H

#include "xatop/txn.h"

struct step {
    struct txn *txn;
    struct txn_update *update;
    int64_t now_ms;
};

/* The only two places where a state changes: asserts the table of successors and records the move. */
void step_move_txn(struct step *step, enum txn_state to);
void step_move_branch(struct step *step, unsigned index, enum branch_state to);

/* The only place where an action is made. */
struct txn_action *step_emit(struct step *step, enum txn_action_kind kind, unsigned index);
/* One message on the branch's own session; it moves to @state and waits for the answer. */
void step_send(struct step *step, unsigned index, uint16_t verbs, enum branch_state state);

bool txn_all_branches(const struct txn *txn, enum branch_state state);

/* --- txn_phase1.c: until the decision, and the way back --- */
void step_begin_work(struct step *step);
void step_phase1_reply(struct step *step, unsigned index, uint16_t sent, uint16_t last, enum reply reply);
void step_abort_all(struct step *step);
/* The decision was ROLLBACK: do for one branch what its state demands; nothing while a message of it is out.
 */
void step_roll_back_branch(struct step *step, unsigned index);

/* --- txn_phase2.c: after the decision, either way --- */
void step_commit_all(struct step *step);
void step_resolve_recovered(struct step *step);
void step_commit_reply(struct step *step, unsigned index, enum reply reply);
void step_rollback_reply(struct step *step, unsigned index, enum reply reply);
void step_fence(struct step *step, unsigned index);
void step_fenced(struct step *step, unsigned index, bool ok);
void step_resolved(struct step *step, unsigned index, enum finding finding);
void step_wake_branch(struct step *step, unsigned index);

#endif
