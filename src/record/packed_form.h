/*
 * The layout that pack.c writes and unpack.c reads. Heads are copied with memcpy and have no
 * padding.
 * May include: public value headers.
 */
#ifndef WEFTP_RECORD_PACKED_FORM_H
#define WEFTP_RECORD_PACKED_FORM_H

#include "packed.h"
#include <string.h>

#define WEFTP_PACKED_VERSION 0x5703u

enum {
    WEFTP_PACKED_HAS_WIDE = 1, /* pid and tid, as int64_t: they do not fit into the head */
    WEFTP_PACKED_HAS_SITE = 2, /* a weftp_packed_site; file and function, each with a NUL */
    WEFTP_PACKED_HAS_TRACE = 4
};

/* Read and written in place, wherever the bytes lie. */
#define WEFTP_PACKED_IN_PLACE __attribute__((packed, may_alias))

/* Followed by logger, thread, message, and what it `has`, in that order. */
struct WEFTP_PACKED_IN_PLACE weftp_packed_head {
    uint32_t size; /* of the whole, the zeroes included */
    uint16_t version;
    uint16_t has; /* WEFTP_PACKED_HAS_ */
    int64_t time_ns;
    int32_t pid, tid;
    int16_t level;
    uint16_t logger_size, thread_size;
    uint16_t bound_count;
    uint32_t flags;
    uint32_t message_size;
    uint32_t site_id;
    uint16_t mdc_count;
    uint16_t template_number; /* of the keys, none of which follows then; 0: they do */
    uint32_t field_count;     /* of the call itself */
    uint32_t field_total;     /* nested ones included */
};

struct weftp_packed_site {
    uint32_t line;
    int16_t level;
    uint16_t flags;
    uint16_t file_size, func_size;
};

enum {
    WEFTP_PACKED_SMALL = 1,   /* the value is in `size`, as int32_t: nothing follows the key */
    WEFTP_PACKED_NULL = 2,    /* the value's pointer is NULL: nothing follows the key */
    WEFTP_PACKED_NO_KEY = 4,  /* the key is NULL: none follows */
    WEFTP_PACKED_LONG_KEY = 8 /* the key's size, as uint16_t, stands in front of the key */
};

/* Where a key is longer than a field says. */
#define WEFTP_PACKED_KEY_MAX 128

/*
 * The end of a weft_field as it stands in memory, so that it is copied as one word. Followed by the
 * key with a NUL; then 8 bytes of value, or a text of `size` bytes, or `size` children.
 */
struct weftp_packed_field {
    uint32_t size;
    uint8_t key_size;
    uint8_t type;
    uint16_t flags; /* WEFTP_PACKED_… */
};

/*
 * Followed by key and JSON, each with a NUL; then for STR and BYTES a value of `size` bytes with a
 * NUL, for JSON nothing, for others 8 bytes of value. Sets of pairs keep this as well, so that it
 * is copied from there.
 */
struct weftp_packed_pair {
    uint32_t key_hash;
    uint32_t json_size;
    uint32_t size;
    uint16_t key_json_size;
    uint8_t key_size;
    uint8_t type; /* of the value; above its four bits: the flags of the key */
};
#define WEFTP_PACKED_PAIR_TYPE 15

/* What follows a field's key. */
enum weftp_packed_kind { WEFTP_PACKED_SCALAR, WEFTP_PACKED_TEXT, WEFTP_PACKED_CHILDREN };

/* Types that are none count as scalars. */
static inline enum weftp_packed_kind weftp_packed_kind(uint8_t type)
{
    const unsigned texts = 1u << WEFT_TYPE_STR | 1u << WEFT_TYPE_BYTES | 1u << WEFT_TYPE_JSON;
    const unsigned parents = 1u << WEFT_TYPE_OBJ | 1u << WEFT_TYPE_ARR | 1u << WEFT_TYPE_ERROR;
    if (type > WEFT_TYPE_ERROR) return WEFTP_PACKED_SCALAR;
    if (texts >> type & 1) return WEFTP_PACKED_TEXT;
    return parents >> type & 1 ? WEFTP_PACKED_CHILDREN : WEFTP_PACKED_SCALAR;
}

static inline struct weftp_packed_pair weftp_packed_pair_head(const struct weft_pair *pair)
{
    return (struct weftp_packed_pair){
        .key_hash = pair->key_hash,
        .json_size = pair->json_size,
        .size = pair->field.size,
        .key_json_size = pair->key_json_size,
        .key_size = pair->field.key_size,
        .type = (uint8_t)(pair->field.type | pair->key_flags << 4),
    };
}

/* The bytes of a pair's value behind its JSON. */
static inline size_t weftp_packed_pair_value_size(uint8_t type, uint32_t size)
{
    if (type == WEFT_TYPE_JSON) return 0;
    return weftp_packed_kind(type) == WEFTP_PACKED_TEXT ? (size_t)size + 1 : sizeof(uint64_t);
}

#endif
