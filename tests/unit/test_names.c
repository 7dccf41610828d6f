/* Names of levels, texts of statuses, names and texts of errno values. */
#include "src/port/errno_text.h"
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <weft/level.h>
#include <weft/status.h>

#include <cmocka.h>

/* The table for systems without GNU's functions, under names of its own. */
#define WEFTP_ERRNO_PLAIN
#define weftp_errno_name plain_errno_name
#define weftp_errno_text plain_errno_text
#undef WEFTP_PORT_ERRNO_TEXT_H
#include "src/port/errno_text.c"
#undef weftp_errno_name
#undef weftp_errno_text

static void levels_have_names(void **state)
{
    (void)state;
    static const struct {
        int level;
        const char *name;
    } rows[] = {
        {WEFT_LEVEL_TRACE, "TRACE"},
        {4, "TRACE"},
        {WEFT_LEVEL_DEBUG, "DEBUG"},
        {WEFT_LEVEL_INFO, "INFO"},
        {10, "INFO"},
        {12, "INFO"},
        {WEFT_LEVEL_WARN, "WARN"},
        {WEFT_LEVEL_ERROR, "ERROR"},
        {WEFT_LEVEL_FATAL, "FATAL"},
        {22, "FATAL"},
        {126, "FATAL"},
        {WEFT_LEVEL_OFF, "OFF"},
        {1000, "OFF"},
        {0, "TRACE"},
        {-5, "TRACE"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(weft_level_name(rows[i].level), rows[i].name);
    }
}

static void levels_are_read_in_any_case_and_as_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int level;
    } rows[] = {
        {"trace", 1}, {"DEBUG", 5}, {"Info", 9}, {"wARn", 13}, {"error", 17}, {"fatal", 21},
        {"off", 127}, {"1", 1},     {"10", 10},  {"127", 127}, {"009", 9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_level level = WEFT_LEVEL_INHERIT;
        assert_int_equal(weft_level_parse(rows[i].text, &level), WEFT_OK);
        assert_int_equal(level, rows[i].level);
    }
}

static void what_is_no_level_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "inf",
                                        "infos",
                                        " info",
                                        "info ",
                                        "0",
                                        "128",
                                        "-1",
                                        "+5",
                                        "1.5",
                                        "999999999999999999999",
                                        "0x5",
                                        "inherit",
                                        "warning!",
                                        "\xC4\xB0nfo"};
    weft_level level = WEFT_LEVEL_WARN;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(weft_level_parse(texts[i], &level), WEFT_EINVAL);
        assert_int_equal(level, WEFT_LEVEL_WARN);
    }
    assert_int_equal(weft_level_parse(NULL, &level), WEFT_EINVAL);
    assert_int_equal(weft_level_parse("info", NULL), WEFT_EINVAL);
}

static void every_name_is_read_back(void **state)
{
    (void)state;
    for (int number = 1; number <= 127; number++) {
        weft_level level;
        assert_int_equal(weft_level_parse(weft_level_name(number), &level), WEFT_OK);
        assert_true((int)level <= number);
    }
}

static void statuses_have_texts(void **state)
{
    (void)state;
#define CHECK(name, value, text)                                                                   \
    assert_int_equal(name, value);                                                                 \
    assert_string_equal(weft_status_text(name), text);
    WEFT_STATUS_TABLE(CHECK)
#undef CHECK
    assert_string_equal(weft_status_text((weft_status)99), "unknown status");
    assert_string_equal(weft_status_text(WEFT_STATUS_MAX_), "unknown status");
}

static void errors_have_english_names_in_any_locale(void **state)
{
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8");
    assert_string_equal(weftp_errno_name(ENOENT), "ENOENT");
    assert_string_equal(weftp_errno_text(ENOENT), "No such file or directory");
    assert_string_equal(weftp_errno_name(ECONNREFUSED), "ECONNREFUSED");
    assert_string_equal(weftp_errno_text(ECONNREFUSED), "Connection refused");
    assert_null(weftp_errno_name(99999));
    assert_string_equal(weftp_errno_text(99999), "unknown error");
    assert_null(weftp_errno_name(-1));
    assert_string_equal(weftp_errno_text(-1), "unknown error");
    setlocale(LC_ALL, "C");
}

static void our_own_table_says_what_the_system_says(void **state)
{
    (void)state;
    unsigned known = 0;
    for (int err = 0; err < 200; err++) {
        const char *name = plain_errno_name(err);
        if (!name) continue;
        assert_string_equal(name, weftp_errno_name(err));
        assert_string_equal(plain_errno_text(err), weftp_errno_text(err));
        known++;
    }
    assert_in_range(known, 60, 200);
    assert_null(plain_errno_name(99999));
    assert_string_equal(plain_errno_text(99999), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(levels_are_read_in_any_case_and_as_numbers),
        cmocka_unit_test(what_is_no_level_changes_nothing),
        cmocka_unit_test(every_name_is_read_back),
        cmocka_unit_test(statuses_have_texts),
        cmocka_unit_test(errors_have_english_names_in_any_locale),
        cmocka_unit_test(our_own_table_says_what_the_system_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
