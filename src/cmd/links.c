#include "config.h"

#include "links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"
#include "xatop/prng.h"
#include "xatop/text.h"

enum { NO_TARGET = UINT8_MAX };

struct links {
    struct link_proxy *proxy; /* NULL: no node has a link */
    uint8_t target_of[XATOP_NODES_MAX], node_of[XATOP_NODES_MAX];
    char names[XATOP_NODES_MAX][XATOP_NAME_MAX + 1];
    void (*changed)(void *arg, uint8_t node, const char *words);
    void *arg;
};

void links_dir(const struct app *app, char *out, size_t cap)
{
    snprintf(out, cap, "%s/links", app->state_dir);
}

enum status links_check(const struct app *app, int node, struct err *err)
{
    const struct node_configuration *configured = &app->configuration.nodes[node];
    if (!configured->lab && configured->role != ROLE_LAB)
        return err_set(err, STATUS_REFUSED,
                       _("link: %s: is neither a lab node nor has it role = \"lab\"; xatop touches no other"),
                       configured->name);
    if (!configured->lab && !configured->socket[0] && !link_host_is_loopback(configured->host))
        return err_set(err, STATUS_REFUSED,
                       _("link: %s: has role = \"lab\" but is not on loopback; xatop touches no other"),
                       configured->name);
    if (!app->configuration.links)
        return err_set(err, STATUS_REFUSED, _("link: %s: links = false in the configuration: there is none"),
                       configured->name);
    return STATUS_OK;
}

uint16_t links_mask(const struct app *app)
{
    uint16_t mask = 0;
    for (int i = 0; i < app->configuration.node_count; i++)
        if (links_check(app, i, NULL) == STATUS_OK)
            mask |= (uint16_t)(1u << i);
    return mask;
}

void links_recorded(const struct app *app, int node, struct link_state *out)
{
    char dir[sizeof app->state_dir + 8];
    links_dir(app, dir, sizeof dir);
    if (links_check(app, node, NULL) != STATUS_OK ||
        link_file_read(dir, app->configuration.nodes[node].name, out, NULL, NULL) != STATUS_OK)
        *out = (struct link_state){0};
}

static void target_changed(void *arg, uint8_t target, const struct link_state *state)
{
    struct links *links = arg;
    char words[XATOP_REASON_MAX];
    struct text text;
    uint8_t node = links->node_of[target];
    text_init(&text, words, sizeof words);
    text_printf(&text, _("link %s: "), links->names[node]);
    link_format(state, &text);
    links->changed(links->arg, node, words);
}

/* A name is kept where it is verified against the certificate: both names lead to this machine. */
static void lead(struct node_mysql_config *config, const struct link_address *address)
{
    text_copy(config->socket, sizeof config->socket, address->socket);
    if (address->socket[0])
        return;
    if (!config->verify || strcmp(config->host, "localhost") != 0)
        text_copy(config->host, sizeof config->host, address->host);
    config->port = address->port;
}

enum status links_start(struct links **out, const struct app *app, struct access *access,
                        void (*changed)(void *arg, uint8_t node, const char *words), void *arg,
                        struct err *err)
{
    char dir[sizeof app->state_dir + 8];
    struct link_target targets[XATOP_NODES_MAX];
    uint8_t count = 0;
    struct links *links = calloc(1, sizeof *links);
    if (!links)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    links->changed = changed;
    links->arg = arg;
    links_dir(app, dir, sizeof dir);
    uint16_t mask = links_mask(app);
    for (uint8_t i = 0; i < access->count; i++) {
        const struct node_mysql_config *config = &access->nodes[i];
        text_copy(links->names[i], sizeof links->names[i], config->name);
        links->target_of[i] = NO_TARGET;
        if (!(mask & 1u << i))
            continue;
        links->target_of[i] = count;
        links->node_of[count] = i;
        targets[count++] = (struct link_target){config->name, config->socket, config->host, config->port};
    }
    struct link_options options = {.dir = dir, .changed = target_changed, .arg = links};
    random_bytes(&options.seed, sizeof options.seed);
    if (count > 0) {
        enum status status = link_proxy_start(&links->proxy, targets, count, &options, err);
        if (status != STATUS_OK) {
            free(links);
            return status;
        }
    }
    for (uint8_t t = 0; t < count; t++) {
        struct link_address address;
        link_proxy_address(links->proxy, t, &address);
        lead(&access->nodes[links->node_of[t]], &address);
    }
    *out = links;
    return STATUS_OK;
}

void links_hang_up(struct links *links)
{
    if (links && links->proxy)
        link_proxy_hang_up(links->proxy);
}

void links_stop(struct links *links)
{
    if (!links)
        return;
    link_proxy_stop(links->proxy);
    free(links);
}

enum status links_apply(struct links *links, uint8_t node, const char *words, struct err *err)
{
    if (!links || links->target_of[node] == NO_TARGET)
        return err_set(err, STATUS_REFUSED, _("link: this node is not reached through one"));
    return link_proxy_change(links->proxy, links->target_of[node], words, NULL, err);
}

bool links_cut(struct links *links, uint8_t node)
{
    struct link_state state;
    if (!links || links->target_of[node] == NO_TARGET)
        return false;
    link_proxy_get(links->proxy, links->target_of[node], &state);
    return state.cut_request || state.cut_reply;
}
