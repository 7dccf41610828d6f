#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/pipeline/gap.h"

#include <errno.h>
#include <string.h>

static const weft_field *field(const struct weftp_gap_fields *described, const char *key)
{
    for (size_t i = 0; i < described->count; i++)
        if (strcmp(described->fields[i].key, key) == 0) return &described->fields[i];
    return NULL;
}

static void counts_by_level_and_time(void **state)
{
    (void)state;
    struct weftp_gap gap = {0};
    struct weftp_gap_fields described;
    weftp_gap_add(&gap, WEFT_LEVEL_INFO, 2000000001, ENOSPC);
    weftp_gap_add(&gap, WEFT_LEVEL_ERROR, 3000000002, EIO);
    weftp_gap_add(&gap, WEFT_LEVEL_ERROR + 2, 4000000003, EIO);
    weftp_gap_describe(&gap, &described);
    assert_int_equal(field(&described, "lost")->v.u, 3);
    const weft_field *levels = field(&described, "lost_by_level");
    assert_int_equal(levels->size, 2);
    assert_string_equal(levels->v.f[0].key, "info");
    assert_int_equal(levels->v.f[0].v.u, 1);
    assert_string_equal(levels->v.f[1].key, "error");
    assert_int_equal(levels->v.f[1].v.u, 2);
    assert_int_equal(field(&described, "first_lost")->v.i, 2);
    assert_int_equal(field(&described, "first_lost")->size, 1);
    assert_int_equal(field(&described, "last_lost")->v.i, 4);
    assert_int_equal(field(&described, "reason")->v.i, EIO);
}

static void levels_out_of_range_are_counted_at_the_ends(void **state)
{
    (void)state;
    struct weftp_gap gap = {0};
    weftp_gap_add(&gap, -5, 0, 0);
    weftp_gap_add(&gap, 126, 0, 0);
    assert_int_equal(gap.by_level[0], 1);
    assert_int_equal(gap.by_level[WEFTP_GAP_LEVELS - 1], 1);
}

static void times_before_1970_have_positive_nanoseconds(void **state)
{
    (void)state;
    struct weftp_gap gap = {0};
    struct weftp_gap_fields described;
    weftp_gap_add(&gap, WEFT_LEVEL_INFO, -1, 0);
    weftp_gap_describe(&gap, &described);
    assert_int_equal(field(&described, "first_lost")->v.i, -1);
    assert_int_equal(field(&described, "first_lost")->size, 999999999);
    assert_null(field(&described, "reason"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_level_and_time),
        cmocka_unit_test(levels_out_of_range_are_counted_at_the_ends),
        cmocka_unit_test(times_before_1970_have_positive_nanoseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
