#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cunit_main.h"
#include "lab_fixture.h"
#include "xatop/text.h"

/* A "server" that is a shell script: what a start does to it, and with its failures, needs no real one. It initialises by
 * making its data directory look made; serving is @serve. */
static void fake_server(const char *dir, const char *leaf, const char *make, const char *serve)
{
    char script[4096];
    struct text text;
    text_init(&text, script, sizeof script);
    text_printf(
        &text,
        "#!/bin/sh\n"
        "for word; do case $word in\n"
        "  --version) echo 'mysqld  Ver 9.9.9%s for Linux on x86_64'; exit 0;;\n"
        "  --datadir=*) data=${word#--datadir=};;\n"
        "  --init-file=*) init=${word#--init-file=};;\n"
        "  --initialize-insecure) initialise=1;;\n"
        "esac; done\n"
        "if [ \"$initialise\" ]; then [ -z \"$(ls -A $data)\" ] || exit 1; touch $data/made; exit 0; fi\n"
        "%s\n",
        make, serve);
    xatop_assert(!text.truncated);
    scratch_file(dir, leaf, script, 0700);
}

struct fixture {
    char dir[LAB_PATH_MAX], server[LAB_PATH_MAX], state[LAB_PATH_MAX], node[LAB_PATH_MAX];
    struct lab_config config;
    struct err err;
};

static void setup(struct fixture *f, const char *serve)
{
    *f = (struct fixture){.config = {.name = "db1"}};
    scratch_make(f->dir);
    fake_server(f->dir, "server", "", serve);
    lab_path(f->server, f->dir, "server");
    lab_path(f->state, f->dir, "state");
    lab_path(f->node, f->dir, "state/nodes/db1");
    f->config.server = f->server;
}

static bool there(const struct fixture *f, const char *leaf)
{
    char path[LAB_PATH_MAX];
    struct stat st;
    lab_path(path, f->node, leaf);
    return stat(path, &st) == 0;
}

static void a_failed_start_quotes_the_server(void)
{
    struct fixture f;
    struct lab_node node;
    setup(&f, "echo '2026 0 [ERROR] disk \x1b[31mfull' >&2; echo '2026 0 [ERROR] Aborting' >&2; exit 1");
    CU_ASSERT_EQUAL(lab_start(f.state, &f.config, NULL, &node, &f.err), STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(f.err.text, "node db1: the server did not start: disk \\x1b[31mfull; see /"));
    CU_ASSERT_EQUAL(node.state, LAB_DOWN);
    CU_ASSERT_TRUE(there(&f, "data/made"));
    CU_ASSERT_FALSE(
        there(&f, "init.sql")); /* the passwords in it are of no use to a server that is not there */
    CU_ASSERT_FALSE(there(&f, "data.tmp"));
    scratch_remove(f.dir);
}

static void passwords_reach_the_server_in_a_private_file_only(void)
{
    struct fixture f;
    char path[LAB_PATH_MAX], log[16384], app[64], admin[64];
    setup(&f, "ls -l $init; grep -c . $init; echo \"$@\"; tr '\\0' ' ' </proc/$$/environ; cp $init "
              "$init.copy; exit 1");
    CU_ASSERT_EQUAL(lab_start(f.state, &f.config, NULL, NULL, &f.err), STATUS_NODE);
    lab_path(path, f.node, "app.password");
    CU_ASSERT_EQUAL(lab_read_file(path, app, sizeof app), 49);
    lab_path(path, f.node, "admin.password");
    CU_ASSERT_EQUAL(lab_read_file(path, admin, sizeof admin), 49);
    app[48] = admin[48] = '\0';
    CU_ASSERT_STRING_NOT_EQUAL(app, admin);
    lab_path(path, f.node, "server.log");
    slurp(path, log, sizeof log);
    CU_ASSERT_PTR_NOT_NULL(strstr(log, "-rw-------"));
    CU_ASSERT_PTR_NULL(strstr(log, app));
    CU_ASSERT_PTR_NULL(strstr(log, admin));
    CU_ASSERT_PTR_NULL(strstr(f.err.text, app));
    lab_path(path, f.node, "init.sql.copy");
    slurp(path, log, sizeof log);
    CU_ASSERT_PTR_NOT_NULL(strstr(log, app));
    CU_ASSERT_PTR_NOT_NULL(strstr(log, admin));
    CU_ASSERT_EQUAL(strncmp(log, "SET sql_log_bin=0;\n", 19), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(log, "GRANT XA_RECOVER_ADMIN"));
    scratch_remove(f.dir);
}

static void a_half_made_data_directory_is_made_anew(void)
{
    struct fixture f;
    char partial[LAB_PATH_MAX];
    setup(&f, "exit 1");
    CU_ASSERT_EQUAL(lab_node_dir(f.state, "db1", true, f.node, &f.err), STATUS_OK);
    lab_path(partial, f.node, "data.tmp");
    CU_ASSERT_EQUAL(mkdir(partial, 0700), 0);
    scratch_file(partial, "rubble", "x", 0600);
    lab_start(f.state, &f.config, NULL, NULL, &f.err);
    CU_ASSERT_TRUE(there(&f, "data/made"));
    CU_ASSERT_FALSE(there(&f, "data/rubble"));
    scratch_remove(f.dir);
}

static void a_failed_initialisation_leaves_no_data(void)
{
    struct fixture f;
    setup(&f, "exit 1");
    scratch_file(f.dir, "server",
                 "#!/bin/sh\n[ $2 = --version ] && echo 'mysqld  Ver 9.9.9 for x' && exit\n"
                 "echo '[ERROR] no room' >&2; exit 1\n",
                 0700);
    CU_ASSERT_EQUAL(lab_start(f.state, &f.config, NULL, NULL, &f.err), STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "could not be made: no room"));
    CU_ASSERT_FALSE(there(&f, "data"));
    scratch_remove(f.dir);
}

static void a_port_in_use_is_said_before_anything_is_made(void)
{
    struct fixture f;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    setup(&f, "exit 1");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL(bind(listener, (struct sockaddr *)&address, len), 0);
    CU_ASSERT_EQUAL(listen(listener, 1), 0);
    CU_ASSERT_EQUAL(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    f.config.port = ntohs(address.sin_port);
    CU_ASSERT_EQUAL(lab_start(f.state, &f.config, NULL, NULL, &f.err), STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "is in use by something else; choose another"));
    CU_ASSERT_FALSE(there(&f, "data"));
    close(listener);
    lab_start(f.state, &f.config, NULL, NULL, &f.err); /* the port is free now: it comes further */
    CU_ASSERT_TRUE(there(&f, "data"));
    scratch_remove(f.dir);
}

static void what_is_no_server_is_refused(void)
{
    struct fixture f;
    setup(&f, "exit 1");
    static const char *const bad[] = {"/nowhere/mysqld", "/bin/true", "/tmp", "/etc/passwd",
                                      "relative/mysqld"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        f.config.server = bad[i];
        CU_ASSERT_EQUAL(lab_start(f.state, &f.config, NULL, NULL, &f.err), STATUS_NODE);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "is not a server"));
    }
    f.config.server = f.server;
    f.config.make = LAB_MARIADB;
    CU_ASSERT_EQUAL(lab_start(f.state, &f.config, NULL, NULL, &f.err), STATUS_USAGE);
    f.config.make = LAB_ANY;
    lab_start(f.state, &f.config, NULL, NULL, &f.err); /* made with MySQL now, though it does not serve */
    f.config.server = NULL;
    f.config.make = LAB_MARIADB;
    CU_ASSERT_EQUAL(lab_start(f.state, &f.config, NULL, NULL, &f.err), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "made with MySQL, but MariaDB is wanted"));
    scratch_remove(f.dir);
}

static void versions_tell_the_make(void)
{
    struct fixture f;
    struct lab_server server;
    setup(&f, "exit 1");
    CU_ASSERT_TRUE(lab_probe(f.server, &server));
    CU_ASSERT_EQUAL(server.make, LAB_MYSQL);
    CU_ASSERT_STRING_EQUAL(server.version, "9.9.9");
    fake_server(f.dir, "server", "-MariaDB-1", "exit 1");
    CU_ASSERT_TRUE(lab_probe(f.server, &server));
    CU_ASSERT_EQUAL(server.make, LAB_MARIADB);
    CU_ASSERT_STRING_EQUAL(server.version, "9.9.9-MariaDB-1");
    setenv("XATOP_MYSQLD", f.server, 1);
    struct lab_server found[LAB_SERVERS_MAX];
    CU_ASSERT_TRUE(lab_detect(found, LAB_SERVERS_MAX) >= 1);
    CU_ASSERT_STRING_EQUAL(found[0].path, f.server); /* what is named comes first */
    unsetenv("XATOP_MYSQLD");
    scratch_remove(f.dir);
}

/* Where MariaDB's packagers have put the SQL of its system tables. */
static void the_sql_of_mariadb_is_found_where_it_was_packaged(void)
{
    static const struct {
        const char *help, *sql;
    } rows[] = {{"lc-messages-dir  %s", "mysql_system_tables.sql"},
                {"character-sets-dir  %s/charsets/", "mariadb_system_tables.sql"},
                {"basedir   %s", "share/mariadb/mariadb_system_tables.sql"},
                {"basedir   %s", "share/mysql/mysql_system_tables.sql"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        char share[LAB_PATH_MAX], script[2 * LAB_PATH_MAX], leaf[LAB_PATH_MAX];
        struct text text;
        setup(&f, "exit 1");
        static const char *const below[] = {"charsets", "share", "share/mysql", "share/mariadb"};
        for (size_t j = 0; j < sizeof below / sizeof below[0]; j++) {
            lab_path(leaf, f.dir, below[j]);
            mkdir(leaf, 0700);
        }
        text_init(&text, script, sizeof script);
        text_append(&text, "#!/bin/sh\necho 'basedir-x /nowhere'\necho '");
        text_append_n(&text, rows[i].help, (size_t)(strstr(rows[i].help, "%s") - rows[i].help));
        text_printf(&text, "%s%s'\n", f.dir, strstr(rows[i].help, "%s") + 2);
        scratch_file(f.dir, "server", script, 0700);
        CU_ASSERT_FALSE(lab_mariadb_share(f.server, share));
        scratch_file(f.dir, rows[i].sql, "", 0600);
        CU_ASSERT_TRUE(lab_mariadb_share(f.server, share));
        scratch_remove(f.dir);
    }
}

static bool has_word(const struct lab_args *args, const char *word)
{
    for (size_t i = 0; i < args->count; i++)
        if (strcmp(args->argv[i], word) == 0)
            return true;
    return false;
}

static void options_keep_what_was_promised_durable(void)
{
    static const char *const own[] = {"--innodb-buffer-pool-size=32M", NULL};
    struct lab_record record = {.make = LAB_MYSQL, .port = 23001, .server_id = 7};
    struct lab_config config = {.name = "db1", .options = own};
    text_copy(record.server, sizeof record.server, "/x/mysqld");
    text_copy(record.socket_dir, sizeof record.socket_dir, "/x/s");
    struct lab_args args = {0};
    lab_args_server(&args, "/x/n", "/x/n/data", &record, &config);
    CU_ASSERT_STRING_EQUAL(args.argv[1], "--no-defaults");
    CU_ASSERT_TRUE(has_word(&args, "--datadir=/x/n/data"));
    CU_ASSERT_TRUE(has_word(&args, "--bind-address=127.0.0.1"));
    CU_ASSERT_TRUE(has_word(&args, "--innodb-flush-log-at-trx-commit=1"));
    CU_ASSERT_TRUE(has_word(&args, "--log-bin=binlog") && has_word(&args, "--sync-binlog=1"));
    CU_ASSERT_TRUE(has_word(&args, "--mysqlx=OFF"));
    CU_ASSERT_EQUAL(has_word(&args, "--user=root"), geteuid() == 0);
    CU_ASSERT_STRING_EQUAL(args.argv[args.count - 1], own[0]); /* the last one wins */
    lab_args_free(&args);
    record.make = LAB_MARIADB;
    lab_args_server(&args, "/x/n", "/x/n/data", &record, &config);
    CU_ASSERT_TRUE(has_word(&args, "--skip-log-bin") && !has_word(&args, "--mysqlx=OFF"));
    lab_args_free(&args);
    config.binlog = LAB_BINLOG_ON;
    lab_args_server(&args, "/x/n", "/x/n/data", &record, &config);
    CU_ASSERT_TRUE(has_word(&args, "--sync-binlog=1") && !has_word(&args, "--skip-log-bin"));
    lab_args_free(&args);
}

static void nothing_that_does_not_run_can_be_signalled(void)
{
    struct fixture f;
    struct lab_node nodes[4];
    size_t count = 9;
    setup(&f, "exit 1");
    CU_ASSERT_EQUAL(lab_list(f.state, nodes, 4, &count, &f.err), STATUS_OK);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(lab_stop(f.state, "db1", &f.err), STATUS_NODE); /* no such node */
    lab_start(f.state, &f.config, NULL, NULL, &f.err);
    f.config.name = "a2";
    lab_start(f.state, &f.config, NULL, NULL, &f.err);
    CU_ASSERT_EQUAL(lab_stop(f.state, "db1", &f.err), STATUS_OK); /* down already */
    CU_ASSERT_EQUAL(lab_kill(f.state, "db1", &f.err), STATUS_NODE);
    CU_ASSERT_EQUAL(lab_freeze(f.state, "db1", &f.err), STATUS_NODE);
    CU_ASSERT_EQUAL(lab_thaw(f.state, "db1", &f.err), STATUS_NODE);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.err.text, "does not run"));
    CU_ASSERT_EQUAL(lab_list(f.state, nodes, 4, &count, &f.err), STATUS_OK);
    CU_ASSERT_TRUE(count == 2 && strcmp(nodes[0].name, "a2") == 0 && nodes[1].state == LAB_DOWN);
    scratch_remove(f.dir);
}

/* The record names a process that is not ours: neither shown as up nor touched. */
static void a_forged_pid_record_hurts_nobody(void)
{
    struct fixture f;
    struct lab_node node;
    setup(&f, "exit 1");
    lab_start(f.state, &f.config, NULL, NULL, &f.err);
    CU_ASSERT_EQUAL(lab_status(f.state, "db1", &node, &f.err), STATUS_OK);
    pid_t pid = sleeper_start("--datadir=/somewhere/else");
    struct lab_pid record = sleeper_record(pid, node.data_dir);
    record.ready = true;
    CU_ASSERT_EQUAL(lab_pid_write(f.node, &record, &f.err), STATUS_OK);
    CU_ASSERT_EQUAL(lab_status(f.state, "db1", &node, &f.err), STATUS_OK);
    CU_ASSERT_EQUAL(node.state, LAB_DOWN);
    CU_ASSERT_EQUAL(lab_kill(f.state, "db1", &f.err), STATUS_NODE);
    struct lab_proc_stat stat;
    CU_ASSERT_TRUE(lab_proc_stat(pid, &stat) && stat.state != 'Z');
    sleeper_end(pid);
    scratch_remove(f.dir);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"a failed start quotes the server", a_failed_start_quotes_the_server},
        {"passwords reach the server in a private file only",
         passwords_reach_the_server_in_a_private_file_only},
        {"a half-made data directory is made anew", a_half_made_data_directory_is_made_anew},
        {"a failed initialisation leaves no data", a_failed_initialisation_leaves_no_data},
        {"a port in use is said before anything is made", a_port_in_use_is_said_before_anything_is_made},
        {"what is no server is refused", what_is_no_server_is_refused},
        {"versions tell the make", versions_tell_the_make},
        {"the SQL of MariaDB is found where it was packaged",
         the_sql_of_mariadb_is_found_where_it_was_packaged},
        {"options keep what was promised durable", options_keep_what_was_promised_durable},
        {"nothing that does not run can be signalled", nothing_that_does_not_run_can_be_signalled},
        {"a forged pid record hurts nobody", a_forged_pid_record_hurts_nobody},
        {NULL, NULL},
    };
    return test_main("lab start", cases);
}
