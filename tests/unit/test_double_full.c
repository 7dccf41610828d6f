/*
 * Doubles by the million: each text reads back equal, no text of fewer digits does, and of those
 * with as many digits none is nearer. The C library's exact conversions are the judge.
 */
#include "src/base/number.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/emulated.h"

/*
 * How many numbers to try of those that a release build tries: a sanitizer looks at the way through
 * the code, an emulated machine at word size and byte order, neither at each number.
 */
static int some_of(int count)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    return count / 5;
#else
    return under_emulator() ? count / 50 : count;
#endif
}

static uint64_t random_state = UINT64_C(0x9E3779B97F4A7C15);

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The significant digits of a number's text. */
static int significant_digits(const char *text, char *digits)
{
    int count = 0;
    for (; *text && *text != 'e' && *text != 'E'; text++) {
        if (*text < '0' || *text > '9' || (*text == '0' && count == 0)) continue;
        digits[count++] = *text;
    }
    while (count > 0 && digits[count - 1] == '0') count--;
    digits[count] = '\0';
    return count;
}

/*
 * Whether some text of so many digits reads back equal: the nearest one, or one of its neighbours.
 */
static bool is_enough(double value, int digits)
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    return strtod(text, NULL) == value;
}

static bool is_nearest(double value, const char *digits, int count)
{
    char text[64], nearest[64];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    const int nearest_count = significant_digits(text, nearest);
    /* The nearest one may be just outside on the shorter side of a power of two. */
    return (nearest_count == count && strcmp(nearest, digits) == 0) || !is_enough(value, count);
}

static void check_text(double value, char text[WEFTP_DOUBLE_TEXT_MAX + 1],
                       enum weftp_double_style style)
{
    char *end = weftp_double_text(text, value, style), *parsed;
    *end = '\0';
    const double back = strtod(text, &parsed);
    if (back != value || parsed != end) fail_msg("%a was written as %s", value, text);
}

static void check(double value)
{
    char text[WEFTP_DOUBLE_TEXT_MAX + 1], digits[64];
    check_text(value, text, WEFTP_DOUBLE_SHORT);
    const int count = significant_digits(text, digits);
    if (count > 1 && is_enough(value, count - 1)) fail_msg("%a: %s is too long", value, text);
    if (count > 0 && !is_nearest(value, digits, count))
        fail_msg("%a: %s is not nearest", value, text);
}

static void check_java(double value)
{
    char text[WEFTP_DOUBLE_TEXT_MAX + 1];
    check_text(value, text, WEFTP_DOUBLE_JAVA);
    if (!strchr(text, '.')) fail_msg("%a was written as %s", value, text);
}

static void random_bits_read_back_equal_and_are_shortest(void **state)
{
    (void)state;
    const int count = some_of(10000000);
    for (int i = 0; i < count; i++) {
        const double value = from_bits(random_bits());
        if (!isfinite(value)) continue;
        char text[WEFTP_DOUBLE_TEXT_MAX + 1];
        check_text(value, text, WEFTP_DOUBLE_SHORT);
        if (i % 5 == 0) check(value); /* the judge takes its time */
        if (i % 8 == 1) check_java(value);
    }
}

static void powers_of_two_and_their_neighbours(void **state)
{
    (void)state;
    for (uint64_t exponent = 0; exponent < 0x7FF; exponent++) {
        for (int i = -3; i <= 3; i++) {
            const uint64_t bits = (exponent << 52) + (uint64_t)(int64_t)i;
            if (bits >> 63 || !isfinite(from_bits(bits))) continue;
            check(from_bits(bits));
            check_java(from_bits(bits));
        }
    }
}

static void powers_of_ten_and_their_neighbours(void **state)
{
    (void)state;
    for (int exponent = -323; exponent <= 308; exponent++) {
        for (int digit = 1; digit <= 9; digit++) {
            char text[32];
            snprintf(text, sizeof text, "%de%d", digit, exponent);
            double value = strtod(text, NULL);
            if (!isfinite(value)) continue;
            check(value);
            check(nextafter(value, 0));
            check(nextafter(value, INFINITY));
        }
    }
}

/* What people log: few decimals, and numbers that are nearly so. */
static void decimals_come_back_as_they_were_typed(void **state)
{
    (void)state;
    const int count = some_of(400000);
    for (int i = 0; i < count; i++) {
        const int decimals = i % 7;
        const unsigned long long number = random_bits() >> (14 + i % 48);
        char typed[64], text[WEFTP_DOUBLE_TEXT_MAX + 1], want[64], got[64];
        snprintf(typed, sizeof typed, "%llue-%d", number % 1000000000000000, decimals);
        const double value = strtod(typed, NULL);
        *weftp_double_text(text, value, WEFTP_DOUBLE_SHORT) = '\0';
        significant_digits(typed, want);
        significant_digits(text, got);
        if (strcmp(want, got) != 0) fail_msg("%s was written as %s", typed, text);
        check(value);
        check(nextafter(value, 0));
        check(nextafter(value, INFINITY));
        check_java(value);
    }
}

static void denormals_and_singles(void **state)
{
    (void)state;
    for (uint64_t bits = 1; bits < 100000; bits++) check(from_bits(bits));
    const int count = some_of(300000);
    for (int i = 0; i < count; i++) {
        check(from_bits(random_bits() >> (12 + i % 52)));
        const uint32_t half = (uint32_t)random_bits();
        float single;
        memcpy(&single, &half, sizeof single);
        if (isfinite(single)) check((double)single);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bits_read_back_equal_and_are_shortest),
        cmocka_unit_test(powers_of_two_and_their_neighbours),
        cmocka_unit_test(powers_of_ten_and_their_neighbours),
        cmocka_unit_test(decimals_come_back_as_they_were_typed),
        cmocka_unit_test(denormals_and_singles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
