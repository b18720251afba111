#include "config.h"

#include <string.h>

#include "../../src/cmd/chaos_plan.h"
#include "cunit_main.h"
#include "xatop/fault.h"
#include "xatop/prng.h"

static struct chaos_plan make(uint64_t seed, int32_t duration_s, uint8_t nodes)
{
    struct chaos_plan plan;
    struct err err = {0};
    CU_ASSERT_EQUAL_FATAL(chaos_plan_make(&plan, seed, duration_s, nodes, &err), STATUS_OK);
    return plan;
}

static bool same(const struct chaos_plan *a, const struct chaos_plan *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->steps[i].at_ms != b->steps[i].at_ms || a->steps[i].for_ms != b->steps[i].for_ms ||
            a->steps[i].kind != b->steps[i].kind || a->steps[i].node != b->steps[i].node ||
            strcmp(a->steps[i].spec, b->steps[i].spec) != 0)
            return false;
    return true;
}

static void same_seed_same_plan(void)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct chaos_plan a = make(seed, 20, 2), b = make(seed, 20, 2), c = make(seed + 1, 20, 2);
        CU_ASSERT_TRUE(same(&a, &b));
        CU_ASSERT_FALSE(same(&a, &c));
        chaos_plan_free(&a);
        chaos_plan_free(&b);
        chaos_plan_free(&c);
    }
}

static void every_kind_occurs_within_its_bounds(void)
{
    static const int32_t durations[] = {CHAOS_DURATION_MIN_S, 20, 60, 600};
    for (unsigned d = 0; d < sizeof durations / sizeof durations[0]; d++)
        for (uint64_t seed = 1; seed < 50; seed++)
            for (uint8_t nodes = 1; nodes <= 3; nodes++) {
                unsigned seen[CHAOS_KINDS] = {0};
                int32_t last_ms = 0;
                struct chaos_plan plan = make(seed, durations[d], nodes);
                for (uint32_t i = 0; i < plan.count; i++) {
                    const struct chaos_step *step = &plan.steps[i];
                    const struct chaos_kind_row *row = &chaos_kinds[step->kind];
                    struct fault fault;
                    seen[step->kind]++;
                    CU_ASSERT_TRUE(step->at_ms >= last_ms && step->at_ms < plan.duration_ms);
                    CU_ASSERT_TRUE(step->for_ms >= row->min_ms && step->for_ms <= row->max_ms);
                    CU_ASSERT_TRUE(step->node < nodes);
                    CU_ASSERT_EQUAL(step->spec[0] != '\0', step->kind == CHAOS_GATE);
                    if (step->spec[0])
                        CU_ASSERT_EQUAL(fault_parse(step->spec, NULL, 0, &fault, NULL), STATUS_OK);
                    last_ms = step->at_ms;
                }
                for (unsigned kind = 0; kind < CHAOS_KINDS; kind++)
                    CU_ASSERT_TRUE(seen[kind] > 0);
                chaos_plan_free(&plan);
            }
}

/* What a minute must prove (20 node kills or freezes, 10 coordinator kills, 10 faults of links) has to be in it with room to spare. */
static void a_minute_has_enough(void)
{
    for (uint64_t seed = 1; seed < 200; seed++) {
        unsigned seen[CHAOS_KINDS] = {0}, at_gate[32] = {0};
        struct chaos_plan plan = make(seed, 60, 2);
        for (uint32_t i = 0; i < plan.count; i++) {
            const struct fault_kind *const *kinds = fault_kinds();
            struct fault fault;
            seen[plan.steps[i].kind]++;
            if (plan.steps[i].spec[0] && fault_parse(plan.steps[i].spec, NULL, 0, &fault, NULL) == STATUS_OK)
                for (unsigned k = 0; kinds[k]; k++)
                    at_gate[k] += kinds[k] == fault.kind;
        }
        CU_ASSERT_TRUE(seen[CHAOS_KILL] + seen[CHAOS_FREEZE] >= 28);
        CU_ASSERT_TRUE(seen[CHAOS_COORDINATOR] >= 14);
        unsigned links = 0;
        for (unsigned kind = 0; kind < CHAOS_KINDS; kind++)
            links += chaos_kinds[kind].needs & CHAOS_LINK ? seen[kind] : 0;
        CU_ASSERT_TRUE(links >= 16);
        for (unsigned k = 0; fault_kinds()[k]; k++)
            CU_ASSERT_TRUE(at_gate[k] > 0);
        chaos_plan_free(&plan);
    }
}

/* A minute on two nodes has room for all: a server has the time to come up before the next fault of its process. */
static void a_node_has_one_trouble_at_a_time(void)
{
    for (uint64_t seed = 1; seed < 200; seed++) {
        int32_t free_ms[2] = {0, 0};
        struct chaos_plan plan = make(seed, 60, 2);
        for (uint32_t i = 0; i < plan.count; i++) {
            const struct chaos_step *step = &plan.steps[i];
            if (!(chaos_kinds[step->kind].needs & CHAOS_PROCESS))
                continue;
            CU_ASSERT_TRUE(step->at_ms >= free_ms[step->node]);
            free_ms[step->node] = step->at_ms + step->for_ms + (step->kind == CHAOS_FREEZE ? 200 : 3500);
        }
        chaos_plan_free(&plan);
    }
}

static void every_kind_of_the_gate_can_be_drawn(void)
{
    struct prng prng;
    prng_seed(&prng, 7);
    for (unsigned i = 0; i < 2000; i++) {
        char spec[CHAOS_SPEC_MAX];
        struct fault fault;
        chaos_plan_fault(&prng, i, spec);
        CU_ASSERT_EQUAL_FATAL(fault_parse(spec, NULL, 0, &fault, NULL), STATUS_OK);
        CU_ASSERT_PTR_EQUAL(fault.kind, chaos_plan_gate_kind(i));
    }
}

int main(void)
{
    static const struct test_case cases[] = {
        {"the same seed draws the same plan", same_seed_same_plan},
        {"every kind occurs, within its bounds", every_kind_occurs_within_its_bounds},
        {"a minute has enough of everything", a_minute_has_enough},
        {"a node has one trouble at a time", a_node_has_one_trouble_at_a_time},
        {"every kind of the gate can be drawn", every_kind_of_the_gate_can_be_drawn},
        {0},
    };
    return test_main("chaos plan", cases);
}
