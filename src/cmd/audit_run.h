/* The audit's reading: one snapshot per node, then a second look at every branch that is missing somewhere. */
#ifndef XATOP_AUDIT_RUN_H
#define XATOP_AUDIT_RUN_H

#include "inspect.h"
#include "xatop/scenario.h"

struct audit_run {
    struct audit_result result;
    struct audit_missing *missing; /* malloc'd */
    uint32_t missing_count;
    struct kept_force *forces; /* by hand, and not forgotten; read when a branch is missing. malloc'd */
    uint32_t force_count;
};

/* While work goes on. Nodes that cannot be read make the result not ok, no error. @out: audit_run_free. */
enum status audit_run(struct app *app, struct inspection *nodes, const struct log_view *log,
                      struct audit_run *out);
/* The first kept force of that transaction; NULL: none. */
const struct kept_force *audit_run_forced(const struct audit_run *run, const char *gtrid);
void audit_run_free(struct audit_run *run);

#endif
