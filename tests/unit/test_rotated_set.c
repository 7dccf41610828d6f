/*
 * The set of rotated files as weftp_rotation_* keeps it: dated names, and what goes by count, bytes
 * and age.
 */
#include "support/sinks.h"

#include "sinks/kit/rotate.h"
#include "src/port/io.h"
#include <sys/file.h>

#define DAY_S   86400
#define START_S INT64_C(1795352701) /* 2026-11-22T13:05:01 */

static struct weftp_rotation rotation;
static char path[100]; /* what the rotation borrows */

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    rotation = (struct weftp_rotation){
        .mode = 0640, .names = WEFTP_NAMES_DATE, .period = WEFTP_PERIOD_DAY, .keep = 100};
    snprintf(path, sizeof path, "%s/app.log", scratch);
    return weftp_rotation_init(&rotation, path) ? 0 : -1;
}

static int done(void **state)
{
    (void)state;
    weftp_rotation_deinit(&rotation);
    return 0;
}

/* Make a live file that was born then, and rotate it. */
static int rotate(int64_t born_s, const char *text)
{
    struct stat found;
    bool rotated = false;
    write_file("app.log", text);
    assert_int_equal(stat(in_scratch("app.log"), &found), 0);
    const struct weftp_rotation_live live = {.dev = found.st_dev,
                                             .ino = found.st_ino,
                                             .born_ns = born_s * SECOND_NS,
                                             .now_ns = born_s * SECOND_NS};
    const int err = weftp_rotation_run(&rotation, &live, &rotated);
    assert_int_equal(rotated, !exists("app.log"));
    return err;
}

static size_t count_files(void)
{
    struct weftp_rotated_list list;
    const int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(weftp_rotated_list(&rotation, dir, &list), 0);
    close(dir);
    const size_t count = list.count;
    weftp_rotated_free(&list);
    return count;
}

/* Set when a file was changed last. */
static void set_changed(const char *name, int64_t second)
{
    const struct timespec times[2] = {{second, 0}, {second, 0}};
    assert_int_equal(utimensat(AT_FDCWD, in_scratch(name), times, 0), 0);
}

static void test_periods(void **state)
{
    (void)state;
    assert_int_equal(rotate(START_S, "day\n"), 0);
    rotation.period = WEFTP_PERIOD_HOUR;
    assert_int_equal(rotate(START_S, "hour\n"), 0);
    rotation.period = WEFTP_PERIOD_MINUTE;
    assert_int_equal(rotate(START_S, "minute\n"), 0);
    rotation.period = WEFTP_PERIOD_NONE;
    assert_int_equal(rotate(START_S, "second\n"), 0);
    assert_content("app.log.2026-11-22", "day\n");
    assert_content("app.log.2026-11-22T13", "hour\n");
    assert_content("app.log.2026-11-22T1305", "minute\n");
    assert_content("app.log.2026-11-22T130501", "second\n");
    /* They all are in the set, whatever the period is now. */
    rotation.keep = 1;
    assert_int_equal(weftp_rotation_trim(&rotation, 0), 0);
    assert_int_equal(count_files(), 1);
    assert_true(exists("app.log.2026-11-22T130501"));
}

static void test_a_date_that_is_taken(void **state)
{
    (void)state;
    write_file("precious", "precious\n");
    assert_int_equal(symlink("precious", in_scratch("app.log.2026-11-22.2")), 0);
    assert_int_equal(mkdir(in_scratch("app.log.2026-11-22.4.gz"), 0700), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(rotate(START_S, "x\n"), 0);
    /* After the highest that is there, so that the order is that of time. */
    assert_true(exists("app.log.2026-11-22.5") && exists("app.log.2026-11-22.6") &&
                exists("app.log.2026-11-22.7"));
    assert_content("precious", "precious\n");
    assert_content("app.log.2026-11-22.2", "precious\n");
}

/* What was removed leaves no number that a newer file could get. */
static void test_numbers_of_a_date_only_grow(void **state)
{
    char name[40];
    (void)state;
    rotation.keep = 2;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(rotate(START_S, "x\n"), 0);
        /* With the note in the lock file, without it, with one that is damaged. */
        if (i % 3 == 1) assert_int_equal(unlink(in_scratch(".app.log.lock")), 0);
        if (i % 3 == 2) write_file(".app.log.lock", "weft 1 2026-11-22 junk");
        snprintf(name, sizeof name, i == 0 ? "app.log.2026-11-22" : "app.log.2026-11-22.%d", i);
        assert_true(exists(name));
        assert_int_equal(count_files(), i < 2 ? i + 1 : 2);
    }
    /* The next day has its own; then the clock goes back. */
    assert_int_equal(rotate(START_S + DAY_S, "x\n"), 0);
    assert_true(exists("app.log.2026-11-23"));
    assert_int_equal(rotate(START_S, "x\n"), 0);
    assert_true(exists("app.log.2026-11-22.12"));
    assert_int_equal(rotate(START_S + DAY_S, "x\n"), 0);
    assert_true(exists("app.log.2026-11-23.1"));
    assert_int_equal(count_files(), 2);
}

/* A name that the note does not know of is passed over. */
static void test_a_note_that_is_behind(void **state)
{
    (void)state;
    assert_int_equal(rotate(START_S, "one\n"), 0);
    write_file("app.log.2026-11-22.1", "somebody's\n");
    write_file("app.log.2026-11-23.gz", "somebody's\n");
    assert_int_equal(rotate(START_S, "two\n"), 0);
    assert_int_equal(rotate(START_S + DAY_S, "three\n"), 0);
    assert_content("app.log.2026-11-22.1", "somebody's\n");
    assert_content("app.log.2026-11-22.2", "two\n");
    assert_content("app.log.2026-11-23.1", "three\n");
    /* A name that was given once is not given again on that day. */
    assert_int_equal(unlink(in_scratch("app.log.2026-11-23.1")), 0);
    assert_int_equal(rotate(START_S + DAY_S, "four\n"), 0);
    assert_content("app.log.2026-11-23.2", "four\n");
}

/* By count alone the directory is read once in a while; there are never more than keep + keep / 64. */
static void test_many(void **state)
{
    (void)state;
    size_t most = 0;
    rotation.keep = 128;
    rotation.period = WEFTP_PERIOD_MINUTE;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(rotate(START_S + i * 60, "x\n"), 0);
        const size_t count = count_files();
        assert_in_range(count, i < 128 ? i + 1 : 128, i < 130 ? i + 1 : 130);
        if (count > most) most = count;
    }
    assert_int_equal(most, 130); /* it did not look each time */
    assert_int_equal(weftp_rotation_trim(&rotation, 0), 0);
    assert_int_equal(count_files(), 128);
    assert_false(exists("app.log.2026-11-22T1305"));
    assert_true(exists("app.log.2026-11-22T1624"));
}

static void test_bytes(void **state)
{
    char text[9001];
    struct stat found;
    (void)state;
    memset(text, 'x', 9000);
    text[9000] = '\0';
    assert_int_equal(rotate(START_S, text), 0);
    assert_int_equal(stat(in_scratch("app.log.2026-11-22"), &found), 0);
    const uint64_t each = (uint64_t)found.st_blocks * 512;
    rotation.keep_bytes = 2 * each + each / 2;
    for (int day = 1; day < 5; day++) {
        assert_int_equal(rotate(START_S + day * DAY_S, text), 0);
        assert_int_equal(count_files(), 2);
    }
    assert_true(exists("app.log.2026-11-26") && exists("app.log.2026-11-25"));
    /* Both forms of one file count. */
    write_file("app.log.2026-11-26.gz", text);
    assert_int_equal(weftp_rotation_trim(&rotation, 0), 0);
    assert_true(exists("app.log.2026-11-26") && exists("app.log.2026-11-26.gz"));
    assert_false(exists("app.log.2026-11-25"));
    /* Also the newest goes. */
    rotation.keep_bytes = 1;
    assert_int_equal(weftp_rotation_trim(&rotation, 0), 0);
    assert_int_equal(count_files(), 0);
}

static void test_age(void **state)
{
    (void)state;
    for (int day = 0; day < 4; day++) {
        char name[40];
        assert_int_equal(rotate(START_S + day * DAY_S, "x\n"), 0);
        snprintf(name, sizeof name, "app.log.2026-11-%d", 22 + day);
        set_changed(name, START_S + day * DAY_S);
    }
    rotation.keep_age_s = 2 * DAY_S;
    const int64_t now_ns = (START_S + 3 * DAY_S) * SECOND_NS;
    /* A clock that stands before all of them removes none. */
    assert_int_equal(weftp_rotation_trim(&rotation, (START_S - 9 * DAY_S) * SECOND_NS), 0);
    assert_int_equal(weftp_rotation_trim(&rotation, INT64_MIN), 0);
    assert_int_equal(count_files(), 4);
    assert_int_equal(weftp_rotation_trim(&rotation, now_ns), 0);
    assert_int_equal(count_files(), 3);
    assert_false(exists("app.log.2026-11-22"));
    assert_int_equal(weftp_rotation_trim(&rotation, INT64_MAX), 0);
    assert_int_equal(count_files(), 0);
}

/* What is old does not take room from what is not. */
static void test_bounds_together(void **state)
{
    (void)state;
    rotation.names = WEFTP_NAMES_NUMBER;
    for (int i = 0; i < 4; i++) assert_int_equal(rotate(START_S, "x\n"), 0);
    const int64_t now_s = START_S + DAY_S;
    for (int i = 1; i <= 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "app.log.%d", i);
        set_changed(name, i == 2 ? START_S - DAY_S : now_s);
    }
    struct stat found;
    assert_int_equal(stat(in_scratch("app.log.1"), &found), 0);
    rotation.keep = 3;
    rotation.keep_bytes = 3 * (uint64_t)found.st_blocks * 512;
    rotation.keep_age_s = DAY_S;
    assert_int_equal(weftp_rotation_trim(&rotation, now_s * SECOND_NS), 0);
    assert_true(exists("app.log.1") && exists("app.log.3") && exists("app.log.4"));
    assert_false(exists("app.log.2"));
}

static void test_oldest(void **state)
{
    bool removed = false;
    (void)state;
    write_file("app.log", "live\n");
    write_file("app.log.2026-11-21.gz", "oldest\n");
    write_file("app.log.2026-11-21", "its plain form\n");
    write_file("app.log.2026-11-22", "newest\n");
    assert_int_equal(mkdir(in_scratch("app.log.2026-11-20"), 0700), 0);
    assert_int_equal(weftp_rotation_remove_oldest(&rotation, &removed), 0);
    assert_true(removed);
    assert_false(exists("app.log.2026-11-21") || exists("app.log.2026-11-21.gz"));
    assert_true(exists("app.log.2026-11-22"));
    assert_int_equal(weftp_rotation_remove_oldest(&rotation, &removed), 0);
    assert_true(removed);
    assert_int_equal(weftp_rotation_remove_oldest(&rotation, &removed), 0);
    assert_false(removed);
    assert_true(exists("app.log") && exists("app.log.2026-11-20"));
}

static void test_of_another_user(void **state)
{
    bool removed = false;
    (void)state;
    if (geteuid() != 0) skip();
    rotation.names = WEFTP_NAMES_NUMBER;
    rotation.keep = 1;
    write_file("app.log.1", "another's\n");
    assert_int_equal(chown(in_scratch("app.log.1"), 65534, 65534), 0);
    assert_int_equal(weftp_rotation_remove_oldest(&rotation, &removed), 0);
    assert_false(removed);
    assert_int_equal(rotate(START_S, "one\n"), 0);
    assert_int_equal(rotate(START_S, "two\n"), 0);
    assert_content("app.log.1", "another's\n");
    assert_content("app.log.2", "two\n");
    assert_false(exists("app.log.3"));
}

static int refuse_unlink(int dir, const char *name, int flags)
{
    (void)dir, (void)name, (void)flags;
    errno = EACCES;
    return -1;
}

/* The file has been rotated, even where nothing can be removed. */
static void test_nothing_can_be_removed(void **state)
{
    (void)state;
    rotation.keep = 1;
    assert_int_equal(rotate(START_S, "one\n"), 0);
    weftp_io.unlinkat = refuse_unlink;
    assert_int_equal(rotate(START_S, "two\n"), EACCES);
    weftp_io.unlinkat = unlinkat;
    assert_false(exists("app.log"));
    assert_int_equal(count_files(), 2);
    assert_int_equal(rotate(START_S, "three\n"), 0);
    assert_int_equal(count_files(), 1);
}

/* Who may read the lock file but not write it does without the note. */
static void test_lock_of_another_user(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    write_file(".app.log.lock", "");
    assert_int_equal(chmod(in_scratch(".app.log.lock"), 0444), 0);
    assert_int_equal(chmod(scratch, 0777), 0);
    rotation.keep = 2;
    assert_int_equal(seteuid(65534), 0);
    for (int i = 0; i < 4; i++) assert_int_equal(rotate(START_S, "x\n"), 0);
    assert_int_equal(count_files(), 2);
    assert_int_equal(seteuid(0), 0);
    assert_true(exists("app.log.2026-11-22.3") && exists("app.log.2026-11-22.2"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)
    const struct CMUnitTest tests[] = {
        CASE(test_periods),
        CASE(test_a_date_that_is_taken),
        CASE(test_numbers_of_a_date_only_grow),
        CASE(test_a_note_that_is_behind),
        CASE(test_many),
        CASE(test_bytes),
        CASE(test_age),
        CASE(test_bounds_together),
        CASE(test_oldest),
        CASE(test_of_another_user),
        CASE(test_nothing_can_be_removed),
        CASE(test_lock_of_another_user),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
