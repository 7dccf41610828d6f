#include "shape.h"

#include <stdlib.h>

#define FIELD_BOUND 128 /* bytes of a value but for a long string, and what copies write too far */

/* ---- making out ---- */

/* The first and the last eight bytes of a key; of a shorter one four, or all of its one to three twice. */
static inline void key_words(const char *key, size_t size, uint64_t words[2])
{
    if (size >= 8) {
        memcpy(&words[0], key, 8);
        memcpy(&words[1], key + size - 8, 8);
    } else if (size >= 4) {
        uint32_t halves[2];
        memcpy(&halves[0], key, 4);
        memcpy(&halves[1], key + size - 4, 4);
        words[0] = halves[0];
        words[1] = halves[1];
    } else {
        words[0] = words[1] = (uint64_t)(unsigned char)key[0] |
                              (uint64_t)(unsigned char)key[size / 2] << 8 |
                              (uint64_t)(unsigned char)key[size - 1] << 16;
    }
}

/* The key in bytes; 0 when it is NULL, empty, or too long for a shape. */
static size_t key_size_of(const weft_field *field)
{
    if (field->key_size) return field->key_size;
    const size_t size = field->key ? strnlen(field->key, 256) : 0;
    return size < 256 ? size : 0;
}

/* `,"key":`, and the quote that a string begins with. */
static bool put_prefix(struct weftp_shape *shape, struct weftp_shape_place *made, const char *key)
{
    const bool string = made->type == WEFT_TYPE_STR;
    const size_t size = made->key_size + 4U + string;
    if (shape->text_size + size > WEFTP_SHAPE_TEXT) return false;
    char *to = shape->text + shape->text_size;
    memcpy(to, ",\"", 2);
    memcpy(to + 2, key, made->key_size);
    memcpy(to + 2 + made->key_size, "\":\"", 2U + string);
    made->prefix = (uint16_t)shape->text_size;
    made->prefix_size = (uint16_t)size;
    shape->text_size += (uint32_t)size;
    return true;
}

static bool add_hash(struct weftp_shape *shape, uint32_t hash)
{
    if (weftp_shape_has(shape, hash)) return false;
    shape->bloom[hash >> 30] |= UINT64_C(1) << (hash >> 24 & 63);
    shape->hashes[shape->count] = hash;
    return true;
}

/* Add a field of the call to the shape. False: it needs thought. */
static bool add_field(struct weftp_shape *shape, struct weftp_shape_place *made,
                      const struct weftp_row *row, const struct weftp_names *names,
                      const weft_field *field)
{
    const size_t size = key_size_of(field);
    if (size == 0 || field->type >= WEFT_TYPE_ERROR) return false;
    const struct weftp_look look = weftp_key_look(field->key, size);
    const uint32_t hash = look.hash ^ row->salt;
    if (look.flags || weftp_names_may_have(names, hash) || !add_hash(shape, hash)) return false;
    weft_field measured = *field;
    measured.key_size = (uint8_t)size;
    *made = (struct weftp_shape_place){.sort = weftp_template_sort(&measured),
                                       .type = field->type,
                                       .key_size = (uint16_t)size,
                                       .at = (uint16_t)(shape->count * sizeof *field)};
    key_words(field->key, size, made->words);
    return put_prefix(shape, made, field->key);
}

/* Lay the fields down list by list. */
static void sort_lists(struct weftp_shape *shape, const struct weftp_shape_place *made,
                       const uint8_t *lists)
{
    uint16_t at = 0;
    shape->lists = 0;
    for (unsigned list = 0; list < WEFTP_SPACE_COUNT; list++) {
        shape->starts[list] = at;
        for (uint32_t i = 0; i < shape->count; i++)
            if (lists[i] == list) shape->places[at++] = made[i];
        if (at > shape->starts[list]) shape->lists |= WEFTP_QUICK_LIST(list);
    }
    shape->starts[WEFTP_SPACE_COUNT] = at;
    shape->bound = shape->text_size + at * (uint32_t)FIELD_BOUND;
}

/* Which keys are constants of the call. */
static void add_addresses(struct weftp_shape *shape, const struct weftp_template *known,
                          struct weftp_shape_place *made, const weft_field *fields)
{
    shape->number = known->site.state;
    for (uint32_t i = 0; i < shape->count && i < known->count; i++)
        if (fields[i].type != WEFT_TYPE_NONE && fields[i].key == known->keys[i].origin)
            made[i].key = fields[i].key;
}

bool weftp_shape_build(struct weftp_shape *shape, const struct weftp_scheme *scheme,
                       const struct weft_record *record)
{
    uint8_t lists[WEFTP_SHAPE_FIELDS];
    struct weftp_shape_place made[WEFTP_SHAPE_FIELDS];
    if (record->field_count > WEFTP_SHAPE_FIELDS) return false;
    const struct weftp_template *known = record->site ? weftp_template_of(record->site) : NULL;
    shape->site = record->site;
    shape->certain = known && record->site == &known->site;
    shape->number = 0;
    memset(shape->lines, 0, sizeof shape->lines);
    memset(shape->bloom, 0, sizeof shape->bloom);
    shape->count = shape->text_size = 0;
    shape->nones = 0;
    for (size_t i = 0; i < record->field_count; i++, shape->count++) {
        const weft_field *field = &record->fields[i];
        lists[i] = WEFTP_SPACE_COUNT;
        shape->hashes[i] = 0;
        if (field->type == WEFT_TYPE_NONE) {
            if (i >= WEFTP_SHAPE_NONES) return false;
            shape->nones |= UINT64_C(1) << i;
            continue;
        }
        if (field->type > WEFT_TYPE_ERROR) return false;
        const struct weftp_row *row = &scheme->rows[0][field->type];
        if (!add_field(shape, &made[i], row, &scheme->names, field)) return false;
        lists[i] = row->list;
    }
    if (known && !shape->certain) add_addresses(shape, known, made, record->fields);
    sort_lists(shape, made, lists);
    return true;
}

/* ---- comparing ---- */

bool weftp_shape_same_odd(const struct weftp_shape *shape, const struct weftp_shape_place *known,
                          const weft_field *field)
{
    if (field->type != known->type || field->key_size || !field->key) return false;
    return strncmp(field->key, shape->text + known->prefix + 2, known->key_size) == 0 &&
           field->key[known->key_size] == '\0';
}

bool weftp_shape_same_nones(const struct weftp_shape *shape, const weft_field *fields)
{
    for (uint32_t i = 0; i < shape->count && i < WEFTP_SHAPE_NONES; i++)
        if (shape->nones >> i & 1 && fields[i].type != WEFT_TYPE_NONE) return false;
    return true;
}

/* ---- keeping ---- */

struct weftp_shape *weftp_shapes_keep(struct weftp_shapes *shapes, const struct weftp_shape *shape)
{
    const uint32_t slot = weftp_shapes_slot(shape->site);
    const size_t size = offsetof(struct weftp_shape, text) + shape->text_size + WEFTP_SHAPE_PADDING;
    for (uint32_t i = 0; i < WEFTP_SHAPES_PROBES; i++) {
        struct weftp_shape **at = &shapes->slots[(slot + i) % WEFTP_SHAPES_MAX];
        struct weftp_shape *there = __atomic_load_n(at, __ATOMIC_ACQUIRE);
        if (there && there->site == shape->site) return NULL;
        if (there) continue;
        struct weftp_shape *copy = calloc(1, size);
        if (!copy) return NULL;
        memcpy(copy, shape, offsetof(struct weftp_shape, text) + shape->text_size);
        if (__atomic_compare_exchange_n(at, &there, copy, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return copy;
        free(copy); /* another thread was here first */
    }
    return NULL;
}

void weftp_shapes_free(struct weftp_shapes *shapes)
{
    for (size_t i = 0; i < WEFTP_SHAPES_MAX; i++) {
        struct weftp_shape *shape = shapes->slots[i];
        if (!shape) continue;
        for (unsigned line = 0; line < WEFTP_SHAPE_LINES; line++) free(shape->lines[line]);
        free(shape);
    }
}
