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
    const char *name;
    char *value; /* owned, with a NUL behind */
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
    carrier->headers[carrier->count++] = (struct header){name, copy, size};
}

static inline void carrier_add(struct carrier *carrier, const char *name, const char *value)
{
    carrier_add_n(carrier, name, value, strlen(value));
}

static inline void carrier_clear(struct carrier *carrier)
{
    for (size_t i = 0; i < carrier->count; i++) free(carrier->headers[i].value);
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
        free(carrier->headers[i].value);
        carrier->headers[i--] = carrier->headers[--carrier->count];
    }
    carrier_add_n(carrier, name, value, size);
    return WEFT_OK;
}

static const weft_getter carrier_getter = {sizeof(weft_getter), carrier_get, NULL};
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
