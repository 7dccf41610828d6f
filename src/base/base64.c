#include "base64.h"

static const char alphabet[64] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};

static inline char *put_group(char *to, uint32_t bits)
{
    to[0] = alphabet[bits >> 18];
    to[1] = alphabet[bits >> 12 & 63];
    to[2] = alphabet[bits >> 6 & 63];
    to[3] = alphabet[bits & 63];
    return to + 4;
}

void weftp_base64(struct weft_out *out, const void *bytes, size_t size)
{
    const size_t groups = size / 3 + (size % 3 != 0);
    char *to = weftp_out_reserve(out, groups > SIZE_MAX / 4 ? SIZE_MAX : groups * 4);
    if (!to || size == 0) return;
    const unsigned char *from = bytes;
    for (; size >= 3; size -= 3, from += 3) {
        to = put_group(to, (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2]);
    }
    if (size > 0) {
        to = put_group(to, (uint32_t)from[0] << 16 | (size > 1 ? (uint32_t)from[1] << 8 : 0));
        to[-1] = '=';
        if (size == 1) to[-2] = '=';
    }
    out->cur = to;
}
