/* Several transfers in one multi handle, each with a context of its own, on one thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/integration/raw_server.h"
#include "tests/unit/carrier.h"
#include <weft/adapter/curl.h>
#include <weft/test.h>
#include <weft/weft.h>

enum { TRANSFERS = 4, WAIT_MS = 1000 };

struct transfer {
    CURL *easy;
    struct curl_slist *headers;
    weft_request *request; /* whose call it is */
    weft_client *call;
    char trace[33], span[17];
};

static struct raw_request seen[TRANSFERS];

/* Begin a request of trace n, whose only call is this transfer; the request is parked then. */
static void begin(struct transfer *transfer, size_t n, uint16_t port, bool with_state)
{
    char parent[64], id[16], url[64];
    snprintf(parent, sizeof parent, "00-%032zx-00f067aa0ba902b7-01", n);
    snprintf(id, sizeof id, "r-%zu", n);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/%zu?key=1", (unsigned)port, n);
    struct carrier carrier = CARRIER_OF("traceparent", parent, "x-request-id", id);
    if (with_state) carrier_add(&carrier, "tracestate", "a=1");
    weft_request_options incoming = WEFT_REQUEST_OPTIONS_INIT;
    incoming.getter = &carrier_getter;
    incoming.carrier = &carrier;
    incoming.no_access_record = true;
    transfer->request = weft_request_begin(&incoming);
    carrier_clear(&carrier);
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    options.method = "GET";
    options.target = url;
    transfer->call = weft_curl_client_begin(transfer->easy, &transfer->headers, options);
    weft_client_ids(transfer->call, transfer->trace, transfer->span);
    curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
    curl_easy_setopt(transfer->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    weft_request_park(transfer->request);
}

/* End the calls of the transfers that are done; how many. */
static int reap(CURLM *multi)
{
    int left = 0, ended = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
        struct transfer *transfer = NULL;
        long status = 0;
        if (message->msg != CURLMSG_DONE) continue;
        assert_int_equal(message->data.result, CURLE_OK);
        CURL *easy = message->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(multi, easy);
        weft_client_end(transfer->call, (int)status, 0);
        weft_request_end(transfer->request, 200, 0);
        ended++;
    }
    return ended;
}

static void run(CURLM *multi, struct transfer *transfers)
{
    int running = 0, ended = 0;
    for (size_t i = 0; i < TRANSFERS; i++)
        assert_int_equal(curl_multi_add_handle(multi, transfers[i].easy), CURLM_OK);
    while (ended < TRANSFERS) {
        assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
        ended += reap(multi);
        if (ended < TRANSFERS)
            assert_int_equal(curl_multi_poll(multi, NULL, 0, WAIT_MS, NULL), CURLM_OK);
    }
}

/* What came for /n. */
static const char *request_of(size_t n)
{
    char line[32];
    snprintf(line, sizeof line, "GET /%zu?", n);
    for (size_t i = 0; i < TRANSFERS; i++)
        if (strncmp(seen[i].text, line, strlen(line)) == 0) return seen[i].text;
    return NULL;
}

static void assert_own_context(const struct transfer *transfer, size_t n, bool with_state)
{
    char expected[96];
    const char *text = request_of(n);
    assert_non_null(text);
    snprintf(expected, sizeof expected, "\r\ntraceparent: 00-%032zx-%s-01\r\n", n, transfer->span);
    assert_int_equal(times(text, expected), 1);
    snprintf(expected, sizeof expected, "\r\nx-request-id: r-%zu\r\n", n);
    assert_int_equal(times(text, expected), 1);
    assert_int_equal(times(text, "traceparent"), 1);
    assert_int_equal(times(text, "x-request-id"), 1);
    assert_int_equal(times(text, "tracestate: a=1\r\n"), with_state);
}

/* The call's record has the ids of its own request. */
static void assert_records(weft_capture *capture, const struct transfer *transfers)
{
    size_t found = 0;
    assert_int_equal(weft_test_count(capture), TRANSFERS);
    for (size_t i = 0; i < TRANSFERS; i++) {
        const char *line = weft_test_line(capture, i);
        for (size_t j = 0; j < TRANSFERS; j++)
            found += strstr(line, transfers[j].trace) && strstr(line, transfers[j].span);
        assert_null(strstr(line, "key=1"));
    }
    assert_int_equal(found, TRANSFERS);
}

/* Two rounds with the same handles and lists: nothing of the first is left in the second. */
static void test_each_its_own(void **state)
{
    (void)state;
    struct transfer transfers[TRANSFERS] = {0};
    CURLM *multi = curl_multi_init();
    for (size_t i = 0; i < TRANSFERS; i++) transfers[i].easy = curl_easy_init();
    for (size_t round = 0; round < 2; round++) {
        struct raw_server server;
        weft_capture *capture = weft_test_capture(NULL);
        assert_non_null(capture);
        raw_server_start(&server, seen, TRANSFERS);
        for (size_t i = 0; i < TRANSFERS; i++)
            begin(&transfers[i], round * 10 + i + 1, server.port, (i + round) % 2);
        run(multi, transfers);
        assert_int_equal(raw_server_join(&server), TRANSFERS);
        for (size_t i = 0; i < TRANSFERS; i++)
            assert_own_context(&transfers[i], round * 10 + i + 1, (i + round) % 2);
        assert_records(capture, transfers);
        weft_test_release(capture);
    }
    assert_null(weft_request_id());
    assert_null(weft_curl_client_begin(transfers[0].easy, NULL,
                                       (weft_client_options)WEFT_CLIENT_OPTIONS_INIT));
    for (size_t i = 0; i < TRANSFERS; i++) {
        curl_slist_free_all(transfers[i].headers);
        curl_easy_cleanup(transfers[i].easy);
    }
    curl_multi_cleanup(multi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_its_own)};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
