/*
 * The second half of building a set of pairs: what was chosen and escaped is laid down in one
 * block.
 *
 * Its job: memory layout. Not its job: limits and escaping (pair.c, which alone uses this).
 * Threads: one per build. May include: base, the field header.
 */
#ifndef WEFTP_RECORD_PAIR_LAY_H
#define WEFTP_RECORD_PAIR_LAY_H

#include "../base/out.h"
#include "pair.h"

#define WEFTP_PAIR_NOT_EARLIER UINT32_MAX
#define WEFTP_PAIR_NO_TEXT     SIZE_MAX

/* A field on its way into the set. */
struct weftp_pair_entry {
    weft_field field; /* as it will stand in the pair, but for its pointers */
    size_t text_at;   /* where an object's or the like's text is in `texts`; WEFTP_PAIR_NO_TEXT */
    size_t json_at;   /* where `"key":value` is in the scratch */
    uint32_t json_size;
    uint32_t value_size; /* as it counts */
    uint32_t hash;
    uint16_t flags;    /* of the key */
    uint32_t replaces; /* index in the earlier set */
    uint16_t key_json_size;
};

struct weftp_pair_build {
    const struct weftp_pair_set *earlier;
    const struct weftp_pair_limits *limits;
    bool in_place;
    struct weft_out texts; /* JSON of the objects, arrays, errors and raw JSON among the fields */
    uint32_t count;        /* entries */
    uint32_t set_count;    /* pairs of the set as it stands, the kept earlier ones included */
    size_t total_size;
    unsigned rejected;
    struct weftp_pair_entry entries[WEFTP_PAIR_COUNT_MAX + 1]; /* and one that is being made */
};

/* Strings and bytes have their raw value in the set, beside its JSON. */
static inline bool weftp_pair_has_own_value(const weft_field *field)
{
    return field->type == WEFT_TYPE_STR || field->type == WEFT_TYPE_BYTES;
}

/* What a value in the form of a pair counts against the total: texts their bytes, others 8. */
static inline uint32_t weftp_pair_value_size(const weft_field *field)
{
    const bool sized = weftp_pair_has_own_value(field) || field->type == WEFT_TYPE_JSON;
    return sized ? field->size : 8;
}

/*
 * Lay a set down: the entries, whose JSON is in `scratch`, and the rest of the earlier set. Owned;
 * NULL: out of memory.
 */
struct weftp_pair_set *weftp_pairs_lay(const struct weftp_pair_build *build, const char *scratch);

#endif
