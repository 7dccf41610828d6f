/* What /proc says of this process's memory; 0 where it says nothing. */
#include "lap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number after `key` in a file of /proc, read without the C library's buffers. */
static long number_of(const char *path, const char *key)
{
    char text[8192];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    size_t size = 0;
    for (ssize_t got;
         size < sizeof text - 1 && (got = read(fd, text + size, sizeof text - 1 - size)) > 0;)
        size += (size_t)got;
    close(fd);
    text[size] = '\0';
    const char *at = strstr(text, key);
    return at ? strtol(at + strlen(key), NULL, 10) : 0;
}

long process_rss_kib(void)
{
    return number_of("/proc/self/status", "VmRSS:");
}

/* getrusage would tell of the parent before exec. */
long process_rss_max_kib(void)
{
    return number_of("/proc/self/status", "VmHWM:");
}

long process_pss_kib(void)
{
    return number_of("/proc/self/smaps_rollup", "\nPss:");
}
