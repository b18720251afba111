/* Drives the lab's own interface for tests/integration/lab.sh, without the rest of the program.
 *
 *     labctl STATE start NAME[:MAKE[:PORT]]... [-- SERVER_OPTION...]
 *     labctl STATE stop|kill|freeze|thaw|restart|status NAME      labctl STATE list      labctl STATE detect
 *
 * One line per node on stdout: name, state, make, port, pid, socket, defaults file, log, user, password file.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xatop/clock.h"
#include "xatop/lab.h"
#include "xatop/text.h"

enum { NODES_MAX = XATOP_NODES_MAX };

static void say(void *arg, const char *node, const char *sentence)
{
    (void)arg;
    fprintf(stderr, "%s: %s\n", node, sentence);
}

static void print(const struct lab_node *node)
{
    printf("%s %s %s %u %ld %s %s %s %s %s\n", node->name, lab_state_name(node->state),
           lab_make_name(node->make), node->port, (long)node->pid, node->socket, node->defaults_file,
           node->log_file, node->user, node->password_file);
}

static int end(enum status status, const struct err *err)
{
    if (status)
        fprintf(stderr, "labctl: %s\n", err->text);
    return status_exit_code(status);
}

/* Cut the next ":"-separated word off *@rest; NULL if there is none. */
static char *word(char **rest)
{
    char *from = *rest, *colon = from ? strchr(from, ':') : NULL;
    if (colon)
        *colon = '\0';
    *rest = colon ? colon + 1 : NULL;
    return from;
}

/* "name:mysql:3310" in place; for the make also a server's path. */
static struct lab_config config_of(char *spec, const char *const *options)
{
    struct lab_config config = {.name = word(&spec), .options = options};
    const char *make = word(&spec);
    const char *port = word(&spec);
    int64_t number = 0;
    if (make && strcmp(make, "mysql") == 0)
        config.make = LAB_MYSQL;
    else if (make && strcmp(make, "mariadb") == 0)
        config.make = LAB_MARIADB;
    else if (make && make[0])
        config.server = make;
    if (port && text_to_i64(port, 0, UINT16_MAX, &number))
        config.port = (uint16_t)number;
    return config;
}

static int start(const char *state, char **specs, size_t count)
{
    struct lab_config configs[NODES_MAX];
    static struct lab_node nodes[NODES_MAX];
    const struct lab_progress progress = {say, NULL};
    const char *const *options = NULL;
    struct err err;
    size_t n = 0;
    for (; n < count && n < NODES_MAX && strcmp(specs[n], "--") != 0; n++)
        ;
    if (n < count && strcmp(specs[n], "--") == 0)
        options = (const char *const *)specs + n + 1;
    for (size_t i = 0; i < n; i++)
        configs[i] = config_of(specs[i], options);
    int64_t begun_ms = clock_mono_ms();
    enum status status = lab_start_all(state, configs, n, &progress, nodes, &err);
    for (size_t i = 0; i < n; i++)
        print(&nodes[i]);
    printf("elapsed_ms %lld\n", (long long)(clock_mono_ms() - begun_ms));
    return end(status, &err);
}

static int list(const char *state)
{
    static struct lab_node nodes[NODES_MAX];
    size_t count;
    struct err err;
    enum status status = lab_list(state, nodes, NODES_MAX, &count, &err);
    for (size_t i = 0; i < count; i++)
        print(&nodes[i]);
    return end(status, &err);
}

static int detect(void)
{
    static struct lab_server servers[LAB_SERVERS_MAX];
    size_t count = lab_detect(servers, LAB_SERVERS_MAX);
    for (size_t i = 0; i < count; i++)
        printf("%s %s %s\n", lab_make_name(servers[i].make), servers[i].version, servers[i].path);
    return 0;
}

static int one(const char *state, const char *verb, char *name)
{
    static const struct {
        const char *verb;
        enum status (*run)(const char *state_dir, const char *name, struct err *err);
    } verbs[] = {{"stop", lab_stop}, {"kill", lab_kill}, {"freeze", lab_freeze}, {"thaw", lab_thaw}};
    const struct lab_progress progress = {say, NULL};
    static struct lab_node node;
    struct err err;
    if (strcmp(verb, "restart") == 0) {
        struct lab_config config = config_of(name, NULL);
        return end(lab_restart(state, &config, &progress, &node, &err), &err);
    }
    if (strcmp(verb, "status") == 0) {
        enum status status = lab_status(state, name, &node, &err);
        if (!status)
            print(&node);
        return end(status, &err);
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verb, verbs[i].verb) == 0)
            return end(verbs[i].run(state, name, &err), &err);
    return 2;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    if (strcmp(argv[2], "start") == 0)
        return start(argv[1], argv + 3, (size_t)argc - 3);
    if (strcmp(argv[2], "list") == 0)
        return list(argv[1]);
    if (strcmp(argv[2], "detect") == 0)
        return detect();
    return argc == 4 ? one(argv[1], argv[2], argv[3]) : 2;
}
