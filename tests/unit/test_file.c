/* file: opening, appending, noticing that the file was moved or removed, and what bad paths get. */
#include "support/sinks.h"

#include "sinks/file.h"
#include "sinks/registry.h"
#include "src/port/io.h"
#include <pthread.h>
#include <sys/resource.h>

static struct sink open_log(void)
{
    return OPEN(&weftp_sink_file, "path", in_scratch("app.log"));
}

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static void test_appends(void **state)
{
    struct stat found;
    (void)state;
    write_file("app.log", "old\n");
    unlink(in_scratch("app.log"));
    const mode_t mask = umask(0);
    struct sink sink = open_log();
    umask(mask);
    assert_int_equal(sink.opened, WEFT_OK);
    assert_true(sink_put(&sink, "one\n"));
    assert_true(sink_put(&sink, "two\n"));
    assert_content("app.log", "one\ntwo\n");
    assert_int_equal(stat(in_scratch("app.log"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0640);
    sink_close(&sink);
    sink = open_log();
    assert_true(sink_put(&sink, "three\n"));
    sink_close(&sink);
    assert_content("app.log", "one\ntwo\nthree\n");
    assert_false(exists(".app.log.lock"));
}

static void test_many_lines_in_one_call(void **state)
{
    char text[200][16];
    struct weft_line lines[200];
    size_t written = 0, size = 0;
    (void)state;
    struct sink sink = open_log();
    for (size_t i = 0; i < 200; i++) {
        const int length = snprintf(text[i], sizeof text[i], "line %zu\n", i);
        lines[i] = (struct weft_line){.data = text[i], .size = (size_t)length, .time_ns = 1};
    }
    assert_int_equal(sink.type->type.write(sink.self, lines, 200, &written), WEFT_OK);
    assert_int_equal(written, 200);
    char *all = slurp_sized("app.log", &size);
    const char *at = all;
    for (size_t i = 0; i < 200; at += lines[i].size, i++)
        assert_memory_equal(at, text[i], lines[i].size);
    assert_int_equal(*at, 0);
    free(all);
    sink_close(&sink);
}

static void test_mode(void **state)
{
    struct stat found;
    (void)state;
    const mode_t mask = umask(077);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("given"), "mode", "0644");
    struct sink plain = OPEN(&weftp_sink_file, "path", in_scratch("plain"));
    umask(mask);
    assert_int_equal(stat(in_scratch("given"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0644);
    assert_int_equal(stat(in_scratch("plain"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    sink_close(&sink);
    sink_close(&plain);
}

static void test_torn_end_is_closed_off(void **state)
{
    (void)state;
    write_file("app.log", "whole\nto");
    struct sink sink = open_log();
    assert_content("app.log", "whole\nto");
    assert_true(sink_put(&sink, "next\n"));
    assert_content("app.log", "whole\nto\nnext\n");
    sink_close(&sink);
}

/* Within the second of the lines' time the old file goes on; then the new one is found. */
static void test_moved(void **state)
{
    (void)state;
    struct sink sink = open_log();
    assert_true(sink_put(&sink, "one\n"));
    assert_int_equal(rename(in_scratch("app.log"), in_scratch("moved")), 0);
    sink.time_ns += SECOND_NS - 1;
    assert_true(sink_put(&sink, "two\n"));
    sink.time_ns += 1;
    assert_true(sink_put(&sink, "three\n"));
    assert_content("moved", "one\ntwo\n");
    assert_content("app.log", "three\n");
    sink_close(&sink);
}

static void test_removed_and_clock_set_back(void **state)
{
    (void)state;
    struct sink sink = open_log();
    assert_true(sink_put(&sink, "one\n"));
    unlink(in_scratch("app.log"));
    sink.time_ns -= 3600 * SECOND_NS;
    assert_true(sink_put(&sink, "two\n"));
    assert_content("app.log", "two\n");
    sink_close(&sink);
}

static void test_truncated_by_another(void **state)
{
    (void)state;
    struct sink sink = open_log();
    assert_true(sink_put(&sink, "long line that goes\n"));
    assert_int_equal(truncate(in_scratch("app.log"), 0), 0);
    assert_true(sink_put(&sink, "next\n"));
    assert_content("app.log", "next\n");
    sink_close(&sink);
}

/* The folder goes; lines are lost and counted once a second, until it is there again. */
static void test_folder_removed(void **state)
{
    (void)state;
    mkdir(in_scratch("logs"), 0700);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"));
    assert_true(sink_put(&sink, "one\n"));
    unlink(in_scratch("logs/app.log"));
    assert_int_equal(rmdir(in_scratch("logs")), 0);
    sink.time_ns += SECOND_NS;
    assert_false(sink_put(&sink, "two\n"));
    assert_int_equal(sink_error(&sink).err, ENOENT);
    mkdir(in_scratch("logs"), 0700);
    assert_false(sink_put(&sink, "three\n"));
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "four\n"));
    assert_content("logs/app.log", "four\n");
    sink_close(&sink);
}

/*
 * A moved file whose successor cannot be made goes on being written, and that is said once a
 * second.
 */
static void test_moved_for_good(void **state)
{
    (void)state;
    mkdir(in_scratch("logs"), 0700);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"));
    assert_true(sink_put(&sink, "one\n"));
    assert_int_equal(rename(in_scratch("logs/app.log"), in_scratch("moved")), 0);
    assert_int_equal(rmdir(in_scratch("logs")), 0);
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "two\n"));
    assert_int_equal(sink.status, WEFT_EIO);
    assert_string_equal(sink_error(&sink).what, "reopen");
    assert_true(sink_put(&sink, "three\n"));
    assert_int_equal(sink.status, WEFT_OK);
    assert_content("moved", "one\ntwo\nthree\n");
    sink_close(&sink);
}

static void assert_refused(const char *path, int err)
{
    struct sink sink = OPEN(&weftp_sink_file, "path", path);
    assert_int_equal(sink.opened, WEFT_OK);
    assert_false(sink_put(&sink, "x\n"));
    assert_int_equal(sink.status, WEFT_EIO);
    assert_int_equal(sink_error(&sink).err, err);
    assert_string_equal(sink_error(&sink).what, "open");
    sink_close(&sink);
}

static void test_bad_paths(void **state)
{
    (void)state;
    write_file("plain", "");
    assert_int_equal(symlink("plain", in_scratch("link")), 0);
    assert_int_equal(mkfifo(in_scratch("fifo"), 0600), 0);
    assert_refused(scratch, EISDIR);
    assert_refused(in_scratch("link"), ELOOP);
    assert_refused(in_scratch("fifo"), ENXIO);
    assert_refused(in_scratch("plain/app.log"), ENOTDIR);
    assert_refused(in_scratch("missing/app.log"), ENOENT);
    const int reader = open(in_scratch("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_refused(in_scratch("fifo"), ESPIPE);
    close(reader);
    struct sink none = OPEN(&weftp_sink_file, "keep", "3");
    assert_int_equal(none.opened, WEFT_EINVAL);
    assert_null(none.self);
    none = OPEN(&weftp_sink_file, "path", "");
    assert_null(none.self);
    weftp_sink_file.type.close(NULL);
}

static void test_symlink_follow(void **state)
{
    struct stat found;
    (void)state;
    write_file("real", "old\n");
    assert_int_equal(symlink("real", in_scratch("link")), 0);
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("link"), "symlink", "follow", "max_bytes", "8");
    assert_true(sink_put(&sink, "one\n"));
    assert_true(sink_put(&sink, "two\n"));
    assert_content("real.1", "old\none\n");
    assert_content("link", "two\n");
    assert_int_equal(lstat(in_scratch("link"), &found), 0);
    assert_true(S_ISLNK(found.st_mode));
    sink_close(&sink);
}

static void test_options(void **state)
{
    static const char *const bad[][2] = {
        {"max_aeg", "1d"},  {"max_bytes", "x"}, {"keep", "0"},     {"keep", "-1"},
        {"compress", "xz"}, {"mode", "rw"},     {"mode", "01000"}, {"symlink", "yes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sink sink =
            OPEN(&weftp_sink_file, "path", in_scratch("app.log"), bad[i][0], bad[i][1]);
        assert_int_equal(sink.opened, WEFT_EINVAL);
        const struct weft_sink_error error = sink_error(&sink);
        assert_string_equal(error.option, bad[i][0]);
        assert_true(strlen(error.accepted) > 5);
        assert_true(sink_put(&sink, "used all the same\n"));
        sink_close(&sink);
    }
}

static void change_folder(void *arg)
{
    (void)arg;
    if (chdir(scratch) != 0) _exit(1);
    struct sink sink = OPEN(&weftp_sink_file, "path", "relative.log");
    if (!sink_put(&sink, "one\n") || chdir("/") != 0) _exit(2);
    unlink(in_scratch("relative.log"));
    sink.time_ns += SECOND_NS;
    if (!sink_put(&sink, "two\n")) _exit(3);
    sink_close(&sink);
}

static void test_relative_path_survives_chdir(void **state)
{
    (void)state;
    assert_int_equal(in_child(change_folder, NULL), 0);
    assert_content("relative.log", "two\n");
}

/* daemon() and friends close all descriptors; the program's next file gets the number of ours. */
static void close_all(void *arg)
{
    (void)arg;
    struct sink sink = open_log();
    if (!sink_put(&sink, "one\n")) _exit(1);
    for (int fd = 3; fd < 64; fd++) close(fd);
    if (!sink_put(&sink, "two\n")) _exit(2);
    if (!sink_put(&sink, "three\n")) _exit(3);
    for (int fd = 3; fd < 64; fd++) close(fd);
    if (open(in_scratch("data"), O_WRONLY | O_CREAT, 0600) != 3) _exit(4);
    sink.time_ns += SECOND_NS;
    if (!sink_put(&sink, "four\n")) _exit(5);
    if (write(3, "mine", 4) != 4) _exit(6);
    sink_close(&sink);
}

static void test_descriptor_closed_by_the_program(void **state)
{
    (void)state;
    assert_int_equal(in_child(close_all, NULL), 0);
    assert_content("app.log", "one\ntwo\nthree\nfour\n");
    assert_content("data", "mine");
}

/*
 * With stdio closed a new file would become stdout, and the program's prints would go into the log.
 */
static void without_stdio(void *arg)
{
    (void)arg;
    close(0);
    close(1);
    close(2);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "4");
    for (int i = 0; i < 3; i++) {
        if (!sink_put(&sink, "one\n")) _exit(1);
        if (fcntl(0, F_GETFD) != -1 || fcntl(1, F_GETFD) != -1 || fcntl(2, F_GETFD) != -1) _exit(2);
    }
    sink_close(&sink);
}

static void test_never_becomes_stdout(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_stdio, NULL), 0);
    assert_content("app.log.2", "one\n");
}

static void test_fork(void **state)
{
    (void)state;
    struct sink sink = open_log();
    struct stat found;
    assert_true(sink_put(&sink, "parent\n"));
    for (int i = 0; i < 3; i++) {
        fflush(NULL);
        const pid_t pid = fork();
        if (pid == 0) {
            sink.type->forked(sink.self);
            _exit(sink_put(&sink, "child\n") ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    assert_true(sink_put(&sink, "parent\n"));
    assert_int_equal(stat(in_scratch("app.log"), &found), 0);
    assert_content("app.log", "parent\nchild\nchild\nchild\nparent\n");
    sink_close(&sink);
}

static void test_devices_and_aliases(void **state)
{
    static const struct weft_options_kv stdout_path[] = {{"path", "/dev/stdout"}, {NULL, NULL}};
    static const struct weft_options_kv fd_path[] = {{"path", "/proc/self/fd/7"}, {NULL, NULL}};
    static const struct weft_options_kv file_path[] = {{"path", "/dev/stdoutx"}, {NULL, NULL}};
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", "/dev/null", "max_bytes", "10");
    for (int i = 0; i < 10; i++) assert_true(sink_put(&sink, "nothing\n"));
    sink_close(&sink);
    sink = OPEN(&weftp_sink_file, "path", "/dev/full");
    assert_false(sink_put(&sink, "full\n"));
    assert_int_equal(sink_error(&sink).err, ENOSPC);
    sink_close(&sink);
    const struct weft_sink_type_more *console =
        (const struct weft_sink_type_more *)weftp_sinks_find(NULL, "file", stdout_path);
    assert_true(console->console);
    assert_ptr_equal(weftp_sinks_find(NULL, "file", fd_path), console);
    assert_ptr_equal(weftp_sinks_find(NULL, "file", file_path), &weftp_sink_file);
    assert_ptr_equal(weftp_sinks_find(NULL, "file", NULL), &weftp_sink_file);
    assert_null(weftp_sinks_find(NULL, "fil", NULL));
}

/* ---- system calls that do half their work ---- */

static unsigned calls;

static ssize_t write_a_byte(int fd, const void *data, size_t size)
{
    calls++;
    if (calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return write(fd, data, size > 1 ? 1 : size);
}

static ssize_t writev_a_bit(int fd, const struct iovec *parts, int count)
{
    (void)count;
    return write(fd, parts->iov_base, parts->iov_len / 2);
}

static ssize_t count_writes(int fd, const void *data, size_t size)
{
    calls++;
    return write(fd, data, size);
}

static void test_short_writes(void **state)
{
    struct weft_line lines[3] = {{.data = "first line\n", .size = 11, .time_ns = 5},
                                 {.data = "second line\n", .size = 12, .time_ns = 5},
                                 {.data = "third line\n", .size = 11, .time_ns = 5}};
    size_t written = 0;
    (void)state;
    struct sink sink = open_log();
    weftp_io.write = write_a_byte;
    weftp_io.writev = writev_a_bit;
    assert_true(sink_put(&sink, "a byte at a time\n"));
    assert_int_equal(sink.type->type.write(sink.self, lines, 3, &written), WEFT_OK);
    weftp_io.write = write;
    weftp_io.writev = writev;
    assert_int_equal(written, 3);
    assert_content("app.log", "a byte at a time\nfirst line\nsecond line\nthird line\n");
    sink_close(&sink);
}

static void test_one_call_for_one_line(void **state)
{
    (void)state;
    struct sink sink = open_log();
    assert_true(sink_put(&sink, "first\n"));
    calls = 0;
    weftp_io.write = count_writes;
    for (int i = 0; i < 1000; i++) assert_true(sink_put(&sink, "line\n"));
    weftp_io.write = write;
    assert_int_equal(calls, 1000);
    sink_close(&sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_appends, fresh),
        cmocka_unit_test_setup(test_many_lines_in_one_call, fresh),
        cmocka_unit_test_setup(test_mode, fresh),
        cmocka_unit_test_setup(test_torn_end_is_closed_off, fresh),
        cmocka_unit_test_setup(test_moved, fresh),
        cmocka_unit_test_setup(test_removed_and_clock_set_back, fresh),
        cmocka_unit_test_setup(test_truncated_by_another, fresh),
        cmocka_unit_test_setup(test_folder_removed, fresh),
        cmocka_unit_test_setup(test_moved_for_good, fresh),
        cmocka_unit_test_setup(test_bad_paths, fresh),
        cmocka_unit_test_setup(test_symlink_follow, fresh),
        cmocka_unit_test_setup(test_options, fresh),
        cmocka_unit_test_setup(test_relative_path_survives_chdir, fresh),
        cmocka_unit_test_setup(test_descriptor_closed_by_the_program, fresh),
        cmocka_unit_test_setup(test_never_becomes_stdout, fresh),
        cmocka_unit_test_setup(test_fork, fresh),
        cmocka_unit_test_setup(test_devices_and_aliases, fresh),
        cmocka_unit_test_setup(test_short_writes, fresh),
        cmocka_unit_test_setup(test_one_call_for_one_line, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
