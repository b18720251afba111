#include "config.h"

#include "engine_private.h"

#include <string.h>

#include "xatop/heuristic.h"
#include "xatop/i18n.h"

/* One branch finished by hand (xa-facts rule 14): who lists it, what did all its siblings do, what does the log say; the wish
 * into the log, durable; then the statement, with the marker looked at afterwards; what came of it into the log; the answer. */

enum { FORCE_RETRY_MS = 200 };

static void tell(struct engine *engine, enum status status, const char *reason)
{
    struct force *force = &engine->force;
    struct command *command = force->command;
    force->command = NULL;
    force->state = FORCE_IDLE;
    if (command->force)
        *command->force = force->report;
    command_told(command, status, reason);
}

/* The one branch a FORCE, FORCED or FORGET speaks of. */
static struct dlog_record record_of(const struct engine *engine, enum dlog_type type)
{
    const struct force *force = &engine->force;
    struct dlog_record record = {.type = type, .gtrid = force->gtrid, .branch_count = 1};
    struct dlog_branch *branch = &record.branches[0];
    branch->branch = force->branch;
    if (force->report.node < engine->config.node_count) {
        branch->node = force->report.node;
        branch->node_id = engine->nodes[force->report.node].node_id;
        text_copy(branch->name, sizeof branch->name, engine->config.node_names[force->report.node]);
    }
    return record;
}

static void append(struct engine *engine, enum force_state state, const struct dlog_record *record)
{
    struct log_box *box = log_box_new(engine);
    int64_t wall_ms = box->request.record.wall_ms;
    engine->force.state = state;
    box->force = true;
    box->request.record = *record;
    box->request.record.wall_ms = wall_ms;
    box->request.forced = true;
    engine->ports.log.submit(engine->ports.log.ctx, &box->request);
}

/* --- evidence --------------------------------------------------------------------------------------------- */

static void ask_node(struct engine *engine, uint8_t node, enum control_kind kind)
{
    struct force *force = &engine->force;
    struct control_box *box = control_box_new(engine, kind, FOR_FORCE, node);
    if (kind == CONTROL_EFFECTS)
        gtrid_print(&force->gtrid, box->control.effects_of);
    force->out++;
    engine->ports.node.control(engine->ports.node.ctx, &box->control);
}

static void look_around(struct engine *engine)
{
    struct force *force = &engine->force;
    force->state = FORCE_LOOKING;
    for (uint8_t i = 0; i < engine->config.node_count; i++) {
        if (!engine->nodes[i].raised || engine->nodes[i].down)
            continue;
        force->reached |= (uint16_t)(1u << i);
        ask_node(engine, i, CONTROL_SCAN);
        ask_node(engine, i, CONTROL_EFFECTS);
    }
    if (force->out == 0)
        tell(engine, STATUS_NODE, _("no node can be reached"));
}

static void take_scan(struct force *force, const struct control *control)
{
    for (uint32_t i = 0; i < control->xid_count; i++) {
        struct gtrid gtrid;
        unsigned branch;
        if (!xid_parse(&control->xids[i], &gtrid, &branch) || !gtrid_equal(&gtrid, &force->gtrid))
            continue;
        force->report.branches[branch - 1].node = control->node;
        force->listed |= (uint16_t)(1u << (branch - 1));
    }
}

static void take_effects(struct force *force, const struct control *control)
{
    uint16_t before = force->marked; /* two nodes may be one server: once is enough */
    force->committed |= control->committed;
    if (control->effect_key.key[0])
        force->report.key = control->effect_key;
    for (uint32_t i = 0; i < control->effect_count; i++) {
        const struct effect *effect = &control->effects[i];
        struct force_branch *branch = &force->report.branches[effect->branch - 1];
        if (before & 1u << (effect->branch - 1))
            continue;
        if (branch->node == NO_NODE)
            branch->node = control->node;
        force->marked |= (uint16_t)(1u << (effect->branch - 1));
        if (effect->branches > force->report.branch_count)
            force->report.branch_count = effect->branches;
        if (branch->effect_count < XATOP_WORK_MAX)
            branch->effects[branch->effect_count++] = *effect;
    }
}

static void ask_log(struct engine *engine)
{
    struct log_box *box = log_box_new(engine);
    engine->force.state = FORCE_FINDING;
    box->force = true;
    box->request.find = true;
    box->request.record.gtrid = engine->force.gtrid;
    engine->ports.log.submit(engine->ports.log.ctx, &box->request);
}

/* Which branches there are, and on which nodes, is in a COMMIT record. */
static void take_record(struct engine *engine, const struct dlog_record *record)
{
    struct force_report *report = &engine->force.report;
    for (unsigned i = 0; i < record->branch_count; i++) {
        const struct dlog_branch *branch = &record->branches[i];
        if (branch->branch > report->branch_count)
            report->branch_count = branch->branch;
        if (report->branches[branch->branch - 1].node == NO_NODE)
            report->branches[branch->branch - 1].node = node_by_id(engine, branch->node_id);
        if (branch->branch == engine->force.branch && report->node != NO_NODE)
            engine->force.same_node = branch->node_id == engine->nodes[report->node].node_id;
    }
}

static enum branch_fate fate_of(const struct engine *engine, unsigned branch)
{
    const struct force *force = &engine->force;
    uint16_t bit = (uint16_t)(1u << (branch - 1));
    uint16_t all = (uint16_t)((1u << engine->config.node_count) - 1);
    uint8_t node = force->report.branches[branch - 1].node;
    if (force->listed & bit)
        return FATE_PREPARED;
    if (force->committed & bit)
        return FATE_COMMITTED;
    if (force->marked & bit) /* locked, and listed nowhere: a phantom, or not decided by somebody else (3a) */
        return FATE_UNKNOWN;
    bool read = node == NO_NODE ? force->reached == all : force->reached & 1u << node;
    return read ? FATE_ROLLED_BACK : FATE_UNKNOWN;
}

/* --- may it, and how -------------------------------------------------------------------------------------- */

/* What stands against it in words; "" if nothing does. */
static enum status refusal(const struct engine *engine, struct text *words)
{
    const struct force *force = &engine->force;
    for (const struct slot *slot = engine->slots; slot; slot = slot->next)
        if (slot->begun && !slot->ended && gtrid_equal(&slot->gtrid, &force->gtrid)) {
            text_append(words, slot->txn.recovered ? _("recovery is at it right now")
                                                   : _("its transaction is in flight here"));
            return STATUS_REFUSED;
        }
    if (force->listed & 1u << (force->branch - 1))
        return STATUS_OK;
    for (uint8_t i = 0; i < engine->config.node_count; i++)
        if (!(force->reached & 1u << i)) {
            text_printf(words, _("no node that could be read lists it, and node %s could not: %s"),
                        engine->config.node_names[i], engine->nodes[i].words);
            return STATUS_NODE;
        }
    text_append(words, _("no node lists it as prepared"));
    return STATUS_REFUSED;
}

static void send(struct engine *engine)
{
    struct force *force = &engine->force;
    struct control_box *box = control_box_new(engine, CONTROL_RESOLVE, FOR_FORCE, force->report.node);
    force->state = FORCE_SENDING;
    box->control.xid = force->command->xid;
    box->control.branch = force->branch;
    box->control.verbs = force->command->act == FORCE_COMMIT ? VERB_COMMIT : VERB_ROLLBACK;
    box->control.expect_node_id = engine->nodes[force->report.node].node_id;
    engine->ports.node.control(engine->ports.node.ctx, &box->control);
}

static void judge(struct engine *engine)
{
    struct force *force = &engine->force;
    const struct command *command = force->command;
    char words[XATOP_REASON_MAX];
    struct text text;
    text_init(&text, words, sizeof words);
    enum status status = refusal(engine, &text);
    if (status != STATUS_OK) {
        tell(engine, status, words);
        return;
    }
    for (unsigned b = 1; b <= force->report.branch_count; b++)
        force->report.branches[b - 1].fate = fate_of(engine, b);
    switch (heuristic_leave(force->report.decision, command->act == FORCE_COMMIT, force->same_node)) {
    case HEURISTIC_PLAIN:
        send(engine);
        return;
    case HEURISTIC_AGAINST:
        if (command->against)
            break;
        text_printf(&text,
                    _("the decision log says %s: xatop recover does that; to do the opposite, add "
                      "--against-the-decision"),
                    force->report.decision == DECISION_COMMIT ? _("commit") : _("nothing, so rollback"));
        tell(engine, STATUS_REFUSED, words);
        return;
    case HEURISTIC_FORCE:
        break;
    }
    struct dlog_record record = record_of(engine, DLOG_FORCE);
    record.commit = command->act == FORCE_COMMIT;
    text_copy(record.meaning, sizeof record.meaning, command->note);
    append(engine, FORCE_LOGGING, &record);
}

/* --- what came of it -------------------------------------------------------------------------------------- */

static void add_up(struct force_report *report)
{
    report->gap_known = report->branch_count > 0;
    report->money_gap = report->stock_gap = 0;
    for (unsigned b = 0; b < report->branch_count; b++) {
        const struct force_branch *branch = &report->branches[b];
        if (!(report->committed & 1u << b)) {
            report->gap_known &= branch->fate != FATE_UNKNOWN;
            continue;
        }
        report->gap_known &= branch->effect_count > 0;
        for (unsigned i = 0; i < branch->effect_count; i++)
            *(work_table_is_money(branch->effects[i].table) ? &report->money_gap : &report->stock_gap) +=
                branch->effects[i].delta;
    }
}

static void classify(struct engine *engine, enum finding finding)
{
    struct force_report *report = &engine->force.report;
    struct heuristic_facts facts = {
        .decision = report->decision, .branch_count = report->branch_count, .forced = engine->force.branch};
    report->branches[report->branch - 1].fate = finding == FINDING_COMMITTED     ? FATE_COMMITTED
                                                : finding == FINDING_ROLLED_BACK ? FATE_ROLLED_BACK
                                                                                 : FATE_UNKNOWN;
    for (unsigned b = 0; b < facts.branch_count; b++)
        facts.fates[b] = report->branches[b].fate;
    report->outcome = heuristic_outcome(&facts, &report->committed);
    add_up(report);
}

static void found_words(const struct force_report *report, enum finding finding, struct text *out)
{
    text_printf(out, _("decision %s"), decision_name((int)report->decision));
    for (unsigned b = 0; b < report->branch_count; b++)
        text_printf(out, ", b%u %s", b + 1, branch_fate_name((int)report->branches[b].fate));
    if (report->branches[report->branch - 1].fate == FATE_UNKNOWN)
        text_printf(out, _(", the answer was %s"), finding_name((int)finding));
}

static void finish(struct engine *engine)
{
    const struct force_report *report = &engine->force.report;
    enum status status = report->outcome == FORCED_AS_DECIDED ? STATUS_OK
                         : report->outcome == FORCED_MIXED    ? STATUS_INVARIANT
                                                              : STATUS_PENDING;
    engine->nodes[report->node].sweep_wanted = true;
    engine->nodes[report->node].sweep_at_ms = engine->now_ms;
    tell(engine, status, engine->force.words);
}

static void resolved(struct engine *engine, const struct control *control)
{
    struct force *force = &engine->force;
    enum finding finding = control->ok ? control->finding : FINDING_UNREACHABLE;
    struct text text;
    if (finding == FINDING_BUSY && engine->now_ms + FORCE_RETRY_MS < force->until_ms) {
        force->state = FORCE_WAITING;
        force->retry_at_ms = engine->now_ms + FORCE_RETRY_MS;
        return;
    }
    classify(engine, finding);
    text_init(&text, force->words, sizeof force->words);
    found_words(&force->report, finding, &text);
    emit_notice(engine, NULL, force->report.outcome == FORCED_AS_DECIDED ? 0 : 2, "%s/b%u: %s",
                force->gtrid_text, force->branch, force->words);
    if (!force->report.logged) {
        finish(engine);
        return;
    }
    struct dlog_record record = record_of(engine, DLOG_FORCED);
    record.outcome = force->report.outcome;
    record.money_gap = force->report.gap_known ? force->report.money_gap : 0;
    text_copy(record.meaning, sizeof record.meaning, force->words);
    append(engine, FORCE_CLOSING, &record);
}

/* --- answers and turns ------------------------------------------------------------------------------------ */

void force_answer(struct engine *engine, struct control *control)
{
    struct force *force = &engine->force;
    if (!force->command) /* told already: the id is somebody else's now */
        return;
    if (force->state == FORCE_SENDING) {
        resolved(engine, control);
        return;
    }
    force->out--;
    if (!control->ok) {
        force->reached &= (uint16_t) ~(1u << control->node);
        node_suspect(engine, control->node);
    } else if (control->kind == CONTROL_SCAN) {
        take_scan(force, control);
    } else {
        take_effects(force, control);
    }
    if (force->out == 0)
        ask_log(engine);
}

static void found(struct engine *engine, const struct dlog_request *request)
{
    struct force *force = &engine->force;
    struct force_report *report = &force->report;
    report->node = report->branches[force->branch - 1].node;
    bool ours = xid_owner(&force->command->xid, engine->config.coordinator.id,
                          engine->config.coordinator.log_id) == XID_OURS;
    force->same_node = true;
    if (!ours || request->status != STATUS_OK || request->found < 0 || engine->log_failed)
        report->decision = DECISION_UNKNOWN;
    else
        report->decision = request->found == 1 ? DECISION_COMMIT : DECISION_NONE;
    if (report->decision == DECISION_COMMIT)
        take_record(engine, &request->record);
    /* only a decision commits: recovery leaves it alone too (sibling-committed) */
    if (report->decision == DECISION_NONE && force->committed & ~(1u << (force->branch - 1)))
        report->decision = DECISION_UNKNOWN;
    judge(engine);
}

void force_logged(struct engine *engine, struct log_box *box)
{
    struct force *force = &engine->force;
    const struct dlog_request *request = &box->request;
    if (!force->command)
        return;
    if (request->find) {
        found(engine, request);
        return;
    }
    /* refused, or it could not be told whether a COMMIT stands: nothing was written, the log is as well as before */
    bool written = request->status != STATUS_REFUSED && request->status != STATUS_STATE;
    if (request->status != STATUS_OK) {
        engine->log_failed |= written;
        tell(engine, request->status, request->err.text);
    } else if (force->state == FORCE_LOGGING) {
        force->report.logged = true;
        emit_notice(engine, NULL, 1, _("%s of %s/b%u forced by hand: %s"),
                    force->command->act == FORCE_COMMIT ? _("commit") : _("rollback"), force->gtrid_text,
                    force->branch, force->command->note);
        send(engine);
    } else if (force->state == FORCE_CLOSING) {
        finish(engine);
    } else {
        tell(engine, STATUS_OK, "");
    }
}

/* Without its FORCE nothing would tell any more why what is owed to that branch never comes. */
static bool still_owed(const struct engine *engine)
{
    const struct gtrid *gtrid = &engine->force.gtrid;
    for (uint32_t i = engine->undischarged_next; i < engine->undischarged_count; i++)
        if (gtrid_equal(&engine->undischarged[i].gtrid, gtrid))
            return true;
    for (const struct slot *slot = engine->slots; slot; slot = slot->next)
        if (!slot->ended && gtrid_equal(&slot->gtrid, gtrid))
            return true;
    return false;
}

static void forget(struct engine *engine)
{
    struct dlog_record record = record_of(engine, DLOG_FORGET);
    if (still_owed(engine) && !engine->force.command->against) {
        tell(engine, STATUS_REFUSED,
             _("its decision to commit is not carried out everywhere: compensate, then xatop recover; "
               "--against-the-decision forgets it now"));
        return;
    }
    text_copy(record.meaning, sizeof record.meaning, engine->force.command->note);
    append(engine, FORCE_FORGETTING, &record);
}

bool force_begin(struct engine *engine, struct command *command, int64_t until_ms)
{
    struct force *force = &engine->force;
    unsigned branch;
    if (force->command || (command->act != FORCE_FORGET && !engine->open))
        return false;
    *force = (struct force){.command = command, .until_ms = until_ms, .report = {.node = NO_NODE}};
    for (unsigned b = 0; b < XATOP_BRANCHES_MAX; b++)
        force->report.branches[b].node = NO_NODE;
    if (!xid_parse(&command->xid, &force->gtrid, &branch) ||
        strcmp(force->gtrid.coordinator, engine->config.coordinator.id) != 0) {
        tell(engine, STATUS_REFUSED, _("it is another coordinator's: it is never touched from here"));
        return true;
    }
    gtrid_print(&force->gtrid, force->gtrid_text);
    force->branch = force->report.branch = (uint8_t)branch;
    if (command->act == FORCE_FORGET) {
        forget(engine);
    } else if (engine->log_failed) {
        tell(engine, STATUS_STATE, _("the decision log failed: start again, so that it is opened anew"));
    } else {
        look_around(engine);
    }
    return true;
}

void force_turn(struct engine *engine)
{
    struct force *force = &engine->force;
    if (force->command && engine->halted != STATUS_OK)
        tell(engine, engine->halted, engine->halt_words);
    else if (force->state == FORCE_WAITING && force->retry_at_ms <= engine->now_ms)
        send(engine);
}

int64_t force_deadline_ms(const struct engine *engine)
{
    return engine->force.state == FORCE_WAITING ? engine->force.retry_at_ms : INT64_MAX;
}
