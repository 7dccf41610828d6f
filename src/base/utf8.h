/*
 * UTF-8 as RFC 3629 and the Unicode Standard, section 3.9, have it: well-formed sequences only, and
 * U+FFFD once per maximal ill-formed subpart. Pure functions; any thread. May include: port.
 */
#ifndef WEFTP_BASE_UTF8_H
#define WEFTP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Measure the sequence at `text` (size > 0). Returns its length in bytes (1 to 4) when it is well
 * formed; otherwise minus the length (1 to 3) of the maximal subpart that U+FFFD replaces.
 */
int weftp_utf8_step(const unsigned char *text, size_t size);
/* The largest length <= max at which `text` can be cut without splitting a well-formed sequence. */
size_t weftp_utf8_cut(const char *text, size_t size, size_t max);
bool weftp_utf8_valid(const char *text, size_t size);

#endif
