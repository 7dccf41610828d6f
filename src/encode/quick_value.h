/*
 * Strings and values of the quick way, written at a place that is handed on and kept in a register.
 *
 * Its job: a value, and that there is room. Not its job: keys, order (quick).
 * Threads: one per room. May include: base, port/scan.
 */
#ifndef WEFTP_ENCODE_QUICK_VALUE_H
#define WEFTP_ENCODE_QUICK_VALUE_H

#include "../base/out.h"
#include "../port/scan.h"
#include "layout.h"

/*
 * Room for a line: `rest` is what everything but long strings takes, and is always free from `limit` on. A long string
 * asks for its bytes beside that, so that nothing has to be measured in advance.
 */
struct weftp_quick_room {
    struct weft_out *out;
    const struct weftp_layout *layout;
    char *limit;
    size_t rest;
};

/* Have more room than there is, for `size` bytes and the rest, at `to`. NULL: not within the buffer's maximum, or no memory. */
char *weftp_quick_make_room(struct weftp_quick_room *room, char *to, size_t size);
/* A text with something to escape or to repair. NULL as above. */
char *weftp_quick_put_dirty(struct weftp_quick_room *room, char *to, const char *text, size_t size);
/* A value that is none of the common ones. NULL as above, or it goes elsewhere than its type tells, or needs a mark. */
char *weftp_quick_put_other(struct weftp_quick_room *room, char *to, const weft_field *field);

/* Begin at `to`: have `size` bytes and `rest`. NULL as above. */
static inline char *weftp_quick_begin(struct weftp_quick_room *room, char *to, size_t rest,
                                      size_t size)
{
    const struct weft_out *out = room->out;
    const size_t left = (size_t)(out->end - to);
    room->rest = rest;
    if (__builtin_expect(left < rest || left - rest < size, 0))
        return weftp_quick_make_room(room, to, size);
    room->limit = out->end - rest;
    return to;
}

/* Copy exactly what there is, as pieces that may overlap. */
static inline char *weftp_quick_put_exact(char *to, const char *from, size_t size)
{
    char *const end = to + size;
    if (size >= 16) {
        const char *const last = from + size - 16;
        for (; from < last; from += 16, to += 16) memcpy(to, from, 16);
        memcpy(end - 16, last, 16);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(end - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(end - 4, from + size - 4, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        end[-1] = from[size - 1];
    }
    return end;
}

/* A string of less than 16 bytes, and the closing quote. */
static inline char *weftp_quick_put_short(struct weftp_quick_room *room, char *to, const char *text,
                                          size_t size)
{
    if (__builtin_expect(size > 0 && weftp_scan_copy_short(to, text, size) != 0, 0)) {
        to = weftp_quick_put_dirty(room, to, text, size);
        if (!to) return NULL;
    } else {
        to += size;
    }
    *to = '"';
    return to + 1;
}

/* A string and the closing quote; the opening one stands there. NULL as above. */
static inline char *weftp_quick_put_string(struct weftp_quick_room *room, char *to,
                                           const char *text, size_t size)
{
    if (size < WEFTP_SCAN_SIZE) return weftp_quick_put_short(room, to, text, size);
    if (__builtin_expect((int64_t)size > room->limit - to, 0)) {
        to = weftp_quick_make_room(room, to, size);
        if (!to) return NULL;
    }
    const size_t clean = weftp_scan_copy_long(to, text, size);
    to += clean;
    if (__builtin_expect(clean < size, 0)) {
        to = weftp_quick_put_dirty(room, to, text + clean, size - clean);
        if (!to) return NULL;
    }
    *to = '"';
    return to + 1;
}

/* The same for a text of unknown size: measured, looked at and copied in one pass, if it is short and clean. */
static inline char *weftp_quick_put_text(struct weftp_quick_room *room, char *to, const char *text)
{
    const size_t size = weftp_scan_copy_text(to, text);
    if (__builtin_expect(text[size] != '\0', 0))
        return weftp_quick_put_string(room, to, text, size + strlen(text + size));
    to[size] = '"';
    return to + size + 1;
}

#endif
