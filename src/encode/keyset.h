/*
 * The keys of one record: each field with the name that it is printed under, and a hash table that
 * tells when two of one object are the same.
 *
 * Its job: what a key looks like once it is printed, and who has it. Not its job: who should win
 * (plan).
 * Threads: one per set; everything lies in memory of the caller. May include: base, names.
 */
#ifndef WEFTP_ENCODE_KEYSET_H
#define WEFTP_ENCODE_KEYSET_H

#include <weft/sys/encoder.h>

#include "../base/key_look.h"

enum {
    /* Beside WEFTP_KEY_ESCAPED and WEFTP_KEY_MARKED in weftp_entry.flags. */
    WEFTP_ENTRY_REPLACED = 4, /* dots and the like are printed as '_' */
    WEFTP_ENTRY_LOST = 8,     /* the name was taken: a suffix is needed */
    WEFTP_ENTRY_STRING = 16   /* the value is printed as a string, whatever its type */
};

#define WEFTP_ENTRY_TEXT_MAX                                                                       \
    (3 * 1024 + 8) /* bytes of a key as printed: each repaired, and a suffix */

struct weftp_entry {
    const char *key;              /* as the user gave it */
    const weft_field *field;      /* the value */
    const struct weft_pair *pair; /* NULL: the call's own field, not escaped yet */
    struct weftp_entry *next;     /* in the same list */
    uint32_t hash;                /* of the key as printed, salted with its object */
    uint16_t key_size;
    /*
     * The small ones are no bytes, so that writing them does not make the compiler read all else
     * again.
     */
    uint16_t space; /* the object that it stands in, which is the list's or the top level */
    uint16_t flags;
    uint16_t source;      /* enum weftp_source */
    uint16_t suffix;      /* 0: none; printed as _N behind the key */
    uint16_t next_suffix; /* where the search goes on for the next one that wants this key */
};

/* The keys that an entry is told apart by. The caller sets all members. */
struct weftp_keyset {
    struct weftp_entry *entries;
    uint16_t *slots; /* 1 + index of an entry; 0: free; mask + 1 of them, zeroed */
    uint32_t mask;   /* a power of two minus one, at least twice the number of entries */
};

/*
 * The key as printed, before JSON's escapes: UTF-8 repaired, replaced, with its suffix. Returns its
 * size.
 */
size_t weftp_entry_text(const struct weftp_entry *entry, char to[WEFTP_ENTRY_TEXT_MAX]);

/* Compute entry->hash from the key as printed and entry->space. */
void weftp_entry_rehash(struct weftp_entry *entry);

/* True when the two are printed alike in the same object. */
bool weftp_entry_same(const struct weftp_entry *a, const struct weftp_entry *b);

/*
 * Claim the name of entries[index]. Returns index when it is the first with that name, otherwise
 * the index of the one that has it. The hash must be set, and may not change afterwards.
 */
static inline uint32_t weftp_keyset_claim(struct weftp_keyset *set, uint32_t index)
{
    const struct weftp_entry *entry = &set->entries[index];
    uint32_t slot = entry->hash & set->mask;
    while (set->slots[slot]) {
        const uint32_t holder = set->slots[slot] - 1U;
        if (set->entries[holder].hash == entry->hash &&
            weftp_entry_same(&set->entries[holder], entry)) {
            return holder;
        }
        slot = (slot + 1) & set->mask;
    }
    set->slots[slot] = (uint16_t)(index + 1);
    return index;
}

/* Find who has the name of `entry`; -1: nobody. */
long weftp_keyset_holder(const struct weftp_keyset *set, const struct weftp_entry *entry);

#endif
