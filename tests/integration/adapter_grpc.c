/* gRPC core's adapter: a client and a server of the real library, in one process, over the loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/reused.h"
#include <grpc/grpc_security.h>
#include <weft/adapter/grpc.h>
#include <weft/test.h>
#include <weft/weft.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" TRACE "-00f067aa0ba902b7-01"
#define METHOD "/shop.Orders/Place"

enum { DEADLINE_S = 10 };
enum tag { TAG_NEW_CALL = 1, TAG_CLIENT, TAG_SERVER, TAG_SHUTDOWN };

/* ---- one call from a client to a server ---- */

struct place {
    grpc_completion_queue *queue;
    grpc_server *server;
    grpc_channel *channel;
    unsigned answered; /* tags that have come, as bits */
};

/* What the server saw, and what came back. */
struct seen {
    char trace[33], request_id[160], listed[4096], reply_id[160];
    size_t binary_size;
    grpc_status_code status;
};

static void *tag_of(enum tag tag)
{
    return (void *)(uintptr_t)tag;
}

static gpr_timespec deadline(void)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_seconds(DEADLINE_S, GPR_TIMESPAN));
}

static void await(struct place *place, enum tag tag)
{
    while (!(place->answered >> tag & 1)) {
        const grpc_event event = grpc_completion_queue_next(place->queue, deadline(), NULL);
        assert_int_equal(event.type, GRPC_OP_COMPLETE);
        assert_true(event.success);
        place->answered |= 1U << (uintptr_t)event.tag;
    }
}

static void place_open(struct place *place)
{
    char address[64];
    grpc_arg no_proxy = {.type = GRPC_ARG_INTEGER, .key = (char[]){GRPC_ARG_ENABLE_HTTP_PROXY}};
    const grpc_channel_args args = {1, &no_proxy};
    grpc_server_credentials *inside = grpc_insecure_server_credentials_create();
    grpc_channel_credentials *outside = grpc_insecure_credentials_create();
    place->answered = 0;
    place->queue = grpc_completion_queue_create_for_next(NULL);
    place->server = grpc_server_create(NULL, NULL);
    grpc_server_register_completion_queue(place->server, place->queue, NULL);
    const int port = grpc_server_add_http2_port(place->server, "127.0.0.1:0", inside);
    assert_true(port > 0);
    grpc_server_start(place->server);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    place->channel = grpc_channel_create(address, outside, &args);
    grpc_server_credentials_release(inside);
    grpc_channel_credentials_release(outside);
}

static void place_close(struct place *place)
{
    grpc_channel_destroy(place->channel);
    grpc_server_shutdown_and_notify(place->server, place->queue, tag_of(TAG_SHUTDOWN));
    await(place, TAG_SHUTDOWN);
    grpc_server_destroy(place->server);
    grpc_completion_queue_shutdown(place->queue);
    while (grpc_completion_queue_next(place->queue, deadline(), NULL).type != GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(place->queue);
}

static void list(void *arg, const char *name, size_t name_size, const char *value, size_t size)
{
    struct seen *seen = arg;
    snprintf(seen->listed + strlen(seen->listed), sizeof seen->listed - strlen(seen->listed),
             "%.*s=%.*s;", (int)name_size, name, (int)size, value);
}

/* The size of the first value of a key in bytes, 0 without one. */
static size_t binary_size(const grpc_metadata_array *metadata, const char *key)
{
    for (size_t i = 0; i < metadata->count; i++)
        if (grpc_slice_str_cmp(metadata->metadata[i].key, key) == 0)
            return GRPC_SLICE_LENGTH(metadata->metadata[i].value);
    return 0;
}

/* What the server's program does: a request, whose id goes back with the trailing metadata. */
static void handle(struct seen *seen, grpc_call *call, const grpc_call_details *details,
                   const grpc_metadata_array *metadata, grpc_metadata_array *trailing)
{
    weft_grpc_in in;
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.reply = weft_grpc_setter();
    options.reply_carrier = trailing;
    weft_request *request = weft_grpc_request_begin_with(call, details, metadata, options);
    assert_non_null(request);
    assert_int_equal(weft_trace_ids(seen->trace, NULL), WEFT_OK);
    snprintf(seen->request_id, sizeof seen->request_id, "%s", weft_request_id());
    weft_grpc_in_init(&in, metadata);
    weft_grpc_getter()->each(&in, list, seen);
    seen->binary_size = binary_size(metadata, "x-own-bin");
    weft_request_end(request, weft_grpc_http_status(GRPC_STATUS_NOT_FOUND), 0);
}

static void answer(struct place *place, struct seen *seen, grpc_call *call,
                   const grpc_call_details *details, const grpc_metadata_array *metadata)
{
    grpc_metadata_array trailing;
    int cancelled = 0;
    grpc_metadata_array_init(&trailing);
    handle(seen, call, details, metadata, &trailing);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &cancelled},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {trailing.count, trailing.metadata, GRPC_STATUS_NOT_FOUND,
                                          NULL}},
    };
    assert_int_equal(grpc_call_start_batch(call, ops, 3, tag_of(TAG_SERVER), NULL), GRPC_CALL_OK);
    await(place, TAG_SERVER);
    weft_grpc_metadata_destroy(&trailing);
}

/* The server's side of a call: from its notice to its status. */
static void serve(struct place *place, struct seen *seen)
{
    grpc_call *call = NULL;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_call_details_init(&details);
    grpc_metadata_array_init(&metadata);
    assert_int_equal(grpc_server_request_call(place->server, &call, &details, &metadata,
                                              place->queue, place->queue, tag_of(TAG_NEW_CALL)),
                     GRPC_CALL_OK);
    await(place, TAG_NEW_CALL);
    answer(place, seen, call, &details, &metadata);
    grpc_metadata_array_destroy(&metadata);
    grpc_call_details_destroy(&details);
    grpc_call_unref(call);
}

static void note_reply(struct seen *seen, const grpc_metadata_array *trailing)
{
    weft_grpc_in in;
    size_t size = 0;
    weft_grpc_in_init(&in, trailing);
    const char *id = weft_grpc_getter()->get(&in, "X-Request-ID", 0, &size);
    snprintf(seen->reply_id, sizeof seen->reply_id, "%.*s", (int)size, id ? id : "");
}

/* Make a call with this metadata, and serve it. */
static void call_with(struct seen *seen, const grpc_metadata_array *metadata)
{
    struct place place;
    grpc_metadata_array initial, trailing;
    grpc_slice details = grpc_empty_slice();
    memset(seen, 0, sizeof *seen);
    place_open(&place);
    grpc_metadata_array_init(&initial);
    grpc_metadata_array_init(&trailing);
    grpc_call *call =
        grpc_channel_create_call(place.channel, NULL, GRPC_PROPAGATE_DEFAULTS, place.queue,
                                 grpc_slice_from_static_string(METHOD), NULL, deadline(), NULL);
    const grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA,
         .data.send_initial_metadata = {.count = metadata->count, .metadata = metadata->metadata}},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &initial},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {&trailing, &seen->status, &details, NULL}},
    };
    assert_int_equal(grpc_call_start_batch(call, ops, 4, tag_of(TAG_CLIENT), NULL), GRPC_CALL_OK);
    serve(&place, seen);
    await(&place, TAG_CLIENT);
    note_reply(seen, &trailing);
    grpc_slice_unref(details);
    grpc_metadata_array_destroy(&initial);
    grpc_metadata_array_destroy(&trailing);
    grpc_call_unref(call);
    place_close(&place);
}

/* ---- a context through it ---- */

/* Put a context in force as if a request had come in with these headers. */
static void take(struct carrier carrier)
{
    weft_mdc_clear();
    assert_int_equal(weft_extract(&carrier_getter, &carrier), WEFT_OK);
    carrier_clear(&carrier);
}

static void add(grpc_metadata_array *metadata, const char *key, const char *value, size_t size)
{
    weft_grpc_append_(metadata, grpc_slice_from_copied_string(key),
                      grpc_slice_from_copied_buffer(value, size));
}

static void test_call(void **state)
{
    (void)state;
    struct seen seen;
    grpc_metadata_array metadata;
    weft_capture *capture = weft_test_capture(NULL);
    assert_non_null(capture);
    grpc_metadata_array_init(&metadata);
    take(CARRIER_OF("traceparent", PARENT, "tracestate", "a=1", "baggage", "k=v;p", "x-request-id",
                    "r-1"));
    assert_int_equal(weft_grpc_inject(&metadata), WEFT_OK);
    const size_t metadata_bytes = binary_size(&metadata, "grpc-trace-bin");
    weft_mdc_clear();
    call_with(&seen, &metadata);
    weft_grpc_metadata_destroy(&metadata);
    assert_string_equal(seen.trace, TRACE);
    assert_string_equal(seen.request_id, "r-1");
    assert_string_equal(seen.reply_id, "r-1");
    assert_int_equal(seen.status, GRPC_STATUS_NOT_FOUND);
    assert_non_null(strstr(seen.listed, "traceparent=00-" TRACE "-"));
    assert_non_null(strstr(seen.listed, "tracestate=a=1;"));
    assert_non_null(strstr(seen.listed, "baggage=k=v;p;"));
    assert_int_equal(metadata_bytes, 29); /* the library itself reads grpc-trace-bin */
    assert_int_equal(weft_test_count(capture), 1);
    assert_string_equal(weft_test_message(capture, 0), METHOD " 404");
    assert_non_null(strstr(weft_test_line(capture, 0), "127.0.0.1"));
    weft_test_release(capture);
}

/*
 * Bytes through the library. grpc-trace-bin itself goes out, and is not shown to a server's program
 * by gRPC core, which keeps it for its own tracing.
 */
static void test_binary(void **state)
{
    (void)state;
    struct seen seen;
    grpc_metadata_array metadata;
    weft_capture *capture = weft_test_capture(NULL);
    grpc_metadata_array_init(&metadata);
    assert_int_equal(weft_grpc_setter()->set(&metadata, "X-Own-Bin", "//79", 4), WEFT_OK);
    call_with(&seen, &metadata);
    weft_grpc_metadata_destroy(&metadata);
    assert_int_equal(seen.binary_size, 3);
    assert_non_null(strstr(seen.listed, "x-own-bin=//79;"));
    assert_int_equal(strlen(seen.request_id), 36); /* no context came: a new one */
    assert_string_equal(seen.reply_id, seen.request_id);
    weft_test_release(capture);
}

/* As a library that shows it would give it. */
static void test_trace_in_binary(void **state)
{
    (void)state;
    static const char bytes[] = "\x00\x00\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e"
                                "\x0e\x47\x36\x01\x00\xf0\x67\xaa\x0b\xa9\x02\xb7\x02\x01";
    char trace[33];
    grpc_metadata_array metadata;
    weft_capture *capture = weft_test_capture(NULL);
    grpc_metadata_array_init(&metadata);
    add(&metadata, "grpc-trace-bin", bytes, sizeof bytes - 1);
    weft_request *request = weft_grpc_request_begin(NULL, NULL, &metadata);
    assert_int_equal(weft_trace_ids(trace, NULL), WEFT_OK);
    assert_string_equal(trace, TRACE);
    weft_request_end(request, 200, 0);
    assert_non_null(strstr(weft_test_line(capture, 0), "00f067aa0ba902b7"));
    weft_grpc_metadata_destroy(&metadata);
    assert_int_equal(weft_grpc_inject(&metadata), WEFT_OK); /* without a context: nothing */
    assert_int_equal(metadata.count, 0);
    weft_test_release(capture);
}

/* ---- values, one by one ---- */

static const char *value_of(weft_grpc_in *in, const char *name, size_t index)
{
    static char result[512];
    size_t size = 0;
    const char *value = weft_grpc_getter()->get(in, name, index, &size);
    snprintf(result, sizeof result, "%.*s", value ? (int)size : 6, value ? value : "(none)");
    return result;
}

static void test_in(void **state)
{
    (void)state;
    static const char long_one[WEFT_GRPC_BINARY_BYTES_MAX + 1];
    weft_grpc_in in;
    grpc_metadata_array metadata;
    weft_grpc_in_init(&in, NULL);
    assert_string_equal(value_of(&in, "a", 0), "(none)");
    grpc_metadata_array_init(&metadata);
    add(&metadata, "a", "1", 1);
    add(&metadata, "a", "x\r\ny: z", 7); /* as if absent */
    add(&metadata, "a", "x\0y", 3);
    add(&metadata, "a", "2", 1);
    add(&metadata, "empty", "", 0);
    add(&metadata, "x-bin", long_one, sizeof long_one);
    add(&metadata, "x-bin", "\xff\xfe\xfd", 3);
    add(&metadata, "x-bin", "a", 1);
    add(&metadata, "x-bin", "", 0);
    add(&metadata, "x-bin", long_one, WEFT_GRPC_BINARY_BYTES_MAX);
    add(&metadata, "x-bin", "fifth", 5); /* one too many */
    weft_grpc_in_init(&in, &metadata);
    assert_string_equal(value_of(&in, "A", 0), "1");
    assert_string_equal(value_of(&in, "a", 1), "2");
    assert_string_equal(value_of(&in, "a", 2), "(none)");
    assert_string_equal(value_of(&in, "empty", 0), "");
    for (int round = 0; round < 2; round++) {
        size_t size = 0;
        const char *first = weft_grpc_getter()->get(&in, "x-bin", 0, &size);
        assert_string_equal(value_of(&in, "x-bin", 1), "YQ");
        assert_string_equal(value_of(&in, "x-bin", 2), "");
        assert_int_equal(strlen(value_of(&in, "x-bin", 3)), WEFT_GRPC_BINARY_BYTES_MAX * 4 / 3);
        assert_string_equal(value_of(&in, "x-bin", 4), "(none)");
        assert_memory_equal(first, "//79", 4); /* has not been written over */
    }
    weft_grpc_metadata_destroy(&metadata);
}

static weft_status set(grpc_metadata_array *metadata, const char *name, const char *value)
{
    return weft_grpc_setter()->set(metadata, name, value, strlen(value));
}

static void test_out(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\r\nb: 2", "a\tb", "\xc3\xa9", "\x7f"};
    static const char *const bad_base64[] = {"!", "A", "AAAAA", "A===", "AA\xff", "=AAA"};
    weft_grpc_in in;
    grpc_metadata_array metadata;
    grpc_metadata_array_init(&metadata);
    add(&metadata, "a", "old", 3);
    add(&metadata, "b", "1", 1);
    add(&metadata, "a", "older", 5);
    assert_int_equal(set(&metadata, "A", "new"), WEFT_OK);
    assert_int_equal(metadata.count, 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(set(&metadata, "a", bad[i]), WEFT_EINVAL);
    for (size_t i = 0; i < sizeof bad_base64 / sizeof *bad_base64; i++)
        assert_int_equal(set(&metadata, "a-bin", bad_base64[i]), WEFT_EINVAL);
    assert_int_equal(set(&metadata, "a b", "1"), WEFT_EINVAL);
    assert_int_equal(set(&metadata, ":path", "1"), WEFT_EINVAL);
    assert_int_equal(set(&metadata, "", "1"), WEFT_EINVAL);
    assert_int_equal(set(&metadata, "a-bin", "//79"), WEFT_OK);
    assert_int_equal(set(&metadata, "b-bin", "YQ=="), WEFT_OK);
    assert_int_equal(metadata.count, 4);
    assert_int_equal(grpc_slice_str_cmp(metadata.metadata[1].key, "a"), 0);
    assert_int_equal(grpc_slice_str_cmp(metadata.metadata[2].value, "\xff\xfe\xfd"), 0);
    assert_int_equal(grpc_slice_str_cmp(metadata.metadata[3].value, "a"), 0);
    weft_grpc_in_init(&in, &metadata);
    assert_string_equal(value_of(&in, "a", 0), "new");
    assert_string_equal(value_of(&in, "a-bin", 0), "//79");
    weft_grpc_metadata_destroy(&metadata);
    assert_int_equal(metadata.count, 0);
    assert_int_equal(weft_grpc_inject(NULL), WEFT_EINVAL);
}

static void metadata_add(void *carrier, const char *name, const char *value)
{
    assert_int_equal(set(carrier, name, value), WEFT_OK);
}

static weft_status metadata_inject(void *carrier)
{
    return weft_grpc_inject(carrier);
}

static weft_client *metadata_call(void *carrier)
{
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    options.no_record = true;
    return weft_grpc_client_begin(carrier, options);
}

static bool metadata_has(void *carrier, const char *name)
{
    weft_grpc_in in;
    weft_grpc_in_init(&in, carrier);
    return strcmp(value_of(&in, name, 0), "(none)") != 0;
}

static void test_used_again(void **state)
{
    (void)state;
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    grpc_metadata_array metadata;
    grpc_metadata_array_init(&metadata);
    reused_check(&(struct reused_adapter){&metadata, metadata_add, metadata_inject, metadata_has,
                                          metadata_call});
    metadata_add(&metadata, "tracestate", "old=1");
    options.no_record = true;
    weft_client *call = weft_grpc_client_begin(&metadata, options);
    weft_client_end(call, 200, 0);
    assert_true(metadata_has(&metadata, "traceparent"));
    assert_false(metadata_has(&metadata, "tracestate"));
    weft_grpc_metadata_destroy(&metadata);
    assert_null(weft_grpc_client_begin(NULL, options));
}

static void test_statuses(void **state)
{
    (void)state;
    assert_int_equal(weft_grpc_http_status(GRPC_STATUS_OK), 200);
    assert_int_equal(weft_grpc_http_status(GRPC_STATUS_DEADLINE_EXCEEDED), 504);
    assert_int_equal(weft_grpc_http_status(GRPC_STATUS_UNAVAILABLE), 503);
    assert_int_equal(weft_grpc_http_status(GRPC_STATUS_UNAUTHENTICATED), 401);
    assert_int_equal(weft_grpc_http_status((grpc_status_code)17), 500);
    assert_int_equal(weft_grpc_http_status((grpc_status_code)-1), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_binary),
        cmocka_unit_test(test_trace_in_binary),
        cmocka_unit_test(test_in),
        cmocka_unit_test(test_out),
        cmocka_unit_test(test_used_again),
        cmocka_unit_test(test_statuses),
    };
    setenv("WEFT_PROPAGATORS", "tracecontext,baggage,xrequestid,grpc-trace-bin", 1);
    grpc_init();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    grpc_shutdown();
    return failed;
}
