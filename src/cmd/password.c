/* Passwords from a file, a descriptor or the terminal; never from the command line. */
#include "config.h"

#include "xatop/configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "config_internal.h"
#include "xatop/i18n.h"

/* The first line of @fd, at most @cap - 1 bytes. False if it is longer, empty, or cannot be read. */
static bool read_line(int fd, char *out, size_t cap)
{
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || c == '\n')
            break;
        if (len + 1 == cap)
            return false;
        out[len++] = c;
    }
    if (len > 0 && out[len - 1] == '\r')
        len--;
    out[len] = '\0';
    return len > 0;
}

static enum status from_file(struct node_configuration *node, struct err *err)
{
    struct stat st;
    int fd = config_open(node->password_file, &st);
    if (fd < 0)
        return err_set(err, STATUS_USAGE, _("node %s: password_file %s: %s"), node->name, node->password_file,
                       errno == EINVAL ? _("is not a regular file") : strerror(errno));
    bool ours = st.st_uid == geteuid() && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    bool read = ours && read_line(fd, node->password, sizeof node->password);
    close(fd);
    if (!ours)
        return err_set(err, STATUS_USAGE,
                       _("node %s: password_file %s: must belong to you with mode 600; run chmod 600"),
                       node->name, node->password_file);
    return read ? STATUS_OK
                : err_set(err, STATUS_USAGE,
                          _("node %s: password_file %s: holds no password in its first line"), node->name,
                          node->password_file);
}

static enum status from_fd(struct node_configuration *node, struct err *err)
{
    if (read_line((int)node->password_fd, node->password, sizeof node->password))
        return STATUS_OK;
    return err_set(err, STATUS_USAGE, _("node %s: password_fd %d: no password can be read from it"),
                   node->name, (int)node->password_fd);
}

static int prompt_tty = -1;
static struct termios prompt_before;

/* Only calls that POSIX lists as safe in a handler. */
static void restore_and_die(int signal_number)
{
    tcsetattr(prompt_tty, TCSAFLUSH, &prompt_before);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static enum status from_prompt(struct node_configuration *node, struct err *err)
{
    static const int fatal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    enum { FATAL = sizeof fatal / sizeof fatal[0] };
    struct sigaction before[FATAL], handler = {.sa_handler = restore_and_die};
    struct sigaction stop_before,
        ignore = {.sa_handler = SIG_IGN}; /* stopped, it would leave the shell without echo */
    prompt_tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (prompt_tty < 0 || tcgetattr(prompt_tty, &prompt_before) != 0)
        return err_set(err, STATUS_USAGE,
                       _("node %s: password_prompt: there is no terminal to ask on; use password_file"),
                       node->name);
    struct termios silent = prompt_before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    for (int i = 0; i < FATAL; i++)
        sigaction(fatal[i], &handler, &before[i]);
    sigaction(SIGTSTP, &ignore, &stop_before);
    tcsetattr(prompt_tty, TCSAFLUSH, &silent);
    dprintf(prompt_tty, _("password of %s at node %s: "), node->user, node->name);
    bool read = read_line(prompt_tty, node->password, sizeof node->password);
    tcsetattr(prompt_tty, TCSAFLUSH, &prompt_before);
    for (int i = 0; i < FATAL; i++)
        sigaction(fatal[i], &before[i], NULL);
    sigaction(SIGTSTP, &stop_before, NULL);
    dprintf(prompt_tty, "\n");
    close(prompt_tty);
    return read ? STATUS_OK : err_set(err, STATUS_USAGE, _("node %s: no password was typed"), node->name);
}

enum status configuration_passwords(struct configuration *configuration, struct err *err)
{
    for (int i = 0; i < configuration->node_count; i++) {
        struct node_configuration *node = &configuration->nodes[i];
        enum status status = STATUS_OK;
        if (node->password_file[0])
            status = from_file(node, err);
        else if (node->password_fd >= 0)
            status = from_fd(node, err);
        else if (node->password_prompt)
            status = from_prompt(node, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
