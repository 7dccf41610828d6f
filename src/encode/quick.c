#include "quick.h"

#include "../base/json_text.h"
#include "../base/json_value.h"
#include "../port/scan.h"
#include "levels.h"
#include "shape.h"
#include <math.h>

#define ESCAPED_MAX  6                     /* bytes that one byte of text may become */
#define NUMBER_BOUND WEFTP_DOUBLE_TEXT_MAX /* bytes of a number, a boolean or null */
#define FIELD_BOUND  (WEFTP_SHAPE_PADDING + NUMBER_BOUND) /* bytes beside key and text */
#define ITEM_BOUND   80  /* bytes of an item but for its text, and what copies may write too far */
#define SLACK        512 /* what the writers below may ask for beside what they write */

struct quick {
    const struct weftp_program *program;
    const struct weft_record *record;
    struct weft_out *out;
    const struct weftp_shape *shape;
    size_t bound;     /* bytes that what is still to be written can take at most */
    size_t opened;    /* where an object with other members begins */
    uint32_t present; /* enum weftp_when */
    uint32_t pair_count;
    const struct weft_pair *pairs[WEFTP_QUICK_PAIRS];
    uint32_t hashes[WEFTP_QUICK_PAIRS];
    uint16_t lists[WEFTP_QUICK_PAIRS];
    uint32_t listed[WEFTP_SPACE_COUNT]; /* how many pairs each list has */
    uint64_t bloom[4];
    uint32_t sizes[WEFTP_SHAPE_FIELDS]; /* of the call's strings */
};

/* ---- looking ---- */

/* What the call's values may take. False: one of them goes elsewhere than its type tells, or is long. */
static bool measure_call(struct quick *quick)
{
    const struct weft_record *record = quick->record;
    const bool nulls_left_out = quick->program->scheme.layout->nulls_left_out;
    size_t bound = quick->bound + quick->shape->text_size + record->field_count * FIELD_BOUND;
    for (size_t i = 0; i < record->field_count; i++) {
        const weft_field *field = &record->fields[i];
        if (field->type == WEFT_TYPE_STR) {
            const char *text = field->v.p;
            if (!text) {
                if (nulls_left_out) return false;
                continue;
            }
            const size_t size = field->size == WEFT_SIZE_UNKNOWN_ ? strlen(text) : field->size;
            if (size > WEFTP_QUICK_BOUND) return false;
            quick->sizes[i] = (uint32_t)size;
            bound += size * ESCAPED_MAX;
        } else if (field->type == WEFT_TYPE_DOUBLE) {
            if (!isfinite(field->v.d)) return false;
        } else if (nulls_left_out && field->type >= WEFT_TYPE_NULL && field->v.p == NULL) {
            return false;
        }
    }
    quick->bound = bound;
    return bound <= WEFTP_QUICK_BOUND;
}

/* Whether an earlier key of the record has this hash, when the bloom filter cannot tell. */
static bool has_hash(const struct quick *quick, uint32_t hash)
{
    for (uint32_t i = 0; i < quick->pair_count; i++)
        if (quick->hashes[i] == hash) return true;
    return weftp_shape_has(quick->shape, hash);
}

static inline bool add_pair(struct quick *quick, const struct weft_pair *pair,
                            const struct weftp_row *row)
{
    const struct weftp_scheme *scheme = &quick->program->scheme;
    if (pair->key_flags) return false;
    const uint32_t hash = pair->key_hash ^ row->salt;
    uint64_t *bloom = &quick->bloom[hash >> 30];
    const uint64_t bit = UINT64_C(1) << (hash >> 24 & 63);
    if (weftp_names_may_have(&scheme->names, hash)) return false;
    if (__builtin_expect((*bloom & bit) != 0, 0) && has_hash(quick, hash)) return false;
    *bloom |= bit;
    quick->hashes[quick->pair_count] = hash;
    quick->lists[quick->pair_count] = row->list;
    quick->listed[row->list]++;
    quick->pairs[quick->pair_count++] = pair;
    quick->bound += pair->json_size + WEFTP_SHAPE_PADDING;
    return quick->bound <= WEFTP_QUICK_BOUND;
}

static bool add_pairs(struct quick *quick, const struct weft_pair *pairs, size_t count, bool of_mdc)
{
    const struct weftp_program *program = quick->program;
    const struct weftp_row *rows = program->scheme.rows[of_mdc];
    const bool nulls_left_out = program->scheme.layout->nulls_left_out;
    const bool strings = of_mdc && program->scheme.mdc_strings;
    if (count > WEFTP_QUICK_PAIRS - quick->pair_count) return false;
    for (size_t i = 0; i < count; i++) {
        const struct weft_pair *pair = &pairs[i];
        const unsigned type = pair->field.type;
        if (program->restyled_types >> type & 1 || (nulls_left_out && type == WEFT_TYPE_NULL))
            return false;
        if (type == WEFT_TYPE_DOUBLE && !isfinite(pair->field.v.d)) return false;
        if (strings && type != WEFT_TYPE_STR) return false;
        if (!add_pair(quick, pair, &rows[type])) return false;
    }
    return true;
}

/* The shape that was kept for this place, or one that is made out now, and kept if there is none. */
static bool find_shape(struct quick *quick, struct weftp_shape *made)
{
    const struct weft_record *record = quick->record;
    struct weftp_shapes *shapes = record->site ? quick->program->shapes : NULL;
    const struct weftp_shape *kept = shapes ? weftp_shapes_find(shapes, record->site) : NULL;
    quick->shape = kept;
    if (kept && __builtin_expect(weftp_shape_match(kept, record), 1)) return true;
    if (!weftp_shape_build(made, &quick->program->scheme, record)) return false;
    if (shapes && !kept) weftp_shapes_keep(shapes, made);
    quick->shape = made;
    return true;
}

static bool look(struct quick *quick)
{
    const struct weft_record *record = quick->record;
    if (record->message_size > WEFTP_QUICK_BOUND) return false;
    const size_t texts = record->message_size + record->thread_size + record->logger_size;
    quick->pair_count = 0;
    memset(quick->listed, 0, sizeof quick->listed);
    quick->bound = weftp_out_size(&quick->program->text) +
                   quick->program->op_count * (size_t)ITEM_BOUND + SLACK + texts * ESCAPED_MAX;
    memcpy(quick->bloom, quick->shape->bloom, sizeof quick->bloom);
    return measure_call(quick) && add_pairs(quick, record->bound, record->bound_count, false) &&
           add_pairs(quick, record->mdc, record->mdc_count, true);
}

/* ---- writing: at `to`, where there is room for all that is to come ---- */

/* A text with something to escape or to repair. */
static char *put_dirty(struct quick *quick, char *to, const char *text, size_t size)
{
    quick->out->cur = to;
    weftp_json_escape(quick->out, text, size);
    return quick->out->cur;
}

static inline char *put_string(struct quick *quick, char *to, const char *text, size_t size)
{
    *to++ = '"';
    if (size < WEFTP_SCAN_SIZE) {
        if (size > 0 && weftp_scan_copy_short(to, text, size))
            to = put_dirty(quick, to, text, size);
        else
            to += size;
    } else {
        unsigned marks =
            weftp_scan_copy(to + size - WEFTP_SCAN_SIZE, text + size - WEFTP_SCAN_SIZE);
        for (size_t i = 0; i + WEFTP_SCAN_SIZE <= size; i += WEFTP_SCAN_SIZE)
            marks |= weftp_scan_copy(to + i, text + i);
        to = __builtin_expect(marks != 0, 0) ? put_dirty(quick, to, text, size) : to + size;
    }
    *to++ = '"';
    return to;
}

/* A name, unless it has to be cut: NULL. */
static inline char *put_name(struct quick *quick, char *to, const char *name, size_t size,
                             size_t limit)
{
    char *end = put_string(quick, to, name, size);
    return (size_t)(end - to) - 2 <= limit ? end : NULL;
}

/* Copy a short text by steps; may write WEFTP_SHAPE_PADDING bytes too far, and read as many. */
static inline char *put_padded(char *to, const char *from, size_t size)
{
    memcpy(to, from, 16);
    for (size_t i = 16; i < size; i += 16) memcpy(to + i, from + i, 16);
    return to + size;
}

/* What takes its time anyway. NULL: there was no room, or it needs a mark. */
static char *put_composed(struct quick *quick, char *to, const weft_field *field)
{
    const struct weftp_layout *layout = quick->program->scheme.layout;
    const struct weftp_value_style style = {layout->double_style, layout->time_value_style,
                                            UINT32_MAX};
    unsigned notes = 0;
    quick->out->cur = to;
    weftp_json_value(quick->out, field, &style, &notes);
    quick->out->notes |= notes & WEFTP_NOTE_RENAMED;
    if (notes & WEFTP_NOTE_CUT) return NULL;
    return weftp_out_reserve(quick->out, quick->bound);
}

static inline char *put_value(struct quick *quick, char *to, const weft_field *field, uint32_t size)
{
    switch ((weft_type)field->type) {
    case WEFT_TYPE_STR:
        if (field->v.p) return put_string(quick, to, field->v.p, size);
        break;
    case WEFT_TYPE_INT: return weftp_i64_text(to, field->v.i);
    case WEFT_TYPE_UINT: return weftp_u64_text(to, field->v.u);
    case WEFT_TYPE_BOOL:
        memcpy(to, field->v.u ? "true" : "fals", 4);
        to[4] = 'e';
        return to + (field->v.u ? 4 : 5);
    case WEFT_TYPE_DOUBLE:
        if (!isfinite(field->v.d)) return put_composed(quick, to, field);
        return weftp_double_text(to, field->v.d, quick->program->scheme.layout->double_style);
    case WEFT_TYPE_NONE:
    case WEFT_TYPE_END_:
    case WEFT_TYPE_NULL: break;
    case WEFT_TYPE_DURATION:
    case WEFT_TYPE_BYTES:
    case WEFT_TYPE_JSON:
    case WEFT_TYPE_TIME:
    case WEFT_TYPE_ERRNO:
    case WEFT_TYPE_OBJ:
    case WEFT_TYPE_ARR:
    case WEFT_TYPE_ERROR: return put_composed(quick, to, field);
    }
    memcpy(to, "null", 4);
    return to + 4;
}

/* Copy exactly what there is, the last piece over the one before; without the call that memcpy would be. */
static inline char *put_exact(char *to, const char *from, size_t size)
{
    if (size < 16) {
        memcpy(to, from, size);
        return to + size;
    }
    for (size_t i = 0; i + 16 < size; i += 16) memcpy(to + i, from + i, 16);
    memcpy(to + size - 16, from + size - 16, 16);
    return to + size;
}

/* Constant text; may write and read WEFTP_TEXT_PADDING bytes too far. */
static inline char *put_bytes(char *to, const char *from, size_t size)
{
    memcpy(to, from, 32);
    for (size_t i = 32; i < size; i += 32) memcpy(to + i, from + i, 32);
    return to + size;
}

/* The call's fields of a list; NULL: see put_composed. */
static inline char *put_call_list(struct quick *quick, char *to, unsigned list)
{
    const struct weftp_shape *shape = quick->shape;
    const weft_field *fields = quick->record->fields;
    const unsigned end = shape->starts[list + 1];
    for (unsigned i = shape->starts[list]; i < end; i++) {
        const unsigned index = shape->order[i];
        const struct weftp_shape_field *known = &shape->fields[index];
        to = put_padded(to, shape->text + known->prefix, known->prefix_size);
        to = put_value(quick, to, &fields[index], quick->sizes[index]);
        if (!to) return NULL;
    }
    return to;
}

static char *put_list(struct quick *quick, char *to, unsigned list)
{
    to = put_call_list(quick, to, list);
    if (!to) return NULL;
    for (uint32_t i = 0, left = quick->listed[list]; left > 0 && i < quick->pair_count; i++) {
        if (quick->lists[i] != list) continue;
        const struct weft_pair *pair = quick->pairs[i];
        *to++ = ',';
        to = put_exact(to, pair->json, pair->json_size);
        left--;
    }
    const struct weftp_text *statics = &quick->program->statics[list];
    return put_bytes(to, statics->text, statics->size);
}

static char *put_time(struct quick *quick, char *to)
{
    *to++ = '"';
    to =
        weftp_time_text(to, quick->record->time_ns, quick->program->time_style, &quick->out->clock);
    *to++ = '"';
    return to;
}

static char *put_id(char *to, const char *id, size_t size_max)
{
    const size_t size = strnlen(id, size_max);
    *to++ = '"';
    memcpy(to, id, size);
    to[size] = '"';
    return to + size + 1;
}

/* Whether a list has neither fields of the record nor static ones. */
static inline bool is_empty(const struct quick *quick, unsigned list)
{
    const uint16_t *starts = quick->shape->starts;
    return starts[list] == starts[list + 1] && quick->listed[list] == 0 &&
           quick->program->statics[list].size == 0;
}

/* An object with nothing but fields in it, of which there are some. */
static char *put_object(struct quick *quick, char *to, const struct weftp_op *op)
{
    to = put_bytes(to, op->text.text, op->text.size);
    const size_t opened = (size_t)(to - quick->out->data); /* an offset: the buffer may move */
    to = put_list(quick, to, op->space);
    if (!to) return NULL;
    quick->out->data[opened] = '{';
    *to = '}';
    return to + 1;
}

/* The end of an object, which is taken back when nothing is in it. */
static char *close_object(struct quick *quick, char *to, const struct weftp_op *op)
{
    if (quick->opened == (size_t)(to - quick->out->data)) return to - op->text.size;
    quick->out->data[quick->opened] = '{';
    *to = '}';
    return to + 1;
}

static inline char *put_item(struct quick *quick, char *to, const struct weftp_op *op)
{
    const struct weft_record *record = quick->record;
    switch ((enum weftp_item)op->item) {
    case WEFTP_ITEM_TIME: return put_time(quick, to);
    case WEFTP_ITEM_LEVEL: return weftp_level_text_put(to, record->level);
    case WEFTP_ITEM_LEVEL_VALUE: return weftp_level_value_put(to, record->level);
    case WEFTP_ITEM_MESSAGE: return put_string(quick, to, record->message, record->message_size);
    case WEFTP_ITEM_LOGGER:
        if (record->logger_size == 0) return put_string(quick, to, "ROOT", 4);
        return put_name(quick, to, record->logger, record->logger_size, WEFTP_LOGGER_SIZE_MAX);
    case WEFTP_ITEM_THREAD:
        return put_name(quick, to, record->thread, record->thread_size, WEFTP_THREAD_SIZE_MAX);
    case WEFTP_ITEM_TRACE_ID: return record->trace ? put_id(to, record->trace->trace_id, 32) : to;
    case WEFTP_ITEM_SPAN_ID: return record->trace ? put_id(to, record->trace->span_id, 16) : to;
    case WEFTP_ITEM_OPEN: quick->opened = (size_t)(to - quick->out->data); return to;
    case WEFTP_ITEM_FIELDS: return put_list(quick, to, op->space);
    case WEFTP_ITEM_CLOSE:
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
    case WEFTP_ITEM_FUNCTION: break;
    }
    return to;
}

static char *put_line(struct quick *quick, char *to)
{
    const struct weftp_op *op = quick->program->quick_ops;
    const struct weftp_op *end = op + quick->program->quick_count;
    const uint32_t present = quick->present;
    for (; op < end && to; op++) {
        if (op->when && !(present & op->when)) continue;
        if (op->skip) {
            if (!is_empty(quick, op->space)) to = put_object(quick, to, op);
        } else if (op->item == WEFTP_ITEM_CLOSE) {
            to = close_object(quick, to, op);
        } else {
            to = put_bytes(to, op->text.text, op->text.size);
            to = put_item(quick, to, op);
        }
    }
    return to;
}

static uint32_t what_is_present(const struct weft_record *record)
{
    uint32_t present = WEFTP_WHEN_ALWAYS;
    if (record->trace && record->trace->trace_id[0]) present |= WEFTP_WHEN_TRACE;
    if (record->trace && record->trace->span_id[0]) present |= WEFTP_WHEN_SPAN;
    return present;
}

void weftp_quick_compile(struct weftp_program *program)
{
    const uint32_t never = WEFTP_WHEN_ERROR | WEFTP_WHEN_ERROR_TYPE | WEFTP_WHEN_ERROR_MESSAGE |
                           WEFTP_WHEN_ERROR_STACK | WEFTP_WHEN_SOURCE | WEFTP_WHEN_MARKED;
    struct weftp_op *made = program->quick_ops;
    for (uint32_t i = 0; i < program->op_count; i++) {
        const struct weftp_op *op = &program->ops[i];
        if (op->when & never) continue;
        *made = *op;
        /* Constant text in front of an item becomes the item's. */
        if (made > program->quick_ops && made[-1].item == WEFTP_ITEM_CONSTANT && !op->when &&
            op->item != WEFTP_ITEM_CLOSE && !op->skip &&
            made[-1].text.text + made[-1].text.size == op->text.text) {
            made[-1].text.size += op->text.size;
            made[-1].item = op->item;
            made[-1].space = op->space;
        } else {
            made++;
        }
        i += op->skip;
    }
    program->quick_count = (uint32_t)(made - program->quick_ops);
}

bool weftp_quick_encode(const struct weftp_program *program, const struct weft_record *record,
                        struct weft_out *out)
{
    struct quick quick;
    struct weftp_shape made;
    if (program->scheme.source && record->site) return false;
    if (record->thread_size > WEFTP_THREAD_SIZE_MAX || record->logger_size > WEFTP_LOGGER_SIZE_MAX)
        return false;
    quick.program = program;
    quick.record = record;
    quick.out = out;
    quick.present = what_is_present(record);
    quick.opened = 0;
    quick.pair_count = 0;
    if (!find_shape(&quick, &made) || !look(&quick)) return false;
    const size_t start = weftp_out_size(out);
    if (quick.bound > out->max - start) return false; /* a small budget: not worth a reservation */
    char *to = weftp_out_reserve(out, quick.bound);
    if (!to) return false;
    to = put_line(&quick, to);
    if (to)
        out->cur = to;
    else
        weftp_out_rewind(out, start);
    return to != NULL;
}
