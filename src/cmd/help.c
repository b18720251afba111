/* Help, manual and completion: three prints of the same tables. */
#include "config.h"

#include "xatop/cmd.h"

#include <string.h>

#include "xatop/fault.h"
#include "xatop/i18n.h"
#include "xatop/link.h"
#include "xatop/ui.h"

/* @text with the characters escaped that roff would interpret. */
static void put_roff(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        if (*text == '\\')
            fputc('e', out);
        else
            fputc(*text, out);
    }
}

static void print_options(const struct option_spec *o, FILE *out)
{
    for (; o->name; o++) {
        char left[40], letter[8] = "";
        if (o->letter)
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->argument[0] ? " " : "", o->argument);
        fprintf(out, "  %-24s %s\n", left, _(o->help));
    }
}

static void print_link_words(FILE *out)
{
    fputs(_("\nwords, several on one line:\n"), out);
    for (const struct link_word *word = link_words(); word->word; word++) {
        char left[40];
        snprintf(left, sizeof left, "%s%s", word->word, word->argument);
        fprintf(out, "  %-24s %s\n", left, _(word->help));
    }
}

void help_print(const struct cmd *command, FILE *out)
{
    if (command) {
        fprintf(out, _("usage: xatop %s\n\n%s\n"), command->usage, _(command->help));
        if (command->options[0].name) {
            fputc('\n', out);
            print_options(command->options, out);
        }
        if (command->run == cmd_link)
            print_link_words(out);
        fputs(_("\nglobal options: see xatop --help\n"), out);
        return;
    }
    fputs(_("usage: xatop [OPTIONS] [COMMAND [OPTIONS]]\n"
            "\ndistributed transactions over XA, live; without a command: the console\n\ncommands:\n"),
          out);
    for (const struct cmd *c = cmd_table; c->name; c++)
        fprintf(out, "  %-10s %s\n", c->name, _(c->help));
    fputs(_("\noptions, anywhere on the line:\n"), out);
    print_options(global_options, out);
}

static void print_man_options(const struct option_spec *o, FILE *out)
{
    for (; o->name; o++) {
        fputs(".TP\n", out);
        if (o->letter)
            fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
        fputs("\\fB\\-\\-", out);
        put_roff(o->name, out);
        fputs("\\fR", out);
        if (o->argument[0])
            fprintf(out, " \\fI%s\\fR", o->argument);
        fputc('\n', out);
        put_roff(_(o->help), out);
        fputc('\n', out);
    }
}

/* From the console's own key list, which drives it. */
static void print_man_keys(FILE *out)
{
    size_t count;
    const struct pane_row *panes = pane_rows(&count);
    fputs(".SH KEYS OF THE CONSOLE\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, ".TP\n\\fB%c\\fR\n", panes[i].key);
        put_roff(_(panes[i].title), out);
        fputs(": ", out);
        put_roff(_(panes[i].help), out);
        fputc('\n', out);
    }
    const struct key_row *keys = key_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (!keys[i].shown[0])
            continue;
        fputs(".TP\n\\fB", out);
        put_roff(keys[i].shown, out);
        fputs("\\fR\n", out);
        put_roff(_(keys[i].help), out);
        if (keys[i].effect == EFFECT_DESTROY)
            fputs(_("; asks first"), out);
        fputc('\n', out);
    }
}

static void print_man_link_words(FILE *out)
{
    fputs(".SH WORDS OF A LINK\n", out);
    for (const struct link_word *word = link_words(); word->word; word++) {
        fputs(".TP\n\\fB", out);
        put_roff(word->word, out);
        fprintf(out, word->argument[0] ? "\\fR\\fI%s\\fR\n" : "\\fR%s\n", word->argument);
        put_roff(_(word->help), out);
        fputc('\n', out);
    }
}

/* From the kinds themselves. */
static void print_man_faults(FILE *out)
{
    fputs(".SH KINDS OF FAULTS\n", out);
    for (const struct fault_kind *const *kind = fault_kinds(); *kind; kind++) {
        fprintf(out, ".TP\n\\fB%s%s\\fR\n", (*kind)->name, (*kind)->takes_ms ? "=MS" : "");
        put_roff(_((*kind)->help), out);
        fputc('\n', out);
    }
}

void help_print_man(FILE *out)
{
    fputs(".SH OPTIONS\n", out);
    print_man_options(global_options, out);
    fputs(".SH COMMANDS\n", out);
    for (const struct cmd *c = cmd_table; c->name; c++) {
        fputs(".SS \"", out);
        put_roff(c->usage, out);
        fputs("\"\n", out);
        put_roff(_(c->help), out);
        fputc('\n', out);
        print_man_options(c->options, out);
    }
    print_man_keys(out);
    print_man_faults(out);
    print_man_link_words(out);
}

static void put_words(const struct option_spec *o, FILE *out)
{
    for (; o->name; o++)
        fprintf(out, " --%s", o->name);
}

void help_print_completion(FILE *out)
{
    fputs("# bash completion of xatop, made by xatop --completion bash\n"
          "_xatop()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} command= words= i\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case ${COMP_WORDS[i]} in\n",
          out);
    for (const struct cmd *c = cmd_table; c->name; c++)
        fprintf(out, "        %s) command=%s ;;\n", c->name, c->name);
    fputs("        esac\n    done\n    case $command in\n", out);
    for (const struct cmd *c = cmd_table; c->name; c++) {
        fprintf(out, "    %s) words=\"", c->name);
        put_words(c->options, out);
        for (const struct link_word *word = link_words(); c->run == cmd_link && word->word; word++)
            fprintf(out, " %s", word->word);
        fputs("\" ;;\n", out);
    }
    fputs("    *) words=\"", out);
    for (const struct cmd *c = cmd_table; c->name; c++)
        fprintf(out, " %s", c->name);
    fputs("\" ;;\n    esac\n    words=\"$words", out);
    put_words(global_options, out);
    fputs(
        "\"\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -o default -F _xatop xatop\n",
        out);
}
