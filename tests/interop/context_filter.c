/*
 * Takes contexts in and passes them on, for scripts that compare weft with others: a line in is a
 * request, its headers with US (1F) between them and RS (1E) between name and value; a line out is
 * "TRACE PARENT SAMPLED" and the headers of a call that it would make.
 *
 *     interop_context_filter FORMAT < requests > calls
 */
#include "src/mdc/mdc.h"
#include "src/propagate/propagate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADERS_MAX = 64 };

struct headers {
    size_t count;
    const char *names[HEADERS_MAX], *values[HEADERS_MAX];
};

static const char *get(void *arg, const char *name, size_t index, size_t *size)
{
    const struct headers *headers = arg;
    for (size_t i = 0; i < headers->count; i++) {
        if (strcasecmp(headers->names[i], name) != 0 || index-- > 0) continue;
        *size = strlen(headers->values[i]);
        return headers->values[i];
    }
    return NULL;
}

static void each(void *arg,
                 void (*callback)(void *arg, const char *name, size_t name_size, const char *value,
                                  size_t size),
                 void *callback_arg)
{
    const struct headers *headers = arg;
    for (size_t i = 0; i < headers->count; i++)
        callback(callback_arg, headers->names[i], strlen(headers->names[i]), headers->values[i],
                 strlen(headers->values[i]));
}

static weft_status set(void *arg, const char *name, const char *value, size_t size)
{
    (void)arg;
    (void)size;
    printf("\x1f%s\x1e%s", name, value);
    return WEFT_OK;
}

static void split(struct headers *headers, char *line)
{
    char *header;
    headers->count = 0;
    line[strcspn(line, "\n")] = '\0';
    while ((header = strsep(&line, "\x1f")) != NULL && headers->count < HEADERS_MAX) {
        char *value = strchr(header, '\x1e');
        if (!value) continue;
        *value = '\0';
        headers->names[headers->count] = header;
        headers->values[headers->count++] = value + 1;
    }
}

static bool pass_on(const struct weftp_propagation *propagation, struct headers *headers)
{
    static const weft_getter getter = {sizeof getter, get, each};
    static const weft_setter setter = {sizeof setter, set};
    struct weftp_mdc_view view;
    weft_mdc_clear();
    if (weftp_extract(propagation, &getter, headers, NULL) != WEFT_OK) return false;
    weftp_mdc_view(&view);
    printf("%s %s %d", view.trace->trace_id, view.trace->parent_id[0] ? view.trace->parent_id : "-",
           view.trace->flags & 1);
    const bool given = weftp_inject(propagation, &setter, NULL) == WEFT_OK;
    return putchar('\n') != EOF && given;
}

int main(int argc, char **argv)
{
    const char *const names[] = {argc == 2 ? argv[1] : ""};
    const struct weftp_propagation_names settings = {names, 1, NULL, 0, WEFT_TRUST_CONTINUE, NULL};
    struct weftp_propagation *propagation = NULL;
    struct headers headers;
    char *line = NULL;
    size_t capacity = 0;
    bool ok = weftp_propagation_create(&propagation, &settings) == WEFT_OK &&
              propagation->propagator_count == 1;
    while (ok && getline(&line, &capacity, stdin) > 0) {
        split(&headers, line);
        ok = pass_on(propagation, &headers);
    }
    free(line);
    weft_mdc_clear();
    weftp_propagation_destroy(propagation);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
