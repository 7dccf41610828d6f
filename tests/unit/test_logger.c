#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/logger/logger.h"

#include <stdio.h>
#include <string.h>

static void configure(const struct weftp_level_setting *settings, size_t count, int floor)
{
    assert_int_equal(weftp_loggers_configure(settings, count, floor), WEFT_OK);
}

static void the_nearest_setting_holds(void **state)
{
    (void)state;
    const struct weftp_level_setting settings[] = {
        {"", WEFT_LEVEL_WARN}, {"orders.db", WEFT_LEVEL_DEBUG}, {"orders.db.pool", WEFT_LEVEL_OFF}};
    struct weftp_logger *early = weftp_logger_find("orders.db.pool.one");
    configure(settings, 3, WEFT_LEVEL_TRACE);
    assert_int_equal(weftp_logger_level(early), WEFT_LEVEL_OFF);
    assert_int_equal(weftp_logger_level(weftp_logger_find("orders.db.x")), WEFT_LEVEL_DEBUG);
    assert_int_equal(weftp_logger_level(weftp_logger_find("orders.dbx")), WEFT_LEVEL_WARN);
    assert_int_equal(weftp_logger_level(weftp_logger_find("orders")), WEFT_LEVEL_WARN);
    assert_int_equal(weftp_logger_level(weftp_logger_root()), WEFT_LEVEL_WARN);
}

static void the_program_beats_the_configuration(void **state)
{
    (void)state;
    const struct weftp_level_setting settings[] = {{"", WEFT_LEVEL_INFO},
                                                   {"a.b", WEFT_LEVEL_DEBUG}};
    struct weftp_logger *leaf = weftp_logger_find("a.b.c"), *middle = weftp_logger_find("a.b");
    configure(settings, 2, WEFT_LEVEL_TRACE);
    weftp_logger_own_level(middle, WEFT_LEVEL_ERROR);
    assert_int_equal(weftp_logger_level(leaf), WEFT_LEVEL_ERROR);
    assert_int_equal(weftp_logger_level(weftp_logger_find("a.b.later")), WEFT_LEVEL_ERROR);
    configure(settings, 2, WEFT_LEVEL_TRACE);
    assert_int_equal(weftp_logger_level(leaf), WEFT_LEVEL_ERROR);
    weftp_logger_own_level(middle, WEFT_LEVEL_INHERIT);
    assert_int_equal(weftp_logger_level(leaf), WEFT_LEVEL_DEBUG);
}

static void the_gate_is_never_below_what_a_sink_wants(void **state)
{
    (void)state;
    const struct weftp_level_setting settings[] = {{"", WEFT_LEVEL_TRACE}};
    struct weftp_logger *logger = weftp_logger_find("gate");
    configure(settings, 1, WEFT_LEVEL_WARN);
    assert_int_equal(logger->face.gate_, WEFT_LEVEL_WARN);
    assert_int_equal(weftp_logger_level(logger), WEFT_LEVEL_TRACE);
    configure(settings, 1, WEFT_LEVEL_TRACE);
    assert_int_equal(logger->face.gate_, WEFT_LEVEL_TRACE);
}

static void a_name_is_one_logger(void **state)
{
    (void)state;
    assert_ptr_equal(weftp_logger_find("same"), weftp_logger_find("same"));
    assert_ptr_equal(weftp_logger_find(NULL), weftp_logger_root());
    assert_ptr_equal(weftp_logger_find(""), weftp_logger_root());
    assert_string_equal(weftp_logger_find("..odd..")->name, "..odd..");
}

static void a_long_name_is_cut_and_counted(void **state)
{
    (void)state;
    char name[600];
    uint64_t before, after, bound;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    weftp_loggers_counts(&before, &bound);
    const struct weftp_logger *logger = weftp_logger_find(name);
    weftp_loggers_counts(&after, &bound);
    assert_int_equal(strlen(logger->name), WEFTP_LOGGER_NAME_SIZE_MAX);
    assert_int_equal(after, before + 1);
}

static void children_bind_and_follow_their_name(void **state)
{
    (void)state;
    const struct weftp_level_setting settings[] = {{"", WEFT_LEVEL_INFO}};
    configure(settings, 1, WEFT_LEVEL_TRACE);
    struct weftp_logger *parent = weftp_logger_find("kids");
    const weft_field one[] = {weft_int("shard", 1), weft_str("peer", "db")};
    const weft_field two[] = {weft_int("shard", 2)};
    struct weftp_logger *child = weftp_logger_bind(parent, one, 2);
    struct weftp_logger *grandchild = weftp_logger_bind(child, two, 1);
    assert_int_equal(child->bound->count, 2);
    assert_int_equal(grandchild->bound->count, 2);
    const struct weft_pair *shard = weftp_pairs_find(grandchild->bound->pairs, 2, "shard", 5);
    assert_int_equal(shard->field.v.i, 2);
    weftp_logger_own_level(parent, WEFT_LEVEL_ERROR);
    assert_int_equal(weftp_logger_level(grandchild), WEFT_LEVEL_ERROR);
    weftp_logger_own_level(grandchild, WEFT_LEVEL_INHERIT);
    assert_int_equal(weftp_logger_level(parent), WEFT_LEVEL_INFO);
    weftp_logger_unbind(child);
    assert_string_equal(grandchild->name, "kids");
    weftp_logger_unbind(grandchild);
    weftp_logger_unbind(parent);
    assert_ptr_equal(weftp_logger_find("kids"), parent);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    char name[32];
    uint64_t before, after, bound;
    weftp_loggers_counts(&before, &bound);
    for (int i = 0; i < WEFTP_LOGGERS_MAX + 10; i++) {
        snprintf(name, sizeof name, "many.%d", i);
        assert_non_null(weftp_logger_find(name));
    }
    weftp_loggers_counts(&after, &bound);
    assert_true(after >= before + 10);
    assert_ptr_equal(weftp_logger_find("one.too.many"), weftp_logger_root());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_setting_holds),
        cmocka_unit_test(the_program_beats_the_configuration),
        cmocka_unit_test(the_gate_is_never_below_what_a_sink_wants),
        cmocka_unit_test(a_name_is_one_logger),
        cmocka_unit_test(a_long_name_is_cut_and_counted),
        cmocka_unit_test(children_bind_and_follow_their_name),
        cmocka_unit_test(there_is_a_limit),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    weftp_loggers_close();
    return failed;
}
