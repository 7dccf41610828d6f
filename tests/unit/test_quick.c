/*
 * The quick way and the planned way of the layout engine give the same bytes: for random records, tame and wild, with a
 * place of their own, with one that many records of other shapes share, and without any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/out.h"
#include "src/encode/quick.h"
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
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    const struct weft_encoder_options options = {
        .struct_size = sizeof options, .service = "orders", .host = "h", .options = none};
    void *self = NULL;
    assert_int_equal(type->open(&self, &options), WEFT_OK);
    return self;
}

/* Encode both ways; returns whether the quick one was gone. */
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
    assert_false(quick.overflow || plan.overflow);
    if (weftp_out_size(&quick) != weftp_out_size(&plan) ||
        memcmp(quick.data, plan.data, weftp_out_size(&plan)) != 0)
        fail_msg("%s:\n%.*s%.*s", type->name, (int)weftp_out_size(&quick), quick.data,
                 (int)weftp_out_size(&plan), plan.data);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tame_records),
        cmocka_unit_test(wild_records),
        cmocka_unit_test(a_key_that_changes_in_place),
        cmocka_unit_test(many_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
