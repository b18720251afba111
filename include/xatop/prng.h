/* Seeded random numbers (splitmix64): the same seed gives the same run on every machine.
 * Not for secrets: those come from the kernel (random_bytes). */
#ifndef XATOP_PRNG_H
#define XATOP_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

void prng_seed(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);
/* Uniform in [0, bound); bound > 0. */
uint64_t prng_below(struct prng *prng, uint64_t bound);

/* Unpredictable bytes from getrandom(2); aborts if the kernel has none. */
void random_bytes(void *out, size_t n);

#endif
