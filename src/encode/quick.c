#include "quick.h"

#include "../base/digits.h"
#include "../base/out.h"
#include "levels.h"
#include "quick_head.h"
#include "quick_line.h"
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
    bool drafted;                     /* there is a draft: most threads find all lines made */
    struct weftp_quick_draft draft[]; /* of the last line that was made here */
};

struct quick {
    struct weftp_quick_room room;
    const struct weftp_program *program;
    const struct weft_record *record;
    const struct weftp_shape *shape;
    const struct weftp_quick_line *line;
    bool mismatch; /* the record does not have this shape */
    size_t opened; /* where a head begins */
    struct memo *memo;
};

/* ---- looking ---- */

/* Which of its shape's lines a record takes. */
static inline uint32_t line_key(const struct quick *quick)
{
    const struct weft_trace *trace = quick->record->trace;
    uint32_t present = quick->memo->pairs.lists;
    if (trace && trace->trace_id[0]) present |= WEFTP_WHEN_TRACE;
    if (trace && trace->span_id[0]) present |= WEFTP_WHEN_SPAN;
    return weftp_quick_line_key(present, weftp_level_step(quick->record->level));
}

/* ---- writing: at `to`, where there is room ---- */

/* Copy a short text by steps; may write WEFTP_SHAPE_PADDING bytes too far, and read as many. */
static inline char *put_bytes(char *to, const char *from, size_t size)
{
    memcpy(to, from, 32);
    for (size_t i = 32; i < size; i += 32) memcpy(to + i, from + i, 32);
    return to + size;
}

/* The text of a step, which is short mostly. */
static inline char *put_text(char *to, const char *from, size_t size)
{
    memcpy(to, from, 16);
    if (__builtin_expect(size > 16, 0)) return put_bytes(to, from, size);
    return to + size;
}

/* Numbers are small mostly. */
static inline char *put_int(char *to, int64_t value)
{
    if (__builtin_expect((uint64_t)value >= 100000000, 0)) return weftp_i64_text(to, value);
    return weftp_digits_up_to_8(to, (uint32_t)value);
}

static inline char *put_bool(char *to, bool value)
{
    memcpy(to, value ? "true" : "fals", 4);
    to[4] = 'e';
    return to + (value ? 4 : 5);
}

/* A string of the call. NULL: the plan's business. */
static inline char *put_string(struct quick *quick, char *to, const weft_field *field)
{
    const char *text = field->v.p;
    if (__builtin_expect(!text, 0)) return weftp_quick_put_other(&quick->room, to, field);
    if (field->size == WEFT_SIZE_UNKNOWN_) return weftp_quick_put_text(&quick->room, to, text);
    return weftp_quick_put_string(&quick->room, to, text, field->size);
}

/* NULL as above. */
static inline char *put_double(struct quick *quick, char *to, const weft_field *field)
{
    if (__builtin_expect(!isfinite(field->v.d), 0))
        return weftp_quick_put_other(&quick->room, to, field);
    return weftp_double_text(to, field->v.d, quick->room.layout->double_style);
}

/* A value of another type, an unsigned number, or a string beside which nothing may be read. NULL as above. */
static __attribute__((noinline)) char *put_other(struct quick *quick, char *to,
                                                 const weft_field *field)
{
    if (field->type == WEFT_TYPE_UINT) return weftp_u64_text(to, field->v.u);
    if (field->type != WEFT_TYPE_STR || !field->v.p)
        return weftp_quick_put_other(&quick->room, to, field);
    const size_t size = field->size == WEFT_SIZE_UNKNOWN_ ? strlen(field->v.p) : field->size;
    return weftp_quick_put_string(&quick->room, to, field->v.p, size);
}

/* Those pairs of an array that belong to a list, as `list_of` says. */
static inline char *put_pairs(char *to, const struct weft_pair *pairs, size_t count,
                              const uint8_t *list_of, unsigned list)
{
    for (size_t i = 0; i < count; i++) {
        if (list_of[i] != list) continue;
        *to = ',';
        to = weftp_quick_put_exact(to + 1, pairs[i].json, pairs[i].json_size);
    }
    return to;
}

/* The pairs of a list, of which there is one at least, as text when there is one. */
static inline char *put_pairs_of(struct quick *quick, char *to, const struct weftp_quick_step *step)
{
    const struct weft_record *record = quick->record;
    const struct weftp_quick_pairs *pairs = &quick->memo->pairs;
    const unsigned list = step->list;
    char *const first = to;
    if (__builtin_expect(pairs->text_program != 0, 1)) {
        const size_t start = pairs->starts[list];
        to = put_bytes(to, pairs->text + start, pairs->starts[list + 1] - start);
    } else {
        const uint8_t *of_mdc = pairs->list_of + record->bound_count;
        to = put_pairs(to, record->bound, record->bound_count, pairs->list_of, list);
        to = put_pairs(to, record->mdc, record->mdc_count, of_mdc, list);
    }
    if (step->brace) *first = '{';
    return to;
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

static inline struct weftp_quick_head_key head_key(const struct quick *quick,
                                                   const struct weftp_quick_step *step)
{
    return (struct weftp_quick_head_key){.program = quick->program->id,
                                         .run = step->list,
                                         .present = quick->line->key &
                                                    (WEFTP_WHEN_TRACE | WEFTP_WHEN_SPAN),
                                         .record = quick->record};
}

/* Whether what a head is made of is what is remembered. */
static inline bool has_head(const struct quick *quick, const struct weftp_quick_step *step)
{
    const struct weftp_quick_head_key key = head_key(quick, step);
    return weftp_quick_head_fits(&quick->memo->head, &key);
}

static void learn_head(struct quick *quick, const struct weftp_quick_step *step, const char *to)
{
    const struct weftp_quick_head_key key = head_key(quick, step);
    const char *text = quick->room.out->data + quick->opened;
    weftp_quick_head_learn(&quick->memo->head, &key, text, (size_t)(to - text));
}

/* What comes behind the text of a step that few records run. */
static __attribute__((noinline)) char *put_rare(struct quick *quick, char *to,
                                                const struct weftp_quick_step *step)
{
    const struct weft_record *record = quick->record;
    const struct weft_trace *trace = record->trace; /* there, where a step asks for it */
    switch ((enum weftp_quick_rare)step->rare) {
    case WEFTP_RARE_LOGGER: return put_logger(quick, to);
    case WEFTP_RARE_THREAD:
        return put_name(quick, to, record->thread, record->thread_size, WEFTP_THREAD_SIZE_MAX);
    case WEFTP_RARE_TRACE_ID: return trace ? put_id(to, trace->trace_id, 32) : to;
    case WEFTP_RARE_SPAN_ID: return trace ? put_id(to, trace->span_id, 16) : to;
    case WEFTP_RARE_TRACE:
        return trace ? weftp_trace_text(to, (enum weftp_item)step->list, trace) : to;
    case WEFTP_RARE_HEAD_END: learn_head(quick, step, to); break;
    }
    return to;
}

static inline char *put_message(struct quick *quick, char *to)
{
    const struct weft_record *record = quick->record;
    return weftp_quick_put_string(&quick->room, to, record->message, record->message_size);
}

/* A head that is remembered, and on to its end; or into it, to be learnt there. */
static inline char *put_head(struct quick *quick, char *to, const struct weftp_quick_step **step)
{
    const struct weftp_quick_head *head = &quick->memo->head;
    if (!has_head(quick, *step)) {
        quick->opened = (size_t)(to - quick->room.out->data);
        return to;
    }
    *step += (*step)->count;
    return put_bytes(to, head->text, head->size);
}

/* A field that has another type or key than the shape tells, or a key that is no constant. */
static __attribute__((noinline)) bool is_other(struct quick *quick,
                                               const struct weftp_quick_step *step,
                                               const weft_field *field)
{
    quick->mismatch = !weftp_shape_same(quick->shape, &step->place, field);
    return quick->mismatch;
}

/* Whether a record does not have the field of a step, unless it is certain to have it. */
static inline bool is_mismatch(struct quick *quick, const struct weftp_quick_step *step,
                               const weft_field *field, bool certain)
{
    return !certain && __builtin_expect(!weftp_shape_same_constant(&step->place, field), 0) &&
           is_other(quick, step, field);
}

/*
 * The whole line; unless that is certain, each field is compared with the shape's. NULL: the plan's business, or a field
 * is another one.
 */
static inline __attribute__((always_inline)) char *put_steps(struct quick *quick, char *to,
                                                             const bool certain)
{
    const char *const fields = (const char *)quick->record->fields;
    for (const struct weftp_quick_step *step = quick->line->steps;; step++) {
        const weft_field *field = (const void *)(fields + step->place.at); /* of a field's step */
        to = put_text(to, step->text, step->size);
        switch ((enum weftp_quick_what)step->what) {
        case WEFTP_STEP_STR:
            if (is_mismatch(quick, step, field, certain)) return NULL;
            to = put_string(quick, to, field);
            break;
        case WEFTP_STEP_INT:
            if (is_mismatch(quick, step, field, certain)) return NULL;
            to = put_int(to, field->v.i);
            continue;
        case WEFTP_STEP_BOOL:
            if (is_mismatch(quick, step, field, certain)) return NULL;
            to = put_bool(to, field->v.u != 0);
            continue;
        case WEFTP_STEP_DOUBLE:
            if (is_mismatch(quick, step, field, certain)) return NULL;
            to = put_double(quick, to, field);
            break;
        case WEFTP_STEP_OTHER:
            if (is_mismatch(quick, step, field, certain)) return NULL;
            to = put_other(quick, to, field);
            break;
        case WEFTP_STEP_TIME: to = put_time(quick, to); continue;
        case WEFTP_STEP_PAIRS: to = put_pairs_of(quick, to, step); continue;
        case WEFTP_STEP_MESSAGE: to = put_message(quick, to); break;
        case WEFTP_STEP_HEAD: to = put_head(quick, to, &step); continue;
        case WEFTP_STEP_RARE: to = put_rare(quick, to, step); break;
        case WEFTP_STEP_TEXT: continue;
        case WEFTP_STEP_DONE: return to;
        default: __builtin_unreachable(); /* or each step would be compared with the last one */
        }
        if (__builtin_expect(!to, 0)) return NULL;
    }
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

/* Where a line is made; NULL: no memory. */
static struct weftp_quick_draft *draft_of(struct quick *quick)
{
    struct memo *memo = quick->memo;
    if (!memo->drafted) {
        memo = realloc(memo, sizeof *memo + sizeof memo->draft[0]);
        if (!memo) return NULL;
        memo->drafted = true;
        quick->memo = quick->room.out->memo = memo;
    }
    return memo->draft;
}

/* Make the line that a record takes, which is kept with its shape when that is; NULL: the plan's business. */
static __attribute__((noinline)) const struct weftp_quick_line *make_line(struct quick *quick,
                                                                          struct weftp_shape *kept,
                                                                          uint32_t key)
{
    struct weftp_quick_draft *draft = draft_of(quick);
    const struct weftp_quick_line *line =
        draft ? weftp_quick_line_make(draft, quick->program, quick->shape, key) : NULL;
    if (line && kept) weftp_quick_line_keep(kept, draft);
    return line;
}

/* The whole line; false: nothing was written. */
static inline bool put_record(struct quick *quick, const struct weftp_shape *shape,
                              struct weftp_shape *kept)
{
    const struct weftp_program *program = quick->program;
    const struct weft_record *record = quick->record;
    struct weft_out *out = quick->room.out;
    size_t size;
    quick->shape = shape;
    quick->mismatch = false;
    quick->opened = 0;
    if (!weftp_quick_pairs_look(&quick->memo->pairs, program, shape, record, &size)) return false;
    const uint32_t key = line_key(quick);
    quick->line = weftp_quick_line_find(shape, key);
    if (__builtin_expect(!quick->line, 0)) {
        quick->line = make_line(quick, kept, key);
        if (!quick->line) return false;
    }
    const size_t start = weftp_out_size(out);
    size += program->quick.bound + shape->bound + SLACK;
    char *to = weftp_quick_begin(&quick->room, out->cur, size, record->message_size);
    if (to) to = shape->certain ? put_steps(quick, to, true) : put_steps(quick, to, false);
    if (to)
        out->cur = to;
    else
        weftp_out_rewind(out, start);
    return to != NULL;
}

/* Make out a record's shape, which is kept if there is none for its place: then *kept is the copy. */
static __attribute__((noinline)) bool make_shape(const struct weftp_program *program,
                                                 const struct weft_record *record,
                                                 struct weftp_shape **kept,
                                                 struct weftp_shape *made)
{
    struct weftp_shapes *shapes = record->site ? program->shapes : NULL;
    const bool taken = *kept != NULL;
    *kept = NULL;
    if (!weftp_shape_build(made, &program->scheme, record)) return false;
    if (shapes && !taken) *kept = weftp_shapes_keep(shapes, made);
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
    struct weftp_shape *kept =
        record->site && program->shapes ? weftp_shapes_find(program->shapes, record->site) : NULL;
    const struct weftp_shape *shape = kept;
    struct weftp_shape made;
    /* A field may turn out to be another one than the shape that was kept says; one that was made out now fits. */
    if (__builtin_expect(!kept || !weftp_shape_may_match(kept, record), 0)) shape = NULL;
    for (;;) {
        if (__builtin_expect(!shape, 0)) {
            if (!make_shape(program, record, &kept, &made)) return false;
            shape = &made;
        }
        if (put_record(&quick, shape, kept)) return true;
        if (!quick.mismatch || shape == &made) return false;
        shape = NULL;
    }
}
