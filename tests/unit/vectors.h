/*
 * Rows of the tables in tests/vectors: columns between tabs, headers in the escapes of
 * propagation_cross.tsv.
 */
#ifndef WEFT_TESTS_VECTORS_H
#define WEFT_TESTS_VECTORS_H

#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define ROW_MAX     65536
#define COLUMNS_MAX 8

struct row {
    char text[ROW_MAX];
    const char *columns[COLUMNS_MAX];
    size_t column_count;
};

static inline void split(struct row *row)
{
    char *at = row->text;
    at[strcspn(at, "\n")] = '\0';
    row->column_count = 0;
    while (at && row->column_count < COLUMNS_MAX) {
        char *tab = strchr(at, '\t');
        if (tab) *tab++ = '\0';
        row->columns[row->column_count++] = at;
        at = tab;
    }
}

static inline FILE *vectors_open(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/vectors/%s", WEFT_TESTS_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* Undo the escapes of one header's text (\t \r \\ \0) in place; returns its size. */
static inline size_t unescape(char *text, size_t size)
{
    size_t written = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '\\' && i + 1 < size) {
            c = text[++i];
            if (c == 't') c = '\t';
            if (c == 'r') c = '\r';
            if (c == '0') c = '\0';
        }
        text[written++] = c;
    }
    return written;
}

/*
 * Where the next header begins, behind an unescaped \n; NULL: no more. *size becomes the size of
 * this one.
 */
static inline char *header_end(char *text, size_t *size)
{
    char *at = text;
    while (*at) {
        if (at[0] == '\\' && at[1] == 'n') break;
        at += at[0] == '\\' && at[1] ? 2 : 1;
    }
    *size = (size_t)(at - text);
    return *at ? at + 2 : NULL;
}

/* Fill a carrier from the column of headers, which is changed. */
static inline void headers_parse(struct carrier *carrier, char *text)
{
    while (text) {
        size_t size = 0;
        char *next = header_end(text, &size);
        char *colon = memchr(text, ':', size);
        assert_non_null(colon);
        char *value = colon + 1 + (colon[1] == ' ');
        const size_t value_size = unescape(value, size - (size_t)(value - text));
        *colon = '\0';
        carrier_add_n(carrier, text, value, value_size);
        text = next;
    }
}

/*
 * The last values of a header, before anything is taken from it: joined, as "as it came" means it.
 */
static inline void joined(const struct carrier *carrier, const char *name, char *out,
                          size_t capacity)
{
    out[0] = '\0';
    for (size_t i = 0; i < carrier->count; i++) {
        if (strcmp(carrier->headers[i].name, name) != 0) continue;
        snprintf(out + strlen(out), capacity - strlen(out), "%s%s", out[0] ? "," : "",
                 carrier->headers[i].value);
    }
}

#endif
