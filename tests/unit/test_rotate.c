/*
 * Rotation by size and compression: names, how many are kept, what is never touched, leftovers of a
 * crash.
 */
#include "support/emulated.h"
#include "support/sinks.h"

#include "sinks/file.h"
#include "sinks/kit/compress.h"
#include "sinks/kit/rotate.h"
#include "src/port/io.h"
#include <signal.h>
#include <sys/file.h>

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static struct sink open_log(const char *max_bytes, const char *keep, const char *compress)
{
    return OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", max_bytes, "keep",
                keep, "compress", compress, "compress_delay", "0");
}

/* Lines of 8 bytes: "line 01\n". */
static void put_numbers(struct sink *sink, int first, int last)
{
    char line[16];
    for (int i = first; i <= last; i++) {
        snprintf(line, sizeof line, "line %02d\n", i % 100);
        assert_true(sink_put(sink, line));
        assert_int_equal(sink->status, WEFT_OK);
    }
}

static void test_names_and_keep(void **state)
{
    (void)state;
    struct sink sink = open_log("16", "3", "none");
    put_numbers(&sink, 1, 11);
    assert_content("app.log", "line 11\n");
    assert_content("app.log.1", "line 09\nline 10\n");
    assert_content("app.log.2", "line 07\nline 08\n");
    assert_content("app.log.3", "line 05\nline 06\n");
    assert_false(exists("app.log.4"));
    assert_true(exists(".app.log.lock"));
    sink_close(&sink);
    /* With fewer to keep, the rest goes at the next rotation. */
    sink = open_log("16", "1", "none");
    put_numbers(&sink, 12, 13);
    assert_content("app.log", "line 13\n");
    assert_content("app.log.1", "line 11\nline 12\n");
    assert_false(exists("app.log.2") || exists("app.log.3"));
    sink_close(&sink);
}

static void test_never_larger(void **state)
{
    char line[300];
    struct stat found;
    (void)state;
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    struct sink sink = open_log("100", "9", "none");
    put_numbers(&sink, 1, 3);
    assert_int_equal(sink_put_sized(&sink, line, sizeof line, WEFT_LEVEL_INFO), 1);
    put_numbers(&sink, 4, 5);
    /* A line that is larger than a file has one for itself. */
    assert_int_equal(stat(in_scratch("app.log.1"), &found), 0);
    assert_int_equal(found.st_size, sizeof line);
    assert_content("app.log", "line 04\nline 05\n");
    assert_content("app.log.2", "line 01\nline 02\nline 03\n");
    sink_close(&sink);
}

static void test_a_batch_is_split(void **state)
{
    struct weft_line lines[100];
    size_t written = 0;
    (void)state;
    for (int i = 0; i < 100; i++)
        lines[i] = (struct weft_line){.data = "eight b\n", .size = 8, .time_ns = 1};
    struct sink sink = open_log("80", "99", "none");
    assert_int_equal(sink.type->type.write(sink.self, lines, 100, &written), WEFT_OK);
    assert_int_equal(written, 100);
    for (int i = 1; i < 10; i++) {
        char name[16];
        struct stat found;
        snprintf(name, sizeof name, "app.log.%d", i);
        assert_int_equal(stat(in_scratch(name), &found), 0);
        assert_int_equal(found.st_size, 80);
    }
    assert_false(exists("app.log.10"));
    sink_close(&sink);
}

static void test_what_is_not_ours(void **state)
{
    (void)state;
    write_file("precious", "precious\n");
    assert_int_equal(symlink("precious", in_scratch("app.log.1")), 0);
    mkdir(in_scratch("app.log.3"), 0700);
    assert_int_equal(link(in_scratch("precious"), in_scratch("app.log.4.gz")), 0);
    write_file("app.log.01", "not our name\n");
    write_file("app.log.2.gz.bak", "nor this\n");
    write_file("xapp.log.2", "nor this\n");
    struct sink sink = open_log("8", "2", "none");
    put_numbers(&sink, 1, 5);
    sink_close(&sink);
    assert_content("app.log", "line 05\n");
    assert_content("app.log.2", "line 04\n");
    assert_content("app.log.5", "line 03\n");
    assert_false(exists("app.log.6"));
    assert_content("precious", "precious\n");
    assert_content("app.log.1", "precious\n");
    assert_content("app.log.4.gz", "precious\n");
    assert_content("app.log.01", "not our name\n");
    assert_content("app.log.2.gz.bak", "nor this\n");
    assert_content("xapp.log.2", "nor this\n");
}

/* A crash between two renames leaves a gap; nothing behind it is lost. */
static void test_gap_is_filled(void **state)
{
    (void)state;
    write_file("app.log.1", "one\n");
    write_file("app.log.3", "three\n");
    struct sink sink = open_log("8", "9", "none");
    put_numbers(&sink, 1, 2);
    assert_content("app.log.1", "line 01\n");
    assert_content("app.log.2", "one\n");
    assert_content("app.log.3", "three\n");
    put_numbers(&sink, 3, 3);
    assert_content("app.log.4", "three\n");
    sink_close(&sink);
}

static void test_compressed(void **state)
{
    struct stat found;
    (void)state;
    struct sink sink = open_log("16", "3", "gzip");
    put_numbers(&sink, 1, 3);
    WAIT_FOR(exists("app.log.1.gz") && !exists("app.log.1"));
    put_numbers(&sink, 4, 9);
    WAIT_FOR(exists("app.log.3.gz") && exists("app.log.2.gz") && exists("app.log.1.gz") &&
             !exists("app.log.1") && !exists("app.log.2") && !exists("app.log.3"));
    assert_content("app.log.3.gz", "line 03\nline 04\n");
    assert_content("app.log.1.gz", "line 07\nline 08\n");
    assert_int_equal(stat(in_scratch("app.log.1.gz"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0640);
    sink_close(&sink);
    assert_false(exists("app.log.4") || exists("app.log.4.gz") || exists(".app.log.gz.tmp"));
}

/*
 * What runs in this process under the name weft-gzip, and what it does with signals and priority.
 */
static bool find_thread(char *status, size_t size)
{
    DIR *dir = opendir("/proc/self/task");
    struct dirent *entry;
    bool found = false;
    while (!found && (entry = readdir(dir)) != NULL) {
        char path[300];
        snprintf(path, sizeof path, "/proc/self/task/%.20s/status", entry->d_name);
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        const ssize_t got = fd >= 0 ? read(fd, status, size - 1) : 0;
        if (fd >= 0) close(fd);
        status[got > 0 ? got : 0] = '\0';
        found = strstr(status, "weft-gzip") != NULL;
    }
    closedir(dir);
    return found;
}

static void test_thread_is_lazy_and_deaf(void **state)
{
    char status[4096];
    (void)state;
    if (under_emulator()) skip(); /* /proc shows the emulator's own threads and signal masks */
    struct sink sink = open_log("16", "3", "gzip");
    put_numbers(&sink, 1, 2);
    assert_false(find_thread(status, sizeof status));
    put_numbers(&sink, 3, 3);
    WAIT_FOR(find_thread(status, sizeof status));
    const char *blocked = strstr(status, "SigBlk:");
    assert_non_null(blocked);
    const unsigned long long mask = strtoull(blocked + 7, NULL, 16);
    assert_true(mask >> (SIGTERM - 1) & 1);
    assert_true(mask >> (SIGHUP - 1) & 1);
    assert_true(mask >> (SIGALRM - 1) & 1);
    assert_false(mask >> (SIGSEGV - 1) & 1);
    sink_close(&sink);
    assert_false(find_thread(status, sizeof status));
}

static void test_leftovers(void **state)
{
    (void)state;
    write_file("app.log.1", "plain\n");
    write_file(".app.log.gz.tmp", "half a gzip file");
    write_file("app.log.2", "done\n");
    gzFile gz = gzopen(in_scratch("app.log.2.gz"), "wb");
    gzputs(gz, "done\n");
    gzclose(gz);
    struct sink sink = open_log("1k", "3", "gzip");
    WAIT_FOR(exists("app.log.1.gz") && !exists("app.log.1") && !exists("app.log.2") &&
             !exists(".app.log.gz.tmp"));
    sink_close(&sink);
    assert_content("app.log.1.gz", "plain\n");
    assert_content("app.log.2.gz", "done\n");
}

/* Somebody's own .gz under the same number: both stay, and that it cannot be compressed is said. */
static void test_pair_that_is_none(void **state)
{
    (void)state;
    write_file("app.log.1", "plain\n");
    gzFile gz = gzopen(in_scratch("app.log.1.gz"), "wb");
    gzputs(gz, "something else\n");
    gzclose(gz);
    struct weftp_rotation rotation = {.keep = 3, .mode = 0640, .codec = WEFTP_CODEC_GZIP};
    assert_true(weftp_rotation_init(&rotation, in_scratch("app.log")));
    struct weftp_compressor *compressor = weftp_compressor_create(&rotation);
    assert_true(weftp_compressor_needed(&rotation));
    assert_int_equal(weftp_compressor_kick(compressor), 0);
    assert_true(weftp_compressor_wait(compressor, 5000));
    assert_int_equal(weftp_compressor_error(compressor), EEXIST);
    assert_int_equal(weftp_compressor_error(compressor), 0);
    weftp_compressor_destroy(compressor, 0);
    weftp_rotation_deinit(&rotation);
    assert_content("app.log.1", "plain\n");
    assert_content("app.log.1.gz", "something else\n");
}

/*
 * Whoever still writes a rotated file holds a shared lock, and the compressor leaves it plain until
 * that ends.
 */
static void test_file_in_use_is_not_compressed(void **state)
{
    (void)state;
    write_file("app.log.1", "in use\n");
    write_file("app.log.2", "free\n");
    const int fd = open(in_scratch("app.log.1"), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_SH), 0);
    struct sink sink = open_log("1k", "3", "gzip");
    WAIT_FOR(exists("app.log.2.gz") && !exists("app.log.2"));
    assert_true(exists("app.log.1"));
    assert_int_equal(write(fd, "more\n", 5), 5);
    close(fd);
    WAIT_FOR(exists("app.log.1.gz") && !exists("app.log.1"));
    assert_content("app.log.1.gz", "in use\nmore\n");
    sink_close(&sink);
}

/*
 * Two sinks on one path stand for two processes: the second finds the new file instead of rotating
 * again.
 */
static void test_rotated_by_another(void **state)
{
    (void)state;
    struct sink a = open_log("16", "9", "none"), b = open_log("16", "9", "none");
    put_numbers(&a, 1, 1);
    put_numbers(&b, 2, 2);
    put_numbers(&a, 3, 3); /* rotates */
    put_numbers(&b, 4, 4); /* notices */
    put_numbers(&b, 5, 5); /* rotates */
    assert_content("app.log.2", "line 01\nline 02\n");
    assert_content("app.log.1", "line 03\nline 04\n");
    assert_content("app.log", "line 05\n");
    assert_false(exists("app.log.3"));
    sink_close(&a);
    sink_close(&b);
}

static int refuse_rename(int old_dir, const char *old_name, int new_dir, const char *new_name)
{
    (void)old_dir, (void)old_name, (void)new_dir, (void)new_name;
    errno = EROFS;
    return -1;
}

/* No line is lost by a rotation that fails; it is said once and tried again a second later. */
static void test_rotation_fails(void **state)
{
    (void)state;
    struct sink sink = open_log("16", "3", "none");
    put_numbers(&sink, 1, 2);
    weftp_io.renameat = refuse_rename;
    assert_true(sink_put(&sink, "line 03\n"));
    assert_int_equal(sink.status, WEFT_EIO);
    assert_string_equal(sink_error(&sink).what, "rotate");
    assert_int_equal(sink_error(&sink).err, EROFS);
    put_numbers(&sink, 4, 5);
    weftp_io.renameat = renameat;
    put_numbers(&sink, 6, 6);
    sink.time_ns += SECOND_NS;
    put_numbers(&sink, 7, 7);
    assert_content("app.log", "line 07\n");
    assert_content("app.log.1", "line 01\nline 02\nline 03\nline 04\nline 05\nline 06\n");
    sink_close(&sink);
}

static void test_lock_held_by_another(void **state)
{
    (void)state;
    struct sink sink = open_log("8", "3", "none");
    put_numbers(&sink, 1, 2);
    const int fd = open(in_scratch(".app.log.lock"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_true(sink_put(&sink, "line 03\n"));
    assert_int_equal(sink_error(&sink).err, EAGAIN);
    close(fd);
    sink.time_ns += SECOND_NS;
    put_numbers(&sink, 4, 4);
    assert_content("app.log", "line 04\n");
    assert_content("app.log.1", "line 02\nline 03\n");
    sink_close(&sink);
}

/* What the parent's threads exclude one another from is free in a child. */
static void lock_in_child(void *arg)
{
    struct weftp_rotation rotation = {.mode = 0640};
    struct weftp_rotation_lock *of_parent = arg, lock;
    assert_true(weftp_rotation_init(&rotation, in_scratch("app.log")));
    (void)flock(of_parent->lock, LOCK_UN);
    weftp_rotation_forked(of_parent);
    assert_int_equal(weftp_rotation_lock(&rotation, &lock, 0), 0);
    weftp_rotation_unlock(&lock);
    weftp_rotation_deinit(&rotation);
}

/* Where flock(2) fails, two threads still do not rename at the same time. */
static void test_lock_without_flock(void **state)
{
    (void)state;
    struct weftp_rotation rotation = {.mode = 0640};
    struct weftp_rotation_lock first, second;
    assert_true(weftp_rotation_init(&rotation, in_scratch("app.log")));
    assert_int_equal(weftp_rotation_lock(&rotation, &first, 0), 0);
    assert_int_equal(flock(first.lock, LOCK_UN), 0);
    assert_int_equal(weftp_rotation_lock(&rotation, &second, 10), EAGAIN);
    weftp_rotation_unlock(&first);
    assert_int_equal(weftp_rotation_lock(&rotation, &second, 0), 0);
    in_child(lock_in_child, &second);
    weftp_rotation_unlock(&second);
    weftp_rotation_deinit(&rotation);
}

static void test_long_name(void **state)
{
    char name[256], path[400];
    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    struct sink sink = OPEN(&weftp_sink_file, "path", path, "max_bytes", "8");
    assert_true(sink_put(&sink, "line 01\n"));
    assert_true(sink_put(&sink, "line 02\n"));
    assert_int_equal(sink_error(&sink).err, ENAMETOOLONG);
    sink_close(&sink);
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_size, 16);
}

static void rotate_in_child(void *arg)
{
    struct sink *sink = arg;
    sink->type->forked(sink->self);
    put_numbers(sink, 50, 54);
    sink_close(sink);
}

static void test_fork_and_compress(void **state)
{
    (void)state;
    if (UNDER_TSAN || under_emulator()) skip(); /* qemu starts no threads in a child */
    struct sink sink = open_log("16", "99", "gzip");
    put_numbers(&sink, 1, 5);
    assert_int_equal(in_child(rotate_in_child, &sink), 0);
    put_numbers(&sink, 6, 10);
    sink_close(&sink);
    /* What the other process still held open may have been left plain: but each number stands once. */
    size_t lines = 0;
    for (int i = 0; i < 20; i++) {
        char plain[24] = "app.log", gz[24];
        size_t size = 0;
        if (i > 0) snprintf(plain, sizeof plain, "app.log.%d", i);
        snprintf(gz, sizeof gz, "app.log.%d.gz", i);
        assert_false(exists(plain) && exists(gz));
        if (!exists(plain) && !exists(gz)) continue;
        free(slurp_sized(exists(gz) ? gz : plain, &size));
        lines += size / 8;
    }
    assert_int_equal(lines, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names_and_keep, fresh),
        cmocka_unit_test_setup(test_never_larger, fresh),
        cmocka_unit_test_setup(test_a_batch_is_split, fresh),
        cmocka_unit_test_setup(test_what_is_not_ours, fresh),
        cmocka_unit_test_setup(test_gap_is_filled, fresh),
        cmocka_unit_test_setup(test_compressed, fresh),
        cmocka_unit_test_setup(test_thread_is_lazy_and_deaf, fresh),
        cmocka_unit_test_setup(test_leftovers, fresh),
        cmocka_unit_test_setup(test_pair_that_is_none, fresh),
        cmocka_unit_test_setup(test_file_in_use_is_not_compressed, fresh),
        cmocka_unit_test_setup(test_rotated_by_another, fresh),
        cmocka_unit_test_setup(test_rotation_fails, fresh),
        cmocka_unit_test_setup(test_lock_held_by_another, fresh),
        cmocka_unit_test_setup(test_lock_without_flock, fresh),
        cmocka_unit_test_setup(test_long_name, fresh),
        cmocka_unit_test_setup(test_fork_and_compress, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
