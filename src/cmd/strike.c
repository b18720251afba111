#include "config.h"

#include "strike.h"

#include <stdlib.h>

#include "xatop/i18n.h"
#include "xatop/lab.h"
#include "xatop/text.h"
#include "xatop/worker.h"

enum { STRIKES_QUEUE = 32 };

struct strikes {
    const struct app *app; /* its configuration and state directory only: read-only by now */
    struct links *links;
    struct strikes_hooks hooks;
    struct worker *worker;
};

struct strike {
    enum fault_act act;
    uint8_t node;
};

uint16_t strikes_processes(const struct app *app)
{
    uint16_t mask = 0;
    for (int i = 0; i < app->configuration.node_count; i++)
        if (app->configuration.nodes[i].lab)
            mask |= (uint16_t)(1u << i);
    return mask;
}

/* The lab itself strikes only a process that it started on that very directory (lab.h). */
static enum status carry_out(const struct strikes *strikes, enum fault_act act, uint8_t node,
                             const char **done, struct err *err)
{
    const char *name = strikes->app->configuration.nodes[node].name;
    switch (act) {
    case FAULT_KILL:
        *done = _("killed");
        return lab_kill(strikes->app->state_dir, name, err);
    case FAULT_FREEZE:
        *done = _("frozen");
        return lab_freeze(strikes->app->state_dir, name, err);
    case FAULT_CUT:
        *done = _("cut off");
        return links_apply(strikes->links, node, "cut", err);
    case FAULT_HEAL:
        *done = _("healed");
        return links_apply(strikes->links, node, "heal", err);
    default:
        *done = _("struck");
        return err_set(err, STATUS_REFUSED, _("nothing to be struck"));
    }
}

void strikes_now(struct strikes *strikes, enum fault_act act, uint8_t node)
{
    const struct node_configuration *configured = &strikes->app->configuration.nodes[node];
    struct err err = {.status = STATUS_OK};
    char words[XATOP_REASON_MAX];
    const char *done;
    struct text text;
    enum status status = carry_out(strikes, act, node, &done, &err);
    text_init(&text, words, sizeof words);
    text_printf(&text, status == STATUS_OK ? _("injected: %s %s%s") : _("injected: %s not %s: %s"),
                configured->name, done, status == STATUS_OK ? "" : err.text);
    strikes->hooks.told(strikes->hooks.arg, node, 1, words);
}

static void each(void *arg, void *item)
{
    struct strike *strike = item;
    strikes_now(arg, strike->act, strike->node);
    free(strike);
}

void strikes_soon(struct strikes *strikes, enum fault_act act, uint8_t node)
{
    struct strike *strike = malloc(sizeof *strike);
    if (strike)
        *strike = (struct strike){act, node};
    if (strike && worker_submit(strikes->worker, strike))
        return;
    free(strike);
    strikes->hooks.told(strikes->hooks.arg, node, 1,
                        _("injected: too many strikes at once; this one is left out"));
}

enum status strikes_start(struct strikes **out, const struct app *app, struct links *links,
                          const struct strikes_hooks *hooks, struct err *err)
{
    struct strikes *strikes = calloc(1, sizeof *strikes);
    if (!strikes)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    *strikes = (struct strikes){.app = app, .links = links, .hooks = *hooks};
    enum status status = worker_start(&strikes->worker, "strikes", STRIKES_QUEUE, each, strikes, err);
    if (status != STATUS_OK) {
        free(strikes);
        return status;
    }
    *out = strikes;
    return STATUS_OK;
}

void strikes_stop(struct strikes *strikes)
{
    if (!strikes)
        return;
    worker_stop(strikes->worker, NULL);
    free(strikes);
}
