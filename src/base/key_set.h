/*
 * The keys of one JSON object that is being written, so that none stands in it twice.
 *
 * Keys are told apart by their escaped text in the output buffer: what looks the same to a reader
 * is the same, also where two ill-formed texts were repaired to one. Up to WEFTP_KEY_SET_FEW keys
 * are compared one by one; more go to a hash table on the heap, whose size the buffer's maximum
 * bounds.
 *
 * Threads: one per set. May include: out, json_text, json_limits, port.
 */
#ifndef WEFTP_BASE_KEY_SET_H
#define WEFTP_BASE_KEY_SET_H

#include "json_limits.h"
#include "out.h"

#define WEFTP_KEY_SET_FEW 16

struct weftp_key_entry {
    size_t at;     /* of the escaped text in the buffer; 0: no entry (a quote stands before each) */
    uint32_t size; /* bytes of the escaped text */
    uint32_t hash; /* set in the table only */
    uint32_t renamed; /* the last suffix that was tried for a twin */
};

struct weftp_key_set {
    struct weftp_key_entry *table; /* NULL: the few */
    uint32_t count, capacity;      /* capacity: of the table, a power of two */
    struct weftp_key_entry few[WEFTP_KEY_SET_FEW];
};

/* Make an empty set, for an object that begins where `out` stands. Never fails. */
void weftp_key_set_init(struct weftp_key_set *set);
/* Free what the set has. Takes one that is empty. */
void weftp_key_set_deinit(struct weftp_key_set *set);
/*
 * Append `"key":`, with _1, _2 … behind a key that the set has, and take it into the set. What
 * was written since the set began must still be in the buffer. Out of memory: `out` overflows.
 */
void weftp_key_set_put(struct weftp_key_set *set, struct weft_out *out, const char *key,
                       size_t size, unsigned *notes);

#endif
