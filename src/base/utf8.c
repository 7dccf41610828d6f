#include "utf8.h"

#include "../port/scan.h"

static bool is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/*
 * The second byte's range depends on the first (Unicode Standard, table 3-7): it keeps out overlong
 * forms, surrogates, > U+10FFFF.
 */
static bool is_second(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0: return second >= 0xA0 && second <= 0xBF;
    case 0xED: return second >= 0x80 && second <= 0x9F;
    case 0xF0: return second >= 0x90 && second <= 0xBF;
    case 0xF4: return second >= 0x80 && second <= 0x8F;
    default: return is_tail(second);
    }
}

int weftp_utf8_step(const unsigned char *text, size_t size)
{
    const unsigned char first = text[0];
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return -1;
    const int length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (size < 2 || !is_second(first, text[1])) return -1;
    for (int i = 2; i < length; i++) {
        if (size <= (size_t)i || !is_tail(text[i])) return -i;
    }
    return length;
}

size_t weftp_utf8_cut(const char *text, size_t size, size_t max)
{
    if (size <= max) return size;
    for (size_t back = 1; back <= 3 && back <= max; back++) {
        const unsigned char *at = (const unsigned char *)text + max - back;
        if (is_tail(*at)) continue;
        const int step = weftp_utf8_step(at, size - (max - back));
        return step > (int)back ? max - back : max;
    }
    return max;
}

bool weftp_utf8_valid(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        const size_t left = (size_t)(end - at);
        size_t ok = 0;
        if (left >= WEFTP_SCAN_SIZE) {
            const weftp_chunk chunk = weftp_chunk_load(at);
            ok = weftp_chunk_high(chunk) ? weftp_chunk_good(chunk) : WEFTP_SCAN_SIZE;
        }
        if (ok == 0) {
            const int step = weftp_utf8_step(at, left);
            if (step < 0) return false;
            ok = (size_t)step;
        }
        at += ok;
    }
    return true;
}
