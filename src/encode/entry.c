#include "entry.h"

#include "../base/json_text.h"
#include "../base/json_value.h"

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

static void put_key(struct weft_out *out, const struct weftp_entry *entry)
{
    if (entry->suffix || entry->flags & (WEFTP_KEY_ESCAPED | WEFTP_ENTRY_REPLACED)) {
        put_odd_key(out, entry);
        return;
    }
    char *to = weftp_out_reserve(out, entry->key_size + 4U);
    if (!to) return;
    *to++ = ',';
    *to++ = '"';
    to = copy_short(to, entry->key, entry->key_size);
    *to++ = '"';
    *to++ = ':';
    out->cur = to;
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

/* True when the text that was made with the pair is what this format prints. */
static bool value_is_ready(const struct weftp_writer *writer, const struct weftp_entry *entry)
{
    const struct weft_pair *pair = entry->pair;
    if (entry->flags & WEFTP_ENTRY_STRING) return false;
    if (writer->program->restyled_types >> pair->field.type & 1) return false;
    return pair->json_size - pair->key_json_size <= limit_of(writer, entry);
}

static void put_pair(struct weftp_writer *writer, const struct weftp_entry *entry)
{
    const struct weft_pair *pair = entry->pair;
    struct weft_out *out = writer->out;
    if (!value_is_ready(writer, entry)) {
        put_key(out, entry);
        put_value(writer, entry);
    } else if (entry->suffix || entry->flags & WEFTP_ENTRY_REPLACED) {
        put_key(out, entry);
        weftp_out_put(out, pair->json + pair->key_json_size, pair->json_size - pair->key_json_size);
    } else {
        char *to = weftp_out_reserve(out, pair->json_size + 1U);
        if (!to) return;
        *to++ = ',';
        memcpy(to, pair->json, pair->json_size);
        out->cur = to + pair->json_size;
    }
}

void weftp_write_entry(struct weftp_writer *writer, const struct weftp_entry *entry)
{
    if (entry->pair) {
        put_pair(writer, entry);
    } else {
        put_key(writer->out, entry);
        put_value(writer, entry);
    }
}
