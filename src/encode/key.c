#include "key.h"

#include <stdbool.h>

unsigned weftp_key_sort(const char *key, size_t size)
{
    unsigned flags = 0;
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)key[i];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') flags |= WEFTP_KEY_ESCAPED;
        if (c == '.' || c == '*' || c == '\\') flags |= WEFTP_KEY_MARKED;
    }
    return flags;
}

static bool is_odd(const char *key, size_t size)
{
    uint64_t dots = 0;
    unsigned marks = weftp_scan_marks(key + size - WEFTP_SCAN_SIZE);
    for (size_t i = 0; i + WEFTP_SCAN_SIZE < size; i += WEFTP_SCAN_SIZE) {
        marks |= weftp_scan_marks(key + i);
    }
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word;
        memcpy(&word, key + (i + 8 <= size ? i : size - 8), 8);
        dots |= weftp_key_dots(word);
    }
    return marks || dots;
}

struct weftp_look weftp_key_look_long(const char *key, size_t size)
{
    const struct weftp_look look = {weftp_hash_bytes(0, key, size),
                                    is_odd(key, size) ? weftp_key_sort(key, size) : 0};
    return look;
}
