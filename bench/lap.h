/* What the threads of one measurement do: warm up, wait for each other, log, drain. */
#ifndef BENCH_LAP_H
#define BENCH_LAP_H

#include "bench.h"

#define LAP_THREADS_MAX 64

enum lap_mode {
    LAP_THROUGHPUT, /* as quickly as it goes */
    LAP_PACED,      /* one call each pace_ns, each timed; 0: back to back */
    LAP_MEMORY,     /* little is logged; what the process holds before and after counts */
};

struct lap_plan {
    const struct bench_way *way;
    struct bench_job job;
    enum lap_mode mode;
    uint64_t pace_ns;
    bool count; /* allocations, which costs a little */
};

/* Percentiles, in nanoseconds. */
struct lap_latency {
    double p50, p99, p999, max;
};

struct lap_result {
    double ns_per_call;   /* of the calling threads, mean of all records */
    double ns_best_batch; /* mean of the threads' quietest batches */
    double records_per_s; /* until the last thread has drained */
    uint64_t allocations;
    bool pinned;
    struct lap_latency call, clock; /* LAP_PACED; the clock's own cost is not subtracted */
    double late;                    /* the share of calls that came later than their time */
    uint64_t warm;                  /* records of all threads that are not counted above */
    long memory_before_kib, memory_after_kib; /* LAP_MEMORY: PSS, so that a page counts once */
};

/* Run a plan on threads of its own, between the way's open() and close(). False on failure. */
bool lap_run(const struct lap_plan *plan, struct lap_result *result);

/* Nanoseconds of a clock that only goes forward. */
int64_t lap_now_ns(void);

/*
 * Make `count` timed calls, one each `pace_ns`, on the calling thread; `late` is the share that
 * could not begin in time. False without memory.
 */
bool latency_run(const struct lap_plan *plan, struct lap_result *result);

/* Kibibytes that this process has now (VmRSS), or had at most (VmHWM); its share of all it maps. */
long process_rss_kib(void);
long process_rss_max_kib(void);
long process_pss_kib(void);

#endif
