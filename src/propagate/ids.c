#include "ids.h"
#include "../port/hex.h"
#include "../port/random.h"
#include "chars.h"

#include <string.h>

void weftp_id_random(char *out, size_t digits)
{
    unsigned char bytes[16];
    do {
        weftp_random_bytes(bytes, digits / 2);
        (void)weftp_hex_put(out, bytes, digits / 2);
    } while (weftp_all_zero_digits(out, digits));
    out[digits] = '\0';
}

void weftp_id_uuid(char out[WEFTP_UUID_SIZE + 1])
{
    unsigned char bytes[16];
    char digits[32];
    weftp_random_bytes(bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    (void)weftp_hex_put(digits, bytes, sizeof bytes);
    static const struct {
        unsigned char from, to, size;
    } groups[] = {{0, 0, 8}, {8, 9, 4}, {12, 14, 4}, {16, 19, 4}, {20, 24, 12}};
    memset(out, '-', WEFTP_UUID_SIZE);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        memcpy(out + groups[i].to, digits + groups[i].from, groups[i].size);
    out[WEFTP_UUID_SIZE] = '\0';
}
