/*
 * The one time writer: nanoseconds since 1970 to RFC 3339 text in UTC, years 0001 to 9999 (outside
 * of them clamped). Independent of TZ and locale. Any thread; signal-safe.
 */
#ifndef WEFTP_BASE_TIME_TEXT_H
#define WEFTP_BASE_TIME_TEXT_H

#include "digits.h"
#include <stdint.h>
#include <weft/sys/encoder.h>

#define WEFTP_TIME_TEXT_MAX 32

enum weftp_time_style {
    /* 2026-11-22T06:29:14.123456Z */
    WEFTP_TIME_MICROS,
    /* 2026-11-22T06:29:14.123Z; before 1970 milliseconds, "-1", as logback's JsonLayout has it */
    WEFTP_TIME_MILLIS,
    /* Up to nine digits, trailing zeros dropped, no point without digits: 2026-11-22T06:29:14Z */
    WEFTP_TIME_TRIM,
    /* 1795328954123 */
    WEFTP_TIME_EPOCH_MS,
    /* 1795328954.123456000: a number with nine decimals */
    WEFTP_TIME_SECONDS,
    /* 06:29:14.123, for people */
    WEFTP_TIME_CLOCK
};

/*
 * Write at `to` (room for WEFTP_TIME_TEXT_MAX), return the end. No NUL. cache holds the text of the last second that was
 * written, so that most calls only print digits; zero it first. It may be NULL.
 */
char *weftp_time_text(char *to, int64_t time_ns, enum weftp_time_style style,
                      struct weft_out_clock *cache);
/*
 * The same for seconds and nanoseconds (clamped to 999,999,999), which reach further than 64 bits
 * of nanoseconds.
 */
char *weftp_timespec_text(char *to, int64_t second, uint32_t ns, enum weftp_time_style style,
                          struct weft_out_clock *cache);

#define WEFTP_NS_PER_SECOND    1000000000
#define WEFTP_SECOND_TEXT_SIZE 19 /* 2026-11-22T06:29:14 */

/*
 * weftp_time_text for what nearly every record wants: another microsecond of the second that was written last. No division
 * but by constants of 32 bits. NULL: another second, or another style.
 */
static inline char *weftp_time_text_again(char *to, int64_t time_ns, enum weftp_time_style style,
                                          const struct weft_out_clock *cache)
{
    const uint64_t into = (uint64_t)time_ns - (uint64_t)cache->second * WEFTP_NS_PER_SECOND;
    if (into >= WEFTP_NS_PER_SECOND || style != WEFTP_TIME_MICROS ||
        !cache->text[WEFTP_SECOND_TEXT_SIZE])
        return NULL;
    memcpy(to, cache->text, WEFTP_SECOND_TEXT_SIZE + 1); /* the point is there, too */
    to = weftp_digits6(to + WEFTP_SECOND_TEXT_SIZE + 1, (uint32_t)into / 1000);
    *to = 'Z';
    return to + 1;
}

#endif
