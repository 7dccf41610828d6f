/* weft_test_capture, as users' unit tests use it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <weft/test.h>
#include <weft/weft.h>

static void under_a_clock_of_its_own(void **state)
{
    (void)state;
    weft_test_options options = WEFT_TEST_OPTIONS_INIT;
    options.time_ns = 1795328954123456000;
    options.time_step_ns = 1000000;
    options.thread = "worker-3";
    options.host = "web-1";
    options.service = "orders";
    weft_capture *capture = weft_test_capture(&options);
    assert_non_null(capture);
    assert_null(weft_test_capture(NULL)); /* one at a time */
    weft_mdc_put("request_id", "7f1c");
    weft_info(weft_logger_get("orders.http"), "order accepted");
    weft_trace(NULL, "second", weft_arr("list", weft_str(NULL, "x")), weft_bool("gift", true));
    weft_mdc_clear();
    assert_int_equal(weft_test_count(capture), 2);
    assert_string_equal(
        weft_test_line(capture, 0),
        "{\"@timestamp\":\"2026-11-22T06:29:14.123456Z\",\"log.level\":\"INFO\","
        "\"message\":\"order accepted\",\"ecs.version\":\"1.2.0\",\"service.name\":\"orders\","
        "\"service.node.name\":\"web-1\",\"event.dataset\":\"orders\","
        "\"process.thread.name\":\"worker-3\",\"log.logger\":\"orders.http\","
        "\"labels\":{\"request_id\":\"7f1c\"}}");
    assert_string_equal(weft_test_value(capture, 1, "@timestamp"), "2026-11-22T06:29:14.124456Z");
    assert_string_equal(weft_test_value(capture, 1, "custom/list/0"), "x");
    assert_string_equal(weft_test_value(capture, 1, "labels/gift"), "true");
    assert_null(weft_test_value(capture, 1, "custom/list"));
    assert_null(weft_test_value(capture, 1, "custom/list/1"));
    assert_null(weft_test_value(capture, 1, "nothing/there"));
    assert_int_equal(weft_test_level(capture, 1), WEFT_LEVEL_TRACE);
    assert_string_equal(weft_test_logger(capture, 0), "orders.http");
    assert_int_equal(weft_test_find(capture, 0, "second"), 1);
    assert_int_equal(weft_test_find(capture, 2, "second"), SIZE_MAX);
    assert_int_equal(weft_test_level(capture, 2), WEFT_LEVEL_OFF);
    assert_null(weft_test_line(capture, 2));
    weft_test_reset(capture);
    assert_int_equal(weft_test_count(capture), 0);
    weft_test_release(capture);
}

static void levels_and_formats(void **state)
{
    (void)state;
    weft_test_options options = WEFT_TEST_OPTIONS_INIT;
    options.level = "warn,chatty=debug";
    options.format = "logstash";
    weft_capture *capture = weft_test_capture(&options);
    weft_info(NULL, "no");
    weft_debug(weft_logger_get("chatty.one"), "yes");
    assert_int_equal(weft_test_count(capture), 1);
    assert_string_equal(weft_test_value(capture, 0, "logger_name"), "chatty.one");
    weft_test_release(capture);
    options.format = "no such format";
    assert_null(weft_test_capture(&options));
    options.format = NULL;
    options.level = "loud";
    assert_null(weft_test_capture(&options));
    weft_test_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(under_a_clock_of_its_own),
        cmocka_unit_test(levels_and_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
