/*
 * For fuzz targets of propagation: one header of fuzzed bytes, taken in and passed on; what may
 * never happen aborts.
 */
#ifndef WEFT_TESTS_PROPAGATION_FUZZ_H
#define WEFT_TESTS_PROPAGATION_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/mdc/mdc.h"
#include "src/propagate/propagate.h"

#define FUZZ_HEADERS_MAX 8

static inline void must(bool holds)
{
    if (!holds) abort();
}

/* Headers by name; the fuzzed bytes, cut at each LF, are the values of one of them. */
struct fuzz_carrier {
    size_t count;
    struct fuzz_header {
        const char *name, *value;
        size_t size;
    } headers[FUZZ_HEADERS_MAX];
};

static inline void fuzz_add(struct fuzz_carrier *carrier, const char *name, const char *value,
                            size_t size)
{
    if (carrier->count < FUZZ_HEADERS_MAX)
        carrier->headers[carrier->count++] = (struct fuzz_header){name, value, size};
}

static inline void fuzz_add_lines(struct fuzz_carrier *carrier, const char *name,
                                  const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) line_end = end;
        fuzz_add(carrier, name, at, (size_t)(line_end - at));
        at = line_end + 1;
    }
}

static inline const char *fuzz_get(void *arg, const char *name, size_t index, size_t *size)
{
    const struct fuzz_carrier *carrier = arg;
    for (size_t i = 0; i < carrier->count; i++) {
        if (strcasecmp(carrier->headers[i].name, name) != 0 || index-- > 0) continue;
        *size = carrier->headers[i].size;
        return carrier->headers[i].value;
    }
    return NULL;
}

/*
 * What goes out: every value is fit for a header, ends with a NUL, and no header is written twice.
 */
struct fuzz_sent {
    size_t count;
    char names[FUZZ_HEADERS_MAX][16];
    char values[FUZZ_HEADERS_MAX][8192 + 1];
};

static inline weft_status fuzz_set(void *arg, const char *name, const char *value, size_t size)
{
    struct fuzz_sent *sent = arg;
    must(size > 0 && size <= 8192 && value[size] == '\0' && strlen(value) == size &&
         strlen(name) < 16);
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)value[i];
        must(c == '\t' || (c >= 0x20 && c != 0x7f));
    }
    for (size_t i = 0; i < sent->count; i++) must(strcmp(sent->names[i], name) != 0);
    must(sent->count < FUZZ_HEADERS_MAX);
    memcpy(sent->names[sent->count], name, strlen(name) + 1);
    memcpy(sent->values[sent->count++], value, size + 1);
    return WEFT_OK;
}

static inline const char *fuzz_sent_value(const struct fuzz_sent *sent, const char *name)
{
    for (size_t i = 0; i < sent->count; i++)
        if (strcmp(sent->names[i], name) == 0) return sent->values[i];
    return NULL;
}

static inline void fuzz_take(struct fuzz_carrier *carrier)
{
    static const weft_getter getter = {sizeof(weft_getter), fuzz_get, NULL};
    weft_mdc_clear();
    must(weftp_extract(weftp_propagation_current(), &getter, carrier, NULL) == WEFT_OK);
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    must(view.trace && strspn(view.trace->trace_id, "0123456789abcdef") == 32 &&
         strspn(view.trace->span_id, "0123456789abcdef") == 16 && view.trace->flags <= 3);
    must(weft_mdc_get("request_id") != NULL);
}

static inline void fuzz_give(struct fuzz_sent *sent)
{
    static const weft_setter setter = {sizeof(weft_setter), fuzz_set};
    sent->count = 0;
    must(weftp_inject(weftp_propagation_current(), &setter, sent) == WEFT_OK);
    must(fuzz_sent_value(sent, "traceparent") && fuzz_sent_value(sent, "x-request-id"));
}

/* Take in and pass on; what went out, taken in by the next service, goes out again the same. */
static inline void fuzz_pass_on(struct fuzz_carrier *carrier, const char *same)
{
    static struct fuzz_sent first, second;
    struct fuzz_carrier next = {0};
    fuzz_take(carrier);
    fuzz_give(&first);
    for (size_t i = 0; i < first.count; i++)
        fuzz_add(&next, first.names[i], first.values[i], strlen(first.values[i]));
    fuzz_take(&next);
    fuzz_give(&second);
    const char *before = fuzz_sent_value(&first, same), *after = fuzz_sent_value(&second, same);
    must((before == NULL) == (after == NULL));
    const size_t size =
        before && strcmp(same, "traceparent") == 0 ? 36 : 8192; /* its span differs */
    if (before) must(strncmp(before, after, size) == 0);
    weft_mdc_clear();
}

#endif
