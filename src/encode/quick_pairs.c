#include "quick_pairs.h"

#include <math.h>
#include <string.h>

/* ---- making out ---- */

/* All that the place of a pair depends on, but for a double's value. */
static uint64_t sort_of(const struct weft_pair *pair)
{
    return (uint64_t)pair->key_hash << 32 | (uint64_t)pair->key_flags << 8 | pair->field.type;
}

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

/* Find out about the pairs of a record; false: one of them needs thought. */
static bool learn_all(struct weftp_quick_pairs *pairs, const struct weftp_program *program,
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

/* ---- knowing again ---- */

/* Whether pairs, one or more, are those that are known from `sorts` on; adds the bytes that they take to *size. */
static bool are_same(const struct weft_pair *pair, size_t count, const uint64_t *sorts,
                     size_t *size)
{
    size_t sum = *size + count; /* with their commas */
    const struct weft_pair *const end = pair + count;
    do {
        if (sort_of(pair) != *sorts++) return false;
        sum += pair->json_size;
    } while (++pair < end);
    *size = sum;
    return true;
}

/* Whether all pairs of a record are those that are known. */
static bool fit(const struct weftp_quick_pairs *pairs, uint64_t program,
                const struct weft_record *record, size_t *size)
{
    const size_t bound = record->bound_count, mdc = record->mdc_count;
    *size = 0;
    if (pairs->program != program || bound != pairs->bound_count || bound + mdc != pairs->count)
        return false;
    return (!bound || are_same(record->bound, bound, pairs->sorts, size)) &&
           (!mdc || are_same(record->mdc, mdc, pairs->sorts + bound, size));
}

/* Whether all numbers are such; others are printed as strings, and elsewhere. */
static bool are_finite(const struct weft_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pairs[i].field.type == WEFT_TYPE_DOUBLE && !isfinite(pairs[i].field.v.d)) return false;
    return true;
}

/* ---- their text ---- */

/* Put the pairs of an array that belong to a list at `to`. */
static char *put_text(char *to, const struct weft_pair *pair, size_t count, const uint8_t *list_of,
                      unsigned list)
{
    for (; count > 0; count--, pair++) {
        if (*list_of++ != list) continue;
        *to = ',';
        memcpy(to + 1, pair->json, pair->json_size);
        to += 1 + pair->json_size;
    }
    return to;
}

/*
 * Pairs that nothing tells from others, or whose text is long, have none; nor those that the record before did not have,
 * as where each has its own.
 */
static void make_text(struct weftp_quick_pairs *pairs, const struct weft_record *record,
                      size_t size)
{
    const uint8_t *list_of = pairs->list_of;
    char *to = pairs->text;
    const uint64_t bound = weftp_pairs_serial(record->bound, record->bound_count);
    const uint64_t mdc = weftp_pairs_serial(record->mdc, record->mdc_count);
    const bool again = pairs->bound_serial == bound && pairs->mdc_serial == mdc;
    pairs->bound_serial = bound;
    pairs->mdc_serial = mdc;
    if (!again || size > WEFTP_QUICK_PAIRS_TEXT || bound == WEFTP_PAIRS_UNKNOWN ||
        mdc == WEFTP_PAIRS_UNKNOWN)
        return;
    for (unsigned list = 0; list < WEFTP_SPACE_COUNT; list++) {
        pairs->starts[list] = (uint16_t)(to - pairs->text);
        if (!(pairs->lists & WEFTP_QUICK_LIST(list))) continue;
        to = put_text(to, record->bound, record->bound_count, list_of, list);
        to = put_text(to, record->mdc, record->mdc_count, list_of + record->bound_count, list);
    }
    pairs->starts[WEFTP_SPACE_COUNT] = (uint16_t)(to - pairs->text);
    pairs->size = size;
    pairs->text_program = pairs->program;
}

bool weftp_quick_pairs_look_at_each(struct weftp_quick_pairs *pairs,
                                    const struct weftp_program *program,
                                    const struct weft_record *record, size_t *size)
{
    pairs->text_program = 0;
    if (!fit(pairs, program->id, record, size) &&
        !(learn_all(pairs, program, record) && fit(pairs, program->id, record, size)))
        return false;
    if (pairs->doubles && !(are_finite(record->bound, record->bound_count) &&
                            are_finite(record->mdc, record->mdc_count)))
        return false;
    make_text(pairs, record, *size);
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
