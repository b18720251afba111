/* The lab nodes of the configuration, as setup, nodes and demo show them. */
#ifndef XATOP_LAB_VIEW_H
#define XATOP_LAB_VIEW_H

#include "xatop/cmd.h"
#include "xatop/lab.h"

/* Bring up the lab nodes with the indices @wanted (all lab nodes if NULL); says what happens as it happens. */
enum status lab_view_start(struct app *app, const bool wanted[XATOP_NODES_MAX]);
/* "nodes": [...] of the contract: every lab node of the configuration. */
enum status lab_view_json(struct app *app, struct json *json);
enum status lab_view_print(struct app *app);

#endif
