#include "config.h"

#include "lab_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"
#include "xatop/prng.h"
#include "xatop/text.h"

static const char *make_words(enum lab_make make)
{
    return make == LAB_MYSQL ? "MySQL" : make == LAB_MARIADB ? "MariaDB" : _("MySQL or MariaDB");
}

static const struct lab_server *find_server(struct lab_servers *servers, enum lab_make make)
{
    if (!servers->looked) {
        servers->count = lab_detect(servers->list, LAB_SERVERS_MAX);
        servers->looked = true;
    }
    for (size_t i = 0; i < servers->count; i++)
        if (make == LAB_ANY || servers->list[i].make == make)
            return &servers->list[i];
    return NULL;
}

/* A server named in the configuration. */
static enum status named_server(const struct lab_config *config, struct lab_server *out, struct err *err)
{
    char real[PATH_MAX], shown[200];
    const char *path = config->server;
    text_sanitise_cstr(shown, sizeof shown, path);
    if (path[0] != '/') /* the server is started in another directory */
        path = realpath(path, real);
    if (!path || !lab_probe(path, out))
        return err_set(
            err, STATUS_NODE,
            _("node %s: %s is not a server that can be run; name a mysqld or mariadbd, or a script that "
              "executes one with \"$@\" first"),
            config->name, shown);
    if (config->make != LAB_ANY && out->make != config->make)
        return err_set(err, STATUS_USAGE, _("node %s: %s is %s, but %s is wanted"), config->name, shown,
                       make_words(out->make), make_words(config->make));
    return STATUS_OK;
}

enum status lab_check_make(const char *node_dir, const char *name, enum lab_make wanted,
                           enum lab_make recorded, struct err *err)
{
    char shown[200];
    if (wanted == LAB_ANY || wanted == recorded)
        return STATUS_OK;
    text_sanitise_cstr(shown, sizeof shown, node_dir);
    return err_set(err, STATUS_USAGE,
                   _("node %s: it was made with %s, but %s is wanted; stop it and remove %s to make it anew"),
                   name, make_words(recorded), make_words(wanted), shown);
}

static enum status choose_server(const char *node_dir, const struct lab_config *config,
                                 struct lab_servers *servers, bool made, struct lab_record *record,
                                 struct err *err)
{
    struct lab_server *chosen = calloc(1, sizeof *chosen);
    xatop_assert(chosen);
    const struct lab_server *found = chosen;
    enum status status =
        made ? lab_check_make(node_dir, config->name, config->make, record->make, err) : STATUS_OK;
    if (status)
        goto out;
    if (config->server && config->server[0]) {
        status = named_server(config, chosen, err);
        if (!status && made)
            status = lab_check_make(node_dir, config->name, chosen->make, record->make, err);
    } else if (!made || !lab_probe(record->server, chosen) || chosen->make != record->make) {
        enum lab_make make = made ? record->make : config->make;
        found = find_server(servers, make); /* new, or the one of last time has left the machine */
        if (!found)
            status = err_set(
                err, STATUS_NODE,
                _("node %s: no %s server was found on this machine; install one or name it in %s"),
                config->name, make_words(make), make == LAB_MARIADB ? "XATOP_MARIADBD" : "XATOP_MYSQLD");
    }
    if (!status) {
        text_copy(record->server, sizeof record->server, found->path);
        text_copy(record->version, sizeof record->version, found->version);
        record->make = found->make;
    }
out:
    free(chosen);
    return status;
}

static enum status choose_port(const char *node_dir, const struct lab_config *config,
                               struct lab_record *record, struct err *err)
{
    if (config->port) {
        if (!lab_port_free(config->port))
            return err_set(err, STATUS_NODE,
                           _("node %s: port %u is in use by something else; choose another for it in the "
                             "configuration, or 0 for any free one"),
                           config->name, config->port);
        record->port = config->port;
    } else if (!record->port || !lab_port_free(record->port)) {
        record->port = lab_port_pick(node_dir);
        if (!record->port)
            return err_set(err, STATUS_NODE, _("node %s: no free port on 127.0.0.1"), config->name);
    }
    return STATUS_OK;
}

enum status lab_choose(const char *node_dir, const struct lab_config *config, struct lab_servers *servers,
                       bool made, struct lab_record *record, struct err *err)
{
    size_t options = 0;
    while (config->options && config->options[options])
        options++;
    if (options > LAB_OPTIONS_MAX)
        return err_set(err, STATUS_USAGE, _("node %s: more than %d server options"), config->name,
                       LAB_OPTIONS_MAX);
    if (made && record->make == LAB_ANY)
        return err_set(
            err, STATUS_STATE,
            _("node %s: its data is there but its record is missing or damaged; move the data away or "
              "remove it"),
            config->name);
    enum status status = choose_server(node_dir, config, servers, made, record, err);
    if (!status)
        status = choose_port(node_dir, config, record, err);
    if (!status)
        status = lab_socket_dir(node_dir, record->socket_dir, err);
    while (!record->server_id)
        random_bytes(&record->server_id, sizeof record->server_id);
    return status;
}
