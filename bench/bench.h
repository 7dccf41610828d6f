/*
 * weft_bench: one measurement a process. A way (weft itself, or something to compare it with) logs
 * one kind of record to one place from one or two threads; bench/run starts many of these in turns
 * and makes the table.
 *
 * Everything here belongs to the one process that measures, so ways keep their state in file
 * statics.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_kind {
    BENCH_R10, /* message, 10 fields, 3 MDC entries */
    BENCH_R0,  /* message, 3 MDC entries */
    BENCH_ESC, /* R0 with a message of 1,000 bytes: 50 to escape, 162 of Korean */
};

struct bench_job {
    enum bench_kind kind;
    const char *path; /* of the file to append to; NULL: nowhere */
    unsigned threads;
    uint64_t records; /* per thread */
};

/* A way to get a record out. Functions answer false when they cannot. */
struct bench_way {
    const char *name;
    const char *text; /* what it is */
    bool needs_path;
    bool (*open)(const struct bench_job *job);
    bool (*thread_open)(void); /* on each thread, not timed; NULL: nothing to do */
    void (*run)(enum bench_kind kind, uint64_t records); /* on each thread, timed */
    bool (*close)(void);                                 /* false when anything was lost */
    size_t (*line)(enum bench_kind kind, char *to,
                   size_t size); /* one line as it is written; NULL: none */
};

extern const struct bench_way bench_way_weft, bench_way_encode, bench_way_write, bench_way_snprintf,
    bench_way_hand, bench_way_hand_encode, bench_way_off, bench_way_empty;

/* Calls of malloc, calloc, realloc, aligned_alloc and posix_memalign in this process so far. */
uint64_t bench_allocations(void);

/* Open a file as a sink does: appended to, made when absent. -1 on failure. */
int bench_file_open(const char *path);
/* write(2) one line; a short write ends the measurement. */
void bench_file_write(int fd, const char *line, size_t size);

/* The time of the i-th record, where no clock is read. */
#define BENCH_TIME_NS(i) (INT64_C(1795328954123456000) + (int64_t)(i)*1000)

/* Put off the compiler: whatever `p` points to was looked at. */
static inline void bench_keep(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

#endif
