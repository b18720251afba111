#include "config.h"

#include "xatop/prng.h"

#include <errno.h>
#include <sys/random.h>

#include "xatop/status.h"

void prng_seed(struct prng *prng, uint64_t seed)
{
    prng->state = seed;
}

/* splitmix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014. */
uint64_t prng_next(struct prng *prng)
{
    uint64_t z = (prng->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    xatop_assert(bound > 0);
    uint64_t skip = -bound % bound; /* the first values are met once too often: leave them out */
    uint64_t value;
    do
        value = prng_next(prng);
    while (value < skip);
    return value % bound;
}

void random_bytes(void *out, size_t n)
{
    unsigned char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        xatop_assert(got > 0);
        p += got;
        n -= (size_t)got;
    }
}
