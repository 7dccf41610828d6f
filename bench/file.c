/* One write(2) a line, as a sink without a buffer does it. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int bench_file_open(const char *path)
{
    const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) fprintf(stderr, "weft_bench: %s: %s\n", path, strerrorname_np(errno));
    return fd;
}

void bench_file_write(int fd, const char *line, size_t size)
{
    if (write(fd, line, size) == (ssize_t)size) return;
    fprintf(stderr, "weft_bench: a write failed: %s\n", strerrorname_np(errno));
    exit(EXIT_FAILURE);
}
