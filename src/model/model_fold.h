/* Private to the model: what its files call of each other. */
#ifndef XATOP_MODEL_FOLD_H
#define XATOP_MODEL_FOLD_H

#include "xatop/model.h"

/* The listed transaction an event is about; NULL if it is about none or an unknown one. */
struct model_txn *model_txn_of(struct model *model, const struct trace_event *event);
/* A new one, with an empty trace. */
struct model_txn *model_txn_add(struct model *model, const struct trace_event *event);
void model_notice_add(struct model *model, const struct trace_event *event, int16_t level, const char *words);
/* Events about a transaction or the decision log. */
void model_fold_txn(struct model *model, const struct trace_event *event);
/* A branch is finished, or (@branch 0) all of its transaction: so are the verdicts on it. */
void model_fold_finished(struct model *model, uint32_t epoch, uint64_t txn, unsigned branch);
/* SWEEP and VERDICT. Verdict: true if it says something that had not been said of this branch. */
void model_fold_sweep(struct model *model, const struct trace_event *event);
bool model_fold_verdict(struct model *model, const struct trace_event *event);
/* ARM and FAULT. */
void model_fold_arm(struct model *model, const struct trace_event *event);
void model_fold_fired(struct model *model, const struct trace_event *event);
/* Another run begins: nothing is armed in it, and it has not looked yet. */
void model_fold_new_run(struct model *model);
/* An outcome was told in the current second. */
void model_count_latency(struct model *model, int64_t elapsed_us);
struct model_second *model_this_second(struct model *model);

#endif
