/*
 * Settings without memory: every single allocation of a load fails once, alone and with all after
 * it.
 */
#include "support/settings_harness.h"

#include <malloc.h>

#include "support/fail_alloc.h"

static const char json[] = "{\"levels\": {\"a\": \"debug\", \"b\": \"info\", \"c\": \"nonsense\"}, "
                           "\"format\": \"logback\", \"fromat\": 1,\n"
                           " \"sinks\": [\"file:/a%20b?keep=3&level=warn&format=ecs&token=x\", "
                           "\"stderr:\", \"stderr:\", \"bad:\"],\n"
                           " \"service\": \"ord\\u0065rs\", \"fields\": {\"a\": \"1\", \"b\": "
                           "\"2\"}, \"propagators\": \"baggage,b3\",\n"
                           " \"propagate_keys\": [\"user\", \"tenant\"], \"trust\": \"restart\", "
                           "\"nested\": [[[{\"a\": []}]]]}";

static void prepare(weft_options *options)
{
    clearenv();
    write_file(json, sizeof json - 1);
    setenv("WEFT_LEVEL", "warn,a=warn,d=trace,e=1,f=2,g=3", 1);
    setenv("WEFT_SINKS", "stdout:?level=error file:x?max_bytes=1k nonsense: file:%zz", 1);
    setenv("WEFT_FIELDS", "b=%41,c=3,bad", 1);
    setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=x,service.version=2,d=4", 1);
    setenv("WEFT_PROPAGATORS", "tracecontext,xrequestid", 1);
    setenv("WEFT_UNKNOWN", "1", 1);
    *options = weft_options_default();
    options->config = "x.json";
    options->service_env = "prod";
    options->propagate_keys = "k";
    options->sinks = "memory:";
}

/* Load with the nth allocation failing; false: there were not so many. */
static bool load_failing(uint64_t n, bool all, const struct weftp_settings *previous,
                         const weft_options *options)
{
    struct weftp_settings *const untouched = (struct weftp_settings *)&told;
    struct weftp_settings *settings = untouched;
    told.count = 0;
    fail_alloc_from_now(n, all);
    const weft_status status = weftp_settings_reload(&settings, previous, options, &harness_known,
                                                     harness_complain, &told);
    if (!fail_alloc_stop()) {
        assert_int_equal(status, WEFT_OK);
        weftp_settings_free(settings);
        return false;
    }
    assert_int_equal(status, WEFT_ENOMEM);
    assert_ptr_equal(settings, untouched);
    return true;
}

static uint64_t fail_each(bool all, const struct weftp_settings *previous,
                          const weft_options *options)
{
    uint64_t n = 0;
    while (load_failing(n, all, previous, options)) n++;
    return n;
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    weft_options options;
    if (!FAIL_ALLOC_WORKS) skip();
    prepare(&options);
    struct weftp_settings *previous = load_program(&options);
    const uint64_t count = fail_each(false, NULL, &options);
    assert_true(count > 100);
    assert_true(fail_each(false, previous, &options) > 100);
    assert_int_equal(fail_each(true, NULL, &options), count);
    weftp_settings_free(previous);
}

/* What is in use after a round of failures is what was in use after the round before. */
static void test_nothing_leaks(void **state)
{
    (void)state;
    weft_options options;
    if (!FAIL_ALLOC_WORKS) skip();
    prepare(&options);
    size_t used[4];
    for (size_t i = 0; i < 4; i++) {
        (void)fail_each(false, NULL, &options);
        used[i] = mallinfo2().uordblks;
    }
    assert_int_equal(used[3], used[2]);
}

static void test_a_load_after_a_failure_is_whole(void **state)
{
    (void)state;
    weft_options options;
    if (!FAIL_ALLOC_WORKS) skip();
    prepare(&options);
    assert_true(load_failing(40, false, NULL, &options));
    struct weftp_settings *s = load_program(&options);
    assert_string_equal(levels_of(s), "13,a=13,b=9,d=1,e=1,f=2,g=3");
    assert_string_equal(fields_of(s), "a=1,b=A,d=4,c=3");
    assert_int_equal(s->sink_count, 2);
    assert_string_equal(s->service, "x");
    assert_int_equal(told.count, 10);
    weftp_settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails_once),
        cmocka_unit_test(test_nothing_leaks),
        cmocka_unit_test(test_a_load_after_a_failure_is_whole),
    };
    return cmocka_run_group_tests(tests, harness_setup, harness_teardown);
}
