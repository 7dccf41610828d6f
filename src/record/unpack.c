/*
 * One reader in two forms. The checking one believes no byte: every size is compared with what is
 * left before it is used, recursion ends at the depth that packing keeps, and each field takes
 * bytes, so that work is linear in them. The trusting one is made of the same functions without the
 * comparisons: `trusted` is a constant wherever they are compiled.
 */
#include "kept.h"
#include "key_list.h"
#include "packed_form.h"

#include "../base/key_look.h"
#include "sites.h"
#include "templates.h"

#define IN_LINE inline __attribute__((always_inline))
#define APART   __attribute__((noinline, cold))

_Static_assert(offsetof(weft_field, key_size) == offsetof(weft_field, size) + 4, "as in a head");
_Static_assert(offsetof(weft_field, type) == offsetof(weft_field, size) + 5, "as in a head");
_Static_assert(offsetof(weft_field, reserved) == offsetof(weft_field, size) + 6, "as in a head");

struct reader {
    const char *at, *end;
    weft_field *next;   /* where the next array of fields goes */
    size_t fields_left; /* of the room */
};

/* Return where the next `size` bytes are; NULL when there are not so many. */
static IN_LINE const char *take(struct reader *reader, size_t size, const bool trusted)
{
    const char *at = reader->at;
    if (!trusted && size > (size_t)(reader->end - at)) return NULL;
    reader->at = at + size;
    return at;
}

/* The same for a text with a NUL behind it. */
static IN_LINE const char *take_text(struct reader *reader, size_t size, const bool trusted)
{
    const char *text = take(reader, size + 1, trusted);
    return trusted || (text && text[size] == '\0') ? text : NULL;
}

/* Copy the next `size` bytes out. */
static IN_LINE bool take_copy(struct reader *reader, void *to, size_t size, const bool trusted)
{
    const char *at = take(reader, size, trusted);
    if (!trusted && !at) return false;
    memcpy(to, at, size);
    return true;
}

static IN_LINE bool take_array(struct reader *reader, uint32_t count, const weft_field **array,
                               const bool trusted)
{
    if (!trusted && count > reader->fields_left) return false;
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

static bool is_pair(const struct weftp_packed_pair *head, uint8_t type)
{
    if (head->key_size == 0 || head->key_size > WEFTP_PACKED_KEY_MAX ||
        head->key_json_size > head->json_size)
        return false;
    if (type == WEFT_TYPE_JSON) return head->size == head->json_size - head->key_json_size;
    return is_type(type) && type != WEFT_TYPE_NONE &&
           weftp_packed_kind(type) != WEFTP_PACKED_CHILDREN;
}

static IN_LINE bool read_pair_value(struct reader *reader, struct weft_pair *pair,
                                    const bool trusted)
{
    weft_field *field = &pair->field;
    if (field->type == WEFT_TYPE_STR || field->type == WEFT_TYPE_BYTES) {
        field->v.p = take_text(reader, field->size, trusted);
        return trusted || field->v.p;
    }
    if (field->type != WEFT_TYPE_JSON)
        return take_copy(reader, &field->v, sizeof field->v, trusted);
    field->v.p = pair->json + pair->key_json_size;
    return true;
}

static IN_LINE bool read_pair(struct reader *reader, struct weft_pair *pair, const bool trusted)
{
    struct weftp_packed_pair head;
    if (!take_copy(reader, &head, sizeof head, trusted)) return false;
    const uint8_t type = head.type & WEFTP_PACKED_PAIR_TYPE;
    if (!trusted && !is_pair(&head, type)) return false;
    pair->field.size = head.size;
    pair->field.key_size = head.key_size;
    pair->field.type = type;
    pair->field.reserved = 0;
    pair->field.key = take_text(reader, head.key_size, trusted);
    pair->json_size = head.json_size;
    pair->key_json_size = head.key_json_size;
    pair->key_flags = head.type >> 4;
    pair->key_hash = head.key_hash;
    pair->reserved2 = 0;
    if (!trusted) {
        if (!pair->field.key) return false;
        const struct weftp_look look = weftp_key_look(pair->field.key, head.key_size);
        pair->key_hash = look.hash;
        pair->key_flags = (uint16_t)look.flags;
    }
    pair->json = take_text(reader, head.json_size, trusted);
    return (trusted || pair->json) && read_pair_value(reader, pair, trusted);
}

static IN_LINE bool read_pairs(struct reader *reader, struct weft_pair *pairs, uint32_t count,
                               const bool trusted)
{
    for (uint32_t i = 0; i < count; i++)
        if (!read_pair(reader, &pairs[i], trusted)) return false;
    return true;
}

const char *weftp_packed_pairs_read(const char *at, struct weft_pair *pairs, uint32_t count)
{
    struct reader reader = {.at = at};
    read_pairs(&reader, pairs, count, true);
    return reader.at;
}

/* ---- fields ---- */

/* Read a key as the flags have it; false: there is none such. */
static APART bool read_odd_key(struct reader *reader, weft_field *field, unsigned flags)
{
    uint16_t size = field->key_size;
    field->key = NULL;
    if (flags & WEFTP_PACKED_NO_KEY) return size == 0;
    if (flags & WEFTP_PACKED_LONG_KEY) {
        if (!take_copy(reader, &size, sizeof size, false)) return false;
        field->key_size = 0; /* to be measured */
    }
    field->key = take_text(reader, size, false);
    return field->key != NULL;
}

/* What came of reading a field. */
enum result { WRONG, LEAF, PARENT /* its children follow */ };

static IN_LINE enum result leaf_if(bool good)
{
    return good ? LEAF : WRONG;
}

static IN_LINE enum result read_parent(struct reader *reader, weft_field *field, unsigned flags,
                                       const bool trusted)
{
    field->v.f = NULL;
    if (flags & WEFTP_PACKED_NULL) return leaf_if(trusted || field->size == 0);
    if (!take_array(reader, field->size, &field->v.f, trusted)) return WRONG;
    return field->size ? PARENT : LEAF;
}

static IN_LINE enum result read_value(struct reader *reader, weft_field *field, unsigned flags,
                                      const bool trusted)
{
    const enum weftp_packed_kind kind = weftp_packed_kind(field->type);
    if (flags & WEFTP_PACKED_SMALL) {
        field->v.i = (int32_t)field->size;
        field->size = 0;
        return leaf_if(trusted || kind == WEFTP_PACKED_SCALAR);
    }
    if (kind == WEFTP_PACKED_CHILDREN) return read_parent(reader, field, flags, trusted);
    if (kind == WEFTP_PACKED_SCALAR)
        return leaf_if(take_copy(reader, &field->v, sizeof field->v, trusted));
    if (__builtin_expect(flags & WEFTP_PACKED_NULL, 0)) {
        field->v.p = NULL;
        return leaf_if(trusted || field->size == 0);
    }
    field->v.p = take(reader, field->size, trusted);
    return leaf_if(trusted || field->v.p);
}

/* Read a field but for its children, whose number is then in its size. */
static IN_LINE enum result read_field(struct reader *reader, weft_field *field, const bool trusted)
{
    struct weftp_packed_field head;
    const unsigned odd = WEFTP_PACKED_NO_KEY | WEFTP_PACKED_LONG_KEY;
    if (!take_copy(reader, &head, sizeof head, trusted)) return WRONG;
    if (!trusted && (!is_type(head.type) || head.key_size > WEFTP_PACKED_KEY_MAX)) return WRONG;
    const uint16_t flags = head.flags;
    head.flags = 0; /* the field's reserved word */
    memcpy(&field->size, &head, sizeof head);
    if (__builtin_expect(flags & odd, 0)) {
        struct reader apart = *reader; /* whose address may be known */
        if (!read_odd_key(&apart, field, flags)) return WRONG;
        *reader = apart;
    } else {
        field->key = take_text(reader, head.key_size, trusted);
        if (!trusted && !field->key) return WRONG;
    }
    return read_value(reader, field, flags, trusted);
}

static bool read_fields_checked(struct reader *reader, weft_field *fields, uint32_t count,
                                unsigned depth);
static bool read_fields_trusted(struct reader *reader, weft_field *fields, uint32_t count,
                                unsigned depth);

/* On a copy of the reader, which stays in registers. */
static IN_LINE bool read_fields(struct reader *reader, weft_field *fields, uint32_t count,
                                unsigned depth, const bool trusted)
{
    struct reader at = *reader;
    for (weft_field *field = fields; count > 0; count--, field++) {
        const enum result result = read_field(&at, field, trusted);
        if (!trusted && result == WRONG) return false;
        if (__builtin_expect(result != PARENT, 1)) continue;
        weft_field *children = at.next - field->size;
        *reader = at;
        if (!(trusted ? read_fields_trusted : read_fields_checked)(reader, children, field->size,
                                                                   depth + 1))
            return false;
        at = *reader;
    }
    *reader = at;
    return true;
}

static bool read_fields_checked(struct reader *reader, weft_field *fields, uint32_t count,
                                unsigned depth)
{
    return depth <= WEFTP_PACKED_DEPTH_MAX && read_fields(reader, fields, count, depth, false);
}

static bool read_fields_trusted(struct reader *reader, weft_field *fields, uint32_t count,
                                unsigned depth)
{
    return read_fields(reader, fields, count, depth, true);
}

/*
 * A call's fields whose keys and types are a template's of this process: trusted. What is read of
 * each is its value.
 */
static IN_LINE void read_known(struct reader *reader, weft_field *field, uint32_t count,
                               const struct weftp_template *known)
{
    const char *at = reader->at;
    memcpy(field, known->fields, count * sizeof *field);
    for (const weft_field *const end = field + count; field < end; field++) {
        struct weftp_packed_field head;
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        if (field->type == WEFT_TYPE_STR) {
            field->v.p = at;
            field->size = head.size;
            at += head.size;
        } else if (head.flags & WEFTP_PACKED_SMALL) {
            field->v.i = (int32_t)head.size;
        } else {
            memcpy(&field->v, at, sizeof field->v);
            at += sizeof field->v;
        }
    }
    reader->at = at;
    reader->next += count;
    reader->fields_left -= count;
}

/* ---- the record ---- */

static bool read_site(struct reader *reader, struct weftp_unpacked *out)
{
    struct weftp_packed_site head;
    weft_site *site = &out->site;
    if (!take_copy(reader, &head, sizeof head, false)) return false;
    *site = (weft_site){
        .line = head.line, .level = head.level, .flags = head.flags, .id = out->site_id};
    site->file = take_text(reader, head.file_size, false);
    if (!site->file) return false;
    site->func = take_text(reader, head.func_size, false);
    out->record.site = site;
    return site->func != NULL;
}

static bool read_trace(struct reader *reader, struct weftp_unpacked *out)
{
    struct weft_trace *trace = &out->trace;
    if (!take_copy(reader, trace, sizeof *trace, false)) return false;
    trace->trace_id[sizeof trace->trace_id - 1] = '\0';
    trace->span_id[sizeof trace->span_id - 1] = '\0';
    trace->parent_id[sizeof trace->parent_id - 1] = '\0';
    out->record.trace = trace;
    return true;
}

static bool read_wide(struct reader *reader, struct weft_record *record)
{
    return take_copy(reader, &record->pid, sizeof record->pid, false) &&
           take_copy(reader, &record->tid, sizeof record->tid, false);
}

/* What few records have is always checked. */
static APART bool read_extras(struct reader *reader, unsigned has, struct weftp_unpacked *out)
{
    if ((has & WEFTP_PACKED_HAS_WIDE) && !read_wide(reader, &out->record)) return false;
    if ((has & WEFTP_PACKED_HAS_SITE) && !read_site(reader, out)) return false;
    return !(has & WEFTP_PACKED_HAS_TRACE) || read_trace(reader, out);
}

/* All of a record that its head tells. */
static IN_LINE void read_ids(const struct weftp_packed_head *head, struct weft_pair *pairs,
                             struct weftp_unpacked *out)
{
    struct weft_record *record = &out->record;
    out->site_id = head->site_id;
    record->struct_size = sizeof *record;
    record->time_ns = head->time_ns;
    record->pid = head->pid;
    record->tid = head->tid;
    record->level = head->level;
    record->flags = head->flags;
    record->logger_size = head->logger_size;
    record->thread_size = head->thread_size;
    record->message_size = head->message_size;
    record->site = NULL;
    record->trace = NULL;
    record->field_count = head->field_count;
    record->bound = head->bound_count ? pairs : NULL;
    record->bound_count = head->bound_count;
    record->mdc = head->mdc_count ? pairs + head->bound_count : NULL;
    record->mdc_count = head->mdc_count;
}

static IN_LINE bool read_texts(struct reader *reader, struct weft_record *record,
                               const bool trusted)
{
    const char *at = take(reader, record->logger_size, trusted);
    if (!trusted && !at) return false;
    record->logger = at;
    at = take(reader, record->thread_size, trusted);
    if (!trusted && !at) return false;
    record->thread = at;
    at = take(reader, record->message_size, trusted);
    record->message = at;
    return trusted || at;
}

static IN_LINE bool read_record(struct reader *reader, const struct weftp_packed_head *head,
                                const struct weftp_unpack_room *room, struct weftp_unpacked *out,
                                const bool trusted)
{
    struct weft_pair *pairs = room->pairs;
    read_ids(head, pairs, out);
    if (!read_texts(reader, &out->record, trusted)) return false;
    if (__builtin_expect(head->has != 0, 0) && !read_extras(reader, head->has, out)) return false;
    if (trusted && __builtin_expect(room->kept != NULL, 1))
        reader->at = weftp_kept_take_both(room, &out->record, reader->at, reader->end);
    else if (!read_pairs(reader, pairs, (uint32_t)head->bound_count + head->mdc_count, trusted))
        return false;
    weft_field *fields = reader->next;
    if (!trusted && head->template_number) {
        reader->at = weftp_key_list_unpack(room->lists, head->template_number, reader->at,
                                           reader->end, fields, head->field_count);
        return reader->at && take_array(reader, head->field_count, &out->record.fields, false);
    }
    if (head->template_number) {
        const struct weftp_template *known = weftp_template_at(head->template_number);
        if (!known || known->count != head->field_count) return false;
        out->record.site = &known->site;
        out->record.fields = fields;
        read_known(reader, fields, head->field_count, known);
        return true;
    }
    return take_array(reader, head->field_count, &out->record.fields, trusted) &&
           read_fields(reader, fields, head->field_count, 0, trusted);
}

static bool is_head(const struct weftp_packed_head *head, size_t size)
{
    if (head->version != WEFTP_PACKED_VERSION || head->size > size || head->size < sizeof *head ||
        head->size % WEFTP_PACKED_ALIGN)
        return false;
    const uint64_t pairs = (uint64_t)head->bound_count + head->mdc_count;
    const uint64_t least = pairs * sizeof(struct weftp_packed_pair) +
                           (uint64_t)head->field_total * sizeof(struct weftp_packed_field);
    return head->field_count <= head->field_total && least <= head->size;
}

weft_status weftp_packed_needs(const void *packed, size_t size, struct weftp_packed_needs *needs)
{
    const struct weftp_packed_head *head = packed;
    if (!packed || size < sizeof *head || !is_head(head, size)) return WEFT_EINVAL;
    needs->size = head->size;
    needs->fields = head->field_total;
    needs->pairs = (size_t)head->bound_count + head->mdc_count;
    return WEFT_OK;
}

static IN_LINE weft_status read_with_head(const char *packed, const struct weftp_packed_head *head,
                                          const struct weftp_unpack_room *room,
                                          struct weftp_unpacked *out, const bool trusted)
{
    const size_t pairs = (size_t)head->bound_count + head->mdc_count;
    if (head->field_total > room->field_count || pairs > room->pair_count) return WEFT_ELIMIT;
    struct reader reader = {.at = packed + sizeof *head,
                            .end = packed + head->size,
                            .next = room->fields,
                            .fields_left = head->field_total};
    if (!read_record(&reader, head, room, out, trusted)) return WEFT_EINVAL;
    if (!trusted && (reader.fields_left > 0 || reader.end - reader.at >= WEFTP_PACKED_ALIGN))
        return WEFT_EINVAL;
    if (trusted && !out->record.site) out->record.site = weftp_site_at(head->site_id);
    return WEFT_OK;
}

/* With a head of its own, that nobody changes meanwhile. */
static APART weft_status read_checked(const void *packed, size_t size,
                                      const struct weftp_unpack_room *room,
                                      struct weftp_unpacked *out)
{
    struct weftp_packed_head head;
    if (!packed || size < sizeof head) return WEFT_EINVAL;
    memcpy(&head, packed, sizeof head);
    return is_head(&head, size) ? read_with_head(packed, &head, room, out, false) : WEFT_EINVAL;
}

weft_status weftp_record_unpack(const void *packed, size_t size,
                                const struct weftp_unpack_room *room, struct weftp_unpacked *out)
{
    if (!(room->options & WEFTP_UNPACK_TRUSTED)) return read_checked(packed, size, room, out);
    return read_with_head(packed, packed, room, out, true);
}
