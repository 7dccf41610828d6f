/*
 * SIGKILL at every system call of a compression and of a rotation: afterwards each line is there
 * once, plain or in a whole .gz, and the next start finishes what was begun and leaves no debris.
 */
#include "support/sinks.h"

#include "sinks/file.h"
#include "sinks/kit/compress.h"
#include "sinks/kit/rotate.h"
#include "src/port/io.h"
#include <signal.h>
#include <stdatomic.h>

#define FILES      3
#define POINTS_MAX 400

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

/* ---- die at the nth call, before or after it is made ---- */

static atomic_int calls_left;
static bool die_after;

static void maybe_die(bool after)
{
    if (after == die_after && atomic_fetch_sub(&calls_left, 1) == 1) raise(SIGKILL);
}

static ssize_t write_or_die(int fd, const void *data, size_t size)
{
    maybe_die(false);
    const ssize_t result = write(fd, data, size);
    maybe_die(true);
    return result;
}

static int fsync_or_die(int fd)
{
    maybe_die(false);
    const int result = fsync(fd);
    maybe_die(true);
    return result;
}

static int rename_or_die(int old_dir, const char *old_name, int new_dir, const char *new_name)
{
    maybe_die(false);
    const int result = renameat(old_dir, old_name, new_dir, new_name);
    maybe_die(true);
    return result;
}

static int unlink_or_die(int dir, const char *name, int flags)
{
    maybe_die(false);
    const int result = unlinkat(dir, name, flags);
    maybe_die(true);
    return result;
}

static void set_trap(int calls, bool after)
{
    atomic_store(&calls_left, calls);
    die_after = after;
    weftp_io.write = write_or_die;
    weftp_io.fsync = fsync_or_die;
    weftp_io.renameat = rename_or_die;
    weftp_io.unlinkat = unlink_or_die;
}

/* ---- compression ---- */

static char contents[FILES + 1][70000]; /* 1.. */

static void make_rotated_files(void)
{
    for (int number = 1; number <= FILES; number++) {
        char name[32];
        size_t size = 0;
        for (int i = 0; size < sizeof contents[0] - 40; i++)
            size += (size_t)snprintf(contents[number] + size, 40, "file %d line %d %d\n", number, i,
                                     i * 7919 % 10007);
        snprintf(name, sizeof name, "app.log.%d", number);
        write_file(name, contents[number]);
    }
}

static void compress_all(void *arg)
{
    struct weftp_rotation rotation = {.keep = 100, .mode = 0640, .codec = WEFTP_CODEC_GZIP};
    const int *trap = arg;
    if (!weftp_rotation_init(&rotation, in_scratch("app.log"))) _exit(1);
    struct weftp_compressor *compressor = weftp_compressor_create(&rotation);
    if (!compressor) _exit(2);
    if (trap) set_trap(trap[0], trap[1]);
    if (weftp_compressor_kick(compressor) != 0) _exit(3);
    if (!weftp_compressor_wait(compressor, 20000)) _exit(4);
    const int err = weftp_compressor_error(compressor);
    weftp_compressor_destroy(compressor, 0);
    weftp_rotation_deinit(&rotation);
    _exit(err == 0 ? 0 : 5);
}

/* Each number's lines are there, and what is there under both names is equal. */
static void assert_complete(void)
{
    for (int number = 1; number <= FILES; number++) {
        char name[32];
        snprintf(name, sizeof name, "app.log.%d.gz", number);
        const bool gz = exists(name);
        if (gz) assert_content(name, contents[number]);
        name[strlen(name) - 3] = '\0';
        if (!gz || exists(name)) assert_content(name, contents[number]);
    }
}

static void assert_finished(void)
{
    assert_complete();
    assert_false(exists("app.log.1") || exists("app.log.2") || exists("app.log.3"));
    assert_false(exists("app.log.4") || exists("app.log.4.gz") || exists(".app.log.gz.tmp"));
}

static unsigned kill_compression(bool after)
{
    for (int point = 1; point < POINTS_MAX; point++) {
        int trap[2] = {point, after};
        fresh(NULL);
        make_rotated_files();
        const int status = in_child(compress_all, trap);
        if (WIFEXITED(status)) {
            assert_int_equal(status, 0);
            assert_finished();
            return (unsigned)point;
        }
        assert_int_equal(WTERMSIG(status), SIGKILL);
        assert_complete();
        assert_int_equal(in_child(compress_all, NULL), 0);
        assert_finished();
    }
    fail_msg("the compression never ended");
    return 0;
}

static void test_compression(void **state)
{
    (void)state;
    /* For each file: some writes, two fsyncs, a rename, an unlink. */
    assert_true(kill_compression(false) > FILES * 5);
    assert_true(kill_compression(true) > FILES * 5);
}

/* ---- rotation ---- */

#define LINES 12

static void rotate(void *arg)
{
    const int *trap = arg;
    char line[16];
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "16", "keep", "50");
    if (trap) set_trap(trap[0], trap[1]);
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "line %02d\n", i);
        if (!sink_put(&sink, line)) _exit(1);
    }
    sink_close(&sink);
}

/*
 * How often each line is there. A run that was killed may have written it or not; none may be torn.
 */
static void count_lines(unsigned *counts)
{
    for (int i = 0; i < 60; i++) {
        char name[32];
        size_t size = 0;
        snprintf(name, sizeof name, i == 0 ? "app.log" : "app.log.%d", i);
        if (!exists(name)) continue;
        char *text = slurp_sized(name, &size);
        assert_int_equal(size % 8, 0);
        assert_true(size <= 16);
        for (size_t at = 0; at < size; at += 8) {
            assert_memory_equal(text + at, "line ", 5);
            const unsigned long number = strtoul(text + at + 5, NULL, 10);
            assert_true(number < LINES);
            counts[number]++;
        }
        free(text);
    }
}

static void kill_rotation(bool after)
{
    for (int point = 1; point < POINTS_MAX; point++) {
        unsigned counts[LINES] = {0};
        int trap[2] = {point, after}, whole = 0;
        fresh(NULL);
        assert_int_equal(in_child(rotate, NULL), 0);
        const int status = in_child(rotate, trap);
        if (WIFEXITED(status)) {
            assert_int_equal(status, 0);
            return;
        }
        assert_int_equal(in_child(rotate, NULL), 0);
        count_lines(counts);
        for (int i = 0; i < LINES; i++) {
            assert_in_range(counts[i], 2, 3);
            if (counts[i] == 3) whole++;
            /* Once a line of the run in the middle is missing, all later ones are. */
            if (counts[i] == 3) assert_int_equal(whole, i + 1);
        }
    }
    fail_msg("the rotation never ended");
}

static void test_rotation(void **state)
{
    (void)state;
    kill_rotation(false);
    kill_rotation(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_compression, fresh),
        cmocka_unit_test_setup(test_rotation, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make_in_memory, scratch_remove);
}
