/*
 * The pairs of a record - bound fields and the MDC - as the quick way sees them: copied as they are, or not its business.
 *
 * Its job: whether each one's name is its own, and which list it goes to. Not its job: copying them (quick).
 * How: from one record to the next, pairs keep their keys and types, so what was found out about those is remembered
 * beside the buffer, told apart by hashes and types, on which alone the answer depends.
 * Threads: one per memory; without memory each record is looked at anew. May include: base, plan, shape.
 */
#ifndef WEFTP_ENCODE_QUICK_PAIRS_H
#define WEFTP_ENCODE_QUICK_PAIRS_H

#include "shape.h"
#include "write.h"

#define WEFTP_QUICK_PAIRS 64 /* of a record; more are left to the plan */

struct weftp_quick_pairs {
    uint64_t program; /* the id of the one that this is about; 0: nothing is known */
    uint32_t bound_count, count;
    uint32_t lists;                     /* WEFTP_QUICK_LIST of those that have pairs */
    bool doubles;                       /* some are of type DOUBLE, whose values count, too */
    uint64_t bloom[4];                  /* a bit for the hash of each key */
    uint64_t sorts[WEFTP_QUICK_PAIRS];  /* hash, flags and type of each, bound ones first */
    uint32_t hashes[WEFTP_QUICK_PAIRS]; /* the same, salted with the object */
    uint8_t list_of[WEFTP_QUICK_PAIRS]; /* enum weftp_space */
};

/* All that the place of a pair depends on, but for a double's value. */
static inline uint64_t weftp_quick_pairs_sort(const struct weft_pair *pair)
{
    return (uint64_t)pair->key_hash << 32 | (uint64_t)pair->key_flags << 8 | pair->field.type;
}

/* Find out about the pairs of a record; false: one of them needs thought. */
bool weftp_quick_pairs_learn(struct weftp_quick_pairs *pairs, const struct weftp_program *program,
                             const struct weft_record *record);
/* Whether no pair has a key of the call, looked up one by one. */
bool weftp_quick_pairs_are_apart(const struct weftp_quick_pairs *pairs,
                                 const struct weftp_shape *shape);
/* Whether all numbers are such; others are printed as strings, and elsewhere. */
bool weftp_quick_pairs_are_finite(const struct weft_record *record);

/* Whether pairs, one or more, are those that are known from `sorts` on; adds the bytes that they take to *size. */
static inline bool weftp_quick_pairs_same(const struct weft_pair *pair, size_t count,
                                          const uint64_t *sorts, size_t *size)
{
    size_t sum = *size + count; /* with their commas */
    const struct weft_pair *const end = pair + count;
    do {
        if (weftp_quick_pairs_sort(pair) != *sorts++) return false;
        sum += pair->json_size;
    } while (++pair < end);
    *size = sum;
    return true;
}

/* Whether all pairs of a record are those that are known. */
static inline bool weftp_quick_pairs_fit(const struct weftp_quick_pairs *pairs, uint64_t program,
                                         const struct weft_record *record, size_t *size)
{
    const size_t bound = record->bound_count, mdc = record->mdc_count;
    *size = 0;
    if (pairs->program != program || bound != pairs->bound_count || bound + mdc != pairs->count)
        return false;
    return (!bound || weftp_quick_pairs_same(record->bound, bound, pairs->sorts, size)) &&
           (!mdc || weftp_quick_pairs_same(record->mdc, mdc, pairs->sorts + bound, size));
}

/* Whether there may be a key that pairs and call both have. */
static inline bool weftp_quick_pairs_may_meet(const struct weftp_quick_pairs *pairs,
                                              const struct weftp_shape *shape)
{
    const uint64_t *a = pairs->bloom, *b = shape->bloom;
    return ((a[0] & b[0]) | (a[1] & b[1]) | (a[2] & b[2]) | (a[3] & b[3])) != 0;
}

/*
 * Look at all pairs of a record whose call has this shape; false: one of them needs thought. `pairs` is zeroed or was
 * used here before.
 *
 * @param size  Bytes of all pairs, with their commas.
 */
static inline bool weftp_quick_pairs_look(struct weftp_quick_pairs *pairs,
                                          const struct weftp_program *program,
                                          const struct weftp_shape *shape,
                                          const struct weft_record *record, size_t *size)
{
    if (__builtin_expect(!weftp_quick_pairs_fit(pairs, program->id, record, size), 0) &&
        !(weftp_quick_pairs_learn(pairs, program, record) &&
          weftp_quick_pairs_fit(pairs, program->id, record, size)))
        return false;
    if (weftp_quick_pairs_may_meet(pairs, shape) && !weftp_quick_pairs_are_apart(pairs, shape))
        return false;
    return __builtin_expect(!pairs->doubles, 1) || weftp_quick_pairs_are_finite(record);
}

#endif
