/*
 * Fixed numbers of decimal digits, two a step, for the number and the time writer. Pure functions;
 * any thread; signal-safe.
 */
#ifndef WEFTP_BASE_DIGITS_H
#define WEFTP_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

/* "00" to "99". */
extern const char weftp_digit_pairs[200];

/* How many digits a number > 0 has. */
int weftp_digit_count(uint64_t value);

/* Write `value` < 100 as two digits. */
static inline char *weftp_digits2(char *to, uint32_t value)
{
    memcpy(to, weftp_digit_pairs + (size_t)2 * value, 2);
    return to + 2;
}

/* Write `value` < 1,000 as three digits. */
static inline char *weftp_digits3(char *to, uint32_t value)
{
    *to = (char)('0' + value / 100);
    return weftp_digits2(to + 1, value % 100);
}

/* Write `value` < 10,000 as four digits. */
static inline char *weftp_digits4(char *to, uint32_t value)
{
    weftp_digits2(to, value / 100);
    return weftp_digits2(to + 2, value % 100);
}

/* Write `value` < 1,000,000 as six digits. */
static inline char *weftp_digits6(char *to, uint32_t value)
{
    weftp_digits2(to, value / 10000);
    return weftp_digits4(to + 2, value % 10000);
}

/* Write `value` < 100,000,000 as eight digits. */
static inline char *weftp_digits8(char *to, uint32_t value)
{
    weftp_digits4(to, value / 10000);
    return weftp_digits4(to + 4, value % 10000);
}

/* Write `value` < 10,000 without leading zeros. */
static inline char *weftp_digits_up_to_4(char *to, uint32_t value)
{
    const uint32_t high = value / 100, first = value < 100 ? value : high;
    memcpy(to, weftp_digit_pairs + (size_t)2 * first + (first < 10), 2);
    to += 1 + (first >= 10);
    return value < 100 ? to : weftp_digits2(to, value % 100);
}

/* Write `value` < 100,000,000 without leading zeros. */
static inline char *weftp_digits_up_to_8(char *to, uint32_t value)
{
    if (value < 10000) return weftp_digits_up_to_4(to, value);
    return weftp_digits4(weftp_digits_up_to_4(to, value / 10000), value % 10000);
}

#endif
