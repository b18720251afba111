/* Private local servers: create, start, find again, stop, kill, freeze.
 *
 * A lab node lives under STATE/nodes/NAME (0700): data, socket, server log, passwords, a record of what it is and of the
 * process that serves it. The server is our child in nothing but birth: own session, own log, survives the program.
 *
 * Two makes, MySQL and MariaDB, from a server found on the machine or named. A named server may be a wrapper script: it should
 * `exec` the server with "$@" first and its own fixed options after, e.g.
 *     exec ROOT/lib64/ld-linux-x86-64.so.2 --library-path ROOT/lib... ROOT/usr/sbin/mysqld "$@" --basedir=ROOT/usr ...
 *
 * A process is signalled only if /proc/PID/cmdline has our --datadir=DIR as one of its words and its start time is the
 * recorded one; a zombie counts as gone and is reaped if it is our child (xa-facts section 3, "Lab servers").
 *
 * Threads: every call blocks; any thread may call. Starts and stops of one node exclude each other, also between processes;
 * kill, freeze and thaw are faults: they take no lock and work in the middle of a start.
 * Errors: STATUS_USAGE bad name or option, STATUS_STATE the directory, STATUS_NODE the server; a failed start carries the
 * server's own last log lines, sanitised. */
#ifndef XATOP_LAB_H
#define XATOP_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "xatop/limits.h"
#include "xatop/status.h"

enum {
    LAB_PATH_MAX = 1024,  /* any path of a lab node, NUL included */
    LAB_VERSION_MAX = 64,
    LAB_OPTIONS_MAX = 16, /* extra server options */
    LAB_SERVERS_MAX = 16,
};

/* code, word */
#define XATOP_LAB_MAKE_LIST(X)                                                                              \
    X(ANY, "any")                                                                                           \
    X(MYSQL, "mysql")                                                                                       \
    X(MARIADB, "mariadb")

enum lab_make {
#define X(code, word) LAB_##code,
    XATOP_LAB_MAKE_LIST(X)
#undef X
};

/* code, word (the contract of `xatop nodes`), words for people */
#define XATOP_LAB_STATE_LIST(X)                                                                             \
    X(ABSENT, "absent", "was never created")                                                                \
    X(DOWN, "down", "does not run")                                                                         \
    X(STARTING, "starting", "runs but does not answer yet")                                                 \
    X(UP, "up", "answers")                                                                                  \
    X(FROZEN, "frozen", "is stopped by SIGSTOP")

enum lab_state {
#define X(code, word, words) LAB_##code,
    XATOP_LAB_STATE_LIST(X)
#undef X
};

/* As shipped: on for MySQL, off for MariaDB. On means sync_binlog=1 as well. Read at every start. */
enum lab_binlog { LAB_BINLOG_AS_SHIPPED, LAB_BINLOG_ON, LAB_BINLOG_OFF };

struct lab_config {
    const char *name;   /* [a-z0-9][a-z0-9_-]*, at most XATOP_NAME_MAX bytes */
    const char *server; /* path of a server or wrapper; NULL or "": the first of lab_detect that is of @make */
    enum lab_make make;
    uint16_t port;      /* 0: a free one, remembered */
    enum lab_binlog binlog;
    const char *const *options; /* extra server options ("--x=y"), at most LAB_OPTIONS_MAX, NULL-terminated; may be NULL */
};

struct lab_server {
    char path[LAB_PATH_MAX];
    enum lab_make make;
    char version[LAB_VERSION_MAX]; /* "9.7.4", "10.11.19-MariaDB-0+deb12u1"; sanitised */
};

struct lab_node {
    char name[XATOP_NAME_MAX + 1];
    enum lab_state state;
    char host[16]; /* "127.0.0.1" */
    uint16_t port;
    pid_t pid;     /* 0 unless it runs */
    enum lab_make make;
    char server[LAB_PATH_MAX];
    char version[LAB_VERSION_MAX];
    char data_dir[LAB_PATH_MAX];
    char socket[LAB_PATH_MAX];
    char log_file[LAB_PATH_MAX];
    char defaults_file[LAB_PATH_MAX]; /* 0600: `mysql --defaults-file=...` is the administrator, through the socket */
    char user[XATOP_NAME_MAX + 1];    /* the application's account: everything on `xatop`.* and `xatop\_%`.*, XA RECOVER */
    char password_file[LAB_PATH_MAX]; /* 0600, the password and a newline */
};

/* Called on the caller's thread with a sentence for people (sanitised), while a start goes on. */
struct lab_progress {
    void (*say)(void *arg, const char *node, const char *sentence);
    void *arg;
};

/* The servers of this machine, in order of preference: $XATOP_MYSQLD, $XATOP_MARIADBD (absolute paths), then mariadbd
 * and mysqld in $PATH and the usual sbin directories. Runs each with --version. Returns how many were put in @out. */
size_t lab_detect(struct lab_server *out, size_t cap);

/* Bring all @count nodes up, those that are missing made first, all at the same time; returns when every one is up or failed.
 * A node that is up already is left alone (a frozen one is not thawed: an error says so). Whatever failed, the others are
 * brought up; @err is that of the first failure. @progress may be NULL; @out (count entries) may be NULL. */
enum status lab_start_all(const char *state_dir, const struct lab_config *configs, size_t count,
                          const struct lab_progress *progress, struct lab_node *out, struct err *err);
enum status lab_start(const char *state_dir, const struct lab_config *config, const struct lab_progress *progress,
                      struct lab_node *out, struct err *err);

/* Clean shutdown (SIGTERM; a frozen one is thawed for it), waits until gone. A node that is down: done. */
enum status lab_stop(const char *state_dir, const char *name, struct err *err);
/* SIGKILL, waits until gone. A node that does not run: STATUS_NODE. */
enum status lab_kill(const char *state_dir, const char *name, struct err *err);
/* SIGSTOP, SIGCONT; wait until it shows. A node that does not run: STATUS_NODE. */
enum status lab_freeze(const char *state_dir, const char *name, struct err *err);
enum status lab_thaw(const char *state_dir, const char *name, struct err *err);
/* lab_stop, then lab_start. */
enum status lab_restart(const char *state_dir, const struct lab_config *config, const struct lab_progress *progress,
                        struct lab_node *out, struct err *err);

/* What is known of one node now; LAB_ABSENT (and only the name filled) is no error. Cheap enough for once a second; needs no
 * lock and works while another process starts or stops it. */
enum status lab_status(const char *state_dir, const char *name, struct lab_node *out, struct err *err);
/* Every node under @state_dir in order of name; @count how many were put in @out. No directory: none. */
enum status lab_list(const char *state_dir, struct lab_node *out, size_t cap, size_t *count, struct err *err);
/* The application's password (sanctioned reader of @node->password_file; refuses a file that others can read). */
enum status lab_password(const struct lab_node *node, char *out, size_t cap, struct err *err);

/* The administrator's (root, through the socket only); the same rules. For faults against our own lab nodes, nothing else. */
enum status lab_admin_password(const struct lab_node *node, char *out, size_t cap, struct err *err);

const char *lab_make_name(enum lab_make make);
const char *lab_state_name(enum lab_state state);

#endif
