/* Values as JSON: each type, limits, nesting, keys that come twice, sizes that would hurt. */
#include "src/base/json_text.h"
#include "src/base/json_value.h"
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_tree.h>

#include <cmocka.h>

#define NO_LIMIT ((struct weftp_value_style){WEFTP_DOUBLE_SHORT, WEFTP_TIME_MICROS, UINT32_MAX})

static unsigned last_notes;

/* The text of a value; good until the next call. */
static const char *text_of(weft_field field, struct weftp_value_style style, bool as_string)
{
    static char text[65536];
    struct weft_out out;
    weftp_out_init(&out, sizeof text - 1);
    last_notes = 0;
    (as_string ? weftp_json_value_as_string : weftp_json_value)(&out, &field, &style, &last_notes);
    assert_false(out.overflow);
    memcpy(text, out.data, weftp_out_size(&out));
    text[weftp_out_size(&out)] = '\0';
    weftp_out_deinit(&out);
    return text;
}

static void expect(weft_field field, const char *want, unsigned notes)
{
    assert_string_equal(text_of(field, NO_LIMIT, false), want);
    assert_int_equal(last_notes, notes);
}

static void expect_as_string(weft_field field, const char *want)
{
    assert_string_equal(text_of(field, NO_LIMIT, true), want);
}

static void expect_limited(weft_field field, uint32_t limit, const char *want, unsigned notes)
{
    struct weftp_value_style style = NO_LIMIT;
    style.limit = limit;
    assert_string_equal(text_of(field, style, false), want);
    assert_int_equal(last_notes, notes);
}

static void scalars_are_written_as_their_type_says(void **state)
{
    (void)state;
    expect(weft_str("k", "text"), "\"text\"", 0);
    expect(weft_str("k", ""), "\"\"", 0);
    expect(weft_str("k", NULL), "null", 0);
    expect(weft_strn("k", "a\0b", 3), "\"a\\u0000b\"", 0);
    expect(weft_strn("k", NULL, 3), "null", 0);
    expect(weft_int("k", INT64_MIN), "-9223372036854775808", 0);
    expect(weft_uint("k", UINT64_MAX), "18446744073709551615", 0);
    expect(weft_double("k", 12.5), "12.5", 0);
    expect(weft_double("k", (double)NAN), "\"NaN\"", 0);
    expect(weft_double("k", HUGE_VAL), "\"Infinity\"", 0);
    expect(weft_double("k", -HUGE_VAL), "\"-Infinity\"", 0);
    expect(weft_bool("k", true), "true", 0);
    expect(weft_bool("k", false), "false", 0);
    expect(weft_null("k"), "null", 0);
    expect(weft_none(), "null", 0);
    expect(weft_end_(), "null", 0);
    expect(weft_bytes("k", "\0\xFF!", 3), "\"AP8h\"", 0);
    expect(weft_bytes("k", "", 0), "\"\"", 0);
    expect(weft_bytes("k", NULL, 0), "null", 0);
    expect(weft_duration_ns("k", 1500000), "1.5", 0);
    expect(weft_duration_ns("k", INT64_MIN), "-9223372036854.775808", 0);
    weft_field unknown = weft_int("k", 1);
    unknown.type = 99;
    expect(unknown, "null", 0);
}

static void doubles_and_times_follow_the_style(void **state)
{
    (void)state;
    struct weftp_value_style style = {WEFTP_DOUBLE_JAVA, WEFTP_TIME_SECONDS, UINT32_MAX};
    const weft_field when = weft_time("k", (struct timespec){1795328954, 123456789});
    expect(when, "\"2026-11-22T06:29:14.123456Z\"", 0);
    assert_string_equal(text_of(when, style, false), "1795328954.123456789");
    assert_string_equal(text_of(when, style, true), "\"1795328954.123456789\"");
    assert_string_equal(text_of(weft_double("k", 3), style, false), "3.0");
    style.time_style = WEFTP_TIME_TRIM;
    assert_string_equal(text_of(when, style, false), "\"2026-11-22T06:29:14.123456789Z\"");
    expect(weft_time("k", (struct timespec){4102444800, 0}), "\"2100-01-01T00:00:00.000000Z\"", 0);
    expect(weft_time("k", (struct timespec){-5000000000000, 0}), "\"0001-01-01T00:00:00.000000Z\"",
           0);
}

static void errors_of_the_system_are_objects(void **state)
{
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8");
    expect(weft_errno("k", ENOENT),
           "{\"code\":2,\"name\":\"ENOENT\",\"text\":\"No such file or directory\"}", 0);
    expect(weft_errno("k", 99999), "{\"code\":99999,\"text\":\"unknown error\"}", 0);
    expect(weft_errno("k", -7), "{\"code\":-7,\"text\":\"unknown error\"}", 0);
    weft_field huge = weft_errno("k", 0);
    huge.v.i = INT64_C(0x100000002);
    expect(huge, "{\"code\":4294967298,\"text\":\"unknown error\"}", 0);
    setlocale(LC_ALL, "C");
}

static void errors_have_the_parts_that_are_there(void **state)
{
    (void)state;
    expect(weft_error_info("T", "m", "s"),
           "{\"type\":\"T\",\"message\":\"m\",\"stack_trace\":\"s\"}", 0);
    expect(weft_error_info("T", NULL, "s"), "{\"type\":\"T\",\"stack_trace\":\"s\"}", 0);
    expect(weft_error_info(NULL, NULL, NULL), "{}", 0);
}

static void objects_and_arrays_nest(void **state)
{
    (void)state;
    expect(weft_obj("k", weft_int("a", 1), weft_none(), weft_str("b", NULL)),
           "{\"a\":1,\"b\":null}", 0);
    expect(weft_arr("k", weft_int("a", 1), weft_none(), weft_str("b", "x")), "[1,\"x\"]", 0);
    expect(weft_obj("k", weft_arr("l", weft_obj("", weft_bool("t", true)))),
           "{\"l\":[{\"t\":true}]}", 0);
    expect(weft_obj("k", weft_none()), "{}", 0);
    expect(weft_objn("k", NULL, 0), "null", 0);
    expect(weft_arrn("k", NULL, 5), "null", 0);
    const weft_field fields[] = {weft_int("a", 1), weft_end_(), weft_int("b", 2)};
    expect(weft_objn("k", fields, 3), "{\"a\":1}", 0); /* END ends an array of a known size too */
    expect(weft_arrn("k", fields, 1), "[1]", 0);
    expect(weft_arrn("k", fields, 0), "[]", 0);
}

static void keys_stand_once(void **state)
{
    (void)state;
    expect(weft_obj("k", weft_int("a", 1), weft_int("a", 2), weft_int("a", 3)),
           "{\"a\":1,\"a_1\":2,\"a_2\":3}", WEFTP_NOTE_RENAMED);
    expect(
        weft_obj("k", weft_int("a_1", 1), weft_int("a", 2), weft_int("a", 3), weft_int("a_1", 4)),
        "{\"a_1\":1,\"a\":2,\"a_2\":3,\"a_1_1\":4}", WEFTP_NOTE_RENAMED);
    expect(weft_obj("k", weft_int(NULL, 1), weft_int("", 2), weft_int("_", 3)),
           "{\"_\":1,\"__1\":2,\"__2\":3}", WEFTP_NOTE_RENAMED);
    /* Both are repaired to the same key. */
    expect(weft_obj("k", weft_int("a\xFF", 1), weft_int("a\xFE", 2)),
           "{\"a\xEF\xBF\xBD\":1,\"a\xEF\xBF\xBD_1\":2}", WEFTP_NOTE_RENAMED);
    expect(weft_obj("k", weft_int("a\"", 1), weft_int("a\"", 2)), "{\"a\\\"\":1,\"a\\\"_1\":2}",
           WEFTP_NOTE_RENAMED);
    expect(weft_obj("k", weft_int("a", 1), weft_obj("b", weft_int("a", 2))),
           "{\"a\":1,\"b\":{\"a\":2}}", 0);
}

static void long_keys_are_cut_at_a_character(void **state)
{
    (void)state;
    char key[WEFTP_KEY_SIZE_MAX + 10], want[WEFTP_KEY_SIZE_MAX + 40];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    weft_field field = weft_int(NULL, 1);
    field.key = key;
    snprintf(want, sizeof want, "{\"%.*s\":1}", WEFTP_KEY_SIZE_MAX, key);
    expect(weft_objn("k", &field, 1), want, WEFTP_NOTE_CUT);
    assert_int_equal(weftp_field_key_size(&field), WEFTP_KEY_SIZE_MAX);
    memcpy(key + WEFTP_KEY_SIZE_MAX - 1, "한", 3);
    assert_int_equal(weftp_field_key_size(&field), WEFTP_KEY_SIZE_MAX - 1);
    key[WEFTP_KEY_SIZE_MAX] = '\0';
    assert_int_equal(weftp_field_key_size(&field), WEFTP_KEY_SIZE_MAX);
    memset(key, 'k', sizeof key);
    key[WEFTP_KEY_SIZE_MAX] = '\0';
    weft_field same[2] = {field, field};
    text_of(weft_objn("k", same, 2), NO_LIMIT, false);
    assert_int_equal(last_notes, WEFTP_NOTE_RENAMED);
    field.key = NULL;
    assert_int_equal(weftp_field_key_size(&field), 0);
}

static void nesting_is_capped(void **state)
{
    (void)state;
    weft_field fields[40];
    fields[0] = weft_int("x", 1);
    for (int i = 1; i < 40; i++) fields[i] = weft_arrn("x", &fields[i - 1], 1);
    expect(fields[8], "[[[[[[[[1]]]]]]]]", 0);
    expect(fields[9], "[[[[[[[[\"[too deep]\"]]]]]]]]", WEFTP_NOTE_CUT);
    expect(fields[39], "[[[[[[[[\"[too deep]\"]]]]]]]]", WEFTP_NOTE_CUT);
    fields[0] = weft_json("x", "[[1]]");
    expect(fields[7], "[[[[[[[[\"[too deep]\"]]]]]]]]", WEFTP_NOTE_CUT);
    expect(fields[6], "[[[[[[[[1]]]]]]]]", 0);
}

static void raw_json_is_written_again_or_becomes_a_string(void **state)
{
    (void)state;
    expect(weft_json("k", " { \"a\" : [ 1e400 , true ] } "), "{\"a\":[1e400,true]}", 0);
    expect(weft_json("k", "{\"a\":1,\"a\":2}"), "{\"a\":1,\"a_1\":2}", WEFTP_NOTE_RENAMED);
    expect(weft_json("k", "{oops"), "\"{oops\"", 0);
    expect(weft_json("k", "1 2"), "\"1 2\"", 0);
    expect(weft_json("k", ""), "\"\"", 0);
    expect(weft_json("k", NULL), "null", 0);
    expect(weft_json("k", "\"line\\nbreak\""), "\"line\\nbreak\"", 0);
}

static void strings_are_cut_at_the_limit(void **state)
{
    (void)state;
    expect_limited(weft_str("k", "0123456789"), 10, "\"0123456789\"", 0);
    expect_limited(weft_str("k", "0123456789"), 9, "\"012345…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_str("k", "0123456789"), 3, "\"…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_str("k", "0123456789"), 0, "\"\"", WEFTP_NOTE_CUT);
    expect_limited(weft_str("k", "한국어"), 8, "\"한…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_str("k", "a\n\n\n"), 6, "\"a\\n…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_bytes("k", "abcdef", 6), 8, "\"YWJjZGVm\"", 0);
    expect_limited(weft_bytes("k", "abcdef", 6), 7, "\"YWJj…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_bytes("k", "abcdefg", 7), 8, "\"YWJj…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_bytes("k", "abcdef", 6), 2, "\"\"", WEFTP_NOTE_CUT);
    expect_limited(weft_int("k", 123456), 1, "123456", 0);
    expect_limited(weft_errno("k", ENOENT), 5,
                   "{\"code\":2,\"name\":\"ENOENT\",\"text\":\"No such file or directory\"}", 0);
}

static void containers_over_the_limit_become_strings(void **state)
{
    (void)state;
    expect_limited(weft_arr("k", weft_int("", 1), weft_int("", 2)), 5, "[1,2]", 0);
    expect_limited(weft_arr("k", weft_int("", 1), weft_int("", 2)), 4, "\"[…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_obj("k", weft_str("a", "x"), weft_int("b", 12345)), 12,
                   "\"{\\\"a\\\":\\\"…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_json("k", "[1,2,3,4,5,6,7,8]"), 17, "[1,2,3,4,5,6,7,8]", 0);
    expect_limited(weft_json("k", "[1,2,3,4,5,6,7,8]"), 16, "\"[1,2,3,4,5,6,…\"", WEFTP_NOTE_CUT);
    expect_limited(weft_json("k", "not json at all"), 9, "\"not js…\"", WEFTP_NOTE_CUT);
}

static void a_limited_value_is_valid_and_short_enough(void **state)
{
    (void)state;
    for (uint32_t limit = 0; limit < 200; limit++) {
        struct weftp_value_style style = NO_LIMIT;
        style.limit = limit;
        const char *text =
            text_of(weft_obj("k", weft_str("a", "한국어 \"text\" \n\x01 ends"),
                             weft_arr("l", weft_int("", 1), weft_bytes("", "abcdefgh", 8)),
                             weft_json("j", "{\"a\":[{},\"\\u0000é\"]}"),
                             weft_error_info("T", "m", "at\n\tb")),
                    style, false);
        assert_true(strlen(text) <= (text[0] == '"' ? limit + 2 : limit));
        yajl_val tree = yajl_tree_parse(text, NULL, 0);
        assert_non_null(tree);
        yajl_tree_free(tree);
    }
}

static void everything_can_be_a_string(void **state)
{
    (void)state;
    expect_as_string(weft_str("k", "a\"b"), "\"a\\\"b\"");
    expect_as_string(weft_str("k", NULL), "\"null\"");
    expect_as_string(weft_int("k", -3), "\"-3\"");
    expect_as_string(weft_double("k", 12.5), "\"12.5\"");
    expect_as_string(weft_double("k", (double)NAN), "\"NaN\"");
    expect_as_string(weft_bool("k", true), "\"true\"");
    expect_as_string(weft_null("k"), "\"null\"");
    expect_as_string(weft_bytes("k", "abc", 3), "\"YWJj\"");
    expect_as_string(weft_time("k", (struct timespec){0, 0}), "\"1970-01-01T00:00:00.000000Z\"");
    expect_as_string(weft_arr("k", weft_str("", "a\"b")), "\"[\\\"a\\\\\\\"b\\\"]\"");
    expect_as_string(weft_obj("k", weft_int("a", 1)), "\"{\\\"a\\\":1}\"");
    expect_as_string(weft_json("k", "[1, 2]"), "\"[1,2]\"");
    expect_as_string(weft_json("k", "no json"), "\"no json\"");
    expect_as_string(weft_errno("k", 99999),
                     "\"{\\\"code\\\":99999,\\\"text\\\":\\\"unknown error\\\"}\"");
    struct weftp_value_style style = NO_LIMIT;
    style.limit = 9;
    assert_string_equal(text_of(weft_json("k", "[\"\",\"\"]"), style, true), "\"[\\\"\\\",…\"");
    assert_int_equal(last_notes, WEFTP_NOTE_CUT);
    assert_string_equal(text_of(weft_int("k", 1234567890123), style, true), "\"1234567890123\"");
}

/* Many children: in time that grows with their number, and each key once. */
static void check_many(bool is_object, bool same_key, size_t count)
{
    weft_field *fields = calloc(count, sizeof *fields);
    char *keys = malloc(count * 24);
    assert_true(fields && keys);
    for (size_t i = 0; i < count; i++) {
        snprintf(keys + i * 24, 24, "k%zu", i);
        fields[i] = weft_int(NULL, (int64_t)i);
        fields[i].key = same_key ? "key" : keys + i * 24;
    }
    struct weft_out out;
    weftp_out_init(&out, 64u << 20);
    unsigned notes = 0;
    const struct weftp_value_style style = NO_LIMIT;
    const weft_field field =
        is_object ? weft_objn("k", fields, count) : weft_arrn("k", fields, count);
    const clock_t start = clock();
    weftp_json_value(&out, &field, &style, &notes);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 8); /* quadratic would take hours */
    assert_false(out.overflow);
    assert_int_equal(notes, is_object && same_key ? WEFTP_NOTE_RENAMED : 0);
    size_t commas = 0;
    for (const char *at = out.data; at < out.cur; at++) commas += *at == ',';
    assert_int_equal(commas, count - 1);
    if (is_object && same_key) {
        char want[64];
        snprintf(want, sizeof want, "\"key_%zu\":%zu}", count - 1, count - 1);
        assert_memory_equal(out.cur - strlen(want), want, strlen(want));
    }
    weftp_out_deinit(&out);
    free(keys);
    free(fields);
}

static void a_million_children_take_linear_time(void **state)
{
    (void)state;
    check_many(false, false, 1000000);
    check_many(true, false, 1000000);
    check_many(true, true, 1000000);
}

static void keys_are_unique_around_the_change_to_a_table(void **state)
{
    (void)state;
    for (size_t count = 10; count < 200; count++) {
        check_many(true, true, count);
        check_many(true, false, count);
    }
}

static void limits_stop_the_work_early(void **state)
{
    (void)state;
    const size_t count = 1000000;
    weft_field *fields = calloc(count, sizeof *fields);
    assert_non_null(fields);
    for (size_t i = 0; i < count; i++) fields[i] = weft_int("k", 1);
    struct weft_out out;
    weftp_out_init(&out, 4096);
    struct weftp_value_style style = NO_LIMIT;
    style.limit = 1000;
    unsigned notes = 0;
    const weft_field field = weft_arrn("k", fields, count);
    weftp_json_value(&out, &field, &style, &notes);
    assert_false(out.overflow);
    assert_true(weftp_out_size(&out) <= 1002);
    assert_int_equal(notes, WEFTP_NOTE_CUT);
    weftp_out_deinit(&out);
    free(fields);
}

static void every_buffer_that_is_too_small_overflows(void **state)
{
    (void)state;
    const weft_field deep =
        weft_obj("k", weft_str("a", "0123456789012345678901234567890"), weft_double("d", 1.5),
                 weft_arr("l", weft_int("", 1), weft_time("", (struct timespec){0, 0})),
                 weft_errno("e", 2), weft_bytes("b", "0123456789", 10),
                 weft_json("j", "{\"a\":[1,2,{\"b\":\"c\"}]}"), weft_int("a", 2));
    const struct weftp_value_style style = NO_LIMIT;
    struct weftp_value_style limited = NO_LIMIT;
    limited.limit = 20;
    for (size_t max = 0; max < 1500; max++) {
        for (int way = 0; way < 3; way++) {
            struct weft_out out;
            weftp_out_init(&out, max);
            if (way == 2) {
                weftp_json_value_as_string(&out, &deep, &style, NULL);
            } else {
                weftp_json_value(&out, &deep, way ? &limited : &style, NULL);
            }
            assert_true((size_t)(out.end - out.data) <= max);
            assert_true(out.overflow || max > 20);
            assert_true(!out.overflow || max < 1400);
            weftp_out_deinit(&out);
        }
    }
}

static void keys_hash_by_their_bytes(void **state)
{
    (void)state;
    char text[64], copy[64];
    for (size_t i = 0; i < sizeof text; i++) text[i] = copy[i] = (char)('a' + i % 26);
    unsigned same = 0;
    for (size_t size = 0; size < sizeof text; size++) {
        const uint32_t hash = weftp_key_hash(text, size);
        assert_int_equal(hash, weftp_key_hash(copy, size));
        for (size_t at = 0; at < size; at++) {
            text[at] ^= 1;
            same += weftp_key_hash(text, size) == hash;
            text[at] ^= 1;
        }
        same += weftp_key_hash(text, size + 1) == hash;
    }
    assert_int_equal(same, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_written_as_their_type_says),
        cmocka_unit_test(doubles_and_times_follow_the_style),
        cmocka_unit_test(errors_of_the_system_are_objects),
        cmocka_unit_test(errors_have_the_parts_that_are_there),
        cmocka_unit_test(objects_and_arrays_nest),
        cmocka_unit_test(keys_stand_once),
        cmocka_unit_test(long_keys_are_cut_at_a_character),
        cmocka_unit_test(nesting_is_capped),
        cmocka_unit_test(raw_json_is_written_again_or_becomes_a_string),
        cmocka_unit_test(strings_are_cut_at_the_limit),
        cmocka_unit_test(containers_over_the_limit_become_strings),
        cmocka_unit_test(a_limited_value_is_valid_and_short_enough),
        cmocka_unit_test(everything_can_be_a_string),
        cmocka_unit_test(a_million_children_take_linear_time),
        cmocka_unit_test(keys_are_unique_around_the_change_to_a_table),
        cmocka_unit_test(limits_stop_the_work_early),
        cmocka_unit_test(every_buffer_that_is_too_small_overflows),
        cmocka_unit_test(keys_hash_by_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
