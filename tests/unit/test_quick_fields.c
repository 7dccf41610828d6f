/*
 * The quick way's fields: strings that end where memory ends, keys that are known by their addresses, and lines of one
 * shape that differ in level, trace and lists, are what the planned way writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/out.h"
#include "src/encode/quick.h"
#include "src/encode/registry.h"
#include "src/record/pair.h"
#include "src/record/templates.h"

#define FORMATS 3 /* ecs, logstash, logback: the layouts */

/* The planned way is gone when there are limits; these cut nothing. */
static const struct weft_limits planned = {UINT32_MAX - 1, UINT32_MAX - 1, UINT32_MAX - 1,
                                           UINT32_MAX - 1};

static struct weft_out quick, plan;
static void *encoders[FORMATS];

static int open_all(void **state)
{
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    const struct weft_encoder_options options = {
        .struct_size = sizeof options, .service = "orders", .host = "h", .options = none};
    (void)state;
    weftp_out_init(&quick, (size_t)1 << 20);
    weftp_out_init(&plan, (size_t)1 << 20);
    for (size_t i = 0; i < FORMATS; i++)
        if (weftp_encoders_builtin[i]->open(&encoders[i], &options) != WEFT_OK) return -1;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) weftp_encoders_builtin[i]->close(encoders[i]);
    weftp_out_deinit(&quick);
    weftp_out_deinit(&plan);
    return 0;
}

static struct weft_record record_of(const weft_site *site, const weft_field *fields, size_t count)
{
    return (struct weft_record){.struct_size = sizeof(struct weft_record),
                                .level = WEFT_LEVEL_INFO,
                                .logger = "orders",
                                .logger_size = 6,
                                .thread = "main",
                                .thread_size = 4,
                                .message = "m",
                                .message_size = 1,
                                .site = site,
                                .fields = fields,
                                .field_count = count};
}

/* Every format, twice: the second time the line is known. The quick way must be gone. */
static void check(const struct weft_record *record)
{
    for (size_t i = 0; i < 2 * FORMATS; i++) {
        void *self = encoders[i / 2];
        weftp_out_clear(&quick);
        weftp_out_clear(&plan);
        assert_true(weftp_quick_encode(self, record, &quick));
        weftp_encoders_builtin[i / 2]->encode(self, record, &planned, &plan);
        const size_t size = weftp_out_size(&plan);
        if (weftp_out_size(&quick) != size || memcmp(quick.data, plan.data, size) != 0)
            fail_msg("\n%.*s%.*s", (int)weftp_out_size(&quick), quick.data, (int)size, plan.data);
    }
}

static void a_string_may_end_with_its_page(void **state)
{
    static weft_site site = {"s.c", "f", 1, 0, 0, 0, 0};
    static const char *const odd[] = {"", "\"", "\\", "\n", "\x01", "\xED\x95\x9C", "\xFF"};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    memset(pages, 'x', page);
    for (size_t behind = 0; behind < 3; behind++) {
        for (size_t size = 0; size < 130; size++) {
            for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
                const size_t odd_size = strlen(odd[i]);
                if (odd_size > size) continue;
                char *end = pages + page - 1 - 47 * behind, *text = end - size;
                memset(text, 'a', size);
                memcpy(text + (size - odd_size) / (1 + behind), odd[i], odd_size);
                *end = '\0';
                const weft_field fields[] = {weft_str("text", text), weft_int("n", 1)};
                const struct weft_record record = record_of(&site, fields, 2);
                check(&record);
            }
        }
    }
    munmap(pages, 2 * page);
}

static void an_address_is_a_key_while_the_site_is_known(void **state)
{
    static weft_site site = {"s.c", "g", 2, 0, 0, 0, 0};
    char own[] = "first";
    (void)state;
    weft_field fields[] = {weft_str("first", "1"), weft_int("second", 2), weft_bool("third", true)};
    struct weft_record record = record_of(&site, fields, 3);
    weftp_template_learn(&site, fields, 3);
    assert_non_null(weftp_template_of(&site));
    check(&record);
    fields[0].key = own; /* the same key elsewhere */
    check(&record);
    own[0] = 'F';
    check(&record);
    fields[0] = weft_str("other", "1");
    check(&record);
    fields[0] = weft_str("first", "1");
    fields[1] = weft_str("second", "2"); /* another type */
    check(&record);
    fields[1] = weft_uint("second", UINT64_MAX);
    check(&record);
    fields[1] = weft_int("second", INT64_MIN);
    check(&record);
}

/* As when an image was unloaded and another one lies there, with other bytes at the address of a key. */
static void an_address_is_no_key_of_another_image(void **state)
{
    static weft_site site = {"s.c", "h", 3, 0, 0, 0, 0};
    static const char key[] = "a_key";
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)key / page * page;
    (void)state;
    weft_field field = weft_int(key, 1);
    field.key_size = sizeof key - 1;
    struct weft_record record = record_of(&site, &field, 1);
    weftp_template_learn(&site, &field, 1);
    assert_non_null(weftp_template_of(&site));
    check(&record);
    const uint32_t number = site.state;
    assert_int_equal(mprotect((void *)at, 2 * page, PROT_READ | PROT_WRITE), 0);
    *(volatile char *)(uintptr_t)key = 'b';
    for (uint32_t i = 0; i < 2; i++) {
        site.state = i ? number + 1 : 0;
        check(&record);
    }
    assert_int_equal(memcmp(strstr(quick.data, "_key") - 1, "b_key", 5), 0);
}

static void one_shape_has_many_lines(void **state)
{
    static weft_site site = {"s.c", "i", 4, 0, 0, 0, 0};
    static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;
    static const struct weft_trace traces[] = {
        {"0123456789abcdef0123456789abcdef", "0123456789abcdef", "", 1},
        {"0123456789abcdef0123456789abcdef", "", "", 1},
        {"", "", "", 0}};
    const weft_field pairs[2][2] = {{weft_str("user", "u"), weft_none()},
                                    {weft_int("load", 1), weft_str("tenant", "t")}};
    struct weftp_pair_set *sets[2];
    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(weftp_pairs_build(&sets[i], NULL, pairs[i], 2, &limits, true, NULL),
                         WEFT_OK);
    const weft_field fields[] = {weft_str("text", "x"), weft_int("n", 1)};
    for (size_t count = 0; count < 3; count++) {
        for (int level = 0; level < 24; level++) {
            for (size_t mix = 0; mix < 12; mix++) {
                struct weft_record record = record_of(mix % 2 ? &site : NULL, fields, count);
                record.level = level;
                record.trace = mix % 4 < 3 ? &traces[mix % 4] : NULL;
                record.mdc = mix < 4 ? NULL : sets[0]->pairs;
                record.mdc_count = mix < 4 ? 0 : sets[0]->count;
                record.bound = mix < 8 ? NULL : sets[1]->pairs;
                record.bound_count = mix < 8 ? 0 : sets[1]->count;
                check(&record);
            }
        }
    }
    for (size_t i = 0; i < 2; i++) weftp_pairs_unref(sets[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_may_end_with_its_page),
        cmocka_unit_test(an_address_is_a_key_while_the_site_is_known),
        cmocka_unit_test(an_address_is_no_key_of_another_image),
        cmocka_unit_test(one_shape_has_many_lines),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
