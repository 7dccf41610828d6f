/*
 * Requests: the context of one, its reply header, its access record, and what the thread has before
 * and after.
 */
#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/request/access.h"
#include "support/capture.h"
#include <pthread.h>
#include <weft/weft.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN   "00f067aa0ba902b7"
#define PARENT "00-" TRACE "-" SPAN "-01"

/*
 * A value of a captured line; "" when it is not there. The format nests by dots or not: both are
 * tried.
 */
static const char *value(size_t index, const char *dotted)
{
    char path[128];
    const char *found = weft_test_value(capture, index, dotted);
    if (found) return found;
    snprintf(path, sizeof path, "%s", dotted);
    for (char *at = path; *at; at++)
        if (*at == '.') *at = '/';
    found = weft_test_value(capture, index, path);
    return found ? found : "";
}

static weft_request_options options_for(struct carrier *carrier)
{
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.getter = &carrier_getter;
    options.carrier = carrier;
    options.method = "GET";
    options.target = "/orders?secret=1#part";
    options.peer = "192.0.2.1";
    return options;
}

static weft_request *begin(struct carrier carrier)
{
    const weft_request_options options = options_for(&carrier);
    weft_request *request = weft_request_begin(&options);
    carrier_clear(&carrier); /* nothing of it is needed any more */
    assert_non_null(request);
    return request;
}

static void test_access_record(void **state)
{
    (void)state;
    weft_request *request = begin(CARRIER_OF("traceparent", PARENT, "x-request-id", "r-1"));
    weft_request_end(request, 200, 1234);
    assert_int_equal(weft_test_count(capture), 1);
    assert_string_equal(weft_test_message(capture, 0), "GET /orders 200");
    assert_string_equal(weft_test_logger(capture, 0), "http.access");
    assert_int_equal(weft_test_level(capture, 0), WEFT_LEVEL_INFO);
    assert_string_equal(value(0, "http.request.method"), "GET");
    assert_string_equal(value(0, "url.path"), "/orders");
    assert_string_equal(value(0, "http.response.status_code"), "200");
    assert_string_equal(value(0, "http.response.body.bytes"), "1234");
    assert_string_equal(value(0, "client.address"), "192.0.2.1");
    assert_true(strtoll(value(0, "event.duration"), NULL, 10) > 0);
    assert_string_equal(value(0, "trace.id"), TRACE);
    assert_string_equal(value(0, "labels.parent_span_id"), SPAN);
    assert_null(strstr(weft_test_line(capture, 0), "secret"));
    assert_non_null(strstr(weft_test_line(capture, 0), "\"r-1\""));
}

static void test_levels(void **state)
{
    (void)state;
    static const struct {
        int status;
        weft_level level;
    } rows[] = {{200, WEFT_LEVEL_INFO},  {404, WEFT_LEVEL_INFO},  {499, WEFT_LEVEL_INFO},
                {500, WEFT_LEVEL_ERROR}, {503, WEFT_LEVEL_ERROR}, {0, WEFT_LEVEL_INFO}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_request_end(begin((struct carrier){0}), rows[i].status, 0);
        assert_int_equal(weft_test_level(capture, i), rows[i].level);
    }
    assert_string_equal(weft_test_message(capture, 5), "GET /orders");
    assert_string_equal(value(5, "http.response.status_code"), "");
}

static void test_what_is_not_known_is_left_out(void **state)
{
    (void)state;
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    weft_request_end(weft_request_begin(&options), 0, 0);
    assert_string_equal(weft_test_message(capture, 0), "request");
    assert_null(strstr(weft_test_line(capture, 0), "url"));
    assert_null(strstr(weft_test_line(capture, 0), "method"));
    assert_null(strstr(weft_test_line(capture, 0), "client"));
    options.target = "/x";
    weft_request_end(weft_request_begin(&options), 204, 0);
    assert_string_equal(weft_test_message(capture, 1), "/x 204");
    options.no_access_record = true;
    weft_request_end(weft_request_begin(&options), 204, 0);
    assert_int_equal(weft_test_count(capture), 2);
    options.no_access_record = false;
    options.logger = weft_logger_get("mine");
    weft_request_end(weft_request_begin(&options), 204, 0);
    assert_string_equal(weft_test_logger(capture, 2), "mine");
    weft_request_end(NULL, 200, 0);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path;
    } rows[] = {
        {"/", "/"},
        {"/a/b?c", "/a/b"},
        {"/a#c", "/a"},
        {"?a", ""},
        {"*", "*"},
        {"http://user:password@host:80/a?b", "/a"},
        {"http://host", "/"},
        {"https://host?a=/b", "/"},
        {"host:443", "host:443"},
        {"/a://b", "/a://b"},
        {"//a/b", "//a/b"},
        {"/a?b://c/d", "/a"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = 0;
        const char *path = weftp_access_path(rows[i].target, &size);
        assert_int_equal(size, strlen(rows[i].path));
        assert_memory_equal(path, rows[i].path, size);
    }
    char large[WEFTP_ACCESS_PATH_MAX + 8];
    size_t size = 0;
    memset(large, 'a', sizeof large);
    memcpy(large + WEFTP_ACCESS_PATH_MAX - 1, "\xc3\xa9",
           3); /* a character across the limit is left out whole */
    (void)weftp_access_path(large, &size);
    assert_int_equal(size, WEFTP_ACCESS_PATH_MAX - 1);
}

static void test_large_texts_are_capped(void **state)
{
    (void)state;
    static char large[1 << 20];
    memset(large, 'a', sizeof large - 1);
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.method = options.target = options.peer = large;
    weft_request_end(weft_request_begin(&options), 200, UINT64_MAX);
    assert_int_equal(strlen(value(0, "url.path")), WEFTP_ACCESS_PATH_MAX);
    assert_int_equal(strlen(value(0, "http.request.method")), WEFTP_ACCESS_METHOD_MAX);
    assert_int_equal(strlen(value(0, "client.address")), WEFTP_ACCESS_PEER_MAX);
    assert_string_equal(value(0, "http.response.body.bytes"), "9223372036854775807");
}

static void test_hostile_target(void **state)
{
    (void)state;
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.method = "G\nET\x1b[31m";
    options.target = "/a\r\n{\"forged\":1}\xff%s%n";
    weft_request_end(weft_request_begin(&options), 200, 0);
    const char *line = weft_test_line(capture, 0);
    for (const char *at = line; *at; at++) assert_true((unsigned char)*at >= 0x20);
    assert_string_equal(value(0, "url.path"), "/a\r\n{\"forged\":1}\xef\xbf\xbd%s%n");
}

static void test_reply_has_the_id(void **state)
{
    (void)state;
    struct carrier in = CARRIER_OF("x-request-id", "r-1"),
                   reply = CARRIER_OF("X-Request-ID", "old");
    weft_request_options options = options_for(&in);
    options.reply = &carrier_setter;
    options.reply_carrier = &reply;
    weft_request *request = weft_request_begin(&options);
    assert_string_equal(weft_request_id(), "r-1");
    assert_int_equal(reply.count, 1);
    assert_string_equal(carrier_find(&reply, "x-request-id"), "r-1");
    weft_request_end(request, 200, 0);
    carrier_clear(&in);
    carrier_add(&in, "x-request-id", "bad\r\nSet-Cookie: x"); /* never given back */
    request = weft_request_begin(&options);
    assert_string_equal(carrier_find(&reply, "x-request-id"), weft_request_id());
    assert_int_equal(strlen(weft_request_id()), 36);
    weft_request_end(request, 200, 0);
    carrier_clear(&in);
    carrier_clear(&reply);
}

static void test_context_of_before_comes_back(void **state)
{
    (void)state;
    weft_mdc_put("before", "1");
    const weft_mdc_token scope = weft_mdc_push(weft_str("scope", "2"));
    weft_request *request = begin(CARRIER_OF("traceparent", PARENT));
    assert_null(weft_mdc_get("before")); /* an earlier context is never taken for this request's */
    weft_mdc_put("during", "3");
    (void)weft_mdc_push(weft_str("leaked", "4"));
    weft_request *inner = begin((struct carrier){0});
    assert_null(weft_mdc_get("during"));
    weft_request_end(inner, 200, 0);
    assert_string_equal(weft_mdc_get("during"), "3");
    weft_request_end(request, 200, 0);
    assert_null(weft_mdc_get("during"));
    assert_null(weft_request_id());
    assert_string_equal(weft_mdc_get("before"), "1");
    assert_string_equal(weft_mdc_get("scope"), "2");
    weft_mdc_pop(scope);
    assert_null(weft_mdc_get("scope"));
    weft_mdc_clear();
}

static void test_entries_stay_with_their_request(void **state)
{
    (void)state;
    weft_request *one = begin(CARRIER_OF("x-request-id", "r-1"));
    weft_mdc_put("user", "ann");
    weft_request_park(one);
    weft_request_park(one); /* once is enough */
    assert_null(weft_request_id());
    weft_request *two = begin(CARRIER_OF("x-request-id", "r-2"));
    assert_null(weft_mdc_get("user"));
    weft_request_park(two);
    weft_request_resume(one);
    weft_request_resume(one);
    assert_string_equal(weft_request_id(), "r-1");
    assert_string_equal(weft_mdc_get("user"), "ann");
    weft_request_end(one, 200, 0);
    assert_null(weft_request_id());
    weft_request_end(two, 500, 0); /* a parked one may be ended */
    assert_null(weft_request_id());
    assert_non_null(strstr(weft_test_line(capture, 0), "\"ann\""));
    assert_non_null(strstr(weft_test_line(capture, 1), "\"r-2\""));
    assert_null(strstr(weft_test_line(capture, 1), "\"ann\""));
    weft_request_park(NULL);
    weft_request_resume(NULL);
}

static void *end_elsewhere(void *request)
{
    weft_mdc_put("other", "thread");
    weft_request_resume(request);
    weft_mdc_put("worker", "yes");
    weft_request_end(request, 200, 0);
    const char *mine = weft_mdc_get("other");
    return mine && strcmp(mine, "thread") == 0 && !weft_request_id() ? request : NULL;
}

static void test_goes_on_on_another_thread(void **state)
{
    (void)state;
    pthread_t thread;
    void *result = NULL;
    weft_request *request = begin(CARRIER_OF("traceparent", PARENT, "x-request-id", "r-1"));
    weft_request_park(request);
    assert_int_equal(pthread_create(&thread, NULL, end_elsewhere, request), 0);
    pthread_join(thread, &result);
    assert_non_null(result);
    assert_string_equal(value(0, "trace.id"), TRACE);
    assert_non_null(strstr(weft_test_line(capture, 0), "\"worker\""));
    assert_null(strstr(weft_test_line(capture, 0), "\"other\""));
}

static void test_trust_of_a_listener(void **state)
{
    (void)state;
    static const struct {
        weft_trust trust;
        bool internal, continued;
    } rows[] = {{WEFT_TRUST_DEFAULT, false, true},
                {WEFT_TRUST_RESTART, true, false},
                {WEFT_TRUST_RESTART_EXTERNAL, false, false},
                {WEFT_TRUST_RESTART_EXTERNAL, true, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct carrier in = CARRIER_OF("traceparent", PARENT);
        weft_request_options options = options_for(&in);
        char trace[33];
        options.trust = rows[i].trust;
        options.internal = rows[i].internal;
        weft_request *request = weft_request_begin(&options);
        assert_int_equal(weft_trace_ids(trace, NULL), WEFT_OK);
        assert_int_equal(strcmp(trace, TRACE) == 0, rows[i].continued);
        const char *link = weft_mdc_get("trace_link");
        assert_int_equal(link && strcmp(link, TRACE "-" SPAN) == 0, !rows[i].continued);
        weft_request_end(request, 200, 0);
        carrier_clear(&in);
    }
}

static void test_bad_options_empty_the_context(void **state)
{
    (void)state;
    static const weft_getter no_get = {sizeof(weft_getter), NULL, NULL};
    static const weft_setter no_set = {sizeof(weft_setter), NULL};
    weft_request_options rows[4] = {WEFT_REQUEST_OPTIONS_INIT, WEFT_REQUEST_OPTIONS_INIT,
                                    WEFT_REQUEST_OPTIONS_INIT, WEFT_REQUEST_OPTIONS_INIT};
    rows[0].struct_size = 0;
    rows[1].getter = &no_get;
    rows[2].reply = &no_set;
    rows[3].trust = (weft_trust)9;
    for (size_t i = 0; i <= 4; i++) {
        weft_mdc_put("earlier", "request");
        assert_null(weft_request_begin(i < 4 ? &rows[i] : NULL));
        assert_int_equal(weft_mdc_count(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_access_record, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_levels, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_what_is_not_known_is_left_out, begin_capture,
                                        end_capture),
        cmocka_unit_test(test_paths),
        cmocka_unit_test_setup_teardown(test_large_texts_are_capped, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_hostile_target, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_reply_has_the_id, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_context_of_before_comes_back, begin_capture,
                                        end_capture),
        cmocka_unit_test_setup_teardown(test_entries_stay_with_their_request, begin_capture,
                                        end_capture),
        cmocka_unit_test_setup_teardown(test_goes_on_on_another_thread, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_trust_of_a_listener, begin_capture, end_capture),
        cmocka_unit_test_setup_teardown(test_bad_options_empty_the_context, begin_capture,
                                        end_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
