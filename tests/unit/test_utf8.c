/* UTF-8: each row of the vectors by the single step, by the validator and through a JSON string. */
#include "src/base/json_text.h"
#include "src/base/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include <cmocka.h>

struct bytes {
    unsigned char data[128];
    size_t size;
};

static struct bytes from_hex(const char *hex, size_t size)
{
    struct bytes bytes = {.size = 0};
    assert_true(size % 2 == 0 && size / 2 <= sizeof bytes.data);
    for (size_t i = 0; i < size; i += 2) {
        const char digits[3] = {hex[i], hex[i + 1], '\0'};
        bytes.data[bytes.size++] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return bytes;
}

/*
 * What the step function makes of a text: well-formed sequences as they are, U+FFFD for the rest.
 */
static struct bytes repair(const struct bytes *in)
{
    struct bytes repaired = {.size = 0};
    for (size_t at = 0; at < in->size;) {
        const int step = weftp_utf8_step(in->data + at, in->size - at);
        assert_true(step != 0 && step >= -3 && step <= 4);
        const size_t length = (size_t)abs(step);
        memcpy(repaired.data + repaired.size,
               step < 0 ? (const void *)"\xEF\xBF\xBD" : in->data + at, step < 0 ? 3 : length);
        repaired.size += step < 0 ? 3 : length;
        at += length;
    }
    return repaired;
}

static int take_string(void *context, const unsigned char *text, size_t size)
{
    struct bytes *bytes = context;
    memcpy(bytes->data, text, size);
    bytes->size = size;
    return 1;
}

/* The text after a way through our JSON string and yajl's strict reader. */
static struct bytes through_json(const struct bytes *in)
{
    struct bytes result = {.size = 0};
    struct weft_out out;
    weftp_out_init(&out, 4096);
    weftp_json_string(&out, (const char *)in->data, in->size);
    const yajl_callbacks callbacks = {.yajl_string = take_string};
    const yajl_handle parser = yajl_alloc(&callbacks, NULL, &result);
    assert_int_equal(yajl_parse(parser, (unsigned char *)out.data, weftp_out_size(&out)),
                     yajl_status_ok);
    assert_int_equal(yajl_complete_parse(parser), yajl_status_ok);
    yajl_free(parser);
    weftp_out_deinit(&out);
    return result;
}

static void check_row(const char *id, const struct bytes *in, bool valid, const struct bytes *want)
{
    if (weftp_utf8_valid((const char *)in->data, in->size) != valid) fail_msg("row %s: valid", id);
    const struct bytes repaired = repair(in);
    if (repaired.size != want->size || memcmp(repaired.data, want->data, want->size) != 0) {
        fail_msg("row %s: step", id);
    }
    const struct bytes written = through_json(in);
    if (written.size != want->size || memcmp(written.data, want->data, want->size) != 0) {
        fail_msg("row %s: json", id);
    }
}

/* The row again inside of longer texts, so that it meets every place of a 16-byte step. */
static void check_shifted(const char *id, const struct bytes *in, bool valid,
                          const struct bytes *want)
{
    for (size_t before = 1; before <= 40; before++) {
        struct bytes longer = {.size = before + in->size + 20};
        struct bytes longer_want = {.size = before + want->size + 20};
        memset(longer.data, 'a', longer.size);
        memset(longer_want.data, 'a', longer_want.size);
        memcpy(longer.data + before, in->data, in->size);
        memcpy(longer_want.data + before, want->data, want->size);
        check_row(id, &longer, valid, &longer_want);
    }
}

static void every_vector_is_repaired_as_unicode_says(void **state)
{
    (void)state;
    FILE *file = fopen(WEFT_TESTS_DIR "/vectors/utf8_sequences.tsv", "r");
    assert_non_null(file);
    char line[1024];
    unsigned rows = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#' || strncmp(line, "id\t", 3) == 0) continue;
        char *column[6] = {line}, *at = line;
        for (int i = 1; i < 6; i++) {
            at = strchr(at, '\t');
            assert_non_null(at);
            *at++ = '\0';
            column[i] = at;
        }
        const bool valid = strcmp(column[2], "yes") == 0;
        const char *want_hex = valid ? column[1] : column[4];
        const struct bytes in = from_hex(column[1], strlen(column[1]));
        const struct bytes want = from_hex(want_hex, strlen(want_hex));
        check_row(column[0], &in, valid, &want);
        check_shifted(column[0], &in, valid, &want);
        rows++;
    }
    fclose(file);
    assert_in_range(rows, 190, 1000);
}

/* The definition again, in another way: decode, then look at the number. */
static bool is_scalar_value(const unsigned char *text, int length)
{
    static const unsigned least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned code = length == 2 ? text[0] & 0x1Fu : length == 3 ? text[0] & 0x0Fu : text[0] & 7u;
    for (int i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80) return false;
        code = code << 6 | (text[i] & 0x3Fu);
    }
    return code >= least[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

static void every_pair_and_triple_of_bytes_is_judged_right(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (unsigned i = 0; i < 1u << 24; i++) {
        const unsigned char text[4] = {(unsigned char)(i >> 16), (unsigned char)(i >> 8),
                                       (unsigned char)i, 0x80};
        const int length = text[0] < 0x80                      ? 1
                           : text[0] >= 0xC0 && text[0] < 0xE0 ? 2
                           : text[0] >= 0xE0 && text[0] < 0xF0 ? 3
                           : text[0] >= 0xF0 && text[0] < 0xF8 ? 4
                                                               : 0;
        const bool good = length == 1 || (length > 1 && is_scalar_value(text, length));
        const int step = weftp_utf8_step(text, 4);
        wrong += good ? step != length : step >= 0;
    }
    assert_int_equal(wrong, 0);
}

static void a_cut_splits_no_character(void **state)
{
    (void)state;
    static const char text[] = "a\xC2\xA9\xED\x95\x9C\xF0\x9D\x92\x9Cz"; /* 1, 2, 3, 4, 1 bytes */
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max = 0; max < sizeof want / sizeof *want; max++) {
        assert_int_equal(weftp_utf8_cut(text, sizeof text - 1, max), want[max]);
    }
    assert_int_equal(weftp_utf8_cut("\x80\x80\x80\x80\x80", 5, 4), 4);
    assert_int_equal(weftp_utf8_cut("a\xED\xA0\x80", 4, 3), 3); /* no character: nothing to split */
    assert_int_equal(weftp_utf8_cut("", 0, 0), 0);
    assert_int_equal(weftp_utf8_cut("abc", 3, SIZE_MAX), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_repaired_as_unicode_says),
        cmocka_unit_test(every_pair_and_triple_of_bytes_is_judged_right),
        cmocka_unit_test(a_cut_splits_no_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
