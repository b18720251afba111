#include "config.h"

#include "link_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

void start_proxy(struct rig *rig)
{
    struct err err = {0};
    enum status status = link_proxy_start(&rig->proxy, &rig->target, 1, &rig->options, &err);
    if (status != STATUS_OK)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(status, STATUS_OK);
    link_proxy_address(rig->proxy, 0, &rig->address);
}

void listen_node(struct rig *rig, bool tcp)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons(rig->target.port)};
    socklen_t len = sizeof in;
    const int yes = 1;
    rig->node_fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(rig->node_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", rig->node_path);
    unlink(rig->node_path);
    CU_ASSERT_EQUAL_FATAL(bind(rig->node_fd, tcp ? (struct sockaddr *)&in : (struct sockaddr *)&un,
                               tcp ? (socklen_t)sizeof in : (socklen_t)sizeof un),
                          0);
    CU_ASSERT_EQUAL_FATAL(listen(rig->node_fd, 256), 0);
    if (tcp)
        getsockname(rig->node_fd, (struct sockaddr *)&in, &len);
    rig->target =
        (struct link_target){.name = "n1", .host = "localhost", .port = tcp ? ntohs(in.sin_port) : 0};
    rig->target.socket = tcp ? NULL : rig->node_path;
}

void set_up(struct rig *rig, bool tcp)
{
    *rig = (struct rig){0};
    snprintf(rig->dir, sizeof rig->dir, "/tmp/xl.XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(rig->dir));
    snprintf(rig->links, sizeof rig->links, "%s/links", rig->dir);
    snprintf(rig->node_path, sizeof rig->node_path, "%s/node", rig->dir);
    rig->options = (struct link_options){.dir = rig->links, .seed = 7};
    listen_node(rig, tcp);
    start_proxy(rig);
}

void tear_down(struct rig *rig)
{
    char path[160];
    link_proxy_stop(rig->proxy);
    close(rig->node_fd);
    for (const char *const *leaf = (const char *const[]){"/links/n1", "/links/x", "/node", NULL}; *leaf;
         leaf++) {
        snprintf(path, sizeof path, "%s%s", rig->dir, *leaf);
        unlink(path);
    }
    for (const char *const *leaf = (const char *const[]){"/links/.sockets", "/links", "", NULL}; *leaf;
         leaf++) {
        snprintf(path, sizeof path, "%s%s", rig->dir, *leaf);
        if (rmdir(path) != 0 && errno != ENOENT) { /* nothing is left behind */
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
            CU_FAIL("a directory is not empty");
        }
    }
}

int connect_client(const struct rig *rig)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(rig->address.port)};
    bool tcp = !rig->address.socket[0];
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", rig->address.socket);
    inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
    CU_ASSERT_EQUAL_FATAL(connect(fd, tcp ? (struct sockaddr *)&in : (struct sockaddr *)&un,
                                  tcp ? (socklen_t)sizeof in : (socklen_t)sizeof un),
                          0);
    return fd;
}

int accept_node(const struct rig *rig)
{
    CU_ASSERT_TRUE_FATAL(readable(rig->node_fd, PATIENCE_MS));
    return accept4(rig->node_fd, NULL, NULL, SOCK_CLOEXEC);
}

struct ends open_session(const struct rig *rig)
{
    struct ends ends;
    ends.client = connect_client(rig);
    ends.node = accept_node(rig);
    return ends;
}

void close_session(struct ends *ends)
{
    close(ends->client);
    close(ends->node);
}

void say(int fd, const char *words)
{
    CU_ASSERT_EQUAL(send(fd, words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
}

/* Exactly these bytes come next. */
bool hears(int fd, const char *words)
{
    char got[256];
    size_t len = 0, want = strlen(words);
    while (len < want && readable(fd, PATIENCE_MS)) {
        ssize_t n = recv(fd, got + len, want - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
    }
    return len == want && memcmp(got, words, want) == 0;
}

bool hears_end(int fd)
{
    char byte;
    return readable(fd, PATIENCE_MS) && recv(fd, &byte, 1, 0) == 0;
}

void put(struct rig *rig, const char *words)
{
    struct link_state state = {0};
    CU_ASSERT_EQUAL(link_parse(words, &state, NULL), STATUS_OK);
    link_proxy_set(rig->proxy, 0, &state);
}

/* What was sent before this call was read by the proxy when it returns: the loop turned twice meanwhile. */
void loop_turns(struct rig *rig)
{
    struct link_state state;
    for (int i = 0; i < 3; i++) {
        link_proxy_get(rig->proxy, 0, &state);
        link_proxy_set(rig->proxy, 0, &state);
    }
}

/* Open, and nothing there. */
bool is_silent(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

void both_ways(void (*test)(struct rig *rig))
{
    struct rig rig;
    for (int tcp = 0; tcp < 2; tcp++) {
        set_up(&rig, tcp);
        test(&rig);
        tear_down(&rig);
    }
}
