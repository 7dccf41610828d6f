/*
 * Bytes as hexadecimal digits, lower case: for ids, here and in the layers above.
 *
 * Threads: any. Signals: safe. May include: libc only.
 */
#ifndef WEFTP_PORT_HEX_H
#define WEFTP_PORT_HEX_H

#include <stddef.h>

/* Write two digits for each of `count` bytes, and no NUL. Returns where they end. */
static inline char *weftp_hex_put(char *to, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    return to;
}

#endif
