/*
 * Several requests on one thread: whatever the order in which they begin, park, resume and end,
 * each keeps its own context, and so does the thread. And a context that the application clears.
 */
#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>
#include <weft/test.h>
#include <weft/weft.h>

#define ZEROS "00000000000000000000000000000"

static weft_capture *capture;

static int begin_capture(void **state)
{
    (void)state;
    weft_mdc_clear();
    weft_mdc_put("own", "thread");
    capture = weft_test_capture(NULL);
    return capture ? 0 : -1;
}

/* Every test leaves the thread's own context in force, and nothing else. */
static int end_capture(void **state)
{
    (void)state;
    weft_test_release(capture);
    const char *own = weft_mdc_get("own");
    const bool as_before = own && strcmp(own, "thread") == 0 && weft_mdc_count() == 1 &&
                           weft_trace_ids(NULL, NULL) != WEFT_OK;
    weft_mdc_clear();
    return as_before ? 0 : -1;
}

/* A request "r-a" of the trace 00…0a1a, and so on, which logs an entry of its own. */
static weft_request *begin(char name)
{
    char id[] = "r-?", parent[64];
    id[2] = name;
    snprintf(parent, sizeof parent, "00-" ZEROS "1%c1-00f067aa0ba902b7-01", name);
    struct carrier carrier = CARRIER_OF("traceparent", parent, "x-request-id", id);
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.getter = &carrier_getter;
    options.carrier = &carrier;
    weft_request *request = weft_request_begin(&options);
    carrier_clear(&carrier);
    assert_non_null(request);
    weft_mdc_put("user", id);
    return request;
}

/* Which request is current: its letter; '-': none, and the thread's own context is in force. */
static char current(void)
{
    const char *id = weft_request_id(), *user = weft_mdc_get("user");
    char trace[33];
    if (!id) return !user && weft_mdc_get("own") ? '-' : '?';
    if (!user || strcmp(id, user) != 0 || weft_mdc_get("own")) return '?';
    return weft_trace_ids(trace, NULL) == WEFT_OK && trace[30] == id[2] ? id[2] : '?';
}

/* A record is that of this request and of no other one. */
static void assert_record(size_t index, char name, bool user)
{
    char id[] = "\"request_id\":\"r-?\"", trace[] = ZEROS "1?1", entry[] = "\"user\":\"r-?\"";
    const char *line = weft_test_line(capture, index);
    assert_non_null(line);
    id[sizeof id - 3] = trace[30] = entry[sizeof entry - 3] = name;
    assert_non_null(strstr(line, id));
    assert_non_null(strstr(line, trace));
    assert_int_equal(strstr(line, entry) != NULL, user);
    assert_null(strstr(line, "\"own\""));
}

/*
 * One step a pair of characters: b begin, r resume, p park, e end, of the request a, b or c; then
 * "=" and which is current.
 */
static void run(const char *steps)
{
    weft_request *requests[3] = {NULL, NULL, NULL};
    size_t records = 0;
    for (const char *at = steps; *at; at += at[4] ? 5 : 4) {
        weft_request **request = &requests[at[1] - 'a'];
        if (at[0] == 'b') *request = begin(at[1]);
        if (at[0] == 'r') weft_request_resume(*request);
        if (at[0] == 'p') weft_request_park(*request);
        if (at[0] == 'e') {
            weft_request_end(*request, 200, 0);
            assert_record(weft_test_count(capture) - 1, at[1], true);
            records++;
        }
        if (current() != at[3]) fail_msg("%s: at %.4s it is %c", steps, at, current());
    }
    assert_true(records > 0);
}

static void test_any_order(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "ba=a bb=b ea=b eb=-",
        "ba=a bb=b eb=a ea=-",
        "ba=a bb=b bc=c eb=c ea=c ec=-",
        "ba=a bb=b bc=c eb=c ec=a ea=-",
        "ba=a bb=b bc=c ea=c ec=b eb=-",
        "ba=a bb=b bc=c ec=b ea=b eb=-",
        "ba=a pa=- bb=b pb=- ra=a rb=b ea=b eb=-",
        "ba=a pa=- bb=b pb=- ra=a rb=b pa=b pb=- ea=- eb=-",
        "ba=a bb=b ra=a rb=b ra=a ea=b eb=-",
        "ba=a bb=b bc=c rb=b pb=c pc=a pa=- rc=c ea=c eb=c ec=-",
        "ba=a bb=b pa=b pa=b rb=b eb=- ra=a ra=a ea=-",
        "ba=a pa=- bb=b ea=b eb=-",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) run(rows[i]);
}

static void test_scopes_stay_with_their_request(void **state)
{
    (void)state;
    weft_request *a = begin('a');
    const weft_mdc_token scope = weft_mdc_push(weft_str("scope", "1"));
    weft_request *b = begin('b');
    weft_mdc_pop(scope); /* of another context: nothing happens */
    assert_int_equal(current(), 'b');
    weft_request_end(b, 200, 0);
    assert_string_equal(weft_mdc_get("scope"), "1");
    weft_mdc_pop(scope);
    assert_null(weft_mdc_get("scope"));
    weft_request_end(a, 200, 0);
}

static void test_clear_keeps_the_ids_of_the_record(void **state)
{
    (void)state;
    weft_request *a = begin('a');
    weft_mdc_clear();
    assert_null(weft_request_id());
    weft_mdc_put("later", "entry");
    weft_request_end(a, 200, 0);
    assert_record(0, 'a', false);
    assert_non_null(strstr(weft_test_line(capture, 0), "\"later\":\"entry\""));
    a = begin('a');
    weft_request *b = begin('b');
    weft_mdc_clear();
    weft_request_end(a, 200, 0); /* from underneath */
    assert_record(1, 'a', true);
    assert_int_equal(weft_mdc_count(), 0); /* b's stays as it was made */
    weft_request_park(b);
    assert_int_equal(current(), '-');
    weft_request_end(b, 200, 0);
    assert_record(2, 'b', false);
}

static void test_what_the_application_put_instead_stays(void **state)
{
    (void)state;
    weft_request *a = begin('a');
    weft_mdc_clear();
    weft_mdc_put("request_id", "r-z");
    weft_request_end(a, 200, 0);
    assert_non_null(strstr(weft_test_line(capture, 0), "\"r-z\""));
    assert_non_null(strstr(weft_test_line(capture, 0), ZEROS "1a1"));
    assert_null(strstr(weft_test_line(capture, 0), "\"r-a\""));
}

static void test_longest_id(void **state)
{
    (void)state;
    char id[129];
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    struct carrier carrier = CARRIER_OF("x-request-id", id);
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.getter = &carrier_getter;
    options.carrier = &carrier;
    weft_request *request = weft_request_begin(&options);
    carrier_clear(&carrier);
    assert_string_equal(weft_request_id(), id);
    weft_mdc_clear();
    weft_request_end(request, 200, 0);
    assert_non_null(strstr(weft_test_line(capture, 0), id));
}

/* A begin that fails parks what is there: nothing of it is lost, or taken for the new request's. */
static void test_failed_begin_keeps_the_others(void **state)
{
    (void)state;
    weft_request *a = begin('a'), *b = begin('b');
    assert_null(weft_request_begin(NULL));
    assert_int_equal(weft_mdc_count(), 0);
    weft_request_end(a, 200, 0);
    assert_record(0, 'a', true);
    weft_request_resume(b);
    assert_int_equal(current(), 'b');
    weft_request_end(b, 200, 0);
    assert_record(1, 'b', true);
    assert_int_equal(weft_mdc_count(), 0); /* the thread's own went with the begin that failed */
    weft_mdc_put("own", "thread");
}

static void *meddle(void *request)
{
    weft_mdc_put("own", "worker");
    weft_request *c = begin('c');
    weft_request_park(request);
    weft_request_resume(request);
    weft_request_end(request, 500, 0);
    const bool mine = current() == 'c';
    weft_request_end(c, 200, 0);
    return mine && current() == '-' ? request : NULL;
}

static void test_not_from_another_thread(void **state)
{
    (void)state;
    pthread_t thread;
    void *result = NULL;
    weft_request *a = begin('a'), *b = begin('b');
    for (int i = 0; i < 2; i++) { /* underneath, then the current one */
        assert_int_equal(pthread_create(&thread, NULL, meddle, i ? b : a), 0);
        for (int j = 0; j < 100; j++) { /* meanwhile */
            weft_request_resume(a);
            weft_request_resume(b);
        }
        pthread_join(thread, &result);
        assert_non_null(result);
    }
    assert_int_equal(weft_test_count(capture), 2); /* those of c */
    assert_int_equal(current(), 'b');
    weft_request_end(a, 200, 0);
    weft_request_end(b, 200, 0);
    assert_record(2, 'a', true);
    assert_record(3, 'b', true);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin_capture, end_capture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_any_order),
        TEST(test_scopes_stay_with_their_request),
        TEST(test_clear_keeps_the_ids_of_the_record),
        TEST(test_what_the_application_put_instead_stays),
        TEST(test_longest_id),
        TEST(test_failed_begin_keeps_the_others),
        TEST(test_not_from_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
