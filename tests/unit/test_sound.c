/*
 * What a file may not bring into a line: pairs' texts and trace ids that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "src/pipeline/sound.h"
#include "support/random_record.h"

/* Whatever this process makes is sound. */
static void test_our_own_records(void **state)
{
    (void)state;
    size_t pairs = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct random_record *random = random_record_make(seed);
        assert_true(weftp_record_is_sound(&random->record));
        pairs += random->record.mdc_count + random->record.bound_count;
        random_record_free(random);
    }
    assert_true(pairs > 100);
}

static bool is_sound(const char *key, const char *value)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s", key, value);
    const struct weft_pair pair = {
        .json = text, .json_size = (uint32_t)strlen(text), .key_json_size = (uint16_t)strlen(key)};
    const struct weft_record mdc = {.mdc = &pair, .mdc_count = 1},
                             bound = {.bound = &pair, .bound_count = 1};
    assert_int_equal(weftp_record_is_sound(&mdc), weftp_record_is_sound(&bound));
    return weftp_record_is_sound(&mdc);
}

static void test_pairs(void **state)
{
    (void)state;
    assert_true(is_sound("\"user\":", "\"u-1\""));
    assert_true(is_sound("\"n\":", "12"));
    assert_true(is_sound("\"a\\\"b\":", "{\"x\":[1,true,null]}"));
    assert_false(is_sound("\"user\":", "\"u-1\"}\n{\"forged\":\"line\""));
    assert_false(is_sound("\"user\":", "\"u\n1\""));
    assert_false(is_sound("\"user\":", "\"u-1\",\"admin\":true"));
    assert_false(is_sound("\"user\":", " 1"));
    assert_false(is_sound("\"user\":", ""));
    assert_false(is_sound("\"user\":", "{\"x\":1"));
    assert_false(is_sound("\"a\":1,\"b\":", "2"));
    assert_false(is_sound("user:", "1"));
    assert_false(is_sound("\"user\";", "1"));
    assert_false(is_sound("\"", "1"));
    assert_false(is_sound("", "1"));
}

static bool is_sound_trace(const char *trace_id, const char *span_id, const char *parent_id)
{
    struct weft_trace trace = {.flags = 1};
    const struct weft_record record = {.trace = &trace};
    snprintf(trace.trace_id, sizeof trace.trace_id, "%s", trace_id);
    snprintf(trace.span_id, sizeof trace.span_id, "%s", span_id);
    snprintf(trace.parent_id, sizeof trace.parent_id, "%s", parent_id);
    return weftp_record_is_sound(&record);
}

static void test_trace_ids(void **state)
{
    (void)state;
    assert_true(is_sound_trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", ""));
    assert_true(is_sound_trace("", "", ""));
    assert_false(is_sound_trace("4bf9\",\"admin\":\"yes", "", ""));
    assert_false(is_sound_trace("", "00f0\n7aa0ba902b7", ""));
    assert_false(is_sound_trace("", "", "\\"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_own_records),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_trace_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
