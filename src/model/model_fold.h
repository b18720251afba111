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
/* An outcome was told in the current second. */
void model_count_latency(struct model *model, int64_t elapsed_us);
struct model_second *model_this_second(struct model *model);

#endif
