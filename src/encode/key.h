/*
 * A look at a key: which bytes it has. Most keys are short and plain; those are told in a few
 * instructions.
 *
 * Its job: sort keys. Not its job: writing them. Pure; any thread. May include: nothing.
 */
#ifndef WEFTP_ENCODE_KEY_H
#define WEFTP_ENCODE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    WEFTP_KEY_ESCAPED =
        1, /* bytes below 0x20, above 0x7f, a quote or a backslash: not written as it stands */
    WEFTP_KEY_MARKED = 2 /* a dot, an asterisk or a backslash, which groups replace by '_' */
};

/* Sixteen bytes that are looked at together, as the compiler knows them on every machine. */
typedef signed char weftp_bytes16 __attribute__((vector_size(16)));

static inline bool weftp_bytes16_any(weftp_bytes16 bytes)
{
    uint64_t halves[2];
    memcpy(halves, &bytes, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* Load 1 to 16 bytes; what a short key does not fill is filled with bytes of its own. */
static inline weftp_bytes16 weftp_key_load(const char *key, size_t size)
{
    uint64_t halves[2];
    if (size >= 8) {
        memcpy(&halves[0], key, 8);
        memcpy(&halves[1], key + size - 8, 8);
    } else if (size >= 4) {
        uint32_t quarters[2];
        memcpy(&quarters[0], key, 4);
        memcpy(&quarters[1], key + size - 4, 4);
        halves[0] = halves[1] = quarters[0] | (uint64_t)quarters[1] << 32;
    } else {
        const uint64_t three = (uint64_t)(unsigned char)key[0] |
                               (uint64_t)(unsigned char)key[size / 2] << 8 |
                               (uint64_t)(unsigned char)key[size - 1] << 16;
        halves[0] = halves[1] = three | UINT64_C(0x6161616161000000);
    }
    weftp_bytes16 bytes;
    memcpy(&bytes, halves, sizeof bytes);
    return bytes;
}

static inline unsigned weftp_key_flags16(weftp_bytes16 bytes)
{
    const weftp_bytes16 slash = bytes == '\\';
    const weftp_bytes16 escaped = (bytes < ' ') | (bytes == '"') | slash;
    const weftp_bytes16 marked = (bytes == '.') | (bytes == '*') | slash;
    if (!weftp_bytes16_any(escaped | marked)) return 0;
    return (weftp_bytes16_any(escaped) ? WEFTP_KEY_ESCAPED : 0U) |
           (weftp_bytes16_any(marked) ? WEFTP_KEY_MARKED : 0U);
}

/* The flags of a key of `size` > 0 bytes. */
static inline unsigned weftp_key_flags(const char *key, size_t size)
{
    if (size <= 16) return weftp_key_flags16(weftp_key_load(key, size));
    unsigned flags = weftp_key_flags16(weftp_key_load(key + size - 16, 16));
    for (size_t i = 0; i + 16 < size; i += 16) {
        flags |= weftp_key_flags16(weftp_key_load(key + i, 16));
    }
    return flags;
}

#endif
