/*
 * What a log call costs under the settings of the environment: the best of some batches of R10, in nanoseconds, on
 * stderr. bench/settings runs it for a list of sinks.
 */
#include "workload.h"

#include <stdio.h>
#include <time.h>
#include <weft/weft.h>

#define BATCHES 40
#define RECORDS 2500

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double batch_ns(weft_logger *log)
{
    const double start = now_ns();
    for (int64_t i = 0; i < RECORDS; i++) weft_info(log, WORKLOAD_MESSAGE, WORKLOAD_FIELDS(i));
    return (now_ns() - start) / RECORDS;
}

int main(void)
{
    weft_logger *log = weft_logger_get(WORKLOAD_LOGGER);
    weft_mdc_put("request_id", WORKLOAD_REQUEST_ID);
    weft_mdc_put("user", WORKLOAD_USER);
    weft_mdc_put("tenant", WORKLOAD_TENANT);
    double best = batch_ns(log);
    for (int i = 0; i < BATCHES; i++) {
        const double ns = batch_ns(log);
        if (ns < best) best = ns;
    }
    fprintf(stderr, "%.0f\n", best);
    weft_mdc_clear();
    return 0;
}
