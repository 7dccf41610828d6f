#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/encode/registry.h"
#include "src/pipeline/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

static struct weftp_encoding encoding_of(const char *name, size_t budget)
{
    struct weftp_encoding encoding = {.budget = budget};
    for (size_t i = 0; weftp_encoders_builtin[i]; i++)
        if (strcmp(weftp_encoders_builtin[i]->name, name) == 0)
            encoding.type = weftp_encoders_builtin[i];
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    const struct weft_encoder_options options = {
        .struct_size = sizeof options, .host = "h", .options = none};
    assert_int_equal(encoding.type->open(&encoding.self, &options), WEFT_OK);
    return encoding;
}

static struct weft_record record_of(const char *message, const weft_field *fields, size_t count)
{
    const struct weft_record record = {.struct_size = sizeof record,
                                       .time_ns = 1,
                                       .level = WEFT_LEVEL_INFO,
                                       .logger = "a",
                                       .logger_size = 1,
                                       .thread = "t",
                                       .thread_size = 1,
                                       .message = message,
                                       .message_size = strlen(message),
                                       .fields = fields,
                                       .field_count = count};
    return record;
}

static char *text_of(char c, size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, c, size);
    text[size] = '\0';
    return text;
}

static yajl_val parse(struct weft_out *out)
{
    char error[256];
    weftp_out_char(out, '\0');
    yajl_val tree = yajl_tree_parse(out->data, error, sizeof error);
    if (!tree) fail_msg("%s in %s", error, out->data);
    return tree;
}

static yajl_val get(yajl_val tree, const char *a, const char *b)
{
    const char *path[] = {a, b, NULL};
    return yajl_tree_get(tree, path, yajl_t_any);
}

static const char *const formats[] = {"ecs", "logstash", "logback"};

/* Whatever is too long, the line keeps its budget, stays JSON, and says what was cut. */
static void keeps_its_budget(const char *message, const weft_field *fields, size_t count)
{
    for (size_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        for (size_t budget = 1024; budget <= 65536; budget *= 4) {
            struct weftp_encoding encoding = encoding_of(formats[f], budget);
            const struct weft_record record = record_of(message, fields, count);
            struct weft_out out;
            bool trimmed;
            weftp_out_init(&out, (size_t)64 << 20);
            assert_true(weftp_line_encode(&encoding, &record, &out, &trimmed));
            assert_true(trimmed);
            assert_true(weftp_out_size(&out) <= budget);
            assert_int_equal(out.cur[-1], '\n');
            yajl_val tree = parse(&out);
            assert_true(YAJL_IS_TRUE(f == 0 ? get(tree, "labels", "truncated")
                                            : get(tree, "truncated", NULL)));
            yajl_tree_free(tree);
            weftp_out_deinit(&out);
            encoding.type->close(encoding.self);
        }
    }
}

static void a_long_field(void **state)
{
    (void)state;
    char *text = text_of('x', 1 << 20);
    const weft_field fields[] = {weft_str("small", "kept"), weft_str("big", text)};
    keeps_its_budget("m", fields, 2);
    free(text);
}

static void a_long_message(void **state)
{
    (void)state;
    char *text = text_of('\x01', 1 << 20);
    keeps_its_budget(text, NULL, 0);
    free(text);
}

static void very_many_fields(void **state)
{
    (void)state;
    const size_t count = 200000;
    weft_field *fields = calloc(count, sizeof *fields);
    char(*keys)[16] = calloc(count, sizeof *keys);
    assert_non_null(fields);
    assert_non_null(keys);
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        fields[i] = weft_int(keys[i], (int64_t)i);
    }
    keeps_its_budget("m", fields, count);
    free(keys);
    free(fields);
}

static void the_largest_value_goes_first(void **state)
{
    (void)state;
    char *text = text_of('x', 40000);
    const weft_field fields[] = {weft_str("a", "first"), weft_str("big", text),
                                 weft_str("z", "last")};
    struct weftp_encoding encoding = encoding_of("logstash", 16000);
    const struct weft_record record = record_of("the message", fields, 3);
    struct weft_out out;
    bool trimmed;
    weftp_out_init(&out, (size_t)1 << 20);
    assert_true(weftp_line_encode(&encoding, &record, &out, &trimmed));
    assert_true(weftp_out_size(&out) > 12000); /* the budget is used */
    yajl_val tree = parse(&out);
    assert_string_equal(YAJL_GET_STRING(get(tree, "a", NULL)), "first");
    assert_string_equal(YAJL_GET_STRING(get(tree, "z", NULL)), "last");
    assert_string_equal(YAJL_GET_STRING(get(tree, "message", NULL)), "the message");
    const yajl_val names = get(tree, "truncated_fields", NULL);
    assert_int_equal(YAJL_GET_ARRAY(names)->len, 1);
    assert_string_equal(YAJL_GET_STRING(YAJL_GET_ARRAY(names)->values[0]), "big");
    yajl_tree_free(tree);
    weftp_out_deinit(&out);
    encoding.type->close(encoding.self);
    free(text);
}

static void no_memory_is_told(void **state)
{
    (void)state;
    struct weftp_encoding encoding = encoding_of("ecs", 16000);
    const struct weft_record record = record_of("m", NULL, 0);
    struct weft_out out;
    bool trimmed;
    weftp_out_init(&out, 64);
    assert_false(weftp_line_encode(&encoding, &record, &out, &trimmed));
    weftp_out_deinit(&out);
    encoding.type->close(encoding.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_field),      cmocka_unit_test(a_long_message),
        cmocka_unit_test(very_many_fields),  cmocka_unit_test(the_largest_value_goes_first),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
