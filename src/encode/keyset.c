#include "keyset.h"

#include "../base/number.h"
#include "../base/utf8.h"
#include "names.h"

static char *put_replacement(char *to)
{
    memcpy(to, "\xef\xbf\xbd", 3);
    return to + 3;
}

/* Copy with each maximal ill-formed subpart as U+FFFD: what the string writer will make of it. */
static char *copy_repaired(char *to, const char *text, size_t size)
{
    while (size > 0) {
        const int step = weftp_utf8_step((const unsigned char *)text, size);
        const size_t length = (size_t)(step < 0 ? -step : step);
        if (step < 0) {
            to = put_replacement(to);
        } else {
            memcpy(to, text, length);
            to += length;
        }
        text += length;
        size -= length;
    }
    return to;
}

static void replace_marks(char *from, const char *end)
{
    for (char *c = from; c < end; c++) {
        if (*c == '.' || *c == '*' || *c == '\\') *c = '_';
    }
}

size_t weftp_entry_text(const struct weftp_entry *entry, char to[WEFTP_ENTRY_TEXT_MAX])
{
    char *end = to;
    if (entry->flags & WEFTP_KEY_ESCAPED) {
        end = copy_repaired(end, entry->key, entry->key_size);
    } else {
        memcpy(end, entry->key, entry->key_size);
        end += entry->key_size;
    }
    if (entry->flags & WEFTP_ENTRY_REPLACED) replace_marks(to, end);
    if (entry->suffix) {
        *end++ = '_';
        end = weftp_u64_text(end, entry->suffix);
    }
    return (size_t)(end - to);
}

#define PRINTED_OTHERWISE (WEFTP_KEY_ESCAPED | WEFTP_ENTRY_REPLACED)

static bool stands_as_given(const struct weftp_entry *entry)
{
    return !(entry->flags & PRINTED_OTHERWISE) && entry->suffix == 0;
}

void weftp_entry_rehash(struct weftp_entry *entry)
{
    if (stands_as_given(entry)) {
        entry->hash = weftp_key_look(entry->key, entry->key_size).hash;
    } else {
        char text[WEFTP_ENTRY_TEXT_MAX];
        entry->hash = weftp_key_look(text, weftp_entry_text(entry, text)).hash;
    }
    entry->hash ^= weftp_space_salt(entry->space);
}

bool weftp_entry_same(const struct weftp_entry *a, const struct weftp_entry *b)
{
    if (a->space != b->space) return false;
    if (stands_as_given(a) && stands_as_given(b)) {
        return a->key_size == b->key_size && memcmp(a->key, b->key, a->key_size) == 0;
    }
    char text_a[WEFTP_ENTRY_TEXT_MAX], text_b[WEFTP_ENTRY_TEXT_MAX];
    const size_t size = weftp_entry_text(a, text_a);
    return size == weftp_entry_text(b, text_b) && memcmp(text_a, text_b, size) == 0;
}

long weftp_keyset_holder(const struct weftp_keyset *set, const struct weftp_entry *entry)
{
    for (uint32_t slot = entry->hash & set->mask; set->slots[slot]; slot = (slot + 1) & set->mask) {
        const uint32_t holder = set->slots[slot] - 1U;
        if (set->entries[holder].hash == entry->hash &&
            weftp_entry_same(&set->entries[holder], entry)) {
            return (long)holder;
        }
    }
    return -1;
}
