/*
 * Laying a set down in one block of exactly the size that it needs. Runs of earlier pairs are
 * copied with a memcpy each, so that a put into a full set costs little more than one into an empty
 * set.
 */
#include "pair_lay.h"

#include "packed_form.h"
#include <stdlib.h>

#define SERIAL_BLOCK 1024 /* serials that a thread takes at a time */

static const struct weftp_pair_set no_pairs;

static uint64_t serial_blocks;
static _Thread_local uint64_t serial; /* the next one; at a multiple of SERIAL_BLOCK: take more */

/* Where the next pair and the next piece go. */
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

static size_t entry_text_size(const struct weftp_pair_entry *entry)
{
    const weft_field *field = &entry->field;
    return sizeof(struct weftp_packed_pair) + field->key_size + 1 + entry->json_size + 1 +
           weftp_packed_pair_value_size(field->type, field->size);
}

static void lay_value(struct laying *at, struct weft_pair *pair)
{
    weft_field *field = &pair->field;
    if (field->type == WEFT_TYPE_JSON) {
        field->v.p = pair->json + pair->key_json_size;
    } else if (weftp_pair_has_own_value(field)) {
        const void *value = field->v.p;
        field->v.p = at->text;
        at->text = lay_text(at->text, value, field->size);
    } else {
        memcpy(at->text, &field->v.u, sizeof field->v.u);
        at->text += sizeof field->v.u;
    }
}

static void lay_entry(struct laying *at, const struct weftp_pair_entry *entry, const char *scratch)
{
    struct weft_pair *pair = at->pair++;
    pair->field = entry->field;
    pair->json_size = entry->json_size;
    pair->key_json_size = entry->key_json_size;
    pair->key_flags = entry->flags;
    pair->key_hash = entry->hash;
    pair->reserved2 = 0;
    const struct weftp_packed_pair head = weftp_packed_pair_head(pair);
    memcpy(at->text, &head, sizeof head);
    at->text += sizeof head;
    pair->field.key = at->text;
    at->text = lay_text(at->text, entry->field.key, entry->field.key_size);
    pair->json = at->text;
    at->text = lay_text(at->text, scratch + entry->json_at, entry->json_size);
    lay_value(at, pair);
}

/* Where the piece of a pair starts; behind the last pair: where all pieces end. */
static const char *piece(const struct weftp_pair_set *set, uint32_t index)
{
    if (index < set->count) return set->pairs[index].field.key - sizeof(struct weftp_packed_pair);
    return (const char *)(set->pairs + set->count) + set->text_size;
}

/* Copy earlier pairs [from, to) and their pieces, which are one stretch of memory. */
static void lay_run(struct laying *at, const struct weftp_pair_set *earlier, uint32_t from,
                    uint32_t to)
{
    if (from == to) return;
    const char *start = piece(earlier, from);
    const size_t size = (size_t)(piece(earlier, to) - start);
    memcpy(at->text, start, size);
    for (uint32_t i = from; i < to; i++) {
        const struct weft_pair *old = &earlier->pairs[i];
        struct weft_pair *pair = at->pair++;
        *pair = *old;
        pair->reserved2 = 0;
        pair->field.key = at->text + (old->field.key - start);
        pair->json = at->text + (old->json - start);
        if (weftp_pair_has_own_value(&old->field) || old->field.type == WEFT_TYPE_JSON)
            pair->field.v.p = at->text + ((const char *)old->field.v.p - start);
    }
    at->text += size;
}

/*
 * The first entry, in the order of the earlier set, that replaces a pair from `from` on; NULL:
 * none.
 */
static const struct weftp_pair_entry *next_replacing(const struct weftp_pair_build *build,
                                                     uint32_t from)
{
    const struct weftp_pair_entry *next = NULL;
    uint32_t least = WEFTP_PAIR_NOT_EARLIER;
    for (uint32_t i = 0; i < build->count; i++) {
        const struct weftp_pair_entry *entry = &build->entries[i];
        if (entry->replaces < from || entry->replaces >= least) continue;
        least = entry->replaces;
        next = entry;
    }
    return next;
}

/*
 * Copy the earlier set, each replaced pair's place taken by its entry (scratch given) or left out
 * (NULL).
 */
static void lay_earlier(const struct weftp_pair_build *build, struct laying *at,
                        const char *scratch)
{
    uint32_t from = 0;
    const struct weftp_pair_entry *entry;
    while ((entry = next_replacing(build, from))) {
        lay_run(at, build->earlier, from, entry->replaces);
        if (scratch) lay_entry(at, entry, scratch);
        from = entry->replaces + 1;
    }
    lay_run(at, build->earlier, from, build->earlier->count);
}

static struct weftp_pair_set *new_set(uint32_t count, size_t total_size, size_t text_size,
                                      struct laying *at)
{
    struct weftp_pair_set *set = malloc(sizeof *set + count * sizeof set->pairs[0] + text_size);
    if (!set) return NULL;
    set->serial = weftp_pairs_next_serial();
    set->refs = 1;
    set->count = count;
    set->total_size = (uint32_t)total_size;
    set->text_size = (uint32_t)text_size;
    at->pair = set->pairs;
    at->text = (char *)(set->pairs + count);
    return set;
}

/* Say where the whole is that its first pair stands for. */
static struct weftp_pair_set *marked(struct weftp_pair_set *set)
{
    if (set->count) set->pairs[0].reserved2 = weftp_pairs_mark(set->pairs);
    return set;
}

static size_t piece_size(const struct weftp_pair_set *set, uint32_t index)
{
    return (size_t)(piece(set, index + 1) - piece(set, index));
}

/* The first block begins above WEFTP_PAIRS_UNKNOWN and WEFTP_PAIRS_NONE. */
uint64_t weftp_pairs_next_serial(void)
{
    if (serial % SERIAL_BLOCK == 0)
        serial = __atomic_add_fetch(&serial_blocks, SERIAL_BLOCK, __ATOMIC_RELAXED);
    return serial++;
}

struct weftp_pair_set *weftp_pairs_lay(const struct weftp_pair_build *build, const char *scratch)
{
    struct laying at;
    size_t text_size = build->earlier->text_size;
    for (uint32_t i = 0; i < build->count; i++) {
        const struct weftp_pair_entry *entry = &build->entries[i];
        text_size += entry_text_size(entry);
        if (entry->replaces != WEFTP_PAIR_NOT_EARLIER)
            text_size -= piece_size(build->earlier, entry->replaces);
    }
    struct weftp_pair_set *set = new_set(build->set_count, build->total_size, text_size, &at);
    if (!set) return NULL;
    if (build->in_place) lay_earlier(build, &at, scratch);
    for (uint32_t i = 0; i < build->count; i++) {
        const struct weftp_pair_entry *entry = &build->entries[i];
        if (!build->in_place || entry->replaces == WEFTP_PAIR_NOT_EARLIER)
            lay_entry(&at, entry, scratch);
    }
    if (!build->in_place) lay_earlier(build, &at, NULL);
    return marked(set);
}

weft_status weftp_pairs_without(struct weftp_pair_set **out, const struct weftp_pair_set *earlier,
                                const char *key)
{
    struct laying at;
    if (!earlier) earlier = &no_pairs;
    const struct weft_pair *found =
        weftp_pairs_find(earlier->pairs, earlier->count, key, key ? strlen(key) : 0);
    const uint32_t index = found ? (uint32_t)(found - earlier->pairs) : earlier->count;
    const uint32_t count = earlier->count - (found != NULL);
    size_t total_size = earlier->total_size, text_size = earlier->text_size;
    if (found) {
        total_size -= (size_t)found->field.key_size + weftp_pair_value_size(&found->field);
        text_size -= piece_size(earlier, index);
    }
    struct weftp_pair_set *set = new_set(count, total_size, text_size, &at);
    if (!set) return WEFT_ENOMEM;
    lay_run(&at, earlier, 0, index);
    if (found) lay_run(&at, earlier, index + 1, earlier->count);
    *out = marked(set);
    return WEFT_OK;
}
