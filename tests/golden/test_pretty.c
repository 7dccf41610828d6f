/* `pretty`: what a person sees, and that nothing can play tricks on their terminal. */
#include "tests/support/encode_harness.h"

static void check_line(const struct weft_encoder_options *options, const struct weft_record *record,
                       const struct weft_limits *limits, const char *expected)
{
    struct harness harness;
    harness_open(&harness, "pretty", options);
    assert_string_equal(harness_line(&harness, record, limits), expected);
    harness_close(&harness);
}

static void test_the_documented_line(void **state)
{
    const weft_field context[] = {weft_str("request_id", "r-42")};
    const weft_field fields[] = {weft_str("order_id", "o-1"), weft_int("items", 3)};
    struct weftp_pair_set *mdc = harness_pairs(context, 1);
    struct weft_record record = harness_record();
    (void)state;
    record.fields = fields;
    record.field_count = 2;
    record.mdc = mdc->pairs;
    record.mdc_count = 1;
    check_line(NULL, &record, NULL,
               "06:29:14.123 INFO  orders.http  order accepted  order_id=o-1 items=3  "
               "request_id=r-42\n");
    free(mdc);
}

static void test_colours(void **state)
{
    static const struct weft_options_kv never[] = {{"colour", "never"}, {NULL, NULL}},
                                        always[] = {{"colour", "always"}, {NULL, NULL}},
                                        automatic[] = {{"colour", "auto"}, {NULL, NULL}};
    static const char *const grey = "06:29:14.123 WARN  orders.http  order accepted\n",
                             *const coloured = "06:29:14.123 \033[33mWARN \033[0m orders.http  "
                                               "order accepted\033[2m\033[0m\n";
    struct weft_record record = harness_record();
    (void)state;
    record.level = WEFT_LEVEL_WARN;
    check_line(&(struct weft_encoder_options){.terminal = true}, &record, NULL, coloured);
    check_line(&(struct weft_encoder_options){.terminal = false}, &record, NULL, grey);
    check_line(&(struct weft_encoder_options){.terminal = true, .options = never}, &record, NULL,
               grey);
    check_line(&(struct weft_encoder_options){.terminal = false, .options = always}, &record, NULL,
               coloured);
    check_line(&(struct weft_encoder_options){.terminal = false, .options = automatic}, &record,
               NULL, grey);
    check_line(&(struct weft_encoder_options){.terminal = true, .options = automatic}, &record,
               NULL, coloured);
}

static void test_controls_are_made_visible(void **state)
{
    const weft_field fields[] = {weft_str("k\033[2J", "a\033]0;x\007"),
                                 weft_str("plain", "\xc3\xa9"),
                                 weft_str("quoted", "a b=\"c\" \\"),
                                 weft_str("empty", ""),
                                 weft_json("raw", "{\"x\":\"\xe2\x80\xae\x7f\"}"),
                                 weft_strn("nul", "a\0b", 3)};
    static const char message[] =
        "one\r\ntwo\t\033[31m\x7f\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xff.\xf0\x9f\x98\x80";
    struct weft_record record = harness_record();
    (void)state;
    record.logger = "lo\033gger";
    record.logger_size = 7;
    record.message = message;
    record.message_size = sizeof message - 1;
    record.fields = fields;
    record.field_count = sizeof fields / sizeof fields[0];
    check_line(NULL, &record, NULL,
               "06:29:14.123 INFO  lo\\x1bgger  one\\r\\ntwo\\t\\x1b[31m\\x7f\\u009b\\u202e\\u2028"
               "\xef\xbf\xbd.\xf0\x9f\x98\x80  \"k\\x1b[2J\"=\"a\\x1b]0;x\\x07\" plain=\xc3\xa9 "
               "quoted=\"a b=\\\"c\\\" \\\\\" empty=\"\" raw={\"x\":\"\\u202e\\x7f\"} "
               "nul=\"a\\x00b\"\n");
}

/*
 * Every byte and every pair of bytes, everywhere: no control reaches the terminal but the newline
 * at the end.
 */
static void test_no_control_gets_through(void **state)
{
    struct harness harness;
    (void)state;
    harness_open(&harness, "pretty", NULL);
    for (unsigned code = 0; code < 0x10000; code++) {
        char text[2] = {(char)(code >> 8), (char)code}, key[3] = {text[0], text[1], 0};
        const weft_field fields[] = {weft_strn(key, text, 2), weft_error_info(key, key, key)};
        struct weft_record record = harness_record();
        record.message = record.logger = text;
        record.message_size = record.logger_size = 2;
        record.fields = fields;
        record.field_count = 2;
        const char *line = harness_line(&harness, &record, NULL);
        const size_t size = weftp_out_size(&harness.out) - 1;
        for (size_t i = 0; i + 1 < size; i++) {
            const unsigned char c = (unsigned char)line[i];
            if (c == '\n' && strncmp(line + i, "\n    ", 5) == 0) continue; /* the stack's lines */
            if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)line[i + 1] < 0xa0)) {
                fail_msg("control %02x for %04x in %s", c, code, line);
            }
        }
    }
    harness_close(&harness);
}

static void test_errors_stand_below(void **state)
{
    const weft_field fields[] = {
        weft_error_info("db.Timeout", "no answer",
                        "db.Timeout: no answer\r\n\tat query (db.c:7)\n\tat \033serve"),
        weft_int("tries", 3)};
    struct weft_record record = harness_record();
    (void)state;
    record.level = WEFT_LEVEL_ERROR;
    record.fields = fields;
    record.field_count = 2;
    check_line(NULL, &record, NULL,
               "06:29:14.123 ERROR orders.http  order accepted  error=db.Timeout: \"no answer\" "
               "tries=3\n    db.Timeout: no answer\n        at query (db.c:7)\n        at "
               "\\x1bserve\n");
}

static void test_types_and_context(void **state)
{
    const struct weft_trace trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "", 1};
    const weft_field fields[] = {weft_double("d", 1.5),
                                 weft_bool("b", false),
                                 weft_null("n"),
                                 weft_str("s", NULL),
                                 weft_bytes("y", "a", 1),
                                 weft_time("t", (struct timespec){0, 0}),
                                 weft_none(),
                                 weft_duration_ns("took", 1500000),
                                 weft_str(NULL, "anonymous")};
    const weft_field own[] = {weft_str("module", "db")};
    struct weftp_pair_set *bound = harness_pairs(own, 1);
    struct weft_record record = harness_record();
    (void)state;
    record.fields = fields;
    record.field_count = sizeof fields / sizeof fields[0];
    record.bound = bound->pairs;
    record.bound_count = 1;
    record.trace = &trace;
    record.logger_size = 0;
    check_line(NULL, &record, NULL,
               "06:29:14.123 INFO  ROOT  order accepted  d=1.5 b=false n=null s=null y=YQ== "
               "t=1970-01-01T00:00:00.000000Z took=1.5 _=anonymous  module=db "
               "trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n");
    free(bound);
}

static void test_limits(void **state)
{
    const struct weft_limits limits = {5, 5, 8, 4};
    const weft_field context[] = {weft_str("request_id", "r-42-77")};
    const weft_field fields[] = {weft_str("order_id", "o-123456"),
                                 weft_str("k", "\xc3\xa9\xc3\xa9\xc3\xa9")};
    struct weftp_pair_set *mdc = harness_pairs(context, 1);
    struct weft_record record = harness_record();
    (void)state;
    record.fields = fields;
    record.field_count = 2;
    record.mdc = mdc->pairs;
    record.mdc_count = 1;
    check_line(NULL, &record, &limits,
               "06:29:14.123 INFO  orders.http  order\xe2\x80\xa6  order_id=o-\xe2\x80\xa6 "
               "k=\xc3\xa9\xe2\x80\xa6  request_id=r\xe2\x80\xa6\n");
    free(mdc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_documented_line),
                                       cmocka_unit_test(test_colours),
                                       cmocka_unit_test(test_controls_are_made_visible),
                                       cmocka_unit_test(test_no_control_gets_through),
                                       cmocka_unit_test(test_errors_stand_below),
                                       cmocka_unit_test(test_types_and_context),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
