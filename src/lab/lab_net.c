#include "config.h"

#include "lab_internal.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "xatop/prng.h"
#include "xatop/text.h"

/* Below the kernel's ephemeral range (32768..): a remembered port must not be lost to somebody's outgoing
 * connection. */
enum { PORT_FIRST = 20000, PORT_COUNT = 10000, PORT_TRIES = 200 };

bool lab_port_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    int on = 1; /* as the servers do: old connections in TIME_WAIT are no obstacle, a listener is */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool ok = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0;
    close(fd);
    return ok;
}

/* Does another node beside @node_dir remember @port? It may be down now. */
static bool remembered(const char *node_dir, uint16_t port)
{
    char parent[LAB_PATH_MAX];
    text_copy(parent, sizeof parent, node_dir);
    char *slash = strrchr(parent, '/');
    xatop_assert(slash);
    *slash = '\0';
    DIR *nodes = opendir(parent);
    if (!nodes)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(nodes)) != NULL;) {
        char dir[LAB_PATH_MAX];
        struct lab_record record;
        if (!lab_name_valid(entry->d_name) || strcmp(entry->d_name, slash + 1) == 0)
            continue;
        lab_path(dir, parent, entry->d_name);
        found = lab_record_read(dir, &record) && record.port == port;
    }
    closedir(nodes);
    return found;
}

uint16_t lab_port_pick(const char *node_dir)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        uint32_t dice;
        random_bytes(&dice, sizeof dice);
        uint16_t port = (uint16_t)(PORT_FIRST + dice % PORT_COUNT);
        if (lab_port_free(port) && !remembered(node_dir, port))
            return port;
    }
    return 0;
}

/* The server speaks first: length (3 bytes), sequence 0, then protocol version 10, or 255 for an error such
 * as "too many connections", which only a running server sends. */
static bool is_greeting(const unsigned char *p, ssize_t n)
{
    return n >= 5 && p[3] == 0 && (p[4] == 10 || p[4] == 255);
}

enum lab_greeting lab_greeting_look(const char *socket_path, int *fd)
{
    if (*fd < 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(socket_path) >= sizeof address.sun_path)
            return LAB_GREETING_NONE;
        text_copy(address.sun_path, sizeof address.sun_path, socket_path);
        *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (*fd >= 0 && connect(*fd, (struct sockaddr *)&address, sizeof address)) {
            close(*fd);
            *fd = -1;
        }
    }
    if (*fd < 0)
        return LAB_GREETING_NONE;
    unsigned char head[5];
    ssize_t n = recv(*fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    bool wait = n < 0 ? errno == EAGAIN || errno == EINTR : n > 0 && n < (ssize_t)sizeof head;
    if (wait)
        return LAB_GREETING_NONE;
    close(*fd);
    *fd = -1;
    return is_greeting(head, n) ? LAB_GREETING_SEEN : LAB_GREETING_NONE;
}
