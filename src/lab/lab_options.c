#include "config.h"

#include "lab_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xatop/text.h"

enum { WORDS_MAX = 32768 };

void lab_args_add(struct lab_args *args, const char *format, ...)
{
    if (!args->p) {
        args->p = malloc(WORDS_MAX);
        args->cap = WORDS_MAX;
        xatop_assert(args->p);
    }
    struct text text;
    va_list list;
    xatop_assert(args->count < LAB_ARGS_MAX && args->used < args->cap);
    text_init(&text, args->p + args->used, args->cap - args->used);
    va_start(list, format);
    text_vprintf(&text, format, list);
    va_end(list);
    xatop_assert(!text.truncated);
    args->argv[args->count++] = text.p;
    args->argv[args->count] = NULL;
    args->used += text.len + 1;
}

void lab_args_free(struct lab_args *args)
{
    free(args->p);
    *args = (struct lab_args){0};
}

static void add_binlog(struct lab_args *args, enum lab_make make, enum lab_binlog binlog)
{
    if (binlog == LAB_BINLOG_ON || (binlog == LAB_BINLOG_AS_SHIPPED && make == LAB_MYSQL)) {
        lab_args_add(args, "--log-bin=binlog");
        lab_args_add(args, "--sync-binlog=1"); /* xa-facts row 41 */
        lab_args_add(args, "--binlog-expire-logs-seconds=86400");
        lab_args_add(args, "--max-binlog-size=64M");
    } else {
        lab_args_add(args, "--skip-log-bin");
    }
}

/* Durable as a transaction manager needs it (xa-facts row 40), small otherwise. --datadir is also what the
 * guard in lab_proc.c looks for. Options of the configuration come last: the last one wins. */
void lab_args_server(struct lab_args *args, const char *node_dir, const char *data_dir,
                     const struct lab_record *record, const struct lab_config *config)
{
    static const char *const common[] = {
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=1",
        "--max-connections=300",
        "--local-infile=0",
        "--innodb-buffer-pool-size=64M",
        "--table-open-cache=256",
        "--table-definition-cache=400",
        "--character-set-server=utf8mb4",
        "--general-log=0",
        "--key-buffer-size=1M",
        NULL,
    };
    static const char *const mysql[] = {
        "--mysqlx=OFF",
        "--secure-file-priv=NULL", /* its default folder is missing in an unpacked one: it would not start */
        /* its defaults are for a server that has the machine to itself */
        "--innodb-log-buffer-size=8M",
        "--temptable-max-ram=64M",
        "--performance-schema-digests-size=500",
        "--performance-schema-accounts-size=16",
        "--performance-schema-hosts-size=16",
        "--performance-schema-users-size=16",
        NULL,
    };
    lab_args_add(args, "%s", record->server);
    lab_args_add(args, "--no-defaults");
    lab_args_add(args, "--datadir=%s", data_dir);
    lab_args_add(args, "--tmpdir=%s/tmp", node_dir);
    lab_args_add(args, "--log-error=%s/server.log", node_dir);
    lab_args_add(args, "--pid-file=%s/server.pid", node_dir);
    lab_args_add(args, "--socket=%s/mysql.sock", record->socket_dir);
    lab_args_add(args, "--port=%u", record->port);
    lab_args_add(args, "--server-id=%" PRIu32, record->server_id);
    if (geteuid() == 0)
        lab_args_add(args, "--user=root"); /* both refuse to run as root unless told */
    for (const char *const *option = common; *option; option++)
        lab_args_add(args, "%s", *option);
    for (const char *const *option = mysql; record->make == LAB_MYSQL && *option; option++)
        lab_args_add(args, "%s", *option);
    add_binlog(args, record->make, config->binlog);
    for (size_t i = 0; config->options && config->options[i] && i < LAB_OPTIONS_MAX; i++)
        lab_args_add(args, "%s", config->options[i]);
}
