#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "audit_run.h"
#include "indoubt.h"
#include "inspect.h"
#include "links.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

const struct option_spec cmd_status_options[] = {{0}};

enum { STATUS_DEADLINE_MS = 10000, BETWEEN_SCANS_MS = 300 };

/* Forced by hand and not forgotten. */
struct heuristics {
    struct kept_force *list;
    uint32_t count;
};

struct node_view {
    struct node_info info;
    uint32_t prepared, in_doubt;
};

/* A branch of ours that is still there a moment later was not just passing through its second phase. */
static enum status count_in_doubt(struct app *app, struct inspection *nodes, const struct log_view *log,
                                  struct node_view *views, uint32_t *total)
{
    uint32_t before_count = 0, after_count = 0;
    struct prepared *before = inspect_prepared(app, nodes, log, &before_count);
    struct timespec pause = {.tv_nsec = BETWEEN_SCANS_MS * 1000000L};
    if (before && before_count > 0)
        nanosleep(&pause, NULL);
    struct prepared *after =
        before && before_count > 0 ? inspect_prepared(app, nodes, log, &after_count) : NULL;
    *total = 0;
    for (uint32_t a = 0; a < after_count; a++) {
        views[after[a].node].prepared++;
        if (after[a].owner == XID_FOREIGN) /* there may be very many */
            continue;
        for (uint32_t b = 0; b < before_count; b++)
            if (before[b].owner != XID_FOREIGN && before[b].node == after[a].node &&
                xid_equal(&before[b].xid, &after[a].xid)) {
                views[after[a].node].in_doubt++;
                (*total)++;
                break;
            }
    }
    bool failed = !before || (before_count > 0 && !after);
    free(before);
    free(after);
    return failed ? STATUS_INTERNAL : STATUS_OK;
}

/* A node that did not answer: of our own we know whether it is frozen. */
static enum node_state away_state(const struct app *app, int node)
{
    const struct node_configuration *configured = &app->configuration.nodes[node];
    struct lab_node lab;
    bool frozen = configured->lab && lab_status(app->state_dir, configured->name, &lab, NULL) == STATUS_OK &&
                  lab.state == LAB_FROZEN;
    return frozen ? NODE_FROZEN : NODE_DOWN;
}

/* As a coordinator meets it: one whose link is cut is cut off, whatever it answers us, who do not go through the link. */
static enum node_state seen_state(const struct app *app, const struct inspection *nodes,
                                  const struct node_view *views, uint8_t node)
{
    struct link_state link;
    links_recorded(app, node, &link);
    if (link.cut_request || link.cut_reply)
        return NODE_CUT;
    return nodes->admins[node] ? views[node].info.state : away_state(app, node);
}

static void read_infos(struct inspection *nodes, struct node_view *views)
{
    for (uint8_t i = 0; i < nodes->count; i++) {
        if (nodes->admins[i] &&
            node_admin_info(nodes->admins[i], &views[i].info, &nodes->errors[i]) != STATUS_OK)
            inspect_lost(nodes, i);
    }
}

static void print_json(struct app *app, const struct inspection *nodes, const struct node_view *views,
                       const struct log_view *log, uint32_t in_doubt, const struct heuristics *heuristics,
                       const struct audit_run *audit)
{
    struct json json;
    json_begin(&json, app->out);
    json_array(&json, "nodes");
    for (uint8_t i = 0; i < nodes->count; i++) {
        const struct node_mysql_config *config = &nodes->access.nodes[i];
        bool up = nodes->admins[i] != NULL;
        json_object(&json, NULL);
        json_string(&json, "name", config->name);
        json_string(&json, "state", node_state_name(seen_state(app, nodes, views, i)));
        json_string(&json, "make", up ? views[i].info.make : NULL);
        json_string(&json, "version", up ? views[i].info.version : NULL);
        json_int(&json, "prepared", views[i].prepared);
        json_int(&json, "in_doubt", views[i].in_doubt);
        json_string(&json, "reason", up ? NULL : nodes->errors[i].text);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_int(&json, "in_doubt", in_doubt);
    json_array(&json, "heuristics");
    for (uint32_t i = 0; i < heuristics->count; i++) {
        char xid[XATOP_GTRID_MAX + 8];
        kept_xid_text(&heuristics->list[i], xid, sizeof xid);
        json_object(&json, NULL);
        json_string(&json, "xid", xid);
        json_string(&json, "node", heuristics->list[i].force.branches[0].name);
        indoubt_print_force(&json, &heuristics->list[i]);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_object(&json, "log");
    json_bool(&json, "present", log->present);
    json_string(&json, "coordinator", app->configuration.coordinator);
    json_int(&json, "epoch", log->scan.epoch);
    json_int(&json, "records", (int64_t)log->scan.records);
    json_int(&json, "undischarged", (int64_t)log->scan.live);
    if (log->holder > 0)
        json_int(&json, "holder_pid", log->holder);
    else
        json_null(&json, "holder_pid");
    json_close(&json, '}');
    json_object(&json, "audit");
    if (audit->result.unreachable)
        json_null(&json, "ok"); /* cannot be told */
    else
        json_bool(&json, "ok", audit->result.ok);
    json_int(&json, "torn", audit->result.torn);
    json_int(&json, "pending", audit->result.pending);
    json_close(&json, '}');
    json_finish(&json);
}

static void print_text(struct app *app, const struct inspection *nodes, const struct node_view *views,
                       const struct log_view *log, uint32_t in_doubt, const struct heuristics *heuristics,
                       const struct audit_run *audit)
{
    for (uint8_t i = 0; i < nodes->count; i++) {
        if (nodes->admins[i])
            app_say(app, _("node %-10s %s, %s %s, prepared %u"), nodes->access.nodes[i].name,
                    node_state_name(seen_state(app, nodes, views, i)), views[i].info.make,
                    views[i].info.version, views[i].prepared);
        else
            app_say(app, _("node %-10s %s; %s"), nodes->access.nodes[i].name,
                    node_state_name(seen_state(app, nodes, views, i)), nodes->errors[i].text);
    }
    if (!log->present)
        app_say(app, _("decision log: none yet"));
    else
        app_say(app,
                _("decision log: epoch %u, %" PRIu64 " records, %" PRIu64
                  " decisions not carried out everywhere%s"),
                log->scan.epoch, log->scan.records, log->scan.live,
                log->holder ? _(", a coordinator runs") : "");
    app_say(app, _("in doubt: %u"), in_doubt);
    if (heuristics->count > 0)
        app_say(app, _("forced by hand, not forgotten: %u; see xatop indoubt"), heuristics->count);
    app_say(app, _("audit: %s"),
            audit->result.ok                            ? _("holds")
            : audit->result.torn || audit->result.wrong ? _("does not hold; see xatop audit")
            : audit->result.unreachable                 ? _("cannot be told while a node is away")
                                                        : _("does not hold; see xatop audit"));
}

enum status cmd_status(struct app *app)
{
    struct node_view views[XATOP_NODES_MAX] = {0};
    struct audit_run audit = {0};
    struct log_view log;
    struct heuristics heuristics;
    uint32_t in_doubt = 0;
    enum status status = log_view_read(app, &log);
    if (status != STATUS_OK)
        return status;
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return app->err.status;
    inspect_deadline(nodes, STATUS_DEADLINE_MS);
    read_infos(nodes, views);
    status = count_in_doubt(app, nodes, &log, views, &in_doubt);
    enum status kept = log_view_forces(app, &heuristics.list, &heuristics.count);
    if (status == STATUS_OK)
        status = kept;
    if (status == STATUS_OK)
        status = audit_run(app, nodes, &log, &audit);
    if (status == STATUS_OK) {
        (app->json ? print_json : print_text)(app, nodes, views, &log, in_doubt, &heuristics, &audit);
        status = inspect_all_reached(app, nodes);
    }
    free(heuristics.list);
    audit_run_free(&audit);
    inspect_close(nodes);
    return status;
}
