/*
 * JSON text as a tree, read by yajl: an independent reader of what weft writes. Keys that stand
 * twice in an object are found. For tests; failures abort through cmocka.
 */
#ifndef TESTS_SUPPORT_JSON_MODEL_H
#define TESTS_SUPPORT_JSON_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include <cmocka.h>

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_kind kind;
    char *text; /* of a string or number; NUL-terminated as well */
    size_t size;
    char *key; /* of a member of an object */
    size_t key_size;
    struct json *parent, *first, *last, *next; /* children in order */
    size_t count;
};

struct json_reader {
    struct json *root, *open;
    char *key;
    size_t key_size;
};

__attribute__((unused)) static void json_free(struct json *json)
{
    if (!json) return;
    for (struct json *child = json->first, *next; child; child = next) {
        next = child->next;
        json_free(child);
    }
    free(json->text);
    free(json->key);
    free(json);
}

static inline char *json_copy(const void *text, size_t size)
{
    char *copy = malloc(size + 1);
    assert_non_null(copy);
    if (size) memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

static struct json *json_add(struct json_reader *reader, enum json_kind kind)
{
    struct json *json = calloc(1, sizeof *json);
    assert_non_null(json);
    json->kind = kind;
    json->key = reader->key;
    json->key_size = reader->key_size;
    reader->key = NULL;
    json->parent = reader->open;
    if (!reader->open) {
        reader->root = json;
        return json;
    }
    if (reader->open->last)
        reader->open->last->next = json;
    else
        reader->open->first = json;
    reader->open->last = json;
    reader->open->count++;
    return json;
}

static int json_on_null(void *reader)
{
    return json_add(reader, JSON_NULL) != NULL;
}
static int json_on_bool(void *reader, int value)
{
    return json_add(reader, value ? JSON_TRUE : JSON_FALSE) != NULL;
}
static int json_on_text(void *reader, enum json_kind kind, const void *text, size_t size)
{
    struct json *json = json_add(reader, kind);
    json->text = json_copy(text, size);
    json->size = size;
    return 1;
}
static int json_on_number(void *reader, const char *text, size_t size)
{
    return json_on_text(reader, JSON_NUMBER, text, size);
}
static int json_on_string(void *reader, const unsigned char *text, size_t size)
{
    return json_on_text(reader, JSON_STRING, text, size);
}
static int json_on_open(struct json_reader *reader, enum json_kind kind)
{
    reader->open = json_add(reader, kind);
    return 1;
}
static int json_on_map(void *reader)
{
    return json_on_open(reader, JSON_OBJECT);
}
static int json_on_array(void *reader)
{
    return json_on_open(reader, JSON_ARRAY);
}
static int json_on_close(void *arg)
{
    struct json_reader *reader = arg;
    reader->open = reader->open->parent;
    return 1;
}
static int json_on_key(void *arg, const unsigned char *text, size_t size)
{
    struct json_reader *reader = arg;
    reader->key = json_copy(text, size);
    reader->key_size = size;
    return 1;
}

/*
 * Read exactly one value (white space around it is allowed); NULL when that is not what the text
 * is.
 */
__attribute__((unused)) static struct json *json_read(const char *text, size_t size)
{
    static const yajl_callbacks callbacks = {
        json_on_null, json_on_bool, NULL,          NULL,          json_on_number, json_on_string,
        json_on_map,  json_on_key,  json_on_close, json_on_array, json_on_close};
    struct json_reader reader = {NULL, NULL, NULL, 0};
    yajl_handle handle = yajl_alloc(&callbacks, NULL, &reader);
    assert_non_null(handle);
    const bool good = yajl_parse(handle, (const unsigned char *)text, size) == yajl_status_ok &&
                      yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    free(reader.key);
    if (good) return reader.root;
    json_free(reader.root);
    return NULL;
}

__attribute__((unused)) static const struct json *json_member(const struct json *object,
                                                              const char *key)
{
    if (!object) return NULL;
    for (const struct json *child = object->first; child; child = child->next) {
        if (child->key && child->key_size == strlen(key) &&
            memcmp(child->key, key, child->key_size) == 0) {
            return child;
        }
    }
    return NULL;
}

/* The text of a member that is a string or a number; NULL: there is none. */
__attribute__((unused)) static const char *json_text(const struct json *object, const char *key)
{
    const struct json *member = json_member(object, key);
    return member ? member->text : NULL;
}

static int json_compare_keys(const void *a, const void *b)
{
    const struct json *x = *(const struct json *const *)a, *y = *(const struct json *const *)b;
    const size_t size = x->key_size < y->key_size ? x->key_size : y->key_size;
    const int order = memcmp(x->key, y->key, size);
    return order ? order : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

/* A key that stands twice in one object, at any depth; NULL: none. */
__attribute__((unused)) static const char *json_twin(const struct json *json)
{
    const char *twin = NULL;
    if (json->kind == JSON_OBJECT && json->count > 1) {
        const struct json **members = calloc(json->count, sizeof *members);
        assert_non_null(members);
        size_t count = 0;
        for (const struct json *child = json->first; child; child = child->next)
            members[count++] = child;
        qsort(members, count, sizeof *members, json_compare_keys);
        for (size_t i = 1; i < count && !twin; i++) {
            if (json_compare_keys(&members[i - 1], &members[i]) == 0) twin = members[i]->key;
        }
        free(members);
    }
    for (const struct json *child = json->first; child && !twin; child = child->next)
        twin = json_twin(child);
    return twin;
}

#endif
