/*
 * Whatever the user calls things, no key stands twice at any level, every value is in the line, and
 * what the format itself says stays as it is. Each name is tried from each source alone, from all
 * sources at once, and with the names that renaming would produce.
 */
#include "tests/support/encode_harness.h"

static const char *const formats[] = {"ecs", "logstash", "logback"};

static const char *const names[] = {"message",
                                    "@timestamp",
                                    "timestamp",
                                    "time",
                                    "level",
                                    "log.level",
                                    "ecs.version",
                                    "trace.id",
                                    "span.id",
                                    "traceId",
                                    "spanId",
                                    "labels",
                                    "labels.x",
                                    "numeric_labels",
                                    "custom",
                                    "custom.x",
                                    "service.name",
                                    "event.dataset",
                                    "logger",
                                    "log.logger",
                                    "logger_name",
                                    "thread",
                                    "thread_name",
                                    "mdc",
                                    "context",
                                    "exception",
                                    "tags",
                                    "stack_trace",
                                    "level_value",
                                    "@version",
                                    "error",
                                    "error.type",
                                    "error.message",
                                    "error.stack_trace",
                                    "truncated",
                                    "truncated_fields",
                                    "a.b",
                                    "a_b",
                                    "a*b",
                                    "a\\b",
                                    "_",
                                    "",
                                    "message_1",
                                    "labels_x",
                                    "http",
                                    "http.request",
                                    "http.request.method",
                                    "host.name",
                                    "caller_file_name",
                                    "log.origin.file.name",
                                    "process.thread.name",
                                    "\xff",
                                    "\xfe",
                                    "\xef\xbf\xbd",
                                    "quote\"",
                                    "new\nline",
                                    "del\x7f"};
#define NAME_COUNT (sizeof names / sizeof names[0])

enum source { CALL, BOUND, MDC, STATIC, SOURCES };

static const struct weft_trace trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "",
                                        1};
static const weft_site site = {.file = "a.c", .func = "f", .line = 1};

/* What each format must say of the record itself, whatever the fields are. */
static void check_reserved(const struct json *json, const char *format, const char *line)
{
    static const struct {
        const char *format, *key, *value;
    } rows[] = {{"ecs", "@timestamp", "2026-11-22T06:29:14.123456Z"},
                {"ecs", "log.level", "INFO"},
                {"ecs", "message", "order accepted"},
                {"ecs", "ecs.version", "1.2.0"},
                {"ecs", "service.name", "orders"},
                {"ecs", "trace.id", "4bf92f3577b34da6a3ce929d0e0e4736"},
                {"ecs", "error.type", "T"},
                {"ecs", "log.logger", "orders.http"},
                {"logstash", "@version", "1"},
                {"logstash", "message", "order accepted"},
                {"logstash", "level", "INFO"},
                {"logstash", "level_value", "20000"},
                {"logstash", "stack_trace", "T: m\nat main"},
                {"logstash", "traceId", "4bf92f3577b34da6a3ce929d0e0e4736"},
                {"logback", "timestamp", "2026-11-22T06:29:14.123Z"},
                {"logback", "message", "order accepted"},
                {"logback", "context", "default"},
                {"logback", "exception", "T: m\nat main"},
                {"logback", "logger", "orders.http"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].format, format) != 0) continue;
        const char *text = json_text(json, rows[i].key);
        if (!text || strcmp(text, rows[i].value) != 0)
            fail_msg("%s is spoilt: %s", rows[i].key, line);
    }
}

/* A string of the tree, at any depth. */
static size_t count_string(const struct json *json, const char *text)
{
    size_t count = json->kind == JSON_STRING && strcmp(json->text, text) == 0;
    for (const struct json *child = json->first; child; child = child->next)
        count += count_string(child, text);
    return count;
}

/* A case: the fields of each source, whose values are all different, and the line's extras. */
struct trial {
    weft_field fields[SOURCES][256];
    size_t counts[SOURCES];
    char values[SOURCES * 256][16];
    size_t value_count;
    bool bare; /* no trace, no error, no source location */
};

static void add(struct trial *trial, enum source source, const char *key)
{
    char *value = trial->values[trial->value_count];
    snprintf(value, sizeof trial->values[0], "value-%zu", trial->value_count++);
    if (source != CALL && key[0] == '\0') key = "_"; /* pairs have no empty keys */
    trial->fields[source][trial->counts[source]++] = weft_str(key, value);
}

static void check(struct trial *trial, const char *format)
{
    static const struct weft_options_kv kv[] = {{"source", "on"}, {NULL, NULL}};
    struct weftp_pair_set *sets[SOURCES] = {NULL};
    for (int i = BOUND; i < SOURCES; i++)
        sets[i] = harness_pairs(trial->fields[i], trial->counts[i]);
    const struct weft_encoder_options options = {.service = "orders",
                                                 .fields = sets[STATIC]->pairs,
                                                 .field_count = sets[STATIC]->count,
                                                 .options = kv};
    const weft_field error[] = {weft_str("type", "T"), weft_str("message", "m"),
                                weft_str("stack_trace", "at main")};
    struct weft_record record = harness_record();
    struct harness harness;
    if (!trial->bare) {
        trial->fields[CALL][trial->counts[CALL]++] = weft_error_field_(error);
        record.trace = &trace;
        record.site = &site;
    }
    record.fields = trial->fields[CALL];
    record.field_count = trial->counts[CALL];
    record.bound = sets[BOUND]->pairs;
    record.bound_count = sets[BOUND]->count;
    record.mdc = sets[MDC]->pairs;
    record.mdc_count = sets[MDC]->count;
    harness_open(&harness, format, &options);
    struct json *json = harness_json(&harness, &record, NULL);
    if (!trial->bare) check_reserved(json, format, harness.out.data);
    for (size_t i = 0; i < trial->value_count; i++) {
        const size_t count = count_string(json, trial->values[i]);
        if (count != 1)
            fail_msg("%s stands %zu times: %s", trial->values[i], count, harness.out.data);
    }
    json_free(json);
    harness_close(&harness);
    for (int i = BOUND; i < SOURCES; i++) free(sets[i]);
}

static void in_every_format(struct trial *trial)
{
    const size_t call_count = trial->counts[CALL];
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        trial->counts[CALL] = call_count;
        check(trial, formats[i]);
    }
}

static void test_each_name_from_each_source(void **state)
{
    (void)state;
    for (size_t name = 0; name < NAME_COUNT; name++) {
        for (int source = 0; source < SOURCES; source++) {
            for (int bare = 0; bare < 2; bare++) {
                struct trial trial = {.bare = bare};
                add(&trial, (enum source)source, names[name]);
                in_every_format(&trial);
            }
        }
    }
}

static void test_each_name_from_all_sources(void **state)
{
    (void)state;
    for (size_t name = 0; name < NAME_COUNT; name++) {
        struct trial trial = {.bare = false};
        char renamed[32];
        snprintf(renamed, sizeof renamed, "%s_1", names[name]);
        for (int source = 0; source < SOURCES; source++)
            add(&trial, (enum source)source, names[name]);
        add(&trial, CALL, names[name]);
        add(&trial, CALL, renamed);
        add(&trial, MDC, renamed);
        add(&trial, STATIC, renamed);
        in_every_format(&trial);
    }
}

static void test_all_names_from_all_sources(void **state)
{
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        struct trial trial = {.bare = bare};
        for (int source = 0; source < SOURCES; source++) {
            for (size_t name = 0; name < NAME_COUNT; name++) {
                /* A pair set holds a key once, and "" has become "_". */
                if (source != CALL && names[name][0] == '\0') continue;
                add(&trial, (enum source)source, names[name]);
            }
        }
        in_every_format(&trial);
    }
}

static void test_each_two_names(void **state)
{
    (void)state;
    for (size_t a = 0; a < NAME_COUNT; a++) {
        for (size_t b = 0; b < NAME_COUNT; b++) {
            struct trial trial = {.bare = (a + b) % 2};
            add(&trial, (enum source)(a % SOURCES), names[a]);
            if (a % SOURCES != b % SOURCES || b % SOURCES == CALL) {
                add(&trial, (enum source)(b % SOURCES), names[b]);
            }
            add(&trial, CALL, names[b]);
            in_every_format(&trial);
        }
    }
}

/*
 * A field has its own name by right, so another one that is renamed must not take it, even when it
 * comes first.
 */
static void test_renaming_spares_later_names(void **state)
{
    const weft_field fields[] = {weft_str("a", "1"), weft_str("a", "2"), weft_str("a_1", "3"),
                                 weft_str("message", "4"), weft_str("message_1", "5")};
    struct weft_record record = harness_record();
    struct harness harness;
    (void)state;
    record.fields = fields;
    record.field_count = 5;
    harness_open(&harness, "logstash", NULL);
    struct json *json = harness_json(&harness, &record, NULL);
    assert_string_equal(json_text(json, "a"), "1");
    assert_string_equal(json_text(json, "a_1"), "3");
    assert_string_equal(json_text(json, "a_2"), "2");
    assert_string_equal(json_text(json, "message_1"), "5");
    assert_string_equal(json_text(json, "message_2"), "4");
    assert_int_equal(harness.out.notes & 2, 2);
    json_free(json);
    harness_close(&harness);
}

static void test_precedence(void **state)
{
    (void)state;
    static const char *const top[] = {"k", "k_1", "k_2", "k_3"};
    struct trial trial = {.bare = true};
    add(&trial, STATIC, "k");
    add(&trial, MDC, "k");
    add(&trial, BOUND, "k");
    add(&trial, CALL, "k");
    struct weftp_pair_set *sets[SOURCES] = {NULL};
    for (int i = BOUND; i < SOURCES; i++) sets[i] = harness_pairs(trial.fields[i], trial.counts[i]);
    const struct weft_encoder_options options = {.fields = sets[STATIC]->pairs, .field_count = 1};
    struct weft_record record = harness_record();
    struct harness harness;
    record.fields = trial.fields[CALL];
    record.bound = sets[BOUND]->pairs;
    record.mdc = sets[MDC]->pairs;
    record.field_count = record.bound_count = record.mdc_count = 1;
    for (size_t i = 0; i < 2; i++) {
        harness_open(&harness, formats[i], &options);
        struct json *json = harness_json(&harness, &record, NULL);
        const struct json *object = i == 0 ? json_member(json, "labels") : json;
        for (int j = 0; j < SOURCES; j++) {
            assert_string_equal(json_text(object, top[j]), trial.values[SOURCES - 1 - j]);
        }
        json_free(json);
        harness_close(&harness);
    }
    for (int i = BOUND; i < SOURCES; i++) free(sets[i]);
}

/*
 * Thousands of equal names: every one is renamed, and that does not take the square of their
 * number.
 */
static void test_many_twins(void **state)
{
    enum { COUNT = 20000 };
    weft_field *fields = calloc(COUNT, sizeof *fields);
    struct weft_record record = harness_record();
    struct harness harness;
    (void)state;
    assert_non_null(fields);
    for (size_t i = 0; i < COUNT; i++) {
        fields[i] = weft_int(i % 3 == 0 ? "twin" : i % 3 == 1 ? "message" : "twin_7", (int64_t)i);
    }
    record.fields = fields;
    record.field_count = COUNT;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        harness_open(&harness, formats[i], NULL);
        struct json *json = harness_json(&harness, &record, NULL);
        const struct json *object = i == 0 ? json_member(json, "numeric_labels") : json;
        assert_true(object->count >= COUNT);
        json_free(json);
        harness_close(&harness);
    }
    free(fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_name_from_each_source),
                                       cmocka_unit_test(test_each_name_from_all_sources),
                                       cmocka_unit_test(test_all_names_from_all_sources),
                                       cmocka_unit_test(test_each_two_names),
                                       cmocka_unit_test(test_renaming_spares_later_names),
                                       cmocka_unit_test(test_precedence),
                                       cmocka_unit_test(test_many_twins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
