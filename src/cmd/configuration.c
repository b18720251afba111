/* The configuration as a whole: which file, what the environment overrides, what must hold across keys. */
#include "config.h"

#include "xatop/configuration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_internal.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

void configuration_builtin_lab(struct configuration *configuration)
{
    configuration->builtin_lab = true;
    configuration->node_count = 2;
    for (int i = 0; i < 2; i++) {
        struct node_configuration *node = &configuration->nodes[i];
        keys_set_defaults(node_keys, node);
        snprintf(node->name, sizeof node->name, "n%d", i + 1);
        node->lab = true;
    }
}

void configuration_defaults(struct configuration *out)
{
    *out = (struct configuration){0};
    keys_set_defaults(configuration_keys, out);
    configuration_builtin_lab(out);
}

int configuration_find_node(const struct configuration *configuration, const char *name)
{
    for (int i = 0; i < configuration->node_count; i++)
        if (strcmp(configuration->nodes[i].name, name) == 0)
            return i;
    return -1;
}

static bool node_check(const struct configuration *c, int i, char why[CONFIG_WHY_MAX])
{
    const struct node_configuration *n = &c->nodes[i];
    if (configuration_find_node(c, n->name) != i) {
        snprintf(why, CONFIG_WHY_MAX, _("nodes: two nodes are named %s"), n->name);
        return false;
    }
    if ((n->password[0] != 0) + (n->password_file[0] != 0) + (n->password_fd >= 0) + n->password_prompt > 1) {
        snprintf(why, CONFIG_WHY_MAX, _("node %s: more than one source of the password"), n->name);
        return false;
    }
    if (!n->lab && (n->server[0] || n->log_bin != LOG_BIN_SHIPPED || n->make != MAKE_ANY)) {
        snprintf(why, CONFIG_WHY_MAX,
                 _("node %s: server, make and log_bin are for lab nodes only; add lab = true"), n->name);
        return false;
    }
    if (n->lab && n->socket[0]) {
        snprintf(why, CONFIG_WHY_MAX,
                 _("node %s: the socket of a lab node is under the state directory; leave it out"), n->name);
        return false;
    }
    return true;
}

bool configuration_check(struct configuration *configuration, char why[CONFIG_WHY_MAX])
{
    for (int i = 0; i < configuration->node_count; i++)
        if (!node_check(configuration, i, why))
            return false;
    return true;
}

/* --- environment ----------------------------------------------------------- */

static enum status set_from_environment(const struct key_spec *key, void *base, const char *name,
                                        const char *value, struct err *err)
{
    char why[CONFIG_WHY_MAX];
    int64_t number;
    bool right;
    if (key->type == KEY_INT) {
        size_t len = strlen(key->name);
        int64_t unit = len > 3 && strcmp(key->name + len - 3, "_ms") == 0 ? 1000 : 1;
        right = text_to_i64(value, INT64_MIN / 1000, INT64_MAX / 1000, &number) &&
                key_set_int(key, base, number * unit, why);
    } else {
        right = key_set_text(key, base, value, why);
    }
    if (right)
        return STATUS_OK;
    char range[96];
    key_range(key, range, sizeof range);
    return err_set(err, STATUS_USAGE, _("%s: wrong value; %s is %s%s"), name, key->name,
                   key->type == KEY_INT ? _("a whole number, ") : "", range);
}

/* Make the environment's node @n (1..) stand: what comes from it replaces the built-in lab. */
static enum status node_from_environment(struct configuration *c, int n, struct err *err)
{
    for (const struct key_spec *k = node_keys; k->name; k++) {
        char name[32];
        if (!k->env[0])
            continue;
        snprintf(name, sizeof name, "DB%d_%s", n, k->env);
        const char *value = getenv(name);
        if (!value || !value[0])
            continue;
        if (c->builtin_lab) {
            c->builtin_lab = false;
            c->node_count = 0;
        }
        if (n > c->node_count + 1)
            return err_set(err, STATUS_USAGE,
                           _("%s: is set but nothing of DB%d_*; number the nodes without a gap"), name,
                           c->node_count + 1);
        struct node_configuration *node = &c->nodes[n - 1];
        if (n == c->node_count + 1) {
            c->node_count = n;
            keys_set_defaults(node_keys, node);
            snprintf(node->name, sizeof node->name, "n%d", n);
        }
        enum status status = set_from_environment(k, node, name, value, err);
        if (status != STATUS_OK)
            return status;
        if (strcmp(k->env, "HOST") == 0 || strcmp(k->env, "PORT") == 0)
            node->socket[0] = '\0';
        if (k->type == KEY_SECRET) {
            node->password_file[0] = '\0';
            node->password_fd = -1;
            node->password_prompt = false;
        }
    }
    return STATUS_OK;
}

enum status configuration_environment(struct configuration *configuration, struct err *err)
{
    for (const struct key_spec *k = configuration_keys; k->name; k++) {
        const char *value = k->env[0] ? getenv(k->env) : NULL;
        if (!value || !value[0])
            continue;
        enum status status = set_from_environment(k, configuration, k->env, value, err);
        if (status != STATUS_OK)
            return status;
    }
    for (int n = 1; n <= XATOP_NODES_MAX; n++) {
        enum status status = node_from_environment(configuration, n, err);
        if (status != STATUS_OK)
            return status;
    }
    char why[CONFIG_WHY_MAX];
    return configuration_check(configuration, why) ? STATUS_OK : err_set(err, STATUS_USAGE, "%s", why);
}

/* The bytes of the environment are seen in /proc and inherited by every child: overwrite them, then take them
 * out. */
static void wipe_password_variables(void)
{
    for (int n = 0; n <= 99; n++) {
        char name[32];
        snprintf(name, sizeof name, "DB%d_PASSWORD", n);
        char *value = getenv(name);
        if (value) {
            explicit_bzero(value, strlen(value));
            unsetenv(name);
        }
    }
}

/* --- which file ------------------------------------------------------------ */

static bool default_file(char *out, size_t cap)
{
    struct text path;
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (access("xatop.conf", F_OK) == 0) {
        text_copy(out, cap, "./xatop.conf");
        return true;
    }
    text_init(&path, out, cap);
    if (xdg && xdg[0] == '/')
        text_printf(&path, "%s/xatop/xatop.conf", xdg);
    else if (home && home[0] == '/')
        text_printf(&path, "%s/.config/xatop/xatop.conf", home);
    return path.len > 0 && !path.truncated && access(out, F_OK) == 0;
}

enum status configuration_load(struct configuration *out, const char *file, struct err *err)
{
    char found[1024];
    const char *variable = getenv("XATOP_CONFIG");
    enum status status = STATUS_OK;
    configuration_defaults(out);
    if (!file && variable && variable[0])
        file = variable;
    if (!file && default_file(found, sizeof found))
        file = found;
    if (file)
        status = configuration_read_file(out, file, err);
    if (status == STATUS_OK)
        status = configuration_environment(out, err);
    wipe_password_variables();
    return status;
}

void configuration_wipe(struct configuration *configuration)
{
    for (int i = 0; i < XATOP_NODES_MAX; i++)
        explicit_bzero(configuration->nodes[i].password, sizeof configuration->nodes[i].password);
}
