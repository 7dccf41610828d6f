/*
 * Random records that are likely to cause trouble: random bytes in every text, names that collide
 * with each other and with the formats' own, nesting, extreme numbers. Everything lies in the
 * record's own memory.
 */
#ifndef TESTS_PROPERTY_RANDOM_RECORD_H
#define TESTS_PROPERTY_RANDOM_RECORD_H

#include "tests/support/encode_harness.h"
#include <math.h>

#define RANDOM_FIELDS_MAX 24
#define RANDOM_MEMORY     (1 << 16)

struct random_record {
    struct weft_record record;
    weft_field fields[RANDOM_FIELDS_MAX], bound[4], mdc[8];
    struct weftp_pair_set *bound_set, *mdc_set;
    struct weft_trace trace;
    size_t used;
    char memory[RANDOM_MEMORY]; /* texts and children */
};

static uint64_t random_state;

static uint64_t random_bits(void)
{
    uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t random_below(size_t limit)
{
    return (size_t)(random_bits() % limit);
}

static void *random_take(struct random_record *r, size_t size)
{
    void *memory = r->memory + r->used;
    r->used += (size + 15) / 16 * 16;
    assert_true(r->used <= sizeof r->memory);
    return memory;
}

/* Bytes of which most are letters, some are anything, and some are well-formed UTF-8. */
static size_t random_text(char *to, size_t size)
{
    static const char *const parts[] = {"\xc3\xa9",
                                        "\xec\xa3\xbc",
                                        "\xf0\x9f\x98\x80",
                                        "\xc2\x85",
                                        "\xe2\x80\xa8",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xf0\x9f\x98",
                                        "\"",
                                        "\\",
                                        "\r\n",
                                        "\0"};
    const unsigned mood = (unsigned)random_below(4);
    size_t used = 0;
    while (used < size) {
        if (mood == 0 || random_below(8) == 0) {
            to[used++] = (char)random_bits();
        } else if (mood == 1 && random_below(3) == 0) {
            const char *part = parts[random_below(12)];
            const size_t part_size = *part ? strlen(part) : 1;
            if (used + part_size > size) break;
            memcpy(to + used, part, part_size);
            used += part_size;
        } else {
            to[used++] = (char)('a' + random_below(26));
        }
    }
    return used;
}

static const char *random_string(struct random_record *r, size_t size_max, size_t *size)
{
    char *text = random_take(r, size_max + 1);
    *size = random_text(text, random_below(size_max + 1));
    text[*size] = '\0';
    return text;
}

/*
 * Half of the records are ordinary: plain keys that seldom collide, which encoders have a short way
 * for.
 */
static bool random_is_ordinary;

static const char *ordinary_key(struct random_record *r)
{
    static const char *const words[] = {"order", "customer", "x",       "amount",
                                        "http",  "latency",  "request", "ok"};
    static const char *const ends[] = {
        "id", "count", "a", "name", "us", "total", "of_the_last_request", "z9"};
    char *key = random_take(r, 64);
    snprintf(key, 64, "%s_%s%zu", words[random_below(8)], ends[random_below(8)], random_below(9));
    return key;
}

static const char *random_key(struct random_record *r, size_t size_max)
{
    if (random_is_ordinary) return ordinary_key(r);
    static const char *const known[] = {"message",
                                        "@timestamp",
                                        "level",
                                        "log.level",
                                        "ecs.version",
                                        "trace.id",
                                        "span.id",
                                        "traceId",
                                        "spanId",
                                        "trace_id",
                                        "trace_flags",
                                        "dd.span_id",
                                        "logging.googleapis.com/trace",
                                        "labels",
                                        "labels.x",
                                        "custom",
                                        "service.name",
                                        "event.dataset",
                                        "timestamp",
                                        "thread",
                                        "logger",
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
                                        "a",
                                        "b",
                                        "a",
                                        "b",
                                        "a.b",
                                        "a_b",
                                        "a*b",
                                        "a\\b",
                                        "a_1",
                                        "b_1",
                                        "a_b_1",
                                        "_",
                                        "__1",
                                        "message_1",
                                        "level_1",
                                        "http.request.method",
                                        "http.response.status_code",
                                        "client.ip",
                                        "event.start",
                                        "event.risk_score",
                                        "process.pid",
                                        "url.path",
                                        "host.name",
                                        "region",
                                        "region_1",
                                        "truncated",
                                        "truncated_fields",
                                        "caller_line_number",
                                        "log.origin.file.line",
                                        "\xff",
                                        "\xfe"};
    static const char letters[] = "ab._*\\\"A1";
    const size_t kind = random_below(10);
    char *key = random_take(r, size_max + 1);
    if (kind < 5) return known[random_below(sizeof known / sizeof known[0])];
    size_t size = random_below(kind < 8 ? 5 : size_max + 1);
    if (kind < 8) {
        for (size_t i = 0; i < size; i++) key[i] = letters[random_below(sizeof letters - 1)];
    } else {
        size = random_text(key, size);
        for (size_t i = 0; i < size; i++) key[i] = key[i] ? key[i] : 'n';
    }
    key[size] = '\0';
    return key;
}

static double random_double(void)
{
    static const double picked[] = {
        0, -0.0, 1, 12.5, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 0.1, 1e7, 123456.789};
    const size_t kind = random_below(8);
    if (kind == 0) return (double)NAN;
    if (kind == 1) return random_below(2) ? (double)INFINITY : -(double)INFINITY;
    if (kind < 5) return picked[random_below(sizeof picked / sizeof picked[0])];
    const uint64_t bits = random_bits();
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int64_t random_integer(void)
{
    static const int64_t picked[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1 << 20, 99, 100, 10000};
    if (random_below(2)) return picked[random_below(sizeof picked / sizeof picked[0])];
    return (int64_t)(random_bits() >> random_below(64));
}

static weft_field random_field(struct random_record *r, unsigned depth, size_t key_max);

static weft_field random_container(struct random_record *r, unsigned depth, const char *key)
{
    const size_t count = random_below(4);
    weft_field *children = random_take(r, (count + 1) * sizeof *children);
    for (size_t i = 0; i < count; i++) children[i] = random_field(r, depth + 1, 12);
    children[count] = weft_end_();
    const bool unknown = random_below(2);
    if (random_below(2)) return weft_objn(key, children, unknown ? WEFT_SIZE_UNKNOWN_ : count);
    return weft_arrn(key, children, unknown ? WEFT_SIZE_UNKNOWN_ : count);
}

static weft_field random_json(const char *key)
{
    static const char *const texts[] = {"{\"a\":1,\"b\":[true,null]}",
                                        "[]",
                                        " 5 ",
                                        "\"text\\u00e9\"",
                                        "null",
                                        "[1.50,-0,1e400]",
                                        "{",
                                        "",
                                        "no json",
                                        "{\"a\":{\"a\":{\"a\":\"\\n\"}}}"};
    return weft_json(key, texts[random_below(sizeof texts / sizeof texts[0])]);
}

static weft_field random_error(struct random_record *r)
{
    weft_field *parts = random_take(r, 3 * sizeof *parts);
    static const char *const keys[] = {"type", "message", "stack_trace"};
    for (int i = 0; i < 3; i++) {
        size_t size;
        const char *text = random_string(r, 20, &size);
        parts[i] = random_below(3) ? weft_strn(keys[i], text, size) : weft_str(keys[i], NULL);
    }
    return weft_error_field_(parts);
}

static weft_field random_field(struct random_record *r, unsigned depth, size_t key_max)
{
    size_t size;
    const char *key = random_key(r, key_max);
    switch (random_below(depth < 3 ? 18 : 14)) {
    case 0: return weft_int(key, random_integer());
    case 1: return weft_uint(key, (uint64_t)random_integer());
    case 2: return weft_double(key, random_double());
    case 3: return weft_bool(key, random_below(2));
    case 4: return weft_null(key);
    case 5: {
        const char *bytes = random_string(r, 20, &size);
        return weft_bytes(key, bytes, size);
    }
    case 6: return random_json(key);
    case 7:
        return weft_time(
            key, (struct timespec){(time_t)(random_bits() >> 31), (long)random_below(1000000000)});
    case 8: return weft_duration_ns(key, random_integer());
    case 9: return weft_errno(key, (int)random_below(140));
    case 10: return weft_none();
    case 11: return weft_str(key, NULL);
    case 14:
    case 15: return random_container(r, depth, key);
    case 16: return depth == 0 ? random_error(r) : weft_null(key);
    default: {
        const char *text = random_string(r, 40, &size);
        return weft_strn(random_below(20) ? key : NULL, text, size);
    }
    }
}

static struct weftp_pair_set *random_pairs(struct random_record *r, weft_field *fields,
                                           size_t count)
{
    for (size_t i = 0; i < count; i++) fields[i] = random_field(r, 1, 40);
    return harness_pairs(fields, count);
}

/* Places in the source, more than an encoder would remember. */
static weft_site random_sites[4096];

static const weft_site *random_site(void)
{
    weft_site *site = &random_sites[random_below(sizeof random_sites / sizeof random_sites[0])];
    *site = (weft_site){.file = "a.c", .func = "f", .line = 7};
    return site;
}

/* The next record from the same place: the same keys and types, other values. */
static void random_record_vary(struct random_record *r)
{
    for (size_t i = 0; i < r->record.field_count; i++) {
        weft_field *field = &r->fields[i];
        size_t size = field->size;
        if (random_below(4) == 0) continue;
        if (field->type == WEFT_TYPE_INT) field->v.i = random_integer();
        if (field->type == WEFT_TYPE_UINT) field->v.u = (uint64_t)random_integer();
        if (field->type == WEFT_TYPE_DOUBLE) field->v.d = random_double();
        if (field->type == WEFT_TYPE_BOOL) field->v.u = random_below(2);
        if (field->type == WEFT_TYPE_STR) field->v.p = random_string(r, 40, &size);
        field->size = (uint32_t)size;
    }
}

static void random_record_init(struct random_record *r)
{
    size_t size;
    const size_t count = random_below(RANDOM_FIELDS_MAX);
    r->used = 0;
    random_is_ordinary = random_below(2);
    memset(&r->record, 0, sizeof r->record);
    struct weft_record *record = &r->record;
    record->struct_size = sizeof *record;
    record->time_ns = random_below(20) ? (int64_t)(random_bits() >> 2) : random_integer();
    record->level = (int)random_below(26);
    record->message = random_string(r, 120, &size);
    record->message_size = size;
    record->logger = random_string(r, 40, &size);
    record->logger_size = size;
    record->thread = random_string(r, 10, &size);
    record->thread_size = size;
    for (size_t i = 0; i < count; i++) r->fields[i] = random_field(r, 0, 40);
    record->fields = r->fields;
    record->field_count = count;
    r->bound_set = random_pairs(r, r->bound, random_below(4));
    r->mdc_set = random_pairs(r, r->mdc, random_below(8));
    record->bound = r->bound_set->pairs;
    record->bound_count = r->bound_set->count;
    record->mdc = r->mdc_set->pairs;
    record->mdc_count = r->mdc_set->count;
    r->trace = (struct weft_trace){"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "", 1};
    if (random_below(3) == 0) r->trace.span_id[0] = '\0';
    if (random_below(3)) record->trace = &r->trace;
    if (random_below(3)) record->site = random_site();
}

static void random_record_deinit(struct random_record *r)
{
    free(r->bound_set);
    free(r->mdc_set);
}

#endif
