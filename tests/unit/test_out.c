/* The output buffer: growth, its maximum, what an overflow leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t memory_max = SIZE_MAX; /* an allocation of more fails */

static void *limited_realloc(void *data, size_t size)
{
    return size > memory_max ? NULL : realloc(data, size);
}

/* The buffer over that allocator, under names of its own. */
#define realloc          limited_realloc
#define weftp_out_init   limited_out_init
#define weftp_out_deinit limited_out_deinit
#define weftp_out_grow   limited_out_grow
#include "src/base/out.c"
#undef realloc

static void an_empty_buffer_owns_nothing(void **state)
{
    (void)state;
    struct weft_out out;
    weftp_out_init(&out, 100);
    assert_null(out.data);
    assert_int_equal(weftp_out_size(&out), 0);
    assert_false(out.overflow);
    weftp_out_put(&out, NULL, 0);
    assert_null(out.data);
    weftp_out_deinit(&out);
    weftp_out_deinit(&out);
}

static void it_keeps_what_was_written_while_it_grows(void **state)
{
    (void)state;
    struct weft_out out;
    weftp_out_init(&out, 1 << 20);
    for (int i = 0; i < 100000; i++) {
        weftp_out_char(&out, (char)('a' + i % 26));
        if (i % 7 == 0) weftp_out_literal(&out, "--");
    }
    assert_false(out.overflow);
    size_t at = 0;
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(out.data[at++], 'a' + i % 26);
        if (i % 7 == 0) {
            assert_memory_equal(out.data + at, "--", 2);
            at += 2;
        }
    }
    assert_int_equal(at, weftp_out_size(&out));
    weftp_out_deinit(&out);
}

static void growing_is_at_least_doubling(void **state)
{
    (void)state;
    struct weft_out out;
    weftp_out_init(&out, 1 << 24);
    unsigned moves = 0;
    size_t room = 0;
    for (int i = 0; i < 1 << 22; i++) {
        weftp_out_char(&out, 'x');
        if ((size_t)(out.end - out.data) != room) moves++;
        room = (size_t)(out.end - out.data);
    }
    assert_in_range(moves, 1, 20);
    weftp_out_deinit(&out);
}

static void it_fills_up_to_its_maximum_and_no_further(void **state)
{
    (void)state;
    for (size_t max = 0; max < 1100; max += 1 + max / 8) {
        struct weft_out out;
        weftp_out_init(&out, max);
        for (size_t i = 0; i < max; i++) weftp_out_char(&out, 'x');
        assert_false(out.overflow);
        assert_int_equal(weftp_out_size(&out), max);
        assert_true((size_t)(out.end - out.data) <= max);
        weftp_out_char(&out, 'y');
        assert_true(out.overflow);
        assert_int_equal(weftp_out_size(&out), max);
        weftp_out_deinit(&out);
    }
}

static void after_an_overflow_nothing_fits_until_it_is_cleared(void **state)
{
    (void)state;
    struct weft_out out;
    weftp_out_init(&out, 64);
    weftp_out_literal(&out, "0123456789");
    assert_null(weftp_out_reserve(&out, 55));
    assert_true(out.overflow);
    assert_null(weftp_out_reserve(&out, 1));
    weftp_out_char(&out, 'x');
    weftp_out_rewind(&out, 2);
    assert_int_equal(weftp_out_size(&out), 2);
    weftp_out_char(&out, 'x');
    assert_int_equal(weftp_out_size(&out), 2);
    assert_true(out.overflow);

    weftp_out_clear(&out);
    assert_false(out.overflow);
    for (int i = 0; i < 64; i++) weftp_out_char(&out, 'z');
    assert_false(out.overflow);
    assert_int_equal(weftp_out_size(&out), 64);
    weftp_out_deinit(&out);
}

static void sizes_that_wrap_around_are_refused(void **state)
{
    (void)state;
    struct weft_out out;
    weftp_out_init(&out, SIZE_MAX);
    weftp_out_literal(&out, "0123456789");
    memory_max = 1 << 20;
    assert_null(weftp_out_reserve(&out, SIZE_MAX));
    assert_null(weftp_out_reserve(&out, SIZE_MAX - 5));
    assert_true(out.overflow);
    memory_max = SIZE_MAX;
    weftp_out_deinit(&out);
}

static void without_memory_it_overflows_and_recovers(void **state)
{
    (void)state;
    struct weft_out out;
    weftp_out_init(&out, 1 << 20);
    memory_max = 0;
    weftp_out_literal(&out, "lost");
    assert_true(out.overflow);
    assert_null(out.data);
    weftp_out_clear(&out);
    memory_max = 1000;
    for (int i = 0; i < 1000; i++)
        weftp_out_char(&out, 'x'); /* no memory for twice as much, but for this */
    assert_false(out.overflow);
    weftp_out_char(&out, 'y');
    assert_true(out.overflow);
    assert_int_equal(weftp_out_size(&out), 1000);
    assert_int_equal(out.data[999], 'x');
    memory_max = SIZE_MAX;
    assert_null(weftp_out_reserve(&out, 1)); /* still not whole */
    weftp_out_clear(&out);
    for (int i = 0; i < 5000; i++) weftp_out_char(&out, 'z');
    assert_false(out.overflow);
    assert_int_equal(weftp_out_size(&out), 5000);
    weftp_out_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_owns_nothing),
        cmocka_unit_test(it_keeps_what_was_written_while_it_grows),
        cmocka_unit_test(growing_is_at_least_doubling),
        cmocka_unit_test(it_fills_up_to_its_maximum_and_no_further),
        cmocka_unit_test(after_an_overflow_nothing_fits_until_it_is_cleared),
        cmocka_unit_test(sizes_that_wrap_around_are_refused),
        cmocka_unit_test(without_memory_it_overflows_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
