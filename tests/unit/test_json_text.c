/*
 * The JSON string writer: what is escaped and how, the fast twins against the plain one at every
 * alignment and length, reads that stop where the text stops, cuts, and a buffer that is too small.
 */
#include "src/base/json_text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* The writer once more, with 16-byte steps in plain C, as machines without SSE2 and NEON get it. */
#undef WEFTP_SCAN_PLAIN
#define WEFTP_SCAN_PLAIN
#define weftp_json_escape        plain_json_escape
#define weftp_json_escape_scalar plain_json_escape_scalar
#define weftp_json_string        plain_json_string
#define weftp_json_string_cut    plain_json_string_cut
void plain_json_escape(struct weft_out *out, const char *text, size_t size);
void plain_json_escape_scalar(struct weft_out *out, const char *text, size_t size);
void plain_json_string(struct weft_out *out, const char *text, size_t size);
bool plain_json_string_cut(struct weft_out *out, const char *text, size_t size, uint32_t limit);
#include "src/base/json_text.c"
#undef weftp_json_escape
#undef weftp_json_escape_scalar
#undef weftp_json_string
#undef weftp_json_string_cut

#define LENGTH_MAX 200

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % limit;
}

/*
 * Random text of one of some mixtures. A sequence may be split by the end, which makes it
 * ill-formed.
 */
static void fill(char *text, size_t size, unsigned mixture)
{
    static const char *const pieces[] = {"한", "국", "히",   "어", "é",  "ж",
                                         "€",  "😀",  "日本", "ࠀ",  "퟿"};
    for (size_t at = 0; at < size;) {
        const unsigned kind = random_below(16);
        if (mixture == 0 || (mixture == 1 && kind < 15) || (mixture >= 2 && kind < 4)) {
            text[at++] = (char)('a' + random_below(26));
        } else if (mixture == 1 || (mixture == 2 && kind < 6)) {
            text[at++] = "\"\\\n\t\r\b\f\x01\x1f\x7f/"[random_below(12)]; /* the NUL too */
        } else if (mixture == 4) {
            text[at++] = (char)random_below(256);
        } else if (mixture == 3 && kind < 5) {
            text[at++] = (char)(0x80 + random_below(128));
        } else {
            const char *piece = pieces[random_below(sizeof pieces / sizeof *pieces)];
            const size_t length = strlen(piece);
            memcpy(text + at, piece, length < size - at ? length : size - at);
            at += length;
        }
    }
}

static void expect(const char *text, size_t size, const char *want)
{
    struct weft_out out;
    weftp_out_init(&out, 4096);
    weftp_json_string(&out, text, size);
    weftp_out_char(&out, '\0');
    assert_string_equal(out.data, want);
    weftp_out_deinit(&out);
}

static void it_escapes_what_json_demands_and_nothing_else(void **state)
{
    (void)state;
    expect("", 0, "\"\"");
    expect("a", 1, "\"a\"");
    expect("a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"");
    expect("\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"");
    expect("\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001F\x7f\"");
    expect("\xE2\x80\xA8\xC2\x85", 5, "\"\xE2\x80\xA8\xC2\x85\""); /* U+2028 and U+0085 stay */
    expect("\xFF\xED\xA0\x80z", 5, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\"");
    for (int c = 0; c < 0x20; c++) {
        char text[20], want[40], hex[8];
        memset(text, 'x', sizeof text);
        text[9] = (char)c;
        const char *at = strchr("\bb\tt\nn\ff\rr", c);
        snprintf(hex, sizeof hex, "\\u%04X", (unsigned)c);
        if (c && at) snprintf(hex, sizeof hex, "\\%c", at[1]);
        snprintf(want, sizeof want, "\"xxxxxxxxx%sxxxxxxxxxx\"", hex);
        expect(text, sizeof text, want);
    }
}

typedef void writer(struct weft_out *out, const char *text, size_t size);

static void compare(writer *one, writer *other, const char *text, size_t size)
{
    struct weft_out a, b;
    weftp_out_init(&a, 8192);
    weftp_out_init(&b, 8192);
    one(&a, text, size);
    other(&b, text, size);
    assert_false(a.overflow || b.overflow);
    assert_int_equal(weftp_out_size(&a), weftp_out_size(&b));
    if (weftp_out_size(&a)) assert_memory_equal(a.data, b.data, weftp_out_size(&a));
    weftp_out_deinit(&a);
    weftp_out_deinit(&b);
}

/* A page behind which nothing can be read, so that a read too far ends the test. */
static char *guarded_page(size_t *size)
{
    *size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, *size * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + *size, *size, PROT_NONE), 0);
    return pages;
}

static void the_twins_agree_at_every_length_and_alignment(void **state)
{
    (void)state;
    size_t page_size;
    char *page = guarded_page(&page_size);
    for (unsigned mixture = 0; mixture < 5; mixture++) {
        for (size_t size = 0; size <= LENGTH_MAX; size++) {
            for (size_t shift = 0; shift < 16; shift++) {
                char *text = page + page_size - size - shift;
                fill(text, size, mixture);
                compare(weftp_json_escape, weftp_json_escape_scalar, text, size);
                compare(plain_json_escape, weftp_json_escape_scalar, text, size);
            }
        }
    }
    munmap(page, page_size * 2);
}

static void one_odd_byte_is_found_at_every_place(void **state)
{
    (void)state;
    static const char odd[] = {'"',    '\\',   '\0',   '\x1f', '\x7f',
                               '\x80', '\xC3', '\xE1', '\xF0', '\xFF'};
    char text[70];
    for (size_t size = 1; size <= sizeof text; size++) {
        for (size_t at = 0; at < size; at++) {
            for (size_t i = 0; i < sizeof odd; i++) {
                memset(text, 'x', size);
                text[at] = odd[i];
                compare(weftp_json_escape, weftp_json_escape_scalar, text, size);
                compare(plain_json_escape, weftp_json_escape_scalar, text, size);
            }
        }
    }
}

static void long_texts_take_about_their_size(void **state)
{
    (void)state;
    const size_t size = 1 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    struct weft_out out;
    weftp_out_init(&out, size + 1024);
    weftp_json_string(&out, text, size);
    assert_false(out.overflow);
    assert_int_equal(weftp_out_size(&out), size + 2);
    weftp_out_deinit(&out);

    memset(text, '\x01', size); /* every byte grows to six */
    weftp_out_init(&out, 6 * size + 1024);
    weftp_json_string(&out, text, size);
    assert_false(out.overflow);
    assert_int_equal(weftp_out_size(&out), 6 * size + 2);
    weftp_out_deinit(&out);
    free(text);
}

static void a_buffer_that_is_too_small_overflows(void **state)
{
    (void)state;
    char text[LENGTH_MAX];
    for (unsigned mixture = 0; mixture < 5; mixture++) {
        fill(text, sizeof text, mixture);
        for (size_t max = 0; max < 1500; max += 7) {
            struct weft_out out;
            weftp_out_init(&out, max);
            weftp_json_string(&out, text, sizeof text);
            assert_true((size_t)(out.end - out.data) <= max);
            assert_true(out.overflow || weftp_out_size(&out) >= sizeof text + 2);
            assert_true(!out.overflow || max < sizeof text * 6 + 200);
            weftp_out_deinit(&out);
        }
    }
}

/*
 * The longest prefix in whole characters whose escaped form has at most `max` bytes, byte by byte.
 */
static size_t slow_prefix(const char *text, size_t size, size_t max)
{
    size_t best = 0;
    for (size_t end = 0; end <= size; end++) {
        struct weft_out out;
        weftp_out_init(&out, 8192);
        weftp_json_escape_scalar(&out, text, end);
        if (weftp_out_size(&out) <= max) best = end;
        weftp_out_deinit(&out);
    }
    return best;
}

static void cuts_fit_and_are_marked(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        char text[60];
        const size_t size = random_below(sizeof text + 1);
        fill(text, size, 1 + round % 2);
        struct weft_out whole;
        weftp_out_init(&whole, 4096);
        weftp_json_string(&whole, text, size);
        for (uint32_t limit = 0; limit < 90; limit++) {
            struct weft_out out;
            weftp_out_init(&out, 4096);
            const bool cut = weftp_json_string_cut(&out, text, size, limit);
            const size_t inside = weftp_out_size(&out) - 2;
            assert_true(inside <= limit);
            assert_int_equal(cut, weftp_out_size(&whole) - 2 > limit);
            if (!cut) {
                assert_int_equal(inside + 2, weftp_out_size(&whole));
                assert_memory_equal(out.data, whole.data, inside + 2);
            } else if (limit < 3) {
                assert_int_equal(inside, 0);
            } else {
                assert_memory_equal(out.data + inside + 1 - 3, "…\"", 4);
                assert_memory_equal(out.data, whole.data, inside + 1 - 3);
                assert_true(inside + 6 > limit || slow_prefix(text, size, limit - 3) <= inside);
            }
            weftp_out_deinit(&out);
        }
        weftp_out_deinit(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_escapes_what_json_demands_and_nothing_else),
        cmocka_unit_test(the_twins_agree_at_every_length_and_alignment),
        cmocka_unit_test(one_odd_byte_is_found_at_every_place),
        cmocka_unit_test(long_texts_take_about_their_size),
        cmocka_unit_test(a_buffer_that_is_too_small_overflows),
        cmocka_unit_test(cuts_fit_and_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
