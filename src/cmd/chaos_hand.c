/* A hand of chaos: one fault that takes time, done and undone by a process of its own. It counts what really hit, and when the
 * supervisor ends (SIGTERM) it undoes at once. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "chaos.h"
#include "links.h"
#include "xatop/access.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/lab.h"
#include "xatop/node_harm.h"
#include "xatop/text.h"

enum {
    STATEMENT_MS = 4000,
    READY_MS = 8000,
    READY_PAUSE_MS = 100,
    LINK_LOOK_MS = 50,
    UNDO_MS = 10000,
    STORM_PAUSE_MS = 100,
    DDL_TRIES = 3
};

struct hand {
    struct app *app;
    struct chaos_shared *shared;
    enum chaos_kind kind;
    uint8_t node;
    bool heal;
    int64_t for_ms;
    struct lab_node lab;
};

static void count(struct hand *hand)
{
    hand->shared->hit[hand->kind]++;
}

/* False: we were told to end. */
static bool wait_ms(int64_t ms)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    for (int64_t until_ms = clock_mono_ms() + ms, left_ms = ms; left_ms > 0;
         left_ms = until_ms - clock_mono_ms()) {
        struct timespec left = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
        int signal = sigtimedwait(&ends, NULL, &left);
        if (signal > 0)
            return false;
        if (errno == EAGAIN)
            return true;
    }
    return true;
}

/* --- the server's process --- */

static enum status start_again(struct hand *hand)
{
    struct lab_config config;
    access_lab_config(&hand->app->configuration.nodes[hand->node], &config);
    return lab_start(hand->app->state_dir, &config, NULL, NULL, &hand->app->err);
}

static enum status do_kill(struct hand *hand)
{
    enum status status = lab_kill(hand->app->state_dir, hand->lab.name, &hand->app->err);
    if (status != STATUS_OK)
        return status;
    count(hand);
    wait_ms(hand->for_ms);
    return start_again(hand);
}

static enum status do_freeze(struct hand *hand)
{
    enum status status =
        hand->lab.state == LAB_UP
            ? lab_freeze(hand->app->state_dir, hand->lab.name, &hand->app->err)
            : err_set(&hand->app->err, STATUS_NODE, _("node %s: it is not up"), hand->lab.name);
    if (status != STATUS_OK)
        return status;
    count(hand);
    wait_ms(hand->for_ms);
    return lab_thaw(hand->app->state_dir, hand->lab.name, &hand->app->err);
}

static enum status do_restart(struct hand *hand)
{
    if (hand->lab.state != LAB_UP)
        return err_set(&hand->app->err, STATUS_NODE, _("node %s: it is not up"), hand->lab.name);
    enum status status = lab_stop(hand->app->state_dir, hand->lab.name, &hand->app->err);
    if (status != STATUS_OK)
        return status;
    count(hand); /* it has hit once the server is gone, however long the start takes */
    return start_again(hand);
}

static enum status do_heal(struct hand *hand)
{
    if (hand->lab.state == LAB_FROZEN)
        return lab_thaw(hand->app->state_dir, hand->lab.name, &hand->app->err);
    return hand->lab.state == LAB_DOWN ? start_again(hand) : STATUS_OK;
}

/* --- the link --- */

static const char *link_wish(enum chaos_kind kind)
{
    switch (kind) {
    case CHAOS_LINK_CUT:
        return "cut";
    case CHAOS_LINK_REPLY:
        return "cut=reply";
    case CHAOS_LINK_DELAY:
        return "delay=40 jitter=120";
    case CHAOS_LINK_SLOW:
        return "rate=4000";
    default:
        return "reset";
    }
}

/* A coordinator must be there to be hit. A reset says itself when it fired: the proxy takes the word out of the file. */
static bool link_hit(const struct hand *hand, const char *dir)
{
    struct link_state state;
    if (hand->kind != CHAOS_LINK_RESET)
        return hand->shared->ready;
    return link_file_read(dir, hand->lab.name, &state, NULL, NULL) == STATUS_OK && !state.reset;
}

static enum status do_link(struct hand *hand)
{
    char dir[sizeof hand->app->state_dir + 8];
    struct link_state state;
    bool hit = false, on = true;
    links_dir(hand->app, dir, sizeof dir);
    enum status status =
        link_file_change(dir, hand->lab.name, link_wish(hand->kind), &state, &hand->app->err);
    if (status != STATUS_OK)
        return status;
    for (int64_t until_ms = clock_mono_ms() + hand->for_ms; on && clock_mono_ms() < until_ms;) {
        on = wait_ms(LINK_LOOK_MS);
        hit = hit || link_hit(hand, dir);
        on = on && !(hit && hand->kind == CHAOS_LINK_RESET);
    }
    if (hit)
        count(hand);
    return link_file_change(dir, hand->lab.name, "heal", &state, &hand->app->err);
}

/* --- an administrator's session --- */

static enum status open_admin(const struct lab_node *lab, const char *database, char *password, size_t cap,
                              struct node_admin **out, struct err *err)
{
    static struct node_mysql_config config; /* the session keeps a copy */
    config = (struct node_mysql_config){.user = "root", .password = password};
    text_copy(config.name, sizeof config.name, lab->name);
    text_copy(config.socket, sizeof config.socket, lab->socket);
    text_copy(config.database, sizeof config.database, database);
    enum status status = lab_admin_password(lab, password, cap, err);
    if (status == STATUS_OK)
        status = node_admin_open(out, &config, false, clock_mono_ms() + STATEMENT_MS, err);
    return status;
}

static enum status harm(struct hand *hand, struct node_admin *admin, enum node_harm kind, int64_t ms)
{
    node_admin_deadline(admin, clock_mono_ms() + ms);
    return node_admin_harm(admin, kind, &hand->app->err);
}

static enum status do_and_undo(struct hand *hand, struct node_admin *admin, enum node_harm done,
                               enum node_harm undone)
{
    enum status status = harm(hand, admin, done, STATEMENT_MS);
    if (status != STATUS_OK)
        return status;
    count(hand);
    wait_ms(hand->for_ms);
    return harm(hand, admin, undone, UNDO_MS);
}

static enum status do_deadlock(struct hand *hand, struct node_admin *admin)
{
    enum status status = do_and_undo(hand, admin, NODE_HARM_TAKE_ACCOUNTS, NODE_HARM_RELEASE);
    if (status != STATUS_REFUSED)
        return status;
    count(hand); /* the victim */
    return STATUS_OK;
}

/* Waits for every prepared branch, and everybody waits for it. */
static enum status do_ddl(struct hand *hand, struct node_admin *admin)
{
    enum status status = STATUS_NODE;
    for (int i = 0; i < DDL_TRIES && status != STATUS_OK; i++)
        status = harm(hand, admin, NODE_HARM_ADD_INDEX, 3 * STATEMENT_MS);
    if (status == STATUS_OK)
        wait_ms(hand->for_ms);
    if (status == STATUS_OK)
        status = harm(hand, admin, NODE_HARM_DROP_INDEX, 3 * STATEMENT_MS);
    if (status == STATUS_OK)
        count(hand);
    return status;
}

static enum status do_kill_storm(struct hand *hand, struct node_admin *admin)
{
    uint32_t killed, all = 0;
    int64_t until_ms = clock_mono_ms() + hand->for_ms;
    enum status status;
    do {
        node_admin_deadline(admin, clock_mono_ms() + STATEMENT_MS);
        status = node_admin_kill_sessions(admin, hand->lab.user, &killed, &hand->app->err);
        all += killed;
    } while (status == STATUS_OK && wait_ms(STORM_PAUSE_MS) && clock_mono_ms() < until_ms);
    if (all > 0)
        count(hand);
    return status;
}

static enum status with_admin(struct hand *hand)
{
    struct node_admin *admin = NULL;
    char password[256];
    enum status status = node_mysql_library_init(&hand->app->err);
    if (status != STATUS_OK)
        return status;
    int64_t until_ms = clock_mono_ms() + READY_MS; /* another fault may have it down or frozen just now */
    do
        status = open_admin(&hand->lab, hand->app->configuration.nodes[hand->node].database, password,
                            sizeof password, &admin, &hand->app->err);
    while (status != STATUS_OK && clock_mono_ms() < until_ms && wait_ms(READY_PAUSE_MS));
    if (status == STATUS_OK) {
        switch (hand->kind) {
        case CHAOS_LOCK:
            status = do_and_undo(hand, admin, NODE_HARM_LOCK, NODE_HARM_UNLOCK);
            break;
        case CHAOS_READ_ONLY:
            status = do_and_undo(hand, admin, NODE_HARM_READ_ONLY, NODE_HARM_WRITABLE);
            break;
        case CHAOS_KILL_STORM:
            status = do_kill_storm(hand, admin);
            break;
        case CHAOS_DEADLOCK:
            status = do_deadlock(hand, admin);
            break;
        default:
            status = do_ddl(hand, admin);
            break;
        }
    }
    node_admin_close(admin);
    explicit_bzero(password, sizeof password);
    node_mysql_library_end();
    return status;
}

enum status chaos_hand_undo(struct app *app, uint8_t node, struct err *err)
{
    struct lab_node lab;
    struct node_admin *admin = NULL;
    char password[256];
    enum status status = lab_status(app->state_dir, app->configuration.nodes[node].name, &lab, err);
    if (status == STATUS_OK)
        status =
            open_admin(&lab, app->configuration.nodes[node].database, password, sizeof password, &admin, err);
    if (status == STATUS_OK) {
        node_admin_deadline(admin, clock_mono_ms() + UNDO_MS);
        status = node_admin_harm(admin, NODE_HARM_WRITABLE, err);
    }
    if (status == STATUS_OK)
        status = node_admin_harm(admin, NODE_HARM_DROP_INDEX, err);
    node_admin_close(admin);
    explicit_bzero(password, sizeof password);
    return status;
}

static enum status parse(struct hand *hand)
{
    struct app *app = hand->app;
    hand->kind = CHAOS_KINDS;
    hand->shared = app->word_count == 5 ? chaos_shared_open(app->words[1]) : NULL;
    for (enum chaos_kind kind = 0; hand->shared && kind < CHAOS_KINDS; kind++)
        if (strcmp(chaos_kinds[kind].name, app->words[2]) == 0)
            hand->kind = kind;
    hand->heal = hand->shared && strcmp(app->words[2], CHAOS_HEAL) == 0;
    int node = hand->shared ? configuration_find_node(&app->configuration, app->words[3]) : -1;
    if ((hand->kind == CHAOS_KINDS && !hand->heal) || node < 0 || !app->configuration.nodes[node].lab ||
        !text_to_i64(app->words[4], 0, 3600000, &hand->for_ms))
        return err_set(&app->err, STATUS_USAGE, _("chaos: takes no words; see xatop chaos --help"));
    hand->node = (uint8_t)node;
    return lab_status(app->state_dir, app->configuration.nodes[node].name, &hand->lab, &app->err);
}

enum status chaos_hand(struct app *app)
{
    struct hand hand = {.app = app};
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    enum status status = parse(&hand);
    if (status != STATUS_OK)
        return status;
    if (hand.heal)
        return do_heal(&hand);
    switch (hand.kind) {
    case CHAOS_KILL:
        return do_kill(&hand);
    case CHAOS_FREEZE:
        return do_freeze(&hand);
    case CHAOS_RESTART:
        return do_restart(&hand);
    default:
        return chaos_kinds[hand.kind].needs & CHAOS_LINK ? do_link(&hand) : with_admin(&hand);
    }
}
