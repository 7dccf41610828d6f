/*
 * For tests of propagation: a carrier that is an array of headers, and a weft_getter and
 * weft_setter over it.
 */
#ifndef WEFT_TESTS_CARRIER_H
#define WEFT_TESTS_CARRIER_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <weft/propagate.h>

#define CARRIER_MAX 96

struct header {
    char *name, *value; /* owned, with a NUL behind */
    size_t size;
};

struct carrier {
    size_t count, gets;
    struct header headers[CARRIER_MAX];
};

static inline void carrier_add_n(struct carrier *carrier, const char *name, const char *value,
                                 size_t size)
{
    assert(carrier->count < CARRIER_MAX);
    char *copy = malloc(size + 1);
    assert(copy);
    memcpy(copy, value, size);
    copy[size] = '\0';
    char *own_name = strdup(name);
    assert(own_name);
    carrier->headers[carrier->count++] = (struct header){own_name, copy, size};
}

static inline void carrier_add(struct carrier *carrier, const char *name, const char *value)
{
    carrier_add_n(carrier, name, value, strlen(value));
}

static inline void header_free(struct header *header)
{
    free(header->name);
    free(header->value);
}

static inline void carrier_clear(struct carrier *carrier)
{
    for (size_t i = 0; i < carrier->count; i++) header_free(&carrier->headers[i]);
    carrier->count = 0;
}

/* The first value of a name, NULL when there is none. */
static inline const char *carrier_find(const struct carrier *carrier, const char *name)
{
    for (size_t i = 0; i < carrier->count; i++)
        if (strcasecmp(carrier->headers[i].name, name) == 0) return carrier->headers[i].value;
    return NULL;
}

static inline const char *carrier_get(void *arg, const char *name, size_t index, size_t *size)
{
    struct carrier *carrier = arg;
    carrier->gets++;
    for (size_t i = 0; i < carrier->count; i++) {
        if (strcasecmp(carrier->headers[i].name, name) != 0 || index-- > 0) continue;
        *size = carrier->headers[i].size;
        return carrier->headers[i].value;
    }
    return NULL;
}

static inline weft_status carrier_set(void *arg, const char *name, const char *value, size_t size)
{
    struct carrier *carrier = arg;
    assert(value[size] == '\0'); /* as the contract of weft_setter has it */
    for (size_t i = 0; i < carrier->count; i++) {
        if (strcasecmp(carrier->headers[i].name, name) != 0) continue;
        header_free(&carrier->headers[i]);
        carrier->headers[i--] = carrier->headers[--carrier->count];
    }
    carrier_add_n(carrier, name, value, size);
    return WEFT_OK;
}

static inline void carrier_each(void *arg,
                                void (*callback)(void *arg, const char *name, size_t name_size,
                                                 const char *value, size_t size),
                                void *callback_arg)
{
    const struct carrier *carrier = arg;
    for (size_t i = 0; i < carrier->count; i++)
        callback(callback_arg, carrier->headers[i].name, strlen(carrier->headers[i].name),
                 carrier->headers[i].value, carrier->headers[i].size);
}

static const weft_getter carrier_getter = {sizeof(weft_getter), carrier_get, NULL};
/* One that can list its headers. */
__attribute__((unused)) static const weft_getter carrier_lister = {sizeof(weft_getter), carrier_get,
                                                                   carrier_each};
static const weft_setter carrier_setter = {sizeof(weft_setter), carrier_set};

/* A carrier with these headers: name, value, name, value, …, NULL. */
#define CARRIER_OF(...) carrier_of((const char *const[]){__VA_ARGS__, NULL})
static inline struct carrier carrier_of(const char *const *texts)
{
    struct carrier carrier = {0};
    for (; *texts; texts += 2) carrier_add(&carrier, texts[0], texts[1]);
    return carrier;
}

#endif
