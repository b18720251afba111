/* What the files of src/lab share. Nothing here is for other rooms. */
#ifndef XATOP_LAB_INTERNAL_H
#define XATOP_LAB_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lab_proc.h"
#include "xatop/lab.h"

/* --- lab_files.c --- */

bool lab_name_valid(const char *name);
/* @dir/@leaf; programmer's error if it does not fit: the length of STATE is checked once, in lab_node_dir. */
void lab_path(char out[LAB_PATH_MAX], const char *dir, const char *leaf);
/* STATE/nodes/@name, absolute. @make: create it and what is above it (0700). Without @make a missing STATE
 * leaves @out empty. */
enum status lab_node_dir(const char *state_dir, const char *name, bool make, char out[LAB_PATH_MAX],
                         struct err *err);
enum status lab_mkdir(const char *path, struct err *err);
/* Replace @path by @text (0600), durably and all at once. */
enum status lab_write_file(const char *path, const char *text, struct err *err);
/* Read a file that is ours alone. Returns its length, or -1 (errno: ENOENT, EPERM if others may read it,
 * ...). */
ssize_t lab_read_file(const char *path, char *out, size_t cap);
bool lab_remove_tree(const char *path);
/* Where the socket goes: @node_dir, or a short private directory if the path would not fit a sockaddr_un.
 * @dir may hold the one of last time. */
enum status lab_socket_dir(const char *node_dir, char dir[LAB_PATH_MAX], struct err *err);
bool lab_socket_fits(const char *dir);
/* Exclude other threads and processes from this node: returns a descriptor to close, or -1 with @err. */
int lab_lock(const char *node_dir, const char *name, int64_t timeout_ms, struct err *err);

/* --- lab_record.c --- */

/* What a node is, from one start to the next. */
struct lab_record {
    char server[LAB_PATH_MAX];
    enum lab_make make;
    char version[LAB_VERSION_MAX];
    uint16_t port;
    uint32_t server_id;
    char socket_dir[LAB_PATH_MAX];
    bool secured; /* accounts and passwords are in place */
};

/* False: there is none (or an unreadable one). */
bool lab_record_read(const char *node_dir, struct lab_record *out);
enum status lab_record_write(const char *node_dir, const struct lab_record *record, struct err *err);
bool lab_pid_read(const char *node_dir, struct lab_pid *out);
enum status lab_pid_write(const char *node_dir, const struct lab_pid *record, struct err *err);
void lab_node_fill(const char *node_dir, const char *name, const struct lab_record *record,
                   struct lab_node *out);

/* --- lab_net.c --- */

bool lab_port_free(uint16_t port);
/* A free port that no other node of the same state remembers; 0 if there is none. */
uint16_t lab_port_pick(const char *node_dir);
enum lab_greeting { LAB_GREETING_NONE, LAB_GREETING_SEEN };
/* One look, without waiting; *@fd is kept between looks (-1 at first), closed when seen. */
enum lab_greeting lab_greeting_look(const char *socket_path, int *fd);

/* --- lab_detect.c --- */

/* Run @path with --version. False if it is no server. */
bool lab_probe(const char *path, struct lab_server *out);
/* The directory with the SQL that makes MariaDB's system tables. */
bool lab_mariadb_share(const char *server, char out[LAB_PATH_MAX]);

/* --- lab_choose.c: what a start rests on --- */

/* lab_detect, once for all nodes of a call. */
struct lab_servers {
    struct lab_server list[LAB_SERVERS_MAX];
    size_t count;
    bool looked;
};

/* Fill or correct @record: server, version, port, socket directory. @made: its data is there, so its make is
 * fixed. */
enum status lab_choose(const char *node_dir, const struct lab_config *config, struct lab_servers *servers,
                       bool made, struct lab_record *record, struct err *err);

/* A node's data was made by one make and cannot be served by the other. */
enum status lab_check_make(const char *node_dir, const char *name, enum lab_make wanted,
                           enum lab_make recorded, struct err *err);

/* --- lab_options.c --- */

enum { LAB_ARGS_MAX = 64 + LAB_OPTIONS_MAX };

struct lab_args {
    const char *argv[LAB_ARGS_MAX + 1];
    size_t count;
    char *p; /* the words' bytes */
    size_t used, cap;
};

void lab_args_free(struct lab_args *args);
/* The command line of a server on @data_dir. */
void lab_args_server(struct lab_args *args, const char *node_dir, const char *data_dir,
                     const struct lab_record *record, const struct lab_config *config);
void lab_args_add(struct lab_args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- lab_accounts.c --- */

/* Passwords, the administrator's option file and, if @init_file, the SQL that puts the accounts in place. */
enum status lab_accounts_write(const char *node_dir, const struct lab_record *record, bool init_file,
                               struct err *err);
bool lab_accounts_complete(const char *node_dir);
/* Did that SQL run to its end? */
bool lab_accounts_done(const char *node_dir);
void lab_accounts_clean(const char *node_dir);
/* All of MariaDB's bootstrap SQL in one file @out. */
enum status lab_bootstrap_write(const char *share, const char *out, struct err *err);

/* --- lab_log.c --- */

int64_t lab_log_size(const char *path);
void lab_log_rotate(const char *path);
/* The server's own last words since @from: at most @count error lines (else any lines), oldest first,
 * sanitised, each given to @line. Returns how many. */
size_t lab_log_tail(const char *path, int64_t from, size_t count, void (*line)(void *arg, const char *text),
                    void *arg);

#endif
