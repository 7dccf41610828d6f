/*
 * UTF-8 on any bytes: steps stay inside of the text, the validator agrees with them, cuts split
 * nothing.
 */
#include "src/base/utf8.h"
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    bool valid = true;
    for (size_t at = 0; at < size;) {
        const int step = weftp_utf8_step(data + at, size - at);
        require(step != 0 && step >= -3 && step <= 4);
        const size_t length = (size_t)abs(step);
        require(length <= size - at);
        if (step < 0) valid = false;
        for (size_t i = 1; i < length; i++) require((data[at + i] & 0xC0) == 0x80);
        at += length;
    }
    require(weftp_utf8_valid(text, size) == valid);
    for (size_t max = 0; max <= size && max < 300; max++) {
        const size_t cut = weftp_utf8_cut(text, size, max);
        require(cut <= max && max - cut <= 3);
        if (valid) require(weftp_utf8_valid(text, cut));
    }
    return 0;
}
