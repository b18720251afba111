#include "config.h"

#include <string.h>

#include "lab_view.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/lab.h"
#include "xatop/log.h"
#include "xatop/text.h"

const struct option_spec cmd_nodes_options[] = {{0}};

struct verb_row {
    const char *word;
    enum status (*one)(const char *state_dir, const char *name,
                       struct err *err); /* NULL: list, start, restart */
};

static const struct verb_row verbs[] = {
    {"list", NULL},     {"start", NULL},        {"stop", lab_stop}, {"restart", lab_stop},
    {"kill", lab_kill}, {"freeze", lab_freeze}, {"thaw", lab_thaw}, {NULL, NULL},
};

static const struct verb_row *find_verb(struct app *app, const char *word)
{
    const char *known[sizeof verbs / sizeof verbs[0]];
    char clean[80];
    int n = 0;
    for (const struct verb_row *v = verbs; v->word; v++) {
        if (strcmp(v->word, word) == 0)
            return v;
        known[n++] = v->word;
    }
    known[n] = NULL;
    text_sanitise_cstr(clean, sizeof clean, word);
    const char *near = text_nearest(clean, known);
    if (near)
        err_set(&app->err, STATUS_USAGE, _("nodes: %s: unknown word; did you mean %s"), clean, near);
    else
        err_set(&app->err, STATUS_USAGE, _("nodes: %s: unknown word; usage: xatop %s"), clean,
                app->command->usage);
    return NULL;
}

/* Which nodes are meant: the named ones, or every lab node. */
static enum status select_nodes(struct app *app, bool wanted[XATOP_NODES_MAX])
{
    const struct configuration *c = &app->configuration;
    memset(wanted, 0, XATOP_NODES_MAX * sizeof wanted[0]);
    for (int w = 1; w < app->word_count; w++) {
        int i = configuration_find_node(c, app->words[w]);
        char clean[80];
        text_sanitise_cstr(clean, sizeof clean, app->words[w]);
        if (i < 0)
            return err_set(&app->err, STATUS_USAGE, _("nodes: %s: no node of that name is configured"),
                           clean);
        if (!c->nodes[i].lab)
            return err_set(&app->err, STATUS_REFUSED,
                           _("nodes: %s: not a lab node; xatop touches only servers it made itself"), clean);
        wanted[i] = true;
    }
    bool any = app->word_count > 1;
    for (int i = 0; i < c->node_count && app->word_count < 2; i++) {
        wanted[i] = c->nodes[i].lab;
        any = any || wanted[i];
    }
    return any ? STATUS_OK
               : err_set(&app->err, STATUS_REFUSED,
                         _("nodes: no lab node is configured; xatop touches only servers it made itself"));
}

/* Whatever fails, the others are done too; the first failure is told. */
static enum status apply(struct app *app, const struct verb_row *verb, const bool wanted[XATOP_NODES_MAX])
{
    enum status first = STATUS_OK;
    for (int i = 0; i < app->configuration.node_count && verb->one; i++) {
        struct err err = {0};
        if (!wanted[i])
            continue;
        enum status status = verb->one(app->state_dir, app->configuration.nodes[i].name, &err);
        program_log(LOG_LEVEL_INFO, "lab: %s %s: %s", verb->word, app->configuration.nodes[i].name,
                    status == STATUS_OK ? "done" : err.text);
        if (status != STATUS_OK && first == STATUS_OK) {
            first = status;
            app->err = err;
        }
    }
    if (first == STATUS_OK && (strcmp(verb->word, "start") == 0 || strcmp(verb->word, "restart") == 0))
        first = lab_view_start(app, wanted);
    return first;
}

static enum status show(struct app *app)
{
    if (!app->json)
        return lab_view_print(app);
    struct json json;
    json_begin(&json, app->out);
    enum status status = lab_view_json(app, &json);
    json_finish(&json);
    return status;
}

enum status cmd_nodes(struct app *app)
{
    bool wanted[XATOP_NODES_MAX];
    const struct verb_row *verb = find_verb(app, app->word_count > 0 ? app->words[0] : "list");
    if (!verb)
        return STATUS_USAGE;
    if (verb == verbs)
        return show(app);
    enum status status = select_nodes(app, wanted);
    if (status == STATUS_OK)
        status = app_may_change(app, "nodes");
    if (status == STATUS_OK)
        status = apply(app, verb, wanted);
    if (status == STATUS_USAGE || status == STATUS_REFUSED || status == STATUS_STATE)
        return status;
    enum status shown = show(app);
    return status == STATUS_OK ? shown : status;
}
