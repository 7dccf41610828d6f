#include "pack_known.h"

#include "pack_bytes.h"

/* What such a field takes at most, but for its text. */
#define KNOWN_SIZE (sizeof(struct weftp_packed_field) + sizeof(uint64_t))

/* A word that is small stands in the head. */
static inline char *known_word(char *to, const weft_field *field, uint16_t sort, bool small)
{
    const uint32_t size = small ? (uint32_t)field->v.i : field->size;
    const uint64_t word = weftp_pack_head(size, sort, small ? WEFTP_PACKED_SMALL : 0);
    memcpy(to, &word, sizeof word);
    if (small) return to + sizeof word;
    memcpy(to + sizeof word, &field->v, sizeof field->v);
    return to + sizeof word + sizeof field->v;
}

/* NULL: it has no text, or not the room. */
static inline char *known_text(char *to, const char *limit, const weft_field *field, uint16_t sort)
{
    if (!field->v.p) return NULL;
    const size_t size =
        field->size == WEFT_SIZE_UNKNOWN_ ? strlen(field->v.p) : (size_t)field->size;
    if ((int64_t)size > limit - to) return NULL;
    const uint64_t word = weftp_pack_head((uint32_t)size, sort, 0);
    memcpy(to, &word, sizeof word);
    return weftp_pack_copy(to + sizeof word, field->v.p, size);
}

char *weftp_pack_known(char *to, const char *end, const weft_field *field,
                       const struct weftp_template *known)
{
    const struct weftp_template_key *key = known->keys, *const last = key + known->count;
    const size_t least = (known->count + 1) * KNOWN_SIZE;
    if (end - to < (int64_t)least) return NULL;
    const char *const limit = end - least; /* of texts: all else has its room behind it */
    for (; key < last; key++, field++) {
        const uint16_t sort = weftp_template_sort(field);
        if (field->key != key->origin || sort != key->sort) return NULL;
        if (key->type == WEFT_TYPE_STR) {
            to = known_text(to, limit, field, sort);
            if (!to) return NULL;
        } else {
            to = known_word(to, field, sort,
                            key->type != WEFT_TYPE_DOUBLE && weftp_pack_is_small(field->v.i));
        }
    }
    return to;
}
