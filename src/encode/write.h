/*
 * Running a compiled layout: the bytes of a line.
 *
 * Its job: the line, from a program and a plan. Not its job: names and places (plan), what is
 * constant (compile).
 * Threads: one per writer; a program is read-only. May include: base, layout.
 */
#ifndef WEFTP_ENCODE_WRITE_H
#define WEFTP_ENCODE_WRITE_H

#include "../base/out.h"
#include "plan.h"
#include "quick_ops.h"
#include "shape.h"

#define WEFTP_OPS_MAX       40
#define WEFTP_CUT_NAMES_MAX 8  /* named in "truncated_fields"; then "…" */
#define WEFTP_CUT_NAME_MAX  64 /* bytes of each */
#define WEFTP_TEXT_PADDING  32 /* bytes that may be read behind constant text */
#define WEFTP_ITEM_SIZE_MAX 40 /* bytes of an item of bounded size: time, level, a number */

struct weftp_text {
    const char *text; /* of a program: with WEFTP_TEXT_PADDING readable bytes behind it */
    uint32_t size;
    uint32_t offset; /* where it is in the program's text, while that may still move */
};

/* Write `text`, then what `item` says. */
struct weftp_op {
    struct weftp_text text;
    uint32_t room; /* bytes that the text, its padding and an item of bounded size need */
    uint16_t when; /* 0, or skipped unless the record has it */
    uint8_t item;  /* enum weftp_item */
    uint8_t space; /* enum weftp_space */
    uint8_t skip;  /* OPEN: operations to leave out without fields; 0: it has other members */
    const char *name;
};

struct weftp_program {
    uint64_t id; /* that no other program of this process has: for what is remembered of one */
    struct weftp_scheme scheme;
    struct weftp_op ops[WEFTP_OPS_MAX];
    uint32_t op_count;
    struct weftp_quick_program quick;
    /* Bit N: pairs of type N are not copied but written in the format's style. */
    uint32_t restyled_types;
    struct weftp_text statics[WEFTP_SPACE_COUNT]; /* static fields, each with a comma in front */
    struct weftp_text boot_id, seq;               /* of a line's number: `,"boot_id":` */
    enum weftp_time_style time_style;
    struct weft_out text;        /* what the texts above point into */
    struct weftp_shapes *shapes; /* of calls; filled while records are encoded. NULL: no memory */
    char *static_keys;           /* the static fields' names as printed */
};

/* Values that were cut. */
struct weftp_cuts {
    uint32_t count; /* may be more than there are names */
    uint32_t sizes[WEFTP_CUT_NAMES_MAX];
    const char *names[WEFTP_CUT_NAMES_MAX];
};

struct weftp_writer {
    const struct weftp_program *program;
    const struct weft_record *record;
    const struct weft_limits *limits;
    struct weft_out *out;
    struct weftp_plan *plan;
    struct weftp_cuts *cuts;       /* what this run cuts */
    const struct weftp_cuts *told; /* what the line tells about; NULL: nothing */
    size_t opened;                 /* where the object that is open begins */
};

/*
 * Where the next byte goes is handed from function to function and kept in a register: through
 * out->cur every value would wait for the one before. A function returns the new place, or NULL
 * after an overflow, with the content up to some place in out.
 *
 * Make room for `need` bytes at `to`.
 */
static inline char *weftp_room_at(struct weft_out *out, char *to, size_t need)
{
    if (__builtin_expect((size_t)(out->end - to) >= need, 1)) return to;
    out->cur = to;
    return weftp_out_reserve(out, need);
}

/* Where to go on after a function that writes through `out`. */
static inline char *weftp_place_now(const struct weft_out *out)
{
    return out->overflow ? NULL : out->cur;
}

/* Write the whole line. */
void weftp_write_line(struct weftp_writer *writer);

#endif
