/*
 * The line of a call: what a program writes for records of one shape, level and set of lists, as a row of steps. Each
 * is a constant text - names, punctuation, the level - and what comes behind it, so that a record costs one copy and one
 * value for each of its fields.
 *
 * Its job: the steps. Not its job: running them (quick), whether a record has the shape (shape).
 *
 *   make | any thread, on memory of the caller
 *   find | any thread: a shape's lines are filled in with one atomic store each, and never taken out
 *   keep | any thread
 *
 * May include: base, shape, write.
 */
#ifndef WEFTP_ENCODE_QUICK_LINE_H
#define WEFTP_ENCODE_QUICK_LINE_H

#include "shape.h"
#include "write.h"

enum weftp_quick_what {
    /* A field of the call. */
    WEFTP_STEP_STR, /* its text, as those of all strings, ends with the opening quote */
    WEFTP_STEP_INT,
    WEFTP_STEP_DOUBLE,
    WEFTP_STEP_BOOL,
    WEFTP_STEP_OTHER,   /* any type */
    WEFTP_STEP_TIME,    /* of the record, as all that follow */
    WEFTP_STEP_MESSAGE, /* a string */
    WEFTP_STEP_HEAD, /* begins a head, see quick_head.h: `list` tells it, `count` leads to its end */
    WEFTP_STEP_PAIRS, /* the pairs of `list`, each with a comma in front */
    WEFTP_STEP_RARE,  /* what `rare` says */
    WEFTP_STEP_TEXT,  /* nothing but the text */
    WEFTP_STEP_DONE   /* the same, and that was the line */
};

/* What mostly stands in a head that is remembered. */
enum weftp_quick_rare {
    WEFTP_RARE_LOGGER,
    WEFTP_RARE_THREAD,
    WEFTP_RARE_TRACE_ID, /* where the record has one */
    WEFTP_RARE_SPAN_ID,
    WEFTP_RARE_TRACE,   /* it, too: the form that `list` tells, enum weftp_item */
    WEFTP_RARE_HEAD_END /* `list` as of the head's begin; no string */
};

struct weftp_quick_step {
    const char *text; /* with WEFTP_SHAPE_PADDING readable bytes behind it */
    uint32_t size;
    uint8_t what; /* enum weftp_quick_what */
    uint8_t list;
    union {
        bool brace;    /* PAIRS: the first comma is a brace */
        uint8_t count; /* HEAD */
        uint8_t rare;  /* RARE: enum weftp_quick_rare */
    };
    struct weftp_shape_place place; /* of a field */
};

#define WEFTP_QUICK_STEPS_MAX (WEFTP_SHAPE_FIELDS + 96)
#define WEFTP_QUICK_TEXT_LONG 64 /* bytes; a longer one stays where the program has it */
#define WEFTP_QUICK_TEXT_MAX  (WEFTP_SHAPE_TEXT + 96 * WEFTP_QUICK_TEXT_LONG)

struct weftp_quick_line {
    uint32_t key;                         /* weftp_quick_line_key */
    const struct weftp_quick_step *steps; /* ends with WEFTP_STEP_DONE */
};

/* Room to make a line in. */
struct weftp_quick_draft {
    struct weftp_quick_line line;
    uint32_t count, text_size;
    struct weftp_quick_step steps[WEFTP_QUICK_STEPS_MAX];
    char text[WEFTP_QUICK_TEXT_MAX + WEFTP_SHAPE_PADDING];
};

/* What lines of one shape differ in: `present` of trace, span and the pairs' lists, and the level. */
static inline uint32_t weftp_quick_line_key(uint32_t present, unsigned level_step)
{
    return present | level_step << 16;
}

/* The line of a shape that was kept; NULL: none. */
static inline const struct weftp_quick_line *weftp_quick_line_find(const struct weftp_shape *shape,
                                                                   uint32_t key)
{
    for (unsigned i = 0; i < WEFTP_SHAPE_LINES; i++) {
        const struct weftp_quick_line *line = __atomic_load_n(&shape->lines[i], __ATOMIC_ACQUIRE);
        if (!line) return NULL;
        if (__builtin_expect(line->key == key, 1)) return line;
    }
    return NULL;
}

/* Make the line of a shape; NULL: it is not one for the quick way. Lives as long as draft, shape and program. */
const struct weftp_quick_line *weftp_quick_line_make(struct weftp_quick_draft *draft,
                                                     const struct weftp_program *program,
                                                     const struct weftp_shape *shape, uint32_t key);
/* Keep a copy of a line with its shape, which is a kept one itself, if there is memory and a place. */
void weftp_quick_line_keep(struct weftp_shape *shape, const struct weftp_quick_draft *draft);

#endif
