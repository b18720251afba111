#include "config.h"

#include "run_scenario.h"
#include "xatop/i18n.h"

enum { OPT_PRODUCT, OPT_QUANTITY, OPT_CUSTOMER, OPT_ID };

const struct option_spec cmd_order_options[] = {
    [OPT_PRODUCT] = {"product", 0, OPTION_INT, "P", N_("product; the sample products begin at 101"), 1,
                     INT64_MAX, true},
    [OPT_QUANTITY] = {"quantity", 0, OPTION_INT, "Q", N_("pieces"), 1, 1000000, true},
    [OPT_CUSTOMER] = {"customer", 0, OPTION_INT, "C",
                      N_("customer who pays; the sample customers begin at 2001"), 1, INT64_MAX, true},
    [OPT_ID] = {"id", 0, OPTION_STRING, "KEY", N_("the same KEY again never orders twice"), 0, 0, false},
    {0},
};

enum status cmd_order(struct app *app)
{
    const struct option_value *v = app->values;
    struct scenario_params params = {
        .n = {v[OPT_PRODUCT].number, v[OPT_QUANTITY].number, v[OPT_CUSTOMER].number}};
    return run_scenario(app, "order", &params, v[OPT_ID].string);
}
