/*
 * Percent-encoding, as baggage uses it (RFC 3986, section 2.1; W3C Baggage, section 3.3.1.2).
 *
 * A '%' that no two hex digits follow stands for itself. Ill-formed UTF-8 becomes U+FFFD, both
 * ways. Pure functions; any thread. May include: base.
 */
#ifndef WEFTP_PROPAGATE_PERCENT_H
#define WEFTP_PROPAGATE_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decode `text`, which is ASCII, into `out`, which has room for 2 * size bytes. Returns the size of the result, at
 * most `size`.
 */
size_t weftp_percent_decode(char *out, const char *text, size_t size);
/* Whether `text`, decoded, is exactly `plain`. */
bool weftp_percent_same(const char *text, size_t size, const char *plain, size_t plain_size);
/*
 * Encode into at most `capacity` bytes; a space becomes %20. false: it does not fit; *written is
 * what it would not exceed.
 */
bool weftp_percent_encode(char *out, size_t capacity, const char *plain, size_t size,
                          size_t *written);

#endif
