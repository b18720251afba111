#include "config.h"

#include <inttypes.h>

#include "lab_view.h"
#include "sample.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"

enum { OPT_RESET, OPT_YES, OPT_ACCOUNTS, OPT_PRODUCTS, OPT_BALANCE };

const struct option_spec cmd_init_options[] = {
    [OPT_RESET] = {"reset", 0, OPTION_FLAG, "", N_("drop the data that is there first; asks"), 0, 0, false},
    [OPT_YES] = {"yes", 'y', OPTION_FLAG, "", N_("do not ask"), 0, 0, false},
    [OPT_ACCOUNTS] = {"accounts", 0, OPTION_INT, "N", N_("accounts, over all nodes"), 2, 1000000, false},
    [OPT_PRODUCTS] = {"products", 0, OPTION_INT, "N", N_("products"), 1, 10000, false},
    [OPT_BALANCE] = {"balance", 0, OPTION_MONEY, "X", N_("of every account and customer"), 0, 0, false},
    {0},
};

static enum status may_reset(struct app *app)
{
    if (!app->values[OPT_RESET].given || app->values[OPT_YES].given ||
        app_ask(_("drop all accounts, products, orders and payments on every node?")))
        return STATUS_OK;
    return err_set(&app->err, STATUS_REFUSED,
                   _("init --reset: not confirmed, nothing changed; answer y or give --yes"));
}

static int64_t value_or(const struct option_value *value, int64_t fallback)
{
    return value->given ? value->number : fallback;
}

enum status cmd_init(struct app *app)
{
    struct shape total, shape = {
                            (uint8_t)app->configuration.node_count,
                            value_or(&app->values[OPT_ACCOUNTS], SAMPLE_ACCOUNTS),
                            value_or(&app->values[OPT_PRODUCTS], SAMPLE_PRODUCTS),
                            SAMPLE_CUSTOMERS,
                        };
    enum status status = app_may_change(app, "init");
    if (status == STATUS_OK)
        status = may_reset(app);
    if (status == STATUS_OK)
        status = sample_create(app, &shape, value_or(&app->values[OPT_BALANCE], SAMPLE_BALANCE),
                               app->values[OPT_RESET].given, &total);
    if (status != STATUS_OK)
        return status;
    app_say(app, _("ready: %" PRId64 " accounts, %" PRId64 " products, %" PRId64 " customers"),
            total.accounts, total.products, total.customers);
    if (!app->json)
        return STATUS_OK;
    struct json json;
    json_begin(&json, app->out);
    status = lab_view_json(app, &json);
    sample_json(&json, &total);
    json_finish(&json);
    return status;
}
