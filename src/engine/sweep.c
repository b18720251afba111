#include "config.h"

#include "engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/i18n.h"

/* One look at what the nodes list as prepared, in the order of rule 5: scan; what is in flight; scan again;
 * the log. */

enum { RESWEEP_MS = 1000 };

static int compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->xid.format != y->xid.format)
        return x->xid.format < y->xid.format ? -1 : 1;
    if (x->xid.gtrid_len != y->xid.gtrid_len || x->xid.bqual_len != y->xid.bqual_len)
        return x->xid.gtrid_len * 256 + x->xid.bqual_len < y->xid.gtrid_len * 256 + y->xid.bqual_len ? -1 : 1;
    int gtrid = memcmp(x->xid.gtrid, y->xid.gtrid, x->xid.gtrid_len);
    return gtrid ? gtrid : memcmp(x->xid.bqual, y->xid.bqual, x->xid.bqual_len);
}

static struct candidate *append(struct sweep *sweep)
{
    if (sweep->count == sweep->cap) {
        uint32_t cap = sweep->cap ? 2 * sweep->cap : 16;
        struct candidate *list = realloc(sweep->list, cap * sizeof *list);
        xatop_assert(list != NULL);
        sweep->list = list;
        sweep->cap = cap;
    }
    struct candidate *candidate = &sweep->list[sweep->count++];
    memset(candidate, 0, sizeof *candidate);
    return candidate;
}

void sweep_free_records(struct sweep *sweep)
{
    for (uint32_t i = 0; i < sweep->count; i++) {
        free(sweep->list[i].record);
        sweep->list[i].record = NULL;
    }
}

static void scan_all(struct engine *engine)
{
    struct sweep *sweep = &engine->sweep;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        if (!(sweep->nodes & 1u << i))
            continue;
        struct control_box *box = control_box_new(engine, CONTROL_SCAN, FOR_SCAN, i);
        sweep->out++;
        engine->ports.node.control(engine->ports.node.ctx, &box->control);
    }
}

static bool in_flight(struct engine *engine, const struct candidate *candidate)
{
    struct slot *slot =
        candidate->owner == XID_OURS ? slot_find(engine, &candidate->gtrid, candidate->branch) : NULL;
    return slot && !slot->txn.recovered && !slot_branch_finished(slot, candidate->branch);
}

static void begin(struct engine *engine)
{
    struct sweep *sweep = &engine->sweep;
    sweep_free_records(sweep);
    sweep->nodes = sweep->failed = 0;
    sweep->count = sweep->sorted = sweep->next_find = 0;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        struct book *book = &engine->nodes[i];
        bool due = book->sweep_wanted || (book->unresolved && book->look_at_ms <= engine->now_ms);
        if (!book->raised || book->down || (!due && !sweep->command))
            continue;
        sweep->nodes |= (uint16_t)(1u << i);
        if (!sweep->command ||
            !sweep->command->dry_run) /* who only looks has done nothing for those who wait */
            book->sweep_wanted = book->unresolved = false;
    }
    sweep->state = SWEEP_FIRST;
    scan_all(engine);
}

static void first_done(struct engine *engine)
{
    struct sweep *sweep = &engine->sweep;
    if (sweep->count > 1)
        qsort(sweep->list, sweep->count, sizeof sweep->list[0], compare);
    sweep->sorted = sweep->count;
    for (uint32_t i = 0; i < sweep->count; i++)
        sweep->list[i].in_flight = in_flight(engine, &sweep->list[i]);
    sweep->nodes &= (uint16_t)~sweep->failed;
    sweep->state = SWEEP_SECOND;
    scan_all(engine);
}

static void second_done(struct engine *engine)
{
    struct sweep *sweep = &engine->sweep;
    /* listed once and then no more: it has ended meanwhile, which is no business of a sweep */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sweep->count; i++) {
        struct candidate *candidate = &sweep->list[i];
        if (!candidate->second && !(sweep->failed & 1u << candidate->node))
            continue;
        candidate->in_flight |= in_flight(engine, candidate);
        sweep->list[kept++] = *candidate;
    }
    sweep->count = kept;
    sweep->state = SWEEP_FINDS;
    verdicts_find(engine);
}

static void take(struct engine *engine, const struct control *control)
{
    struct sweep *sweep = &engine->sweep;
    for (uint32_t i = 0; i < control->xid_count; i++) {
        struct candidate probe = {.node = control->node, .xid = control->xids[i]};
        bool second = sweep->state == SWEEP_SECOND;
        struct candidate *known = second && sweep->sorted > 0 ? bsearch(&probe, sweep->list, sweep->sorted,
                                                                        sizeof sweep->list[0], compare)
                                                              : NULL;
        if (known) {
            known->second = true;
            continue;
        }
        struct candidate *candidate = append(sweep);
        unsigned branch = 0;
        candidate->node = control->node;
        candidate->xid = control->xids[i];
        candidate->first = !second;
        candidate->second = second;
        candidate->owner =
            xid_owner(&candidate->xid, engine->config.coordinator.id, engine->config.coordinator.log_id);
        if (xid_parse(&candidate->xid, &candidate->gtrid, &branch))
            candidate->branch = (uint8_t)branch;
    }
    if (control->xid_total > control->xid_count)
        emit_notice(engine, NULL, 1, _("%s lists %u prepared branches: only %u are looked at"),
                    engine->config.node_names[control->node], control->xid_total, control->xid_count);
}

void sweep_scanned(struct engine *engine, struct control *control)
{
    struct sweep *sweep = &engine->sweep;
    sweep->out--;
    if (control->ok) {
        take(engine, control);
    } else {
        sweep->failed |= (uint16_t)(1u << control->node);
        node_suspect(engine, control->node);
        engine->nodes[control->node].sweep_wanted =
            true; /* an unread node gives no verdict; it is read again */
        engine->nodes[control->node].sweep_at_ms = engine->now_ms + RESWEEP_MS;
    }
    if (sweep->out > 0)
        return;
    if (sweep->state == SWEEP_FIRST)
        first_done(engine);
    else
        second_done(engine);
    /* no node left to scan: go on as if all had answered nothing */
    if (sweep->state == SWEEP_SECOND && sweep->out == 0)
        second_done(engine);
}

void sweep_slot_gone(struct engine *engine, struct slot *slot)
{
    struct sweep *sweep = &engine->sweep;
    for (uint32_t i = 0; sweep->state == SWEEP_ACTING && i < sweep->count; i++)
        if (sweep->list[i].slot == slot) {
            sweep->list[i].slot = NULL;
            sweep->list[i].done = slot->ended;
        }
}

static bool acting(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->sweep.count; i++)
        if (engine->sweep.list[i].slot)
            return true;
    return false;
}

/* A branch may be finished though a sibling's node is still away. */
static bool carried_out(const struct candidate *c)
{
    if (!c->slot || c->branch < 1 || c->branch > XATOP_BRANCHES_MAX)
        return c->done;
    enum branch_state state = c->slot->txn.branches[c->branch - 1].state;
    return state == BRANCH_COMMITTED || state == BRANCH_ROLLED_BACK;
}

/* The answer to COMMAND_RECOVER. */
/* What is missing of a good end, and what to do. */
static void reason_of(const struct engine *engine, struct recovery_report *report)
{
    struct text text;
    text_init(&text, report->reason, sizeof report->reason);
    if (report->unfinished > 0)
        text_printf(&text, _("transactions not finished everywhere: %u; "), report->unfinished);
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (report->unreachable & 1u << i) {
            node_why(engine, i, &text);
            return;
        }
    text_append(&text, _("xatop recover again, with more --wait"));
}

void sweep_report(struct engine *engine, enum status status, const char *reason)
{
    struct sweep *sweep = &engine->sweep;
    struct recovery_report report = {.status = status, .unreachable = sweep->failed};
    struct verdict_report *verdicts = engine_alloc((sweep->count + 1) * sizeof *verdicts);
    bool dry_run = sweep->command->dry_run;
    for (uint32_t i = 0; i < sweep->count; i++) {
        const struct candidate *c = &sweep->list[i];
        verdicts[i] = (struct verdict_report){.xid = c->xid,
                                              .node = c->node,
                                              .verdict = c->verdict,
                                              .rule = c->rule,
                                              .done = carried_out(c),
                                              .evidence = c->evidence};
        bool counts = verdicts[i].done || dry_run;
        report.committed += c->verdict == VERDICT_COMMIT && counts;
        report.rolled_back += c->verdict == VERDICT_ROLLBACK && counts;
        report.left += c->verdict == VERDICT_LEAVE;
        report.foreign += c->verdict == VERDICT_FOREIGN;
        report.ambiguous += c->verdict == VERDICT_AMBIGUOUS;
    }
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (!engine->nodes[i].raised || engine->nodes[i].down)
            report.unreachable |= (uint16_t)(1u << i);
    report.unfinished = engine_unfinished(engine);
    report.verdict_count = sweep->count;
    report.verdicts = verdicts;
    if (report.status == STATUS_OK && report.unfinished > 0 && !dry_run)
        report.status = STATUS_PENDING;
    if (report.status == STATUS_OK && report.unreachable)
        report.status = STATUS_NODE;
    if (status == STATUS_OK && report.status != STATUS_OK)
        reason_of(engine, &report);
    else
        text_copy(report.reason, sizeof report.reason, reason);
    struct command *command = sweep->command;
    sweep->command = NULL;
    if (command->done)
        command->done(command, NULL, &report);
    free(verdicts);
}

int64_t sweep_due_ms(const struct book *book)
{
    int64_t due_ms = book->sweep_wanted ? book->sweep_at_ms : INT64_MAX;
    return book->unresolved && book->look_at_ms < due_ms ? book->look_at_ms : due_ms;
}

static bool wanted(const struct engine *engine)
{
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        const struct book *book = &engine->nodes[i];
        if (book->raised && !book->down && sweep_due_ms(book) <= engine->now_ms)
            return true;
    }
    return false;
}

void sweep_turn(struct engine *engine)
{
    struct sweep *sweep = &engine->sweep;
    if (sweep->state == SWEEP_ACTING && sweep->command &&
        ((!acting(engine) && engine_unfinished(engine) == 0) || engine->now_ms >= sweep->until_ms))
        sweep_report(engine, STATUS_OK, "");
    if (sweep->state == SWEEP_ACTING && !sweep->command)
        sweep->state = SWEEP_IDLE;
    if (sweep->state != SWEEP_IDLE || !engine->open)
        return;
    if (sweep->command || (wanted(engine) && engine->recovery_allowed)) {
        begin(engine);
        if (sweep->out == 0) { /* nobody there to be asked; begin left no candidate */
            verdicts_give(engine);
        }
    }
}
