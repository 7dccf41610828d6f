#include "quick_pairs.h"

#include <math.h>
#include <string.h>

#define IMPOSSIBLE SIZE_MAX /* instead of a size: not the pairs that are known */

/* All that the place of a pair depends on, but for a double's value. */
static inline uint64_t sort_of(const struct weft_pair *pair)
{
    return (uint64_t)pair->key_hash << 32 | (uint64_t)pair->key_flags << 8 | pair->field.type;
}

/* ---- comparing ---- */

/* The bytes that pairs take when they are those that are known from `sorts` on. */
static inline size_t compare(const struct weft_pair *pair, size_t count, const uint64_t *sorts)
{
    size_t size = count;
    for (const struct weft_pair *end = pair + count; pair < end; pair++, sorts++) {
        if (sort_of(pair) != *sorts) return IMPOSSIBLE;
        size += pair->json_size;
    }
    return size;
}

/* The bytes of all pairs, or IMPOSSIBLE. */
static inline size_t compare_all(const struct weftp_quick_pairs *pairs,
                                 const struct weft_record *record)
{
    if (record->bound_count != pairs->bound_count ||
        record->mdc_count != pairs->count - pairs->bound_count)
        return IMPOSSIBLE;
    const size_t bound = compare(record->bound, pairs->bound_count, pairs->sorts);
    if (bound == IMPOSSIBLE) return IMPOSSIBLE;
    const size_t mdc = compare(record->mdc, record->mdc_count, pairs->sorts + pairs->bound_count);
    return mdc == IMPOSSIBLE ? IMPOSSIBLE : bound + mdc;
}

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
    pairs->sorts[pairs->count] = sort_of(pair);
    pairs->hashes[pairs->count] = hash;
    pairs->list_of[pairs->count++] = row->list;
    return true;
}

static __attribute__((noinline)) bool learn_all(struct weftp_quick_pairs *pairs,
                                                const struct weftp_program *program,
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

/* Whether no pair has a key of the call, looked up one by one. */
static __attribute__((noinline)) bool are_apart(const struct weftp_quick_pairs *pairs,
                                                const struct weftp_shape *shape)
{
    for (uint32_t i = 0; i < pairs->count; i++) {
        const uint32_t hash = pairs->hashes[i];
        if (shape->bloom[hash >> 30] >> (hash >> 24 & 63) & 1 && weftp_shape_has(shape, hash))
            return false;
    }
    return true;
}

/* Whether there may be a key that both have. */
static inline bool may_meet(const struct weftp_quick_pairs *pairs, const struct weftp_shape *shape)
{
    const uint64_t *a = pairs->bloom, *b = shape->bloom;
    return ((a[0] & b[0]) | (a[1] & b[1]) | (a[2] & b[2]) | (a[3] & b[3])) != 0;
}

/* Whether all numbers are such; others are printed as strings, and elsewhere. */
static __attribute__((noinline)) bool are_finite(const struct weft_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pairs[i].field.type == WEFT_TYPE_DOUBLE && !isfinite(pairs[i].field.v.d)) return false;
    return true;
}

bool weftp_quick_pairs_look(struct weftp_quick_pairs *pairs, const struct weftp_program *program,
                            const struct weftp_shape *shape, const struct weft_record *record,
                            size_t *size)
{
    *size = pairs->program == program->id ? compare_all(pairs, record) : IMPOSSIBLE;
    if (__builtin_expect(*size == IMPOSSIBLE, 0)) {
        if (!learn_all(pairs, program, record)) return false;
        *size = compare_all(pairs, record);
    }
    if (may_meet(pairs, shape) && !are_apart(pairs, shape)) return false;
    return !pairs->doubles || (are_finite(record->bound, record->bound_count) &&
                               are_finite(record->mdc, record->mdc_count));
}
