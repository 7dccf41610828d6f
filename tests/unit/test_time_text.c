/*
 * Times: every style, every month of 9,999 years, the cached second, TZ and locale without effect.
 */
#include "src/base/time_text.h"
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MORNING INT64_C(1795328954123456789) /* 2026-11-22T06:29:14.123456789Z */

static void check(int64_t time_ns, enum weftp_time_style style, const char *want)
{
    char text[WEFTP_TIME_TEXT_MAX + 1];
    struct weft_out_clock cache = {0};
    *weftp_time_text(text, time_ns, style, NULL) = '\0';
    assert_string_equal(text, want);
    for (int i = 0; i < 2; i++) { /* a cold and a warm cache */
        *weftp_time_text(text, time_ns, style, &cache) = '\0';
        assert_string_equal(text, want);
    }
}

static void check_second(int64_t second, uint32_t ns, enum weftp_time_style style, const char *want)
{
    char text[WEFTP_TIME_TEXT_MAX + 1];
    *weftp_timespec_text(text, second, ns, style, NULL) = '\0';
    assert_string_equal(text, want);
}

static void each_style_has_its_form(void **state)
{
    (void)state;
    check(MORNING, WEFTP_TIME_MICROS, "2026-11-22T06:29:14.123456Z");
    check(MORNING, WEFTP_TIME_MILLIS, "2026-11-22T06:29:14.123Z");
    check(MORNING, WEFTP_TIME_TRIM, "2026-11-22T06:29:14.123456789Z");
    check(MORNING, WEFTP_TIME_EPOCH_MS, "1795328954123");
    check(MORNING, WEFTP_TIME_SECONDS, "1795328954.123456789");
    check(MORNING, WEFTP_TIME_CLOCK, "06:29:14.123");
    check(0, WEFTP_TIME_MICROS, "1970-01-01T00:00:00.000000Z");
    check(0, WEFTP_TIME_MILLIS, "1970-01-01T00:00:00.000Z");
    check(0, WEFTP_TIME_TRIM, "1970-01-01T00:00:00Z");
    check(0, WEFTP_TIME_EPOCH_MS, "0");
    check(0, WEFTP_TIME_SECONDS, "0.000000000");
}

static void a_trimmed_fraction_has_no_zeros_at_its_end(void **state)
{
    (void)state;
    check_second(1, 100000000, WEFTP_TIME_TRIM, "1970-01-01T00:00:01.1Z");
    check_second(1, 1000000, WEFTP_TIME_TRIM, "1970-01-01T00:00:01.001Z");
    check_second(1, 10, WEFTP_TIME_TRIM, "1970-01-01T00:00:01.00000001Z");
    check_second(1, 1, WEFTP_TIME_TRIM, "1970-01-01T00:00:01.000000001Z");
    check_second(1, 123000, WEFTP_TIME_TRIM, "1970-01-01T00:00:01.000123Z");
}

static void times_before_1970_count_forwards(void **state)
{
    (void)state;
    check(-1, WEFTP_TIME_MICROS, "1969-12-31T23:59:59.999999Z");
    check(-1, WEFTP_TIME_EPOCH_MS, "-1");
    check(-1000000, WEFTP_TIME_EPOCH_MS, "-1");
    check(-1000001, WEFTP_TIME_EPOCH_MS, "-2");
    check(-1000000, WEFTP_TIME_MILLIS, "-1");
    check(-1, WEFTP_TIME_SECONDS, "-0.000000001");
    check(-1500000000, WEFTP_TIME_SECONDS, "-1.500000000");
    check(-2000000000, WEFTP_TIME_SECONDS, "-2.000000000");
    check(INT64_MIN, WEFTP_TIME_TRIM, "1677-09-21T00:12:43.145224192Z");
    check(INT64_MAX, WEFTP_TIME_TRIM, "2262-04-11T23:47:16.854775807Z");
    check(INT64_MIN, WEFTP_TIME_SECONDS, "-9223372036.854775808");
}

static void times_out_of_reach_are_clamped(void **state)
{
    (void)state;
    check_second(-62135596800, 0, WEFTP_TIME_TRIM, "0001-01-01T00:00:00Z");
    check_second(-62135596801, 5, WEFTP_TIME_TRIM, "0001-01-01T00:00:00Z");
    check_second(INT64_MIN, 5, WEFTP_TIME_MICROS, "0001-01-01T00:00:00.000000Z");
    check_second(253402300799, 0, WEFTP_TIME_TRIM, "9999-12-31T23:59:59Z");
    check_second(253402300800, 0, WEFTP_TIME_MICROS, "9999-12-31T23:59:59.999999Z");
    check_second(INT64_MAX, 0, WEFTP_TIME_EPOCH_MS, "253402300799999");
    check_second(INT64_MIN, 0, WEFTP_TIME_SECONDS, "-62135596800.000000000");
    check_second(0, UINT32_MAX, WEFTP_TIME_TRIM, "1970-01-01T00:00:00.999999999Z");
}

static int days_in(int year, int month)
{
    static const int days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month] + (month == 2 && leap);
}

static void every_month_of_every_year_is_right(void **state)
{
    (void)state;
    int64_t second = -62135596800;
    struct weft_out_clock cache = {0};
    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            const int last = days_in(year, month);
            for (int day = 1; day <= last; day++, second += 86400) {
                if ((year < 1800 || year > 2200) && day != 1 && day != last) continue;
                char text[WEFTP_TIME_TEXT_MAX + 1], want[64];
                const int of_day = (year * 79 + month * 101 + day) * 61 % 86400;
                *weftp_timespec_text(text, second + of_day, 0, WEFTP_TIME_TRIM, &cache) = '\0';
                snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day,
                         of_day / 3600, of_day / 60 % 60, of_day % 60);
                if (strcmp(text, want) != 0) fail_msg("%s instead of %s", text, want);
            }
        }
    }
    assert_int_equal(second, 253402300800);
}

static void a_cache_is_never_stale(void **state)
{
    (void)state;
    struct weft_out_clock cache = {0};
    for (int i = 0; i < 100000; i++) {
        char cached[WEFTP_TIME_TEXT_MAX + 1], fresh[WEFTP_TIME_TEXT_MAX + 1];
        const int64_t when = MORNING + (int64_t)(i / 3) * 400000000 * (i % 5 == 0 ? -1 : 1);
        const enum weftp_time_style style = (enum weftp_time_style)(i % 6);
        *weftp_time_text(cached, when, style, &cache) = '\0';
        *weftp_time_text(fresh, when, style, NULL) = '\0';
        assert_string_equal(cached, fresh);
    }
    /* A second that nanoseconds do not reach is not taken for one that is 2^64 of them away. */
    for (int64_t second = 9223372036; second > 9100000000; second -= 12345678) {
        char text[WEFTP_TIME_TEXT_MAX + 1], fresh[WEFTP_TIME_TEXT_MAX + 1];
        const int64_t wrapped = (int64_t)((uint64_t)second * 1000000000 + 1000000000 / 2);
        const int64_t far = second + INT64_C(18446744073); /* 2^64 nanoseconds, but for 0.7 s */
        weftp_timespec_text(text, far, 0, WEFTP_TIME_MICROS, &cache);
        *weftp_time_text(text, wrapped, WEFTP_TIME_MICROS, &cache) = '\0';
        *weftp_time_text(fresh, wrapped, WEFTP_TIME_MICROS, NULL) = '\0';
        assert_string_equal(text, fresh);
    }
    char late[WEFTP_TIME_TEXT_MAX + 1];
    weftp_timespec_text(late, 9223372036, 0, WEFTP_TIME_MICROS, &cache);
    *weftp_time_text(late, INT64_MIN, WEFTP_TIME_MICROS, &cache) = '\0';
    assert_string_equal(late, "1677-09-21T00:12:43.145224Z");
    /* The second 0 is not taken for an empty cache. */
    struct weft_out_clock empty = {0};
    char text[WEFTP_TIME_TEXT_MAX + 1];
    *weftp_time_text(text, 0, WEFTP_TIME_CLOCK, &empty) = '\0';
    assert_string_equal(text, "00:00:00.000");
}

static void neither_zone_nor_locale_is_seen(void **state)
{
    (void)state;
    setenv("TZ", "Asia/Seoul", 1);
    tzset();
    setlocale(LC_ALL, "de_DE.UTF-8");
    each_style_has_its_form(state);
    setlocale(LC_ALL, "C");
    unsetenv("TZ");
    tzset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_style_has_its_form),
        cmocka_unit_test(a_trimmed_fraction_has_no_zeros_at_its_end),
        cmocka_unit_test(times_before_1970_count_forwards),
        cmocka_unit_test(times_out_of_reach_are_clamped),
        cmocka_unit_test(every_month_of_every_year_is_right),
        cmocka_unit_test(a_cache_is_never_stale),
        cmocka_unit_test(neither_zone_nor_locale_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
