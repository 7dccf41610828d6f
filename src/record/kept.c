#include "kept.h"

#include "packed_form.h"
#include <stdlib.h>

#define ROOM_STEP ((size_t)512)

/* Have the memory of a set; what was in it is gone. False: there is none. */
static bool make_room(struct weftp_kept_set *kept, size_t size)
{
    if (size <= kept->room) return true;
    free(kept->set);
    const size_t room = (size + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
    kept->set = malloc(room);
    kept->room = kept->set ? room : 0;
    return kept->set != NULL;
}

/* Copy pairs so that they point into `to` wherever they pointed into `from`. */
static void copy_pairs(struct weft_pair *copy, const struct weft_pair *pair, uint32_t count,
                       const char *to, const char *from)
{
    for (; count > 0; count--, pair++, copy++) {
        *copy = *pair;
        copy->field.key = to + (pair->field.key - from);
        copy->json = to + (pair->json - from);
        if (weftp_packed_kind(pair->field.type) == WEFTP_PACKED_TEXT)
            copy->field.v.p = to + ((const char *)pair->field.v.p - from);
    }
}

const char *weftp_kept_read(struct weftp_kept_set *kept, struct weft_pair *pairs, uint32_t count,
                            const struct weft_pair **out, const char *at)
{
    const char *end = weftp_packed_pairs_read(at, pairs, count);
    const size_t size = (size_t)(end - at), head = sizeof *kept->set + count * sizeof *pairs;
    *out = pairs;
    if (++kept->misses > WEFTP_KEPT_MISSES && kept->misses % WEFTP_KEPT_MISSES) return end;
    if (size > WEFTP_KEPT_SIZE_MAX || !make_room(kept, head + size)) return end;
    struct weftp_pair_set *set = kept->set;
    char *text = (char *)(set->pairs + count);
    *set = (struct weftp_pair_set){.serial = weftp_pairs_next_serial(),
                                   .refs = 1,
                                   .count = count,
                                   .text_size = (uint32_t)size}; /* nothing is built from it */
    memcpy(text, at, size);
    copy_pairs(set->pairs, pairs, count, text, at);
    set->pairs[0].reserved2 = weftp_pairs_mark(set->pairs);
    *out = set->pairs;
    return end;
}

struct weftp_kept *weftp_kept_create(void)
{
    return calloc(1, sizeof(struct weftp_kept));
}

void weftp_kept_destroy(struct weftp_kept *kept)
{
    if (!kept) return;
    for (size_t i = 0; i < WEFTP_KEPT_SETS; i++) {
        free(kept->mdc[i].set);
        free(kept->bound[i].set);
    }
    free(kept);
}
