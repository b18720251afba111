#include "config.h"

#include "run_scenario.h"
#include "xatop/i18n.h"

enum { OPT_FROM, OPT_TO, OPT_AMOUNT, OPT_ID };

const struct option_spec cmd_transfer_options[] = {
    [OPT_FROM] = {"from", 0, OPTION_INT, "A", N_("account to debit; the sample accounts begin at 1001"), 1,
                  INT64_MAX, true},
    [OPT_TO] = {"to", 0, OPTION_INT, "B", N_("account to credit"), 1, INT64_MAX, true},
    [OPT_AMOUNT] = {"amount", 0, OPTION_MONEY, "X", N_("amount, as 500 or 500.00"), 0, 0, true},
    [OPT_ID] = {"id", 0, OPTION_STRING, "KEY", N_("the same KEY again never moves money twice"), 0, 0, false},
    {0},
};

enum status cmd_transfer(struct app *app)
{
    const struct option_value *v = app->values;
    struct scenario_params params = {.n = {v[OPT_FROM].number, v[OPT_TO].number, v[OPT_AMOUNT].number}};
    return run_scenario(app, "transfer", &params, v[OPT_ID].string);
}
