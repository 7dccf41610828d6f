/*
 * A file sink at the limits of its process and its place: few descriptors, odd paths, read-only
 * places.
 */
#include "support/sinks.h"

#include "sinks/file.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static int fill_descriptors(void)
{
    int last = -1, fd;
    while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) last = fd;
    return last;
}

/*
 * Descriptors run out: rotation is put off, the old file goes on, no line is lost; with room again
 * it rotates.
 */
static void few_descriptors(void *arg)
{
    const struct rlimit limit = {12, 12};
    (void)arg;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(1);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "16",
                            "compress", "gzip", "keep", "20");
    int last = fill_descriptors();
    if (last != 11) _exit(2);
    bool told = false;
    for (int i = 0; i < 10; i++, sink.time_ns += SECOND_NS) {
        if (!sink_put(&sink, "line\n")) _exit(3);
        told = told || (sink.status == WEFT_EIO && sink_error(&sink).err == EMFILE);
    }
    if (!told) _exit(4);
    /*
     * One, two, three … free ones: somewhere in between a rotation succeeds in part; lines never
     * care.
     */
    for (int i = 0; i < 6; i++, sink.time_ns += SECOND_NS) {
        close(last--);
        if (!sink_put(&sink, "line\n")) _exit(5);
    }
    for (int i = 0; i < 8; i++, sink.time_ns += SECOND_NS)
        if (!sink_put(&sink, "line\n") || sink.status != WEFT_OK) _exit(6);
    sink_close(&sink);
}

static void test_few_descriptors(void **state)
{
    unsigned lines = 0;
    (void)state;
    assert_int_equal(in_child(few_descriptors, NULL), 0);
    for (int i = 0; i < 30; i++) {
        char name[32];
        size_t size = 0;
        snprintf(name, sizeof name, i == 0 ? "app.log" : "app.log.%d", i);
        if (!exists(name)) snprintf(name, sizeof name, "app.log.%d.gz", i);
        if (!exists(name)) continue;
        free(slurp_sized(name, &size));
        assert_int_equal(size % 5, 0);
        lines += (unsigned)size / 5;
    }
    assert_int_equal(lines, 24);
    assert_true(exists("app.log.1.gz") || exists("app.log.1"));
}

static void no_descriptor_at_all(void *arg)
{
    const struct rlimit limit = {12, 12};
    (void)arg;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(1);
    const int last = fill_descriptors();
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"));
    if (sink.opened != WEFT_OK || sink_put(&sink, "lost\n")) _exit(2);
    if (sink_error(&sink).err != EMFILE) _exit(3);
    close(last);
    close(last - 1); /* one for the directory while it opens */
    sink.time_ns += SECOND_NS;
    if (!sink_put(&sink, "found\n")) _exit(4);
    sink_close(&sink);
}

static void test_no_descriptor_at_all(void **state)
{
    (void)state;
    assert_int_equal(in_child(no_descriptor_at_all, NULL), 0);
    assert_content("app.log", "found\n");
}

/*
 * Every line of a sink that cannot work is lost with a reason, and when the reason is gone it
 * works, within a second.
 */
static void assert_fails_then_works(const char *path, int err, void (*mend)(void))
{
    struct sink sink = OPEN(&weftp_sink_file, "path", path, "max_bytes", "1k");
    assert_int_equal(sink.opened, WEFT_OK);
    for (int i = 0; i < 5; i++, sink.time_ns += SECOND_NS / 2) {
        assert_false(sink_put(&sink, "lost\n"));
        assert_int_equal(sink_error(&sink).err, err);
    }
    mend();
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "found\n"));
    sink_close(&sink);
}

static void mend_directory(void)
{
    assert_int_equal(rmdir(in_scratch("app.log")), 0);
}
static void mend_file(void)
{
    assert_int_equal(unlink(in_scratch("app.log")), 0);
}

static void mend_parent(void)
{
    assert_int_equal(unlink(in_scratch("logs")), 0);
    assert_int_equal(mkdir(in_scratch("logs"), 0700), 0);
}

static void test_odd_paths(void **state)
{
    (void)state;
    mkdir(in_scratch("app.log"), 0700);
    assert_fails_then_works(in_scratch("app.log"), EISDIR, mend_directory);
    unlink(in_scratch("app.log"));
    assert_int_equal(symlink("/etc/passwd", in_scratch("app.log")), 0);
    assert_fails_then_works(in_scratch("app.log"), ELOOP, mend_file);
    write_file("logs", "");
    assert_fails_then_works(in_scratch("logs/app.log"), ENOTDIR, mend_parent);
    assert_content("logs/app.log", "found\n");
}

static void read_only(void *arg)
{
    (void)arg;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", scratch, "tmpfs", 0, "size=1m") != 0)
        _exit(77);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"));
    if (!sink_put(&sink, "one\n")) _exit(1);
    sink_close(&sink);
    if (mount("none", scratch, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0) _exit(2);
    sink = OPEN(&weftp_sink_file, "path", in_scratch("app.log"));
    if (sink_put(&sink, "lost\n") || sink_error(&sink).err != EROFS) _exit(3);
    if (mount("none", scratch, NULL, MS_REMOUNT, NULL) != 0) _exit(4);
    sink.time_ns += SECOND_NS;
    if (!sink_put(&sink, "two\n")) _exit(5);
    assert_content("app.log", "one\ntwo\n");
    sink_close(&sink);
}

static void test_read_only_place(void **state)
{
    (void)state;
    const int status = in_child(read_only, NULL);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        fprintf(stderr, "SKIPPED: no tmpfs can be mounted here, which needs root\n");
        skip();
    }
    assert_int_equal(status, 0);
}

/*
 * Not root: permissions count. The folder may be used, but nothing can be renamed in it any more.
 */
static void without_permission(void *arg)
{
    (void)arg;
    if (geteuid() == 0) {
        if (chmod(scratch, 0777) != 0 || setegid(65534) != 0 || seteuid(65534) != 0) _exit(1);
    }
    if (mkdir(in_scratch("own"), 0700) != 0) _exit(2);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("own/app.log"), "max_bytes", "8");
    if (!sink_put(&sink, "line 1\n") || sink.status != WEFT_OK) _exit(3);
    if (chmod(in_scratch("own"), 0500) != 0) _exit(4);
    if (!sink_put(&sink, "line 2\n") || sink.status != WEFT_EIO) _exit(5);
    if (sink_error(&sink).err != EACCES || strcmp(sink_error(&sink).what, "rotate") != 0) _exit(6);
    if (!sink_put(&sink, "line 3\n") || sink.status != WEFT_OK) _exit(7);
    if (chmod(in_scratch("own"), 0700) != 0) _exit(8);
    sink.time_ns += SECOND_NS;
    if (!sink_put(&sink, "line 4\n") || sink.status != WEFT_OK) _exit(9);
    assert_content("own/app.log.1", "line 1\nline 2\nline 3\n");
    assert_content("own/app.log", "line 4\n");
    sink_close(&sink);
}

static void test_without_permission(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_permission, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_few_descriptors, fresh),
        cmocka_unit_test_setup(test_no_descriptor_at_all, fresh),
        cmocka_unit_test_setup(test_odd_paths, fresh),
        cmocka_unit_test_setup(test_read_only_place, fresh),
        cmocka_unit_test_setup(test_without_permission, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
