/* libmicrohttpd's adapter, in a real server that a raw client talks to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/integration/loopback.h"
#include <strings.h>
#include <weft/adapter/microhttpd.h>
#include <weft/test.h>
#include <weft/weft.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" TRACE "-00f067aa0ba902b7-01"

/* What the handler saw of one request. */
struct seen {
    char trace[33], request_id[160], listed[2048];
    weft_status reply;
};

static void list(void *arg, const char *name, size_t name_size, const char *value, size_t size)
{
    struct seen *seen = arg;
    snprintf(seen->listed + strlen(seen->listed), sizeof seen->listed - strlen(seen->listed),
             "%.*s=%.*s;", (int)name_size, name, (int)size, value);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request)
{
    struct seen *seen = arg;
    (void)version, (void)upload, (void)upload_size;
    *request = weft_mhd_request_begin(connection, method, url);
    snprintf(seen->request_id, sizeof seen->request_id, "%s", weft_request_id());
    (void)weft_trace_ids(seen->trace, NULL);
    weft_mhd_getter()->each(connection, list, seen);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(2, (char[]){"ok"}, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "X-Request-ID", "old");
    MHD_add_response_header(response, "x-request-id", "older");
    seen->reply = weft_mhd_reply(response);
    const enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static void completed(void *arg, struct MHD_Connection *connection, void **request,
                      enum MHD_RequestTerminationCode code)
{
    (void)arg, (void)connection, (void)code;
    weft_request_end(*request, 200, 2);
}

/*
 * Send a request's text to a server of its own; `reply` gets the whole answer, the server has
 * ended.
 */
static void exchange(struct seen *seen, const char *text, char *reply, size_t capacity)
{
    const struct sockaddr_in address = loopback(0);
    memset(seen, 0, sizeof *seen);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, seen, MHD_OPTION_SOCK_ADDR,
        &address, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    assert_non_null(daemon);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    const int fd = loopback_connect(info->port);
    assert_true(fd >= 0);
    assert_true(write_all(fd, text, strlen(text)));
    (void)read_until(fd, reply, capacity, NULL);
    close(fd);
    MHD_stop_daemon(daemon); /* waits for the handler's thread: the access record is there */
}

static size_t times(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strcasestr(text, part))) count++, text++;
    return count;
}

static void test_request(void **state)
{
    (void)state;
    char reply[4096];
    struct seen seen;
    weft_capture *capture = weft_test_capture(NULL);
    assert_non_null(capture);
    exchange(&seen,
             "GET /orders?secret=1 HTTP/1.1\r\nHost: x\r\nTraceParent: " PARENT
             "\r\ntracestate: a=1\r\n"
             "Tracestate: b=2\r\nX-REQUEST-ID: first\r\nx-request-id: second\r\nConnection: "
             "close\r\n\r\n",
             reply, sizeof reply);
    assert_string_equal(seen.trace, TRACE);
    assert_string_equal(seen.request_id, "first");
    assert_int_equal(seen.reply, WEFT_OK);
    assert_non_null(strcasestr(seen.listed, "tracestate=a=1;"));
    assert_non_null(strcasestr(seen.listed, "tracestate=b=2;"));
    assert_int_equal(times(reply, "\r\nx-request-id: first\r\n"), 1);
    assert_int_equal(times(reply, "x-request-id"), 1);
    assert_int_equal(weft_test_count(capture), 1);
    assert_string_equal(weft_test_message(capture, 0), "GET /orders 200");
    const char *line = weft_test_line(capture, 0);
    assert_non_null(strstr(line, "\"127.0.0.1\""));
    assert_non_null(strstr(line, TRACE));
    assert_null(strstr(line, "secret"));
    weft_test_release(capture);
}

static void test_hostile_request(void **state)
{
    (void)state;
    char reply[4096], text[512];
    static const char *const ids[] = {"a b", "<script>", "\xc3\xa9", "a\tb", "a,b\"c"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct seen seen;
        weft_capture *capture = weft_test_capture(NULL);
        snprintf(text, sizeof text,
                 "GET / HTTP/1.1\r\nHost: x\r\nx-request-id: %s\r\nConnection: close\r\n\r\n",
                 ids[i]);
        exchange(&seen, text, reply, sizeof reply);
        assert_int_equal(strlen(seen.request_id), 36);
        assert_int_equal(times(reply, "\r\nx-request-id: "), 1);
        assert_non_null(strstr(reply, seen.request_id));
        assert_non_null(strstr(weft_test_line(capture, 0), "request_id_rejected"));
        weft_test_release(capture);
    }
}

static void test_reply_without_a_request(void **state)
{
    (void)state;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    weft_mdc_clear();
    assert_int_equal(weft_mhd_reply(response), WEFT_ENOTFOUND);
    assert_int_equal(weft_mhd_setter()->set(response, "a", "1\r\nb: 2", 7), WEFT_EINVAL);
    assert_null(MHD_get_response_header(response, "a"));
    MHD_destroy_response(response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_hostile_request),
        cmocka_unit_test(test_reply_without_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
