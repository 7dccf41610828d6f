/* The names of the trace's ids, by what joins lines with traces: whole lines of each format. */
#include "tests/support/encode_harness.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

/* What stands around the ids in each format; of logback in or behind the object of the MDC. */
static const struct {
    const char *format, *head, *tail;
} formats[] = {
    {"ecs",
     "{\"@timestamp\":\"2026-11-22T06:29:14.123456Z\",\"log.level\":\"INFO\",\"message\":\"order "
     "accepted\",\"ecs.version\":\"1.2.0\",\"process.thread.name\":\"worker-3\",\"log.logger\":"
     "\"orders.http\",",
     ",\"labels\":{\"request_id\":\"7f1c\"}}\n"},
    {"logstash",
     "{\"@timestamp\":\"2026-11-22T06:29:14.123456Z\",\"@version\":\"1\",\"message\":\"order "
     "accepted\",\"logger_name\":\"orders.http\",\"thread_name\":\"worker-3\",\"level\":\"INFO\","
     "\"level_value\":20000,",
     ",\"request_id\":\"7f1c\"}\n"},
    {"logback",
     "{\"timestamp\":\"2026-11-22T06:29:14.123Z\",\"level\":\"INFO\",\"thread\":\"worker-3\","
     "\"mdc\":{\"request_id\":\"7f1c\"},",
     ",\"logger\":\"orders.http\",\"message\":\"order accepted\",\"context\":\"default\"}\n"},
};
#define LOGBACK_MDC                                                                                \
    "{\"timestamp\":\"2026-11-22T06:29:14.123Z\",\"level\":\"INFO\",\"thread\":\"worker-3\","      \
    "\"mdc\":{\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\",\"request_id\":\"7f1c\"},"         \
    "\"logger\":\"orders.http\",\"message\":\"order accepted\",\"context\":\"default\"}\n"

#define OTEL "\"trace_id\":\"" TRACE "\",\"span_id\":\"" SPAN "\",\"trace_flags\":\"01\""
#define GCP_REST                                                                                   \
    "\",\"logging.googleapis.com/spanId\":\"" SPAN "\",\"logging.googleapis.com/trace_sampled\":"  \
    "true"

static const struct {
    const char *names, *project, *ids;
} rows[] = {
    {"ecs", NULL, "\"trace.id\":\"" TRACE "\",\"span.id\":\"" SPAN "\""},
    {"spring", NULL, "\"traceId\":\"" TRACE "\",\"spanId\":\"" SPAN "\""},
    {"otel", NULL, OTEL},
    {"datadog", NULL, "\"dd.trace_id\":\"" TRACE "\",\"dd.span_id\":\"67667974448284343\""},
    {"gcp", NULL, "\"logging.googleapis.com/trace\":\"" TRACE GCP_REST},
    {"gcp", "shop-1", "\"logging.googleapis.com/trace\":\"projects/shop-1/traces/" TRACE GCP_REST},
    {"otel", "shop-1", OTEL},
};

static void open_with(struct harness *harness, const char *format, const char *names,
                      const char *project)
{
    const struct weft_options_kv kv[] = {{"trace", names}, {NULL, NULL}};
    const struct weft_encoder_options options = {.options = kv, .trace_project = project};
    harness_open(harness, format, &options);
}

/* The line by the plan (a record's first) and by what is remembered of it. */
static void check_line(struct harness *harness, const struct weft_record *record,
                       const char *expected)
{
    for (int i = 0; i < 3; i++) {
        json_free(harness_json(harness, record, NULL));
        assert_string_equal(harness_line(harness, record, NULL), expected);
    }
}

static void test_each_name_in_each_format(void **state)
{
    static const struct weft_trace trace = {TRACE, SPAN, "b7ad6b7169203331", 1};
    const weft_field context[] = {weft_str("request_id", "7f1c")};
    struct weftp_pair_set *mdc = harness_pairs(context, 1);
    struct weft_record record = harness_record();
    (void)state;
    record.trace = &trace;
    record.mdc = mdc->pairs;
    record.mdc_count = mdc->count;
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            struct harness harness;
            char expected[1024];
            const bool in_mdc =
                strcmp(formats[f].format, "logback") == 0 && strcmp(rows[i].names, "spring") == 0;
            snprintf(expected, sizeof expected, "%s%s%s", in_mdc ? "" : formats[f].head,
                     in_mdc ? LOGBACK_MDC : rows[i].ids, in_mdc ? "" : formats[f].tail);
            open_with(&harness, formats[f].format, rows[i].names, rows[i].project);
            check_line(&harness, &record, expected);
            harness_close(&harness);
        }
    }
    free(mdc);
}

/* The text of a member at the top level, "(none)" when it is not there. Good until the next call. */
static const char *member(struct harness *harness, const struct weft_record *record,
                          const char *key)
{
    static char text[128];
    struct json *line = harness_json(harness, record, NULL);
    const char *value = json_text(line, key);
    snprintf(text, sizeof text, "%s", value ? value : "(none)");
    json_free(line);
    return text;
}

static void test_forms_of_ids(void **state)
{
    struct weft_record record = harness_record();
    struct weft_trace trace = {"0000000000000000a3ce929d0e0e4736", "ffffffffffffffff", "", 0};
    struct harness harness;
    (void)state;
    record.trace = &trace;
    open_with(&harness, "ecs", "datadog", NULL);
    assert_string_equal(member(&harness, &record, "dd.trace_id"), "11803532876627986230");
    assert_string_equal(member(&harness, &record, "dd.span_id"), "18446744073709551615");
    trace.span_id[0] = '\0'; /* no span: it is left out */
    assert_string_equal(member(&harness, &record, "dd.span_id"), "(none)");
    memcpy(trace.trace_id, "00000000000000010000000000000000", 33);
    assert_string_equal(member(&harness, &record, "dd.trace_id"), trace.trace_id);
    harness_close(&harness);
    open_with(&harness, "logstash", "otel", NULL);
    for (unsigned flags = 0; flags < 256; flags += 17) {
        char expected[3];
        trace.flags = (uint8_t)flags; /* alone: what is remembered of the ids does not know it */
        snprintf(expected, sizeof expected, "%02x", flags);
        assert_string_equal(member(&harness, &record, "trace_flags"), expected);
    }
    assert_string_equal(member(&harness, &record, "span_id"), "(none)");
    record.trace = NULL;
    assert_string_equal(member(&harness, &record, "trace_id"), "(none)");
    assert_string_equal(member(&harness, &record, "trace_flags"), "(none)");
    harness_close(&harness);
}

/* Names of the set are the format's, those that it has otherwise are anybody's. */
static void test_users_fields_of_the_same_names(void **state)
{
    static const struct weft_trace trace = {TRACE, SPAN, "", 0};
    const weft_field fields[] = {weft_str("trace_flags", "mine"), weft_str("traceId", "mine"),
                                 weft_str("trace_id", "mine")};
    struct weft_record record = harness_record();
    struct harness harness;
    (void)state;
    record.trace = &trace;
    record.fields = fields;
    record.field_count = 3;
    open_with(&harness, "logstash", "otel", NULL);
    assert_string_equal(member(&harness, &record, "trace_id"), TRACE);
    assert_string_equal(member(&harness, &record, "trace_id_1"), "mine");
    assert_string_equal(member(&harness, &record, "trace_flags"), "00");
    assert_string_equal(member(&harness, &record, "trace_flags_1"), "mine");
    assert_string_equal(member(&harness, &record, "traceId"), "mine");
    record.trace = NULL;
    assert_string_equal(member(&harness, &record, "trace_id"), "mine");
    harness_close(&harness);
}

static void test_bad_values(void **state)
{
    static const char *const bad[] = {"", "ot", "otel ", "OTEL", "none"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct weft_options_kv kv[] = {{"trace", bad[i]}, {NULL, NULL}};
        const struct weft_encoder_options options = {
            .struct_size = sizeof options, .host = "h", .options = kv};
        const struct weft_encoder_type *type = weftp_encoder_builtin("ecs");
        void *self = NULL;
        assert_int_equal(type->open(&self, &options), WEFT_EINVAL);
        assert_non_null(self); /* and goes on with its own */
        type->close(self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_name_in_each_format),
        cmocka_unit_test(test_forms_of_ids),
        cmocka_unit_test(test_users_fields_of_the_same_names),
        cmocka_unit_test(test_bad_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
