/*
 * Random records, with random bytes in every string and nested fields, for property tests. All
 * memory is in the object; a seed gives the same record on every machine.
 */
#ifndef TEST_SUPPORT_RANDOM_RECORD_H
#define TEST_SUPPORT_RANDOM_RECORD_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <weft/sys/encoder.h>

#include "src/record/pair.h"

struct random_record {
    struct weft_record record;
    weft_site site;
    struct weft_trace trace;
    struct weftp_pair_set *bound, *mdc; /* owned */
    uint64_t seed;
    size_t used;
    _Alignas(16) char memory[256 * 1024];
};

static inline uint32_t random_below(struct random_record *r, uint32_t n)
{
    r->seed = r->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((r->seed >> 33) % n);
}

static inline void *random_memory(struct random_record *r, size_t size)
{
    const size_t rounded = (size + 15) / 16 * 16;
    if (rounded > sizeof r->memory - r->used) abort();
    void *p = r->memory + r->used;
    r->used += rounded;
    return p;
}

/*
 * Mostly letters, sometimes any bytes; sometimes long. Ends with a NUL; has others only with `any`.
 */
static inline char *random_text(struct random_record *r, size_t *size, bool any)
{
    const uint32_t kind = random_below(r, 16);
    *size = kind == 0 ? 0 : kind == 1 ? random_below(r, 1500) : random_below(r, 30);
    char *text = random_memory(r, *size + 1);
    const bool letters = random_below(r, 3) != 0;
    for (size_t i = 0; i < *size; i++) {
        text[i] = (char)(letters ? 'a' + random_below(r, 26) : random_below(r, 256));
        if (!any && text[i] == '\0') text[i] = '0';
    }
    text[*size] = '\0';
    return text;
}

static inline const char *random_key(struct random_record *r)
{
    static const char *const taken[] = {"message", "@timestamp", "level",       "log.level",
                                        "a",       "trace.id",   "ecs.version", ""};
    size_t size;
    const uint32_t kind = random_below(r, 12);
    if (kind == 0) return NULL;
    if (kind < 4) return taken[random_below(r, 8)];
    return random_text(r, &size, false);
}

static inline double random_double(struct random_record *r)
{
    static const double odd[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1e300, 5e-324, 12.5};
    return random_below(r, 2) ? odd[random_below(r, 8)] : (double)random_below(r, 1000000) / 1000;
}

static inline int64_t random_int(struct random_record *r)
{
    const uint32_t kind = random_below(r, 8);
    if (kind == 0) return INT64_MIN;
    if (kind == 1) return INT64_MAX;
    return (int64_t)random_below(r, 2000000) - 1000000;
}

static inline weft_field *random_fields(struct random_record *r, uint32_t *count, unsigned depth);

/* Objects and arrays: known size, with an END, with an END before their size, NULL. */
static inline weft_field random_container(struct random_record *r, weft_type type, unsigned depth)
{
    uint32_t count = 0;
    weft_field field = weft_field_(random_key(r), type, 0);
    const uint32_t kind = random_below(r, 8);
    if (kind == 0) return field;
    weft_field *children = random_fields(r, &count, depth + 1);
    field.v.f = children;
    field.size = kind < 5 ? count : WEFT_SIZE_UNKNOWN_;
    if (type == WEFT_TYPE_ERROR) {
        static const char *const names[] = {"type", "message", "stack_trace"};
        for (uint32_t i = 0; i < 3; i++)
            children[i] = weft_str(names[i], random_below(r, 4) ? "text\nof it" : NULL);
        field.key = "error";
        field.size = 3;
    }
    return field;
}

static inline weft_field random_field(struct random_record *r, unsigned depth)
{
    static const char *const json[] = {"{\"a\":[1,2,{}]}", "[", "1e400", "\"x\"",
                                       "{\"k\":1,\"k\":2}"};
    size_t size;
    const weft_type type = (weft_type)random_below(r, WEFT_TYPE_ERROR + 1);
    const char *key = random_key(r);
    switch (type) {
    case WEFT_TYPE_NONE: return weft_none();
    case WEFT_TYPE_STR:
        if (random_below(r, 10) == 0) return weft_str(key, NULL);
        if (random_below(r, 2)) return weft_str(key, random_text(r, &size, false));
        const char *text = random_text(r, &size, true);
        return weft_strn(key, text, size);
    case WEFT_TYPE_UINT: return weft_uint(key, UINT64_MAX - random_below(r, 3));
    case WEFT_TYPE_DOUBLE: return weft_double(key, random_double(r));
    case WEFT_TYPE_BOOL: return weft_bool(key, random_below(r, 2));
    case WEFT_TYPE_NULL: return weft_null(key);
    case WEFT_TYPE_BYTES:
        if (random_below(r, 10) == 0) return weft_bytes(key, NULL, 0);
        const char *bytes = random_text(r, &size, true);
        return weft_bytes(key, bytes, size);
    case WEFT_TYPE_JSON:
        return weft_json(key, random_below(r, 6) ? json[random_below(r, 5)] : NULL);
    case WEFT_TYPE_TIME: {
        const struct timespec when = {(time_t)random_int(r), (long)random_below(r, 1000000000)};
        return weft_time(key, when);
    }
    case WEFT_TYPE_DURATION: return weft_duration_ns(key, random_int(r));
    case WEFT_TYPE_ERRNO: return weft_errno(key, (int)random_below(r, 150));
    case WEFT_TYPE_OBJ:
    case WEFT_TYPE_ARR:
    case WEFT_TYPE_ERROR:
        if (depth < 4) return random_container(r, type, depth);
        return weft_int(key, 1);
    case WEFT_TYPE_END_:
    case WEFT_TYPE_INT:
    default: return weft_int(key, random_int(r));
    }
}

/* An array that ends with an END behind its count, and has room for three at least. */
static inline weft_field *random_fields(struct random_record *r, uint32_t *count, unsigned depth)
{
    *count = random_below(r, depth ? 5 : 12);
    weft_field *fields = random_memory(r, (*count + 4) * sizeof *fields);
    for (uint32_t i = 0; i < *count; i++) fields[i] = random_field(r, depth);
    for (uint32_t i = *count; i < *count + 4; i++) fields[i] = weft_end_();
    return fields;
}

static inline struct weftp_pair_set *random_pairs(struct random_record *r)
{
    static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;
    struct weftp_pair_set *set = NULL;
    uint32_t count;
    const weft_field *fields = random_fields(r, &count, 1);
    if (weftp_pairs_put(&set, NULL, fields, count, &limits, NULL) != WEFT_OK) abort();
    return set;
}

/* Make the record of a seed. Give back with random_record_free. */
static inline struct random_record *random_record_make(uint64_t seed)
{
    static const int levels[] = {1, 5, 9, 13, 17, 21, 10};
    struct random_record *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->seed = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    struct weft_record *record = &r->record;
    uint32_t count;
    record->struct_size = sizeof *record;
    record->time_ns = random_below(r, 2) ? INT64_C(1795328954123456789) : random_int(r);
    record->pid = random_below(r, 100000);
    record->tid = random_below(r, 100000);
    record->level = levels[random_below(r, 7)];
    record->flags = random_below(r, 2) ? WEFT_CONST_MSG_ : 0;
    record->logger = random_text(r, &record->logger_size, true);
    record->thread = random_text(r, &record->thread_size, true);
    record->message = random_text(r, &record->message_size, true);
    if (random_below(r, 2)) {
        r->site = (weft_site){"dir/file \"x\".c", "function", random_below(r, 1000), 9, 0, 77, 0};
        record->site = &r->site;
    }
    if (random_below(r, 2)) {
        memcpy(r->trace.trace_id, "0af7651916cd43dd8448eb211c80319c", 33);
        memcpy(r->trace.span_id, "b7ad6b7169203331", 17);
        r->trace.flags = (uint8_t)random_below(r, 4);
        record->trace = &r->trace;
    }
    if (random_below(r, 3)) {
        r->bound = random_pairs(r);
        record->bound = r->bound->pairs;
        record->bound_count = r->bound->count;
    }
    if (random_below(r, 3)) {
        r->mdc = random_pairs(r);
        record->mdc = r->mdc->pairs;
        record->mdc_count = r->mdc->count;
    }
    record->fields = random_fields(r, &count, 0);
    record->field_count = count;
    return r;
}

static inline void random_record_free(struct random_record *r)
{
    weftp_pairs_unref(r->bound);
    weftp_pairs_unref(r->mdc);
    free(r);
}

#endif
