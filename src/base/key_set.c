#include "key_set.h"

#include "json_text.h"
#include "key_hash.h"
#include "number.h"
#include <stdlib.h>

#define FIRST_CAPACITY 64

void weftp_key_set_init(struct weftp_key_set *set)
{
    set->table = NULL;
    set->count = set->capacity = 0;
}

void weftp_key_set_deinit(struct weftp_key_set *set)
{
    free(set->table);
    weftp_key_set_init(set);
}

/*
 * Raw JSON may come from anybody: the address of the set, which differs from run to run, keeps its
 * hashes from being known in advance.
 */
static uint32_t hash_of(const struct weftp_key_set *set, const char *text, size_t size)
{
    return weftp_hash_bytes((uint64_t)(uintptr_t)set * UINT64_C(0xA0761D6478BD642F), text, size);
}

static bool is_same(const struct weftp_key_entry *entry, const struct weft_out *out, size_t at,
                    uint32_t size)
{
    return entry->size == size && memcmp(out->data + entry->at, out->data + at, size) == 0;
}

/*
 * The entry of a text, or the place for a new one (at == 0) in the table, which always has free
 * places.
 */
static struct weftp_key_entry *find_in_table(struct weftp_key_set *set, const struct weft_out *out,
                                             size_t at, uint32_t size, uint32_t hash)
{
    uint32_t place = hash & (set->capacity - 1);
    for (;; place = (place + 1) & (set->capacity - 1)) {
        struct weftp_key_entry *entry = &set->table[place];
        if (entry->at == 0 || (entry->hash == hash && is_same(entry, out, at, size))) return entry;
    }
}

static struct weftp_key_entry *find(struct weftp_key_set *set, const struct weft_out *out,
                                    size_t at, uint32_t size)
{
    if (set->table) {
        struct weftp_key_entry *entry =
            find_in_table(set, out, at, size, hash_of(set, out->data + at, size));
        return entry->at ? entry : NULL;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (is_same(&set->few[i], out, at, size)) return &set->few[i];
    }
    return NULL;
}

static void insert_in_table(struct weftp_key_entry *table, uint32_t capacity,
                            const struct weftp_key_entry *entry)
{
    uint32_t place = entry->hash & (capacity - 1);
    while (table[place].at) place = (place + 1) & (capacity - 1);
    table[place] = *entry;
}

/* Go over to a table, or to one of twice the size. */
static bool grow(struct weftp_key_set *set, const struct weft_out *out)
{
    const uint32_t capacity = set->table ? set->capacity * 2 : FIRST_CAPACITY;
    struct weftp_key_entry *table = capacity ? calloc(capacity, sizeof *table) : NULL;
    if (!table) return false;
    if (!set->table) {
        for (uint32_t i = 0; i < set->count; i++) {
            set->few[i].hash = hash_of(set, out->data + set->few[i].at, set->few[i].size);
            insert_in_table(table, capacity, &set->few[i]);
        }
    }
    for (uint32_t i = 0; i < set->capacity; i++) {
        if (set->table[i].at) insert_in_table(table, capacity, &set->table[i]);
    }
    free(set->table);
    set->table = table;
    set->capacity = capacity;
    return true;
}

static bool insert(struct weftp_key_set *set, const struct weft_out *out, size_t at, uint32_t size)
{
    const uint32_t full = set->table ? set->capacity / 4 * 3 : WEFTP_KEY_SET_FEW;
    if (set->count == full && !grow(set, out)) return false;
    struct weftp_key_entry entry = {at, size, 0, 0};
    if (set->table) {
        entry.hash = hash_of(set, out->data + at, size);
        insert_in_table(set->table, set->capacity, &entry);
    } else {
        set->few[set->count] = entry;
    }
    set->count++;
    return true;
}

/*
 * Put a suffix that is free behind the key at `at`; `twin` is the entry that it is the same as.
 * Returns its new size.
 */
static uint32_t rename_key(struct weftp_key_set *set, struct weft_out *out, size_t at,
                           struct weftp_key_entry *twin)
{
    uint32_t size;
    do {
        char suffix[1 + WEFTP_INTEGER_TEXT_MAX + 1] = "_";
        char *end = weftp_u64_text(suffix + 1, ++twin->renamed);
        *end++ = '"';
        weftp_out_rewind(out, at + twin->size);
        weftp_out_put(out, suffix, (size_t)(end - suffix));
        if (out->overflow) return 0;
        size = (uint32_t)(weftp_out_size(out) - at - 1);
    } while (find(set, out, at, size));
    return size;
}

void weftp_key_set_put(struct weftp_key_set *set, struct weft_out *out, const char *key,
                       size_t size, unsigned *notes)
{
    const size_t at = weftp_out_size(out) + 1;
    weftp_json_string(out, key, size);
    if (out->overflow) return;
    uint32_t written = (uint32_t)(weftp_out_size(out) - at - 1);
    struct weftp_key_entry *twin = find(set, out, at, written);
    if (twin) {
        *notes |= WEFTP_NOTE_RENAMED;
        written = rename_key(set, out, at, twin);
        if (out->overflow) return;
    }
    if (!insert(set, out, at, written)) {
        weftp_out_grow(out, SIZE_MAX); /* no memory: the content is not whole */
        return;
    }
    weftp_out_char(out, ':');
}
