/*
 * stdout: and stderr: through their type tables, with a descriptor of the test's own behind number
 * 1 or 2.
 */
#include "support/sinks.h"

#include "sinks/console.h"
#include "src/port/io.h"
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>

/*
 * Each test runs in a child, whose stdout it may do anything with. CHECK leaves with the line as
 * its answer.
 */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static void become_stdout(int fd)
{
    CHECK(fd >= 0 && dup2(fd, 1) == 1);
    if (fd != 1) close(fd); /* with stdout closed, open gives its number */
}

static void stdout_to_file(const char *name)
{
    become_stdout(open(in_scratch(name), O_WRONLY | O_CREAT | O_APPEND, 0600));
}

/* What has come through a pipe or socket so far, as text; static. */
static const char *received(int fd)
{
    static char text[70000];
    size_t size = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (poll(&ready, 1, 0) == 1) {
        const ssize_t got = read(fd, text + size, sizeof text - 1 - size);
        if (got <= 0) break;
        size += (size_t)got;
    }
    text[size] = '\0';
    return text;
}

static bool at_end(int fd)
{
    char byte;
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && read(fd, &byte, 1) == 0;
}

/* ---- the tests ---- */

static void to_pipe_and_file(void *arg)
{
    int ends[2];
    (void)arg;
    CHECK(pipe(ends) == 0);
    become_stdout(ends[1]);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(sink.opened == WEFT_OK);
    CHECK(sink_put(&sink, "one\n") && sink_put(&sink, "two\n"));
    CHECK(strcmp(received(ends[0]), "one\ntwo\n") == 0);
    CHECK(!sink.type->terminal(sink.self) && sink.type->console);
    sink_close(&sink);
    stdout_to_file("out");
    sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(sink_put(&sink, "three\n"));
    sink_close(&sink);
    CHECK(write(1, "mine\n", 5) == 5);
}

/* stdout is used, never closed, and no descriptor is left behind. */
static void test_pipe_and_file(void **state)
{
    (void)state;
    assert_int_equal(in_child(to_pipe_and_file, NULL), 0);
    assert_content("out", "three\nmine\n");
}

static void to_stderr(void *arg)
{
    (void)arg;
    const int fd = open(in_scratch("err"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || dup2(fd, 2) != 2) _exit(1);
    struct sink sink = sink_open(&weftp_sink_stderr, NULL);
    if (!sink_put(&sink, "to stderr\n")) _exit(2);
    sink_close(&sink);
}

static void test_stderr(void **state)
{
    (void)state;
    assert_int_equal(in_child(to_stderr, NULL), 0);
    assert_content("err", "to stderr\n");
}

/*
 * A pipe's reader sees the end once the program has let go of stdout: at the next line after a
 * second.
 */
static void closed_then_reused(void *arg)
{
    int ends[2];
    (void)arg;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    become_stdout(ends[1]);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(sink_put(&sink, "one\n"));
    close(1);
    CHECK(sink_put(&sink, "within the second\n"));
    sink.time_ns += SECOND_NS;
    CHECK(!sink_put(&sink, "lost\n"));
    CHECK(sink_error(&sink).err == EBADF);
    CHECK(strcmp(sink_error(&sink).what, "stdout was closed or replaced") == 0);
    CHECK(strcmp(received(ends[0]), "one\nwithin the second\n") == 0);
    CHECK(at_end(ends[0]));
    stdout_to_file("data");
    sink.time_ns += SECOND_NS;
    CHECK(!sink_put(&sink, "never into the data\n"));
    CHECK(write(1, "data", 4) == 4);
    sink_close(&sink);
}

static void test_closed_then_reused(void **state)
{
    (void)state;
    assert_int_equal(in_child(closed_then_reused, NULL), 0);
    assert_content("data", "data");
}

static void replaced_by_pipe(void *arg)
{
    int ends[2];
    (void)arg;
    stdout_to_file("first");
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(sink_put(&sink, "to the file\n"));
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    become_stdout(ends[1]);
    sink.time_ns += SECOND_NS;
    CHECK(sink_put(&sink, "to the pipe\n"));
    CHECK(strcmp(received(ends[0]), "to the pipe\n") == 0);
    /* As daemon(3) does. */
    become_stdout(open("/dev/null", O_WRONLY));
    sink.time_ns += SECOND_NS;
    CHECK(sink_put(&sink, "to nowhere\n"));
    CHECK(at_end(ends[0]));
    sink_close(&sink);
}

static void test_replaced_by_pipe(void **state)
{
    (void)state;
    assert_int_equal(in_child(replaced_by_pipe, NULL), 0);
    assert_content("first", "to the file\n");
}

/*
 * A program that silences a library: dup, dup2, and back again. Never into the other file; then on
 * with the first.
 */
static void replaced_and_restored(void *arg)
{
    (void)arg;
    stdout_to_file("first");
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(sink_put(&sink, "one\n"));
    const int saved = dup(1);
    stdout_to_file("second");
    sink.time_ns += SECOND_NS;
    CHECK(!sink_put(&sink, "lost\n"));
    CHECK(sink_error(&sink).err == EBADF);
    CHECK(dup2(saved, 1) == 1);
    CHECK(!sink_put(&sink, "lost too, within the second\n"));
    sink.time_ns += SECOND_NS;
    CHECK(sink_put(&sink, "two\n"));
    sink_close(&sink);
}

static void test_replaced_and_restored(void **state)
{
    (void)state;
    assert_int_equal(in_child(replaced_and_restored, NULL), 0);
    assert_content("first", "one\ntwo\n");
    assert_content("second", "");
}

/* A descriptor that the program opened for itself and that got the number by chance. */
static void opened_by_the_program(void *arg)
{
    int ends[2];
    (void)arg;
    close(1);
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && ends[0] == 1);
    CHECK(dup3(ends[1], 1, O_CLOEXEC) == 1);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(!sink_put(&sink, "lost\n"));
    CHECK(sink_error(&sink).err == EBADF);
    close(1);
    sink.time_ns += SECOND_NS;
    CHECK(!sink_put(&sink, "lost\n"));
    CHECK(socket(AF_INET, SOCK_STREAM, 0) == 1);
    sink.time_ns += SECOND_NS;
    CHECK(!sink_put(&sink, "not to a client\n"));
    close(1);
    /* What was closed at the start is never taken for a file that comes later. */
    stdout_to_file("data");
    sink.time_ns += SECOND_NS;
    CHECK(!sink_put(&sink, "lost\n"));
    sink_close(&sink);
}

static void test_opened_by_the_program(void **state)
{
    (void)state;
    assert_int_equal(in_child(opened_by_the_program, NULL), 0);
    assert_content("data", "");
}

/* Programs that close all descriptors from 3 on close ours too. */
static void duplicate_closed(void *arg)
{
    int ends[2];
    (void)arg;
    CHECK(pipe(ends) == 0);
    CHECK(dup2(ends[0], 40) == 40);
    become_stdout(ends[1]);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(sink_put(&sink, "one\n"));
    for (int fd = 3; fd < 40; fd++) close(fd);
    CHECK(!sink_put(&sink, "lost\n"));
    CHECK(sink_put(&sink, "two\n"));
    for (int fd = 3; fd < 40; fd++) close(fd);
    CHECK(open(in_scratch("data"), O_WRONLY | O_CREAT, 0600) == 3);
    sink.time_ns += SECOND_NS;
    CHECK(sink_put(&sink, "three\n"));
    sink_close(&sink);
    CHECK(write(3, "mine", 4) == 4);
    CHECK(strcmp(received(40), "one\ntwo\nthree\n") == 0);
}

static void test_duplicate_closed(void **state)
{
    (void)state;
    assert_int_equal(in_child(duplicate_closed, NULL), 0);
    assert_content("data", "mine");
}

static void to_socket(void *arg)
{
    int ends[2];
    (void)arg;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    become_stdout(ends[1]);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(sink_put(&sink, "over a socket\n"));
    CHECK(strcmp(received(ends[0]), "over a socket\n") == 0);
    close(ends[0]);
    CHECK(!sink_put(&sink, "nobody\n"));
    CHECK(sink_error(&sink).err == EPIPE);
    sink_close(&sink);
}

static void test_socket(void **state)
{
    (void)state;
    assert_int_equal(in_child(to_socket, NULL), 0);
}

static void to_terminal(void *arg)
{
    int master, slave;
    (void)arg;
    CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    become_stdout(slave);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(sink.type->terminal(sink.self) == !weftp_io_in_container());
    CHECK(sink_put(&sink, "for a person\n"));
    CHECK(strcmp(received(master), "for a person\r\n") == 0);
    sink_close(&sink);
}

static void test_terminal(void **state)
{
    (void)state;
    assert_int_equal(in_child(to_terminal, NULL), 0);
}

static unsigned calls;

static ssize_t write_a_byte(int fd, const void *data, size_t size)
{
    if (++calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return write(fd, data, size > 1 ? 1 : size);
}

static void short_writes(void *arg)
{
    (void)arg;
    stdout_to_file("out");
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    weftp_io.write = write_a_byte;
    CHECK(sink_put(&sink, "a byte at a time\n"));
    weftp_io.write = write;
    CHECK(sink_put(&sink, "at once\n"));
    sink_close(&sink);
}

static void test_short_writes(void **state)
{
    (void)state;
    assert_int_equal(in_child(short_writes, NULL), 0);
    assert_content("out", "a byte at a time\nat once\n");
}

static void device_full(void *arg)
{
    (void)arg;
    become_stdout(open("/dev/full", O_WRONLY));
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    CHECK(!sink_put(&sink, "no room\n"));
    CHECK(sink_error(&sink).err == ENOSPC);
    sink_close(&sink);
}

static void test_device_full(void **state)
{
    (void)state;
    assert_int_equal(in_child(device_full, NULL), 0);
}

static void test_options(void **state)
{
    static const char *const bad[][2] = {
        {"timeout", "5"}, {"timeout", "1h"}, {"lock", "on"}, {"max_bytes", "1k"}};
    (void)state;
    struct sink sink = OPEN(&weftp_sink_stdout, "timeout", "20ms", "lock", "always");
    assert_int_equal(sink.opened, WEFT_OK);
    sink_close(&sink);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sink = OPEN(&weftp_sink_stderr, bad[i][0], bad[i][1]);
        assert_int_equal(sink.opened, WEFT_EINVAL);
        assert_non_null(sink.self);
        assert_string_equal(sink_error(&sink).option, bad[i][0]);
        assert_non_null(sink_error(&sink).accepted);
        sink_close(&sink);
    }
    weftp_sink_stdout.type.close(NULL);
}

static void test_numbers_of_paths(void **state)
{
    (void)state;
    assert_int_equal(weftp_console_number("/dev/stdout"), 1);
    assert_int_equal(weftp_console_number("/dev/stderr"), 2);
    assert_int_equal(weftp_console_number("/dev/fd/1"), 1);
    assert_int_equal(weftp_console_number("/proc/self/fd/17"), 17);
    assert_int_equal(weftp_console_number("/proc/self/fd/"), -1);
    assert_int_equal(weftp_console_number("/dev/fd/1x"), -1);
    assert_int_equal(weftp_console_number("/dev/fd/99999999999"), -1);
    assert_int_equal(weftp_console_number("/dev/stdin"), -1);
    assert_int_equal(weftp_console_number(NULL), -1);
    write_file("other", "");
    const int fd = open(in_scratch("other"), O_WRONLY | O_APPEND | O_CLOEXEC);
    char path[32];
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    struct sink sink = OPEN(&weftp_sink_descriptor, "path", path);
    assert_true(sink_put(&sink, "by number\n"));
    sink_close(&sink);
    close(fd);
    assert_content("other", "by number\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pipe_and_file, fresh),
        cmocka_unit_test_setup(test_stderr, fresh),
        cmocka_unit_test_setup(test_closed_then_reused, fresh),
        cmocka_unit_test_setup(test_replaced_by_pipe, fresh),
        cmocka_unit_test_setup(test_replaced_and_restored, fresh),
        cmocka_unit_test_setup(test_opened_by_the_program, fresh),
        cmocka_unit_test_setup(test_duplicate_closed, fresh),
        cmocka_unit_test_setup(test_socket, fresh),
        cmocka_unit_test_setup(test_terminal, fresh),
        cmocka_unit_test_setup(test_short_writes, fresh),
        cmocka_unit_test_setup(test_device_full, fresh),
        cmocka_unit_test_setup(test_options, fresh),
        cmocka_unit_test_setup(test_numbers_of_paths, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
