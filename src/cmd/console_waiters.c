#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "console_app.h"
#include "indoubt.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

/* Who waits for the locks of one branch: asked on demand, with sessions and errors of its own, as the auditor has. */

enum { WAITERS_MS = 3000, WAITERS_DEADLINE_MS = 10000, SHOWN_MAX = 3 };

struct waiters_job {
    uint8_t node;
    char xid[XATOP_REASON_MAX];
};

static void words_of(const struct indoubt_branch *branch, struct text *out)
{
    const struct lock_waits *waits = branch->waits;
    if (!waits || !waits->known) {
        text_append(out, waits ? waits->why : branch->waits_why ? branch->waits_why : _("not known"));
        return;
    }
    if (waits->total == 0)
        text_append(out, _("nobody"));
    else
        text_printf(out, _("%u: "), waits->total);
    for (uint32_t i = 0; i < waits->count && i < SHOWN_MAX; i++)
        text_printf(out, _("%sconnection %llu (%s) for %lld s: %s"), i ? "; " : "",
                    (unsigned long long)waits->list[i].thread, waits->list[i].user,
                    (long long)waits->list[i].wait_s, waits->list[i].statement);
    if (waits->total > SHOWN_MAX)
        text_printf(out, _("; and %u more"), waits->total - SHOWN_MAX);
}

/* The branch in question comes first: only it is asked about. */
static bool bring_forward(struct indoubt *doubt, const struct waiters_job *job)
{
    struct xid xid;
    for (uint32_t i = 0; xid_scan(job->xid, &xid) && i < doubt->count; i++) {
        const struct prepared *prepared = doubt->branches[i].prepared;
        if (prepared->node != job->node || !xid_equal(&prepared->xid, &xid))
            continue;
        struct indoubt_branch first = doubt->branches[0];
        doubt->branches[0] = doubt->branches[i];
        doubt->branches[i] = first;
        return true;
    }
    return false;
}

static void ask(struct app *app, const struct waiters_job *job, struct text *out)
{
    struct log_view log;
    struct indoubt doubt;
    struct inspection *nodes = log_view_read(app, &log) == STATUS_OK ? inspect_open(app, false) : NULL;
    if (!nodes) {
        text_append(out, app->err.text);
        return;
    }
    inspect_deadline(nodes, WAITERS_DEADLINE_MS);
    if (indoubt_read(app, nodes, &log, &doubt) != STATUS_OK)
        text_append(out, app->err.text);
    else if (!bring_forward(&doubt, job))
        text_append(out, _("the node lists it no more, or cannot be reached"));
    else if (indoubt_read_waits(app, nodes, &doubt, 1, clock_mono_ms() + WAITERS_MS) != STATUS_OK)
        text_append(out, app->err.text);
    else
        words_of(&doubt.branches[0], out);
    indoubt_free(&doubt);
    inspect_close(nodes);
}

void console_ask_waiters(void *arg, void *item)
{
    struct console_app *console = arg;
    struct waiters_job *job = item;
    char words[XATOP_ERROR_MAX];
    struct text text;
    text_init(&text, words, sizeof words);
    console->asker_app->err = (struct err){.status = STATUS_OK};
    ask(console->asker_app, job, &text);
    console_tell_of(console, job->xid, words);
    atomic_store(&console->asking, false);
    free(job);
}

enum status console_waiters_wish(struct console_app *console, uint8_t node, const char *xid, struct err *err)
{
    struct waiters_job *job;
    if (atomic_exchange(&console->asking, true))
        return err_set(err, STATUS_REFUSED,
                       _("not asked: the nodes are still being asked about another one"));
    job = malloc(sizeof *job);
    if (job) {
        job->node = node;
        text_copy(job->xid, sizeof job->xid, xid);
    }
    if (job && worker_submit(console->asker, job))
        return STATUS_OK;
    free(job);
    atomic_store(&console->asking, false);
    return err_set(err, STATUS_REFUSED, _("not asked: out of memory"));
}
