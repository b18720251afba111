/* The port: who gets which request, and the end of it all. */
#include "config.h"

#include "xatop/node_mysql.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "node_mysql_internal.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"

enum {
    CARRIER_INBOX = XATOP_NODES_MAX, /* one message per node */
    CONTROL_INBOX = 4096,
    WAIT_TIMEOUT_FACTOR = 3, /* of the transaction timeout: a half-open holder is gone after that */
    CONTROL_WAIT_TIMEOUT_MS = 3600000,
    FAREWELL_MS = 1000,
};

static void crash_here(void *ctx)
{
    (void)ctx;
    _exit(status_exit_code(STATUS_INJECTED_CRASH));
}

void node_post(struct node_mysql *nodes, void *completion)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    while (!mailbox_post(nodes->outbox, completion) && !mailbox_closed(nodes->outbox))
        nanosleep(&moment, NULL); /* full: the engine is behind, and must not lose one */
}

static void carrier_free(struct carrier *carrier, uint8_t sessions)
{
    for (unsigned i = 0; i < sessions; i++) {
        watch_remove(carrier->nodes->watch, &carrier->sessions[i]);
        session_destroy(&carrier->sessions[i]);
    }
    free(carrier);
}

static struct carrier *carrier_new(struct node_mysql *nodes)
{
    struct carrier *carrier = calloc(1, sizeof *carrier);
    if (!carrier)
        return NULL;
    carrier->nodes = nodes;
    struct session_settings settings = {
        .connect_timeout_ms = nodes->options.connect_timeout_ms,
        .lock_wait_ms = nodes->options.lock_wait_ms,
        .wait_timeout_ms = nodes->options.transaction_timeout_ms * WAIT_TIMEOUT_FACTOR,
        .multi_statements = true,
    };
    for (uint8_t i = 0; i < nodes->count; i++) {
        if (session_init(&carrier->sessions[i], &nodes->configs[i], &settings, NULL) != STATUS_OK) {
            carrier_free(carrier, i);
            return NULL;
        }
        watch_add(nodes->watch, &carrier->sessions[i]);
    }
    if (worker_start_loop(&carrier->worker, "carrier", CARRIER_INBOX, carrier_loop, carrier, NULL) ==
        STATUS_OK)
        return carrier;
    carrier_free(carrier, nodes->count);
    return NULL;
}

static void port_send(void *ctx, struct message *message)
{
    struct node_mysql *nodes = ctx;
    xatop_assert(message->carrier < nodes->options.carriers);
    struct carrier **carrier = &nodes->carriers[message->carrier];
    message->completion.kind = COMPLETION_MESSAGE;
    if (!*carrier)
        *carrier = carrier_new(nodes);
    if (*carrier && worker_submit((*carrier)->worker, message))
        return;
    message->reply = REPLY_NOT_SENT;
    message->last_verb = 0;
    message->sent_us = message->reply_us = 0;
    message->unreachable = true;
    text_copy(message->detail, sizeof message->detail, _("no memory or thread for a carrier"));
    node_post(nodes, message);
}

static void port_control(void *ctx, struct control *control)
{
    struct node_mysql *nodes = ctx;
    xatop_assert(control->node < nodes->count);
    control->completion.kind = COMPLETION_CONTROL;
    if (worker_submit(nodes->controls[control->node].worker, control))
        return;
    control->ok = false; /* more questions than the inbox holds: the node has not answered for long */
    control->finding = FINDING_UNREACHABLE;
    control->raised = RAISE_UNREACHABLE;
    control->preflight = NULL;
    control->info = (struct node_info){.state = NODE_FROZEN};
    node_post(nodes, control);
}

static void port_cut(void *ctx, uint16_t index, uint8_t node)
{
    struct node_mysql *nodes = ctx;
    xatop_assert(index < nodes->options.carriers && node < nodes->count);
    if (!nodes->carriers[index])
        return;
    struct session_ref ref = session_cut(&nodes->carriers[index]->sessions[node]);
    struct kill_request *request = ref.connection_id ? malloc(sizeof *request) : NULL;
    if (!request)
        return; /* best effort: the server notices the shut socket, or wait_timeout ends it */
    *request = (struct kill_request){.completion = {COMPLETION_MESSAGE}, .session = ref};
    atomic_store(&nodes->untidy, true);
    if (!worker_submit(nodes->controls[node].worker, request))
        free(request);
}

struct node_port node_mysql_port(struct node_mysql *nodes)
{
    return (struct node_port){nodes, port_send, port_control, port_cut};
}

static enum status start_control(struct node_mysql *nodes, uint8_t node, struct err *err)
{
    struct control_worker *control = &nodes->controls[node];
    struct session_settings settings = {
        .connect_timeout_ms = nodes->options.connect_timeout_ms,
        .lock_wait_ms = nodes->options.lock_wait_ms,
        .wait_timeout_ms = CONTROL_WAIT_TIMEOUT_MS,
    };
    control->nodes = nodes;
    control->node = node;
    enum status status = session_init(&control->session, &nodes->configs[node], &settings, err);
    if (status != STATUS_OK)
        return status;
    watch_add(nodes->watch, &control->session);
    return worker_start_loop(&control->worker, "control", CONTROL_INBOX, control_loop, control, err);
}

enum status node_mysql_start(struct node_mysql **out, const struct node_mysql_config *configs, uint8_t count,
                             const struct node_mysql_options *options, struct mailbox *outbox,
                             struct err *err)
{
    xatop_assert(count >= 1 && count <= XATOP_NODES_MAX && options->carriers <= XATOP_INFLIGHT_MAX);
    enum status status = STATUS_INTERNAL;
    *out = NULL;
    struct node_mysql *nodes = calloc(1, sizeof *nodes);
    if (!nodes)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    nodes->options = *options;
    if (!nodes->options.crash)
        nodes->options.crash = crash_here;
    nodes->outbox = outbox;
    atomic_init(&nodes->stopping, false);
    nodes->watch = watch_new(err);
    if (!nodes->watch)
        goto fail;
    for (uint8_t i = 0; i < count; i++) {
        nodes->configs[i] = configs[i];
        nodes->count = (uint8_t)(i + 1);
        status = start_control(nodes, i, err);
        if (status != STATUS_OK)
            goto fail;
    }
    *out = nodes;
    return STATUS_OK;
fail:
    node_mysql_stop(nodes);
    return status;
}

void node_mysql_stop(struct node_mysql *nodes)
{
    if (!nodes)
        return;
    atomic_store(&nodes->stopping, true);
    for (unsigned i = 0; i < nodes->options.carriers; i++)
        for (unsigned node = 0; nodes->carriers[i] && node < nodes->count; node++)
            session_hurry(&nodes->carriers[i]->sessions[node], 0);
    for (unsigned i = 0; i < nodes->count; i++)
        session_hurry(&nodes->controls[i].session, clock_mono_ms() + FAREWELL_MS);
    for (unsigned i = 0; i < nodes->options.carriers; i++) {
        if (!nodes->carriers[i])
            continue;
        worker_stop(nodes->carriers[i]->worker, NULL);
        carrier_free(nodes->carriers[i], nodes->count);
    }
    for (unsigned i = 0; i < nodes->count; i++)
        control_end(&nodes->controls[i]);
    watch_free(nodes->watch);
    free(nodes);
}
