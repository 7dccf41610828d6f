#include "quick.h"

#include "../base/digits.h"
#include "../base/out.h"
#include "levels.h"
#include "quick_head.h"
#include "quick_pairs.h"
#include "quick_value.h"
#include "trace_names.h"
#include <math.h>
#include <stdlib.h>

#define SLACK 256 /* what the writers below may ask for beside what they write */

/* What is remembered beside a buffer, from one record to the next. */
struct memo {
    struct weftp_quick_pairs pairs;
    struct weftp_quick_head head;
};

struct quick {
    struct weftp_quick_room room;
    const struct weftp_program *program;
    const struct weft_record *record;
    const struct weftp_shape *shape;
    bool mismatch;    /* the record does not have this shape */
    size_t opened;    /* where an object with other members, or a head, begins */
    uint32_t present; /* enum weftp_when, WEFTP_QUICK_LIST */
    struct memo *memo;
};

/* ---- looking ---- */

static uint32_t what_is_present(const struct quick *quick)
{
    const struct weft_trace *trace = quick->record->trace;
    uint32_t present = WEFTP_WHEN_ALWAYS | quick->shape->lists | quick->memo->pairs.lists |
                       quick->program->quick.statics;
    if (trace && trace->trace_id[0]) present |= WEFTP_WHEN_TRACE;
    if (trace && trace->span_id[0]) present |= WEFTP_WHEN_SPAN;
    return present;
}

/* ---- writing: at `to`, where there is room ---- */

/* Copy a short text by steps; may write WEFTP_SHAPE_PADDING bytes too far, and read as many. */
static inline char *put_bytes(char *to, const char *from, size_t size)
{
    memcpy(to, from, 32);
    for (size_t i = 32; i < size; i += 32) memcpy(to + i, from + i, 32);
    return to + size;
}

/* Copy exactly what there is, four bytes or more, the last piece over the one before. */
static inline char *put_exact(char *to, const char *from, size_t size)
{
    if (size > 32) {
        for (size_t i = 0; i + 32 < size; i += 32) memcpy(to + i, from + i, 32);
        memcpy(to + size - 32, from + size - 32, 32);
    } else if (size >= 16) {
        memcpy(to, from, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    }
    return to + size;
}

/* `,"key":`, which is short mostly. */
static inline char *put_prefix(char *to, const char *from, size_t size)
{
    memcpy(to, from, 16);
    if (__builtin_expect(size > 16, 0)) return put_bytes(to, from, size);
    return to + size;
}

/* Numbers are small mostly. */
static inline char *put_int(char *to, int64_t value)
{
    if ((uint64_t)value >= 100) return weftp_i64_text(to, value);
    memcpy(to, weftp_digit_pairs + 2 * value + (value < 10), 2);
    return to + 1 + (value >= 10);
}

static inline char *put_bool(char *to, bool value)
{
    memcpy(to, value ? "true" : "fals", 4);
    to[4] = 'e';
    return to + (value ? 4 : 5);
}

/* NULL: the plan's business. */
static inline char *put_value(struct quick *quick, char *to, const weft_field *field, unsigned type)
{
    if (type == WEFT_TYPE_STR && __builtin_expect(field->v.p != NULL, 1)) {
        const char *text = field->v.p;
        const size_t size = field->size == WEFT_SIZE_UNKNOWN_ ? strlen(text) : field->size;
        return weftp_quick_put_string(&quick->room, to, text, size);
    }
    if (type == WEFT_TYPE_INT) return put_int(to, field->v.i);
    if (type == WEFT_TYPE_DOUBLE && isfinite(field->v.d))
        return weftp_double_text(to, field->v.d, quick->room.layout->double_style);
    if (type == WEFT_TYPE_BOOL) return put_bool(to, field->v.u != 0);
    if (type == WEFT_TYPE_UINT) return weftp_u64_text(to, field->v.u);
    return weftp_quick_put_other(&quick->room, to, field);
}

/*
 * The call's fields of a list; unless that is certain, each is compared with the shape's. NULL as above, or when one is
 * another.
 */
static inline __attribute__((always_inline)) char *put_fields(struct quick *quick, char *to,
                                                              unsigned list, const bool certain)
{
    const struct weftp_shape *shape = quick->shape;
    const char *fields = (const char *)quick->record->fields;
    const struct weftp_shape_place *place = shape->places + shape->starts[list];
    const struct weftp_shape_place *const end = shape->places + shape->starts[list + 1];
    for (; place < end; place++) {
        const weft_field *field = (const weft_field *)(const void *)(fields + place->at);
        if (!certain && __builtin_expect(!weftp_shape_same(shape, place, field), 0)) {
            quick->mismatch = true;
            return NULL;
        }
        to = put_prefix(to, shape->text + place->prefix, place->prefix_size);
        to = put_value(quick, to, field, place->type);
        if (!to) return NULL;
    }
    return to;
}

/* Those pairs of an array that belong to a list, as `list_of` says. */
static inline char *put_pairs(char *to, const struct weft_pair *pairs, size_t count,
                              const uint8_t *list_of, unsigned list)
{
    for (size_t i = 0; i < count; i++) {
        if (list_of[i] != list) continue;
        *to = ',';
        to = put_exact(to + 1, pairs[i].json, pairs[i].json_size);
    }
    return to;
}

/* The pairs of a list, as text when there is one. */
static inline char *put_pairs_of(struct quick *quick, char *to, unsigned list)
{
    const struct weft_record *record = quick->record;
    const struct weftp_quick_pairs *pairs = &quick->memo->pairs;
    if (__builtin_expect(pairs->text_program != 0, 1)) {
        const size_t start = pairs->starts[list];
        return put_bytes(to, pairs->text + start, pairs->starts[list + 1] - start);
    }
    to = put_pairs(to, record->bound, record->bound_count, pairs->list_of, list);
    return put_pairs(to, record->mdc, record->mdc_count, pairs->list_of + record->bound_count,
                     list);
}

/* All fields of a list, the static ones last. */
static inline char *put_list(struct quick *quick, char *to, unsigned list)
{
    const uint32_t bit = WEFTP_QUICK_LIST(list);
    if (quick->shape->lists & bit) {
        to = __builtin_expect(quick->shape->certain, 0) ? put_fields(quick, to, list, true)
                                                        : put_fields(quick, to, list, false);
        if (!to) return NULL;
    }
    if (quick->memo->pairs.lists & bit) to = put_pairs_of(quick, to, list);
    if (quick->program->quick.statics & bit) {
        const struct weftp_text *statics = &quick->program->statics[list];
        to = put_bytes(to, statics->text, statics->size);
    }
    return to;
}

/* The same in braces: there is at least one, the comma in front of which becomes the first brace. */
static inline char *close_list(struct quick *quick, char *to, size_t opened)
{
    quick->room.out->data[opened] = '{';
    *to = '}';
    return to + 1;
}

static inline char *put_time(struct quick *quick, char *to)
{
    struct weft_out_clock *clock = &quick->room.out->clock;
    const int64_t time_ns = quick->record->time_ns;
    const enum weftp_time_style style = quick->program->time_style;
    char *end = weftp_time_text_again(to, time_ns, style, clock);
    if (__builtin_expect(!end, 0)) end = weftp_time_text(to, time_ns, style, clock);
    *end = '"';
    return end + 1;
}

/* A name, unless it has to be cut: NULL. */
static inline char *put_name(struct quick *quick, char *to, const char *name, size_t size,
                             size_t limit)
{
    char *const data = quick->room.out->data;
    char *end = weftp_quick_put_string(&quick->room, to, name, size);
    if (!end) return NULL;
    if (__builtin_expect(quick->room.out->data != data, 0)) to += quick->room.out->data - data;
    return (size_t)(end - to) - 1 <= limit ? end : NULL;
}

static inline char *put_logger(struct quick *quick, char *to)
{
    const struct weft_record *record = quick->record;
    if (record->logger_size == 0) return weftp_quick_put_string(&quick->room, to, "ROOT", 4);
    return put_name(quick, to, record->logger, record->logger_size, WEFTP_LOGGER_SIZE_MAX);
}

static char *put_id(char *to, const char *id, size_t size_max)
{
    const size_t size = strnlen(id, size_max);
    memcpy(to, id, size);
    to[size] = '"';
    return to + size + 1;
}

/* The end of an object, which is taken back when nothing is in it. */
static char *close_object(struct quick *quick, char *to, size_t text_size)
{
    char *const data = quick->room.out->data;
    if (quick->opened == (size_t)(to - data)) return to - text_size;
    data[quick->opened] = '{';
    *to = '}';
    return to + 1;
}

static inline struct weftp_quick_head_key head_key(const struct quick *quick,
                                                   const struct weftp_quick_op *op)
{
    return (struct weftp_quick_head_key){.program = quick->program->id,
                                         .run = op->space,
                                         .present =
                                             quick->present & (WEFTP_WHEN_TRACE | WEFTP_WHEN_SPAN),
                                         .record = quick->record};
}

static void learn_head(struct quick *quick, const struct weftp_quick_op *op, const char *to)
{
    const struct weftp_quick_head_key key = head_key(quick, op);
    const char *text = quick->room.out->data + quick->opened;
    weftp_quick_head_learn(&quick->memo->head, &key, text, (size_t)(to - text));
}

/* What comes behind the text of an operation. */
static inline char *put_item(struct quick *quick, char *to, const struct weftp_quick_op *op)
{
    const struct weft_record *record = quick->record;
    const struct weft_trace *trace = record->trace; /* there, where an operation asks for it */
    switch ((enum weftp_quick_do)op->what) {
    case WEFTP_QUICK_TIME: return put_time(quick, to);
    case WEFTP_QUICK_MESSAGE:
        return weftp_quick_put_string(&quick->room, to, record->message, record->message_size);
    case WEFTP_QUICK_LOGGER: return put_logger(quick, to);
    case WEFTP_QUICK_THREAD:
        return put_name(quick, to, record->thread, record->thread_size, WEFTP_THREAD_SIZE_MAX);
    case WEFTP_QUICK_TRACE_ID: return trace ? put_id(to, trace->trace_id, 32) : to;
    case WEFTP_QUICK_SPAN_ID: return trace ? put_id(to, trace->span_id, 16) : to;
    case WEFTP_QUICK_TRACE_IDS:
    case WEFTP_QUICK_TRACE_FLAGS:
        return trace ? weftp_trace_text(to, (enum weftp_item)op->space, trace) : to;
    case WEFTP_QUICK_HEAD_END: learn_head(quick, op, to); return to;
    case WEFTP_QUICK_HEAD:
    case WEFTP_QUICK_OPEN: quick->opened = (size_t)(to - quick->room.out->data); return to;
    case WEFTP_QUICK_CLOSE: return close_object(quick, to - op->size, op->size);
    case WEFTP_QUICK_FIELDS:
    case WEFTP_QUICK_OBJECT:
    case WEFTP_QUICK_TEXT:
    case WEFTP_QUICK_DONE: break;
    }
    return to;
}

/* A list, in braces or not. */
static inline char *put_list_item(struct quick *quick, char *to, const struct weftp_quick_op *op)
{
    const size_t opened = (size_t)(to - quick->room.out->data); /* the buffer may move */
    to = put_list(quick, to, op->space);
    return to && op->what == WEFTP_QUICK_OBJECT ? close_list(quick, to, opened) : to;
}

static inline char *put_line(struct quick *quick, char *to)
{
    const struct weftp_quick_program *program = &quick->program->quick;
    const struct weftp_quick_op *op = program->lines[weftp_level_step(quick->record->level)];
    const uint32_t present = quick->present;
    for (; to; op++) {
        if (!(present & op->when)) continue;
        if (op->what == WEFTP_QUICK_HEAD) {
            const struct weftp_quick_head_key key = head_key(quick, op);
            const struct weftp_quick_head *head = &quick->memo->head;
            if (weftp_quick_head_fits(head, &key)) {
                to = put_bytes(to, head->text, head->size);
                op += op->size;
                continue;
            }
        } else {
            to = put_bytes(to, op->text, op->size);
        }
        if (op->what == WEFTP_QUICK_DONE) return to;
        to =
            op->what >= WEFTP_QUICK_FIELDS ? put_list_item(quick, to, op) : put_item(quick, to, op);
    }
    return NULL;
}

/* Names that may have to be cut, and sources, are not looked at. */
static inline bool has_plain_head(const struct weftp_program *program,
                                  const struct weft_record *record)
{
    return !(program->scheme.source && record->site) && !program->quick.never &&
           record->thread_size <= WEFTP_THREAD_SIZE_MAX &&
           record->logger_size <= WEFTP_LOGGER_SIZE_MAX;
}

/* NULL: no memory. */
static inline struct memo *memo_of(struct weft_out *out)
{
    if (__builtin_expect(!out->memo, 0)) out->memo = calloc(1, sizeof(struct memo));
    return out->memo;
}

/* The whole line; false: nothing was written. */
static inline bool put_record(struct quick *quick, const struct weftp_shape *shape)
{
    const struct weftp_program *program = quick->program;
    const struct weft_record *record = quick->record;
    struct weft_out *out = quick->room.out;
    size_t size;
    quick->shape = shape;
    quick->mismatch = false;
    if (!weftp_quick_pairs_look(&quick->memo->pairs, program, shape, record, &size)) return false;
    const size_t start = weftp_out_size(out);
    quick->present = what_is_present(quick);
    quick->opened = 0;
    size += program->quick.bound + shape->bound + SLACK;
    char *to = weftp_quick_begin(&quick->room, out->cur, size, record->message_size);
    if (to) to = put_line(quick, to);
    if (to)
        out->cur = to;
    else
        weftp_out_rewind(out, start);
    return to != NULL;
}

/* Make out a record's shape, which is kept if there is none for its place. */
static __attribute__((noinline)) bool make_shape(const struct weftp_program *program,
                                                 const struct weft_record *record, bool kept,
                                                 struct weftp_shape *made)
{
    struct weftp_shapes *shapes = record->site ? program->shapes : NULL;
    if (!weftp_shape_build(made, &program->scheme, record)) return false;
    if (shapes && !kept) weftp_shapes_keep(shapes, made);
    return true;
}

bool weftp_quick_encode(const struct weftp_program *program, const struct weft_record *record,
                        struct weft_out *out)
{
    struct quick quick;
    if (!has_plain_head(program, record)) return false;
    quick.program = program;
    quick.record = record;
    quick.memo = memo_of(out);
    if (!quick.memo) return false;
    quick.room.out = out;
    quick.room.layout = program->scheme.layout;
    const struct weftp_shape *kept =
        record->site && program->shapes ? weftp_shapes_find(program->shapes, record->site) : NULL;
    const struct weftp_shape *shape = kept;
    struct weftp_shape made;
    /* A field may turn out to be another one than the shape that was kept says; one that was made out now fits. */
    if (__builtin_expect(!kept || !weftp_shape_may_match(kept, record), 0)) shape = NULL;
    for (;;) {
        if (__builtin_expect(!shape, 0)) {
            if (!make_shape(program, record, kept != NULL, &made)) return false;
            shape = &made;
        }
        if (put_record(&quick, shape)) return true;
        if (!quick.mismatch || shape == &made) return false;
        shape = NULL;
    }
}
