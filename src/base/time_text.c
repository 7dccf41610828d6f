#include "time_text.h"

#include "digits.h"
#include "number.h"

#define NS_PER_SECOND  WEFTP_NS_PER_SECOND
#define SECONDS_IN_DAY 86400
#define SECOND_MIN     INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define SECOND_MAX     INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

#define SECOND_TEXT_SIZE WEFTP_SECOND_TEXT_SIZE

/* Seconds that are kept, both ways from 1970: so few that a product with NS_PER_SECOND tells them apart in 64 bits. */
#define SECOND_KEPT_MAX INT64_C(9200000000)

/*
 * Days since 1970-01-01 to year, month, day. Years are counted from March, so that the day that
 * comes and goes is the last one, in eras of 400 years, all of which have the same number of days.
 */
static char *put_date(char *to, int64_t days)
{
    const uint32_t from_era =
        (uint32_t)(days + 719468); /* since 0000-03-01; year 1 and later: positive */
    const uint32_t era = from_era / 146097, day_of_era = from_era % 146097;
    const uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint32_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t march_month = (5 * day_of_year + 2) / 153;
    const uint32_t day = day_of_year - (153 * march_month + 2) / 5 + 1;
    const uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    to = weftp_digits4(to, era * 400 + year_of_era + (month <= 2));
    *to = '-';
    to = weftp_digits2(to + 1, month);
    *to = '-';
    return weftp_digits2(to + 1, day);
}

/* Write the second as 2026-11-22T06:29:14. */
static void put_second(char *to, int64_t second)
{
    int64_t days = second / SECONDS_IN_DAY;
    if (second % SECONDS_IN_DAY < 0) days--;
    const uint32_t of_day = (uint32_t)(second - days * SECONDS_IN_DAY);
    to = put_date(to, days);
    *to = 'T';
    to = weftp_digits2(to + 1, of_day / 3600);
    *to = ':';
    to = weftp_digits2(to + 1, of_day / 60 % 60);
    *to = ':';
    weftp_digits2(to + 1, of_day % 60);
}

/* The text of the second, from the cache where that has it: with the point behind it. */
static const char *second_text(int64_t second, struct weft_out_clock *cache)
{
    if (cache->text[SECOND_TEXT_SIZE] && cache->second == second) return cache->text;
    put_second(cache->text, second);
    cache->second = second;
    cache->text[SECOND_TEXT_SIZE] = '.';
    return cache->text;
}

static char *put_nanos(char *to, uint32_t ns)
{
    to = weftp_digits3(to, ns / 1000000);
    return weftp_digits6(to, ns % 1000000);
}

static char *put_trimmed(char *to, uint32_t ns)
{
    if (ns == 0) return to;
    *to = '.';
    to = put_nanos(to + 1, ns);
    while (to[-1] == '0') to--;
    return to;
}

/*
 * Seconds with nine decimals. The fraction counts upwards from the second, also before 1970: -1 and
 * 900000000 are -0.1.
 */
static char *put_seconds(char *to, int64_t second, uint32_t ns)
{
    if (second < 0) {
        *to++ = '-';
        second = -second - (ns > 0);
        if (ns > 0) ns = NS_PER_SECOND - ns;
    }
    to = weftp_u64_text(to, (uint64_t)second);
    *to = '.';
    return put_nanos(to + 1, ns);
}

static char *put_rfc3339(char *to, const char *text, uint32_t ns, enum weftp_time_style style)
{
    memcpy(to, text, SECOND_TEXT_SIZE);
    to += SECOND_TEXT_SIZE;
    if (style == WEFTP_TIME_TRIM) {
        to = put_trimmed(to, ns);
    } else {
        *to = '.';
        to = style == WEFTP_TIME_MICROS ? weftp_digits6(to + 1, ns / 1000)
                                        : weftp_digits3(to + 1, ns / 1000000);
    }
    *to = 'Z';
    return to + 1;
}

static char *put_clock(char *to, const char *text, uint32_t ns)
{
    memcpy(to, text + 11, 8);
    to[8] = '.';
    return weftp_digits3(to + 9, ns / 1000000);
}

char *weftp_timespec_text(char *to, int64_t second, uint32_t ns, enum weftp_time_style style,
                          struct weft_out_clock *cache)
{
    if (ns >= NS_PER_SECOND) ns = NS_PER_SECOND - 1;
    if (second < SECOND_MIN) {
        second = SECOND_MIN;
        ns = 0;
    } else if (second > SECOND_MAX) {
        second = SECOND_MAX;
        ns = NS_PER_SECOND - 1;
    }
    if (style == WEFTP_TIME_SECONDS) return put_seconds(to, second, ns);
    if (style == WEFTP_TIME_EPOCH_MS || (style == WEFTP_TIME_MILLIS && second < 0)) {
        return weftp_i64_text(to, second * 1000 + ns / 1000000);
    }
    struct weft_out_clock local;
    if (!cache || second < -SECOND_KEPT_MAX || second > SECOND_KEPT_MAX) {
        local.text[SECOND_TEXT_SIZE] = 0;
        cache = &local;
    }
    const char *text = second_text(second, cache);
    return style == WEFTP_TIME_CLOCK ? put_clock(to, text, ns) : put_rfc3339(to, text, ns, style);
}

char *weftp_time_text(char *to, int64_t time_ns, enum weftp_time_style style,
                      struct weft_out_clock *cache)
{
    char *end = cache ? weftp_time_text_again(to, time_ns, style, cache) : NULL;
    if (end) return end;
    int64_t second = time_ns / NS_PER_SECOND, ns = time_ns % NS_PER_SECOND;
    if (ns < 0) {
        second--;
        ns += NS_PER_SECOND;
    }
    return weftp_timespec_text(to, second, (uint32_t)ns, style, cache);
}
