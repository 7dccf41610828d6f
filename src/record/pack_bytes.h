/*
 * Pieces of the packed form, written in line: most are so short that a call would cost more.
 * Threads: any. May include: packed_form.
 */
#ifndef WEFTP_RECORD_PACK_BYTES_H
#define WEFTP_RECORD_PACK_BYTES_H

#include "packed_form.h"

#define WEFTP_PACK_IN_LINE inline __attribute__((always_inline))

/*
 * Copy `size` bytes and return the end. Most texts are short: words that overlap cost less than a
 * call.
 */
static WEFTP_PACK_IN_LINE char *weftp_pack_copy_long(char *to, const char *from, size_t size)
{
    if (size > 64) return (char *)memcpy(to, from, size) + size;
    memcpy(to, from, 16);
    if (size > 32) {
        memcpy(to + 16, from + 16, 16);
        memcpy(to + size - 32, from + size - 32, 16);
    }
    memcpy(to + size - 16, from + size - 16, 16);
    return to + size;
}

static WEFTP_PACK_IN_LINE char *weftp_pack_copy(char *to, const void *bytes, size_t size)
{
    const char *from = bytes;
    if (size >= 8) {
        if (size > 16) return weftp_pack_copy_long(to, from, size);
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
    return to + size;
}

/* The same with a NUL behind. */
static inline char *weftp_pack_text(char *to, const void *bytes, size_t size)
{
    to = weftp_pack_copy(to, bytes, size);
    *to = '\0';
    return to + 1;
}

/* A head as one word, in either byte order. */
static WEFTP_PACK_IN_LINE uint64_t weftp_pack_head(uint32_t size, uint16_t key_and_type,
                                                   uint16_t flags)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first ? (uint64_t)flags << 48 | (uint64_t)key_and_type << 32 | size
                 : (uint64_t)size << 32 | (uint64_t)key_and_type << 16 | flags;
}

/* Whether a number stands in a field's head. */
static inline bool weftp_pack_is_small(int64_t value)
{
    return value == (int32_t)value;
}

#endif
