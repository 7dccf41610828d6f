/*
 * What the quick way writes, compiled once more from a program: for each level a list of operations in which all that is
 * constant for that level - the level's own text, too - is one piece.
 *
 * Its job: the operations. Not its job: a record's line, which is made of them (quick_line).
 * Threads: made when an encoder is opened, read-only from then on. May include: base, names.
 */
#ifndef WEFTP_ENCODE_QUICK_OPS_H
#define WEFTP_ENCODE_QUICK_OPS_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/status.h>

struct weftp_program;

enum weftp_quick_do {
    WEFTP_QUICK_DONE, /* the text, and that was the line */
    WEFTP_QUICK_TEXT,
    /* The text, which ends with the opening quote, and a string. */
    WEFTP_QUICK_TIME,
    WEFTP_QUICK_MESSAGE,
    WEFTP_QUICK_LOGGER,
    WEFTP_QUICK_THREAD,
    WEFTP_QUICK_TRACE_ID,
    WEFTP_QUICK_SPAN_ID,
    /* Other forms of the trace, `space` says which (enum weftp_item): from ids alone, or not. */
    WEFTP_QUICK_TRACE_IDS,
    WEFTP_QUICK_TRACE_FLAGS,
    /* Around strings that stay the same over many records; no text: see quick_head.h. */
    WEFTP_QUICK_HEAD, /* `size` is the number of operations up to its end, `space` tells heads apart */
    WEFTP_QUICK_HEAD_END,
    WEFTP_QUICK_OPEN,  /* the text; fields and others follow */
    WEFTP_QUICK_CLOSE, /* a brace; with nothing in the object, its text is taken back */
    /* Lists come last. */
    WEFTP_QUICK_FIELDS, /* a list; no text */
    WEFTP_QUICK_OBJECT  /* the text, and a list in braces */
};

/* Bits of weftp_quick_op.when, beside those of enum weftp_when: a list has fields. */
#define WEFTP_QUICK_LIST(space) ((uint16_t)(1024U << (space)))

struct weftp_quick_op {
    const char *text; /* with WEFTP_TEXT_PADDING readable bytes behind it */
    uint32_t size;
    uint16_t when; /* skipped unless the record has one of these */
    uint8_t what;  /* enum weftp_quick_do */
    uint8_t space; /* of the list */
};

#define WEFTP_QUICK_LEVELS 6

/* The operations of all levels, and what they point to, in one block. */
struct weftp_quick_program {
    const struct weftp_quick_op *lines[WEFTP_QUICK_LEVELS]; /* each ends with WEFTP_QUICK_DONE */
    void *block;
    uint32_t bound;   /* bytes of a line's texts, its items of bounded size and static fields */
    uint16_t statics; /* WEFTP_QUICK_LIST of the lists that have static fields */
    bool never;       /* the quick way is shut: without memory */
};

/* Compile from program->ops. Never fails: without memory, the quick way is shut. */
void weftp_quick_compile(struct weftp_program *program);
void weftp_quick_free(struct weftp_quick_program *quick);

#endif
