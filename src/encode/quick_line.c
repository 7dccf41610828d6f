#include "quick_line.h"

#include "../port/watched.h"

#include <stdlib.h>

struct maker {
    struct weftp_quick_draft *draft;
    const struct weftp_program *program;
    const struct weftp_shape *shape;
    uint32_t lists;   /* WEFTP_QUICK_LIST of those that have pairs */
    uint32_t pending; /* offset of text that no step has taken yet */
    uint32_t head;    /* index of the step that begins it */
    bool brace;       /* the comma that comes next begins an object */
    bool watched;     /* weftp_reads_are_watched */
    bool bad;         /* no line: too long, or put together as the steps cannot say it */
};

/* ---- steps and texts ---- */

/* A step with a text. */
static struct weftp_quick_step *add(struct maker *maker, enum weftp_quick_what what,
                                    const char *text, size_t size)
{
    struct weftp_quick_draft *draft = maker->draft;
    if (draft->count == WEFTP_QUICK_STEPS_MAX) {
        maker->bad = true;
        draft->count--;
    }
    struct weftp_quick_step *step = &draft->steps[draft->count++];
    *step = (struct weftp_quick_step){.text = text, .size = (uint32_t)size, .what = (uint8_t)what};
    return step;
}

/* A step with the text that is pending. */
static struct weftp_quick_step *take(struct maker *maker, enum weftp_quick_what what)
{
    struct weftp_quick_draft *draft = maker->draft;
    const uint32_t from = maker->pending;
    maker->pending = draft->text_size;
    return add(maker, what, draft->text + from, draft->text_size - from);
}

static void append(struct maker *maker, const char *text, size_t size)
{
    struct weftp_quick_draft *draft = maker->draft;
    if (size > WEFTP_QUICK_TEXT_MAX - draft->text_size) {
        maker->bad = true;
        return;
    }
    memcpy(draft->text + draft->text_size, text, size);
    draft->text_size += (uint32_t)size;
}

/* Text of the program, which lives long enough. */
static void append_text(struct maker *maker, const char *text, size_t size)
{
    if (size == 0) return;
    if (maker->brace) {
        append(maker, "{", 1);
        text++, size--;
    }
    maker->brace = false;
    if (size <= WEFTP_QUICK_TEXT_LONG) {
        append(maker, text, size);
        return;
    }
    if (maker->draft->text_size > maker->pending) take(maker, WEFTP_STEP_TEXT);
    add(maker, WEFTP_STEP_TEXT, text, size);
}

/* ---- parts of a line ---- */

static enum weftp_quick_what what_of(unsigned type, bool watched)
{
    switch ((enum weft_type)type) {
    case WEFT_TYPE_STR: return watched ? WEFTP_STEP_OTHER : WEFTP_STEP_STR;
    case WEFT_TYPE_INT: return WEFTP_STEP_INT;
    case WEFT_TYPE_DOUBLE: return WEFTP_STEP_DOUBLE;
    case WEFT_TYPE_BOOL: return WEFTP_STEP_BOOL;
    case WEFT_TYPE_UINT:
    case WEFT_TYPE_NONE:
    case WEFT_TYPE_END_:
    case WEFT_TYPE_NULL:
    case WEFT_TYPE_BYTES:
    case WEFT_TYPE_JSON:
    case WEFT_TYPE_TIME:
    case WEFT_TYPE_DURATION:
    case WEFT_TYPE_ERRNO:
    case WEFT_TYPE_OBJ:
    case WEFT_TYPE_ARR:
    case WEFT_TYPE_ERROR: break;
    }
    return WEFTP_STEP_OTHER;
}

/* The call's fields, the pairs and the static fields of a list. */
static void add_list(struct maker *maker, unsigned list)
{
    const struct weftp_shape *shape = maker->shape;
    const struct weftp_text *statics = &maker->program->statics[list];
    for (unsigned i = shape->starts[list]; i < shape->starts[list + 1]; i++) {
        const struct weftp_shape_place *place = &shape->places[i];
        append(maker, maker->brace ? "{" : ",", 1);
        append(maker, shape->text + place->prefix + 1, place->prefix_size - 1U);
        maker->brace = false;
        take(maker, what_of(place->type, maker->watched))->place = *place;
    }
    if (maker->lists & WEFTP_QUICK_LIST(list)) {
        struct weftp_quick_step *step = take(maker, WEFTP_STEP_PAIRS);
        step->list = (uint8_t)list;
        step->brace = maker->brace;
        maker->brace = false;
    }
    append_text(maker, statics->text, statics->size);
}

/* A list in braces: it has something. */
static void add_object(struct maker *maker, const struct weftp_quick_op *op)
{
    append_text(maker, op->text, op->size);
    maker->brace = true;
    add_list(maker, op->space);
    append(maker, "}", 1);
}

/* The end of an object, which is taken back when nothing is in it. */
static void close_object(struct maker *maker, const struct weftp_quick_op *op)
{
    struct weftp_quick_draft *draft = maker->draft;
    if (!maker->brace) {
        append(maker, "}", 1);
        return;
    }
    maker->brace = false;
    if (draft->text_size - maker->pending < op->size)
        maker->bad = true; /* it went into a step already */
    else
        draft->text_size -= op->size;
}

static void begin_head(struct maker *maker, const struct weftp_quick_op *op)
{
    if (maker->brace) maker->bad = true; /* what is remembered begins with a comma */
    take(maker, WEFTP_STEP_HEAD)->list = op->space;
    maker->head = maker->draft->count - 1;
}

/* What is rare, behind the text that is pending. */
static struct weftp_quick_step *take_rare(struct maker *maker, enum weftp_quick_rare rare)
{
    struct weftp_quick_step *step = take(maker, WEFTP_STEP_RARE);
    step->rare = (uint8_t)rare;
    return step;
}

static void end_head(struct maker *maker, const struct weftp_quick_op *op)
{
    take_rare(maker, WEFTP_RARE_HEAD_END)->list = op->space;
    maker->draft->steps[maker->head].count = (uint8_t)(maker->draft->count - 1 - maker->head);
}

static void add_rare(struct maker *maker, const struct weftp_quick_op *op,
                     enum weftp_quick_rare rare)
{
    append_text(maker, op->text, op->size);
    take_rare(maker, rare)->list = op->space;
}

static void add_string(struct maker *maker, const struct weftp_quick_op *op,
                       enum weftp_quick_what what)
{
    append_text(maker, op->text, op->size);
    take(maker, what);
}

static void add_op(struct maker *maker, const struct weftp_quick_op *op)
{
    switch ((enum weftp_quick_do)op->what) {
    case WEFTP_QUICK_DONE: add_string(maker, op, WEFTP_STEP_DONE); break;
    case WEFTP_QUICK_TEXT: append_text(maker, op->text, op->size); break;
    case WEFTP_QUICK_TIME: add_string(maker, op, WEFTP_STEP_TIME); break;
    case WEFTP_QUICK_MESSAGE: add_string(maker, op, WEFTP_STEP_MESSAGE); break;
    case WEFTP_QUICK_LOGGER: add_rare(maker, op, WEFTP_RARE_LOGGER); break;
    case WEFTP_QUICK_THREAD: add_rare(maker, op, WEFTP_RARE_THREAD); break;
    case WEFTP_QUICK_TRACE_ID: add_rare(maker, op, WEFTP_RARE_TRACE_ID); break;
    case WEFTP_QUICK_SPAN_ID: add_rare(maker, op, WEFTP_RARE_SPAN_ID); break;
    case WEFTP_QUICK_TRACE_IDS:
    case WEFTP_QUICK_TRACE_FLAGS: add_rare(maker, op, WEFTP_RARE_TRACE); break;
    case WEFTP_QUICK_HEAD: begin_head(maker, op); break;
    case WEFTP_QUICK_HEAD_END: end_head(maker, op); break;
    case WEFTP_QUICK_OPEN:
        append_text(maker, op->text, op->size);
        maker->brace = true;
        break;
    case WEFTP_QUICK_CLOSE: close_object(maker, op); break;
    case WEFTP_QUICK_FIELDS: add_list(maker, op->space); break;
    case WEFTP_QUICK_OBJECT: add_object(maker, op); break;
    }
}

/* ---- the line ---- */

const struct weftp_quick_line *weftp_quick_line_make(struct weftp_quick_draft *draft,
                                                     const struct weftp_program *program,
                                                     const struct weftp_shape *shape, uint32_t key)
{
    struct maker maker = {.draft = draft,
                          .program = program,
                          .shape = shape,
                          .lists = key,
                          .watched = weftp_reads_are_watched()};
    const uint32_t present =
        (key & UINT16_MAX) | WEFTP_WHEN_ALWAYS | shape->lists | program->quick.statics;
    const struct weftp_quick_op *op = program->quick.lines[key >> 16];
    draft->count = draft->text_size = 0;
    for (;; op++) {
        if (present & op->when) add_op(&maker, op);
        if (op->what == WEFTP_QUICK_DONE) break;
    }
    draft->line.key = key;
    draft->line.steps = draft->steps;
    return maker.bad ? NULL : &draft->line;
}

/* ---- keeping ---- */

/* A line and all that it points to but the program's long texts, in one block; NULL: no memory. */
static struct weftp_quick_line *copy(const struct weftp_quick_draft *draft)
{
    const size_t steps_size = draft->count * sizeof *draft->steps;
    const size_t head_size = sizeof(struct weftp_quick_line) + steps_size;
    struct weftp_quick_line *line = calloc(1, head_size + draft->text_size + WEFTP_SHAPE_PADDING);
    if (!line) return NULL;
    struct weftp_quick_step *steps = (void *)(line + 1);
    char *text = (char *)line + head_size;
    memcpy(steps, draft->steps, steps_size);
    memcpy(text, draft->text, draft->text_size);
    for (uint32_t i = 0; i < draft->count; i++) {
        const size_t at = (uintptr_t)steps[i].text - (uintptr_t)draft->text;
        if (at <= draft->text_size) steps[i].text = text + at;
    }
    line->key = draft->line.key;
    line->steps = steps;
    return line;
}

void weftp_quick_line_keep(struct weftp_shape *shape, const struct weftp_quick_draft *draft)
{
    for (unsigned i = 0; i < WEFTP_SHAPE_LINES; i++) {
        struct weftp_quick_line **at = &shape->lines[i];
        struct weftp_quick_line *there = __atomic_load_n(at, __ATOMIC_ACQUIRE);
        if (there && there->key == draft->line.key) return;
        if (there) continue;
        struct weftp_quick_line *made = copy(draft);
        if (!made || __atomic_compare_exchange_n(at, &there, made, false, __ATOMIC_RELEASE,
                                                 __ATOMIC_RELAXED))
            return;
        free(made); /* another thread was here first: a line that is made twice does no harm */
        return;
    }
}
