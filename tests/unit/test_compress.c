/*
 * What the compressor does to a set: which files, what the compressed ones inherit, leftovers,
 * others' files, and that it comes back to what it had to leave.
 */
#include "support/emulated.h"
#include "support/sinks.h"

#include "sinks/kit/compress.h"
#include "sinks/kit/compress_one.h"
#include "src/port/io.h"
#include <sys/file.h>

#define WAIT_MS 10000

static struct weftp_rotation rotation;
static char path[100];

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    snprintf(path, sizeof path, "%s/app.log", scratch);
    rotation = (struct weftp_rotation){.mode = 0640, .keep = 100, .codec = WEFTP_CODEC_GZIP};
    return weftp_rotation_init(&rotation, path) ? 0 : -1;
}

static int done(void **state)
{
    (void)state;
    weftp_rotation_deinit(&rotation);
    return 0;
}

/* Let a compressor do all there is; returns its error. */
static int work(void)
{
    struct weftp_compressor *compressor = weftp_compressor_create(&rotation);
    assert_non_null(compressor);
    assert_int_equal(weftp_compressor_kick(compressor), 0);
    assert_true(weftp_compressor_wait(compressor, WAIT_MS));
    const int err = weftp_compressor_error(compressor);
    weftp_compressor_destroy(compressor, 0);
    return err;
}

static void test_delay(void **state)
{
    (void)state;
    write_file("app.log.1", "one\n");
    write_file("app.log.2", "two\n");
    write_file("app.log.3.gz", "is compressed\n");
    write_file("app.log.4", "four\n");
    assert_int_equal(mkdir(in_scratch("app.log.5"), 0700), 0);
    rotation.delay = 4;
    assert_false(weftp_compressor_needed(&rotation));
    rotation.delay = 2;
    assert_true(weftp_compressor_needed(&rotation));
    assert_int_equal(work(), 0);
    assert_content("app.log.4.gz", "four\n");
    assert_true(exists("app.log.1") && exists("app.log.2") && !exists("app.log.4"));
    assert_false(weftp_compressor_needed(&rotation));
    /* What somebody else has does not count as one of the newest. */
    assert_int_equal(rename(in_scratch("app.log.5"), in_scratch("app.log.0x")), 0);
    assert_int_equal(unlink(in_scratch("app.log.1")), 0);
    assert_int_equal(mkdir(in_scratch("app.log.1"), 0700), 0);
    rotation.delay = 1;
    assert_int_equal(work(), 0);
    assert_true(exists("app.log.2"));
    rotation.delay = 0;
    assert_int_equal(work(), 0);
    assert_content("app.log.2.gz", "two\n");
}

/* What a crash left beside its compressed form is no newest file that shall stay plain. */
static void test_a_pair_within_the_delay(void **state)
{
    (void)state;
    write_file("app.log.1", "one\n");
    assert_int_equal(work(), 0);
    write_file("app.log.1", "one\n");
    rotation.delay = 3;
    assert_true(weftp_compressor_needed(&rotation));
    assert_int_equal(work(), 0);
    assert_true(exists("app.log.1.gz") && !exists("app.log.1"));
}

/*
 * A writer without a lock (a file system that has none, a worker that gave up its rights) adds a
 * line after each sync: of the temporary file, then of the directory. No line may be in one of a
 * pair alone.
 */
static unsigned late;

static int sync_and_write(int fd)
{
    if (late == 3) return fsync(fd);
    const char *text = late == 0 ? "two\n" : late == 1 ? "" : "three\n";
    late++;
    const int plain = open(in_scratch("app.log.1"), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (plain >= 0 && write(plain, text, strlen(text)) < 0) return -1;
    if (plain >= 0) close(plain);
    return fsync(fd);
}

static void test_written_meanwhile(void **state)
{
    (void)state;
    write_file("app.log.1", "one\n");
    late = 0;
    weftp_io.fsync = sync_and_write;
    assert_int_equal(work(), 0); /* all that it leaves is waited for elsewhere */
    WAIT_FOR(work() == 0 && exists("app.log.1.gz") && !exists("app.log.1"));
    weftp_io.fsync = fsync;
    assert_content("app.log.1.gz", "one\ntwo\nthree\n");
}

static void test_dates(void **state)
{
    (void)state;
    rotation.names = WEFTP_NAMES_DATE;
    rotation.delay = 1;
    write_file("app.log.2026-11-22", "zero\n");
    write_file("app.log.2026-11-22.1", "one\n");
    write_file("app.log.2026-11-22T13", "two\n");
    write_file("app.log.1", "not of this set\n");
    assert_int_equal(work(), 0);
    assert_content("app.log.2026-11-22.gz", "zero\n");
    assert_content("app.log.2026-11-22.1.gz", "one\n");
    assert_true(exists("app.log.2026-11-22T13") && exists("app.log.1"));
    assert_false(exists("app.log.2026-11-22") || exists("app.log.2026-11-22.1"));
}

static void test_zstd(void **state)
{
    (void)state;
    rotation.codec = WEFTP_CODEC_ZSTD;
    write_file("app.log.1", "one\n");
    write_file(".app.log.gz.tmp", "of a compressor that wrote gzip");
    if (!weftp_codec_available(WEFTP_CODEC_ZSTD)) {
        assert_int_equal(work(), ENOTSUP);
        assert_content("app.log.1", "one\n");
        return;
    }
    assert_int_equal(work(), 0);
    assert_true(exists("app.log.1.zst"));
    assert_false(exists("app.log.1") || exists(".app.log.gz.tmp") || exists(".app.log.zst.tmp"));
}

static void test_inherits(void **state)
{
    struct stat plain, packed;
    (void)state;
    const struct timespec times[2] = {{1000000000, 5}, {1100000000, 123456789}};
    write_file("app.log.1", "one\n");
    assert_int_equal(chmod(in_scratch("app.log.1"), 0664), 0);
    if (geteuid() == 0) assert_int_equal(chown(in_scratch("app.log.1"), 0, 4), 0);
    assert_int_equal(utimensat(AT_FDCWD, in_scratch("app.log.1"), times, 0), 0);
    assert_int_equal(stat(in_scratch("app.log.1"), &plain), 0);
    assert_int_equal(work(), 0);
    assert_int_equal(stat(in_scratch("app.log.1.gz"), &packed), 0);
    assert_int_equal(packed.st_mode, plain.st_mode);
    assert_int_equal(packed.st_uid, plain.st_uid);
    assert_int_equal(packed.st_gid, plain.st_gid);
    assert_int_equal(packed.st_mtim.tv_sec, 1100000000);
    assert_int_equal(packed.st_mtim.tv_nsec, 123456789);
}

/* Whose group we cannot give, nobody of ours shall read in its place. */
static void test_group_that_cannot_be_given(void **state)
{
    struct stat packed;
    (void)state;
    if (geteuid() != 0) skip();
    assert_int_equal(chmod(scratch, 0777), 0);
    write_file("app.log.1", "one\n");
    assert_int_equal(chown(in_scratch("app.log.1"), 65534, 4), 0);
    assert_int_equal(chmod(in_scratch("app.log.1"), 0664), 0);
    /* The effective user alone: this process keeps root's groups, and its thread must follow. */
    assert_int_equal(seteuid(65534), 0);
    const int err = work();
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(err, 0);
    assert_int_equal(stat(in_scratch("app.log.1.gz"), &packed), 0);
    assert_int_not_equal(packed.st_gid, 4);
    assert_int_equal(packed.st_mode & 07777, 0604);
}

static void test_of_others(void **state)
{
    (void)state;
    write_file("precious", "precious\n");
    assert_int_equal(symlink("precious", in_scratch("app.log.1")), 0);
    assert_int_equal(link(in_scratch("precious"), in_scratch("app.log.2")), 0);
    assert_int_equal(symlink("precious", in_scratch(".app.log.gz.tmp")), 0);
    assert_false(weftp_compressor_needed(&rotation));
    assert_int_equal(work(), 0);
    write_file("app.log.3", "three\n");
    /* The place of the temporary file is taken: an error, and the plain file stays. */
    assert_int_equal(work(), ELOOP);
    assert_content("app.log.3", "three\n");
    assert_content("precious", "precious\n");
    assert_true(exists(".app.log.gz.tmp"));
    if (geteuid() != 0) return;
    assert_int_equal(unlink(in_scratch(".app.log.gz.tmp")), 0);
    assert_int_equal(chown(in_scratch("app.log.3"), 65534, 65534), 0);
    assert_int_equal(work(), 0);
    assert_true(exists("app.log.3") && !exists("app.log.3.gz"));
}

/* Another process compresses: its temporary file is locked. One that was killed locks nothing. */
static void test_held_by_another(void **state)
{
    const struct weftp_rotated plain = {.number = 1};
    const atomic_bool go_on = false;
    struct weftp_compression compression;
    (void)state;
    write_file("app.log.1", "one\n");
    write_file(".app.log.gz.tmp", "half");
    const int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int held = open(in_scratch(".app.log.gz.tmp"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(held, LOCK_EX), 0);
    weftp_compression_init(&compression, &rotation, &go_on);
    compression.dir = dir;
    assert_int_equal(weftp_compress_one(&compression, &plain), EAGAIN);
    weftp_compression_clear(&compression);
    assert_true(exists(".app.log.gz.tmp") && exists("app.log.1"));
    close(held);
    assert_int_equal(weftp_compress_one(&compression, &plain), 0);
    assert_content("app.log.1.gz", "one\n");
    assert_false(exists(".app.log.gz.tmp"));
    close(dir);
}

static unsigned count_threads(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/task");
    while (readdir(dir)) count++;
    closedir(dir);
    return count - 2; /* . and .. */
}

/* As after daemon(3): the thread is the parent's, and what it was at is the child's to finish. */
static void in_a_child(void *arg)
{
    struct weftp_compressor *compressor = arg;
    weftp_compressor_forked(compressor);
    if (count_threads() != 1) _exit(1);
    if (weftp_compressor_error(compressor) != 0) _exit(2);
    if (count_threads() != 2) _exit(3);
    if (!weftp_compressor_wait(compressor, WAIT_MS)) _exit(4);
    weftp_compressor_destroy(compressor, WAIT_MS);
}

static void in_an_idle_child(void *arg)
{
    struct weftp_compressor *compressor = arg;
    weftp_compressor_forked(compressor);
    if (weftp_compressor_error(compressor) != 0 || count_threads() != 1) _exit(1);
    weftp_compressor_destroy(compressor, WAIT_MS);
}

static void test_a_child_goes_on(void **state)
{
    (void)state;
    if (UNDER_TSAN || under_emulator()) skip(); /* qemu starts no threads in a child */
    write_file("app.log.1", "one\n");
    const int held = open(in_scratch("app.log.1"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(flock(held, LOCK_SH), 0);
    struct weftp_compressor *compressor = weftp_compressor_create(&rotation);
    assert_int_equal(weftp_compressor_kick(compressor), 0);
    assert_true(weftp_compressor_wait(compressor, WAIT_MS)); /* there is nothing more to do now */
    assert_int_equal(in_child(in_a_child, compressor), 0);
    assert_true(exists("app.log.1"));
    close(held);
    WAIT_FOR(exists("app.log.1.gz") && !exists("app.log.1"));
    /* Nothing is left: a child has nothing to begin with. */
    WAIT_FOR(in_child(in_an_idle_child, compressor) == 0);
    weftp_compressor_destroy(compressor, WAIT_MS);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)
    const struct CMUnitTest tests[] = {
        CASE(test_delay),
        CASE(test_a_pair_within_the_delay),
        CASE(test_written_meanwhile),
        CASE(test_dates),
        CASE(test_zstd),
        CASE(test_inherits),
        CASE(test_of_others),
        CASE(test_group_that_cannot_be_given),
        CASE(test_held_by_another),
        CASE(test_a_child_goes_on),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
