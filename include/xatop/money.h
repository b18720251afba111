/* Money is an integer number of minor units (cents) everywhere inside; decimal only at the edge. */
#ifndef XATOP_MONEY_H
#define XATOP_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONEY_MAX INT64_C(1000000000000000) /* 10^13 whole units: sums of all accounts stay in int64 */

/* "500", "500.5", "500.00" -> 50000. No sign, no exponent, no spaces, at most two decimals, at most MONEY_MAX. */
bool money_parse(const char *string, int64_t *minor);
/* 50000 -> "500.00", -5 -> "-0.05". @cap at least 24. Returns @out. */
char *money_format(int64_t minor, char *out, size_t cap);

#endif
