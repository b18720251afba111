/* Scenarios, one row each: src/scenario/scenario_X.c defines scenario_X. The order is the index in struct
 * command. */
#ifndef XATOP_SCENARIO_LIST_H
#define XATOP_SCENARIO_LIST_H

#define XATOP_SCENARIO_LIST(X) X(bank) X(inventory)

#endif
