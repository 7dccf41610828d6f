#include "json_value.h"

#include "../port/errno_text.h"
#include "base64.h"
#include "json_raw.h"
#include "json_text.h"
#include "key_hash.h"
#include "key_set.h"
#include "utf8.h"
#include <limits.h>
#include <math.h>

struct writer {
    struct weft_out *out;
    const struct weftp_value_style *style;
    unsigned notes;
};

static void write_value(struct writer *w, const weft_field *field, unsigned depth);

static void write_text(struct writer *w, const char *text, size_t size)
{
    if (weftp_json_string_cut(w->out, text, size, w->style->limit)) w->notes |= WEFTP_NOTE_CUT;
}

static void write_double(struct writer *w, double value)
{
    char *to = weftp_out_reserve(w->out, WEFTP_DOUBLE_TEXT_MAX + 2);
    if (!to) return;
    const bool finite = isfinite(value);
    if (!finite) *to++ = '"';
    to = weftp_double_text(to, value, w->style->double_style);
    if (!finite) *to++ = '"';
    w->out->cur = to;
}

/* INT, UINT or DURATION. */
static void write_integer(struct weft_out *out, const weft_field *field)
{
    char *to = weftp_out_reserve(out, WEFTP_INTEGER_TEXT_MAX + 8);
    if (!to) return;
    if (field->type == WEFT_TYPE_INT) {
        out->cur = weftp_i64_text(to, field->v.i);
    } else if (field->type == WEFT_TYPE_UINT) {
        out->cur = weftp_u64_text(to, field->v.u);
    } else {
        out->cur = weftp_duration_text(to, field->v.i);
    }
}

static void write_time(struct writer *w, const weft_field *field)
{
    const enum weftp_time_style style = w->style->time_style;
    const bool number = style == WEFTP_TIME_SECONDS || style == WEFTP_TIME_EPOCH_MS;
    char *to = weftp_out_reserve(w->out, WEFTP_TIME_TEXT_MAX + 2);
    if (!to) return;
    if (!number) *to++ = '"';
    to = weftp_timespec_text(to, field->v.i, field->size, style, NULL);
    if (!number) *to++ = '"';
    w->out->cur = to;
}

/* Base64; over the limit as many whole groups as fit and the mark. */
static void write_bytes(struct writer *w, const void *bytes, size_t size)
{
    const uint32_t limit = w->style->limit;
    const bool cut = size > (size_t)limit / 4 * 3;
    if (cut) size = limit < 3 ? 0 : (size_t)(limit - 3) / 4 * 3;
    weftp_out_char(w->out, '"');
    weftp_base64(w->out, bytes, size);
    if (cut && limit >= 3) weftp_out_literal(w->out, "\xE2\x80\xA6");
    weftp_out_char(w->out, '"');
    if (cut) w->notes |= WEFTP_NOTE_CUT;
}

static void write_errno(struct writer *w, int64_t err)
{
    struct weft_out *out = w->out;
    const bool fits = err >= INT_MIN && err <= INT_MAX;
    const char *name = fits ? weftp_errno_name((int)err) : NULL;
    const char *text = fits ? weftp_errno_text((int)err) : "unknown error";
    char code[WEFTP_INTEGER_TEXT_MAX];
    weftp_out_literal(out, "{\"code\":");
    weftp_out_put(out, code, (size_t)(weftp_i64_text(code, err) - code));
    if (name) {
        weftp_out_literal(out, ",\"name\":");
        weftp_json_string(out, name, strlen(name));
    }
    weftp_out_literal(out, ",\"text\":");
    weftp_json_string(out, text, strlen(text));
    weftp_out_char(out, '}');
}

/*
 * Whether `at` is a child: NONE is none, and END is not asked for. An error's parts are those that
 * are there.
 */
static bool is_child(const weft_field *at, uint8_t parent_type)
{
    if (at->type == WEFT_TYPE_NONE) return false;
    return parent_type != WEFT_TYPE_ERROR || at->type != WEFT_TYPE_STR || at->v.p;
}

static void write_key(struct writer *w, const weft_field *field, struct weftp_key_set *keys)
{
    const size_t size = weftp_field_key_size(field);
    if (size == 0) {
        w->notes |= WEFTP_NOTE_RENAMED;
        weftp_key_set_put(keys, w->out, "_", 1, &w->notes);
        return;
    }
    if (field->key_size == 0 && field->key[size] != '\0') w->notes |= WEFTP_NOTE_CUT;
    weftp_key_set_put(keys, w->out, field->key, size, &w->notes);
}

/*
 * Write the children of an object, array or error; gives up when their text is longer than the
 * limit.
 */
static void write_children(struct writer *w, const weft_field *parent, unsigned depth)
{
    const size_t start = weftp_out_size(w->out);
    const bool is_array = parent->type == WEFT_TYPE_ARR;
    bool first = true;
    struct weftp_key_set keys;
    weftp_key_set_init(&keys);
    for (uint32_t i = 0; parent->size == WEFT_SIZE_UNKNOWN_ || i < parent->size; i++) {
        const weft_field *child = &parent->v.f[i];
        if (child->type == WEFT_TYPE_END_ || w->out->overflow) break;
        if (!is_child(child, parent->type)) continue;
        if (weftp_out_size(w->out) - start > w->style->limit) break;
        if (!first) weftp_out_char(w->out, ',');
        first = false;
        if (!is_array) write_key(w, child, &keys);
        write_value(w, child, depth + 1);
    }
    weftp_key_set_deinit(&keys);
}

/*
 * Turn the JSON text from `start` on into a JSON string of at most `limit` bytes. The string is
 * written behind the text and moved to its place; room for it is made first, because the text must
 * not move while it is read. In JSON text only quotes and backslashes are escaped, so that no byte
 * grows to more than two.
 */
static void quote_text(struct writer *w, size_t start, uint32_t limit)
{
    struct weft_out *out = w->out;
    const size_t slack = 512; /* more than json_text.c asks for beyond what it writes */
    size_t size = weftp_out_size(out) - start;
    if (size > limit) size = (size_t)limit + 1; /* enough to be cut */
    const size_t room = size < limit / 2 ? size * 2 : limit < size * 2 ? limit : size * 2;
    if (!weftp_out_reserve(out, room + slack)) return;
    const size_t from = weftp_out_size(out);
    if (weftp_json_string_cut(out, out->data + start, size, limit)) w->notes |= WEFTP_NOTE_CUT;
    if (out->overflow) return;
    const size_t written = weftp_out_size(out) - from;
    memmove(out->data + start, out->data + from, written);
    out->cur = out->data + start + written;
}

/* A container whose text, from `start` on, is over the limit becomes a string. */
static void limit_container(struct writer *w, size_t start)
{
    if (weftp_out_size(w->out) - start > w->style->limit) quote_text(w, start, w->style->limit);
}

static void write_container(struct writer *w, const weft_field *field, unsigned depth)
{
    if (!field->v.f) {
        weftp_out_literal(w->out, "null");
        return;
    }
    if (depth == WEFTP_DEPTH_MAX) {
        weftp_out_literal(w->out, "\"[too deep]\"");
        w->notes |= WEFTP_NOTE_CUT;
        return;
    }
    const bool is_array = field->type == WEFT_TYPE_ARR;
    const size_t start = weftp_out_size(w->out);
    weftp_out_char(w->out, is_array ? '[' : '{');
    write_children(w, field, depth);
    weftp_out_char(w->out, is_array ? ']' : '}');
    limit_container(w, start);
}

static void write_raw(struct writer *w, const weft_field *field, unsigned depth)
{
    const size_t start = weftp_out_size(w->out), size = weftp_field_text_size(field);
    if (weftp_json_rewrite(w->out, field->v.p, size, depth, &w->notes)) {
        limit_container(w, start);
    } else {
        write_text(w, field->v.p, size);
    }
}

/* The types that point to their value. */
static void write_pointed(struct writer *w, const weft_field *field, unsigned depth)
{
    if (!field->v.p) {
        weftp_out_literal(w->out, "null");
    } else if (field->type == WEFT_TYPE_STR) {
        write_text(w, field->v.p, weftp_field_text_size(field));
    } else if (field->type == WEFT_TYPE_BYTES) {
        write_bytes(w, field->v.p, field->size);
    } else {
        write_raw(w, field, depth);
    }
}

static void write_value(struct writer *w, const weft_field *field, unsigned depth)
{
    struct weft_out *out = w->out;
    switch ((weft_type)field->type) {
    case WEFT_TYPE_STR:
    case WEFT_TYPE_BYTES:
    case WEFT_TYPE_JSON: write_pointed(w, field, depth); return;
    case WEFT_TYPE_INT:
    case WEFT_TYPE_UINT:
    case WEFT_TYPE_DURATION: write_integer(out, field); return;
    case WEFT_TYPE_DOUBLE: write_double(w, field->v.d); return;
    case WEFT_TYPE_BOOL:
        weftp_out_put(out, field->v.u ? "true" : "false", field->v.u ? 4 : 5);
        return;
    case WEFT_TYPE_TIME: write_time(w, field); return;
    case WEFT_TYPE_ERRNO: write_errno(w, field->v.i); return;
    case WEFT_TYPE_OBJ:
    case WEFT_TYPE_ARR:
    case WEFT_TYPE_ERROR: write_container(w, field, depth); return;
    case WEFT_TYPE_NULL:
    case WEFT_TYPE_NONE:
    case WEFT_TYPE_END_: break;
    }
    weftp_out_literal(out, "null");
}

void weftp_json_value(struct weft_out *out, const weft_field *field,
                      const struct weftp_value_style *style, unsigned *notes)
{
    /* Most fields are short strings and integers: these take the short way. */
    if (field->type == WEFT_TYPE_INT) {
        write_integer(out, field);
        return;
    }
    if (field->type == WEFT_TYPE_STR && field->v.p) {
        const size_t size = weftp_field_text_size(field);
        if (size <= style->limit / WEFTP_ESCAPE_MAX) {
            weftp_json_string(out, field->v.p, size);
            return;
        }
    }
    struct writer w = {out, style, 0};
    write_value(&w, field, 0);
    if (notes) *notes |= w.notes;
}

void weftp_json_value_as_string(struct weft_out *out, const weft_field *field,
                                const struct weftp_value_style *style, unsigned *notes)
{
    struct writer w = {out, style, 0};
    const size_t start = weftp_out_size(out);
    write_value(&w, field, 0);
    if (!out->overflow && out->data[start] != '"') {
        const bool is_long = field->type == WEFT_TYPE_JSON || field->type == WEFT_TYPE_OBJ ||
                             field->type == WEFT_TYPE_ARR || field->type == WEFT_TYPE_ERROR;
        quote_text(&w, start, is_long ? style->limit : UINT32_MAX);
    }
    if (notes) *notes |= w.notes;
}

size_t weftp_field_key_size(const weft_field *field)
{
    if (!field->key) return 0;
    if (field->key_size) return field->key_size;
    const size_t size = strnlen(field->key, WEFTP_KEY_SIZE_MAX + 4);
    return weftp_utf8_cut(field->key, size, WEFTP_KEY_SIZE_MAX);
}

size_t weftp_field_text_size(const weft_field *field)
{
    if (!field->v.p) return 0;
    return field->size == WEFT_SIZE_UNKNOWN_ ? strlen(field->v.p) : field->size;
}

uint32_t weftp_key_hash(const char *key, size_t size)
{
    return weftp_hash_bytes(0, key, size);
}
