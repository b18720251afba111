#include "config.h"

#include <string.h>

#include "links.h"
#include "xatop/cmd.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/text.h"

const struct option_spec cmd_link_options[] = {{0}};

static void words_of(const struct link_state *state, char out[LINK_WORDS_MAX])
{
    struct text text;
    text_init(&text, out, LINK_WORDS_MAX);
    link_format(state, &text);
}

static void print_json(struct json *json, const char *node, const struct link_state *state)
{
    char words[LINK_WORDS_MAX];
    words_of(state, words);
    json_object(json, NULL);
    json_string(json, "node", node);
    json_string(json, "state", link_state_word(state));
    json_string(json, "words", words);
    json_bool(json, "cut_request", state->cut_request);
    json_bool(json, "cut_reply", state->cut_reply);
    json_int(json, "delay_ms", state->delay_ms);
    json_int(json, "jitter_ms", state->jitter_ms);
    json_int(json, "rate", state->rate);
    json_bool(json, "drip", state->drip);
    json_bool(json, "reset", state->reset);
    json_close(json, '}');
}

/* @only: index of a node, or -1 for all that have a link. */
static enum status show(struct app *app, int only)
{
    char dir[sizeof app->state_dir + 8], words[LINK_WORDS_MAX];
    struct json json;
    enum status status = STATUS_OK;
    links_dir(app, dir, sizeof dir);
    if (app->json) {
        json_begin(&json, app->out);
        json_array(&json, "links");
    } else {
        app_say(app, "%-10s %-6s %s", _("NODE"), _("STATE"), _("WORDS"));
    }
    for (int i = 0; i < app->configuration.node_count; i++) {
        const char *node = app->configuration.nodes[i].name;
        struct link_state state;
        struct err err = {0};
        if (only >= 0 && only != i)
            continue;
        if (links_check(app, i, &err) != STATUS_OK) {
            app_say(app, "%-10s %-6s %s", node, "-", _("not reached through a link"));
            continue;
        }
        enum status one = link_file_read(dir, node, &state, NULL, &app->err);
        if (one != STATUS_OK) { /* the others are shown too */
            status = one;
            continue;
        }
        words_of(&state, words);
        if (app->json)
            print_json(&json, node, &state);
        else
            app_say(app, "%-10s %-6s %s", node, link_state_word(&state),
                    strcmp(words, "heal") == 0 ? "" : words);
    }
    if (app->json) {
        json_close(&json, ']');
        json_finish(&json);
    }
    return status;
}

static enum status find_node(struct app *app, int *node)
{
    char clean[80];
    *node = configuration_find_node(&app->configuration, app->words[0]);
    text_sanitise_cstr(clean, sizeof clean, app->words[0]);
    return *node >= 0
               ? STATUS_OK
               : err_set(&app->err, STATUS_USAGE, _("link: %s: no node of that name is configured"), clean);
}

static enum status change(struct app *app, int node)
{
    char dir[sizeof app->state_dir + 8], line[LINK_WORDS_MAX * 2];
    struct link_state state = {0};
    struct text text;
    const char *name = app->configuration.nodes[node].name;
    text_init(&text, line, sizeof line);
    for (int i = 1; i < app->word_count; i++)
        text_printf(&text, "%s%s", i > 1 ? " " : "", app->words[i]);
    if (text.truncated)
        return err_set(&app->err, STATUS_USAGE, _("link: too many words"));
    enum status status = link_parse(line, &state, &app->err);
    if (status == STATUS_OK)
        status = links_check(app, node, &app->err);
    if (status == STATUS_OK)
        status = app_may_change(app, "link");
    if (status == STATUS_OK)
        status = app_state_create(app);
    if (status != STATUS_OK)
        return status;
    links_dir(app, dir, sizeof dir);
    status = link_file_change(dir, name, line, &state, &app->err);
    if (status == STATUS_OK) {
        words_of(&state, line);
        program_log(LOG_LEVEL_INFO, "link %s: %s", name, line);
    }
    return status;
}

enum status cmd_link(struct app *app)
{
    int node = -1;
    enum status status = app->word_count > 0 ? find_node(app, &node) : STATUS_OK;
    if (status == STATUS_OK && app->word_count > 1)
        status = change(app, node);
    else if (status == STATUS_OK && node >= 0)
        status = links_check(app, node, &app->err);
    return status == STATUS_OK ? show(app, node) : status;
}
