/* The proxy: one thread, one loop; listeners, the files it follows, and what other threads ask of it. */
#include "config.h"

#include "link_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xatop/i18n.h"
#include "xatop/lock.h"
#include "xatop/worker.h"

#define SOCKETS ".sockets" /* no node is named so */

enum { INBOX_CAPACITY = 64, BACKLOG = 512, FILES_WANTED = 16384, RETRY_US = 50000, TICK_MS = 100 };

struct link_proxy {
    uint8_t count;
    struct link links[XATOP_NODES_MAX];
    void (*changed)(void *arg, uint8_t target, const struct link_state *state);
    void *arg;
    int dir_fd, sockets_fd, watch_fd;
    struct event_base *base;
    struct event *inbox_event, *watch_event, *retry_event;
    struct mailbox *inbox; /* the worker's */
    struct worker *worker;
    struct lock *lock; /* guards state and session_count of every link against readers of other threads */
};

struct request { /* on the stack of whoever waits for it */
    uint8_t target;
    bool from_file, hang_up;
    struct link_state state;
    struct mailbox *done;
};

/* --- on the proxy's thread ------------------------------------------------------------------------------------ */

void link_count_session(struct link *link, int by)
{
    lock_take(link->proxy->lock);
    link->session_count += (uint32_t)by;
    lock_give(link->proxy->lock);
}

void link_retry_soon(struct link *link)
{
    const struct timeval soon = {.tv_usec = RETRY_US};
    if (!evtimer_pending(link->proxy->retry_event, NULL))
        evtimer_add(link->proxy->retry_event, &soon);
}

static void put_state(struct link *link, const struct link_state *state)
{
    lock_take(link->proxy->lock);
    link->state = *state;
    lock_give(link->proxy->lock);
}

static void spend(struct link *link)
{
    if (link->file_id == 0 || link_file_spend(link->proxy->dir_fd, link->name, &link->file_id))
        link->spent = false;
    else
        link_retry_soon(link);
}

void link_reset_fired(struct link *link)
{
    struct link_state state = link->state;
    state.reset = false;
    put_state(link, &state);
    link->spent = true;
    spend(link);
}

/* Limits are in bytes a tick: a short one for what flows, a second for what trickles. */
static struct bufferevent_rate_limit_group *new_rate_group(struct event_base *base, int64_t rate)
{
    bool flows = rate >= 1000 / TICK_MS * 10;
    size_t tick_bytes = (size_t)(flows ? rate * TICK_MS / 1000 : rate);
    const struct timeval tick = {.tv_sec = flows ? 0 : 1, .tv_usec = flows ? TICK_MS * 1000 : 0};
    struct ev_token_bucket_cfg *config =
        ev_token_bucket_cfg_new(tick_bytes, tick_bytes, tick_bytes, tick_bytes, &tick);
    if (!config)
        return NULL;
    struct bufferevent_rate_limit_group *group = bufferevent_rate_limit_group_new(base, config);
    ev_token_bucket_cfg_free(config); /* copied */
    return group;
}

static void put_in_force(struct link *link, const struct link_state *state)
{
    struct bufferevent_rate_limit_group *before = NULL;
    if (state->rate != link->state.rate) {
        before = link->rate_group;
        link->rate_group = state->rate > 0 ? new_rate_group(link->proxy->base, state->rate) : NULL;
    }
    put_state(link, state);
    for (struct link_session *next, *session = LIST_FIRST(&link->sessions); session; session = next) {
        next = link_session_next(session);
        link_session_apply(session);
    }
    if (before)
        bufferevent_rate_limit_group_free(before);
}

/* A damaged file changes nothing: the link stays as it is until somebody writes a good one. */
static bool follow_file(struct link *link)
{
    struct link_state state;
    uint64_t id;
    if (link_file_read_at(link->proxy->dir_fd, link->name, &state, &id, NULL) != STATUS_OK ||
        id == link->file_id)
        return false;
    link->file_id = id;
    link->spent = false;
    put_in_force(link, &state);
    return true;
}

static void watched(evutil_socket_t fd, short what, void *arg)
{
    struct link_proxy *proxy = arg;
    union {
        struct inotify_event event;
        char bytes[4096];
    } buffer;
    (void)what;
    while (read(fd, &buffer, sizeof buffer) > 0)
        ; /* which file does not matter: there are few, and each knows its last write */
    for (uint8_t i = 0; i < proxy->count; i++)
        if (follow_file(&proxy->links[i]) && proxy->changed)
            proxy->changed(proxy->arg, i, &proxy->links[i].state);
}

static void retry(evutil_socket_t fd, short what, void *arg)
{
    struct link_proxy *proxy = arg;
    (void)fd, (void)what;
    for (uint8_t i = 0; i < proxy->count; i++) {
        struct link *link = &proxy->links[i];
        if (link->spent)
            spend(link);
        evconnlistener_enable(link->listener);
        for (struct link_session *next, *session = LIST_FIRST(&link->sessions); session; session = next) {
            next = link_session_next(session);
            link_session_retry(session);
        }
    }
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len,
                     void *arg)
{
    struct link *link = arg;
    (void)listener, (void)from, (void)len;
    link_session_accept(link, link->proxy->base, fd);
}

/* Out of descriptors, most likely: look again later instead of spinning. */
static void accept_failed(struct evconnlistener *listener, void *arg)
{
    evconnlistener_disable(listener);
    link_retry_soon(arg);
}

static void close_sessions(struct link *link)
{
    while (LIST_FIRST(&link->sessions))
        link_session_free(LIST_FIRST(&link->sessions));
}

static void hang_up(struct link *link)
{
    if (strcmp(link_state_word(&link->state), "up") == 0)
        return;
    link->hung_up = true;
    close_sessions(link);
}

/* One batch, then the loop turns: whoever asks again and again holds nobody up. */
static void asked(evutil_socket_t fd, short what, void *arg)
{
    struct link_proxy *proxy = arg;
    void *items[INBOX_CAPACITY];
    (void)fd, (void)what;
    size_t count = mailbox_take(proxy->inbox, items, INBOX_CAPACITY);
    for (size_t i = 0; i < count; i++) {
        struct request *request = items[i];
        struct link *link = &proxy->links[request->target];
        if (request->hang_up)
            hang_up(link);
        else if (request->from_file)
            follow_file(link);
        else
            put_in_force(link, &request->state);
        xatop_assert(mailbox_post(request->done, request));
    }
    if (count == 0 && mailbox_closed(proxy->inbox))
        event_base_loopbreak(proxy->base);
}

static void loop(void *arg, struct mailbox *inbox)
{
    struct link_proxy *proxy = arg;
    proxy->inbox = inbox;
    proxy->inbox_event = event_new(proxy->base, mailbox_fd(inbox), EV_READ | EV_PERSIST, asked, proxy);
    xatop_assert(proxy->inbox_event && event_add(proxy->inbox_event, NULL) == 0);
    event_base_dispatch(proxy->base);
    event_free(proxy->inbox_event);
    for (uint8_t i = 0; i < proxy->count; i++)
        close_sessions(&proxy->links[i]);
}

/* --- start ------------------------------------------------------------------------------------------------------ */

static enum status failed(struct link *link, const char *what, struct err *err)
{
    return err_set(err, STATUS_INTERNAL, _("link %s: %s: %s"), link->name, what, strerror(errno));
}

static enum status listen_tcp(struct link *link, struct err *err)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;
    link->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->listen_fd < 0 || bind(link->listen_fd, (struct sockaddr *)&here, sizeof here) != 0 ||
        getsockname(link->listen_fd, (struct sockaddr *)&here, &len) != 0)
        return failed(link, _("no port on 127.0.0.1"), err);
    text_copy(link->address.host, sizeof link->address.host, "127.0.0.1");
    link->address.port = ntohs(here.sin_port);
    return STATUS_OK;
}

/* A path that is too long for a socket is reached through our own descriptor of its directory. */
static enum status listen_unix(struct link *link, const char *dir, int number, struct err *err)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    struct text path;
    text_init(&path, here.sun_path, sizeof here.sun_path);
    text_printf(&path, "%s/" SOCKETS "/%d", dir, number);
    if (path.truncated || dir[0] != '/') {
        text_init(&path, here.sun_path, sizeof here.sun_path);
        text_printf(&path, "/proc/self/fd/%d/%d", link->proxy->sockets_fd, number);
    }
    text_copy(link->address.socket, sizeof link->address.socket, here.sun_path);
    unlink(here.sun_path); /* of a coordinator that was killed */
    link->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->listen_fd < 0 || bind(link->listen_fd, (struct sockaddr *)&here, sizeof here) != 0)
        return failed(link, _("cannot make its socket"), err);
    return STATUS_OK;
}

/* False: not on loopback. */
static bool loopback_address(const char *host, uint16_t port, union link_sockaddr *to, socklen_t *len)
{
    *to = (union link_sockaddr){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    *len = sizeof to->v4;
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &to->v4.sin_addr) == 1)
        return ntohl(to->v4.sin_addr.s_addr) >> 24 == 127;
    *to = (union link_sockaddr){.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    *len = sizeof to->v6;
    return inet_pton(AF_INET6, host, &to->v6.sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&to->v6.sin6_addr);
}

bool link_host_is_loopback(const char *host)
{
    union link_sockaddr address;
    socklen_t len;
    return loopback_address(host, 0, &address, &len);
}

static enum status resolve(struct link *link, const struct link_target *target, struct err *err)
{
    union link_sockaddr *to = &link->upstream;
    if (!target->socket || !target->socket[0]) {
        if (loopback_address(target->host ? target->host : "", target->port, to, &link->upstream_len))
            return STATUS_OK;
        return err_set(err, STATUS_REFUSED,
                       _("link %s: the node is not on loopback; only such nodes get a link"), link->name);
    }
    to->un.sun_family = AF_UNIX;
    link->upstream_len = sizeof to->un;
    if (strlen(target->socket) >= sizeof to->un.sun_path)
        return err_set(err, STATUS_STATE, _("link %s: the path of the node's socket is too long"),
                       link->name);
    text_copy(to->un.sun_path, sizeof to->un.sun_path, target->socket);
    return STATUS_OK;
}

static enum status start_link(struct link *link, const struct link_target *target, const char *dir,
                              int number, struct err *err)
{
    enum status status = resolve(link, target, err);
    if (status == STATUS_OK)
        status = link->upstream.any.sa_family == AF_UNIX ? listen_unix(link, dir, number, err)
                                                         : listen_tcp(link, err);
    if (status == STATUS_OK)
        status = link_file_read_at(link->proxy->dir_fd, link->name, &link->state, &link->file_id, err);
    if (status != STATUS_OK)
        return status;
    if (link->state.rate > 0)
        link->rate_group = new_rate_group(link->proxy->base, link->state.rate);
    link->listener =
        evconnlistener_new(link->proxy->base, accepted, link, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                           BACKLOG, link->listen_fd);
    if (!link->listener)
        return failed(link, _("cannot listen"), err);
    link->listen_fd = -1;
    evconnlistener_set_error_cb(link->listener, accept_failed);
    return STATUS_OK;
}

static enum status open_dirs(struct link_proxy *proxy, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    struct text text;
    proxy->dir_fd = link_dir_open(dir, err);
    if (proxy->dir_fd < 0)
        return STATUS_STATE;
    text_init(&text, path, sizeof path);
    text_printf(&text, "/proc/self/fd/%d/" SOCKETS, proxy->dir_fd);
    proxy->sockets_fd = link_dir_open(path, err);
    if (proxy->sockets_fd < 0)
        return STATUS_STATE;
    /* before the files are read: a write between the two is seen by one of them */
    text_init(&text, path, sizeof path);
    text_printf(&text, "/proc/self/fd/%d", proxy->dir_fd);
    proxy->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (proxy->watch_fd < 0 ||
        inotify_add_watch(proxy->watch_fd, path, IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE) < 0)
        return err_set(err, STATUS_INTERNAL, _("links: cannot watch their directory: %s"), strerror(errno));
    return STATUS_OK;
}

static enum status start_loop(struct link_proxy *proxy, struct err *err)
{
    proxy->watch_event = event_new(proxy->base, proxy->watch_fd, EV_READ | EV_PERSIST, watched, proxy);
    if (!proxy->watch_event || event_add(proxy->watch_event, NULL) != 0)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    return worker_start_loop(&proxy->worker, "links", INBOX_CAPACITY, loop, proxy, err);
}

static bool make_base(struct link_proxy *proxy)
{
    struct event_config *config = event_config_new();
    if (config) {
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER); /* delays of milliseconds */
        event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* one thread */
        proxy->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    proxy->retry_event = proxy->base ? evtimer_new(proxy->base, retry, proxy) : NULL;
    return proxy->retry_event;
}

/* Two descriptors a session; the usual soft limit is 1024. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_WANTED)
        return;
    limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
    setrlimit(RLIMIT_NOFILE, &limit);
}

enum status link_proxy_start(struct link_proxy **out, const struct link_target *targets, uint8_t count,
                             const struct link_options *options, struct err *err)
{
    struct link_proxy *proxy = calloc(1, sizeof *proxy);
    xatop_assert(count <= XATOP_NODES_MAX);
    if (!proxy)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    proxy->changed = options->changed;
    proxy->arg = options->arg;
    proxy->dir_fd = proxy->sockets_fd = proxy->watch_fd = -1;
    proxy->lock = lock_new();
    raise_file_limit();
    enum status status = proxy->lock && make_base(proxy) ? open_dirs(proxy, options->dir, err)
                                                         : err_set(err, STATUS_INTERNAL, _("out of memory"));
    for (uint8_t i = 0; i < count && status == STATUS_OK; i++) {
        struct link *link = &proxy->links[proxy->count++];
        link->proxy = proxy;
        link->listen_fd = -1;
        LIST_INIT(&link->sessions);
        prng_seed(&link->prng, options->seed + i);
        text_copy(link->name, sizeof link->name, targets[i].name);
        status = start_link(link, &targets[i], options->dir, i, err);
    }
    if (status == STATUS_OK)
        status = start_loop(proxy, err);
    if (status != STATUS_OK) {
        link_proxy_stop(proxy);
        return status;
    }
    *out = proxy;
    return STATUS_OK;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void link_proxy_stop(struct link_proxy *proxy)
{
    if (!proxy)
        return;
    worker_stop(proxy->worker, NULL);
    for (uint8_t i = 0; i < proxy->count; i++) {
        struct link *link = &proxy->links[i];
        if (link->listener)
            evconnlistener_free(link->listener);
        if (link->rate_group)
            bufferevent_rate_limit_group_free(link->rate_group);
        if (link->address.socket[0])
            unlink(link->address.socket);
        close_fd(link->listen_fd);
    }
    if (proxy->watch_event)
        event_free(proxy->watch_event);
    if (proxy->retry_event)
        event_free(proxy->retry_event);
    if (proxy->base)
        event_base_free(proxy->base);
    close_fd(proxy->watch_fd);
    close_fd(proxy->sockets_fd);
    close_fd(proxy->dir_fd);
    lock_free(proxy->lock);
    free(proxy);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

void link_proxy_address(const struct link_proxy *proxy, uint8_t target, struct link_address *out)
{
    *out = proxy->links[target].address;
}

static void ask(struct link_proxy *proxy, struct request *request)
{
    void *item;
    request->done = mailbox_new(1);
    xatop_assert(request->done && request->target < proxy->count);
    while (!worker_submit(proxy->worker, request)) /* more than the inbox holds ask at once */
        worker_sleep_ms(1);
    while (mailbox_wait(request->done, &item, 1, -1) == 0)
        ;
    mailbox_free(request->done);
}

void link_proxy_set(struct link_proxy *proxy, uint8_t target, const struct link_state *state)
{
    struct request request = {.target = target, .state = *state};
    ask(proxy, &request);
}

enum status link_proxy_change(struct link_proxy *proxy, uint8_t target, const char *words,
                              struct link_state *out, struct err *err)
{
    char dir[64];
    struct request request = {.target = target, .from_file = true};
    snprintf(dir, sizeof dir, "/proc/self/fd/%d/.", proxy->dir_fd);
    enum status status = link_file_change(dir, proxy->links[target].name, words, out, err);
    if (status == STATUS_OK)
        ask(proxy, &request);
    return status;
}

void link_proxy_hang_up(struct link_proxy *proxy)
{
    for (uint8_t i = 0; i < proxy->count; i++) {
        struct request request = {.target = i, .hang_up = true};
        ask(proxy, &request);
    }
}

void link_proxy_get(struct link_proxy *proxy, uint8_t target, struct link_state *out)
{
    lock_take(proxy->lock);
    *out = proxy->links[target].state;
    lock_give(proxy->lock);
}

uint32_t link_proxy_sessions(struct link_proxy *proxy, uint8_t target)
{
    lock_take(proxy->lock);
    uint32_t count = proxy->links[target].session_count;
    lock_give(proxy->lock);
    return count;
}
