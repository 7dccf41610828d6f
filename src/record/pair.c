/*
 * Sets of pairs. Building goes in three steps: choose what is taken (limits, twins), escape it once
 * into scratch, and lay everything down in one block of exactly the size that it needs. What comes
 * from the earlier set is copied in runs, a memcpy each, so that a put into a full set costs little
 * more than one into an empty set.
 */
#include "pair_lay.h"

#include "../base/json_text.h"
#include "../base/json_value.h"
#include "../base/key_look.h"
#include <stdlib.h>

#define SCRATCH_SIZE 2048               /* most sets need less; more comes from the heap */
#define SCRATCH_MAX  ((size_t)64 << 20) /* the text of one set's new fields */

static const struct weftp_pair_set no_pairs;

static const struct weftp_value_style pair_style = {WEFTP_DOUBLE_SHORT, WEFTP_TIME_MICROS,
                                                    UINT32_MAX};

/* ---- choosing ---- */

/*
 * Measure a STR, BYTES or JSON value without reading beyond its limit; the result may be above it.
 */
static size_t raw_size(const weft_field *field, uint32_t size_max)
{
    if (field->size != WEFT_SIZE_UNKNOWN_ || field->type == WEFT_TYPE_BYTES) return field->size;
    return strnlen(field->v.p, (size_t)size_max + 1);
}

/*
 * Write a container's or raw JSON's text once, in its canonical form. WEFT_ELIMIT: it is too long.
 */
static weft_status encode_text(struct weftp_pair_build *build, struct weftp_pair_entry *entry)
{
    struct weft_out *out = &build->texts;
    const bool container = entry->field.type != WEFT_TYPE_JSON;
    const uint32_t size_max = build->limits->value_size_max;
    struct weftp_value_style style = pair_style;
    unsigned notes = 0;
    if (container) style.limit = size_max;
    entry->text_at = weftp_out_size(out);
    weftp_json_value(out, &entry->field, &style, &notes);
    if (out->overflow || !out->data) return WEFT_ENOMEM;
    const size_t size = weftp_out_size(out) - entry->text_at;
    /* The writer turns a container that is longer than the limit into a string. */
    if (size > size_max || (container && out->data[entry->text_at] == '"')) {
        out->cur = out->data + entry->text_at;
        return WEFT_ELIMIT;
    }
    entry->field.type = WEFT_TYPE_JSON;
    entry->field.size = (uint32_t)size;
    return WEFT_OK;
}

static weft_status take_raw(struct weftp_pair_build *build, struct weftp_pair_entry *entry)
{
    const size_t size = raw_size(&entry->field, build->limits->value_size_max);
    if (size > build->limits->value_size_max) return WEFT_ELIMIT;
    entry->field.size = (uint32_t)size;
    return entry->field.type == WEFT_TYPE_JSON ? encode_text(build, entry) : WEFT_OK;
}

/* Bring a value into the form that a pair has. WEFT_EINVAL: a type that is none. */
static weft_status take_value(struct weftp_pair_build *build, struct weftp_pair_entry *entry)
{
    weft_field *field = &entry->field;
    switch ((weft_type)field->type) {
    case WEFT_TYPE_STR:
    case WEFT_TYPE_BYTES:
    case WEFT_TYPE_JSON:
        if (field->v.p) return take_raw(build, entry);
        field->type = WEFT_TYPE_NULL;
        return WEFT_OK;
    case WEFT_TYPE_OBJ:
    case WEFT_TYPE_ARR:
    case WEFT_TYPE_ERROR:
        if (field->v.f) return encode_text(build, entry);
        field->type = WEFT_TYPE_NULL;
        return WEFT_OK;
    case WEFT_TYPE_INT:
    case WEFT_TYPE_UINT:
    case WEFT_TYPE_DOUBLE:
    case WEFT_TYPE_BOOL:
    case WEFT_TYPE_NULL:
    case WEFT_TYPE_TIME:
    case WEFT_TYPE_DURATION:
    case WEFT_TYPE_ERRNO: return WEFT_OK;
    case WEFT_TYPE_NONE:
    case WEFT_TYPE_END_:
    default: return WEFT_EINVAL;
    }
}

static weft_status take_key(struct weftp_pair_build *build, struct weftp_pair_entry *entry)
{
    weft_field *field = &entry->field;
    const size_t size_max = build->limits->key_size_max < WEFTP_PAIR_KEY_SIZE_MAX
                                ? build->limits->key_size_max
                                : WEFTP_PAIR_KEY_SIZE_MAX;
    if (!field->key) return WEFT_EINVAL;
    const size_t size = field->key_size ? field->key_size : strnlen(field->key, size_max + 1);
    if (size == 0) return WEFT_EINVAL;
    if (size > size_max) return WEFT_ELIMIT;
    field->key_size = (uint8_t)size;
    const struct weftp_look look = weftp_key_look(field->key, size);
    entry->hash = look.hash;
    entry->flags = (uint16_t)look.flags;
    return WEFT_OK;
}

static struct weftp_pair_entry *find_entry(struct weftp_pair_build *build,
                                           const struct weftp_pair_entry *wanted)
{
    for (uint32_t i = 0; i < build->count; i++) {
        struct weftp_pair_entry *entry = &build->entries[i];
        if (entry->hash == wanted->hash && entry->field.key_size == wanted->field.key_size &&
            memcmp(entry->field.key, wanted->field.key, wanted->field.key_size) == 0)
            return entry;
    }
    return NULL;
}

static uint32_t find_index(const struct weft_pair *pairs, size_t count, const weft_field *key,
                           uint32_t hash)
{
    for (uint32_t i = 0; i < count; i++) {
        if (pairs[i].key_hash == hash && pairs[i].field.key_size == key->key_size &&
            memcmp(pairs[i].field.key, key->key, key->key_size) == 0)
            return i;
    }
    return WEFTP_PAIR_NOT_EARLIER;
}

/*
 * Let a measured entry into the set if the set as a whole allows it, in the place of its twin if it
 * has one.
 */
static weft_status admit(struct weftp_pair_build *build, const struct weftp_pair_entry *entry)
{
    const struct weftp_pair_limits *limits = build->limits;
    struct weftp_pair_entry *twin = find_entry(build, entry);
    size_t freed = 0;
    bool adds = false;
    if (twin) {
        freed = (size_t)twin->field.key_size + twin->value_size;
    } else if (entry->replaces != WEFTP_PAIR_NOT_EARLIER) {
        const weft_field *earlier = &build->earlier->pairs[entry->replaces].field;
        freed = (size_t)earlier->key_size + weftp_pair_value_size(earlier);
    } else {
        adds = true;
    }
    const size_t total = build->total_size - freed + entry->field.key_size + entry->value_size;
    if (total > limits->total_size_max) return WEFT_ELIMIT;
    if (adds && (build->set_count >= limits->count_max || build->set_count >= WEFTP_PAIR_COUNT_MAX))
        return WEFT_ELIMIT;
    build->total_size = total;
    build->set_count += adds;
    if (twin)
        *twin = *entry;
    else
        build->count++;
    return WEFT_OK;
}

/* The entry is made where the next one goes, and stays there if it is admitted. */
static weft_status take_field(struct weftp_pair_build *build, const weft_field *field)
{
    struct weftp_pair_entry *entry = &build->entries[build->count];
    entry->field = *field;
    entry->text_at = WEFTP_PAIR_NO_TEXT;
    weft_status status = take_key(build, entry);
    if (!status) status = take_value(build, entry);
    if (status) return status;
    entry->value_size = weftp_pair_value_size(&entry->field);
    entry->replaces =
        find_index(build->earlier->pairs, build->earlier->count, &entry->field, entry->hash);
    return admit(build, entry);
}

/* Only a lack of memory ends this; what is against a limit is counted and left out. */
static weft_status take_fields(struct weftp_pair_build *build, const weft_field *fields,
                               size_t count)
{
    for (size_t i = 0; fields && (count == WEFT_SIZE_UNKNOWN_ || i < count); i++) {
        if (fields[i].type == WEFT_TYPE_END_) break;
        if (fields[i].type == WEFT_TYPE_NONE) continue;
        const weft_status status = take_field(build, &fields[i]);
        if (status == WEFT_ENOMEM) return status;
        if (status) build->rejected++;
    }
    return WEFT_OK;
}

/* ---- escaping ---- */

static bool escape_entries(struct weftp_pair_build *build, struct weft_out *out)
{
    unsigned notes = 0;
    for (uint32_t i = 0; i < build->count; i++) {
        struct weftp_pair_entry *entry = &build->entries[i];
        entry->json_at = weftp_out_size(out);
        weftp_json_string(out, entry->field.key, entry->field.key_size);
        weftp_out_char(out, ':');
        entry->key_json_size = (uint16_t)(weftp_out_size(out) - entry->json_at);
        if (entry->text_at != WEFTP_PAIR_NO_TEXT)
            weftp_out_put(out, build->texts.data + entry->text_at, entry->field.size);
        else if (entry->field.type == WEFT_TYPE_STR)
            weftp_json_string(out, entry->field.v.p, entry->field.size);
        else
            weftp_json_value(out, &entry->field, &pair_style, &notes);
        if (out->overflow) return false;
        entry->json_size = (uint32_t)(weftp_out_size(out) - entry->json_at);
    }
    return true;
}

static struct weftp_pair_set *escape_and_lay(struct weftp_pair_build *build)
{
    char scratch[SCRATCH_SIZE];
    struct weft_out small = {
        .data = scratch, .cur = scratch, .end = scratch + sizeof scratch, .max = sizeof scratch};
    if (escape_entries(build, &small)) return weftp_pairs_lay(build, scratch);
    struct weft_out large;
    struct weftp_pair_set *set = NULL;
    weftp_out_init(&large, SCRATCH_MAX);
    if (escape_entries(build, &large)) set = weftp_pairs_lay(build, large.data);
    weftp_out_deinit(&large);
    return set;
}

static void begin(struct weftp_pair_build *build, const struct weftp_pair_set *earlier,
                  const struct weftp_pair_limits *limits, bool in_place)
{
    build->earlier = earlier ? earlier : &no_pairs;
    build->limits = limits;
    build->in_place = in_place;
    build->count = 0;
    build->set_count = build->earlier->count;
    build->total_size = build->earlier->total_size;
    build->rejected = 0;
    build->texts = (struct weft_out){.max = SCRATCH_MAX};
}

static weft_status finish(struct weftp_pair_build *build, struct weftp_pair_set **out,
                          const weft_field *fields, size_t count, unsigned *rejected)
{
    struct weftp_pair_set *set = NULL;
    const weft_status status = take_fields(build, fields, count);
    if (!status) set = escape_and_lay(build);
    if (build->texts.data) weftp_out_deinit(&build->texts);
    if (!set) return WEFT_ENOMEM;
    *out = set;
    if (rejected) *rejected = build->rejected;
    return WEFT_OK;
}

/* ---- public ---- */

weft_status weftp_pairs_put(struct weftp_pair_set **out, const struct weftp_pair_set *earlier,
                            const weft_field *fields, size_t count,
                            const struct weftp_pair_limits *limits, unsigned *rejected)
{
    struct weftp_pair_build build;
    begin(&build, earlier, limits, true);
    return finish(&build, out, fields, count, rejected);
}

weft_status weftp_pairs_prepend(struct weftp_pair_set **out, const struct weftp_pair_set *earlier,
                                const weft_field *fields, size_t count,
                                const struct weftp_pair_limits *limits, unsigned *rejected)
{
    struct weftp_pair_build build;
    begin(&build, earlier, limits, false);
    return finish(&build, out, fields, count, rejected);
}

struct weftp_pair_set *weftp_pairs_ref(struct weftp_pair_set *set)
{
    if (set) __atomic_fetch_add(&set->refs, 1, __ATOMIC_RELAXED);
    return set;
}

void weftp_pairs_unref(struct weftp_pair_set *set)
{
    if (!set) return;
    /* The only owner needs no locked instruction to find out that it is the last. */
    if (__atomic_load_n(&set->refs, __ATOMIC_ACQUIRE) == 1 ||
        __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(set);
}

const struct weft_pair *weftp_pairs_find(const struct weft_pair *pairs, size_t count,
                                         const char *key, size_t key_size)
{
    if (!key || key_size == 0 || key_size > WEFTP_PAIR_KEY_SIZE_MAX) return NULL;
    const weft_field wanted = {.key = key, .key_size = (uint8_t)key_size};
    const uint32_t index = find_index(pairs, count, &wanted, weftp_key_look(key, key_size).hash);
    return index == WEFTP_PAIR_NOT_EARLIER ? NULL : &pairs[index];
}

const char *weftp_pair_text(const struct weft_pair *pair)
{
    if (pair->field.type == WEFT_TYPE_STR) return pair->field.v.p;
    return pair->json + pair->key_json_size;
}
