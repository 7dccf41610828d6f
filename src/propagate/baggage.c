/*
 * W3C Baggage. What came in goes on as it came, but for the white space in it; whole members are
 * dropped, never parts: malformed ones, and those past 64 members or 8,192 bytes.
 */
#include "chars.h"
#include "percent.h"
#include "registry.h"

#include <string.h>

enum { LINES_MAX = 64, MEMBERS_MAX = 64, SIZE_MAX_ALL = 8192 };

struct member {
    const char *text;
    size_t size;
    size_t key_size;
    size_t value_at, value_size;
    size_t spaces; /* bytes of optional white space, which are not passed on */
};

static size_t skip_spaces(struct member *member, size_t at)
{
    while (at < member->size && weftp_is_ows(member->text[at])) at++, member->spaces++;
    return at;
}

static size_t skip_class(const struct member *member, size_t at, enum weftp_char_class class)
{
    return at + weftp_char_span(member->text + at, member->size - at, class);
}

static bool stands_at(const struct member *member, size_t at, char c)
{
    return at < member->size && member->text[at] == c;
}

/*
 * ";" key [ "=" value ], with white space around each. Returns where it ends, 0 when it is
 * malformed.
 */
static size_t property_end(struct member *member, size_t at)
{
    if (!stands_at(member, at, ';')) return 0;
    const size_t key = skip_spaces(member, at + 1);
    at = skip_class(member, key, WEFTP_CHAR_TOKEN);
    if (at == key) return 0;
    at = skip_spaces(member, at);
    if (!stands_at(member, at, '=')) return at;
    at = skip_class(member, skip_spaces(member, at + 1), WEFTP_CHAR_BAGGAGE);
    return skip_spaces(member, at);
}

/* key "=" value *( ";" property ) */
static bool member_parse(struct member *member)
{
    member->spaces = 0;
    member->key_size = skip_class(member, 0, WEFTP_CHAR_TOKEN);
    size_t at = skip_spaces(member, member->key_size);
    if (member->key_size == 0 || !stands_at(member, at, '=')) return false;
    member->value_at = skip_spaces(member, at + 1);
    at = skip_class(member, member->value_at, WEFTP_CHAR_BAGGAGE);
    member->value_size = at - member->value_at;
    at = skip_spaces(member, at);
    while (at > 0 && at < member->size) at = property_end(member, at);
    return at > 0;
}

/* Take the next member of a list from *at on; false at its end. Empty members are passed over. */
static bool member_next(struct member *member, const char *list, size_t size, size_t *at)
{
    while (*at < size) {
        const char *comma = memchr(list + *at, ',', size - *at);
        member->size = (comma ? (size_t)(comma - list) : size) - *at;
        member->text = weftp_ows_trim(list + *at, &member->size);
        *at = comma ? (size_t)(comma - list) + 1 : size;
        if (member->size > 0) return true;
    }
    return false;
}

/* The members that are kept, as they stand in the carrier. */
struct list {
    size_t count;
    size_t size;  /* of all, without white space, and the commas between them */
    size_t bytes; /* of the headers that they are from */
    size_t lines;
    struct kept {
        const char *text;
        uint32_t size, spaces;
    } members[MEMBERS_MAX];
};

static bool list_add(struct list *list, const struct member *member)
{
    const size_t size = member->size - member->spaces + (list->count > 0);
    if (list->count == MEMBERS_MAX || list->size + size > SIZE_MAX_ALL) return false;
    list->members[list->count++] =
        (struct kept){member->text, (uint32_t)member->size, (uint32_t)member->spaces};
    list->size += size;
    return true;
}

static bool key_wanted(const struct weft_propagated *context, const struct member *member)
{
    for (uint32_t i = 0; i < context->baggage_key_count; i++) {
        const char *key = context->baggage_keys[i];
        if (strncmp(key, member->text, member->key_size) == 0 && !key[member->key_size])
            return true;
    }
    return false;
}

static weft_status entry_add(struct weft_propagated *context, const struct member *member)
{
    if (context->baggage_count == WEFT_BAGGAGE_MAX) return WEFT_OK;
    const char *text = member->text + member->value_at;
    struct weft_baggage entry = {member->text, text, (uint32_t)member->key_size,
                                 (uint32_t)member->value_size};
    if (memchr(text, '%', member->value_size)) {
        char *plain = weft_propagated_alloc(context, 2 * member->value_size);
        if (!plain) return WEFT_ENOMEM;
        entry.value_size = (uint32_t)weftp_percent_decode(plain, text, member->value_size);
        entry.value = plain;
    }
    context->baggage[context->baggage_count++] = entry;
    return WEFT_OK;
}

static weft_status line_extract(struct weft_propagated *context, struct list *list,
                                const char *line, size_t size)
{
    struct member member;
    bool whole = true;
    for (size_t at = 0; member_next(&member, line, size, &at);) {
        const bool kept = member_parse(&member) && list_add(list, &member);
        whole &= kept;
        if (list->count == MEMBERS_MAX && !kept) break;
        if (!kept || !key_wanted(context, &member)) continue;
        const weft_status status = entry_add(context, &member);
        if (status) return status;
    }
    if (!whole) context->rejected++;
    list->bytes += size;
    list->lines++;
    return WEFT_OK;
}

static char *copy_without_spaces(char *to, const struct kept *member)
{
    if (member->spaces == 0) {
        memcpy(to, member->text, member->size);
        return to + member->size;
    }
    for (uint32_t i = 0; i < member->size; i++)
        if (!weftp_is_ows(member->text[i])) *to++ = member->text[i];
    return to;
}

static weft_status list_carry(const struct list *list, struct weft_propagated *context)
{
    if (list->count == 0) return WEFT_OK;
    const char *text = list->members[0].text;
    if (list->lines > 1 || list->bytes != list->size) {
        char *to = weft_propagated_alloc(context, list->size);
        if (!to) return WEFT_ENOMEM;
        text = to;
        for (size_t i = 0; i < list->count; i++) {
            if (i > 0) *to++ = ',';
            to = copy_without_spaces(to, &list->members[i]);
        }
    }
    (void)weft_propagated_carry(
        context, (struct weft_carried){"baggage", text, (uint32_t)list->size, WEFT_OF_REQUEST});
    return WEFT_OK;
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    struct list list;
    list.count = list.size = list.bytes = list.lines = 0;
    for (size_t i = 0;; i++) {
        size_t size = 0;
        const char *line = getter->get(carrier, "baggage", i, &size);
        if (!line) break;
        if (i == LINES_MAX) {
            context->rejected++;
            break;
        }
        if (size == 0) continue;
        const weft_status status = line_extract(context, &list, line, size);
        if (status) return status;
    }
    return list_carry(&list, context);
}

/* The header that is being written. */
struct text {
    size_t size, count;
    char data[SIZE_MAX_ALL + 1];
};

static void text_add(struct text *text, const char *member, size_t size)
{
    const size_t comma = text->size > 0;
    if (text->count == MEMBERS_MAX || text->size + comma + size > SIZE_MAX_ALL) return;
    if (comma) text->data[text->size++] = ',';
    memcpy(text->data + text->size, member, size);
    text->size += size;
    text->count++;
}

static void text_add_entry(struct text *text, const struct weft_baggage *entry)
{
    const size_t comma = text->size > 0, head = comma + entry->key_size + 1;
    if (text->count == MEMBERS_MAX || text->size + head > SIZE_MAX_ALL) return;
    char *to = text->data + text->size;
    size_t value = 0;
    if (!weftp_percent_encode(to + head, SIZE_MAX_ALL - text->size - head, entry->value,
                              entry->value_size, &value))
        return;
    if (comma) *to++ = ',';
    memcpy(to, entry->key, entry->key_size);
    to[entry->key_size] = '=';
    text->size += head + value;
    text->count++;
}

static const struct weft_baggage *entry_find(const struct weft_propagated *context,
                                             const struct member *member, uint32_t *index)
{
    for (uint32_t i = 0; i < context->baggage_count; i++) {
        const struct weft_baggage *entry = &context->baggage[i];
        *index = i;
        if (entry->key_size == member->key_size &&
            memcmp(entry->key, member->text, member->key_size) == 0)
            return entry;
    }
    return NULL;
}

/*
 * Pass on what came; return, a bit each, which entries of the thread's context are among it with
 * the same value.
 */
static uint64_t add_carried(struct text *text, const struct weft_propagated *context,
                            const struct weft_carried *carried)
{
    uint64_t done = 0;
    struct member member;
    for (size_t at = 0; member_next(&member, carried->value, carried->size, &at);) {
        uint32_t index = 0;
        if (!member_parse(&member)) continue;
        const struct weft_baggage *entry = entry_find(context, &member, &index);
        if (entry) {
            const bool same = weftp_percent_same(member.text + member.value_at, member.value_size,
                                                 entry->value, entry->value_size);
            if (!same || (done >> index & 1))
                continue; /* replaced by the entry, or passed on already */
            done |= (uint64_t)1 << index;
        }
        text_add(text, member.text, member.size);
    }
    return done;
}

static weft_status inject_entries(const struct weft_propagated *context,
                                  const struct weft_carried *carried, const weft_setter *setter,
                                  void *carrier)
{
    struct text text;
    text.size = text.count = 0;
    const uint64_t done = carried ? add_carried(&text, context, carried) : 0;
    for (uint32_t i = 0; i < context->baggage_count; i++) {
        const struct weft_baggage *entry = &context->baggage[i];
        const bool token =
            entry->key_size > 0 &&
            weftp_char_span(entry->key, entry->key_size, WEFTP_CHAR_TOKEN) == entry->key_size;
        if (token && !(done >> i & 1)) text_add_entry(&text, entry);
    }
    if (text.size == 0) return WEFT_OK;
    text.data[text.size] = '\0';
    return setter->set(carrier, "baggage", text.data, text.size);
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    const struct weft_carried *carried = weft_propagated_find(context, "baggage");
    if (context->baggage_count > 0) return inject_entries(context, carried, setter, carrier);
    return carried ? setter->set(carrier, carried->name, carried->value, carried->size) : WEFT_OK;
}

const struct weft_propagator_type weftp_propagator_baggage = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "baggage",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){"baggage", NULL},
};
