/* One transaction on the command line: transfer, order and the steps of demo. */
#ifndef XATOP_RUN_SCENARIO_H
#define XATOP_RUN_SCENARIO_H

#include "xatop/cmd.h"
#include "xatop/command.h"
#include "xatop/runtime.h"
#include "xatop/scenario.h"

/* Start the coordinator, run one transaction, print what became of it, stop. @key: --id, may be NULL. */
enum status run_scenario(struct app *app, const char *command, const struct scenario_params *params,
                         const char *key);
/* Ask a running coordinator for one transaction. */
enum status run_one(struct app *app, struct runtime *runtime, const char *command,
                    const struct scenario_params *params, const char *key, struct report *report);
void print_report(struct app *app, const struct report *report);

#endif
