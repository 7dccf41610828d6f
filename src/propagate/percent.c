#include "percent.h"
#include "../base/utf8.h"
#include "chars.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The byte at the start of `text` (size > 0), decoded; *used becomes how many bytes stand for it.
 */
static char decode_one(const char *text, size_t size, size_t *used)
{
    *used = 1;
    if (text[0] != '%' || size < 3) return text[0];
    const int high = digit_value(text[1]), low = digit_value(text[2]);
    if (high < 0 || low < 0) return text[0];
    *used = 3;
    return (char)(high << 4 | low);
}

/* Copy with U+FFFD per maximal ill-formed subpart. `out` has room for 3 * size bytes. */
static size_t repair(char *out, const char *text, size_t size)
{
    size_t written = 0;
    for (size_t at = 0; at < size;) {
        const int step = weftp_utf8_step((const unsigned char *)text + at, size - at);
        const size_t length = (size_t)(step > 0 ? step : -step);
        const char *from = step > 0 ? text + at : REPLACEMENT;
        const size_t count = step > 0 ? length : 3;
        memcpy(out + written, from, count);
        written += count;
        at += length;
    }
    return written;
}

size_t weftp_percent_decode(char *out, const char *text, size_t size)
{
    char *plain =
        out +
        size; /* an ill-formed byte is three in `text`: the repaired text fits in front of it */
    size_t count = 0, used = 0;
    for (size_t at = 0; at < size; at += used)
        plain[count++] = decode_one(text + at, size - at, &used);
    if (!weftp_utf8_valid(plain, count)) return repair(out, plain, count);
    memmove(out, plain, count);
    return count;
}

/*
 * The character at the start of `text` (size > 0), decoded and repaired; *used becomes how many
 * bytes stand for it.
 */
static size_t decode_char(char out[4], const char *text, size_t size, size_t *used)
{
    size_t ends[4], count = 0;
    for (size_t at = 0, one = 0; count < 4 && at < size; at += one) {
        out[count] = decode_one(text + at, size - at, &one);
        ends[count++] = at + one;
    }
    const int step = weftp_utf8_step((const unsigned char *)out, count);
    *used = ends[(step > 0 ? step : -step) - 1];
    if (step > 0) return (size_t)step;
    memcpy(out, REPLACEMENT, 3);
    return 3;
}

bool weftp_percent_same(const char *text, size_t size, const char *plain, size_t plain_size)
{
    size_t used = 0;
    char one[4];
    for (size_t at = 0; at < size; at += used) {
        const size_t count = decode_char(one, text + at, size - at, &used);
        if (count > plain_size || memcmp(one, plain, count) != 0) return false;
        plain += count;
        plain_size -= count;
    }
    return plain_size == 0;
}

static size_t encode_byte(char *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    if (weftp_char_is((char)byte, WEFTP_CHAR_BAGGAGE) && byte != '%') {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '%';
    out[1] = digits[byte >> 4];
    out[2] = digits[byte & 15];
    return 3;
}

bool weftp_percent_encode(char *out, size_t capacity, const char *plain, size_t size,
                          size_t *written)
{
    *written = 0;
    for (size_t at = 0; at < size;) {
        const int step = weftp_utf8_step((const unsigned char *)plain + at, size - at);
        const char *from = step > 0 ? plain + at : REPLACEMENT;
        const size_t count = step > 0 ? (size_t)step : 3;
        char text[3 * 4];
        size_t used = 0;
        for (size_t i = 0; i < count; i++) used += encode_byte(text + used, (unsigned char)from[i]);
        if (used > capacity - *written) return false;
        memcpy(out + *written, text, used);
        *written += used;
        at += (size_t)(step > 0 ? step : -step);
    }
    return true;
}
