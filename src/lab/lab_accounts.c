#include "config.h"

#include "lab_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xatop/i18n.h"
#include "xatop/prng.h"
#include "xatop/text.h"

enum { PASSWORD_BYTES = 24, PASSWORD_CAP = 2 * PASSWORD_BYTES + 2, SQL_MAX = 4096 };

/* The password in NODE/@leaf, made if there is none: hexadecimal, so it needs no quoting anywhere. */
static enum status password(const char *node_dir, const char *leaf, char out[PASSWORD_CAP], struct err *err)
{
    char path[LAB_PATH_MAX];
    unsigned char secret[PASSWORD_BYTES];
    struct text text;
    lab_path(path, node_dir, leaf);
    ssize_t n = lab_read_file(path, out, PASSWORD_CAP);
    if (n == PASSWORD_CAP - 1 && strspn(out, "0123456789abcdef") == PASSWORD_CAP - 2) {
        out[PASSWORD_CAP - 2] = '\0';
        return STATUS_OK;
    }
    random_bytes(secret, sizeof secret);
    text_init(&text, out, PASSWORD_CAP);
    text_hex(&text, secret, sizeof secret);
    text_append(&text, "\n");
    enum status status = lab_write_file(path, out, err);
    out[PASSWORD_CAP - 2] = '\0';
    return status;
}

static enum status write_defaults(const char *node_dir, const struct lab_record *record, const char *secret,
                                  struct err *err)
{
    char bytes[2 * LAB_PATH_MAX + 256], path[LAB_PATH_MAX];
    struct text text;
    text_init(&text, bytes, sizeof bytes);
    text_printf(&text, "[client]\nuser=root\npassword=%s\nsocket=\"", secret);
    for (const char *p = record->socket_dir; *p; p++) {
        if (*p == '\\') /* option files know escapes, also between quotes */
            text_append(&text, "\\");
        text_append_n(&text, p, 1);
    }
    text_append(&text, "/mysql.sock\"\n");
    lab_path(path, node_dir, "admin.cnf");
    return lab_write_file(path, bytes, err);
}

/* One statement a line: the servers read the file that way. The database comes last: that it is there proves
 * that no statement before it failed (MariaDB goes on serving after a failed init file, and says so in the
 * log only). */
static void accounts_sql(struct text *sql, enum lab_make make, const char *root, const char *app)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    text_append(sql, "SET sql_log_bin=0;\n"); /* no password, not even hashed, in the binary log */
    if (make == LAB_MARIADB) {
        text_append(sql,
                    "DELETE FROM mysql.global_priv WHERE User='' OR (User='root' AND Host<>'localhost');\n"
                    "DELETE FROM mysql.proxies_priv WHERE Host<>'localhost';\n"
                    "FLUSH PRIVILEGES;\n");
    }
    text_append(sql, "DROP USER IF EXISTS ''@'localhost';\n");
    text_printf(sql, "ALTER USER 'root'@'localhost' IDENTIFIED BY '%s';\n", root);
    for (size_t i = 0; i < 2; i++) {
        const char *host = hosts[i];
        text_printf(sql, "CREATE USER IF NOT EXISTS 'xatop'@'%s' IDENTIFIED BY '%s';\n", host, app);
        text_printf(sql, "ALTER USER 'xatop'@'%s' IDENTIFIED BY '%s';\n", host, app);
        text_printf(sql, "GRANT ALL PRIVILEGES ON `xatop`.* TO 'xatop'@'%s';\n", host);
        text_printf(sql, "GRANT ALL PRIVILEGES ON `xatop\\_%%`.* TO 'xatop'@'%s';\n", host);
        text_printf(sql, "GRANT PROCESS, REPLICATION CLIENT ON *.* TO 'xatop'@'%s';\n", host);
        text_printf(sql, "GRANT SELECT ON performance_schema.* TO 'xatop'@'%s';\n", host);
        if (make == LAB_MYSQL) /* xa-facts row 13 */
            text_printf(sql, "GRANT XA_RECOVER_ADMIN ON *.* TO 'xatop'@'%s';\n", host);
        else /* else neither of the two accounts may KILL the other's sessions */
            text_printf(sql, "GRANT CONNECTION ADMIN ON *.* TO 'xatop'@'%s';\n", host);
    }
    text_append(sql, "CREATE DATABASE IF NOT EXISTS `xatop`;\n");
}

enum status lab_accounts_write(const char *node_dir, const struct lab_record *record, bool init_file,
                               struct err *err)
{
    char root[PASSWORD_CAP], app[PASSWORD_CAP], bytes[SQL_MAX], path[LAB_PATH_MAX];
    enum status status = password(node_dir, "admin.password", root, err);
    if (!status)
        status = password(node_dir, "app.password", app, err);
    if (!status)
        status = write_defaults(node_dir, record, root, err);
    if (!status && init_file) {
        struct text sql;
        text_init(&sql, bytes, sizeof bytes);
        accounts_sql(&sql, record->make, root, app);
        xatop_assert(!sql.truncated);
        lab_path(path, node_dir, "init.sql");
        status = lab_write_file(path, bytes, err);
        explicit_bzero(bytes, sizeof bytes);
    }
    explicit_bzero(root, sizeof root);
    explicit_bzero(app, sizeof app);
    return status;
}

bool lab_accounts_complete(const char *node_dir)
{
    static const char *const leaves[] = {"admin.password", "app.password"};
    for (size_t i = 0; i < 2; i++) {
        char path[LAB_PATH_MAX], secret[PASSWORD_CAP];
        lab_path(path, node_dir, leaves[i]);
        ssize_t n = lab_read_file(path, secret, sizeof secret);
        explicit_bzero(secret, sizeof secret);
        if (n != PASSWORD_CAP - 1)
            return false;
    }
    return true;
}

bool lab_accounts_done(const char *node_dir)
{
    char path[LAB_PATH_MAX];
    struct stat st;
    lab_path(path, node_dir, "data/xatop");
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void lab_accounts_clean(const char *node_dir)
{
    char path[LAB_PATH_MAX];
    lab_path(path, node_dir, "init.sql");
    unlink(path);
}

static enum status read_password(const struct lab_node *node, const char *path, char *out, size_t cap,
                                 struct err *err)
{
    ssize_t n = lab_read_file(path, out, cap);
    if (n <= 0)
        return err_set(err, STATUS_STATE, _("node %s: the password file cannot be used: %s"), node->name,
                       n == 0           ? _("it is empty")
                       : errno == EPERM ? _("it is not a file of our own that nobody else can read")
                                        : strerror(errno));
    out[strcspn(out, "\n")] = '\0';
    return STATUS_OK;
}

enum status lab_password(const struct lab_node *node, char *out, size_t cap, struct err *err)
{
    return read_password(node, node->password_file, out, cap, err);
}

enum status lab_admin_password(const struct lab_node *node, char *out, size_t cap, struct err *err)
{
    char dir[LAB_PATH_MAX], path[LAB_PATH_MAX];
    text_copy(dir, sizeof dir, node->password_file);
    char *slash = strrchr(dir, '/');
    xatop_assert(slash); /* the lab made the path */
    *slash = '\0';
    lab_path(path, dir, "admin.password");
    return read_password(node, path, out, cap, err);
}

static bool append_file(FILE *out, const char *share, const char *leaf)
{
    char path[LAB_PATH_MAX + 64], bytes[16384];
    struct text text;
    text_init(&text, path, sizeof path);
    text_printf(&text, "%s/%s", share, leaf);
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    size_t n;
    bool ok = true;
    while (ok && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
        ok = fwrite(bytes, 1, n, out) == n;
    ok = ok && !ferror(in) && fputc('\n', out) == '\n';
    fclose(in);
    return ok;
}

/* What mariadb-install-db pipes into the server, without the help texts; done here because that script knows
 * nothing of servers started through a wrapper, and insists on resolving the host's name. */
enum status lab_bootstrap_write(const char *share, const char *out, struct err *err)
{
    static const char *const parts[][2] = {
        {"mariadb_system_tables.sql", "mysql_system_tables.sql"},
        {"mariadb_performance_tables.sql", "mysql_performance_tables.sql"},
        {"mariadb_system_tables_data.sql", "mysql_system_tables_data.sql"},
        {"maria_add_gis_sp_bootstrap.sql", "maria_add_gis_sp_bootstrap.sql"},
        {"mariadb_sys_schema.sql", "mysql_sys_schema.sql"},
    };
    FILE *file = fopen(out, "we");
    if (!file)
        return err_set(err, STATUS_STATE, _("cannot write the bootstrap file: %s"), strerror(errno));
    const char *missing = NULL;
    fputs("CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n", file);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !missing; i++)
        if (!append_file(file, share, parts[i][0]) && !append_file(file, share, parts[i][1]))
            missing = parts[i][1];
    bool ok = !ferror(file);
    ok = fclose(file) == 0 && ok;
    if (missing)
        return err_set(err, STATUS_NODE,
                       _("cannot take %s from the server's share directory: %s; install it anew"), missing,
                       strerror(errno));
    if (!ok)
        return err_set(err, STATUS_STATE, _("cannot write the bootstrap file: %s"), strerror(errno));
    return STATUS_OK;
}
