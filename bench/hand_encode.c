/*
 * The physical limit: an encoder that knows the three lines by heart. The context and all keys are
 * one constant text, the second is cached, strings are scanned 16 bytes at a time and copied, the
 * amount has two decimals.
 */
#include "hand_encode.h"
#include "shape.h"

#include <stdio.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

static char *put_time(char *to, struct timespec now, struct hand_clock *cache)
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

static bool is_special(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* Escape one byte as weft's line has it. */
static char *put_special(char *to, char c)
{
    static const char short_forms[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                       ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    const char letter = short_forms[(unsigned char)c];
    *to++ = '\\';
    if (letter) {
        *to++ = letter;
        return to;
    }
    const unsigned char byte = (unsigned char)c;
    to = PUT(to, "u00");
    *to++ = "0123456789abcdef"[byte >> 4];
    *to++ = "0123456789abcdef"[byte & 15];
    return to;
}

/* Copy up to the first special byte, 16 at a time; both may be written to and read 16 beyond. */
static inline size_t plain_copy(char *to, const char *from, size_t size)
{
    size_t i = 0;
#if defined(__SSE2__)
    for (; i + 16 <= size; i += 16) {
        const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        _mm_storeu_si128((__m128i *)(void *)(to + i), b);
        const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(b, _mm_set1_epi8(0x1f)), b);
        const __m128i quote = _mm_cmpeq_epi8(b, _mm_set1_epi8('"'));
        const __m128i slash = _mm_cmpeq_epi8(b, _mm_set1_epi8('\\'));
        const int hit = _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, slash)));
        if (hit) return i + (size_t)__builtin_ctz((unsigned)hit);
    }
#endif
    for (; i < size && !is_special(from[i]); i++) to[i] = from[i];
    return i;
}

static char *put_escaped(char *to, const char *from)
{
    size_t size = strlen(from);
    for (;;) {
        const size_t plain = plain_copy(to, from, size);
        to += plain;
        if (plain == size) return to;
        to = put_special(to, from[plain]);
        from += plain + 1;
        size -= plain + 1;
    }
}

static size_t r10(char *line, uint64_t i, struct timespec now, struct hand_clock *cache)
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

static size_t r0(char *line, const char *message, struct timespec now, struct hand_clock *cache)
{
    char *to = PUT(line, SHAPE_TIME);
    to = put_time(to, now, cache);
    to = PUT(to, SHAPE_LEVEL);
    to = put_escaped(to, message);
    to = PUT(to, SHAPE_ORIGIN SHAPE_MDC "}}\n");
    return (size_t)(to - line);
}

size_t hand_encode(enum bench_kind kind, char *line, uint64_t i, struct timespec now,
                   struct hand_clock *cache)
{
    if (kind == BENCH_R10) return r10(line, i, now, cache);
    return r0(line, kind == BENCH_ESC ? workload.esc_message : WORKLOAD_MESSAGE, now, cache);
}
