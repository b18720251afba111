#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "xatop/clock.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

const struct option_spec cmd_indoubt_options[] = {{0}};

enum { INDOUBT_DEADLINE_MS = 30000 };

struct view {
    const char *owner;    /* "ours", "other-log", "foreign" */
    const char *decision; /* of our log: "commit", "none"; NULL: not ours to know */
    int64_t age_s;        /* since the decision; -1: no server tells it and we did not decide it */
};

/* Every node lists an xid without its age; only our own decision has a date. */
static enum status look_up(struct app *app, const struct prepared *p, struct view *out)
{
    enum { RECORDS = 8 };
    static struct dlog_record records[RECORDS];
    unsigned count = 0;
    *out = (struct view){p->owner == XID_OURS        ? "ours"
                         : p->owner == XID_OTHER_LOG ? "other-log"
                                                     : "foreign",
                         NULL, -1};
    if (p->owner != XID_OURS)
        return STATUS_OK;
    enum status status = log_view_find(app, &p->gtrid, records, RECORDS, &count);
    bool commit = count > 0 && records[count - 1].type != DLOG_ABORT;
    out->decision = commit ? "commit" : "none";
    if (commit) {
        out->age_s = (clock_wall_ms() - records[0].wall_ms) / 1000;
        if (out->age_s < 0)
            out->age_s = 0;
    }
    return status;
}

static void print_json(struct json *json, const struct inspection *nodes, const struct prepared *p,
                       const struct view *v)
{
    char xid[300];
    struct text text;
    text_init(&text, xid, sizeof xid);
    xid_print(&p->xid, &text);
    json_object(json, NULL);
    json_string(json, "xid", xid);
    json_string(json, "node", nodes->access.nodes[p->node].name);
    if (v->age_s >= 0)
        json_int(json, "age_s", v->age_s);
    else
        json_null(json, "age_s");
    json_string(json, "owner", v->owner);
    json_string(json, "state", "prepared");
    json_string(json, "decision", v->decision);
    json_close(json, '}');
}

static void print_text(struct app *app, const struct inspection *nodes, const struct prepared *p,
                       const struct view *v)
{
    char xid[300], age[32] = "-";
    struct text text;
    text_init(&text, xid, sizeof xid);
    xid_print(&p->xid, &text);
    if (v->age_s >= 0)
        snprintf(age, sizeof age, "%" PRId64 " s", v->age_s);
    app_say(app, "%-10s %-9s %-8s %-8s %s", nodes->access.nodes[p->node].name, v->owner, age,
            v->decision ? v->decision : "-", xid);
}

static enum status list(struct app *app, struct inspection *nodes, const struct log_view *log)
{
    uint32_t count = 0;
    enum status status = STATUS_OK;
    struct json json;
    struct prepared *prepared = inspect_prepared(app, nodes, log, &count);
    if (!prepared)
        return STATUS_INTERNAL;
    if (app->json) {
        json_begin(&json, app->out);
        json_array(&json, "branches");
    } else if (count > 0) {
        app_say(app, "%-10s %-9s %-8s %-8s %s", _("NODE"), _("OWNER"), _("AGE"), _("DECISION"), _("XID"));
    }
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct view view;
        status = look_up(app, &prepared[i], &view);
        if (app->json)
            print_json(&json, nodes, &prepared[i], &view);
        else
            print_text(app, nodes, &prepared[i], &view);
    }
    if (app->json) {
        json_close(&json, ']');
        json_finish(&json);
    } else if (count == 0) {
        app_say(app, _("no node holds a prepared branch"));
    }
    free(prepared);
    return status == STATUS_OK ? inspect_all_reached(app, nodes) : status;
}

enum status cmd_indoubt(struct app *app)
{
    struct log_view log;
    if (app->word_count > 1 || (app->word_count == 1 && strcmp(app->words[0], "list") != 0)) {
        char clean[80];
        text_sanitise_cstr(clean, sizeof clean, app->words[app->word_count - 1]);
        return err_set(&app->err, STATUS_USAGE, _("indoubt: %s: unknown word; did you mean list"), clean);
    }
    enum status status = log_view_read(app, &log);
    if (status != STATUS_OK)
        return status;
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return app->err.status;
    inspect_deadline(nodes, INDOUBT_DEADLINE_MS);
    status = list(app, nodes, &log);
    inspect_close(nodes);
    return status;
}
