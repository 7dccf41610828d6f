#include "settings_text.h"

#include "../base/utf8.h"
#include <string.h>

static const char space[] = " \t\n\v\f\r";
static const char mask[] = "***";

void weftp_text_put(struct weftp_text *text, const char *bytes, size_t size)
{
    if (text->size + size <= text->room) {
        if (size) memcpy(text->to + text->size, bytes, size);
    } else if (text->room > text->size) {
        /* From here on nothing is written, so that no character or escape is cut in two. */
        text->room = text->size;
    }
    text->size += size;
}

void weftp_text_str(struct weftp_text *text, const char *string)
{
    weftp_text_put(text, string, strlen(string));
}

void weftp_text_number(struct weftp_text *text, unsigned long long number)
{
    char digits[24];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    weftp_text_put(text, digits + at, sizeof digits - at);
}

static void put_hex(struct weftp_text *text, const char *prefix, unsigned value, unsigned digits)
{
    weftp_text_str(text, prefix);
    while (digits--) weftp_text_put(text, &"0123456789ABCDEF"[(value >> (4 * digits)) & 15], 1);
}

static void put_control(struct weftp_text *text, unsigned char c)
{
    if (c == '\n') {
        weftp_text_str(text, "\\n");
        return;
    }
    if (c == '\r') {
        weftp_text_str(text, "\\r");
        return;
    }
    if (c == '\t') {
        weftp_text_str(text, "\\t");
        return;
    }
    put_hex(text, "\\x", c, 2);
}

/*
 * Code points above ASCII that act instead of being seen: C1, line separators, marks of direction.
 * 0: none of them.
 */
static unsigned acting_code_point(const unsigned char *at, int size)
{
    unsigned point = 0;
    if (size == 2) point = (at[0] & 0x1FU) << 6 | (at[1] & 0x3FU);
    if (size == 3) point = (at[0] & 0x0FU) << 12 | (at[1] & 0x3FU) << 6 | (at[2] & 0x3FU);
    const bool acts = (point >= 0x80 && point <= 0x9F) || (point >= 0x200E && point <= 0x200F) ||
                      (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
    return acts ? point : 0;
}

void weftp_text_visible(struct weftp_text *text, const char *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + size;
    while (at < end) {
        const int step = weftp_utf8_step(at, (size_t)(end - at));
        const int length = step > 0 ? step : 1;
        const unsigned point = step > 1 ? acting_code_point(at, step) : 0;
        if (step < 1) {
            put_hex(text, "\\x", *at, 2);
        } else if (*at < 0x20 || *at == 0x7F) {
            put_control(text, *at);
        } else if (point) {
            put_hex(text, "\\u", point, 4);
        } else {
            weftp_text_put(text, (const char *)at, (size_t)length);
        }
        at += length;
    }
}

bool weftp_same_word(const char *a, size_t a_size, const char *b)
{
    if (strlen(b) != a_size) return false;
    for (size_t i = 0; i < a_size; i++) {
        const char x = a[i] >= 'A' && a[i] <= 'Z' ? (char)(a[i] | 0x20) : a[i];
        const char y = b[i] >= 'A' && b[i] <= 'Z' ? (char)(b[i] | 0x20) : b[i];
        if (x != y) return false;
    }
    return true;
}

bool weftp_key_is_secret(const char *key, size_t size)
{
    static const char *const words[] = {"password", "passwd", "secret",
                                        "token",    "key",    "credential"};
    char plain[64];
    if (size >= sizeof plain)
        return true; /* nothing weft knows is that long: rather one mask too many */
    memcpy(plain, key, size);
    if (!weftp_text_percent_decode(plain, &size)) return true;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        for (size_t i = 0, length = strlen(words[w]); i + length <= size; i++)
            if (weftp_same_word(plain + i, length, words[w])) return true;
    return false;
}

/* The end of the user information ("user:password@") after "//", or `from` when there is none. */
static const char *userinfo_end(const char *from, const char *end)
{
    const char *at_sign = NULL;
    for (const char *at = from; at < end && *at != '/' && *at != '?'; at++)
        if (*at == '@') at_sign = at;
    return at_sign ? at_sign : from;
}

void weftp_text_pair(struct weftp_text *text, const char *bytes, size_t size)
{
    const char *equals = memchr(bytes, '=', size);
    if (!equals || !weftp_key_is_secret(bytes, (size_t)(equals - bytes))) {
        weftp_text_visible(text, bytes, size);
        return;
    }
    weftp_text_visible(text, bytes, (size_t)(equals - bytes) + 1);
    weftp_text_str(text, mask);
}

void weftp_text_url(struct weftp_text *text, const char *bytes, size_t size)
{
    const char *end = bytes + size, *at = bytes;
    const char *authority = memmem(bytes, size, "//", 2);
    const char *query = memchr(bytes, '?', size);
    if (authority && (!query || authority < query)) {
        const char *user_end = userinfo_end(authority + 2, end);
        if (user_end > authority + 2) {
            weftp_text_visible(text, bytes, (size_t)(authority + 2 - bytes));
            weftp_text_str(text, mask);
            at = user_end;
            query = memchr(at, '?', (size_t)(end - at));
        }
    }
    const char *path_end = query ? query : end;
    weftp_text_visible(text, at, (size_t)(path_end - at));
    for (at = path_end; at < end;) { /* at the ? or & before an option */
        const char *next = memchr(at + 1, '&', (size_t)(end - at - 1));
        weftp_text_put(text, at++, 1);
        weftp_text_pair(text, at, (size_t)((next ? next : end) - at));
        at = next ? next : end;
    }
}

const char *weftp_show(struct weftp_shown *shown, struct weftp_span value, weftp_text_writer writer)
{
    struct weftp_text text = {shown->text, WEFTP_SHOWN_MAX, 0};
    if (!writer) writer = weftp_text_visible;
    writer(&text, value.text, value.size);
    if (text.size <= WEFTP_SHOWN_MAX) {
        shown->text[text.size] = '\0';
    } else {
        memcpy(shown->text + text.room, "…", sizeof "…");
    }
    return shown->text;
}

struct weftp_span weftp_span_trim(struct weftp_span span)
{
    while (span.size && memchr(space, span.text[0], sizeof space - 1)) span.text++, span.size--;
    while (span.size && memchr(space, span.text[span.size - 1], sizeof space - 1)) span.size--;
    return span;
}

bool weftp_split(struct weftp_span *rest, const char *separators, struct weftp_span *part)
{
    const size_t kinds = strlen(separators);
    while (rest->size) {
        size_t length = 0;
        while (length < rest->size && !memchr(separators, rest->text[length], kinds)) length++;
        *part = weftp_span_trim((struct weftp_span){rest->text, length});
        if (length < rest->size) length++;
        rest->text += length;
        rest->size -= length;
        if (part->size) return true;
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool weftp_text_percent_decode(char *text, size_t *size)
{
    size_t from = 0, to = 0;
    while (from < *size) {
        char c = text[from++];
        if (c == '%') {
            const int high = from < *size ? hex_digit(text[from]) : -1;
            const int low = from + 1 < *size ? hex_digit(text[from + 1]) : -1;
            if (high < 0 || low < 0) return false;
            c = (char)(high * 16 + low);
            from += 2;
        }
        if (c == '\0') return false;
        text[to++] = c;
    }
    *size = to;
    return true;
}
