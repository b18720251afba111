#include "config.h"

#include "xatop/dlog_writer.h"

#include <stdlib.h>

#include "xatop/clock.h"
#include "xatop/i18n.h"
#include "xatop/worker.h"

enum {
    GROUP_MAX = 512,
    IDLE_MS = 20 /* unforced records wait this long for a group to ride with, then they are written */
};

struct dlog_writer {
    struct dlog *dlog;
    struct worker *worker;
    struct dlog_writer_hooks hooks;
    bool dead;      /* an injected crash happened */
    bool unwritten; /* unforced records may still be in memory */
};

static enum status injected(struct dlog_writer *writer, struct err *err)
{
    dlog_fail(writer->dlog);
    return err_set(err, STATUS_PENDING,
                   _("decision log: a write failed: injected; what was being decided is in doubt "
                     "until the log is opened anew"));
}

/* False: the process is meant to have ended here. */
static bool pass_point(struct dlog_writer *writer, struct dlog_request *request, enum fault_act act,
                       int32_t ms, uint8_t node)
{
    if (fault_act_harms(act) && writer->hooks.harm)
        writer->hooks.harm(writer->hooks.arg, act, node);
    if (act == FAULT_DELAY)
        worker_sleep_ms(ms);
    if (act == FAULT_LOGFAIL)
        request->status = injected(writer, &request->err);
    if (act != FAULT_CRASH)
        return true;
    writer->dead = true;
    writer->hooks.crash(writer->hooks.arg);
    return false;
}

static void append(struct dlog_writer *writer, struct dlog_request *request)
{
    request->status = dlog_append(writer->dlog, &request->record, &request->err);
    request->append_us = clock_mono_us();
    request->durable_us = 0;
    request->group = 0;
}

/* One sync for @n requests, if one of them asks for it. */
static void finish(struct dlog_writer *writer, struct dlog_request **group, size_t n)
{
    struct err err;
    enum status status = STATUS_OK;
    bool forced = false;
    uint32_t records = 0;
    for (size_t i = 0; i < n; i++) {
        forced |= group[i]->forced && group[i]->status == STATUS_OK;
        records += group[i]->status == STATUS_OK;
    }
    if (forced)
        status = dlog_sync(writer->dlog, &err);
    int64_t now_us = clock_mono_us();
    writer->unwritten = !forced;
    for (size_t i = 0; i < n; i++) {
        struct dlog_request *request = group[i];
        if (request->status != STATUS_OK || !forced)
            continue;
        if (status == STATUS_OK) {
            request->durable_us = now_us;
            request->group = records;
        } else { /* it was appended, so its fate is open, whatever the log says of itself by now */
            request->status = STATUS_PENDING;
            request->err = err;
            request->err.status = STATUS_PENDING;
        }
    }
}

/* An injected fault is for one record: it goes alone, so that it hits nobody else's. */
static bool one_faulty(struct dlog_writer *writer, struct dlog_request *request)
{
    request->status = STATUS_OK;
    if (!pass_point(writer, request, request->append_fault, request->append_ms, request->append_node))
        return false;
    if (request->status == STATUS_OK)
        append(writer, request);
    finish(writer, &request, 1);
    if (!pass_point(writer, request, request->durable_fault, request->durable_ms, request->durable_node))
        return false;
    writer->hooks.done(writer->hooks.arg, request);
    return true;
}

static void find(struct dlog_writer *writer, struct dlog_request *request)
{
    const struct gtrid gtrid = request->record.gtrid;
    request->found = dlog_find_commit(writer->dlog, &gtrid, &request->record);
    request->status = STATUS_OK;
    writer->hooks.done(writer->hooks.arg, request);
}

static void tell_oldest(struct dlog_writer *writer, struct dlog_request *request)
{
    request->found = dlog_oldest(writer->dlog, &request->record.gtrid);
    request->status = STATUS_OK;
    writer->hooks.done(writer->hooks.arg, request);
}

static bool goes_alone(const struct dlog_request *request)
{
    return request->find || request->oldest || request->append_fault != FAULT_NONE ||
           request->durable_fault != FAULT_NONE;
}

static void work(struct dlog_writer *writer, struct dlog_request **queued, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t count = 0;
        for (; i + count < n && !goes_alone(queued[i + count]); count++)
            append(writer, queued[i + count]);
        if (count > 0)
            finish(writer, queued + i, count);
        for (size_t k = 0; k < count; k++)
            writer->hooks.done(writer->hooks.arg, queued[i + k]);
        i += count;
        if (i == n)
            return;
        if (queued[i]->find)
            find(writer, queued[i]);
        else if (queued[i]->oldest)
            tell_oldest(writer, queued[i]);
        else if (!one_faulty(writer, queued[i]))
            return;
        i++;
    }
}

static void loop(void *arg, struct mailbox *inbox)
{
    struct dlog_writer *writer = arg;
    void *items[GROUP_MAX];
    struct dlog_request *queued[GROUP_MAX];
    for (;;) {
        size_t n = mailbox_wait(inbox, items, GROUP_MAX, writer->unwritten && !writer->dead ? IDLE_MS : -1);
        if (n == 0 && mailbox_closed(inbox))
            break;
        if (writer->dead)
            continue;
        if (n == 0) {
            (void)dlog_flush(writer->dlog, NULL); /* a failure shows at the next request */
            writer->unwritten = false;
        }
        for (size_t i = 0; i < n; i++)
            queued[i] = items[i];
        work(writer, queued, n);
    }
    if (!writer->dead && dlog_healthy(writer->dlog))
        (void)dlog_sync(writer->dlog, NULL); /* unforced records: good to have, nobody waits for them */
}

enum status dlog_writer_start(struct dlog_writer **out, struct dlog *dlog,
                              const struct dlog_writer_hooks *hooks, struct err *err)
{
    struct dlog_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return err_set(err, STATUS_INTERNAL, _("decision log: out of memory"));
    *writer = (struct dlog_writer){.dlog = dlog, .hooks = *hooks};
    enum status status = worker_start_loop(&writer->worker, "xatop-log", DLOG_QUEUE_MAX, loop, writer, err);
    if (status != STATUS_OK) {
        free(writer);
        return status;
    }
    *out = writer;
    return STATUS_OK;
}

void dlog_writer_submit(struct dlog_writer *writer, struct dlog_request *request)
{
    request->completion.kind = COMPLETION_LOG;
    xatop_assert(worker_submit(writer->worker, request));
}

void dlog_writer_stop(struct dlog_writer *writer)
{
    if (!writer)
        return;
    worker_stop(writer->worker, NULL);
    free(writer);
}
