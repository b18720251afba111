/* Starting nodes. All of a call's nodes go through the same phases side by side, each moved on by step(), so
 * that two first starts take as long as one:
 *
 *   LOCK ──► (runs already) ────────────────────────► WAIT ──► DONE
 *     └────► MAKE ──► INITIALISING ──► LAUNCH ─────────┘          any ──► FAILED
 *              └──── has data ───────────┘
 *
 * If we die: in INITIALISING, data.tmp stays behind and is removed by the next start (its initialiser is
 * killed first); in WAIT, the server goes on and the next start finds it, by the pid record or by its command
 * line, and waits again. */
#include "config.h"

#include "lab_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/text.h"

enum {
    STEP_MS = 10,
    LOCK_TIMEOUT_MS = 150000,
    INIT_TIMEOUT_MS = 180000,
    READY_TIMEOUT_MS = 120000,
    END_TIMEOUT_MS = 10000,
    QUOTED_LINES = 3,  /* in the error line */
    SPOKEN_LINES = 10, /* told as progress */
};

enum phase { PHASE_LOCK, PHASE_MAKE, PHASE_INITIALISING, PHASE_LAUNCH, PHASE_WAIT, PHASE_DONE, PHASE_FAILED };

struct start {
    const struct lab_config *config;
    const struct lab_progress *progress;
    struct lab_servers *servers;
    enum phase phase;
    int lock_fd, greeting_fd;
    struct lab_record record;
    struct lab_pid pid; /* of the server, or of the initialiser */
    int64_t begun_ms, deadline_ms, log_from;
    char dir[LAB_PATH_MAX], data[LAB_PATH_MAX], partial[LAB_PATH_MAX], log[LAB_PATH_MAX],
        socket[LAB_PATH_MAX];
    struct err err;
};

static void say(const struct start *start, const char *sentence)
{
    if (start->progress && start->progress->say)
        start->progress->say(start->progress->arg, start->config->name, sentence);
}

static const char *make_words(const struct start *start)
{
    return start->record.make == LAB_MYSQL ? "MySQL" : "MariaDB";
}

static void fail(struct start *start)
{
    start->phase = PHASE_FAILED;
    lab_accounts_clean(start->dir);
}

/* --- what a failed server said --- */

static void say_line(void *arg, const char *line)
{
    say(arg, line);
}

static void quote_line(void *arg, const char *line)
{
    struct text *text = arg;
    text_append(text, text->len ? " | " : "");
    text_append(text, line);
}

static void fail_with_log(struct start *start, const char *what)
{
    char quoted[XATOP_ERROR_MAX - 200], log[128];
    struct text text;
    text_init(&text, quoted, sizeof quoted);
    lab_log_tail(start->log, start->log_from, SPOKEN_LINES, say_line, start);
    lab_log_tail(start->log, start->log_from, QUOTED_LINES, quote_line, &text);
    if (text.len == 0)
        text_append(&text, _("it said nothing"));
    char shown[sizeof quoted]; /* whole characters only, though the quote may have been cut */
    text_sanitise_cstr(shown, sizeof shown, quoted);
    text_sanitise_cstr(log, sizeof log, start->log);
    err_set(&start->err, STATUS_NODE, "node %s: %s: %s; see %s", start->config->name, what, shown, log);
    fail(start);
}

/* --- phases --- */

/* Is there a server on this node's data, recorded or not? */
static enum lab_life look_for_server(struct start *start)
{
    enum lab_life life = LAB_LIFE_GONE;
    if (lab_pid_read(start->dir, &start->pid) && strcmp(start->pid.data_dir, start->data) == 0)
        life = lab_proc_look(&start->pid);
    if (life == LAB_LIFE_GONE && lab_proc_find(start->data, &start->pid)) {
        life = lab_proc_look(&start->pid); /* we died between its start and the record */
        if (life == LAB_LIFE_RUNNING || life == LAB_LIFE_STOPPED)
            lab_pid_write(start->dir, &start->pid, NULL);
    }
    return life;
}

static void begin_wait(struct start *start)
{
    lab_path(start->socket, start->record.socket_dir, "mysql.sock");
    start->deadline_ms = clock_mono_ms() + READY_TIMEOUT_MS;
    start->phase = PHASE_WAIT;
}

/* Somebody started it already: wait with them. */
static void join_running(struct start *start, bool known)
{
    if (!known)
        err_set(&start->err, STATUS_STATE,
                _("node %s: a server runs but its record is missing; end process %ld"), start->config->name,
                (long)start->pid.pid);
    else
        lab_check_make(start->dir, start->config->name, start->config->make, start->record.make, &start->err);
    if (start->err.status) {
        fail(start);
        return;
    }
    start->log_from = lab_log_size(start->log);
    begin_wait(start);
}

static void step_lock(struct start *start)
{
    struct err err;
    if (start->lock_fd < 0) {
        start->lock_fd = lab_lock(start->dir, start->config->name, 0, &err);
        if (start->lock_fd < 0) {
            if (err.status != STATUS_NODE || clock_mono_ms() - start->begun_ms > LOCK_TIMEOUT_MS) {
                start->err = err;
                fail(start);
            }
            return;
        }
    }
    bool known = lab_record_read(start->dir, &start->record);
    switch (look_for_server(start)) {
    case LAB_LIFE_ENDING: /* next turn */
        if (clock_mono_ms() - start->begun_ms > LOCK_TIMEOUT_MS)
            fail_with_log(start, _("its last server does not end"));
        return;
    case LAB_LIFE_STOPPED:
        err_set(&start->err, STATUS_NODE, _("node %s: it is frozen; thaw it first"), start->config->name);
        fail(start);
        return;
    case LAB_LIFE_RUNNING:
        join_running(start, known);
        return;
    case LAB_LIFE_GONE:
        break;
    }
    start->phase = PHASE_MAKE;
}

/* An initialiser of a start that died may still be writing to data.tmp. */
static bool end_initialiser(const char *partial)
{
    struct lab_pid other;
    while (lab_proc_find(partial, &other))
        if (!lab_proc_signal(&other, SIGKILL) || !lab_proc_await(&other, LAB_LIFE_GONE, END_TIMEOUT_MS))
            return false;
    return true;
}

static pid_t spawn_initialiser(struct start *start)
{
    struct lab_args args = {0};
    char sql[LAB_PATH_MAX], share[LAB_PATH_MAX];
    struct lab_config plain = {.name = start->config->name, .binlog = LAB_BINLOG_OFF};
    bool mariadb = start->record.make == LAB_MARIADB;
    lab_path(sql, start->dir, "bootstrap.sql");
    if (mariadb && !lab_mariadb_share(start->record.server, share)) {
        err_set(&start->err, STATUS_NODE,
                _("node %s: the SQL files of MariaDB's system tables were not found; install "
                  "mariadb-server-core"),
                start->config->name);
        return 0;
    }
    if (mariadb && lab_bootstrap_write(share, sql, &start->err))
        return 0;
    lab_args_server(&args, start->dir, start->partial, &start->record, &plain);
    if (mariadb) {
        lab_args_add(&args, "--bootstrap");
        lab_args_add(&args, "--max-allowed-packet=8M");
        lab_args_add(&args, "--log-warnings=0");
    } else {
        lab_args_add(
            &args,
            "--initialize-insecure"); /* until the first start, which sets the password before it listens */
    }
    pid_t pid = lab_spawn(args.argv, mariadb ? sql : NULL, start->log);
    lab_args_free(&args);
    if (pid < 0)
        err_set(&start->err, STATUS_NODE, _("node %s: the server cannot be executed: %s"),
                start->config->name, strerror((int)-pid));
    return pid > 0 ? pid : 0;
}

static void record_process(struct start *start, pid_t pid, const char *data_dir)
{
    struct lab_proc_stat stat = {0};
    lab_proc_stat(pid, &stat); /* it is our child and not waited for: it is there, if only as a zombie */
    start->pid = (struct lab_pid){.pid = pid, .start_ticks = stat.start_ticks};
    text_copy(start->pid.data_dir, sizeof start->pid.data_dir, data_dir);
}

/* Begin a data directory in data.tmp: half a one is never taken for a whole one. */
static void begin_initialising(struct start *start)
{
    char sentence[256];
    struct text text;
    text_init(&text, sentence, sizeof sentence);
    text_printf(&text, _("making its data directory with %s %s"), make_words(start), start->record.version);
    say(start, sentence);
    if (!end_initialiser(start->partial) || !lab_remove_tree(start->partial)) {
        err_set(&start->err, STATUS_STATE, _("node %s: the half-made data directory cannot be removed: %s"),
                start->config->name, strerror(errno));
        fail(start);
        return;
    }
    pid_t pid = lab_mkdir(start->partial, &start->err) ? 0 : spawn_initialiser(start);
    if (!pid) {
        fail(start);
        return;
    }
    record_process(start, pid, start->partial);
    start->deadline_ms = clock_mono_ms() + INIT_TIMEOUT_MS;
    start->phase = PHASE_INITIALISING;
}

static void step_make(struct start *start)
{
    char tmp[LAB_PATH_MAX];
    struct stat st;
    bool made = stat(start->data, &st) == 0;
    lab_path(tmp, start->dir, "tmp");
    if (lab_choose(start->dir, start->config, start->servers, made, &start->record, &start->err) ||
        lab_mkdir(tmp, &start->err) || lab_record_write(start->dir, &start->record, &start->err)) {
        fail(start);
        return;
    }
    lab_log_rotate(start->log);
    start->log_from = lab_log_size(start->log);
    if (made)
        start->phase = PHASE_LAUNCH;
    else
        begin_initialising(start);
}

static void step_initialising(struct start *start)
{
    char sql[LAB_PATH_MAX];
    int status = -1;
    pid_t ended = waitpid(start->pid.pid, &status, WNOHANG);
    if (ended == 0) {
        if (clock_mono_ms() < start->deadline_ms)
            return;
        lab_proc_signal(&start->pid, SIGKILL);
        lab_proc_await(&start->pid, LAB_LIFE_GONE, END_TIMEOUT_MS);
    }
    lab_path(sql, start->dir, "bootstrap.sql");
    unlink(sql);
    if (ended <= 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_with_log(start, _("its data directory could not be made"));
        return;
    }
    if (rename(start->partial, start->data)) {
        err_set(&start->err, STATUS_STATE, _("node %s: cannot rename its data directory: %s"),
                start->config->name, strerror(errno));
        fail(start);
        return;
    }
    start->phase = PHASE_LAUNCH;
}

/* A killed server leaves its socket and MySQL's lock on it; that pid is gone (look_for_server), or the lock
 * would be right. */
static void remove_stale(const struct start *start)
{
    static const char *const leaves[] = {"mysql.sock", "mysql.sock.lock"};
    char path[LAB_PATH_MAX];
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        lab_path(path, start->record.socket_dir, leaves[i]);
        unlink(path);
    }
    lab_path(path, start->dir, "server.pid");
    unlink(path);
}

static void step_launch(struct start *start)
{
    struct lab_args args = {0};
    char sentence[256];
    struct text text;
    bool accounts = !start->record.secured || !lab_accounts_complete(start->dir);
    start->record.secured = !accounts;
    if (lab_record_write(start->dir, &start->record, &start->err) ||
        lab_accounts_write(start->dir, &start->record, accounts, &start->err)) {
        fail(start);
        return;
    }
    remove_stale(start);
    lab_args_server(&args, start->dir, start->data, &start->record, start->config);
    if (accounts)
        lab_args_add(&args, "--init-file=%s/init.sql", start->dir);
    text_init(&text, sentence, sizeof sentence);
    text_printf(&text, _("starting %s on port %u"), make_words(start), start->record.port);
    say(start, sentence);
    start->log_from = lab_log_size(start->log);
    pid_t pid = lab_spawn(args.argv, NULL, start->log);
    lab_args_free(&args);
    if (pid < 0) {
        err_set(&start->err, STATUS_NODE, _("node %s: the server cannot be executed: %s"),
                start->config->name, strerror((int)-pid));
        fail(start);
        return;
    }
    record_process(start, pid, start->data);
    if (lab_pid_write(start->dir, &start->pid,
                      &start->err)) { /* without a record nobody could stop it later */
        lab_proc_signal(&start->pid, SIGKILL);
        lab_proc_await(&start->pid, LAB_LIFE_GONE, END_TIMEOUT_MS);
        fail(start);
        return;
    }
    begin_wait(start);
}

/* It answers, so its init file was read to the end or to the first error. */
static bool secure(struct start *start)
{
    if (start->record.secured)
        return true;
    lab_accounts_clean(start->dir);
    if (!lab_accounts_done(start->dir)) {
        lab_proc_signal(&start->pid, SIGTERM);
        lab_proc_await(&start->pid, LAB_LIFE_GONE, END_TIMEOUT_MS);
        fail_with_log(start, _("its accounts could not be made"));
        return false;
    }
    start->record.secured = true;
    if (lab_record_write(start->dir, &start->record, &start->err) == STATUS_OK)
        return true;
    fail(start);
    return false;
}

/* A wrapper that did not exec stands between us and the server: the one to signal is the one that wrote its pid file. */
static void find_behind_wrapper(struct start *start)
{
    char path[LAB_PATH_MAX], word[32];
    struct lab_proc_stat stat;
    int64_t pid = 0;
    lab_path(path, start->dir, "server.pid");
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fgets(word, sizeof word, file)) {
        word[strcspn(word, "\n")] = '\0';
        if (!text_to_i64(word, 2, INT32_MAX, &pid))
            pid = 0;
    }
    fclose(file);
    if (pid == 0 || pid == start->pid.pid || !lab_proc_stat((pid_t)pid, &stat))
        return;
    struct lab_pid server = start->pid;
    server.pid = (pid_t)pid;
    server.start_ticks = stat.start_ticks;
    if (lab_proc_look(&server) == LAB_LIFE_RUNNING) /* its command line names our data too */
        start->pid = server;
}

static void step_wait(struct start *start)
{
    char sentence[128];
    struct text text;
    enum lab_life life = lab_proc_look(&start->pid);
    if (life == LAB_LIFE_GONE) {
        fail_with_log(start, _("the server did not start"));
        return;
    }
    if (lab_greeting_look(start->socket, &start->greeting_fd) != LAB_GREETING_SEEN) {
        if (clock_mono_ms() >= start->deadline_ms) { /* left running: a long recovery may yet succeed */
            fail_with_log(start, _("the server runs but does not answer"));
        }
        return;
    }
    if (!secure(start))
        return;
    bool news = !start->pid.ready;
    find_behind_wrapper(start);
    start->pid.ready = true;
    if (lab_pid_write(start->dir, &start->pid, &start->err)) {
        fail(start);
        return;
    }
    text_init(&text, sentence, sizeof sentence);
    if (news)
        text_printf(&text, _("ready after %.1f s"), (double)(clock_mono_ms() - start->begun_ms) / 1000);
    else
        text_append(&text, _("runs already"));
    say(start, sentence);
    start->phase = PHASE_DONE;
}

/* --- all together --- */

static void begin(struct start *start, const char *state_dir)
{
    start->lock_fd = start->greeting_fd = -1;
    start->begun_ms = clock_mono_ms();
    if (lab_node_dir(state_dir, start->config->name, true, start->dir, &start->err)) {
        start->phase = PHASE_FAILED;
        return;
    }
    lab_path(start->data, start->dir, "data");
    lab_path(start->partial, start->dir, "data.tmp");
    lab_path(start->log, start->dir, "server.log");
}

/* Returns false when there is nothing left to do. */
static bool step(struct start *start)
{
    switch (start->phase) {
    case PHASE_LOCK:
        step_lock(start);
        break;
    case PHASE_MAKE:
        step_make(start);
        break;
    case PHASE_INITIALISING:
        step_initialising(start);
        break;
    case PHASE_LAUNCH:
        step_launch(start);
        break;
    case PHASE_WAIT:
        step_wait(start);
        break;
    case PHASE_DONE:
    case PHASE_FAILED:
        break;
    }
    bool over = start->phase == PHASE_DONE || start->phase == PHASE_FAILED;
    if (over && start->lock_fd >= 0) {
        close(start->lock_fd);
        start->lock_fd = -1;
    }
    if (over && start->greeting_fd >= 0) {
        close(start->greeting_fd);
        start->greeting_fd = -1;
    }
    return !over;
}

enum status lab_start_all(const char *state_dir, const struct lab_config *configs, size_t count,
                          const struct lab_progress *progress, struct lab_node *out, struct err *err)
{
    struct start *starts = calloc(count ? count : 1, sizeof *starts);
    struct lab_servers *servers = calloc(1, sizeof *servers);
    enum status status = STATUS_OK;
    xatop_assert(starts && servers);
    for (size_t i = 0; i < count; i++) {
        starts[i] = (struct start){.config = &configs[i], .progress = progress, .servers = servers};
        begin(&starts[i], state_dir);
    }
    for (bool busy = true; busy;) {
        busy = false;
        for (size_t i = 0; i < count; i++)
            busy = step(&starts[i]) || busy;
        if (busy)
            poll(NULL, 0, STEP_MS);
    }
    for (size_t i = 0; i < count; i++) {
        struct err look = {STATUS_OK, ""};
        if (out)
            lab_status(state_dir, configs[i].name, &out[i], &look);
        if (starts[i].phase == PHASE_FAILED && !status) {
            status = starts[i].err.status;
            if (err)
                *err = starts[i].err;
        }
    }
    free(servers);
    free(starts);
    return status;
}

enum status lab_start(const char *state_dir, const struct lab_config *config,
                      const struct lab_progress *progress, struct lab_node *out, struct err *err)
{
    return lab_start_all(state_dir, config, 1, progress, out, err);
}
