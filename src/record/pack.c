#include "packed_form.h"

#include <string.h>

#define KEY_SIZE_MAX 1028 /* where encoders cut, and a whole character more */

_Static_assert(sizeof(struct weftp_packed_head) == 88, "no padding");
_Static_assert(sizeof(struct weftp_packed_field) == 8, "no padding");
_Static_assert(sizeof(struct weftp_packed_pair) == 24, "no padding");

/* Goes on counting when there is no room, so that measuring is packing into nothing. */
struct writer {
    char *to;
    size_t room;
    size_t size;
    uint32_t field_total;
};

/* Return where `size` bytes go; NULL when they do not fit. */
static inline char *take(struct writer *writer, size_t size)
{
    const size_t at = writer->size;
    writer->size = at + size;
    if (__builtin_expect(at > writer->room || size > writer->room - at, 0)) return NULL;
    return writer->to + at;
}

/*
 * Copy `size` bytes and return the end. Most texts are short: two words that overlap cost less than
 * a call.
 */
static inline char *copy(char *to, const void *bytes, size_t size)
{
    const char *from = bytes;
    if (size > 16) {
        memcpy(to, from, size);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; i++) to[i] = from[i];
    }
    return to + size;
}

/* The same with a NUL behind. */
static inline char *copy_text(char *to, const void *bytes, size_t size)
{
    to = copy(to, bytes, size);
    *to = '\0';
    return to + 1;
}

static void put(struct writer *writer, const void *bytes, size_t size)
{
    char *to = take(writer, size);
    if (to) copy(to, bytes, size);
}

static void put_text(struct writer *writer, const char *text, size_t size)
{
    char *to = take(writer, size + 1);
    if (to) copy_text(to, text, size);
}

static bool has_own_value(const struct weft_pair *pair)
{
    return pair->field.type == WEFT_TYPE_STR || pair->field.type == WEFT_TYPE_BYTES;
}

/* Sets that pair.c built have a pair's text in one piece, in the order that it has here. */
static bool is_one_piece(const struct weft_pair *pair)
{
    const char *key_end = pair->field.key + pair->field.key_size + 1;
    return pair->json == key_end &&
           (!has_own_value(pair) || pair->field.v.p == key_end + pair->json_size + 1);
}

static void put_pair(struct writer *writer, const struct weft_pair *pair)
{
    const weft_field *field = &pair->field;
    const bool own_value = has_own_value(pair);
    const struct weftp_packed_pair head = {
        .value = own_value || field->type == WEFT_TYPE_JSON ? 0 : field->v.u,
        .size = field->size,
        .json_size = pair->json_size,
        .key_json_size = pair->key_json_size,
        .key_size = field->key_size,
        .type = field->type,
    };
    const size_t text_size = (size_t)field->key_size + 1 + pair->json_size + 1 +
                             (own_value ? (size_t)field->size + 1 : 0);
    char *to = take(writer, sizeof head + text_size);
    if (!to) return;
    to = copy(to, &head, sizeof head);
    if (is_one_piece(pair)) {
        memcpy(to, field->key, text_size);
        return;
    }
    to = copy_text(to, field->key, field->key_size);
    to = copy_text(to, pair->json, pair->json_size);
    if (own_value) copy_text(to, field->v.p, field->size);
}

static size_t text_size(const weft_field *field)
{
    if (field->size != WEFT_SIZE_UNKNOWN_ || field->type == WEFT_TYPE_BYTES) return field->size;
    return strlen(field->v.p);
}

/* The fields of an array: up to its count or its END. */
static uint32_t count_fields(const weft_field *fields, size_t count)
{
    uint32_t n = 0;
    while (fields && (count == WEFT_SIZE_UNKNOWN_ || n < count) && fields[n].type != WEFT_TYPE_END_)
        n++;
    return n;
}

/* Write a field's head and key, and return where `value_size` bytes go; NULL: no room. */
static inline char *put_head(struct writer *writer, const weft_field *field,
                             struct weftp_packed_field head, size_t value_size)
{
    size_t key_size = field->key_size;
    if (!field->key) {
        head.null |= WEFTP_PACKED_NULL_KEY;
        char *to = take(writer, sizeof head + value_size);
        return to ? copy(to, &head, sizeof head) : NULL;
    }
    if (key_size == 0) key_size = strnlen(field->key, KEY_SIZE_MAX);
    head.key_size = (uint16_t)key_size;
    char *to = take(writer, sizeof head + key_size + 1 + value_size);
    return to ? copy_text(copy(to, &head, sizeof head), field->key, key_size) : NULL;
}

static inline void put_scalar(struct writer *writer, const weft_field *field)
{
    struct weftp_packed_field head = {.size = field->size, .type = field->type};
    if (field->type > WEFT_TYPE_ERROR) head.type = WEFT_TYPE_NONE; /* nobody would unpack it */
    char *to = put_head(writer, field, head, sizeof field->v);
    if (to) memcpy(to, &field->v, sizeof field->v);
}

static inline void put_text_field(struct writer *writer, const weft_field *field)
{
    struct weftp_packed_field head = {.type = field->type};
    size_t size = 0;
    if (field->v.p)
        size = text_size(field);
    else
        head.null = WEFTP_PACKED_NULL;
    if (size > WEFTP_PACKED_SIZE_MAX) size = WEFTP_PACKED_SIZE_MAX; /* too large for any room */
    head.size = (uint32_t)size;
    char *to = put_head(writer, field, head, size);
    if (to) copy(to, field->v.p, size);
}

/* Write an object or array but for its children, and return how many of those follow. */
static uint32_t put_parent(struct writer *writer, const weft_field *field, unsigned depth)
{
    struct weftp_packed_field head = {.type = field->type};
    if (!field->v.f) head.null = WEFTP_PACKED_NULL;
    if (depth < WEFTP_PACKED_DEPTH_MAX) head.size = count_fields(field->v.f, field->size);
    put_head(writer, field, head, 0);
    return head.size;
}

/* Write the fields of an array up to its count or its END, and return how many they are. */
static uint32_t put_fields(struct writer *writer, const weft_field *fields, size_t count,
                           unsigned depth)
{
    uint32_t i = 0;
    for (; (count == WEFT_SIZE_UNKNOWN_ || i < count) && fields[i].type != WEFT_TYPE_END_; i++) {
        const weft_field *field = &fields[i];
        switch (weftp_packed_kind(field->type)) {
        case WEFTP_PACKED_SCALAR: put_scalar(writer, field); break;
        case WEFTP_PACKED_TEXT: put_text_field(writer, field); break;
        case WEFTP_PACKED_CHILDREN: {
            const uint32_t children = put_parent(writer, field, depth);
            if (children) put_fields(writer, field->v.f, children, depth + 1);
        }
        }
    }
    writer->field_total += i;
    return i;
}

static void head_of_site(struct weftp_packed_head *head, const weft_site *site, unsigned options)
{
    if (!site) return;
    head->site_id = site->id;
    if (options & WEFTP_PACK_SITE_BY_ID) return;
    head->has |= WEFTP_PACKED_HAS_SITE;
    head->site_line = site->line;
    head->site_level = site->level;
    head->site_flags = site->flags;
    head->file_size = (uint16_t)(site->file ? strnlen(site->file, UINT16_MAX) : 0);
    head->func_size = (uint16_t)(site->func ? strnlen(site->func, UINT16_MAX) : 0);
}

static bool head_of(struct weftp_packed_head *head, const struct weft_record *record,
                    unsigned options)
{
    const size_t max = WEFTP_PACKED_SIZE_MAX;
    if (record->logger_size > max || record->thread_size > max || record->message_size > max ||
        record->bound_count > max || record->mdc_count > max ||
        (record->field_count > max && record->field_count != WEFT_SIZE_UNKNOWN_))
        return false;
    *head = (struct weftp_packed_head){
        .version = WEFTP_PACKED_VERSION,
        .has = record->trace ? WEFTP_PACKED_HAS_TRACE : 0,
        .time_ns = record->time_ns,
        .pid = record->pid,
        .tid = record->tid,
        .level = record->level < INT16_MIN   ? INT16_MIN
                 : record->level > INT16_MAX ? INT16_MAX
                                             : record->level,
        .flags = record->flags,
        .logger_size = (uint32_t)record->logger_size,
        .thread_size = (uint32_t)record->thread_size,
        .message_size = (uint32_t)record->message_size,
        .bound_count = (uint32_t)record->bound_count,
        .mdc_count = (uint32_t)record->mdc_count,
    };
    head_of_site(head, record->site, options);
    return true;
}

/* Returns the size, whether or not it fits; SIZE_MAX: no room would do. */
static size_t pack(const struct weft_record *record, unsigned options, void *to, size_t room)
{
    struct weftp_packed_head head;
    struct writer writer = {.to = to, .room = room};
    if (!head_of(&head, record, options)) return SIZE_MAX;
    take(&writer, sizeof head);
    put(&writer, record->logger, record->logger_size);
    put(&writer, record->thread, record->thread_size);
    put(&writer, record->message, record->message_size);
    if (head.has & WEFTP_PACKED_HAS_SITE) {
        put_text(&writer, record->site->file, head.file_size);
        put_text(&writer, record->site->func, head.func_size);
    }
    if (record->trace) put(&writer, record->trace, sizeof *record->trace);
    for (size_t i = 0; i < record->bound_count; i++) put_pair(&writer, &record->bound[i]);
    for (size_t i = 0; i < record->mdc_count; i++) put_pair(&writer, &record->mdc[i]);
    if (record->fields)
        head.field_count = put_fields(&writer, record->fields, record->field_count, 0);
    const size_t padding = -writer.size % WEFTP_PACKED_ALIGN;
    char *end = take(&writer, padding);
    if (writer.size > WEFTP_PACKED_SIZE_MAX) return SIZE_MAX;
    if (!end) return writer.size;
    memset(end, 0, padding);
    head.size = (uint32_t)writer.size;
    head.field_total = writer.field_total;
    memcpy(to, &head, sizeof head);
    return writer.size;
}

size_t weftp_packed_size(const struct weft_record *record, unsigned options)
{
    return pack(record, options, NULL, 0);
}

weft_status weftp_record_pack(const struct weft_record *record, unsigned options, void *to,
                              size_t room, size_t *size)
{
    const size_t needed = pack(record, options, to, room);
    if (needed > room) return WEFT_ELIMIT;
    *size = needed;
    return WEFT_OK;
}
