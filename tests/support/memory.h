/* How much memory this process has resident, for tests that it stays flat. */
#ifndef TEST_SUPPORT_MEMORY_H
#define TEST_SUPPORT_MEMORY_H

#include <stdio.h>
#include <unistd.h>

/* Sanitizers keep freed memory aside for a while: what is resident then says nothing. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define MEMORY_IS_TELLING 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEMORY_IS_TELLING 0
#endif
#endif
#ifndef MEMORY_IS_TELLING
#define MEMORY_IS_TELLING 1
#endif

/* KiB; 0 when it cannot be told. */
static inline long resident_kib(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    if (fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

#endif
