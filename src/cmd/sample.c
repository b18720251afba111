#include "config.h"

#include "sample.h"

#include <inttypes.h>
#include <stdlib.h>

#include "inspect.h"
#include "xatop/i18n.h"
#include "xatop/log.h"

enum { SAMPLE_DEADLINE_MS = 120000 };

/* A decision that is not carried out everywhere needs its markers: they must not be dropped under it. */
static enum status may_reset(struct app *app)
{
    struct log_view log;
    enum status status = log_view_read(app, &log);
    if (status != STATUS_OK)
        return status;
    if (log.holder > 0)
        return err_set(
            &app->err, STATUS_STATE,
            _("init --reset: a coordinator runs on this state directory, pid %" PRId64 "; end it first"),
            log.holder);
    if (log.holder < 0)
        return err_set(&app->err, STATUS_STATE,
                       _("init --reset: a coordinator runs on this state directory; end it first"));
    if (log.scan.live > 0)
        return err_set(
            &app->err, STATUS_PENDING,
            _("init --reset: %" PRIu64 " decisions are not carried out everywhere; run xatop recover first"),
            log.scan.live);
    return STATUS_OK;
}

/* MariaDB drops a table although a detached prepared branch has locked rows of it (MySQL waits and fails): the branch
 * would end with XA_RBROLLBACK. Whose it is makes no difference. */
static enum status no_branch_prepared(struct app *app, struct inspection *nodes)
{
    struct log_view log = {0};
    uint32_t count = 0;
    struct prepared *prepared = inspect_prepared(app, nodes, &log, &count);
    enum status status = prepared ? inspect_all_reached(app, nodes) : STATUS_INTERNAL;
    if (status == STATUS_OK && count > 0)
        status =
            err_set(&app->err, STATUS_REFUSED,
                    _("init --reset: node %s holds a prepared branch, nothing changed; see xatop indoubt"),
                    nodes->access.nodes[prepared[0].node].name);
    free(prepared);
    return status;
}

static enum status prepare_node(struct app *app, struct inspection *nodes, uint8_t i,
                                const struct shape *shape, int64_t balance, bool reset)
{
    struct node_admin *admin = nodes->admins[i];
    const char *name = nodes->access.nodes[i].name;
    app_say(app, _("%s: schema and sample data"), name);
    enum status status = node_admin_create(admin, &app->err);
    if (status == STATUS_OK && reset)
        status = node_admin_reset(admin, &app->err);
    if (status == STATUS_OK)
        status = node_admin_fill(admin, shape, i, balance, &app->err);
    return status;
}

static enum status count_node(struct app *app, struct inspection *nodes, uint8_t i, struct shape *total)
{
    struct shape here = {0};
    enum status status = node_admin_count(nodes->admins[i], &here, &app->err);
    total->accounts += here.accounts;
    total->products += here.products;
    total->customers += here.customers;
    return status;
}

enum status sample_create(struct app *app, const struct shape *shape, int64_t balance, bool reset,
                          struct shape *total)
{
    enum status status = reset ? may_reset(app) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    struct inspection *nodes = inspect_open(app, true);
    if (!nodes)
        return app->err.status;
    *total = (struct shape){.node_count = nodes->count};
    inspect_deadline(nodes, SAMPLE_DEADLINE_MS);
    status = inspect_all_reached(app, nodes);
    if (status == STATUS_OK && reset)
        status = no_branch_prepared(app, nodes);
    for (uint8_t i = 0; i < nodes->count && status == STATUS_OK; i++)
        status = prepare_node(app, nodes, i, shape, balance, reset);
    for (uint8_t i = 0; i < nodes->count && status == STATUS_OK; i++)
        status = count_node(app, nodes, i, total);
    inspect_close(nodes);
    program_log(LOG_LEVEL_INFO,
                "sample data: %" PRId64 " accounts, %" PRId64 " products, %" PRId64 " customers",
                total->accounts, total->products, total->customers);
    return status;
}

void sample_json(struct json *json, const struct shape *total)
{
    json_int(json, "accounts", total->accounts);
    json_int(json, "products", total->products);
    json_int(json, "customers", total->customers);
}
