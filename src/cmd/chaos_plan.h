/* What happens when in a run of chaos: a pure function of seed, duration and number of nodes. The same seed draws the same
 * faults; each kind has random numbers of its own, so a new kind moves no other's. Nothing here looks at a clock or a server. */
#ifndef XATOP_CHAOS_PLAN_H
#define XATOP_CHAOS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "chaos_list.h"
#include "xatop/cmd.h"
#include "xatop/limits.h"

enum { CHAOS_DURATION_MIN_S = 5, CHAOS_DURATION_MAX_S = 86400, CHAOS_SPEC_MAX = 96, CHAOS_FAULT_KINDS_MAX = 16 };

struct chaos_kind_row {
    const char *name;
    uint16_t a_minute, min_ms, max_ms;
    unsigned needs; /* enum chaos_need */
    const char *hit;
};
extern const struct chaos_kind_row chaos_kinds[CHAOS_KINDS];

struct chaos_step {
    int32_t at_ms, for_ms; /* since the load began; 0: at once over */
    enum chaos_kind kind;
    uint8_t node;              /* index; 0 where it has none */
    char spec[CHAOS_SPEC_MAX]; /* GATE: the fault, KIND@POINT...; else "" */
};

struct chaos_plan {
    uint64_t seed;
    int32_t duration_ms;
    uint32_t count;
    struct chaos_step *steps; /* in order of time; malloc'd */
};

/* @node_count 1 to XATOP_NODES_MAX, @duration_s within the limits above. STATUS_INTERNAL: no memory. */
enum status chaos_plan_make(struct chaos_plan *plan, uint64_t seed, int32_t duration_s, uint8_t node_count,
                            struct err *err);
void chaos_plan_free(struct chaos_plan *plan);
struct prng;
struct fault_kind;
/* The kinds of the gate that chaos arms, in turn and again from the first. */
const struct fault_kind *chaos_plan_gate_kind(unsigned index);
/* A fault of that kind that can be armed, at a point that has a meaning for it. */
void chaos_plan_fault(struct prng *prng, unsigned index, char out[CHAOS_SPEC_MAX]);
void chaos_plan_print(const struct chaos_plan *plan, struct app *app);

#endif
