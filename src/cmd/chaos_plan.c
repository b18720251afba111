#include "config.h"

#include "chaos_plan.h"

#include <stdlib.h>
#include <string.h>

#include "xatop/fault.h"
#include "xatop/i18n.h"
#include "xatop/prng.h"
#include "xatop/text.h"

enum {
    FIRST_MS = 500,  /* the load begins first */
    LAST_MS = 1000,  /* and has some time after the last */
    START_MS = 4000, /* kept free for a server's start: MySQL needs 2 to 4 s */
    THAW_MS = 300,   /* and for what a thawed one has to catch up with */
    DELAY_MAX_MS = 800,
    PASSES_MAX = 10, /* a gate's fault fires at one of the first so many passes */
};

const struct chaos_kind_row chaos_kinds[CHAOS_KINDS] = {
#define X(code, word, a_minute, min_ms, max_ms, needs, hit) {word, a_minute, min_ms, max_ms, needs, hit},
    XATOP_CHAOS_LIST(X)
#undef X
};

/* FNV-1a of the name: every kind draws from a stream of its own. */
static void seed_for(struct prng *prng, uint64_t seed, const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
    prng_seed(prng, seed ^ hash);
}

static uint32_t count_of(enum chaos_kind kind, int32_t duration_ms)
{
    int64_t count = ((int64_t)chaos_kinds[kind].a_minute * duration_ms + 30000) / 60000;
    return count < 1 ? 1 : (uint32_t)count;
}

static int32_t draw_duration(struct prng *prng, enum chaos_kind kind)
{
    const struct chaos_kind_row *row = &chaos_kinds[kind];
    return row->min_ms + (int32_t)prng_below(prng, (uint64_t)(row->max_ms - row->min_ms) + 1);
}

const struct fault_kind *chaos_plan_gate_kind(unsigned index)
{
    const struct fault_kind *const *kinds = fault_kinds();
    unsigned count = 0;
    while (kinds[count])
        count++;
    return kinds[index % count];
}

void chaos_plan_fault(struct prng *prng, unsigned index, char out[CHAOS_SPEC_MAX])
{
    const struct fault_kind *kind = chaos_plan_gate_kind(index);
    for (;;) { /* every kind fits some point, so it ends */
        struct fault fault;
        struct text text;
        text_init(&text, out, CHAOS_SPEC_MAX);
        text_append(&text, kind->name);
        if (kind->takes_ms)
            text_printf(&text, "=%u", (unsigned)(1 + prng_below(prng, DELAY_MAX_MS)));
        enum point point = (enum point)(1 + prng_below(prng, POINTS - 1));
        text_printf(&text, "@%s", point_name(point));
        bool must = kind->needs != FAULT_NEEDS_NOTHING && !point_per_node(point); /* whom to strike */
        if (must || (point_per_node(point) && prng_below(prng, 2)))
            text_printf(&text, ":%u", (unsigned)(1 + prng_below(prng, 2)));
        unsigned pass = (unsigned)(1 + prng_below(prng, PASSES_MAX));
        if (pass > 1)
            text_printf(&text, "#%u", pass);
        if (fault_parse(out, NULL, 0, &fault, NULL) == STATUS_OK)
            return;
    }
}

static void add(struct chaos_plan *plan, int32_t at_ms, int32_t for_ms, enum chaos_kind kind, uint8_t node)
{
    plan->steps[plan->count++] =
        (struct chaos_step){.at_ms = at_ms, .for_ms = for_ms, .kind = kind, .node = node};
}

/* One in each of as many equal parts of the time, somewhere in it: spread, and not in step. */
static void draw_kind(struct chaos_plan *plan, enum chaos_kind kind, uint8_t node_count)
{
    struct prng prng;
    int32_t span_ms = plan->duration_ms - FIRST_MS - LAST_MS;
    uint32_t count = count_of(kind, plan->duration_ms);
    seed_for(&prng, plan->seed, chaos_kinds[kind].name);
    uint32_t first =
        (uint32_t)prng_below(&prng, 1000); /* the gate's kinds in turn, so that none is left out */
    for (uint32_t i = 0; i < count; i++) {
        int64_t from_ms = (int64_t)span_ms * i / count, to_ms = (int64_t)span_ms * (i + 1) / count;
        int64_t at_ms = FIRST_MS + from_ms + (int64_t)prng_below(&prng, (uint64_t)(to_ms - from_ms) + 1);
        uint8_t node = chaos_kinds[kind].needs & CHAOS_WORKER ? 0 : (uint8_t)prng_below(&prng, node_count);
        add(plan, (int32_t)at_ms, draw_duration(&prng, kind), kind, node);
        if (kind == CHAOS_GATE)
            chaos_plan_fault(&prng, first + i, plan->steps[plan->count - 1].spec);
    }
}

static int32_t occupies_ms(const struct chaos_step *step)
{
    return step->for_ms + (step->kind == CHAOS_FREEZE ? THAW_MS : START_MS);
}

/* The faults of one node's process, one after the other: what is left of the time becomes pauses of random length. If the
 * time is too short for all, they are pressed together, and some will find the node away: then they do not count. */
static void place(struct chaos_plan *plan, struct prng *prng, struct chaos_step *steps, uint32_t count)
{
    int64_t span_ms = plan->duration_ms - FIRST_MS - LAST_MS, busy_ms = 0, weight = 0, at = 0;
    for (uint32_t i = 0; i < count; i++) {
        busy_ms += occupies_ms(&steps[i]);
        steps[i].at_ms = (int32_t)(1 + prng_below(prng, 1000)); /* the weight of the pause before it */
        weight += steps[i].at_ms;
    }
    int64_t slack_ms = span_ms > busy_ms ? span_ms - busy_ms : 0, whole_ms = busy_ms + slack_ms;
    for (uint32_t i = 0; i < count; i++) {
        at += slack_ms * steps[i].at_ms / weight;
        struct chaos_step *step = &plan->steps[plan->count++];
        *step = steps[i];
        step->at_ms = (int32_t)(FIRST_MS + at * span_ms / whole_ms);
        at += occupies_ms(&steps[i]);
    }
}

static void draw_processes(struct chaos_plan *plan, uint8_t node_count, struct chaos_step *all,
                           struct chaos_step *of_node)
{
    struct prng prng;
    uint32_t count = 0;
    seed_for(&prng, plan->seed, "process");
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        for (uint32_t i = 0; chaos_kinds[kind].needs & CHAOS_PROCESS && i < count_of(kind, plan->duration_ms);
             i++)
            all[count++] = (struct chaos_step){.kind = kind, .for_ms = draw_duration(&prng, kind)};
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = (uint32_t)prng_below(&prng, i);
        struct chaos_step other = all[i - 1];
        all[i - 1] = all[j];
        all[j] = other;
    }
    uint8_t first = (uint8_t)prng_below(&prng, node_count);
    for (uint8_t node = 0; node < node_count; node++) {
        uint32_t here = 0;
        for (uint32_t i = 0; i < count; i++)
            if ((i + first) % node_count == node) {
                of_node[here] = all[i];
                of_node[here++].node = node;
            }
        if (here > 0)
            place(plan, &prng, of_node, here);
    }
}

static int by_time(const void *a, const void *b)
{
    const struct chaos_step *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->node != y->node ? (x->node < y->node ? -1 : 1) : strcmp(x->spec, y->spec);
}

enum status chaos_plan_make(struct chaos_plan *plan, uint64_t seed, int32_t duration_s, uint8_t node_count,
                            struct err *err)
{
    xatop_assert(node_count > 0 && duration_s >= CHAOS_DURATION_MIN_S && duration_s <= CHAOS_DURATION_MAX_S);
    *plan = (struct chaos_plan){.seed = seed, .duration_ms = duration_s * 1000};
    size_t all = 0;
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        all += count_of(kind, plan->duration_ms);
    plan->steps = calloc(3 * all, sizeof *plan->steps); /* two thirds are for drawing them */
    if (!plan->steps)
        return err_set(err, STATUS_INTERNAL, _("out of memory"));
    for (enum chaos_kind kind = 0; kind < CHAOS_KINDS; kind++)
        if (!(chaos_kinds[kind].needs & CHAOS_PROCESS))
            draw_kind(plan, kind, node_count);
    draw_processes(plan, node_count, plan->steps + all, plan->steps + 2 * all);
    xatop_assert(plan->count == all);
    qsort(plan->steps, plan->count, sizeof *plan->steps, by_time);
    return STATUS_OK;
}

void chaos_plan_free(struct chaos_plan *plan)
{
    free(plan->steps);
    *plan = (struct chaos_plan){0};
}

static void print_json(const struct chaos_plan *plan, struct app *app)
{
    struct json json;
    json_begin(&json, app->out);
    json_int(&json, "seed", (int64_t)plan->seed);
    json_array(&json, "plan");
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct chaos_step *step = &plan->steps[i];
        json_object(&json, NULL);
        json_int(&json, "at_ms", step->at_ms);
        json_string(&json, "kind", chaos_kinds[step->kind].name);
        if (chaos_kinds[step->kind].needs & CHAOS_WORKER)
            json_null(&json, "node");
        else
            json_string(&json, "node", app->configuration.nodes[step->node].name);
        json_int(&json, "for_ms", step->for_ms);
        json_string(&json, "fault", step->spec[0] ? step->spec : NULL);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_finish(&json);
}

void chaos_plan_print(const struct chaos_plan *plan, struct app *app)
{
    if (app->json) {
        print_json(plan, app);
        return;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct chaos_step *step = &plan->steps[i];
        bool of_node = !(chaos_kinds[step->kind].needs & CHAOS_WORKER);
        fprintf(app->out, "%8.3f s  %-12s %-8s", step->at_ms / 1000.0, chaos_kinds[step->kind].name,
                of_node ? app->configuration.nodes[step->node].name : "-");
        if (step->for_ms)
            fprintf(app->out, " %5d ms", step->for_ms);
        fprintf(app->out, "%s%s\n", step->spec[0] ? " " : "", step->spec);
    }
}
