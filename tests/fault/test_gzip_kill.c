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

/* Names by number or by date, gzip or zstd. */
struct variant {
    enum weftp_rotated_names names;
    enum weftp_codec codec;
};
static struct variant variant;

static const char *rotated_name(int number, const char *suffix)
{
    static char name[4][40];
    static unsigned next;
    char *to = name[next++ % 4];
    if (variant.names == WEFTP_NAMES_NUMBER)
        snprintf(to, sizeof name[0], "app.log.%d%s", number, suffix);
    else /* the highest day is the newest; two of one day */
        snprintf(to, sizeof name[0], "app.log.2026-11-%d%s%s", number == 1 ? 22 : 23 - number,
                 number == 1 ? ".1" : "", suffix);
    return to;
}

static const char *packed_suffix(void)
{
    return weftp_codec_suffix(variant.codec);
}

static char contents[FILES + 1][70000]; /* 1.. */

static void make_rotated_files(void)
{
    for (int number = 1; number <= FILES; number++) {
        size_t size = 0;
        for (int i = 0; size < sizeof contents[0] - 40; i++)
            size += (size_t)snprintf(contents[number] + size, 40, "file %d line %d %d\n", number, i,
                                     i * 7919 % 10007);
        write_file(rotated_name(number, ""), contents[number]);
    }
}

static void compress_all(void *arg)
{
    struct weftp_rotation rotation = {
        .keep = 100, .mode = 0640, .names = variant.names, .codec = variant.codec};
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
        const char *packed = rotated_name(number, packed_suffix());
        const bool is_packed = exists(packed);
        if (is_packed && variant.codec == WEFTP_CODEC_GZIP) {
            assert_content(packed, contents[number]);
        } else if (is_packed) {
            write_file("expected", contents[number]);
            char line[300];
            snprintf(line, sizeof line, "zstd -q -dc '%s/%s' | cmp -s - '%s/expected'", scratch,
                     packed, scratch);
            assert_int_equal(system(line), 0);
        }
        const char *plain = rotated_name(number, "");
        if (!is_packed || exists(plain)) assert_content(plain, contents[number]);
    }
}

/* Only the compressed files are there: no plain one, no other number, nothing half done. */
static void assert_finished(void)
{
    char temporary[40];
    assert_complete();
    for (int number = 1; number <= FILES + 1; number++) {
        assert_false(exists(rotated_name(number, "")));
        assert_int_equal(exists(rotated_name(number, packed_suffix())), number <= FILES);
    }
    snprintf(temporary, sizeof temporary, ".app.log%s.tmp", packed_suffix());
    assert_false(exists(temporary));
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

/* For each file: some writes, two fsyncs, a rename, an unlink. */
static void compression(enum weftp_rotated_names names, enum weftp_codec codec, bool after)
{
    variant = (struct variant){names, codec};
    if (!weftp_codec_available(codec)) skip();
    assert_true(kill_compression(after) > FILES * 5);
}

static void test_compression(void **state)
{
    (void)state;
    compression(WEFTP_NAMES_NUMBER, WEFTP_CODEC_GZIP, false);
    compression(WEFTP_NAMES_NUMBER, WEFTP_CODEC_GZIP, true);
}

static void test_compression_dated(void **state)
{
    (void)state;
    compression(WEFTP_NAMES_DATE, WEFTP_CODEC_GZIP, true);
}

static void test_compression_zstd(void **state)
{
    (void)state;
    compression(WEFTP_NAMES_DATE, WEFTP_CODEC_ZSTD, false);
}

/* ---- rotation ---- */

#define LINES 12

static void rotate(void *arg)
{
    const int *trap = arg;
    char line[16];
    const bool dated = variant.names == WEFTP_NAMES_DATE;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "16",
                            "keep", "50", "names", dated ? "date" : "number");
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
    DIR *dir = opendir(scratch);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        size_t size = 0;
        if (strncmp(entry->d_name, "app.log", 7) != 0) continue;
        char *text = slurp_sized(entry->d_name, &size);
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
    closedir(dir);
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
    variant.names = WEFTP_NAMES_NUMBER;
    kill_rotation(false);
    kill_rotation(true);
}

static void test_rotation_dated(void **state)
{
    (void)state;
    variant.names = WEFTP_NAMES_DATE;
    kill_rotation(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_compression, fresh),
        cmocka_unit_test_setup(test_compression_dated, fresh),
        cmocka_unit_test_setup(test_compression_zstd, fresh),
        cmocka_unit_test_setup(test_rotation, fresh),
        cmocka_unit_test_setup(test_rotation_dated, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make_in_memory, scratch_remove);
}
