/* weft itself: the whole call, from the macro to the file. */
#include "way_grow.h"
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

/* The logger, got once as programs do it. */
static weft_logger *log_all;
static struct bench_job job_now;

/* One sink a path: PATH, PATH.1, … */
static bool sinks_text(const struct bench_job *job, char *to, size_t size)
{
    size_t used = 0;
    for (unsigned i = 0; i < (job->sinks ? job->sinks : 1); i++) {
        char number[16] = "";
        if (i) snprintf(number, sizeof number, ".%u", i);
        const int n =
            snprintf(to + used, size - used, "%sfile:%s%s%s%s", i ? " " : "", job->path, number,
                     job->sink_options ? "?" : "", job->sink_options ? job->sink_options : "");
        if (n < 0 || (size_t)n >= size - used) return false;
        used += (size_t)n;
    }
    return true;
}

static bool weft_drain(void)
{
    return weft_flush(10000) == WEFT_OK;
}

static bool weft_open(const struct bench_job *job)
{
    static char sinks[16384] = "callback:";
    job_now = *job;
    if (job->path && !sinks_text(job, sinks, sizeof sinks)) return false;
    weft_options options = weft_options_default();
    options.sinks = sinks;
    options.format = "ecs";
    weft_sink_callback_set(NULL, line_drop, NULL);
    if (weft_init(&options) != WEFT_OK) return false;
    if (job->kind == BENCH_GROW && !way_grow_open(job)) return false;
    log_all = weft_logger_get(WORKLOAD_LOGGER);
    bench_drain_set(weft_drain);
    return true;
}

static bool weft_thread_open(void)
{
    if (job_now.kind == BENCH_GROW) return way_grow_thread_open(&job_now);
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

static void run_off(weft_logger *log, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) {
        weft_logger *same = log;
        __asm__ volatile("" : "+r"(same) : : "memory");
        weft_debug(same, WORKLOAD_MESSAGE, WORKLOAD_FIELDS(i));
    }
}

static void weft_run(enum bench_kind kind, uint64_t records)
{
    static void (*const runs[BENCH_KINDS])(weft_logger *, uint64_t) = {run_r10, run_r0, run_esc,
                                                                       run_off, way_grow_run};
    runs[kind](log_all, records);
}

static bool weft_close(void)
{
    weft_stats stats;
    const bool flushed = weft_shutdown(10000) == WEFT_OK;
    return flushed && weft_stats_get(&stats, sizeof stats) == WEFT_OK && stats.dropped == 0 &&
           (stats.accepted > 0) == (job_now.kind != BENCH_OFF);
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
