/*
 * The time of single calls, by rdtscp where there is one, which costs less than the clock of the
 * operating system; the cost of an empty pair of readings is told beside, not subtracted.
 */
#include "lap.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define CLOCK_PAIRS  100000
#define CALIBRATE_NS INT64_C(30000000)
#define SAMPLES_MAX  UINT64_C(20000000)

static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
    unsigned processor;
    return __rdtscp(&processor);
#else
    return (uint64_t)lap_now_ns();
#endif
}

static double ns_per_tick(void)
{
    const int64_t begin_ns = lap_now_ns();
    const uint64_t begin = ticks();
    int64_t now_ns;
    do now_ns = lap_now_ns();
    while (now_ns - begin_ns < CALIBRATE_NS);
    return (double)(now_ns - begin_ns) / (double)(ticks() - begin);
}

static int smaller(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static struct lap_latency percentiles(uint32_t *samples, uint64_t count, double tick_ns)
{
    qsort(samples, count, sizeof *samples, smaller);
    return (struct lap_latency){
        .p50 = samples[count / 2] * tick_ns,
        .p99 = samples[count - 1 - count / 100] * tick_ns,
        .p999 = samples[count - 1 - count / 1000] * tick_ns,
        .max = samples[count - 1] * tick_ns,
    };
}

static uint32_t clipped(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static struct lap_latency clock_pairs(uint32_t *samples, double tick_ns)
{
    for (size_t i = 0; i < CLOCK_PAIRS; i++) {
        const uint64_t begin = ticks();
        samples[i] = clipped(ticks() - begin);
    }
    return percentiles(samples, CLOCK_PAIRS, tick_ns);
}

/* Timed calls into `samples`; returns how many were late. */
static uint64_t calls_run(const struct lap_plan *plan, uint32_t *samples, uint64_t pace)
{
    uint64_t late = 0, due = ticks();
    for (uint64_t i = 0; i < plan->job.records; i++, due += pace) {
        uint64_t begin = ticks();
        if (pace && begin >= due + pace) late++;
        while (begin < due) begin = ticks();
        begin = ticks();
        plan->way->run(plan->job.kind, 1);
        samples[i] = clipped(ticks() - begin);
    }
    return late;
}

bool latency_run(const struct lap_plan *plan, struct lap_result *result)
{
    const uint64_t count = plan->job.records > CLOCK_PAIRS ? plan->job.records : CLOCK_PAIRS;
    if (count > SAMPLES_MAX) return false;
    uint32_t *samples = calloc(count, sizeof *samples);
    if (!samples) return false;
    for (uint64_t i = 0; i < count; i++) samples[i] = 1; /* its pages are there before the calls */
    const double tick_ns = ns_per_tick();
    result->clock = clock_pairs(samples, tick_ns);
    const uint64_t late = calls_run(plan, samples, (uint64_t)((double)plan->pace_ns / tick_ns));
    result->late = (double)late / (double)plan->job.records;
    result->call = percentiles(samples, plan->job.records, tick_ns);
    free(samples);
    return true;
}
