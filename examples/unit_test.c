/*
 * A unit test of your own that looks at what your code logs: weft_test_capture() takes the
 * records, parsed, under a clock that the test sets; nothing reaches a sink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <weft/test.h>
#include <weft/weft.h>

/* The code under test. */
static bool stock_take(const char *article, int wanted, int in_stock)
{
    WEFT_MDC_SCOPE("article", article);
    if (wanted > in_stock) {
        weft_warn(WEFT_LOGGER("stock"), "not enough in stock", weft_int("wanted", wanted),
                  weft_int("in_stock", in_stock));
        return false;
    }
    weft_debug(WEFT_LOGGER("stock"), "taken", weft_int("left", in_stock - wanted));
    return true;
}

static int capture_open(void **state)
{
    weft_test_options options = WEFT_TEST_OPTIONS_INIT;
    options.time_ns = INT64_C(1795328954123456000);
    *state = weft_test_capture(&options);
    return *state ? 0 : -1;
}

static int capture_close(void **state)
{
    weft_test_release(*state);
    return 0;
}

static void warns_when_stock_is_short(void **state)
{
    weft_capture *capture = *state;
    assert_false(stock_take("loom", 3, 2));

    assert_int_equal(weft_test_count(capture), 1);
    assert_int_equal(weft_test_level(capture, 0), WEFT_LEVEL_WARN);
    assert_string_equal(weft_test_logger(capture, 0), "stock");
    assert_string_equal(weft_test_message(capture, 0), "not enough in stock");
    assert_string_equal(weft_test_value(capture, 0, "@timestamp"), "2026-11-22T06:29:14.123456Z");
    assert_string_equal(weft_test_value(capture, 0, "labels/article"), "loom"); /* from the MDC */
    assert_string_equal(weft_test_value(capture, 0, "numeric_labels/wanted"), "3");
}

static void says_what_is_left(void **state)
{
    weft_capture *capture = *state;
    assert_true(stock_take("loom", 1, 2));

    const size_t taken = weft_test_find(capture, 0, "taken");
    assert_int_not_equal(taken, SIZE_MAX);
    assert_int_equal(weft_test_level(capture, taken), WEFT_LEVEL_DEBUG);
    assert_string_equal(weft_test_value(capture, taken, "numeric_labels/left"), "1");
}

static void leaves_no_context_behind(void **state)
{
    weft_capture *capture = *state;
    stock_take("loom", 1, 2);
    weft_test_reset(capture);
    weft_info(NULL, "afterwards");
    assert_null(weft_test_value(capture, 0, "labels/article"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(warns_when_stock_is_short, capture_open, capture_close),
        cmocka_unit_test_setup_teardown(says_what_is_left, capture_open, capture_close),
        cmocka_unit_test_setup_teardown(leaves_no_context_behind, capture_open, capture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
