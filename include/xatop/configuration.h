/* The configuration: defaults, then the file, then the environment. Loaded once at start by the main thread; read-only after.
 *
 * Errors are STATUS_USAGE with "FILE:LINE: why". Passwords are in here in clear after configuration_passwords: the struct
 * is never copied, printed or logged, and configuration_wipe zeroes it at the end. */
#ifndef XATOP_CONFIGURATION_H
#define XATOP_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "xatop/configuration_list.h"
#include "xatop/limits.h"
#include "xatop/status.h"

enum tls_mode { TLS_AUTO, TLS_VERIFY, TLS_INSECURE };           /* XATOP_TLS_WORDS */
enum node_role { ROLE_PRODUCTION, ROLE_LAB };                    /* XATOP_ROLE_WORDS */
enum make_wanted { MAKE_ANY, MAKE_MYSQL, MAKE_MARIADB };       /* XATOP_MAKE_WORDS */
enum log_bin_wanted { LOG_BIN_SHIPPED, LOG_BIN_ON, LOG_BIN_OFF }; /* XATOP_LOG_BIN_WORDS */

#define CONFIGURATION_FIELD_INT(key, max) int64_t key
#define CONFIGURATION_FIELD_BOOL(key, max) bool key
#define CONFIGURATION_FIELD_WORD(key, max) int key
#define CONFIGURATION_FIELD_STRING(key, max) char key[(max) + 1]
#define CONFIGURATION_FIELD_ID CONFIGURATION_FIELD_STRING
#define CONFIGURATION_FIELD_NAME CONFIGURATION_FIELD_STRING
#define CONFIGURATION_FIELD_PATH CONFIGURATION_FIELD_STRING
#define CONFIGURATION_FIELD_SECRET CONFIGURATION_FIELD_STRING
#define X(type, key, env, words, fallback, min, max, help) CONFIGURATION_FIELD_##type(key, max);

struct node_configuration {
    XATOP_NODE_KEY_LIST(X) /* socket[0]: unix socket; else TCP to host, port (0: 3306), also for localhost */
};

struct configuration {
    XATOP_CONFIGURATION_LIST(X)
    struct node_configuration nodes[XATOP_NODES_MAX];
    int node_count;       /* 1.. */
    bool builtin_lab;     /* no nodes configured: n1 and n2, both lab nodes */
    char file[1024];      /* that was read; "" if none */
};
#undef X

/* Fill @out with the defaults and the built-in lab. */
void configuration_defaults(struct configuration *out);

/* The whole of it: @file (NULL: $XATOP_CONFIG, ./xatop.conf, $XDG_CONFIG_HOME/xatop/xatop.conf, none), then the environment
 * (DBn_HOST, DBn_PORT, DBn_USER, DBn_PASSWORD, DBn_DATABASE, TRANSACTION_TIMEOUT, ...). Every DBn_PASSWORD is wiped from
 * the environment, also after an error, so that no child inherits it. */
enum status configuration_load(struct configuration *out, const char *file, struct err *err);

/* Read the passwords that are named but not given: password_file, password_fd, password_prompt. Lab nodes have none here.
 * Call it only for commands that talk to nodes. */
enum status configuration_passwords(struct configuration *configuration, struct err *err);
void configuration_wipe(struct configuration *configuration);

/* In the format of the file, each key with its help, range and environment variable; never a password.
 * With the defaults this is conf/xatop.conf. */
void configuration_print(const struct configuration *configuration, FILE *out);
/* The keys as man page macros, for xatop.conf(5). */
void configuration_print_man(FILE *out);

/* Index in the configuration, or -1. */
int configuration_find_node(const struct configuration *configuration, const char *name);
/* The environment variables as they override; used by configuration_load, visible for its test. */
enum status configuration_environment(struct configuration *configuration, struct err *err);

#endif
