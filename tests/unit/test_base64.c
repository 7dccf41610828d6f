/* base64: the vectors of RFC 4648, every length against a decoder, a buffer that is too small. */
#include "src/base/base64.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_vectors_of_the_rfc_hold(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xFB\xFF\xFE", "+//+"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weft_out out;
        weftp_out_init(&out, 100);
        weftp_base64(&out, rows[i][0], strlen(rows[i][0]));
        weftp_out_char(&out, '\0');
        assert_string_equal(out.data, rows[i][1]);
        weftp_out_deinit(&out);
    }
}

static unsigned value_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(alphabet, c);
    assert_non_null(at);
    return (unsigned)(at - alphabet);
}

static void every_length_decodes_to_what_it_was(void **state)
{
    (void)state;
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 167 + i / 256 + 13);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct weft_out out;
        weftp_out_init(&out, 1000);
        weftp_base64(&out, bytes, size);
        const size_t written = weftp_out_size(&out);
        assert_int_equal(written, (size + 2) / 3 * 4);
        size_t decoded = 0;
        unsigned bits = 0, have = 0;
        for (size_t i = 0; i < written && out.data[i] != '='; i++) {
            bits = bits << 6 | value_of(out.data[i]);
            have += 6;
            if (have < 8) continue;
            have -= 8;
            assert_int_equal(bits >> have & 0xFF, bytes[decoded]);
            decoded++;
        }
        assert_int_equal(decoded, size);
        weftp_out_deinit(&out);
    }
}

static void it_fits_exactly_or_overflows(void **state)
{
    (void)state;
    for (size_t max = 0; max < 20; max++) {
        struct weft_out out;
        weftp_out_init(&out, max);
        weftp_base64(&out, "0123456", 7); /* 12 bytes */
        assert_int_equal(out.overflow, max < 12);
        assert_int_equal(weftp_out_size(&out), max < 12 ? 0 : 12);
        weftp_out_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_hold),
        cmocka_unit_test(every_length_decodes_to_what_it_was),
        cmocka_unit_test(it_fits_exactly_or_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
