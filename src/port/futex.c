#include "futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/types.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The kernel's own, of the width that its call expects, whatever the C library's time_t is. */
#ifdef SYS_futex
struct pause {
    __kernel_long_t seconds, ns;
};
#else
#define SYS_futex SYS_futex_time64 /* new 32-bit machines have this one alone */
struct pause {
    int64_t seconds, ns;
};
#endif

void weftp_futex_wait(uint32_t *word, uint32_t value, int64_t timeout_ns)
{
    struct pause pause = {0, 0};
    if (timeout_ns <= 0) return;
    if (timeout_ns != INT64_MAX) {
        pause.seconds = timeout_ns / 1000000000;
        pause.ns = timeout_ns % 1000000000;
    }
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns == INT64_MAX ? NULL : &pause,
            NULL, 0);
}

void weftp_futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void weftp_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}
