/*
 * A JSON file as a small tree that remembers where everything stood, so that complaints can name
 * line and column.
 *
 * Its job: RFC 8259 to nodes, by yajl. Not its job: what a key means, duplicate keys (they are in
 * the tree). Threads: one per tree. Allocates: yes; every allocation may fail. May include: base.
 */
#ifndef WEFTP_CONFIG_SETTINGS_JSON_H
#define WEFTP_CONFIG_SETTINGS_JSON_H

#include "settings_text.h"
#include <weft/status.h>

#define WEFTP_JSON_DEPTH_MAX 8    /* objects and arrays in each other */
#define WEFTP_JSON_NODES_MAX 4096 /* values in a file */

enum weftp_json_kind {
    WEFTP_JSON_NULL,
    WEFTP_JSON_BOOL,   /* text: "true" or "false" */
    WEFTP_JSON_NUMBER, /* text: as it was written */
    WEFTP_JSON_STRING, /* text: decoded; may hold NUL */
    WEFTP_JSON_ARRAY,
    WEFTP_JSON_OBJECT
};

struct weftp_json {
    enum weftp_json_kind kind;
    size_t at, key_at;               /* bytes before the value and before its key */
    struct weftp_span key;           /* of an object's member, decoded; text NULL: no member */
    struct weftp_span text;          /* of a scalar */
    struct weftp_json *first, *next; /* child, sibling: in the order of the file */
    struct weftp_json *last, *parent;
    char bytes[]; /* key and text */
};

struct weftp_json_error {
    size_t at; /* bytes before the place */
    char reason[160];
};

/*
 * Parse exactly one value; a byte order mark before it is passed over. *out is owned:
 * weftp_json_free.
 * @retval WEFT_EINVAL  *error is set, *out is not.
 * @retval WEFT_ENOMEM  Neither is set.
 */
weft_status weftp_json_parse(struct weftp_json **out, const char *text, size_t size,
                             struct weftp_json_error *error);
/* Free a tree; NULL does nothing. */
void weftp_json_free(struct weftp_json *node);
/* The line and the column of a place, both from 1; columns count characters. */
void weftp_json_place(const char *text, size_t at, unsigned *line, unsigned *column);

#endif
