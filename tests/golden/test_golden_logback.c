/* `logback` prints what logback-json-classic 0.1.5 prints, byte for byte. */
#include "events.h"

#define NO_SURROGATES "UTF-8 has no lone surrogates"

static const struct exception_to_the_rule exceptions[] = {
    {"mdc-null-value", "an MDC entry without a value is no entry", NULL},
    {"mdc-empty-key", "the MDC takes no empty key", NULL},
    {"msg-lone-low", NO_SURROGATES, NULL},
    {"msg-lone-high-end", NO_SURROGATES, NULL},
    {"msg-swapped", NO_SURROGATES, NULL},
    {NULL, NULL, NULL}};

static void test_iso_time(void **state)
{
    const struct golden golden = {.file = "logback-json-classic-0.1.5.tsv",
                                  .format = "logback",
                                  .exceptions = exceptions,
                                  .fields_are_dropped = true};
    (void)state;
    check_golden(&golden);
}

static void test_epoch(void **state)
{
    const struct golden golden = {.file = "logback-json-classic-0.1.5-epoch.tsv",
                                  .format = "logback",
                                  .options_key = "time",
                                  .options_value = "epoch",
                                  .exceptions = exceptions,
                                  .fields_are_dropped = true};
    (void)state;
    check_golden(&golden);
}

/* The trace of a record stands where tracing libraries put it in Java. */
static void test_trace(void **state)
{
    const struct weft_trace trace = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", 1};
    struct weft_record record = {.struct_size = sizeof record,
                                 .time_ns = parse_time("2024-01-02T03:04:05.678Z"),
                                 .level = WEFT_LEVEL_INFO,
                                 .logger = "demo.Orders",
                                 .logger_size = 11,
                                 .thread = "main",
                                 .thread_size = 4,
                                 .message = "hello",
                                 .message_size = 5,
                                 .trace = &trace};
    char *file = read_file("logback-json-classic-0.1.5.tsv");
    char *expected = find_line(file, "mdc-trace");
    struct harness harness;
    (void)state;
    harness_open(&harness, "logback", NULL);
    const char *line = harness_line(&harness, &record, NULL);
    assert_int_equal(strlen(line), strlen(expected) + 1);
    assert_memory_equal(line, expected, strlen(expected));
    harness_close(&harness);
    free(expected);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_iso_time),
                                       cmocka_unit_test(test_epoch), cmocka_unit_test(test_trace)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
