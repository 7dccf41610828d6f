#include "visible.h"

#include "../base/out.h"
#include "../base/utf8.h"

static void put_hex(struct weft_out *out, uint32_t code, unsigned digits)
{
    while (digits--) weftp_out_char(out, "0123456789abcdef"[code >> 4 * digits & 15]);
}

static void put_control(struct weft_out *out, unsigned char c)
{
    if (c == '\n') {
        weftp_out_literal(out, "\\n");
    } else if (c == '\r') {
        weftp_out_literal(out, "\\r");
    } else if (c == '\t') {
        weftp_out_literal(out, "\\t");
    } else {
        weftp_out_literal(out, "\\x");
        put_hex(out, c, 2);
    }
}

/*
 * The code point of a well-formed sequence of two or three bytes; 0 for others, none of which
 * matters here.
 */
static uint32_t code_point(const unsigned char *text, int length)
{
    if (length == 2) return (uint32_t)(text[0] & 31) << 6 | (text[1] & 63);
    if (length != 3) return 0;
    return (uint32_t)(text[0] & 15) << 12 | (uint32_t)(text[1] & 63) << 6 | (text[2] & 63);
}

/* C1 controls, line and paragraph separators, and what changes the direction of the text. */
static bool is_invisible(uint32_t code)
{
    return (code >= 0x80 && code < 0xa0) || code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* Append one character, return its bytes. */
static size_t put_character(struct weft_out *out, const unsigned char *text, size_t size)
{
    if (text[0] < 0x20 || text[0] == 0x7f) {
        put_control(out, text[0]);
        return 1;
    }
    const int step = weftp_utf8_step(text, size);
    if (step < 0) {
        weftp_out_literal(out, "\xef\xbf\xbd");
        return (size_t)-step;
    }
    const uint32_t code = code_point(text, step);
    if (is_invisible(code)) {
        weftp_out_literal(out, "\\u");
        put_hex(out, code, 4);
    } else {
        weftp_out_put(out, text, (size_t)step);
    }
    return (size_t)step;
}

void weftp_visible(struct weft_out *out, const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < size && !out->overflow;) i += put_character(out, bytes + i, size - i);
}

static bool is_plain_word(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        const int step = weftp_utf8_step(bytes + i, size - i);
        if (step < 0 || bytes[i] <= ' ' || bytes[i] == 0x7f) return false;
        if (bytes[i] == '"' || bytes[i] == '=') return false;
        if (is_invisible(code_point(bytes + i, step))) return false;
        i += (size_t)step;
    }
    return size > 0;
}

void weftp_visible_word(struct weft_out *out, const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (is_plain_word(bytes, size)) {
        weftp_out_put(out, text, size);
        return;
    }
    weftp_out_char(out, '"');
    for (size_t i = 0; i < size && !out->overflow;) {
        if (bytes[i] == '"' || bytes[i] == '\\') weftp_out_char(out, '\\');
        i += put_character(out, bytes + i, size - i);
    }
    weftp_out_char(out, '"');
}
