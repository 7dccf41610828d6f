/* What one would write without a library: clock, gmtime_r, an escape loop, snprintf, write(2). */
#include "bench.h"
#include "shape.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int file = -1;

/* Escape what JSON must have escaped; the text fits, or is cut. */
static const char *escaped(char *to, size_t size, const char *text)
{
    char *cur = to;
    char *const end = to + size - 7;
    for (; *text && cur < end; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            *cur++ = '\\';
            *cur++ = *text;
        } else if (c == '\t') {
            *cur++ = '\\';
            *cur++ = 't';
        } else if (c < 0x20) {
            cur += snprintf(cur, 7, "\\u%04X", c);
        } else {
            *cur++ = *text;
        }
    }
    *cur = '\0';
    return to;
}

static const char *now_text(char *to, size_t size)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    snprintf(to, size, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", utc.tm_year + 1900, utc.tm_mon + 1,
             utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000);
    return to;
}

static int format_r10(uint64_t i, char *to, size_t size, const char *when, const char *message)
{
    char e[5][256];
    return snprintf(
        to, size,
        SHAPE_TIME "%s" SHAPE_LEVEL "%s" SHAPE_ORIGIN SHAPE_ORDER "%s" SHAPE_NAME "%s" SHAPE_PAYMENT
                   "%s" SHAPE_EUR "%s" SHAPE_GIFT "%s" SHAPE_PATH "%s\"," SHAPE_MDC SHAPE_AMOUNT
                   "%.2f" SHAPE_ITEMS "%lld" SHAPE_LATENCY "%lld" SHAPE_SHARD "%lld}}\n",
        when, message, escaped(e[0], sizeof e[0], workload.order_id),
        escaped(e[1], sizeof e[1], workload.customer), escaped(e[2], sizeof e[2], workload.method),
        escaped(e[3], sizeof e[3], workload.currency), workload.gift ? "true" : "false",
        escaped(e[4], sizeof e[4], workload.path), workload.amount, (long long)workload.items,
        (long long)WORKLOAD_LATENCY(i), (long long)workload.shard);
}

static size_t format(enum bench_kind kind, uint64_t i, char *to, size_t size)
{
    char when[64], message[4096];
    now_text(when, sizeof when);
    escaped(message, sizeof message, kind == BENCH_ESC ? workload.esc_message : WORKLOAD_MESSAGE);
    int n;
    if (kind == BENCH_R10)
        n = format_r10(i, to, size, when, message);
    else
        n = snprintf(to, size, SHAPE_TIME "%s" SHAPE_LEVEL "%s" SHAPE_ORIGIN SHAPE_MDC "}}\n", when,
                     message);
    return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static bool snprintf_open(const struct bench_job *job)
{
    file = bench_file_open(job->path);
    return file >= 0;
}

static void snprintf_run(enum bench_kind kind, uint64_t records)
{
    char line[8192];
    for (uint64_t i = 0; i < records; i++)
        bench_file_write(file, line, format(kind, i, line, sizeof line));
}

static bool snprintf_close(void)
{
    return close(file) == 0;
}

static size_t snprintf_line(enum bench_kind kind, char *to, size_t size)
{
    return format(kind, 0, to, size);
}

const struct bench_way bench_way_snprintf = {
    "snprintf",     "the same line by snprintf, and write(2)",
    true,           snprintf_open,
    NULL,           snprintf_run,
    snprintf_close, snprintf_line};
