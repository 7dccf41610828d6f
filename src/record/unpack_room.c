#include "packed.h"

#include <stdlib.h>

bool weftp_unpack_room_grow(struct weftp_unpack_room *room, size_t field_count, size_t pair_count)
{
    if (field_count > room->field_count) {
        weft_field *fields = realloc(room->fields, field_count * sizeof *fields);
        if (!fields) return false;
        room->fields = fields;
        room->field_count = field_count;
    }
    if (pair_count > room->pair_count) {
        struct weft_pair *pairs = realloc(room->pairs, pair_count * sizeof *pairs);
        if (!pairs) return false;
        room->pairs = pairs;
        room->pair_count = pair_count;
    }
    return true;
}

void weftp_unpack_room_deinit(struct weftp_unpack_room *room)
{
    free(room->fields);
    free(room->pairs);
    weftp_kept_destroy(room->kept);
    *room = (struct weftp_unpack_room){.options = room->options};
}
