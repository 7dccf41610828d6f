/*
 * The pairs of a record - bound fields and the MDC - as the quick way sees them: copied as they are, or not its business.
 *
 * Its job: whether each one's name is its own, and which list it goes to. Not its job: copying them (quick).
 * Threads: any; all memory is the caller's. May include: base, plan, shape.
 */
#ifndef WEFTP_ENCODE_QUICK_PAIRS_H
#define WEFTP_ENCODE_QUICK_PAIRS_H

#include "shape.h"

#define WEFTP_QUICK_PAIRS 64 /* of a record; more are left to the plan */

struct weftp_quick_pairs {
    uint32_t count;
    uint32_t lists;                     /* WEFTP_QUICK_LIST of those that have pairs */
    size_t size;                        /* bytes of all of them, with their commas */
    uint64_t bloom[4];                  /* a bit for the hash of each key of the record so far */
    uint32_t hashes[WEFTP_QUICK_PAIRS]; /* bound ones first */
    uint8_t list_of[WEFTP_QUICK_PAIRS]; /* enum weftp_space */
};

/* Look at all pairs of a record whose call has this shape; false: one of them needs thought. */
bool weftp_quick_pairs_look(struct weftp_quick_pairs *pairs, const struct weftp_scheme *scheme,
                            const struct weftp_shape *shape, const struct weft_record *record);

#endif
