/* A node's control worker: one session for everything that is not a transaction's own message, one request at a time, each
 * within its deadline. A node that does not answer costs a request its deadline, never the thread. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_mysql_error.h"
#include "node_mysql_internal.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"

enum {
    IDLE_TRUSTED_MS = 2000,
    SLOW_US = 100000,
    NEAR_US = 20000,
    KILL_MS = 1000,
    END_MS = 1000,
    OWN_SESSIONS = 2, /* the control session, and a command that looks */
};

/* Registrations with a server that was restarted since mean nothing any more; the rows would pile up. */
static void forget_dead_sessions(struct control_worker *worker)
{
    char sql[256];
    snprintf(sql, sizeof sql, "DELETE FROM xa_session WHERE coordinator = '%s' AND server_start <> %" PRId64,
             worker->who.id, worker->session.ref.server_start);
    if (worker->registered)
        session_run(&worker->session, sql);
}

/* A live session; one that raised the epoch before registers each new connection. */
static bool ready(struct control_worker *worker, int64_t deadline_ms)
{
    struct session *session = &worker->session;
    bool alive = session_alive(session);
    if (alive && clock_mono_ms() - session->used_ms > IDLE_TRUSTED_MS) {
        session_guard(session, deadline_ms);
        alive = session_run(session, "DO 0");
        if (!alive && clock_mono_ms() >= deadline_ms)
            return false;
    }
    if (!alive) {
        worker->registered = false;
        worker->watched[0] = '\0';
        if (!session_open(session, deadline_ms))
            return false;
    }
    session_guard(session, deadline_ms);
    if (worker->raised && !worker->registered) {
        worker->registered = session_register(session, &worker->who);
        forget_dead_sessions(worker);
    }
    return true;
}

/* False: the connection is lost. */
static bool check(struct control_worker *worker, struct control *control, bool whole)
{
    struct session *session = &worker->session;
    worker->facts.sessions = worker->nodes->options.carriers + OWN_SESSIONS;
    if (!session_watched(session, worker->watched) || !session_preflight(session, &worker->facts, whole)) {
        worker->watched[0] = '\0';
        return false;
    }
    control->preflight = malloc(sizeof *control->preflight);
    xatop_assert(control->preflight);
    preflight_judge(&worker->facts, control->preflight);
    return true;
}

/* Settings can be changed under us, and a new connection may lead elsewhere. A far node is spared the questions about rights. */
static bool check_again(struct control_worker *worker, struct control *control, int64_t rtt_us)
{
    char watched[PREFLIGHT_WATCH_MAX];
    bool fresh = !worker->watched[0];
    if (!worker->raised)
        return true; /* it is checked when it is raised */
    if (!session_watched(&worker->session, watched))
        return false;
    return (!fresh && strcmp(watched, worker->watched) == 0) ||
           check(worker, control, fresh && rtt_us < NEAR_US);
}

static void look_health(struct control_worker *worker, struct control *control)
{
    struct session *session = &worker->session;
    int64_t begun_us = clock_mono_us();
    control->ok = session_run(session, "DO 0");
    int64_t rtt_us = clock_mono_us() - begun_us;
    control->ok =
        control->ok && session_info(session, &control->info) && check_again(worker, control, rtt_us);
    control->info.rtt_us = rtt_us;
    control->info.state = rtt_us > SLOW_US ? NODE_SLOW : NODE_UP;
}

static void look_up(struct session *session, struct control *control)
{
    char sql[128];
    bool price = control->table == WORK_PRODUCTS;
    snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE id = %" PRId64,
             price ? "price" : work_table_column(control->table), work_table_name(control->table),
             control->row);
    control->ok = session_numbers(session, sql, &control->value, 1, &control->found);
}

static void fence(struct session *session, struct control *control)
{
    /* nobody there, or the server was restarted: its sessions are gone */
    control->ok = control->session.connection_id == 0 ||
                  control->session.server_start != session->ref.server_start ||
                  session_kill_and_wait(session, &control->session.connection_id, 1, control->deadline_ms,
                                        &control->killed);
}

/* Before anything is written there, the epoch row included: a fence that a crash can take back is none. A node without our
 * schema is not judged. False: no further. */
static bool is_fit(struct control_worker *worker, struct control *control)
{
    enum preflight_check which;
    if (!check(worker, control, true))
        return false;
    if (!worker->facts.engines[PREFLIGHT_TABLE_xa_node][0]) {
        free(control->preflight);
        control->preflight = NULL;
        return true;
    }
    if (control->unsafe || preflight_worst(control->preflight, &which) < PREFLIGHT_FAIL)
        return true;
    control->ok = true;
    control->raised = RAISE_UNFIT;
    control->info.state = NODE_UNFIT;
    preflight_words(control->preflight, which, control->detail, sizeof control->detail);
    return false;
}

static void raise_epoch(struct control_worker *worker, struct control *control)
{
    if (!is_fit(worker, control))
        return;
    session_raise(&worker->session, control);
    if (control->raised == RAISE_DONE) {
        worker->raised = worker->registered = true;
        worker->who = *control->coordinator;
        worker->who.since_wall_ms = control->coordinator->since_wall_ms;
    }
}

static void answer(struct control_worker *worker, struct control *control)
{
    struct session *session = &worker->session;
    switch (control->kind) {
    case CONTROL_HEALTH:
        look_health(worker, control);
        control->fenced = worker->raised && session->fenced;
        break;
    case CONTROL_RAISE:
        raise_epoch(worker, control);
        break;
    case CONTROL_SCAN:
        control->ok = session_scan(session, &control->xids, &control->xid_count, &control->xid_total);
        break;
    case CONTROL_FENCE:
    case CONTROL_RESOLVE:
    case CONTROL_FLOOR:
    case CONTROL_MARKERS:
    case CONTROL_PRUNE:
        if (!worker->registered) { /* a newer epoch rules there: nothing may be done in our name */
            session->error = 0;
            text_copy(session->detail, sizeof session->detail, _("the epoch row of the node is not ours"));
        } else if (control->kind == CONTROL_FENCE) {
            fence(session, control);
        } else if (control->kind == CONTROL_RESOLVE) {
            session_resolve(session, control);
        } else {
            session_floor(session, control);
        }
        break;
    case CONTROL_LOOKUP:
        look_up(session, control);
        break;
    case CONTROL_KEY:
        session_key(session, control);
        break;
    case CONTROL_EFFECTS:
        session_effects(session, control);
        break;
    }
}

static void clear(struct control *control)
{
    control->ok = control->found = false;
    control->error = 0;
    control->info = (struct node_info){.prepared = -1, .lock_waits = -1, .sessions = -1};
    control->raised = RAISE_UNREACHABLE;
    control->preflight = NULL;
    control->fenced = control->displaced = false;
    control->killed = control->elsewhere = control->owner_epoch = 0;
    control->xids = NULL;
    control->floor.finished = control->floor.pruned = control->floor.covered = (struct gtrid){.epoch = 0};
    control->floor.markers = NULL;
    control->floor.count = 0;
    control->floor.more = false;
    control->xid_count = control->xid_total = 0;
    control->effects = NULL;
    control->effect_count = 0;
    control->committed = 0;
    control->effect_key = (struct effect_key){.key = ""};
    control->finding = FINDING_UNREACHABLE;
    control->value = 0;
    control->key_state = KEY_UNKNOWN;
    control->fingerprint[0] = control->gtrid[0] = control->detail[0] = '\0';
}

/* No answer in (nearly) all the time it had: the server accepts bytes and does nothing with them. */
static enum node_state silence(const struct control_worker *worker, const struct control *control)
{
    int64_t given_ms = control->deadline_ms - control->start_us / 1000;
    int64_t connect_ms = worker->nodes->options.connect_timeout_ms;
    int64_t patience_ms = given_ms < connect_ms ? given_ms : connect_ms;
    int64_t took_ms = (control->end_us - control->start_us) / 1000;
    return took_ms >= patience_ms - patience_ms / 10 ? NODE_FROZEN : NODE_DOWN;
}

static void serve(struct control_worker *worker, struct control *control)
{
    struct session *session = &worker->session;
    clear(control);
    control->start_us = clock_mono_us();
    session->error = 0;
    session->detail[0] = '\0';
    /* what waited too long behind others is not begun */
    bool late = clock_mono_ms() >= control->deadline_ms;
    if (!late && !atomic_load(&worker->nodes->stopping) && ready(worker, control->deadline_ms))
        answer(worker, control);
    session_unguard(session);
    control->end_us = clock_mono_us();
    if (!control->ok) {
        if (control->error == 0)
            control->error = session->error;
        if (!control->detail[0])
            text_copy(control->detail, sizeof control->detail, session->detail);
        if (control->kind == CONTROL_HEALTH || control->kind == CONTROL_RAISE)
            control->info.state = silence(worker, control);
    }
    if (session->doubtful) {
        session_close(session);
        worker->registered = false;
    }
    node_post(worker->nodes, control);
}

static void kill_one(struct control_worker *worker, const struct session_ref *ref)
{
    struct session *session = &worker->session;
    uint32_t killed;
    if (session->mysql && !session->doubtful && session->ref.server_start == ref->server_start) {
        session_guard(session, clock_mono_ms() + KILL_MS);
        /* no waiting until it is gone: whoever needs that asks for a fence */
        session_kill_and_wait(session, &ref->connection_id, 1, 0, &killed);
        session_unguard(session);
    }
}

static void say_farewell(struct control_worker *worker)
{
    struct session *session = &worker->session;
    char sql[256];
    if (!worker->registered || atomic_load(&worker->nodes->untidy) || !session_alive(session))
        return;
    snprintf(sql, sizeof sql,
             "DELETE FROM xa_session WHERE coordinator = '%s' AND log_id = %" PRIu64 " AND epoch = %" PRIu32,
             worker->who.id, worker->who.log_id, worker->who.epoch);
    session_guard(session, clock_mono_ms() + END_MS);
    session_run(session, sql);
    session_unguard(session);
}

static void serve_item(struct control_worker *worker, void *item)
{
    struct completion *completion = item;
    struct kill_request *request = item;
    if (completion->kind == COMPLETION_CONTROL) {
        serve(worker, item);
        return;
    }
    if (request->farewell)
        say_farewell(worker);
    else if (!atomic_load(&worker->nodes->stopping))
        kill_one(worker, &request->session);
    free(request);
}

void control_loop(void *arg, struct mailbox *inbox)
{
    void *item;
    mysql_thread_init();
    for (;;) {
        if (mailbox_wait(inbox, &item, 1, -1) == 1)
            serve_item(arg, item);
        else if (mailbox_closed(inbox))
            break;
    }
    mysql_thread_end();
}

void control_end(struct control_worker *worker)
{
    struct kill_request *request = worker->worker ? calloc(1, sizeof *request) : NULL;
    if (request) {
        request->completion.kind = COMPLETION_MESSAGE;
        request->farewell = true;
        if (!worker_submit(worker->worker, request))
            free(request);
    }
    worker_stop(worker->worker, NULL);
    if (!worker->session.lock)
        return;
    watch_remove(worker->nodes->watch, &worker->session);
    session_destroy(&worker->session);
}
