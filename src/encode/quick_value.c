#include "quick_value.h"

#include "../base/json_text.h"
#include "../base/json_value.h"
#include "known.h"

char *weftp_quick_make_room(struct weftp_quick_room *room, char *to, size_t size)
{
    struct weft_out *out = room->out;
    const size_t max = out->max - (size_t)(to - out->data);
    out->cur = to;
    if (max < room->rest || max - room->rest < size) return NULL;
    to = weftp_out_reserve(out, size + room->rest);
    if (to) room->limit = out->end - room->rest;
    return to;
}

char *weftp_quick_put_dirty(struct weftp_quick_room *room, char *to, const char *text, size_t size)
{
    room->out->cur = to;
    weftp_json_escape(room->out, text, size);
    if (room->out->overflow) return NULL;
    return weftp_quick_make_room(room, room->out->cur, 0);
}

char *weftp_quick_put_other(struct weftp_quick_room *room, char *to, const weft_field *field)
{
    const struct weftp_layout *layout = room->layout;
    const struct weftp_value_style style = {layout->double_style, layout->time_value_style,
                                            UINT32_MAX};
    struct weft_out *out = room->out;
    unsigned notes = 0;
    if (layout->nulls_left_out && weftp_field_is_null(field)) return NULL;
    if (field->type == WEFT_TYPE_DOUBLE) return NULL; /* it is no number */
    if (field->type == WEFT_TYPE_STR) to--;           /* null, without the quote */
    out->cur = to;
    weftp_json_value(out, field, &style, &notes);
    if (notes & WEFTP_NOTE_CUT || out->overflow) return NULL;
    out->notes |= notes & WEFTP_NOTE_RENAMED;
    return weftp_quick_make_room(room, out->cur, 0);
}
