/*
 * One propagation format, WEFT_FUZZ_FORMAT: any bytes as header lines, "name: value", are taken in
 * and passed on; what the next service takes in is the same trace.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/mdc/mdc.h"
#include "src/propagate/propagate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS_MAX = 160, NAME_MAX_HERE = 192 };

struct header {
    char name[NAME_MAX_HERE];
    char *value; /* owned; as long as it is, so that a sanitizer sees who reads on */
    size_t size;
};
struct carrier {
    size_t count;
    struct header headers[HEADERS_MAX];
};

static void must(bool holds)
{
    if (!holds) abort();
}

static void add(struct carrier *carrier, const char *name, size_t name_size, const char *value,
                size_t size)
{
    if (carrier->count == HEADERS_MAX || name_size >= NAME_MAX_HERE) return;
    struct header *header = &carrier->headers[carrier->count++];
    memcpy(header->name, name, name_size);
    header->name[name_size] = '\0';
    header->value = malloc(size + (size == 0));
    must(header->value != NULL);
    memcpy(header->value, value, size);
    header->size = size;
}

static void clear(struct carrier *carrier)
{
    for (size_t i = 0; i < carrier->count; i++) free(carrier->headers[i].value);
    carrier->count = 0;
}

static void add_lines(struct carrier *carrier, const char *at, const char *end)
{
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) line_end = end;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (colon)
            add(carrier, at, (size_t)(colon - at), colon + 1, (size_t)(line_end - colon - 1));
        at = line_end + 1;
    }
}

static const char *get(void *arg, const char *name, size_t index, size_t *size)
{
    const struct carrier *carrier = arg;
    for (size_t i = 0; i < carrier->count; i++) {
        if (strcasecmp(carrier->headers[i].name, name) != 0 || index-- > 0) continue;
        *size = carrier->headers[i].size;
        return carrier->headers[i].value;
    }
    return NULL;
}

static void each(void *arg,
                 void (*callback)(void *arg, const char *name, size_t name_size, const char *value,
                                  size_t size),
                 void *callback_arg)
{
    const struct carrier *carrier = arg;
    for (size_t i = 0; i < carrier->count; i++)
        callback(callback_arg, carrier->headers[i].name, strlen(carrier->headers[i].name),
                 carrier->headers[i].value, carrier->headers[i].size);
}

/* What goes out is fit for a header, and no header is written twice. */
static weft_status set(void *arg, const char *name, const char *value, size_t size)
{
    struct carrier *carrier = arg;
    must(size > 0 && size <= 8192 && value[size] == '\0' && strlen(value) == size);
    must(name[0] && strlen(name) < NAME_MAX_HERE && carrier->count < HEADERS_MAX);
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)value[i];
        must(c == '\t' || (c >= 0x20 && c != 0x7f));
    }
    for (const char *c = name; *c; c++) must(*c > ' ' && *c < 0x7f && *c != ':');
    for (size_t i = 0; i < carrier->count; i++) must(strcmp(carrier->headers[i].name, name) != 0);
    add(carrier, name, strlen(name), value, size);
    return WEFT_OK;
}

static const struct weftp_propagation *configured(void)
{
    static const char *const names[] = {WEFT_FUZZ_FORMAT};
    static const char *const keys[] = {"a", "user"};
    static struct weftp_propagation *propagation;
    const struct weftp_propagation_names settings = {names, 1, keys, 2, WEFT_TRUST_CONTINUE, NULL};
    if (!propagation) must(weftp_propagation_create(&propagation, &settings) == WEFT_OK);
    return propagation;
}

static void take(struct carrier *carrier, char trace_id[33])
{
    static const weft_getter getter = {sizeof getter, get, each};
    struct weftp_mdc_view view;
    weft_mdc_clear();
    must(weftp_extract(configured(), &getter, carrier, NULL) == WEFT_OK);
    weftp_mdc_view(&view);
    must(view.trace && strspn(view.trace->trace_id, "0123456789abcdef") == 32);
    must(strspn(view.trace->span_id, "0123456789abcdef") == 16 && view.trace->flags <= 3);
    must(weft_mdc_get("request_id") != NULL);
    memcpy(trace_id, view.trace->trace_id, 33);
}

static void give(struct carrier *carrier)
{
    static const weft_setter setter = {sizeof setter, set};
    must(weftp_inject(configured(), &setter, carrier) == WEFT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct carrier in, out, again;
    char first[33], second[33];
    add_lines(&in, (const char *)data, (const char *)data + size);
    take(&in, first);
    give(&out);
    take(&out, second);
    give(&again);
    /* What was written is read again, whole: as many headers, and in formats with ids the trace. */
    must(again.count == out.count);
    if (WEFT_FUZZ_TRACE) must(strcmp(first, second) == 0);
    weft_mdc_clear();
    clear(&in);
    clear(&out);
    clear(&again);
    return 0;
}
