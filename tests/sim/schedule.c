#include "config.h"

#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* From a seed to a schedule, and through it. */

enum {
    TROUBLE_TIME_US = 2500000,   /* asks and troubles begin within */
    FORGETFUL_TIME_US = 8000000, /* troubles where the log may forget meanwhile, which takes its time */
    PATIENCE_US = 5500000,       /* behind that it is healed, whatever is going on */
    BOUND_US = 120000000,        /* and within this after healing everything has ended */
    QUIET_US = 1500000,          /* a restart is noticed and swept within */
    BALANCE = 1000,
    STOCK = 6,
    PRICE = 120
};

static uint64_t below(struct sim *sim, uint64_t bound)
{
    return prng_below(&sim->prng, bound);
}

static bool one_in(struct sim *sim, uint64_t n)
{
    return below(sim, n) == 0;
}

static uint64_t trouble_time_us(const struct sim *sim)
{
    return sim->forgetful ? FORGETFUL_TIME_US : TROUBLE_TIME_US;
}

static void told(struct command *command, const struct report *report, const struct recovery_report *recovery)
{
    struct ask *ask = command->arg;
    if (!report)
        return;
    ask->told = true;
    ask->report = *report;
}

static void make_ask(struct sim *sim, struct ask *ask)
{
    struct command *command = &ask->command;
    command->kind = COMMAND_RUN;
    command->scenario = one_in(sim, 3);
    scenario_at(command->scenario)->random(&sim->prng, &sim->shape, &command->params);
    if (command->scenario == 0)
        command->params.n[2] = 1 + (int64_t)below(sim, 700); /* overdrafts happen */
    if (one_in(sim, 4)) {
        text_copy(command->key, sizeof command->key, one_in(sim, 2) ? "k0" : "k1");
        command->params.n[2] = command->scenario == 0 ? 100 : command->params.n[2];
    }
    command->packet = one_in(sim, 2);
    command->wait_ms = (int64_t)below(sim, 4000);
    command->done = told;
    command->arg = ask;
    ask->at_us = sim->now_us + (int64_t)below(sim, TROUBLE_TIME_US);
}

/* The coordinator dies, the next one has opened the log, and then a node does: what was forgotten would be missed (40, rule 6). */
static void make_late_crash(struct sim *sim)
{
    struct trouble *first = &sim->troubles[sim->trouble_count - 2], *second = first + 1;
    first->kind = TROUBLE_COORDINATOR;
    first->at_us = sim->now_us + TROUBLE_TIME_US + (int64_t)below(sim, 500000);
    second->kind = TROUBLE_NODE_CRASH;
    second->at_us = first->at_us + 1000 + (int64_t)below(sim, 900000);
}

/* What is forgotten shows where a node is away for long while the log is opened anew. */
static enum trouble_kind draw_kind(struct sim *sim)
{
    if (sim->forgetful && !one_in(sim, 3))
        return one_in(sim, 2) ? TROUBLE_NODE_CRASH : one_in(sim, 2) ? TROUBLE_COORDINATOR : TROUBLE_STREAM;
    return (enum trouble_kind)below(sim, TROUBLE_KINDS);
}

static void make_troubles(struct sim *sim)
{
    sim->trouble_count =
        (unsigned)(sim->forgetful ? 3 + below(sim, SIM_TROUBLES - 2) : below(sim, SIM_TROUBLES - 1));
    for (unsigned i = 0; i < sim->trouble_count; i++)
        sim->troubles[i] = (struct trouble){
            .kind = draw_kind(sim),
            .at_us = sim->now_us + (int64_t)below(sim, trouble_time_us(sim)),
            .for_us = 1000 + (int64_t)below(sim, sim->forgetful ? 3000000 : 1200000),
            .node = (uint8_t)below(sim, sim->shape.node_count),
        };
    if (sim->trouble_count >= 2 && one_in(sim, 3))
        make_late_crash(sim);
}

static struct node_sim_chances make_chances(struct sim *sim)
{
    static const struct node_sim_chances most = {.lose_request = 40,
                                                 .lose_reply = 60,
                                                 .slow = 100,
                                                 .late = 80,
                                                 .deadlock = 60,
                                                 .refuse = 50,
                                                 .phantom = 100,
                                                 .resurrect = 500};
    struct node_sim_chances chances = {0};
    uint64_t mix = below(sim, 10);
    if (mix < 2 || sim->exact)
        return chances; /* only what the schedule does */
    if (mix < 5)
        return most;
    chances.slow = 50;
    if (one_in(sim, 2))
        chances.lose_reply = 200;
    if (one_in(sim, 2))
        chances.late = 300;
    if (one_in(sim, 3))
        chances.lose_request = 150;
    if (one_in(sim, 3))
        chances.phantom = 300;
    if (one_in(sim, 2))
        chances.resurrect = 900;
    if (one_in(sim, 4))
        chances.deadlock = 200;
    if (one_in(sim, 2))
        chances.uncommit = 900;
    if (one_in(sim, 4))
        chances.refuse = 200;
    return chances;
}

/* Any kind at any point where it has a meaning. */
static void make_fault(struct sim *sim)
{
    struct text text;
    for (unsigned tries = 0; tries < 50; tries++) {
        const struct fault_kind *const *kinds = fault_kinds();
        unsigned count = 0;
        struct fault fault;
        while (kinds[count])
            count++;
        const struct fault_kind *kind = one_in(sim, 2) ? kinds[0] : kinds[below(sim, count)];
        text_init(&text, sim->fault, sizeof sim->fault);
        text_append(&text, kind->name);
        if (kind->takes_ms)
            text_printf(&text, "=%u", (unsigned)(1 + below(sim, 800)));
        enum point point = (enum point)(1 + below(sim, POINTS - 1));
        text_printf(&text, "@%s", point_name(point));
        bool from_afar = !point_per_node(point) && fault_act_harms(kind->act);
        if (from_afar || (point_per_node(point) && one_in(sim, 2)))
            text_printf(&text, ":%u", (unsigned)(1 + below(sim, 2)));
        if (one_in(sim, 3))
            text_printf(&text, "#%u", (unsigned)(2 + below(sim, 3)));
        if (fault_parse(sim->fault, NULL, 0, &fault, NULL) == STATUS_OK)
            return;
    }
    sim->fault[0] = '\0';
}

static void fill_node(struct sim *sim, uint8_t node, enum work_table table, int64_t first, int64_t count,
                      int64_t value)
{
    for (int64_t id = first; id < first + count; id++)
        if (shape_node(&sim->shape, table, id) == node)
            node_sim_fill(sim->nodes, node, table, id, value, PRICE);
}

static void make_world(struct sim *sim)
{
    uint8_t node_count = (uint8_t)(one_in(sim, 5) ? 1 + 2 * below(sim, 2) : 2);
    sim->shape = (struct shape){
        .node_count = node_count, .accounts = 4 + 2 * (int64_t)below(sim, 4), .products = 2, .customers = 3};
    sim->limits = (struct txn_limits){
        .transaction_timeout_ms = 1500,
        .prepare_timeout_ms = 400,
        .finish_timeout_ms = 300,
        .settle_ms = sim->mutant == MUTANT_NO_SETTLE ? 0 : 250,
        .backoff_ms = 10,
        .backoff_max_ms = 1000,
    };
    sim->inflight = (uint16_t)(1 + below(sim, 4));
    sim->forgetful = !sim->exact && (one_in(sim, 4) || sim->mutant == MUTANT_UNSWEPT);
    sim->retention_ms = sim->forgetful ? 50 + below(sim, 800) : 3600 * 1000;
    struct node_sim_options options = {
        .node_count = node_count,
        .carriers = sim->inflight,
        .detaches = (uint16_t)below(sim, 8),
        .seed = prng_next(&sim->prng),
        .settle_ms = 250,
        .chances = make_chances(sim),
        .crash = NULL,
        .ctx = sim,
        .break_fence = sim->mutant == MUTANT_NO_FENCE,
        .break_marker = sim->mutant == MUTANT_NO_MARKER,
    };
    options.crash = sim_crashed;
    if (sim->mutant == MUTANT_FORGET_ON_ACK) /* retention alone must not be what is noticed */
        options.chances.uncommit = 0;
    sim->nodes = node_sim_new(&options);
    sim->node_port = node_sim_port(sim->nodes);
    for (uint8_t i = 0; i < node_count; i++) {
        fill_node(sim, i, WORK_ACCOUNTS, ACCOUNT_FIRST, sim->shape.accounts, BALANCE);
        fill_node(sim, i, WORK_PRODUCTS, PRODUCT_FIRST, sim->shape.products, STOCK);
        fill_node(sim, i, WORK_CUSTOMERS, CUSTOMER_FIRST, sim->shape.customers, BALANCE);
        node_sim_add_foreign(sim->nodes, i);
    }
    sim->disk = disk_memory_new(prng_next(&sim->prng));
    sim->disk_port = disk_memory_port(sim->disk);
    sim->log_id = prng_next(&sim->prng) | 1;
}

static void post(struct sim *sim, struct ask *ask)
{
    ask->posted = true;
    engine_command(sim->engine, &ask->command, sim->now_us);
}

/* Begun at its first stroke, ended at its second. */
static void stream(struct sim *sim, struct trouble *trouble)
{
    uint16_t inflight = trouble->begun ? 0 : (uint16_t)(1 + below(sim, 3));
    trouble->command = (struct command){.kind = COMMAND_STREAM,
                                        .scenario = trouble->node % 2,
                                        .inflight = inflight,
                                        .packet = trouble->for_us % 2};
    engine_command(sim->engine, &trouble->command, sim->now_us);
    trouble->done = trouble->begun;
    trouble->begun = true;
    trouble->at_us = sim->now_us + trouble->for_us / 30;
}

static void strike(struct sim *sim, struct trouble *trouble)
{
    trouble->done = true;
    if (sim->verbose)
        printf("[%8.3f] ---- trouble %d node %d\n", (double)sim->now_us / 1e6, trouble->kind,
               trouble->node + 1);
    switch (trouble->kind) {
    case TROUBLE_NODE_CRASH:
        node_sim_crash(sim->nodes, trouble->node, trouble->for_us);
        break;
    case TROUBLE_FREEZE:
        node_sim_freeze(sim->nodes, trouble->node, trouble->for_us);
        break;
    case TROUBLE_CUT:
        node_sim_cut(sim->nodes, trouble->node, trouble->begun == false);
        trouble->done = trouble->begun;
        trouble->begun = true;
        trouble->at_us = sim->now_us + trouble->for_us;
        break;
    case TROUBLE_READ_ONLY:
        node_sim_read_only(sim->nodes, trouble->node, trouble->for_us);
        break;
    case TROUBLE_COORDINATOR:
        coordinator_crash(sim, one_in(sim, 2));
        break;
    case TROUBLE_LOG:
        if (one_in(sim, 2))
            disk_memory_fail_at(sim->disk, one_in(sim, 2) ? DISK_MEMORY_SYNC : DISK_MEMORY_WRITE,
                                1 + below(sim, 3), EIO);
        else
            disk_memory_die_at(sim->disk, 1 + below(sim, 6));
        break;
    case TROUBLE_RECOVER:
    case TROUBLE_NODE_CHANGED:
        trouble->command = (struct command){
            .kind = trouble->kind == TROUBLE_RECOVER ? COMMAND_RECOVER : COMMAND_NODE_CHANGED,
            .dry_run = one_in(sim, 2),
            .node = trouble->node,
            .wait_ms = trouble->for_us / 1000,
        };
        engine_command(sim->engine, &trouble->command, sim->now_us);
        break;
    case TROUBLE_STREAM:
        stream(sim, trouble);
        break;
    case TROUBLE_KINDS:
        break;
    }
}

static void sooner(int64_t *due_us, int64_t at_us)
{
    if (at_us < *due_us)
        *due_us = at_us;
}

static int64_t due_us(const struct sim *sim)
{
    int64_t due = node_sim_due_us(sim->nodes);
    int64_t engine_ms = engine_deadline_ms(sim->engine);
    if (engine_ms < INT64_MAX / 1000)
        sooner(&due, engine_ms * 1000);
    if (sim->log_head != sim->log_tail)
        sooner(&due, sim->log_due_us);
    for (unsigned i = 0; i < sim->ask_count; i++)
        if (!sim->asks[i].posted)
            sooner(&due, sim->asks[i].at_us);
    for (unsigned i = 0; i < sim->trouble_count && !sim->healing; i++)
        if (!sim->troubles[i].done)
            sooner(&due, sim->troubles[i].at_us);
    return due;
}

static void schedule_run_due(struct sim *sim)
{
    for (unsigned i = 0; i < sim->ask_count; i++)
        if (!sim->asks[i].posted && sim->asks[i].at_us <= sim->now_us)
            post(sim, &sim->asks[i]);
    for (unsigned i = 0; i < sim->trouble_count && !sim->healing; i++)
        if (!sim->troubles[i].done && sim->troubles[i].at_us <= sim->now_us)
            strike(sim, &sim->troubles[i]);
}

/* One event, then one turn of the engine. */
static void advance(struct sim *sim, int64_t until_us)
{
    int64_t due = due_us(sim);
    if (due > until_us)
        due = until_us;
    if (due > sim->now_us)
        sim->now_us = due;
    node_sim_now(sim->nodes, sim->now_us);
    sim->events++;
    if (sim->log_head != sim->log_tail && sim->log_due_us <= sim->now_us)
        coordinator_log_run(sim);
    else if (node_sim_due_us(sim->nodes) <= sim->now_us)
        node_sim_run(sim->nodes, coordinator_deliver, sim);
    else
        schedule_run_due(sim);
    coordinator_turn(sim);
    bool timed = !sim->healing && sim->events == sim->crash_at_event;
    if (sim->crashed || timed || disk_memory_dead(sim->disk))
        coordinator_crash(sim, sim->exact ? sim->power : one_in(sim, 2));
}

static bool all_told(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->ask_count; i++)
        if (!sim->asks[i].posted || (!sim->asks[i].told && !sim->asks[i].lost))
            return false;
    for (unsigned i = 0; i < sim->trouble_count; i++)
        if (!sim->troubles[i].done)
            return false;
    return true;
}

static bool ended(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->ask_count; i++)
        if (!sim->asks[i].posted || (!sim->asks[i].told && !sim->asks[i].lost))
            return false;
    for (uint8_t i = 0; i < sim->shape.node_count; i++)
        if (node_sim_left(sim->nodes, i) > 0)
            return false;
    if (sim->recover.kind == COMMAND_RECOVER)
        return false;
    return engine_unfinished(sim->engine) == 0;
}

static void recovered(struct command *command, const struct report *report,
                      const struct recovery_report *recovery)
{
    struct sim *sim = command->arg;
    sim->recover.kind = COMMAND_RUN; /* answered */
}

/* An incarnation that waits to be asked is asked. */
static void ask_for_recovery(struct sim *sim)
{
    sim->recover = (struct command){.kind = COMMAND_RECOVER, .wait_ms = 1000, .done = recovered, .arg = sim};
    engine_command(sim->engine, &sim->recover, sim->now_us);
}

static void heal(struct sim *sim)
{
    struct command disarm = {.kind = COMMAND_FAULT};
    sim->healing = true;
    if (sim->verbose)
        printf("[%8.3f] ---- healing\n", (double)sim->now_us / 1e6);
    disk_memory_crash(sim->disk); /* disarms what was armed on it */
    node_sim_calm(sim->nodes);
    engine_command(sim->engine, &disarm, sim->now_us);
    for (uint8_t i = 0; scenario_at(i); i++) {
        struct command stop = {.kind = COMMAND_STREAM, .scenario = i};
        engine_command(sim->engine, &stop, sim->now_us);
    }
    if (engine_health(sim->engine, NULL) != STATUS_OK)
        coordinator_crash(sim, false);
    ask_for_recovery(sim);
}

/* Whoever reads the alarm does what it says: restarts the node that hides a branch. Without an unfinished transaction there is
 * no alarm and nobody does; but a coordinator that died before it could alarm has left the branch to the node's next restart,
 * whenever that is. */
static void heed_alarms(struct sim *sim)
{
    for (uint8_t i = 0; i < sim->shape.node_count; i++)
        if (node_sim_hidden(sim->nodes, i) > 0 && (engine_unfinished(sim->engine) > 0 || sim->crashes > 0))
            node_sim_crash(sim->nodes, i, 1000);
    if (engine_health(sim->engine, NULL) != STATUS_OK)
        coordinator_crash(sim, false);
}

/* Everything ends, and stays ended for a while: a rollback that came back at the last restart shows up within. */
static void until_ended(struct sim *sim)
{
    int64_t bound_us = sim->now_us + BOUND_US, quiet_since_us = -1, heed_us = sim->now_us + 3000000;
    while (!sim->violation[0]) {
        advance(sim, sim->now_us + QUIET_US / 5);
        if (!ended(sim))
            quiet_since_us = -1;
        else if (quiet_since_us < 0)
            quiet_since_us = sim->now_us;
        else if (sim->now_us - quiet_since_us >= QUIET_US)
            return;
        if (sim->now_us >= heed_us) {
            heed_alarms(sim);
            heed_us = sim->now_us + 3000000;
        }
        if (sim->now_us >= bound_us)
            sim_violation(sim, "not everything ended: %u unfinished, branches left %u %u %u",
                          engine_unfinished(sim->engine), node_sim_left(sim->nodes, 0),
                          sim->shape.node_count > 1 ? node_sim_left(sim->nodes, 1) : 0,
                          sim->shape.node_count > 2 ? node_sim_left(sim->nodes, 2) : 0);
    }
}

void sim_crashed(void *ctx)
{
    struct sim *sim = ctx;
    sim->crashed = true;
}

static void make_bad_luck(struct sim *sim, const struct sim_order *order)
{
    if (sim->exact) {
        sim->crash_at_event = order->crash_at_event;
        sim->power = order->power;
        if (order->die_at_write > 0)
            disk_memory_die_at(sim->disk, order->die_at_write);
        return;
    }
    make_troubles(sim);
    if (!one_in(sim, 3)) {
        struct command arm = {.kind = COMMAND_FAULT};
        make_fault(sim);
        text_copy(arm.fault, sizeof arm.fault, sim->fault);
        engine_command(sim->engine, &arm, sim->now_us);
    }
    if (one_in(sim, 3))
        sim->crash_at_event = 1 + below(sim, 400);
}

void sim_run(struct sim *sim, const struct sim_order *order)
{
    memset(sim, 0, sizeof *sim);
    sim->seed = order->seed;
    sim->mutant = order->mutant;
    sim->verbose = order->verbose;
    sim->exact = order->crash_at_event > 0 || order->die_at_write > 0;
    sim->now_us = 1000000;
    prng_seed(&sim->prng, order->seed * UINT64_C(0x9e3779b97f4a7c15) + 1);
    make_world(sim);
    node_sim_now(sim->nodes, sim->now_us);
    coordinator_open(sim);
    sim->ask_count = (unsigned)(2 + below(sim, SIM_ASKS - 1));
    for (unsigned i = 0; i < sim->ask_count; i++)
        make_ask(sim, &sim->asks[i]);
    make_bad_luck(sim, order);
    int64_t patience_us = sim->now_us + (int64_t)trouble_time_us(sim) + PATIENCE_US;
    while (!all_told(sim) && sim->now_us < patience_us && !sim->violation[0])
        advance(sim, patience_us);
    heal(sim);
    until_ended(sim);
    coordinator_end(sim);
    sim_judge(sim);
    node_sim_free(sim->nodes);
    disk_memory_free(sim->disk);
}
