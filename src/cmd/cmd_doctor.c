#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "inspect.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/preflight.h"
#include "xatop/text.h"

const struct option_spec cmd_doctor_options[] = {{0}};

enum { DOCTOR_DEADLINE_MS = 15000, NAME_WIDTH = 31, OWN_SESSIONS = 2 };

/* A node that goes away while it is asked counts as not reached. */
static void examine(struct app *app, struct inspection *nodes, struct preflight *found)
{
    uint32_t sessions = (uint32_t)app->configuration.max_inflight + OWN_SESSIONS;
    for (uint8_t i = 0; i < nodes->count; i++) {
        if (nodes->admins[i] &&
            node_admin_preflight(nodes->admins[i], sessions, &found[i], &nodes->errors[i]) != STATUS_OK)
            inspect_lost(nodes, i);
        if (!nodes->admins[i])
            preflight_unreached(&found[i], nodes->errors[i].text);
    }
    for (uint8_t i = 0; i < nodes->count; i++)
        for (uint8_t j = 0; j < nodes->count; j++)
            if (i != j && nodes->admins[i] && nodes->admins[j])
                preflight_compare(&found[i], &found[j], nodes->access.nodes[j].name);
}

/* Of a node that was not reached there is only that to tell. */
static bool was_made(const struct inspection *nodes, uint8_t node, unsigned check)
{
    return nodes->admins[node] || check == PREFLIGHT_REACHED;
}

static void print_json(struct app *app, const struct inspection *nodes, const struct preflight *found,
                       enum preflight_level worst)
{
    struct json json;
    json_begin(&json, app->out);
    json_array(&json, "nodes");
    for (uint8_t i = 0; i < nodes->count; i++) {
        json_object(&json, NULL);
        json_string(&json, "name", nodes->access.nodes[i].name);
        json_string(&json, "worst", preflight_level_name(preflight_worst(&found[i], NULL)));
        json_array(&json, "checks");
        for (unsigned c = 0; c < PREFLIGHT_CHECKS; c++) {
            const struct preflight_result *result = &found[i].results[c];
            if (!was_made(nodes, i, c))
                continue;
            json_object(&json, NULL);
            json_string(&json, "name", preflight_name(c));
            json_string(&json, "level", preflight_level_name(result->level));
            json_string(&json, "value", result->value);
            json_string(&json, "reason", result->reason);
            json_string(&json, "fix", result->fix);
            json_close(&json, '}');
        }
        json_close(&json, ']');
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_bool(&json, "ok", worst < PREFLIGHT_FAIL);
    json_string(&json, "worst", preflight_level_name(worst));
    json_finish(&json);
}

/* The level is a word first; the colour only helps the eye. */
static void print_check(struct app *app, bool colour, unsigned check, const struct preflight_result *result)
{
    static const char *const colours[] = {"32", "36", "33", "1;31"};
    const char *level = preflight_level_name(result->level);
    char word[24];
    struct text text;
    text_init(&text, word, sizeof word);
    if (colour)
        text_printf(&text, "\033[%sm%-4s\033[0m", colours[result->level], level);
    else
        text_printf(&text, "%-4s", level);
    app_say(app, "  %s  %-*s %s", word, NAME_WIDTH, preflight_name(check), result->value);
    if (result->reason[0])
        app_say(app, "        %s", result->reason);
    if (result->fix[0])
        app_say(app, "        %s", result->fix);
}

static void print_text(struct app *app, const struct inspection *nodes, const struct preflight *found)
{
    bool colour = isatty(fileno(app->out)) && !app->globals[GLOBAL_no_color].given && !getenv("NO_COLOR");
    for (uint8_t i = 0; i < nodes->count; i++) {
        app_say(app, _("node %s: %s"), nodes->access.nodes[i].name,
                preflight_level_name(preflight_worst(&found[i], NULL)));
        for (unsigned c = 0; c < PREFLIGHT_CHECKS; c++)
            if (was_made(nodes, i, c))
                print_check(app, colour, c, &found[i].results[c]);
    }
}

static enum status first_failure(struct app *app, const struct inspection *nodes,
                                 const struct preflight *found)
{
    for (uint8_t i = 0; i < nodes->count; i++) {
        enum preflight_check which;
        char words[XATOP_REASON_MAX];
        if (preflight_worst(&found[i], &which) < PREFLIGHT_FAIL)
            continue;
        preflight_words(&found[i], which, words, sizeof words);
        return err_set(&app->err, STATUS_REFUSED, _("doctor: node %s: %s"), nodes->access.nodes[i].name,
                       words);
    }
    return STATUS_OK;
}

enum status cmd_doctor(struct app *app)
{
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return app->err.status;
    struct preflight *found = calloc(nodes->count ? nodes->count : 1, sizeof *found);
    if (!found) {
        inspect_close(nodes);
        return err_set(&app->err, STATUS_INTERNAL, _("out of memory"));
    }
    inspect_deadline(nodes, DOCTOR_DEADLINE_MS);
    examine(app, nodes, found);
    enum preflight_level worst = PREFLIGHT_OK;
    for (uint8_t i = 0; i < nodes->count; i++) {
        enum preflight_level here = preflight_worst(&found[i], NULL);
        worst = here > worst ? here : worst;
    }
    if (app->json)
        print_json(app, nodes, found, worst);
    else
        print_text(app, nodes, found);
    enum status status = inspect_all_reached(app, nodes);
    if (status == STATUS_OK)
        status = first_failure(app, nodes, found);
    free(found);
    inspect_close(nodes);
    return status;
}
