/*
 * A full disk: a tmpfs of 1 MB where this process may mount one (in a mount namespace of its own),
 * and RLIMIT_FSIZE in any case. Lines are whole or not there, what was not taken is known, and
 * writing goes on when there is room again.
 */
#include "support/small_disk.h"

#include "sinks/file.h"
#include <signal.h>
#include <sys/resource.h>

#define LINE_SIZE 1000

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static void make_line(char *line, unsigned number)
{
    memset(line, 'x', LINE_SIZE);
    char head[16];
    memcpy(line, head, (size_t)snprintf(head, sizeof head, "%08u ", number));
    line[LINE_SIZE - 1] = '\n';
}

/* Every line of a file is whole and its number is in `taken`. Returns how many there are. */
static unsigned check_lines(const char *name, const bool *taken)
{
    size_t size = 0;
    char *text = slurp_sized(name, &size);
    assert_non_null(text);
    assert_int_equal(size % LINE_SIZE, 0);
    for (size_t i = 0; i < size; i += LINE_SIZE) {
        char line[LINE_SIZE];
        const unsigned number = (unsigned)strtoul(text + i, NULL, 10);
        make_line(line, number);
        assert_memory_equal(text + i, line, LINE_SIZE);
        assert_true(taken[number]);
    }
    free(text);
    return (unsigned)(size / LINE_SIZE);
}

static void test_tmpfs(void **state)
{
    static bool taken[4000];
    char line[LINE_SIZE];
    unsigned count = 0;
    (void)state;
    if (!mounted) skip();
    write_file("ballast", "x");
    assert_int_equal(truncate(in_scratch("ballast"), 0), 0);
    const int ballast = open(in_scratch("ballast"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(posix_fallocate(ballast, 0, 500000), 0);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"));
    for (unsigned i = 0; i < 4000; i++) {
        make_line(line, i);
        taken[i] = sink_put_sized(&sink, line, LINE_SIZE, WEFT_LEVEL_INFO) == 1;
        if (taken[i])
            count++;
        else
            assert_int_equal(sink_error(&sink).err, ENOSPC);
        /* Half of the way there is room again. */
        if (i == 2000) {
            assert_false(taken[i]);
            assert_int_equal(ftruncate(ballast, 0), 0);
        }
        if (i == 2001) assert_true(taken[i]);
    }
    assert_false(taken[3999]);
    assert_int_equal(check_lines("app.log", taken), count);
    assert_true(count > 900 && count <= 1048);
    sink_close(&sink);
    close(ballast);
}

static void fill(void *arg)
{
    char line[LINE_SIZE];
    const unsigned first = *(const unsigned *)arg;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"));
    for (unsigned i = first; i < first + 1500; i++) {
        make_line(line, i);
        (void)sink_put_sized(&sink, line, LINE_SIZE, WEFT_LEVEL_INFO);
    }
    sink_close(&sink);
}

/* Both meet the end of the disk in the middle of a line: no line is torn, of either. */
static void test_tmpfs_and_two_processes(void **state)
{
    static const unsigned firsts[] = {0, 2000};
    size_t size = 0, blank = 0, whole = 0;
    pid_t pids[2];
    (void)state;
    if (!mounted) skip();
    for (size_t i = 0; i < 2; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] > 0) continue;
        fill((void *)(uintptr_t)&firsts[i]);
        _exit(0);
    }
    for (size_t i = 0; i < 2; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    char *text = slurp_sized("app.log", &size), *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL && (rest || *line)) {
        char expected[LINE_SIZE];
        if (strspn(line, " ") == strlen(line)) {
            blank++;
            continue;
        }
        make_line(expected, (unsigned)strtoul(line, NULL, 10));
        assert_int_equal(strlen(line), LINE_SIZE - 1);
        assert_memory_equal(line, expected, LINE_SIZE - 1);
        whole++;
    }
    assert_true(whole > 900);
    assert_true(blank <= 8); /* a fragment each time that the end was met */
    free(text);
}

/*
 * Rotation and compression on the full disk: nothing that was taken goes, but what `keep` gives up.
 */
static void test_tmpfs_with_rotation(void **state)
{
    static bool taken[3000];
    char line[LINE_SIZE], name[24] = "app.log";
    unsigned count = 0, found = 0;
    (void)state;
    if (!mounted) skip();
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "100k", "keep", "50");
    for (unsigned i = 0; i < 3000; i++) {
        make_line(line, i);
        taken[i] = sink_put_sized(&sink, line, LINE_SIZE, WEFT_LEVEL_INFO) == 1;
        if (taken[i]) count++;
        if (i % 500 == 0) sink.time_ns += SECOND_NS;
    }
    sink_close(&sink);
    for (unsigned i = 0; exists(name); i++) {
        found += check_lines(name, taken);
        snprintf(name, sizeof name, "app.log.%u", i + 1);
    }
    assert_int_equal(found, count);
    assert_true(count > 900);
}

static void at_the_limit(void *arg)
{
    static bool taken[300];
    char line[LINE_SIZE];
    unsigned count = 0;
    /*
     * 100 lines and a half, or exactly 100: the last needs a short write or raises SIGXFSZ at once.
     */
    struct rlimit limit = {100 * LINE_SIZE + (arg ? LINE_SIZE / 2 : 0), RLIM_INFINITY};
    signal(SIGXFSZ, SIG_DFL);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("limited.log"));
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
    sink.time_ns += SECOND_NS;
    for (unsigned i = 0; i < 300; i++) {
        make_line(line, i);
        taken[i] = sink_put_sized(&sink, line, LINE_SIZE, WEFT_LEVEL_INFO) == 1;
        if (taken[i]) count++;
        if (!taken[i] && sink_error(&sink).err != EFBIG) _exit(2);
        if (i != 199) continue;
        limit.rlim_cur = RLIM_INFINITY;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(3);
    }
    sink_close(&sink);
    if (count != 200 || !taken[99] || taken[100] || taken[199] || !taken[200]) _exit(4);
    if (check_lines("limited.log", taken) != 200) _exit(5);
    unlink(in_scratch("limited.log"));
}

static void test_size_limit(void **state)
{
    (void)state;
    assert_int_equal(in_child(at_the_limit, NULL), 0);
    assert_int_equal(in_child(at_the_limit, (void *)1), 0);
}

/* The limit is met within the second in which nobody asks for it: the short write tells. */
static void limit_unasked(void *arg)
{
    char line[LINE_SIZE];
    const struct rlimit limit = {10 * LINE_SIZE + 300, RLIM_INFINITY};
    (void)arg;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("limited.log"));
    make_line(line, 0);
    sink_put_sized(&sink, line, LINE_SIZE, WEFT_LEVEL_INFO);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
    for (unsigned i = 1; i < 50; i++) {
        make_line(line, i);
        if ((sink_put_sized(&sink, line, LINE_SIZE, WEFT_LEVEL_INFO) == 1) != (i < 10)) _exit(2);
    }
    sink_close(&sink);
    unlink(in_scratch("limited.log"));
}

static void test_size_limit_unasked(void **state)
{
    (void)state;
    assert_int_equal(in_child(limit_unasked, NULL), 0);
}

/*
 * With another process on the file a fragment is not cut off, since that might cut its line: it is
 * closed off.
 */
static void fragment_beside_another(void *arg)
{
    char line[LINE_SIZE];
    struct rlimit limit = {LINE_SIZE + 10, RLIM_INFINITY};
    (void)arg;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("limited.log"));
    struct sink other = OPEN(&weftp_sink_file, "path", in_scratch("limited.log"));
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
    make_line(line, 0);
    if (sink_put_sized(&sink, line, LINE_SIZE, WEFT_LEVEL_INFO) != 1) _exit(2);
    if (sink_put_sized(&sink, line, LINE_SIZE, WEFT_LEVEL_INFO) != 0) _exit(3);
    limit.rlim_cur = RLIM_INFINITY;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(4);
    if (!sink_put(&sink, "after\n") || !sink_put(&other, "other\n")) _exit(5);
    sink_close(&sink);
    sink_close(&other);
}

static void test_fragment_is_closed_off(void **state)
{
    size_t size = 0;
    (void)state;
    assert_int_equal(in_child(fragment_beside_another, NULL), 0);
    char *text = slurp_sized("limited.log", &size);
    /* What had begun is blanks now: no line is torn. */
    assert_string_equal(text + LINE_SIZE, "         \nafter\nother\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_tmpfs, fresh),
        cmocka_unit_test_setup(test_tmpfs_and_two_processes, fresh),
        cmocka_unit_test_setup(test_tmpfs_with_rotation, fresh),
        cmocka_unit_test_setup(test_size_limit, fresh),
        cmocka_unit_test_setup(test_size_limit_unasked, fresh),
        cmocka_unit_test_setup(test_fragment_is_closed_off, fresh),
    };
    return cmocka_run_group_tests(tests, mount_small, unmount_small);
}
