#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "chaos.h"
#include "inspect.h"
#include "xatop/fault.h"
#include "xatop/i18n.h"
#include "xatop/lab.h"
#include "xatop/prng.h"
#include "xatop/text.h"

enum { OPT_SEED, OPT_DURATION, OPT_PLAN, OPT_AVAILABILITY };
enum { DURATION_S = 60, COUNT_MS = 20000 };

const struct option_spec cmd_chaos_options[] = {
    [OPT_SEED] = {"seed", 's', OPTION_INT, "N", N_("the same seed draws the same faults; default: a new one"),
                  0, INT64_MAX, false},
    [OPT_DURATION] = {"duration", 'd', OPTION_INT, "S",
                      N_("seconds of load, 5 to 86400; default 60; 0: --availability alone"), 0,
                      CHAOS_DURATION_MAX_S, false},
    [OPT_PLAN] = {"plan", 0, OPTION_FLAG, "", N_("print what would happen when, and end"), 0, 0, false},
    [OPT_AVAILABILITY] =
        {"availability", 'a', OPTION_FLAG, "",
         N_("then measure who is answered while a node restarts, freezes, the coordinator dies"), 0, 0,
         false},
    {0},
};

/* It kills, freezes and locks what it finds: only servers of our own making. */
static enum status only_our_own(struct app *app)
{
    for (int i = 0; i < app->configuration.node_count; i++) {
        const struct node_configuration *node = &app->configuration.nodes[i];
        struct lab_node lab;
        if (!node->lab)
            return err_set(&app->err, STATUS_REFUSED,
                           _("chaos: %s is not a lab node; xatop breaks only servers it made itself"),
                           node->name);
        enum status status = lab_status(app->state_dir, node->name, &lab, &app->err);
        if (status != STATUS_OK)
            return status;
        if (lab.state != LAB_UP)
            return err_set(&app->err, STATUS_REFUSED, _("chaos: node %s %s; run xatop setup"), node->name,
                           lab.state == LAB_ABSENT   ? _("was never created")
                           : lab.state == LAB_FROZEN ? _("is frozen")
                                                     : _("is not up"));
    }
    return STATUS_OK;
}

/* The coordinator would find it out too, but only say so in its log. */
static enum status nobody_else(struct app *app)
{
    struct log_view log;
    enum status status = log_view_read(app, &log);
    if (status != STATUS_OK || log.holder == 0)
        return status;
    return err_set(&app->err, STATUS_STATE,
                   _("chaos: a coordinator runs on this state directory (pid %lld); end it"),
                   (long long)log.holder);
}

static enum status check_faults(struct app *app)
{
    const char *names[XATOP_NODES_MAX];
    enum status status = STATUS_OK;
    for (int i = 0; i < app->configuration.node_count; i++)
        names[i] = app->configuration.nodes[i].name;
    for (int i = 0; i < app->fault_count && status == STATUS_OK; i++) {
        struct fault fault;
        status =
            fault_parse(app->faults[i], names, (uint8_t)app->configuration.node_count, &fault, &app->err);
    }
    return status;
}

static enum status count_rows(struct chaos *chaos)
{
    struct app *app = chaos->app;
    struct shape total = {.node_count = (uint8_t)app->configuration.node_count};
    struct inspection *nodes = inspect_open(app, false);
    if (!nodes)
        return app->err.status;
    inspect_deadline(nodes, COUNT_MS);
    enum status status = inspect_all_reached(app, nodes);
    for (uint8_t i = 0; i < nodes->count && status == STATUS_OK; i++) {
        struct shape here;
        status = node_admin_count(nodes->admins[i], &here, &app->err);
        total.accounts += here.accounts;
        total.products += here.products;
        total.customers += here.customers;
    }
    inspect_close(nodes);
    if (status == STATUS_OK && total.accounts == 0)
        return err_set(&app->err, STATUS_REFUSED, _("chaos: there are no accounts; run xatop setup"));
    chaos->shared->shape = total;
    return status;
}

static enum status open_all(struct chaos *chaos)
{
    struct app *app = chaos->app;
    char path[sizeof app->state_dir + 16];
    sigset_t taken;
    enum status status = app_state_create(app);
    if (status == STATUS_OK)
        chaos->shared = chaos_shared_make(&chaos->shared_fd, &app->err);
    if (!chaos->shared)
        return app->err.status;
    snprintf(path, sizeof path, "%s/chaos.log", app->state_dir);
    chaos->log_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    sigaddset(&taken, SIGINT);
    sigaddset(&taken, SIGTERM);
    sigprocmask(SIG_BLOCK, &taken, NULL);
    chaos->signal_fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    if (chaos->log_fd < 0 || chaos->signal_fd < 0)
        return err_set(&app->err, STATUS_STATE, _("chaos: %s cannot be used: %s"), path, strerror(errno));
    return STATUS_OK;
}

static void close_all(struct chaos *chaos)
{
    if (chaos->shared)
        munmap(chaos->shared, sizeof *chaos->shared);
    if (chaos->shared_fd >= 0)
        close(chaos->shared_fd);
    if (chaos->log_fd >= 0)
        close(chaos->log_fd);
    if (chaos->signal_fd >= 0)
        close(chaos->signal_fd);
}

/* The first of what went wrong is told; the rest is done all the same. */
static void note(struct chaos *chaos, struct err *trouble, enum status status)
{
    if (status != STATUS_OK && trouble->status == STATUS_OK)
        *trouble = chaos->app->err;
}

/* What was torn counts most, then what went wrong on the way or is left over, then that too little happened. */
static enum status run_all(struct chaos *chaos)
{
    struct app *app = chaos->app;
    struct err trouble = {0};
    bool load = chaos->plan.count > 0;
    if (load) {
        note(chaos, &trouble, chaos_load(chaos));
        note(chaos, &trouble, chaos_heal(chaos));
        chaos_take_hits(chaos);
    }
    if (app->values[OPT_AVAILABILITY].given && trouble.status == STATUS_OK && !chaos->interrupted) {
        note(chaos, &trouble, chaos_availability(chaos));
        note(chaos, &trouble, chaos_heal(chaos));
    }
    enum status status = chaos_audit(chaos);
    if (status == STATUS_INVARIANT)
        trouble = app->err;
    note(chaos, &trouble, status);
    chaos_report(chaos);
    app->err = trouble;
    if (trouble.status != STATUS_OK || !load)
        return trouble.status;
    return chaos_enough(chaos, &app->err);
}

static enum status run(struct app *app, const struct chaos_plan *plan)
{
    static struct chaos chaos;
    chaos = (struct chaos){
        .app = app, .plan = *plan, .shared_fd = -1, .log_fd = -1, .signal_fd = -1, .orders = -1};
    enum status status = app_may_change(app, "chaos");
    if (status == STATUS_OK)
        status = only_our_own(app);
    if (status == STATUS_OK)
        status = nobody_else(app);
    if (status == STATUS_OK)
        status = check_faults(app);
    if (status == STATUS_OK)
        status = open_all(&chaos);
    if (status == STATUS_OK)
        status = count_rows(&chaos);
    if (status == STATUS_OK)
        status = run_all(&chaos);
    close_all(&chaos);
    return status;
}

enum status cmd_chaos(struct app *app)
{
    struct chaos_plan plan = {0};
    uint64_t seed = (uint64_t)app->values[OPT_SEED].number;
    if (app->word_count > 0 && strcmp(app->words[0], "worker") == 0)
        return chaos_worker(app);
    if (app->word_count > 0)
        return chaos_hand(app);
    if (!app->values[OPT_SEED].given) {
        random_bytes(&seed, sizeof seed);
        seed >>= 1; /* it can be given again */
    }
    int32_t duration_s =
        app->values[OPT_DURATION].given ? (int32_t)app->values[OPT_DURATION].number : DURATION_S;
    bool none = duration_s == 0 && app->values[OPT_AVAILABILITY].given;
    if (duration_s < CHAOS_DURATION_MIN_S && !none)
        return err_set(&app->err, STATUS_USAGE,
                       _("--duration: at least %d; 0 stands for --availability alone"), CHAOS_DURATION_MIN_S);
    plan.seed = seed;
    enum status status =
        none ? STATUS_OK
             : chaos_plan_make(&plan, seed, duration_s, (uint8_t)app->configuration.node_count, &app->err);
    if (status == STATUS_OK && app->values[OPT_PLAN].given)
        chaos_plan_print(&plan, app);
    else if (status == STATUS_OK)
        status = run(app, &plan);
    chaos_plan_free(&plan);
    return status;
}
