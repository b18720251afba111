#include "config.h"

#include <string.h>

#include "indoubt.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

enum { OPT_LIMIT, OPT_WAITS, OPT_REASON, OPT_AGAINST };

const struct option_spec cmd_indoubt_options[] = {
    [OPT_LIMIT] = {"limit", 0, OPTION_INT, "N",
                   N_("list at most N branches, 0: all (default: 200, with --json all)"), 0, UINT32_MAX,
                   false},
    [OPT_WAITS] = {"waits", 0, OPTION_FLAG, "",
                   N_("ask for every branch listed who waits for its locks, however long it takes"), 0, 0,
                   false},
    [OPT_REASON] = {"reason", 0, OPTION_STRING, "TEXT", N_("why a branch is forced by hand; it is logged"), 0,
                    0, false},
    [OPT_AGAINST] = {"against-the-decision", 0, OPTION_FLAG, "",
                     N_("force it also against what the decision log says"), 0, 0, false},
    {0},
};

enum { LIST_MAX = 200, DEADLINE_MS = 30000, WAITS_MS = 3000, ALL_WAITS_MS = 600000 };

static enum status list(struct app *app, struct inspection *nodes, const struct log_view *log)
{
    const struct option_value *limit = &app->values[OPT_LIMIT];
    struct indoubt doubt;
    enum status status = indoubt_read(app, nodes, log, &doubt);
    if (status == STATUS_OK) {
        int64_t wanted = limit->given ? limit->number : app->json ? 0 : LIST_MAX;
        uint32_t count = wanted > 0 && wanted < doubt.count ? (uint32_t)wanted : doubt.count;
        int64_t ask_ms = app->values[OPT_WAITS].given ? ALL_WAITS_MS : WAITS_MS;
        inspect_deadline(nodes, ask_ms + DEADLINE_MS);
        status = indoubt_read_waits(app, nodes, &doubt, count, clock_mono_ms() + ask_ms);
        if (status == STATUS_OK)
            (app->json ? indoubt_print_json : indoubt_print_text)(app, nodes, log, &doubt, count);
    }
    indoubt_free(&doubt);
    return status == STATUS_OK ? inspect_all_reached(app, nodes) : status;
}

static enum status list_all(struct app *app)
{
    struct log_view log;
    enum status status = log_view_read(app, &log);
    if (status != STATUS_OK)
        return status;
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return app->err.status;
    inspect_deadline(nodes, DEADLINE_MS);
    status = list(app, nodes, &log);
    inspect_close(nodes);
    return status;
}

enum status cmd_indoubt(struct app *app)
{
    static const char *const words[] = {"list", "commit", "rollback", "forget", NULL};
    static const enum force_act acts[] = {0, FORCE_COMMIT, FORCE_ROLLBACK, FORCE_FORGET};
    const char *word = app->word_count > 0 ? app->words[0] : "list";
    int at = 0;
    while (words[at] && strcmp(words[at], word) != 0)
        at++;
    if (!words[at]) {
        char clean[80];
        const char *near = text_nearest(word, words);
        text_sanitise_cstr(clean, sizeof clean, word);
        return err_set(&app->err, STATUS_USAGE, _("indoubt: %s: unknown word; did you mean %s"), clean,
                       near ? near : "list");
    }
    if (app->word_count > (at == 0 ? 1 : 2) || (at > 0 && app->word_count < 2))
        return err_set(&app->err, STATUS_USAGE, _("indoubt %s: %s; usage: xatop %s"), word,
                       at == 0 ? _("takes no more words") : _("name one xid"), app->command->usage);
    if (at == 0)
        return list_all(app);
    const char *reason = app->values[OPT_REASON].given ? app->values[OPT_REASON].string : NULL;
    return indoubt_force(app, acts[at], app->words[1], reason, app->values[OPT_AGAINST].given);
}
