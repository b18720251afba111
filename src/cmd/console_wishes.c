#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "console_app.h"
#include "links.h"
#include "xatop/access.h"
#include "xatop/dlog.h"
#include "xatop/i18n.h"
#include "xatop/log.h"
#include "xatop/money.h"
#include "xatop/scenario.h"
#include "xatop/text.h"

/* What the screen wishes becomes a command or work for the hands; what the engine answers goes back to the screen. */

struct hand_job {
    enum console_wish wish;
    uint8_t node;
};

/* --- answers --- */

static void tell(struct console_app *console, int level, const char *xid, const char *words)
{
    struct console_answer *answer = malloc(sizeof *answer);
    if (!answer)
        return;
    answer->level = level;
    text_sanitise_cstr(answer->words, sizeof answer->words, words);
    text_sanitise_cstr(answer->xid, sizeof answer->xid, xid);
    if (mailbox_post(console->answers, answer))
        (void)eventfd_write(runtime_wake_fd(console->runtime), 1);
    else
        free(answer); /* so many unread ones: the screen stands still */
}

void console_tell(struct console_app *console, int level, const char *words)
{
    tell(console, level, "", words);
}

void console_tell_of(struct console_app *console, const char *xid, const char *words)
{
    tell(console, 0, xid, words);
}

bool console_answer_take(void *ctx, struct console_answer *out)
{
    struct console_app *console = ctx;
    void *item;
    if (mailbox_take(console->answers, &item, 1) == 0)
        return false;
    *out = *(struct console_answer *)item;
    free(item);
    return true;
}

static void unheard(struct command *command, const struct report *report,
                    const struct recovery_report *recovery)
{
    (void)report, (void)recovery;
    free(command);
}

static void fault_told(struct command *command, const struct report *report,
                       const struct recovery_report *recovery)
{
    char words[XATOP_REASON_MAX + sizeof command->fault];
    struct text text;
    (void)recovery;
    text_init(&text, words, sizeof words);
    if (report->status != STATUS_OK)
        text_append(&text, report->reason);
    else if (command->fault[0])
        text_printf(&text, _("armed: %s (F disarms all)"), command->fault);
    else
        text_append(&text, _("all faults are disarmed"));
    console_tell(command->arg, report->status != STATUS_OK, words);
    free(command);
}

/* Only what never became a transaction: the others are seen on the screen. */
static void work_told(struct command *command, const struct report *report,
                      const struct recovery_report *recovery)
{
    (void)recovery;
    if (report->status != STATUS_OK && !report->gtrid[0])
        console_tell(command->arg, 1, report->reason[0] ? report->reason : status_words(report->status));
    free(command);
}

static void recovery_told(struct command *command, const struct report *report,
                          const struct recovery_report *recovery)
{
    char words[XATOP_ERROR_MAX];
    struct text text;
    struct console_app *console = command->arg;
    (void)report;
    text_init(&text, words, sizeof words);
    if (recovery->status != STATUS_OK && recovery->reason[0]) {
        text_append(&text, recovery->reason);
    } else {
        text_printf(&text, _("recovery: %u committed, %u rolled back, %u left"), recovery->committed,
                    recovery->rolled_back, recovery->left);
        if (recovery->ambiguous)
            text_printf(&text, _(", %u ambiguous"), recovery->ambiguous);
        if (recovery->foreign)
            text_printf(&text, _(", %u foreign"), recovery->foreign);
        for (int i = 0; i < console->app->configuration.node_count; i++)
            if (recovery->unreachable & 1u << i)
                text_printf(&text, _(", %s not reached"), console->app->configuration.nodes[i].name);
    }
    console_tell(console, recovery->status != STATUS_OK, words);
    free(command);
}

static void force_told(struct command *command, const struct report *report,
                       const struct recovery_report *recovery)
{
    struct force_report *force = command->force;
    char words[XATOP_ERROR_MAX], money[24];
    struct text text;
    (void)recovery;
    text_init(&text, words, sizeof words);
    if (force->outcome != FORCED_NONE) {
        text_printf(&text, "%s: %s",
                    command->act == FORCE_COMMIT ? _("committed by hand") : _("rolled back by hand"),
                    forced_outcome_words(force->outcome));
        if (force->gap_known && (force->money_gap || force->stock_gap))
            text_printf(&text, _("; the books are off by %s and %lld pieces"),
                        money_format(force->money_gap, money, sizeof money), (long long)force->stock_gap);
        if (force->outcome != FORCED_AS_DECIDED)
            text_append(&text, _("; xatop indoubt list says what would compensate it"));
        program_log(LOG_LEVEL_WARNING, "console: %s: %s", words, command->note);
    } else {
        text_append(&text, report->reason[0] ? report->reason : status_words(report->status));
    }
    console_tell(command->arg,
                 force->outcome == FORCED_AS_DECIDED ? 0
                 : force->outcome == FORCED_NONE     ? 1
                                                     : 2,
                 words);
    free(force);
    free(command);
}

static void looked(struct command *command, const struct report *report,
                   const struct recovery_report *recovery)
{
    struct console_app *console = command->arg;
    (void)report, (void)recovery;
    atomic_store(&console->looking, false);
    free(command);
}

typedef void told_fn(struct command *command, const struct report *report,
                     const struct recovery_report *recovery);

static enum status post(struct console_app *console, const struct command *command, told_fn *told,
                        struct err *err)
{
    struct command *copy = malloc(sizeof *copy);
    if (!copy)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    *copy = *command;
    copy->completion.kind = COMPLETION_COMMAND;
    copy->done = told;
    copy->arg = console;
    runtime_post(console->runtime, copy);
    return STATUS_OK;
}

enum status console_post(struct console_app *console, const struct command *command, struct err *err)
{
    return post(console, command, unheard, err);
}

/* --- nodes --- */

static const char *carry_out(struct console_app *console, const struct hand_job *job, struct err *err)
{
    const struct node_configuration *node = &console->app->configuration.nodes[job->node];
    struct lab_config config;
    char dir[sizeof console->app->state_dir + 8];
    links_dir(console->app, dir, sizeof dir);
    switch (job->wish) {
    case WISH_CUT: /* the proxy follows the file, and tells */
        link_file_change(dir, node->name, "cut", NULL, err);
        return _("link cut");
    case WISH_HEAL:
        link_file_change(dir, node->name, "heal", NULL, err);
        return _("link healed");
    case WISH_KILL:
        lab_kill(console->app->state_dir, node->name, err);
        return _("killed");
    case WISH_STOP_NODE:
        lab_freeze(console->app->state_dir, node->name, err);
        return _("frozen");
    case WISH_GO_ON:
        lab_thaw(console->app->state_dir, node->name, err);
        return _("thawed");
    default:
        access_lab_config(node, &config);
        lab_restart(console->app->state_dir, &config, NULL, NULL, err);
        return _("restarted");
    }
}

void console_hand(void *arg, void *item)
{
    struct hand_job *job = item;
    struct console_app *console = arg;
    struct err err = {.status = STATUS_OK};
    const char *done = carry_out(console, job, &err);
    struct command note = {.kind = COMMAND_NOTE, .level = err.status != STATUS_OK};
    struct text words;
    text_init(&words, note.note, sizeof note.note);
    text_printf(&words, "%s %s%s%s", console->app->configuration.nodes[job->node].name, done,
                err.status == STATUS_OK ? "" : _(" failed: "), err.status == STATUS_OK ? "" : err.text);
    console_post(console, &note, NULL);
    struct command command = {.kind = COMMAND_NODE_CHANGED, .node = job->node};
    console_post(console, &command, NULL);
    free(job);
}

static enum status node_wish(struct console_app *console, enum console_wish wish, uint16_t node,
                             struct err *err)
{
    if (node >= console->app->configuration.node_count || !console->app->configuration.nodes[node].lab)
        return err_set(err, STATUS_REFUSED,
                       _("that node is not a lab node of xatop: it is never killed, frozen, cut or started"));
    struct hand_job *job = malloc(sizeof *job);
    if (!job)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    *job = (struct hand_job){.wish = wish, .node = (uint8_t)node};
    if (worker_submit(console->hands, job))
        return STATUS_OK;
    free(job);
    return err_set(err, STATUS_REFUSED, _("too many node changes are waiting; try again"));
}

/* --- work, recovery, faults --- */

static enum status run_wish(struct console_app *console, uint8_t scenario_index, struct err *err)
{
    struct command command = {.kind = COMMAND_RUN,
                              .scenario = scenario_index,
                              .wait_ms = console->app->configuration.wait_s * 1000};
    scenario_at(scenario_index)->random(&console->prng, runtime_shape(console->runtime), &command.params);
    return post(console, &command, work_told, err);
}

static enum status stream_wish(struct console_app *console, uint8_t scenario_index, uint16_t number,
                               struct err *err)
{
    struct command command = {
        .kind = COMMAND_STREAM, .scenario = scenario_index, .inflight = number, .packet = true};
    console->streams[scenario_index] = number;
    return post(console, &command, work_told, err);
}

static enum status recover_wish(struct console_app *console, bool dry_run, struct err *err)
{
    struct command command = {.kind = COMMAND_RECOVER, .dry_run = dry_run, .wait_ms = CONSOLE_DRAIN_MS};
    if (!dry_run)
        return post(console, &command, recovery_told, err);
    if (atomic_exchange(&console->looking, true)) /* a node that does not answer holds it up */
        return STATUS_OK;
    enum status status = post(console, &command, looked, err);
    if (status != STATUS_OK)
        atomic_store(&console->looking, false);
    return status;
}

static enum status fault_wish(struct console_app *console, const char *spec, struct err *err)
{
    struct command command = {.kind = COMMAND_FAULT};
    if (strlen(spec) >= sizeof command.fault)
        return err_set(err, STATUS_USAGE, _("fault specification too long: at most %zu bytes"),
                       sizeof command.fault - 1);
    text_copy(command.fault, sizeof command.fault, spec);
    return post(console, &command, fault_told, err);
}

static enum status force_wish(struct console_app *console, const struct console_request *request,
                              struct err *err)
{
    struct command command = {.kind = COMMAND_FORCE,
                              .wait_ms = console->app->configuration.wait_s * 1000,
                              .act = request->number & CONSOLE_FORCE_COMMIT ? FORCE_COMMIT : FORCE_ROLLBACK,
                              .against = request->number & CONSOLE_FORCE_AGAINST};
    if (!xid_scan(request->xid, &command.xid))
        return err_set(err, STATUS_REFUSED, _("that xid is too long to be named from here: xatop indoubt"));
    text_sanitise_cstr(command.note, sizeof command.note, request->words);
    command.force = calloc(1, sizeof *command.force);
    if (!command.force)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    enum status status = post(console, &command, force_told, err);
    if (status != STATUS_OK)
        free(command.force);
    return status;
}

enum status console_wish(void *ctx, const struct console_request *request, struct err *err)
{
    struct console_app *console = ctx;
    uint8_t bank = 0, inventory = 0;
    xatop_assert(scenario_by_command("transfer", &bank) && scenario_by_command("order", &inventory));
    switch (request->wish) {
    case WISH_TRANSFER:
        return run_wish(console, bank, err);
    case WISH_ORDER:
        return run_wish(console, inventory, err);
    case WISH_TRANSFERS:
        return stream_wish(console, bank, request->number, err);
    case WISH_ORDERS:
        return stream_wish(console, inventory, request->number, err);
    case WISH_RECOVER:
    case WISH_LOOK:
        return recover_wish(console, request->wish == WISH_LOOK, err);
    case WISH_KILL:
    case WISH_RESTART:
    case WISH_STOP_NODE:
    case WISH_GO_ON:
    case WISH_CUT:
    case WISH_HEAL:
        return node_wish(console, request->wish, request->number, err);
    case WISH_ARM:
        return fault_wish(console, request->words, err);
    case WISH_FORCE:
        return force_wish(console, request, err);
    case WISH_WAITERS:
        return console_waiters_wish(console, (uint8_t)request->number, request->xid, err);
    }
    return STATUS_INTERNAL;
}
