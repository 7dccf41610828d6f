/* libcurl's adapter: what stands in the list, and what a raw server sees on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/integration/raw_server.h"
#include "tests/support/reused.h"
#include <weft/adapter/curl.h>
#include <weft/mdc.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" TRACE "-00f067aa0ba902b7-01"

/* Put a context in force as if a request had come in with these headers. */
static void take(struct carrier carrier)
{
    weft_mdc_clear();
    assert_int_equal(weft_extract(&carrier_getter, &carrier), WEFT_OK);
    carrier_clear(&carrier);
}

/* How many items of a list begin with `prefix`; the last one in *found. */
static size_t count_of(const struct curl_slist *list, const char *prefix, const char **found)
{
    size_t count = 0;
    for (; list; list = list->next) {
        if (strncasecmp(list->data, prefix, strlen(prefix)) != 0) continue;
        count++;
        if (found) *found = list->data;
    }
    return count;
}

static struct curl_slist *list_of(const char *const *lines)
{
    struct curl_slist *list = NULL;
    for (; *lines; lines++) list = curl_slist_append(list, *lines);
    return list;
}
#define LIST_OF(...) list_of((const char *const[]){__VA_ARGS__, NULL})

static void test_replaces(void **state)
{
    (void)state;
    const char *line = NULL;
    struct curl_slist *list = LIST_OF(
        "TraceParent: old", "Accept: */*", "TRACEPARENT:", "traceparent;", "traceparents: mine",
        "tracestate: old=1", "baggage: old=1", "X-Request-Id: old", "traceparent");
    take(CARRIER_OF("traceparent", PARENT, "x-request-id", "r-1"));
    for (int round = 0; round < 3; round++) {
        assert_int_equal(weft_curl_inject(&list), WEFT_OK);
        assert_int_equal(count_of(list, "traceparent:", &line), 1);
        assert_memory_equal(line, "traceparent: 00-" TRACE "-", 16 + 33);
        assert_int_equal(count_of(list, "x-request-id: r-1", NULL), 1);
        assert_int_equal(count_of(list, "x-request-id", NULL), 1);
        assert_int_equal(count_of(list, "tracestate", NULL), 0); /* an earlier request's */
        assert_int_equal(count_of(list, "baggage", NULL), 0);
        assert_int_equal(count_of(list, "", NULL),
                         5); /* two others stay, and a line that is no header */
    }
    curl_slist_free_all(list);
}

static void test_without_a_context(void **state)
{
    (void)state;
    struct curl_slist *list = LIST_OF("x-request-id: mine", "baggage: mine=1");
    weft_mdc_clear();
    assert_int_equal(weft_curl_inject(&list), WEFT_OK);
    assert_int_equal(count_of(list, "", NULL), 2); /* the program's own are left alone */
    curl_slist_free_all(list);
    assert_int_equal(weft_curl_inject(NULL), WEFT_EINVAL);
    assert_int_equal(weft_curl_set_headers(NULL, NULL), CURLE_BAD_FUNCTION_ARGUMENT);
}

static void list_add(void *carrier, const char *name, const char *value)
{
    char line[64];
    struct curl_slist **list = carrier;
    snprintf(line, sizeof line, "%s: %s", name, value);
    *list = curl_slist_append(*list, line);
}

static weft_status list_inject(void *carrier)
{
    return weft_curl_inject(carrier);
}

/* A handle that makes no transfer: the list is what counts. */
static weft_client *list_call(void *carrier)
{
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    CURL *easy = curl_easy_init();
    options.no_record = true;
    weft_client *client = weft_curl_client_begin(easy, carrier, options);
    curl_easy_cleanup(easy);
    return client;
}

static bool list_has(void *carrier, const char *name)
{
    char prefix[64];
    struct curl_slist **list = carrier;
    snprintf(prefix, sizeof prefix, "%s:", name);
    return count_of(*list, prefix, NULL) == 1;
}

static void test_used_again_in_every_format(void **state)
{
    (void)state;
    struct curl_slist *list = NULL;
    reused_check(&(struct reused_adapter){&list, list_add, list_inject, list_has, list_call});
    curl_slist_free_all(list);
}

static void test_setter_refuses(void **state)
{
    (void)state;
    struct curl_slist *list = LIST_OF("a: 1");
    const weft_setter *setter = weft_curl_setter();
    assert_int_equal(setter->set(&list, "a", "1\r\nb: 2", 7), WEFT_EINVAL);
    assert_int_equal(count_of(list, "a: 1", NULL), 1);
    assert_int_equal(setter->set(&list, "A", "2", 1), WEFT_OK);
    assert_int_equal(count_of(list, "", NULL), 1);
    assert_int_equal(count_of(list, "A: 2", NULL), 1);
    curl_slist_free_all(list);
}

/* ---- on the wire ---- */

/* Make one call with this thread's context; what arrived is the answer. */
static const struct raw_request *call(void)
{
    static struct raw_request seen;
    char url[64];
    struct raw_server server;
    struct curl_slist *headers = NULL;
    raw_server_start(&server, &seen, 1);
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "http://127.0.0.1:%u/x", (unsigned)server.port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 10000L);
    assert_int_equal(weft_curl_set_headers(easy, &headers), CURLE_OK);
    const CURLcode code = curl_easy_perform(easy);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    assert_int_equal(raw_server_join(&server), 1);
    assert_int_equal(code, CURLE_OK);
    return &seen;
}

static void test_wire(void **state)
{
    (void)state;
    take(CARRIER_OF("traceparent", PARENT, "tracestate", "a=1", "baggage", "k=v;p", "x-request-id",
                    "r-1"));
    const char *seen = call()->text;
    assert_int_equal(times(seen, "\r\ntraceparent: 00-" TRACE "-"), 1);
    assert_int_equal(times(seen, "\r\ntracestate: a=1\r\n"), 1);
    assert_int_equal(times(seen, "\r\nbaggage: k=v;p\r\n"), 1);
    assert_int_equal(times(seen, "\r\nx-request-id: r-1\r\n"), 1);
}

static void test_nothing_hostile_on_the_wire(void **state)
{
    (void)state;
    static const char *const values[] = {"a=b\r\nX-Evil: 1", "a=b\nX-Evil: 1", "a=b\rX-Evil: 1",
                                         "\x1b[31m", "a=b\x7f"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        take(CARRIER_OF("traceparent", PARENT, "tracestate", values[i], "baggage", values[i],
                        "x-request-id", values[i]));
        weft_mdc_put("request_id",
                     values[i]); /* the program itself may pass on what it should not */
        const struct raw_request *seen = call();
        assert_true(only_lines(seen->text, seen->size));
        assert_int_equal(times(seen->text, "evil"), 0);
        assert_int_equal(times(seen->text, "traceparent: "), 1);
    }
    weft_mdc_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaces),
        cmocka_unit_test(test_without_a_context),
        cmocka_unit_test(test_used_again_in_every_format),
        cmocka_unit_test(test_setter_refuses),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_nothing_hostile_on_the_wire),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
