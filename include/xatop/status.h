/* Status codes, their exit codes, and the one-line error every fallible call can fill in.
 *
 * Two kinds of failure, never mixed: a broken promise of our own code is an assertion
 * (xatop_assert, on in release builds); everything the world can do is a status. */
#ifndef XATOP_STATUS_H
#define XATOP_STATUS_H

#include "xatop/limits.h"

/* code, exit code (the contract of xatop(1)), words */
#define XATOP_STATUS_LIST(X)                                                                                \
    X(OK, 0, "done")                                                                                        \
    X(REFUSED, 1, "refused, nothing changed")                                                               \
    X(USAGE, 2, "wrong usage or configuration")                                                             \
    X(PENDING, 3, "decided but not told everywhere, or in doubt")                                           \
    X(NODE, 4, "a node cannot be reached, authenticated or started")                                        \
    X(INVARIANT, 5, "an invariant does not hold")                                                           \
    X(PROVED_NOTHING, 6, "too little happened to prove anything")                                           \
    X(STATE, 7, "the state directory is unusable or held, or the coordinator id is owned elsewhere")        \
    X(INTERNAL, 70, "internal error")                                                                       \
    X(INJECTED_CRASH, 99, "ended by an injected crash")

enum status {
#define X(code, exit_code, words) STATUS_##code,
    XATOP_STATUS_LIST(X)
#undef X
};

struct err {
    enum status status;
    char text[XATOP_ERROR_MAX]; /* lower case, "what: why; what to do", no full stop, already sanitised */
};

/* Fill @err (may be NULL) and return @status, so that a caller writes `return err_set(...)`.
 * Any text that came from outside goes through text_sanitise first. */
enum status err_set(struct err *err, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int status_exit_code(enum status status);
const char *status_words(enum status status);

/* A programmer's error: print one line to stderr and abort. On in every build. */
#define xatop_assert(condition)                                                                             \
    ((condition) ? (void)0 : xatop_assert_failed(#condition, __FILE__, __LINE__, __func__))
_Noreturn void xatop_assert_failed(const char *condition, const char *file, int line, const char *function);

#endif
