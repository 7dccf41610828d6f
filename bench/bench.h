/*
 * weft_bench, and the peers in C and C++: one measurement a process. A way (weft itself, or
 * something to compare it with) logs one kind of record to one place; bench/run starts many of
 * these in turns and makes the table.
 *
 * Everything here belongs to the one process that measures, so ways keep their state in file
 * statics. Peers in C++ include this header, too.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bench_kind {
    BENCH_R10,  /* message, 10 fields, 3 MDC entries */
    BENCH_R0,   /* message, 3 MDC entries */
    BENCH_ESC,  /* R0 with a message of 1,000 bytes: 50 to escape, 162 of Korean */
    BENCH_OFF,  /* R10 at a level that is off */
    BENCH_GROW, /* as many fields, MDC entries and bytes of message as the job says */
    BENCH_KINDS
};

struct bench_job {
    enum bench_kind kind;
    const char *path; /* of the file to append to; NULL: nowhere */
    unsigned threads;
    uint64_t records;         /* per thread */
    const char *sink_options; /* weft's, as "buffer_bytes=64k"; NULL: none */
    /* BENCH_GROW only: */
    unsigned fields, mdc, sinks;
    size_t message_bytes;
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
    bench_way_hand_write, bench_way_hand_batch, bench_way_hand_mutex, bench_way_hand_encode,
    bench_way_pack, bench_way_unpack, bench_way_empty;

/*
 * Called in open() by a way that keeps records in memory: `drain` writes what the calling thread
 * has logged, and returns when it was written. The end of a run is when every thread has drained.
 */
void bench_drain_set(bool (*drain)(void));

/* The program: read the arguments, measure one of `ways`, print one JSON object. */
int bench_main(int argc, char **argv, const struct bench_way *const *ways, size_t count);

/* From here on, count calls of malloc, calloc, realloc, aligned_alloc and posix_memalign. */
void bench_allocations_start(void);
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

#ifdef __cplusplus
}
#endif

#endif
