/*
 * The layout engine: options, limits and what a line says about them, buffers, and memory that is
 * not there.
 */
#include "tests/support/fail_alloc.h"

#include "tests/support/encode_harness.h"

static const char *const formats[] = {"ecs", "logstash", "logback"};

static weft_status open_with(const char *format, const char *key, const char *value)
{
    const struct weft_options_kv kv[] = {{"path", "x"}, {key, value}, {NULL, NULL}};
    const struct weft_encoder_options options = {
        .struct_size = sizeof options, .host = "h", .options = kv};
    const struct weft_encoder_type *type = weftp_encoder_builtin(format);
    void *self = NULL;
    const weft_status status = type->open(&self, &options);
    assert_non_null(self); /* a bad value leaves an instance with the default */
    type->close(self);
    return status;
}

static void test_options(void **state)
{
    (void)state;
    assert_int_equal(open_with("ecs", "source", "on"), WEFT_OK);
    assert_int_equal(open_with("ecs", "source", "off"), WEFT_OK);
    assert_int_equal(open_with("ecs", "source", "perhaps"), WEFT_EINVAL);
    assert_int_equal(open_with("ecs", "mdc_types", "string"), WEFT_OK);
    assert_int_equal(open_with("logstash", "mdc_types", "native"), WEFT_OK);
    assert_int_equal(open_with("logstash", "mdc_types", NULL), WEFT_EINVAL);
    assert_int_equal(open_with("logback", "time", "epoch"), WEFT_OK);
    assert_int_equal(open_with("logback", "time", "lunch"), WEFT_EINVAL);
    assert_int_equal(open_with("ecs", "time", "lunch"), WEFT_OK); /* not one of its own */
    assert_int_equal(open_with("pretty", "colour", "never"), WEFT_OK);
    assert_int_equal(open_with("pretty", "colour", "pink"), WEFT_EINVAL);
    assert_int_equal(open_with("logback", "max_bytes", "1"), WEFT_OK);
}

/* Each "name=a|b" of the list is an option that takes a and b. */
static void test_options_are_listed(void **state)
{
    (void)state;
    for (size_t i = 0; weftp_encoders_builtin[i]; i++) {
        const struct weft_encoder_type *type = weftp_encoders_builtin[i];
        assert_int_equal(type->struct_size, sizeof *type);
        assert_ptr_equal(weftp_encoder_builtin(type->name), type);
        for (const char *const *option = type->options; *option; option++) {
            char key[32], value[32];
            const char *at = *option + strcspn(*option, "=");
            snprintf(key, sizeof key, "%.*s", (int)(at - *option), *option);
            while (*at++) {
                const size_t size = strcspn(at, "|");
                snprintf(value, sizeof value, "%.*s", (int)size, at);
                assert_int_equal(open_with(type->name, key, value), WEFT_OK);
                at += size;
            }
            assert_int_equal(open_with(type->name, key, "no such value"), WEFT_EINVAL);
        }
    }
    assert_null(weftp_encoder_builtin("xml"));
    assert_null(weftp_encoder_builtin(NULL));
}

static void test_source_and_native_types(void **state)
{
    const struct weft_options_kv kv[] = {{"source", "on"}, {"mdc_types", "native"}, {NULL, NULL}};
    const struct weft_encoder_options options = {.options = kv};
    const weft_site site = {.file = "a.c", .func = NULL, .line = 7};
    const weft_field context[] = {weft_int("n", 5), weft_double("d", 1)};
    struct weftp_pair_set *mdc = harness_pairs(context, 2);
    struct weft_record record = harness_record();
    (void)state;
    record.site = &site;
    record.mdc = mdc->pairs;
    record.mdc_count = 2;
    for (size_t i = 1; i < 3; i++) {
        struct harness harness;
        harness_open(&harness, formats[i], &options);
        struct json *json = harness_json(&harness, &record, NULL);
        const struct json *context_json = i == 2 ? json_member(json, "mdc") : json;
        assert_string_equal(json_text(json, "caller_file_name"), "a.c");
        assert_string_equal(json_text(json, "caller_line_number"), "7");
        assert_int_equal(json_member(json, "caller_method_name")->kind, JSON_NULL);
        assert_int_equal(json_member(context_json, "n")->kind, JSON_NUMBER);
        assert_string_equal(json_text(context_json, "d"), "1.0");
        json_free(json);
        harness_close(&harness);
    }
    free(mdc);
}

static void test_mdc_as_strings(void **state)
{
    const weft_field context[] = {weft_int("n", 5), weft_double("d", 1), weft_bool("b", true),
                                  weft_null("x"), weft_json("j", "{\"a\":\"b\"}")};
    struct weftp_pair_set *mdc = harness_pairs(context, 5);
    struct weft_record record = harness_record();
    (void)state;
    record.mdc = mdc->pairs;
    record.mdc_count = 5;
    for (size_t i = 1; i < 3; i++) {
        struct harness harness;
        harness_open(&harness, formats[i], NULL);
        struct json *json = harness_json(&harness, &record, NULL);
        const struct json *object = i == 2 ? json_member(json, "mdc") : json;
        assert_int_equal(json_member(object, "n")->kind, JSON_STRING);
        assert_string_equal(json_text(object, "n"), "5");
        assert_string_equal(json_text(object, "d"), "1.0");
        assert_string_equal(json_text(object, "b"), "true");
        assert_string_equal(json_text(object, "j"), "{\"a\":\"b\"}");
        assert_true((json_member(object, "x") != NULL) == (i == 2));
        json_free(json);
        harness_close(&harness);
    }
    free(mdc);
}

/* Values that are re-written in the format's own style wherever they come from. */
static void test_styles(void **state)
{
    const weft_field fields[] = {weft_double("d", 1e21),
                                 weft_time("t", (struct timespec){5, 250000000})};
    struct weftp_pair_set *pairs = harness_pairs(fields, 2);
    const struct weft_encoder_options options = {.fields = pairs->pairs, .field_count = 2};
    struct harness harness;
    struct weft_record record = harness_record();
    (void)state;
    record.fields = fields;
    record.field_count = 2;
    record.bound = pairs->pairs;
    record.bound_count = 2;
    harness_open(&harness, "logstash", &options);
    assert_non_null(strstr(harness_line(&harness, &record, NULL),
                           ",\"d\":1.0E21,\"t\":5.250000000,\"d_1\":1.0E21,\"t_1\":5.250000000,"
                           "\"d_2\":1.0E21,\"t_2\":5.250000000}\n"));
    harness_close(&harness);
    harness_open(&harness, "logback", &options);
    assert_non_null(strstr(harness_line(&harness, &record, NULL),
                           ",\"d\":1.0E21,\"t\":\"1970-01-01T00:00:05.250000Z\""));
    harness_close(&harness);
    free(pairs);
}

static const struct json *cut_names(const struct json *json, const char *format)
{
    const bool ecs = strcmp(format, "ecs") == 0;
    const struct json *marked = ecs ? json_member(json, "labels") : json;
    assert_int_equal(json_member(marked, "truncated")->kind, JSON_TRUE);
    return json_member(ecs ? json_member(json, "custom") : json, "truncated_fields");
}

static void test_cut_values_are_named(void **state)
{
    const struct weft_limits limits = {8, 6, 9, 7};
    const weft_field context[] = {weft_str("m", "0123456789"), weft_str("short", "abc")};
    const weft_field own[] = {weft_str("b", "0123456789")};
    const weft_field fields[] = {
        weft_str("big", "0123456789"),  weft_int("n", INT64_MIN),
        weft_str("ok", "12345678"),     weft_bytes("y", "0123456789", 10),
        weft_str("truncated", "mine"),  weft_str("truncated_fields", "my own"),
        weft_json("j", "[0,1,2,3,4,5]")};
    struct weftp_pair_set *mdc = harness_pairs(context, 2), *bound = harness_pairs(own, 1);
    struct weft_record record = harness_record();
    (void)state;
    record.fields = fields;
    record.field_count = sizeof fields / sizeof fields[0];
    record.mdc = mdc->pairs;
    record.mdc_count = 2;
    record.bound = bound->pairs;
    record.bound_count = 1;
    for (size_t i = 0; i < 3; i++) {
        struct harness harness;
        harness_open(&harness, formats[i], NULL);
        struct json *json = harness_json(&harness, &record, &limits);
        const struct json *names = cut_names(json, formats[i]);
        const struct json *top = i == 0 ? json_member(json, "labels") : json;
        assert_int_equal(harness.out.notes & 1, 1);
        assert_int_equal(names->count, 6);
        for (const struct json *name = names->first; name; name = name->next) {
            assert_non_null(strstr(" message big b m y j ", name->text));
        }
        assert_string_equal(json_text(json, "message"), "order \xe2\x80\xa6");
        assert_string_equal(json_text(top, "big"), "01234\xe2\x80\xa6");
        assert_string_equal(json_text(top, "ok"), "12345678");
        assert_string_equal(json_text(top, "truncated_1"), "mine");
        assert_string_equal(json_text(top, i == 0 ? "truncated_fields" : "truncated_fields_1"),
                            "my own");
        json_free(json);
        json = harness_json(&harness, &record, NULL); /* nothing is cut: the names are free */
        assert_int_equal(harness.out.notes & 1, 0);
        assert_string_equal(json_text(i == 0 ? json_member(json, "labels") : json, "truncated"),
                            "mine");
        json_free(json);
        harness_close(&harness);
    }
    free(mdc);
    free(bound);
}

static void test_limits_of_nothing(void **state)
{
    enum { COUNT = 100 };
    const struct weft_limits none = {0, 0, 0, 0};
    weft_field fields[COUNT];
    char keys[COUNT][101];
    struct weft_record record = harness_record();
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        memset(keys[i], 'k', 100);
        keys[i][0] = (char)('0' + i / 10);
        keys[i][1] = (char)('0' + i % 10);
        keys[i][100] = '\0';
        fields[i] = i % 2 ? weft_int(keys[i], i) : weft_str(keys[i], "text");
    }
    record.fields = fields;
    record.field_count = COUNT;
    record.message = "";
    record.message_size = 0;
    for (size_t i = 0; i < 3; i++) {
        struct harness harness;
        harness_open(&harness, formats[i], NULL);
        struct json *json = harness_json(&harness, &record, &none);
        const struct json *names = cut_names(json, formats[i]);
        assert_int_equal(names->count, 9);
        assert_string_equal(names->last->text, "\xe2\x80\xa6");
        const struct json *numbers = i == 0 ? json_member(json, "numeric_labels") : json;
        char key[65];
        snprintf(key, sizeof key, "%.64s", keys[63]);
        assert_string_equal(json_text(numbers, key), "63");
        snprintf(key, sizeof key, "%.64s", keys[65]);
        assert_null(json_member(numbers, key));
        assert_true(weftp_out_size(&harness.out) < 9000);
        json_free(json);
        harness_close(&harness);
    }
}

static void test_long_names(void **state)
{
    static char key[3000], name[600];
    const weft_field fields[] = {weft_str(key, "v")};
    struct weft_record record = harness_record();
    (void)state;
    memset(key, 'k', sizeof key - 1);
    memset(name, 'n', sizeof name);
    record.fields = fields;
    record.field_count = 1;
    record.logger = record.thread = name;
    record.logger_size = record.thread_size = sizeof name;
    static const char *const loggers[] = {"log.logger", "logger_name", "logger"};
    static const char *const threads[] = {"process.thread.name", "thread_name", "thread"};
    for (size_t i = 0; i < 3; i++) {
        struct harness harness;
        harness_open(&harness, formats[i], NULL);
        struct json *json = harness_json(&harness, &record, NULL);
        assert_int_equal(json_member(json, loggers[i])->size, 255);
        assert_int_equal(json_member(json, threads[i])->size, 64);
        const struct json *object = i == 0 ? json_member(json, "labels") : json;
        key[1024] = '\0';
        assert_string_equal(json_text(object, key), "v");
        key[1024] = 'k';
        assert_int_equal(cut_names(json, formats[i])->count, 3);
        json_free(json);
        harness_close(&harness);
    }
}

/* An error without a stack is cut like other text. */
static void test_limits_of_an_error(void **state)
{
    const struct weft_limits limits = {9, 9, 9, 9};
    const weft_field error[] = {weft_str("type", "Type"), weft_str("message", "a long message"),
                                weft_str("stack_trace", NULL)};
    const weft_field fields[] = {weft_error_field_(error)};
    struct weft_record record = harness_record();
    struct harness harness;
    (void)state;
    record.fields = fields;
    record.field_count = 1;
    harness_open(&harness, "logback", NULL);
    struct json *json = harness_json(&harness, &record, &limits);
    assert_string_equal(json_text(json, "exception"), "a long\xe2\x80\xa6");
    json_free(json);
    json = harness_json(&harness, &record, NULL);
    assert_string_equal(json_text(json, "exception"), "Type: a long message\n");
    json_free(json);
    harness_close(&harness);
}

/* A line is appended to what the buffer holds, and may not fit. */
static void test_buffers(void **state)
{
    const struct weft_limits limits = {4, 4, 4, 4};
    struct weft_record record = harness_record();
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct harness harness;
        harness_open(&harness, formats[i], NULL);
        const size_t size = strlen(harness_line(&harness, &record, &limits));
        char *line = json_copy(harness.out.data, size);
        weftp_out_clear(&harness.out);
        weftp_out_literal(&harness.out, "before");
        harness.type->encode(harness.self, &record, &limits, &harness.out);
        assert_int_equal(weftp_out_size(&harness.out), 6 + size);
        assert_memory_equal(harness.out.data, "before", 6);
        assert_memory_equal(harness.out.data + 6, line, size);
        for (size_t max = 0; max < size; max++) {
            struct weft_out small;
            weftp_out_init(&small, max);
            harness.type->encode(harness.self, &record, &limits, &small);
            assert_true(small.overflow);
            weftp_out_deinit(&small);
        }
        free(line);
        harness_close(&harness);
    }
}

/* What is remembered of a place must not outlive a change of any byte of a key. */
static void test_other_keys_at_the_same_place(void **state)
{
    static weft_site sites[40];
    char key[41], changed[41];
    struct weft_record record = harness_record();
    struct harness harness;
    (void)state;
    harness_open(&harness, "logstash", NULL);
    record.field_count = 1;
    for (size_t size = 1; size <= 40; size++) {
        weft_field field = weft_int("", 7);
        memset(key, 'k', size);
        key[size] = '\0';
        field.key = key;
        field.key_size = (uint8_t)size;
        record.fields = &field;
        record.site = &sites[size - 1];
        json_free(harness_json(&harness, &record, NULL));
        for (size_t at = 0; at < size; at++) {
            memcpy(changed, key, size + 1);
            changed[at] = 'x';
            field.key = changed;
            struct json *json = harness_json(&harness, &record, NULL);
            assert_string_equal(json_text(json, changed), "7");
            assert_null(json_member(json, key));
            json_free(json);
        }
    }
    harness_close(&harness);
}

static void fill_many(weft_field *fields, size_t count, char (*keys)[24])
{
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        fields[i] = weft_int(keys[i], (int64_t)i);
    }
}

/*
 * More fields than the stack has room for: on the heap, and without a heap as many as there is room
 * for.
 */
static void test_many_fields(void **state)
{
    enum { COUNT = 1000 };
    static weft_field fields[COUNT];
    static char keys[COUNT][24];
    struct weft_record record = harness_record();
    (void)state;
    fill_many(fields, COUNT, keys);
    record.fields = fields;
    record.field_count = COUNT;
    for (size_t i = 0; i < 3; i++) {
        struct harness harness;
        harness_open(&harness, formats[i], NULL);
        struct json *json = harness_json(&harness, &record, NULL);
        const struct json *object = i == 0 ? json_member(json, "numeric_labels") : json;
        assert_string_equal(json_text(object, "k999"), "999");
        assert_true(object->count >= COUNT);
        json_free(json);
        if (FAIL_ALLOC_WORKS) {
            weftp_out_clear(&harness.out);
            fail_alloc_from_now(0, true); /* the buffer is large enough by now */
            harness.type->encode(harness.self, &record, &harness_all, &harness.out);
            assert_true(fail_alloc_stop());
            json = json_read(harness.out.data, weftp_out_size(&harness.out));
            object = i == 0 ? json_member(json, "numeric_labels") : json;
            assert_string_equal(json_text(object, "k127"), "127");
            assert_null(json_member(object, "k128"));
            assert_int_equal(cut_names(json, formats[i])->count, 9);
            json_free(json);
        }
        harness_close(&harness);
    }
}

static void test_open_without_memory(void **state)
{
    const weft_field everyone[] = {weft_str("region", "eu"), weft_str("message", "m")};
    struct weftp_pair_set *statics = harness_pairs(everyone, 2);
    const struct weft_encoder_options options = {.struct_size = sizeof options,
                                                 .host = "h",
                                                 .service = "s",
                                                 .fields = statics->pairs,
                                                 .field_count = 2};
    (void)state;
    for (size_t i = 0; FAIL_ALLOC_WORKS && weftp_encoders_builtin[i]; i++) {
        const struct weft_encoder_type *type = weftp_encoders_builtin[i];
        for (uint64_t n = 0;; n++) {
            void *self = NULL;
            fail_alloc_from_now(n, false);
            const weft_status status = type->open(&self, &options);
            const bool failed = fail_alloc_stop();
            if (status) {
                assert_int_equal(status, WEFT_ENOMEM);
                assert_null(self);
                assert_true(failed);
            } else {
                type->close(self);
            }
            if (!failed) break;
            assert_true(n < 100);
        }
        type->close(NULL);
    }
    free(statics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_options),
                                       cmocka_unit_test(test_options_are_listed),
                                       cmocka_unit_test(test_source_and_native_types),
                                       cmocka_unit_test(test_mdc_as_strings),
                                       cmocka_unit_test(test_styles),
                                       cmocka_unit_test(test_cut_values_are_named),
                                       cmocka_unit_test(test_limits_of_nothing),
                                       cmocka_unit_test(test_long_names),
                                       cmocka_unit_test(test_limits_of_an_error),
                                       cmocka_unit_test(test_buffers),
                                       cmocka_unit_test(test_other_keys_at_the_same_place),
                                       cmocka_unit_test(test_many_fields),
                                       cmocka_unit_test(test_open_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
