/*
 * The disk is full, or about to be: buffers wait, old files are given up, stderr helps out, and
 * min_free= leaves room for others. Everything goes on by itself when there is room again.
 */
#include "support/small_disk.h"

#include "sinks/file.h"
#include "sinks/gzip.h"
#include "src/port/io.h"

#define LINE_SIZE 1000
#define LINES     3000

static bool taken[LINES];

static int fresh(void **state)
{
    (void)state;
    memset(taken, 0, sizeof taken);
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

/* Incompressible to a degree, so that gzip fills the disk, too. */
static void make_line(char *line, unsigned number)
{
    uint32_t random = number * 2654435761U + 1;
    for (size_t i = 0; i < LINE_SIZE; i++) {
        random = random * 1103515245 + 12345;
        line[i] = (char)('0' + (random >> 16) % 64);
    }
    char head[16];
    memcpy(line, head, (size_t)snprintf(head, sizeof head, "%08u ", number));
    line[LINE_SIZE - 1] = '\n';
}

static bool put(struct sink *sink, unsigned number)
{
    char line[LINE_SIZE];
    make_line(line, number);
    taken[number] = sink_put_sized(sink, line, LINE_SIZE, WEFT_LEVEL_INFO) == 1;
    return taken[number];
}

static void ballast(off_t size)
{
    const int fd = open(in_scratch("ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0), 0);
    if (size > 0) assert_int_equal(posix_fallocate(fd, 0, size), 0);
    close(fd);
}

/* Every line of a file is whole, in order, and was taken. Returns how many there are. */
static unsigned check_lines(const char *name, unsigned *next)
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
        assert_true(number < LINES && number >= *next && taken[number]);
        *next = number + 1;
    }
    free(text);
    return (unsigned)(size / LINE_SIZE);
}

static unsigned count_taken(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < LINES; i++) count += taken[i];
    return count;
}

/* Lines that were taken wait for room, in order; none is lost, none comes twice. */
static void buffered(const struct weft_sink_type_more *type)
{
    unsigned next = 0;
    struct sink sink =
        OPEN(type, "path", in_scratch("app.log"), "buffer_bytes", "64k", "flush_interval_ms", "9");
    ballast(600000);
    for (unsigned i = 0; i < 1000; i++, sink.time_ns += SECOND_NS / 100) {
        if (!put(&sink, i)) assert_int_equal(sink_error(&sink).err, ENOSPC);
        if (i % 100 == 0) (void)sink.type->tick(sink.self);
    }
    assert_false(taken[999]);
    assert_in_range(sink.type->held(sink.self), 50, 66);
    ballast(0);
    assert_int_equal(sink.type->tick(sink.self), WEFT_OK);
    for (unsigned i = 1000; i < 1100; i++) assert_true(put(&sink, i));
    assert_int_equal(sink.type->type.flush(sink.self, 0), WEFT_OK);
    sink_close(&sink);
    assert_int_equal(check_lines("app.log", &next), count_taken());
}

static void test_buffers_wait(void **state)
{
    (void)state;
    if (!mounted) skip();
    buffered(&weftp_sink_file);
    fresh(state);
    buffered(&weftp_sink_gzip);
}

/* The newest lines are the ones that are there. */
static void test_delete_oldest(void **state)
{
    unsigned next = 0;
    char name[32];
    (void)state;
    if (!mounted) skip();
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "100k",
                            "keep", "50", "on_full", "delete_oldest");
    for (unsigned i = 0; i < LINES; i++, sink.time_ns += SECOND_NS / 100)
        assert_true(put(&sink, i));
    sink_close(&sink);
    for (int i = 20; i > 0; i--) {
        snprintf(name, sizeof name, "app.log.%d", i);
        if (exists(name)) check_lines(name, &next);
    }
    check_lines("app.log", &next);
    assert_int_equal(next, LINES);
    assert_true(exists("app.log.7"));
    assert_false(exists("app.log.11"));
}

/* Nothing to give up: as with drop, and by itself again. */
static void test_nothing_to_delete(void **state)
{
    unsigned next = 0;
    (void)state;
    if (!mounted) skip();
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "on_full", "delete_oldest");
    ballast(600000);
    for (unsigned i = 0; i < 1000; i++) (void)put(&sink, i);
    assert_false(taken[999]);
    assert_int_equal(sink_error(&sink).err, ENOSPC);
    ballast(0);
    assert_true(put(&sink, 1000));
    sink_close(&sink);
    assert_int_equal(check_lines("app.log", &next), count_taken());
}

static void test_fallback(void **state)
{
    unsigned next = 0, trouble = 0;
    (void)state;
    if (!mounted) skip();
    const int err = dup(2);
    char path[100];
    snprintf(path, sizeof path, "%s-stderr", scratch);
    const int to = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    dup2(to, 2);
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "on_full", "fallback:stderr");
    ballast(600000);
    bool all = true;
    for (unsigned i = 0; i < 1000; i++) {
        all = put(&sink, i) && all;
        trouble += sink.status == WEFT_EIO && sink_error(&sink).err == ENOSPC;
    }
    ballast(0);
    for (unsigned i = 1000; i < 1010; i++) all = put(&sink, i) && sink.status == WEFT_OK && all;
    sink_close(&sink);
    dup2(err, 2);
    close(err);
    struct stat found;
    assert_int_equal(fstat(to, &found), 0);
    close(to);
    unlink(path);
    assert_true(all);
    assert_int_equal(found.st_size, trouble * LINE_SIZE);
    assert_in_range(trouble, 500, 700);
    assert_int_equal(check_lines("app.log", &next), 1010 - trouble);
    assert_int_equal(next, 1010);
}

/* A buffer that cannot go out goes to stderr as a whole, and is not there to be lost at the end. */
static void test_fallback_of_a_buffer(void **state)
{
    (void)state;
    const int err = dup(2);
    const int to =
        open(in_scratch("stderr"), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    dup2(to, 2);
    struct sink sink = OPEN(&weftp_sink_file, "path", "/dev/full", "buffer_bytes", "64k", "on_full",
                            "fallback:stderr");
    const bool both = sink_put(&sink, "one\n") && sink_put(&sink, "two\n");
    const weft_status first = sink.type->type.flush(sink.self, 0);
    const int why = sink_error(&sink).err;
    const uint64_t held = sink.type->held(sink.self);
    const weft_status second = sink.type->type.flush(sink.self, 0);
    sink_close(&sink);
    dup2(err, 2);
    close(err);
    close(to);
    assert_true(both);
    assert_int_equal(first, WEFT_EIO);
    assert_int_equal(why, ENOSPC);
    assert_int_equal(held, 0);
    assert_int_equal(second, WEFT_OK);
    assert_content("stderr", "one\ntwo\n");
}

static uint64_t free_bytes(void)
{
    struct statvfs found;
    assert_int_equal(statvfs(scratch, &found), 0);
    return (uint64_t)found.f_bavail * found.f_frsize;
}

static unsigned looks;

static int count_looks(int fd, struct statvfs *out)
{
    looks++;
    return fstatvfs(fd, out);
}

static void test_min_free(void **state)
{
    unsigned next = 0;
    (void)state;
    if (!mounted) skip();
    looks = 0;
    weftp_io.fstatvfs = count_looks;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "min_free", "300k");
    for (unsigned i = 0; i < 1000; i++) {
        if (put(&sink, i)) continue;
        assert_int_equal(sink_error(&sink).err, ENOSPC);
        assert_string_equal(sink_error(&sink).what, "min_free");
    }
    assert_in_range(free_bytes(), 300 * 1024, 310 * 1024);
    assert_in_range(looks, 1, 10);
    assert_int_equal(truncate(in_scratch("app.log"), 0), 0);
    assert_false(put(&sink, 1000)); /* until the second is over */
    sink.time_ns += SECOND_NS;
    assert_true(put(&sink, 1001));
    taken[1001] = true;
    weftp_io.fstatvfs = fstatvfs;
    sink_close(&sink);
    assert_int_equal(check_lines("app.log", &next), 1);
    sink = OPEN(&weftp_sink_file, "path", in_scratch("new.log"), "max_bytes", "64k", "keep", "99",
                "min_free", "300k", "on_full", "delete_oldest");
    for (unsigned i = 0; i < LINES; i++, sink.time_ns += SECOND_NS / 100)
        assert_true(put(&sink, i));
    sink_close(&sink);
    assert_true(free_bytes() >= 300 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_buffers_wait, fresh),
        cmocka_unit_test_setup(test_delete_oldest, fresh),
        cmocka_unit_test_setup(test_nothing_to_delete, fresh),
        cmocka_unit_test_setup(test_fallback, fresh),
        cmocka_unit_test_setup(test_fallback_of_a_buffer, fresh),
        cmocka_unit_test_setup(test_min_free, fresh),
    };
    return cmocka_run_group_tests(tests, mount_small, unmount_small);
}
