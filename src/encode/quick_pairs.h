/*
 * The pairs of a record - bound fields and the MDC - as the quick way sees them: copied as they are, or not its business.
 *
 * Its job: whether each one's name is its own, and which list it goes to. Not its job: copying them (quick).
 * How: from one record to the next, pairs keep their keys and types, so what was found out about those is remembered
 * beside the buffer, told apart by hashes and types, on which alone the answer depends. When they are even the same
 * sets, which their serials tell, so is their text, which is remembered as well.
 * Threads: one per memory; without memory each record is looked at anew. May include: base, record, plan, shape.
 */
#ifndef WEFTP_ENCODE_QUICK_PAIRS_H
#define WEFTP_ENCODE_QUICK_PAIRS_H

#include "../record/pair.h"
#include "shape.h"
#include "write.h"

#define WEFTP_QUICK_PAIRS      64   /* of a record; more are left to the plan */
#define WEFTP_QUICK_PAIRS_TEXT 1024 /* bytes; more are put together anew for each record */

struct weftp_quick_pairs {
    uint64_t program; /* the id of the one that this is about; 0: nothing is known */
    uint32_t bound_count, count;
    uint32_t lists;                     /* WEFTP_QUICK_LIST of those that have pairs */
    bool doubles;                       /* some are of type DOUBLE, whose values count, too */
    uint64_t bloom[4];                  /* a bit for the hash of each key */
    uint64_t sorts[WEFTP_QUICK_PAIRS];  /* hash, flags and type of each, bound ones first */
    uint32_t hashes[WEFTP_QUICK_PAIRS]; /* the same, salted with the object */
    uint8_t list_of[WEFTP_QUICK_PAIRS]; /* enum weftp_space */
    uint64_t text_program;              /* the id of the one whose text this is; 0: there is none */
    uint64_t bound_serial, mdc_serial;
    size_t size;                            /* of the text */
    uint16_t starts[WEFTP_SPACE_COUNT + 1]; /* of each list's pairs in the text, and its end */
    char text[WEFTP_QUICK_PAIRS_TEXT + WEFTP_SHAPE_PADDING]; /* `,"key":value` of each, by lists */
};

/* Whether no pair has a key of the call, looked up one by one. */
bool weftp_quick_pairs_are_apart(const struct weftp_quick_pairs *pairs,
                                 const struct weftp_shape *shape);

/* Whether there may be a key that pairs and call both have. */
static inline bool weftp_quick_pairs_may_meet(const struct weftp_quick_pairs *pairs,
                                              const struct weftp_shape *shape)
{
    const uint64_t *a = pairs->bloom, *b = shape->bloom;
    return ((a[0] & b[0]) | (a[1] & b[1]) | (a[2] & b[2]) | (a[3] & b[3])) != 0;
}

/* Whether the text is that of the record's pairs, with this program. */
static inline bool weftp_quick_pairs_are_told(const struct weftp_quick_pairs *pairs,
                                              uint64_t program, const struct weft_record *record)
{
    return pairs->text_program == program &&
           pairs->mdc_serial == weftp_pairs_serial(record->mdc, record->mdc_count) &&
           pairs->bound_serial == weftp_pairs_serial(record->bound, record->bound_count);
}

/* Look at pairs one by one; false: one of them needs thought. Makes the text, if it can be known again. */
bool weftp_quick_pairs_look_at_each(struct weftp_quick_pairs *pairs,
                                    const struct weftp_program *program,
                                    const struct weft_record *record, size_t *size);

/*
 * Look at all pairs of a record whose call has this shape; false: one of them needs thought. `pairs` is zeroed or was
 * used here before. Then there is a text of them if text_program is not 0.
 *
 * @param size  Bytes of all pairs, with their commas.
 */
static inline bool weftp_quick_pairs_look(struct weftp_quick_pairs *pairs,
                                          const struct weftp_program *program,
                                          const struct weftp_shape *shape,
                                          const struct weft_record *record, size_t *size)
{
    if (__builtin_expect(weftp_quick_pairs_are_told(pairs, program->id, record), 1))
        *size = pairs->size;
    else if (!weftp_quick_pairs_look_at_each(pairs, program, record, size))
        return false;
    return !weftp_quick_pairs_may_meet(pairs, shape) || weftp_quick_pairs_are_apart(pairs, shape);
}

#endif
