#include "pack_known.h"

#include "../port/text_size.h"
#include "pack_bytes.h"
#include "pair.h"

/*
 * What a field takes at most, but for long texts: there is room for so much of each field, and of
 * one more, before the first is written. Long texts are compared with what is left.
 */
#define SHORT_SIZE 16 /* bytes of a text that is not long */
#define FIELD_SIZE (sizeof(struct weftp_packed_field) + SHORT_SIZE)
_Static_assert(FIELD_SIZE >= WEFTP_PACKED_ALIGN, "the one more has room for padding");

/* The pieces of a set of pairs, one behind the other. No pairs: no size. */
struct pieces {
    const char *at;
    size_t size;
};

/* False: the pairs are no whole set. */
static WEFTP_PACK_IN_LINE bool pieces_of(struct pieces *pieces, const struct weft_pair *pairs,
                                         size_t count)
{
    const struct weftp_pair_set *set = weftp_pairs_set(pairs, count);
    pieces->at = set ? (const char *)(set->pairs + count) : NULL;
    pieces->size = set ? set->text_size : 0;
    return set || count == 0;
}

static WEFTP_PACK_IN_LINE char *put_pieces(char *to, const struct pieces *pieces)
{
    return pieces->size ? (char *)memcpy(to, pieces->at, pieces->size) + pieces->size : to;
}

/* Whether a head can hold its numbers; counts of pairs are those of sets. */
static WEFTP_PACK_IN_LINE bool is_plain(const struct weft_record *record)
{
    return (record->logger_size | record->thread_size) <= UINT16_MAX &&
           (uint64_t)(record->pid | record->tid) <= INT32_MAX &&
           (unsigned)record->level <= INT16_MAX;
}

/* All but the size. */
static WEFTP_PACK_IN_LINE void put_head(struct weftp_packed_head *head,
                                        const struct weft_record *record,
                                        const struct weftp_template *known)
{
    head->version = WEFTP_PACKED_VERSION;
    head->has = record->trace ? WEFTP_PACKED_HAS_TRACE : 0;
    head->time_ns = record->time_ns;
    head->pid = (int32_t)record->pid;
    head->tid = (int32_t)record->tid;
    head->level = (int16_t)record->level;
    head->logger_size = (uint16_t)record->logger_size;
    head->thread_size = (uint16_t)record->thread_size;
    head->bound_count = (uint16_t)record->bound_count;
    head->flags = record->flags;
    head->message_size = (uint32_t)record->message_size;
    head->site_id = known->site.id;
    head->mdc_count = (uint16_t)record->mdc_count;
    head->template_number = (uint16_t)known->site.state;
    head->field_count = known->count;
    head->field_total = known->count;
}

/* `sort` is key size and type as they stand in the field. */
static WEFTP_PACK_IN_LINE char *put_field_head(char *to, uint32_t size, uint16_t sort,
                                               uint16_t flags)
{
    const uint64_t word = weftp_pack_head(size, sort, flags);
    memcpy(to, &word, sizeof word);
    return to + sizeof word;
}

/* NULL: there is no text, or not the room for it. */
static WEFTP_PACK_IN_LINE char *put_text(char *to, const char *limit, const weft_field *field,
                                         uint16_t sort)
{
    const char *text = field->v.p;
    if (!text) return NULL;
    const size_t size = field->size == WEFT_SIZE_UNKNOWN_ ? weftp_text_size(text) : field->size;
    if (size > SHORT_SIZE && (int64_t)size > limit - to) return NULL;
    return weftp_pack_copy(put_field_head(to, (uint32_t)size, sort, 0), text, size);
}

/* A double's bits may be small as well: those of 0.0. */
static WEFTP_PACK_IN_LINE char *put_word(char *to, const weft_field *field, uint16_t sort)
{
    if (weftp_pack_is_small(field->v.i))
        return put_field_head(to, (uint32_t)field->v.i, sort, WEFTP_PACKED_SMALL);
    to = put_field_head(to, field->size, sort, 0);
    memcpy(to, &field->v, sizeof field->v);
    return to + sizeof field->v;
}

/*
 * The fields of a record that has as many as the template, or more. NULL: they are not the
 * template's, or a text is as put_text says.
 */
static WEFTP_PACK_IN_LINE char *put_fields(char *to, const char *limit,
                                           const struct weft_record *record,
                                           const struct weftp_template *known)
{
    const weft_field *field = record->fields;
    const struct weftp_template_key *key = known->keys, *const last = key + known->count;
    for (; key < last; key++, field++) {
        const uint16_t sort = weftp_template_sort(field);
        if (field->key != key->origin || sort != key->sort) return NULL;
        to = key->type == WEFT_TYPE_STR ? put_text(to, limit, field, sort)
                                        : put_word(to, field, sort);
        if (__builtin_expect(!to, 0)) return NULL;
    }
    return record->field_count == known->count || field->type == WEFT_TYPE_END_ ? to : NULL;
}

size_t weftp_pack_known(const struct weft_record *record, const struct weftp_template *known,
                        char *to, size_t room)
{
    struct pieces bound, mdc;
    struct weftp_packed_head *const head = (void *)to;
    const size_t fields_size = (known->count + 1) * FIELD_SIZE;
    if (!is_plain(record) || record->field_count < known->count || record->message_size > room ||
        !pieces_of(&bound, record->bound, record->bound_count) ||
        !pieces_of(&mdc, record->mdc, record->mdc_count))
        return 0;
    const size_t front_size = sizeof *head + record->logger_size + record->thread_size +
                              record->message_size + sizeof *record->trace + bound.size + mdc.size;
    if (front_size + fields_size > room) return 0;
    put_head(head, record, known);
    char *at = weftp_pack_copy(to + sizeof *head, record->logger, record->logger_size);
    at = weftp_pack_copy(at, record->thread, record->thread_size);
    at = weftp_pack_copy(at, record->message, record->message_size);
    if (record->trace) at = weftp_pack_copy(at, record->trace, sizeof *record->trace);
    at = put_pieces(put_pieces(at, &bound), &mdc);
    at = put_fields(at, to + room - fields_size, record, known);
    if (!at) return 0;
    memset(at, 0, WEFTP_PACKED_ALIGN);
    const size_t size = (size_t)(at - to), padding = -size % WEFTP_PACKED_ALIGN;
    head->size = (uint32_t)(size + padding);
    return size + padding;
}
