/*
 * The quick way and the planned way of the layout engine give the same bytes: for random records, tame and wild, with a
 * place of their own, with one that many records of other shapes share, and without any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "src/base/out.h"
#include "src/encode/quick.h"
#include "src/encode/quick_pairs.h"
#include "src/encode/registry.h"
#include "support/random_record.h"

/* The planned way is gone when there are limits; these cut nothing. */
static const struct weft_limits planned = {UINT32_MAX - 1, UINT32_MAX - 1, UINT32_MAX - 1,
                                           UINT32_MAX - 1};

static const struct weft_encoder_type *const *json_formats(size_t *count)
{
    *count = 3; /* ecs, logstash, logback: the layouts */
    return weftp_encoders_builtin;
}

static void *open_encoder(const struct weft_encoder_type *type)
{
    static const char *const names[] = {"own", "otel", "gcp", "datadog", "spring"};
    static unsigned opened;
    const struct weft_options_kv kv[] = {{"trace", names[opened++ / 3 % 5]}, {NULL, NULL}};
    const struct weft_encoder_options options = {.struct_size = sizeof options,
                                                 .service = "orders",
                                                 .host = "h",
                                                 .options = kv,
                                                 .trace_project = "shop-1"};
    void *self = NULL;
    assert_int_equal(type->open(&self, &options), WEFT_OK);
    return self;
}

static void assert_same(const char *name, const struct weft_out *got, const struct weft_out *want)
{
    const size_t size = weftp_out_size(want);
    assert_false(got->overflow || want->overflow);
    if (weftp_out_size(got) != size || memcmp(got->data, want->data, size) != 0)
        fail_msg("%s:\n%.*s%.*s", name, (int)weftp_out_size(got), got->data, (int)size, want->data);
}

/* A buffer that all records of this program go through, with what is remembered beside it. */
static struct weft_out kept;

/* Encode both ways, the quick one into a fresh buffer and into the one that remembers; returns whether it was gone. */
static bool compare(const struct weft_encoder_type *type, void *self,
                    const struct weft_record *record)
{
    struct weft_out quick, plan, probe;
    weftp_out_init(&quick, (size_t)8 << 20);
    weftp_out_init(&plan, (size_t)8 << 20);
    weftp_out_init(&probe, (size_t)8 << 20);
    type->encode(self, record, NULL, &quick);
    type->encode(self, record, &planned, &plan);
    const bool gone = weftp_quick_encode(self, record, &probe);
    if (!gone) assert_int_equal(weftp_out_size(&probe), 0);
    assert_same(type->name, &quick, &plan);
    for (int i = 0; i < 3; i++) { /* seen, remembered, known */
        weftp_out_clear(&kept);
        type->encode(self, record, NULL, &kept);
        assert_same(type->name, &kept, &plan);
    }
    weftp_out_deinit(&quick);
    weftp_out_deinit(&plan);
    weftp_out_deinit(&probe);
    return gone;
}

/* A record of plain keys, most of which the quick way takes; values as wild as ever. */
static void tame(struct random_record *r)
{
    static const char *const keys[] = {"a",
                                       "id",
                                       "key",
                                       "user",
                                       "order_id",
                                       "customer_name",
                                       "a_rather_long_key_name_of_a_field",
                                       "status"};
    weft_field *fields = random_memory(r, sizeof *fields * 8);
    const uint32_t count = random_below(r, 9);
    const uint32_t shift = random_below(r, 3) == 0 ? 3 : 0;
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = random_field(r, 0);
        fields[i].key = keys[(i + shift) % 8];
        fields[i].key_size = random_below(r, 2) ? (uint8_t)strlen(fields[i].key) : 0;
    }
    r->record.fields = fields;
    r->record.field_count = count;
    if (random_below(r, 4)) {
        r->record.mdc_count = 0;
        r->record.bound_count = 0;
    }
}

static void same_bytes(bool tamed)
{
    static const weft_site shared = {"s.c", "f", 1, 0, 0, 0, 0};
    size_t formats;
    const struct weft_encoder_type *const *types = json_formats(&formats);
    uint32_t quick = 0;
    for (size_t f = 0; f < formats; f++) {
        void *self = open_encoder(types[f]);
        for (uint64_t seed = 1; seed <= 4000; seed++) {
            struct random_record *r = random_record_make(seed);
            if (tamed) tame(r);
            if (seed % 3 == 0) r->record.site = NULL;
            if (seed % 3 == 1) r->record.site = &shared;
            quick += compare(types[f], self, &r->record);
            quick += compare(types[f], self, &r->record); /* by now its shape is kept */
            random_record_free(r);
        }
        types[f]->close(self);
    }
    if (tamed) assert_true(quick > 4000); /* or this test looks at nothing */
}

static void tame_records(void **state)
{
    (void)state;
    same_bytes(true);
}

static void wild_records(void **state)
{
    (void)state;
    same_bytes(false);
}

/* One place, one buffer for a key whose bytes change: a kept shape must not be believed. */
static void a_key_that_changes_in_place(void **state)
{
    (void)state;
    static const weft_site site = {"s.c", "f", 1, 0, 0, 0, 0};
    void *self = open_encoder(weftp_encoders_builtin[0]);
    char key[40] = "the_key_of_many_bytes_0_and_some_more";
    for (size_t at = 0; at < strlen(key); at++) {
        weft_field field = weft_int(key, 7);
        field.key_size = (uint8_t)strlen(key);
        const struct weft_record record = {.struct_size = sizeof record,
                                           .level = WEFT_LEVEL_INFO,
                                           .logger = "l",
                                           .logger_size = 1,
                                           .thread = "t",
                                           .thread_size = 1,
                                           .message = "m",
                                           .message_size = 1,
                                           .site = &site,
                                           .fields = &field,
                                           .field_count = 1};
        assert_true(compare(weftp_encoders_builtin[0], self, &record));
        key[at] = 'X';
        assert_true(compare(weftp_encoders_builtin[0], self, &record));
    }
    weftp_encoders_builtin[0]->close(self);
}

/* More places than are kept: the rest is made out each time. */
static void many_places(void **state)
{
    (void)state;
    void *self = open_encoder(weftp_encoders_builtin[0]);
    weft_site *sites = calloc(3 * WEFTP_SHAPES_MAX, sizeof *sites);
    assert_non_null(sites);
    for (size_t i = 0; i < 3 * WEFTP_SHAPES_MAX; i++) {
        const weft_field fields[] = {weft_str("a", "x"), weft_uint("n", i)};
        const struct weft_record record = {.struct_size = sizeof record,
                                           .level = WEFT_LEVEL_INFO,
                                           .logger = "l",
                                           .logger_size = 1,
                                           .thread = "t",
                                           .thread_size = 1,
                                           .message = "m",
                                           .message_size = 1,
                                           .site = &sites[i],
                                           .fields = fields,
                                           .field_count = 2};
        assert_true(compare(weftp_encoders_builtin[0], self, &record));
    }
    weftp_encoders_builtin[0]->close(self);
    free(sites);
}

#define SETS 8

/* What a record may differ in from the one before. */
struct scene {
    struct weft_record record;
    struct weft_trace trace;
    weft_field fields[3];
    char thread[80], logger[80];
    struct weftp_pair_set *bound[SETS], *mdc[SETS];
};

static struct weftp_pair_set *pairs_of(weft_field first, weft_field second)
{
    static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;
    const weft_field fields[] = {first, second};
    struct weftp_pair_set *set = NULL;
    assert_int_equal(weftp_pairs_build(&set, NULL, fields, 2, &limits, true, NULL), WEFT_OK);
    return set;
}

/* The same keys and other values, other keys, the same ones but bound, another type, odd ones. */
static void scene_open(struct scene *scene)
{
    const weft_field id = weft_str("request_id", "r-1"), load = weft_str("load", "1");
    const weft_field api = weft_str("component", "api"), none = weft_none();
    const weft_field bound[SETS][2] = {{api, none}, {api, weft_str("a\"b", "x")},
                                       {api, none}, {api, none},
                                       {api, id},   {api, none},
                                       {api, none}, {api, none}};
    const weft_field mdc[SETS][2] = {{id, load},
                                     {id, load},
                                     {weft_str("request_id", "r-2\n"), weft_str("load", "")},
                                     {weft_str("request_ix", "r-1"), load},
                                     {load, none},
                                     {weft_int("request_id", 1), load},
                                     {id, weft_double("load", 1.5)},
                                     {id, weft_double("load", NAN)}};
    *scene =
        (struct scene){.trace = {"0123456789abcdef0123456789abcdef", "0123456789abcdef", "", 1},
                       .thread = "worker-number-1",
                       .logger = "orders.api",
                       .fields = {weft_str("order_id", "o-1"), none, weft_int("n", 7)}};
    for (size_t i = 0; i < SETS; i++) {
        scene->bound[i] = pairs_of(bound[i][0], bound[i][1]);
        scene->mdc[i] = pairs_of(mdc[i][0], mdc[i][1]);
    }
}

static void scene_close(struct scene *scene)
{
    for (size_t i = 0; i < SETS; i++) {
        weftp_pairs_unref(scene->bound[i]);
        weftp_pairs_unref(scene->mdc[i]);
    }
}

#define STEPS 13 /* things that a bit changes, beside the pairs */

/* Set the scene: a bit of `step` for each thing that is changed, and which pairs there are. */
static void scene_set(struct scene *scene, uint32_t step, uint32_t pairs)
{
    static const weft_site site = {"s.c", "f", 1, 0, 0, 0, 0};
    scene->thread[14] = step & 1 ? '2' : '1';
    scene->logger[3] = step & 2 ? '"' : 'e';
    scene->trace.trace_id[31] = step & 4 ? '\0' : 'f';
    scene->trace.trace_id[30] = step & 8 ? '0' : 'e';
    scene->trace.span_id[0] = step & 16 ? '\0' : '0';
    scene->trace.span_id[1] = step & 32 ? '2' : '1';
    scene->trace.flags = step & 4096 ? 0 : 1;
    scene->fields[1] = step & 64 ? weft_bool("request_id", true) : weft_none();
    scene->fields[2].v.i = step;
    scene->record = (struct weft_record){.struct_size = sizeof scene->record,
                                         .time_ns = 1795328954123456000 + (int64_t)step * 300000000,
                                         .level = step & 128 ? WEFT_LEVEL_WARN : WEFT_LEVEL_INFO,
                                         .logger = scene->logger,
                                         .logger_size = step & 256 ? 0 : 10,
                                         .thread = scene->thread,
                                         .thread_size = step & 512 ? 3 : 15,
                                         .message = "m\t and more of it",
                                         .message_size = step % 17,
                                         .site = &site,
                                         .fields = scene->fields,
                                         .field_count = step & 1024 ? 3 : 2,
                                         .bound = scene->bound[pairs]->pairs,
                                         .bound_count = scene->bound[pairs]->count,
                                         .mdc = scene->mdc[pairs]->pairs,
                                         .mdc_count = scene->mdc[pairs]->count,
                                         .trace = step & 2048 ? NULL : &scene->trace};
}

/* From each of many records to those that differ in one thing, and back, through one buffer. */
static void what_is_remembered_is_not_believed(void **state)
{
    (void)state;
    struct scene scene;
    uint64_t random = 1;
    uint32_t quick = 0;
    scene_open(&scene);
    for (uint32_t i = 0; i < 180; i++) {
        const struct weft_encoder_type *type = weftp_encoders_builtin[i % 3];
        void *self = open_encoder(type);
        random = random * UINT64_C(6364136223846793005) + 1;
        const uint32_t base = i < 3 ? 0 : (uint32_t)(random >> 40) & (uint32_t)(random >> 50);
        for (uint32_t pairs = SETS; pairs-- > 0;) {
            for (uint32_t bit = 0; bit <= STEPS; bit++) {
                scene_set(&scene, base, i % 2 ? 0 : 6);
                quick += compare(type, self, &scene.record);
                scene_set(&scene, base ^ (bit ? UINT32_C(1) << (bit - 1) : 0), pairs);
                quick += compare(type, self, &scene.record);
            }
        }
        type->close(self);
    }
    assert_true(quick > 5000);
    scene_close(&scene);
}

/* An encoder in the place of one that is closed: what is remembered of that one is not its own. */
static void another_encoder_at_the_same_address(void **state)
{
    (void)state;
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    static const char *const services[] = {"orders", "basket"};
    struct scene scene;
    scene_open(&scene);
    for (uint32_t i = 0; i < 200; i++) {
        const struct weft_encoder_options options = {.struct_size = sizeof options,
                                                     .service = services[i % 2],
                                                     .host = "h",
                                                     .options = none};
        void *self = NULL;
        assert_int_equal(weftp_encoders_builtin[0]->open(&self, &options), WEFT_OK);
        scene_set(&scene, 0, 0);
        scene.record.fields = NULL;
        scene.record.field_count = 0;
        compare(weftp_encoders_builtin[0], self, &scene.record);
        weftp_encoders_builtin[0]->close(self);
    }
    scene_close(&scene);
}

/* Sets that come and go in the same memory, alike but for their values. */
static void another_set_at_the_same_address(void **state)
{
    (void)state;
    const struct weft_encoder_type *type = weftp_encoders_builtin[0];
    void *self = open_encoder(type);
    struct scene scene;
    uint32_t again = 0;
    const struct weftp_pair_set *before = NULL;
    scene_open(&scene);
    for (int i = 0; i < 100; i++) {
        const char value[] = {'v', (char)('0' + i % 10), (char)('0' + i / 10), '\0'};
        struct weftp_pair_set *set = pairs_of(weft_str("ride", value), weft_int("n", i % 10));
        again += set == before;
        before = set;
        scene_set(&scene, 0, 0);
        scene.record.mdc = i % 3 ? set->pairs : scene.record.mdc;
        scene.record.bound = i % 3 ? scene.record.bound : set->pairs;
        scene.record.fields = NULL;
        scene.record.field_count = 0;
        assert_true(compare(type, self, &scene.record));
        assert_true(compare(type, self, &scene.record));
        weftp_pairs_unref(set);
    }
    if (again == 0) print_message("no memory was used again\n"); /* as under a sanitizer */
    scene_close(&scene);
    type->close(self);
}

/* Pairs that are no whole set are looked at each time: they may be anything by now. */
static void pairs_that_are_no_set(void **state)
{
    (void)state;
    const struct weft_encoder_type *type = weftp_encoders_builtin[0];
    void *self = open_encoder(type);
    struct scene scene;
    struct weft_pair pairs[2];
    scene_open(&scene);
    scene_set(&scene, 0, 0);
    scene.record.fields = NULL;
    scene.record.field_count = 0;
    assert_true(compare(type, self, &scene.record));
    scene.record.mdc_count = 1;
    assert_true(compare(type, self, &scene.record));
    memcpy(pairs, scene.mdc[0]->pairs, sizeof pairs);
    scene.record.mdc = pairs;
    scene.record.mdc_count = 2;
    for (size_t set = 0; set < 4; set++) {
        pairs[0] = scene.mdc[set]->pairs[0];
        assert_true(compare(type, self, &scene.record));
        pairs[1] = scene.mdc[3 - set]->pairs[1];
        assert_true(compare(type, self, &scene.record));
    }
    scene_close(&scene);
    type->close(self);
}

/* Around the size of a text that is remembered, in one list and in several. */
static void long_pairs(void **state)
{
    (void)state;
    static char text[WEFTP_QUICK_PAIRS_TEXT + 16];
    uint32_t quick = 0;
    memset(text, 'x', sizeof text - 1);
    for (size_t f = 0; f < 3; f++) {
        void *self = open_encoder(weftp_encoders_builtin[f]);
        struct scene scene;
        scene_open(&scene);
        for (size_t left = 0; left < 100; left++) {
            struct weftp_pair_set *set =
                pairs_of(weft_str("note", text + left), weft_str("no", "2"));
            scene_set(&scene, 0, 0);
            scene.record.mdc = set->pairs;
            scene.record.field_count = 1;
            quick += compare(weftp_encoders_builtin[f], self, &scene.record);
            quick += compare(weftp_encoders_builtin[f], self, &scene.record);
            weftp_pairs_unref(set);
        }
        scene_close(&scene);
        weftp_encoders_builtin[f]->close(self);
    }
    assert_int_equal(quick, 600);
}

/* A field that is none, at each place of a long call, before and after it is there. */
static void none_at_each_place(void **state)
{
    (void)state;
    static const weft_site site = {.file = "a.c", .func = "f", .line = 1};
    static char keys[80][8];
    weft_field fields[80];
    void *self = open_encoder(weftp_encoders_builtin[0]);
    for (int i = 0; i < 80; i++) {
        snprintf(keys[i], sizeof keys[i], "key%02d", i);
        fields[i] = weft_int(keys[i], i);
    }
    const struct weft_record record = {.struct_size = sizeof record,
                                       .level = WEFT_LEVEL_INFO,
                                       .message = "m",
                                       .message_size = 1,
                                       .site = &site,
                                       .fields = fields,
                                       .field_count = 80};
    for (int i = 0; i < 80; i++) {
        const weft_field there = fields[i];
        fields[i] = weft_none();
        compare(weftp_encoders_builtin[0], self, &record);
        fields[i] = there;
        compare(weftp_encoders_builtin[0], self, &record);
    }
    weftp_encoders_builtin[0]->close(self);
}

int main(void)
{
    weftp_out_init(&kept, (size_t)8 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tame_records),
        cmocka_unit_test(wild_records),
        cmocka_unit_test(a_key_that_changes_in_place),
        cmocka_unit_test(many_places),
        cmocka_unit_test(what_is_remembered_is_not_believed),
        cmocka_unit_test(another_encoder_at_the_same_address),
        cmocka_unit_test(another_set_at_the_same_address),
        cmocka_unit_test(pairs_that_are_no_set),
        cmocka_unit_test(long_pairs),
        cmocka_unit_test(none_at_each_place),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    weftp_out_deinit(&kept);
    return failed;
}
