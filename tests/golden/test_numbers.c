/* The number of a line (seq=on) in each format, and what becomes of other fields with its names. */
#include "tests/support/encode_harness.h"

#define ID "0123456789abcdef0123456789abcdef"

/* A record with fields of all the names that a number has anywhere, and an MDC with one of them. */
static const char *numbered(struct harness *harness, const struct weft_record *record, uint64_t seq,
                            struct weft_out *out)
{
    const struct weft_line line = {.data = harness_line(harness, record, NULL),
                                   .size = weftp_out_size(&harness->out) - 1,
                                   .seq = seq};
    weftp_out_clear(out);
    harness->type->number(harness->self, &line, ID, out);
    assert_false(out->overflow);
    assert_true(weftp_out_size(out) - line.size <= WEFT_NUMBER_SIZE_MAX);
    weftp_out_char(out, '\0');
    return out->data;
}

static void check_row(const char *format, const struct weft_options_kv *given, bool with_stack,
                      const char *expected)
{
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    const weft_field context[] = {weft_str("seq", "mine")};
    const weft_field fields[] = {weft_int("items", 3), weft_str("boot_id", "b"),
                                 weft_int("event.sequence", 4), weft_str("process.entity_id", "p"),
                                 with_stack ? weft_error_info("T", "m", "one\ntwo") : weft_none()};
    struct weftp_pair_set *mdc = harness_pairs(context, 1);
    struct weft_record record = harness_record();
    struct harness harness;
    struct weft_out out;
    weftp_out_init(&out, 1U << 20);
    record.fields = fields;
    record.field_count = sizeof fields / sizeof fields[0];
    record.mdc = mdc->pairs;
    record.mdc_count = 1;
    harness_open(&harness, format,
                 &(struct weft_encoder_options){.numbered = true, .options = given ? given : none});
    assert_string_equal(numbered(&harness, &record, 17, &out), expected);
    numbered(&harness, &record, UINT64_MAX, &out);
    harness_close(&harness);
    weftp_out_deinit(&out);
    free(mdc);
}

static void test_ecs(void **state)
{
    (void)state;
    check_row(
        "ecs", NULL, false,
        "{\"@timestamp\":\"2026-11-22T06:29:14.123456Z\",\"log.level\":\"INFO\",\"message\":"
        "\"order "
        "accepted\",\"ecs.version\":\"1.2.0\",\"process.thread.name\":\"worker-3\",\"log.logger\":"
        "\"orders.http\",\"labels\":{\"boot_id\":\"b\",\"process_entity_id\":\"p\",\"seq\":"
        "\"mine\"},"
        "\"numeric_labels\":{\"items\":3,\"event_sequence\":4},\"process.entity_id\":\"" ID
        "\",\"event.sequence\":17}\n");
}

static void test_logstash(void **state)
{
    (void)state;
    check_row(
        "logstash", NULL, false,
        "{\"@timestamp\":\"2026-11-22T06:29:14.123456Z\",\"@version\":\"1\",\"message\":\"order "
        "accepted\",\"logger_name\":\"orders.http\",\"thread_name\":\"worker-3\",\"level\":"
        "\"INFO\","
        "\"level_value\":20000,\"seq_1\":\"mine\",\"items\":3,\"boot_id_1\":\"b\",\"event."
        "sequence\":4,"
        "\"process.entity_id\":\"p\",\"boot_id\":\"" ID "\",\"seq\":17}\n");
}

static void test_logback(void **state)
{
    (void)state;
    check_row(
        "logback", NULL, false,
        "{\"timestamp\":\"2026-11-22T06:29:14.123Z\",\"level\":\"INFO\",\"thread\":\"worker-3\","
        "\"mdc\":{\"seq\":\"mine\"},\"logger\":\"orders.http\",\"message\":\"order accepted\","
        "\"context\":\"default\",\"items\":3,\"boot_id_1\":\"b\",\"event.sequence\":4,"
        "\"process.entity_id\":\"p\",\"boot_id\":\"" ID "\",\"seq\":17}\n");
}

static void test_pretty(void **state)
{
    static const struct weft_options_kv always[] = {{"colour", "always"}, {NULL, NULL}};
    (void)state;
    check_row("pretty", NULL, false,
              "06:29:14.123 INFO  orders.http  order accepted  items=3 boot_id=b event.sequence=4 "
              "process.entity_id=p  seq=mine  seq=17 boot_id=" ID "\n");
    check_row("pretty", NULL, true,
              "06:29:14.123 INFO  orders.http  order accepted  items=3 boot_id=b event.sequence=4 "
              "process.entity_id=p error=T: m  seq=mine  seq=17 boot_id=" ID
              "\n    one\n    two\n");
    check_row(
        "pretty", always, false,
        "06:29:14.123 \033[32mINFO \033[0m orders.http  order accepted\033[2m  items=3 boot_id=b "
        "event.sequence=4 process.entity_id=p  seq=mine  seq=17 boot_id=" ID "\033[0m\n");
    check_row(
        "pretty", always, true,
        "06:29:14.123 \033[32mINFO \033[0m orders.http  order accepted\033[2m  items=3 boot_id=b "
        "event.sequence=4 process.entity_id=p error=T: m  seq=mine  seq=17 boot_id=" ID
        "\n    one\n    two\033[0m\n");
}

/* Without numbers nothing of that is reserved. */
static void test_names_are_free_without_numbers(void **state)
{
    const weft_field fields[] = {weft_int("seq", 1), weft_str("boot_id", "b"),
                                 weft_int("event.sequence", 4), weft_str("process.entity_id", "p")};
    static const struct {
        const char *format, *end;
    } rows[] = {
        {"ecs", "\"log.logger\":\"orders.http\",\"event.sequence\":4,\"process.entity_id\":\"p\","
                "\"labels\":{\"boot_id\":\"b\"},\"numeric_labels\":{\"seq\":1}}\n"},
        {"logstash", "\"level_value\":20000,\"seq\":1,\"boot_id\":\"b\",\"event.sequence\":4,"
                     "\"process.entity_id\":\"p\"}\n"},
        {"logback", "\"context\":\"default\",\"seq\":1,\"boot_id\":\"b\",\"event.sequence\":4,"
                    "\"process.entity_id\":\"p\"}\n"}};
    struct weft_record record = harness_record();
    (void)state;
    record.fields = fields;
    record.field_count = 4;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct harness harness;
        harness_open(&harness, rows[i].format, NULL);
        const char *line = harness_line(&harness, &record, NULL);
        const size_t size = strlen(line), end = strlen(rows[i].end);
        assert_true(size > end);
        assert_string_equal(line + size - end, rows[i].end);
        harness_close(&harness);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecs),
        cmocka_unit_test(test_logstash),
        cmocka_unit_test(test_logback),
        cmocka_unit_test(test_pretty),
        cmocka_unit_test(test_names_are_free_without_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
