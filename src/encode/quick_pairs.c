#include "quick_pairs.h"

#include <math.h>
#include <string.h>

/* ---- making out ---- */

static bool has_hash(const struct weftp_quick_pairs *pairs, uint32_t hash)
{
    for (uint32_t i = 0; i < pairs->count; i++)
        if (pairs->hashes[i] == hash) return true;
    return false;
}

static bool learn(struct weftp_quick_pairs *pairs, const struct weftp_scheme *scheme,
                  const struct weft_pair *pair, bool of_mdc)
{
    const struct weftp_row *row = &scheme->rows[of_mdc][pair->field.type];
    const uint32_t hash = pair->key_hash ^ row->salt;
    if (pair->key_flags || row->restyled || weftp_names_may_have(&scheme->names, hash) ||
        has_hash(pairs, hash))
        return false;
    pairs->doubles |= pair->field.type == WEFT_TYPE_DOUBLE;
    pairs->lists |= WEFTP_QUICK_LIST(row->list);
    pairs->bloom[hash >> 30] |= UINT64_C(1) << (hash >> 24 & 63);
    pairs->sorts[pairs->count] = weftp_quick_pairs_sort(pair);
    pairs->hashes[pairs->count] = hash;
    pairs->list_of[pairs->count++] = row->list;
    return true;
}

bool weftp_quick_pairs_learn(struct weftp_quick_pairs *pairs, const struct weftp_program *program,
                             const struct weft_record *record)
{
    const size_t bound = record->bound_count, mdc = record->mdc_count;
    pairs->program = 0;
    pairs->count = pairs->lists = 0;
    pairs->doubles = false;
    memset(pairs->bloom, 0, sizeof pairs->bloom);
    if (bound > WEFTP_QUICK_PAIRS || mdc > WEFTP_QUICK_PAIRS - bound) return false;
    for (size_t i = 0; i < bound; i++)
        if (!learn(pairs, &program->scheme, &record->bound[i], false)) return false;
    for (size_t i = 0; i < mdc; i++)
        if (!learn(pairs, &program->scheme, &record->mdc[i], true)) return false;
    pairs->bound_count = (uint32_t)bound;
    pairs->program = program->id;
    return true;
}

/* ---- beside the call ---- */

bool weftp_quick_pairs_are_apart(const struct weftp_quick_pairs *pairs,
                                 const struct weftp_shape *shape)
{
    for (uint32_t i = 0; i < pairs->count; i++) {
        const uint32_t hash = pairs->hashes[i];
        if (shape->bloom[hash >> 30] >> (hash >> 24 & 63) & 1 && weftp_shape_has(shape, hash))
            return false;
    }
    return true;
}

/* Whether all numbers are such; others are printed as strings, and elsewhere. */
static bool are_finite(const struct weft_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pairs[i].field.type == WEFT_TYPE_DOUBLE && !isfinite(pairs[i].field.v.d)) return false;
    return true;
}

bool weftp_quick_pairs_are_finite(const struct weft_record *record)
{
    return are_finite(record->bound, record->bound_count) &&
           are_finite(record->mdc, record->mdc_count);
}
