/*
 * The place that a file has: a directory that becomes a link, comes anew, is mounted over or
 * becomes read-only, and a process that gives up its rights.
 */
#include "support/sinks.h"

#include "sinks/file.h"
#include "sinks/gzip.h"
#include "sinks/kit/appender.h"
#include <grp.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    mkdir(in_scratch("logs"), 0755);
    mkdir(in_scratch("evil"), 0755);
    return 0;
}

static struct sink open_log(void)
{
    return OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"), "max_bytes", "1k");
}

/* The directory is moved away and a link to another one put in its place. */
static void swap(void)
{
    assert_int_equal(rename(in_scratch("logs"), in_scratch("moved")), 0);
    assert_int_equal(symlink("evil", in_scratch("logs")), 0);
}

static void test_directory_becomes_a_link(void **state)
{
    (void)state;
    struct sink sink = open_log();
    assert_true(sink_put(&sink, "one\n"));
    swap();
    write_file("evil/app.log", "bait\n");
    for (int i = 0; i < 3; i++) {
        sink.time_ns += SECOND_NS;
        assert_true(sink_put(&sink, "two\n"));
        assert_int_equal(sink.status, WEFT_EIO);
        assert_string_equal(sink_error(&sink).what, "reopen");
        assert_int_equal(sink_error(&sink).err, ELOOP);
    }
    assert_content("moved/app.log", "one\ntwo\ntwo\ntwo\n");
    /* Large enough to rotate: not there. */
    static char large[1001];
    memset(large, 'x', 1000);
    assert_true(sink_put(&sink, large));
    assert_true(sink_put(&sink, "\n"));
    assert_content("evil/app.log", "bait\n");
    assert_false(exists("evil/.app.log.lock"));
    assert_int_equal(truncate(in_scratch("moved/app.log"), 16), 0);
    /* Back in its place, all is well. */
    unlink(in_scratch("logs"));
    assert_int_equal(rename(in_scratch("moved"), in_scratch("logs")), 0);
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "three\n"));
    assert_int_equal(sink.status, WEFT_OK);
    sink_close(&sink);
    assert_content("logs/app.log", "one\ntwo\ntwo\ntwo\nthree\n");
}

/* The file went with the directory: lines are lost rather than written elsewhere. */
static void test_directory_removed_and_a_link(void **state)
{
    (void)state;
    struct sink sink = open_log();
    assert_true(sink_put(&sink, "one\n"));
    unlink(in_scratch("logs/app.log"));
    unlink(in_scratch("logs/.app.log.lock"));
    assert_int_equal(rmdir(in_scratch("logs")), 0);
    assert_int_equal(symlink("evil", in_scratch("logs")), 0);
    sink.time_ns += SECOND_NS;
    assert_false(sink_put(&sink, "lost\n"));
    assert_int_equal(sink_error(&sink).err, ELOOP);
    assert_false(exists("evil/app.log"));
    unlink(in_scratch("logs"));
    mkdir(in_scratch("logs"), 0755);
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "two\n"));
    sink_close(&sink);
    assert_content("logs/app.log", "two\n");
}

/* A link that was there at the start is the place's own: its target is what counts from then on. */
static void test_link_at_the_start(void **state)
{
    (void)state;
    assert_int_equal(symlink("logs", in_scratch("link")), 0);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("link/app.log"));
    assert_true(sink_put(&sink, "one\n"));
    unlink(in_scratch("link"));
    assert_int_equal(symlink("evil", in_scratch("link")), 0);
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "two\n"));
    assert_int_equal(sink.status, WEFT_OK);
    sink_close(&sink);
    assert_content("logs/app.log", "one\ntwo\n");
    assert_false(exists("evil/app.log"));
}

static void test_link_followed_on_request(void **state)
{
    (void)state;
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"), "symlink", "follow");
    assert_true(sink_put(&sink, "one\n"));
    swap();
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "two\n"));
    assert_int_equal(sink.status, WEFT_OK);
    sink_close(&sink);
    assert_content("moved/app.log", "one\n");
    assert_content("evil/app.log", "two\n");
}

/* Nothing is removed or made behind a link either. */
static void test_nothing_is_given_up_behind_a_link(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"), "min_free",
                            "8000000g", "on_full", "delete_oldest");
    struct sink packed = OPEN(&weftp_sink_gzip, "path", in_scratch("logs/app.log.gz"));
    swap();
    write_file("evil/app.log.1", "bait\n");
    sink.time_ns += SECOND_NS;
    assert_false(sink_put(&sink, "lost\n"));
    assert_int_equal(sink_error(&sink).err, ENOSPC);
    assert_true(sink_put(&packed, "one\n"));
    assert_int_equal(packed.type->type.flush(packed.self, 0), WEFT_EIO);
    assert_int_equal(sink_error(&packed).err, ELOOP);
    sink_close(&sink);
    sink_close(&packed);
    assert_true(exists("evil/app.log.1"));
    assert_false(exists("evil/.app.log.lock") || exists("evil/.app.log.gz.end"));
    assert_content("moved/app.log.gz", "one\n");
}

/* Nor is a lock file that is a hard link to something else written to, or given away. */
static void test_locks_that_are_links(void **state)
{
    (void)state;
    struct stat found;
    write_file("evil/precious", "precious\n");
    assert_int_equal(chmod(in_scratch("evil/precious"), 0600), 0);
    assert_int_equal(link(in_scratch("evil/precious"), in_scratch("logs/.app.log.lock")), 0);
    assert_int_equal(link(in_scratch("evil/precious"), in_scratch("logs/.app.gz.end")), 0);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"), "max_bytes", "1",
                            "names", "date", "mode", "0666");
    struct sink packed = OPEN(&weftp_sink_gzip, "path", in_scratch("logs/app.gz"), "mode", "0666");
    for (int i = 0; i < 3; i++) {
        assert_true(sink_put(&sink, "one\n") && sink_put(&packed, "one\n"));
        assert_int_equal(packed.type->type.flush(packed.self, 0), WEFT_OK);
    }
    sink_close(&sink);
    sink_close(&packed);
    assert_content("evil/precious", "precious\n");
    assert_int_equal(stat(in_scratch("evil/precious"), &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_content("logs/app.gz", "one\none\none\n");
}

/* A link to a file that is yet to be made: rotated where the file is, by the first process, too. */
static void test_link_that_leads_nowhere_yet(void **state)
{
    (void)state;
    assert_int_equal(symlink("two", in_scratch("one")), 0);
    assert_int_equal(symlink("logs/app.log", in_scratch("two")), 0);
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("one"), "symlink", "follow", "max_bytes", "4");
    assert_true(sink_put(&sink, "one\n"));
    assert_true(sink_put(&sink, "two\n"));
    sink_close(&sink);
    assert_content("logs/app.log", "two\n");
    assert_content("logs/app.log.1", "one\n");
    /* Where a link comes later, the file cannot be moved, which is said. */
    sink = OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"), "symlink", "follow",
                "max_bytes", "4");
    assert_int_equal(rename(in_scratch("logs/app.log"), in_scratch("real")), 0);
    assert_int_equal(symlink("../real", in_scratch("logs/app.log")), 0);
    assert_true(sink_put(&sink, "three\n"));
    assert_int_equal(sink.status, WEFT_EIO);
    assert_int_equal(sink_error(&sink).err, ELOOP);
    sink_close(&sink);
    assert_content("real", "two\nthree\n");
}

/* Removed and made again: within a second of lines, and the same for gzip with its lock. */
static void removed_and_made(const struct weft_sink_type_more *type)
{
    struct sink sink = OPEN(type, "path", in_scratch("logs/app.log"), "max_bytes", "1k");
    assert_true(sink_put(&sink, "one\n"));
    assert_int_equal(sink.type->type.flush(sink.self, 0), WEFT_OK);
    scratch_empty(AT_FDCWD, in_scratch("logs"));
    assert_int_equal(rmdir(in_scratch("logs")), 0);
    mkdir(in_scratch("logs"), 0755);
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "two\n"));
    assert_int_equal(sink.type->type.flush(sink.self, 0), WEFT_OK);
    sink_close(&sink);
    assert_content("logs/app.log", "two\n");
}

static void test_directory_made_again(void **state)
{
    removed_and_made(&weftp_sink_file);
    fresh(state);
    removed_and_made(&weftp_sink_gzip);
}

/* Another program keeps the file locked: it is written all the same, and locked once that is free. */
static void test_locked_by_a_stranger(void **state)
{
    (void)state;
    write_file("logs/app.log", "");
    const int stranger = open(in_scratch("logs/app.log"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(stranger, LOCK_EX | LOCK_NB), 0);
    struct sink sink = open_log();
    assert_true(sink_put(&sink, "one\n"));
    assert_int_equal(sink.status, WEFT_OK);
    assert_int_equal(flock(stranger, LOCK_UN), 0);
    sink.time_ns += SECOND_NS;
    assert_true(sink_put(&sink, "two\n"));
    assert_int_equal(flock(stranger, LOCK_EX | LOCK_NB), -1);
    close(stranger);
    sink_close(&sink);
    assert_content("logs/app.log", "one\ntwo\n");
}

static void mounts(void *arg)
{
    (void)arg;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        _exit(77);
    struct sink sink = open_log();
    if (!sink_put(&sink, "under\n")) _exit(1);
    if (mount("none", in_scratch("logs"), "tmpfs", 0, "size=1m") != 0) _exit(77);
    if (!sink_put(&sink, "under too\n")) _exit(2);
    sink.time_ns += SECOND_NS;
    if (!sink_put(&sink, "above\n") || sink.status != WEFT_OK) _exit(3);
    assert_content("logs/app.log", "above\n");
    /* Read-only under the open file: each line is lost and known, then all goes on. */
    if (mount("none", in_scratch("logs"), NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0) _exit(4);
    sink_close(&sink);
    if (mount("none", in_scratch("logs"), NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0) _exit(5);
    sink = open_log();
    if (sink_put(&sink, "lost\n") || sink_error(&sink).err != EROFS) _exit(6);
    if (mount("none", in_scratch("logs"), NULL, MS_REMOUNT, NULL) != 0) _exit(7);
    sink.time_ns += SECOND_NS;
    if (!sink_put(&sink, "again\n")) _exit(8);
    assert_content("logs/app.log", "above\nagain\n");
    if (umount(in_scratch("logs")) == 0) _exit(9);
    sink_close(&sink);
}

static void test_mounts(void **state)
{
    (void)state;
    const int status = in_child(mounts, NULL);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        fprintf(stderr, "SKIPPED: no tmpfs can be mounted here, which needs root\n");
        skip();
    }
    assert_int_equal(status, 0);
    assert_content("logs/app.log", "under\nunder too\n");
}

/* A server that begins as root: its files go on, and what it may not do any more is said. */
static void drop_rights(void *arg)
{
    struct sink sink = *(struct sink *)arg;
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
    for (int i = 0; i < 3; i++, sink.time_ns += SECOND_NS) {
        if (!sink_put(&sink, "twelve bytes\n")) _exit(2);
        if (i > 0 && (sink.status != WEFT_EIO || sink_error(&sink).err != EACCES)) _exit(3);
        if (i > 0 && strcmp(sink_error(&sink).what, "rotate") != 0) _exit(4);
        if (!sink_put(&sink, "x\n") || sink.status != WEFT_OK) _exit(5);
    }
    sink_close(&sink);
}

/* A worker cannot open the file, and its parent has rotated, and let go of the lock they share. */
static void without_rights(void *arg)
{
    struct sink sink = *(struct sink *)arg;
    const int probe = open(in_scratch("logs/app.log"), O_RDONLY | O_CLOEXEC);
    sink.type->forked(sink.self);
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
    (void)flock(((struct weftp_appender *)sink.self)->live.file.fd, LOCK_UN);
    const bool taken = sink_put(&sink, "worker\n");
    if (sink_error(&sink).err != EACCES) _exit(2);
    if (probe < 0) _exit(taken ? 3 : 0); /* the file is gone: nobody would ever see the line */
    if (!taken || flock(probe, LOCK_EX | LOCK_NB) == 0) _exit(4);
    sink_close(&sink);
}

static void test_rights_are_dropped_and_the_parent_rotates(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        fprintf(stderr, "SKIPPED: giving up rights needs root\n");
        skip();
    }
    chmod(scratch, 0755);
    struct sink sink = OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"));
    assert_int_equal(in_child(without_rights, &sink), 0);
    assert_content("logs/app.log", "worker\n");
    unlink(in_scratch("logs/app.log"));
    assert_int_equal(in_child(without_rights, &sink), 0);
    sink_close(&sink);
}

static void test_rights_are_dropped(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        fprintf(stderr, "SKIPPED: giving up rights needs root\n");
        skip();
    }
    chmod(scratch, 0755);
    struct sink sink =
        OPEN(&weftp_sink_file, "path", in_scratch("logs/app.log"), "max_bytes", "20");
    assert_int_equal(in_child(drop_rights, &sink), 0);
    sink_close(&sink);
    assert_content("logs/app.log", "twelve bytes\nx\ntwelve bytes\nx\ntwelve bytes\nx\n");
    assert_false(exists("logs/app.log.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_directory_becomes_a_link, fresh),
        cmocka_unit_test_setup(test_directory_removed_and_a_link, fresh),
        cmocka_unit_test_setup(test_nothing_is_given_up_behind_a_link, fresh),
        cmocka_unit_test_setup(test_locks_that_are_links, fresh),
        cmocka_unit_test_setup(test_link_that_leads_nowhere_yet, fresh),
        cmocka_unit_test_setup(test_link_at_the_start, fresh),
        cmocka_unit_test_setup(test_link_followed_on_request, fresh),
        cmocka_unit_test_setup(test_directory_made_again, fresh),
        cmocka_unit_test_setup(test_locked_by_a_stranger, fresh),
        cmocka_unit_test_setup(test_mounts, fresh),
        cmocka_unit_test_setup(test_rights_are_dropped, fresh),
        cmocka_unit_test_setup(test_rights_are_dropped_and_the_parent_rotates, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
