#include "config.h"

#include "lab_internal.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xatop/i18n.h"
#include "xatop/text.h"

enum { LOCK_TIMEOUT_MS = 150000, STOP_TIMEOUT_MS = 60000, KILL_TIMEOUT_MS = 20000, FREEZE_TIMEOUT_MS = 5000 };

/* --- status --- */

/* A server that answered while nobody waited for it (its starter died). */
static bool answers(const char *socket_path)
{
    int fd = -1;
    bool seen = lab_greeting_look(socket_path, &fd) == LAB_GREETING_SEEN;
    if (fd >= 0)
        close(fd);
    return seen;
}

static void look_at_node(const char *dir, const char *name, struct lab_node *out)
{
    struct lab_record record;
    struct lab_pid pid;
    if (!lab_record_read(dir, &record)) {
        lab_node_fill(dir, name, NULL, out);
        return;
    }
    lab_node_fill(dir, name, &record, out);
    if (!lab_pid_read(dir, &pid) || strcmp(pid.data_dir, out->data_dir) != 0)
        return;
    switch (lab_proc_look(&pid)) {
    case LAB_LIFE_GONE:
        return;
    case LAB_LIFE_STOPPED:
        out->state = LAB_FROZEN;
        break;
    case LAB_LIFE_ENDING: /* no longer answers, still holds its files */
        out->state = LAB_DOWN;
        return;
    case LAB_LIFE_RUNNING:
        out->state = pid.ready || answers(out->socket) ? LAB_UP : LAB_STARTING;
        break;
    }
    out->pid = pid.pid;
}

enum status lab_status(const char *state_dir, const char *name, struct lab_node *out, struct err *err)
{
    char dir[LAB_PATH_MAX];
    *out = (struct lab_node){.state = LAB_ABSENT};
    text_sanitise_cstr(out->name, sizeof out->name, name);
    enum status status = lab_node_dir(state_dir, name, false, dir, err);
    if (!status && dir[0])
        look_at_node(dir, name, out);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct lab_node *x = a, *y = b;
    return strcmp(x->name, y->name);
}

enum status lab_list(const char *state_dir, struct lab_node *out, size_t cap, size_t *count, struct err *err)
{
    char nodes_dir[LAB_PATH_MAX], dir[LAB_PATH_MAX];
    *count = 0;
    enum status status = lab_node_dir(state_dir, "", false, nodes_dir, err);
    DIR *nodes = status || !nodes_dir[0] ? NULL : opendir(nodes_dir);
    if (!nodes) {
        if (!status && nodes_dir[0] && errno != ENOENT)
            status = err_set(err, STATUS_STATE, _("cannot list the nodes: %s"), strerror(errno));
        return status;
    }
    for (struct dirent *entry; *count < cap && (entry = readdir(nodes)) != NULL;) {
        if (!lab_name_valid(entry->d_name))
            continue;
        lab_path(dir, nodes_dir, entry->d_name);
        look_at_node(dir, entry->d_name, &out[*count]);
        *count += out[*count].state != LAB_ABSENT;
    }
    closedir(nodes);
    qsort(out, *count, sizeof *out, by_name);
    return STATUS_OK;
}

/* --- signals --- */

/* Find the node's process; *@life is LAB_LIFE_GONE if there is none. @dir becomes the node's directory. */
static enum status find_process(const char *state_dir, const char *name, char dir[LAB_PATH_MAX],
                                struct lab_pid *pid, enum lab_life *life, struct err *err)
{
    char data[LAB_PATH_MAX];
    struct lab_record record;
    *life = LAB_LIFE_GONE;
    enum status status = lab_node_dir(state_dir, name, false, dir, err);
    if (status)
        return status;
    if (!dir[0] || !lab_record_read(dir, &record))
        return err_set(err, STATUS_NODE, _("node %s: there is no such lab node; xatop nodes list shows them"),
                       name);
    lab_path(data, dir, "data");
    if (lab_pid_read(dir, pid) && strcmp(pid->data_dir, data) == 0)
        *life = lab_proc_look(pid);
    if (*life == LAB_LIFE_GONE && lab_proc_find(data, pid))
        *life = lab_proc_look(pid);
    return STATUS_OK;
}

static enum status not_running(const char *name, struct err *err)
{
    return err_set(err, STATUS_NODE, _("node %s: it does not run; start it first"), name);
}

static enum status still(const char *name, const struct lab_pid *pid, const char *what, struct err *err)
{
    return err_set(err, STATUS_NODE, _("node %s: process %ld %s"), name, (long)pid->pid, what);
}

enum status lab_stop(const char *state_dir, const char *name, struct err *err)
{
    char dir[LAB_PATH_MAX];
    struct lab_pid pid;
    enum lab_life life;
    struct err lock_err;
    enum status status = find_process(state_dir, name, dir, &pid, &life, err);
    if (status)
        return status;
    int lock = lab_lock(dir, name, LOCK_TIMEOUT_MS, &lock_err); /* after a start that is going on */
    if (lock < 0) {
        if (err)
            *err = lock_err;
        return lock_err.status;
    }
    status = find_process(state_dir, name, dir, &pid, &life, err);
    if (!status && life != LAB_LIFE_GONE) {
        lab_proc_signal(&pid, SIGTERM);
        lab_proc_signal(&pid, SIGCONT); /* a stopped process takes its SIGTERM only then */
        if (!lab_proc_await(&pid, LAB_LIFE_GONE, STOP_TIMEOUT_MS))
            status = still(name, &pid, _("did not end within 60 s; kill it with xatop nodes kill"), err);
    }
    close(lock);
    return status;
}

/* Kill, freeze and thaw take no lock: they are faults, they come when they like, also into a start. */
enum status lab_kill(const char *state_dir, const char *name, struct err *err)
{
    char dir[LAB_PATH_MAX];
    struct lab_pid pid;
    enum lab_life life;
    enum status status = find_process(state_dir, name, dir, &pid, &life, err);
    if (status)
        return status;
    if (life == LAB_LIFE_GONE)
        return not_running(name, err);
    lab_proc_signal(&pid, SIGKILL);
    if (!lab_proc_await(&pid, LAB_LIFE_GONE, KILL_TIMEOUT_MS))
        return still(name, &pid, _("was killed but does not end; it may wait for its disk"), err);
    return STATUS_OK;
}

static enum status stop_or_go(const char *state_dir, const char *name, int signal, enum lab_life wanted,
                              struct err *err)
{
    char dir[LAB_PATH_MAX];
    struct lab_pid pid;
    enum lab_life life;
    enum status status = find_process(state_dir, name, dir, &pid, &life, err);
    if (status)
        return status;
    if (life != LAB_LIFE_RUNNING && life != LAB_LIFE_STOPPED)
        return not_running(name, err);
    if (life == wanted)
        return STATUS_OK;
    lab_proc_signal(&pid, signal);
    if (!lab_proc_await(&pid, wanted, FREEZE_TIMEOUT_MS))
        return still(name, &pid, _("did not take the signal"), err);
    return STATUS_OK;
}

enum status lab_freeze(const char *state_dir, const char *name, struct err *err)
{
    return stop_or_go(state_dir, name, SIGSTOP, LAB_LIFE_STOPPED, err);
}

enum status lab_thaw(const char *state_dir, const char *name, struct err *err)
{
    return stop_or_go(state_dir, name, SIGCONT, LAB_LIFE_RUNNING, err);
}

enum status lab_restart(const char *state_dir, const struct lab_config *config,
                        const struct lab_progress *progress, struct lab_node *out, struct err *err)
{
    enum status status = lab_stop(state_dir, config->name, err);
    return status ? status : lab_start(state_dir, config, progress, out, err);
}
