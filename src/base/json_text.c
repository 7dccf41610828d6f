#include "json_text.h"

#include "../port/scan.h"
#include "utf8.h"
#include <stdlib.h>

/*
 * What a writer keeps free behind the room for the bytes that are still to come. One step - 16
 * bytes, all of them escaped, and a copy that writes 16 more than it means - and the closing quote
 * fit in it.
 */
#define SLACK 144

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define MARK        "\xE2\x80\xA6" /* U+2026, what stands where a text was cut */
#define MARK_SIZE   3

/* Eight bytes, so that one store writes whichever escape it is. */
struct escape {
    char text[7];
    uint8_t size;
};

/* clang-format off */
#define HEX(a, b) {"\\u00" a b, 6}
#define TWO(c)    {"\\" c, 2}
/* clang-format on */
static const struct escape escapes['\\' + 1] = {
    HEX("0", "0"), HEX("0", "1"), HEX("0", "2"),     HEX("0", "3"),      HEX("0", "4"),
    HEX("0", "5"), HEX("0", "6"), HEX("0", "7"),     TWO("b"),           TWO("t"),
    TWO("n"),      HEX("0", "B"), TWO("f"),          TWO("r"),           HEX("0", "E"),
    HEX("0", "F"), HEX("1", "0"), HEX("1", "1"),     HEX("1", "2"),      HEX("1", "3"),
    HEX("1", "4"), HEX("1", "5"), HEX("1", "6"),     HEX("1", "7"),      HEX("1", "8"),
    HEX("1", "9"), HEX("1", "A"), HEX("1", "B"),     HEX("1", "C"),      HEX("1", "D"),
    HEX("1", "E"), HEX("1", "F"), ['"'] = TWO("\""), ['\\'] = TWO("\\"),
};
#undef HEX
#undef TWO

static inline bool is_escaped(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Have room for `left` bytes and the slack at `to`; NULL when there is none. */
static inline char *make_room(struct weft_out *out, char *to, size_t left)
{
    if (__builtin_expect((size_t)(out->end - to) >= left + SLACK, 1)) return to;
    out->cur = to;
    return weftp_out_reserve(out, left + SLACK);
}

/*
 * Write the first `count` bytes of a step, those of the mask escaped. The caller has copied the
 * step already; behind each escape the 16 bytes that follow in `from`, of which 32 can be read, are
 * copied again, which costs less than to ask how many are wanted. `to` is where the step would
 * begin if what stands in front of the byte at hand had not grown.
 */
static inline char *escape_marked(char *to, const unsigned char *from, unsigned count,
                                  unsigned mask)
{
    for (; mask; mask &= mask - 1) {
        const size_t at = (unsigned)__builtin_ctz(mask);
        const struct escape *escape = &escapes[from[at]];
        memcpy(to + at, escape, sizeof *escape);
        to += escape->size;
        memcpy(to + at, from + at + 1, WEFTP_SCAN_SIZE);
        to--; /* the byte itself */
    }
    return to + count;
}

/* Write one sequence that is ill-formed or of four bytes; returns where the next one begins. */
static const unsigned char *write_odd(char **to, const unsigned char *from,
                                      const unsigned char *end)
{
    const int step = weftp_utf8_step(from, (size_t)(end - from));
    const size_t size = step < 0 ? sizeof REPLACEMENT - 1 : (size_t)step;
    memcpy(*to, step < 0 ? REPLACEMENT : (const char *)from, size);
    *to += size;
    return from + abs(step);
}

/* 16 bytes of a text, or what is left of it. */
struct step {
    weftp_chunk chunk;
    unsigned size;
    unsigned marks;
};

/* Copy a step of 16 bytes; whether it has a marked one. */
static inline bool copy_step(struct step *step, char *to, const unsigned char *at)
{
    step->chunk = weftp_chunk_load(at);
    step->size = WEFTP_SCAN_SIZE;
    step->marks = weftp_chunk_marks(step->chunk);
    memcpy(to, &step->chunk, sizeof step->chunk);
    return step->marks != 0;
}

/* The same for the 1 to 15 bytes that are left of a text. */
static inline bool copy_rest(struct step *step, char *to, const unsigned char *at, size_t left)
{
    step->chunk = weftp_chunk_load_short(at, left);
    step->size = (unsigned)left;
    step->marks = weftp_chunk_marks(step->chunk) & ((1u << left) - 1);
    memcpy(to, &step->chunk, sizeof step->chunk);
    return step->marks != 0;
}

/* Write what is good of a step that was copied; returns where the next one begins. */
static inline const unsigned char *escape_step(const struct step *step, char **to,
                                               const unsigned char *at, const unsigned char *end)
{
    const unsigned high = weftp_chunk_high(step->chunk);
    unsigned count = step->size;
    if (high) {
        const unsigned good = weftp_chunk_good(step->chunk);
        if (good == 0) return write_odd(to, at, end);
        if (good < count) count = good; /* more: the zeros behind a short text */
    }
    const unsigned escaped = step->marks & ~high & ((1u << count) - 1);
    weftp_chunk twice[2];
    const unsigned char *from = at;
    if ((size_t)(end - at) < sizeof twice) { /* one must not read behind the end */
        twice[0] = twice[1] = step->chunk;
        from = (const unsigned char *)twice;
    }
    *to = escape_marked(*to, from, count, escaped);
    return at + count;
}

/*
 * Write a text that has something to escape or to check, at `to`, where there is room for it and
 * the slack. Returns the end; NULL when room ran out.
 */
static char *escape_dirty(struct weft_out *out, char *to, const char *text, const char *text_end)
{
    const unsigned char *at = (const unsigned char *)text, *end = (const unsigned char *)text_end;
    struct step step;
    while (end - at >= WEFTP_SCAN_SIZE) {
        if (!copy_step(&step, to, at)) {
            at += WEFTP_SCAN_SIZE;
            to += WEFTP_SCAN_SIZE;
            continue;
        }
        at = escape_step(&step, &to, at, end);
        to = make_room(out, to, (size_t)(end - at));
        if (!to) return NULL;
    }
    while (at < end) {
        if (!copy_rest(&step, to, at, (size_t)(end - at))) return to + step.size;
        at = escape_step(&step, &to, at, end);
        to = make_room(out, to, (size_t)(end - at));
        if (!to) return NULL;
    }
    return to;
}

/*
 * Write `size` bytes at `to`, where there is room for them and the slack. Returns the end; NULL
 * when room ran out.
 */
static inline char *escape(struct weft_out *out, char *to, const char *text, size_t size)
{
    if (size < WEFTP_SCAN_SIZE) {
        if (size == 0) return to;
        if (__builtin_expect(!weftp_scan_copy_short(to, text, size), 1)) return to + size;
        return escape_dirty(out, to, text, text + size);
    }
    const char *end = text + size, *last = end - WEFTP_SCAN_SIZE;
    for (; text <= last; text += WEFTP_SCAN_SIZE, to += WEFTP_SCAN_SIZE) {
        if (weftp_scan_copy(to, text)) return escape_dirty(out, to, text, end);
    }
    if (text == end) return to;
    /* The rest, with bytes in front of it that are copied a second time. */
    const size_t left = (size_t)(end - text);
    if (weftp_scan_copy(to + left - WEFTP_SCAN_SIZE, last)) return escape_dirty(out, to, text, end);
    return to + left;
}

void weftp_json_escape(struct weft_out *out, const char *text, size_t size)
{
    char *to = weftp_out_reserve(out, size + SLACK);
    if (to) to = escape(out, to, text, size);
    if (to) out->cur = to;
}

void weftp_json_string(struct weft_out *out, const char *text, size_t size)
{
    char *to = weftp_out_reserve(out, size + SLACK);
    if (!to) return;
    *to = '"';
    to = escape(out, to + 1, text, size);
    if (!to) return;
    *to = '"';
    out->cur = to + 1;
}

void weftp_json_escape_scalar(struct weft_out *out, const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        const int step = weftp_utf8_step(at, (size_t)(end - at));
        if (step < 0) {
            weftp_out_literal(out, REPLACEMENT);
        } else if (is_escaped(*at)) {
            weftp_out_put(out, escapes[*at].text, escapes[*at].size);
        } else {
            weftp_out_put(out, at, (size_t)step);
        }
        at += step < 0 ? -step : step;
    }
}

/* The bytes of `text` whose escaped form takes at most `max` bytes. */
static size_t prefix_that_fits(const char *text, size_t size, size_t max)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        const size_t left = (size_t)(end - at);
        if (left >= WEFTP_SCAN_SIZE && max >= WEFTP_SCAN_SIZE && !weftp_scan_marks(at)) {
            at += WEFTP_SCAN_SIZE;
            max -= WEFTP_SCAN_SIZE;
            continue;
        }
        const int step = weftp_utf8_step(at, left);
        const size_t takes = step < 0          ? sizeof REPLACEMENT - 1
                             : is_escaped(*at) ? escapes[*at].size
                                               : (size_t)step;
        if (takes > max) break;
        max -= takes;
        at += step < 0 ? -step : step;
    }
    return (size_t)(at - (const unsigned char *)text);
}

bool weftp_json_string_cut(struct weft_out *out, const char *text, size_t size, uint32_t limit)
{
    if (size <= limit / WEFTP_ESCAPE_MAX || prefix_that_fits(text, size, limit) == size) {
        weftp_json_string(out, text, size);
        return false;
    }
    weftp_out_char(out, '"');
    if (limit >= MARK_SIZE) {
        weftp_json_escape(out, text, prefix_that_fits(text, size, limit - MARK_SIZE));
        weftp_out_literal(out, MARK);
    }
    weftp_out_char(out, '"');
    return true;
}
