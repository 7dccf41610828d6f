/*
 * Whether this runs under an emulator of another machine (qemu-user), which scripts/portability says in the environment:
 * for what no program can do there. docs/portability.md lists each place and its reason.
 */
#ifndef TEST_SUPPORT_EMULATED_H
#define TEST_SUPPORT_EMULATED_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool under_emulator(void)
{
    return getenv("TESTS_EMULATED") != NULL;
}

#endif
