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

/*
 * Look at all pairs of a record whose call has this shape; false: one of them needs thought. `pairs` is zeroed or was
 * used here before.
 *
 * @param size  Bytes of all pairs, with their commas.
 */
bool weftp_quick_pairs_look(struct weftp_quick_pairs *pairs, const struct weftp_program *program,
                            const struct weftp_shape *shape, const struct weft_record *record,
                            size_t *size);

#endif
