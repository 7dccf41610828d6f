/* memory: a bounded ring of whole lines, written out on demand and at FATAL. */
#include "support/sinks.h"

#include "sinks/memory.h"

/* What weftp_memory_dump writes; static. */
static const char *dumped(struct sink *sink)
{
    static char text[70000];
    write_file("dump", "");
    const int fd = open(in_scratch("dump"), O_RDWR | O_APPEND | O_CLOEXEC);
    assert_true(fd > 2);
    assert_int_equal(weftp_memory_dump(sink->self, fd), WEFT_OK);
    const ssize_t got = pread(fd, text, sizeof text - 1, 0);
    assert_true(got >= 0);
    text[got] = '\0';
    close(fd);
    return text;
}

static void test_holds_lines_in_order(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_memory, "dump", "none");
    assert_int_equal(sink.opened, WEFT_OK);
    assert_string_equal(dumped(&sink), "");
    assert_true(sink_put(&sink, "one\n"));
    assert_true(sink_put(&sink, "two\n"));
    assert_int_equal(sink_put_sized(&sink, "fatal\n", 6, WEFT_LEVEL_FATAL), 1);
    assert_string_equal(dumped(&sink), "one\ntwo\nfatal\n");
    assert_string_equal(dumped(&sink), "one\ntwo\nfatal\n");
    assert_int_equal(weftp_memory_dump(NULL, 1), WEFT_EINVAL);
    assert_int_equal(weftp_memory_dump(sink.self, -1), WEFT_EINVAL);
    sink_close(&sink);
}

/* At every turn the ring holds the newest lines, whole, in order, and not less than fit. */
static void test_oldest_make_room(void **state)
{
    char line[200];
    (void)state;
    struct sink sink = OPEN(&weftp_sink_memory, "bytes", "1k", "dump", "none");
    for (unsigned i = 0; i < 3000; i++) {
        const int pad = (int)(i * 7 % 150);
        const int size = snprintf(line, sizeof line, "%u %0*d\n", i, pad + 1, 0);
        assert_true(sink_put(&sink, line));
        const char *text = dumped(&sink);
        const size_t all = strlen(text);
        assert_true(all <= 1024 && all >= (size_t)size);
        assert_string_equal(text + all - (size_t)size, line);
        unsigned number = (unsigned)strtoul(text, NULL, 10);
        if (i > 100) assert_true(all + (size_t)4 * (i - number + 1) + 160 > 1024);
        for (; *text; text = strchr(text, '\n') + 1, number++)
            assert_int_equal(strtoul(text, NULL, 10), number);
        assert_int_equal(number, i + 1);
    }
    sink_close(&sink);
}

static void test_a_line_that_does_not_fit(void **state)
{
    char line[2000];
    (void)state;
    memset(line, 'x', sizeof line);
    struct sink sink = OPEN(&weftp_sink_memory, "bytes", "1KiB", "dump", "none");
    assert_int_equal(sink_put_sized(&sink, line, 1021, WEFT_LEVEL_INFO), 0);
    assert_int_equal(sink_error(&sink).err, EMSGSIZE);
    assert_int_equal(sink_put_sized(&sink, line, 1020, WEFT_LEVEL_INFO), 1);
    assert_int_equal(strlen(dumped(&sink)), 1020);
    assert_int_equal(sink_put_sized(&sink, line, 0, WEFT_LEVEL_INFO), 1);
    assert_string_equal(dumped(&sink), "");
    sink_close(&sink);
}

static void dump_to_stderr(void *arg)
{
    (void)arg;
    write_file("stderr", "");
    const int fd = open(in_scratch("stderr"), O_WRONLY | O_APPEND);
    if (fd < 0 || dup2(fd, 2) != 2) _exit(1);
    struct sink sink = sink_open(&weftp_sink_memory, NULL);
    if (!sink_put(&sink, "before\n")) _exit(2);
    if (sink_put_sized(&sink, "fatal\n", 6, WEFT_LEVEL_FATAL) != 1) _exit(3);
    if (!sink_put(&sink, "after\n")) _exit(4);
    if (sink_put_sized(&sink, "again\n", 6, WEFT_LEVEL_FATAL + 1) != 1) _exit(5);
    sink_close(&sink);
}

static void test_fatal_dumps_once(void **state)
{
    (void)state;
    assert_int_equal(in_child(dump_to_stderr, NULL), 0);
    assert_content("stderr", "before\nfatal\nafter\nagain\n");
}

static void dump_in_child(void *arg)
{
    struct sink *sink = arg;
    sink->type->forked(sink->self);
    if (!sink_put(sink, "child\n")) _exit(1);
    if (strcmp(dumped(sink), "child\n") != 0) _exit(2);
}

static void test_fork(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_memory, "dump", "none");
    assert_true(sink_put(&sink, "parent\n"));
    assert_int_equal(in_child(dump_in_child, &sink), 0);
    assert_string_equal(dumped(&sink), "parent\n");
    sink_close(&sink);
}

static void test_options(void **state)
{
    static const char *const bad[][2] = {
        {"bytes", "10"}, {"bytes", "x"}, {"bytes", "2g"}, {"dump", "stdout"}, {"size", "1k"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sink sink = OPEN(&weftp_sink_memory, "dump", "none", bad[i][0], bad[i][1]);
        assert_int_equal(sink.opened, WEFT_EINVAL);
        assert_string_equal(sink_error(&sink).option, bad[i][0]);
        assert_non_null(sink_error(&sink).accepted);
        assert_true(sink_put(&sink, "used all the same\n"));
        sink_close(&sink);
    }
    weftp_sink_memory.type.close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_lines_in_order),
        cmocka_unit_test(test_oldest_make_room),
        cmocka_unit_test(test_a_line_that_does_not_fit),
        cmocka_unit_test(test_fatal_dumps_once),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
