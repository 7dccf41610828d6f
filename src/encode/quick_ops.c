#include "quick_ops.h"

#include "../base/out.h"
#include "levels.h"
#include "quick_head.h"
#include "write.h"
#include <stdlib.h>

#define TEXT_SIZE_MAX (8U << 20) /* of all levels' lines: static text is at most 1 MiB of each */
#define ITEM_BOUND    80         /* bytes of an item but for a long text, and of padding */

#define LINE_OPS_MAX (2 * WEFTP_OPS_MAX + 3) /* one and the text before it; the end; a head's two */

struct maker {
    const struct weftp_program *program;
    struct weft_out text;
    size_t pending; /* offset of text that no operation has taken yet */
    struct weftp_quick_op ops[WEFTP_QUICK_LEVELS * LINE_OPS_MAX];
    size_t offsets[WEFTP_QUICK_LEVELS * LINE_OPS_MAX]; /* of their texts */
    size_t count;
};

static void append(struct maker *maker, const struct weftp_text *text)
{
    weftp_out_put(&maker->text, text->text, text->size);
}

/* An operation with the text that is pending. */
static void add(struct maker *maker, enum weftp_quick_do what, unsigned when, unsigned space)
{
    const size_t size = weftp_out_size(&maker->text) - maker->pending;
    maker->offsets[maker->count] = maker->pending;
    maker->ops[maker->count++] = (struct weftp_quick_op){.size = (uint32_t)size,
                                                         .when = (uint16_t)when,
                                                         .what = (uint8_t)what,
                                                         .space = (uint8_t)space};
    maker->pending = weftp_out_size(&maker->text);
}

/* Text of every line must not hang on an operation that may be skipped. */
static void flush(struct maker *maker)
{
    if (weftp_out_size(&maker->text) > maker->pending)
        add(maker, WEFTP_QUICK_TEXT, WEFTP_WHEN_ALWAYS, 0);
}

/* A string that every record has, or those that `when` tells. */
static void add_string(struct maker *maker, const struct weftp_op *op, enum weftp_quick_do what)
{
    if (op->when) flush(maker);
    append(maker, &op->text);
    weftp_out_char(&maker->text, '"');
    add(maker, what, op->when ? op->when : WEFTP_WHEN_ALWAYS, op->space);
}

/* A part of the trace in another form than an id's. */
static void add_trace(struct maker *maker, const struct weftp_op *op, enum weftp_quick_do what)
{
    flush(maker);
    append(maker, &op->text);
    add(maker, what, op->when, op->item);
}

static void add_list(struct maker *maker, const struct weftp_op *op)
{
    append(maker, &op->text);
    flush(maker);
    add(maker, WEFTP_QUICK_FIELDS, WEFTP_QUICK_LIST(op->space), op->space);
}

static void add_object(struct maker *maker, const struct weftp_op *op)
{
    flush(maker);
    append(maker, &op->text);
    if (op->skip)
        add(maker, WEFTP_QUICK_OBJECT, WEFTP_QUICK_LIST(op->space), op->space);
    else
        add(maker, op->item == WEFTP_ITEM_OPEN ? WEFTP_QUICK_OPEN : WEFTP_QUICK_CLOSE,
            WEFTP_WHEN_ALWAYS, op->space);
}

static void add_op(struct maker *maker, const struct weftp_op *op,
                   const struct weftp_level_text *level)
{
    switch ((enum weftp_item)op->item) {
    case WEFTP_ITEM_TIME: add_string(maker, op, WEFTP_QUICK_TIME); break;
    case WEFTP_ITEM_MESSAGE: add_string(maker, op, WEFTP_QUICK_MESSAGE); break;
    case WEFTP_ITEM_LOGGER: add_string(maker, op, WEFTP_QUICK_LOGGER); break;
    case WEFTP_ITEM_THREAD: add_string(maker, op, WEFTP_QUICK_THREAD); break;
    case WEFTP_ITEM_TRACE_ID: add_string(maker, op, WEFTP_QUICK_TRACE_ID); break;
    case WEFTP_ITEM_SPAN_ID: add_string(maker, op, WEFTP_QUICK_SPAN_ID); break;
    case WEFTP_ITEM_TRACE_PROJECT:
    case WEFTP_ITEM_TRACE_DATADOG:
    case WEFTP_ITEM_SPAN_DATADOG: add_trace(maker, op, WEFTP_QUICK_TRACE_IDS); break;
    case WEFTP_ITEM_TRACE_FLAGS:
    case WEFTP_ITEM_TRACE_SAMPLED: add_trace(maker, op, WEFTP_QUICK_TRACE_FLAGS); break;
    case WEFTP_ITEM_LEVEL:
        append(maker, &op->text);
        weftp_out_put(&maker->text, level->name, level->name_size);
        break;
    case WEFTP_ITEM_LEVEL_VALUE:
        append(maker, &op->text);
        weftp_out_put(&maker->text, level->value, level->value_size);
        break;
    case WEFTP_ITEM_FIELDS: add_list(maker, op); break;
    case WEFTP_ITEM_OPEN:
    case WEFTP_ITEM_CLOSE: add_object(maker, op); break;
    case WEFTP_ITEM_END:
    case WEFTP_ITEM_CONSTANT:
    case WEFTP_ITEM_SERVICE:
    case WEFTP_ITEM_SERVICE_VERSION:
    case WEFTP_ITEM_SERVICE_ENV:
    case WEFTP_ITEM_SERVICE_NODE:
    case WEFTP_ITEM_ERROR_TYPE:
    case WEFTP_ITEM_ERROR_MESSAGE:
    case WEFTP_ITEM_ERROR_STACK:
    case WEFTP_ITEM_EXCEPTION:
    case WEFTP_ITEM_FILE:
    case WEFTP_ITEM_LINE:
    case WEFTP_ITEM_FUNCTION: append(maker, &op->text); break;
    }
}

/* The operations of one level. Those of errors and the like are for records that the plan does. */
static void add_line(struct maker *maker, const struct weftp_level_text *level)
{
    const uint32_t never = WEFTP_WHEN_ERROR | WEFTP_WHEN_ERROR_TYPE | WEFTP_WHEN_ERROR_MESSAGE |
                           WEFTP_WHEN_ERROR_STACK | WEFTP_WHEN_SOURCE | WEFTP_WHEN_MARKED;
    const struct weftp_program *program = maker->program;
    for (uint32_t i = 0; i < program->op_count; i++) {
        const struct weftp_op *op = &program->ops[i];
        if (op->when & never) continue;
        add_op(maker, op, level);
        i += op->skip;
    }
    add(maker, WEFTP_QUICK_DONE, WEFTP_WHEN_ALWAYS, 0);
}

/* Whether an operation writes what stays the same over many records, and whether that is worth remembering. */
static bool is_lasting(const struct weftp_quick_op *op)
{
    return op->what == WEFTP_QUICK_TEXT || op->what == WEFTP_QUICK_LOGGER ||
           op->what == WEFTP_QUICK_THREAD || op->what == WEFTP_QUICK_TRACE_ID ||
           op->what == WEFTP_QUICK_SPAN_ID || op->what == WEFTP_QUICK_TRACE_IDS;
}

/* Make room for one more operation at `at`. */
static struct weftp_quick_op *insert(struct maker *maker, size_t at, enum weftp_quick_do what)
{
    const size_t behind = maker->count++ - at;
    memmove(&maker->ops[at + 1], &maker->ops[at], behind * sizeof *maker->ops);
    memmove(&maker->offsets[at + 1], &maker->offsets[at], behind * sizeof *maker->offsets);
    maker->ops[at] =
        (struct weftp_quick_op){.what = (uint8_t)what, .when = (uint16_t)WEFTP_WHEN_ALWAYS};
    maker->offsets[at] = 0;
    return &maker->ops[at];
}

/* Put the names of thread and logger, with what lasts as long around them, into a head, if they stand together. */
static void insert_head(struct maker *maker, size_t begin)
{
    size_t from = begin, end;
    while (from < maker->count && maker->ops[from].what != WEFTP_QUICK_LOGGER &&
           maker->ops[from].what != WEFTP_QUICK_THREAD)
        from++;
    for (end = from; end < maker->count && is_lasting(&maker->ops[end]);) end++;
    if (end - from < 2) return;
    insert(maker, end, WEFTP_QUICK_HEAD_END);
    insert(maker, from, WEFTP_QUICK_HEAD)->size = (uint32_t)(end - from + 1);
}

/* Whether two operations and their texts are the same. */
static bool is_twin(const struct maker *maker, size_t a, size_t b)
{
    const struct weftp_quick_op *first = &maker->ops[a], *second = &maker->ops[b];
    const char *texts = maker->text.data;
    if (first->what != second->what || first->when != second->when || first->size != second->size)
        return false;
    return first->what == WEFTP_QUICK_HEAD ||
           memcmp(texts + maker->offsets[a], texts + maker->offsets[b], first->size) == 0;
}

static bool are_twins(const struct maker *maker, size_t a, size_t b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_twin(maker, a + i, b + i)) return false;
    return true;
}

/* Give the head that a level's line has a number: that of the first level whose head is the same. */
static void number_head(struct maker *maker, const size_t *begins, unsigned level)
{
    struct weftp_quick_op *op = maker->ops + begins[level], *const end = maker->ops + maker->count;
    while (op < end && op->what != WEFTP_QUICK_HEAD) op++;
    if (op == end) return;
    const size_t head = (size_t)(op - maker->ops), at = head - begins[level];
    uint8_t number = 0;
    while (number < level && !are_twins(maker, begins[number] + at, head, op->size)) number++;
    op[0].space = op[op->size].space = number;
}

/* Operations and texts into one block, where they stay. */
static void *lay_down(const struct maker *maker)
{
    const size_t ops_size = maker->count * sizeof *maker->ops;
    const size_t text_size = weftp_out_size(&maker->text);
    char *block = calloc(1, ops_size + text_size + WEFTP_TEXT_PADDING);
    if (!block) return NULL;
    struct weftp_quick_op *ops = (struct weftp_quick_op *)(void *)block;
    memcpy(ops, maker->ops, ops_size);
    memcpy(block + ops_size, maker->text.data, text_size);
    for (size_t i = 0; i < maker->count; i++) ops[i].text = block + ops_size + maker->offsets[i];
    return block;
}

static void make_all(struct maker *maker, struct weftp_quick_program *quick)
{
    static const int levels[WEFTP_QUICK_LEVELS] = {WEFT_LEVEL_TRACE, WEFT_LEVEL_DEBUG,
                                                   WEFT_LEVEL_INFO,  WEFT_LEVEL_WARN,
                                                   WEFT_LEVEL_ERROR, WEFT_LEVEL_FATAL};
    size_t begins[WEFTP_QUICK_LEVELS];
    for (unsigned i = 0; i < WEFTP_QUICK_LEVELS; i++) {
        begins[i] = maker->count;
        add_line(maker, weftp_level_text(levels[i]));
        insert_head(maker, begins[i]);
        if (!maker->text.overflow) number_head(maker, begins, i);
    }
    quick->bound = (uint32_t)(weftp_out_size(&maker->text) / WEFTP_QUICK_LEVELS +
                              maker->count / WEFTP_QUICK_LEVELS * ITEM_BOUND +
                              WEFTP_QUICK_HEAD_MAX + WEFTP_TEXT_PADDING);
    quick->block = maker->text.overflow ? NULL : lay_down(maker);
    quick->never = !quick->block;
    for (unsigned i = 0; i < WEFTP_QUICK_LEVELS && quick->block; i++)
        quick->lines[i] = (const struct weftp_quick_op *)quick->block + begins[i];
}

/* Which pairs the quick way copies as they are. */
static void sort_rows(struct weftp_program *program)
{
    struct weftp_scheme *scheme = &program->scheme;
    const uint32_t odd =
        program->restyled_types | (scheme->layout->nulls_left_out ? 1U << WEFT_TYPE_NULL : 0);
    for (unsigned type = 0; type <= WEFT_TYPE_ERROR; type++) {
        const bool restyled = odd >> type & 1;
        scheme->rows[0][type].restyled = restyled;
        scheme->rows[1][type].restyled = restyled || (scheme->mdc_strings && type != WEFT_TYPE_STR);
    }
}

void weftp_quick_compile(struct weftp_program *program)
{
    struct weftp_quick_program *quick = &program->quick;
    struct maker *maker = calloc(1, sizeof *maker);
    sort_rows(program);
    quick->never = !maker;
    if (!maker) return;
    maker->program = program;
    weftp_out_init(&maker->text, TEXT_SIZE_MAX);
    make_all(maker, quick);
    for (unsigned space = 0; space < WEFTP_SPACE_COUNT; space++) {
        const uint32_t size = program->statics[space].size;
        if (size) quick->statics |= WEFTP_QUICK_LIST(space);
        quick->bound += size;
    }
    weftp_out_deinit(&maker->text);
    free(maker);
}

void weftp_quick_free(struct weftp_quick_program *quick)
{
    free(quick->block);
}
