#include "config.h"

#include <stdio.h>

#include "cunit_main.h"

/* CU_basic_run_tests reports only framework errors, so the failures are counted here. */
static void report(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
    printf("%s %s: %s\n", failure ? "not ok" : "ok", suite->pName, test->pName);
    for (CU_pFailureRecord f = failure; f; f = f->pNext)
        printf("#   %s:%u: %s\n", f->strFileName ? f->strFileName : "?", f->uiLineNumber,
               f->strCondition ? f->strCondition : "?");
    fflush(stdout);
}

int test_main(const char *suite_name, const struct test_case *cases)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 99;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    if (!suite)
        return 99;
    for (const struct test_case *c = cases; c->name; c++)
        if (!CU_add_test(suite, c->name, c->run))
            return 99;
    CU_set_test_complete_handler(report);
    CU_ErrorCode error = CU_run_all_tests();
    unsigned failures = CU_get_number_of_failures();
    unsigned ran = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    if (error != CUE_SUCCESS || ran == 0)
        return 99;
    return failures ? 1 : 0;
}
