/* The parser of the command line: tables in, checked values out. A wrong word is answered with the nearest
 * right one. */
#include "config.h"

#include "xatop/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "xatop/i18n.h"
#include "xatop/money.h"
#include "xatop/text.h"

enum { WORDS_MAX = 48, ARGUMENT_MAX = 1000 };

struct parser {
    struct app *app;
    int argc, at;
    char **argv;
};

static enum status unknown(struct app *app, const char *what, const char *dashes, const char *typed,
                           const char *const *known, const char *look)
{
    char clean[80];
    text_sanitise(clean, sizeof clean, typed, strcspn(typed, "=")); /* what follows may be a secret */
    const char *near = text_nearest(clean, known);
    if (near)
        return err_set(&app->err, STATUS_USAGE, _("%s%s: unknown %s; did you mean %s%s"), dashes, clean, what,
                       dashes, near);
    return err_set(&app->err, STATUS_USAGE, _("%s%s: unknown %s; see xatop %s"), dashes, clean, what, look);
}

static enum status unknown_option(struct app *app, const char *typed)
{
    const char *known[WORDS_MAX + 1];
    int n = 0;
    if (app->command)
        for (const struct option_spec *o = app->command->options; o->name && n < WORDS_MAX; o++)
            known[n++] = o->name;
    for (const struct option_spec *o = global_options; o->name && n < WORDS_MAX; o++)
        known[n++] = o->name;
    known[n] = NULL;
    return unknown(app, _("option"), "--", typed, known, "--help");
}

static enum status set_command(struct app *app, const char *name)
{
    const char *known[WORDS_MAX + 1];
    int n = 0;
    app->command = cmd_find(name);
    if (app->command)
        return STATUS_OK;
    for (const struct cmd *c = cmd_table; c->name && n < WORDS_MAX; c++)
        known[n++] = c->name;
    known[n] = NULL;
    return unknown(app, _("command"), "", name, known, "--help");
}

static enum status bad_value(struct app *app, const struct option_spec *spec, const char *typed,
                             const char *why)
{
    char clean[80];
    text_sanitise_cstr(clean, sizeof clean, typed);
    return err_set(&app->err, STATUS_USAGE, "--%s \"%s\": %s", spec->name, clean, why);
}

static enum status check_value(struct app *app, const struct option_spec *spec, struct option_value *value)
{
    char why[120];
    const char *typed = value->string;
    size_t len = strlen(typed);
    switch (spec->kind) {
    case OPTION_INT:
    case OPTION_SEED: {
        int64_t max = spec->kind == OPTION_SEED ? INT64_MAX : spec->max;
        snprintf(why, sizeof why, _("is not a whole number from %" PRId64 " to %" PRId64), spec->min, max);
        return text_to_i64(typed, spec->min, max, &value->number) ? STATUS_OK
                                                                  : bad_value(app, spec, typed, why);
    }
    case OPTION_MONEY:
        if (money_parse(typed, &value->number) && value->number > 0)
            return STATUS_OK;
        return bad_value(app, spec, typed, _("is not an amount above zero; write it as 500 or 500.00"));
    case OPTION_WIRE:
        value->number = strcmp(typed, "packet") == 0;
        if (value->number || strcmp(typed, "statement") == 0)
            return STATUS_OK;
        return bad_value(app, spec, typed, _("is neither statement nor packet"));
    case OPTION_SHELL:
        return strcmp(typed, "bash") == 0
                   ? STATUS_OK
                   : bad_value(app, spec, typed, _("is not a known shell; write bash"));
    default:
        if (len == 0 || len > ARGUMENT_MAX)
            return bad_value(app, spec, typed, len ? _("is too long") : _("is empty"));
        return STATUS_OK;
    }
}

/* @attached: the part after '=' or after the letter, or NULL. */
static enum status take_option(struct parser *p, const struct option_spec *spec, struct option_value *value,
                               const char *attached)
{
    struct app *app = p->app;
    if (spec->kind == OPTION_FLAG) {
        if (attached)
            return err_set(&app->err, STATUS_USAGE, _("--%s: takes no argument"), spec->name);
        value->given = true;
        return STATUS_OK;
    }
    if (!attached && p->at < p->argc) {
        int64_t number;
        if (spec->kind != OPTION_SEED || text_to_i64(p->argv[p->at], 0, INT64_MAX, &number))
            attached = p->argv[p->at++];
    }
    if (value->given && spec->kind != OPTION_LIST)
        return err_set(&app->err, STATUS_USAGE, _("--%s: given twice"), spec->name);
    value->given = true;
    if (!attached)
        return spec->kind == OPTION_SEED ? STATUS_OK
                                         : err_set(&app->err, STATUS_USAGE, _("--%s: needs its argument %s"),
                                                   spec->name, spec->argument);
    value->string = attached;
    enum status status = check_value(app, spec, value);
    if (status == STATUS_OK && spec->kind == OPTION_LIST) {
        if (app->fault_count == CMD_FAULTS_MAX)
            return err_set(&app->err, STATUS_USAGE, _("--%s: given more than %d times"), spec->name,
                           CMD_FAULTS_MAX);
        app->faults[app->fault_count++] = attached;
    }
    return status;
}

static const struct option_spec *find(const struct option_spec *specs, const char *name, size_t len,
                                      char letter)
{
    for (; specs->name; specs++)
        if (letter ? specs->letter == letter
                   : strlen(specs->name) == len && strncmp(specs->name, name, len) == 0)
            return specs;
    return NULL;
}

static const struct option_spec *find_any(struct app *app, const char *name, size_t len, char letter,
                                          struct option_value **value)
{
    if (app->command) {
        const struct option_spec *own = find(app->command->options, name, len, letter);
        if (own) {
            *value = &app->values[own - app->command->options];
            return own;
        }
    }
    const struct option_spec *global = find(global_options, name, len, letter);
    if (global)
        *value = &app->globals[global - global_options];
    return global;
}

static enum status long_option(struct parser *p, const char *arg)
{
    struct option_value *value = NULL;
    const char *equals = strchr(arg, '=');
    size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
    const struct option_spec *spec = find_any(p->app, arg, len, 0, &value);
    if (!spec)
        return unknown_option(p->app, arg);
    return take_option(p, spec, value, equals ? equals + 1 : NULL);
}

static enum status short_options(struct parser *p, const char *arg)
{
    for (const char *letter = arg; *letter; letter++) {
        struct option_value *value = NULL;
        const struct option_spec *spec = find_any(p->app, "", 0, *letter, &value);
        if (!spec) {
            char typed[2] = {*letter, '\0'}, clean[8];
            text_sanitise_cstr(clean, sizeof clean, typed);
            return err_set(&p->app->err, STATUS_USAGE, _("-%s: unknown option; see xatop --help"), clean);
        }
        bool flag = spec->kind == OPTION_FLAG;
        enum status status = take_option(p, spec, value, !flag && letter[1] ? letter + 1 : NULL);
        if (status != STATUS_OK || !flag)
            return status;
    }
    return STATUS_OK;
}

static enum status check_complete(struct app *app)
{
    const struct cmd *c = app->command;
    if (app->globals[GLOBAL_help].given || !c)
        return STATUS_OK;
    for (const struct option_spec *o = c->options; o->name; o++)
        if (o->required && !app->values[o - c->options].given)
            return err_set(&app->err, STATUS_USAGE, _("%s: --%s is missing; usage: xatop %s"), c->name,
                           o->name, c->usage);
    if (app->word_count > 0 && !(c->flags & CMD_ARGUMENTS)) {
        char clean[80];
        text_sanitise_cstr(clean, sizeof clean, app->words[0]);
        return err_set(&app->err, STATUS_USAGE, _("%s: \"%s\" is one word too many; usage: xatop %s"),
                       c->name, clean, c->usage);
    }
    return STATUS_OK;
}

enum status options_parse(struct app *app, int argc, char **argv, const char **words)
{
    struct parser p = {.app = app, .argc = argc, .at = 1, .argv = argv};
    bool only_words = false;
    app->words = words;
    while (p.at < argc) {
        const char *arg = argv[p.at++];
        enum status status = STATUS_OK;
        if (!only_words && strcmp(arg, "--") == 0)
            only_words = true;
        else if (!only_words && strncmp(arg, "--", 2) == 0)
            status = long_option(&p, arg + 2);
        else if (!only_words && arg[0] == '-' && arg[1])
            status = short_options(&p, arg + 1);
        else if (!app->command)
            status = set_command(app, arg);
        else
            words[app->word_count++] = arg;
        if (status != STATUS_OK)
            return status;
    }
    app->json = app->globals[GLOBAL_json].given;
    app->readonly = app->globals[GLOBAL_readonly].given;
    app->verbose = app->globals[GLOBAL_verbose].given;
    app->quiet = app->globals[GLOBAL_quiet].given;
    return check_complete(app);
}
