/*
 * What a line should say, worked out without the library's own code: names by trying one after the
 * other, texts by a UTF-8 decoder of its own, numbers through the C library. Compared with what
 * yajl read.
 */
#ifndef TESTS_PROPERTY_MODEL_H
#define TESTS_PROPERTY_MODEL_H

#include "src/encode/ecs_names.h"
#include "tests/support/json_model.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <weft/sys/encoder.h>

struct text {
    char *bytes;
    size_t size;
};

/* How many bytes at `at` are a sequence (*good) or are to be replaced by one U+FFFD. */
static size_t utf8_piece(const unsigned char *at, size_t left, bool *good)
{
    unsigned low = 0x80, high = 0xbf, more;
    *good = true;
    if (at[0] < 0x80) return 1;
    *good = false;
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        more = 1;
    else if (at[0] >= 0xe0 && at[0] <= 0xef)
        more = 2;
    else if (at[0] >= 0xf0 && at[0] <= 0xf4)
        more = 3;
    else
        return 1;
    if (at[0] == 0xe0) low = 0xa0;
    if (at[0] == 0xed) high = 0x9f;
    if (at[0] == 0xf0) low = 0x90;
    if (at[0] == 0xf4) high = 0x8f;
    for (size_t i = 1; i <= more; i++) {
        if (i == left || at[i] < low || at[i] > high) return i;
        low = 0x80;
        high = 0xbf;
    }
    *good = true;
    return more + 1;
}

static struct text model_repair(const char *bytes, size_t size)
{
    struct text text = {malloc(3 * size + 16), 0};
    assert_non_null(text.bytes);
    for (size_t i = 0; i < size;) {
        bool good;
        const size_t piece = utf8_piece((const unsigned char *)bytes + i, size - i, &good);
        memcpy(text.bytes + text.size, good ? bytes + i : "\xef\xbf\xbd", good ? piece : 3);
        text.size += good ? piece : 3;
        i += piece;
    }
    text.bytes[text.size] = '\0';
    return text;
}

enum object { OBJECT_TOP, OBJECT_MDC, OBJECT_LABELS, OBJECT_NUMBERS, OBJECT_CUSTOM };
static const char *const object_names[] = {NULL, "mdc", "labels", "numeric_labels", "custom"};

/* A member that the line must have. */
struct want {
    enum object object;
    struct text key;
    const weft_field *value; /* NULL: anything */
    bool as_string;
    bool lost;
};

#define WANTS_MAX 128
/* The names of the trace's parts, of which the second is there with a span alone. */
struct trace_names {
    const char *option, *parts[3];
};

struct model {
    const char *format;
    bool mdc_strings, source;
    const struct trace_names *trace;
    struct want wants[WANTS_MAX];
    size_t count;
    weft_field own[16]; /* values of the format's own members */
    size_t own_count;
};

static bool is_taken(const struct model *model, const struct want *want)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct want *other = &model->wants[i];
        if (other == want || other->lost || other->object != want->object) continue;
        if (other->key.size == want->key.size &&
            memcmp(other->key.bytes, want->key.bytes, want->key.size) == 0) {
            return true;
        }
    }
    return false;
}

static struct want *add_want(struct model *model, enum object object, struct text key,
                             const weft_field *value)
{
    assert_true(model->count < WANTS_MAX);
    struct want *want = &model->wants[model->count];
    *want = (struct want){.object = object, .key = key, .value = value};
    want->lost = is_taken(model, want);
    model->count++;
    return want;
}

/* One of the format's own members. */
static void add_own(struct model *model, enum object object, const char *key,
                    const weft_field *value)
{
    const weft_field *copy = NULL;
    if (value) {
        model->own[model->own_count] = *value;
        copy = &model->own[model->own_count++];
    }
    add_want(model, object, model_repair(key, strlen(key)), copy);
}

static bool is_null(const weft_field *field)
{
    const bool pointer = field->type == WEFT_TYPE_STR || field->type == WEFT_TYPE_JSON ||
                         field->type == WEFT_TYPE_BYTES;
    return field->type == WEFT_TYPE_NULL || (pointer && !field->v.p);
}

static bool is_number(const weft_field *field)
{
    return field->type == WEFT_TYPE_INT || field->type == WEFT_TYPE_UINT ||
           field->type == WEFT_TYPE_DURATION ||
           (field->type == WEFT_TYPE_DOUBLE && isfinite(field->v.d));
}

static enum object group_of_value(const weft_field *field, bool as_string)
{
    if (as_string) return OBJECT_LABELS;
    if (is_number(field)) return OBJECT_NUMBERS;
    const uint8_t type = field->type;
    const bool nested = type == WEFT_TYPE_OBJ || type == WEFT_TYPE_ARR || type == WEFT_TYPE_JSON ||
                        type == WEFT_TYPE_ERRNO || type == WEFT_TYPE_ERROR;
    return nested ? OBJECT_CUSTOM : OBJECT_LABELS;
}

/* Whether ECS defines the name with a type that the value has. */
static bool is_of_the_schema(const struct text *key, const weft_field *field)
{
    const struct weftp_known_field *known = weftp_ecs_names;
    while (known->name && strcmp(known->name, key->bytes) != 0) known++;
    if (!known->name || strlen(known->name) != key->size) return false;
    const bool small =
        field->type == WEFT_TYPE_INT || (field->type == WEFT_TYPE_UINT && field->v.u <= INT64_MAX);
    if (known->type == 'l') return small;
    if (known->type == 'f') return is_number(field) && field->type != WEFT_TYPE_DURATION;
    if (known->type == 'd') return field->type == WEFT_TYPE_TIME;
    if (known->type == 'k' && field->type == WEFT_TYPE_ARR) {
        for (uint32_t i = 0; field->v.f[i].type != WEFT_TYPE_END_;
             i++) { /* these arrays always have an END */
            const weft_field *item = &field->v.f[i];
            if (item->type != WEFT_TYPE_NONE && (item->type != WEFT_TYPE_STR || !item->v.p))
                return false;
        }
        return true;
    }
    return known->type == 'k' && field->type == WEFT_TYPE_STR &&
           field->v.p; /* no random text is an address */
}

static void add_field(struct model *model, const weft_field *field, bool of_mdc)
{
    const bool ecs = strcmp(model->format, "ecs") == 0;
    const char *key = field->key && *field->key ? field->key : "_";
    struct text text = model_repair(key, strlen(key));
    enum object object = OBJECT_TOP;
    const bool as_string = of_mdc && model->mdc_strings && !is_null(field);
    if (strcmp(model->format, "logstash") == 0 && is_null(field)) {
        free(text.bytes);
        return;
    }
    if (ecs && is_of_the_schema(&text, field)) {
        struct want *want = add_want(model, OBJECT_TOP, text, field);
        if (!want->lost) return;
        model->count--;
    }
    if (ecs) {
        object = group_of_value(field, as_string);
        for (size_t i = 0; i < text.size; i++) {
            if (strchr(".*\\", text.bytes[i]) && text.bytes[i]) text.bytes[i] = '_';
        }
    } else if (of_mdc && strcmp(model->format, "logback") == 0) {
        object = OBJECT_MDC;
    }
    add_want(model, object, text, field)->as_string = as_string;
}

/* Those who lost their name get the first free one, in order. */
static void rename_lost(struct model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        struct want *want = &model->wants[i];
        if (!want->lost) continue;
        const size_t size = want->key.size;
        for (unsigned n = 1; want->lost; n++) {
            want->key.size = size + (size_t)snprintf(want->key.bytes + size, 8, "_%u", n);
            want->lost = is_taken(model, want);
        }
    }
}

static bool is_text(const struct json *json, const char *bytes, size_t size)
{
    struct text text = model_repair(bytes, size);
    const bool same = json->kind == JSON_STRING && json->size == text.size &&
                      memcmp(json->text, text.bytes, text.size) == 0;
    free(text.bytes);
    return same;
}

static bool is_number_text(const struct json *json, bool as_string, const char *text)
{
    return json->kind == (as_string ? JSON_STRING : JSON_NUMBER) && strcmp(json->text, text) == 0;
}

static bool is_double(const struct json *json, bool as_string, double value)
{
    if (!isfinite(value)) {
        const char *word = isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        return json->kind == JSON_STRING && strcmp(json->text, word) == 0;
    }
    if (json->kind != (as_string ? JSON_STRING : JSON_NUMBER)) return false;
    char *end;
    const double read = strtod(json->text, &end);
    return memcmp(&read, &value, sizeof read) == 0 && *end == '\0';
}

static bool is_base64(const struct json *json, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[64];
    size_t used = 0;
    for (size_t i = 0; i < size; i += 3) {
        const unsigned left = (unsigned)(size - i < 3 ? size - i : 3);
        unsigned group = (unsigned)bytes[i] << 16;
        if (left > 1) group |= (unsigned)bytes[i + 1] << 8;
        if (left > 2) group |= bytes[i + 2];
        for (unsigned j = 0; j < 4; j++)
            text[used++] = j > left ? '=' : digits[group >> (18 - 6 * j) & 63];
    }
    return is_text(json, text, used);
}

static bool is_duration(const struct json *json, bool as_string, int64_t ns)
{
    char text[64];
    const uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    snprintf(text, sizeof text, "%s%" PRIu64 ".%06" PRIu64, ns < 0 ? "-" : "", size / 1000000,
             size % 1000000);
    for (size_t end = strlen(text); text[end - 1] == '0'; end--) text[end - 1] = '\0';
    if (text[strlen(text) - 1] == '.') text[strlen(text) - 1] = '\0';
    return is_number_text(json, as_string, text);
}

static bool is_time(const struct json *json, const struct model *model, bool as_string,
                    const weft_field *field)
{
    char text[64];
    if (strcmp(model->format, "logstash") == 0) {
        snprintf(text, sizeof text, "%" PRId64 ".%09" PRIu32, field->v.i, field->size);
        return is_number_text(json, as_string, text);
    }
    struct tm tm;
    const time_t second = (time_t)field->v.i;
    assert_non_null(gmtime_r(&second, &tm));
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06" PRIu32 "Z", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, field->size / 1000);
    return is_text(json, text, strlen(text));
}

static bool is_value(const struct json *json, const struct model *model, bool as_string,
                     const weft_field *field);

/* Children in their order; of an object, keys that are the child's or begin with it. */
static bool are_children(const struct json *json, const struct model *model,
                         const weft_field *field)
{
    const struct json *child = json->first;
    for (uint32_t i = 0; field->size == WEFT_SIZE_UNKNOWN_ || i < field->size; i++) {
        const weft_field *at = &field->v.f[i];
        if (at->type == WEFT_TYPE_END_) break;
        if (at->type == WEFT_TYPE_NONE || (field->type == WEFT_TYPE_ERROR && is_null(at))) continue;
        if (!child || !is_value(child, model, false, at)) return false;
        if (json->kind == JSON_OBJECT) {
            const char *key = at->key && *at->key ? at->key : "_";
            struct text text = model_repair(key, strlen(key));
            const bool same = child->key_size >= text.size &&
                              memcmp(child->key, text.bytes, text.size) == 0 &&
                              (child->key_size == text.size || child->key[text.size] == '_');
            free(text.bytes);
            if (!same) return false;
        }
        child = child->next;
    }
    return child == NULL;
}

static bool same_tree(const struct json *a, const struct json *b)
{
    if (a->kind != b->kind || a->count != b->count || a->size != b->size) return false;
    if (a->text && memcmp(a->text, b->text, a->size) != 0) return false;
    const struct json *x = a->first, *y = b->first;
    for (; x; x = x->next, y = y->next) {
        if ((x->key && strcmp(x->key, y->key) != 0) || !same_tree(x, y)) return false;
    }
    return true;
}

/* Raw JSON, or the text of what is none. */
static bool is_raw(const struct json *json, const weft_field *field)
{
    struct json *given = json_read(field->v.p, strlen(field->v.p));
    if (!given) return is_text(json, field->v.p, strlen(field->v.p));
    const bool same = same_tree(json, given);
    json_free(given);
    return same;
}

/* A container or raw value that is printed as a string: that string is its JSON. */
static bool is_quoted(const struct json *json, const struct model *model, const weft_field *field)
{
    if (json->kind != JSON_STRING) return false;
    struct json *inner = json_read(json->text, json->size);
    const bool same =
        inner ? is_value(inner, model, false, field)
              : field->type == WEFT_TYPE_JSON; /* no JSON, or a string: is_value has seen that */
    json_free(inner);
    return same;
}

static bool is_container(const struct json *json, const struct model *model,
                         const weft_field *field)
{
    const bool array = field->type == WEFT_TYPE_ARR;
    return json->kind == (array ? JSON_ARRAY : JSON_OBJECT) && are_children(json, model, field);
}

static bool is_errno(const struct json *json, const weft_field *field)
{
    char code[24];
    snprintf(code, sizeof code, "%" PRId64, field->v.i);
    const char *text = json->kind == JSON_OBJECT ? json_text(json, "code") : NULL;
    return text && strcmp(text, code) == 0 && json_text(json, "text");
}

static bool is_value(const struct json *json, const struct model *model, bool as_string,
                     const weft_field *field)
{
    char text[32];
    if (is_null(field)) return json->kind == JSON_NULL;
    switch ((enum weft_type)field->type) {
    case WEFT_TYPE_STR: return is_text(json, field->v.p, field->size);
    case WEFT_TYPE_INT: snprintf(text, sizeof text, "%" PRId64, field->v.i); break;
    case WEFT_TYPE_UINT: snprintf(text, sizeof text, "%" PRIu64, field->v.u); break;
    case WEFT_TYPE_DOUBLE: return is_double(json, as_string, field->v.d);
    case WEFT_TYPE_BOOL:
        if (as_string) return is_text(json, field->v.u ? "true" : "false", field->v.u ? 4 : 5);
        return json->kind == (field->v.u ? JSON_TRUE : JSON_FALSE);
    case WEFT_TYPE_BYTES: return is_base64(json, field->v.p, field->size);
    case WEFT_TYPE_TIME: return is_time(json, model, as_string, field);
    case WEFT_TYPE_DURATION: return is_duration(json, as_string, field->v.i);
    case WEFT_TYPE_JSON:
        return (!as_string || json->text) &&
               (is_raw(json, field) || (as_string && is_quoted(json, model, field)));
    case WEFT_TYPE_ERRNO: return as_string ? is_quoted(json, model, field) : is_errno(json, field);
    case WEFT_TYPE_OBJ:
    case WEFT_TYPE_ARR:
    case WEFT_TYPE_ERROR:
        return as_string ? is_quoted(json, model, field) : is_container(json, model, field);
    case WEFT_TYPE_NULL:
    case WEFT_TYPE_NONE:
    case WEFT_TYPE_END_: return false;
    }
    return is_number_text(json, as_string, text);
}

static const struct json *find_member(const struct json *object, const struct text *key)
{
    for (const struct json *child = object ? object->first : NULL; child; child = child->next) {
        if (child->key_size == key->size && memcmp(child->key, key->bytes, key->size) == 0)
            return child;
    }
    return NULL;
}

/*
 * All that is wanted is there, and nothing else. Returns the key that is not as it should be; NULL:
 * all is well.
 */
static const char *model_compare(const struct model *model, const struct json *json)
{
    size_t counts[5] = {0};
    for (size_t i = 0; i < model->count; i++) {
        const struct want *want = &model->wants[i];
        const struct json *object =
            want->object ? json_member(json, object_names[want->object]) : json;
        const struct json *member = find_member(object, &want->key);
        if (!member || (want->value && !is_value(member, model, want->as_string, want->value)))
            return want->key.bytes;
        counts[want->object]++;
    }
    for (int i = 1; i < 5; i++) {
        if (!counts[i]) continue;
        if (json_member(json, object_names[i])->count != counts[i]) return object_names[i];
        const bool wanted = i == OBJECT_MDC; /* "mdc" is among the reserved names already */
        if (!wanted) counts[OBJECT_TOP]++;
    }
    return json->count == counts[OBJECT_TOP] ? NULL : "(one too many at the top level)";
}

static void model_free(struct model *model)
{
    for (size_t i = 0; i < model->count; i++) free(model->wants[i].key.bytes);
    model->count = model->own_count = 0;
}

#endif
