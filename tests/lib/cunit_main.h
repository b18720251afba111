/* One CUnit suite per test program: the program lists its cases and calls test_main. */
#ifndef XATOP_TESTS_CUNIT_MAIN_H
#define XATOP_TESTS_CUNIT_MAIN_H

#include <CUnit/CUnit.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

/* Run @cases (ended by a row without a name) as suite @suite and print one line per case.
 * Returns the process exit code: 0 all passed, 1 something failed, 99 the framework itself failed. */
int test_main(const char *suite, const struct test_case *cases);

#endif
