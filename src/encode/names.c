#include "names.h"

#include "../base/key_look.h"
#include <stdlib.h>
#include <string.h>

weft_status weftp_names_init(struct weftp_names *names, uint32_t capacity)
{
    uint32_t slots = 64;
    while (slots < 8 * capacity) slots *= 2; /* thin, so that most strangers meet a free slot */
    memset(names, 0, sizeof *names);
    names->list = calloc(capacity + 1, sizeof *names->list);
    names->slots = calloc(slots, sizeof *names->slots);
    names->hashes = calloc(slots, sizeof *names->hashes);
    names->capacity = capacity;
    names->mask = slots - 1;
    return names->list && names->slots && names->hashes ? WEFT_OK : WEFT_ENOMEM;
}

void weftp_names_deinit(struct weftp_names *names)
{
    free(names->list);
    free(names->slots);
    free(names->hashes);
    memset(names, 0, sizeof *names);
}

static struct weftp_name *name_find(const struct weftp_names *names, const struct weftp_name *like,
                                    uint32_t *slot)
{
    for (*slot = like->hash & names->mask; names->slots[*slot]; *slot = (*slot + 1) & names->mask) {
        struct weftp_name *name = &names->list[names->slots[*slot] - 1];
        if (name->hash == like->hash && name->space == like->space &&
            name->key_size == like->key_size && memcmp(name->key, like->key, name->key_size) == 0) {
            return name;
        }
    }
    return NULL;
}

void weftp_names_add(struct weftp_names *names, const struct weftp_name *name)
{
    struct weftp_name copy = *name;
    copy.hash = weftp_key_look(copy.key, copy.key_size).hash ^ weftp_space_salt(copy.space);
    uint32_t slot;
    struct weftp_name *earlier = name_find(names, &copy, &slot);
    if (earlier) {
        earlier->when |= copy.when;
        if (copy.type) earlier->type = copy.type;
        return;
    }
    if (names->count == names->capacity) return;
    copy.ordinal = (uint16_t)names->count;
    names->list[names->count++] = copy;
    names->slots[slot] = (uint16_t)names->count;
    names->hashes[slot] = copy.hash;
}

const struct weftp_name *weftp_names_match(const struct weftp_names *names, const char *key,
                                           size_t key_size, uint32_t hash, unsigned space)
{
    const struct weftp_name like = {
        .key = key, .key_size = (uint32_t)key_size, .hash = hash, .space = (uint8_t)space};
    uint32_t slot;
    return name_find(names, &like, &slot);
}
