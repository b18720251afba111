/* What the files of the link proxy share. Everything here runs on the proxy's thread but for what link_proxy.c does before it
 * starts that and after it ended it. */
#ifndef XATOP_LINK_INTERNAL_H
#define XATOP_LINK_INTERNAL_H

#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "xatop/link.h"
#include "xatop/prng.h"

struct bufferevent;
struct bufferevent_rate_limit_group;
struct evbuffer;
struct evconnlistener;
struct event;
struct event_base;
struct link_proxy;
struct link_session;

union link_sockaddr {
    struct sockaddr any;
    struct sockaddr_un un;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

enum link_direction { LINK_REQUEST, LINK_REPLY }; /* towards the node, from it */

LIST_HEAD(link_session_list, link_session);

struct link {
    struct link_proxy *proxy;
    char name[XATOP_NAME_MAX + 1];
    union link_sockaddr upstream;
    socklen_t upstream_len;
    struct link_address address;
    int listen_fd; /* until the listener owns it; -1 */
    struct evconnlistener *listener;
    struct link_session_list sessions;
    uint32_t session_count;
    struct link_state state; /* in force; written by the proxy's thread under the proxy's lock */
    struct bufferevent_rate_limit_group *rate_group; /* exists exactly while there is a rate */
    uint64_t file_id;                                /* of the write that is in force; 0: none */
    bool hung_up;
    bool spent; /* a reset has fired and is to be taken out of the file */
    struct prng prng;
};

/* link_session.c */
void link_session_accept(struct link *link, struct event_base *base, int fd); /* owns @fd */
void link_session_free(struct link_session *session);
/* The state of the link has changed: drop, let go, connect, limit, as it is now. May free @session. */
void link_session_apply(struct link_session *session);
/* Try again to reach a node whose backlog was full. */
void link_session_retry(struct link_session *session);
struct link_session *link_session_next(struct link_session *session);

/* link_proxy.c */
/* link->state.reset has fired. */
void link_reset_fired(struct link *link);
/* A session could not reach its node for now: link_session_retry is called for all of them soon. */
void link_retry_soon(struct link *link);
void link_count_session(struct link *link, int by);

/* link_file.c */
/* @dir, opened; made if missing. -1 with @err. */
int link_dir_open(const char *dir, struct err *err);
enum status link_file_read_at(int dir_fd, const char *node, struct link_state *out, uint64_t *id,
                              struct err *err);
/* Take `reset` out of the file if its id is still @id. False: somebody else is writing, try again; @id becomes that of the file. */
bool link_file_spend(int dir_fd, const char *node, uint64_t *id);

#endif
