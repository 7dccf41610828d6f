/*
 * `logstash` prints what logstash-logback-encoder 8.1 prints, byte for byte; a key that Java
 * repeats is renamed.
 */
#include "events.h"

#define NO_SURROGATES "UTF-8 has no lone surrogates"
#define JAVA_REPEATS  "Java writes the key twice"
#define HEAD(level)                                                                                \
    "{\"@timestamp\":\"2024-01-02T03:04:05.678Z\",\"@version\":\"1\",\"message\":\"hello\","       \
    "\"logger_name\":"                                                                             \
    "\"demo.Orders\",\"thread_name\":\"main\",\"level\":\"" level "\",\"level_value\":20000"

static const struct exception_to_the_rule exceptions[] = {
    {"mdc-null-value", "an MDC entry without a value is no entry", NULL},
    {"mdc-empty-key", "the MDC takes no empty key", NULL},
    {"msg-lone-low", NO_SURROGATES, NULL},
    {"msg-lone-high-end", NO_SURROGATES, NULL},
    {"msg-swapped", NO_SURROGATES, NULL},
    {"kv-twice", JAVA_REPEATS, HEAD("INFO") ",\"a\":1,\"a_1\":2}"},
    {"kv-clash", JAVA_REPEATS, HEAD("INFO") ",\"message_1\":\"m\",\"level_1\":\"l\"}"},
    {"clash-message", JAVA_REPEATS, HEAD("INFO") ",\"message_1\":\"X\"}"},
    {"clash-level", JAVA_REPEATS, HEAD("INFO") ",\"level_1\":\"X\"}"},
    {"clash-@timestamp", JAVA_REPEATS, HEAD("INFO") ",\"@timestamp_1\":\"X\"}"},
    {"clash-@version", JAVA_REPEATS, HEAD("INFO") ",\"@version_1\":\"X\"}"},
    {"clash-thread_name", JAVA_REPEATS, HEAD("INFO") ",\"thread_name_1\":\"X\"}"},
    {NULL, NULL, NULL}};

static void test_events(void **state)
{
    const struct golden golden = {
        .file = "logstash-logback-encoder-8.1.tsv", .format = "logstash", .exceptions = exceptions};
    (void)state;
    check_golden(&golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
