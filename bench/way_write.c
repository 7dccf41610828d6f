/* The floor of every logger without a buffer: write(2) of weft's line, made once. */
#include "bench.h"

#include <unistd.h>

static int file = -1;
static char line[8192];
static size_t line_size;

static bool write_open(const struct bench_job *job)
{
    line_size = bench_way_encode.line(job->kind, line, sizeof line);
    file = bench_file_open(job->path);
    return file >= 0 && line_size > 0;
}

static void write_run(enum bench_kind kind, uint64_t records)
{
    (void)kind;
    for (uint64_t i = 0; i < records; i++) bench_file_write(file, line, line_size);
}

static bool write_close(void)
{
    return close(file) == 0;
}

const struct bench_way bench_way_write = {
    "write", "bare write(2) of weft's line", true, write_open, NULL, write_run, write_close, NULL};
