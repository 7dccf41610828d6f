/*
 * The one time writer: nanoseconds since 1970 to RFC 3339 text in UTC, years 0001 to 9999 (outside
 * of them clamped). Independent of TZ and locale. Any thread; signal-safe.
 */
#ifndef WEFTP_BASE_TIME_TEXT_H
#define WEFTP_BASE_TIME_TEXT_H

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

#endif
