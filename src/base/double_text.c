/*
 * Doubles to the shortest text that reads back equal.
 *
 * The algorithm is Schubfach: Raffaello Giulietti, "The Schubfach way to render doubles" (2020). It needs one table and
 * three multiplications of 64 by 128 bits for any double, has no slow path and no loop but for trailing zeros; Ryu
 * needs two tables and a loop, Grisu a fallback. In front of it stands an exact test for what logs hold most: whole
 * numbers, and numbers of at most three decimals. Integers only: neither locale nor rounding mode can reach it.
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

/* floor(log10(2^e)), floor(log10(3/4 * 2^e)) and floor(log2(10^e)), right for every exponent that a double can need. */
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
 * power * factor / 2^128, rounded to odd: the integer part, its lowest bit set when something was cut off. A last place
 * that is one too high comes from the table, which is rounded up, and counts as nothing.
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

/*
 * Whole numbers, and numbers that read back equal from three decimals: c * 2^-shift is r / 1000 when they are less than
 * half of a last place apart. With at most 15 digits there is no other text as short, because every one of those reads
 * back as a double of its own.
 */
static inline bool simple(uint64_t c, int shift, struct decimal *out)
{
    if (shift < 0 || shift > FRACTION_BITS || c <= IMPLICIT_BIT) return false;
    const uint64_t unit = UINT64_C(1) << shift;
    if ((c & (unit - 1)) == 0) {
        *out = (struct decimal){c >> shift, 0};
        return true;
    }
    const uint64_t product = c * 1000; /* < 2^63 */
    const uint64_t r = (product + unit / 2) >> shift;
    const uint64_t back = r << shift;
    const uint64_t apart = back > product ? back - product : product - back;
    if (apart >= 500 || r >= UINT64_C(1000000000000000)) return false;
    *out = (struct decimal){r, -3};
    return true;
}

static inline struct decimal to_decimal(uint64_t fraction, int biased)
{
    const uint64_t c = biased ? fraction | IMPLICIT_BIT : fraction;
    const int q = (biased ? biased : 1) - 1075;
    struct decimal decimal;
    if (!simple(c, -q, &decimal)) decimal = shortest(c, q, fraction == 0 && biased > 1);
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

/* 123 and 2 zeros: 12300. */
static char *put_whole(char *to, const char *digits, int count, int zeros)
{
    memcpy(to, digits, WEFTP_INTEGER_TEXT_MAX);
    memset(to + count, '0', WEFTP_INTEGER_TEXT_MAX + 1);
    return to + count + zeros;
}

/* 1234 and a point behind 2: 12.34; behind -2: 0.001234. */
static char *put_point(char *to, const char *digits, int count, int point)
{
    if (point <= 0) {
        memcpy(to, "0.00000000", 10);
        to += 2 - point;
        memcpy(to, digits, WEFTP_INTEGER_TEXT_MAX);
        return to + count;
    }
    memcpy(to, digits, WEFTP_INTEGER_TEXT_MAX);
    to[point] = '.';
    memcpy(to + point + 1, digits + point, WEFTP_INTEGER_TEXT_MAX);
    return to + count + 1;
}

static char *put_scientific(char *to, const char *digits, int count, int exponent,
                            enum weftp_double_style style)
{
    *to++ = digits[0];
    if (count > 1 || style == WEFTP_DOUBLE_JAVA) {
        *to++ = '.';
        memcpy(to, count > 1 ? digits + 1 : "0", (size_t)(count > 1 ? count - 1 : 1));
        to += count > 1 ? count - 1 : 1;
    }
    *to++ = style == WEFTP_DOUBLE_JAVA ? 'E' : 'e';
    return weftp_i64_text(to, exponent);
}

static char *put_decimal(char *to, struct decimal decimal, enum weftp_double_style style)
{
    char digits[2 * WEFTP_INTEGER_TEXT_MAX] = {0}; /* room to copy too much from any digit on */
    const int count = (int)(weftp_u64_text(digits, decimal.digits) - digits);
    const int point = count + decimal.exponent; /* digits in front of the point */
    const bool java = style == WEFTP_DOUBLE_JAVA;
    if (point - 1 < (java ? -3 : -6) || point - 1 >= (java ? 7 : 21)) {
        return put_scientific(to, digits, count, point - 1, style);
    }
    if (decimal.exponent < 0) return put_point(to, digits, count, point);
    to = put_whole(to, digits, count, decimal.exponent);
    if (java) {
        memcpy(to, ".0", 2);
        to += 2;
    }
    return to;
}

static char *put_words(char *to, const char *text)
{
    const size_t size = strlen(text);
    memcpy(to, text, size);
    return to + size;
}

char *weftp_double_text(char *to, double value, enum weftp_double_style style)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t fraction = bits & (IMPLICIT_BIT - 1);
    const int biased = (int)(bits >> FRACTION_BITS) & 0x7FF;
    if (biased == 0x7FF && fraction) return put_words(to, "NaN");
    if (bits >> 63) *to++ = '-';
    if (biased == 0x7FF) return put_words(to, "Infinity");
    if (biased == 0 && fraction == 0)
        return put_words(to, style == WEFTP_DOUBLE_JAVA ? "0.0" : "0");
    return put_decimal(to, to_decimal(fraction, biased), style);
}
