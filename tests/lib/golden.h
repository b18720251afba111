/* Files of the source tree that must be what the program prints. With XATOP_TEST_UPDATE=1 they are rewritten
 * instead. */
#ifndef XATOP_TESTS_GOLDEN_H
#define XATOP_TESTS_GOLDEN_H

#include <stdbool.h>
#include <stdio.h>

/* What @print writes, as a string that the caller frees. */
char *golden_capture(void (*print)(void *arg, FILE *out), void *arg);
/* The whole of @file (a path in the source tree), or NULL; the caller frees. */
char *golden_read(const char *file);
/* Is @expected the whole of @file? */
bool golden_is_file(const char *file, const char *expected);
/* Is @expected what stands in @file between the lines that begin with .\" BEGIN tables and .\" END tables? */
bool golden_is_block(const char *file, const char *expected);

#endif
