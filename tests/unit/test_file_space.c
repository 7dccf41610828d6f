/*
 * Room on the disk, with a file system of the test's own words: what min_free= lets through, what
 * preallocate= takes and gives back, and that a size limit kills nobody.
 */
#include "support/sinks.h"

#include "sinks/file.h"
#include "sinks/gzip.h"
#include "src/port/io.h"
#include <sys/resource.h>

#define MIB ((size_t)1 << 20)

static size_t free_bytes;
static off_t reserved;
static int reserve_errno;
static unsigned cuts;

static int say_free(int fd, struct statvfs *out)
{
    const int result = fstatvfs(fd, out);
    out->f_frsize = 4096;
    out->f_bavail = free_bytes / 4096;
    return result;
}

static int note_reserve(int fd, off_t at, off_t size)
{
    (void)fd, (void)at;
    reserved += size;
    errno = reserve_errno;
    return reserve_errno == 0 ? 0 : -1;
}

static int count_cuts(int fd, off_t size)
{
    cuts++;
    return ftruncate(fd, size);
}

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    weftp_io.fstatvfs = say_free;
    reserved = 0;
    reserve_errno = 0;
    cuts = 0;
    return 0;
}

static bool put_large(struct sink *sink, size_t size)
{
    char *line = malloc(size);
    uint32_t random = 1;
    assert_non_null(line);
    for (size_t i = 0; i < size; i++) {
        random = random * 1103515245 + 12345;
        line[i] = (char)('0' + (random >> 16) % 64);
    }
    line[size - 1] = '\n';
    const bool taken = sink_put_sized(sink, line, size, WEFT_LEVEL_INFO) == 1;
    free(line);
    return taken;
}

/* The file system is asked once in each MiB; what is larger than that is no reason to refuse it. */
static void test_larger_than_a_look(void **state)
{
    (void)state;
    free_bytes = 10 * MIB;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "min_free", "4m");
    assert_true(put_large(&sink, 3 * MIB));
    sink.time_ns += SECOND_NS;
    assert_false(put_large(&sink, 7 * MIB));
    assert_string_equal(sink_error(&sink).what, "min_free");
    sink.time_ns += SECOND_NS;
    assert_true(put_large(&sink, 5 * MIB));
    sink_close(&sink);
    sink = OPEN(&weftp_sink_gzip, "path", in_scratch("app.log.gz"), "min_free", "4m",
                "buffer_bytes", "8m");
    assert_true(put_large(&sink, 4 * MIB));
    assert_int_equal(sink.type->type.flush(sink.self, 0), WEFT_OK);
    sink_close(&sink);
}

/* Blocks that were reserved are not free any more: they must not use up what others shall have. */
static void test_reserve_leaves_room(void **state)
{
    (void)state;
    free_bytes = 10 * MIB;
    weftp_io.reserve = note_reserve;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "min_free", "4m",
                            "preallocate", "8m");
    assert_true(sink_put(&sink, "one\n"));
    assert_int_equal(reserved, 0);
    sink_close(&sink);
    sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "min_free", "4m", "preallocate",
                "4m");
    assert_true(sink_put(&sink, "two\n"));
    assert_int_equal(reserved, 4 * MIB);
    sink_close(&sink);
    sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "preallocate", "1g");
    assert_true(sink_put(&sink, "more than the disk has\n"));
    assert_int_equal(reserved, 4 * MIB);
    sink_close(&sink);
}

/* A reservation that fails for want of room may have taken all that there was. */
static void test_reserve_fails_half_way(void **state)
{
    (void)state;
    free_bytes = 10 * MIB;
    reserve_errno = ENOSPC;
    weftp_io.reserve = note_reserve;
    weftp_io.ftruncate = count_cuts;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "preallocate", "4m");
    assert_true(sink_put(&sink, "one\n"));
    sink_close(&sink);
    assert_int_equal(reserved, 4 * MIB);
    assert_int_equal(cuts, 1);
    assert_content("app.log", "one\n");
}

static void limit_size(rlim_t size)
{
    const struct rlimit limit = {size, size};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
}

/* Lines are lost, the process lives: also where it is not a line that does not fit. */
static void no_size_at_all(void *arg)
{
    (void)arg;
    struct sink packed = OPEN(&weftp_sink_gzip, "path", in_scratch("app.log.gz"));
    struct sink dated = OPEN(&weftp_sink_file, "path", in_scratch("app.log"));
    if (!sink_put(&packed, "one\n") || !sink_put(&dated, "one\n")) _exit(2);
    sink_close(&packed);
    sink_close(&dated);
    limit_size(0);
    packed = OPEN(&weftp_sink_gzip, "path", in_scratch("app.log.gz"));
    dated =
        OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "1", "names", "date");
    if (sink_put(&dated, "lost\n") || sink_error(&dated).err != EFBIG) _exit(3);
    if (!sink_put(&packed, "lost\n") || packed.type->type.flush(packed.self, 0) != WEFT_EIO)
        _exit(4);
    if (sink_error(&packed).err != EFBIG) _exit(5);
    sink_close(&packed);
    sink_close(&dated);
}

static void reserve_beyond_the_limit(void *arg)
{
    (void)arg;
    limit_size(MIB / 2);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "preallocate", "1m");
    if (!sink_put(&sink, "one\n")) _exit(2);
    sink_close(&sink);
}

static void test_size_limit(void **state)
{
    (void)state;
    assert_int_equal(in_child(no_size_at_all, NULL), 0);
    fresh(state);
    assert_int_equal(in_child(reserve_beyond_the_limit, NULL), 0);
    assert_content("app.log", "one\n");
}

static int restore(void **state)
{
    static struct weftp_io real;
    static bool known;
    (void)state;
    if (known) weftp_io = real;
    real = weftp_io;
    known = true;
    return 0;
}

static int start(void **state)
{
    return restore(state) == 0 ? fresh(state) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_larger_than_a_look, start, restore),
        cmocka_unit_test_setup_teardown(test_reserve_leaves_room, start, restore),
        cmocka_unit_test_setup_teardown(test_reserve_fails_half_way, start, restore),
        cmocka_unit_test_setup_teardown(test_size_limit, start, restore),
    };
    return cmocka_run_group_tests(tests, scratch_make_in_memory, scratch_remove);
}
