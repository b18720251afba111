#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cunit_main.h"
#include "lab_fixture.h"
#include "xatop/text.h"

static void names_that_could_leave_the_directory_are_refused(void)
{
    static const char *const good[] = {"a", "db1", "node_2-x", "0", "abcdefghijklmnopqrstuvwxyz01234"};
    static const char *const bad[] = {"",  ".", "..",  "a/b", "../x",     "-x",
                                      "_", "A", "a\n", "a b", "\x1b[31m", "abcdefghijklmnopqrstuvwxyz012345"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_TRUE(lab_name_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(lab_name_valid(bad[i]));
    struct lab_node node;
    struct err err;
    CU_ASSERT_EQUAL(lab_status("/nowhere", "\x1b[31m", &node, &err), STATUS_USAGE);
    CU_ASSERT_PTR_NULL(strchr(err.text, '\x1b'));
}

static void node_directories_are_private_and_made_on_demand(void)
{
    char dir[LAB_PATH_MAX], state[LAB_PATH_MAX], node[LAB_PATH_MAX];
    struct stat st;
    struct err err;
    scratch_make(dir);
    lab_path(state, dir, "a/b");
    CU_ASSERT_EQUAL(lab_node_dir(state, "db1", false, node, &err), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(node, "");
    CU_ASSERT_EQUAL(lab_node_dir(state, "db1", true, node, &err), STATUS_OK);
    CU_ASSERT_TRUE(stat(node, &st) == 0 && (st.st_mode & 07777) == 0700);
    CU_ASSERT_PTR_NOT_NULL(strstr(node, "/a/b/nodes/db1"));
    scratch_file(dir, "file", "", 0600);
    lab_path(state, dir, "file");
    CU_ASSERT_EQUAL(lab_node_dir(state, "db1", true, node, &err), STATUS_STATE);
    char deep[LAB_PATH_MAX + 10];
    memset(deep, 'x', sizeof deep);
    deep[0] = '/';
    deep[sizeof deep - 1] = '\0';
    CU_ASSERT_EQUAL(lab_node_dir(deep, "db1", true, node, &err), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strerror(ENAMETOOLONG)));
    scratch_remove(dir);
}

static void files_are_ours_alone_or_not_read(void)
{
    char dir[LAB_PATH_MAX], path[LAB_PATH_MAX], link_path[LAB_PATH_MAX], got[32];
    struct stat st;
    struct err err;
    scratch_make(dir);
    lab_path(path, dir, "secret");
    lab_path(link_path, dir, "link");
    umask(0);
    CU_ASSERT_EQUAL(lab_write_file(path, "one\n", &err), STATUS_OK);
    CU_ASSERT_EQUAL(lab_write_file(path, "two\n", &err), STATUS_OK);
    umask(022);
    CU_ASSERT_TRUE(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    CU_ASSERT_EQUAL(lab_read_file(path, got, sizeof got), 4);
    CU_ASSERT_STRING_EQUAL(got, "two\n");
    CU_ASSERT_EQUAL(lab_read_file(path, got, 3), 2); /* never more than fits */
    CU_ASSERT_EQUAL(symlink(path, link_path), 0);
    CU_ASSERT_EQUAL(lab_read_file(link_path, got, sizeof got), -1);
    struct lab_node node = {.name = "db1"};
    text_copy(node.password_file, sizeof node.password_file, path);
    CU_ASSERT_EQUAL(lab_password(&node, got, sizeof got, &err), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(got, "two");
    chmod(path, 0640);
    CU_ASSERT_EQUAL(lab_password(&node, got, sizeof got, &err), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "nobody else can read"));
    scratch_remove(dir);
}

static void a_deep_state_directory_gets_a_short_socket(void)
{
    char base[LAB_PATH_MAX], deep[LAB_PATH_MAX], dir[LAB_PATH_MAX] = "", first[LAB_PATH_MAX];
    struct stat st;
    struct err err;
    struct text text;
    scratch_make(base);
    setenv("XDG_RUNTIME_DIR", base, 1);
    text_init(&text, deep, sizeof deep);
    text_append(&text, "/");
    while (text.len < 96) /* 96 + "/mysql.sock" = 107, the most a sockaddr_un holds */
        text_append(&text, "d");
    CU_ASSERT_TRUE(lab_socket_fits(deep));
    CU_ASSERT_EQUAL(lab_socket_dir(deep, dir, &err), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(dir, deep);
    text_append(&text, "d");
    CU_ASSERT_FALSE(lab_socket_fits(deep));
    CU_ASSERT_EQUAL(lab_socket_dir(deep, dir, &err), STATUS_OK);
    CU_ASSERT_EQUAL(strncmp(dir, base, strlen(base)), 0);
    CU_ASSERT_TRUE(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700);
    text_copy(first, sizeof first, dir);
    CU_ASSERT_EQUAL(lab_socket_dir(deep, dir, &err), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(dir, first); /* the remembered one is used again ... */
    chmod(dir, 0755);
    CU_ASSERT_EQUAL(lab_socket_dir(deep, dir, &err), STATUS_OK);
    CU_ASSERT_STRING_NOT_EQUAL(dir, first); /* ... unless others may enter it */
    unsetenv("XDG_RUNTIME_DIR");
    scratch_remove(base);
}

static void records_come_back_as_they_were_or_not_at_all(void)
{
    static const char *const damaged[] = {"",
                                          "server=/x\n",
                                          "server=/x\nmake=oracle\nsocket_dir=/s\n",
                                          "server=/x\nmake=mysql\nport=70000\nsocket_dir=/s\n",
                                          "server=/x\nmake=mysql\nsocket_dir=/s\nport",
                                          "nonsense\n",
                                          "server=/x\nmake=mysql\nsocket_dir=/s\ncolour=red\n"};
    char dir[LAB_PATH_MAX];
    struct err err;
    scratch_make(dir);
    struct lab_record record = {.make = LAB_MARIADB,
                                .port = 23456,
                                .server_id = 4000000000u,
                                .secured = true},
                      back;
    text_copy(record.server, sizeof record.server, "/usr/sbin/mariadbd = x");
    text_copy(record.version, sizeof record.version, "10.11.19");
    text_copy(record.socket_dir, sizeof record.socket_dir, "/tmp/x");
    CU_ASSERT_FALSE(lab_record_read(dir, &back));
    CU_ASSERT_EQUAL(lab_record_write(dir, &record, &err), STATUS_OK);
    CU_ASSERT_TRUE(lab_record_read(dir, &back));
    CU_ASSERT_STRING_EQUAL(back.server, record.server);
    CU_ASSERT_TRUE(back.make == LAB_MARIADB && back.port == 23456 && back.server_id == 4000000000u &&
                   back.secured);
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        scratch_file(dir, "record", damaged[i], 0600);
        CU_ASSERT_FALSE(lab_record_read(dir, &back));
    }
    struct lab_pid pid = {.pid = 77, .start_ticks = UINT64_C(9000000000), .ready = true, .data_dir = "/d"},
                   again;
    CU_ASSERT_EQUAL(lab_pid_write(dir, &pid, &err), STATUS_OK);
    CU_ASSERT_TRUE(lab_pid_read(dir, &again));
    CU_ASSERT_TRUE(again.pid == 77 && again.start_ticks == UINT64_C(9000000000) && again.ready);
    scratch_file(dir, "pid", "pid=-1\nstart_ticks=5\nready=1\ndata_dir=/d\n", 0600);
    CU_ASSERT_FALSE(lab_pid_read(dir, &again));
    scratch_remove(dir);
}

static void one_node_is_locked_once(void)
{
    char dir[LAB_PATH_MAX];
    struct err err;
    scratch_make(dir);
    int first = lab_lock(dir, "db1", 0, &err);
    CU_ASSERT_TRUE(first >= 0);
    CU_ASSERT_EQUAL(lab_lock(dir, "db1", 50, &err), -1);
    CU_ASSERT_EQUAL(err.status, STATUS_NODE);
    close(first);
    int second = lab_lock(dir, "db1", 0, &err);
    CU_ASSERT_TRUE(second >= 0);
    close(second);
    scratch_remove(dir);
}

static void a_port_with_a_listener_is_not_free(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&address, len), 0);
    CU_ASSERT_EQUAL(listen(fd, 1), 0);
    CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    CU_ASSERT_FALSE(lab_port_free(ntohs(address.sin_port)));
    close(fd);
    CU_ASSERT_TRUE(lab_port_free(ntohs(address.sin_port)));
}

static int unix_listener(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    text_copy(address.sun_path, sizeof address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    CU_ASSERT_EQUAL(listen(fd, 4), 0);
    return fd;
}

static void only_a_greeting_is_an_answer(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum lab_greeting want;
    } rows[] = {
        {"\x4a\x00\x00\x00\x0a"
         "5.5.5",
         10, LAB_GREETING_SEEN},
        {"\x10\x00\x00\x00\xff"
         "too many",
         13, LAB_GREETING_SEEN},
        {"\x4a\x00\x00", 3, LAB_GREETING_NONE},
        {"HTTP/1.1 200", 12, LAB_GREETING_NONE},
    };
    char dir[LAB_PATH_MAX], path[LAB_PATH_MAX];
    int fd = -1;
    scratch_make(dir);
    lab_path(path, dir, "s");
    CU_ASSERT_EQUAL(lab_greeting_look(path, &fd), LAB_GREETING_NONE); /* nobody there */
    int listener = unix_listener(path);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CU_ASSERT_EQUAL(lab_greeting_look(path, &fd), LAB_GREETING_NONE); /* connected, silent */
        CU_ASSERT_TRUE(fd >= 0);
        int peer = accept(listener, NULL, NULL);
        CU_ASSERT_EQUAL(send(peer, rows[i].bytes, rows[i].n, 0), (ssize_t)rows[i].n);
        CU_ASSERT_EQUAL(lab_greeting_look(path, &fd), rows[i].want);
        close(peer);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    close(listener);
    scratch_remove(dir);
}

struct lines {
    char text[8][400];
    size_t count;
};

static void take_line(void *arg, const char *line)
{
    struct lines *lines = arg;
    text_copy(lines->text[lines->count++], sizeof lines->text[0], line);
}

static void the_log_is_quoted_from_this_start_on(void)
{
    static const char old[] = "2026 0 [ERROR] yesterday\n";
    static const char now[] = "2026 0 [Note] fine\n2026 0 [ERROR] [MY-1] one\n2026 0 [ERROR] two\x1b[2J\n"
                              "2026 0 [ERROR] three\n2026 0 [ERROR] four\n2026 0 [ERROR] [MY-2] Aborting\n";
    char dir[LAB_PATH_MAX], path[LAB_PATH_MAX], all[512];
    struct lines lines = {.count = 0};
    struct text text;
    scratch_make(dir);
    lab_path(path, dir, "log");
    text_init(&text, all, sizeof all);
    text_printf(&text, "%s%s", old, now);
    scratch_file(dir, "log", all, 0600);
    CU_ASSERT_EQUAL(lab_log_tail(path, sizeof old - 1, 3, take_line, &lines), 3);
    CU_ASSERT_STRING_EQUAL(lines.text[0], "two\\x1b[2J");
    CU_ASSERT_STRING_EQUAL(lines.text[2], "four");
    lines.count = 0;
    scratch_file(dir, "log", "plain words\n\nand more", 0600);
    CU_ASSERT_EQUAL(lab_log_tail(path, 0, 3, take_line, &lines), 2);
    CU_ASSERT_STRING_EQUAL(lines.text[1], "and more");
    lab_path(path, dir, "none");
    CU_ASSERT_EQUAL(lab_log_tail(path, 0, 3, take_line, &lines), 0);
    scratch_remove(dir);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"names that could leave the directory are refused",
         names_that_could_leave_the_directory_are_refused},
        {"node directories are private and made on demand", node_directories_are_private_and_made_on_demand},
        {"files are ours alone or not read", files_are_ours_alone_or_not_read},
        {"a deep state directory gets a short socket", a_deep_state_directory_gets_a_short_socket},
        {"records come back as they were or not at all", records_come_back_as_they_were_or_not_at_all},
        {"one node is locked once", one_node_is_locked_once},
        {"a port with a listener is not free", a_port_with_a_listener_is_not_free},
        {"only a greeting is an answer", only_a_greeting_is_an_answer},
        {"the log is quoted from this start on", the_log_is_quoted_from_this_start_on},
        {NULL, NULL},
    };
    return test_main("lab files", cases);
}
