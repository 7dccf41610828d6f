/*
 * The adapter of raw header blocks: what is a header, repeated and folded ones, and a bounded
 * buffer on the way out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/reused.h"
#include <weft/adapter/headers.h>
#include <weft/mdc.h>

/* The index-th value of a name in a block, "(none)" when there is none. */
static const char *value_n(const char *block, size_t size, const char *name, size_t index)
{
    static char result[256];
    weft_headers headers;
    size_t value_size = 0;
    char *copy =
        malloc(size ? size : 1); /* no NUL behind it: the sanitizer sees a read past the end */
    assert_non_null(copy);
    memcpy(copy, block, size);
    weft_headers_init(&headers, copy, size);
    const char *value = weft_headers_getter()->get(&headers, name, index, &value_size);
    snprintf(result, sizeof result, "%.*s", value ? (int)value_size : 6, value ? value : "(none)");
    free(copy);
    return result;
}

static const char *value(const char *block, const char *name, size_t index)
{
    return value_n(block, strlen(block), name, index);
}

static void test_what_is_a_header(void **state)
{
    (void)state;
    static const struct {
        const char *block, *value; /* of the header "a" */
    } rows[] = {
        {"a: 1\r\n", "1"},
        {"a: 1\n", "1"},
        {"a: 1", "1"},
        {"A:1\r\n", "1"},
        {"a:\r\n", ""},
        {"a: \t 1 2\t \r\n", "1 2"},
        {"ab: 1\r\na: 2\r\n", "2"},
        {"b: 1\r\n\r\na: 2\r\n", "(none)"},
        {"", "(none)"},
        {"a", "(none)"},
        {"a 1\r\n", "(none)"},
        {"a : 1\r\n", "(none)"},
        {": 1\r\na: 2\r\n", "2"},
        {"GET / HTTP/1.1\r\na: 1\r\n", "1"},
        {"a: 1\r2\r\n", "(none)"},
        {"a: \x01\r\na: 2\r\n", "2"},
        {"a: 1\r\n 2\r\n", "(none)"},
        {"a: 1\r\n\t2\r\na: 3\r\n", "3"},
        {" a: 1\r\na: 2\r\n", "2"},
        {"b: 1\r\n 2\r\na: 3\n", "3"},
        {"a: \xc3\xa9\r\n", "\xc3\xa9"},
        {"\r\na: 1\r\n", "(none)"},
        {"a::\r\n", ":"},
        {"a: 1\r\r\n", "(none)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(value(rows[i].block, "a", 0), rows[i].value);
    assert_string_equal(value_n("a: 1\0 2\r\na: 3\r\n", 16, "a", 0), "3"); /* NUL */
    assert_string_equal(value_n("a: 1", 0, "a", 0), "(none)");
}

static void test_repeated_headers(void **state)
{
    (void)state;
    static const char block[] = "a: 0\r\nb: x\r\nA: 1\r\nc: y\r\na: 2\r\n";
    weft_headers headers;
    const weft_getter *getter = weft_headers_getter();
    weft_headers_init(&headers, block, sizeof block - 1);
    /* In any order, with other names in between: the bookmark never misleads. */
    static const size_t order[] = {0, 1, 2, 3, 2, 1, 0, 2, 0, 1, 1, 3, 0};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        size_t size = 0;
        const char *found = getter->get(&headers, i % 2 ? "a" : "A", order[i], &size);
        assert_int_equal(found != NULL, order[i] < 3);
        if (found) assert_int_equal(found[0], '0' + (int)order[i]);
        if (i % 3 == 0) assert_non_null(getter->get(&headers, "b", 0, &size));
        if (i % 3 == 0) assert_null(getter->get(&headers, "b", 1, &size));
    }
}

struct listing {
    size_t count;
    char text[256];
};

static void list(void *arg, const char *name, size_t name_size, const char *text, size_t size)
{
    struct listing *listing = arg;
    listing->count++;
    snprintf(listing->text + strlen(listing->text), sizeof listing->text - strlen(listing->text),
             "%.*s=%.*s;", (int)name_size, name, (int)size, text);
}

static void test_each(void **state)
{
    (void)state;
    static const char block[] =
        "a: 1\r\nfolded: 2\r\n 3\r\nb : 4\r\nC:5\r\nbad: \x07\r\nx-y_z: \r\n\r\nbody: 6\r\n";
    struct listing listing = {0};
    weft_headers headers;
    weft_headers_init(&headers, block, sizeof block - 1);
    weft_headers_getter()->each(&headers, list, &listing);
    assert_string_equal(listing.text, "a=1;C=5;x-y_z=;");
}

/* ---- out ---- */

static weft_status set(weft_headers_out *out, const char *name, const char *text)
{
    return weft_headers_setter()->set(out, name, text, strlen(text));
}

static void assert_block(const weft_headers_out *out, const char *expected)
{
    assert_int_equal(out->size, strlen(expected));
    assert_memory_equal(out->data, expected, out->size);
}

static void test_set_and_replace(void **state)
{
    (void)state;
    char block[64];
    weft_headers_out out;
    weft_headers_out_init(&out, block, sizeof block);
    assert_int_equal(set(&out, "a", "1"), WEFT_OK);
    assert_int_equal(set(&out, "b", "2"), WEFT_OK);
    assert_int_equal(set(&out, "A", "3"), WEFT_OK);
    assert_block(&out, "b: 2\r\nA: 3\r\n");
    assert_int_equal(set(&out, "b", ""), WEFT_OK);
    assert_block(&out, "A: 3\r\nb: \r\n");
    assert_int_equal(set(&out, "b", "x\r\ny: z"), WEFT_EINVAL);
    assert_int_equal(weft_headers_setter()->set(&out, "b", "x\0y", 3), WEFT_EINVAL);
    assert_block(&out, "A: 3\r\nb: \r\n");

    static const char before[] = "a: 1\r\n 2\r\nab: 3\r\nA: 4\nc: 5\n";
    memcpy(block, before, sizeof before - 1); /* headers that were there; a folded one goes whole */
    out.size = sizeof before - 1;
    assert_int_equal(set(&out, "a", "6"), WEFT_OK);
    assert_block(&out, "ab: 3\r\nc: 5\na: 6\r\n");
}

static void test_bounded(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < 24; capacity++) {
        char block[32];
        weft_headers_out out;
        memset(block, '#', sizeof block);
        weft_headers_out_init(&out, block, capacity);
        const weft_status first = set(&out, "a", "1"); /* 6 bytes */
        assert_int_equal(first, capacity >= 6 ? WEFT_OK : WEFT_ELIMIT);
        const weft_status second = set(&out, "b", "2"); /* 12 */
        assert_int_equal(second, capacity >= 12 ? WEFT_OK : WEFT_ELIMIT);
        const weft_status third = set(&out, "a", "0123456789"); /* 15, or 21 with b */
        assert_int_equal(third, capacity >= 21 ? WEFT_OK : WEFT_ELIMIT);
        if (third && first == WEFT_OK) assert_memory_equal(block, "a: 1\r\n", 6); /* as before */
        for (size_t i = capacity; i < sizeof block; i++) assert_int_equal(block[i], '#');
    }
}

/* ---- with a context ---- */

static void test_there_and_back(void **state)
{
    (void)state;
    static const char in[] =
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nTraceState: "
        "a=1\r\n"
        "tracestate: b=2\r\nBaggage: k=v\r\nX-Request-ID: r-1\r\n\r\n";
    char block[512], trace[33];
    weft_headers headers;
    weft_headers_out out;
    weft_headers_init(&headers, in, sizeof in - 1);
    weft_mdc_clear();
    assert_int_equal(weft_extract(weft_headers_getter(), &headers), WEFT_OK);
    weft_headers_out_init(&out, block, sizeof block);
    assert_int_equal(set(&out, "accept", "*/*"), WEFT_OK);
    assert_int_equal(weft_headers_inject(&out), WEFT_OK);
    const size_t size = out.size;
    assert_int_equal(weft_headers_inject(&out), WEFT_OK); /* again: replaced */
    assert_int_equal(out.size, size);
    weft_headers_init(&headers, block, out.size);
    weft_mdc_clear();
    assert_int_equal(weft_extract(weft_headers_getter(), &headers), WEFT_OK);
    assert_int_equal(weft_trace_ids(trace, NULL), WEFT_OK);
    assert_string_equal(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_string_equal(weft_mdc_get("request_id"), "r-1");
    assert_string_equal(value_n(block, out.size, "tracestate", 0), "a=1,b=2");
    assert_string_equal(value_n(block, out.size, "baggage", 0), "k=v");
}

static void test_nothing_stays_of_an_earlier_request(void **state)
{
    (void)state;
    char block[512] = "tracestate: old=1\r\nbaggage: old=1\r\nother: stays\r\n";
    weft_headers_out out;
    weft_headers_out_init(&out, block, sizeof block);
    out.size = strlen(block);
    weft_mdc_clear();
    assert_int_equal(weft_headers_inject(&out), WEFT_OK); /* no context: nothing is touched */
    assert_int_equal(out.size, strlen("tracestate: old=1\r\nbaggage: old=1\r\nother: stays\r\n"));
    weft_headers none;
    weft_headers_init(&none, NULL, 0);
    assert_int_equal(weft_extract(weft_headers_getter(), &none), WEFT_OK);
    assert_int_equal(weft_headers_inject(&out), WEFT_OK);
    assert_string_equal(value_n(block, out.size, "tracestate", 0), "(none)");
    assert_string_equal(value_n(block, out.size, "baggage", 0), "(none)");
    assert_string_equal(value_n(block, out.size, "other", 0), "stays");
    weft_mdc_clear();
}

static void add_own(void *carrier, const char *name, const char *text)
{
    assert_int_equal(set(carrier, name, text), WEFT_OK);
}

static weft_status inject(void *carrier)
{
    return weft_headers_inject(carrier);
}

static weft_client *begin_call(void *carrier)
{
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    options.no_record = true;
    return weft_headers_client_begin(carrier, options);
}

static bool has(void *carrier, const char *name)
{
    const weft_headers_out *out = carrier;
    return strcmp(value_n(out->data, out->size, name, 0), "(none)") != 0;
}

static void test_used_again_in_every_format(void **state)
{
    (void)state;
    char block[2048];
    weft_headers_out out;
    weft_headers_out_init(&out, block, sizeof block);
    reused_check(&(struct reused_adapter){&out, add_own, inject, has, begin_call});
}

static void test_used_again_by_a_call(void **state)
{
    (void)state;
    char block[512] = "Tracestate: old=1\r\nother: stays\r\n";
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    weft_headers_out out;
    weft_headers_out_init(&out, block, sizeof block);
    out.size = strlen(block);
    options.no_record = true;
    weft_mdc_clear();
    weft_client *call = weft_headers_client_begin(&out, options);
    weft_client_end(call, 200, 0);
    assert_true(has(&out, "traceparent"));
    assert_false(has(&out, "tracestate"));
    assert_true(has(&out, "other"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_a_header),
        cmocka_unit_test(test_repeated_headers),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_set_and_replace),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_nothing_stays_of_an_earlier_request),
        cmocka_unit_test(test_used_again_in_every_format),
        cmocka_unit_test(test_used_again_by_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
