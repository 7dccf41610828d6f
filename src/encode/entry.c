#include "entry.h"

#include "../base/json_text.h"
#include "../base/json_value.h"
#include <math.h>

void weftp_cuts_add(struct weftp_cuts *cuts, const char *name, size_t size)
{
    if (cuts->count < WEFTP_CUT_NAMES_MAX) {
        cuts->names[cuts->count] = name;
        cuts->sizes[cuts->count] = (uint32_t)size;
    }
    cuts->count++;
}

void weftp_cuts_write(struct weft_out *out, const struct weftp_cuts *cuts)
{
    for (uint32_t i = 0; i < cuts->count && i < WEFTP_CUT_NAMES_MAX; i++) {
        weftp_out_char(out, i ? ',' : '[');
        (void)weftp_json_string_cut(out, cuts->names[i], cuts->sizes[i], WEFTP_CUT_NAME_MAX);
    }
    if (cuts->count > WEFTP_CUT_NAMES_MAX) weftp_out_literal(out, ",\"\xe2\x80\xa6\"");
    weftp_out_char(out, ']');
}

/* Copy a short text in two overlapping pieces where that is possible. */
static inline char *copy_short(char *to, const char *text, size_t size)
{
    if (size > 16) {
        memcpy(to, text, size);
    } else if (size >= 8) {
        memcpy(to, text, 8);
        memcpy(to + size - 8, text + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, text, 4);
        memcpy(to + size - 4, text + size - 4, 4);
    } else {
        to[0] = text[0];
        to[size / 2] = text[size / 2];
        to[size - 1] = text[size - 1];
    }
    return to + size;
}

/* A key that is not printed as it stands. */
static void put_odd_key(struct weft_out *out, const struct weftp_entry *entry)
{
    char text[WEFTP_ENTRY_TEXT_MAX];
    const size_t size = weftp_entry_text(entry, text);
    weftp_out_char(out, ',');
    weftp_json_string(out, text, size);
    weftp_out_char(out, ':');
}

static inline bool is_odd(const struct weftp_entry *entry)
{
    return entry->suffix || entry->flags & (WEFTP_KEY_ESCAPED | WEFTP_ENTRY_REPLACED);
}

/* Comma, key and colon of a plain key, where there is room for it and four bytes. */
static inline char *write_key(char *to, const struct weftp_entry *entry)
{
    memcpy(to, ",\"", 2);
    to = copy_short(to + 2, entry->key, entry->key_size);
    memcpy(to, "\":", 2);
    return to + 2;
}

static void put_key(struct weft_out *out, const struct weftp_entry *entry)
{
    if (is_odd(entry)) {
        put_odd_key(out, entry);
        return;
    }
    char *to = weftp_out_reserve(out, entry->key_size + 4U);
    if (to) out->cur = write_key(to, entry);
}

static uint32_t limit_of(const struct weftp_writer *writer, const struct weftp_entry *entry)
{
    switch ((enum weftp_source)entry->source) {
    case WEFTP_SOURCE_CALL: return writer->limits->field;
    case WEFTP_SOURCE_BOUND: return writer->limits->bound;
    case WEFTP_SOURCE_MDC: return writer->limits->mdc;
    case WEFTP_SOURCE_STATIC: break;
    }
    return UINT32_MAX;
}

static void put_value(struct weftp_writer *writer, const struct weftp_entry *entry)
{
    const struct weftp_layout *layout = writer->program->scheme.layout;
    const struct weftp_value_style style = {layout->double_style, layout->time_value_style,
                                            limit_of(writer, entry)};
    unsigned notes = 0;
    if (entry->flags & WEFTP_ENTRY_STRING) {
        weftp_json_value_as_string(writer->out, entry->field, &style, &notes);
    } else {
        weftp_json_value(writer->out, entry->field, &style, &notes);
    }
    if (notes & WEFTP_NOTE_CUT) weftp_cuts_add(writer->cuts, entry->key, entry->key_size);
    if (notes & WEFTP_NOTE_RENAMED) writer->plan->renamed++;
}

/* What such a value needs, beside its key, its comma, colon and quotes. */
#define SCALAR_ROOM (WEFTP_DOUBLE_TEXT_MAX + 8)

static inline bool is_scalar(const struct weftp_writer *writer, const weft_field *field)
{
    switch (field->type) {
    case WEFT_TYPE_STR: return field->v.p && writer->limits->field == UINT32_MAX;
    case WEFT_TYPE_DOUBLE: return isfinite(field->v.d);
    case WEFT_TYPE_INT:
    case WEFT_TYPE_UINT:
    case WEFT_TYPE_BOOL: return true;
    default: return false;
    }
}

/*
 * The types that most fields are of, in the same words as weftp_json_value has them: one check for
 * room and no call in between halves a field's time.
 */
static inline char *write_scalar(struct weftp_writer *writer, char *to,
                                 const struct weftp_entry *entry)
{
    const weft_field *field = entry->field;
    struct weft_out *out = writer->out;
    to = weftp_room_at(out, to, entry->key_size + SCALAR_ROOM);
    if (!to) return NULL;
    to = write_key(to, entry);
    switch (field->type) {
    case WEFT_TYPE_STR:
        out->cur = to;
        weftp_json_string(out, field->v.p,
                          field->size == WEFT_SIZE_UNKNOWN_ ? strlen(field->v.p) : field->size);
        return weftp_place_now(out);
    case WEFT_TYPE_INT: return weftp_i64_text(to, field->v.i);
    case WEFT_TYPE_UINT: return weftp_u64_text(to, field->v.u);
    case WEFT_TYPE_DOUBLE:
        return weftp_double_text(to, field->v.d, writer->program->scheme.layout->double_style);
    default: memcpy(to, field->v.u ? "true" : "false", 5); return to + (field->v.u ? 4 : 5);
    }
}

/* Whatever the others have no short way for. */
static char *write_other(struct weftp_writer *writer, char *to, const struct weftp_entry *entry)
{
    writer->out->cur = to;
    put_key(writer->out, entry);
    put_value(writer, entry);
    return weftp_place_now(writer->out);
}

/* True when the text that was made with the pair is what this format prints. */
static bool value_is_ready(const struct weftp_writer *writer, const struct weftp_entry *entry)
{
    const struct weft_pair *pair = entry->pair;
    if (entry->flags & WEFTP_ENTRY_STRING) return false;
    if (writer->program->restyled_types >> pair->field.type & 1) return false;
    return pair->json_size - pair->key_json_size <= limit_of(writer, entry);
}

static char *write_pair(struct weftp_writer *writer, char *to, const struct weftp_entry *entry)
{
    const struct weft_pair *pair = entry->pair;
    struct weft_out *out = writer->out;
    if (!value_is_ready(writer, entry)) return write_other(writer, to, entry);
    if (entry->suffix || entry->flags & WEFTP_ENTRY_REPLACED) {
        out->cur = to;
        put_key(out, entry);
        weftp_out_put(out, pair->json + pair->key_json_size, pair->json_size - pair->key_json_size);
        return weftp_place_now(out);
    }
    to = weftp_room_at(out, to, pair->json_size + 1U);
    if (!to) return NULL;
    *to++ = ',';
    memcpy(to, pair->json, pair->json_size);
    return to + pair->json_size;
}

char *weftp_write_list(struct weftp_writer *writer, char *to, enum weftp_space space)
{
    const struct weftp_entry *entry = writer->plan->lists[space].first;
    for (; entry && to; entry = entry->next) {
        if (entry->pair)
            to = write_pair(writer, to, entry);
        else if (is_scalar(writer, entry->field) && !is_odd(entry))
            to = write_scalar(writer, to, entry);
        else
            to = write_other(writer, to, entry);
    }
    return to;
}
