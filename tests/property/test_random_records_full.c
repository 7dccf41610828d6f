/*
 * Random records in every JSON format: each line is one JSON object with unique keys and gives back
 * what was put in, says an independent model; yajl and Python's strict json agree that it is JSON.
 */
#include "model.h"
#include "random_record.h"

#include <sys/wait.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define RECORDS 10000 /* sanitizers take their time */
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RECORDS 10000
#endif
#endif
#ifndef RECORDS
#define RECORDS 60000 /* of each format, each with two sets of values */
#endif
#define PYTHON_RECORDS (RECORDS < 34000 ? RECORDS : 34000) /* of each format: 10^5 lines in all */
#define OPEN_FOR       5000 /* records until an encoder is opened anew, and has forgotten all */
#define STATICS        6

static const char *const formats[] = {"ecs", "logstash", "logback"};

static const struct trace_names trace_names[] = {
    {"ecs", {"trace.id", "span.id", NULL}},
    {"spring", {"traceId", "spanId", NULL}},
    {"otel", {"trace_id", "span_id", "trace_flags"}},
    {"datadog", {"dd.trace_id", "dd.span_id", NULL}},
    {"gcp",
     {"logging.googleapis.com/trace", "logging.googleapis.com/spanId",
      "logging.googleapis.com/trace_sampled"}},
    {"own", {NULL, NULL, NULL}},
};
#define TRACE_NAMES (sizeof trace_names / sizeof *trace_names)

static void want_trace(struct model *model, const struct weft_record *record)
{
    const bool is_ecs = strcmp(model->format, "ecs") == 0;
    const bool is_own = strcmp(model->trace->option, "own") == 0;
    const struct trace_names *names = is_own ? &trace_names[is_ecs ? 0 : 1] : model->trace;
    const bool in_mdc = names == &trace_names[1] && strcmp(model->format, "logback") == 0;
    for (int i = 0; record->trace && i < 3; i++)
        if (names->parts[i] && (i != 1 || record->trace->span_id[0]))
            add_own(model, in_mdc ? OBJECT_MDC : OBJECT_TOP, names->parts[i], NULL);
}

/*
 * The members that the format writes itself; those whose names may be missing come only when they
 * are there.
 */
static void want_ecs(struct model *model, const struct weft_record *record, const weft_field *error)
{
    static const char *const parts[] = {"error.type", "error.message", "error.stack_trace"};
    add_own(model, OBJECT_TOP, "@timestamp", NULL);
    add_own(model, OBJECT_TOP, "log.level", NULL);
    add_own(model, OBJECT_TOP, "message",
            &(weft_field){.type = WEFT_TYPE_STR,
                          .v = {.p = record->message},
                          .size = (uint32_t)record->message_size});
    add_own(model, OBJECT_TOP, "ecs.version",
            &(weft_field){.type = WEFT_TYPE_STR, .v = {.p = "1.2.0"}, .size = 5});
    add_own(model, OBJECT_TOP, "service.name", NULL);
    add_own(model, OBJECT_TOP, "service.node.name", NULL);
    add_own(model, OBJECT_TOP, "event.dataset", NULL);
    add_own(model, OBJECT_TOP, "process.thread.name",
            &(weft_field){.type = WEFT_TYPE_STR,
                          .v = {.p = record->thread},
                          .size = (uint32_t)record->thread_size});
    add_own(model, OBJECT_TOP, "log.logger", NULL);
    if (model->source && record->site) {
        add_own(model, OBJECT_TOP, "log.origin.file.name", NULL);
        add_own(model, OBJECT_TOP, "log.origin.file.line", NULL);
        add_own(model, OBJECT_TOP, "log.origin.function", NULL);
    }
    want_trace(model, record);
    for (int i = 0; i < 3; i++) {
        if (error && error->v.f[i].v.p) add_own(model, OBJECT_TOP, parts[i], &error->v.f[i]);
    }
}

static bool has_parts(const weft_field *error)
{
    return error && (error->v.f[0].v.p || error->v.f[1].v.p || error->v.f[2].v.p);
}

static size_t append_part(char *to, size_t at, const weft_field *part)
{
    if (part->v.p) memcpy(to + at, part->v.p, part->size);
    return at + (part->v.p ? part->size : 0);
}

/* A stack, with "type: message" in front where it does not begin with the type. Good until the next call. */
static weft_field exception_of(const weft_field *parts)
{
    static char text[8192];
    const weft_field *head = parts[0].v.p ? &parts[0] : &parts[1], *stack = &parts[2];
    size_t at = 0;
    const bool told = !head->v.p || (stack->v.p && stack->size >= head->size &&
                                     memcmp(stack->v.p, head->v.p, head->size) == 0);
    if (!told) {
        at = append_part(text, at, &parts[0]);
        if (parts[0].v.p && parts[1].v.p) {
            memcpy(text + at, ": ", 2);
            at += 2;
        }
        at = append_part(text, at, &parts[1]);
        text[at++] = '\n';
    }
    at = append_part(text, at, stack);
    return weft_strn("stack", text, at);
}

static void want_java(struct model *model, const struct weft_record *record,
                      const weft_field *error)
{
    static const char *const logstash[] = {
        "@timestamp", "@version", "logger_name", "thread_name", "level", "level_value", NULL};
    static const char *const logback[] = {"timestamp", "level", "thread", "logger",
                                          "context",   "mdc",   NULL};
    const bool is_logback = strcmp(model->format, "logback") == 0;
    for (const char *const *name = is_logback ? logback : logstash; *name; name++)
        add_own(model, OBJECT_TOP, *name, NULL);
    add_own(model, OBJECT_TOP, "message",
            &(weft_field){.type = WEFT_TYPE_STR,
                          .v = {.p = record->message},
                          .size = (uint32_t)record->message_size});
    add_own(model, OBJECT_TOP, "service.name", NULL);
    add_own(model, OBJECT_TOP, "service.node.name", NULL);
    if (model->source && record->site) {
        add_own(model, OBJECT_TOP, "caller_file_name", NULL);
        add_own(model, OBJECT_TOP, "caller_line_number", NULL);
        add_own(model, OBJECT_TOP, "caller_method_name", NULL);
    }
    want_trace(model, record);
    if (has_parts(error)) {
        const weft_field exception = exception_of(error->v.f);
        add_own(model, OBJECT_TOP, is_logback ? "exception" : "stack_trace",
                error->v.f[2].v.p ? &exception : NULL);
    }
}

/* An object that has no member is not written, so its name does not count. */
static void drop_empty_mdc(struct model *model)
{
    size_t members = 0;
    for (size_t i = 0; i < model->count; i++) members += model->wants[i].object == OBJECT_MDC;
    if (members) return;
    for (size_t i = 0; i < model->count; i++) {
        if (!model->wants[i].value && strcmp(model->wants[i].key.bytes, "mdc") == 0) {
            free(model->wants[i].key.bytes);
            memmove(&model->wants[i], &model->wants[i + 1],
                    (model->count - i - 1) * sizeof model->wants[0]);
            model->count--;
            return;
        }
    }
}

static void want_statics(struct model *model, const weft_field *statics)
{
    for (size_t i = 0; i < STATICS; i++) add_field(model, &statics[i], false);
}

static void want_record(struct model *model, const struct random_record *random,
                        const weft_field *statics)
{
    const struct weft_record *record = &random->record;
    const weft_field *error = NULL;
    for (size_t i = 0; i < record->field_count && !error; i++) {
        if (record->fields[i].type == WEFT_TYPE_ERROR) error = &record->fields[i];
    }
    if (strcmp(model->format, "ecs") == 0)
        want_ecs(model, record, error);
    else
        want_java(model, record, error);
    for (size_t i = 0; i < record->field_count; i++) {
        const weft_field *field = &record->fields[i];
        if (field != error && field->type != WEFT_TYPE_NONE) add_field(model, field, false);
    }
    for (size_t i = 0; i < record->bound_count; i++)
        add_field(model, &record->bound[i].field, false);
    for (size_t i = 0; i < record->mdc_count; i++) add_field(model, &record->mdc[i].field, true);
    want_statics(model, statics);
    rename_lost(model);
    drop_empty_mdc(model);
}

static void check_bytes(const char *line, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if ((unsigned char)line[i] < 0x20) fail_msg("control byte in %s", line);
    }
    assert_int_equal(line[size - 1], '\n');
}

/*
 * What an encoder remembers of earlier records does not show: the same record gives the same line.
 */
static void check_again(struct harness *harness, const struct random_record *random)
{
    const size_t size = weftp_out_size(&harness->out);
    char *first = json_copy(harness->out.data, size);
    harness_line(harness, &random->record, NULL);
    assert_int_equal(weftp_out_size(&harness->out), size);
    assert_memory_equal(harness->out.data, first, size);
    free(first);
}

static void check_model(struct harness *harness, struct model *model,
                        const struct random_record *random, const weft_field *statics, size_t index)
{
    struct json *json = harness_json(harness, &random->record, NULL);
    check_bytes(harness->out.data, weftp_out_size(&harness->out) - 1);
    want_record(model, random, statics);
    const char *wrong = model_compare(model, json);
    if (wrong) fail_msg("%s, record %zu, %s: %s", model->format, index, wrong, harness->out.data);
    check_again(harness, random);
    model_free(model);
    json_free(json);
}

/* Cut lines are JSON with unique keys, too; their content is not modelled. */
static void check_cut(struct harness *harness, const struct random_record *random)
{
    const struct weft_limits limits = {(uint32_t)random_below(40), (uint32_t)random_below(40),
                                       (uint32_t)random_below(40), (uint32_t)random_below(40)};
    json_free(harness_json(harness, &random->record, &limits));
    check_bytes(harness->out.data, weftp_out_size(&harness->out) - 1);
}

/* Static fields with names that no reserved name of any format takes from them. */
static const weft_field statics[STATICS] = {{"region", {.p = "eu"}, 2, 6, WEFT_TYPE_STR, 0},
                                            {"a", {.p = "static"}, 6, 1, WEFT_TYPE_STR, 0},
                                            {"a.b", {.i = 7}, 0, 3, WEFT_TYPE_INT, 0},
                                            {"host.name", {.p = "web-1"}, 5, 9, WEFT_TYPE_STR, 0},
                                            {"region_1", {.u = 1}, 0, 8, WEFT_TYPE_BOOL, 0},
                                            {"b", {.d = 0.25}, 0, 1, WEFT_TYPE_DOUBLE, 0}};

static void open_format(struct harness *harness, const char *format,
                        const struct weftp_pair_set *set, bool source, const char *trace)
{
    const struct weft_options_kv kv[] = {
        {"source", source ? "on" : "off"}, {"trace", trace}, {NULL, NULL}};
    const struct weft_encoder_options options = {
        .service = "orders", .fields = set->pairs, .field_count = set->count, .options = kv};
    harness_open(harness, format, &options);
}

static void test_format(const char *format)
{
    static struct random_record random;
    static struct model model;
    memset(&model, 0, sizeof model);
    struct weftp_pair_set *set = harness_pairs(statics, STATICS);
    weft_field in_order[STATICS];
    struct harness harness;
    for (size_t i = 0; i < STATICS; i++) in_order[i] = set->pairs[i].field;
    model.trace = &trace_names[TRACE_NAMES - 1];
    open_format(&harness, format, set, false, model.trace->option);
    model.format = format;
    model.mdc_strings = strcmp(format, "ecs") != 0;
    for (size_t i = 0; i < RECORDS; i++) {
        random_state = i;
        random_record_init(&random);
        check_model(&harness, &model, &random, in_order, i);
        if (i % 8 == 0) check_cut(&harness, &random);
        random_record_vary(&random);
        check_model(&harness, &model, &random, in_order, i);
        random_record_deinit(&random);
        if (i % OPEN_FOR) continue;
        harness_close(&harness);
        model.source = !model.source;
        model.trace = &trace_names[i / OPEN_FOR % TRACE_NAMES];
        open_format(&harness, format, set, model.source, model.trace->option);
    }
    harness_close(&harness);
    free(set);
}

static void test_ecs(void **state)
{
    (void)state;
    test_format("ecs");
}
static void test_logstash(void **state)
{
    (void)state;
    test_format("logstash");
}
static void test_logback(void **state)
{
    (void)state;
    test_format("logback");
}

static void write_lines(int fd)
{
    static struct random_record random;
    struct weftp_pair_set *set = harness_pairs(statics, STATICS);
    for (size_t format = 0; format < 3; format++) {
        struct harness harness;
        open_format(&harness, formats[format], set, true, "gcp");
        for (size_t i = 0; i < PYTHON_RECORDS; i++) {
            const struct weft_limits limits = {20, 20, 20, 20};
            random_state = i + RECORDS;
            random_record_init(&random);
            harness_line(&harness, &random.record, i % 4 ? NULL : &limits);
            const size_t size = weftp_out_size(&harness.out) - 1;
            assert_int_equal(write(fd, harness.out.data, size), (ssize_t)size);
            random_record_deinit(&random);
        }
        harness_close(&harness);
    }
    free(set);
}

static void test_python_agrees(void **state)
{
    char path[] = "/tmp/weft-lines-XXXXXX";
    const int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    write_lines(fd);
    assert_int_equal(close(fd), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execlp("python3", "python3", WEFT_TESTS_DIR "/property/strict.py", path, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(unlink(path), 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 127) {
        print_error("SKIPPED: there is no python3, so its strict json has not seen the lines\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ecs), cmocka_unit_test(test_logstash),
                                       cmocka_unit_test(test_logback),
                                       cmocka_unit_test(test_python_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
