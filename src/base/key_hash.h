/*
 * Hash of bytes, for hash tables in memory; differs between machines. Pure; any thread;
 * signal-safe.
 */
#ifndef WEFTP_BASE_KEY_HASH_H
#define WEFTP_BASE_KEY_HASH_H

#include "../port/wide.h"
#include <stddef.h>
#include <string.h>

/* Both halves of a product: every bit of either factor moves all of it. */
static inline uint64_t weftp_hash_fold(uint64_t a, uint64_t b)
{
    const struct weftp_wide product = weftp_wide_mul(a, b);
    return product.high ^ product.low;
}

/* `seed`: something that others cannot know, where they choose the keys; else 0. */
static inline uint32_t weftp_hash_bytes(uint64_t seed, const char *bytes, size_t size)
{
    const uint64_t first = UINT64_C(0x9E3779B97F4A7C15), second = UINT64_C(0xD6E8FEB86659FD93);
    uint64_t hash = seed ^ (size * first);
    uint64_t word = 0;
    for (; size > 8; size -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        hash = weftp_hash_fold(hash ^ word, first) + second;
    }
    word = 0;
    if (size >= 4) {
        uint32_t low, high;
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + size - 4, 4);
        word = low | (uint64_t)high << 32;
    } else if (size > 0) {
        word = (uint64_t)(unsigned char)bytes[0] | (uint64_t)(unsigned char)bytes[size / 2] << 8 |
               (uint64_t)(unsigned char)bytes[size - 1] << 16;
    }
    hash = weftp_hash_fold(hash ^ word, second);
    return (uint32_t)(hash ^ hash >> 32);
}

#endif
