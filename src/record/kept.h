/*
 * The pairs of packed records that were unpacked before, with a copy of their bytes: a thread's MDC
 * and a logger's bound fields stay the same over many records, which then cost one compare.
 *
 * Its job: a few blocks of pairs, found again by their bytes. Not its job: reading them (unpack.c).
 * How: each thread has a place for its MDC, each logger one for its bound fields; threads or
 * loggers that share one take it from each other.
 * Threads: one at a time. May include: base, pair.
 */
#ifndef WEFTP_RECORD_KEPT_H
#define WEFTP_RECORD_KEPT_H

#include "packed.h"
#include "pair.h"
#include <string.h>

#define WEFTP_KEPT_SETS     8 /* of each kind; a power of two */
#define WEFTP_KEPT_MISSES   8 /* in a row; from then on only each 8th is kept: pairs do not stay */
#define WEFTP_KEPT_SIZE_MAX (16u << 10) /* bytes of a block; longer ones are unpacked each time */

struct weftp_kept_set {
    struct weftp_pair_set *set; /* NULL: none */
    size_t room;                /* bytes of its memory */
    uint32_t misses;            /* since it was found last */
};

struct weftp_kept {
    struct weftp_kept_set mdc[WEFTP_KEPT_SETS], bound[WEFTP_KEPT_SETS];
};

/* What unpack.c reads when nothing is kept: trusted pairs. Returns where they end. */
const char *weftp_packed_pairs_read(const char *at, struct weft_pair *pairs, uint32_t count);

/*
 * Read pairs that are not known, and keep them: in a set of its own, which points to a copy of
 * their bytes.
 *
 * @param pairs  The caller's array.
 * @param out    That set's pairs, until the place is used again; `pairs` themselves when they are
 *               too long, or others each time, or there is no memory.
 * @return       Where they end.
 */
const char *weftp_kept_read(struct weftp_kept_set *kept, struct weft_pair *pairs, uint32_t count,
                            const struct weft_pair **out, const char *at);

/*
 * The set of `count` pairs that these bytes - there are `left` - begin with, if it is the one that
 * is kept; or NULL.
 */
static inline const struct weftp_pair_set *weftp_kept_find(const struct weftp_kept_set *kept,
                                                           uint32_t count, const char *bytes,
                                                           size_t left)
{
    const struct weftp_pair_set *set = kept->set;
    if (!set || set->count != count || set->text_size > left) return NULL;
    return memcmp(set->pairs + count, bytes, set->text_size) == 0 ? set : NULL;
}

/* Where the MDC of a thread is kept. */
static inline struct weftp_kept_set *weftp_kept_mdc(struct weftp_kept *kept, int64_t tid)
{
    return &kept->mdc[(uint64_t)tid % WEFTP_KEPT_SETS];
}

/* Where the bound fields of a logger are kept. */
static inline struct weftp_kept_set *weftp_kept_bound(struct weftp_kept *kept, const char *logger,
                                                      size_t size)
{
    const size_t last = size ? (unsigned char)logger[size - 1] : 0;
    return &kept->bound[(size + last) % WEFTP_KEPT_SETS];
}

/* Take pairs, one or more, from where they are kept, or read them. Returns where they end. */
static inline const char *weftp_kept_take(struct weftp_kept_set *kept, struct weft_pair *pairs,
                                          uint32_t count, const struct weft_pair **out,
                                          const char *at, const char *end)
{
    const struct weftp_pair_set *set = weftp_kept_find(kept, count, at, (size_t)(end - at));
    if (__builtin_expect(!set, 0)) return weftp_kept_read(kept, pairs, count, out, at);
    kept->misses = 0;
    *out = set->pairs;
    return at + set->text_size;
}

/* The same for all pairs of a record, of which the rest is known. */
static inline const char *weftp_kept_take_both(const struct weftp_unpack_room *room,
                                               struct weft_record *record, const char *at,
                                               const char *end)
{
    const uint32_t bound = (uint32_t)record->bound_count, mdc = (uint32_t)record->mdc_count;
    if (bound)
        at = weftp_kept_take(weftp_kept_bound(room->kept, record->logger, record->logger_size),
                             room->pairs, bound, &record->bound, at, end);
    if (mdc)
        at = weftp_kept_take(weftp_kept_mdc(room->kept, record->tid), room->pairs + bound, mdc,
                             &record->mdc, at, end);
    return at;
}

#endif
