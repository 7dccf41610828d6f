/*
 * 64 x 64 bit multiplication with all 128 bits of the product, also where the compiler has no
 * 128-bit type. Pure functions; any thread; signal-safe.
 */
#ifndef WEFTP_PORT_WIDE_H
#define WEFTP_PORT_WIDE_H

#include <stdint.h>

struct weftp_wide {
    uint64_t high, low;
};

#if defined __SIZEOF_INT128__ && !defined WEFTP_WIDE_PLAIN

__extension__ typedef unsigned __int128 weftp_u128;

static inline struct weftp_wide weftp_wide_mul(uint64_t a, uint64_t b)
{
    const weftp_u128 product = (weftp_u128)a * b;
    return (struct weftp_wide){(uint64_t)(product >> 64), (uint64_t)product};
}

#else

static inline struct weftp_wide weftp_wide_mul(uint64_t a, uint64_t b)
{
    const uint64_t a1 = a >> 32, a0 = (uint32_t)a, b1 = b >> 32, b0 = (uint32_t)b;
    const uint64_t low = a0 * b0;
    const uint64_t middle = a1 * b0 + (low >> 32); /* cannot overflow: (2^32-1)^2 + 2^32-1 < 2^64 */
    const uint64_t other = a0 * b1 + (uint32_t)middle;
    return (struct weftp_wide){a1 * b1 + (middle >> 32) + (other >> 32),
                               other << 32 | (uint32_t)low};
}

#endif
#endif
