/*
 * A sink's options, read by a table: each row says the key, the type and where the value goes.
 *
 * Its job: values checked, the first bad or unknown one named. Not its job: what they do.
 * Threads: any; nothing is kept.
 * May include: base.
 */
#ifndef WEFTP_SINKS_KIT_OPTIONS_H
#define WEFTP_SINKS_KIT_OPTIONS_H

#include <weft/sys/sink.h>

enum weftp_option_type {
    WEFTP_OPTION_BYTES,    /* uint64_t */
    WEFTP_OPTION_COUNT,    /* uint32_t */
    WEFTP_OPTION_DURATION, /* uint32_t, milliseconds */
    WEFTP_OPTION_INTERVAL, /* uint32_t, milliseconds; a number without a unit is of them */
    WEFTP_OPTION_AGE,      /* uint64_t, milliseconds */
    WEFTP_OPTION_MODE,     /* unsigned, octal permission bits */
    WEFTP_OPTION_CHOICE,   /* unsigned, the place in `choices` */
    WEFTP_OPTION_TEXT      /* const char *, borrowed */
};

struct weftp_option {
    const char *key;
    enum weftp_option_type type;
    void *out;                  /* holds the default; left alone when the value is bad */
    uint64_t min, max;          /* of numbers, both included */
    const char *const *choices; /* of CHOICE; ends with NULL */
    const char *accepted;       /* what a value may be, for people; static */
};

/*
 * Read `options` by `rows`, of which the last has a key of NULL; its `accepted` lists the keys.
 * options may be NULL.
 * @retval WEFT_EINVAL  *error names the first option that is unknown or bad; the others are read.
 */
weft_status weftp_options_read(const struct weft_options_kv *options,
                               const struct weftp_option *rows, struct weft_sink_error *error);
/* The value of an option; NULL when it is not there. */
const char *weftp_options_get(const struct weft_options_kv *options, const char *key);

#endif
