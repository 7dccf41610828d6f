/*
 * Fields: a typed key and value, made by the functions below and handed to a log call, to the MDC or to
 * weft_logger_with(). A field borrows its key and its value; the call that takes it copies what it keeps,
 * so both need to live only until that call returns.
 *
 * Threads: any. Signals: the makers are safe. Allocates: never.
 *
 * Keys: NULL or empty keys are written as "_"; a key of more than 1,024 bytes is cut. Both are counted.
 */
#ifndef WEFT_FIELD_H
#define WEFT_FIELD_H

#include "port.h"
#include <time.h>

typedef enum weft_type {
    WEFT_TYPE_NONE = 0, /* skipped: a field made of zeroes is no field */
    WEFT_TYPE_END_,     /* ends an array of unknown size */
    WEFT_TYPE_STR,
    WEFT_TYPE_INT,
    WEFT_TYPE_UINT,
    WEFT_TYPE_DOUBLE,
    WEFT_TYPE_BOOL,
    WEFT_TYPE_NULL,
    WEFT_TYPE_BYTES,
    WEFT_TYPE_JSON,
    WEFT_TYPE_TIME,
    WEFT_TYPE_DURATION,
    WEFT_TYPE_ERRNO,
    WEFT_TYPE_OBJ,
    WEFT_TYPE_ARR,
    WEFT_TYPE_ERROR /* weft_error_info: children type, message, stack */
} weft_type;

typedef struct weft_field {
    const char *key;
    union weft_value {
        int64_t i;     /* INT, ERRNO, DURATION (nanoseconds), TIME (seconds since 1970) */
        uint64_t u;    /* UINT, BOOL */
        double d;      /* DOUBLE */
        const void *p; /* STR, BYTES, JSON */
        const struct weft_field *f; /* OBJ, ARR, ERROR: the children */
    } v;
    uint32_t
        size; /* STR, BYTES, JSON: bytes; OBJ, ARR, ERROR: children; TIME: nanoseconds; or WEFT_SIZE_UNKNOWN_ */
    uint8_t key_size;  /* bytes of the key; 0: not known at compile time */
    uint8_t type;      /* enum weft_type */
    uint16_t reserved; /* 0 */
} weft_field;

/* The length of a key that the compiler knows, else 0: the library measures. A literal costs nothing. */
static inline uint8_t weft_key_size_(const char *key)
{
    const size_t size = key ? __builtin_strlen(key) : 0;
    return WEFT_CAST_(uint8_t, __builtin_constant_p(size) && size <= 128 ? size : 0);
}

static inline weft_field weft_field_(const char *key, weft_type type, uint32_t size)
{
    weft_field field;
    field.key = key;
    field.v.u = 0;
    field.size = size;
    field.key_size = weft_key_size_(key);
    field.type = WEFT_CAST_(uint8_t, type);
    field.reserved = 0;
    return field;
}

static inline weft_field weft_pointer_field_(const char *key, weft_type type, const void *value,
                                             uint32_t size)
{
    weft_field field = weft_field_(key, type, size);
    field.v.p = value;
    return field;
}

static inline weft_field weft_int_field_(const char *key, weft_type type, int64_t value)
{
    weft_field field = weft_field_(key, type, 0);
    field.v.i = value;
    return field;
}

static inline uint32_t weft_clamp_(size_t size)
{
    return size < UINT32_MAX ? WEFT_CAST_(uint32_t, size) : UINT32_MAX - 1;
}

/** No field at all: skipped wherever it stands, for `cond ? weft_int(...) : weft_none()`. */
static inline weft_field weft_none(void)
{
    return weft_field_(NULL, WEFT_TYPE_NONE, 0);
}
static inline weft_field weft_end_(void)
{
    return weft_field_(NULL, WEFT_TYPE_END_, 0);
}

/** A NUL-terminated string; NULL is written as JSON null. Invalid UTF-8 becomes U+FFFD, a maximal subpart at a time. */
static inline weft_field weft_str(const char *key, const char *value)
{
    return weft_pointer_field_(key, WEFT_TYPE_STR, value, WEFT_SIZE_UNKNOWN_);
}
/** A string of `size` bytes, which may hold NUL. */
static inline weft_field weft_strn(const char *key, const char *value, size_t size)
{
    return weft_pointer_field_(key, WEFT_TYPE_STR, value, weft_clamp_(size));
}
/** Bytes, written in base64 (RFC 4648, section 4, with padding). */
static inline weft_field weft_bytes(const char *key, const void *value, size_t size)
{
    return weft_pointer_field_(key, WEFT_TYPE_BYTES, value, weft_clamp_(size));
}
/** JSON text (RFC 8259): parsed, and written again on one line with unique keys. What is not one valid value is written as a string. */
static inline weft_field weft_json(const char *key, const char *text)
{
    return weft_pointer_field_(key, WEFT_TYPE_JSON, text, WEFT_SIZE_UNKNOWN_);
}
/** A signed integer, written as a number with all its digits. */
static inline weft_field weft_int(const char *key, int64_t value)
{
    return weft_int_field_(key, WEFT_TYPE_INT, value);
}
/** An unsigned integer, written as a number with all its digits. */
static inline weft_field weft_uint(const char *key, uint64_t value)
{
    weft_field field = weft_field_(key, WEFT_TYPE_UINT, 0);
    field.v.u = value;
    return field;
}
/** A double, written as the shortest text that reads back equal; "NaN", "Infinity" and "-Infinity" as strings. */
static inline weft_field weft_double(const char *key, double value)
{
    weft_field field = weft_field_(key, WEFT_TYPE_DOUBLE, 0);
    field.v.d = value;
    return field;
}
/** true or false. */
static inline weft_field weft_bool(const char *key, bool value)
{
    weft_field field = weft_field_(key, WEFT_TYPE_BOOL, 0);
    field.v.u = value;
    return field;
}
/** JSON null. */
static inline weft_field weft_null(const char *key)
{
    return weft_field_(key, WEFT_TYPE_NULL, 0);
}
/** An errno value, written as an object of code, name and text, in English whatever the locale. */
static inline weft_field weft_errno(const char *key, int err)
{
    return weft_int_field_(key, WEFT_TYPE_ERRNO, err);
}
/** A point in time, UTC, written in RFC 3339 (`logstash` writes seconds since 1970, as its Java original does). */
static inline weft_field weft_time(const char *key, struct timespec when)
{
    weft_field field = weft_int_field_(key, WEFT_TYPE_TIME, WEFT_CAST_(int64_t, when.tv_sec));
    field.size = WEFT_CAST_(uint32_t, when.tv_nsec);
    return field;
}
/** A duration in nanoseconds, written as a number of milliseconds. */
static inline weft_field weft_duration_ns(const char *key, int64_t ns)
{
    return weft_int_field_(key, WEFT_TYPE_DURATION, ns);
}

/** An object over `count` fields that the caller owns. */
static inline weft_field weft_objn(const char *key, const weft_field *fields, size_t count)
{
    weft_field field = weft_field_(key, WEFT_TYPE_OBJ, weft_clamp_(count));
    field.v.f = fields;
    return field;
}
/** An array over `count` fields that the caller owns; their keys are not written. */
static inline weft_field weft_arrn(const char *key, const weft_field *fields, size_t count)
{
    weft_field field = weft_field_(key, WEFT_TYPE_ARR, weft_clamp_(count));
    field.v.f = fields;
    return field;
}
static inline weft_field weft_error_field_(const weft_field *three)
{
    weft_field field = weft_field_("error", WEFT_TYPE_ERROR, 3);
    field.v.f = three;
    return field;
}

/*
 * weft_obj(key, fields...), weft_arr(key, fields...): only inside the arguments of a call, because what they point
 * to ends with that call. weft_error_info(type, message, stack) likewise: an error as each format wants it
 * (`error.*`, `stack_trace`, `exception`); any of the three may be NULL.
 */
#define weft_obj(...) WEFT_OBJ_(__VA_ARGS__, weft_end_())
#define weft_arr(...) WEFT_ARR_(__VA_ARGS__, weft_end_())
#define weft_error_info(type, message, stack)                                                      \
    WEFT_ERROR_(weft_str("type", type), weft_str("message", message),                              \
                weft_str("stack_trace", stack))

#ifndef __cplusplus
#define WEFT_FIELDS_(...)                                                                          \
    (const weft_field[])                                                                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define WEFT_OBJ_(key, ...) weft_objn(key, WEFT_FIELDS_(__VA_ARGS__), WEFT_SIZE_UNKNOWN_)
#define WEFT_ARR_(key, ...) weft_arrn(key, WEFT_FIELDS_(__VA_ARGS__), WEFT_SIZE_UNKNOWN_)
#define WEFT_ERROR_(...)    weft_error_field_(WEFT_FIELDS_(__VA_ARGS__))
#else
extern "C++" {
template <size_t N> inline weft_field weft_obj_(const char *key, const weft_field (&fields)[N])
{
    return weft_objn(key, fields, N);
}
template <size_t N> inline weft_field weft_arr_(const char *key, const weft_field (&fields)[N])
{
    return weft_arrn(key, fields, N);
}
inline weft_field weft_error_(const weft_field (&fields)[3])
{
    return weft_error_field_(fields);
}
} /* extern "C++" */
#define WEFT_OBJ_(key, ...) weft_obj_(key, {__VA_ARGS__})
#define WEFT_ARR_(key, ...) weft_arr_(key, {__VA_ARGS__})
#define WEFT_ERROR_(...)    weft_error_({__VA_ARGS__})
#endif

#endif
