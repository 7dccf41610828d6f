/*
 * file: with buffer_bytes= and fsync=: what goes out when, what stays after a failure, and that
 * neither a fork nor a period's end confuses it.
 */
#include "support/sinks.h"

#include "sinks/file.h"
#include "src/port/io.h"

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static unsigned writes, syncs;
static int write_errno, sync_errno;

static ssize_t count_writes(int fd, const void *data, size_t size)
{
    writes++;
    if (write_errno == 0) return write(fd, data, size);
    errno = write_errno;
    return -1;
}

static int count_syncs(int fd)
{
    syncs++;
    if (sync_errno == 0) return fdatasync(fd);
    errno = sync_errno;
    return -1;
}

static int watch(void **state)
{
    writes = syncs = 0;
    write_errno = sync_errno = 0;
    weftp_io.write = count_writes;
    weftp_io.fdatasync = count_syncs;
    return fresh(state);
}

static int unwatch(void **state)
{
    (void)state;
    weftp_io.write = write;
    weftp_io.fdatasync = fdatasync;
    return 0;
}

static struct sink open_buffered(const char *size)
{
    return OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "buffer_bytes", size);
}

static uint64_t held(const struct sink *sink)
{
    return sink->type->held(sink->self);
}

static weft_status flush(const struct sink *sink)
{
    return sink->type->type.flush(sink->self, 1000);
}

static void test_lines_wait(void **state)
{
    (void)state;
    struct sink plain = open_buffered("0");
    assert_false(plain.type->keeps(plain.self));
    sink_close(&plain);
    struct sink sink = open_buffered("1k");
    assert_true(sink.type->keeps(sink.self));
    assert_int_equal(sink.type->pending_ms(sink.self), 0);
    for (int i = 0; i < 10; i++) assert_true(sink_put(&sink, "a line\n"));
    assert_int_equal(writes, 0);
    assert_int_equal(held(&sink), 10);
    assert_int_equal(sink.type->pending_ms(sink.self), 1000);
    assert_int_equal(sink.type->tick(sink.self), WEFT_OK);
    assert_int_equal(writes, 1);
    assert_int_equal(held(&sink), 0);
    assert_int_equal(sink.type->pending_ms(sink.self), 0);
    assert_true(sink_put(&sink, "last\n"));
    assert_int_equal(flush(&sink), WEFT_OK);
    assert_int_equal(writes, 2);
    sink_close(&sink);
    size_t size = 0;
    char *text = slurp_sized("app.log", &size);
    assert_int_equal(size, 75);
    free(text);
}

/* Full by bytes, full by lines, and a line that is larger than the whole buffer. */
static void test_full(void **state)
{
    static char large[3000];
    (void)state;
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 2] = '\n';
    struct sink sink = open_buffered("1k");
    for (int i = 0; i < 200; i++) assert_true(sink_put(&sink, i % 2 ? "1\n" : "0\n"));
    assert_in_range(writes, 1, 10);
    const unsigned before = writes;
    assert_true(sink_put(&sink, large));
    assert_int_equal(writes, before + 2);
    assert_int_equal(held(&sink), 0);
    assert_true(sink_put(&sink, "after\n"));
    flush(&sink);
    sink_close(&sink);
    size_t size = 0;
    char *text = slurp_sized("app.log", &size);
    assert_int_equal(size, 400 + 2999 + 6);
    for (size_t i = 0; i < 400; i++) assert_int_equal(text[i], i % 2 ? '\n' : '0' + i / 2 % 2);
    assert_string_equal(text + size - 6, "after\n");
    free(text);
}

static void test_fatal_goes_at_once(void **state)
{
    (void)state;
    struct sink sink = open_buffered("64k");
    assert_true(sink_put(&sink, "before\n"));
    assert_int_equal(sink_put_sized(&sink, "dying\n", 6, WEFT_LEVEL_FATAL), 1);
    assert_int_equal(sink.status, WEFT_OK);
    assert_content("app.log", "before\ndying\n");
    write_errno = EIO;
    assert_int_equal(sink_put_sized(&sink, "again\n", 6, WEFT_LEVEL_FATAL), 1);
    assert_int_equal(sink.status, WEFT_EIO);
    assert_int_equal(sink_error(&sink).err, EIO);
    write_errno = 0;
    assert_int_equal(flush(&sink), WEFT_OK);
    assert_content("app.log", "before\ndying\nagain\n");
    sink_close(&sink);
}

/* What was taken stays; what does not fit any more is refused; then all comes, in order. */
static void test_failing_flush_keeps_lines(void **state)
{
    unsigned taken = 0;
    char line[32], *text, *at;
    size_t size = 0;
    (void)state;
    struct sink sink = open_buffered("1k");
    write_errno = ENOSPC;
    for (unsigned i = 0; i < 200; i++) {
        snprintf(line, sizeof line, "line %5u ...........\n", i);
        const bool took = sink_put(&sink, line);
        if (took) {
            assert_int_equal(taken, i);
            taken++;
        } else {
            assert_int_equal(sink.status, WEFT_EIO);
            assert_int_equal(sink_error(&sink).err, ENOSPC);
        }
    }
    assert_in_range(taken, 20, 60);
    assert_int_equal(held(&sink), taken);
    assert_int_equal(flush(&sink), WEFT_EIO);
    assert_int_equal(sink_error(&sink).err, ENOSPC);
    write_errno = 0;
    assert_int_equal(sink.type->tick(sink.self), WEFT_OK);
    sink_close(&sink);
    text = at = slurp_sized("app.log", &size);
    for (unsigned i = 0; i < taken; i++) {
        snprintf(line, sizeof line, "line %5u ...........\n", i);
        assert_memory_equal(at, line, strlen(line));
        at += strlen(line);
    }
    assert_int_equal((size_t)(at - text), size);
    free(text);
}

static size_t allowance;

static ssize_t write_within(int fd, const void *data, size_t size)
{
    if (allowance == 0) {
        errno = ENOSPC;
        return -1;
    }
    const size_t part = size < allowance ? size : allowance;
    allowance -= part;
    return write(fd, data, part);
}

/* Half of a line goes out and is cut off again: the lines before it are gone from the buffer. */
static void test_part_of_a_batch(void **state)
{
    (void)state;
    struct sink sink = open_buffered("1k");
    for (int i = 0; i < 10; i++) assert_true(sink_put(&sink, "1234567\n"));
    weftp_io.write = write_within;
    allowance = 36;
    assert_int_equal(flush(&sink), WEFT_EIO);
    assert_int_equal(held(&sink), 6);
    assert_content("app.log", "1234567\n1234567\n1234567\n1234567\n");
    allowance = 1000;
    assert_int_equal(flush(&sink), WEFT_OK);
    sink_close(&sink);
    size_t size = 0;
    char *text = slurp_sized("app.log", &size);
    assert_int_equal(size, 80);
    for (int i = 0; i < 10; i++) assert_memory_equal(text + 8 * i, "1234567\n", 8);
    free(text);
}

static void test_rotates_between_lines(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "buffer_bytes", "1k",
                            "max_bytes", "24");
    for (int i = 0; i < 7; i++) assert_true(sink_put(&sink, "1234567\n"));
    assert_int_equal(flush(&sink), WEFT_OK);
    sink_close(&sink);
    assert_content("app.log.2", "1234567\n1234567\n1234567\n");
    assert_content("app.log.1", "1234567\n1234567\n1234567\n");
    assert_content("app.log", "1234567\n");
}

static void test_period_of_the_lines(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "buffer_bytes", "1k",
                            "period", "minute");
    sink.time_ns -= sink.time_ns % (60 * SECOND_NS) - 59 * SECOND_NS;
    assert_true(sink_put(&sink, "old\n"));
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "new\n"));
    sink.time_ns += 60 * SECOND_NS;
    assert_true(sink_put(&sink, "newer\n"));
    assert_int_equal(flush(&sink), WEFT_OK);
    sink_close(&sink);
    assert_content("app.log.2", "old\n");
    assert_content("app.log.1", "new\n");
    assert_content("app.log", "newer\n");
}

static void test_fork(void **state)
{
    int status;
    (void)state;
    struct sink sink = open_buffered("1k");
    assert_true(sink_put(&sink, "parent's\n"));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        sink.type->forked(sink.self);
        const bool good = held(&sink) == 0 && sink_put(&sink, "child's\n") && flush(&sink) == 0;
        sink_close(&sink);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(flush(&sink), WEFT_OK);
    sink_close(&sink);
    assert_content("app.log", "child's\nparent's\n");
}

/* ---- fsync ---- */

static void test_fsync_every(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "fsync", "every");
    for (int i = 0; i < 5; i++) assert_true(sink_put(&sink, "line\n"));
    assert_int_equal(syncs, 5);
    assert_int_equal(sink.type->pending_ms(sink.self), 0);
    sink_close(&sink);
}

static unsigned directory_syncs;

static int count_directory_syncs(int fd)
{
    struct stat found;
    directory_syncs += fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
    return 0;
}

/* A file that is made is still there after a power cut, under its name. */
static void test_fsync_of_the_directory(void **state)
{
    (void)state;
    weftp_io.fsync = count_directory_syncs;
    directory_syncs = 0;
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "fsync", "every", "max_bytes", "10");
    for (int i = 0; i < 6; i++) assert_true(sink_put(&sink, "line\n"));
    sink_close(&sink);
    sink = OPEN(&weftp_sink_file, "path", in_scratch("other.log"));
    assert_true(sink_put(&sink, "line\n"));
    sink_close(&sink);
    weftp_io.fsync = fsync;
    assert_int_equal(directory_syncs, 3);
}

static void test_fsync_interval(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "fsync", "interval",
                            "flush_interval_ms", "250");
    for (int i = 0; i < 5; i++) assert_true(sink_put(&sink, "line\n"));
    assert_int_equal(syncs, 0);
    assert_int_equal(sink.type->pending_ms(sink.self), 250);
    assert_int_equal(sink.type->tick(sink.self), WEFT_OK);
    assert_int_equal(sink.type->tick(sink.self), WEFT_OK);
    assert_int_equal(syncs, 1);
    assert_int_equal(sink.type->pending_ms(sink.self), 0);
    sync_errno = EIO;
    assert_true(sink_put(&sink, "line\n"));
    assert_int_equal(sink.type->tick(sink.self), WEFT_EIO);
    assert_string_equal(sink_error(&sink).what, "fsync");
    sink_close(&sink);
}

/* Each line that is not safe is told of, but the disk is asked once a second. */
static void test_fsync_fails(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "fsync", "every");
    sync_errno = EIO;
    for (int i = 0; i < 20; i++, sink.time_ns += SECOND_NS / 5) {
        assert_true(sink_put(&sink, "line\n"));
        assert_int_equal(sink.status, WEFT_EIO);
        assert_string_equal(sink_error(&sink).what, "fsync");
        assert_int_equal(sink_error(&sink).err, EIO);
    }
    assert_int_equal(syncs, 4);
    sync_errno = 0;
    sink.time_ns += SECOND_NS;
    for (int i = 0; i < 3; i++) {
        assert_true(sink_put(&sink, "line\n"));
        assert_int_equal(sink.status, WEFT_OK);
    }
    assert_int_equal(syncs, 7);
    sink_close(&sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_wait, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_full, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_fatal_goes_at_once, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_failing_flush_keeps_lines, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_part_of_a_batch, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_rotates_between_lines, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_period_of_the_lines, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_fork, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_fsync_every, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_fsync_of_the_directory, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_fsync_interval, watch, unwatch),
        cmocka_unit_test_setup_teardown(test_fsync_fails, watch, unwatch),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
