/* weft itself: the whole call, from the macro to the file. */
#include "bench.h"
#include "workload.h"

#include <stdio.h>
#include <string.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

static weft_status line_drop(void *arg, const struct weft_line *line)
{
    (void)arg;
    bench_keep(line->data);
    return WEFT_OK;
}

static bool weft_open(const struct bench_job *job)
{
    char sink[4096] = "callback:";
    if (job->path) snprintf(sink, sizeof sink, "file:%s", job->path);
    weft_options options = weft_options_default();
    options.sinks = sink;
    options.format = "ecs";
    weft_sink_callback_set(NULL, line_drop, NULL);
    return weft_init(&options) == WEFT_OK;
}

static bool weft_thread_open(void)
{
    return weft_mdc_put("request_id", WORKLOAD_REQUEST_ID) == WEFT_OK &&
           weft_mdc_put("user", WORKLOAD_USER) == WEFT_OK &&
           weft_mdc_put("tenant", WORKLOAD_TENANT) == WEFT_OK;
}

static void run_r10(weft_logger *log, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) weft_info(log, WORKLOAD_MESSAGE, WORKLOAD_FIELDS(i));
}

static void run_r0(weft_logger *log, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) weft_info(log, WORKLOAD_MESSAGE);
}

static void run_esc(weft_logger *log, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) weft_info(log, workload.esc_message);
}

static void weft_run(enum bench_kind kind, uint64_t records)
{
    static void (*const runs[])(weft_logger *, uint64_t) = {run_r10, run_r0, run_esc};
    runs[kind](weft_logger_get(WORKLOAD_LOGGER), records);
}

static bool weft_close(void)
{
    weft_stats stats;
    const bool flushed = weft_shutdown(10000) == WEFT_OK;
    return flushed && weft_stats_get(&stats, sizeof stats) == WEFT_OK && stats.dropped == 0 &&
           stats.accepted > 0;
}

static struct {
    char *to;
    size_t size, got;
} wanted;

static weft_status line_copy(void *arg, const struct weft_line *line)
{
    (void)arg;
    wanted.got = line->size < wanted.size ? line->size : wanted.size;
    memcpy(wanted.to, line->data, wanted.got);
    return WEFT_OK;
}

static size_t weft_line_of(enum bench_kind kind, char *to, size_t size)
{
    const struct bench_job nowhere = {.kind = kind};
    if (!weft_open(&nowhere) || !weft_thread_open()) return 0;
    wanted.to = to;
    wanted.size = size;
    wanted.got = 0;
    weft_sink_callback_set(NULL, line_copy, NULL);
    weft_run(kind, 1);
    return weft_shutdown(1000) == WEFT_OK ? wanted.got : 0;
}

const struct bench_way bench_way_weft = {"weft",
                                         "weft_info(), the whole call",
                                         false,
                                         weft_open,
                                         weft_thread_open,
                                         weft_run,
                                         weft_close,
                                         weft_line_of};
