/*
 * gzip: one whole member a flush; what kills, full disks and other programs leave behind is mended;
 * rotation, forks, several writers.
 */
#include "support/sinks.h"

#include "sinks/gzip.h"
#include "sinks/kit/member.h"
#include "src/port/io.h"

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static struct sink open_log(void)
{
    return OPEN(&weftp_sink_gzip, "path", in_scratch("app.log.gz"));
}

static weft_status flush(const struct sink *sink)
{
    return sink->type->type.flush(sink->self, 1000);
}

static void put_and_flush(struct sink *sink, const char *text)
{
    assert_true(sink_put(sink, text));
    assert_int_equal(sink->status, WEFT_OK);
    assert_int_equal(flush(sink), WEFT_OK);
}

static off_t size_of(const char *name)
{
    struct stat found;
    assert_int_equal(stat(in_scratch(name), &found), 0);
    return found.st_size;
}

/* Hop from head to head; returns how many members there are, or -1: they do not end at the end. */
static int count_members(const char *name)
{
    unsigned char head[WEFTP_MEMBER_HEAD_SIZE];
    const int fd = open(in_scratch(name), O_RDONLY | O_CLOEXEC);
    const off_t end = size_of(name);
    off_t at = 0;
    int count = 0;
    while (at < end && pread(fd, head, sizeof head, at) == (ssize_t)sizeof head) {
        uint32_t size = 0;
        if (weftp_member_head(head, sizeof head, &size) != WEFTP_HEAD_OURS) break;
        at += size;
        count++;
    }
    close(fd);
    return at == end ? count : -1;
}

static void test_members(void **state)
{
    (void)state;
    struct sink sink = open_log();
    assert_true(sink_put(&sink, "one\n"));
    assert_true(sink_put(&sink, "two\n"));
    assert_int_equal(size_of("app.log.gz"), 0);
    assert_int_equal(sink.type->held(sink.self), 2);
    assert_int_equal(sink.type->pending_ms(sink.self), 1000);
    assert_int_equal(sink.type->tick(sink.self), WEFT_OK);
    assert_content("app.log.gz", "one\ntwo\n");
    put_and_flush(&sink, "three\n");
    assert_int_equal(flush(&sink), WEFT_OK);
    assert_int_equal(count_members("app.log.gz"), 2);
    sink_close(&sink);
    sink = open_log();
    assert_int_equal(sink_put_sized(&sink, "dying\n", 6, WEFT_LEVEL_FATAL), 1);
    assert_content("app.log.gz", "one\ntwo\nthree\ndying\n");
    sink_close(&sink);
    assert_int_equal(count_members("app.log.gz"), 3);
}

static void test_other_readers(void **state)
{
    char command[600];
    (void)state;
    struct sink sink = open_log();
    for (int i = 0; i < 3; i++) put_and_flush(&sink, "a line\n");
    sink_close(&sink);
    snprintf(command, sizeof command, "zcat %s | cmp -s - %s", in_scratch("app.log.gz"),
             in_scratch("expected"));
    write_file("expected", "a line\na line\na line\n");
    assert_int_equal(system(command), 0);
    snprintf(
        command, sizeof command,
        "python3 -c 'import gzip,sys; sys.exit(gzip.open(\"%s\").read() != b\"a line\\n\" * 3)'",
        in_scratch("app.log.gz"));
    assert_int_equal(system(command), 0);
}

/* Lines of all sizes up to beyond the buffer; incompressible ones grow. */
static void test_sizes(void **state)
{
    static char line[100001];
    char *expected = calloc(1, 800000);
    size_t at = 0;
    unsigned random = 1;
    (void)state;
    struct sink sink = OPEN(&weftp_sink_gzip, "path", in_scratch("app.log.gz"), "buffer_bytes",
                            "4k", "compress_level", "9");
    for (size_t size = 1; size <= 100000; size = size * 3 / 2 + 1) {
        for (size_t i = 0; i + 1 < size; i++) {
            random = random * 1103515245 + 12345;
            line[i] = (char)(' ' + (random >> 16) % 90);
        }
        line[size - 1] = '\n';
        assert_int_equal(sink_put_sized(&sink, line, size, WEFT_LEVEL_INFO), 1);
        memcpy(expected + at, line, size);
        at += size;
    }
    assert_int_equal(flush(&sink), WEFT_OK);
    sink_close(&sink);
    assert_content("app.log.gz", expected);
    assert_true(count_members("app.log.gz") > 10);
    free(expected);
}

/* A member that is cut at every place: whole lines of it come back, once. */
static void test_torn_at_every_byte(void **state)
{
    static const char second[] = "two 0123456789\nthree 9876543210\nfour abcdefghij\n";
    (void)state;
    struct sink sink = open_log();
    put_and_flush(&sink, "one\n");
    const off_t first_end = size_of("app.log.gz");
    put_and_flush(&sink, second);
    const off_t second_end = size_of("app.log.gz");
    sink_close(&sink);
    for (off_t cut = second_end - 1; cut > first_end; cut--) {
        size_t size = 0;
        assert_int_equal(truncate(in_scratch("app.log.gz"), cut), 0);
        sink = open_log();
        assert_true(count_members("app.log.gz") >= 1);
        put_and_flush(&sink, "last\n");
        sink_close(&sink);
        char *text = slurp_sized("app.log.gz", &size);
        assert_memory_equal(text, "one\n", 4);
        assert_true(size >= 9);
        assert_string_equal(text + size - 5, "last\n");
        assert_memory_equal(text + 4, second, size - 9);
        assert_true(size == 9 || text[size - 6] == '\n');
        free(text);
        assert_int_equal(truncate(in_scratch("app.log.gz"), first_end), 0);
        sink = open_log();
        put_and_flush(&sink, second);
        sink_close(&sink);
        assert_int_equal(size_of("app.log.gz"), second_end);
    }
}

/* Most of a large member that was torn is saved. */
static void test_torn_member_is_saved(void **state)
{
    char line[64];
    size_t size = 0;
    (void)state;
    struct sink sink = open_log();
    for (int i = 0; i < 5000; i++) {
        snprintf(line, sizeof line, "line %d of many %d\n", i, i * 7919 % 5000);
        assert_true(sink_put(&sink, line));
    }
    flush(&sink);
    sink_close(&sink);
    assert_int_equal(truncate(in_scratch("app.log.gz"), size_of("app.log.gz") - 100), 0);
    sink = open_log();
    sink_close(&sink);
    char *text = slurp_sized("app.log.gz", &size), *at = text;
    int lines = 0;
    for (; *at; lines++) {
        snprintf(line, sizeof line, "line %d of many %d\n", lines, lines * 7919 % 5000);
        assert_memory_equal(at, line, strlen(line));
        at += strlen(line);
    }
    assert_true(lines > 4000);
    free(text);
}

/* Gzip of others is appended to; what is no gzip is moved aside, unharmed. */
static void test_foreign_files(void **state)
{
    (void)state;
    gzFile file = gzopen(in_scratch("app.log.gz"), "wb");
    gzputs(file, "foreign\n");
    gzclose(file);
    struct sink sink = open_log();
    put_and_flush(&sink, "ours\n");
    sink_close(&sink);
    assert_content("app.log.gz", "foreign\nours\n");
    /* Another file, longer than the one that the end is known of. */
    unlink(in_scratch("app.log.gz"));
    file = gzopen(in_scratch("app.log.gz"), "wb");
    for (int i = 0; i < 300; i++) gzprintf(file, "foreign %d\n", i * 7919);
    gzclose(file);
    sink = open_log();
    put_and_flush(&sink, "ours\n");
    sink_close(&sink);
    assert_false(exists("app.log.1.gz"));
    write_file("app.log.gz", "no gzip at all, and longer than a head\n");
    sink = open_log();
    put_and_flush(&sink, "ours\n");
    sink_close(&sink);
    assert_content("app.log.gz", "ours\n");
    assert_content("app.log.1.gz", "no gzip at all, and longer than a head\n");
}

static void test_rotation(void **state)
{
    char line[64];
    (void)state;
    struct sink sink = OPEN(&weftp_sink_gzip, "path", in_scratch("app.log.gz"), "max_bytes", "100",
                            "keep", "2", "period", "day");
    for (int i = 0; i < 10; i++) {
        snprintf(line, sizeof line, "line %d\n", i);
        put_and_flush(&sink, line);
    }
    sink_close(&sink);
    assert_content("app.log.2.gz", "line 4\nline 5\n");
    assert_content("app.log.1.gz", "line 6\nline 7\n");
    assert_content("app.log.gz", "line 8\nline 9\n");
    assert_false(exists("app.log.3.gz"));
    assert_true(size_of("app.log.1.gz") <= 100);
}

static void test_name_without_gz(void **state)
{
    (void)state;
    struct sink sink = OPEN(&weftp_sink_gzip, "path", in_scratch("app"), "max_bytes", "10");
    put_and_flush(&sink, "one\n");
    put_and_flush(&sink, "two\n");
    sink_close(&sink);
    assert_content("app.1", "one\n");
    assert_content("app", "two\n");
}

static void test_fork(void **state)
{
    int status;
    (void)state;
    struct sink sink = open_log();
    put_and_flush(&sink, "begin\n");
    assert_true(sink_put(&sink, "parent\n"));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        sink.type->forked(sink.self);
        const bool good = sink_put(&sink, "child\n") && flush(&sink) == WEFT_OK;
        sink_close(&sink);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    put_and_flush(&sink, "after\n");
    sink_close(&sink);
    assert_content("app.log.gz", "begin\nchild\nparent\nafter\n");
}

/* ---- a disk that is full ---- */

static size_t allowance;
static bool no_truncation;

static ssize_t write_within(int fd, const void *data, size_t size)
{
    if (allowance == 0) {
        errno = ENOSPC;
        return -1;
    }
    const size_t part = size < allowance ? size : allowance;
    allowance -= part;
    return write(fd, data, part);
}

static int truncate_or_not(int fd, off_t size)
{
    if (!no_truncation) return ftruncate(fd, size);
    errno = EIO;
    return -1;
}

/* Short writes that go on, and such that do not: cut off, kept, and written again once. */
static void full(bool cannot_cut)
{
    char line[64], expected[4000] = "one\n";
    struct sink sink = open_log();
    put_and_flush(&sink, "one\n");
    const off_t end = size_of("app.log.gz");
    weftp_io.write = write_within;
    weftp_io.ftruncate = truncate_or_not;
    no_truncation = cannot_cut;
    for (unsigned i = 0; i < 60; i++) {
        snprintf(line, sizeof line, "kept %u %u\n", i, i * 2654435761U);
        strcat(expected, line);
        assert_true(sink_put(&sink, line));
        allowance = 8 * i;
        assert_int_equal(flush(&sink), WEFT_EIO);
        assert_true(sink_error(&sink).err == ENOSPC || sink_error(&sink).err == EIO);
        if (!cannot_cut) assert_int_equal(size_of("app.log.gz"), end);
    }
    assert_int_equal(sink.type->held(sink.self), 60);
    no_truncation = false;
    allowance = SIZE_MAX;
    put_and_flush(&sink, "last\n");
    weftp_io.write = write;
    weftp_io.ftruncate = ftruncate;
    sink_close(&sink);
    strcat(expected, "last\n");
    assert_content("app.log.gz", expected);
    assert_int_equal(count_members("app.log.gz"), 2);
}

static void test_full_disk(void **state)
{
    (void)state;
    full(false);
}

static void test_full_disk_that_cannot_cut(void **state)
{
    (void)state;
    full(true);
}

static void test_lock_file_is_removed(void **state)
{
    (void)state;
    struct sink a = open_log(), b = open_log();
    put_and_flush(&a, "one\n");
    assert_int_equal(unlink(in_scratch(".app.log.gz.end")), 0);
    put_and_flush(&b, "two\n");
    assert_true(exists(".app.log.gz.end"));
    write_file(".app.log.gz.end", "something else, of the very same length.");
    put_and_flush(&a, "three\n");
    sink_close(&a);
    sink_close(&b);
    assert_content("app.log.gz", "one\ntwo\nthree\n");
}

/* Something else has the lock's name, or no file can have it: lines go out all the same. */
static void test_lock_that_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_scratch(".app.log.gz.end"), 0700), 0);
    struct sink sink = open_log();
    put_and_flush(&sink, "one\n");
    assert_int_equal(rmdir(in_scratch(".app.log.gz.end")), 0);
    assert_int_equal(symlink("elsewhere", in_scratch(".app.log.gz.end")), 0);
    put_and_flush(&sink, "two\n");
    assert_int_equal(unlink(in_scratch(".app.log.gz.end")), 0);
    assert_int_equal(mkfifo(in_scratch(".app.log.gz.end"), 0600), 0);
    put_and_flush(&sink, "three\n");
    sink_close(&sink);
    assert_content("app.log.gz", "one\ntwo\nthree\n");
    char name[253];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    sink = OPEN(&weftp_sink_gzip, "path", in_scratch(name));
    put_and_flush(&sink, "four\n");
    sink_close(&sink);
    assert_content(name, "four\n");
}

static mode_t mode_of(const char *name)
{
    struct stat found;
    assert_int_equal(stat(in_scratch(name), &found), 0);
    return found.st_mode & 0777;
}

/* Who may write the file may lock it, and keep others from writing into the same member. */
static void test_lock_has_the_mode_of_the_file(void **state)
{
    (void)state;
    const mode_t mask = umask(077);
    struct sink sink =
        OPEN(&weftp_sink_gzip, "path", in_scratch("app.log.gz"), "mode", "0666", "max_bytes", "1m");
    put_and_flush(&sink, "one\n");
    sink_close(&sink);
    umask(mask);
    assert_int_equal(mode_of("app.log.gz"), 0666);
    assert_int_equal(mode_of(".app.log.gz.end"), 0666);
    assert_int_equal(mode_of(".app.log.gz.lock"), 0666);
}

static void test_options(void **state)
{
    static const char *const bad[][2] = {{"compress", "gzip"},    {"compress_level", "10"},
                                         {"buffer_bytes", "1k"},  {"preallocate", "1m"},
                                         {"compress_delay", "1"}, {"buffer_bytes", "65m"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sink sink =
            OPEN(&weftp_sink_gzip, "path", in_scratch("app.log.gz"), bad[i][0], bad[i][1]);
        assert_int_equal(sink.opened, WEFT_EINVAL);
        assert_string_equal(sink_error(&sink).option, bad[i][0]);
        put_and_flush(&sink, "used all the same\n");
        sink_close(&sink);
    }
    struct sink none = OPEN(&weftp_sink_gzip, "keep", "3");
    assert_null(none.self);
    weftp_sink_gzip.type.close(NULL);
    struct sink device = OPEN(&weftp_sink_gzip, "path", "/dev/null");
    put_and_flush(&device, "nothing\n");
    sink_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_members, fresh),
        cmocka_unit_test_setup(test_other_readers, fresh),
        cmocka_unit_test_setup(test_sizes, fresh),
        cmocka_unit_test_setup(test_torn_at_every_byte, fresh),
        cmocka_unit_test_setup(test_torn_member_is_saved, fresh),
        cmocka_unit_test_setup(test_foreign_files, fresh),
        cmocka_unit_test_setup(test_rotation, fresh),
        cmocka_unit_test_setup(test_name_without_gz, fresh),
        cmocka_unit_test_setup(test_fork, fresh),
        cmocka_unit_test_setup(test_full_disk, fresh),
        cmocka_unit_test_setup(test_full_disk_that_cannot_cut, fresh),
        cmocka_unit_test_setup(test_lock_file_is_removed, fresh),
        cmocka_unit_test_setup(test_lock_that_cannot_be, fresh),
        cmocka_unit_test_setup(test_lock_has_the_mode_of_the_file, fresh),
        cmocka_unit_test_setup(test_options, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
