/* What a link does to the bytes between a client and a node. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link_rig.h"
#include "xatop/clock.h"

enum { MANY = 200 };

/* --- bytes ------------------------------------------------------------------------------------------------------ */

static void healthy(struct rig *rig)
{
    struct ends s = open_session(rig);
    say(s.client, "begin");
    CU_ASSERT_TRUE(hears(s.node, "begin"));
    say(s.node, "ok");
    CU_ASSERT_TRUE(hears(s.client, "ok"));
    shutdown(s.client, SHUT_WR); /* one end's end is passed on, and only that */
    CU_ASSERT_TRUE(hears_end(s.node));
    say(s.node, "last words");
    close(s.node);
    CU_ASSERT_TRUE(hears(s.client, "last words"));
    CU_ASSERT_TRUE(hears_end(s.client));
    close(s.client);
}
static void a_healthy_link_forwards(void)
{
    both_ways(healthy);
}

static void cut_both(struct rig *rig)
{
    struct ends s = open_session(rig), idle = open_session(rig);
    say(s.client, "prepare");
    CU_ASSERT_TRUE(hears(s.node, "prepare"));
    put(rig, "cut");
    say(s.client, "lost");
    say(s.node, "lost too");
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(s.node));
    CU_ASSERT_TRUE(is_silent(s.client));
    put(rig, "heal");
    say(s.client, "after");
    say(s.node, "after");
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(s.node)); /* dead: a stream has no holes */
    CU_ASSERT_TRUE(is_silent(s.client));
    say(idle.client, "still here"); /* lost nothing */
    CU_ASSERT_TRUE(hears(idle.node, "still here"));
    close(s.client); /* and its end is not heard either */
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(s.node));
    CU_ASSERT_EQUAL(link_proxy_sessions(rig->proxy, 0), 2);
    close(s.node);
    loop_turns(rig);
    CU_ASSERT_EQUAL(link_proxy_sessions(rig->proxy, 0), 1);
    close_session(&idle);
}
static void a_cut_stops_bytes_and_closes_nothing(void)
{
    both_ways(cut_both);
}

static void half_open(struct rig *rig)
{
    struct ends a = open_session(rig), b = open_session(rig);
    put(rig, "cut");
    close(a.client); /* the coordinator's host died: the node is not told */
    close(b.node);   /* the node was killed: its client is not told */
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(a.node));
    CU_ASSERT_TRUE(is_silent(b.client));
    put(rig, "heal");
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(a.node));
    CU_ASSERT_TRUE(is_silent(b.client));
    say(b.client, "anybody?");
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(b.client));
    CU_ASSERT_EQUAL(link_proxy_sessions(rig->proxy, 0), 2);
    link_proxy_stop(rig->proxy); /* its end ends them */
    rig->proxy = NULL;
    CU_ASSERT_TRUE(hears_end(a.node));
    CU_ASSERT_TRUE(hears_end(b.client));
    close(a.node);
    close(b.client);
}
static void an_end_in_a_cut_leaves_the_other_half_open(void)
{
    both_ways(half_open);
}

static void only_reply(struct rig *rig)
{
    struct ends s = open_session(rig);
    put(rig, "cut=reply");
    say(s.client, "prepare");
    CU_ASSERT_TRUE(hears(s.node, "prepare"));
    say(s.node, "ok");
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(s.client));
    put(rig, "heal");
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(s.client)); /* the vote does not come late */
    say(s.client, "quit");
    CU_ASSERT_TRUE(hears(s.node, "quit"));
    close(s.client);
    CU_ASSERT_TRUE(hears_end(s.node));
    close(s.node);
}
static void only_the_reply_is_lost(void)
{
    both_ways(only_reply);
}

static void only_request(struct rig *rig)
{
    struct ends s = open_session(rig);
    put(rig, "cut=request");
    say(s.node, "ok");
    CU_ASSERT_TRUE(hears(s.client, "ok"));
    say(s.client, "prepare");
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(s.node));
    close_session(&s);
}
static void only_the_request_is_lost(void)
{
    both_ways(only_request);
}

static void black_hole(struct rig *rig)
{
    put(rig, "cut");
    int patient = connect_client(rig), hasty = connect_client(rig), gone = connect_client(rig);
    say(hasty, "hello");
    close(gone);
    loop_turns(rig);
    CU_ASSERT_FALSE(readable(rig->node_fd, 0));
    CU_ASSERT_TRUE(is_silent(patient));
    put(rig, "heal");
    int node = accept_node(rig);
    say(node, "welcome");
    CU_ASSERT_TRUE(hears(patient, "welcome"));
    loop_turns(rig);
    CU_ASSERT_FALSE(readable(rig->node_fd, 0)); /* the other two never reach it */
    CU_ASSERT_TRUE(is_silent(hasty));
    close(patient);
    close(hasty);
    close(node);
}
static void a_cut_link_is_a_black_hole(void)
{
    both_ways(black_hole);
}

static void delayed(struct rig *rig)
{
    struct ends s = open_session(rig);
    put(rig, "delay=60");
    int64_t before_ms = clock_mono_ms();
    say(s.client, "ping");
    CU_ASSERT_TRUE(hears(s.node, "ping"));
    say(s.node, "pong");
    CU_ASSERT_TRUE(hears(s.client, "pong"));
    CU_ASSERT_TRUE(clock_mono_ms() - before_ms >= 120);
    put(rig, "delay=60000");
    say(s.client, "held");
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(s.node));
    put(rig, "heal"); /* what waits goes on at once */
    CU_ASSERT_TRUE(hears(s.node, "held"));
    put(rig, "delay=60000");
    say(s.client, "dropped");
    loop_turns(rig);
    put(rig, "cut");
    put(rig, "heal"); /* but not what a cut caught on its way */
    loop_turns(rig);
    CU_ASSERT_TRUE(is_silent(s.node));
    close_session(&s);
}
static void a_delay_holds_bytes(void)
{
    both_ways(delayed);
}

static void order_survives_jitter(void)
{
    struct rig rig;
    set_up(&rig, false);
    struct ends s = open_session(&rig);
    put(&rig, "delay=1 jitter=30");
    for (int i = 0; i < 100; i++) {
        char word[16];
        snprintf(word, sizeof word, "%04d.", i);
        say(s.client, word);
        loop_turns(&rig); /* each is a packet of its own */
    }
    for (int i = 0; i < 100; i++) {
        char word[16];
        snprintf(word, sizeof word, "%04d.", i);
        CU_ASSERT_TRUE_FATAL(hears(s.node, word));
    }
    say(s.client, "end");
    close(s.client); /* the end waits for its turn too */
    CU_ASSERT_TRUE(hears(s.node, "end"));
    CU_ASSERT_TRUE(hears_end(s.node));
    close(s.node);
    tear_down(&rig);
}

static void a_rate_limits_all_sessions_together(void)
{
    struct rig rig;
    char block[4000];
    memset(block, 'x', sizeof block);
    set_up(&rig, false);
    struct ends a = open_session(&rig), b = open_session(&rig);
    put(&rig, "rate=10000");
    int64_t before_ms = clock_mono_ms();
    CU_ASSERT_EQUAL(send(a.client, block, sizeof block, 0), (ssize_t)sizeof block);
    CU_ASSERT_EQUAL(send(b.client, block, sizeof block, 0), (ssize_t)sizeof block);
    size_t got[2] = {0};
    while (got[0] < sizeof block || got[1] < sizeof block) {
        char into[sizeof block];
        struct pollfd p[2] = {{.fd = a.node, .events = POLLIN}, {.fd = b.node, .events = POLLIN}};
        CU_ASSERT_TRUE_FATAL(poll(p, 2, PATIENCE_MS) > 0);
        for (int i = 0; i < 2; i++)
            if (p[i].revents)
                got[i] += (size_t)recv(p[i].fd, into, sizeof into, MSG_DONTWAIT);
    }
    /* 8000 bytes at 10000 a second, the first tick's share for nothing and a tick of rounding */
    CU_ASSERT_TRUE(clock_mono_ms() - before_ms >= 500);
    put(&rig, "heal");
    say(a.client, "free");
    CU_ASSERT_TRUE(hears(a.node, "free"));
    close_session(&a);
    close_session(&b);
    tear_down(&rig);
}

static void drip_gives_a_byte_a_second(void)
{
    struct rig rig;
    char byte;
    set_up(&rig, false);
    struct ends s = open_session(&rig);
    put(&rig, "drip");
    say(s.client, "abc");
    CU_ASSERT_TRUE(readable(s.node, PATIENCE_MS));
    int64_t first_ms = clock_mono_ms();
    CU_ASSERT_EQUAL(recv(s.node, &byte, 1, 0), 1);
    CU_ASSERT_TRUE(is_silent(s.node) || clock_mono_ms() - first_ms >= 900);
    CU_ASSERT_TRUE(hears(s.node, "b"));
    CU_ASSERT_TRUE(clock_mono_ms() - first_ms >= 900); /* the first may have been read late */
    put(&rig, "heal");
    CU_ASSERT_TRUE(hears(s.node, "c"));
    close_session(&s);
    tear_down(&rig);
}

static void reset_in_the_middle(struct rig *rig)
{
    struct ends a = open_session(rig), b = open_session(rig);
    char got[16] = "";
    put(rig, "reset");
    say(a.node, "0123456789");
    ssize_t n = 0, len = 0;
    while (readable(a.client, PATIENCE_MS) &&
           (n = recv(a.client, got + len, sizeof got - 1 - (size_t)len, 0)) > 0)
        len += n;
    CU_ASSERT_EQUAL(len, 5);
    CU_ASSERT_STRING_EQUAL(got, "01234");
    if (!rig->address.socket[0])
        CU_ASSERT_TRUE(n < 0 && errno == ECONNRESET);
    CU_ASSERT_TRUE(n <= 0);
    CU_ASSERT_TRUE(readable(a.node, PATIENCE_MS) && recv(a.node, got, 1, 0) <= 0);
    say(b.node, "whole"); /* once */
    CU_ASSERT_TRUE(hears(b.client, "whole"));
    struct link_state state;
    link_proxy_get(rig->proxy, 0, &state);
    CU_ASSERT_FALSE(state.reset);
    close_session(&a);
    close_session(&b);
}
static void a_reset_cuts_a_packet_in_its_middle(void)
{
    both_ways(reset_in_the_middle);
}

/* --- who does not read, who is not there ---------------------------------------------------------------------------- */

enum { MOST = 4 << 20, FULL_TURNS = 16 };

/* Or until MOST is sent. The loop reads some 4 KiB a turn: full is what takes nothing for many. */
static size_t send_until_full(struct rig *rig, int fd)
{
    static char block[65536];
    size_t sent = 0;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    for (int idle = 0; idle < FULL_TURNS && sent < MOST;) {
        ssize_t n = send(fd, block, sizeof block, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            idle = 0;
        } else {
            loop_turns(rig);
            idle++;
        }
    }
    return sent;
}

static void a_stalled_reader_stops_its_writer(void)
{
    struct rig rig;
    static char into[65536];
    set_up(&rig, false);
    for (int slow = 0; slow < 2; slow++) {
        struct ends s = open_session(&rig);
        put(&rig, slow ? "delay=1" : "heal");
        size_t sent = send_until_full(&rig, s.client), got = 0;
        CU_ASSERT_TRUE(sent > LINK_BUFFER_BYTES);
        CU_ASSERT_TRUE(sent < MOST); /* kernel buffers and ours, not all it would take */
        while (got < sent && readable(s.node, PATIENCE_MS)) {
            ssize_t n = recv(s.node, into, sizeof into, 0);
            if (n <= 0)
                break;
            got += (size_t)n;
        }
        CU_ASSERT_EQUAL(got, sent);
        close_session(&s);
    }
    struct ends s = open_session(&rig);
    send_until_full(&rig, s.client);
    put(&rig, "cut"); /* in a cut its writer is read, for nothing */
    CU_ASSERT_TRUE(send_until_full(&rig, s.client) >= MOST);
    close_session(&s);
    tear_down(&rig);
}

static void absent(struct rig *rig)
{
    close(rig->node_fd);
    unlink(rig->node_path);
    for (int i = 0; i < 3; i++) {
        char byte;
        int client = connect_client(rig);
        CU_ASSERT_TRUE(readable(client, PATIENCE_MS));
        CU_ASSERT_TRUE(recv(client, &byte, 1, 0) <= 0);
        close(client);
    }
    uint16_t port = rig->target.port;
    listen_node(rig, port != 0); /* back at the same place */
    struct ends s = open_session(rig);
    say(s.node, "back");
    CU_ASSERT_TRUE(hears(s.client, "back"));
    close(s.node); /* killed */
    CU_ASSERT_TRUE(hears_end(s.client));
    close(s.client);
}
static void a_node_that_is_down_closes_its_clients(void)
{
    both_ways(absent);
}

static void many(struct rig *rig)
{
    static struct ends s[MANY];
    for (int i = 0; i < MANY; i++)
        s[i] = open_session(rig);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            say(s[i].client, "question");
        for (int i = 0; i < MANY; i++) {
            CU_ASSERT_TRUE(hears(s[i].node, "question"));
            say(s[i].node, "answer");
        }
        for (int i = 0; i < MANY; i++)
            CU_ASSERT_TRUE(hears(s[i].client, "answer"));
    }
    CU_ASSERT_EQUAL(link_proxy_sessions(rig->proxy, 0), MANY);
    link_proxy_stop(rig->proxy); /* with all of them open */
    rig->proxy = NULL;
    for (int i = 0; i < MANY; i++) {
        CU_ASSERT_TRUE(hears_end(s[i].client));
        CU_ASSERT_TRUE(hears_end(s[i].node));
        close_session(&s[i]);
    }
}
static void two_hundred_sessions_and_a_stop(void)
{
    both_ways(many);
}

static void a_cut_link_holds_up_nobody_who_ends(void)
{
    struct rig rig;
    set_up(&rig, false);
    struct ends s = open_session(&rig);
    link_proxy_hang_up(rig.proxy); /* healthy: nothing happens */
    say(s.client, "still");
    CU_ASSERT_TRUE(hears(s.node, "still"));
    put(&rig, "cut");
    int late = connect_client(&rig);
    link_proxy_hang_up(rig.proxy);
    CU_ASSERT_TRUE(hears_end(s.client));
    CU_ASSERT_TRUE(hears_end(late));
    int after = connect_client(&rig);
    CU_ASSERT_TRUE(hears_end(after));
    close(late);
    close(after);
    close_session(&s);
    tear_down(&rig);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"a healthy link forwards", a_healthy_link_forwards},
        {"a cut stops bytes and closes nothing", a_cut_stops_bytes_and_closes_nothing},
        {"an end in a cut leaves the other half open", an_end_in_a_cut_leaves_the_other_half_open},
        {"only the reply is lost", only_the_reply_is_lost},
        {"only the request is lost", only_the_request_is_lost},
        {"a cut link is a black hole", a_cut_link_is_a_black_hole},
        {"a delay holds bytes", a_delay_holds_bytes},
        {"order survives jitter", order_survives_jitter},
        {"a rate limits all sessions together", a_rate_limits_all_sessions_together},
        {"drip gives a byte a second", drip_gives_a_byte_a_second},
        {"a reset cuts a packet in its middle", a_reset_cuts_a_packet_in_its_middle},
        {"a stalled reader stops its writer", a_stalled_reader_stops_its_writer},
        {"a node that is down closes its clients", a_node_that_is_down_closes_its_clients},
        {"two hundred sessions and a stop", two_hundred_sessions_and_a_stop},
        {"a cut link holds up nobody who ends", a_cut_link_holds_up_nobody_who_ends},
        {0},
    };
    signal(SIGPIPE, SIG_IGN);
    return test_main("link", cases);
}
