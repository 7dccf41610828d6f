#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/out.h"
#include "src/encode/registry.h"
#include "src/record/packed_form.h"
#include "src/record/sites.h"
#include "support/random_record.h"

#define RECORDS 3000

/*
 * A packed record and its view, in blocks of exactly their size, so that a sanitizer sees a byte
 * too many.
 */
struct packed {
    char *bytes;
    size_t size;
    struct weftp_unpack_room room;
    struct weftp_unpacked view;
};

static void *allocate(size_t size)
{
    void *p = malloc(size ? size : 1);
    assert_non_null(p);
    return p;
}

static void pack(struct packed *packed, const struct weft_record *record, unsigned options)
{
    memset(packed, 0, sizeof *packed);
    const size_t size = weftp_packed_size(record, options);
    packed->bytes = allocate(size);
    memset(packed->bytes, 0xA5, size);
    assert_int_equal(weftp_record_pack(record, options, packed->bytes, size, &packed->size),
                     WEFT_OK);
    assert_int_equal(packed->size, size);
    assert_int_equal(size % WEFTP_PACKED_ALIGN, 0);
}

static weft_status unpack(struct packed *packed)
{
    struct weftp_packed_needs needs;
    weft_status status = weftp_packed_needs(packed->bytes, packed->size, &needs);
    if (status) return status;
    free(packed->room.fields);
    free(packed->room.pairs);
    packed->room.field_count = needs.fields;
    packed->room.pair_count = needs.pairs;
    packed->room.fields = allocate(needs.fields * sizeof *packed->room.fields);
    packed->room.pairs = allocate(needs.pairs * sizeof *packed->room.pairs);
    return weftp_record_unpack(packed->bytes, packed->size, &packed->room, &packed->view);
}

static void drop(struct packed *packed)
{
    free(packed->room.fields);
    free(packed->room.pairs);
    free(packed->bytes);
    memset(packed, 0, sizeof *packed);
}

/* ---- the same view ---- */

static bool is_text(const weft_field *field)
{
    return field->type == WEFT_TYPE_STR || field->type == WEFT_TYPE_BYTES ||
           field->type == WEFT_TYPE_JSON;
}

static bool is_parent(const weft_field *field)
{
    return field->type == WEFT_TYPE_OBJ || field->type == WEFT_TYPE_ARR ||
           field->type == WEFT_TYPE_ERROR;
}

static size_t text_size(const weft_field *field)
{
    return field->size == WEFT_SIZE_UNKNOWN_ ? strlen(field->v.p) : field->size;
}

static size_t count_of(const weft_field *fields, size_t count)
{
    size_t n = 0;
    while (fields && (count == WEFT_SIZE_UNKNOWN_ || n < count) && fields[n].type != WEFT_TYPE_END_)
        n++;
    return n;
}

static void same_fields(const weft_field *a, size_t a_count, const weft_field *b, size_t b_count);

static void same_field(const weft_field *a, const weft_field *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->key == NULL, b->key == NULL);
    if (a->key) {
        const size_t size = strnlen(a->key, 1028);
        assert_int_equal(strlen(b->key), size);
        assert_memory_equal(a->key, b->key, size);
        if (b->key_size) assert_int_equal(b->key_size, size);
    }
    if (is_text(a)) {
        assert_int_equal(a->v.p == NULL, b->v.p == NULL);
        if (!a->v.p) return;
        assert_int_equal(text_size(a), b->size);
        assert_memory_equal(a->v.p, b->v.p, b->size);
    } else if (is_parent(a)) {
        assert_int_equal(a->v.f == NULL, b->v.f == NULL);
        same_fields(a->v.f, a->size, b->v.f, b->size);
    } else {
        assert_true(a->v.u == b->v.u);
        assert_int_equal(a->size, b->size);
    }
}

static void same_fields(const weft_field *a, size_t a_count, const weft_field *b, size_t b_count)
{
    const size_t count = count_of(a, a_count);
    assert_int_equal(count, b_count);
    for (size_t i = 0; i < count; i++) same_field(&a[i], &b[i]);
}

static void same_pairs(const struct weft_pair *a, size_t a_count, const struct weft_pair *b,
                       size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        same_field(&a[i].field, &b[i].field);
        assert_int_equal(a[i].field.key_size, b[i].field.key_size);
        assert_int_equal(a[i].json_size, b[i].json_size);
        assert_int_equal(a[i].key_json_size, b[i].key_json_size);
        assert_int_equal(a[i].key_hash, b[i].key_hash);
        assert_string_equal(a[i].json, b[i].json);
        assert_string_equal(weftp_pair_text(&a[i]), weftp_pair_text(&b[i]));
    }
}

static void same_text(const char *a, size_t a_size, const char *b, size_t b_size)
{
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, b_size);
}

static void same_record(const struct weft_record *a, const struct weft_record *b)
{
    assert_int_equal(b->struct_size, sizeof *b);
    assert_true(a->time_ns == b->time_ns && a->pid == b->pid && a->tid == b->tid);
    assert_int_equal(a->level, b->level);
    assert_int_equal(a->flags, b->flags);
    same_text(a->logger, a->logger_size, b->logger, b->logger_size);
    same_text(a->thread, a->thread_size, b->thread, b->thread_size);
    same_text(a->message, a->message_size, b->message, b->message_size);
    assert_int_equal(a->site == NULL, b->site == NULL);
    if (a->site) {
        assert_string_equal(a->site->file, b->site->file);
        assert_string_equal(a->site->func, b->site->func);
        assert_int_equal(a->site->line, b->site->line);
        assert_int_equal(a->site->level, b->site->level);
        assert_int_equal(a->site->id, b->site->id);
    }
    assert_int_equal(a->trace == NULL, b->trace == NULL);
    if (a->trace) assert_memory_equal(a->trace, b->trace, sizeof *a->trace);
    same_pairs(a->bound, a->bound_count, b->bound, b->bound_count);
    same_pairs(a->mdc, a->mdc_count, b->mdc, b->mdc_count);
    same_fields(a->fields, a->field_count, b->fields, b->field_count);
}

static void test_same_view(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < RECORDS; seed++) {
        struct random_record *random = random_record_make(seed);
        struct packed packed;
        pack(&packed, &random->record, 0);
        assert_int_equal(unpack(&packed), WEFT_OK);
        same_record(&random->record, &packed.view.record);
        packed.room.options = WEFTP_UNPACK_TRUSTED;
        assert_int_equal(unpack(&packed), WEFT_OK);
        same_record(&random->record, &packed.view.record);
        drop(&packed);
        random_record_free(random);
    }
}

/*
 * There is a short way, taken where there is ample room, and a long one, at its end: both write the
 * same bytes. And a set's pairs are the same bytes as their copies that are no set.
 */
static void test_same_bytes(void **state)
{
    (void)state;
    const size_t ample = 1 << 20;
    char *bytes = allocate(ample);
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct random_record *random = random_record_make(seed);
        struct weft_record record = random->record;
        struct weft_pair *pairs = allocate(record.mdc_count * sizeof *pairs);
        struct packed packed;
        size_t size = 0;
        pack(&packed, &record, 0);
        assert_int_equal(weftp_record_pack(&record, 0, bytes, ample, &size), WEFT_OK);
        assert_int_equal(size, packed.size);
        assert_memory_equal(bytes, packed.bytes, size);
        if (record.mdc_count) memcpy(pairs, record.mdc, record.mdc_count * sizeof *pairs);
        record.mdc = pairs;
        assert_int_equal(weftp_record_pack(&record, 0, bytes, ample, &size), WEFT_OK);
        assert_int_equal(size, packed.size);
        assert_memory_equal(bytes, packed.bytes, size);
        free(pairs);
        drop(&packed);
        random_record_free(random);
    }
    free(bytes);
}

/* The view holds when what was packed is gone, and it points to the bytes and the room alone. */
static void test_self_contained(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct random_record *random = random_record_make(seed);
        struct packed first, second;
        pack(&first, &random->record, 0);
        memset(random->memory, 0xEE, sizeof random->memory);
        random_record_free(random);
        assert_int_equal(unpack(&first), WEFT_OK);
        pack(&second, &first.view.record, 0);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.bytes, second.bytes, first.size);
        drop(&first);
        drop(&second);
    }
}

static void encode(const struct weft_encoder_type *type, const void *self,
                   const struct weft_record *record, struct weft_out *out)
{
    const struct weft_limits all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    weftp_out_clear(out);
    type->encode(self, record, &all, out);
    assert_false(out->overflow);
}

static void same_lines(const struct weft_encoder_type *type)
{
    const struct weft_encoder_options options = {.struct_size = sizeof options, .host = "h"};
    struct weft_out direct, unpacked;
    void *self = NULL;
    assert_int_equal(type->open(&self, &options), WEFT_OK);
    weftp_out_init(&direct, 16U << 20);
    weftp_out_init(&unpacked, 16U << 20);
    for (uint64_t seed = 0; seed < RECORDS / 3; seed++) {
        struct random_record *random = random_record_make(seed);
        struct packed packed;
        pack(&packed, &random->record, 0);
        assert_int_equal(unpack(&packed), WEFT_OK);
        encode(type, self, &random->record, &direct);
        encode(type, self, &packed.view.record, &unpacked);
        assert_int_equal(weftp_out_size(&direct), weftp_out_size(&unpacked));
        assert_memory_equal(direct.data, unpacked.data, weftp_out_size(&direct));
        assert_int_equal(direct.notes, unpacked.notes);
        drop(&packed);
        random_record_free(random);
    }
    weftp_out_deinit(&direct);
    weftp_out_deinit(&unpacked);
    type->close(self);
}

static void test_same_lines(void **state)
{
    (void)state;
    for (size_t i = 0; weftp_encoders_builtin[i]; i++) same_lines(weftp_encoders_builtin[i]);
}

/* ---- edges ---- */

static struct weft_record record_of(const weft_field *fields, size_t count)
{
    return (struct weft_record){.struct_size = sizeof(struct weft_record),
                                .level = WEFT_LEVEL_INFO,
                                .fields = fields,
                                .field_count = count};
}

static void test_nothing_in_it(void **state)
{
    (void)state;
    const struct weft_record record = record_of(NULL, 0);
    struct packed packed;
    pack(&packed, &record, 0);
    assert_int_equal(unpack(&packed), WEFT_OK);
    assert_int_equal(packed.view.record.field_count, 0);
    assert_int_equal(packed.view.record.message_size, 0);
    assert_non_null(packed.view.record.message);
    assert_null(packed.view.record.site);
    assert_null(packed.view.record.trace);
    assert_null(packed.view.record.mdc);
    drop(&packed);
}

static void test_long_keys_are_cut_by_the_encoder_as_before(void **state)
{
    (void)state;
    char key[3001];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    memcpy(key + 1022, "\xE2\x82\xAC", 3); /* a character that lies across the cut */
    const weft_field field = weft_int(key, 1);
    const struct weft_record record = record_of(&field, 1);
    struct packed packed;
    pack(&packed, &record, 0);
    assert_int_equal(unpack(&packed), WEFT_OK);
    assert_true(packed.size < 1300);
    same_field(&field, &packed.view.record.fields[0]);
    drop(&packed);
}

static void test_depth(void **state)
{
    (void)state;
    weft_field nested[40];
    nested[39] = weft_int("leaf", 1);
    for (int i = 38; i >= 0; i--) nested[i] = weft_objn("o", &nested[i + 1], 1);
    const struct weft_record record = record_of(nested, 1);
    struct packed packed;
    pack(&packed, &record, 0);
    assert_int_equal(unpack(&packed), WEFT_OK);
    const weft_field *field = packed.view.record.fields;
    unsigned depth = 0;
    while (field->size == 1) {
        field = field->v.f;
        depth++;
    }
    assert_int_equal(field->type, WEFT_TYPE_OBJ);
    assert_int_equal(field->size, 0);
    assert_non_null(field->v.f);
    assert_int_equal(depth, WEFTP_PACKED_DEPTH_MAX);
    drop(&packed);
}

static void test_a_type_that_is_none(void **state)
{
    (void)state;
    weft_field fields[] = {weft_int("a", 1), weft_int("odd", 1), weft_int("b", 2)};
    fields[1].type = 99;
    const struct weft_record record = record_of(fields, 3);
    struct packed packed;
    pack(&packed, &record, 0);
    assert_int_equal(unpack(&packed), WEFT_OK);
    assert_int_equal(packed.view.record.field_count, 3);
    assert_int_equal(packed.view.record.fields[1].type, WEFT_TYPE_NONE);
    assert_string_equal(packed.view.record.fields[2].key, "b");
    drop(&packed);
}

static void test_site_by_id(void **state)
{
    (void)state;
    const weft_site site = {"file.c", "function", 12, 9, 0, 345, 0};
    struct weft_record record = record_of(NULL, 0);
    struct packed whole, by_id;
    record.site = &site;
    pack(&whole, &record, 0);
    pack(&by_id, &record, WEFTP_PACK_SITE_BY_ID);
    assert_true(by_id.size < whole.size);
    assert_int_equal(unpack(&whole), WEFT_OK);
    assert_int_equal(unpack(&by_id), WEFT_OK);
    assert_int_equal(whole.view.site_id, 345);
    assert_string_equal(whole.view.record.site->func, "function");
    assert_int_equal(by_id.view.site_id, 345);
    assert_null(by_id.view.record.site);
    drop(&whole);
    drop(&by_id);
}

/* Only bytes of this process have ids of its own; those of a file are left to who reads it. */
static void test_site_of_this_process(void **state)
{
    (void)state;
    static weft_site site = {"file.c", "of_this_process", 99, 9, 0, 0, 0};
    struct weft_record record = record_of(NULL, 0);
    struct packed packed;
    assert_int_not_equal(weftp_site_register(&site), 0);
    record.site = &site;
    pack(&packed, &record, WEFTP_PACK_SITE_BY_ID);
    assert_int_equal(unpack(&packed), WEFT_OK);
    assert_null(packed.view.record.site);
    packed.room.options = WEFTP_UNPACK_TRUSTED;
    assert_int_equal(unpack(&packed), WEFT_OK);
    assert_ptr_equal(packed.view.record.site, weftp_site_at(site.id));
    assert_string_equal(packed.view.record.site->func, "of_this_process");
    drop(&packed);
}

static void test_numbers(void **state)
{
    (void)state;
    const int64_t values[] = {
        0,         -1,       INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1, (int64_t)INT32_MIN - 1,
        INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct timespec time = {.tv_sec = (time_t)values[i], .tv_nsec = 999999999};
        const weft_field fields[] = {weft_int("a", values[i]),
                                     weft_uint("b", (uint64_t)values[i]),
                                     weft_duration_ns("c", values[i]),
                                     weft_time("d", time),
                                     weft_null("e"),
                                     weft_errno("f", (int)values[i]),
                                     weft_bool("g", values[i] != 0)};
        struct weft_record record = record_of(fields, sizeof fields / sizeof fields[0]);
        struct packed packed;
        record.pid = values[i];
        record.tid = values[i] / -2;
        pack(&packed, &record, 0);
        for (unsigned trusted = 0; trusted < 2; trusted++) {
            packed.room.options = trusted ? WEFTP_UNPACK_TRUSTED : 0;
            assert_int_equal(unpack(&packed), WEFT_OK);
            same_record(&record, &packed.view.record);
        }
        drop(&packed);
    }
}

/* With any room but enough it is refused, and nothing behind the room is touched. */
static void test_too_little_room(void **state)
{
    (void)state;
    struct random_record *random = random_record_make(5);
    const size_t size = weftp_packed_size(&random->record, 0);
    char *bytes = allocate(size + 16);
    size_t packed = 99;
    for (size_t room = 0; room < size; room++) {
        memset(bytes, 0x5A, size + 16);
        assert_int_equal(weftp_record_pack(&random->record, 0, bytes, room, &packed), WEFT_ELIMIT);
        assert_int_equal(packed, 99);
        for (size_t i = room; i < size + 16; i++) assert_int_equal(bytes[i], 0x5A);
    }
    assert_int_equal(weftp_record_pack(&random->record, 0, bytes, size, &packed), WEFT_OK);
    assert_int_equal(packed, size);
    free(bytes);
    random_record_free(random);
}

static void test_no_alignment_is_asked_for(void **state)
{
    (void)state;
    struct random_record *random = random_record_make(6);
    const size_t size = weftp_packed_size(&random->record, 0);
    for (size_t offset = 1; offset < 16; offset++) {
        struct packed packed = {0};
        char *memory = allocate(size + offset);
        packed.bytes = memory + offset;
        assert_int_equal(weftp_record_pack(&random->record, 0, packed.bytes, size, &packed.size),
                         WEFT_OK);
        assert_int_equal(unpack(&packed), WEFT_OK);
        same_record(&random->record, &packed.view.record);
        packed.bytes = memory;
        drop(&packed);
    }
    random_record_free(random);
}

static void test_too_large(void **state)
{
    (void)state;
    struct weft_record record = record_of(NULL, 0);
    size_t size = 0;
    char byte = 0;
    record.message = &byte;
    record.message_size = SIZE_MAX;
    assert_int_equal(weftp_packed_size(&record, 0), SIZE_MAX);
    assert_int_equal(weftp_record_pack(&record, 0, &byte, 1, &size), WEFT_ELIMIT);
    record.message_size = 0;
    const weft_field field = weft_strn("k", &byte, UINT32_MAX - 1);
    record.fields = &field;
    record.field_count = 1;
    assert_int_equal(weftp_packed_size(&record, 0), SIZE_MAX);
}

static void test_room_for_unpacking(void **state)
{
    (void)state;
    struct random_record *random = random_record_make(8);
    struct packed packed;
    pack(&packed, &random->record, 0);
    assert_int_equal(unpack(&packed), WEFT_OK);
    assert_true(packed.room.field_count > 0);
    packed.room.field_count--;
    assert_int_equal(weftp_record_unpack(packed.bytes, packed.size, &packed.room, &packed.view),
                     WEFT_ELIMIT);
    packed.room.field_count++;
    assert_true(packed.room.pair_count > 0);
    packed.room.pair_count--;
    assert_int_equal(weftp_record_unpack(packed.bytes, packed.size, &packed.room, &packed.view),
                     WEFT_ELIMIT);
    drop(&packed);
    random_record_free(random);
}

static void test_several_behind_each_other(void **state)
{
    (void)state;
    char *bytes = allocate(1 << 20);
    size_t end = 0, size;
    for (uint64_t seed = 20; seed < 30; seed++) {
        struct random_record *random = random_record_make(seed);
        assert_int_equal(weftp_record_pack(&random->record, 0, bytes + end, (1 << 20) - end, &size),
                         WEFT_OK);
        end += size;
        random_record_free(random);
    }
    size_t at = 0;
    for (uint64_t seed = 20; seed < 30; seed++) {
        struct random_record *random = random_record_make(seed);
        struct packed packed = {.bytes = bytes + at, .size = end - at};
        assert_int_equal(unpack(&packed), WEFT_OK);
        same_record(&random->record, &packed.view.record);
        struct weftp_packed_needs needs;
        assert_int_equal(weftp_packed_needs(packed.bytes, packed.size, &needs), WEFT_OK);
        at += needs.size;
        packed.bytes = NULL;
        drop(&packed);
        random_record_free(random);
    }
    assert_int_equal(at, end);
    free(bytes);
}

/* ---- hostile bytes ---- */

static unsigned look(const void *bytes, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) sum += ((const unsigned char *)bytes)[i];
    return sum;
}

static unsigned look_at_fields(const weft_field *fields, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        const weft_field *field = &fields[i];
        if (field->key) sum += look(field->key, strlen(field->key));
        if (is_text(field) && field->v.p) sum += look(field->v.p, field->size);
        if (is_parent(field) && field->v.f) sum += look_at_fields(field->v.f, field->size);
    }
    return sum;
}

/* Touch every byte that a view gives. */
static unsigned look_at_record(const struct weft_record *record)
{
    unsigned sum = look(record->logger, record->logger_size) +
                   look(record->thread, record->thread_size) +
                   look(record->message, record->message_size) +
                   look_at_fields(record->fields, record->field_count);
    if (record->site) sum += look(record->site->file, strlen(record->site->file) + 1);
    if (record->site) sum += look(record->site->func, strlen(record->site->func) + 1);
    if (record->trace) sum += look(record->trace->trace_id, strlen(record->trace->trace_id));
    for (size_t i = 0; i < record->bound_count + record->mdc_count; i++) {
        const bool bound = i < record->bound_count;
        const struct weft_pair *pair =
            bound ? &record->bound[i] : &record->mdc[i - record->bound_count];
        sum +=
            look(pair->json, pair->json_size) + (unsigned)strlen(pair->json + pair->key_json_size);
        sum += look_at_fields(&pair->field, 1);
    }
    return sum;
}

static void test_each_byte_changed(void **state)
{
    (void)state;
    volatile unsigned sum = 0;
    unsigned accepted = 0, refused = 0;
    for (uint64_t seed = 40; seed < 44; seed++) {
        struct random_record *random = random_record_make(seed);
        struct packed packed;
        pack(&packed, &random->record, 0);
        const unsigned char masks[] = {0xff, 0x01, 0x80};
        for (size_t i = 0; i < packed.size * 3; i++) {
            const unsigned char mask = masks[i % 3];
            packed.bytes[i / 3] = (char)(packed.bytes[i / 3] ^ mask);
            if (unpack(&packed) == WEFT_OK) {
                sum = sum + look_at_record(&packed.view.record);
                accepted++;
            } else {
                refused++;
            }
            packed.bytes[i / 3] = (char)(packed.bytes[i / 3] ^ mask);
        }
        drop(&packed);
        random_record_free(random);
    }
    assert_true(accepted > 0);
    assert_true(refused > 0);
}

static void test_cut_short(void **state)
{
    (void)state;
    struct random_record *random = random_record_make(41);
    struct packed packed;
    pack(&packed, &random->record, 0);
    for (size_t size = 0; size < packed.size; size++) {
        struct packed part = {.bytes = allocate(size), .size = size};
        memcpy(part.bytes, packed.bytes, size);
        assert_int_equal(unpack(&part), WEFT_EINVAL);
        drop(&part);
    }
    assert_int_equal(weftp_packed_needs(NULL, 0, &(struct weftp_packed_needs){0}), WEFT_EINVAL);
    drop(&packed);
    random_record_free(random);
}

static void test_shorter_size_in_the_head(void **state)
{
    (void)state;
    struct random_record *random = random_record_make(42);
    struct packed packed;
    pack(&packed, &random->record, 0);
    for (uint32_t size = 0; size < packed.size; size++) {
        memcpy(packed.bytes, &size, sizeof size);
        assert_int_equal(unpack(&packed), WEFT_EINVAL);
    }
    drop(&packed);
    random_record_free(random);
}

/* A chain of objects deeper than packing makes, as a forger would: recursion ends. */
static void test_forged_depth(void **state)
{
    (void)state;
    enum { HEAD_SIZE = sizeof(struct weftp_packed_head), DEPTH = 200000 };
    enum { FIELD_SIZE = sizeof(struct weftp_packed_field) + sizeof "o" };
    weft_field nested[2] = {weft_objn("o", &nested[1], 1), weft_int("", 1)};
    const struct weft_record record = record_of(nested, 1);
    struct packed packed, forged = {0};
    pack(&packed, &record, 0);
    const size_t tail = packed.size - HEAD_SIZE - FIELD_SIZE;
    forged.size = (HEAD_SIZE + (size_t)DEPTH * FIELD_SIZE + tail + 15) / 16 * 16;
    forged.bytes = allocate(forged.size);
    memset(forged.bytes, 0, forged.size);
    memcpy(forged.bytes, packed.bytes, HEAD_SIZE);
    for (size_t i = 0; i < DEPTH; i++)
        memcpy(forged.bytes + HEAD_SIZE + i * FIELD_SIZE, packed.bytes + HEAD_SIZE, FIELD_SIZE);
    const uint32_t size = (uint32_t)forged.size, total = DEPTH + 1;
    memcpy(forged.bytes, &size, sizeof size);
    memcpy(forged.bytes + offsetof(struct weftp_packed_head, field_total), &total, sizeof total);
    struct weftp_packed_needs needs;
    assert_int_equal(weftp_packed_needs(forged.bytes, forged.size, &needs), WEFT_OK);
    assert_int_equal(needs.fields, DEPTH + 1); /* the forger knows the head */
    assert_int_equal(unpack(&forged), WEFT_EINVAL);
    drop(&packed);
    drop(&forged);
}

/* What readers take for NUL-terminated is so: a key, a pair's texts, the names of a site. */
static void test_a_missing_nul(void **state)
{
    (void)state;
    static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;
    const char *const texts[] = {"field_key", "mdc_key", "\"mdc_value\"", "site_file", "site_func"};
    const weft_site site = {"site_file", "site_func", 1, 9, 0, 1, 0};
    const weft_field field = weft_int("field_key", 1), entry = weft_str("mdc_key", "mdc_value");
    struct weftp_pair_set *pairs = NULL;
    struct weft_record record = record_of(&field, 1);
    struct packed packed;
    assert_int_equal(weftp_pairs_put(&pairs, NULL, &entry, 1, &limits, NULL), WEFT_OK);
    record.site = &site;
    record.mdc = pairs->pairs;
    record.mdc_count = 1;
    pack(&packed, &record, 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const size_t size = strlen(texts[i]);
        char *found = memmem(packed.bytes, packed.size, texts[i], size + 1);
        assert_non_null(found);
        found[size] = 'x';
        assert_int_equal(unpack(&packed), WEFT_EINVAL);
        found[size] = '\0';
        assert_int_equal(unpack(&packed), WEFT_OK);
    }
    drop(&packed);
    weftp_pairs_unref(pairs);
}

static void test_levels_stay_small(void **state)
{
    (void)state;
    struct weft_record record = record_of(NULL, 0);
    struct packed packed;
    record.level = INT32_MIN;
    pack(&packed, &record, 0);
    assert_int_equal(unpack(&packed), WEFT_OK);
    assert_int_equal(packed.view.record.level, INT16_MIN);
    drop(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_view),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_self_contained),
        cmocka_unit_test(test_same_lines),
        cmocka_unit_test(test_nothing_in_it),
        cmocka_unit_test(test_long_keys_are_cut_by_the_encoder_as_before),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_a_type_that_is_none),
        cmocka_unit_test(test_site_by_id),
        cmocka_unit_test(test_site_of_this_process),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_too_little_room),
        cmocka_unit_test(test_no_alignment_is_asked_for),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_room_for_unpacking),
        cmocka_unit_test(test_several_behind_each_other),
        cmocka_unit_test(test_each_byte_changed),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_shorter_size_in_the_head),
        cmocka_unit_test(test_forged_depth),
        cmocka_unit_test(test_a_missing_nul),
        cmocka_unit_test(test_levels_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
