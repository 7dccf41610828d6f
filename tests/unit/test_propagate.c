/* Propagation as a whole: which format wins, what the thread's context gets, and what goes out. */
#include "tests/unit/propagation_kit.h"

/* ---- in ---- */

static void test_continued_trace(void **state)
{
    (void)state;
    take_with(defaults(),
              CARRIER_OF("traceparent", PARENT, "tracestate", "a=1", "x-request-id", "r-1"), NULL);
    assert_string_equal(slot()->trace_id, TRACE_A);
    assert_string_equal(slot()->parent_id, SPAN_1);
    assert_string_not_equal(slot()->span_id, SPAN_1);
    assert_int_equal(slot()->flags, 3);
    assert_true(is_carried("tracestate"));
    assert_false(is_carried(WEFTP_NOTE_TRACE));
    assert_string_equal(mdc("request_id"), "r-1");
    assert_int_equal(weft_mdc_count(), 1);
}

static void new_trace_checked(uint8_t flags)
{
    assert_int_equal(slot()->flags, flags);
    assert_string_equal(slot()->parent_id, "");
    assert_string_not_equal(slot()->trace_id, TRACE_A);
    assert_int_equal(strlen(mdc("request_id")), 36);
    assert_false(is_carried("tracestate"));
}

static void test_new_trace(void **state)
{
    (void)state;
    take_with(defaults(), CARRIER_OF("x", "y"), NULL);
    new_trace_checked(2);
    char first[33], second[33];
    assert_int_equal(weft_trace_ids(first, NULL), WEFT_OK);
    take_with(defaults(), CARRIER_OF("traceparent", "nonsense", "tracestate", "a=1"), NULL);
    new_trace_checked(2);
    assert_int_equal(weft_trace_ids(second, NULL), WEFT_OK);
    assert_string_not_equal(first, second);
    weft_mdc_clear();
    assert_int_equal(weftp_extract(defaults(), NULL, NULL, NULL),
                     WEFT_OK); /* no getter: nothing came */
    new_trace_checked(2);
}

static void test_baggage_without_a_trace(void **state)
{
    (void)state;
    take_with(defaults(), CARRIER_OF("baggage", "a=1"), NULL);
    new_trace_checked(2);
    struct carrier out = give(defaults());
    assert_string_equal(carrier_find(&out, "baggage"), "a=1");
    carrier_clear(&out);
}

static void test_first_trace_wins(void **state)
{
    (void)state;
    struct carrier both = CARRIER_OF("traceparent", PARENT, "one", TRACE_B " " SPAN_2 " 1 2 32");
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "tracecontext", "fake:one"), both);
    assert_string_equal(slot()->trace_id, TRACE_A);
    assert_string_equal(mdc("trace_link"), TRACE_B "-" SPAN_2);
    assert_false(is_carried("fake-state"));
    assert_true(is_carried("fake-luggage"));

    both =
        CARRIER_OF("traceparent", PARENT, "one", TRACE_B " " SPAN_2 " 1 2 32", "tracestate", "a=1");
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one", "tracecontext"), both);
    assert_string_equal(slot()->trace_id, TRACE_B);
    assert_string_equal(slot()->parent_id, SPAN_2);
    assert_string_equal(mdc("trace_link"), TRACE_A "-" SPAN_1);
    assert_true(is_carried("fake-state"));
    assert_false(is_carried("tracestate"));

    both =
        CARRIER_OF("traceparent", PARENT, "one", TRACE_A " " SPAN_2 " 1 2 32", "tracestate", "a=1");
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one", "tracecontext"),
         both); /* the same trace: no link */
    assert_string_equal(slot()->parent_id, SPAN_2);
    assert_string_equal(mdc("trace_link"), "");
    assert_true(is_carried("fake-state"));
    assert_true(is_carried("tracestate"));
}

static void test_bad_header_falls_back(void **state)
{
    (void)state;
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "tracecontext", "fake:one"),
         CARRIER_OF("traceparent", "bad", "one", TRACE_B " " SPAN_2 " 1 2 32"));
    assert_string_equal(slot()->trace_id, TRACE_B);
    assert_string_equal(mdc("trace_link"), "");
}

static void test_trace_without_a_span(void **state)
{
    (void)state;
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one"), CARRIER_OF("one", TRACE_B " - 1 2 32"));
    assert_string_equal(slot()->trace_id, TRACE_B);
    assert_string_equal(slot()->parent_id, "");
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "tracecontext", "fake:one"),
         CARRIER_OF("traceparent", PARENT, "one", TRACE_B " - 1 2 32"));
    assert_string_equal(mdc("trace_link"), TRACE_B);
}

static void test_sampling_without_ids(void **state)
{
    (void)state;
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one", "fake:two"),
         CARRIER_OF("one", "- - 0 2 0", "two", "- - 0 1 0"));
    new_trace_checked(3); /* the first decision holds */
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one"), CARRIER_OF("one", "- - 0 1 0"));
    new_trace_checked(2);
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one"), CARRIER_OF("one", "- - 0 3 0"));
    new_trace_checked(3);
    assert_true(is_carried(WEFTP_NOTE_TRACE)); /* debug goes on as debug */
    take(CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one", "tracecontext"),
         CARRIER_OF("one", "- - 0 3 0", "traceparent", PARENT));
    assert_string_equal(slot()->trace_id, TRACE_A);
    assert_int_equal(slot()->flags, 3);
    assert_false(is_carried(WEFTP_NOTE_TRACE));
}

static void test_what_flags_cannot_say_goes_on(void **state)
{
    (void)state;
    static const char *const rows[] = {"0 0 32", "1 2 32", "0 1 32", "1 3 32",
                                       "0 0 16", "1 2 16", "3 3 16"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[80], expected[80];
        struct weftp_propagation *propagation = CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one");
        snprintf(text, sizeof text, TRACE_A " " SPAN_1 " %s", rows[i]);
        take_with(propagation, CARRIER_OF("one", text), NULL);
        struct carrier out = give(propagation);
        snprintf(expected, sizeof expected, TRACE_A " %s %s", slot()->span_id, rows[i]);
        assert_string_equal(carrier_find(&out, "one"), expected);
        assert_null(carrier_find(&out, WEFTP_NOTE_TRACE));
        assert_string_equal(carrier_find(&out, "fake-state"), "of the trace");
        carrier_clear(&out);
        weftp_propagation_destroy(propagation);
    }
}

/* ---- trust ---- */

static void test_trust(void **state)
{
    (void)state;
    static const struct {
        enum weft_trust configured, asked;
        bool internal, continued;
    } rows[] = {
        {WEFT_TRUST_CONTINUE, WEFT_TRUST_DEFAULT, false, true},
        {WEFT_TRUST_DEFAULT, WEFT_TRUST_DEFAULT, false, true},
        {WEFT_TRUST_RESTART, WEFT_TRUST_DEFAULT, true, false},
        {WEFT_TRUST_RESTART_EXTERNAL, WEFT_TRUST_DEFAULT, false, false},
        {WEFT_TRUST_RESTART_EXTERNAL, WEFT_TRUST_DEFAULT, true, true},
        {WEFT_TRUST_RESTART, WEFT_TRUST_CONTINUE, false, true},
        {WEFT_TRUST_CONTINUE, WEFT_TRUST_RESTART, true, false},
        {WEFT_TRUST_CONTINUE, WEFT_TRUST_RESTART_EXTERNAL, false, false},
        {WEFT_TRUST_RESTART, WEFT_TRUST_RESTART_EXTERNAL, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct weftp_extract_options options = {rows[i].asked, rows[i].internal};
        struct weftp_propagation *propagation = CONFIGURE(NULL, rows[i].configured, "tracecontext",
                                                          "baggage", "xrequestid", "fake:one");
        take_with(propagation,
                  CARRIER_OF("traceparent", PARENT, "tracestate", "a=1", "baggage", "b=2",
                             "x-request-id", "r-1", "one", TRACE_B " " SPAN_2 " 1 3 32"),
                  &options);
        assert_int_equal(strcmp(slot()->trace_id, TRACE_A) == 0, rows[i].continued);
        assert_string_equal(slot()->parent_id, rows[i].continued ? SPAN_1 : "");
        assert_int_equal(slot()->flags, rows[i].continued ? 3 : 2);
        assert_int_equal(is_carried("tracestate"), rows[i].continued);
        assert_true(is_carried("baggage"));
        assert_string_equal(mdc("request_id"), "r-1");
        assert_string_equal(mdc("trace_link"),
                            rows[i].continued ? TRACE_B "-" SPAN_2 : TRACE_A "-" SPAN_1);
        weftp_propagation_destroy(propagation);
    }
}

static void test_restart_without_a_trace(void **state)
{
    (void)state;
    const struct weftp_extract_options restart = {WEFT_TRUST_RESTART, false};
    struct weftp_propagation *propagation = CONFIGURE(NULL, WEFT_TRUST_CONTINUE, "fake:one");
    take_with(propagation, CARRIER_OF("one", "- - 0 3 0"),
              &restart); /* its decision is not trusted either */
    new_trace_checked(2);
    assert_string_equal(mdc("trace_link"), "");
    assert_false(is_carried(WEFTP_NOTE_TRACE));
    weftp_propagation_destroy(propagation);
}

/* ---- entries ---- */

static void test_refused_request_id(void **state)
{
    (void)state;
    char huge[301], capped[257];
    memset(huge, '<', sizeof huge);
    huge[300] = '\0';
    snprintf(capped, sizeof capped, "%.256s", huge);
    take_with(defaults(), CARRIER_OF("x-request-id", huge), NULL);
    assert_int_equal(strlen(mdc("request_id")), 36);
    assert_string_equal(mdc("request_id_rejected"), capped);
}

static void test_nothing_stays_of_an_earlier_request(void **state)
{
    (void)state;
    take(CONFIGURE(NULL, WEFT_TRUST_RESTART, "tracecontext", "xrequestid", "baggage"),
         CARRIER_OF("traceparent", PARENT, "x-request-id", "a b", "baggage", "a=1"));
    weft_mdc_put("mine", "stays");
    assert_int_equal(weft_mdc_count(), 4);
    struct carrier next = CARRIER_OF("x-request-id", "r-2");
    assert_int_equal(weftp_extract(defaults(), &carrier_getter, &next, NULL), WEFT_OK);
    carrier_clear(&next);
    assert_int_equal(weft_mdc_count(), 2);
    assert_string_equal(mdc("mine"), "stays");
    assert_string_equal(mdc("request_id"), "r-2");
    assert_false(is_carried("baggage"));
}

static void test_baggage_becomes_entries(void **state)
{
    (void)state;
    take(CONFIGURE("user", WEFT_TRUST_CONTINUE, "baggage"),
         CARRIER_OF("baggage", "user=ann%20b,other=1"));
    assert_string_equal(mdc("user"), "ann b");
    assert_string_equal(mdc("other"), "");
    take(CONFIGURE("request_id", WEFT_TRUST_CONTINUE, "xrequestid", "baggage"),
         CARRIER_OF("baggage", "request_id=forged", "x-request-id", "r-1"));
    assert_string_equal(mdc("request_id"), "r-1");
}

static void test_entries_become_baggage(void **state)
{
    (void)state;
    struct weftp_propagation *propagation = CONFIGURE("user", WEFT_TRUST_CONTINUE, "baggage");
    weft_mdc_clear();
    struct carrier out = give(propagation);
    assert_int_equal(out.count, 0);
    weft_mdc_put("user", "ann b");
    weft_mdc_put("other", "x");
    out = give(propagation);
    assert_string_equal(carrier_find(&out, "baggage"), "user=ann%20b");
    carrier_clear(&out);
    weft_mdc_put_int("user", -5);
    out = give(propagation);
    assert_string_equal(carrier_find(&out, "baggage"), "user=-5");
    carrier_clear(&out);
    weft_mdc_put_field(weft_null("user"));
    out = give(propagation);
    assert_int_equal(out.count, 0);
    weftp_propagation_destroy(propagation);
}

/* ---- out ---- */

static void test_each_call_has_its_own_span(void **state)
{
    (void)state;
    take_with(defaults(),
              CARRIER_OF("traceparent", PARENT, "tracestate", "a=1,b=2", "x-request-id", "r-1"),
              NULL);
    char first[56];
    struct carrier out = give(defaults());
    snprintf(first, sizeof first, "%s", carrier_find(&out, "traceparent"));
    assert_string_equal(carrier_find(&out, "tracestate"), "a=1,b=2");
    assert_string_equal(carrier_find(&out, "x-request-id"), "r-1");
    assert_memory_equal(first, "00-" TRACE_A "-", 36);
    assert_memory_not_equal(first + 36, SPAN_1, 16);
    assert_memory_not_equal(first + 36, slot()->span_id, 16);
    assert_string_equal(first + 52, "-03");
    assert_int_equal(weftp_inject(defaults(), &carrier_setter, &out),
                     WEFT_OK); /* into the same carrier */
    assert_int_equal(out.count, 3);
    assert_memory_not_equal(carrier_find(&out, "traceparent") + 36, first + 36, 16);
    carrier_clear(&out);
}

static void test_without_a_context_nothing_is_written(void **state)
{
    (void)state;
    weft_mdc_clear();
    struct carrier out = give(defaults());
    assert_int_equal(out.count, 0);
    weft_mdc_put("request_id", "r-42"); /* an id that the program put is one */
    out = give(defaults());
    assert_int_equal(out.count, 1);
    assert_string_equal(carrier_find(&out, "x-request-id"), "r-42");
    carrier_clear(&out);
    weft_mdc_put("request_id", "a\r\nX-Evil: 1");
    out = give(defaults());
    assert_int_equal(out.count, 0);
    weft_mdc_put_int("request_id", 5);
    out = give(defaults());
    assert_int_equal(out.count, 0);
}

/* ---- one message behind the other, on one context ---- */

static void next_message(const struct weftp_propagation *propagation, struct carrier carrier)
{
    assert_int_equal(weftp_extract(propagation, &carrier_getter, &carrier, NULL), WEFT_OK);
    carrier_clear(&carrier);
}

static void test_baggage_goes_with_its_message(void **state)
{
    (void)state;
    struct weftp_propagation *propagation =
        CONFIGURE("tenant", WEFT_TRUST_CONTINUE, "tracecontext", "baggage");
    weft_mdc_clear();
    assert_int_equal(weft_mdc_put("user", "bob"), WEFT_OK);
    next_message(propagation, CARRIER_OF("traceparent", PARENT, "baggage", "tenant=al%20ice"));
    assert_string_equal(mdc("tenant"), "al ice");
    next_message(propagation, CARRIER_OF("traceparent", PARENT));
    assert_null(weft_mdc_get("tenant"));
    assert_string_equal(mdc("user"), "bob");
    struct carrier out = give(propagation);
    assert_null(carrier_find(&out, "baggage"));
    carrier_clear(&out);
    next_message(propagation, CARRIER_OF("baggage", "tenant=alice"));
    next_message(propagation, CARRIER_OF("baggage", "tenant=carol"));
    assert_string_equal(mdc("tenant"), "carol");
    assert_int_equal(weftp_extract(propagation, NULL, NULL, NULL), WEFT_OK);
    assert_null(weft_mdc_get("tenant"));
    weft_mdc_clear();
    weftp_propagation_destroy(propagation);
}

static void test_the_programs_own_value_stays(void **state)
{
    (void)state;
    struct weftp_propagation *propagation =
        CONFIGURE("tenant", WEFT_TRUST_CONTINUE, "tracecontext", "baggage");
    weft_mdc_clear();
    assert_int_equal(weft_mdc_put("tenant", "mine"), WEFT_OK);
    next_message(propagation, CARRIER_OF("traceparent", PARENT));
    assert_string_equal(mdc("tenant"), "mine");
    next_message(propagation, CARRIER_OF("baggage", "tenant=alice"));
    assert_int_equal(weft_mdc_put("tenant", "mine"), WEFT_OK);
    next_message(propagation, CARRIER_OF("traceparent", PARENT));
    assert_string_equal(mdc("tenant"), "mine");
    weft_mdc_clear();
    weftp_propagation_destroy(propagation);
}

/* ---- empty headers are absent ones, refused ones are not ---- */

static void test_an_empty_header_before_a_good_one(void **state)
{
    (void)state;
    take_with(defaults(),
              CARRIER_OF("traceparent", " ", "traceparent", PARENT, "tracestate", "", "traceparent",
                         "", "tracestate", "a=1"),
              NULL);
    assert_string_equal(slot()->trace_id, TRACE_A);
    assert_true(is_carried("tracestate"));
    take_with(defaults(), CARRIER_OF("traceparent", PARENT, "traceparent", "x"), NULL);
    assert_string_not_equal(slot()->trace_id, TRACE_A);
}

static void test_a_refused_tracestate_spoils_all(void **state)
{
    (void)state;
    static char large[8200];
    memset(large, 'a', sizeof large - 1);
    take_with(defaults(),
              CARRIER_OF("traceparent", PARENT, "tracestate", "a=1", "tracestate", large), NULL);
    assert_string_equal(slot()->trace_id, TRACE_A);
    assert_false(is_carried("tracestate"));
    struct carrier in = CARRIER_OF("traceparent", PARENT, "tracestate", "a=1");
    carrier_add_n(&in, "tracestate", "b=\0", 3);
    take_with(defaults(), in, NULL);
    assert_false(is_carried("tracestate"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_continued_trace),
        cmocka_unit_test(test_new_trace),
        cmocka_unit_test(test_baggage_without_a_trace),
        cmocka_unit_test(test_first_trace_wins),
        cmocka_unit_test(test_bad_header_falls_back),
        cmocka_unit_test(test_trace_without_a_span),
        cmocka_unit_test(test_sampling_without_ids),
        cmocka_unit_test(test_what_flags_cannot_say_goes_on),
        cmocka_unit_test(test_trust),
        cmocka_unit_test(test_restart_without_a_trace),
        cmocka_unit_test(test_refused_request_id),
        cmocka_unit_test(test_nothing_stays_of_an_earlier_request),
        cmocka_unit_test(test_baggage_becomes_entries),
        cmocka_unit_test(test_entries_become_baggage),
        cmocka_unit_test(test_each_call_has_its_own_span),
        cmocka_unit_test(test_without_a_context_nothing_is_written),
        cmocka_unit_test(test_baggage_goes_with_its_message),
        cmocka_unit_test(test_the_programs_own_value_stays),
        cmocka_unit_test(test_an_empty_header_before_a_good_one),
        cmocka_unit_test(test_a_refused_tracestate_spoils_all),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    weft_mdc_clear();
    return failed;
}
