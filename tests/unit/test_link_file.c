/* The words of a link, its file, and where a proxy may stand. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link_rig.h"
#include "xatop/clock.h"

/* --- words -------------------------------------------------------------------------------------------------------- */

static void same(const char *words, const char *formatted, const char *in_a_word)
{
    struct link_state state = {0};
    char out[LINK_WORDS_MAX];
    struct text text;
    text_init(&text, out, sizeof out);
    CU_ASSERT_EQUAL(link_parse(words, &state, NULL), STATUS_OK);
    link_format(&state, &text);
    CU_ASSERT_STRING_EQUAL(out, formatted);
    CU_ASSERT_FALSE(text.truncated);
    CU_ASSERT_STRING_EQUAL(link_state_word(&state), in_a_word);
}

static void words_are_parsed_and_printed(void)
{
    same("cut", "cut", "cut");
    same("cut=request", "cut=request", "cut");
    same("cut cut=reply", "cut=reply", "cut");
    same("delay=100,jitter=20", "delay=100 jitter=20", "slow");
    same(" reset,  ", "reset", "reset");
    same("rate=5000 drip", "rate=5000 drip", "slow");
    same("cut delay=3 heal", "heal", "up");
    same("heal drip", "drip", "slow");
    same("rate=5 rate=0 delay=0", "heal", "up");
    same("cut=request delay=60000 jitter=60000 rate=1000000000 drip reset",
         "cut=request delay=60000 jitter=60000 rate=1000000000 drip reset", "cut");
}

static void wrong_words_change_nothing(void)
{
    const char *wrong[] = {"",
                           "  ,",
                           "cu",
                           "cut=both",
                           "delay",
                           "delay=",
                           "delay=-1",
                           "delay=1x",
                           "delay=60001",
                           "cut burn",
                           "rate=99999999999999999999",
                           "cut\n",
                           "heal=1",
                           "CUT"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct link_state state = {.delay_ms = 5};
        struct err err = {0};
        CU_ASSERT_EQUAL(link_parse(wrong[i], &state, &err), STATUS_USAGE);
        CU_ASSERT_EQUAL(state.delay_ms, 5);
        CU_ASSERT_FALSE(state.cut_request);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "link"));
    }
    struct link_state state = {0};
    struct err err = {0};
    link_parse("driip", &state, &err);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "did you mean drip"));
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

static bool await_cut(struct rig *rig, bool cut)
{
    struct link_state state;
    int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    do {
        link_proxy_get(rig->proxy, 0, &state);
        if (state.cut_request == cut)
            return true;
        poll(NULL, 0, 1);
    } while (clock_mono_ms() < until_ms);
    return false;
}

static void a_file_is_followed_and_outlives_the_proxy(void)
{
    struct rig rig;
    struct link_state state;
    struct err err = {0};
    char path[120];
    set_up(&rig, false);
    struct ends s = open_session(&rig);
    CU_ASSERT_EQUAL(link_file_change(rig.links, "n1", "cut", &state, &err), STATUS_OK);
    CU_ASSERT_TRUE(await_cut(&rig, true));
    say(s.client, "lost");
    loop_turns(&rig);
    CU_ASSERT_TRUE(is_silent(s.node));
    CU_ASSERT_EQUAL(link_file_change(rig.links, "n1", "delay=7", &state, &err), STATUS_OK);
    CU_ASSERT_TRUE(state.cut_reply && state.delay_ms == 7); /* on top of what was */
    link_proxy_stop(rig.proxy);
    start_proxy(&rig);
    link_proxy_get(rig.proxy, 0, &state);
    CU_ASSERT_TRUE(state.cut_request && state.cut_reply);
    CU_ASSERT_EQUAL(state.delay_ms, 7);
    snprintf(path, sizeof path, "%s/n1", rig.links);
    struct stat st;
    CU_ASSERT_TRUE(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    unlink(path); /* no file: healthy */
    CU_ASSERT_TRUE(await_cut(&rig, false));
    CU_ASSERT_EQUAL(link_proxy_change(rig.proxy, 0, "cut=reply", &state, &err), STATUS_OK);
    link_proxy_get(rig.proxy, 0, &state); /* in force when it returns */
    CU_ASSERT_TRUE(state.cut_reply && !state.cut_request);
    close_session(&s);
    tear_down(&rig);
}

static void a_reset_fires_once_for_each_write(void)
{
    struct rig rig;
    struct link_state state;
    set_up(&rig, false);
    for (int i = 0; i < 2; i++) {
        struct ends hit = open_session(&rig), spared = open_session(&rig);
        CU_ASSERT_EQUAL(link_proxy_change(rig.proxy, 0, "reset", &state, NULL), STATUS_OK);
        CU_ASSERT_TRUE(state.reset);
        say(hit.node, "12");
        CU_ASSERT_TRUE(hears(hit.client, "1"));
        CU_ASSERT_TRUE(hears_end(hit.client));
        CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, NULL), STATUS_OK);
        CU_ASSERT_FALSE(state.reset); /* the next proxy finds none */
        loop_turns(&rig);
        say(spared.node, "34");
        CU_ASSERT_TRUE(hears(spared.client, "34"));
        close_session(&hit);
        close_session(&spared);
    }
    /* written while nobody ran, it waits */
    link_proxy_stop(rig.proxy);
    CU_ASSERT_EQUAL(link_file_change(rig.links, "n1", "reset", NULL, NULL), STATUS_OK);
    start_proxy(&rig);
    struct ends hit = open_session(&rig);
    say(hit.node, "12");
    CU_ASSERT_TRUE(hears(hit.client, "1"));
    CU_ASSERT_TRUE(hears_end(hit.client));
    close_session(&hit);
    tear_down(&rig);
}

static void write_raw(const char *path, const void *bytes, size_t len, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, bytes, len), (ssize_t)len);
    fchmod(fd, mode);
    close(fd);
}

#define GOOD "xatop-link 1 0123456789abcdef cut\n"

static void hostile_files_are_refused(void)
{
    struct rig rig;
    struct link_state state;
    struct err err;
    char path[120], big[9000];
    static const char *const texts[] = {
        "",
        "\n",
        "cut\n",
        "xatop-link 1 0123456789abcdef cut",
        "xatop-link 1 0123456789abcdef cut\n\n",
        "xatop-link 1 0123456789abcdef cut\ncut\n",
        "xatop-link 1 0123456789abcdef\n",
        "xatop-link 1 0123456789abcdef \n",
        "xatop-link 1 0123456789ABCDEF cut\n",
        "xatop-link 1 0000000000000000 cut\n",
        "xatop-link 1 0123456789abcde cut\n",
        "xatop-link 2 0123456789abcdef cut\n",
        "xatop-link 1 0123456789abcdef delay=99999999999\n",
        "xatop-link 1 0123456789abcdef cut \x1b[2J\n",
        "xatop-link 1 0123456789abcdef %n%n%n\n",
    };
    set_up(&rig, false);
    snprintf(path, sizeof path, "%s/n1", rig.links);
    write_raw(path, GOOD, strlen(GOOD), 0600);
    CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_OK);
    CU_ASSERT_TRUE(await_cut(&rig, true));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        err = (struct err){0};
        write_raw(path, texts[i], strlen(texts[i]), 0600);
        CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_STATE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "xatop link n1 heal"));
        CU_ASSERT_EQUAL(link_file_change(rig.links, "n1", "drip", NULL, &err), STATUS_STATE);
    }
    memset(big, ' ', sizeof big);
    memcpy(big, GOOD, strlen(GOOD) - 1);
    big[sizeof big - 1] = '\n';
    write_raw(path, big, sizeof big, 0600);
    CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_STATE);
    write_raw(path, GOOD "\0", sizeof GOOD, 0600);
    CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_STATE);
    write_raw(path, GOOD, strlen(GOOD), 0644); /* not private */
    CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_STATE);
    unlink(path);
    CU_ASSERT_EQUAL(symlink("/etc/passwd", path), 0);
    CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_STATE);
    unlink(path);
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0); /* does not hang */
    CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_STATE);
    link_proxy_get(rig.proxy, 0, &state);
    struct link_proxy *second;
    CU_ASSERT_EQUAL(link_proxy_start(&second, &rig.target, 1, &rig.options, &err), STATUS_STATE);
    CU_ASSERT_EQUAL(link_file_change(rig.links, "n1", "heal drip", &state, &err), STATUS_OK); /* mends it */
    CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_OK);
    CU_ASSERT_TRUE(state.drip && !state.cut_request);
    chmod(rig.links, 0755);
    CU_ASSERT_EQUAL(link_file_read(rig.links, "n1", &state, NULL, &err), STATUS_STATE);
    chmod(rig.links, 0700);
    tear_down(&rig);
}

/* --- where ------------------------------------------------------------------------------------------------------------- */

static void only_loopback_gets_a_link(void)
{
    static const char *const elsewhere[] = {"192.0.2.1", "db.example.org", "0.0.0.0", "",
                                            "::",        "2001:db8::1"};
    char dir[] = "/tmp/xl.XXXXXX", path[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        struct link_target target = {.name = "n1", .host = elsewhere[i], .port = 3306};
        struct link_options options = {.dir = dir};
        struct link_proxy *proxy;
        struct err err = {0};
        CU_ASSERT_EQUAL(link_proxy_start(&proxy, &target, 1, &options, &err), STATUS_REFUSED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "loopback"));
    }
    snprintf(path, sizeof path, "%s/.sockets", dir);
    rmdir(path);
    rmdir(dir);
}

static void a_long_directory_still_has_a_socket(void)
{
    struct rig rig;
    char name[120], base[64];
    set_up(&rig, false);
    link_proxy_stop(rig.proxy);
    snprintf(base, sizeof base, "%s", rig.dir);
    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    char deep[256];
    snprintf(deep, sizeof deep, "%s/%s", base, name);
    CU_ASSERT_EQUAL(mkdir(deep, 0700), 0);
    struct err err = {0};
    struct link_options options = {.dir = deep};
    CU_ASSERT_EQUAL_FATAL(link_proxy_start(&rig.proxy, &rig.target, 1, &options, &err), STATUS_OK);
    link_proxy_address(rig.proxy, 0, &rig.address);
    struct ends s = open_session(&rig);
    say(s.client, "far");
    CU_ASSERT_TRUE(hears(s.node, "far"));
    close_session(&s);
    link_proxy_stop(rig.proxy);
    rig.proxy = NULL;
    strncat(deep, "/.sockets", sizeof deep - strlen(deep) - 1);
    CU_ASSERT_EQUAL(rmdir(deep), 0); /* its socket is gone */
    deep[strlen(deep) - 9] = '\0';
    CU_ASSERT_EQUAL(rmdir(deep), 0);
    tear_down(&rig);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"words are parsed and printed", words_are_parsed_and_printed},
        {"wrong words change nothing", wrong_words_change_nothing},
        {"a file is followed and outlives the proxy", a_file_is_followed_and_outlives_the_proxy},
        {"a reset fires once for each write", a_reset_fires_once_for_each_write},
        {"hostile files are refused", hostile_files_are_refused},
        {"only loopback gets a link", only_loopback_gets_a_link},
        {"a long directory still has a socket", a_long_directory_still_has_a_socket},
        {0},
    };
    signal(SIGPIPE, SIG_IGN);
    return test_main("link file", cases);
}
