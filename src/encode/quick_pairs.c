#include "quick_pairs.h"

#include <math.h>
#include <string.h>

/* Whether an earlier key of the record has this hash, when the bloom filter cannot tell. */
static bool has_hash(const struct weftp_quick_pairs *pairs, const struct weftp_shape *shape,
                     uint32_t hash)
{
    for (uint32_t i = 0; i < pairs->count; i++)
        if (pairs->hashes[i] == hash) return true;
    return weftp_shape_has(shape, hash);
}

/* Whether the text that a pair has is what this format prints in the place that its type tells. */
static inline bool is_plain(const struct weft_pair *pair, const struct weftp_row *row)
{
    if (pair->key_flags | row->restyled) return false;
    return __builtin_expect(pair->field.type != WEFT_TYPE_DOUBLE, 1) || isfinite(pair->field.v.d);
}

static inline bool add(struct weftp_quick_pairs *pairs, const struct weftp_scheme *scheme,
                       const struct weftp_shape *shape, const struct weft_pair *pair,
                       const struct weftp_row *row)
{
    const uint32_t hash = pair->key_hash ^ row->salt;
    uint64_t *bloom = &pairs->bloom[hash >> 30];
    const uint64_t bit = UINT64_C(1) << (hash >> 24 & 63), bits = *bloom;
    if (!is_plain(pair, row) || weftp_names_may_have(&scheme->names, hash)) return false;
    if (__builtin_expect((bits & bit) != 0, 0) && has_hash(pairs, shape, hash)) return false;
    *bloom = bits | bit;
    pairs->hashes[pairs->count] = hash;
    pairs->list_of[pairs->count++] = row->list;
    return true;
}

static inline bool add_all(struct weftp_quick_pairs *pairs, const struct weftp_scheme *scheme,
                           const struct weftp_shape *shape, const struct weft_pair *pair,
                           size_t count, const struct weftp_row *rows)
{
    uint32_t lists = pairs->lists;
    size_t size = pairs->size + count;
    for (const struct weft_pair *end = pair + count; pair < end; pair++) {
        const struct weftp_row *row = &rows[pair->field.type];
        if (!add(pairs, scheme, shape, pair, row)) return false;
        lists |= WEFTP_QUICK_LIST(row->list);
        size += pair->json_size;
    }
    pairs->lists = lists;
    pairs->size = size;
    return true;
}

bool weftp_quick_pairs_look(struct weftp_quick_pairs *pairs, const struct weftp_scheme *scheme,
                            const struct weftp_shape *shape, const struct weft_record *record)
{
    pairs->count = pairs->lists = 0;
    pairs->size = 0;
    if (record->bound_count > WEFTP_QUICK_PAIRS ||
        record->mdc_count > WEFTP_QUICK_PAIRS - record->bound_count)
        return false;
    memcpy(pairs->bloom, shape->bloom, sizeof pairs->bloom);
    if (record->bound_count &&
        !add_all(pairs, scheme, shape, record->bound, record->bound_count, scheme->rows[0]))
        return false;
    return add_all(pairs, scheme, shape, record->mdc, record->mdc_count, scheme->rows[1]);
}
