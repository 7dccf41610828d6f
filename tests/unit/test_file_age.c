/*
 * file: rotation by age and by period, under clocks of all kinds; what a file's birth is taken to
 * be; groups, reserved blocks, and what options mean together.
 */
#include "support/sinks.h"

#include "sinks/file.h"
#include "src/port/io.h"
#include <grp.h>

#define DAY (INT64_C(86400) * SECOND_NS)

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static const char *log_path(void)
{
    return in_scratch("app.log");
}

/* A minute that the clock of a test begins in. */
static int64_t minute(int64_t ns)
{
    return ns - ns % (60 * SECOND_NS);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void put_at(struct sink *sink, int64_t time_ns, const char *text)
{
    sink->time_ns = time_ns;
    assert_true(sink_put(sink, text));
    assert_int_equal(sink->status, WEFT_OK);
}

static void test_period(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), "period", "minute");
    const int64_t start = minute(sink.time_ns);
    put_at(&sink, start + 59 * SECOND_NS + SECOND_NS / 2, "one\n");
    put_at(&sink, start + 60 * SECOND_NS - 1, "two\n");
    put_at(&sink, start + 60 * SECOND_NS, "three\n");
    put_at(&sink, start + 60 * SECOND_NS + 1, "four\n");
    put_at(&sink, start + 180 * SECOND_NS, "five\n");
    sink_close(&sink);
    assert_content("app.log.2", "one\ntwo\n");
    assert_content("app.log.1", "three\nfour\n");
    assert_content("app.log", "five\n");
    assert_false(exists("app.log.3"));
}

static void test_age(void **state)
{
    (void)state;
    struct sink sink =
        OPEN(&weftp_sink_file, "path", log_path(), "max_age", "10s", "max_bytes", "21");
    const int64_t start = sink.time_ns;
    put_at(&sink, start, "one\n");
    put_at(&sink, start + 10 * SECOND_NS - 1, "two\n");
    put_at(&sink, start + 10 * SECOND_NS, "three\n");
    put_at(&sink, start + 19 * SECOND_NS, "sixteen bytes..\n");
    put_at(&sink, start + 28 * SECOND_NS, "four\n");
    put_at(&sink, start + 29 * SECOND_NS, "five\n");
    sink_close(&sink);
    assert_content("app.log.3", "one\ntwo\n");
    assert_content("app.log.2", "three\n");
    assert_content("app.log.1", "sixteen bytes..\nfour\n");
    assert_content("app.log", "five\n");
}

/* An idle day has no file; one that nothing was written to is never rotated. */
static void test_empty_file_stays(void **state)
{
    (void)state;
    write_file("app.log", "");
    struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), "period", "day", "max_age", "1h");
    put_at(&sink, sink.time_ns + 9 * DAY, "one\n");
    assert_int_equal(truncate(log_path(), 0), 0);
    put_at(&sink, sink.time_ns + 9 * DAY, "two\n");
    sink_close(&sink);
    assert_content("app.log", "two\n");
    assert_false(exists("app.log.1"));
}

/* Back and forth: one rotation at most for each time that the clock crosses into a new period. */
static void test_clock_jumps(void **state)
{
    (void)state;
    struct sink sink =
        OPEN(&weftp_sink_file, "path", log_path(), "period", "minute", "max_age", "40s");
    const int64_t start = minute(sink.time_ns) + SECOND_NS;
    put_at(&sink, start, "one\n");
    for (int i = 1; i < 50; i++) put_at(&sink, start - i * 3600 * SECOND_NS, "back\n");
    assert_false(exists("app.log.1"));
    /* Threads' lines around the end of a minute come out of order. */
    const int64_t turn = start - 49 * 3600 * SECOND_NS + 59 * SECOND_NS;
    for (int i = 0; i < 50; i++) {
        put_at(&sink, turn + i * 1000, "new\n");
        put_at(&sink, turn - 1000 + i, "late\n");
    }
    assert_true(exists("app.log.1"));
    assert_false(exists("app.log.2"));
    /* A clock that stands still, at the worst place. */
    for (int i = 0; i < 50; i++) put_at(&sink, turn + 60 * SECOND_NS, "still\n");
    assert_false(exists("app.log.3"));
    put_at(&sink, INT64_MAX, "end\n");
    for (int i = 0; i < 20; i++) put_at(&sink, INT64_MAX - i, "end\n");
    for (int i = 0; i < 20; i++) put_at(&sink, i, "beginning\n");
    for (int i = 0; i < 20; i++) put_at(&sink, -i, "before\n");
    sink_close(&sink);
    assert_false(exists("app.log.4"));
}

/* What was there at the start is as old as the file system says. */
static void test_birth_at_start(void **state)
{
    int64_t made_ns;
    (void)state;
    write_file("app.log", "old\n");
    const int fd = open(log_path(), O_RDONLY | O_CLOEXEC);
    const bool known = weftp_io_birth_ns(fd, &made_ns);
    close(fd);
    if (known) assert_in_range(made_ns, now_ns() - 60 * SECOND_NS, now_ns());
    struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), "max_age", "1h");
    put_at(&sink, now_ns() + 3500 * SECOND_NS, "young\n");
    assert_false(exists("app.log.1"));
    put_at(&sink, now_ns() + 3600 * SECOND_NS, "new\n");
    sink_close(&sink);
    assert_content("app.log.1", "old\nyoung\n");
    assert_content("app.log", "new\n");
}

/*
 * Two processes whose clocks are a month apart: each rotates by its own, and takes the file that
 * the other one makes for new.
 */
static void test_two_clocks(void **state)
{
    (void)state;
    struct sink here = OPEN(&weftp_sink_file, "path", log_path(), "period", "day", "max_bytes",
                            "200", "keep", "99");
    struct sink there = OPEN(&weftp_sink_file, "path", log_path(), "period", "day", "keep", "99");
    const int64_t start = now_ns();
    for (int i = 0; i < 100; i++) {
        put_at(&here, start + i * SECOND_NS, "here\n");
        put_at(&there, start + 30 * DAY + i * SECOND_NS, "there\n");
    }
    sink_close(&here);
    sink_close(&there);
    assert_true(exists("app.log.5"));
    assert_false(exists("app.log.8"));
}

/* The child's file is the parent's: no younger for that. */
static void test_fork_keeps_the_birth(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), "max_age", "10s");
    put_at(&sink, sink.time_ns, "one\n");
    sink.type->forked(sink.self);
    put_at(&sink, sink.time_ns + 9 * SECOND_NS, "two\n");
    assert_false(exists("app.log.1"));
    put_at(&sink, sink.time_ns + 1 * SECOND_NS, "three\n");
    sink_close(&sink);
    assert_content("app.log.1", "one\ntwo\n");
}

static void test_reopen(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", log_path());
    put_at(&sink, sink.time_ns, "one\n");
    assert_int_equal(rename(log_path(), in_scratch("moved")), 0);
    put_at(&sink, sink.time_ns, "two\n");
    sink.type->reopen(sink.self);
    put_at(&sink, sink.time_ns, "three\n");
    sink_close(&sink);
    assert_content("moved", "one\ntwo\n");
    assert_content("app.log", "three\n");
}

static void test_trim_at_start(void **state)
{
    (void)state;
    write_file("app.log.1", "one\n");
    write_file("app.log.2", "two\n");
    write_file("app.log.3", "three\n");
    write_file("app.log.x", "not ours\n");
    struct sink sink =
        OPEN(&weftp_sink_file, "path", log_path(), "max_bytes", "100", "keep_bytes", "8k");
    sink_close(&sink);
    assert_true(exists("app.log.1") && exists("app.log.2"));
    assert_false(exists("app.log.3"));
    sink = OPEN(&weftp_sink_file, "path", log_path(), "max_bytes", "100", "keep", "1");
    sink_close(&sink);
    assert_true(exists("app.log.1") && exists("app.log.x"));
    assert_false(exists("app.log.2"));
}

/* Without keep=, a bound by bytes or age is the only one. */
static void test_keep_default(void **state)
{
    (void)state;
    struct sink sink =
        OPEN(&weftp_sink_file, "path", log_path(), "max_bytes", "4", "keep_age", "90d");
    for (int i = 0; i < 20; i++) put_at(&sink, sink.time_ns, "one\n");
    sink_close(&sink);
    assert_true(exists("app.log.19"));
    fresh(state);
    sink = OPEN(&weftp_sink_file, "path", log_path(), "max_bytes", "4");
    for (int i = 0; i < 20; i++) put_at(&sink, sink.time_ns, "one\n");
    sink_close(&sink);
    assert_true(exists("app.log.7"));
    assert_false(exists("app.log.8"));
}

/* ---- group ---- */

static gid_t group_of(const char *name)
{
    struct stat found;
    assert_int_equal(lstat(in_scratch(name), &found), 0);
    return found.st_gid;
}

static void test_group(void **state)
{
    struct group *nogroup = getgrnam("nogroup");
    (void)state;
    if (geteuid() != 0 || !nogroup) {
        fprintf(stderr, "SKIPPED: giving files to a group needs root and the group nogroup\n");
        skip();
    }
    const gid_t gid = nogroup->gr_gid;
    struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), "max_bytes", "4", "group",
                            "nogroup", "compress", "gzip", "compress_delay", "0");
    for (int i = 0; i < 3; i++) put_at(&sink, sink.time_ns, "one\n");
    WAIT_FOR(exists("app.log.2.gz") && exists("app.log.1.gz"));
    sink_close(&sink);
    assert_int_equal(group_of("app.log"), gid);
    assert_int_equal(group_of("app.log.1.gz"), gid);
    assert_int_equal(group_of("app.log.2.gz"), gid);
    assert_int_equal(group_of(".app.log.lock"), gid);
    sink = OPEN(&weftp_sink_file, "path", in_scratch("number"), "group", "12345");
    assert_int_equal(group_of("number"), 12345);
    sink_close(&sink);
}

static int may_not(int fd, uid_t owner, gid_t group)
{
    (void)fd;
    (void)owner;
    (void)group;
    errno = EPERM;
    return -1;
}

static void test_group_not_permitted(void **state)
{
    (void)state;
    weftp_io.fchown = may_not;
    struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), "group", "0");
    assert_true(sink_put(&sink, "one\n"));
    assert_int_equal(sink.status, WEFT_EIO);
    assert_string_equal(sink_error(&sink).what, "group");
    assert_int_equal(sink_error(&sink).err, EPERM);
    put_at(&sink, sink.time_ns, "two\n");
    weftp_io.fchown = fchown;
    sink_close(&sink);
    assert_content("app.log", "one\ntwo\n");
}

/* ---- reserved blocks ---- */

static blkcnt_t blocks_of(const char *name)
{
    struct stat found;
    assert_int_equal(stat(in_scratch(name), &found), 0);
    return found.st_blocks;
}

static bool can_reserve(void)
{
    const int fd = open(in_scratch("probe"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const bool can = weftp_io.reserve(fd, 0, 1 << 16) == 0;
    close(fd);
    return can && blocks_of("probe") >= 128;
}

static void test_preallocate(void **state)
{
    struct stat found;
    (void)state;
    if (!can_reserve()) {
        fprintf(stderr, "SKIPPED: this file system reserves no blocks\n");
        skip();
    }
    struct sink sink =
        OPEN(&weftp_sink_file, "path", log_path(), "max_bytes", "300k", "preallocate", "200k");
    static char line[1001];
    memset(line, 'x', 999);
    line[999] = '\n';
    put_at(&sink, sink.time_ns, line);
    assert_true(blocks_of("app.log") >= 400);
    assert_int_equal(stat(log_path(), &found), 0);
    assert_int_equal(found.st_size, 1000);
    for (int i = 0; i < 400; i++) put_at(&sink, sink.time_ns, line);
    assert_true(blocks_of("app.log.1") < 700); /* 307 lines, and no more than they need */
    put_at(&sink, sink.time_ns, "end\n");
    sink_close(&sink);
    assert_true(blocks_of("app.log") < 250);
}

static unsigned reservations;

static int cannot_reserve(int fd, off_t at, off_t size)
{
    (void)fd;
    (void)at;
    (void)size;
    reservations++;
    errno = EOPNOTSUPP;
    return -1;
}

static void test_preallocate_unsupported(void **state)
{
    int (*const before)(int, off_t, off_t) = weftp_io.reserve;
    (void)state;
    weftp_io.reserve = cannot_reserve;
    struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), "preallocate", "10");
    for (int i = 0; i < 50; i++) put_at(&sink, sink.time_ns, "a line\n");
    weftp_io.reserve = before;
    sink_close(&sink);
    assert_int_equal(reservations, 1);
}

/* ---- options ---- */

static void test_bad_options(void **state)
{
    static const char *const bad[][2] = {
        {"max_age", "1"},
        {"period", "week"},
        {"names", "both"},
        {"keep_bytes", "-1"},
        {"keep_age", "x"},
        {"compress_level", "0"},
        {"compress_level", "20"},
        {"compress_delay", "no"},
        {"group", "no such group"},
        {"fsync", "always"},
        {"buffer_bytes", "65MiB"},
        {"flush_interval_ms", "0"},
        {"flush_interval_ms", "2h"},
        {"preallocate", "much"},
        {"min_free", "5%"},
        {"on_full", "panic"},
        {"group", "99999999999"},
        {"group", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), bad[i][0], bad[i][1]);
        assert_int_equal(sink.opened, WEFT_EINVAL);
        assert_string_equal(sink_error(&sink).option, bad[i][0]);
        assert_true(strlen(sink_error(&sink).accepted) > 5);
        put_at(&sink, sink.time_ns, "used all the same\n");
        sink_close(&sink);
    }
    struct sink sink =
        OPEN(&weftp_sink_file, "path", log_path(), "compress", "gzip", "compress_level", "10");
    assert_int_equal(sink.opened, WEFT_EINVAL);
    assert_string_equal(sink_error(&sink).option, "compress_level");
    sink_close(&sink);
}

static void test_good_options(void **state)
{
    static const char *const good[][2] = {
        {"max_age", "0"},
        {"max_age", "400d"},
        {"period", "none"},
        {"names", "date"},
        {"keep_bytes", "0"},
        {"keep_age", "0"},
        {"compress_level", "9"},
        {"compress_delay", "0"},
        {"group", "0"},
        {"fsync", "every"},
        {"buffer_bytes", "64MiB"},
        {"flush_interval_ms", "500"},
        {"flush_interval_ms", "2s"},
        {"preallocate", "0"},
        {"min_free", "0"},
        {"on_full", "drop"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct sink sink = OPEN(&weftp_sink_file, "path", log_path(), good[i][0], good[i][1]);
        assert_int_equal(sink.opened, WEFT_OK);
        assert_true(sink_put(&sink, "used\n"));
        sink_close(&sink);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_period, fresh),
        cmocka_unit_test_setup(test_age, fresh),
        cmocka_unit_test_setup(test_empty_file_stays, fresh),
        cmocka_unit_test_setup(test_clock_jumps, fresh),
        cmocka_unit_test_setup(test_birth_at_start, fresh),
        cmocka_unit_test_setup(test_two_clocks, fresh),
        cmocka_unit_test_setup(test_fork_keeps_the_birth, fresh),
        cmocka_unit_test_setup(test_reopen, fresh),
        cmocka_unit_test_setup(test_trim_at_start, fresh),
        cmocka_unit_test_setup(test_keep_default, fresh),
        cmocka_unit_test_setup(test_group, fresh),
        cmocka_unit_test_setup(test_group_not_permitted, fresh),
        cmocka_unit_test_setup(test_preallocate, fresh),
        cmocka_unit_test_setup(test_preallocate_unsupported, fresh),
        cmocka_unit_test_setup(test_bad_options, fresh),
        cmocka_unit_test_setup(test_good_options, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
