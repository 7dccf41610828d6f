/*
 * The layout that pack.c writes and unpack.c reads. Heads are copied with memcpy and have no
 * padding.
 * May include: public value headers.
 */
#ifndef WEFTP_RECORD_PACKED_FORM_H
#define WEFTP_RECORD_PACKED_FORM_H

#include "packed.h"

#define WEFTP_PACKED_VERSION 0x5701u

enum {
    WEFTP_PACKED_HAS_SITE = 1, /* file and function, each with a NUL, stand behind the message */
    WEFTP_PACKED_HAS_TRACE = 2
};

struct weftp_packed_head {
    uint32_t size; /* of the whole, the zeroes included */
    uint16_t version;
    uint16_t has; /* WEFTP_PACKED_HAS_ */
    int64_t time_ns, pid, tid;
    int32_t level; /* within int16_t, as that of a site is */
    uint32_t flags;
    uint32_t logger_size, thread_size, message_size;
    uint32_t field_count; /* of the call itself */
    uint32_t field_total; /* nested ones included */
    uint32_t bound_count, mdc_count;
    uint32_t site_id, site_line;
    int16_t site_level;
    uint16_t site_flags;
    uint16_t file_size, func_size;
    uint32_t reserved;
};

enum {
    WEFTP_PACKED_NULL = 1,    /* the value's pointer is NULL: nothing follows the key */
    WEFTP_PACKED_NULL_KEY = 2 /* no key follows */
};

/*
 * Followed by the key with a NUL; then 8 bytes of value, or a text of `size` bytes, or `size`
 * children.
 */
struct weftp_packed_field {
    uint32_t size;
    uint16_t key_size;
    uint8_t type;
    uint8_t null; /* WEFTP_PACKED_NULL… */
};

/* Followed by key and JSON, and for STR and BYTES by a value of `size` bytes, each with a NUL. */
struct weftp_packed_pair {
    uint64_t value;
    uint32_t size;
    uint32_t json_size;
    uint32_t reserved;
    uint16_t key_json_size;
    uint8_t key_size;
    uint8_t type;
};

/* What follows a field's key. */
enum weftp_packed_kind { WEFTP_PACKED_SCALAR, WEFTP_PACKED_TEXT, WEFTP_PACKED_CHILDREN };

/* Types that are none count as scalars. */
static inline enum weftp_packed_kind weftp_packed_kind(uint8_t type)
{
    static const uint8_t kinds[256] = {
        [WEFT_TYPE_STR] = WEFTP_PACKED_TEXT,     [WEFT_TYPE_BYTES] = WEFTP_PACKED_TEXT,
        [WEFT_TYPE_JSON] = WEFTP_PACKED_TEXT,    [WEFT_TYPE_OBJ] = WEFTP_PACKED_CHILDREN,
        [WEFT_TYPE_ARR] = WEFTP_PACKED_CHILDREN, [WEFT_TYPE_ERROR] = WEFTP_PACKED_CHILDREN,
    };
    return (enum weftp_packed_kind)kinds[type];
}

#endif
