/*
 * A look at a key: its hash, and which bytes it has. Most keys are short and plain; those take a
 * few instructions.
 *
 * Its job: sort keys. Not its job: writing them. Pure; any thread. May include: port, key_hash.
 */
#ifndef WEFTP_BASE_KEY_LOOK_H
#define WEFTP_BASE_KEY_LOOK_H

#include "key_hash.h"
#include <stdbool.h>

enum {
    /* Bytes below 0x20, above 0x7f, a quote or a backslash: not printed as it stands. */
    WEFTP_KEY_ESCAPED = 1,
    /* A dot, an asterisk or a backslash, which groups replace by '_'. */
    WEFTP_KEY_MARKED = 2
};

struct weftp_look {
    uint32_t hash;
    unsigned flags;
};

typedef signed char weftp_key_bytes __attribute__((vector_size(16)));
typedef uint64_t weftp_key_words __attribute__((vector_size(16)));

/*
 * False when none of the 16 bytes has a flag: sixteen comparisons at a time, as the compiler knows
 * them on every machine. As signed numbers, bytes above 0x7f are below 0x20, too. A dot and an
 * asterisk differ in one bit.
 */
static inline bool weftp_key_is_odd16(uint64_t first, uint64_t last)
{
    const weftp_key_words words = {first, last};
    const weftp_key_bytes bytes = (weftp_key_bytes)words;
    const weftp_key_bytes odd =
        (bytes < ' ') | (bytes == '"') | (bytes == '\\') | ((bytes & (signed char)~4) == '*');
    const weftp_key_words any = (weftp_key_words)odd;
    return (any[0] | any[1]) != 0;
}

/* Look at more than 16 bytes. */
struct weftp_look weftp_key_look_long(const char *key, size_t size);
/* Which flags a key has that is not plain: `marks` as port/scan.h tells them. */
unsigned weftp_key_sort(const char *key, size_t size);

static inline struct weftp_look weftp_key_look_words(const char *key, size_t size, uint64_t first,
                                                     uint64_t last)
{
    const uint64_t mixed = (first ^ last * UINT64_C(0xD6E8FEB86659FD93)) + size;
    const uint64_t hash = mixed * UINT64_C(0x9E3779B97F4A7C15);
    struct weftp_look look = {(uint32_t)(hash >> 32), 0};
    if (__builtin_expect(weftp_key_is_odd16(first, last), 0))
        look.flags = weftp_key_sort(key, size);
    return look;
}

/* Look at a key of `size` > 0 bytes. */
static inline struct weftp_look weftp_key_look(const char *key, size_t size)
{
    if (size > 16) return weftp_key_look_long(key, size);
    uint64_t first, last;
    if (size >= 8) {
        memcpy(&first, key, 8);
        memcpy(&last, key + size - 8, 8);
    } else if (size >= 4) {
        uint32_t halves[2];
        memcpy(&halves[0], key, 4);
        memcpy(&halves[1], key + size - 4, 4);
        first = last = halves[0] | (uint64_t)halves[1] << 32;
    } else {
        first = (uint64_t)(unsigned char)key[0] | (uint64_t)(unsigned char)key[size / 2] << 8 |
                (uint64_t)(unsigned char)key[size - 1] << 16;
        first |= UINT64_C(0x6161616161000000); /* letters, which are plain */
        last = first;
    }
    return weftp_key_look_words(key, size, first, last);
}

#endif
