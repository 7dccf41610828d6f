/* `ecs`: whole lines, as documented, and read back by yajl. */
#include "tests/support/encode_harness.h"

static const struct weft_trace trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7",
                                        "b7ad6b7169203331", 1};

#define HEAD                                                                                       \
    "{\"@timestamp\":\"2026-11-22T06:29:14.123456Z\",\"log.level\":\"INFO\",\"message\":\"order "  \
    "accepted\",\"ecs.version\":\"1.2.0\""
#define SERVICE                                                                                    \
    ",\"service.name\":\"orders\",\"service.node.name\":\"web-1\",\"event.dataset\":\"orders\""
#define PLACE ",\"process.thread.name\":\"worker-3\",\"log.logger\":\"orders.http\""

static void check_line(const struct weft_encoder_options *options, const struct weft_record *record,
                       const char *expected)
{
    struct harness harness;
    harness_open(&harness, "ecs", options);
    json_free(harness_json(&harness, record, NULL));
    assert_string_equal(harness_line(&harness, record, NULL), expected);
    harness_close(&harness);
}

static void test_the_documented_line(void **state)
{
    const struct weft_encoder_options options = {.service = "orders"};
    const weft_field context[] = {weft_str("request_id", "7f1c")};
    struct weftp_pair_set *mdc = harness_pairs(context, 1);
    struct weft_record record = harness_record();
    (void)state;
    record.trace = &trace;
    record.mdc = mdc->pairs;
    record.mdc_count = mdc->count;
    check_line(&options, &record,
               HEAD SERVICE PLACE ",\"trace.id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span.id\":"
                                  "\"00f067aa0ba902b7\",\"labels\":{\"request_id\":\"7f1c\"}}\n");
    free(mdc);
}

static void test_nothing_but_a_message(void **state)
{
    struct weft_record record = harness_record();
    (void)state;
    record.logger_size = 0;
    check_line(NULL, &record,
               HEAD ",\"process.thread.name\":\"worker-3\",\"log.logger\":\"ROOT\"}\n");
}

static void test_service(void **state)
{
    const struct weft_encoder_options all = {.service = "o\"1",
                                             .service_version = "2.0",
                                             .service_env = "prod",
                                             .service_node = "pod-7"};
    const struct weft_encoder_options node = {.service_node = "pod-7"};
    const struct weft_record record = harness_record();
    (void)state;
    check_line(&all, &record,
               HEAD ",\"service.name\":\"o\\\"1\",\"service.version\":\"2.0\","
                    "\"service.environment\":\"prod\",\"service.node.name\":\"pod-7\","
                    "\"event.dataset\":\"o\\\"1\"" PLACE "}\n");
    check_line(&node, &record, HEAD ",\"service.node.name\":\"pod-7\"" PLACE "}\n");
}

static void test_fields_by_type(void **state)
{
    const weft_field children[] = {weft_int("x", 1)};
    const weft_field fields[] = {weft_str("s", "t"),
                                 weft_int("i", -5),
                                 weft_uint("u", UINT64_MAX),
                                 weft_double("d", 12.5),
                                 weft_double("inf", -1.0 / 0.0),
                                 weft_bool("b", true),
                                 weft_null("n"),
                                 weft_bytes("y", "\x01\x02", 2),
                                 weft_json("j", "[1,{}]"),
                                 weft_time("at", (struct timespec){1795328954, 123456000}),
                                 weft_duration_ns("took", 12000),
                                 weft_errno("e", 2),
                                 weft_objn("o", children, 1),
                                 weft_arrn("a", children, 1),
                                 weft_none(),
                                 weft_str("null", NULL)};
    struct weft_record record = harness_record();
    (void)state;
    record.fields = fields;
    record.field_count = sizeof fields / sizeof fields[0];
    check_line(NULL, &record,
               HEAD PLACE
               ",\"labels\":{\"s\":\"t\",\"inf\":\"-Infinity\",\"b\":true,\"n\":null,\"y\":"
               "\"AQI=\",\"at\":\"2026-11-22T06:29:14.123456Z\",\"null\":null},"
               "\"numeric_labels\":{\"i\":-5,\"u\":18446744073709551615,\"d\":12.5,\"took\":0.012},"
               "\"custom\":{\"j\":[1,{}],\"e\":{\"code\":2,\"name\":\"ENOENT\",\"text\":"
               "\"No such file or directory\"},\"o\":{\"x\":1},\"a\":[1]}}\n");
}

static void test_names_of_the_schema(void **state)
{
    const weft_field words[] = {weft_strn(NULL, "a", 1), weft_strn(NULL, "b", 1)};
    const weft_field mixed[] = {weft_strn(NULL, "a", 1), weft_int(NULL, 1)};
    const weft_field fields[] = {weft_str("http.request.method", "GET"),
                                 weft_int("http.response.status_code", 201),
                                 weft_str("client.ip", "::1"),
                                 weft_str("source.ip", "unknown"),
                                 weft_str("url.port", "80"),
                                 weft_int("url.path", 1),
                                 weft_double("event.risk_score", 0.5),
                                 weft_uint("process.pid", UINT64_MAX),
                                 weft_arrn("tags", words, 2),
                                 weft_arrn("user.roles", mixed, 2),
                                 weft_str("trace.id", "mine"),
                                 weft_str("error.code", "E1"),
                                 weft_str("log.level", "loud"),
                                 weft_str("labels.x", "y"),
                                 weft_str("http.request.method", "PUT"),
                                 weft_str("no.such*name\\", "z")};
    struct weft_record record = harness_record();
    (void)state;
    record.fields = fields;
    record.field_count = sizeof fields / sizeof fields[0];
    check_line(NULL, &record,
               HEAD PLACE
               ",\"http.request.method\":\"GET\",\"http.response.status_code\":201,\"client.ip\":"
               "\"::1\",\"event.risk_score\":0.5,\"tags\":[\"a\",\"b\"],\"trace.id\":\"mine\","
               "\"error.code\":\"E1\","
               "\"labels\":{\"source_ip\":\"unknown\",\"url_port\":\"80\",\"log_level\":\"loud\","
               "\"labels_x\":\"y\",\"http_request_method\":\"PUT\",\"no_such_name_\":\"z\"},"
               "\"numeric_labels\":{\"url_path\":1,\"process_pid\":18446744073709551615},"
               "\"custom\":{\"user_roles\":[\"a\",1]}}\n");
}

static void test_reserved_names_are_taken_only_when_printed(void **state)
{
    const weft_field fields[] = {weft_str("trace.id", "mine"), weft_str("error.type", "T2"),
                                 weft_error_info("T", NULL, "at a\n\tat b"),
                                 weft_str("error.message", "free")};
    struct weft_record record = harness_record();
    (void)state;
    record.trace = &trace;
    record.fields = fields;
    record.field_count = sizeof fields / sizeof fields[0];
    check_line(NULL, &record,
               HEAD PLACE ",\"trace.id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span.id\":"
                          "\"00f067aa0ba902b7\",\"error.type\":\"T\",\"error.stack_trace\":"
                          "\"at a\\n\\tat b\",\"error.message\":\"free\","
                          "\"labels\":{\"trace_id\":\"mine\",\"error_type\":\"T2\"}}\n");
}

static void test_every_source(void **state)
{
    const weft_field call[] = {weft_str("a", "call"), weft_str("_", "u"), weft_str("", "empty")};
    const weft_field own[] = {weft_str("a", "bound"), weft_int("n", 1)};
    const weft_field context[] = {weft_str("a", "mdc"), weft_str("host.name", "h")};
    const weft_field everyone[] = {weft_str("a", "static"), weft_str("region", "eu"),
                                   weft_str("container.id", "c1")};
    struct weftp_pair_set *bound = harness_pairs(own, 2), *mdc = harness_pairs(context, 2);
    struct weftp_pair_set *statics = harness_pairs(everyone, 3);
    const struct weft_encoder_options options = {.fields = statics->pairs, .field_count = 3};
    struct weft_record record = harness_record();
    (void)state;
    check_line(&options, &record,
               HEAD PLACE ",\"container.id\":\"c1\",\"labels\":{\"a\":\"static\",\"region\":"
                          "\"eu\"}}\n");
    record.fields = call;
    record.field_count = 3;
    record.bound = bound->pairs;
    record.bound_count = 2;
    record.mdc = mdc->pairs;
    record.mdc_count = 2;
    check_line(&options, &record,
               HEAD PLACE ",\"host.name\":\"h\",\"container.id\":\"c1\",\"labels\":{\"a\":\"call\","
                          "\"_\":\"u\",\"__1\":\"empty\",\"a_1\":\"bound\",\"a_2\":\"mdc\",\"a_3\":"
                          "\"static\",\"region\":\"eu\"},\"numeric_labels\":{\"n\":1}}\n");
    free(bound);
    free(mdc);
    free(statics);
}

static void test_source_location(void **state)
{
    const struct weft_options_kv kv[] = {{"source", "on"}, {NULL, NULL}};
    const struct weft_encoder_options options = {.options = kv};
    const weft_site site = {.file = "src/a.c", .func = "serve", .line = 88};
    struct weft_record record = harness_record();
    (void)state;
    check_line(&options, &record, HEAD PLACE "}\n");
    record.site = &site;
    check_line(NULL, &record, HEAD PLACE "}\n");
    check_line(&options, &record,
               HEAD PLACE ",\"log.origin.file.name\":\"src/a.c\",\"log.origin.file.line\":88,"
                          "\"log.origin.function\":\"serve\"}\n");
}

static void test_mdc_types(void **state)
{
    const struct weft_options_kv strings[] = {{"mdc_types", "string"}, {NULL, NULL}};
    const struct weft_encoder_options options = {.options = strings};
    const weft_field context[] = {weft_int("n", 5), weft_bool("b", true), weft_str("s", "x"),
                                  weft_int("process.pid", 7), weft_int("url.path", 8)};
    struct weftp_pair_set *mdc = harness_pairs(context, 5);
    struct weft_record record = harness_record();
    (void)state;
    record.mdc = mdc->pairs;
    record.mdc_count = 5;
    check_line(NULL, &record,
               HEAD PLACE ",\"process.pid\":7,\"labels\":{\"b\":true,\"s\":\"x\"},"
                          "\"numeric_labels\":{\"n\":5,\"url_path\":8}}\n");
    check_line(&options, &record,
               HEAD PLACE ",\"url.path\":\"8\",\"labels\":{\"n\":\"5\",\"b\":\"true\",\"s\":\"x\","
                          "\"process_pid\":\"7\"}}\n");
    free(mdc);
}

static void test_levels(void **state)
{
    static const struct {
        int level;
        const char *name;
    } rows[] = {{1, "TRACE"}, {4, "TRACE"},  {5, "DEBUG"},  {9, "INFO"},   {10, "INFO"},
                {13, "WARN"}, {17, "ERROR"}, {21, "FATAL"}, {24, "FATAL"}, {-3, "TRACE"}};
    struct harness harness;
    struct weft_record record = harness_record();
    (void)state;
    harness_open(&harness, "ecs", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        record.level = rows[i].level;
        struct json *json = harness_json(&harness, &record, NULL);
        assert_string_equal(json_text(json, "log.level"), rows[i].name);
        json_free(json);
    }
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_documented_line),
        cmocka_unit_test(test_nothing_but_a_message),
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_fields_by_type),
        cmocka_unit_test(test_names_of_the_schema),
        cmocka_unit_test(test_reserved_names_are_taken_only_when_printed),
        cmocka_unit_test(test_every_source),
        cmocka_unit_test(test_source_location),
        cmocka_unit_test(test_mdc_types),
        cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
