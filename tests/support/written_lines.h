/* Lines that tell who wrote them, for tests in which many write one set of files. */
#ifndef WEFT_TESTS_SUPPORT_WRITTEN_LINES_H
#define WEFT_TESTS_SUPPORT_WRITTEN_LINES_H

#include "sinks.h"

/* "<writer> <number> xxxx\n", of different sizes: fewer than `pad_end` x. Returns the size. */
static inline size_t writer_line(char *line, int writer, int number, int pad_end)
{
    const int head = snprintf(line, 64, "%d %d ", writer, number);
    const size_t pad = (size_t)(number * 7 % pad_end);
    memset(line + head, 'a' + writer, pad);
    line[(size_t)head + pad] = '\n';
    return (size_t)head + pad + 1;
}

/*
 * Call `each` with every line of a file of the scratch folder, gunzipped when it is one; a newline
 * is its last byte. False: the last line has none. *size: bytes of all.
 */
static inline bool each_written_line(const char *name,
                                     void (*each)(void *arg, const char *line, size_t size),
                                     void *arg, size_t *size)
{
    char *text = slurp_sized(name, size), *at = text, *end;
    assert_non_null(text);
    for (; at < text + *size; at = end + 1) {
        end = memchr(at, '\n', (size_t)(text + *size - at));
        if (!end) break;
        each(arg, at, (size_t)(end - at) + 1);
    }
    const bool whole = at == text + *size;
    free(text);
    return whole;
}

#endif
