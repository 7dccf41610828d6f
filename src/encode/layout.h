/*
 * What a JSON format looks like, as a const table, and the engine that all such formats share.
 *
 * Its job: the tables' types and the functions of an encoder. How it works: open compiles
 * table and options into a list of operations with the constant text between them merged (compile);
 * encode plans the names of a record (plan) and runs the list (write).
 * Threads: as weft_encoder_type. May include: base, record.
 */
#ifndef WEFTP_ENCODE_LAYOUT_H
#define WEFTP_ENCODE_LAYOUT_H

#include "../base/number.h"
#include "../base/time_text.h"
#include <weft/sys/encoder.h>

/* Where fields go: the top level of the line, or an object in it. */
enum weftp_space {
    WEFTP_SPACE_TOP,
    WEFTP_SPACE_CONTEXT, /* the MDC, where it has a place of its own */
    WEFTP_SPACE_LABELS,  /* grouped by type: strings, booleans and what else is no number */
    WEFTP_SPACE_NUMBERS,
    WEFTP_SPACE_CUSTOM, /* objects and arrays */
    WEFTP_SPACE_COUNT
};

/* Parts of a line, in the order of a layout's items. The last of them is the closing brace. */
enum weftp_item {
    WEFTP_ITEM_END = 0,
    WEFTP_ITEM_CONSTANT, /* `text` */
    /* Constant from open on; left out when they are not set. */
    WEFTP_ITEM_SERVICE,
    WEFTP_ITEM_SERVICE_VERSION,
    WEFTP_ITEM_SERVICE_ENV,
    WEFTP_ITEM_SERVICE_NODE, /* the host's name when only the service is set */
    /* Of every record. */
    WEFTP_ITEM_TIME, /* must come first */
    WEFTP_ITEM_LEVEL,
    WEFTP_ITEM_LEVEL_VALUE,
    WEFTP_ITEM_MESSAGE,
    WEFTP_ITEM_LOGGER,
    WEFTP_ITEM_THREAD,
    /* Left out when the record has none. */
    WEFTP_ITEM_TRACE_ID,
    WEFTP_ITEM_SPAN_ID,
    /* The same in other forms (trace_names); `text` is what stands between the key and them. */
    WEFTP_ITEM_TRACE_PROJECT, /* the id, behind the project that it belongs to */
    WEFTP_ITEM_TRACE_FLAGS,
    WEFTP_ITEM_TRACE_SAMPLED,
    WEFTP_ITEM_TRACE_DATADOG,
    WEFTP_ITEM_SPAN_DATADOG,
    WEFTP_ITEM_ERROR_TYPE,
    WEFTP_ITEM_ERROR_MESSAGE,
    WEFTP_ITEM_ERROR_STACK,
    WEFTP_ITEM_EXCEPTION, /* the stack, or "type: message" and a newline */
    /* Left out unless the option source=on is given. */
    WEFTP_ITEM_FILE,
    WEFTP_ITEM_LINE,
    WEFTP_ITEM_FUNCTION,
    /* Fields. */
    WEFTP_ITEM_OPEN,   /* begin the object of `space` */
    WEFTP_ITEM_FIELDS, /* the fields of `space` */
    WEFTP_ITEM_CLOSE   /* end the object, or take it back when nothing is in it */
};

struct weftp_layout_item {
    enum weftp_item item;
    const char *name;       /* the key; NULL for FIELDS and CLOSE */
    const char *text;       /* CONSTANT: the value; the trace's: see above */
    enum weftp_space space; /* the object that the item stands in, or that it opens */
};

/* A field that the format defines for everyone, and the type that it must have: see ecs_names.h. */
struct weftp_known_field {
    const char *name;
    char type;
};

struct weftp_layout {
    const struct weftp_layout_item *items;      /* ends with WEFTP_ITEM_END */
    const char *space_names[WEFTP_SPACE_COUNT]; /* NULL: its fields stand at the top level */
    /* Fields go to LABELS, NUMBERS and CUSTOM by their type, unless they are `known`. */
    bool grouped;
    const struct weftp_known_field *known; /* ends with a name of NULL; may be NULL */
    enum weftp_space mdc_space;            /* not grouped: where the MDC goes */
    enum weftp_space marked_space;         /* where "truncated" goes */
    enum weftp_space cut_names_space;      /* where "truncated_fields" goes */
    enum weftp_time_style time_style;
    enum weftp_time_style time_value_style; /* of fields */
    enum weftp_double_style double_style;
    const char *boot_id_name, *seq_name; /* at the top level, where lines have numbers */
    bool mdc_strings;    /* MDC values are printed as strings unless mdc_types=native */
    bool nulls_left_out; /* of fields at the top level */
    bool epoch_option;   /* the format knows time=epoch */
};

#define WEFTP_LOGGER_SIZE_MAX 255 /* bytes of text of a logger's name */
#define WEFTP_THREAD_SIZE_MAX 64

/* open, encode, number and close of weft_encoder_type, for a table. */
weft_status weftp_layout_open(void **self, const struct weftp_layout *layout,
                              const struct weft_encoder_options *given);
void weftp_layout_encode(const void *self, const struct weft_record *record,
                         const struct weft_limits *limits, struct weft_out *out);
void weftp_layout_number(const void *self, const struct weft_line *line, const char *boot_id,
                         struct weft_out *out);
void weftp_layout_close(void *self);

#endif
