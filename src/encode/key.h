/*
 * A look at a key: its hash, and which bytes it has. Most keys are short and plain; those take a
 * few instructions.
 *
 * Its job: sort keys. Not its job: writing them. Pure; any thread. May include: port, base.
 */
#ifndef WEFTP_ENCODE_KEY_H
#define WEFTP_ENCODE_KEY_H

#include "../base/key_hash.h"
#include "../port/scan.h"

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

#define WEFTP_EIGHT_(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not 0 when one of the eight bytes is a dot or an asterisk: they differ in one bit. */
static inline uint64_t weftp_key_dots(uint64_t word)
{
    const uint64_t zero = (word & WEFTP_EIGHT_(0xfb)) ^ WEFTP_EIGHT_('*');
    return (zero - WEFTP_EIGHT_(1)) & ~zero & WEFTP_EIGHT_(0x80);
}

/* Look at more than 16 bytes. */
struct weftp_look weftp_key_look_long(const char *key, size_t size);
/* Which flags a key has that is not plain: `marks` as port/scan.h tells them. */
unsigned weftp_key_sort(const char *key, size_t size);

static inline struct weftp_look weftp_key_look_words(const char *key, size_t size, uint64_t first,
                                                     uint64_t last)
{
    const uint64_t mixed = (first + size) * UINT64_C(0x9E3779B97F4A7C15) ^
                           (last ^ first >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    struct weftp_look look = {(uint32_t)(mixed >> 32) ^ (uint32_t)(mixed >> 7), 0};
    const unsigned marks = weftp_chunk_marks(weftp_chunk_pair(first, last));
    const uint64_t dots = weftp_key_dots(first) | weftp_key_dots(last);
    if (__builtin_expect(marks || dots, 0)) look.flags = weftp_key_sort(key, size);
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
