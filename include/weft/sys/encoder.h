/*
 * Own encoders: a pure function from a record to the bytes of one line, with no clock and no I/O. One const object per
 * format, an instance behind `self`, which encode must not change: threads encode through it at the same time.
 */
#ifndef WEFT_SYS_ENCODER_H
#define WEFT_SYS_ENCODER_H

#include "../field.h"
#include "../level.h"
#include "../log.h"
#include "../status.h"
#include "sink.h"

/* The text of the last second that was written through a buffer: most records only print digits. */
struct weft_out_clock {
    int64_t second;
    char text[20]; /* 2026-11-22T06:29:14, and whether it is set */
};

/* A growable buffer with a maximum. When it cannot grow, `overflow` is set and what is written is thrown away. */
struct weft_out {
    char *data;    /* start; owned */
    char *cur;     /* where the next byte goes */
    char *end;     /* one past the last byte that may be written */
    size_t max;    /* bytes that `data` may grow to */
    bool overflow; /* the content is not whole */
    unsigned
        notes; /* what encode did beside, for the counts: 1 something was cut, 2 a key was renamed */
    struct weft_out_clock clock; /* private */
    void *memo; /* private: what an encoder remembers from one record to the next; owned */
};

/*
 * An entry of the MDC, of a logger's bound fields or of the static fields: typed, copied, escaped once. Strings, bytes
 * and JSON in `field` are NUL-terminated copies with a known size; objects, arrays and errors are of type JSON and hold
 * their canonical text.
 */
struct weft_pair {
    weft_field field; /* key (NUL-terminated) and key_size (of at most 128) are always known */
    const char
        *json; /* `"key":value`, escaped; doubles in their shortest form, times in RFC 3339 */
    uint32_t json_size;     /* bytes of all that */
    uint16_t key_json_size; /* bytes of `"key":` */
    uint16_t key_flags;     /* private: which odd bytes the key has */
    uint32_t key_hash;      /* private: tells keys apart quickly */
    uint32_t reserved2;
};

/* The trace that a record belongs to, as text. An empty parent_id: a root span; an empty span_id: none. */
struct weft_trace {
    char trace_id[33], span_id[17], parent_id[17];
    uint8_t flags; /* W3C trace-flags: 1 sampled, 2 random */
};

/* The one view of a record that encoders read: the caller's own arrays, or the queue's after unpacking. */
struct weft_record {
    size_t struct_size;
    int64_t time_ns; /* since 1970, UTC */
    int64_t pid, tid;
    int level;
    uint32_t flags; /* WEFT_CONST_MSG_ */
    const char *logger;
    size_t logger_size; /* bytes as given: escape them */
    const char *thread;
    size_t thread_size;
    const char *message;
    size_t message_size;
    const weft_site *site; /* NULL: not known */
    const weft_field *fields;
    size_t field_count; /* the call's; may hold NONE, never END at this level */
    const struct weft_pair *bound;
    size_t bound_count; /* the logger's, innermost first; keys unique */
    const struct weft_pair *mdc;
    size_t mdc_count;               /* keys unique */
    const struct weft_trace *trace; /* NULL: none */
};

/* How much of each kind of value may be written, in bytes of its text; UINT32_MAX: all. What is cut is marked in the line. */
struct weft_limits {
    uint32_t field, bound, message, mdc;
};

struct weft_encoder_options {
    size_t struct_size;
    const char *service, *service_version, *service_env, *service_node; /* NULL: not set */
    const char *host;                                                   /* never NULL */
    const struct weft_pair *fields;
    size_t field_count; /* static fields; live as long as the instance; keys unique */
    const struct weft_options_kv
        *options;  /* the sink's options that are the encoder's: see config; ends with NULL */
    bool terminal; /* lines go to a terminal */
    bool numbered; /* `number` is called for each line: its names are taken */
    const char *trace_project; /* of Google Cloud, that traces belong to; NULL: not set */
};

#define WEFT_NUMBER_SIZE_MAX 128 /* bytes that a number may add to a line */

struct weft_encoder_type {
    size_t struct_size;
    const char *name; /* in WEFT_FORMAT */
    /*
     * Threads and a bad option: as open of a sink. Copies what it keeps, but for options->fields. Options that are
     * not its own are left alone: the sink's and the encoder's come in one list. With WEFT_OK *self may stay NULL.
     */
    weft_status (*open)(void **self, const struct weft_encoder_options *options);
    /* Any thread, any number at a time. Appends one line, its newline included. */
    void (*encode)(const void *self, const struct weft_record *record,
                   const struct weft_limits *limits, struct weft_out *out);
    void (*close)(void *self);
    const char *const
        *options; /* its own options, as "name=what it accepts"; ends with NULL. NULL: none */
    /*
     * seq=on: append a line that encode made, with line->seq and boot_id (32 hexadecimal digits) in it, which are at
     * most WEFT_NUMBER_SIZE_MAX bytes. When and where as encode. NULL: this format has no place for them.
     */
    void (*number)(const void *self, const struct weft_line *line, const char *boot_id,
                   struct weft_out *out);
};

WEFT_EXTERN_C_BEGIN
/**
 * Make a format known, under type->name, in WEFT_FORMAT and format=.
 *
 * When, and errors: as weft_sink_register. Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_encoder_register(const struct weft_encoder_type *type);

/**
 * Append bytes. When `out` cannot grow, out->overflow is set, and what is in it is thrown away.
 *
 * For encoders, as the next two. Threads: one per `out`. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_out_write(struct weft_out *out, const void *data, size_t size);
/**
 * Append a JSON string with its quotes: escaped, ill-formed UTF-8 as U+FFFD. text may be NULL when
 * size is 0.
 *
 * Threads: one per `out`. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_out_json_string(struct weft_out *out, const char *text, size_t size);
/**
 * Append a field's value, whatever its key, as JSON: objects and arrays with their children, raw
 * JSON parsed and written again, no limit on its size but that of `out`.
 *
 * Threads: one per `out`. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_out_json_value(struct weft_out *out, const weft_field *field);
WEFT_EXTERN_C_END

#endif
