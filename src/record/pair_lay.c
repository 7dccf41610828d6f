/*
 * Laying a set down in one block of exactly the size that it needs. Runs of earlier pairs are copied with a memcpy each,
 * so that a put into a full set costs little more than one into an empty set.
 */
#include "pair_lay.h"

#include <stdlib.h>

#define SCALAR_SIZE 8 /* what a number counts against the total */

static const struct weftp_pair_set no_pairs;

bool weftp_pair_has_own_value(const weft_field *field)
{
    return field->type == WEFT_TYPE_STR || field->type == WEFT_TYPE_BYTES;
}

uint32_t weftp_pair_value_size(const weft_field *field)
{
    const bool sized = weftp_pair_has_own_value(field) || field->type == WEFT_TYPE_JSON;
    return sized ? field->size : SCALAR_SIZE;
}

/* Bytes of a pair's piece of text. */
static size_t piece_size(const weft_field *field, uint32_t json_size)
{
    const size_t value_size = weftp_pair_has_own_value(field) ? (size_t)field->size + 1 : 0;
    return (size_t)field->key_size + 1 + json_size + 1 + value_size;
}

/* Where the next pair and the next piece of text go. */
struct laying {
    struct weft_pair *pair;
    char *text;
};

static char *lay_text(char *to, const void *bytes, size_t size)
{
    if (size) memcpy(to, bytes, size);
    to[size] = '\0';
    return to + size + 1;
}

static void lay_entry(struct laying *at, const struct weftp_pair_entry *entry, const char *json)
{
    struct weft_pair *pair = at->pair++;
    *pair = (struct weft_pair){.field = entry->field,
                               .json_size = entry->json_size,
                               .key_json_size = entry->key_json_size,
                               .key_hash = entry->hash};
    pair->field.key = at->text;
    at->text = lay_text(at->text, entry->field.key, entry->field.key_size);
    pair->json = at->text;
    at->text = lay_text(at->text, json, entry->json_size);
    if (entry->field.type == WEFT_TYPE_JSON) {
        pair->field.v.p = pair->json + pair->key_json_size;
    } else if (weftp_pair_has_own_value(&entry->field)) {
        pair->field.v.p = at->text;
        at->text = lay_text(at->text, entry->field.v.p, entry->field.size);
    }
}

/* Copy earlier pairs [from, to) and their text, which is one stretch of memory. */
static void lay_run(struct laying *at, const struct weftp_pair_set *earlier, uint32_t from,
                    uint32_t to)
{
    if (from == to) return;
    const struct weft_pair *last = &earlier->pairs[to - 1];
    const char *start = earlier->pairs[from].field.key;
    const size_t size =
        (size_t)(last->field.key - start) + piece_size(&last->field, last->json_size);
    memcpy(at->text, start, size);
    for (uint32_t i = from; i < to; i++) {
        const struct weft_pair *old = &earlier->pairs[i];
        struct weft_pair *pair = at->pair++;
        *pair = *old;
        pair->field.key = at->text + (old->field.key - start);
        pair->json = at->text + (old->json - start);
        if (weftp_pair_has_own_value(&old->field) || old->field.type == WEFT_TYPE_JSON)
            pair->field.v.p = at->text + ((const char *)old->field.v.p - start);
    }
    at->text += size;
}

/* Copy the earlier set, each replaced pair's place taken by its entry (scratch given) or left out (NULL). */
static void lay_earlier(const struct weftp_pair_build *build, struct laying *at,
                        const char *scratch)
{
    const uint32_t count = build->earlier->count;
    uint8_t entry_of[WEFTP_PAIR_COUNT_MAX] = {0}; /* 0: kept; else the entry's index and one */
    uint32_t from = 0;
    for (uint32_t i = 0; i < build->count; i++) {
        const uint32_t replaces = build->entries[i].replaces;
        if (replaces != WEFTP_PAIR_NOT_EARLIER) entry_of[replaces] = (uint8_t)(i + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (entry_of[i] == 0) continue;
        const struct weftp_pair_entry *entry = &build->entries[entry_of[i] - 1];
        lay_run(at, build->earlier, from, i);
        if (scratch) lay_entry(at, entry, scratch + entry->json_at);
        from = i + 1;
    }
    lay_run(at, build->earlier, from, count);
}

/* Bytes of all text of the set. */
static size_t text_size(const struct weftp_pair_build *build)
{
    const struct weftp_pair_set *earlier = build->earlier;
    size_t size = 0;
    if (earlier->count) {
        const struct weft_pair *last = &earlier->pairs[earlier->count - 1];
        size = (size_t)(last->field.key - earlier->pairs[0].field.key) +
               piece_size(&last->field, last->json_size);
    }
    for (uint32_t i = 0; i < build->count; i++) {
        const struct weftp_pair_entry *entry = &build->entries[i];
        if (entry->replaces != WEFTP_PAIR_NOT_EARLIER) {
            const struct weft_pair *old = &earlier->pairs[entry->replaces];
            size -= piece_size(&old->field, old->json_size);
        }
        size += piece_size(&entry->field, entry->json_size);
    }
    return size;
}

static struct weftp_pair_set *new_set(uint32_t count, size_t total_size, size_t texts,
                                      struct laying *at)
{
    struct weftp_pair_set *set = malloc(sizeof *set + count * sizeof set->pairs[0] + texts);
    if (!set) return NULL;
    set->refs = 1;
    set->count = count;
    set->total_size = (uint32_t)total_size;
    set->reserved = 0;
    at->pair = set->pairs;
    at->text = (char *)(set->pairs + count);
    return set;
}

struct weftp_pair_set *weftp_pairs_lay(const struct weftp_pair_build *build, const char *scratch,
                                       bool in_place)
{
    struct laying at;
    struct weftp_pair_set *set =
        new_set(build->set_count, build->total_size, text_size(build), &at);
    if (!set) return NULL;
    if (in_place) lay_earlier(build, &at, scratch);
    for (uint32_t i = 0; i < build->count; i++) {
        const struct weftp_pair_entry *entry = &build->entries[i];
        if (!in_place || entry->replaces == WEFTP_PAIR_NOT_EARLIER)
            lay_entry(&at, entry, scratch + entry->json_at);
    }
    if (!in_place) lay_earlier(build, &at, NULL);
    return set;
}

weft_status weftp_pairs_without(struct weftp_pair_set **out, const struct weftp_pair_set *earlier,
                                const char *key)
{
    if (!earlier) earlier = &no_pairs;
    const struct weft_pair *found =
        weftp_pairs_find(earlier->pairs, earlier->count, key, key ? strlen(key) : 0);
    const uint32_t index = found ? (uint32_t)(found - earlier->pairs) : earlier->count;
    size_t texts = 0;
    size_t total_size = earlier->total_size;
    for (uint32_t i = 0; i < earlier->count; i++)
        if (i != index) texts += piece_size(&earlier->pairs[i].field, earlier->pairs[i].json_size);
    if (found) total_size -= (size_t)found->field.key_size + weftp_pair_value_size(&found->field);
    struct laying at;
    struct weftp_pair_set *set = new_set(earlier->count - (found != NULL), total_size, texts, &at);
    if (!set) return WEFT_ENOMEM;
    lay_run(&at, earlier, 0, index);
    if (found) lay_run(&at, earlier, index + 1, earlier->count);
    *out = set;
    return WEFT_OK;
}
