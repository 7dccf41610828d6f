/*
 * The loop around a call whose level is off (kind OFF of weft): the barrier makes the compiler look
 * at the logger and its gate anew each time round. What the call adds is the difference. Below a
 * nanosecond it is the loop and its branches that are measured, more than the call.
 */
#include "bench.h"
#include "workload.h"

#include <weft/weft.h>

static weft_logger *log_off;

static bool empty_open(const struct bench_job *job)
{
    (void)job;
    weft_options options = weft_options_default();
    options.sinks = "callback:";
    options.level = "info";
    if (weft_init(&options) != WEFT_OK) return false;
    log_off = weft_logger_get(WORKLOAD_LOGGER);
    return true;
}

static void empty_run(enum bench_kind kind, uint64_t records)
{
    (void)kind;
    weft_logger *const same = log_off;
    for (uint64_t i = 0; i < records; i++) {
        weft_logger *log = same;
        __asm__ volatile("" : "+r"(log) : : "memory");
    }
}

static bool empty_close(void)
{
    weft_stats stats;
    return weft_stats_get(&stats, sizeof stats) == WEFT_OK && stats.accepted == 0;
}

const struct bench_way bench_way_empty = {"empty",   "the loop around it", false, empty_open, NULL,
                                          empty_run, empty_close,          NULL};
