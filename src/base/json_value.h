/*
 * A field's value as JSON text: the one place that knows how each type is written. Used by the
 * encoders, the MDC and bound fields.
 *
 * Threads: one per `out`. Allocates: for raw JSON (yajl) and for objects of more than 16 keys;
 * where that fails, `out` overflows.
 * May include: json_text, key_set, number, time_text, json_raw, base64, port/errno_text.
 */
#ifndef WEFTP_BASE_JSON_VALUE_H
#define WEFTP_BASE_JSON_VALUE_H

#include "json_limits.h"
#include "number.h"
#include "out.h"
#include "time_text.h"
#include <weft/field.h>

#define WEFTP_KEY_SIZE_MAX 1024 /* bytes of a call-site key; longer ones are cut at a character */

struct weftp_value_style {
    enum weftp_double_style double_style;
    enum weftp_time_style time_style; /* MICROS, or SECONDS (written as a number) */
    /* Bytes of a string's, base64's or JSON's text; a container of a longer text becomes a string */
    uint32_t limit;
};

/*
 * Append the value of `field`, whatever its key. NULL strings, objects and arrays: null. NONE and
 * END: null. Objects: keys unique (a later twin gets _1, _2 …; NULL and empty keys are "_"), NONE
 * skipped, END ends an array of unknown size. Raw JSON: see json_raw.h. ERROR: an object of the
 * parts that are not NULL.
 */
void weftp_json_value(struct weft_out *out, const weft_field *field,
                      const struct weftp_value_style *style, unsigned *notes);

/*
 * The text of a value for formats where everything is a string: strings as they are, others as
 * their JSON, in quotes.
 */
void weftp_json_value_as_string(struct weft_out *out, const weft_field *field,
                                const struct weftp_value_style *style, unsigned *notes);

/*
 * The size of a key that may not be known at compile time, cut to WEFTP_KEY_SIZE_MAX at a
 * character. 0 for NULL.
 */
size_t weftp_field_key_size(const weft_field *field);
/* The size of a STR or JSON value whose size may not be known. */
size_t weftp_field_text_size(const weft_field *field);
/* Hash of a key, for telling keys apart quickly: equal keys have equal hashes. */
uint32_t weftp_key_hash(const char *key, size_t size);

#endif
