#include "config.h"

#include "xatop/money.h"

#include <inttypes.h>
#include <stdio.h>

bool money_parse(const char *string, int64_t *minor)
{
    int64_t value = 0;
    int digits = 0, decimals = -1; /* -1: no point seen */
    for (const char *p = string; *p; p++) {
        if (*p == '.') {
            if (decimals >= 0 || digits == 0)
                return false;
            decimals = 0;
            continue;
        }
        if (*p < '0' || *p > '9' || decimals == 2)
            return false;
        value = value * 10 + (*p - '0');
        if (value > MONEY_MAX)
            return false;
        digits++;
        if (decimals >= 0)
            decimals++;
    }
    if (digits == 0 || decimals == 0)
        return false;
    for (int missing = 2 - (decimals < 0 ? 0 : decimals); missing > 0; missing--)
        value *= 10;
    if (value > MONEY_MAX)
        return false;
    *minor = value;
    return true;
}

char *money_format(int64_t minor, char *out, size_t cap)
{
    uint64_t magnitude = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
    snprintf(out, cap, "%s%" PRIu64 ".%02u", minor < 0 ? "-" : "", magnitude / 100,
             (unsigned)(magnitude % 100));
    return out;
}
