/*
 * Whether somebody checks each byte that is read: then nothing may be read beside a text, not even on its own page.
 *
 * Sanitizers are known when this is compiled (sanitized.h). Valgrind's memcheck answers a request that is made of rotations which leave
 * a register as it was, and which nobody else sees. On ARM memory may be tagged by steps of 16 bytes, so it counts as watched.
 *
 * Threads: any. Signals: safe. May include: sanitized.
 */
#ifndef WEFTP_PORT_WATCHED_H
#define WEFTP_PORT_WATCHED_H

#include "sanitized.h"
#include <stdbool.h>
#include <stdint.h>

static inline bool weftp_reads_are_watched(void)
{
#if defined __x86_64__ && defined __LP64__ && defined __linux__ && !defined WEFTP_SANITIZED
    const char here = 0;
    const uint64_t is_addressable[6] = {0x4D430004, (uint64_t)(uintptr_t)&here, sizeof here};
    uint64_t answer = 1; /* stays, unless memcheck is there to say 0 */
    __asm__ volatile("rolq $3, %%rdi ; rolq $13, %%rdi\n\t"
                     "rolq $61, %%rdi ; rolq $51, %%rdi\n\t"
                     "xchgq %%rbx, %%rbx"
                     : "+d"(answer)
                     : "a"(is_addressable)
                     : "cc", "memory");
    return answer == 0;
#else
    return true;
#endif
}

#endif
