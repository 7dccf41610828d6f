/*
 * Sets of pairs: typed entries that are copied and escaped once, for the MDC, bound fields and
 * static fields.
 *
 * Its job: build one block of memory from fields and an earlier set. Not its job: who owns it, and
 * for how long.
 * Threads: a set is immutable once built; any thread may read it.
 * May include: base, the field header.
 */
#ifndef WEFTP_RECORD_PAIR_H
#define WEFTP_RECORD_PAIR_H

#include <weft/sys/encoder.h>

#define WEFTP_PAIR_COUNT_MAX    64
#define WEFTP_PAIR_KEY_SIZE_MAX 128

struct weftp_pair_limits {
    uint32_t count_max;      /* entries, at most WEFTP_PAIR_COUNT_MAX */
    uint32_t key_size_max;   /* bytes, at most WEFTP_PAIR_KEY_SIZE_MAX */
    uint32_t value_size_max; /* bytes of a value as it was given (objects: of its JSON text) */
    uint32_t total_size_max; /* bytes of all keys and values; numbers and the like count 8 */
};
#define WEFTP_PAIR_LIMITS_DEFAULT                                                                  \
    {                                                                                              \
        WEFTP_PAIR_COUNT_MAX, WEFTP_PAIR_KEY_SIZE_MAX, 4096, 8192                                  \
    }

/*
 * Pairs and all that they point to lie in one block behind this head. Each pair's piece is its
 * packed form - a head without pointers, key, JSON, value: packed_form.h - and the pieces lie behind
 * each other in the order of the pairs, so that packing a whole set is one memcpy.
 */
struct weftp_pair_set {
    uint64_t serial; /* of this content: no other set of the process has it, nor will */
    unsigned refs;   /* atomic; 1 when built. For owners who share a set: weftp_pairs_ref */
    uint32_t count;
    uint32_t total_size;      /* of all keys and values, as total_size_max counts */
    uint32_t text_size;       /* of all pieces */
    struct weft_pair pairs[]; /* reserved2 of the first: weftp_pairs_mark */
};

/* What only the first pair of a set has, at its place: copies of it, elsewhere, are no set. */
static inline uint32_t weftp_pairs_mark(const struct weft_pair *first)
{
    return (uint32_t)(uintptr_t)first | 1;
}

/* The set whose pairs these are, all of them; NULL: they are others. Signal-safe. */
static inline const struct weftp_pair_set *weftp_pairs_set(const struct weft_pair *pairs,
                                                           size_t count)
{
    if (count == 0 || pairs->reserved2 != weftp_pairs_mark(pairs)) return NULL;
    const struct weftp_pair_set *set =
        (const void *)((const char *)pairs - offsetof(struct weftp_pair_set, pairs));
    return set->count == count ? set : NULL;
}

enum {
    WEFTP_PAIRS_UNKNOWN = 0, /* pairs that are no whole set: they may be anything */
    WEFTP_PAIRS_NONE = 1     /* no pairs */
};

/*
 * What pairs are, as a number: two records with the same one, but WEFTP_PAIRS_UNKNOWN, have the
 * same pairs, byte by byte. Signal-safe.
 */
static inline uint64_t weftp_pairs_serial(const struct weft_pair *pairs, size_t count)
{
    if (count == 0) return WEFTP_PAIRS_NONE;
    const struct weftp_pair_set *set = weftp_pairs_set(pairs, count);
    return set ? set->serial : (uint64_t)WEFTP_PAIRS_UNKNOWN;
}
/* A serial that no set has had. Threads: any. Signals: unsafe. */
uint64_t weftp_pairs_next_serial(void);

/*
 * Build a set of `fields` (up to an END field, or `count` of them) and the pairs of `earlier` (may
 * be NULL) whose keys are not among them. put: a key that `earlier` has keeps its place there, and
 * new keys come behind. prepend: all fields come in front. Twins among the fields: the last one
 * holds.
 *
 * @param count     WEFT_SIZE_UNKNOWN_: up to the END.
 * @param rejected  How many fields were left out for a limit, a NULL or empty key, or no type.
 *                  NULL: not wanted.
 * @retval WEFT_ENOMEM  *out and *rejected are unchanged. Fields of WEFT_TYPE_NONE are skipped. NULL
 *                      strings, bytes, objects and arrays become null. A field that is rejected
 *                      leaves an earlier value of its key as it was. *out is owned: free(3), or
 *                      weftp_pairs_unref. An empty set is a set.
 */
weft_status weftp_pairs_put(struct weftp_pair_set **out, const struct weftp_pair_set *earlier,
                            const weft_field *fields, size_t count,
                            const struct weftp_pair_limits *limits, unsigned *rejected);
weft_status weftp_pairs_prepend(struct weftp_pair_set **out, const struct weftp_pair_set *earlier,
                                const weft_field *fields, size_t count,
                                const struct weftp_pair_limits *limits, unsigned *rejected);
/* Either of them, as `in_place` says. */
#define weftp_pairs_build(out, earlier, fields, count, limits, in_place, rejected)                 \
    ((in_place) ? weftp_pairs_put(out, earlier, fields, count, limits, rejected)                   \
                : weftp_pairs_prepend(out, earlier, fields, count, limits, rejected))
/*
 * Build a set of `earlier` without a key; a whole copy when it is not there. Otherwise as
 * weftp_pairs_put.
 */
weft_status weftp_pairs_without(struct weftp_pair_set **out, const struct weftp_pair_set *earlier,
                                const char *key);

/* Share a set, and give a share back: the last one frees it. NULL does nothing. Threads: any. */
struct weftp_pair_set *weftp_pairs_ref(struct weftp_pair_set *set);
void weftp_pairs_unref(struct weftp_pair_set *set);

/* Find a key; NULL when it is not there. Signal-safe. */
const struct weft_pair *weftp_pairs_find(const struct weft_pair *pairs, size_t count,
                                         const char *key, size_t key_size);
/*
 * The value as NUL-terminated text that lives as long as the set: strings as given, others as their
 * JSON. Signal-safe.
 */
const char *weftp_pair_text(const struct weft_pair *pair);

#endif
