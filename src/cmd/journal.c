#include "config.h"

#include "xatop/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xatop/i18n.h"
#include "xatop/worker.h"

enum { QUEUE_MAX = 8192, LINE_MAX_BYTES = 2048, BATCH = 64 };

struct journal {
    struct worker *worker;
    FILE *file;
    uint64_t bytes;
    char path[1100];
    char header[1024];
    atomic_uint_fast64_t lost;
};

static FILE *open_append(const char *path, uint64_t *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return NULL;
    struct stat st;
    FILE *file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "a") : NULL;
    if (!file) {
        close(fd);
        return NULL;
    }
    *bytes = (uint64_t)st.st_size;
    return file;
}

static void put_line(struct journal *journal, const char *line, size_t len)
{
    if (!journal->file || fwrite(line, 1, len, journal->file) != len || fputc('\n', journal->file) == EOF)
        atomic_fetch_add(&journal->lost, 1);
    journal->bytes += len + 1;
}

static void rotate(struct journal *journal)
{
    char old[sizeof journal->path + 2];
    snprintf(old, sizeof old, "%s.1", journal->path);
    if (journal->file)
        fclose(journal->file);
    (void)rename(journal->path, old);
    journal->file = open_append(journal->path, &journal->bytes);
    put_line(journal, journal->header, strlen(journal->header));
}

static void write_events(void *arg, struct mailbox *inbox)
{
    struct journal *journal = arg;
    void *items[BATCH];
    size_t n;
    while ((n = mailbox_wait(inbox, items, BATCH, -1)) > 0) {
        for (size_t i = 0; i < n; i++) {
            char line[LINE_MAX_BYTES];
            struct text text;
            text_init(&text, line, sizeof line);
            trace_to_json(items[i], &text);
            free(items[i]);
            put_line(journal, line, text.len);
        }
        if (journal->file)
            fflush(journal->file);
        if (journal->bytes > JOURNAL_FILE_MAX)
            rotate(journal);
    }
}

static void make_header(struct journal *journal, const struct coordinator *coordinator,
                        const char (*node_names)[XATOP_NAME_MAX + 1], uint8_t node_count)
{
    struct text text;
    text_init(&text, journal->header, sizeof journal->header);
    text_printf(&text,
                "{\"xatop-journal\":1,\"coordinator\":\"%s\",\"log\":\"%016" PRIx64 "\",\"epoch\":%" PRIu32
                ",\"nodes\":[",
                coordinator->id, coordinator->log_id, coordinator->epoch);
    for (uint8_t i = 0; i < node_count; i++) {
        text_append(&text, i ? ",\"" : "\"");
        text_json_escape(&text, node_names[i]);
        text_append(&text, "\"");
    }
    text_append(&text, "]}");
}

enum status journal_open(struct journal **out, const char *path, const struct coordinator *coordinator,
                         const char (*node_names)[XATOP_NAME_MAX + 1], uint8_t node_count, struct err *err)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return err_set(err, STATUS_INTERNAL, _("journal: out of memory"));
    text_copy(journal->path, sizeof journal->path, path);
    make_header(journal, coordinator, node_names, node_count);
    journal->file = open_append(path, &journal->bytes);
    if (!journal->file) {
        enum status status = err_set(err, STATUS_STATE, _("journal %s: %s"), path, strerror(errno));
        free(journal);
        return status;
    }
    put_line(journal, journal->header, strlen(journal->header));
    enum status status =
        worker_start_loop(&journal->worker, "journal", QUEUE_MAX, write_events, journal, err);
    if (status != STATUS_OK) {
        fclose(journal->file);
        free(journal);
        return status;
    }
    *out = journal;
    return STATUS_OK;
}

void journal_event(struct journal *journal, const struct trace_event *event)
{
    struct trace_event *copy = malloc(sizeof *copy);
    if (copy)
        *copy = *event;
    if (!copy || !worker_submit(journal->worker, copy)) {
        free(copy);
        atomic_fetch_add(&journal->lost, 1);
    }
}

uint64_t journal_close(struct journal *journal)
{
    if (!journal)
        return 0;
    worker_stop(journal->worker, NULL);
    if (journal->file && fclose(journal->file) != 0)
        atomic_fetch_add(&journal->lost, 1);
    uint64_t lost = atomic_load(&journal->lost);
    free(journal);
    return lost;
}
