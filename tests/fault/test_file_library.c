/*
 * Buffers of file: and gzip: behind the whole library: an idle process, the end of one, a FATAL
 * record, a fork while lines wait, a disk that stays full to the end.
 */
#include "support/sinks.h"

#include "support/child.h"
#include <weft/weft.h>

/*
 * The sanitizers' allocators do not expect a fork while another thread allocates, as one that just
 * begins does.
 */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define CAN_FORK false
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAN_FORK false
#endif
#endif
#ifndef CAN_FORK
#define CAN_FORK true
#endif

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static const char *const schemes[] = {"file", "gzip"};

static struct child run(void (*fn)(void *), const char *scheme, const char *path,
                        const char *interval)
{
    char setting[300];
    snprintf(setting, sizeof setting, "WEFT_SINKS=%s:%s?buffer_bytes=1m&flush_interval_ms=%s",
             scheme, path, interval);
    const char *env[] = {setting, NULL};
    return run_child(fn, NULL, env);
}

static void log_some(unsigned count)
{
    for (unsigned i = 0; i < count; i++) weft_info(NULL, "line", weft_uint("number", i));
}

static size_t lines_in_log(void)
{
    size_t size = 0;
    char *text = exists("app.log") ? slurp_sized("app.log", &size) : NULL;
    const size_t lines = text ? count_lines(text) : 0;
    free(text);
    return lines;
}

static uint64_t held(void)
{
    weft_stats stats;
    SETTLE();
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == stats.written + stats.dropped);
    return stats.sinks[0].held;
}

static void idle(void *arg)
{
    (void)arg;
    log_some(10);
    for (int i = 0; lines_in_log() < 10 && i < 5000; i++) usleep(2000);
    EXPECT(lines_in_log() == 10);
    EXPECT(held() == 0);
    _exit(0);
}

static void till_the_end(void *arg)
{
    (void)arg;
    log_some(10);
    EXPECT(lines_in_log() == 0);
    EXPECT(held() == 10);
    weft_fatal(NULL, "dying");
    EXPECT(lines_in_log() == 11);
    log_some(5);
    EXPECT(weft_flush(1000) == WEFT_OK);
    EXPECT(lines_in_log() == 16);
    log_some(4);
}

static void with_a_child(void *arg)
{
    (void)arg;
    log_some(10);
    const pid_t pid = fork();
    if (pid == 0) {
        EXPECT(held() == 0);
        log_some(3);
        exit(0);
    }
    EXPECT(test_wait(pid, 30) == 0);
    EXPECT(lines_in_log() == 3);
    log_some(2);
}

static void each_way(void (*fn)(void *), const char *interval, size_t lines)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        fresh(NULL);
        struct child child = run(fn, schemes[i], in_scratch("app.log"), interval);
        if (child.status != 0) fprintf(stderr, "%s", child.err);
        assert_int_equal(child.status, 0);
        assert_string_equal(child.err, "");
        assert_int_equal(lines_in_log(), lines);
        child_free(&child);
    }
}

static void test_idle(void **state)
{
    (void)state;
    each_way(idle, "5", 10);
}

static void test_end(void **state)
{
    (void)state;
    each_way(till_the_end, "1h", 20);
}

static void test_fork(void **state)
{
    (void)state;
    if (!CAN_FORK) {
        fprintf(stderr, "SKIPPED: not under a sanitizer\n");
        skip();
    }
    each_way(with_a_child, "1h", 15);
}

static void log_seven(void *arg)
{
    (void)arg;
    log_some(7);
}

/* What cannot go out till the end is counted and said. */
static void test_full_till_the_end(void **state)
{
    (void)state;
    struct child child = run(log_seven, "file", "/dev/full", "1h");
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.err, "ENOSPC"));
    assert_non_null(strstr(child.err, "\"lost\":7"));
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_idle, fresh),
        cmocka_unit_test_setup(test_end, fresh),
        cmocka_unit_test_setup(test_fork, fresh),
        cmocka_unit_test_setup(test_full_till_the_end, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
