/*
 * The plan of a line: which field of a record is printed where, and under which name.
 *
 * Its job: places and unique names. Precedence: reserved names, the call's fields, bound fields,
 * the MDC, static fields; who loses its name gets _1, _2 … behind it, never one that another field
 * has by right. Not its job: writing.
 * Threads: one per plan. Allocates: for records of more than WEFTP_PLAN_ENTRIES fields. May
 * include: base, layout.
 */
#ifndef WEFTP_ENCODE_PLAN_H
#define WEFTP_ENCODE_PLAN_H

#include "keyset.h"
#include "layout.h"
#include "names.h"

#define WEFTP_PLAN_ENTRIES     128   /* on the stack */
#define WEFTP_PLAN_ENTRIES_MAX 60000 /* of one record; more are left out and marked */
/* Of the call's own fields, when nothing of their values may be written. */
#define WEFTP_PLAN_TRIMMED_MAX  64
#define WEFTP_PLAN_TRIMMED_KEY  64 /* bytes of their keys then */
#define WEFTP_PLAN_RESERVED_MAX 64 /* names that a layout has */

enum weftp_source { WEFTP_SOURCE_CALL, WEFTP_SOURCE_BOUND, WEFTP_SOURCE_MDC, WEFTP_SOURCE_STATIC };

/* Where values of one type go. */
struct weftp_row {
    uint8_t list;     /* enum weftp_space */
    uint8_t object;   /* the same, or the top level */
    uint8_t odd;      /* the value must be looked at: it may be none, or go elsewhere */
    uint8_t restyled; /* a pair's text is not what this format prints */
    uint32_t salt;    /* weftp_space_salt of the object */
};

/* What the plan must know about the encoder. Read-only while records are encoded. */
struct weftp_scheme {
    const struct weftp_layout *layout;
    struct weftp_names names; /* reserved and static names */
    struct weftp_names known; /* the fields that the format defines; empty when it has none */
    const struct weft_pair *statics;
    size_t static_count;
    struct weftp_row rows[2][16]; /* by whether it is of the MDC, and by type */
    /* Where the fields of a list stand. */
    uint8_t objects[WEFTP_SPACE_COUNT];
    bool mdc_strings;
    bool source;
};

struct weftp_list {
    struct weftp_entry *first;
    struct weftp_entry **end; /* where the next one is hung */
};

struct weftp_plan {
    const struct weftp_scheme *scheme;
    const struct weft_record *record;
    uint32_t present;  /* enum weftp_when: what the record has */
    bool with_statics; /* static fields are planned too, because a field took a name of theirs */
    bool static_hit;   /* that is needed */
    bool lost;         /* an entry needs another name */
    const weft_field *key_cut; /* the first one whose key was longer than its maximum */
    size_t left_out_from;      /* index of the first of the call's own fields that was left out */
    uint32_t count, capacity;
    uint32_t left_out;       /* fields that there was no room for */
    uint32_t call_max;       /* of the call's own fields */
    uint32_t key_max;        /* bytes of their keys */
    uint32_t renamed;        /* names that were taken, NULL or empty */
    const weft_field *error; /* the record's error; NULL: none */
    struct weftp_list lists[WEFTP_SPACE_COUNT];
    struct weftp_keyset keys;
    struct weftp_entry *entries_now; /* below, or on the heap */
    void *heap;                      /* entries and slots that did not fit below */
    struct weftp_entry entries[WEFTP_PLAN_ENTRIES];
    uint16_t slots[4 * WEFTP_PLAN_ENTRIES];
};

/*
 * Plan a record. `marked`: the line will say that it was trimmed, so those names are reserved.
 * Everything that the record points to must live as long as the plan. Never fails: without memory,
 * the fields past WEFTP_PLAN_ENTRIES are left out.
 */
void weftp_plan_make(struct weftp_plan *plan, const struct weftp_scheme *scheme,
                     const struct weft_record *record, const struct weft_limits *limits,
                     bool marked);
void weftp_plan_free(struct weftp_plan *plan);

/*
 * Plan the static fields alone, beside every reserved name that there can be: what open prints in
 * advance.
 */
void weftp_plan_statics(struct weftp_plan *plan, const struct weftp_scheme *scheme,
                        const struct weft_record *empty);

/* The text of a part of a weft_error_info; NULL: there is none. */
enum weftp_error_part { WEFTP_ERROR_TYPE, WEFTP_ERROR_MESSAGE, WEFTP_ERROR_STACK };
const weft_field *weftp_error_part(const weft_field *error, enum weftp_error_part part);

#endif
