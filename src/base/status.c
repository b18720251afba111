#include "config.h"

#include "xatop/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "xatop/i18n.h"

enum status err_set(struct err *err, enum status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        err->status = status;
    }
    return status;
}

static const struct {
    int exit_code;
    const char *words;
} statuses[] = {
#define X(code, exit_code, words) [STATUS_##code] = {exit_code, N_(words)},
    XATOP_STATUS_LIST(X)
#undef X
};

int status_exit_code(enum status status)
{
    return statuses[status].exit_code;
}

const char *status_words(enum status status)
{
    return _(statuses[status].words);
}

void xatop_assert_failed(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr, "xatop: internal error: %s:%d: %s: '%s' does not hold\n", file, line, function,
            condition);
    abort();
}
