/*
 * Names that mean something to a format: its reserved fields, static fields, and the fields that
 * ECS defines. Built when an encoder is opened, read-only from then on.
 *
 * Its job: find a name by its hash. Not its job: the names of one record (keyset).
 * Threads: any may read. May include: base.
 */
#ifndef WEFTP_ENCODE_NAMES_H
#define WEFTP_ENCODE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/status.h>

/* When a reserved name is taken: bits, as a record has them. */
enum weftp_when {
    WEFTP_WHEN_ALWAYS = 1,
    WEFTP_WHEN_TRACE = 2,
    WEFTP_WHEN_SPAN = 4,
    WEFTP_WHEN_ERROR = 8, /* the record has an error at all */
    WEFTP_WHEN_ERROR_TYPE = 16,
    WEFTP_WHEN_ERROR_MESSAGE = 32,
    WEFTP_WHEN_ERROR_STACK = 64,
    WEFTP_WHEN_SOURCE = 128,
    WEFTP_WHEN_MARKED = 256, /* something was cut, and the line says so */
    WEFTP_WHEN_STATIC = 512  /* a static field has it */
};

struct weftp_name {
    const char *key; /* borrowed */
    uint32_t key_size;
    uint32_t hash; /* weftp_key_look of the key, xor weftp_space_salt */
    uint16_t when; /* 0: never taken */
    uint8_t space;
    uint8_t type;     /* of an ECS field: see ecs_names.h; 0: none */
    uint16_t ordinal; /* counts from 0 */
};

struct weftp_names {
    struct weftp_name *list;
    uint16_t *slots;  /* 1 + index; 0: free */
    uint32_t *hashes; /* beside the slots, so that a miss touches one word */
    uint32_t count, capacity, mask;
};

/* Tells the same key in different objects apart. */
static inline uint32_t weftp_space_salt(unsigned space)
{
    return space * UINT32_C(0x9e3779b1);
}

/* Make room for `capacity` names. deinit takes a failed one. */
weft_status weftp_names_init(struct weftp_names *names, uint32_t capacity);
void weftp_names_deinit(struct weftp_names *names);

/*
 * Add a name, or more reasons to an earlier one. The hash is computed here. Over the capacity:
 * ignored (the callers count first).
 */
void weftp_names_add(struct weftp_names *names, const struct weftp_name *name);

/* Find a name by its bytes and its salted hash; NULL: not there. */
const struct weftp_name *weftp_names_match(const struct weftp_names *names, const char *key,
                                           size_t key_size, uint32_t hash, unsigned space);

/* The quickest look: false when no name has this hash; true may mean nothing. */
static inline bool weftp_names_may_meet(const struct weftp_names *names, uint32_t hash)
{
    return names->slots[hash & names->mask] != 0;
}

/* The quick half: false when no name has this hash. */
static inline bool weftp_names_may_have(const struct weftp_names *names, uint32_t hash)
{
    uint32_t slot = hash & names->mask;
    while (names->slots[slot]) {
        if (names->hashes[slot] == hash) return true;
        slot = (slot + 1) & names->mask;
    }
    return false;
}

static inline const struct weftp_name *weftp_names_find(const struct weftp_names *names,
                                                        const char *key, size_t key_size,
                                                        uint32_t hash, unsigned space)
{
    if (!weftp_names_may_have(names, hash)) return NULL;
    return weftp_names_match(names, key, key_size, hash, space);
}

#endif
