#include "key_look.h"

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
    for (size_t i = 0; i < size; i += 16) {
        uint64_t words[2];
        memcpy(words, key + (i + 16 <= size ? i : size - 16), 16);
        if (weftp_key_is_odd16(words[0], words[1])) return true;
    }
    return false;
}

struct weftp_look weftp_key_look_long(const char *key, size_t size)
{
    const struct weftp_look look = {weftp_hash_bytes(0, key, size),
                                    is_odd(key, size) ? weftp_key_sort(key, size) : 0};
    return look;
}
