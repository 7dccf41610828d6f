/*
 * What bad input gets, end to end: the service lives, the error is named once, what was lost is counted, and
 * accepted = written + dropped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/child.h"

#include <math.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <weft/weft.h>

static weft_stats stats_now(void)
{
    weft_stats stats;
    SETTLE();
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == stats.written + stats.dropped);
    for (size_t i = 0; i < stats.sink_count; i++)
        EXPECT(stats.sinks[i].accepted == stats.sinks[i].written + stats.sinks[i].dropped);
    return stats;
}

struct scenario {
    void (*before)(void); /* in the child, before weft starts; NULL: nothing */
    unsigned records;     /* to log */
    uint64_t written_least, dropped_least;
    const char *named; /* in the one status record about it; NULL: stderr stays empty */
};

static bool taken[12];

static void give_back_files(void)
{
    for (int fd = 0; fd < 12; fd++)
        if (taken[fd]) close(fd);
}

static void log_records(void *arg)
{
    const struct scenario *scenario = arg;
    if (scenario->before) scenario->before();
    for (unsigned i = 0; i < scenario->records; i++)
        weft_info(NULL, "record", weft_uint("i", i),
                  weft_str("pad", "0123456789012345678901234567890123456789"));
    const weft_stats stats = stats_now();
    EXPECT(stats.accepted == scenario->records);
    EXPECT(stats.written >= scenario->written_least);
    EXPECT(stats.dropped >= scenario->dropped_least);
    give_back_files(); /* what looks for leaks at exit needs some */
}

struct reports {
    const char *named;
    size_t first;
};

static void count_report(void *arg, yajl_val line)
{
    struct reports *reports = arg;
    const char *path[] = {"custom", "reason", "name", NULL};
    const yajl_val name = yajl_tree_get(line, path, yajl_t_string);
    const char *text = name ? YAJL_GET_STRING(name) : NULL;
    if (text && strcmp(text, reports->named) == 0) reports->first++;
}

/* Run a scenario; stderr names the error at the first loss, and once more at the end with what was lost since. */
static struct child run(const struct scenario *scenario, const char *sinks)
{
    char env[512];
    snprintf(env, sizeof env, "WEFT_SINKS=%s", sinks);
    const char *const environment[] = {env, NULL};
    struct child child = run_child(log_records, (void *)(uintptr_t)scenario, environment);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    if (!scenario->named) {
        assert_string_equal(child.err, "");
        return child;
    }
    struct reports reports = {.named = scenario->named};
    assert_int_equal(each_line(child.err, count_report, &reports), 0);
    assert_in_range(reports.first, 1, 2);
    assert_null(strstr(child.err, "0123456789012345678901234567890123456789"));
    return child;
}

static void a_directory_as_file(void **state)
{
    (void)state;
    const struct scenario scenario = {.records = 50, .dropped_least = 50, .named = "EISDIR"};
    struct child child = run(&scenario, "file:/tmp");
    child_free(&child);
}

static void a_symlink_as_file(void **state)
{
    (void)state;
    char *folder = test_folder(), link[128], target[128], sinks[160];
    snprintf(link, sizeof link, "%s/link.log", folder);
    snprintf(target, sizeof target, "%s/target", folder);
    assert_int_equal(symlink(target, link), 0);
    snprintf(sinks, sizeof sinks, "file:%s", link);
    const struct scenario scenario = {.records = 50, .dropped_least = 50, .named = "ELOOP"};
    struct child child = run(&scenario, sinks);
    assert_int_not_equal(access(target, F_OK), 0);
    child_free(&child);
    test_folder_remove(folder);
}

static void a_path_that_cannot_be_made(void **state)
{
    (void)state;
    const struct scenario scenario = {.records = 50, .dropped_least = 50, .named = "ENOTDIR"};
    struct child child = run(&scenario, "file:/dev/null/x.log");
    child_free(&child);
    const struct scenario missing = {.records = 50, .dropped_least = 50, .named = "ENOENT"};
    child = run(&missing, "file:/tmp/no-such-folder-of-weft/x.log");
    child_free(&child);
}

static void another_sink_goes_on(void **state)
{
    (void)state;
    const struct scenario scenario = {.records = 50, .dropped_least = 50, .named = "EISDIR"};
    struct child child = run(&scenario, "file:/tmp stdout:");
    assert_int_equal(count_lines(child.out), 50);
    child_free(&child);
}

static void close_stdout(void)
{
    close(1);
}

static void a_closed_stdout(void **state)
{
    (void)state;
    const struct scenario scenario = {
        .before = close_stdout, .records = 50, .dropped_least = 50, .named = "EBADF"};
    struct child child = run(&scenario, "stdout:");
    child_free(&child);
}

static void limit_file_size(void)
{
    const struct rlimit limit = {4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_file_size_limit(void **state)
{
    (void)state;
    char *folder = test_folder(), path[128], sinks[160];
    snprintf(path, sizeof path, "%s/limit.log", folder);
    snprintf(sinks, sizeof sinks, "file:%s", path);
    const struct scenario scenario = {.before = limit_file_size,
                                      .records = 100,
                                      .written_least = 5,
                                      .dropped_least = 50,
                                      .named = "EFBIG"};
    struct child child = run(&scenario, sinks);
    char *text = read_file(path);
    assert_int_equal(each_line(text, NULL, NULL), 0);
    free(text);
    child_free(&child);
    test_folder_remove(folder);
}

static void limit_files(void)
{
    const struct rlimit limit = {12, 12};
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int fd; (fd = dup(0)) >= 0;) taken[fd] = true;
}

static void no_descriptors_left(void **state)
{
    (void)state;
    char *folder = test_folder(), sinks[160];
    snprintf(sinks, sizeof sinks, "file:%s/x.log", folder);
    /* Not even stderr can be duplicated: it is written to as it is. */
    const struct scenario scenario = {
        .before = limit_files, .records = 20, .dropped_least = 20, .named = NULL};
    char env[256];
    snprintf(env, sizeof env, "WEFT_SINKS=%s", sinks);
    const char *const environment[] = {env, NULL};
    struct child child = run_child(log_records, (void *)(uintptr_t)&scenario, environment);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    struct reports reports = {.named = "EMFILE"};
    assert_int_equal(each_line(child.err, count_report, &reports), 0);
    assert_in_range(reports.first, 1, 2);
    child_free(&child);
    test_folder_remove(folder);
}

static char full_folder[128];

static void free_space_halfway(void *arg)
{
    (void)arg;
    char ballast[160];
    snprintf(ballast, sizeof ballast, "%s/ballast", full_folder);
    const struct scenario half = {.records = 4000};
    for (unsigned i = 0; i < half.records; i++) weft_info(NULL, "record", weft_uint("i", i));
    const weft_stats full = stats_now();
    EXPECT(full.dropped > 0);
    EXPECT(unlink(ballast) == 0);
    for (unsigned i = 0; i < 100; i++) weft_info(NULL, "again", weft_uint("i", i));
    const weft_stats after = stats_now();
    EXPECT(after.dropped == full.dropped);
    EXPECT(after.written == full.written + 100);
}

struct disk {
    uint64_t lines, again, said_lost;
};

static void count_disk_line(void *arg, yajl_val line)
{
    struct disk *disk = arg;
    const char *message = member_text(line, "message");
    if (strcmp(message, "record") == 0) disk->lines++;
    if (strcmp(message, "again") == 0) disk->again++;
    if (strcmp(message, "records lost") == 0)
        disk->said_lost += strtoull(member2_text(line, "numeric_labels", "lost"), NULL, 10);
}

static void a_full_disk(void **state)
{
    (void)state;
    char *folder = test_folder(), env[256], path[200];
    snprintf(full_folder, sizeof full_folder, "%s", folder);
    if (mount("none", folder, "tmpfs", 0, "size=1m") != 0) {
        test_folder_remove(folder);
        fprintf(stderr, "SKIPPED a_full_disk: a tmpfs cannot be mounted here\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/ballast", folder);
    const int ballast = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(posix_fallocate(ballast, 0, 512 << 10), 0);
    close(ballast);
    snprintf(path, sizeof path, "%s/full.log", folder);
    snprintf(env, sizeof env, "WEFT_SINKS=file:%s", path);
    const char *const environment[] = {env, NULL};
    struct child child = run_child(free_space_halfway, NULL, environment);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    struct disk disk = {0};
    char *text = read_file(path);
    assert_int_equal(each_line(text, count_disk_line, &disk), 0);
    assert_int_equal(disk.again, 100);
    assert_int_equal(disk.lines + disk.said_lost, 4000);
    struct reports reports = {.named = "ENOSPC"};
    assert_int_equal(each_line(child.err, count_report, &reports), 0);
    assert_in_range(reports.first, 1, 2);
    free(text);
    child_free(&child);
    umount(folder);
    test_folder_remove(folder);
}

static void odd_values(void *arg)
{
    (void)arg;
    char long_name[5000], deep[64];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    snprintf(deep, sizeof deep, "[[[[[[[[[[[[1]]]]]]]]]]]]");
    weft_info(weft_logger_get(long_name), NULL, weft_str(NULL, NULL), weft_str("", ""),
              weft_int(long_name, 1));
    weft_info(weft_logger_get(NULL), "\xff\xfe\xc0\x80", weft_strn("nul", "a\0b", 3),
              weft_double("nan", NAN), weft_double("inf", -INFINITY), weft_bytes("none", NULL, 0),
              weft_bytes("null", NULL, 5));
    weft_info(NULL, "json", weft_json("deep", deep), weft_json("bad", "{\"a\":"),
              weft_json("null", NULL), weft_json("twice", "{\"a\":1,\"a\":2}"),
              weft_objn("o", NULL, 3), weft_arrn("r", NULL, 3));
    weft_log_fields(NULL, WEFT_LEVEL_INFO, "no fields", NULL, 0);
    weft_log_fields(NULL, WEFT_LEVEL_INFO, "NULL fields", NULL, 7);
    weft_log_fields(NULL, (weft_level)999, "no such level", NULL, 0);
    weft_log(NULL, WEFT_LEVEL_OFF, "never");
    weft_infof(NULL, NULL);
    EXPECT(weft_mdc_put(NULL, "v") == WEFT_EINVAL);
    EXPECT(weft_mdc_put("", "v") == WEFT_EINVAL);
    EXPECT(weft_mdc_put(long_name, "v") == WEFT_ELIMIT);
    EXPECT(weft_mdc_put("long", long_name) == WEFT_ELIMIT);
    EXPECT(weft_stats_get(NULL, 100) == WEFT_EINVAL);
    const weft_stats stats = stats_now();
    EXPECT(stats.written == 6);
    EXPECT(stats.mdc_rejected == 4 || stats.mdc_rejected == 2);
    EXPECT(stats.renamed > 0);
    EXPECT(stats.loggers_rejected == 1);
}

static void odd_values_are_written_all_the_same(void **state)
{
    (void)state;
    struct child child = run_child(odd_values, NULL, NULL);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    assert_int_equal(each_line(child.out, NULL, NULL), 0);
    assert_int_equal(count_lines(child.out), 6);
    assert_non_null(strstr(child.out, "\"nan\":\"NaN\""));
    assert_non_null(strstr(child.out, "\"inf\":\"-Infinity\""));
    assert_non_null(strstr(child.out, "\"nul\":\"a\\u0000b\""));
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_as_file),
        cmocka_unit_test(a_symlink_as_file),
        cmocka_unit_test(a_path_that_cannot_be_made),
        cmocka_unit_test(another_sink_goes_on),
        cmocka_unit_test(a_closed_stdout),
        cmocka_unit_test(a_file_size_limit),
        cmocka_unit_test(no_descriptors_left),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(odd_values_are_written_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
