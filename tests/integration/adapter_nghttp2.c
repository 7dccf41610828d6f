/* nghttp2's adapter: a client's and a server's session, joined in memory, with several streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/reused.h"
#include <weft/adapter/nghttp2.h>
#include <weft/test.h>
#include <weft/weft.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define OTHER  "5bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "-00f067aa0ba902b7-01"

enum { STREAMS_MAX = 4, HEADERS_MAX = 16, TEXT_CAPACITY = 4096 };

/* ---- two sessions ---- */

struct stream {
    weft_nghttp2_in in;
    weft_request *request;
    char trace[33], request_id[160];
    char reply_id[160]; /* as the client gets it */
};

struct pair {
    nghttp2_session *client, *server;
    struct stream streams[STREAMS_MAX]; /* by (id - 1) / 2 */
};

static struct stream *stream_of(struct pair *pair, int32_t id)
{
    const size_t index = (size_t)(id - 1) / 2;
    assert_true(index < STREAMS_MAX);
    return &pair->streams[index];
}

static nghttp2_nv nv_of(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static int server_begins(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    (void)session;
    weft_nghttp2_in_init(&stream_of(arg, frame->hd.stream_id)->in);
    return 0;
}

static int server_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_size, const uint8_t *value, size_t size, uint8_t flags,
                         void *arg)
{
    (void)session, (void)flags;
    (void)weft_nghttp2_in_add(&stream_of(arg, frame->hd.stream_id)->in, name, name_size, value,
                              size);
    return 0;
}

/* Begin the request, answer it with its id, and leave it parked until the stream closes. */
static int server_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    struct stream *stream = stream_of(arg, frame->hd.stream_id);
    nghttp2_nv nv[HEADERS_MAX] = {nv_of(":status", "201")};
    char text[TEXT_CAPACITY];
    weft_nghttp2_out out;
    stream->request = weft_nghttp2_request_begin(&stream->in, "10.0.0.7");
    weft_nghttp2_in_deinit(&stream->in);
    assert_non_null(stream->request);
    assert_int_equal(weft_trace_ids(stream->trace, NULL), WEFT_OK);
    snprintf(stream->request_id, sizeof stream->request_id, "%s", weft_request_id());
    weft_nghttp2_out_init(&out, nv, 1, HEADERS_MAX, text, sizeof text);
    assert_int_equal(weft_nghttp2_reply(&out), WEFT_OK);
    assert_int_equal(nghttp2_submit_response(session, frame->hd.stream_id, out.nv, out.count, NULL),
                     0);
    weft_request_park(stream->request);
    return 0;
}

static int server_closed(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
    (void)session;
    struct stream *stream = stream_of(arg, id);
    weft_request_end(stream->request, error ? 500 : 201, 0);
    stream->request = NULL;
    return 0;
}

static int client_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_size, const uint8_t *value, size_t size, uint8_t flags,
                         void *arg)
{
    (void)session, (void)flags;
    struct stream *stream = stream_of(arg, frame->hd.stream_id);
    if (name_size == 12 && memcmp(name, "x-request-id", 12) == 0)
        snprintf(stream->reply_id, sizeof stream->reply_id, "%.*s", (int)size, (const char *)value);
    return 0;
}

/* `lax`: the server takes headers that no HTTP message may have. */
static void pair_open(struct pair *pair, bool lax)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    memset(pair, 0, sizeof *pair);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_option_set_no_http_messaging(option, lax);
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, server_begins);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, server_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, server_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, server_closed);
    assert_int_equal(nghttp2_session_server_new2(&pair->server, callbacks, pair, option), 0);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, client_header);
    assert_int_equal(nghttp2_session_client_new(&pair->client, callbacks, pair), 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    assert_int_equal(nghttp2_submit_settings(pair->client, NGHTTP2_FLAG_NONE, NULL, 0), 0);
    assert_int_equal(nghttp2_submit_settings(pair->server, NGHTTP2_FLAG_NONE, NULL, 0), 0);
}

static void pair_close(struct pair *pair)
{
    nghttp2_session_del(pair->client);
    nghttp2_session_del(pair->server);
}

/* Carry what one session wants to send to the other; false: there was nothing. */
static bool carry(nghttp2_session *from, nghttp2_session *to)
{
    const uint8_t *data = NULL;
    const ssize_t size = nghttp2_session_mem_send(from, &data);
    assert_true(size >= 0);
    if (size > 0) assert_int_equal(nghttp2_session_mem_recv(to, data, (size_t)size), size);
    return size > 0;
}

static void exchange(struct pair *pair)
{
    while (carry(pair->client, pair->server) || carry(pair->server, pair->client)) {
    }
}

/* ---- requests ---- */

/* Put a context in force as if a request had come in with these headers. */
static void take(struct carrier carrier)
{
    weft_mdc_clear();
    assert_int_equal(weft_extract(&carrier_getter, &carrier), WEFT_OK);
    carrier_clear(&carrier);
}

/* A client's four, in the order that nghttp2 wants. */
static size_t request_headers(nghttp2_nv *nv, const char *path)
{
    nv[0] = nv_of(":method", "POST");
    nv[1] = nv_of(":scheme", "http");
    nv[2] = nv_of(":authority", "orders");
    nv[3] = nv_of(":path", path);
    return 4;
}

static void send_request(struct pair *pair, const char *path)
{
    nghttp2_nv nv[HEADERS_MAX];
    char text[TEXT_CAPACITY];
    weft_nghttp2_out out;
    weft_nghttp2_out_init(&out, nv, request_headers(nv, path), HEADERS_MAX, text, sizeof text);
    assert_int_equal(weft_nghttp2_inject(&out), WEFT_OK);
    assert_true(nghttp2_submit_request(pair->client, NULL, out.nv, out.count, NULL, NULL) > 0);
    memset(text, '#', sizeof text); /* nghttp2 has copies */
}

static void test_request(void **state)
{
    (void)state;
    struct pair pair;
    weft_capture *capture = weft_test_capture(NULL);
    assert_non_null(capture);
    pair_open(&pair, false);
    take(CARRIER_OF("traceparent", "00-" TRACE PARENT, "tracestate", "a=1", "baggage", "k=v;p",
                    "x-request-id", "r-1"));
    send_request(&pair, "/orders?secret=1");
    weft_mdc_clear();
    exchange(&pair);
    pair_close(&pair);
    assert_string_equal(pair.streams[0].trace, TRACE);
    assert_string_equal(pair.streams[0].request_id, "r-1");
    assert_string_equal(pair.streams[0].reply_id, "r-1");
    assert_null(weft_request_id()); /* the session's thread has no context of its own */
    assert_int_equal(weft_test_count(capture), 1);
    assert_string_equal(weft_test_message(capture, 0), "POST /orders 201");
    const char *line = weft_test_line(capture, 0);
    assert_non_null(strstr(line, TRACE));
    assert_non_null(strstr(line, "10.0.0.7"));
    assert_null(strstr(line, "secret"));
    weft_test_release(capture);
}

static void test_streams_beside_each_other(void **state)
{
    (void)state;
    struct pair pair;
    weft_capture *capture = weft_test_capture(NULL);
    pair_open(&pair, false);
    take(CARRIER_OF("traceparent", "00-" TRACE PARENT, "x-request-id", "first"));
    send_request(&pair, "/1");
    take(CARRIER_OF("traceparent", "00-" OTHER PARENT, "x-request-id", "second"));
    send_request(&pair, "/2");
    exchange(&pair);
    assert_string_equal(weft_request_id(), "second"); /* the client's own is as it was */
    weft_mdc_clear();
    pair_close(&pair);
    assert_string_equal(pair.streams[0].trace, TRACE);
    assert_string_equal(pair.streams[1].trace, OTHER);
    assert_string_equal(pair.streams[0].reply_id, "first");
    assert_string_equal(pair.streams[1].reply_id, "second");
    assert_int_equal(weft_test_count(capture), 2);
    for (size_t i = 0; i < 2; i++) {
        const char *line = weft_test_line(capture, i);
        const bool first = strstr(line, TRACE) != NULL;
        assert_true(first != (strstr(line, OTHER) != NULL));
        assert_non_null(strstr(line, first ? "\"first\"" : "\"second\""));
        assert_string_equal(weft_test_message(capture, i), first ? "POST /1 201" : "POST /2 201");
    }
    weft_test_release(capture);
}

static void test_hostile_request(void **state)
{
    (void)state;
    static const char *const values[] = {"a b", "a\r\nx-evil: 1", "a\nb", "\x1b[31m", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct pair pair;
        nghttp2_nv nv[HEADERS_MAX];
        weft_capture *capture = weft_test_capture(NULL);
        pair_open(&pair, true);
        size_t count = request_headers(nv, "/");
        nv[count++] = nv_of("x-request-id", values[i]);
        nv[count++] = nv_of("traceparent", values[i]);
        nv[count++] = nv_of("a\r\nb", values[i]);
        assert_true(nghttp2_submit_request(pair.client, NULL, nv, count, NULL, NULL) > 0);
        exchange(&pair);
        pair_close(&pair);
        assert_int_equal(strlen(pair.streams[0].request_id), 36); /* made anew */
        assert_string_equal(pair.streams[0].reply_id, pair.streams[0].request_id);
        assert_int_equal(weft_test_count(capture), 1);
        assert_null(strpbrk(weft_test_line(capture, 0), "\r\x1b"));
        weft_test_release(capture);
    }
}

/* ---- what is collected ---- */

static weft_status add(weft_nghttp2_in *in, const char *name, const char *value, size_t size)
{
    return weft_nghttp2_in_add(in, (const uint8_t *)name, strlen(name), (const uint8_t *)value,
                               size);
}

static void test_in(void **state)
{
    (void)state;
    weft_nghttp2_in in;
    size_t size = 0;
    weft_nghttp2_in_deinit(NULL);
    weft_nghttp2_in_init(&in);
    assert_null(weft_nghttp2_getter()->get(&in, "a", 0, &size));
    assert_int_equal(add(&in, "a", "1", 1), WEFT_OK);
    assert_int_equal(add(&in, "b", "", 0), WEFT_OK);
    assert_int_equal(add(&in, "A", "2 ", 2), WEFT_OK);
    assert_int_equal(add(&in, "a", "x\0y", 3), WEFT_EINVAL);
    assert_int_equal(add(&in, "a b", "1", 1), WEFT_EINVAL);
    assert_int_equal(add(&in, "a:", "1", 1), WEFT_EINVAL);
    assert_int_equal(add(&in, ":", "1", 1), WEFT_EINVAL);
    assert_int_equal(add(&in, "", "1", 1), WEFT_EINVAL);
    assert_memory_equal(weft_nghttp2_getter()->get(&in, "a", 1, &size), "2", 1);
    assert_int_equal(size, 1);
    assert_null(weft_nghttp2_getter()->get(&in, "a", 2, &size));
    assert_non_null(weft_nghttp2_getter()->get(&in, "b", 0, &size));
    assert_int_equal(size, 0);
    weft_nghttp2_in_deinit(&in);
    assert_null(weft_nghttp2_getter()->get(&in, "a", 0, &size));
}

static void test_in_is_bounded(void **state)
{
    (void)state;
    static char large[WEFT_NGHTTP2_IN_BYTES_MAX];
    weft_nghttp2_in in;
    size_t count = 0, size = 0;
    memset(large, 'x', sizeof large);
    weft_nghttp2_in_init(&in);
    assert_int_equal(add(&in, "a", large, sizeof large), WEFT_ELIMIT);
    assert_int_equal(add(&in, "a", large, sizeof large - 4), WEFT_OK);
    assert_int_equal(add(&in, "b", "", 0), WEFT_ELIMIT);
    weft_nghttp2_in_deinit(&in);
    while (add(&in, "x-many", "0123456789", 10) == WEFT_OK) count++;
    assert_int_equal(count, WEFT_NGHTTP2_IN_BYTES_MAX / 19);
    assert_true(in.capacity <= WEFT_NGHTTP2_IN_BYTES_MAX);
    assert_non_null(weft_nghttp2_getter()->get(&in, "X-Many", 0, &size));
    weft_nghttp2_in_deinit(&in);
}

/* ---- what is sent ---- */

static void assert_header(const weft_nghttp2_out *out, size_t index, const char *name,
                          const char *value)
{
    assert_true(index < out->count);
    const nghttp2_nv *nv = &out->nv[index];
    assert_int_equal(nv->namelen, strlen(name));
    assert_int_equal(nv->valuelen, strlen(value));
    assert_memory_equal(nv->name, name, nv->namelen);
    assert_memory_equal(nv->value, value, nv->valuelen);
}

static void test_out(void **state)
{
    (void)state;
    nghttp2_nv nv[5] = {nv_of(":path", "/"), nv_of("x-b3", "old"), nv_of("X-B3", "older")};
    char text[20];
    weft_nghttp2_out out;
    const weft_setter *setter = weft_nghttp2_setter();
    weft_nghttp2_out_init(&out, nv, 3, 4, text, sizeof text);
    nv[4] = nv_of("guard", "1");
    assert_int_equal(setter->set(&out, "X-B3", "new", 3), WEFT_OK); /* HTTP/2: lower case */
    assert_int_equal(out.count, 2);
    assert_header(&out, 0, ":path", "/");
    assert_header(&out, 1, "x-b3", "new");
    assert_int_equal(setter->set(&out, "a", "1\r\nb: 2", 7), WEFT_EINVAL);
    assert_int_equal(setter->set(&out, ":path", "/2", 2), WEFT_EINVAL);
    assert_int_equal(setter->set(&out, "a b", "1", 1), WEFT_EINVAL);
    assert_int_equal(setter->set(&out, "x-b3", "0123456789", 10), WEFT_ELIMIT); /* 13 of 20 left */
    assert_header(&out, 1, "x-b3", "new");
    assert_int_equal(setter->set(&out, "a", "", 0), WEFT_OK);
    assert_int_equal(setter->set(&out, "b", "2", 1), WEFT_OK);
    assert_int_equal(setter->set(&out, "c", "3", 1), WEFT_ELIMIT); /* of headers */
    assert_int_equal(setter->set(&out, "a", "4", 1), WEFT_OK);     /* takes one's place */
    assert_int_equal(out.count, 4);
    assert_header(&out, 2, "b", "2");
    assert_header(&out, 3, "a", "4");
    out = (weft_nghttp2_out){nv, 5, 5, text, 0, sizeof text};
    assert_header(&out, 4, "guard", "1");
}

static void array_add(void *carrier, const char *name, const char *value)
{
    assert_int_equal(weft_nghttp2_setter()->set(carrier, name, value, strlen(value)), WEFT_OK);
}

static weft_status array_inject(void *carrier)
{
    return weft_nghttp2_inject(carrier);
}

static weft_client *array_call(void *carrier)
{
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    options.no_record = true;
    return weft_nghttp2_client_begin(carrier, options);
}

static bool array_has(void *carrier, const char *name)
{
    return weft_nghttp2_count_(carrier, name) == 1;
}

static void test_used_again_in_every_format(void **state)
{
    (void)state;
    static char text[16384];
    nghttp2_nv nv[32];
    weft_nghttp2_out out;
    weft_nghttp2_out_init(&out, nv, 0, 32, text, sizeof text);
    reused_check(&(struct reused_adapter){&out, array_add, array_inject, array_has, array_call});
}

static void test_call(void **state)
{
    (void)state;
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    nghttp2_nv nv[HEADERS_MAX];
    char text[TEXT_CAPACITY], trace[33], span[17], expected[64];
    weft_nghttp2_out out;
    weft_nghttp2_out_init(&out, nv, 0, HEADERS_MAX, text, sizeof text);
    take(CARRIER_OF("traceparent", "00-" TRACE PARENT, "x-request-id", "r-1"));
    array_add(&out, "tracestate", "old=1");
    options.no_record = true;
    weft_client *call = weft_nghttp2_client_begin(&out, options);
    weft_client_ids(call, trace, span);
    weft_client_end(call, 200, 0);
    snprintf(expected, sizeof expected, "00-" TRACE "-%s-01", span);
    assert_int_equal(out.count, 2);
    assert_header(&out, 0, "traceparent", expected);
    assert_header(&out, 1, "x-request-id", "r-1");
    weft_mdc_clear();
    assert_int_equal(weft_nghttp2_reply(&out), WEFT_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_streams_beside_each_other),
        cmocka_unit_test(test_hostile_request),
        cmocka_unit_test(test_in),
        cmocka_unit_test(test_in_is_bounded),
        cmocka_unit_test(test_out),
        cmocka_unit_test(test_used_again_in_every_format),
        cmocka_unit_test(test_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
