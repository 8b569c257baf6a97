// SPDX-License-Identifier: Apache-2.0
/* What every unit test's main does: run one suite, print what failed, say so in the exit status. */
#ifndef TEST_SUPPORT_UNIT_H
#define TEST_SUPPORT_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Runs one test case, which becomes the suite's, and returns main's result. */
static inline int run_case(const char *name, TCase *cases)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Runs one test case made of the functions in `tests` (NULL-terminated), each between `setup` and
 * `teardown` (NULL: nothing), and returns main's result. */
static inline int run_tests(const char *name, SFun setup, SFun teardown, const TTest *const *tests)
{
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    for (; *tests != NULL; tests++)
        tcase_add_test(cases, *tests);
    return run_case(name, cases);
}

#define RUN_TESTS(name, ...) run_tests(name, NULL, NULL, (const TTest *const[]){__VA_ARGS__, NULL})
#define RUN_TESTS_WITH(name, setup, teardown, ...)                                                 \
    run_tests(name, setup, teardown, (const TTest *const[]){__VA_ARGS__, NULL})

#endif
