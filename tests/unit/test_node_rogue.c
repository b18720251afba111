/* A server that is not one: it asks for the password in clear, asks for files, says nothing, says things for the terminal. The
 * client library is told to give nothing away, and this is where that is proved, on whichever library is linked. */
#include "config.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cunit_main.h"
#include "xatop/clock.h"
#include "xatop/node_mysql.h"

static const char canary[] = "canary-password-7c1f";
static const char esc_words[] = "\x1b]0;owned\x07 \xc2\x9b"
                                "31m denied";

enum { HEARD_MAX = 65536, QUIET_MS = 1000 };

struct rogue {
    int listener;
    uint16_t port;
    const char *plugin; /* to switch to after the greeting; NULL: let the client in */
    bool silent;        /* accept and say nothing */
    bool error;         /* answer the login with an error text */
    size_t heard_len;
    char heard[HEARD_MAX]; /* every byte the client sent */
};

static void put(int fd, uint8_t sequence, const void *payload, size_t n)
{
    uint8_t packet[512] = {(uint8_t)n, (uint8_t)(n >> 8), 0, sequence};
    xatop_assert(n <= sizeof packet - 4);
    memcpy(packet + 4, payload, n);
    (void)!write(fd, packet, n + 4);
}

/* Whatever comes within a moment, kept; 0: the client has gone, or is quiet. */
static size_t hear(struct rogue *rogue, int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (poll(&poll_fd, 1, QUIET_MS) != 1 || rogue->heard_len == HEARD_MAX)
        return 0;
    ssize_t n = read(fd, rogue->heard + rogue->heard_len, HEARD_MAX - rogue->heard_len);
    rogue->heard_len += n > 0 ? (size_t)n : 0;
    return n > 0 ? (size_t)n : 0;
}

static void greet(int fd)
{
    /* protocol 10, version, thread id, 8 bytes of scramble, capabilities without TLS, utf8mb4, 12 bytes more, plugin */
    static const uint8_t greeting[] = "\x0a"
                                      "5.5.5-10.11.0-MariaDB\0"
                                      "\x01\0\0\0"
                                      "12345678\0"
                                      "\xff\xf7\x2d\x02\0"
                                      "\xbf\x81\x15"
                                      "\0\0\0\0\0\0\0\0\0\0"
                                      "123456789012\0"
                                      "mysql_native_password";
    put(fd, 0, greeting, sizeof greeting);
}

static void play(struct rogue *rogue, int fd)
{
    static const uint8_t ok[] = {0, 0, 0, 2, 0, 0, 0}, file[] = "\xfb/etc/hostname";
    char text[256];
    greet(fd);
    if (hear(rogue, fd) == 0)
        return;
    if (rogue->error) {
        int n = snprintf(text, sizeof text, "\xff\x15\x04#28000%s", esc_words);
        put(fd, 2, text, (size_t)n);
        return;
    }
    if (rogue->plugin) {
        int n = snprintf(text, sizeof text, "\xfe%s", rogue->plugin);
        memcpy(text + n + 1, "\x02password:", 11); /* what "dialog" would ask */
        put(fd, 2, text, (size_t)n + 12);
        while (hear(rogue, fd) > 0)
            continue;
        return;
    }
    put(fd, 2, ok, sizeof ok);
    while (hear(rogue, fd) > 0) /* every question is answered with: send me that file */
        put(fd, 1, file, sizeof file - 1);
}

static void rogue_loop(void *arg, struct mailbox *inbox)
{
    struct rogue *rogue = arg;
    struct pollfd fds[] = {{.fd = rogue->listener, .events = POLLIN},
                           {.fd = mailbox_fd(inbox), .events = POLLIN}};
    while (!mailbox_closed(inbox)) {
        poll(fds, 2, -1);
        if (!fds[0].revents)
            continue;
        int fd = accept(rogue->listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (rogue->silent)
            while (hear(rogue, fd) > 0 || !mailbox_closed(inbox))
                continue;
        else
            play(rogue, fd);
        close(fd);
    }
}

/* Connect to @rogue as an unsuspecting command would. */
static enum status visit(struct rogue *rogue, const char *host, bool allow_insecure, struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct worker *worker;
    struct node_admin *admin;
    rogue->heard_len = 0;
    rogue->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(bind(rogue->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
                    listen(rogue->listener, 4) == 0 &&
                    getsockname(rogue->listener, (struct sockaddr *)&address, &length) == 0);
    CU_ASSERT_FATAL(worker_start_loop(&worker, "rogue", 1, rogue_loop, rogue, err) == STATUS_OK);
    struct node_mysql_config config = {.name = "bad", .user = "u", .database = "xatop"};
    text_copy(config.host, sizeof config.host, host);
    config.port = ntohs(address.sin_port);
    config.password = canary;
    config.allow_insecure = allow_insecure;
    enum status status = node_admin_open(&admin, &config, false, clock_mono_ms() + 3000, err);
    node_admin_close(admin);
    worker_stop(worker, NULL);
    close(rogue->listener);
    return status;
}

static bool heard(const struct rogue *rogue, const char *words)
{
    return memmem(rogue->heard, rogue->heard_len, words, strlen(words)) != NULL;
}

static void the_password_never_goes_in_clear(void)
{
    static const char *const plugins[] = {"mysql_clear_password", "dialog", "mysql_old_password",
                                          "sha256_password",      "",       "mysql",
                                          "../../../tmp/evil"};
    static struct rogue rogue;
    struct err err;
    for (size_t i = 0; i < sizeof plugins / sizeof plugins[0]; i++) {
        rogue = (struct rogue){.plugin = plugins[i]};
        CU_ASSERT_EQUAL(visit(&rogue, "127.0.0.1", false, &err), STATUS_NODE);
        CU_ASSERT(rogue.heard_len > 0 && heard(&rogue, "u"));
        CU_ASSERT_FALSE(heard(&rogue, canary));
        CU_ASSERT_PTR_NULL(strstr(err.text, canary));
    }
}

static void no_file_is_sent(void)
{
    static struct rogue rogue;
    char name[256] = "";
    struct err err;
    FILE *file = fopen("/etc/hostname", "r");
    if (!file || !fgets(name, sizeof name, file) || strlen(name) < 2)
        CU_FAIL("this test reads /etc/hostname");
    if (file)
        fclose(file);
    rogue = (struct rogue){0};
    CU_ASSERT_EQUAL(visit(&rogue, "127.0.0.1", false, &err), STATUS_NODE);
    CU_ASSERT(heard(&rogue, "READ COMMITTED")); /* it was let in, and asked something */
    CU_ASSERT_FALSE(heard(&rogue, name));
}

static void its_words_cannot_steer_a_terminal(void)
{
    static struct rogue rogue;
    struct err err;
    rogue = (struct rogue){.error = true};
    CU_ASSERT_EQUAL(visit(&rogue, "127.0.0.1", false, &err), STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "denied"));
    CU_ASSERT_PTR_NULL(strchr(err.text, '\x1b'));
    CU_ASSERT_PTR_NULL(strchr(err.text, '\x07'));
    CU_ASSERT_PTR_NULL(strstr(err.text, "\xc2\x9b"));
}

static void silence_costs_the_deadline(void)
{
    static struct rogue rogue;
    struct err err;
    rogue = (struct rogue){.silent = true};
    int64_t before_ms = clock_mono_ms();
    CU_ASSERT_EQUAL(visit(&rogue, "127.0.0.1", false, &err), STATUS_NODE);
    CU_ASSERT(clock_mono_ms() - before_ms < 6000);
}

static void a_remote_node_needs_a_certificate(void)
{
    static struct rogue rogue;
    struct err err;
    /* 0.0.0.0 leads to this machine, but is no loopback address: refused before a byte of a login leaves */
    rogue = (struct rogue){.error = true};
    CU_ASSERT_EQUAL(visit(&rogue, "0.0.0.0", false, &err), STATUS_NODE);
    CU_ASSERT_EQUAL(rogue.heard_len, 0);
    CU_ASSERT_EQUAL(visit(&rogue, "0.0.0.0", true, &err), STATUS_NODE);
    CU_ASSERT(rogue.heard_len > 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "denied"));
}

int main(void)
{
    static const struct test_case cases[] = {
        {"the password never goes in clear", the_password_never_goes_in_clear},
        {"no file is sent", no_file_is_sent},
        {"its words cannot steer a terminal", its_words_cannot_steer_a_terminal},
        {"silence costs the deadline", silence_costs_the_deadline},
        {"a remote node needs a certificate", a_remote_node_needs_a_certificate},
        {NULL, NULL},
    };
    struct err err;
    if (node_mysql_library_init(&err) != STATUS_OK)
        return 99;
    int result = test_main("node rogue", cases);
    node_mysql_library_end();
    return result;
}
