/*
 * The golden lines of the Java side and the events that they were made of, as records of weft.
 * Compared byte for byte, but for the order of the MDC: the text of each entry is taken out of both
 * lines first.
 */
#ifndef TESTS_GOLDEN_EVENTS_H
#define TESTS_GOLDEN_EVENTS_H

#include "tests/support/encode_harness.h"
#include <math.h>
#include <time.h>

#define EVENT_FIELDS_MAX 8
#define EVENT_PAIRS_MAX  32

struct event {
    struct weft_record record;
    weft_field fields[EVENT_FIELDS_MAX], error[3];
    struct weftp_pair_set *mdc;
    char stack[4096];
};

/* A whole file, NUL-terminated; free. */
static char *read_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/data/%s", WEFT_TESTS_DIR, name);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("cannot open %s", path);
    char *text = malloc(1 << 20);
    assert_non_null(text);
    const size_t size = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[size] = '\0';
    return text;
}

static int64_t parse_time(const char *text)
{
    struct tm tm = {0};
    int used = 0;
    assert_int_equal(sscanf(text, "%d-%d-%dT%d:%d:%d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                            &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used),
                     6);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t ns = (int64_t)timegm(&tm) * 1000000000, digit = 100000000;
    if (text[used] == '.') {
        for (used++; text[used] != 'Z'; used++, digit /= 10) ns += (text[used] - '0') * digit;
    }
    return ns;
}

static int parse_level(const char *name)
{
    static const char *const names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
    for (int i = 0; i < 5; i++) {
        if (strcmp(names[i], name) == 0) return 1 + 4 * i;
    }
    fail_msg("unknown level %s", name);
    return 0;
}

/* One key-value of Java: its type's name and toString(). The containers are those of the events. */
static weft_field event_field(const char *key, const struct json *value)
{
    static const weft_field list[] = {{NULL, {1}, 0, 0, WEFT_TYPE_INT, 0},
                                      {NULL, {.p = "a"}, 1, 0, WEFT_TYPE_STR, 0},
                                      {NULL, {0}, 0, 0, WEFT_TYPE_NULL, 0}};
    static const weft_field array[] = {{NULL, {1}, 0, 0, WEFT_TYPE_INT, 0},
                                       {NULL, {2}, 0, 0, WEFT_TYPE_INT, 0}};
    static const weft_field inner[] = {{"k2", {1}, 0, 2, WEFT_TYPE_INT, 0}};
    static const weft_field map[] = {{"k", {.f = inner}, 1, 1, WEFT_TYPE_OBJ, 0}};
    static const weft_field pojo[] = {{"id", {7}, 0, 2, WEFT_TYPE_INT, 0},
                                      {"name", {.p = "pen"}, 3, 4, WEFT_TYPE_STR, 0}};
    if (value->kind == JSON_NULL) return weft_null(key);
    const char *type = json_text(value, "type"), *text = json_text(value, "text");
    const int64_t ns = strcmp(type, "java.time.Instant") == 0 ? parse_time(text) : 0;
    if (ns)
        return weft_time(key,
                         (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)});
    if (strcmp(type, "java.lang.Integer") == 0) return weft_int(key, strtoll(text, NULL, 10));
    if (strcmp(type, "java.lang.Long") == 0) return weft_int(key, strtoll(text, NULL, 10));
    if (strcmp(type, "java.lang.Boolean") == 0) return weft_bool(key, strcmp(text, "true") == 0);
    if (strcmp(text, "NaN") == 0) return weft_double(key, (double)NAN);
    if (strcmp(text, "Infinity") == 0) return weft_double(key, (double)INFINITY);
    if (strcmp(type, "java.lang.Double") == 0) return weft_double(key, strtod(text, NULL));
    if (strcmp(type, "java.lang.Character") == 0 || strcmp(type, "java.lang.String") == 0)
        return weft_str(key, text);
    if (strcmp(type, "java.util.Arrays$ArrayList") == 0) return weft_arrn(key, list, 3);
    if (strcmp(type, "int[]") == 0) return weft_arrn(key, array, 2);
    if (strcmp(type, "java.util.Collections$SingletonMap") == 0) return weft_objn(key, map, 1);
    if (strcmp(type, "demo.Golden$Pojo") == 0) return weft_objn(key, pojo, 2);
    fail_msg("unknown type %s", type);
    return weft_none();
}

static void append_text(struct event *event, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void append_text(struct event *event, const char *format, ...)
{
    const size_t used = strlen(event->stack);
    va_list args;
    va_start(args, format);
    assert_true((size_t)vsnprintf(event->stack + used, sizeof event->stack - used, format, args) <
                sizeof event->stack - used);
    va_end(args);
}

/* How many of the last frames the enclosing throwable has as well. */
static size_t common_frames(const struct json *frames, const struct json *outer)
{
    size_t common = 0;
    while (outer && common < frames->count && common < outer->count) {
        const struct json *a = frames->first, *b = outer->first;
        for (size_t i = common + 1; i < frames->count; i++) a = a->next;
        for (size_t i = common + 1; i < outer->count; i++) b = b->next;
        if (strcmp(a->text, b->text) != 0) break;
        common++;
    }
    return common;
}

/* A throwable as logback prints it. */
static void append_throwable(struct event *event, const struct json *error,
                             const struct json *outer, const char *indent)
{
    const char *message = json_text(error, "message");
    const struct json *frames = json_member(error, "frames"),
                      *suppressed = json_member(error, "suppressed");
    const struct json *cause = json_member(error, "cause");
    const size_t common = common_frames(frames, outer);
    append_text(event, "%s%s%s\n", json_text(error, "class"), message ? ": " : "",
                message ? message : "");
    const struct json *frame = frames->first;
    for (size_t i = 0; i + common < frames->count; i++, frame = frame->next) {
        append_text(event, "%s\tat %s\n", indent, frame->text);
    }
    if (common) append_text(event, "%s\t... %zu common frames omitted\n", indent, common);
    for (const struct json *one = suppressed ? suppressed->first : NULL; one; one = one->next) {
        append_text(event, "\tSuppressed: ");
        append_throwable(event, one, frames, "\t");
    }
    if (cause) {
        append_text(event, "%sCaused by: ", indent);
        append_throwable(event, cause, frames, indent);
    }
}

static void set_error(struct event *event, const struct json *error)
{
    const bool has_frames = json_member(error, "frames")->count > 0;
    event->stack[0] = '\0';
    append_throwable(event, error, NULL, "");
    event->error[0] = weft_str("type", json_text(error, "class"));
    event->error[1] = weft_str("message", json_text(error, "message"));
    event->error[2] = weft_str("stack_trace", has_frames ? event->stack : NULL);
    event->fields[event->record.field_count++] = weft_error_field_(event->error);
}

static void set_fields(struct event *event, const struct json *json)
{
    const struct json *mdc = json_member(json, "mdc"), *kv = json_member(json, "kv");
    weft_field pairs[EVENT_PAIRS_MAX];
    size_t count = 0;
    for (const struct json *pair = mdc ? mdc->first : NULL; pair; pair = pair->next) {
        pairs[count++] = weft_strn(pair->first->text, pair->last->text, pair->last->size);
    }
    event->mdc = harness_pairs(pairs, count);
    event->record.mdc = event->mdc->pairs;
    event->record.mdc_count = event->mdc->count;
    for (const struct json *pair = kv ? kv->first : NULL; pair; pair = pair->next) {
        event->fields[event->record.field_count++] = event_field(pair->first->text, pair->last);
    }
    if (json_member(json, "exception")) set_error(event, json_member(json, "exception"));
    event->record.fields = event->fields;
}

/* Fill the event; what it points to is the JSON's. free(event->mdc) afterwards. */
static void event_init(struct event *event, const struct json *json)
{
    memset(event, 0, sizeof *event);
    event->record.struct_size = sizeof event->record;
    event->record.time_ns = parse_time(json_text(json, "time"));
    event->record.level = parse_level(json_text(json, "level"));
    event->record.logger = json_text(json, "logger");
    event->record.logger_size = json_member(json, "logger")->size;
    event->record.thread = json_text(json, "thread");
    event->record.thread_size = json_member(json, "thread")->size;
    event->record.message = json_text(json, "message");
    event->record.message_size = json_member(json, "message")->size;
    set_fields(event, json);
}

/* Take the text of each MDC entry out of the line; each must be there once. */
static void remove_mdc(char *line, const struct event *event, const char *id)
{
    for (size_t i = 0; i < event->record.mdc_count; i++) {
        char text[256];
        const weft_field *field = &event->record.mdc[i].field;
        const int size =
            snprintf(text, sizeof text, "\"%s\":\"%s\"", field->key, (const char *)field->v.p);
        char *at = strstr(line, text);
        if (!at) fail_msg("%s: no %s in %s", id, text, line);
        memmove(at, at + size, strlen(at + size) + 1);
    }
}

/* Surrogate escapes as the characters that they mean, which weft writes as they are. */
static void unescape_surrogates(char *line)
{
    for (char *at = line;
         (at = strstr(at, "\\uD8")) != NULL || (at = strstr(line, "\\uDB")) != NULL;) {
        unsigned high, low;
        if (sscanf(at, "\\u%4x\\u%4x", &high, &low) != 2) return;
        const unsigned code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        at[0] = (char)(0xf0 | code >> 18);
        at[1] = (char)(0x80 | (code >> 12 & 63));
        at[2] = (char)(0x80 | (code >> 6 & 63));
        at[3] = (char)(0x80 | (code & 63));
        memmove(at + 4, at + 12, strlen(at + 12) + 1);
        at = line;
    }
}

/*
 * An event that is not compared as it stands: `line` is what weft prints instead, NULL: it has no
 * counterpart.
 */
struct exception_to_the_rule {
    const char *id, *reason, *line;
};

struct golden {
    const char *file, *format, *options_key, *options_value;
    const struct exception_to_the_rule *exceptions; /* ends with an id of NULL */
    bool fields_are_dropped; /* the original prints no key-values: weft's stand behind the rest */
};

static const struct exception_to_the_rule *find_exception(const struct golden *golden,
                                                          const char *id)
{
    const struct exception_to_the_rule *exception = golden->exceptions;
    while (exception->id && strcmp(exception->id, id) != 0) exception++;
    return exception->id ? exception : NULL;
}

static void compare(const struct golden *golden, const struct event *event, const char *id,
                    char *expected, const char *line)
{
    char *ours = json_copy(line, strlen(line) - 1);
    remove_mdc(expected, event, id);
    remove_mdc(ours, event, id);
    unescape_surrogates(expected);
    size_t size = strlen(expected) + 1;
    if (golden->fields_are_dropped && strncmp(id, "kv-", 3) == 0) {
        assert_memory_equal(expected + size - 2, "}", 1);
        assert_int_equal(ours[size - 2], ',');
        size -= 2;
    }
    if (strncmp(expected, ours, size) != 0)
        fail_msg("%s:\nexpected %s\nbut got  %s", id, expected, ours);
    free(ours);
}

/* The line of an id in a file of id, tab, line; a copy: free. */
static char *find_line(const char *file, const char *id)
{
    const size_t size = strlen(id);
    for (const char *at = file; *at; at = strchr(at, '\n') + 1) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        if (strncmp(at, id, size) == 0 && at[size] == '\t') {
            return json_copy(at + size + 1, (size_t)(end - at) - size - 1);
        }
    }
    fail_msg("no golden line for %s", id);
    return NULL;
}

static void check_event(const struct golden *golden, struct harness *harness, const char *file,
                        const struct json *json)
{
    struct event event;
    const char *id = json_text(json, "id");
    char *expected = find_line(file, id);
    const struct exception_to_the_rule *exception = find_exception(golden, id);
    if (exception && !exception->line) {
        print_message("left out: %s (%s)\n", id, exception->reason);
        free(expected);
        return;
    }
    event_init(&event, json);
    const char *line = harness_line(harness, &event.record, NULL);
    if (exception) {
        free(expected);
        expected = json_copy(exception->line, strlen(exception->line));
        event.record.mdc_count = 0; /* nothing is taken out: the whole line is given */
    }
    compare(golden, &event, id, expected, line);
    free(event.mdc);
    free(expected);
}

/* Every exception must be an event, or the list has rotted. */
static void check_exceptions(const struct golden *golden, const char *events)
{
    for (const struct exception_to_the_rule *one = golden->exceptions; one->id; one++) {
        char text[128];
        snprintf(text, sizeof text, "{\"id\":\"%s\"", one->id);
        if (!strstr(events, text)) fail_msg("%s is no event", one->id);
    }
}

static void check_golden(const struct golden *golden)
{
    struct harness harness;
    const struct weft_options_kv kv[] = {{golden->options_key, golden->options_value},
                                         {NULL, NULL}};
    const struct weft_encoder_options options = {.options = kv};
    char *events = read_file("events.jsonl"), *file = read_file(golden->file);
    size_t count = 0;
    harness_open(&harness, golden->format, &options);
    check_exceptions(golden, events);
    for (char *at = events; *at;) {
        char *end = strchr(at, '\n');
        if (!end) end = at + strlen(at);
        struct json *json = json_read(at, (size_t)(end - at));
        assert_non_null(json);
        check_event(golden, &harness, file, json);
        json_free(json);
        count++;
        at = *end ? end + 1 : end;
    }
    assert_true(count >= 70);
    harness_close(&harness);
    free(events);
    free(file);
}

#endif
