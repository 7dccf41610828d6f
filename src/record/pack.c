/*
 * Packing runs on the thread that logs, so the common fields - strings and numbers with keys that
 * the compiler measured - go a short way, in line, while there is ample room. All others, and all
 * of them near the end of the room, go the long way, which counts on when there is no room at all:
 * measuring is packing into nothing.
 */
#include "packed_form.h"

#include "pack_bytes.h"
#include "pack_known.h"
#include "pair.h"
#include "templates.h"

#define KEY_SIZE_MAX 1028 /* where encoders cut, and a whole character more */
/* What a field of the short way takes at most, but for its text: head, key with its NUL, value. */
#define AMPLE 160

_Static_assert(sizeof(struct weftp_packed_head) == 56, "no padding");
_Static_assert(sizeof(struct weftp_packed_site) == 12, "no padding");
_Static_assert(sizeof(struct weftp_packed_field) == 8, "no padding");
_Static_assert(sizeof(struct weftp_packed_pair) == 16, "no padding");
_Static_assert(WEFT_TYPE_ERROR <= WEFTP_PACKED_PAIR_TYPE, "a type takes four bits");
_Static_assert(AMPLE >= sizeof(struct weftp_packed_field) + WEFTP_PACKED_KEY_MAX + 1 + 8, "");

#define APART __attribute__((noinline, cold))

struct writer {
    char *at, *end;
    uint64_t missed; /* bytes that there was no room for */
    uint32_t field_total;
};

/* Return where `size` bytes go; NULL when they do not fit, and then nothing does any more. */
static inline char *take(struct writer *writer, size_t size)
{
    if (__builtin_expect(size > (size_t)(writer->end - writer->at), 0)) {
        writer->end = writer->at;
        writer->missed += size;
        return NULL;
    }
    char *at = writer->at;
    writer->at = at + size;
    return at;
}

static void put(struct writer *writer, const void *bytes, size_t size)
{
    char *to = take(writer, size);
    if (to && size) memcpy(to, bytes, size);
}

static void put_text(struct writer *writer, const char *text, size_t size)
{
    char *to = take(writer, size + 1);
    if (to) weftp_pack_text(to, text, size);
}

/* ---- pairs ---- */

static APART void put_pair(struct writer *writer, const struct weft_pair *pair)
{
    const weft_field *field = &pair->field;
    const struct weftp_packed_pair head = weftp_packed_pair_head(pair);
    const size_t value_size = weftp_packed_pair_value_size(field->type, field->size);
    char *to = take(writer, sizeof head + field->key_size + 1 + pair->json_size + 1 + value_size);
    if (!to) return;
    to = weftp_pack_copy(to, &head, sizeof head);
    to = weftp_pack_text(to, field->key, field->key_size);
    to = weftp_pack_text(to, pair->json, pair->json_size);
    if (weftp_packed_kind(field->type) == WEFTP_PACKED_SCALAR)
        memcpy(to, &field->v, sizeof field->v);
    else if (value_size)
        weftp_pack_text(to, field->v.p, field->size);
}

static WEFTP_PACK_IN_LINE void put_pairs(struct writer *writer, const struct weft_pair *pairs,
                                         size_t count)
{
    const struct weftp_pair_set *set = weftp_pairs_set(pairs, count);
    if (__builtin_expect(set != NULL, 1)) {
        put(writer, set->pairs + count, set->text_size);
        return;
    }
    for (size_t i = 0; i < count; i++) put_pair(writer, &pairs[i]);
}

/* ---- fields, the long way ---- */

static uint32_t put_fields(struct writer *writer, const weft_field *fields, size_t count,
                           unsigned depth);

/* The fields of an array: up to its count or its END. */
static uint32_t count_fields(const weft_field *fields, size_t count)
{
    uint32_t n = 0;
    while (fields && n < count && fields[n].type != WEFT_TYPE_END_) n++;
    return n;
}

static size_t text_size(const weft_field *field)
{
    if (field->size != WEFT_SIZE_UNKNOWN_ || field->type == WEFT_TYPE_BYTES) return field->size;
    return strlen(field->v.p);
}

/* Write a field's head and key, and return where `value_size` bytes go; NULL: no room. */
static char *put_head(struct writer *writer, const weft_field *field,
                      struct weftp_packed_field head, size_t value_size)
{
    uint16_t size = 0;
    if (!field->key)
        head.flags |= WEFTP_PACKED_NO_KEY;
    else if (field->key_size)
        size = field->key_size;
    else
        size = (uint16_t)strnlen(field->key, KEY_SIZE_MAX);
    if (size > WEFTP_PACKED_KEY_MAX)
        head.flags |= WEFTP_PACKED_LONG_KEY;
    else
        head.key_size = (uint8_t)size;
    const size_t key_size = field->key ? (size_t)size + 1 : 0;
    const size_t long_size = head.flags & WEFTP_PACKED_LONG_KEY ? sizeof size : 0;
    char *to = take(writer, sizeof head + long_size + key_size + value_size);
    if (!to) return NULL;
    to = weftp_pack_copy(to, &head, sizeof head);
    to = weftp_pack_copy(to, &size, long_size);
    return field->key ? weftp_pack_text(to, field->key, size) : to;
}

/* A value that may stand in its head: all but DOUBLE, and TIME, which has two words. */
static bool may_be_small(uint8_t type)
{
    const unsigned never = 1u << WEFT_TYPE_DOUBLE | 1u << WEFT_TYPE_TIME | 1u << WEFT_TYPE_NONE;
    return type <= WEFT_TYPE_ERROR && !(never >> type & 1);
}

static void put_scalar(struct writer *writer, const weft_field *field)
{
    struct weftp_packed_field head = {.size = field->size, .type = field->type};
    if (may_be_small(field->type) && weftp_pack_is_small(field->v.i)) {
        head.size = (uint32_t)field->v.i;
        head.flags = WEFTP_PACKED_SMALL;
        put_head(writer, field, head, 0);
        return;
    }
    if (field->type > WEFT_TYPE_ERROR) head.type = WEFT_TYPE_NONE; /* nobody would unpack it */
    char *to = put_head(writer, field, head, sizeof field->v);
    if (to) memcpy(to, &field->v, sizeof field->v);
}

static void put_text_field(struct writer *writer, const weft_field *field)
{
    struct weftp_packed_field head = {.type = field->type};
    size_t size = 0;
    if (field->v.p)
        size = text_size(field);
    else
        head.flags = WEFTP_PACKED_NULL;
    if (size > WEFTP_PACKED_SIZE_MAX) size = WEFTP_PACKED_SIZE_MAX; /* too large for any room */
    head.size = (uint32_t)size;
    char *to = put_head(writer, field, head, size);
    if (to) weftp_pack_copy(to, field->v.p, size);
}

static void put_parent(struct writer *writer, const weft_field *field, unsigned depth)
{
    struct weftp_packed_field head = {.type = field->type};
    if (!field->v.f) head.flags = WEFTP_PACKED_NULL;
    if (depth < WEFTP_PACKED_DEPTH_MAX) head.size = count_fields(field->v.f, field->size);
    put_head(writer, field, head, 0);
    if (head.size && field->v.f) put_fields(writer, field->v.f, head.size, depth + 1);
}

static APART void put_field(struct writer *writer, const weft_field *field, unsigned depth)
{
    switch (weftp_packed_kind(field->type)) {
    case WEFTP_PACKED_SCALAR: put_scalar(writer, field); break;
    case WEFTP_PACKED_TEXT: put_text_field(writer, field); break;
    case WEFTP_PACKED_CHILDREN: put_parent(writer, field, depth); break;
    }
}

/* ---- fields, the short way: the same bytes ---- */

static WEFTP_PACK_IN_LINE bool is_quick_number(uint8_t type)
{
    return type == WEFT_TYPE_INT || type == WEFT_TYPE_UINT || type == WEFT_TYPE_BOOL;
}

/* Write the head, of which two bytes are the field's own, and the key. */
static WEFTP_PACK_IN_LINE char *quick_head(char *to, const weft_field *field, uint32_t size,
                                           uint16_t flags)
{
    uint16_t key_and_type;
    memcpy(&key_and_type, &field->key_size, sizeof key_and_type);
    const uint64_t word = weftp_pack_head(size, key_and_type, flags);
    memcpy(to, &word, sizeof word);
    return weftp_pack_text(to + sizeof word, field->key, field->key_size);
}

static WEFTP_PACK_IN_LINE char *quick_wide(char *to, const weft_field *field)
{
    to = quick_head(to, field, field->size, 0);
    memcpy(to, &field->v, sizeof field->v);
    return to + sizeof field->v;
}

/*
 * Write a field where there is ample room - AMPLE bytes behind `limit` - and return the end; NULL:
 * it needs the long way.
 */
static WEFTP_PACK_IN_LINE char *quick_field(char *to, const char *limit, const weft_field *field)
{
    if (to > limit || field->key_size - 1u >= WEFTP_PACKED_KEY_MAX || !field->key) return NULL;
    if (field->type == WEFT_TYPE_STR) {
        if (!field->v.p) return NULL;
        const size_t size =
            field->size == WEFT_SIZE_UNKNOWN_ ? strlen(field->v.p) : (size_t)field->size;
        if (size > (size_t)(limit - to)) return NULL;
        return weftp_pack_copy(quick_head(to, field, (uint32_t)size, 0), field->v.p, size);
    }
    if (field->type == WEFT_TYPE_DOUBLE) return quick_wide(to, field);
    if (!is_quick_number(field->type)) return NULL;
    if (!weftp_pack_is_small(field->v.i)) return quick_wide(to, field);
    return quick_head(to, field, (uint32_t)field->v.i, WEFTP_PACKED_SMALL);
}

/* Behind this there is no ample room. */
static const char *limit_of(const struct writer *writer)
{
    return writer->end - writer->at >= AMPLE ? writer->end - AMPLE : writer->at - 1;
}

/* Write fields up to a count or an END, and return how many they are. */
static uint32_t put_fields(struct writer *writer, const weft_field *fields, size_t count,
                           unsigned depth)
{
    char *at = writer->at;
    const char *limit = limit_of(writer);
    const weft_field *field = fields;
    for (size_t left = count; left > 0; left--, field++) {
        char *next = quick_field(at, limit, field);
        if (__builtin_expect(next != NULL, 1)) {
            at = next;
            continue;
        }
        if (field->type == WEFT_TYPE_END_) break;
        writer->at = at;
        put_field(writer, field, depth);
        at = writer->at;
        limit = limit_of(writer);
    }
    writer->at = at;
    const uint32_t found = (uint32_t)(field - fields);
    writer->field_total += found;
    return found;
}

/* ---- the record ---- */

/* False: no head holds that. */
static bool has_room_in_head(const struct weft_record *record)
{
    const size_t small =
        record->logger_size | record->thread_size | record->bound_count | record->mdc_count;
    return small <= UINT16_MAX && record->message_size <= WEFTP_PACKED_SIZE_MAX;
}

static unsigned extras_of(const struct weft_record *record, unsigned options)
{
    unsigned has = record->trace ? WEFTP_PACKED_HAS_TRACE : 0;
    if (record->site && !(options & WEFTP_PACK_SITE_BY_ID)) has |= WEFTP_PACKED_HAS_SITE;
    const uint64_t pid = (uint64_t)record->pid + (1u << 31),
                   tid = (uint64_t)record->tid + (1u << 31);
    if ((pid | tid) >> 32) has |= WEFTP_PACKED_HAS_WIDE;
    return has;
}

static int16_t level_of(int level)
{
    return (int16_t)(level < INT16_MIN ? INT16_MIN : level > INT16_MAX ? INT16_MAX : level);
}

/* What the record itself says; the sizes come when they are known. */
static WEFTP_PACK_IN_LINE void put_ids(struct weftp_packed_head *head,
                                       const struct weft_record *record, unsigned has)
{
    head->version = WEFTP_PACKED_VERSION;
    head->has = (uint16_t)has;
    head->time_ns = record->time_ns;
    head->pid = (int32_t)record->pid;
    head->tid = (int32_t)record->tid;
    head->level = level_of(record->level);
    head->flags = record->flags;
    head->logger_size = (uint16_t)record->logger_size;
    head->thread_size = (uint16_t)record->thread_size;
    head->message_size = (uint32_t)record->message_size;
    head->bound_count = (uint16_t)record->bound_count;
    head->mdc_count = (uint16_t)record->mdc_count;
    head->site_id = record->site ? __atomic_load_n(&record->site->id, __ATOMIC_RELAXED) : 0;
}

static void put_site(struct writer *writer, const weft_site *site)
{
    const char *file = site->file ? site->file : "", *func = site->func ? site->func : "";
    const struct weftp_packed_site head = {
        .line = site->line,
        .level = site->level,
        .flags = site->flags,
        .file_size = (uint16_t)strnlen(file, UINT16_MAX),
        .func_size = (uint16_t)strnlen(func, UINT16_MAX),
    };
    put(writer, &head, sizeof head);
    put_text(writer, file, head.file_size);
    put_text(writer, func, head.func_size);
}

/* What few records have, or only those that leave the process. */
static APART void put_extras(struct writer *writer, const struct weft_record *record, unsigned has)
{
    if (has & WEFTP_PACKED_HAS_WIDE) {
        put(writer, &record->pid, sizeof record->pid);
        put(writer, &record->tid, sizeof record->tid);
    }
    if (has & WEFTP_PACKED_HAS_SITE) put_site(writer, record->site);
    if (has & WEFTP_PACKED_HAS_TRACE) put(writer, record->trace, sizeof *record->trace);
}

static WEFTP_PACK_IN_LINE void put_texts(struct writer *writer, const struct weft_record *record)
{
    char *to = take(writer, record->logger_size + record->thread_size + record->message_size);
    if (!to) return;
    to = weftp_pack_copy(to, record->logger, record->logger_size);
    to = weftp_pack_copy(to, record->thread, record->thread_size);
    weftp_pack_copy(to, record->message, record->message_size);
}

static WEFTP_PACK_IN_LINE void put_body(struct writer *writer, const struct weft_record *record,
                                        unsigned has)
{
    put_texts(writer, record);
    if (__builtin_expect(has != 0, 0)) put_extras(writer, record, has);
    if (record->bound_count) put_pairs(writer, record->bound, record->bound_count);
    if (record->mdc_count) put_pairs(writer, record->mdc, record->mdc_count);
}

/* Sixteen zeroes where they fit: the room behind the record may be written. */
static WEFTP_PACK_IN_LINE void put_padding(struct writer *writer, size_t padding)
{
    const size_t left = (size_t)(writer->end - writer->at);
    char *to = take(writer, padding);
    if (left >= WEFTP_PACKED_ALIGN)
        memset(to, 0, WEFTP_PACKED_ALIGN);
    else if (to)
        memset(to, 0, padding);
}

/* Returns the size, whether or not it fits; SIZE_MAX: no room would do. */
static size_t pack(const struct weft_record *record, unsigned options, char *to, size_t room)
{
    struct writer writer = {.at = to, .end = to + room};
    const unsigned has = extras_of(record, options);
    uint32_t count = 0;
    if (!to || !has_room_in_head(record)) return SIZE_MAX;
    struct weftp_packed_head *head = (void *)take(&writer, sizeof *head);
    if (head) put_ids(head, record, has);
    put_body(&writer, record, has);
    if (record->fields) count = put_fields(&writer, record->fields, record->field_count, 0);
    const uint64_t whole = (uint64_t)(writer.at - to) + writer.missed;
    if (whole > WEFTP_PACKED_SIZE_MAX) return SIZE_MAX;
    const size_t size = (size_t)whole, padding = -size % WEFTP_PACKED_ALIGN;
    put_padding(&writer, padding);
    if (__builtin_expect(!head || writer.missed != 0, 0)) return size + padding;
    head->size = (uint32_t)(size + padding);
    head->template_number = 0;
    head->field_count = count;
    head->field_total = writer.field_total;
    return size + padding;
}

size_t weftp_packed_size(const struct weft_record *record, unsigned options)
{
    char nothing;
    char *volatile nowhere = &nothing; /* compilers warn of what does not come to pass */
    return pack(record, options, nowhere, 0);
}

/* Whose number is known where the record is read: sites are then known by their ids, too. */
static const struct weftp_template *template_of(const struct weft_record *record, unsigned options)
{
    const bool may_have =
        (options & (WEFTP_PACK_SITE_BY_ID | WEFTP_PACK_KEYS)) == WEFTP_PACK_SITE_BY_ID &&
        record->site && record->fields;
    return may_have ? weftp_template_of(record->site) : NULL;
}

weft_status weftp_record_pack(const struct weft_record *record, unsigned options, void *to,
                              size_t room, size_t *size)
{
    const struct weftp_template *known = template_of(record, options);
    size_t needed = known ? weftp_pack_known(record, known, to, room) : 0;
    if (needed == 0) needed = pack(record, options, to, room);
    if (__builtin_expect(needed > room, 0)) return WEFT_ELIMIT;
    *size = needed;
    return WEFT_OK;
}
