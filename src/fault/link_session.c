/* One session through a link: two ends, two directions. Bytes are handed on at once where nothing is done to the link; else
 * they are held with the time at which they may go. */
#include "config.h"

#include "link_internal.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "xatop/clock.h"

enum { SLOTS = 32, DRIP_US = 1000000 };

struct slot { /* the next @len bytes of what is held may go at @due_us */
    int64_t due_us;
    size_t len;
};

struct pipe { /* a direction; its source is end[direction], its target the other one */
    struct link_session *session;
    enum link_direction direction;
    bool dead;             /* lost something in a cut */
    bool ended;            /* the source ended */
    bool reset;            /* by an error */
    bool passed;           /* and that was passed on */
    bool paused;           /* the target is slow: the source is not read */
    struct evbuffer *held; /* these three are made when first needed */
    struct slot *slots;    /* ring of SLOTS */
    struct event *timer;
    unsigned first, count;
    int64_t drip_us; /* when the next drop may fall */
};

struct link_session {
    LIST_ENTRY(link_session) entry;
    struct link *link;
    struct event_base *base;
    struct bufferevent *end[2]; /* client, node; NULL: gone, or the node not yet reached */
    bool reached;               /* the node was connected to once */
    bool limited;               /* the client's end is in the group of the rate */
    bool cutting;               /* the reset fired: what goes out is the last */
    struct pipe pipe[2];
};

static enum link_direction other(enum link_direction direction)
{
    return direction == LINK_REQUEST ? LINK_REPLY : LINK_REQUEST;
}

static struct bufferevent *source(const struct pipe *pipe)
{
    return pipe->session->end[pipe->direction];
}

static struct bufferevent *target(const struct pipe *pipe)
{
    return pipe->session->end[other(pipe->direction)];
}

static bool is_cut(const struct pipe *pipe)
{
    const struct link_state *state = &pipe->session->link->state;
    return pipe->dead || (pipe->direction == LINK_REQUEST ? state->cut_request : state->cut_reply);
}

static bool is_slow(const struct link_state *state)
{
    return state->delay_ms || state->jitter_ms || state->drip;
}

static size_t held_bytes(const struct pipe *pipe)
{
    return pipe->held ? evbuffer_get_length(pipe->held) : 0;
}

static size_t on_the_way(const struct pipe *pipe)
{
    struct bufferevent *to = target(pipe);
    return held_bytes(pipe) + (to ? evbuffer_get_length(bufferevent_get_output(to)) : 0);
}

/* --- the end of a session ------------------------------------------------------------------------------------ */

void link_session_free(struct link_session *session)
{
    for (int i = 0; i < 2; i++) {
        struct pipe *pipe = &session->pipe[i];
        if (session->end[i])
            bufferevent_free(session->end[i]);
        if (pipe->timer)
            event_free(pipe->timer);
        if (pipe->held)
            evbuffer_free(pipe->held);
        free(pipe->slots);
    }
    LIST_REMOVE(session, entry);
    link_count_session(session->link, -1);
    free(session);
}

struct link_session *link_session_next(struct link_session *session)
{
    return LIST_NEXT(session, entry);
}

/* RST on TCP; a unix socket has none: its peer reads the end, or ECONNRESET where it has sent what we did not read. */
static void free_hard(struct link_session *session)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 2; i++)
        if (session->end[i])
            setsockopt(bufferevent_getfd(session->end[i]), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    link_session_free(session);
}

static void drop_end(struct link_session *session, enum link_direction which)
{
    if (session->end[which])
        bufferevent_free(session->end[which]);
    session->end[which] = NULL;
}

/* Everything of this direction that was on its way is lost. */
static void lose(struct pipe *pipe)
{
    struct bufferevent *to = target(pipe);
    pipe->dead = true;
    if (pipe->held)
        evbuffer_drain(pipe->held, held_bytes(pipe));
    pipe->count = 0;
    if (to) {
        struct evbuffer *out = bufferevent_get_output(to);
        evbuffer_unfreeze(out, 1); /* a bufferevent keeps the front of its output to itself */
        evbuffer_drain(out, evbuffer_get_length(out));
        evbuffer_freeze(out, 1);
    }
}

static bool delivered(const struct pipe *pipe)
{
    return pipe->dead || pipe->passed || !target(pipe);
}

/* Pass the end of a source on once all before it is delivered; free what nobody has an end of. True: freed. */
static bool settle(struct link_session *session)
{
    struct bufferevent *client = session->end[LINK_REQUEST];
    if (session->cutting) {
        if (client && evbuffer_get_length(bufferevent_get_output(client)) > 0)
            return false;
        free_hard(session);
        return true;
    }
    for (int i = 0; i < 2; i++) {
        struct pipe *pipe = &session->pipe[i];
        if (!pipe->ended || pipe->dead || pipe->passed || on_the_way(pipe) > 0)
            continue;
        pipe->passed = true;
        if (pipe->reset) {
            free_hard(session);
            return true;
        }
        if (target(pipe))
            shutdown(bufferevent_getfd(target(pipe)), SHUT_WR);
    }
    bool unreached = session->pipe[LINK_REQUEST].ended && !session->reached;
    bool over = session->pipe[0].ended && session->pipe[1].ended && delivered(&session->pipe[0]) &&
                delivered(&session->pipe[1]);
    if (unreached || over)
        link_session_free(session);
    return unreached || over;
}

/* --- forwarding ------------------------------------------------------------------------------------------------ */

/* The next @n bytes of @from go to the target now. */
static void pass(struct pipe *pipe, struct evbuffer *from, size_t n)
{
    struct link_session *session = pipe->session;
    struct bufferevent *to = target(pipe);
    struct link *link = session->link;
    bool fires = pipe->direction == LINK_REPLY && link->state.reset && n > 0;
    size_t rest = 0;
    if (fires) { /* half of it, and that was all */
        rest = n - n / 2;
        n /= 2;
        session->cutting = true;
        link_reset_fired(link);
        bufferevent_disable(source(pipe), EV_READ);
        bufferevent_disable(to, EV_READ);
    }
    struct evbuffer *out = bufferevent_get_output(to);
    bool at_once = !link->rate_group && evbuffer_get_length(out) == 0; /* spares the loop a turn */
    ssize_t sent = at_once && n > 0 ? evbuffer_write_atmost(from, bufferevent_getfd(to), (ssize_t)n) : 0;
    if (sent > 0)
        n -= (size_t)sent;
    if (n > 0) /* an error shows again when the loop writes */
        evbuffer_remove_buffer(from, out, n);
    if (rest > 0)
        evbuffer_drain(from, evbuffer_get_length(from));
}

static void release(struct pipe *pipe);

static void timer_fired(evutil_socket_t fd, short what, void *ctx)
{
    struct pipe *pipe = ctx;
    (void)fd, (void)what;
    release(pipe);
    settle(pipe->session);
}

static bool can_hold(struct pipe *pipe)
{
    if (!pipe->held)
        pipe->held = evbuffer_new();
    if (!pipe->slots)
        pipe->slots = calloc(SLOTS, sizeof *pipe->slots);
    if (!pipe->timer)
        pipe->timer = evtimer_new(pipe->session->base, timer_fired, pipe);
    return pipe->held && pipe->slots && pipe->timer;
}

/* Bytes are due in the order they came: one that draws little jitter waits for the one before it. */
static void hold(struct pipe *pipe, struct evbuffer *input)
{
    struct link *link = pipe->session->link;
    size_t n = evbuffer_get_length(input);
    int64_t wait_us = (int64_t)link->state.delay_ms * 1000;
    if (link->state.jitter_ms > 0)
        wait_us += (int64_t)prng_below(&link->prng, (uint64_t)link->state.jitter_ms * 1000 + 1);
    int64_t due_us = clock_mono_us() + wait_us;
    struct slot *last = pipe->count ? &pipe->slots[(pipe->first + pipe->count - 1) % SLOTS] : NULL;
    if (last && last->due_us > due_us)
        due_us = last->due_us;
    if (pipe->count < SLOTS) {
        pipe->slots[(pipe->first + pipe->count++) % SLOTS] = (struct slot){due_us, n};
    } else {
        last->due_us = due_us;
        last->len += n;
    }
    evbuffer_add_buffer(pipe->held, input);
}

static void pause_or_resume(struct pipe *pipe)
{
    struct bufferevent *from = source(pipe);
    if (!from || pipe->ended || pipe->session->cutting)
        return;
    if (!pipe->paused && !is_cut(pipe) && on_the_way(pipe) >= LINK_BUFFER_BYTES) {
        pipe->paused = true;
        bufferevent_disable(from, EV_READ);
    } else if (pipe->paused && (is_cut(pipe) || on_the_way(pipe) < LINK_BUFFER_BYTES / 2)) {
        pipe->paused = false;
        bufferevent_enable(from, EV_READ);
    }
}

/* How many bytes may go now; 0: @wait_us says when to ask again. */
static size_t due_bytes(struct pipe *pipe, int64_t *wait_us)
{
    const struct link_state *state = &pipe->session->link->state;
    struct slot *slot = &pipe->slots[pipe->first];
    int64_t now_us = clock_mono_us(), from_us = is_slow(state) ? slot->due_us : now_us;
    if (state->drip && from_us < pipe->drip_us)
        from_us = pipe->drip_us;
    *wait_us = from_us - now_us;
    if (*wait_us > 0)
        return 0;
    pipe->drip_us = now_us + DRIP_US;
    return state->drip ? 1 : slot->len;
}

static void release(struct pipe *pipe)
{
    while (pipe->count > 0 && target(pipe) && !pipe->session->cutting) {
        int64_t wait_us;
        size_t n = due_bytes(pipe, &wait_us);
        if (n == 0) {
            struct timeval wait = {.tv_sec = wait_us / 1000000, .tv_usec = wait_us % 1000000};
            event_add(pipe->timer, &wait);
            break;
        }
        struct slot *slot = &pipe->slots[pipe->first];
        slot->len -= n;
        if (slot->len == 0) {
            pipe->first = (pipe->first + 1) % SLOTS;
            pipe->count--;
        }
        pass(pipe, pipe->held, n);
    }
    pause_or_resume(pipe);
}

/* Take what the source has sent. */
static void take(struct pipe *pipe)
{
    struct evbuffer *input = bufferevent_get_input(source(pipe));
    size_t n = evbuffer_get_length(input);
    if (n == 0)
        return;
    if (is_cut(pipe) || (!target(pipe) && pipe->session->reached)) {
        lose(pipe);
        evbuffer_drain(input, n);
        return;
    }
    if (!target(pipe)) /* the node is not reached yet: stays where it is, up to the watermark */
        return;
    if ((pipe->count > 0 || is_slow(&pipe->session->link->state)) && can_hold(pipe)) {
        hold(pipe, input);
        release(pipe);
        return;
    }
    pass(pipe, input, n);
    pause_or_resume(pipe);
}

static void readable(struct bufferevent *bev, void *ctx)
{
    struct pipe *pipe = ctx;
    (void)bev;
    take(pipe);
    settle(pipe->session);
}

/* All that was to go to this end went. */
static void drained(struct bufferevent *bev, void *ctx)
{
    struct pipe *towards = &((struct pipe *)ctx)->session->pipe[other(((struct pipe *)ctx)->direction)];
    (void)bev;
    pause_or_resume(towards);
    settle(towards->session);
}

static void ended(struct bufferevent *bev, short what, void *ctx)
{
    struct pipe *pipe = ctx;
    struct link_session *session = pipe->session;
    (void)bev;
    if (what & BEV_EVENT_ERROR && what & BEV_EVENT_WRITING) {
        /* it takes nothing more; what it said before is still read, and then its end */
        lose(&session->pipe[other(pipe->direction)]);
        settle(session);
        return;
    }
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
        return;
    pipe->ended = true;
    pipe->reset = what & BEV_EVENT_ERROR;
    if (is_cut(pipe)) { /* the other end does not hear of it */
        lose(pipe);
        drop_end(session, pipe->direction);
    }
    settle(session);
}

/* --- beginning --------------------------------------------------------------------------------------------------- */

static bool add_end(struct link_session *session, enum link_direction which, int fd)
{
    const int yes = 1;
    evutil_make_socket_nonblocking(fd);
    if (session->link->upstream.any.sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct bufferevent *bev = bufferevent_socket_new(session->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!bev) {
        close(fd);
        return false;
    }
    bufferevent_setcb(bev, readable, drained, ended, &session->pipe[which]);
    bufferevent_setwatermark(bev, EV_READ, 0, LINK_BUFFER_BYTES);
    session->end[which] = bev;
    return bufferevent_enable(bev, EV_READ) == 0; /* writing is on from the start */
}

/* False: there is nobody, now. */
static bool reach(struct link_session *session)
{
    struct link *link = session->link;
    int fd = socket(link->upstream.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (connect(fd, &link->upstream.any, link->upstream_len) != 0 && errno != EINPROGRESS) {
        bool full = errno == EAGAIN; /* a unix socket whose server does not accept; TCP waits by itself */
        close(fd);
        if (full)
            link_retry_soon(link);
        return full;
    }
    session->reached = true;
    return add_end(session, LINK_REPLY, fd);
}

/* The group of the link, if it has one: what the client's end reads are the requests, what it writes the replies. */
static void limit(struct link_session *session)
{
    struct bufferevent *client = session->end[LINK_REQUEST];
    struct bufferevent_rate_limit_group *group = session->link->rate_group;
    if (!client)
        return;
    if (session->limited)
        bufferevent_remove_from_rate_limit_group(client);
    session->limited = group && bufferevent_add_to_rate_limit_group(client, group) == 0;
}

void link_session_accept(struct link *link, struct event_base *base, int fd)
{
    struct link_session *session =
        link->session_count < LINK_SESSIONS_MAX && !link->hung_up ? calloc(1, sizeof *session) : NULL;
    if (!session) {
        close(fd);
        return;
    }
    session->link = link;
    session->base = base;
    for (int i = 0; i < 2; i++) {
        session->pipe[i].session = session;
        session->pipe[i].direction = (enum link_direction)i;
    }
    LIST_INSERT_HEAD(&link->sessions, session, entry);
    link_count_session(link, 1);
    if (!add_end(session, LINK_REQUEST, fd)) {
        link_session_free(session);
        return;
    }
    limit(session);
    if (!link->state.cut_request && !reach(session))
        link_session_free(session);
}

void link_session_retry(struct link_session *session)
{
    struct pipe *request = &session->pipe[LINK_REQUEST];
    if (session->reached || is_cut(request))
        return;
    if (!reach(session)) {
        link_session_free(session);
        return;
    }
    if (session->reached && source(request)) {
        take(request); /* what came before the node did */
        settle(session);
    }
}

void link_session_apply(struct link_session *session)
{
    if (session->cutting)
        return;
    for (int i = 0; i < 2; i++) {
        struct pipe *pipe = &session->pipe[i];
        if (is_cut(pipe) && !pipe->dead && on_the_way(pipe) > 0)
            lose(pipe);
        pause_or_resume(pipe); /* in a cut it is read again, for nothing */
        if (!is_cut(pipe))
            release(pipe);
    }
    limit(session);
    if (!settle(session))
        link_session_retry(session);
}
