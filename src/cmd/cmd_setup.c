#include "config.h"

#include <inttypes.h>

#include "lab_view.h"
#include "sample.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"

const struct option_spec cmd_setup_options[] = {{0}};

enum status cmd_setup(struct app *app)
{
    struct shape total,
        shape = {(uint8_t)app->configuration.node_count, SAMPLE_ACCOUNTS, SAMPLE_PRODUCTS, SAMPLE_CUSTOMERS};
    enum status status = app_may_change(app, "setup");
    if (status == STATUS_OK)
        status = lab_view_start(app, NULL);
    if (status == STATUS_OK)
        status = sample_create(app, &shape, SAMPLE_BALANCE, false, &total);
    if (status != STATUS_OK)
        return status;
    app_say(app, _("ready: %" PRId64 " accounts, %" PRId64 " products, %" PRId64 " customers on %d nodes"),
            total.accounts, total.products, total.customers, app->configuration.node_count);
    if (!app->json)
        return app->quiet ? STATUS_OK : lab_view_print(app);
    struct json json;
    json_begin(&json, app->out);
    status = lab_view_json(app, &json);
    sample_json(&json, &total);
    json_finish(&json);
    return status;
}
