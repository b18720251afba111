#include "config.h"

#include "xatop/access.h"

#include <string.h>

#include "xatop/i18n.h"
#include "xatop/text.h"

void access_lab_config(const struct node_configuration *node, struct lab_config *out)
{
    static const enum lab_make makes[] = {
        [MAKE_ANY] = LAB_ANY, [MAKE_MYSQL] = LAB_MYSQL, [MAKE_MARIADB] = LAB_MARIADB};
    static const enum lab_binlog binlogs[] = {LAB_BINLOG_AS_SHIPPED, LAB_BINLOG_ON, LAB_BINLOG_OFF};
    *out = (struct lab_config){
        .name = node->name,
        .server = node->server,
        .make = makes[node->make],
        .port = (uint16_t)node->port,
        .binlog = binlogs[node->log_bin],
    };
}

static enum status load_lab_node(struct app *app, const struct node_configuration *node, char *password,
                                 size_t cap, struct node_mysql_config *out)
{
    struct lab_node lab;
    enum status status = lab_status(app->state_dir, node->name, &lab, &app->err);
    if (status != STATUS_OK)
        return status;
    if (lab.state == LAB_ABSENT)
        return err_set(&app->err, STATUS_NODE, _("node %s: was never created; run xatop setup"), node->name);
    text_copy(out->host, sizeof out->host, lab.host);
    out->port = lab.port;
    if (strlen(lab.socket) < sizeof out->socket) /* no TLS to be set up for every session */
        text_copy(out->socket, sizeof out->socket, lab.socket);
    text_copy(out->user, sizeof out->user, lab.user);
    status = lab_password(&lab, password, cap, &app->err);
    out->password = password;
    return status;
}

static void load_plain_node(const struct node_configuration *node, struct node_mysql_config *out)
{
    text_copy(out->socket, sizeof out->socket, node->socket);
    text_copy(out->host, sizeof out->host, node->host);
    out->port = node->port ? (uint16_t)node->port : 3306;
    text_copy(out->user, sizeof out->user, node->user);
    out->password = node->password[0] ? node->password : NULL;
}

enum status access_load(struct app *app, struct access *out)
{
    const struct configuration *configuration = &app->configuration;
    memset(out, 0, sizeof *out);
    out->count = (uint8_t)configuration->node_count;
    for (uint8_t i = 0; i < out->count; i++) {
        const struct node_configuration *node = &configuration->nodes[i];
        struct node_mysql_config *config = &out->nodes[i];
        text_copy(config->name, sizeof config->name, node->name);
        text_copy(config->database, sizeof config->database, node->database);
        text_copy(config->tls_ca, sizeof config->tls_ca, node->tls_ca);
        config->verify = node->tls == TLS_VERIFY;
        config->allow_insecure = node->tls == TLS_INSECURE;
        enum status status = STATUS_OK;
        if (node->lab)
            status = load_lab_node(app, node, out->passwords[i], sizeof out->passwords[i], config);
        else
            load_plain_node(node, config);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

void access_wipe(struct access *access)
{
    explicit_bzero(access, sizeof *access);
}
