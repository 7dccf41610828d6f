#include "plan.h"

#include "../base/json_value.h"
#include "../base/utf8.h"
#include "known.h"
#include <math.h>
#include <stdlib.h>

const weft_field *weftp_error_part(const weft_field *error, enum weftp_error_part part)
{
    if (!error || !error->v.f || error->size <= (uint32_t)part) return NULL;
    const weft_field *field = &error->v.f[part];
    return field->type == WEFT_TYPE_STR && field->v.p ? field : NULL;
}

static inline void append(struct weftp_plan *plan, unsigned space, struct weftp_entry *entry)
{
    *plan->lists[space].end = entry;
    plan->lists[space].end = &entry->next;
}

/*
 * The names of the format that a field may not take. A static field yields to all that there can
 * be.
 */
static uint32_t forbidden(const struct weftp_plan *plan, const struct weftp_entry *entry)
{
    return entry->source == WEFTP_SOURCE_STATIC ? ~(uint32_t)WEFTP_WHEN_STATIC : plan->present;
}

/*
 * The reserved name that the entry would repeat; NULL: none. Notes when the name is that of a
 * static field.
 */
static const struct weftp_name *taken_by(struct weftp_plan *plan, const struct weftp_entry *entry)
{
    const struct weftp_names *names = &plan->scheme->names;
    if (!weftp_names_may_have(names, entry->hash)) return NULL;
    char text[WEFTP_ENTRY_TEXT_MAX];
    const size_t size = weftp_entry_text(entry, text);
    const struct weftp_name *name = weftp_names_match(names, text, size, entry->hash, entry->space);
    if (!name) return NULL;
    if (name->when & forbidden(plan, entry)) return name;
    if (name->when & WEFTP_WHEN_STATIC) plan->static_hit = true;
    return NULL;
}

/*
 * A field that the format defines, with a value of the right type, stands at the top level under
 * its own name.
 */
static bool place_known(struct weftp_plan *plan, struct weftp_entry *entry, uint32_t key_hash)
{
    const struct weftp_names *known = &plan->scheme->known;
    const struct weftp_name *name =
        weftp_names_find(known, entry->key, entry->key_size, key_hash, WEFTP_SPACE_TOP);
    if (!name) return false;
    if (!weftp_known_accepts(name->type, entry->field, entry->flags & WEFTP_ENTRY_STRING)) {
        return false;
    }
    entry->space = WEFTP_SPACE_TOP;
    entry->hash = key_hash;
    if (taken_by(plan, entry)) return false;
    const uint32_t index = (uint32_t)(entry - plan->entries_now);
    if (weftp_keyset_claim(&plan->keys, index) != index) return false;
    append(plan, WEFTP_SPACE_TOP, entry);
    return true;
}

/* Claim the entry's name, or note that it needs another one. */
static void claim(struct weftp_plan *plan, struct weftp_entry *entry)
{
    const uint32_t index = (uint32_t)(entry - plan->entries_now);
    if (taken_by(plan, entry) || weftp_keyset_claim(&plan->keys, index) != index) {
        entry->flags |= WEFTP_ENTRY_LOST;
        plan->lost = true;
    }
}

/*
 * place(), for names that somebody might have already, and keys that are no plain words: defined by
 * the format, replaced, or not printed as they stand.
 */
static void place_odd(struct weftp_plan *plan, struct weftp_entry *entry, unsigned list,
                      struct weftp_look look)
{
    const bool grouped = plan->scheme->layout->grouped;
    entry->flags |= (uint16_t)look.flags;
    if (grouped && !(look.flags & WEFTP_KEY_ESCAPED) && place_known(plan, entry, look.hash)) return;
    entry->space = plan->scheme->objects[list];
    if (grouped && look.flags & WEFTP_KEY_MARKED) entry->flags |= WEFTP_ENTRY_REPLACED;
    entry->hash = look.hash ^ weftp_space_salt(entry->space);
    if (entry->flags & (WEFTP_KEY_ESCAPED | WEFTP_ENTRY_REPLACED)) weftp_entry_rehash(entry);
    claim(plan, entry);
    append(plan, list, entry);
}

/* Give an entry, all but name and place of which is set, its place. */
static inline void place(struct weftp_plan *plan, struct weftp_entry *entry, struct weftp_row row)
{
    const struct weftp_keyset keys = plan->keys;
    const struct weftp_look look = weftp_key_look(entry->key, entry->key_size);
    const uint32_t hash = look.hash ^ row.salt;
    uint16_t *slot = &keys.slots[hash & keys.mask];
    entry->hash = hash;
    entry->space = row.object;
    entry->suffix = entry->next_suffix = 0;
    if (__builtin_expect(look.flags || *slot || weftp_names_may_meet(&plan->scheme->names, hash),
                         0)) {
        place_odd(plan, entry, row.list, look);
        return;
    }
    *slot = (uint16_t)(entry - keys.entries + 1);
    append(plan, row.list, entry);
}

/* A value that must be looked at. False: it is no field, or is left out. */
static bool place_of_odd(const struct weftp_plan *plan, const weft_field *field,
                         const struct weftp_row *rows, struct weftp_row *row)
{
    if (field->type <= WEFT_TYPE_END_ || field == plan->error) return false;
    if (field->type == WEFT_TYPE_DOUBLE && !isfinite(field->v.d)) {
        *row = rows[WEFT_TYPE_STR];
    }
    return !plan->scheme->layout->nulls_left_out || !weftp_field_is_null(field);
}

/* A key that is not known to be short: measured, cut, "_" when there is none. */
static void measure_key(struct weftp_plan *plan, struct weftp_entry *entry, const weft_field *field)
{
    size_t size = weftp_field_key_size(field);
    if (size > 0 && field->key_size == 0 && field->key[size] != '\0' && !plan->key_cut) {
        plan->key_cut = field;
    }
    if (size > plan->key_max) {
        size = weftp_utf8_cut(field->key, size, plan->key_max);
        if (!plan->key_cut) plan->key_cut = field;
    }
    if (size == 0) {
        entry->key = "_";
        size = 1;
        plan->renamed++;
    }
    entry->key_size = (uint16_t)size;
}

static void plan_call(struct weftp_plan *plan)
{
    const weft_field *fields = plan->record->fields;
    const size_t count = plan->record->field_count;
    const struct weftp_row *rows = plan->scheme->rows[0];
    const uint32_t key_max = plan->key_max;
    const uint32_t room = plan->capacity < plan->call_max ? plan->capacity : plan->call_max;
    struct weftp_entry *entry = plan->entries_now, *const end = entry + room;
    for (size_t i = 0; i < count; i++) {
        const weft_field *field = &fields[i];
        struct weftp_row row = rows[field->type <= WEFT_TYPE_ERROR ? field->type : WEFT_TYPE_NONE];
        if (row.odd && !place_of_odd(plan, field, rows, &row)) continue;
        if (entry == end) {
            if (plan->left_out++ == 0) plan->left_out_from = i;
            continue;
        }
        entry->key = field->key;
        entry->key_size = field->key_size;
        if (field->key_size - 1U >= key_max) measure_key(plan, entry, field);
        entry->field = field;
        entry->pair = NULL;
        entry->source = WEFTP_SOURCE_CALL;
        entry->flags = 0;
        place(plan, entry++, row);
    }
    plan->count = (uint32_t)(entry - plan->entries_now);
}

static bool printed_as_string(const struct weftp_plan *plan, const weft_field *field)
{
    return plan->scheme->mdc_strings && field->type != WEFT_TYPE_STR && !weftp_field_is_null(field);
}

static void plan_pairs(struct weftp_plan *plan, const struct weft_pair *pairs, size_t count,
                       enum weftp_source source)
{
    const struct weftp_row *rows = plan->scheme->rows[source == WEFTP_SOURCE_MDC];
    struct weftp_entry *entry = plan->entries_now + plan->count;
    struct weftp_entry *const end = plan->entries_now + plan->capacity;
    for (size_t i = 0; i < count; i++) {
        const struct weft_pair *pair = &pairs[i];
        struct weftp_row row = rows[pair->field.type];
        if (row.odd && !place_of_odd(plan, &pair->field, rows, &row)) continue;
        if (entry == end) {
            plan->left_out++;
            continue;
        }
        entry->key = pair->field.key;
        entry->key_size = pair->field.key_size;
        entry->field = &pair->field;
        entry->pair = pair;
        entry->source = (uint16_t)source;
        entry->flags = 0;
        if (source == WEFTP_SOURCE_MDC && printed_as_string(plan, &pair->field)) {
            entry->flags = WEFTP_ENTRY_STRING;
        }
        place(plan, entry++, row);
    }
    plan->count = (uint32_t)(entry - plan->entries_now);
}

/*
 * Look for a free name behind the one that was taken. Counters per holder keep many twins from
 * being quadratic.
 */
static void rename_entry(struct weftp_plan *plan, uint32_t index, uint16_t *reserved_suffixes)
{
    struct weftp_entry *entry = &plan->entries_now[index];
    const struct weftp_name *name = taken_by(plan, entry);
    const long holder = weftp_keyset_holder(&plan->keys, entry);
    uint16_t *last = name          ? &reserved_suffixes[name->ordinal]
                     : holder >= 0 ? &plan->entries_now[holder].next_suffix
                                   : &entry->next_suffix;
    do {
        entry->suffix = ++*last;
        weftp_entry_rehash(entry);
    } while (taken_by(plan, entry) || weftp_keyset_claim(&plan->keys, index) != index);
    plan->renamed++;
}

static void rename_lost(struct weftp_plan *plan)
{
    uint16_t reserved_suffixes[WEFTP_PLAN_RESERVED_MAX] = {0};
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->entries_now[i].flags & WEFTP_ENTRY_LOST) {
            rename_entry(plan, i, reserved_suffixes);
        }
    }
}

/*
 * Entries and slots for `wanted` fields: in the plan itself, or on the heap, or as many as there is
 * room for.
 */
static void make_room(struct weftp_plan *plan, size_t wanted)
{
    uint32_t slots = 32;
    if (wanted > WEFTP_PLAN_ENTRIES_MAX) wanted = WEFTP_PLAN_ENTRIES_MAX;
    plan->entries_now = plan->entries;
    plan->keys.slots = plan->slots;
    plan->capacity = WEFTP_PLAN_ENTRIES;
    if (wanted > WEFTP_PLAN_ENTRIES) {
        while (slots < 2 * wanted) slots *= 2;
        const size_t entries_size = wanted * sizeof(struct weftp_entry);
        char *block = malloc(entries_size + slots * sizeof(uint16_t));
        if (block) {
            free(plan->heap);
            plan->heap = block;
            plan->entries_now = plan->heap;
            plan->keys.slots = (uint16_t *)(void *)(block + entries_size);
            plan->capacity = (uint32_t)wanted;
        } else {
            slots = 4 * WEFTP_PLAN_ENTRIES;
        }
    } else {
        while (slots < 4 * wanted) slots *= 2;
    }
    plan->keys.entries = plan->entries_now;
    plan->keys.mask = slots - 1;
    memset(plan->keys.slots, 0, slots * sizeof(uint16_t));
}

static void plan_run(struct weftp_plan *plan)
{
    const struct weft_record *record = plan->record;
    const struct weftp_scheme *scheme = plan->scheme;
    make_room(plan, record->field_count + record->bound_count + record->mdc_count +
                        (plan->with_statics ? scheme->static_count : 0));
    for (unsigned i = 0; i < WEFTP_SPACE_COUNT; i++) plan->lists[i].end = &plan->lists[i].first;
    plan->count = plan->left_out = plan->renamed = 0;
    plan->lost = plan->static_hit = false;
    plan->key_cut = NULL;
    plan->left_out_from = record->field_count;
    plan_call(plan);
    plan_pairs(plan, record->bound, record->bound_count, WEFTP_SOURCE_BOUND);
    plan_pairs(plan, record->mdc, record->mdc_count, WEFTP_SOURCE_MDC);
    if (plan->with_statics) {
        plan_pairs(plan, scheme->statics, scheme->static_count, WEFTP_SOURCE_STATIC);
    }
    for (unsigned i = 0; i < WEFTP_SPACE_COUNT; i++) *plan->lists[i].end = NULL;
    if (plan->lost) rename_lost(plan);
}

static const weft_field *find_error(const struct weft_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].type == WEFT_TYPE_ERROR) return &record->fields[i];
    }
    return NULL;
}

static uint32_t error_bits(const weft_field *error)
{
    uint32_t bits = 0;
    if (weftp_error_part(error, WEFTP_ERROR_TYPE)) bits |= WEFTP_WHEN_ERROR_TYPE;
    if (weftp_error_part(error, WEFTP_ERROR_MESSAGE)) bits |= WEFTP_WHEN_ERROR_MESSAGE;
    if (weftp_error_part(error, WEFTP_ERROR_STACK)) bits |= WEFTP_WHEN_ERROR_STACK;
    return bits ? bits | WEFTP_WHEN_ERROR : 0;
}

static uint32_t what_is_present(const struct weftp_plan *plan, bool marked)
{
    const struct weft_trace *trace = plan->record->trace;
    uint32_t present = WEFTP_WHEN_ALWAYS;
    if (trace && trace->trace_id[0]) present |= WEFTP_WHEN_TRACE;
    if (trace && trace->span_id[0]) present |= WEFTP_WHEN_SPAN;
    if (plan->error) present |= error_bits(plan->error);
    if (plan->scheme->source && plan->record->site) present |= WEFTP_WHEN_SOURCE;
    if (marked) present |= WEFTP_WHEN_MARKED;
    return present;
}

void weftp_plan_make(struct weftp_plan *plan, const struct weftp_scheme *scheme,
                     const struct weft_record *record, const struct weft_limits *limits,
                     bool marked)
{
    const bool trimmed = limits && limits->field == 0;
    plan->scheme = scheme;
    plan->record = record;
    plan->heap = NULL;
    plan->error = find_error(record);
    plan->present = what_is_present(plan, marked);
    plan->call_max = trimmed ? WEFTP_PLAN_TRIMMED_MAX : UINT32_MAX;
    plan->key_max = trimmed ? WEFTP_PLAN_TRIMMED_KEY : WEFTP_KEY_SIZE_MAX;
    plan->with_statics = false;
    plan_run(plan);
    if (plan->static_hit) {
        plan->with_statics = true;
        plan_run(plan);
    }
}

void weftp_plan_statics(struct weftp_plan *plan, const struct weftp_scheme *scheme,
                        const struct weft_record *empty)
{
    plan->scheme = scheme;
    plan->record = empty;
    plan->heap = NULL;
    plan->error = NULL;
    plan->present = WEFTP_WHEN_ALWAYS;
    plan->call_max = 0;
    plan->key_max = WEFTP_KEY_SIZE_MAX;
    plan->with_statics = true;
    plan_run(plan);
}

void weftp_plan_free(struct weftp_plan *plan)
{
    free(plan->heap);
}
