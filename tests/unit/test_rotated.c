/*
 * Names of rotated files: to text and back, their order, and whose a file is.
 */
#include "support/sinks.h"

#include "sinks/kit/rotated.h"

static struct weftp_rotation with(unsigned names, const char *base, const char *ext)
{
    return (struct weftp_rotation){.base = base, .ext = ext, .names = names};
}

static const char *text_of(const struct weftp_rotation *rotation,
                           const struct weftp_rotated *rotated)
{
    static struct weftp_rotated_name name;
    assert_int_equal(weftp_rotated_text(rotation, rotated, &name), 0);
    return name.text;
}

/* Each of these is written as it was read. */
static void round_trip(const struct weftp_rotation *rotation, const char *const *names)
{
    for (; *names; names++) {
        struct weftp_rotated rotated;
        if (!weftp_rotated_parse(rotation, *names, &rotated)) fail_msg("not taken: %s", *names);
        assert_string_equal(text_of(rotation, &rotated), *names);
    }
}

static void refuse(const struct weftp_rotation *rotation, const char *const *names)
{
    for (; *names; names++) {
        struct weftp_rotated rotated;
        if (weftp_rotated_parse(rotation, *names, &rotated)) fail_msg("taken: %s", *names);
    }
}

static void test_numbers(void **state)
{
    static const char *const good[] = {"app.log.1",   "app.log.2.gz",      "app.log.10.zst",
                                       "app.log.999", "app.log.999999999", NULL};
    static const char *const bad[] = {"app.log",
                                      "app.log.",
                                      "app.log.0",
                                      "app.log.01",
                                      "app.log.1.",
                                      "app.log.1.gz.gz",
                                      "app.log.1.gz.tmp",
                                      "app.log.1gz",
                                      "app.log.-1",
                                      "app.log.+1",
                                      "app.log. 1",
                                      "app.log.1 ",
                                      "app.log.1.bz2",
                                      "app.log.1e3",
                                      "app.log.10000000000",
                                      "app.log.4294967297",
                                      "app.log.gz",
                                      "app.log.lock",
                                      ".app.log.1",
                                      "xapp.log.1",
                                      "app.log.1000000000",
                                      "app.logs.1",
                                      "app.log.2026-11-22",
                                      "",
                                      NULL};
    (void)state;
    const struct weftp_rotation rotation = with(WEFTP_NAMES_NUMBER, "app.log", "");
    round_trip(&rotation, good);
    refuse(&rotation, bad);
}

static void test_dates(void **state)
{
    static const char *const good[] = {"app.log.2026-11-22",
                                       "app.log.2026-11-22.1",
                                       "app.log.2026-11-22.12.gz",
                                       "app.log.2026-11-22.gz",
                                       "app.log.2026-11-22T00",
                                       "app.log.2026-11-22T23.zst",
                                       "app.log.2026-11-22T2359",
                                       "app.log.2026-11-22T235959",
                                       "app.log.2024-02-29T000000.999999999.gz",
                                       NULL};
    static const char *const bad[] = {"app.log.1",
                                      "app.log.2026-11-22.0",
                                      "app.log.2026-11-22.01",
                                      "app.log.2026-11-22.",
                                      "app.log.2026-11-22T",
                                      "app.log.2026-11-22T1",
                                      "app.log.2026-11-22T24",
                                      "app.log.2026-11-22T130",
                                      "app.log.2026-11-22T1360",
                                      "app.log.2026-11-22T13056",
                                      "app.log.2026-11-22T130560",
                                      "app.log.2026-11-22T13:05",
                                      "app.log.2026-11-22T1305011",
                                      "app.log.2026-13-22",
                                      "app.log.2026-00-22",
                                      "app.log.2026-11-00",
                                      "app.log.2026-11-31",
                                      "app.log.2026-02-30",
                                      "app.log.2026-1-22",
                                      "app.log.2026-11-2",
                                      "app.log.2026-11",
                                      "app.log.20261122",
                                      "app.log.2026-11-22Z",
                                      "app.log.2026-11-22.gz.1",
                                      "app.log.2026-11-22.1.1",
                                      "app.log-2026-11-22",
                                      NULL};
    (void)state;
    const struct weftp_rotation rotation = with(WEFTP_NAMES_DATE, "app.log", "");
    round_trip(&rotation, good);
    refuse(&rotation, bad);
}

/* Where the live file is compressed itself, the ending stays the last. */
static void test_ending(void **state)
{
    static const char *const good[] = {"app.log.1.gz", "app.log.22.gz", NULL};
    static const char *const bad[] = {"app.log.1",       "app.log.gz",   "app.log.1.zst",
                                      "app.log.1.gz.gz", "app.log.gz.1", NULL};
    struct weftp_rotated_name name;
    (void)state;
    /* The base may have the ending or not. */
    for (unsigned i = 0; i < 2; i++) {
        struct weftp_rotation rotation =
            with(WEFTP_NAMES_NUMBER, i ? "app.log" : "app.log.gz", ".gz");
        round_trip(&rotation, good);
        refuse(&rotation, bad);
        assert_int_equal(weftp_rotated_live(&rotation, &name), 0);
        assert_string_equal(name.text, "app.log.gz");
        rotation.names = WEFTP_NAMES_DATE;
        round_trip(&rotation, (const char *const[]){"app.log.2026-11-22T13.2.gz", NULL});
    }
}

static void test_long_names(void **state)
{
    char base[NAME_MAX + 1];
    struct weftp_rotated_name name;
    const struct weftp_rotated rotated = {.number = 1};
    (void)state;
    memset(base, 'n', sizeof base);
    base[NAME_MAX] = '\0';
    struct weftp_rotation rotation = with(WEFTP_NAMES_NUMBER, base, "");
    assert_int_equal(weftp_rotated_text(&rotation, &rotated, &name), ENAMETOOLONG);
    assert_int_equal(weftp_rotated_hidden(&rotation, &name, ".lock"), ENAMETOOLONG);
    assert_int_equal(weftp_rotated_live(&rotation, &name), 0);
    base[NAME_MAX - 2] = '\0';
    assert_int_equal(weftp_rotated_text(&rotation, &rotated, &name), 0);
    assert_int_equal(strlen(name.text), NAME_MAX);
}

static void test_date_of_a_time(void **state)
{
    static const struct {
        unsigned period;
        int64_t second;
        const char *name;
    } rows[] = {
        {WEFTP_PERIOD_NONE, 1795352701, "a.2026-11-22T130501"},
        {WEFTP_PERIOD_MINUTE, 1795352701, "a.2026-11-22T1305"},
        {WEFTP_PERIOD_HOUR, 1795352701, "a.2026-11-22T13"},
        {WEFTP_PERIOD_DAY, 1795352701, "a.2026-11-22"},
        {WEFTP_PERIOD_DAY, 1795305599, "a.2026-11-21"},
        {WEFTP_PERIOD_DAY, 1795305600, "a.2026-11-22"},
        {WEFTP_PERIOD_NONE, -1, "a.1969-12-31T235959"},
        {WEFTP_PERIOD_DAY, 1709164800, "a.2024-02-29"},
    };
    struct weftp_rotation rotation = with(WEFTP_NAMES_DATE, "a", "");
    struct weftp_rotated rotated, back;
    (void)state;
    /* The zone of whoever runs this does not matter. */
    setenv("TZ", "Asia/Seoul", 1);
    tzset();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rotation.period = rows[i].period;
        weftp_rotated_at(&rotation, rows[i].second * SECOND_NS + 999999999, &rotated);
        assert_string_equal(text_of(&rotation, &rotated), rows[i].name);
        assert_true(weftp_rotated_parse(&rotation, rows[i].name, &back));
        assert_true(weftp_rotated_same(&rotated, &back));
    }
}

/* ---- the listing ---- */

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static void assert_listing(const struct weftp_rotation *rotation, const char *const *expected)
{
    struct weftp_rotated_list list;
    const int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(weftp_rotated_list(rotation, dir, &list), 0);
    for (size_t i = 0; i < list.count; i++) {
        assert_non_null(expected[i]);
        assert_string_equal(text_of(rotation, &list.items[i]), expected[i]);
    }
    assert_null(expected[list.count]);
    weftp_rotated_free(&list);
    close(dir);
}

static void test_order(void **state)
{
    static const char *const dates[] = {
        "app.log.2026-11-23",      "app.log.2026-11-22T1305",   "app.log.2026-11-22T13.10.gz",
        "app.log.2026-11-22T13.9", "app.log.2026-11-22T13",     "app.log.2026-11-22T00",
        "app.log.2026-11-22.2",    "app.log.2026-11-22.1.gz",   "app.log.2026-11-22",
        "app.log.2026-11-22.zst",  "app.log.2025-12-31T235959", NULL};
    static const char *const numbers[] = {"app.log.1",  "app.log.1.gz", "app.log.2.zst",
                                          "app.log.10", "app.log.100",  NULL};
    (void)state;
    assert_listing(&(struct weftp_rotation){.base = "app.log", .ext = ""},
                   (const char *const[]){NULL});
    for (size_t i = 0; dates[i]; i++) write_file(dates[(i * 7) % 11], "x");
    for (size_t i = 0; numbers[i]; i++) write_file(numbers[(i * 3) % 5], "x");
    write_file("app.log", "x");
    write_file(".app.log.lock", "x");
    write_file("app.log.2026-11-22.bak", "x");
    const struct weftp_rotation by_date = with(WEFTP_NAMES_DATE, "app.log", "");
    const struct weftp_rotation by_number = with(WEFTP_NAMES_NUMBER, "app.log", "");
    assert_listing(&by_date, dates);
    assert_listing(&by_number, numbers);
}

static void test_whose(void **state)
{
    struct stat found;
    (void)state;
    const int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    write_file("ours", "1234");
    write_file("twice", "x");
    assert_int_equal(linkat(dir, "twice", dir, "again", 0), 0);
    assert_int_equal(symlinkat("ours", dir, "link"), 0);
    assert_int_equal(mkdirat(dir, "folder", 0700), 0);
    assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
    assert_int_equal(weftp_rotated_kind(dir, "ours", &found), WEFTP_ROTATED_OURS);
    assert_int_equal(found.st_size, 4);
    assert_int_equal(weftp_rotated_kind(dir, "none", NULL), WEFTP_ROTATED_NONE);
    static const char *const others[] = {"twice", "again", "link", "folder", "fifo"};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(weftp_rotated_kind(dir, others[i], NULL), WEFTP_ROTATED_FOREIGN);
    found.st_uid = geteuid() + 1;
    assert_int_equal(weftp_rotated_owner(&found), WEFTP_ROTATED_FOREIGN);
    close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_ending),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_date_of_a_time),
        cmocka_unit_test_setup(test_order, fresh),
        cmocka_unit_test_setup(test_whose, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
