#include "config.h"

#include "model_fold.h"

#include <string.h>

/* Histogram of the current second: exact below 16 us, then 8 buckets for each power of two. */
static unsigned bucket_of(int64_t us)
{
    if (us < 16)
        return us < 0 ? 0 : (unsigned)us;
    unsigned exponent = 63 - (unsigned)__builtin_clzll((unsigned long long)us);
    unsigned bucket = 16 + (exponent - 4) * 8 + (unsigned)(us >> (exponent - 3) & 7);
    return bucket < MODEL_BUCKETS ? bucket : MODEL_BUCKETS - 1;
}

/* The middle of a bucket. */
static int64_t bucket_us(unsigned bucket)
{
    if (bucket < 16)
        return bucket;
    unsigned exponent = (bucket - 16) / 8 + 4;
    int64_t width = INT64_C(1) << (exponent - 3);
    return (INT64_C(1) << exponent) + (bucket - 16) % 8 * width + width / 2;
}

static int64_t percentile(const uint32_t *histogram, uint64_t total, unsigned percent)
{
    if (total == 0)
        return -1;
    uint64_t rank = (total * percent + 99) / 100, seen = 0;
    unsigned bucket = 0;
    for (; bucket < MODEL_BUCKETS - 1; bucket++) {
        seen += histogram[bucket];
        if (seen >= rank)
            break;
    }
    return bucket_us(bucket);
}

static void close_second(struct model *model)
{
    struct model_second *second = &model->seconds[model->now_second % MODEL_SECONDS];
    uint64_t total = 0;
    for (unsigned i = 0; i < MODEL_BUCKETS; i++)
        total += model->histogram[i];
    second->p50_us = percentile(model->histogram, total, 50);
    second->p95_us = percentile(model->histogram, total, 95);
    second->p99_us = percentile(model->histogram, total, 99);
    if (total > 0)
        memset(model->histogram, 0, sizeof model->histogram);
}

void model_advance(struct model *model, int64_t now_us)
{
    int64_t now = now_us / 1000000;
    if (now <= model->now_second) /* times of carriers and engine may overlap by a little: never back */
        return;
    if (model->now_second != 0)
        close_second(model);
    model->now_second = now;
    model->seconds[now % MODEL_SECONDS] =
        (struct model_second){.second = now, .p50_us = -1, .p95_us = -1, .p99_us = -1};
}

struct model_second *model_this_second(struct model *model)
{
    return &model->seconds[model->now_second % MODEL_SECONDS];
}

void model_count_latency(struct model *model, int64_t elapsed_us)
{
    model->histogram[bucket_of(elapsed_us)]++;
}

struct model_second model_rates(const struct model *model, int64_t second)
{
    const struct model_second *slot = &model->seconds[(uint64_t)second % MODEL_SECONDS];
    if (second > 0 && slot->second == second)
        return *slot;
    return (struct model_second){.second = second, .p50_us = -1, .p95_us = -1, .p99_us = -1};
}
