/* Calls of commands that need no coordinator: schema, questions, nothing of a transaction. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_mysql_admin.h"
#include "node_mysql_error.h"
#include "xatop/i18n.h"
#include "xatop/books.h"

enum { CONNECT_MS = 5000, LOCK_WAIT_MS = 5000, IDLE_MS = 600000 };

/* generated from sql/ */
extern const char node_schema_mysql[], node_schema_mariadb[];

/* The markers first: every branch of ours has locked one, so nothing is dropped while one is undecided. */
static const char *const data_tables[] = {"xa_marker", "accounts", "products",   "customers", "orders",
                                          "payments",  "xa_key",   "xa_initial", "xa_floor",  "xa_folded"};

enum status admin_failed(struct node_admin *admin, struct err *err, const char *what)
{
    const struct session *session = &admin->session;
    return err_set(err, STATUS_NODE, _("node %s: %s: %s (error %d)"), session->config->name, what,
                   session->detail, session->error);
}

/* The database's name comes from the configuration: quoted, and nothing in it that could end the quotes. */
static bool create_database(struct session *session)
{
    char sql[256];
    const char *name = session->config->database;
    if (strchr(name, '`') || !*name) {
        text_copy(session->detail, sizeof session->detail, _("not a name for a database"));
        return false;
    }
    snprintf(sql, sizeof sql, "CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4", name);
    if (!session_run(session, sql))
        return false;
    return mysql_select_db(session->mysql, name) == 0 || session_failed(session);
}

enum status node_admin_open(struct node_admin **out, const struct node_mysql_config *config, bool create,
                            int64_t deadline_ms, struct err *err)
{
    struct session_settings settings = {
        .connect_timeout_ms = CONNECT_MS, .lock_wait_ms = LOCK_WAIT_MS, .wait_timeout_ms = IDLE_MS};
    enum status status = STATUS_INTERNAL;
    *out = NULL;
    struct node_admin *admin = calloc(1, sizeof *admin);
    if (!admin)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    admin->config = *config;
    admin->watch = watch_new(err);
    if (!admin->watch)
        goto fail;
    status = session_init(&admin->session, &admin->config, &settings, err);
    if (status != STATUS_OK)
        goto fail;
    watch_add(admin->watch, &admin->session);
    struct session *session = &admin->session;
    bool open = session_open(session, deadline_ms);
    bool missing = !open && create && session->error == ERROR_BAD_DATABASE;
    if (missing) { /* asked only now: an account may use a database that it may not create */
        session->settings.no_database = true;
        open = session_open(session, deadline_ms);
    }
    if (!open) {
        status = admin_failed(admin, err, _("cannot connect"));
        goto fail;
    }
    session_guard(session, deadline_ms);
    if (missing && !create_database(session)) {
        status = admin_failed(admin, err, _("cannot create the database"));
        goto fail;
    }
    *out = admin;
    return STATUS_OK;
fail:
    node_admin_close(admin);
    return status;
}

void node_admin_close(struct node_admin *admin)
{
    if (!admin)
        return;
    watch_free(admin->watch); /* its thread has ended: nobody else sees the session now */
    if (admin->session.lock)
        session_destroy(&admin->session);
    free(admin);
}

void node_admin_deadline(struct node_admin *admin, int64_t deadline_ms)
{
    session_guard(&admin->session, deadline_ms);
}

static bool run_script(struct session *session, const char *script)
{
    char statement[4096];
    while (*script) {
        const char *end = strstr(script, ";\n");
        size_t length = end ? (size_t)(end - script) : strlen(script);
        xatop_assert(length < sizeof statement);
        memcpy(statement, script, length);
        statement[length] = '\0';
        if (!session_run(session, statement))
            return false;
        script += end ? length + 2 : length;
    }
    return true;
}

static bool ensure_node_id(struct session *session)
{
    uint64_t id;
    char sql[160];
    if (!session_node_id(session, &id))
        return false;
    if (id != 0)
        return true;
    while (id == 0)
        if (!admin_random(&id))
            return false;
    /* two that initialise at once: the first row stays */
    snprintf(sql, sizeof sql, "INSERT IGNORE INTO xa_node (one, id, created) VALUES (1, %" PRIu64 ", NOW(3))",
             id);
    return session_run(session, sql);
}

enum status node_admin_create(struct node_admin *admin, struct err *err)
{
    struct session *session = &admin->session;
    if (!run_script(session, session->mariadb ? node_schema_mariadb : node_schema_mysql))
        return admin_failed(admin, err, _("cannot create the schema"));
    if (!ensure_node_id(session))
        return admin_failed(admin, err, _("cannot write the node's identity"));
    return STATUS_OK;
}

static enum status held(struct node_admin *admin, struct err *err)
{
    return err_set(
        err, STATUS_NODE,
        _("node %s: a transaction or a prepared branch still needs its tables: run `xatop recover` "
          "first"),
        admin->config.name);
}

enum status node_admin_reset(struct node_admin *admin, struct err *err)
{
    struct session *session = &admin->session;
    struct xid *xids;
    uint32_t count, total, ours = 0;
    if (!session_scan(session, &xids, &count, &total))
        return admin_failed(admin, err, _("cannot list prepared branches"));
    for (uint32_t i = 0; i < count; i++) {
        struct gtrid gtrid;
        unsigned branch;
        ours += xid_parse(&xids[i], &gtrid, &branch);
    }
    free(xids);
    if (ours > 0)
        return held(admin, err);
    for (size_t i = 0; i < sizeof data_tables / sizeof data_tables[0]; i++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", data_tables[i]);
        if (session_run(session, sql))
            continue;
        if (session->error == ERROR_LOCK_WAIT)
            return held(admin, err);
        return admin_failed(admin, err, _("cannot drop a table"));
    }
    return node_admin_create(admin, err);
}

enum status node_admin_count(struct node_admin *admin, struct shape *out, struct err *err)
{
    int64_t counts[3] = {0};
    bool found;
    if (!session_numbers(&admin->session,
                         "SELECT (SELECT COUNT(*) FROM accounts), (SELECT COUNT(*) FROM products), "
                         "(SELECT COUNT(*) FROM customers)",
                         counts, 3, &found))
        return admin_failed(admin, err, _("cannot count the sample rows"));
    *out = (struct shape){.accounts = counts[0], .products = counts[1], .customers = counts[2]};
    return STATUS_OK;
}

enum status node_admin_marker(struct node_admin *admin, const char *gtrid, uint8_t branch, bool *present,
                              struct err *err)
{
    char sql[384];
    struct text text;
    int64_t one;
    *present = false;
    text_init(&text, sql, sizeof sql);
    text_append(&text, "SELECT 1 FROM xa_marker WHERE gtrid = X'");
    text_hex(&text, gtrid, strnlen(gtrid, XATOP_GTRID_MAX));
    text_printf(&text, "' AND branch = %u LIMIT 1", branch);
    if (!session_numbers(&admin->session, sql, &one, 1, present))
        return admin_failed(admin, err, _("cannot read the marker"));
    return STATUS_OK;
}

enum status node_admin_scan(struct node_admin *admin, struct xid **xids, uint32_t *count, uint32_t *total,
                            struct err *err)
{
    if (!session_scan(&admin->session, xids, count, total))
        return admin_failed(admin, err, _("cannot list prepared branches"));
    return STATUS_OK;
}

enum status node_admin_info(struct node_admin *admin, struct node_info *out, struct err *err)
{
    *out = (struct node_info){.state = NODE_UP};
    if (!session_info(&admin->session, out))
        return admin_failed(admin, err, _("cannot read its state"));
    return STATUS_OK;
}

enum status node_admin_epoch(struct node_admin *admin, const char *coordinator, struct node_epoch *out,
                             struct err *err)
{
    if (!session_epoch(&admin->session, coordinator, false, out))
        return admin_failed(admin, err, _("cannot read the epoch row"));
    return STATUS_OK;
}
