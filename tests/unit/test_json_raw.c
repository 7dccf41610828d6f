/*
 * Raw JSON: what is taken and what is not, what is repaired, and memory that fails at every call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static unsigned calls, call_that_fails; /* 0: none does */

static void *counting_realloc(void *data, size_t size)
{
    return ++calls == call_that_fails ? NULL : realloc(data, size);
}

/* The writer over that allocator, under a name of its own. */
#define realloc            counting_realloc
#define weftp_json_rewrite counting_json_rewrite
#include "src/base/json_raw.c"
#undef realloc

/* The text that comes out; NULL when it was refused. Good until the next call. */
static const char *rewritten(const char *text, size_t size, unsigned depth, unsigned *notes)
{
    static char result[8192];
    struct weft_out out;
    weftp_out_init(&out, sizeof result - 1);
    weftp_out_literal(&out, "<");
    const bool ok = weftp_json_rewrite(&out, text, size, depth, notes);
    assert_false(out.overflow);
    if (!ok) assert_int_equal(weftp_out_size(&out), 1);
    weftp_out_char(&out, '\0');
    memcpy(result, out.data + 1, weftp_out_size(&out) - 1);
    weftp_out_deinit(&out);
    return ok ? result : NULL;
}

static void expect(const char *text, const char *want)
{
    unsigned notes = 0;
    const char *got = rewritten(text, strlen(text), 0, &notes);
    assert_non_null(got);
    assert_string_equal(got, want);
    assert_int_equal(notes, 0);
}

static void values_are_written_on_one_line(void **state)
{
    (void)state;
    expect("null", "null");
    expect(" true ", "true");
    expect("\r\n\tfalse\n", "false");
    expect("{}", "{}");
    expect("[ ]", "[]");
    expect("{\n  \"a\": [1, 2, {\"b\": null}],\n  \"c\": \"d\"\n}",
           "{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}");
    expect("\"a\\/b\\u00e9\\n\\u001f\\\"\\\\\"", "\"a/b\xC3\xA9\\n\\u001F\\\"\\\\\"");
    expect("\"\\u0000x\"", "\"\\u0000x\"");
    expect("{\"\":1}", "{\"\":1}");
}

static void numbers_keep_their_digits(void **state)
{
    (void)state;
    expect("18446744073709551616", "18446744073709551616");
    expect("-123456789012345678901234567890", "-123456789012345678901234567890");
    expect("1e400", "1e400");
    expect("[-0,0.10,1E+2,1.0e-7]", "[-0,0.10,1E+2,1.0e-7]");
    expect("3.141592653589793238462643383279", "3.141592653589793238462643383279");
}

static void what_is_not_one_value_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[1",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "1 2",
        "{} {}",
        "nul",
        "nullx",
        "TRUE",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "0x10",
        "NaN",
        "Infinity",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "/**/1",
        "1//",
        "[1 2]",
        "[,1]",
        "\xEF\xBB\xBF{}",
        "{\"a\" 1}",
        "[\"a\"",
        "]",
        "\\ud800",
        "\"\\ud800",
        "\"\\",
        ",",
        ":",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        unsigned notes = 0;
        if (rewritten(texts[i], strlen(texts[i]), 0, &notes)) fail_msg("taken: %s", texts[i]);
        assert_int_equal(notes, 0);
    }
    assert_null(rewritten("[\f]", 3, 0, NULL)); /* white space to yajl */
    assert_null(rewritten("\v1", 2, 0, NULL));
    assert_null(rewritten("1\0", 2, 0, NULL));
    assert_null(rewritten("\"a\0b\"", 5, 0, NULL));
    assert_null(
        rewritten("{\"a\":[1,2,{\"b\":3}", 18, 0, NULL)); /* much is written before it ends */
}

static void ill_formed_text_is_repaired(void **state)
{
    (void)state;
    expect("\"a\xFFz\"", "\"a\xEF\xBF\xBDz\"");
    expect(
        "[\"\xED\xA0\x80\",\"\xC0\xAF\",\"\xE2\x82\"]",
        "[\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\",\"\xEF\xBF\xBD\xEF\xBF\xBD\",\"\xEF\xBF\xBD\"]");
    expect("{\"k\xFF\":1}", "{\"k\xEF\xBF\xBD\":1}");
}

static void lone_surrogates_become_replacement_characters(void **state)
{
    (void)state;
    expect("\"\\ud83d\\ude00\"", "\"😀\"");
    expect("\"\\uD83D\\uDE00\"", "\"😀\"");
    expect("\"\\ud800\"", "\"\xEF\xBF\xBD\"");
    expect("\"a\\udc00b\"", "\"a\xEF\xBF\xBD"
                            "b\"");
    expect("\"\\ud800\\u0041\"", "\"\xEF\xBF\xBD"
                                 "A\"");
    expect("\"\\ud800\\ud83d\\ude00\"", "\"\xEF\xBF\xBD😀\"");
    expect("\"\\ud800\\ud800\\n\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\\n\"");
    expect("\"\\ude00\\ud83d\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    expect("{\"\\ud800\":\"\\udfff\"}", "{\"\xEF\xBF\xBD\":\"\xEF\xBF\xBD\"}");
    expect("\"\\\\ud800\"", "\"\\\\ud800\""); /* an escaped backslash, no surrogate */
    expect("\"\\\\\\ud800\"", "\"\\\\\xEF\xBF\xBD\"");
    expect("\"\\ud7ff\\ue000\"", "\"\xED\x9F\xBF\xEE\x80\x80\"");
}

static void keys_stand_once(void **state)
{
    (void)state;
    unsigned notes = 0;
    const char *twins = "{\"a\":1,\"a\":{\"a\":2,\"a\":3},\"a_1\":4,\"\\u0061\":5}";
    assert_string_equal(rewritten(twins, strlen(twins), 0, &notes),
                        "{\"a\":1,\"a_1\":{\"a\":2,\"a_1\":3},\"a_1_1\":4,\"a_2\":5}");
    assert_int_equal(notes, WEFTP_NOTE_RENAMED);
}

static void nesting_is_capped(void **state)
{
    (void)state;
    unsigned notes = 0;
    const char *eight = "[[[[[[[[1]]]]]]]]", *nine = "[[[[[[[[[1,[2]],{\"a\":[]}]]]]]],3]]";
    assert_string_equal(rewritten(eight, strlen(eight), 0, &notes), eight);
    assert_int_equal(notes, 0);
    assert_string_equal(rewritten(nine, strlen(nine), 0, &notes),
                        "[[[[[[[[\"[too deep]\",\"[too deep]\"]]]]]],3]]");
    assert_int_equal(notes, WEFTP_NOTE_CUT);
    assert_string_equal(rewritten("[{\"a\":[]}]", 10, 6, &notes), "[{\"a\":\"[too deep]\"}]");
    assert_string_equal(rewritten("{\"a\":[]}", 8, 8, &notes), "\"[too deep]\"");
    assert_string_equal(rewritten("[]", 2, 100, &notes), "\"[too deep]\"");
    assert_string_equal(rewritten("1", 1, 100, &notes), "1");
    assert_null(rewritten("[[[[[[[[[[[1]]]]]]]]]", 21, 0, NULL));
}

static void depth_costs_no_stack(void **state)
{
    (void)state;
    const size_t depth = 1000000;
    char *text = malloc(2 * depth);
    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    unsigned notes = 0;
    assert_string_equal(rewritten(text, 2 * depth, 0, &notes), "[[[[[[[[\"[too deep]\"]]]]]]]]");
    assert_null(rewritten(text, depth, 0, &notes));
    assert_null(rewritten(text, 2 * depth - 1, 0, &notes));
    free(text);
}

static void large_texts_take_linear_time(void **state)
{
    (void)state;
    const size_t count = 200000, size_max = count * 16;
    char *text = malloc(size_max);
    assert_non_null(text);
    for (int same = 0; same < 2; same++) {
        size_t size = 0;
        for (size_t i = 0; i < count; i++) {
            size += (size_t)snprintf(text + size, size_max - size, "%c\"k%zu\":%zu", i ? ',' : '{',
                                     same ? 0 : i, i % 10);
        }
        text[size++] = '}';
        struct weft_out out;
        weftp_out_init(&out, 16u << 20);
        unsigned notes = 0;
        const clock_t start = clock();
        assert_true(weftp_json_rewrite(&out, text, size, 0, &notes));
        assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
        assert_int_equal(notes, same ? WEFTP_NOTE_RENAMED : 0);
        if (!same) {
            assert_int_equal(weftp_out_size(&out), size);
            assert_memory_equal(out.data, text, size);
        }
        weftp_out_deinit(&out);
    }
    free(text);
}

static void texts_beyond_the_maximum_are_refused(void **state)
{
    (void)state;
    const size_t size = WEFTP_JSON_RAW_SIZE_MAX + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    text[0] = '1';
    assert_null(rewritten(text, size, 0, NULL));
    assert_string_equal(rewritten(text, size - 1, 0, NULL), "1");
    free(text);
}

static const char rich[] = "{\"a\":[1,2,{\"b\":\"c\\n\\ud800d\"}],\"0\":0,\"1\":1,\"2\":2,\"3\":3,"
                           "\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,"
                           "\"9\":9,\"10\":1,\"11\":1,\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"16\":1,"
                           "\"a\":[[[[[[[[[[[]]]]]]]]]]]}";

static void a_buffer_that_is_too_small_refuses(void **state)
{
    (void)state;
    unsigned taken = 0;
    for (size_t max = 1; max < 800; max++) {
        struct weft_out out;
        weftp_out_init(&out, max);
        weftp_out_char(&out, '<');
        const bool ok = weftp_json_rewrite(&out, rich, sizeof rich - 1, 0, NULL);
        assert_int_equal(ok, !out.overflow);
        if (!ok) assert_int_equal(weftp_out_size(&out), 1);
        taken += ok;
        weftp_out_deinit(&out);
    }
    assert_in_range(taken, 100, 700);
}

/* yajl does not look at what its allocator returns; we must not let it see a failure, nor leak. */
static void memory_may_fail_at_every_call(void **state)
{
    (void)state;
    calls = call_that_fails = 0;
    assert_non_null(rewritten(rich, sizeof rich - 1, 0, NULL));
    const unsigned total = calls;
    assert_in_range(total, 5, 1000);
    for (unsigned i = 1; i <= total; i++) {
        calls = 0;
        call_that_fails = i;
        assert_null(rewritten(rich, sizeof rich - 1, 0, NULL));
    }
    call_that_fails = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_on_one_line),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(what_is_not_one_value_is_refused),
        cmocka_unit_test(ill_formed_text_is_repaired),
        cmocka_unit_test(lone_surrogates_become_replacement_characters),
        cmocka_unit_test(keys_stand_once),
        cmocka_unit_test(nesting_is_capped),
        cmocka_unit_test(depth_costs_no_stack),
        cmocka_unit_test(large_texts_take_linear_time),
        cmocka_unit_test(texts_beyond_the_maximum_are_refused),
        cmocka_unit_test(a_buffer_that_is_too_small_refuses),
        cmocka_unit_test(memory_may_fail_at_every_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
