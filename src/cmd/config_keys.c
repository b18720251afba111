/* The tables of keys: defaults, checks of single values, printing. */
#include "config.h"

#include "config_internal.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "xatop/i18n.h"
#include "xatop/text.h"

#define ROW(type, key, env, words, fallback, min, max, help, holder)                                         \
    {KEY_##type, #key, env, words, fallback, min, max, N_(help), offsetof(struct holder, key)},

const struct key_spec configuration_keys[] = {
#define X(type, key, env, words, fallback, min, max, help)                                                   \
    ROW(type, key, env, words, fallback, min, max, help, configuration)
    XATOP_CONFIGURATION_LIST(X)
#undef X
        {0}};

const struct key_spec node_keys[] = {
#define X(type, key, env, words, fallback, min, max, help)                                                   \
    ROW(type, key, env, words, fallback, min, max, help, node_configuration)
    XATOP_NODE_KEY_LIST(X)
#undef X
        {0}};

static void *field(const struct key_spec *key, void *base)
{
    return (char *)base + key->offset;
}

static const void *field_const(const struct key_spec *key, const void *base)
{
    return (const char *)base + key->offset;
}

/* Index of @word in "a|b|c", or -1. */
static int word_index(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (int i = 0;; i++) {
        size_t n = strcspn(words, "|");
        if (n == len && strncmp(words, word, n) == 0)
            return i;
        if (!words[n])
            return -1;
        words += n + 1;
    }
}

static void word_name(const char *words, int index, char *out, size_t cap)
{
    struct text text;
    text_init(&text, out, cap);
    while (index-- > 0)
        words += strcspn(words, "|") + 1;
    text_append_n(&text, words, strcspn(words, "|"));
}

void key_range(const struct key_spec *key, char *out, size_t cap)
{
    struct text text;
    text_init(&text, out, cap);
    switch (key->type) {
    case KEY_INT:
        text_printf(&text, _("%" PRId64 " to %" PRId64), key->min, key->max);
        break;
    case KEY_BOOL:
        text_append(&text, _("true or false"));
        break;
    case KEY_WORD:
        for (const char *p = key->words; *p; p++)
            text_append_n(&text, *p == '|' ? ", " : p, *p == '|' ? 2 : 1);
        break;
    case KEY_ID:
        text_printf(&text, _("at most %" PRId64 " lower-case letters, digits, _ and -"), key->max);
        break;
    case KEY_NAME:
        text_printf(&text, _("at most %" PRId64 " letters, digits and _"), key->max);
        break;
    default:
        text_printf(&text, _("at most %" PRId64 " bytes"), key->max);
    }
}

static bool outside(const struct key_spec *key, char why[CONFIG_WHY_MAX])
{
    char range[96];
    key_range(key, range, sizeof range);
    snprintf(why, CONFIG_WHY_MAX, _("%s: out of range; allowed: %s"), key->name, range);
    return false;
}

static bool characters_fit(enum key_type type, const char *text)
{
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (type == KEY_ID || type == KEY_NAME)
        return text[strspn(text, type == KEY_ID ? lower : names)] == '\0';
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    return true;
}

bool key_set_int(const struct key_spec *key, void *base, int64_t value, char why[CONFIG_WHY_MAX])
{
    if (value < key->min || value > key->max)
        return outside(key, why);
    *(int64_t *)field(key, base) = value;
    return true;
}

bool key_set_bool(const struct key_spec *key, void *base, bool value, char why[CONFIG_WHY_MAX])
{
    *(bool *)field(key, base) = value;
    return true;
}

bool key_set_text(const struct key_spec *key, void *base, const char *text, char why[CONFIG_WHY_MAX])
{
    if (key->type == KEY_WORD) {
        int index = word_index(key->words, text);
        if (index < 0)
            return outside(key, why);
        *(int *)field(key, base) = index;
        return true;
    }
    size_t len = strlen(text);
    if (len < (size_t)key->min || len > (size_t)key->max || !characters_fit(key->type, text))
        return outside(key, why);
    memcpy(field(key, base), text, len + 1);
    return true;
}

void keys_set_defaults(const struct key_spec *keys, void *base)
{
    for (const struct key_spec *k = keys; k->name; k++) {
        char why[CONFIG_WHY_MAX];
        int64_t value;
        if (k->type == KEY_INT)
            xatop_assert(text_to_i64(k->fallback, k->min, k->max, &value) &&
                         key_set_int(k, base, value, why));
        else if (k->type == KEY_BOOL)
            key_set_bool(k, base, strcmp(k->fallback, "true") == 0, why);
        else
            xatop_assert(key_set_text(k, base, k->fallback, why));
    }
}

/* As libconfig reads it back. */
static void print_string(const char *string, FILE *out)
{
    fputc('"', out);
    for (const char *p = string; *p; p++)
        fprintf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
    fputc('"', out);
}

static void print_value(const struct key_spec *key, const void *base, FILE *out)
{
    char word[24];
    const void *p = field_const(key, base);
    switch (key->type) {
    case KEY_INT:
        fprintf(out, "%" PRId64, *(const int64_t *)p);
        break;
    case KEY_BOOL:
        fputs(*(const bool *)p ? "true" : "false", out);
        break;
    case KEY_WORD:
        word_name(key->words, *(const int *)p, word, sizeof word);
        print_string(word, out);
        break;
    default:
        print_string(p, out);
    }
}

static void print_comment(const struct key_spec *k, const char *indent, const char *prefix, FILE *out)
{
    char range[96];
    key_range(k, range, sizeof range);
    fprintf(out, "%s%s\n%s(%s", indent, _(k->help), indent, range);
    if (k->env[0])
        fprintf(out, "; $%s%s", prefix, k->env);
    if (k->env[0] && strlen(k->name) > 3 && strcmp(k->name + strlen(k->name) - 3, "_ms") == 0)
        fputs(_(" in seconds"), out);
    fputs(")\n", out);
}

static void print_node(const struct node_configuration *node, FILE *out)
{
    fputs("    {\n", out);
    for (const struct key_spec *k = node_keys; k->name; k++) {
        if (k->type == KEY_SECRET)
            continue;
        fprintf(out, "        %s = ", k->name);
        print_value(k, node, out);
        fputs(";\n", out);
    }
    fputs("    }", out);
}

void configuration_print(const struct configuration *configuration, FILE *out)
{
    fputs("# Configuration of xatop, in the format of libconfig; see xatop.conf(5).\n"
          "# Every key is here with what it stands at; a key that is left out has its default.\n",
          out);
    for (const struct key_spec *k = configuration_keys; k->name; k++) {
        fputc('\n', out);
        print_comment(k, "# ", "", out);
        fprintf(out, "%s = ", k->name);
        print_value(k, configuration, out);
        fputs(";\n", out);
    }
    fprintf(out,
            "\n# The nodes: a list of 1 to %d groups. Without it xatop runs two private servers of its own, "
            "n1 and n2.\n"
            "# The first node has the products, the second the customers, orders and payments; accounts are "
            "on all.\n"
            "# The keys of a node:\n#\n",
            XATOP_NODES_MAX);
    for (const struct key_spec *k = node_keys; k->name; k++) {
        fprintf(out, "#   %s\n", k->name);
        print_comment(k, "#     ", "DBn_", out);
    }
    fputs(configuration->builtin_lab
              ? "#\n#nodes = (\n#    { name = \"n1\"; host = \"db1.example.net\"; password_file = "
                "\"n1.password\"; },\n"
                "#    { name = \"n2\"; host = \"db2.example.net\"; password_file = \"n2.password\"; }\n#);\n"
              : "\nnodes = (\n",
          out);
    for (int i = 0; i < configuration->node_count && !configuration->builtin_lab; i++) {
        print_node(&configuration->nodes[i], out);
        fputs(i + 1 < configuration->node_count ? ",\n" : "\n);\n", out);
    }
}

static void print_man_keys(const struct key_spec *k, const char *prefix, FILE *out)
{
    for (; k->name; k++) {
        char range[96];
        key_range(k, range, sizeof range);
        fprintf(out, ".TP\n\\fB%s\\fR\n%s.\n", k->name, _(k->help));
        fprintf(out, "Allowed: %s.\n", range);
        if (k->fallback[0])
            fprintf(out, "Default: %s.\n", k->fallback);
        if (k->env[0])
            fprintf(out, "Environment: \\fB%s%s\\fR%s.\n", prefix, k->env,
                    strcmp(k->name + strlen(k->name) - 3, "_ms") == 0 ? _(", in seconds") : "");
    }
}

void configuration_print_man(FILE *out)
{
    fputs(".SH KEYS\n", out);
    print_man_keys(configuration_keys, "", out);
    fputs(".SH KEYS OF A NODE\n", out);
    print_man_keys(node_keys, "DB\\fIn\\fB_", out);
}
