/*
 * Hostile contexts, and the bytes that a server gets: through libcurl and through a block of raw
 * headers, in all formats. Time is linear in what comes in, memory bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/integration/raw_server.h"
#include "tests/support/memory.h"
#include <malloc.h>
#include <stdlib.h>
#include <time.h>
#include <weft/adapter/curl.h>
#include <weft/adapter/headers.h>
#include <weft/weft.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "traceparent: 00-" TRACE "-00f067aa0ba902b7-01\r\n"

enum {
    BLOCK_CAPACITY = RAW_REQUEST_MAX / 2,
    MANY = 10000,
    MEGABYTE = 1 << 20,
    KEPT_BYTES_MAX = 131072, /* what a context may hold when headers of any size came */
    SENT_BYTES_MAX = 65536
};

/* Names that may come in, each with whatever value. Prefixes end with '-'. */
static const char *const names[] = {
    "traceparent",
    "tracestate",
    "baggage",
    "x-request-id",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "uber-trace-id",
    "uberctx-key",
    "jaeger-baggage",
    "jaeger-debug-id",
    "x-amzn-trace-id",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-tags",
    "x-datadog-origin",
    "x-datadog-sampling-priority",
    "x-cloud-trace-context",
    "ot-tracer-traceid",
    "ot-tracer-spanid",
    "ot-tracer-sampled",
    "ot-baggage-key",
    "x-client-trace-id",
    "x-ot-span-context",
    "kong-request-id",
    "x-kong-request-id",
    "x-unique-id",
    "elastic-apm-traceparent",
    "grpc-trace-bin",
    "x-tenant",
};
enum { NAMES = sizeof names / sizeof *names };

/* ---- text that grows ---- */

struct text {
    size_t size, capacity;
    char *data;
};

static void append(struct text *text, const char *data, size_t size)
{
    if (size > text->capacity - text->size) {
        text->capacity = 2 * (text->capacity + size);
        text->data = realloc(text->data, text->capacity);
        assert_non_null(text->data);
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
}

static void append_header(struct text *text, const char *name, const char *value, size_t size)
{
    append(text, name, strlen(name));
    append(text, ": ", 2);
    append(text, value, size);
    append(text, "\r\n", 2);
}

/* ---- in, and out on the wire ---- */

static void take(const struct text *block)
{
    weft_headers in;
    weft_headers_init(&in, block->data, block->size);
    weft_mdc_clear();
    assert_int_equal(weft_extract(weft_headers_getter(), &in), WEFT_OK);
}

static void send_by_curl(uint16_t port)
{
    char url[64];
    struct curl_slist *headers = NULL;
    CURL *easy = curl_easy_init();
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 10000L);
    assert_int_equal(weft_curl_set_headers(easy, &headers), CURLE_OK);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
}

static void send_by_hand(uint16_t port)
{
    static char block[BLOCK_CAPACITY];
    char reply[256];
    weft_headers_out out;
    const int fd = loopback_connect(port);
    assert_true(fd >= 0);
    snprintf(block, sizeof block, "GET / HTTP/1.1\r\nHost: x\r\n");
    weft_headers_out_init(&out, block, sizeof block - 2);
    out.size = strlen(block);
    const weft_status status = weft_headers_inject(&out); /* a format that cannot encode refuses */
    assert_true(status == WEFT_OK || status == WEFT_EINVAL);
    memcpy(block + out.size, "\r\n", 2);
    assert_true(write_all(fd, block, out.size + 2));
    (void)read_until(fd, reply, sizeof reply, NULL);
    close(fd);
}

/* Whether a line's name is one of ours, of curl's, or the request line. */
static bool is_known(const char *line)
{
    static const char *const others[] = {"GET / HTTP/1.1\r", "Host:", "Accept:"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(line, others[i], strlen(others[i])) == 0) return true;
    if (strncmp(line, "uberctx-", 8) == 0 || strncmp(line, "ot-baggage-", 11) == 0) return true;
    for (size_t i = 0; i < NAMES; i++) {
        const size_t size = strlen(names[i]);
        if (strncmp(line, names[i], size) == 0 && line[size] == ':') return true;
    }
    return false;
}

static void assert_clean(const struct raw_request *seen)
{
    assert_true(only_lines(seen->text, seen->size));
    assert_true(seen->size < SENT_BYTES_MAX);
    assert_int_equal(strlen(seen->text), seen->size);
    for (const char *line = seen->text; *line != '\r'; line = strchr(line, '\n') + 1) {
        if (!is_known(line)) print_error("on the wire: %.80s\n", line);
        assert_true(is_known(line));
    }
    assert_int_equal(times(seen->text, "\r\n\r\n"), 1);
    assert_int_equal(times(seen->text, "\ntraceparent: 00-"), 1);
    assert_int_equal(times(seen->text, "\nx-evil"), 0);
}

/* This thread's context, by both ways; what the raw server got by the second. */
static const char *assert_sends_clean(void)
{
    static struct raw_request seen[2];
    struct raw_server server;
    raw_server_start(&server, seen, 2);
    send_by_curl(server.port);
    send_by_hand(server.port);
    assert_int_equal(raw_server_join(&server), 2);
    assert_clean(&seen[0]);
    assert_clean(&seen[1]);
    return seen[1].text;
}

/* ---- values ---- */

struct value {
    const char *data;
    size_t size;
};
#define VALUE(literal)                                                                             \
    {                                                                                              \
        literal, sizeof literal - 1                                                                \
    }

static const struct value hostile[] = {
    VALUE("a=b\r\nX-Evil: 1"),
    VALUE("a=b\nX-Evil: 1"),
    VALUE("a=b\rX-Evil: 1"),
    VALUE("a=b\0X-Evil: 1"),
    VALUE("a=%0d%0aX-Evil:%201%00"),
    VALUE("a=b\r\n\r\nGET /evil HTTP/1.1"),
    VALUE("\x1b[31m\x7f\x80\xff"),
    VALUE("k=\xe2\x80\xa8\xc2\x85\xc0\x8d\xc0\x8a"), /* other line ends; overlong CR and LF */
    VALUE("0000000000000000"),
    VALUE(","),
};
enum { HOSTILE = sizeof hostile / sizeof *hostile };

/* Each of them under every name at once, in upper case, twice; with and without a trace. */
static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < (size_t)2 * HOSTILE; i++) {
        struct text block = {0};
        const struct value *value = &hostile[i / 2];
        if (i % 2) append(&block, PARENT, sizeof PARENT - 1);
        for (size_t j = i % 2; j < (size_t)2 * NAMES; j++) {
            char name[64];
            snprintf(name, sizeof name, "%s", names[j / 2]);
            for (char *c = name; j % 2 && *c; c++)
                if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
            append_header(&block, name, value->data, value->size);
        }
        take(&block);
        (void)assert_sends_clean();
        free(block.data);
    }
}

/* The program itself passes on what it should not: in its MDC, of which `user` is sent. */
static void test_mdc(void **state)
{
    (void)state;
    const struct text block = {sizeof PARENT - 1, 0, (char[]){PARENT}};
    for (size_t i = 0; i < HOSTILE; i++) {
        take(&block);
        weft_mdc_put_field(weft_strn("user", hostile[i].data, hostile[i].size));
        weft_mdc_put_field(weft_strn("request_id", hostile[i].data, hostile[i].size));
        weft_mdc_put_field(weft_strn("other", hostile[i].data, hostile[i].size));
        const char *seen = assert_sends_clean();
        assert_int_equal(times(seen, "\nbaggage: user="), 1);
        assert_int_equal(times(seen, "other"), 0);
    }
}

/* ---- sizes ---- */

enum shape { ONE_LARGE, MANY_MEMBERS, MANY_HEADERS, REPEATED, MIXED, SHAPES };

static void append_filled(struct text *block, enum shape shape, size_t scale)
{
    char name[64], value[64];
    struct text members = {0};
    for (size_t i = 0; i < scale; i++) {
        const int size = snprintf(value, sizeof value, "key%zu=value,", i);
        snprintf(name, sizeof name, "X-Other-%zu", i);
        if (shape == MANY_HEADERS)
            append_header(block, name, value, (size_t)size);
        else if (shape == REPEATED)
            append_header(block, i % 2 ? "Baggage" : "BAGGAGE", value, (size_t)size);
        else if (shape == MIXED)
            append_header(block, names[i % NAMES], value, (size_t)size);
        else
            append(&members, value, (size_t)size);
    }
    if (shape == ONE_LARGE) memset(members.data, 'x', members.size);
    if (members.size > 0) append_header(block, "baggage", members.data, members.size);
    free(members.data);
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The quickest of some rounds of reading a block and writing its context. */
static double cost_ms(const struct text *block)
{
    static char out_block[BLOCK_CAPACITY];
    double best = 1e9;
    for (int round = 0; round < 5; round++) {
        weft_headers_out out;
        const double begun = cpu_ms();
        take(block);
        weft_headers_out_init(&out, out_block, sizeof out_block);
        (void)weft_headers_inject(&out);
        const double took = cpu_ms() - begun;
        if (took < best) best = took;
    }
    return best;
}

static void test_time_is_linear(void **state)
{
    (void)state;
    for (enum shape shape = ONE_LARGE; shape < SHAPES; shape++) {
        struct text small = {0}, large = {0};
        append(&small, PARENT, sizeof PARENT - 1);
        append(&large, PARENT, sizeof PARENT - 1);
        append_filled(&small, shape, MANY / 8);
        append_filled(&large, shape, MANY);
        const double small_ms = cost_ms(&small), large_ms = cost_ms(&large);
        /* 8 where time is linear, 64 where it is quadratic; below 0.2 ms nobody is hurt. */
        if (large_ms > 24 * small_ms) print_message("%d: %f, %f\n", shape, small_ms, large_ms);
        assert_true(large_ms < 0.2 || large_ms < 24 * small_ms);
        free(small.data);
        free(large.data);
    }
}

static size_t allocated(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void test_sizes_are_bounded(void **state)
{
    (void)state;
    for (enum shape shape = ONE_LARGE; shape < SHAPES; shape++) {
        struct text block = {0};
        append(&block, PARENT, sizeof PARENT - 1);
        while (block.size < MEGABYTE) append_filled(&block, shape, MANY);
        weft_mdc_clear();
        const size_t before = allocated();
        take(&block);
        if (MEMORY_IS_TELLING) assert_true(allocated() < before + KEPT_BYTES_MAX);
        const char *seen = assert_sends_clean();
        /* Of the mixed ones some are a second traceparent: none counts. */
        assert_int_equal(times(seen, "\ntraceparent: 00-" TRACE), shape != MIXED);
        free(block.data);
    }
    weft_mdc_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_mdc),
        cmocka_unit_test(test_time_is_linear),
        cmocka_unit_test(test_sizes_are_bounded),
    };
    setenv("WEFT_PROPAGATORS",
           "tracecontext,baggage,xrequestid,b3,b3multi,jaeger,xray,datadog,gcp,ot,envoy,kong,"
           "haproxy,elastic,grpc-trace-bin,verbatim:x-tenant",
           1);
    setenv("WEFT_PROPAGATE_KEYS", "user", 1);
    weft_options options = weft_options_default();
    if (weft_init(&options) != WEFT_OK) return 1;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
