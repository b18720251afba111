/* A link proxy between two ends that the test holds itself: clients that connect through it, and the node behind it. */
#ifndef XATOP_TESTS_LINK_RIG_H
#define XATOP_TESTS_LINK_RIG_H

#include "cunit_main.h"
#include "xatop/link.h"

enum { PATIENCE_MS = 20000 }; /* for what must come */

struct rig {
    char dir[64], links[80], node_path[80];
    int node_fd; /* listens */
    struct link_proxy *proxy;
    struct link_address address;
    struct link_target target;
    struct link_options options;
};

struct ends {
    int client, node;
};

void set_up(struct rig *rig, bool tcp);
void tear_down(struct rig *rig); /* nothing may be left in its directory */
void both_ways(void (*test)(struct rig *rig)); /* over unix sockets, then over TCP */
void start_proxy(struct rig *rig);
void listen_node(struct rig *rig, bool tcp);
int connect_client(const struct rig *rig);
int accept_node(const struct rig *rig);
struct ends open_session(const struct rig *rig);
void close_session(struct ends *ends);
bool readable(int fd, int ms);
void say(int fd, const char *words);
bool hears(int fd, const char *words); /* exactly these bytes come next */
bool hears_end(int fd);
bool is_silent(int fd); /* open, and nothing there */
void put(struct rig *rig, const char *words); /* in force, not in the file */
/* What was sent before this call was read by the proxy when it returns: the loop turned meanwhile. */
void loop_turns(struct rig *rig);

#endif
