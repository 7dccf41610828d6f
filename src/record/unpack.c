/*
 * Nothing here trusts a byte: every size is compared with what is left before it is used, recursion
 * ends at the depth that packing keeps, and each field takes bytes, so that work is linear in them.
 */
#include "packed_form.h"

#include "../base/key_look.h"
#include "sites.h"
#include <string.h>

struct reader {
    const char *at, *end;
    weft_field *next;   /* where the next array of fields goes */
    size_t fields_left; /* of the room */
};

/* Return where the next `size` bytes are; NULL when there are not so many. */
static const char *take(struct reader *reader, size_t size)
{
    const char *at = reader->at;
    if (size > (size_t)(reader->end - at)) return NULL;
    reader->at = at + size;
    return at;
}

/* The same for a text with a NUL behind it. */
static const char *take_text(struct reader *reader, size_t size)
{
    const char *text = take(reader, size + 1);
    return text && text[size] == '\0' ? text : NULL;
}

static bool take_array(struct reader *reader, uint32_t count, const weft_field **array)
{
    if (count > reader->fields_left) return false;
    *array = reader->next;
    reader->fields_left -= count;
    if (count) reader->next += count;
    return true;
}

/* Encoders index tables by type. */
static bool is_type(uint8_t type)
{
    return type <= WEFT_TYPE_ERROR && type != WEFT_TYPE_END_;
}

/* ---- pairs ---- */

static bool read_pair(struct reader *reader, struct weft_pair *pair)
{
    struct weftp_packed_pair head;
    const char *at = take(reader, sizeof head);
    if (!at) return false;
    memcpy(&head, at, sizeof head);
    if (head.key_size == 0 || head.key_size > 128 || head.key_json_size > head.json_size)
        return false;
    if (!is_type(head.type) || head.type == WEFT_TYPE_NONE ||
        weftp_packed_kind(head.type) == WEFTP_PACKED_CHILDREN)
        return false;
    *pair = (struct weft_pair){.json_size = head.json_size, .key_json_size = head.key_json_size};
    weft_field *field = &pair->field;
    field->size = head.size;
    field->key_size = head.key_size;
    field->type = head.type;
    field->v.u = head.value;
    field->key = take_text(reader, head.key_size);
    if (!field->key) return false;
    const struct weftp_look look = weftp_key_look(field->key, head.key_size);
    pair->key_hash = look.hash;
    pair->key_flags = (uint16_t)look.flags;
    pair->json = take_text(reader, head.json_size);
    if (!pair->json) return false;
    if (head.type == WEFT_TYPE_JSON) {
        field->v.p = pair->json + head.key_json_size;
        return head.size == head.json_size - head.key_json_size;
    }
    if (weftp_packed_kind(head.type) == WEFTP_PACKED_SCALAR) return true;
    field->v.p = take_text(reader, head.size);
    return field->v.p != NULL;
}

static bool read_pairs(struct reader *reader, struct weft_pair *pairs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!read_pair(reader, &pairs[i])) return false;
    return true;
}

/* ---- fields ---- */

/* Read a field but for its children, whose number is then in its size. */
static bool read_field(struct reader *reader, weft_field *field, enum weftp_packed_kind *kind)
{
    struct weftp_packed_field head;
    const char *at = take(reader, sizeof head);
    if (!at) return false;
    memcpy(&head, at, sizeof head);
    if (!is_type(head.type)) return false;
    *kind = weftp_packed_kind(head.type);
    *field = (weft_field){.size = head.size, .type = head.type};
    field->key_size = (uint8_t)(head.key_size <= 128 ? head.key_size : 0);
    if (!(head.null & WEFTP_PACKED_NULL_KEY)) {
        field->key = take_text(reader, head.key_size);
        if (!field->key) return false;
    } else if (head.key_size) {
        return false;
    }
    if (*kind == WEFTP_PACKED_SCALAR) {
        at = take(reader, sizeof field->v);
        if (at) memcpy(&field->v, at, sizeof field->v);
        return at != NULL;
    }
    if (head.null & WEFTP_PACKED_NULL) return head.size == 0;
    if (*kind == WEFTP_PACKED_CHILDREN) return take_array(reader, head.size, &field->v.f);
    field->v.p = take(reader, head.size);
    return field->v.p != NULL;
}

static bool read_fields(struct reader *reader, weft_field *fields, uint32_t count, unsigned depth)
{
    if (depth > WEFTP_PACKED_DEPTH_MAX) return false;
    for (uint32_t i = 0; i < count; i++) {
        enum weftp_packed_kind kind;
        if (!read_field(reader, &fields[i], &kind)) return false;
        if (kind != WEFTP_PACKED_CHILDREN || fields[i].size == 0) continue;
        weft_field *children = reader->next - fields[i].size;
        if (!read_fields(reader, children, fields[i].size, depth + 1)) return false;
    }
    return true;
}

/* ---- the record ---- */

static bool read_site(struct reader *reader, const struct weftp_packed_head *head,
                      struct weftp_unpacked *out)
{
    out->site_id = head->site_id;
    if (!(head->has & WEFTP_PACKED_HAS_SITE)) return true;
    out->site = (weft_site){.line = head->site_line,
                            .level = head->site_level,
                            .flags = head->site_flags,
                            .id = head->site_id};
    out->site.file = take_text(reader, head->file_size);
    if (!out->site.file) return false;
    out->site.func = take_text(reader, head->func_size);
    out->record.site = &out->site;
    return out->site.func != NULL;
}

static bool read_trace(struct reader *reader, const struct weftp_packed_head *head,
                       struct weftp_unpacked *out)
{
    struct weft_trace *trace = &out->trace;
    if (!(head->has & WEFTP_PACKED_HAS_TRACE)) return true;
    const char *at = take(reader, sizeof *trace);
    if (!at) return false;
    memcpy(trace, at, sizeof *trace);
    trace->trace_id[sizeof trace->trace_id - 1] = '\0';
    trace->span_id[sizeof trace->span_id - 1] = '\0';
    trace->parent_id[sizeof trace->parent_id - 1] = '\0';
    out->record.trace = trace;
    return true;
}

static bool read_texts(struct reader *reader, const struct weftp_packed_head *head,
                       struct weft_record *record)
{
    *record = (struct weft_record){.struct_size = sizeof *record,
                                   .time_ns = head->time_ns,
                                   .pid = head->pid,
                                   .tid = head->tid,
                                   .level = head->level,
                                   .flags = head->flags,
                                   .logger_size = head->logger_size,
                                   .thread_size = head->thread_size,
                                   .message_size = head->message_size};
    record->logger = take(reader, head->logger_size);
    if (!record->logger) return false;
    record->thread = take(reader, head->thread_size);
    if (!record->thread) return false;
    record->message = take(reader, head->message_size);
    return record->message != NULL;
}

static bool read_head(const void *packed, size_t size, struct weftp_packed_head *head)
{
    if (!packed || size < sizeof *head) return false;
    memcpy(head, packed, sizeof *head);
    if (head->version != WEFTP_PACKED_VERSION || head->size > size || head->size < sizeof *head ||
        head->size % WEFTP_PACKED_ALIGN || head->level < INT16_MIN || head->level > INT16_MAX)
        return false;
    const uint64_t pairs = (uint64_t)head->bound_count + head->mdc_count;
    const uint64_t least = pairs * sizeof(struct weftp_packed_pair) +
                           (uint64_t)head->field_total * sizeof(struct weftp_packed_field);
    return head->field_count <= head->field_total && least <= head->size;
}

weft_status weftp_packed_needs(const void *packed, size_t size, struct weftp_packed_needs *needs)
{
    struct weftp_packed_head head;
    if (!read_head(packed, size, &head)) return WEFT_EINVAL;
    needs->size = head.size;
    needs->fields = head.field_total;
    needs->pairs = (size_t)head.bound_count + head.mdc_count;
    return WEFT_OK;
}

static bool read_body(struct reader *reader, const struct weftp_packed_head *head,
                      struct weft_pair *pairs, struct weftp_unpacked *out)
{
    struct weft_record *record = &out->record;
    if (!read_texts(reader, head, record) || !read_site(reader, head, out) ||
        !read_trace(reader, head, out))
        return false;
    record->bound_count = head->bound_count;
    record->mdc_count = head->mdc_count;
    record->field_count = head->field_count;
    if (head->bound_count) record->bound = pairs;
    if (head->mdc_count) record->mdc = pairs + head->bound_count;
    if (!read_pairs(reader, pairs, head->bound_count + head->mdc_count)) return false;
    weft_field *fields = reader->next;
    return take_array(reader, head->field_count, &record->fields) &&
           read_fields(reader, fields, head->field_count, 0) && reader->fields_left == 0 &&
           (size_t)(reader->end - reader->at) < WEFTP_PACKED_ALIGN;
}

weft_status weftp_record_unpack(const void *packed, size_t size,
                                const struct weftp_unpack_room *room, struct weftp_unpacked *out)
{
    struct weftp_packed_head head;
    if (!read_head(packed, size, &head)) return WEFT_EINVAL;
    const size_t pairs = (size_t)head.bound_count + head.mdc_count;
    if (head.field_total > room->field_count || pairs > room->pair_count) return WEFT_ELIMIT;
    struct reader reader = {.at = (const char *)packed + sizeof head,
                            .end = (const char *)packed + head.size,
                            .next = room->fields,
                            .fields_left = head.field_total};
    memset(out, 0, sizeof *out);
    if (!read_body(&reader, &head, room->pairs, out)) return WEFT_EINVAL;
    if ((room->options & WEFTP_UNPACK_TRUSTED) && !out->record.site)
        out->record.site = weftp_site_at(head.site_id);
    return WEFT_OK;
}
