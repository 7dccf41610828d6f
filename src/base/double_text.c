/*
 * Doubles to the shortest text that reads back equal.
 *
 * The algorithm is Schubfach: Raffaello Giulietti, "The Schubfach way to render doubles" (2020). It
 * needs one table and three multiplications of 64 by 128 bits for any double, has no slow path and
 * no loop but for trailing zeros; Ryu needs two tables and a loop, Grisu a fallback. In front of it
 * stands an exact test for what logs hold most: whole numbers, and numbers of at most three
 * decimals. Integers only: neither locale nor rounding mode can reach it.
 */
#include "number.h"

#include "../port/wide.h"
#include "digits.h"
#include "pow10_table.h"
#include <stdbool.h>

#define FRACTION_BITS 52
#define IMPLICIT_BIT  (UINT64_C(1) << FRACTION_BITS)

/* A positive decimal number: digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    int exponent;
};

/*
 * floor(log10(2^e)), floor(log10(3/4 * 2^e)) and floor(log2(10^e)), right for every exponent that a
 * double can need.
 */
static inline int floor_log10_pow2(int e)
{
    return (e * 1262611) >> 22;
}
static inline int floor_log10_three_quarters_pow2(int e)
{
    return (e * 1262611 - 524031) >> 22;
}
static inline int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/*
 * power * factor / 2^128, rounded to odd: the integer part, its lowest bit set when something was
 * cut off. A last place that is one too high comes from the table, which is rounded up, and counts
 * as nothing.
 */
static inline uint64_t multiply_to_odd(const uint64_t power[2], uint64_t factor)
{
    const struct weftp_wide low = weftp_wide_mul(power[1], factor);
    const struct weftp_wide high = weftp_wide_mul(power[0], factor);
    const uint64_t middle = high.low + low.high;
    const uint64_t whole = high.high + (middle < low.high);
    return whole | (middle > 1);
}

/* Schubfach for c * 2^q; `lopsided`: the double below is only half as far away as the one above. */
static struct decimal shortest(uint64_t c, int q, bool lopsided)
{
    const uint64_t odd = c & 1; /* the bounds of an even c round to it, so they belong to it */
    const int k = lopsided ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
    const int shift = q + floor_log2_pow10(-k) + 1;
    const uint64_t *power = weftp_pow10_table[-k - WEFTP_POW10_FIRST];
    /* Four times the value and its bounds, in units of 10^k. */
    const uint64_t lower = multiply_to_odd(power, (4 * c - 2 + lopsided) << shift) + odd;
    const uint64_t value = multiply_to_odd(power, (4 * c) << shift);
    const uint64_t upper = multiply_to_odd(power, (4 * c + 2) << shift) - odd;

    const uint64_t s = value / 4;
    if (s >= 10) { /* a digit less, if one of the two neighbours with that many lies inside */
        const uint64_t tens = s / 10;
        const bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;
        if (down != up) return (struct decimal){tens + up, k + 1};
    }
    const bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down != up) return (struct decimal){s + up, k};
    const uint64_t middle = 4 * s + 2; /* both or none: the nearer; of two as near, the even one */
    const bool nearer_up = value > middle || (value == middle && (s & 1));
    return (struct decimal){s + nearer_up, k};
}

static inline char *put_fixed(char *to, const char *text, size_t size)
{
    memcpy(to, text, size);
    return to + size;
}

/* A whole number below 2^53. */
static char *put_whole(char *to, uint64_t value, enum weftp_double_style style)
{
    to = weftp_u64_text(to, value);
    return style == WEFTP_DOUBLE_JAVA ? put_fixed(to, ".0", 2) : to;
}

/* `thousandths` / 1000, below 10,000,000 and no whole number. */
static inline char *put_thousandths(char *to, uint64_t thousandths)
{
    const uint32_t whole = (uint32_t)(thousandths / 1000);
    const uint32_t fraction = (uint32_t)(thousandths - (uint64_t)whole * 1000);
    const uint32_t hundredths = fraction / 10, last = fraction % 10;
    to = weftp_digits_up_to_8(to, whole);
    *to = '.';
    weftp_digits2(to + 1, hundredths);
    to[3] = (char)('0' + last);
    if (last) return to + 4;
    return to + (to[2] == '0' ? 2 : 3);
}

/*
 * The short way for what logs hold most: whole numbers, and numbers that read back equal from three
 * decimals. c * 2^-shift reads back from r / 1000 when they are less than half of a last place
 * apart. With at most 15 digits there is no other text as short, because every one of those reads
 * back as a double of its own. NULL: not one of these, or too large or small for a plain decimal in
 * either style.
 */
static char *put_simple(char *to, uint64_t c, int shift, enum weftp_double_style style)
{
    if (shift < 0 || shift > 60 || c == IMPLICIT_BIT) return NULL;
    const uint64_t unit = UINT64_C(1) << shift, limit = 10000000;
    if ((c & (unit - 1)) == 0) {
        const uint64_t whole = c >> shift;
        return style == WEFTP_DOUBLE_JAVA && whole >= limit ? NULL : put_whole(to, whole, style);
    }
    const uint64_t product = c * 1000; /* < 2^63 */
    const uint64_t r = (product + unit / 2) >> shift;
    const uint64_t back = r << shift;
    const uint64_t apart = back > product ? back - product : product - back;
    return apart < 500 && r < limit * 1000 ? put_thousandths(to, r) : NULL;
}

/* 123, and two zeros: 12300. */
static char *put_zeros(char *to, uint64_t digits, int zeros)
{
    to = weftp_u64_text(to, digits);
    memset(to, '0', WEFTP_INTEGER_TEXT_MAX + 1);
    return to + zeros;
}

/* 1234 with a point behind the second digit: 12.34; behind the minus second: 0.001234. */
static char *put_point(char *to, uint64_t digits, int point)
{
    if (point <= 0) {
        memcpy(to, "0.00000000", 10);
        return weftp_u64_text(to + 2 - point, digits);
    }
    char *end = weftp_u64_text(to + 1, digits);
    for (int i = 0; i < point; i++) to[i] = to[i + 1];
    to[point] = '.';
    return end;
}

/* 1234 and 20: 1.234e20. */
static char *put_scientific(char *to, uint64_t digits, int exponent, enum weftp_double_style style)
{
    const bool java = style == WEFTP_DOUBLE_JAVA;
    char *end = to + 1;
    if (digits >= 10) {
        end = put_point(to, digits, 1);
    } else {
        *to = (char)('0' + digits);
        if (java) end = put_fixed(end, ".0", 2);
    }
    *end = java ? 'E' : 'e';
    return weftp_i64_text(end + 1, exponent);
}

static char *put_decimal(char *to, struct decimal decimal, enum weftp_double_style style)
{
    const int point = weftp_digit_count(decimal.digits) + decimal.exponent; /* digits before it */
    const bool java = style == WEFTP_DOUBLE_JAVA;
    if (point <= (java ? -3 : -6) || point > (java ? 7 : 21)) {
        return put_scientific(to, decimal.digits, point - 1, style);
    }
    if (decimal.exponent < 0) return put_point(to, decimal.digits, point);
    to = put_zeros(to, decimal.digits, decimal.exponent);
    return java ? put_fixed(to, ".0", 2) : to;
}

/* Take the zeros off the end: many where the number has few digits, mostly none. */
static inline struct decimal trim(struct decimal decimal)
{
    if (decimal.digits % 100000000 == 0) {
        decimal.digits /= 100000000;
        decimal.exponent += 8;
    }
    if (decimal.digits % 10000 == 0) {
        decimal.digits /= 10000;
        decimal.exponent += 4;
    }
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

/* Not a simple one: c * 2^q. */
static char *put_shortest(char *to, uint64_t c, int q, bool lopsided, enum weftp_double_style style)
{
    struct decimal decimal = shortest(c, q, lopsided);
    if (decimal.digits % 10 == 0) decimal = trim(decimal);
    return put_decimal(to, decimal, style);
}

char *weftp_double_text(char *to, double value, enum weftp_double_style style)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t fraction = bits & (IMPLICIT_BIT - 1);
    const int biased = (int)(bits >> FRACTION_BITS) & 0x7FF;
    if (biased == 0x7FF && fraction) return put_fixed(to, "NaN", 3);
    *to = '-';
    to += bits >> 63;
    if (biased == 0x7FF) return put_fixed(to, "Infinity", 8);
    if (biased == 0) {
        if (fraction == 0) return put_whole(to, 0, style);
        return put_shortest(to, fraction, 1 - 1075, false, style);
    }
    const uint64_t c = fraction | IMPLICIT_BIT;
    char *end = put_simple(to, c, 1075 - biased, style);
    if (end) return end;
    return put_shortest(to, c, biased - 1075, fraction == 0 && biased > 1, style);
}
