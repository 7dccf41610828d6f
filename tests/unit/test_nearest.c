#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "src/config/nearest.h"
#include <cmocka.h>

static void test_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},
        {"abc", "abc", 0},
        {"ABC", "abc", 0},
        {"", "abc", 3},
        {"abc", "ab", 1},   /* deletion */
        {"abc", "abxc", 1}, /* insertion */
        {"abc", "axc", 1},  /* substitution */
        {"abc", "acb", 1},  /* swap of neighbours */
        {"ca", "abc", 3},   /* each place is edited once: not the 2 of the unrestricted distance */
        {"kitten", "sitting", 3},
        {"levle", "level", 1},
        {"fromat", "format", 1},
        {"sunday", "saturday", 3},
        {"abcdef", "badcfe", 3},
        {"a", "é", 2}, /* bytes */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *a = rows[i].a, *b = rows[i].b;
        assert_int_equal(weftp_edit_distance(a, strlen(a), b, strlen(b)), rows[i].distance);
        assert_int_equal(weftp_edit_distance(b, strlen(b), a, strlen(a)), rows[i].distance);
    }
}

static void test_long_names_are_near_to_nothing(void **state)
{
    (void)state;
    char name[WEFTP_NEAREST_SIZE_MAX + 1];
    memset(name, 'x', sizeof name);
    assert_int_equal(
        weftp_edit_distance(name, WEFTP_NEAREST_SIZE_MAX, name, WEFTP_NEAREST_SIZE_MAX), 0);
    assert_int_equal(weftp_edit_distance(name, WEFTP_NEAREST_SIZE_MAX, name, 0),
                     WEFTP_NEAREST_SIZE_MAX);
    assert_int_equal(weftp_edit_distance(name, sizeof name, name, 1), WEFTP_NEAREST_SIZE_MAX + 1);
    assert_int_equal(weftp_edit_distance(name, 1, name, sizeof name), WEFTP_NEAREST_SIZE_MAX + 1);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const list[] = {"ecs", "logstash", "logback", "pretty", NULL};
    static const struct {
        const char *name, *nearest;
    } rows[] = {
        {"ecss", "ecs"},
        {"ecz", "ecs"},
        {"logstahs", "logstash"},
        {"LOGBACK", "logback"},
        {"logbsck", "logback"},
        {"petty", "pretty"},
        {"preytty", "pretty"},
        {"prty", "pretty"},
        {"", NULL},
        {"xml", NULL},
        {"e", NULL},
        {"json", NULL},
        {"logs", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *nearest = weftp_nearest(rows[i].name, strlen(rows[i].name), list);
        if (rows[i].nearest)
            assert_string_equal(nearest, rows[i].nearest);
        else
            assert_null(nearest);
    }
    assert_null(weftp_nearest("ecs", 3, NULL));
}

static void test_the_first_of_equals(void **state)
{
    (void)state;
    static const char *const list[] = {"abcx", "abcy", NULL};
    assert_string_equal(weftp_nearest("abcz", 4, list), "abcx");
    assert_int_equal(weftp_near("abcz", 4, "abcx"), 1);
    assert_int_equal(weftp_near("zzzzzzzz", 8, "abcx"), WEFTP_NEAREST_DISTANCE_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_long_names_are_near_to_nothing),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_the_first_of_equals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
