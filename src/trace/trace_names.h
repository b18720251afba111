/* Which list the numbers of an event come from: one table for the text form and both directions of the
 * journal. */
#ifndef XATOP_TRACE_NAMES_H
#define XATOP_TRACE_NAMES_H

#include "xatop/trace.h"

typedef const char *trace_name_fn(int number);

/* NULL: from/to, result are plain numbers in this kind of event. */
trace_name_fn *trace_state_names(enum trace_kind kind);
trace_name_fn *trace_result_names(enum trace_kind kind);

#endif
