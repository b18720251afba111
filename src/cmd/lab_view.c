#include "config.h"

#include "lab_view.h"

#include <string.h>

#include "xatop/access.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/text.h"

static void say_progress(void *arg, const char *node, const char *sentence)
{
    struct app *app = arg;
    app_say(app, "%s: %s", node, sentence);
    program_log(LOG_LEVEL_INFO, "lab: %s: %s", node, sentence);
}

enum status lab_view_start(struct app *app, const bool wanted[XATOP_NODES_MAX])
{
    struct lab_config configs[XATOP_NODES_MAX];
    struct lab_progress progress = {.say = say_progress, .arg = app};
    size_t count = 0;
    enum status status = app_state_create(app);
    for (int i = 0; i < app->configuration.node_count; i++)
        if (app->configuration.nodes[i].lab && (!wanted || wanted[i]))
            access_lab_config(&app->configuration.nodes[i], &configs[count++]);
    if (status != STATUS_OK || count == 0)
        return status;
    return lab_start_all(app->state_dir, configs, count, &progress, NULL, &app->err);
}

/* The three states of the contract; what was never made, or does not answer yet, is down. */
static const char *state_word(enum lab_state state)
{
    return state == LAB_UP ? "up" : state == LAB_FROZEN ? "frozen" : "down";
}

static void print_json_node(struct json *json, const struct lab_node *n)
{
    bool made = n->state != LAB_ABSENT;
    json_object(json, NULL);
    json_string(json, "name", n->name);
    json_string(json, "state", state_word(n->state));
    json_string(json, "host", made ? n->host : NULL);
    if (made)
        json_int(json, "port", n->port);
    else
        json_null(json, "port");
    json_string(json, "socket", made ? n->socket : NULL);
    if (n->pid > 0)
        json_int(json, "pid", n->pid);
    else
        json_null(json, "pid");
    json_string(json, "make", made ? lab_make_name(n->make) : NULL);
    json_string(json, "server", made ? n->server : NULL);
    json_string(json, "version", made ? n->version : NULL);
    json_string(json, "data_dir", made ? n->data_dir : NULL);
    json_string(json, "log_file", made ? n->log_file : NULL);
    json_string(json, "defaults_file", made ? n->defaults_file : NULL);
    json_close(json, '}');
}

enum status lab_view_json(struct app *app, struct json *json)
{
    enum status status = STATUS_OK;
    json_array(json, "nodes");
    for (int i = 0; i < app->configuration.node_count; i++) {
        struct lab_node node;
        if (!app->configuration.nodes[i].lab)
            continue;
        enum status one = lab_status(app->state_dir, app->configuration.nodes[i].name, &node, &app->err);
        if (one == STATUS_OK)
            print_json_node(json, &node);
        else if (status == STATUS_OK)
            status = one;
    }
    json_close(json, ']');
    return status;
}

enum status lab_view_print(struct app *app)
{
    app_say(app, "%-10s %-8s %-9s %-17s %s", _("NODE"), _("STATE"), _("PID"), _("ADDRESS"), _("SERVER"));
    for (int i = 0; i < app->configuration.node_count; i++) {
        const struct node_configuration *configured = &app->configuration.nodes[i];
        struct lab_node n;
        char address[40] = "-", pid[16] = "-";
        if (!configured->lab) {
            app_say(app, "%-10s %-8s %-9s %-17s %s", configured->name, "-", "-", "-",
                    _("not a lab node; see xatop status"));
            continue;
        }
        enum status status = lab_status(app->state_dir, configured->name, &n, &app->err);
        if (status != STATUS_OK)
            return status;
        if (n.pid > 0)
            snprintf(pid, sizeof pid, "%d", (int)n.pid);
        if (n.state != LAB_ABSENT)
            snprintf(address, sizeof address, "%s:%u", n.host, (unsigned)n.port);
        app_say(app, "%-10s %-8s %-9s %-17s %s %s", n.name, lab_state_name(n.state), pid, address,
                n.state == LAB_ABSENT ? "-" : lab_make_name(n.make), n.state == LAB_ABSENT ? "" : n.version);
        if (n.state == LAB_UP)
            app_say(app, "           mysql --defaults-file=%s", n.defaults_file);
    }
    return STATUS_OK;
}
