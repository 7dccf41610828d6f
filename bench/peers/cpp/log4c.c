/*
 * log4c: a printf format into its stream2 appender. Its layout is ours, because its own has no time
 * in ISO form; it has no fields and no context: both are in the format string, and nothing is
 * escaped.
 */
#include "bench/bench.h"
#include "bench/shape.h"

#include <log4c.h>
#include <log4c/appender_type_stream2.h>
#include <stdio.h>
#include <time.h>

static log4c_category_t *category;
static log4c_layout_t *layout;
static FILE *file;
static _Thread_local const char *volatile request_id, *volatile user, *volatile tenant;
static _Thread_local char line[8192];

static const char *layout_format(const log4c_layout_t *self, const log4c_logging_event_t *event)
{
    (void)self;
    struct tm utc;
    gmtime_r(&event->evt_timestamp.tv_sec, &utc);
    snprintf(line, sizeof line,
             "{\"@timestamp\":\"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ\",\"log.level\":\"%s\","
             "\"ecs.version\":\"1.2.0\",\"process.thread.name\":\"" SHAPE_THREAD
             "\",\"log.logger\":\"%s\",%s}}\n",
             utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
             (long)event->evt_timestamp.tv_usec, log4c_priority_to_string(event->evt_priority),
             event->evt_category, event->evt_msg);
    return line;
}

static const log4c_layout_type_t layout_type = {"bench", layout_format};

#define MDC     "\"request_id\":\"%s\",\"user\":\"%s\",\"tenant\":\"%s\""
#define CONTEXT request_id, user, tenant

static void log_r10(int priority, uint64_t i)
{
    log4c_category_log(category, priority,
                       "\"message\":\"%s\",\"labels\":{\"order_id\":\"%s\",\"customer\":\"%s\","
                       "\"payment\":\"%s\",\"amount\":%.2f,\"currency\":\"%s\",\"items\":%lld,"
                       "\"latency_us\":%lld,\"shard\":%lld,\"gift\":%s,\"path\":\"%s\"," MDC,
                       WORKLOAD_MESSAGE, workload.order_id, workload.customer, workload.method,
                       workload.amount, workload.currency, (long long)workload.items,
                       (long long)WORKLOAD_LATENCY(i), (long long)workload.shard,
                       workload.gift ? "true" : "false", workload.path, CONTEXT);
}

static void log_message(const char *message)
{
    log4c_category_log(category, LOG4C_PRIORITY_INFO, "\"message\":\"%s\",\"labels\":{" MDC,
                       message, CONTEXT);
}

static void log4c_run(enum bench_kind kind, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) {
        switch (kind) {
        case BENCH_R10: log_r10(LOG4C_PRIORITY_INFO, i); break;
        case BENCH_OFF: log_r10(LOG4C_PRIORITY_DEBUG, i); break;
        case BENCH_ESC: log_message(workload.esc_message); break;
        default: log_message(WORKLOAD_MESSAGE); break;
        }
    }
}

static bool log4c_drain(void)
{
    return fflush(file) == 0;
}

static bool log4c_open_file(const struct bench_job *job)
{
    if (log4c_init()) return false;
    log4c_layout_type_set(&layout_type);
    layout = log4c_layout_get("bench");
    log4c_layout_set_type(layout, &layout_type);
    log4c_appender_t *appender = log4c_appender_get(job->path);
    log4c_appender_set_type(appender, log4c_appender_type_get("stream2"));
    file = fopen(job->path, "a");
    if (!file) return false;
    log4c_stream2_set_fp(appender, file);
    log4c_appender_set_layout(appender, layout);
    category = log4c_category_get(WORKLOAD_LOGGER);
    log4c_category_set_appender(category, appender);
    log4c_category_set_priority(category, LOG4C_PRIORITY_INFO);
    bench_drain_set(log4c_drain);
    return true;
}

static bool log4c_thread_open(void)
{
    request_id = WORKLOAD_REQUEST_ID;
    user = WORKLOAD_USER;
    tenant = WORKLOAD_TENANT;
    return true;
}

static bool log4c_close(void)
{
    return log4c_fini() == 0;
}

static const struct bench_way log4c_way = {
    "log4c", "", true, log4c_open_file, log4c_thread_open, log4c_run, log4c_close, NULL};

int main(int argc, char **argv)
{
    static const struct bench_way *const ways[] = {&log4c_way};
    return bench_main(argc, argv, ways, 1);
}
