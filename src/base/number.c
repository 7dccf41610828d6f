#include "number.h"

#include "digits.h"

const char weftp_digit_pairs[200] = {"0001020304050607080910111213141516171819202122232425262728293"
                                     "031323334353637383940414243444546474849"
                                     "5051525354555657585960616263646566676869707172737475767778798"
                                     "081828384858687888990919293949596979899"};

int weftp_digit_count(uint64_t value)
{
    /* The least number with one digit more than its place; none has 21. */
    static const uint64_t limits[20] = {
        0,
        UINT64_C(10),
        UINT64_C(100),
        UINT64_C(1000),
        UINT64_C(10000),
        UINT64_C(100000),
        UINT64_C(1000000),
        UINT64_C(10000000),
        UINT64_C(100000000),
        UINT64_C(1000000000),
        UINT64_C(10000000000),
        UINT64_C(100000000000),
        UINT64_C(1000000000000),
        UINT64_C(10000000000000),
        UINT64_C(100000000000000),
        UINT64_C(1000000000000000),
        UINT64_C(10000000000000000),
        UINT64_C(100000000000000000),
        UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    const int bits = 64 - __builtin_clzll(value);
    const int guess = bits * 1233 >> 12; /* times log10(2): what the bits alone are sure of */
    return guess + (value >= limits[guess]);
}

char *weftp_u64_text(char *to, uint64_t value)
{
    const uint64_t step = 100000000;
    if (value < step) return weftp_digits_up_to_8(to, (uint32_t)value);
    const uint64_t high = value / step;
    if (high < step) {
        to = weftp_digits_up_to_8(to, (uint32_t)high);
    } else {
        to = weftp_digits_up_to_8(to, (uint32_t)(high / step));
        to = weftp_digits8(to, (uint32_t)(high % step));
    }
    return weftp_digits8(to, (uint32_t)(value % step));
}

char *weftp_i64_text(char *to, int64_t value)
{
    if (value >= 0) return weftp_u64_text(to, (uint64_t)value);
    *to = '-';
    return weftp_u64_text(to + 1, 0 - (uint64_t)value);
}

char *weftp_duration_text(char *to, int64_t ns)
{
    uint64_t rest = (uint64_t)ns;
    if (ns < 0) {
        *to++ = '-';
        rest = 0 - rest;
    }
    const uint32_t fraction = (uint32_t)(rest % 1000000);
    to = weftp_u64_text(to, rest / 1000000);
    if (fraction == 0) return to;
    *to = '.';
    to = weftp_digits6(to + 1, fraction);
    while (to[-1] == '0') to--;
    return to;
}
