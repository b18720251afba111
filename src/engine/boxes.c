#include "config.h"

#include "engine_private.h"

#include <stdlib.h>
#include <string.h>

/* Requests are kept for reuse: a steady load allocates nothing. */

void *engine_alloc(size_t size)
{
    void *p = calloc(1, size);
    xatop_assert(p != NULL);
    return p;
}

struct message_box *message_box_new(struct engine *engine, struct slot *slot, uint8_t branch)
{
    xatop_assert(slot->carrier != NO_CARRIER);
    struct message_box *box = engine->messages_free;
    if (box) {
        struct message_box *next_all = box->next_all;
        engine->messages_free = box->next_free;
        memset(box, 0, sizeof *box);
        box->next_all = next_all;
    } else {
        box = engine_alloc(sizeof *box);
        box->next_all = engine->messages_all;
        engine->messages_all = box;
    }
    box->slot = slot;
    struct message *message = &box->message;
    message->completion.kind = COMPLETION_MESSAGE;
    message->token = slot->gtrid.sequence;
    message->carrier = slot->carrier;
    message->branch = branch;
    message->branch_count = slot->txn.branch_count;
    message->node = slot->branches[branch - 1].node;
    message->plan = &slot->run->plan.branches[branch - 1];
    xid_make(&message->xid, &slot->gtrid, branch);
    slot->messages_out++;
    engine->ports_out++;
    return box;
}

struct control_box *control_box_new(struct engine *engine, enum control_kind kind, enum purpose purpose,
                                    uint8_t node)
{
    struct control_box *box = engine->controls_free;
    if (box) {
        struct control_box *next_all = box->next_all;
        engine->controls_free = box->next_free;
        memset(box, 0, sizeof *box);
        box->next_all = next_all;
    } else {
        box = engine_alloc(sizeof *box);
        box->next_all = engine->controls_all;
        engine->controls_all = box;
    }
    box->purpose = purpose;
    box->control.completion.kind = COMPLETION_CONTROL;
    box->control.kind = kind;
    box->control.node = node;
    box->control.deadline_ms = engine->now_ms + ASK_TIMEOUT_MS;
    engine->ports_out++;
    return box;
}

struct log_box *log_box_new(struct engine *engine)
{
    struct log_box *box = engine->logs_free;
    if (box) {
        struct log_box *next_all = box->next_all;
        engine->logs_free = box->next_free;
        memset(box, 0, sizeof *box);
        box->next_all = next_all;
    } else {
        box = engine_alloc(sizeof *box);
        box->next_all = engine->logs_all;
        engine->logs_all = box;
    }
    box->request.completion.kind = COMPLETION_LOG;
    box->request.record.wall_ms = engine->now_ms + engine->wall_offset_ms;
    engine->ports_out++;
    return box;
}

void message_box_free(struct engine *engine, struct message_box *box)
{
    box->slot->messages_out--;
    box->next_free = engine->messages_free;
    engine->messages_free = box;
    engine->ports_out--;
}

void control_box_free(struct engine *engine, struct control_box *box)
{
    free(box->control.xids);
    free(box->control.floor.markers);
    free(box->control.preflight);
    box->control.preflight = NULL;
    free(box->control.effects);
    box->control.effects = NULL;
    box->control.xids = NULL;
    box->control.floor.markers = NULL;
    box->next_free = engine->controls_free;
    engine->controls_free = box;
    engine->ports_out--;
}

void log_box_free(struct engine *engine, struct log_box *box)
{
    box->next_free = engine->logs_free;
    engine->logs_free = box;
    engine->ports_out--;
}

void boxes_free_all(struct engine *engine)
{
    for (struct message_box *box = engine->messages_all, *next; box; box = next) {
        next = box->next_all;
        free(box);
    }
    for (struct control_box *box = engine->controls_all, *next; box; box = next) {
        next = box->next_all;
        free(box->control.xids);
        free(box->control.floor.markers);
        free(box->control.preflight);
        free(box->control.effects);
        free(box);
    }
    for (struct log_box *box = engine->logs_all, *next; box; box = next) {
        next = box->next_all;
        free(box);
    }
}
