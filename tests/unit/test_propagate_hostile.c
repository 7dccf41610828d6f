/* Propagation: setters that fail, headers that attack, and the configuration that is in force. */
#include "tests/unit/propagation_kit.h"

#include <time.h>
#include <weft/adapter/headers.h>

static size_t refusals;

static weft_status refuse(void *carrier, const char *name, const char *value, size_t size)
{
    (void)value, (void)size;
    refusals++;
    return strcmp(name, "traceparent") == 0 ? WEFT_ELIMIT : carrier_set(carrier, name, value, size);
}

static void test_setter_that_fails(void **state)
{
    (void)state;
    static const weft_setter refusing = {sizeof(weft_setter), refuse};
    struct carrier out = {0};
    take_with(defaults(), CARRIER_OF("traceparent", PARENT, "tracestate", "a=1", "baggage", "a=1"),
              NULL);
    refusals = 0;
    assert_int_equal(weftp_inject(defaults(), &refusing, &out), WEFT_ELIMIT);
    assert_int_equal(refusals, 4); /* the others were tried */
    assert_int_equal(out.count, 3);
    carrier_clear(&out);
}

static void test_setter_is_guarded(void **state)
{
    (void)state;
    static const char *const values[] = {
        "a\rb", "a\nb", "\x01", "abcdefgh\x7f", "abcdefg\x1fhijklmnop", "1234567\n"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const struct weft_trace trace = {TRACE_A, SPAN_1, "", 1};
        const struct weftp_carry_item item = {"tracestate", values[i], (uint32_t)strlen(values[i])};
        struct weftp_carry *carry = weftp_carry_create(&item, 1);
        weft_mdc_clear();
        assert_int_equal(weftp_mdc_trace_set(&trace, carry), WEFT_OK);
        weftp_carry_unref(carry);
        struct carrier out = {0};
        assert_int_equal(weftp_inject(defaults(), &carrier_setter, &out), WEFT_EINVAL);
        assert_int_equal(out.count, 1); /* only the traceparent */
        carrier_clear(&out);
    }
}

/* ---- configuration ---- */

static void test_create(void **state)
{
    (void)state;
    struct weftp_propagation *propagation =
        CONFIGURE(NULL, WEFT_TRUST_DEFAULT, "nobody", "fake", "fake:bad", "fake:x", "baggage", "",
                  "tracecontextual", "tracecontext");
    assert_int_equal(propagation->propagator_count,
                     3); /* in their order, without those that are not known or refused */
    assert_ptr_equal(propagation->propagators[0].type, &fake);
    assert_ptr_equal(propagation->propagators[1].type, &weftp_propagator_baggage);
    assert_ptr_equal(propagation->propagators[2].type, &weftp_propagator_tracecontext);
    assert_int_equal(propagation->trust, WEFT_TRUST_CONTINUE);
    assert_int_equal(instances, 1);
    weftp_propagation_destroy(propagation);
    assert_int_equal(instances, 0);
    weftp_propagation_destroy(NULL);

    const char *names[40], *keys[70];
    for (size_t i = 0; i < 40; i++) names[i] = "fake:x";
    for (size_t i = 0; i < 70; i++) keys[i] = "k";
    static const struct weft_propagator_type *const known[] = {&fake, NULL};
    const struct weftp_propagation_names settings = {names, 40, keys, 70, WEFT_TRUST_RESTART,
                                                     known};
    assert_int_equal(weftp_propagation_create(&propagation, &settings), WEFT_OK);
    assert_int_equal(propagation->propagator_count, WEFTP_PROPAGATORS_MAX);
    assert_int_equal(propagation->key_count, WEFT_BAGGAGE_MAX);
    weftp_propagation_destroy(propagation);
    assert_int_equal(instances, 0);
}

static void test_publish(void **state)
{
    (void)state;
    assert_int_equal(defaults()->propagator_count, 3);
    assert_false(weftp_propagation_published());
    struct weftp_propagation *propagation = CONFIGURE(NULL, WEFT_TRUST_RESTART, "tracecontext");
    weftp_propagation_publish(propagation);
    assert_true(weftp_propagation_published());
    assert_ptr_equal(weftp_propagation_current(), propagation);
    struct carrier carrier = CARRIER_OF("traceparent", PARENT);
    weft_mdc_clear();
    assert_int_equal(weft_extract(&carrier_getter, &carrier), WEFT_OK); /* by the public call */
    assert_string_equal(mdc("trace_link"), TRACE_A "-" SPAN_1);
    carrier_clear(&carrier);
    weftp_propagation_publish(NULL);
    weftp_propagation_destroy(propagation);
}

static void test_public_calls(void **state)
{
    (void)state;
    static const weft_getter no_get = {sizeof(weft_getter), NULL, NULL};
    static const weft_setter no_set = {sizeof(weft_setter), NULL};
    char trace[33] = "unchanged", span[17] = "unchanged";
    weft_mdc_clear();
    assert_int_equal(weft_extract(NULL, NULL), WEFT_EINVAL);
    assert_int_equal(weft_extract(&no_get, NULL), WEFT_EINVAL);
    assert_int_equal(weft_inject(NULL, NULL), WEFT_EINVAL);
    assert_int_equal(weft_inject(&no_set, NULL), WEFT_EINVAL);
    assert_int_equal(weft_trace_ids(trace, span), WEFT_ENOTFOUND);
    assert_string_equal(trace, "unchanged");
    assert_string_equal(span, "unchanged");
    take_with(defaults(), CARRIER_OF("traceparent", PARENT), NULL);
    assert_int_equal(weft_trace_ids(NULL, NULL), WEFT_OK);
    assert_int_equal(weft_trace_ids(trace, span), WEFT_OK);
    assert_string_equal(trace, TRACE_A);
    assert_string_equal(span, slot()->span_id);
}

static void test_no_memory_leaves_all_as_it_was(void **state)
{
    (void)state;
    struct weftp_propagation *propagation =
        CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "tracecontext", "fake:one");
    take_with(propagation, CARRIER_OF("traceparent", PARENT), NULL);
    weft_mdc_put("mine", "1");
    struct carrier carrier = CARRIER_OF("one", "no memory", "traceparent", PARENT);
    const struct weft_trace before = *slot();
    assert_int_equal(weftp_extract(propagation, &carrier_getter, &carrier, NULL), WEFT_ENOMEM);
    assert_memory_equal(&before, slot(), sizeof before);
    assert_string_equal(mdc("mine"), "1");
    carrier_clear(&carrier);
    weftp_propagation_destroy(propagation);
}

/* ---- hostile input ---- */

static void test_rejected_headers_are_counted(void **state)
{
    (void)state;
    static char huge[WEFT_BAGGAGE_MAX * 1024];
    memset(huge, 'a', sizeof huge - 1);
    weftp_propagate_forked(); /* counts from 0 */
    take_with(defaults(),
              CARRIER_OF("traceparent", PARENT, "tracestate", "a=1", "baggage", "a=1",
                         "x-request-id", "r"),
              NULL);
    assert_int_equal(weftp_propagate_rejected(), 0);
    take_with(defaults(), CARRIER_OF("traceparent", "x"), NULL);
    assert_int_equal(weftp_propagate_rejected(), 1);
    take_with(
        defaults(),
        CARRIER_OF("traceparent", PARENT, "tracestate", "A=1", "baggage", "a", "x-request-id", "<"),
        NULL);
    assert_int_equal(weftp_propagate_rejected(), 4);
    take_with(defaults(), CARRIER_OF("traceparent", huge, "baggage", huge, "x-request-id", huge),
              NULL);
    assert_int_equal(weftp_propagate_rejected(), 7);
    assert_string_equal(mdc("request_id_rejected"), ""); /* too long is as if absent */
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_large_input_is_linear(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    static char large[SIZE];
    static const char *const fillers[] = {"a=1,", ",", "a=1;p;", " ", "\t,", "a=%ff,", "=", ";"};
    const int64_t begun = now_ms();
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        const size_t step = strlen(fillers[i]);
        for (size_t at = 0; at < SIZE; at++) large[at] = fillers[i][at % step];
        struct carrier carrier = {0};
        for (size_t at = 0; at + 8192 <= SIZE && carrier.count + 3 < CARRIER_MAX; at += 8192) {
            carrier_add_n(&carrier, "baggage", large + at, 8192); /* as large as is read at all */
            if (i % 2) carrier_add_n(&carrier, "tracestate", large + at, 8192);
        }
        carrier_add_n(&carrier, "traceparent", large, SIZE);
        take_with(defaults(), carrier, NULL);
        struct carrier out = give(defaults());
        for (size_t j = 0; j < out.count; j++) assert_true(out.headers[j].size <= 8192);
        carrier_clear(&out);
    }
    assert_true(now_ms() - begun < 5000); /* some milliseconds; a quadratic parser needs minutes */
}

static void test_ten_thousand_headers(void **state)
{
    (void)state;
    static const char *const names[] = {"x-other", "baggage", "tracestate", "x-request-id",
                                        "traceparent"};
    static char block[10000 * 24];
    const int64_t begun = now_ms();
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        size_t size = 0;
        for (int i = 0; i < 10000; i++)
            size += (size_t)snprintf(block + size, sizeof block - size, "%s: %s\r\n", names[n],
                                     i % 2 ? "a=1" : "");
        size += (size_t)snprintf(block + size, sizeof block - size, "traceparent: %s\r\n",
                                 n == 4 ? "x" : PARENT);
        weft_headers headers;
        weft_headers_init(&headers, block, size);
        for (int round = 0; round < 10; round++) {
            weft_mdc_clear();
            assert_int_equal(weftp_extract(defaults(), weft_headers_getter(), &headers, NULL),
                             WEFT_OK);
        }
        assert_int_equal(strcmp(slot()->trace_id, TRACE_A) == 0, n != 4);
    }
    assert_true(now_ms() - begun < 10000);
}

static void test_bytes_that_no_header_has(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char value[4] = {'a', '=', (char)c, 'z'};
        struct carrier in = {0};
        carrier_add(&in, "traceparent", PARENT);
        carrier_add_n(&in, "tracestate", value, 4);
        carrier_add_n(&in, "baggage", value, 4);
        carrier_add_n(&in, "x-request-id", value, 4);
        take_with(defaults(), in, NULL);
        struct carrier out = give(defaults());
        for (size_t i = 0; i < out.count; i++)
            for (size_t j = 0; j < out.headers[i].size; j++) {
                const unsigned char sent = (unsigned char)out.headers[i].value[j];
                assert_true(sent == '\t' || (sent >= 0x20 && sent < 0x7f));
            }
        carrier_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setter_that_fails),
        cmocka_unit_test(test_setter_is_guarded),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_publish),
        cmocka_unit_test(test_public_calls),
        cmocka_unit_test(test_no_memory_leaves_all_as_it_was),
        cmocka_unit_test(test_rejected_headers_are_counted),
        cmocka_unit_test(test_large_input_is_linear),
        cmocka_unit_test(test_ten_thousand_headers),
        cmocka_unit_test(test_bytes_that_no_header_has),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    weft_mdc_clear();
    return failed;
}
