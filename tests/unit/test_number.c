/* Numbers: edges, both layouts, whatever the locale and the rounding mode. */
#include "src/base/digits.h"
#include "src/base/number.h"
#include <fenv.h>
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *double_text(double value, enum weftp_double_style style)
{
    static char text[WEFTP_DOUBLE_TEXT_MAX + 1];
    char *end = weftp_double_text(text, value, style);
    assert_in_range(end - text, 1, 25);
    *end = '\0';
    return text;
}

static void check_u64(uint64_t value)
{
    char text[WEFTP_INTEGER_TEXT_MAX + 1], want[32];
    *weftp_u64_text(text, value) = '\0';
    snprintf(want, sizeof want, "%" PRIu64, value);
    assert_string_equal(text, want);
    if (value) assert_int_equal(weftp_digit_count(value), strlen(want));
    *weftp_i64_text(text, (int64_t)value) = '\0';
    snprintf(want, sizeof want, "%" PRId64, (int64_t)value);
    assert_string_equal(text, want);
}

static void integers_have_all_their_digits(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 200000; value++) check_u64(value);
    for (uint64_t power = 1; power; power *= 2) {
        for (uint64_t i = 0; i < 5; i++) check_u64(power - 2 + i);
        check_u64(0 - power);
    }
    uint64_t power = 1;
    for (int digits = 1; digits <= 20; digits++, power *= 10) {
        for (uint64_t i = 0; i < 5; i++) check_u64(power - 2 + i);
    }
    uint64_t random = 12345;
    for (int i = 0; i < 300000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        check_u64(random >> (i % 64));
    }
    check_u64(UINT64_MAX);
    check_u64((uint64_t)INT64_MIN);
}

struct row {
    double value;
    const char *plain, *java;
};

static const struct row rows[] = {
    {0.0, "0", "0.0"},
    {-0.0, "-0", "-0.0"},
    {1, "1", "1.0"},
    {-1, "-1", "-1.0"},
    {3, "3", "3.0"},
    {12.5, "12.5", "12.5"},
    {1234.56, "1234.56", "1234.56"},
    {0.1, "0.1", "0.1"},
    {0.25, "0.25", "0.25"},
    {0.125, "0.125", "0.125"},
    {0.0625, "0.0625", "0.0625"},
    {99.999, "99.999", "99.999"},
    {0.30000000000000004, "0.30000000000000004", "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333", "0.3333333333333333"},
    {2.0 / 3, "0.6666666666666666", "0.6666666666666666"},
    {37.566535, "37.566535", "37.566535"},
    {-126.9779692, "-126.9779692", "-126.9779692"},
    {100, "100", "100.0"},
    {1234567, "1234567", "1234567.0"},
    {9999999, "9999999", "9999999.0"},
    {1e7, "10000000", "1.0E7"},
    {12345678.5, "12345678.5", "1.23456785E7"},
    {9999999.999, "9999999.999", "9999999.999"},
    {10000000.001, "10000000.001", "1.0000000001E7"},
    {0.001, "0.001", "0.001"},
    {0.00390625, "0.00390625", "0.00390625"},
    {0.0009999, "0.0009999", "9.999E-4"},
    {0.000001, "0.000001", "1.0E-6"},
    {0.00000123, "0.00000123", "1.23E-6"},
    {9.99e-7, "9.99e-7", "9.99E-7"},
    {1e-7, "1e-7", "1.0E-7"},
    {1.5e-7, "1.5e-7", "1.5E-7"},
    {4503599627370496.0, "4503599627370496", "4.503599627370496E15"}, /* 2^52 */
    {9007199254740991.0, "9007199254740991", "9.007199254740991E15"}, /* 2^53 - 1 */
    {9007199254740992.0, "9007199254740992", "9.007199254740992E15"}, /* 2^53 */
    {9007199254740993.0, "9007199254740992", "9.007199254740992E15"}, /* no such double */
    {9007199254740994.0, "9007199254740994", "9.007199254740994E15"},
    {18014398509481984.0, "18014398509481984", "1.8014398509481984E16"}, /* 2^54 */
    {1e15, "1000000000000000", "1.0E15"},
    {1e20, "100000000000000000000", "1.0E20"},
    {123456789012345680000.0, "123456789012345680000", "1.2345678901234568E20"},
    {999999999999999900000.0, "999999999999999900000", "9.999999999999999E20"},
    {1e21, "1e21", "1.0E21"},
    {1.5e21, "1.5e21", "1.5E21"},
    {1e22, "1e22", "1.0E22"},
    {1e23, "1e23", "1.0E23"},
    {9.999999999999997e22, "9.999999999999997e22", "9.999999999999997E22"},
    {2e23, "2e23", "2.0E23"},
    {5e-324, "5e-324", "5.0E-324"},
    {1e-323, "1e-323", "1.0E-323"},
    {2.2250738585072011e-308, "2.225073858507201e-308", "2.225073858507201E-308"},
    {DBL_MIN, "2.2250738585072014e-308", "2.2250738585072014E-308"},
    {DBL_MAX, "1.7976931348623157e308", "1.7976931348623157E308"},
    {-DBL_MAX, "-1.7976931348623157e308", "-1.7976931348623157E308"},
    {DBL_EPSILON, "2.220446049250313e-16", "2.220446049250313E-16"},
    {9.5367431640625e-7, "9.5367431640625e-7", "9.5367431640625E-7"}, /* 2^-20 */
    {1.6666666666666667e-6, "0.0000016666666666666667", "1.6666666666666667E-6"},
    {-1.2345678901234568e-300, "-1.2345678901234568e-300", "-1.2345678901234568E-300"},
};

static void check_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(double_text(rows[i].value, WEFTP_DOUBLE_SHORT), rows[i].plain);
        assert_string_equal(double_text(rows[i].value, WEFTP_DOUBLE_JAVA), rows[i].java);
    }
}

static void doubles_at_the_edges_read_as_they_should(void **state)
{
    (void)state;
    check_rows();
    assert_string_equal(double_text((double)NAN, WEFTP_DOUBLE_SHORT), "NaN");
    assert_string_equal(double_text(-(double)NAN, WEFTP_DOUBLE_JAVA), "NaN");
    assert_string_equal(double_text(HUGE_VAL, WEFTP_DOUBLE_SHORT), "Infinity");
    assert_string_equal(double_text(-HUGE_VAL, WEFTP_DOUBLE_JAVA), "-Infinity");
}

static void powers_of_ten_have_one_digit(void **state)
{
    (void)state;
    for (int exponent = -323; exponent <= 308; exponent++) {
        char want[32];
        snprintf(want, sizeof want, "1e%d", exponent);
        const double value = strtod(want, NULL);
        const char *text = double_text(value, WEFTP_DOUBLE_SHORT);
        if (exponent < -6 || exponent >= 21) {
            assert_string_equal(text, want);
        } else {
            assert_true(strtod(text, NULL) == value);
            assert_int_equal(strspn(text, "01."), strlen(text));
            assert_int_equal(strchr(text, '1') - strrchr(text, '1'), 0);
        }
    }
}

static void neither_locale_nor_rounding_mode_is_seen(void **state)
{
    (void)state;
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
    if (setlocale(LC_ALL, "de_DE.UTF-8")) {
        char text[16];
        snprintf(text, sizeof text, "%.1f", 1.5);
        assert_string_equal(text, "1,5"); /* the locale is really another one */
    }
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(fesetround(modes[i]), 0);
        check_rows();
    }
    setlocale(LC_ALL, "C");
}

static const char *duration_text(int64_t ns)
{
    static char text[28];
    *weftp_duration_text(text, ns) = '\0';
    return text;
}

static void durations_are_milliseconds(void **state)
{
    (void)state;
    assert_string_equal(duration_text(0), "0");
    assert_string_equal(duration_text(1), "0.000001");
    assert_string_equal(duration_text(12000), "0.012");
    assert_string_equal(duration_text(1000000), "1");
    assert_string_equal(duration_text(1500000), "1.5");
    assert_string_equal(duration_text(-1500000), "-1.5");
    assert_string_equal(duration_text(-1), "-0.000001");
    assert_string_equal(duration_text(12345678901), "12345.678901");
    assert_string_equal(duration_text(INT64_MAX), "9223372036854.775807");
    assert_string_equal(duration_text(INT64_MIN), "-9223372036854.775808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_have_all_their_digits),
        cmocka_unit_test(doubles_at_the_edges_read_as_they_should),
        cmocka_unit_test(powers_of_ten_have_one_digit),
        cmocka_unit_test(neither_locale_nor_rounding_mode_is_seen),
        cmocka_unit_test(durations_are_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
