#include "config.h"

#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"

struct world world;

static void push(int kind, void *item)
{
    CU_ASSERT_FATAL(world.tail - world.head < QUEUE);
    world.kinds[world.tail % QUEUE] = kind;
    world.queue[world.tail++ % QUEUE] = item;
}

static void fake_send(void *ctx, struct message *message)
{
    push(COMPLETION_MESSAGE, message);
}

static void fake_control(void *ctx, struct control *control)
{
    push(COMPLETION_CONTROL, control);
}

static void fake_cut(void *ctx, uint16_t carrier, uint8_t node)
{
    world.cuts++;
}

static void fake_submit(void *ctx, struct dlog_request *request)
{
    push(COMPLETION_LOG, request);
}

static void fake_crash(void *ctx)
{
    world.crashed = true;
}

static void fake_trace(void *ctx, const struct trace_event *event)
{
    size_t used = strlen(world.transcript);
    struct text text;
    text_init(&text, world.transcript + used, sizeof world.transcript - used);
    trace_format(event, &text);
    text_append(&text, "\n");
}

static void answer_message(struct message *m)
{
    m->reply = REPLY_OK;
    m->last_verb = verbs_last(m->verbs);
    m->session = (struct session_ref){.connection_id = 7, .server_start = world.server_start};
    for (unsigned i = 0; i < 8; i++)
        world.sent[1u << i] += (m->verbs & 1u << i) != 0;
    if (world.away[m->node] && m->verbs == VERB_OPEN) {
        m->reply = REPLY_NOT_SENT;
        text_copy(m->detail, sizeof m->detail, "connection refused");
    }
    if (world.reply_verb & m->verbs && world.reply_node == m->node) {
        m->reply = world.reply;
        m->last_verb = world.reply_verb;
        m->refusal = world.refusal;
        m->refused_have = 1000;
        world.reply_verb = 0;
    }
    engine_message_done(world.engine, m, world.now_us);
}

static void list_markers(struct control *c)
{
    struct floor_ask *ask = &c->floor;
    world.lists++;
    ask->markers = calloc(8, sizeof *ask->markers);
    for (unsigned i = 0; i < world.marker_counts[c->node]; i++) {
        const struct marker_seen *m = &world.markers[c->node][i];
        struct gtrid gtrid = {.epoch = m->epoch, .sequence = m->sequence};
        if (gtrid_by_age(&gtrid, &ask->after) > 0 && gtrid_by_age(&gtrid, &ask->upto) <= 0)
            ask->markers[ask->count++] = *m;
    }
    ask->more = world.markers_more && ask->count > 1;
    if (ask->more) { /* as if one more did not fit */
        ask->count--;
        ask->covered = ask->upto;
        ask->covered.epoch = ask->markers[ask->count - 1].epoch;
        ask->covered.sequence = ask->markers[ask->count - 1].sequence;
    }
}

static void tell_floor(struct control *c)
{
    struct floor_ask *ask = &c->floor;
    if (ask->upto.epoch != 0 && gtrid_by_age(&ask->upto, &world.floor[c->node]) > 0)
        world.floor[c->node] = ask->upto;
    ask->finished = world.floor[c->node];
    ask->pruned = world.pruned[c->node];
}

struct preflight_facts world_facts(uint8_t node)
{
    struct preflight_facts facts = {.mariadb = node == 0,
                                    .innodb = true,
                                    .database = "xatop",
                                    .account = "'xatop'@'localhost'",
                                    .node_id = 100u + node,
                                    .may_recover = true,
                                    .may_process = true,
                                    .wait_timeout_s = 60,
                                    .wait_timeout_asked_s = 60,
                                    .sessions = 66};
    static const struct {
        enum preflight_variable which;
        const char *values[2];
    } good[] = {
        {VARIABLE_VERSION, {"10.11.19-MariaDB-0+deb12u1", "9.7.4-2"}},
        {VARIABLE_FLUSH_LOG, {"1", "1"}},
        {VARIABLE_LOG_BIN, {"ON", "ON"}},
        {VARIABLE_SYNC_BINLOG, {"1", "1"}},
        {VARIABLE_FORCE_RECOVERY, {"0", "0"}},
        {VARIABLE_WSREP_ON, {"OFF", ""}},
        {VARIABLE_READ_ONLY, {"OFF", "OFF"}},
        {VARIABLE_SUPER_READ_ONLY, {"", "OFF"}},
        {VARIABLE_DETACH, {"", "ON"}},
        {VARIABLE_MAX_CONNECTIONS, {"300", "300"}},
        {VARIABLE_MAX_USER_CONNECTIONS, {"0", "0"}},
        {VARIABLE_ROLLBACK_ON_TIMEOUT, {"OFF", "OFF"}},
        {VARIABLE_PARTIAL_REVOKES, {"", "OFF"}},
        {VARIABLE_SERVER_UUID, {"", "269cb74f-e8b9-11f1-95b1-02fc00000001"}},
        {VARIABLE_HOSTNAME, {"vm", "vm"}},
        {VARIABLE_PORT, {"3306", "3307"}},
        {VARIABLE_DATADIR, {"/var/lib/mysql/", "/var/lib/mysql/"}},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        text_copy(facts.variables[good[i].which], sizeof facts.variables[0], good[i].values[node != 0]);
    for (unsigned i = 0; i < PREFLIGHT_TABLES; i++)
        text_copy(facts.engines[i], sizeof facts.engines[i], "InnoDB");
    return facts;
}

static void check(struct control *c)
{
    enum preflight_check which;
    c->preflight = malloc(sizeof *c->preflight);
    preflight_judge(&world.facts[c->node], c->preflight);
    if (c->kind == CONTROL_RAISE && !c->unsafe && preflight_worst(c->preflight, &which) == PREFLIGHT_FAIL) {
        c->raised = RAISE_UNFIT;
        preflight_words(c->preflight, which, c->detail, sizeof c->detail);
    }
}

static void note(char letter)
{
    size_t used = strlen(world.history);
    if (used + 1 < sizeof world.history)
        world.history[used] = letter;
}

static void tell_effects(struct control *c)
{
    c->effect_count = world.effect_counts[c->node];
    c->effects = calloc(c->effect_count + 1, sizeof *c->effects);
    memcpy(c->effects, world.effects[c->node], c->effect_count * sizeof *c->effects);
    c->committed = world.committed[c->node];
}

static void answer_control(struct control *c)
{
    c->ok = !world.away[c->node];
    c->info =
        (struct node_info){.state = NODE_UP, .node_id = 100u + c->node, .server_start = world.server_start};
    text_copy(c->detail, sizeof c->detail, c->ok ? "host elsewhere, pid 4711" : "connection refused");
    switch (c->kind) {
    case CONTROL_HEALTH:
        c->fenced = world.fenced[c->node];
        break;
    case CONTROL_RAISE:
        c->raised = world.raised[c->node];
        c->displaced = world.displaced[c->node];
        c->elsewhere = world.elsewhere[c->node];
        if (c->look && c->raised == RAISE_DONE)
            c->raised = RAISE_CLEAR;
        world.looks += c->look;
        world.raises += !c->look;
        break;
    case CONTROL_SCAN:
        world.scans++;
        c->xids = calloc(world.listed_count + 1, sizeof *c->xids);
        memcpy(c->xids, world.listed, world.listed_count * sizeof *c->xids);
        c->xid_count = c->xid_total = c->node == 0 ? world.listed_count : 0;
        break;
    case CONTROL_EFFECTS:
        tell_effects(c);
        break;
    case CONTROL_RESOLVE:
        note('R');
        world.resolves[c->verbs == VERB_COMMIT ? 1 : c->verbs == VERB_ROLLBACK ? 2 : 0]++;
        c->finding = world.finding             ? world.finding
                     : c->verbs == VERB_COMMIT ? FINDING_COMMITTED
                                               : FINDING_ROLLED_BACK;
        break;
    case CONTROL_LOOKUP:
        c->found = c->row == 101;
        c->value = 1999;
        break;
    case CONTROL_KEY:
        c->key_state = world.key_state;
        text_copy(c->fingerprint, sizeof c->fingerprint, world.fingerprint);
        text_copy(c->gtrid, sizeof c->gtrid, world.key_gtrid);
        break;
    case CONTROL_FLOOR:
        tell_floor(c);
        break;
    case CONTROL_MARKERS:
        list_markers(c);
        break;
    case CONTROL_PRUNE:
        world.prunes++;
        world.pruned[c->node] = c->floor.upto;
        break;
    default:
        break;
    }
    if (c->ok && world.checked[c->node] && (c->kind == CONTROL_RAISE || c->kind == CONTROL_HEALTH))
        check(c);
    engine_control_done(world.engine, c, world.now_us);
}

static void answer_log(struct dlog_request *r)
{
    r->status = world.log_status;
    if (r->oldest) {
        r->found = world.oldest.epoch != 0;
        r->record.gtrid = world.oldest;
        engine_log_done(world.engine, r, world.now_us);
        return;
    }
    if (!r->find && r->record.type == DLOG_FORCE)
        note('F');
    if (!r->find && r->record.type == DLOG_FORGET)
        note('X');
    if (!r->find && r->record.type == DLOG_FORCED) {
        note('D');
        world.forced = r->record;
    }
    world.finds += r->find;
    world.commits += !r->find && r->record.type == DLOG_COMMIT;
    if (!r->find && r->record.type == DLOG_SWEPT) {
        world.swepts++;
        world.swept = r->record.gtrid;
    }
    world.dones += !r->find && r->record.type == DLOG_DONE;
    r->found = world.found;
    if (r->find && r->record.gtrid.sequence == 3) {
        r->found = 1;
        r->record.branch_count = 2;
        r->record.branches[0] = (struct dlog_branch){1, 0, 100, "alpha"};
        r->record.branches[1] = (struct dlog_branch){2, 1, 101, "beta"};
    }
    engine_log_done(world.engine, r, world.now_us);
}

void world_turn(void)
{
    engine_turn(world.engine, world.now_us, world.now_us / 1000);
}

bool world_answer_one(void)
{
    if (world.head == world.tail)
        return false;
    unsigned at = world.head++ % QUEUE;
    world.now_us += 100;
    if (world.kinds[at] == COMPLETION_MESSAGE)
        answer_message(world.queue[at]);
    else if (world.kinds[at] == COMPLETION_CONTROL)
        answer_control(world.queue[at]);
    else
        answer_log(world.queue[at]);
    return true;
}

void world_play(int64_t ms)
{
    int64_t until_us = world.now_us + ms * 1000;
    world_turn();
    for (;;) {
        while (world_answer_one())
            world_turn();
        int64_t due_ms = engine_deadline_ms(world.engine);
        if (due_ms > until_us / 1000)
            return;
        if (due_ms * 1000 > world.now_us)
            world.now_us = due_ms * 1000;
        world_turn();
    }
}

struct engine_config world_config(void)
{
    return (struct engine_config){
        .coordinator = {.id = "test", .log_id = 0xabc, .epoch = 5, .host = "here"},
        .node_count = 2,
        .node_names = {"alpha", "beta"},
        .shape = {.node_count = 2, .accounts = 100, .products = 20, .customers = 50},
        .limits = {.transaction_timeout_ms = 60000,
                   .prepare_timeout_ms = 30000,
                   .finish_timeout_ms = 5000,
                   .settle_ms = 250,
                   .backoff_ms = 10,
                   .backoff_max_ms = 1000},
        .max_inflight = 4,
        .max_retries = 3,
        .seed = 1,
    };
}

void world_open_with(const struct engine_config *c, const struct dlog_record *records, uint32_t count)
{
    struct engine_ports ports = {
        .node = {.send = fake_send, .control = fake_control, .cut = fake_cut},
        .log = {.submit = fake_submit},
        .trace = fake_trace,
        .crash = fake_crash,
    };
    world.engine = engine_new(c, &ports, records, count);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world.engine);
}

void world_fresh(void)
{
    memset(&world, 0, sizeof world);
    world.now_us = 1000000;
    world.raised[0] = world.raised[1] = RAISE_DONE;
    world.server_start = 1;
    text_copy(world.key_gtrid, sizeof world.key_gtrid, "xa1.first");
    world.finding = FINDING_COMMITTED; /* 0: as asked */
}

void world_begin(void)
{
    struct engine_config c = world_config();
    world_fresh();
    world_open_with(&c, NULL, 0);
    world_play(0);
}

void world_end(void)
{
    engine_free(world.engine);
    world.engine = NULL;
}

void world_told(struct command *command, const struct report *report, const struct recovery_report *recovery)
{
    world.told++;
    if (report)
        world.report = *report;
    if (recovery) {
        world.recovery = *recovery;
        for (uint32_t i = 0; i < recovery->verdict_count && i < 8; i++)
            world.verdicts[i] = recovery->verdicts[i];
    }
}

struct command world_transfer(int64_t from, int64_t to, int64_t amount)
{
    return (struct command){
        .kind = COMMAND_RUN, .params = {{from, to, amount}}, .wait_ms = 1000, .done = world_told};
}

void world_ask(struct command *command)
{
    engine_command(world.engine, command, world.now_us);
    world_play(2000);
}

void world_fault(const char *spec)
{
    struct command command = {.kind = COMMAND_FAULT, .done = world_told};
    text_copy(command.fault, sizeof command.fault, spec);
    engine_command(world.engine, &command, world.now_us);
    CU_ASSERT_EQUAL(world.report.status, STATUS_OK);
    world.told = 0;
}
