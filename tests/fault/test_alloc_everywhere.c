/*
 * Every allocation of a whole life fails once, and then all from there on: start, loggers, bound fields, MDC, raw JSON, long
 * lines, requests, reload, shutdown. The process lives, and accepted = written + dropped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/fail_alloc.h"

#include <weft/adapter/headers.h>
#include <weft/weft.h>

static const char headers[] =
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
    "tracestate: a=1,b=2\r\nbaggage: k=v,tenant=acme\r\nx-request-id: r-42\r\n";

static void one_request(void)
{
    weft_headers block;
    weft_headers_init(&block, headers, sizeof headers - 1);
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.getter = weft_headers_getter();
    options.carrier = &block;
    options.method = "GET";
    options.target = "/orders?secret=1";
    weft_request *request = weft_request_begin(&options);
    weft_info(NULL, "in a request", weft_str("a", "b"));
    weft_context *context = weft_mdc_capture();
    const weft_mdc_token token = weft_mdc_attach(context);
    weft_mdc_put("inner", "value");
    weft_mdc_detach(token);
    weft_mdc_release(context);
    weft_request_end(request, 200, 17);
}

static void a_whole_life(void)
{
    static char text[40000];
    memset(text, 'x', sizeof text - 1);
    weft_logger *log = weft_logger_get("orders.api");
    weft_logger *child = weft_logger_with(log, weft_str("peer", "db"), weft_int("shard", 3));
    weft_mdc_put("request_id", "r-1");
    weft_mdc_put_field(weft_obj("user", weft_str("name", "kim"), weft_int("id", 7)));
    weft_info(child, "bound", weft_double("d", 0.1),
              weft_json("raw", "{\"a\":[1,2,{\"b\":null}]}"));
    weft_infof(log, "formatted %d %s", 7, "text");
    weft_info(log, "long", weft_str("text", text), weft_obj("o", weft_arr("a", weft_int(NULL, 1))));
    one_request();
    weft_logger_set_level(log, WEFT_LEVEL_DEBUG);
    weft_reload();
    weft_debug(log, "after a reload");
    weft_mdc_clear();
    weft_logger_release(child);
}

struct run {
    uint64_t n;
    bool all;
};

static void fail_at(void *arg)
{
    const struct run *run = arg;
    fail_alloc_from_now(run->n, run->all);
    a_whole_life();
    weft_stats stats;
    SETTLE();
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == stats.written + stats.dropped && stats.queued == 0);
    weft_flush(100);
    weft_shutdown(1000);
    const bool failed = fail_alloc_stop();
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == stats.written + stats.dropped && stats.queued == 0);
    exit(failed ? 1 : 0);
}

static void every_allocation(bool all)
{
    if (!FAIL_ALLOC_WORKS) {
        fprintf(stderr, "SKIPPED: a sanitizer stands before malloc\n");
        skip();
    }
    for (uint64_t n = 0; n < 5000; n++) {
        struct run run = {n, all};
        struct child child = run_child(fail_at, &run, NULL);
        const bool done = WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0;
        if (!WIFEXITED(child.status) || WEXITSTATUS(child.status) > 1)
            fail_msg("allocation %llu: status %x: %s", (unsigned long long)n,
                     (unsigned)child.status, child.err);
        assert_int_equal(each_line(child.out, NULL, NULL), 0);
        child_free(&child);
        if (done) {
            assert_true(n >
                        50); /* the life has that many allocations, or this test looks at nothing */
            return;
        }
    }
    fail_msg("it never ends");
}

static void once(void **state)
{
    (void)state;
    every_allocation(false);
}

static void from_there_on(void **state)
{
    (void)state;
    every_allocation(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(once), cmocka_unit_test(from_there_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
