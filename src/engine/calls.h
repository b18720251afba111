/* Inside the engine room: what its files call of each other. Included by engine_private.h. */
#ifndef XATOP_ENGINE_CALLS_H
#define XATOP_ENGINE_CALLS_H

/* engine.c */
void *engine_alloc(
    size_t size); /* zeroed, in boxes.c; out of memory is the end: half a transaction cannot be told */
bool engine_acts(const struct engine *engine); /* neither dead nor halted */
void engine_halt(struct engine *engine, enum status status, const char *words);
/* boxes.c */
struct message_box *message_box_new(struct engine *engine, struct slot *slot, uint8_t branch);
struct control_box *control_box_new(struct engine *engine, enum control_kind kind, enum purpose purpose,
                                    uint8_t node);
struct log_box *log_box_new(struct engine *engine);
void message_box_free(struct engine *engine, struct message_box *box);
void control_box_free(struct engine *engine, struct control_box *box);
void log_box_free(struct engine *engine, struct log_box *box);
void boxes_free_all(struct engine *engine);
/* emit.c: fill engine->event, then emit */
struct trace_event *emit_new(struct engine *engine, enum trace_kind kind, const struct slot *slot,
                             uint8_t branch);
void emit(struct engine *engine);
void emit_notice(struct engine *engine, const struct slot *slot, int level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* dispatch.c */
void slot_step(struct engine *engine, struct slot *slot, const struct txn_event *event);
void slot_open(struct engine *engine, struct slot *slot);
void slot_unpark(struct engine *engine);
void engine_crash(struct engine *engine, enum point point, struct slot *slot);
/* slots.c */
struct slot *slot_new(struct engine *engine);
struct slot *slot_find(struct engine *engine, const struct gtrid *gtrid, uint8_t branch);
bool slot_branch_finished(const struct slot *slot, uint8_t branch);
void slots_turn(struct engine *engine);
void slot_release_carrier(struct engine *engine, struct slot *slot);
/* run.c, ask.c, admit.c, tell.c */
void run_new(struct engine *engine, struct command *command, const struct scenario *scenario,
             const struct scenario_params *params, bool packet);
void runs_turn(struct engine *engine);
void run_ended(struct engine *engine, struct slot *slot);
void run_open_failed(struct engine *engine, struct slot *slot);
void run_lookup(struct engine *engine, struct run *run);
void run_keys(struct engine *engine, struct run *run);
void run_answer(struct engine *engine, struct control_box *box);
void runs_admit(struct engine *engine);
/* Does it want one of these rows? */
bool run_meets(const struct run *run, const uint64_t *rows, unsigned row_count);
bool run_may_start(struct engine *engine, struct run *run, uint8_t node); /* false: wait, or told already */
void run_tell(struct engine *engine, struct run *run, enum status status, enum outcome outcome,
              const char *reason);
void run_key_answer(struct engine *engine, struct run *run, const struct control *control);
void run_key_turn(struct engine *engine, struct run *run);
void run_back_off(struct engine *engine, struct run *run);
void run_tell_halted(struct engine *engine, struct run *run,
                     const char *words); /* somebody else owns the id now */
void run_tell_slot(struct engine *engine, struct run *run);
/* fitness.c */
void node_checked(struct engine *engine, struct control *control); /* takes its preflight, if there is one */
/* "node n2 ...": why nothing can begin there. */
void node_why(const struct engine *engine, uint8_t node, struct text *out);
void fitness_free(struct engine *engine);
/* nodes.c */
void nodes_turn(struct engine *engine);
void node_raised(struct engine *engine, struct control *control);
void node_sampled(struct engine *engine, struct control *control);
void node_suspect(struct engine *engine, uint8_t node);
uint8_t node_by_id(const struct engine *engine, uint64_t node_id);
/* recovered.c, sweep.c, verdicts.c */
void recovered_turn(struct engine *engine);
struct slot *recovered_new(struct engine *engine, const struct gtrid *gtrid, bool commit,
                           uint8_t branch_count, uint32_t mask, const char *meaning);
void recovered_begin(struct engine *engine, struct slot *slot);
void sweep_turn(struct engine *engine);
int64_t sweep_due_ms(const struct book *book); /* when a node is looked at again; INT64_MAX: not wanted */
void sweep_scanned(struct engine *engine, struct control *control);
void sweep_found(struct engine *engine, struct log_box *box);
void sweep_free_records(struct sweep *sweep);
void sweep_slot_gone(struct engine *engine, struct slot *slot);
void sweep_report(struct engine *engine, enum status status, const char *reason);
void verdicts_find(struct engine *engine);
bool verdict_needs_log(struct engine *engine, const struct candidate *candidate);
/* evidence.c */
void siblings_ask(struct engine *engine);
void siblings_listed(struct engine *engine, struct control *control);
void evidence_fill(struct engine *engine, struct candidate *candidate, const struct slot *slot);
void verdicts_give(struct engine *engine);
/* floor.c */
void floor_turn(struct engine *engine);
void floor_answer(struct engine *engine, struct control *control);
void floor_oldest(struct engine *engine, const struct dlog_request *request);
int64_t floor_deadline_ms(const struct engine *engine);
/* One request to every node; @after and @upto may be NULL. */
void floor_ask_all(struct engine *engine, enum floor_state state, enum control_kind kind,
                   const struct gtrid *after, const struct gtrid *upto);
/* swept.c: all up to @floor was verified now */
void swept_verified(struct engine *engine, const struct gtrid *floor);
bool swept_due(const struct engine *engine);
void swept_begin(struct engine *engine);
void swept_scanned(struct engine *engine, const struct control *control);
void swept_slot_gone(struct engine *engine, const struct slot *slot);
/* Every node has answered. True: this is over; false: they are asked once more. */
bool swept_looked(struct engine *engine);
/* force.c */
bool force_begin(struct engine *engine, struct command *command, int64_t until_ms); /* false: not yet */
void force_turn(struct engine *engine);
void force_answer(struct engine *engine, struct control *control);
void force_logged(struct engine *engine, struct log_box *box);
int64_t force_deadline_ms(const struct engine *engine);
/* commands.c */
void commands_turn(struct engine *engine);
void streams_turn(struct engine *engine);
void streams_set_aside(struct engine *engine, uint8_t node);
int64_t commands_deadline_ms(const struct engine *engine);
void stream_told(struct engine *engine, const struct run *run, const struct report *report);
void command_told(struct command *command, enum status status, const char *reason);

#endif
