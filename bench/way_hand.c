/*
 * The physical limit: a writer that knows R10 by heart. The context and all keys are one constant
 * text, the second is cached, strings are scanned 16 bytes at a time and copied, the amount has
 * two decimals.
 */
#include "bench.h"
#include "shape.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int file = -1;

struct clock_text {
    time_t second;
    char text[80];
};

#define PUT(to, literal)                                                                           \
    ((char *)memcpy((to), (literal), sizeof(literal) - 1) + sizeof(literal) - 1)

typedef signed char bytes16 __attribute__((vector_size(16)));

/*
 * Copy 16 bytes, of which two pieces of 8 may overlap. True when one must be escaped, or is beyond
 * ASCII.
 */
static inline bool copy_pair(char *to, const char *from, size_t second)
{
    uint64_t halves[2];
    bytes16 b;
    memcpy(&halves[0], from, 8);
    memcpy(&halves[1], from + second, 8);
    memcpy(to, &halves[0], 8);
    memcpy(to + second, &halves[1], 8);
    memcpy(&b, halves, 16);
    const bytes16 hit = (b < 0x20) | (b == '"') | (b == '\\');
    memcpy(halves, &hit, 16);
    return (halves[0] | halves[1]) != 0;
}

/*
 * Copy a string that has nothing to escape (R10 has none); what is special is marked, to keep the
 * scan honest.
 */
static inline char *put_string(char *to, const char *from)
{
    const size_t size = strlen(from);
    bool special = false;
    if (size >= 16) {
        for (size_t i = 0; i + 16 < size; i += 16) special |= copy_pair(to + i, from + i, 8);
        special |= copy_pair(to + size - 16, from + size - 16, 8);
    } else if (size >= 8) {
        special = copy_pair(to, from, size - 8);
    } else {
        for (size_t i = 0; i < size; i++) {
            to[i] = from[i];
            special |= (unsigned char)from[i] < 0x20 || from[i] == '"' || from[i] == '\\';
        }
    }
    if (special) to[0] = '?';
    return to + size;
}

static char *put_uint(char *to, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    memcpy(to, digits + at, sizeof digits - at);
    return to + sizeof digits - at;
}

static char *put_fixed2(char *to, double value)
{
    const uint64_t cents = (uint64_t)(value * 100 + 0.5);
    to = put_uint(to, cents / 100);
    *to++ = '.';
    *to++ = (char)('0' + cents / 10 % 10);
    *to++ = (char)('0' + cents % 10);
    return to;
}

static char *put_time(char *to, struct timespec now, struct clock_text *cache)
{
    if (now.tv_sec != cache->second) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        snprintf(cache->text, sizeof cache->text, "%04d-%02d-%02dT%02d:%02d:%02d.",
                 (utc.tm_year + 1900) % 10000, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec);
        cache->second = now.tv_sec;
    }
    memcpy(to, cache->text, 20);
    uint32_t micros = (uint32_t)(now.tv_nsec / 1000);
    for (int digit = 25; digit >= 20; digit--) {
        to[digit] = (char)('0' + micros % 10);
        micros /= 10;
    }
    to[26] = 'Z';
    return to + 27;
}

static size_t hand_r10(char *line, uint64_t i, struct timespec now, struct clock_text *cache)
{
    char *to = PUT(line, SHAPE_TIME);
    to = put_time(to, now, cache);
    to = PUT(to, SHAPE_LEVEL WORKLOAD_MESSAGE SHAPE_ORIGIN SHAPE_ORDER);
    to = put_string(to, workload.order_id);
    to = PUT(to, SHAPE_NAME);
    to = put_string(to, workload.customer);
    to = PUT(to, SHAPE_PAYMENT);
    to = put_string(to, workload.method);
    to = PUT(to, SHAPE_EUR);
    to = put_string(to, workload.currency);
    to = workload.gift ? PUT(to, SHAPE_GIFT "true" SHAPE_PATH)
                       : PUT(to, SHAPE_GIFT "false" SHAPE_PATH);
    to = put_string(to, workload.path);
    to = PUT(to, "\"," SHAPE_MDC SHAPE_AMOUNT);
    to = put_fixed2(to, workload.amount);
    to = PUT(to, SHAPE_ITEMS);
    to = put_uint(to, (uint64_t)workload.items);
    to = PUT(to, SHAPE_LATENCY);
    to = put_uint(to, (uint64_t)WORKLOAD_LATENCY(i));
    to = PUT(to, SHAPE_SHARD);
    to = put_uint(to, (uint64_t)workload.shard);
    to = PUT(to, "}}\n");
    return (size_t)(to - line);
}

static bool hand_open(const struct bench_job *job)
{
    if (job->path) file = bench_file_open(job->path);
    return job->kind == BENCH_R10 && (!job->path || file >= 0);
}

static size_t hand_now(char *line, uint64_t i, struct clock_text *cache)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return hand_r10(line, i, now, cache);
}

static void hand_run(enum bench_kind kind, uint64_t records)
{
    (void)kind;
    struct clock_text cache = {.second = -1};
    char line[1024];
    for (uint64_t i = 0; i < records; i++) bench_file_write(file, line, hand_now(line, i, &cache));
}

static void hand_encode_run(enum bench_kind kind, uint64_t records)
{
    (void)kind;
    struct clock_text cache = {.second = -1};
    char line[1024];
    for (uint64_t i = 0; i < records; i++) {
        const int64_t time_ns = BENCH_TIME_NS(i);
        hand_r10(line, i, (struct timespec){time_ns / 1000000000, time_ns % 1000000000}, &cache);
        bench_keep(line);
    }
}

static bool hand_close(void)
{
    return file < 0 || close(file) == 0;
}

static size_t hand_line(enum bench_kind kind, char *to, size_t size)
{
    struct clock_text cache = {.second = -1};
    return kind == BENCH_R10 && size >= 1024 ? hand_now(to, 0, &cache) : 0;
}

const struct bench_way bench_way_hand = {
    "hand",     "R10 by a writer that knows nothing else, and write(2)",
    true,       hand_open,
    NULL,       hand_run,
    hand_close, hand_line};
const struct bench_way bench_way_hand_encode = {
    "hand_encode", "the same without clock and write(2)",
    false,         hand_open,
    NULL,          hand_encode_run,
    hand_close,    NULL};
