/*
 * Unpacking with pairs that are kept from record to record gives what unpacking gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/out.h"
#include "src/encode/registry.h"
#include "src/record/kept.h"
#include "src/record/packed.h"
#include "support/fail_alloc.h"
#include "support/random_record.h"

#define FIELDS 4096
#define PAIRS  128
#define BYTES  ((size_t)1 << 19)

/* What unpacking works with; the bytes are written over by each record, as in a ring. */
static struct {
    struct weftp_unpack_room fresh, keeping;
    struct weftp_unpacked view;
    char bytes[BYTES];
} scene;

static void *allocate(size_t size)
{
    void *p = malloc(size);
    assert_non_null(p);
    return p;
}

static struct weftp_unpack_room room_of(struct weftp_kept *kept)
{
    return (struct weftp_unpack_room){.options = WEFTP_UNPACK_TRUSTED,
                                      .fields = allocate(FIELDS * sizeof(weft_field)),
                                      .field_count = FIELDS,
                                      .pairs = allocate(PAIRS * sizeof(struct weft_pair)),
                                      .pair_count = PAIRS,
                                      .kept = kept};
}

static int scene_open(void **state)
{
    (void)state;
    scene.fresh = room_of(NULL);
    scene.keeping = room_of(weftp_kept_create());
    assert_non_null(scene.keeping.kept);
    return 0;
}

static int scene_close(void **state)
{
    (void)state;
    const struct weftp_unpack_room *rooms[] = {&scene.fresh, &scene.keeping};
    for (size_t i = 0; i < 2; i++) {
        free(rooms[i]->fields);
        free(rooms[i]->pairs);
        weftp_kept_destroy(rooms[i]->kept);
    }
    return 0;
}

/* A record through bytes and back. */
static const struct weft_record *through(const struct weft_record *record,
                                         const struct weftp_unpack_room *room)
{
    size_t size = 0;
    memset(scene.bytes, 0xA5, 64);
    assert_int_equal(weftp_record_pack(record, 0, scene.bytes, BYTES, &size), WEFT_OK);
    assert_int_equal(weftp_record_unpack(scene.bytes, size, room, &scene.view), WEFT_OK);
    return &scene.view.record;
}

static void same_pairs(const struct weft_pair *a, size_t a_count, const struct weft_pair *b,
                       size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++) {
        assert_string_equal(a[i].field.key, b[i].field.key);
        assert_int_equal(a[i].field.key_size, b[i].field.key_size);
        assert_int_equal(a[i].field.type, b[i].field.type);
        assert_int_equal(a[i].field.size, b[i].field.size);
        assert_int_equal(a[i].json_size, b[i].json_size);
        assert_int_equal(a[i].key_json_size, b[i].key_json_size);
        assert_int_equal(a[i].key_hash, b[i].key_hash);
        assert_int_equal(a[i].key_flags, b[i].key_flags);
        assert_string_equal(a[i].json, b[i].json);
        assert_string_equal(weftp_pair_text(&a[i]), weftp_pair_text(&b[i]));
        if (a[i].field.type == WEFT_TYPE_INT) assert_true(a[i].field.v.i == b[i].field.v.i);
    }
}

static uint64_t mdc_serial(const struct weft_record *record)
{
    return weftp_pairs_serial(record->mdc, record->mdc_count);
}

/* ---- whole records ---- */

static struct weft_out want, got; /* the second one remembers */

static void same_line(const struct weft_encoder_type *type, const void *self,
                      const struct weft_record *record)
{
    static const struct weft_limits all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    weftp_out_clear(&want);
    weftp_out_clear(&got);
    type->encode(self, through(record, &scene.fresh), &all, &want);
    type->encode(self, through(record, &scene.keeping), &all, &got);
    assert_int_equal(weftp_out_size(&want), weftp_out_size(&got));
    assert_memory_equal(want.data, got.data, weftp_out_size(&want));
}

/* Records whose pairs change, are the same again, swap their places, from several threads. */
static void test_same_lines(void **state)
{
    (void)state;
    enum { KINDS = 6 };
    for (size_t f = 0; f < 3; f++) {
        const struct weft_encoder_type *type = weftp_encoders_builtin[f];
        const struct weft_encoder_options options = {.struct_size = sizeof options, .host = "h"};
        void *self = NULL;
        assert_int_equal(type->open(&self, &options), WEFT_OK);
        weftp_out_init(&want, (size_t)16 << 20);
        weftp_out_init(&got, (size_t)16 << 20);
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct random_record *random[KINDS];
            for (size_t i = 0; i < KINDS; i++) random[i] = random_record_make(seed * KINDS + i);
            for (uint32_t step = 0; step < 24; step++) {
                const struct random_record *other = random[random_below(random[0], KINDS)];
                struct weft_record record = random[random_below(random[0], KINDS)]->record;
                record.tid = random_below(random[0], 3) * 4;
                record.site = NULL;
                record.mdc = other->mdc ? other->mdc->pairs : NULL;
                record.mdc_count = other->mdc ? other->mdc->count : 0;
                for (int i = 0; i < 3; i++) same_line(type, self, &record);
            }
            for (size_t i = 0; i < KINDS; i++) random_record_free(random[i]);
        }
        weftp_out_deinit(&want);
        weftp_out_deinit(&got);
        type->close(self);
    }
}

/* ---- pairs alone ---- */

static struct weft_record record_with(const struct weftp_pair_set *mdc, int64_t tid)
{
    return (struct weft_record){.struct_size = sizeof(struct weft_record),
                                .level = WEFT_LEVEL_INFO,
                                .tid = tid,
                                .logger = "l",
                                .logger_size = 1,
                                .mdc = mdc->pairs,
                                .mdc_count = mdc->count};
}

static struct weftp_pair_set *pairs_of(const weft_field *fields, size_t count)
{
    static const struct weftp_pair_limits limits = {64, 128, UINT32_MAX / 4, UINT32_MAX / 2};
    struct weftp_pair_set *set = NULL;
    assert_int_equal(weftp_pairs_put(&set, NULL, fields, count, &limits, NULL), WEFT_OK);
    return set;
}

/* The pairs outlive the bytes, are the same for the same bytes, and have a serial of their own. */
static void test_kept_beyond_the_bytes(void **state)
{
    (void)state;
    const weft_field fields[] = {weft_str("user", "ann"), weft_int("n", 7), weft_double("d", 0.5),
                                 weft_objn("o", fields, 2), weft_bool("b", true)};
    struct weftp_pair_set *set = pairs_of(fields, 5);
    const struct weft_record record = record_with(set, 1);
    const struct weft_record *view = through(&record, &scene.keeping);
    const struct weft_pair *first = view->mdc;
    const uint64_t serial = mdc_serial(view);
    assert_ptr_not_equal(first, scene.keeping.pairs);
    memset(scene.bytes, 0xEE, BYTES);
    memset(scene.keeping.pairs, 0xEE, PAIRS * sizeof *scene.keeping.pairs);
    same_pairs(set->pairs, set->count, first, view->mdc_count);
    assert_true(serial > WEFTP_PAIRS_NONE && serial != set->serial);
    view = through(&record, &scene.keeping);
    assert_ptr_equal(view->mdc, first);
    assert_true(mdc_serial(view) == serial);
    same_pairs(set->pairs, set->count, first, view->mdc_count);
    weftp_pairs_unref(set);
}

/* Whatever byte of a value is another one, and in a number's own value, too: it is seen. */
static void test_each_value_counts(void **state)
{
    (void)state;
    char text[] = "a text of some bytes, at the end";
    uint64_t last = 0;
    for (size_t i = 0; i < 2 * sizeof text; i++) {
        if (i < sizeof text - 1) text[i] = 'X';
        const weft_field fields[] = {weft_str("k", text), weft_int("n", (int64_t)i)};
        struct weftp_pair_set *set = pairs_of(fields, 2);
        const struct weft_record record = record_with(set, 1);
        const struct weft_record *view = through(&record, &scene.keeping);
        same_pairs(set->pairs, 2, view->mdc, view->mdc_count);
        assert_true(mdc_serial(view) > last);
        last = mdc_serial(view);
        assert_true(mdc_serial(through(&record, &scene.keeping)) == last);
        weftp_pairs_unref(set);
    }
}

/* The beginning of what is kept, and more than it, are others. */
static void test_fewer_and_more(void **state)
{
    (void)state;
    const weft_field fields[] = {weft_str("a", "1"), weft_str("b", "2"), weft_str("c", "3")};
    struct weftp_pair_set *sets[] = {pairs_of(fields, 1), pairs_of(fields, 2), pairs_of(fields, 3)};
    for (size_t i = 0; i < 12; i++) {
        const struct weft_record record = record_with(sets[i * 5 % 3], 1);
        const struct weft_record *view = through(&record, &scene.keeping);
        same_pairs(record.mdc, record.mdc_count, view->mdc, view->mdc_count);
    }
    for (size_t i = 0; i < 3; i++) weftp_pairs_unref(sets[i]);
}

/* Threads in turn keep theirs; so do the same bytes as MDC and as bound fields. */
static void test_each_thread_has_its_own(void **state)
{
    (void)state;
    const weft_field ann = weft_str("user", "ann"), bob = weft_str("user", "bob");
    struct weftp_pair_set *sets[] = {pairs_of(&ann, 1), pairs_of(&bob, 1)};
    uint64_t serials[2], bound = 0;
    for (size_t i = 0; i < 8; i++) {
        struct weft_record record = record_with(sets[i % 2], (int64_t)(i % 2));
        record.bound = sets[0]->pairs;
        record.bound_count = 1;
        const struct weft_record *view = through(&record, &scene.keeping);
        same_pairs(record.mdc, 1, view->mdc, view->mdc_count);
        same_pairs(record.bound, 1, view->bound, view->bound_count);
        if (i < 2) serials[i] = mdc_serial(view);
        if (i == 0) bound = weftp_pairs_serial(view->bound, 1);
        assert_true(mdc_serial(view) == serials[i % 2]);
        assert_true(weftp_pairs_serial(view->bound, 1) == bound);
    }
    assert_true(serials[0] != serials[1] && bound != serials[0]);
    weftp_pairs_unref(sets[0]);
    weftp_pairs_unref(sets[1]);
}

/* Blocks about as long as is kept, and longer. */
static void test_long_blocks(void **state)
{
    (void)state;
    static char text[WEFTP_KEPT_SIZE_MAX];
    memset(text, 't', sizeof text - 1);
    size_t kept = 0, not_kept = 0;
    for (size_t size = 0; size < sizeof text; size += 97) {
        const weft_field field = weft_str("k", text + sizeof text - 1 - size);
        struct weftp_pair_set *set = pairs_of(&field, 1);
        const struct weft_record record = record_with(set, 1);
        through(&record, &scene.keeping);
        const struct weft_record *view = through(&record, &scene.keeping);
        const bool is_kept = view->mdc != scene.keeping.pairs;
        assert_int_equal(is_kept, set->text_size <= WEFTP_KEPT_SIZE_MAX);
        assert_int_equal(is_kept, mdc_serial(view) != WEFTP_PAIRS_UNKNOWN);
        same_pairs(set->pairs, 1, view->mdc, 1);
        kept += is_kept;
        not_kept += !is_kept;
        weftp_pairs_unref(set);
    }
    assert_true(kept > 0 && not_kept > 0);
}

/* Where each record has its own pairs few are kept; when they stay again, they are. */
static void test_pairs_that_do_not_stay(void **state)
{
    (void)state;
    struct weftp_pair_set *set = NULL;
    struct weft_record record;
    size_t kept = 0;
    for (int i = 0; i < 800; i++) {
        const weft_field field = weft_int("k", i);
        weftp_pairs_unref(set);
        set = pairs_of(&field, 1);
        record = record_with(set, 1);
        const struct weft_record *view = through(&record, &scene.keeping);
        same_pairs(set->pairs, 1, view->mdc, view->mdc_count);
        kept += view->mdc != scene.keeping.pairs;
    }
    assert_in_range(kept, 100, 110);
    for (int i = 0; i < WEFTP_KEPT_MISSES; i++) through(&record, &scene.keeping);
    assert_ptr_not_equal(scene.view.record.mdc, scene.keeping.pairs);
    weftp_pairs_unref(set);
}

/* Without memory records are unpacked as before; what is kept goes, at most. */
static void test_no_memory(void **state)
{
    (void)state;
    static char text[2000];
    if (!FAIL_ALLOC_WORKS) skip();
    for (size_t size = 10; size < sizeof text; size *= 2) {
        memset(text, 't', size);
        const weft_field field = weft_str("k", text);
        struct weftp_pair_set *set = pairs_of(&field, 1);
        const struct weft_record record = record_with(set, 1);
        fail_alloc_from_now(0, true);
        const struct weft_record *view = through(&record, &scene.keeping);
        const bool failed = fail_alloc_stop();
        assert_int_equal(failed, view->mdc == scene.keeping.pairs);
        same_pairs(set->pairs, 1, view->mdc, view->mdc_count);
        view = through(&record, &scene.keeping);
        assert_ptr_not_equal(view->mdc, scene.keeping.pairs);
        same_pairs(set->pairs, 1, view->mdc, view->mdc_count);
        weftp_pairs_unref(set);
    }
}

/* Bytes that are not trusted are looked at each time. */
static void test_nothing_kept_without_trust(void **state)
{
    (void)state;
    const weft_field field = weft_str("k", "v");
    struct weftp_pair_set *set = pairs_of(&field, 1);
    const struct weft_record record = record_with(set, 1);
    scene.keeping.options = 0;
    for (int i = 0; i < 2; i++) {
        const struct weft_record *view = through(&record, &scene.keeping);
        assert_ptr_equal(view->mdc, scene.keeping.pairs);
        assert_true(mdc_serial(view) == WEFTP_PAIRS_UNKNOWN);
    }
    weftp_pairs_unref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_lines, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_kept_beyond_the_bytes, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_each_value_counts, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_fewer_and_more, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_each_thread_has_its_own, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_long_blocks, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_pairs_that_do_not_stay, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_no_memory, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_nothing_kept_without_trust, scene_open, scene_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
