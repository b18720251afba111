/* Schema and sample data, for setup and init. */
#ifndef XATOP_SAMPLE_H
#define XATOP_SAMPLE_H

#include "xatop/cmd.h"
#include "xatop/scenario.h"

enum { SAMPLE_BALANCE = 1000000 }; /* minor units */

/* Create what is missing on every node and fill what is empty; @reset: drop the data first. @total: what is there then. */
enum status sample_create(struct app *app, const struct shape *shape, int64_t balance, bool reset,
                          struct shape *total);
/* "accounts", "products", "customers" */
void sample_json(struct json *json, const struct shape *total);

#endif
