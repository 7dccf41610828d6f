/*
 * file: and gzip: while system calls fail: EIO now and then, quota, one byte at a time, and no
 * memory at the Nth allocation. What was taken is there, whole and once; the rest is known.
 */
#include "support/fail_alloc.h"
#include "support/sinks.h"

#include "sinks/file.h"
#include "sinks/gzip.h"
#include "src/port/io.h"

#define LINES 600

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static unsigned calls, every;
static int fault;
static bool by_bytes;

static bool fails(void)
{
    if (every == 0 || ++calls % every != 0) return false;
    errno = fault;
    return true;
}

static ssize_t faulty_write(int fd, const void *data, size_t size)
{
    if (fails()) return -1;
    return write(fd, data, by_bytes && size > 1 ? 1 : size);
}

static ssize_t faulty_writev(int fd, const struct iovec *parts, int count)
{
    if (fails()) return -1;
    return by_bytes ? write(fd, parts->iov_base, 1) : writev(fd, parts, count);
}

static int faulty_fdatasync(int fd)
{
    if (fails()) return -1;
    return fdatasync(fd);
}

static void inject(unsigned nth, int err, bool bytes)
{
    calls = 0;
    every = nth;
    fault = err;
    by_bytes = bytes;
    weftp_io.write = faulty_write;
    weftp_io.writev = faulty_writev;
    weftp_io.fdatasync = faulty_fdatasync;
}

static int heal(void **state)
{
    (void)state;
    weftp_io.write = write;
    weftp_io.writev = writev;
    weftp_io.fdatasync = fdatasync;
    return 0;
}

static size_t make_line(char *line, unsigned number)
{
    return (size_t)snprintf(line, 64, "line %06u of a file that fails\n", number);
}

/* The live file and the rotated ones, oldest first, hold exactly the lines that were taken. */
static void assert_lines(const char *base, const char *ext, const bool *taken)
{
    char name[64], line[64];
    unsigned number = 0;
    for (int i = 99; i >= 0; i--) {
        size_t size = 0;
        if (i > 0)
            snprintf(name, sizeof name, "%s.%d%s", base, i, ext);
        else
            snprintf(name, sizeof name, "%s%s", base, ext);
        if (!exists(name)) continue;
        char *text = slurp_sized(name, &size);
        for (const char *at = text; at < text + size; number++) {
            while (number < LINES && !taken[number]) number++;
            assert_true(number < LINES);
            const size_t length = make_line(line, number);
            assert_true((size_t)(text + size - at) >= length);
            assert_memory_equal(at, line, length);
            at += length;
        }
        free(text);
    }
    while (number < LINES && !taken[number]) number++;
    assert_int_equal(number, LINES);
}

/* Write the lines under the fault, then once more without it. Returns how many were lost. */
static unsigned run(const struct weft_sink_type_more *type, const char *buffer, int expected)
{
    static bool taken[LINES];
    char line[64];
    unsigned lost = 0;
    const bool gzip = type == &weftp_sink_gzip;
    struct sink sink = OPEN(type, "path", in_scratch(gzip ? "app.log.gz" : "app.log"), "max_bytes",
                            gzip ? "600" : "5000", "keep", "99", "buffer_bytes", buffer);
    for (unsigned i = 0; i < LINES; i++, sink.time_ns += SECOND_NS / 20) {
        const size_t size = make_line(line, i);
        if (i == LINES - 100) heal(NULL);
        taken[i] = sink_put_sized(&sink, line, size, WEFT_LEVEL_INFO) == 1;
        if (taken[i]) continue;
        lost++;
        assert_int_equal(sink.status, WEFT_EIO);
        assert_int_equal(sink_error(&sink).err, expected);
    }
    assert_int_equal(sink.type->type.flush(sink.self, 0), WEFT_OK);
    sink_close(&sink);
    assert_lines("app.log", gzip ? ".gz" : "", taken);
    return lost;
}

static void test_every_third_write(void **state)
{
    inject(3, EIO, false);
    assert_in_range(run(&weftp_sink_file, "0", EIO), 160, 172);
    fresh(state);
    inject(3, EIO, false);
    /* A line that finds the buffer full, and the flush for it failing. */
    assert_in_range(run(&weftp_sink_file, "1k", EIO), 0, 10);
    fresh(state);
    inject(3, EIO, false);
    assert_in_range(run(&weftp_sink_gzip, "4k", EIO), 0, 10);
}

static void test_quota(void **state)
{
    inject(1, EDQUOT, false);
    assert_int_equal(run(&weftp_sink_file, "0", EDQUOT), LINES - 100);
    fresh(state);
    inject(1, EDQUOT, false);
    assert_in_range(run(&weftp_sink_file, "1k", EDQUOT), 450, 490);
    fresh(state);
    inject(1, EDQUOT, false);
    assert_in_range(run(&weftp_sink_gzip, "4k", EDQUOT), 440, 480);
}

static void test_a_byte_at_a_time(void **state)
{
    inject(5, EINTR, true);
    assert_int_equal(run(&weftp_sink_file, "0", 0), 0);
    fresh(state);
    inject(5, EINTR, true);
    assert_int_equal(run(&weftp_sink_file, "1k", 0), 0);
    fresh(state);
    inject(5, EINTR, true);
    assert_int_equal(run(&weftp_sink_gzip, "4k", 0), 0);
}

/* EIO amid the bytes of a line: the fragment goes. */
static void test_fragments(void **state)
{
    inject(50, EIO, true);
    assert_true(run(&weftp_sink_file, "0", EIO) > 200);
    fresh(state);
    inject(50, EIO, true);
    (void)run(&weftp_sink_file, "1k", EIO);
}

static int neighbour = -1; /* a descriptor of another process, as it were */
static unsigned taken_off; /* bytes of the first write that go out */

/* Takes a part of the first line; another process's line comes right behind it. */
static ssize_t write_and_be_overtaken(int fd, const void *data, size_t size)
{
    weftp_io.write = write;
    const ssize_t got = write(fd, data, taken_off < size ? taken_off : size);
    assert_int_equal(write(neighbour, "neighbour\n", 10), 10);
    return got;
}

/* The other's line is whole, and so is ours, begun anew; what had begun is a line of blanks. */
static void test_another_line_behind_a_fragment(void **state)
{
    (void)state;
    for (taken_off = 1; taken_off < 9; taken_off++) {
        char expected[64];
        fresh(NULL);
        struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"));
        neighbour = open(in_scratch("app.log"), O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_true(neighbour >= 0);
        assert_true(sink_put(&sink, "begins\n"));
        weftp_io.write = write_and_be_overtaken;
        assert_true(sink_put(&sink, "our line\n"));
        snprintf(expected, sizeof expected, "begins\n%*sneighbour\nour line\n", (int)taken_off,
                 "\n");
        assert_content("app.log", expected);
        sink_close(&sink);
        close(neighbour);
    }
}

/* ---- memory ---- */

/*
 * Open, write with rotations, flush and close with the Nth allocation failing, until none does. A
 * sink that cannot be made says so; one that was made writes every line. The group is a number,
 * since the C library's look-up of names does not survive this.
 */
static void run_without_memory(const struct weft_sink_type_more *type, bool all)
{
    const bool gzip = type == &weftp_sink_gzip;
    bool failed = true;
    unsigned made = 0;
    for (uint64_t n = 0; failed; n++) {
        unsigned taken = 0;
        assert_true(n < 500);
        fresh(NULL);
        const char *path = in_scratch(gzip ? "app.log.gz" : "app.log");
        fail_alloc_from_now(n, all);
        struct sink sink = OPEN(type, "path", path, "max_bytes", "40", "keep", "3", "group", "0",
                                "symlink", "follow", "buffer_bytes", gzip ? "4k" : "0");
        for (int i = 0; sink.self && i < 4; i++, sink.time_ns += SECOND_NS) {
            taken += sink_put(&sink, "a line of forty bytes, or some bytes more\n");
            (void)sink.type->type.flush(sink.self, 0);
        }
        const uint64_t left = sink.self ? sink.type->held(sink.self) : 0;
        failed = fail_alloc_stop();
        if (!sink.self) {
            assert_int_equal(sink.opened, WEFT_ENOMEM);
            continue;
        }
        made++;
        assert_int_equal(taken, 4);
        if (left > 0) assert_int_equal(sink.type->type.flush(sink.self, 0), WEFT_OK);
        sink_close(&sink);
    }
    assert_true(made > 0);
    assert_true(exists(gzip ? "app.log.3.gz" : "app.log.3"));
}

static void test_no_memory(void **state)
{
    (void)state;
    if (!FAIL_ALLOC_WORKS) {
        fprintf(stderr, "SKIPPED: a sanitizer stands in front of malloc\n");
        skip();
    }
    run_without_memory(&weftp_sink_file, false);
    run_without_memory(&weftp_sink_file, true);
    run_without_memory(&weftp_sink_gzip, false);
    run_without_memory(&weftp_sink_gzip, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_third_write, fresh, heal),
        cmocka_unit_test_setup_teardown(test_quota, fresh, heal),
        cmocka_unit_test_setup_teardown(test_a_byte_at_a_time, fresh, heal),
        cmocka_unit_test_setup_teardown(test_fragments, fresh, heal),
        cmocka_unit_test_setup_teardown(test_another_line_behind_a_fragment, fresh, heal),
        cmocka_unit_test_setup(test_no_memory, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
