#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "golden.h"
#include "xatop/cmd.h"

enum { ARGS_MAX = 40 };

static struct app app;
static const char *words[ARGS_MAX];

/* Parse @line, cut at single spaces. */
static enum status parse(const char *line)
{
    static char copy[2000];
    static char *argv[ARGS_MAX];
    int argc = 0;
    snprintf(copy, sizeof copy, "xatop %s", line);
    for (char *p = copy; p && argc < ARGS_MAX; p = strchr(p, ' ')) {
        if (*p == ' ')
            *p++ = '\0';
        argv[argc++] = p;
    }
    app = (struct app){0};
    return options_parse(&app, argc, argv, words);
}

static void refuses(const char *line, const char *expected)
{
    CU_ASSERT_EQUAL(parse(line), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(app.err.text, expected));
    if (!strstr(app.err.text, expected))
        printf("# wanted '%s' in '%s'\n", expected, app.err.text);
    CU_ASSERT_PTR_NULL(strchr(app.err.text, '\n'));
}

static void global_options_in_every_form(void)
{
    CU_ASSERT_EQUAL(parse("-c a.conf --state=/s --wait 0 --wire packet -vq --json"), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(app.globals[GLOBAL_config].string, "a.conf");
    CU_ASSERT_STRING_EQUAL(app.globals[GLOBAL_state].string, "/s");
    CU_ASSERT_EQUAL(app.globals[GLOBAL_wait].number, 0);
    CU_ASSERT_EQUAL(app.globals[GLOBAL_wire].number, 1);
    CU_ASSERT_TRUE(app.verbose && app.quiet && app.json && !app.readonly);
    CU_ASSERT_EQUAL(parse("-ca.conf"), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(app.globals[GLOBAL_config].string, "a.conf");
}

static void faults_are_repeatable(void)
{
    CU_ASSERT_EQUAL(parse("--fault crash@begin --fault=drop@work.sent:n1#2"), STATUS_OK);
    CU_ASSERT_EQUAL(app.fault_count, 2);
    CU_ASSERT_STRING_EQUAL(app.faults[1], "drop@work.sent:n1#2");
}

static void the_seed_is_optional(void)
{
    CU_ASSERT_EQUAL(parse("--sim"), STATUS_OK);
    CU_ASSERT_TRUE(app.globals[GLOBAL_sim].given && !app.globals[GLOBAL_sim].string);
    CU_ASSERT_EQUAL(parse("--sim 42 --json"), STATUS_OK);
    CU_ASSERT_EQUAL(app.globals[GLOBAL_sim].number, 42);
    CU_ASSERT_EQUAL(parse("--sim --json"), STATUS_OK);
    CU_ASSERT_TRUE(app.json);
    refuses("--sim=x", "is not a whole number");
}

static void bad_lines_are_refused_in_one_line(void)
{
    refuses("--jsno", "--jsno: unknown option; did you mean --json");
    refuses("-x", "-x: unknown option");
    refuses("--wait", "--wait: needs its argument S");
    refuses("--wait -1", "--wait \"-1\": is not a whole number from 0 to 86400");
    refuses("--wait 1e9", "is not a whole number");
    refuses("--wire carrier-pigeon", "neither statement nor packet");
    refuses("--json=yes", "--json: takes no argument");
    refuses("--state a --state b", "given twice");
    refuses("--state=", "is empty");
    refuses("--completion tcsh", "not a known shell");
    refuses("frobnicate", "frobnicate: unknown command");
    refuses("\x1b[31m", "\\x1b[31m: unknown command");
}

static void a_typed_secret_is_not_repeated(void)
{
    CU_ASSERT_EQUAL(parse("--password=hush-hush"), STATUS_USAGE);
    CU_ASSERT_PTR_NULL(strstr(app.err.text, "hush"));
}

static void every_row_is_complete(void)
{
    for (const struct cmd *c = cmd_table; c->name; c++) {
        CU_ASSERT_TRUE(strncmp(c->usage, c->name, strlen(c->name)) == 0);
        CU_ASSERT_TRUE(c->help[0] != '\0' && c->run != NULL);
        CU_ASSERT_PTR_EQUAL(cmd_find(c->name), c);
        int n = 0;
        for (const struct option_spec *o = c->options; o->name; o++, n++) {
            CU_ASSERT_TRUE(o->help[0] != '\0');
            CU_ASSERT_EQUAL(o->kind == OPTION_FLAG, o->argument[0] == '\0');
            for (const struct option_spec *g = global_options; g->name; g++)
                CU_ASSERT_STRING_NOT_EQUAL(o->name, g->name); /* one name, one meaning */
        }
        CU_ASSERT_TRUE(n <= CMD_OPTIONS_MAX);
    }
}

static void every_command_has_help(void)
{
    for (const struct cmd *c = cmd_table; c->name; c++) {
        char line[64];
        snprintf(line, sizeof line, "%s --help", c->name); /* also without its required options */
        CU_ASSERT_EQUAL(parse(line), STATUS_OK);
        CU_ASSERT_PTR_EQUAL(app.command, c);
        CU_ASSERT_TRUE(app.globals[GLOBAL_help].given);
    }
}

static void print_man(void *arg, FILE *out)
{
    help_print_man(out);
}

static void print_completion(void *arg, FILE *out)
{
    help_print_completion(out);
}

static void the_manual_agrees_with_the_tables(void)
{
    char *man = golden_capture(print_man, NULL);
    CU_ASSERT_TRUE(golden_is_block("man/xatop.1", man));
    free(man);
}

static void completion_knows_every_word(void)
{
    char *script = golden_capture(print_completion, NULL), word[64];
    for (const struct cmd *c = cmd_table; c->name; c++) {
        snprintf(word, sizeof word, "%s) words=", c->name);
        CU_ASSERT_PTR_NOT_NULL(strstr(script, word));
    }
    for (const struct option_spec *o = global_options; o->name; o++) {
        snprintf(word, sizeof word, " --%s", o->name);
        CU_ASSERT_PTR_NOT_NULL(strstr(script, word));
    }
    free(script);
}

static void print_json(void *arg, FILE *out)
{
    struct json json;
    json_begin(&json, out);
    json_string(&json, "name", "a\"b\\c\x1b[0m");
    json_string(&json, "none", NULL);
    json_array(&json, "list");
    json_object(&json, NULL);
    json_int(&json, "n", INT64_MIN);
    json_close(&json, '}');
    json_bool(&json, NULL, false);
    json_close(&json, ']');
    json_array(&json, "empty");
    json_close(&json, ']');
    json_finish(&json);
}

static void json_is_escaped_and_on_one_line(void)
{
    char *text = golden_capture(print_json, NULL);
    CU_ASSERT_STRING_EQUAL(text, "{\"name\":\"a\\\"b\\\\c\\\\x1b[0m\",\"none\":null,"
                                 "\"list\":[{\"n\":-9223372036854775808},false],\"empty\":[]}\n");
    free(text);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"global options in every form", global_options_in_every_form},
        {"faults are repeatable", faults_are_repeatable},
        {"the seed is optional", the_seed_is_optional},
        {"bad lines are refused in one line", bad_lines_are_refused_in_one_line},
        {"a typed secret is not repeated", a_typed_secret_is_not_repeated},
        {"every row is complete", every_row_is_complete},
        {"every command has help", every_command_has_help},
        {"the manual agrees with the tables", the_manual_agrees_with_the_tables},
        {"completion knows every word", completion_knows_every_word},
        {"json is escaped and on one line", json_is_escaped_and_on_one_line},
        {NULL, NULL},
    };
    return test_main("options", cases);
}
