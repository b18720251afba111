/* A carrier: one thread for one transaction in flight, with one session per node it touches.
 *
 * Messages to several nodes are out at the same time: send, poll for the first byte of each answer, then read that answer
 * whole. The watchdog ends a read that passes its deadline. A session of which anything is unknown is closed, so that nothing
 * that was sent can be followed by something else. sent_us is taken just before the first byte leaves. */
#include "config.h"

#include <poll.h>
#include <unistd.h>

#include "node_mysql_error.h"
#include "node_mysql_internal.h"
#include "xatop/clock.h"
#include "xatop/i18n.h"

enum { PING_AFTER_MS = 5000 };

static int64_t delay_due(const struct carrier *carrier, int64_t now_ms, int32_t ms)
{
    return atomic_load(&carrier->nodes->stopping) ? now_ms : now_ms + ms;
}

static void tell(struct carrier *carrier, struct slot *slot)
{
    struct message *message = slot->message;
    struct session *session = &carrier->sessions[message->node];
    if (message->reply == REPLY_LOST || message->reply == REPLY_NOT_SENT) {
        if (message->error == 0)
            message->error = session->error;
        session->doubtful = true;
        atomic_store(&carrier->nodes->untidy, true);
        session_close(session);
    } else if (message->reply == REPLY_OK && message->last_verb != VERB_OPEN) {
        slot->holds_branch = !(message->last_verb & (VERB_COMMIT | VERB_ROLLBACK | VERB_ONE_PHASE));
    }
    slot->state = SLOT_FREE;
    slot->message = NULL;
    node_post(carrier->nodes, message);
}

static void strike(const struct carrier *carrier, const struct message *message, enum fault_act act)
{
    const struct node_mysql_options *options = &carrier->nodes->options;
    if (fault_act_harms(act) && options->harm)
        options->harm(options->hook_ctx, act, message->node);
}

/* The answer is known. What was injected at the .reply point happens now. */
static void answered(struct carrier *carrier, struct slot *slot)
{
    struct message *message = slot->message;
    strike(carrier, message, message->faults.reply);
    switch (message->faults.reply) {
    case FAULT_CRASH:
        carrier->nodes->options.crash(carrier->nodes->options.hook_ctx);
        message->reply = REPLY_LOST;
        message->injected = true;
        break;
    case FAULT_DROP:
        message->reply = REPLY_LOST;
        message->injected = true;
        text_copy(message->detail, sizeof message->detail, _("injected loss"));
        break;
    case FAULT_REFUSE:
        message->injected = true;
        message->last_verb = message->faults.reply_verb;
        message->error = ERROR_UNKNOWN;
        message->reply = error_reply(message->last_verb, message->error);
        text_copy(message->detail, sizeof message->detail, _("injected refusal"));
        break;
    case FAULT_DELAY:
        slot->state = SLOT_ANSWERED;
        slot->due_ms = delay_due(carrier, clock_mono_ms(), message->faults.reply_ms);
        return;
    default:
        break;
    }
    tell(carrier, slot);
}

static void not_sent(struct carrier *carrier, struct slot *slot, const char *why)
{
    slot->message->reply = REPLY_NOT_SENT;
    text_copy(slot->message->detail, sizeof slot->message->detail, why);
    tell(carrier, slot);
}

/* A live session that has seen our epoch row, or false with the message filled in. */
static bool open_session(struct carrier *carrier, struct message *message)
{
    struct session *session = &carrier->sessions[message->node];
    bool alive = session_alive(session);
    if (alive && clock_mono_ms() - session->used_ms > PING_AFTER_MS) {
        session_guard(session, message->deadline_ms);
        alive = session_run(session, "DO 0");
        session_unguard(session);
    }
    if (alive)
        return true;
    bool opened = session_open(session, message->deadline_ms);
    message->unreachable = !opened;
    if (opened) {
        session_guard(session, message->deadline_ms);
        opened = session_register(session, &carrier->nodes->options.coordinator);
        session_unguard(session);
        message->fenced = session->fenced;
    }
    if (!opened) {
        message->error = session->error;
        message->reply = message->unreachable || error_is_loss(session->error) ? REPLY_NOT_SENT : REPLY_ERROR;
        message->last_verb = VERB_OPEN;
        text_copy(message->detail, sizeof message->detail, session->detail);
        session_close(session);
    }
    return opened;
}

/* What was injected at the .sent point, short of a crash. True: the message is done with. */
static bool sent_fault(struct carrier *carrier, struct slot *slot)
{
    struct message *message = slot->message;
    switch (message->faults.sent) {
    case FAULT_DROP:
        message->reply = REPLY_LOST;
        text_copy(message->detail, sizeof message->detail, _("injected loss"));
        break;
    case FAULT_REFUSE:
        message->last_verb = message->faults.sent_verb;
        message->error = ERROR_UNKNOWN;
        message->reply = error_reply(message->last_verb, message->error);
        text_copy(message->detail, sizeof message->detail, _("injected refusal"));
        break;
    default:
        return false;
    }
    message->injected = true;
    tell(carrier, slot);
    return true;
}

static void send_packet(struct carrier *carrier, struct slot *slot)
{
    struct message *message = slot->message;
    struct session *session = &carrier->sessions[message->node];
    struct packet *packet = &carrier->packet;
    packet_render(message, packet);
    slot->count = packet->count;
    for (unsigned i = 0; i < packet->count; i++)
        slot->statements[i] = packet->statements[i];
    session_guard(session, message->deadline_ms);
    message->sent_us = clock_mono_us();
    bool sent = mysql_send_query(session->mysql, packet->sql, packet->length) == 0;
    session_unguard(session);
    if (!sent) { /* some of it may have left */
        session_failed(session);
        message->reply = REPLY_LOST;
        text_copy(message->detail, sizeof message->detail, session->detail);
        tell(carrier, slot);
        return;
    }
    slot->state = SLOT_SENT;
    if (message->faults.sent == FAULT_CRASH) {
        carrier->nodes->options.crash(carrier->nodes->options.hook_ctx);
        message->reply = REPLY_LOST;
        message->injected = true;
        tell(carrier, slot);
    }
}

static void send_now(struct carrier *carrier, struct slot *slot)
{
    struct message *message = slot->message;
    struct session *session = &carrier->sessions[message->node];
    if (sent_fault(carrier, slot))
        return;
    if (atomic_load(&carrier->nodes->stopping)) {
        not_sent(carrier, slot, _("stopping"));
        return;
    }
    message->sent_us = clock_mono_us();
    if (message->verbs & VERB_OPEN && !open_session(carrier, message)) {
        message->sent_us = 0;
        tell(carrier, slot);
        return;
    }
    message->session = session->ref;
    if (message->verbs == VERB_OPEN) {
        message->reply = REPLY_OK;
        message->last_verb = VERB_OPEN;
        message->reply_us = clock_mono_us();
        answered(carrier, slot);
        return;
    }
    message->sent_us = 0;
    if (!session_alive(session) || clock_mono_ms() >= message->deadline_ms)
        not_sent(carrier, slot, _("the session has ended"));
    else
        send_packet(carrier, slot);
}

static void begin(struct carrier *carrier, struct message *message)
{
    xatop_assert(message->node < carrier->nodes->count && message->verbs != 0);
    struct slot *slot = &carrier->slots[message->node];
    xatop_assert(slot->state == SLOT_FREE); /* a session has one question out at a time */
    message->reply = REPLY_NOT_SENT;
    message->last_verb = 0;
    message->error = 0;
    message->injected = message->unreachable = message->fenced = false;
    message->refusal = REFUSAL_NONE;
    message->sent_us = message->reply_us = 0;
    message->session = carrier->sessions[message->node].ref;
    message->detail[0] = '\0';
    slot->message = message;
    strike(carrier, message, message->faults.strike);
    strike(carrier, message, message->faults.sent);
    if (message->faults.sent == FAULT_DELAY) {
        slot->state = SLOT_HELD;
        slot->due_ms = delay_due(carrier, clock_mono_ms(), message->faults.sent_ms);
    } else {
        send_now(carrier, slot);
    }
}

/* Something happened to this slot, or may have: its descriptor is @ready, or time has passed. */
static void look(struct carrier *carrier, struct slot *slot, bool ready, int64_t now_ms)
{
    bool stopping = atomic_load(&carrier->nodes->stopping);
    if (slot->state == SLOT_HELD && (slot->due_ms <= now_ms || stopping)) {
        send_now(carrier, slot);
    } else if (slot->state == SLOT_ANSWERED && (slot->due_ms <= now_ms || stopping)) {
        tell(carrier, slot);
    } else if (slot->state == SLOT_SENT && ready) {
        carrier_read_answer(&carrier->sessions[slot->message->node], slot);
        answered(carrier, slot);
    } else if (slot->state == SLOT_SENT && slot->message->deadline_ms <= now_ms) {
        slot->message->reply = REPLY_LOST;
        text_copy(slot->message->detail, sizeof slot->message->detail, _("no answer in time"));
        tell(carrier, slot);
    }
}

/* What to poll: returns the number of busy slots; @due_ms: when the next one is due. */
static unsigned gather(struct carrier *carrier, struct pollfd *fds, struct slot **slots, int64_t *due_ms)
{
    unsigned busy = 0;
    *due_ms = INT64_MAX;
    for (unsigned i = 0; i < carrier->nodes->count; i++) {
        struct slot *slot = &carrier->slots[i];
        if (slot->state == SLOT_FREE)
            continue;
        bool sent = slot->state == SLOT_SENT;
        int64_t due = sent ? slot->message->deadline_ms : slot->due_ms;
        *due_ms = due < *due_ms ? due : *due_ms;
        slots[busy] = slot;
        fds[busy++] =
            (struct pollfd){.fd = sent ? compat_socket(carrier->sessions[i].mysql) : -1, .events = POLLIN};
    }
    return busy;
}

void carrier_loop(void *arg, struct mailbox *inbox)
{
    struct carrier *carrier = arg;
    struct pollfd fds[XATOP_NODES_MAX + 1];
    struct slot *slots[XATOP_NODES_MAX];
    mysql_thread_init();
    for (;;) {
        void *items[XATOP_NODES_MAX];
        size_t n = mailbox_take(inbox, items, XATOP_NODES_MAX);
        for (size_t i = 0; i < n; i++)
            begin(carrier, items[i]);
        int64_t due_ms, now_ms = clock_mono_ms();
        unsigned busy = gather(carrier, fds, slots, &due_ms);
        bool closed = mailbox_closed(inbox);
        if (busy == 0 && closed && n == 0)
            break;
        /* a closed mailbox stays readable: not polled any more */
        fds[busy] = (struct pollfd){.fd = closed ? -1 : mailbox_fd(inbox), .events = POLLIN};
        int64_t wait_ms = due_ms == INT64_MAX ? -1 : due_ms <= now_ms ? 0 : due_ms - now_ms;
        if (closed && busy == 0)
            wait_ms = 0;
        poll(fds, busy + 1, wait_ms > 3600000 ? 3600000 : (int)wait_ms);
        now_ms = clock_mono_ms();
        for (unsigned i = 0; i < busy; i++)
            look(carrier, slots[i], fds[i].revents != 0, now_ms);
    }
    for (unsigned i = 0; i < carrier->nodes->count; i++) {
        if (carrier->slots[i].holds_branch)
            atomic_store(&carrier->nodes->untidy, true);
        session_close(&carrier->sessions[i]);
    }
    mysql_thread_end();
}
