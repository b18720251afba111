#include "config.h"

#include "xatop/scenario.h"

#include <string.h>

#include "xatop/scenario_list.h"

#define X(name) extern const struct scenario scenario_##name;
XATOP_SCENARIO_LIST(X)
#undef X

static const struct scenario *const scenarios[] = {
#define X(name) &scenario_##name,
    XATOP_SCENARIO_LIST(X)
#undef X
};

enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

const struct scenario *scenario_at(uint8_t index)
{
    return index < SCENARIOS ? scenarios[index] : NULL;
}

const struct scenario *scenario_by_command(const char *command, uint8_t *index)
{
    for (uint8_t i = 0; i < SCENARIOS; i++)
        if (strcmp(scenarios[i]->command, command) == 0) {
            if (index)
                *index = i;
            return scenarios[i];
        }
    return NULL;
}

void plan_add_key(struct plan *plan, const char *key, const char *fingerprint)
{
    struct branch_plan *branch = &plan->branches[0]; /* scenarios put the owning branch first */
    xatop_assert(plan->branch_count > 0 && branch->work_count < XATOP_WORK_MAX);
    memmove(&branch->work[1], &branch->work[0], branch->work_count * sizeof branch->work[0]);
    branch->work_count++;
    struct work_op *op = &branch->work[0];
    memset(op, 0, sizeof *op);
    op->kind = WORK_KEY;
    op->price = -1;
    text_copy(op->key, sizeof op->key, key);
    text_copy(op->fingerprint, sizeof op->fingerprint, fingerprint);
}

/* FNV-1a, then the finaliser of splitmix64, so that near inputs land far apart */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    struct prng mix;
    prng_seed(&mix, hash);
    return prng_next(&mix);
}

static uint64_t hash_i64(uint64_t hash, int64_t value)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
    return hash_bytes(hash, bytes, sizeof bytes);
}

void scenario_fingerprint(const struct scenario *scenario, const struct scenario_params *params, char out[33])
{
    static const uint64_t seeds[2] = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x9ae16a3b2f90404f)};
    struct text text;
    text_init(&text, out, 33);
    for (unsigned half = 0; half < 2; half++) {
        uint64_t hash = hash_bytes(seeds[half], scenario->name, strlen(scenario->name) + 1);
        for (unsigned i = 0; i < SCENARIO_PARAMS_MAX; i++)
            if (scenario->params[i])
                hash = hash_i64(hash, params->n[i]);
        text_printf(&text, "%016llx", (unsigned long long)hash);
    }
}

unsigned plan_rows(const struct plan *plan, uint64_t *out, unsigned cap)
{
    unsigned count = 0;
    for (uint8_t b = 0; b < plan->branch_count; b++)
        for (uint8_t i = 0; i < plan->branches[b].work_count; i++) {
            const struct work_op *op = &plan->branches[b].work[i];
            uint64_t hash = hash_i64(plan->branches[b].node, op->kind);
            if (op->kind == WORK_ADD)
                hash = hash_i64(hash_i64(hash, op->table), op->id);
            else if (op->kind == WORK_KEY)
                hash = hash_bytes(hash, op->key, strlen(op->key));
            else
                continue; /* a new row under the transaction's own gtrid: nobody else wants it */
            bool known = false;
            for (unsigned j = 0; j < count && !known; j++)
                known = out[j] == hash;
            if (!known && count < cap)
                out[count++] = hash;
        }
    return count;
}
