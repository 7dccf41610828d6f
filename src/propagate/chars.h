/*
 * What bytes may stand where in the headers of every propagation format: one table, a bit for each
 * class.
 *
 * Pure functions; any thread. May include: nothing. Sources: W3C Trace Context Level 2, sections
 * 3.2 and 3.3; W3C Baggage, section 3.3; RFC 9110, section 5.6.2 (token).
 */
#ifndef WEFTP_PROPAGATE_CHARS_H
#define WEFTP_PROPAGATE_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weftp_char_class {
    WEFTP_CHAR_HEX = 1,          /* 0-9 a-f */
    WEFTP_CHAR_TOKEN = 2,        /* RFC 9110 tchar: keys of baggage */
    WEFTP_CHAR_BAGGAGE = 4,      /* values of baggage, as they travel */
    WEFTP_CHAR_STATE_KEY = 8,    /* tracestate keys, behind the first byte */
    WEFTP_CHAR_STATE_FIRST = 16, /* the first byte of one */
    WEFTP_CHAR_STATE_VALUE = 32, /* tracestate values */
    WEFTP_CHAR_REQUEST_ID = 64,  /* A-Z a-z 0-9 _ . : # = + / - */
    WEFTP_CHAR_CONTROL = 128     /* never in a header: 0x00-0x1F but tab, and 0x7F */
};

extern const uint8_t weftp_char_classes[256];

static inline bool weftp_char_is(char c, enum weftp_char_class class)
{
    return (weftp_char_classes[(unsigned char)c] & class) != 0;
}

/* Return how many bytes at the start of `text` are of a class. */
static inline size_t weftp_char_span(const char *text, size_t size, enum weftp_char_class class)
{
    size_t n = 0;
    while (n < size && weftp_char_is(text[n], class)) n++;
    return n;
}

/* Return how many bytes of `text` are of a class. */
static inline size_t weftp_char_count(const char *text, size_t size, enum weftp_char_class class)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++) n += weftp_char_is(text[i], class);
    return n;
}

/* Optional white space of HTTP. */
static inline bool weftp_is_ows(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether a value may stand in a header: no control character but tab. */
bool weftp_header_value_ok(const char *value, size_t size);
/* Return where the text without the white space around it begins; *size becomes its size. */
const char *weftp_ows_trim(const char *text, size_t *size);
/* Whether all of an id's digits are 0, which makes it none. */
bool weftp_all_zero_digits(const char *digits, size_t count);

#endif
