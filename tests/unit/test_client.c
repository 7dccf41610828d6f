/* Outgoing calls: their span in the headers and in the record, and what the thread has meanwhile. */
#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/capture.h"
#include <pthread.h>
#include <weft/weft.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" TRACE "-00f067aa0ba902b7-01"

static const char *value(size_t index, const char *name)
{
    const char *found = weft_test_value(capture, index, name);
    return found ? found : "";
}

static weft_client *call(struct carrier *carrier, const char *method, const char *target)
{
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    options.setter = &carrier_setter;
    options.carrier = carrier;
    options.method = method;
    options.target = target;
    return weft_client_begin(&options);
}

static weft_request *inbound(struct carrier *in)
{
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.getter = &carrier_getter;
    options.carrier = in;
    options.no_access_record = true;
    return weft_request_begin(&options);
}

static void test_a_call_has_a_span_of_its_own(void **state)
{
    (void)state;
    struct carrier in = CARRIER_OF("traceparent", PARENT, "x-request-id", "r-1"), out = {0};
    char own_span[17], trace[33], span[17], after[17];
    weft_request *request = inbound(&in);
    assert_int_equal(weft_trace_ids(NULL, own_span), WEFT_OK);
    weft_client *client = call(&out, "POST", "http://user:secret@payments:8080/charge?card=1#x");
    assert_non_null(client);
    weft_client_ids(client, trace, span);
    weft_client_ids(client, NULL, NULL);
    assert_string_equal(trace, TRACE);
    assert_string_not_equal(span, own_span);
    const char *sent = carrier_find(&out, "traceparent");
    assert_memory_equal(sent, "00-" TRACE "-", 36);
    assert_memory_equal(sent + 36, span, 16);
    assert_string_equal(carrier_find(&out, "x-request-id"), "r-1");
    assert_int_equal(weft_trace_ids(NULL, after), WEFT_OK);
    assert_string_equal(after, own_span);
    weft_client_end(client, 201, 17);
    weft_request_end(request, 200, 0);
    assert_int_equal(weft_test_count(capture), 1);
    assert_string_equal(value(0, "message"), "POST /charge 201");
    assert_string_equal(value(0, "log.logger"), "http.client");
    assert_string_equal(value(0, "log.level"), "INFO");
    assert_string_equal(value(0, "trace.id"), TRACE);
    assert_string_equal(value(0, "span.id"), span);
    assert_string_equal(value(0, "labels/parent_span_id"), own_span);
    assert_string_equal(value(0, "server.address"), "payments:8080");
    assert_string_equal(value(0, "url.path"), "/charge");
    assert_string_equal(value(0, "http.request.method"), "POST");
    assert_string_equal(value(0, "http.response.status_code"), "201");
    assert_string_equal(value(0, "http.response.body.bytes"), "17");
    assert_true(strlen(value(0, "event.duration")) > 0);
    assert_null(strstr(weft_test_line(capture, 0), "secret"));
    assert_null(strstr(weft_test_line(capture, 0), "card"));
    carrier_clear(&in);
    carrier_clear(&out);
}

static void test_retries_are_told_apart(void **state)
{
    (void)state;
    struct carrier in = CARRIER_OF("traceparent", PARENT), out = {0};
    char first[17], second[17];
    weft_request *request = inbound(&in);
    weft_client *one = call(&out, "GET", "/a");
    weft_client *two = call(&out, "GET", "/a");
    weft_client_ids(one, NULL, first);
    weft_client_ids(two, NULL, second);
    assert_string_not_equal(first, second);
    weft_client_end(one, 0, 0); /* no answer came */
    weft_client_end(two, 503, 0);
    weft_request_end(request, 200, 0);
    assert_string_equal(value(0, "message"), "GET /a");
    assert_string_equal(value(0, "log.level"), "ERROR");
    assert_string_equal(value(0, "span.id"), first);
    assert_string_equal(value(0, "http.response.status_code"), "");
    assert_string_equal(value(0, "server.address"), "");
    assert_string_equal(value(1, "log.level"), "ERROR");
    assert_string_equal(value(1, "span.id"), second);
    carrier_clear(&in);
    carrier_clear(&out);
}

static void test_without_a_context(void **state)
{
    (void)state;
    struct carrier out = {0};
    char trace[33], span[17];
    weft_client *client = call(&out, NULL, NULL);
    assert_non_null(client);
    weft_client_ids(client, trace, span);
    assert_int_equal(strspn(trace, "0123456789abcdef"), 32);
    assert_memory_equal(carrier_find(&out, "traceparent") + 3, trace, 32);
    assert_int_equal(weft_trace_ids(NULL, NULL), WEFT_ENOTFOUND); /* the thread has none */
    weft_client_end(client, 200, 0);
    assert_string_equal(value(0, "trace.id"), trace);
    assert_string_equal(value(0, "message"), "request 200");
    carrier_clear(&out);
}

static void *end_elsewhere(void *client)
{
    (void)weft_mdc_put("tenant", "other");
    weft_client_end(client, 200, 1);
    assert_string_equal(weft_mdc_get("tenant"), "other");
    weft_mdc_clear();
    return NULL;
}

/* The record has the context that the call began with, whatever its thread has by then. */
static void test_ends_on_another_thread(void **state)
{
    (void)state;
    struct carrier out = {0};
    pthread_t thread;
    char trace[33];
    assert_int_equal(weft_mdc_put("tenant", "acme"), WEFT_OK);
    weft_client *client = call(&out, "GET", "http://h/");
    weft_client_ids(client, trace, NULL);
    weft_mdc_clear();
    assert_int_equal(pthread_create(&thread, NULL, end_elsewhere, client), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(value(0, "labels/tenant"), "acme");
    assert_string_equal(value(0, "trace.id"), trace);
    carrier_clear(&out);
}

static void test_targets(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path, *peer;
    } cases[] = {
        {"/a?b", "/a", ""},
        {"http://h", "/", "h"},
        {"https://h:1/x#y", "/x", "h:1"},
        {"http://[::1]:80/x", "/x", "[::1]:80"},
        {"http://u@h/@x", "/@x", "h"},
        {"http://u@:p@h/", "/", "h"},
        {"http://@/x", "/x", ""},
        {"alice:secret@payments/charge", "/charge", "payments"},
        {"//alice:secret@payments/x?a", "/x", "payments"},
        {"alice:secret@payments", "/", "payments"},
        {"payments:8080/p", "/p", "payments:8080"},
        {"payments/@p", "/@p", "payments"},
        {"HTTP:/alice:secret@h/x", "/x", "h"},
        {"https:///alice:secret@h/x", "/x", "h"},
        {"file:///etc/x", "/etc/x", ""},
        {"://u:p@h/x", "/x", "h"},
        {"/a//u:p@h/x", "/a//u:p@h/x", ""},
        {"*", "*", ""},
        {"?a", "", ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct carrier out = {0};
        weft_client_end(call(&out, "GET", cases[i].target), 200, 0);
        assert_string_equal(value(i, "url.path"), cases[i].path);
        assert_string_equal(value(i, "server.address"), cases[i].peer);
        assert_null(strstr(weft_test_line(capture, i), "secret"));
        carrier_clear(&out);
    }
}

static void test_options(void **state)
{
    (void)state;
    static const weft_setter no_set = {sizeof no_set, NULL};
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    assert_null(weft_client_begin(NULL));
    options.setter = &no_set;
    assert_null(weft_client_begin(&options));
    options.setter = NULL;
    options.struct_size = 3;
    assert_null(weft_client_begin(&options));
    options.struct_size = sizeof options;
    options.no_record = true;
    weft_client_end(weft_client_begin(&options), 200, 0);
    weft_client_end(NULL, 200, 0);
    assert_int_equal(weft_test_count(capture), 0);
    options.no_record = false;
    options.peer = "db";
    options.target = "http://other/x";
    options.logger = weft_logger_get("my.client");
    weft_client_end(weft_client_begin(&options), 200, 0);
    assert_string_equal(value(0, "log.logger"), "my.client");
    assert_string_equal(value(0, "server.address"), "db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_call_has_a_span_of_its_own, begin_capture,
                                        end_capture),
        cmocka_unit_test_setup_teardown(test_retries_are_told_apart, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_without_a_context, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_ends_on_another_thread, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_targets, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_options, begin_capture, end_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
