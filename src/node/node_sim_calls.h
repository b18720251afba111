/* Inside the simulated nodes: what their files call of each other. Included by node_sim_private.h. */
#ifndef XATOP_NODE_SIM_CALLS_H
#define XATOP_NODE_SIM_CALLS_H

typedef void sim_deliver(void *arg, struct completion *completion);

void *sim_alloc(size_t size);
bool sim_chance(struct node_sim *sim, uint16_t thousandths);
int64_t sim_latency_us(struct node_sim *sim);
void sim_push(struct node_sim *sim, int64_t at_us, enum sim_event_kind kind, struct sim_job *job,
              uint8_t node);
void sim_session_close(struct node_sim *sim, struct sim_session *session);
void sim_expire(struct node_sim *sim, struct sim_session *session); /* it ends by wait_timeout */
void sim_session_kill(struct node_sim *sim, struct sim_session *session);
void sim_session_check(struct node_sim *sim, struct sim_session *session); /* ends it when it may */
struct sim_session *sim_session_find(struct sim_node *node, uint64_t id);
void sim_arrive(struct node_sim *sim, struct sim_job *job);
void sim_run_job(struct node_sim *sim, struct sim_job *job);
void sim_answer(struct node_sim *sim, struct sim_job *job, sim_deliver *deliver, void *arg);
void sim_deadline(struct node_sim *sim, struct sim_job *job, sim_deliver *deliver, void *arg);
/* the server */
struct sim_branch *sim_branch_find(struct sim_node *node, const struct xid *xid);
void sim_branch_commit(struct node_sim *sim, uint8_t node, struct sim_branch *branch);
void sim_branch_roll_back(struct node_sim *sim, uint8_t node, struct sim_branch *branch);
bool sim_execute(struct node_sim *sim, struct sim_job *job); /* false: waits for a lock */
enum reply sim_foreign_finish(struct node_sim *sim, uint8_t node, const struct xid *xid, uint16_t verb);
const struct sim_effect *sim_effect_find(const struct sim_node *node, const struct xid *xid);
void sim_control_run(struct node_sim *sim, uint8_t node, sim_deliver *deliver, void *arg);

#endif
