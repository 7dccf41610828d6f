/*
 * What the adapters share: names of headers and what may stand in a value. Private to them.
 *
 * Threads: any; nothing here keeps anything. Allocates: never.
 */
#ifndef WEFT_ADAPTER_TEXT_H
#define WEFT_ADAPTER_TEXT_H

#include "../propagate.h"

#define WEFT_ADAPTER_NAME_COUNT_ 4

/*
 * The headers that weft's own formats write. When a carrier is used again for another request,
 * those of them that the new context does not have are taken away.
 */
static inline const char *weft_adapter_name_(unsigned index)
{
    static const char *const names[WEFT_ADAPTER_NAME_COUNT_] = {"traceparent", "tracestate",
                                                                "baggage", "x-request-id"};
    return names[index];
}

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

/* A bit for a name of the list above, 0 for others: which ones were written. */
static inline unsigned weft_adapter_bit_(const char *name, size_t size)
{
    for (unsigned i = 0; i < WEFT_ADAPTER_NAME_COUNT_; i++)
        if (weft_name_is_(name, size, weft_adapter_name_(i))) return 1u << i;
    return 0;
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
