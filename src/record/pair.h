/*
 * Sets of pairs: typed entries that are copied and escaped once, for the MDC, bound fields and static fields.
 *
 * Its job: build one block of memory from fields and an earlier set. Not its job: who owns it, and for how long.
 * Threads: a set is immutable once built; any thread may read it. May include: base, the field header.
 */
#ifndef WEFTP_RECORD_PAIR_H
#define WEFTP_RECORD_PAIR_H

#include <weft/sys/encoder.h>

struct weftp_pair_limits {
    uint32_t count_max;      /* entries */
    uint32_t key_size_max;   /* bytes, at most 128 */
    uint32_t value_size_max; /* bytes of a value as it was given (objects: of its JSON text) */
    uint32_t total_size_max; /* bytes of all keys and values */
};
#define WEFTP_PAIR_LIMITS_DEFAULT { 64, 128, 4096, 8192 }

/* Pairs and all that they point to lie in one block behind this head. */
struct weftp_pair_set {
    uint32_t count;
    uint32_t total_size; /* of all keys and values, as total_size_max counts */
    struct weft_pair pairs[];
};

/*
 * Build a set: `fields` (up to an END field when count is WEFT_SIZE_UNKNOWN_), in front of the pairs of `earlier` (may
 * be NULL) whose keys are not among them. With `replace_in_place`, a key that `earlier` has keeps its place there and
 * new keys come behind. Twins among the fields: the last one holds.
 *
 * @param rejected  How many fields were left out for a limit, a NULL or empty key, or no type. NULL: not wanted.
 * @retval WEFT_ENOMEM  *out is unchanged.
 * Fields of WEFT_TYPE_NONE are skipped. *out is owned: free(3). An empty set is a valid set.
 */
weft_status weftp_pairs_build(struct weftp_pair_set **out, const struct weftp_pair_set *earlier, const weft_field *fields,
                              size_t count, const struct weftp_pair_limits *limits, bool replace_in_place, unsigned *rejected);
/* Build a set of `earlier` without a key. */
weft_status weftp_pairs_without(struct weftp_pair_set **out, const struct weftp_pair_set *earlier, const char *key);
/* Find a key; NULL when it is not there. Signal-safe. */
const struct weft_pair *weftp_pairs_find(const struct weft_pair *pairs, size_t count, const char *key, size_t key_size);
/* The value as NUL-terminated text that lives as long as the set: strings as given, others as their JSON. Signal-safe. */
const char *weftp_pair_text(const struct weft_pair *pair);

#endif
