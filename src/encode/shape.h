/*
 * The shape of a call: the keys and types of its fields, and what a format makes of them. Calls from one place nearly
 * always have the same shape, so it is made out once and kept: from then on a call's keys are only compared.
 *
 * Its job: keys, and where fields go. Not its job: values.
 *
 *   build, same  | any thread; build works on memory of the caller
 *   find, keep   | any thread: the cache is filled with one atomic store for each place, and never emptied
 *   free         | the thread that closes the encoder
 *
 * May include: base, record, plan.
 */
#ifndef WEFTP_ENCODE_SHAPE_H
#define WEFTP_ENCODE_SHAPE_H

#include "../record/templates.h"
#include "plan.h"
#include "quick_ops.h"

#define WEFTP_SHAPE_FIELDS 80   /* of a call; more are left to the plan */
#define WEFTP_SHAPE_NONES  64   /* of the first so many fields some may be none */
#define WEFTP_SHAPE_TEXT   1536 /* bytes of their keys, each with comma, quotes and colon */
#define WEFTP_SHAPES_MAX                                                                           \
    1024 /* places that are kept, some 5 KiB each at the most; a power of two */

#define WEFTP_SHAPES_PROBES 4 /* slots that a place may have */
#define WEFTP_SHAPE_LINES   4 /* that are kept of a shape: see quick_line.h */

#define WEFTP_SHAPE_PADDING 32 /* bytes that may be read behind the text */

/* A field: its key, as a call must have it again, and where it goes. */
struct weftp_shape_place {
    const char *key;   /* the constant that calls have, see `number`; NULL: none */
    uint64_t words[2]; /* of the key: its first and its last bytes */
    uint16_t sort;     /* weftp_template_sort of the field */
    uint16_t type;
    uint16_t key_size;
    uint16_t at;     /* the field's offset in the call's array, in bytes */
    uint16_t prefix; /* where `,"key":`, of strings with their quote, begins in the text */
    uint16_t prefix_size;
};

struct weftp_quick_line;

struct weftp_shape {
    const weft_site *site;
    /* The template that the keys' addresses are of, as long as the site has its number; 0: no addresses. */
    uint32_t number;
    bool certain;      /* the site is a template's own: all its records have these keys and types */
    uint64_t bloom[4]; /* a bit for each key's hash */
    uint32_t count;
    uint32_t text_size;
    uint32_t bound;                         /* bytes of all fields but for long strings */
    uint16_t lists;                         /* WEFTP_QUICK_LIST of those that have fields */
    uint16_t starts[WEFTP_SPACE_COUNT + 1]; /* of each list in `places`; the last one is its end */
    uint64_t nones;                         /* a bit for each field of the call that is none */
    uint32_t hashes[WEFTP_SHAPE_FIELDS];    /* of the keys, salted; of a field that is none: 0 */
    struct weftp_shape_place places[WEFTP_SHAPE_FIELDS]; /* list by list */
    struct weftp_quick_line *lines[WEFTP_SHAPE_LINES];   /* atomic; of a shape that is kept */
    char text[WEFTP_SHAPE_TEXT + WEFTP_SHAPE_PADDING];
};

struct weftp_shapes {
    struct weftp_shape *slots[WEFTP_SHAPES_MAX]; /* atomic */
};

/* Make out a record's shape; false when the call has anything that needs thought: see quick.h. */
bool weftp_shape_build(struct weftp_shape *shape, const struct weftp_scheme *scheme,
                       const struct weft_record *record);
/* Whether a field whose key has a size that the compiler did not tell is the known one. */
bool weftp_shape_same_odd(const struct weftp_shape *shape, const struct weftp_shape_place *known,
                          const weft_field *field);
/* Whether the fields of `nones` are none. */
bool weftp_shape_same_nones(const struct weftp_shape *shape, const weft_field *fields);
/* Keep a copy of a shape, if there is memory and no other for its place; NULL: not so. */
struct weftp_shape *weftp_shapes_keep(struct weftp_shapes *shapes, const struct weftp_shape *shape);
void weftp_shapes_free(struct weftp_shapes *shapes);

/* Whether the shape has a key with this hash. */
static inline bool weftp_shape_has(const struct weftp_shape *shape, uint32_t hash)
{
    for (uint32_t i = 0; i < shape->count; i++)
        if (shape->hashes[i] == hash) return true;
    return false;
}

/* ---- what every record does ---- */

/* Whether a key has the words of one; in its own branches, so that none of them goes through memory. */
static inline bool weftp_shape_same_words(const char *key, size_t size, const uint64_t words[2])
{
    if (size >= 8) {
        uint64_t first, last;
        memcpy(&first, key, 8);
        memcpy(&last, key + size - 8, 8);
        return ((first ^ words[0]) | (last ^ words[1])) == 0;
    }
    if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, key, 4);
        memcpy(&last, key + size - 4, 4);
        return ((first ^ words[0]) | (last ^ words[1])) == 0;
    }
    const uint32_t all = (uint32_t)(unsigned char)key[0] |
                         (uint32_t)(unsigned char)key[size / 2] << 8 |
                         (uint32_t)(unsigned char)key[size - 1] << 16;
    return all == words[0];
}

/* A key of more than 16 bytes has others between its first and last ones. */
static inline bool weftp_shape_same_key(const struct weftp_shape *shape,
                                        const struct weftp_shape_place *known, const char *key)
{
    const size_t size = known->key_size;
    if (!weftp_shape_same_words(key, size, known->words)) return false;
    return size <= 16 || memcmp(key + 8, shape->text + known->prefix + 2 + 8, size - 16U) == 0;
}

/*
 * Whether the fields of a call may have this shape: there are as many, those that are none are none, and the addresses
 * of keys still mean what they did. Each of the other fields is compared when it is written.
 */
static inline bool weftp_shape_may_match(const struct weftp_shape *shape,
                                         const struct weft_record *record)
{
    return record->field_count == shape->count &&
           (shape->number == 0 || weftp_template_state(record->site) == shape->number) &&
           (__builtin_expect(!shape->nones, 1) || weftp_shape_same_nones(shape, record->fields));
}

/* Whether a field is the one that is known, by its key's address: false says nothing. */
static inline bool weftp_shape_same_constant(const struct weftp_shape_place *known,
                                             const weft_field *field)
{
    const uintptr_t keys = (uintptr_t)field->key ^ (uintptr_t)known->key;
    return (keys | (uintptr_t)(weftp_template_sort(field) ^ known->sort)) == 0;
}

/* Whether a field is the one that is known: its key byte by byte, and its type. */
static inline bool weftp_shape_same(const struct weftp_shape *shape,
                                    const struct weftp_shape_place *known, const weft_field *field)
{
    if (__builtin_expect(weftp_template_sort(field) != known->sort, 0))
        return weftp_shape_same_odd(shape, known, field);
    return weftp_shape_same_key(shape, known, field->key);
}

static inline uint32_t weftp_shapes_slot(const weft_site *site)
{
    return (uint32_t)(((uint64_t)(uintptr_t)site >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
}

/* The shape that was kept for a place; NULL: none. */
static inline struct weftp_shape *weftp_shapes_find(const struct weftp_shapes *shapes,
                                                    const weft_site *site)
{
    const uint32_t slot = weftp_shapes_slot(site);
    for (uint32_t i = 0; i < WEFTP_SHAPES_PROBES; i++) {
        struct weftp_shape *shape =
            __atomic_load_n(&shapes->slots[(slot + i) % WEFTP_SHAPES_MAX], __ATOMIC_ACQUIRE);
        if (!shape) return NULL;
        if (shape->site == site) return shape;
    }
    return NULL;
}

#endif
