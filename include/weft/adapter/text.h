/*
 * What the adapters share: names of headers and what may stand in a value. Private to them.
 *
 * Threads: any; nothing here keeps anything. Allocates: never.
 */
#ifndef WEFT_ADAPTER_TEXT_H
#define WEFT_ADAPTER_TEXT_H

#include "../propagate.h"

static inline char weft_ascii_lower_(char c)
{
    return c >= 'A' && c <= 'Z' ? WEFT_CAST_(char, c | 0x20) : c;
}

/* Whether the `size` bytes of `text` are `name`, in any case. */
static inline bool weft_name_is_(const char *text, size_t size, const char *name)
{
    size_t i = 0;
    for (; i < size && name[i]; i++)
        if (weft_ascii_lower_(text[i]) != weft_ascii_lower_(name[i])) return false;
    return i == size && !name[i];
}

/* Whether a value may stand in a header: no control character but tab (RFC 9110, section 5.5). */
static inline bool weft_header_value_ok_(const char *value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = WEFT_CAST_(unsigned char, value[i]);
        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

/* Whether `c` may stand in the name of a header (RFC 9110, section 5.6.2: token). */
static inline bool weft_name_char_(char c)
{
    const char lower = weft_ascii_lower_(c);
    if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')) return true;
    return c && __builtin_strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

#endif
