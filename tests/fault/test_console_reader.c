/*
 * stdout as a pipe whose reader is slow, asleep or gone, and under signals: nobody dies of SIGPIPE,
 * hangs or spins, and no line is torn.
 */
#include "support/torn.h"

#include "sinks/console.h"
#include "src/port/io.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

/* ---- a reader that leaves ---- */

/* What kernels before 6.18 need. */
static ssize_t write_masked(int fd, const void *data, size_t size)
{
    return weftp_io_write_masked(fd, data, size, SIGPIPE);
}

enum { BLOCKED = 1, MASKED = 2 };

static void reader_leaves(void *arg)
{
    static char line[LINE_SIZE_MAX];
    int ends[2];
    sigset_t pending;
    const bool blocked = (*(int *)arg & BLOCKED) != 0;
    if (*(int *)arg & MASKED) weftp_io.write_pipe = write_masked;
    if (pipe(ends) != 0 || dup2(ends[1], 1) != 1) _exit(1);
    close(ends[1]);
    signal(SIGPIPE, SIG_DFL);
    if (blocked) {
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGPIPE);
        sigprocmask(SIG_BLOCK, &mask, NULL);
    }
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    if (!sink_put(&sink, "one\n")) _exit(2);
    close(ends[0]);
    make_line(line, 0, 0, LONG_SIZE);
    for (int i = 0; i < 100; i++) {
        if (sink_put(&sink, "two\n") || sink_error(&sink).err != EPIPE) _exit(3);
        if (sink_put_sized(&sink, line, LONG_SIZE, WEFT_LEVEL_INFO) != 0) _exit(4);
    }
    if (sigpending(&pending) != 0 || sigismember(&pending, SIGPIPE)) _exit(5);
    if (blocked) {
        /* A signal that was pending before is the program's, and stays. */
        raise(SIGPIPE);
        sink_put(&sink, "three\n");
        if (sigpending(&pending) != 0 || !sigismember(&pending, SIGPIPE)) _exit(6);
    }
    sink_close(&sink);
}

static void test_reader_leaves(void **state)
{
    (void)state;
    for (int how = 0; how <= (BLOCKED | MASKED); how++)
        assert_int_equal(in_child(reader_leaves, &how), 0);
}

static void reader_leaves_while_we_wait(void *arg)
{
    static char line[LINE_SIZE_MAX];
    int ends[2];
    (void)arg;
    if (pipe(ends) != 0 || dup2(ends[1], 1) != 1) _exit(1);
    close(ends[1]);
    const pid_t reader = fork();
    if (reader == 0) {
        close(1);
        for (size_t all = 0; all < 200000;) {
            const ssize_t got = read(ends[0], line, sizeof line);
            if (got > 0) all += (size_t)got;
        }
        _exit(0);
    }
    close(ends[0]);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    const struct job job = {.lines = 1000, .small = LONG_SIZE, .large = LONG_SIZE};
    const int lost = write_lines(&sink, &job);
    if (lost == 0 || lost == 1000 || sink_error(&sink).err != EPIPE) _exit(2);
    sink_close(&sink);
    waitpid(reader, NULL, 0);
}

static void test_reader_leaves_while_we_wait(void **state)
{
    (void)state;
    assert_int_equal(in_child(reader_leaves_while_we_wait, NULL), 0);
}

/* ---- a descriptor that does not block ---- */

static double cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void make_nonblocking_stdout(int *reader)
{
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], 1) != 1) _exit(1);
    close(ends[1]);
    if (fcntl(1, F_SETFL, O_NONBLOCK) != 0) _exit(1);
    *reader = ends[0];
}

/* Nobody reads: after one wait lines are lost at once, without a spin. */
static void nobody_reads(void *arg)
{
    static char line[LINE_SIZE_MAX];
    int reader, taken = 0;
    (void)arg;
    make_nonblocking_stdout(&reader);
    struct sink sink = OPEN(&weftp_sink_stdout, "timeout", "300ms");
    make_line(line, 0, 0, 1000);
    const double wall = now_ms(), cpu = cpu_ms();
    for (int i = 0; i < 1000; i++)
        if (sink_put_sized(&sink, line, 1000, WEFT_LEVEL_INFO) == 1) taken++;
    for (int i = 0; i < 10; i++) sink_put_sized(&sink, line, 9000, WEFT_LEVEL_INFO);
    if (sink_error(&sink).err != EAGAIN) _exit(2);
    if (taken < 16 || taken > 70) _exit(3);
    if (now_ms() - wall < 290 || now_ms() - wall > 3000) _exit(4);
    if (cpu_ms() - cpu > 150) _exit(5);
    /* With somebody who reads it goes on, on a line of its own. */
    if (fcntl(reader, F_SETFL, O_NONBLOCK) != 0) _exit(6);
    while (read(reader, line, sizeof line) > 0) continue;
    if (!sink_put(&sink, "again\n")) _exit(7);
    const ssize_t got = read(reader, line, sizeof line);
    if (got < 6 || memcmp(line + got - 6, "again\n", 6) != 0) _exit(8);
    sink_close(&sink);
}

static void test_nonblocking_without_a_reader(void **state)
{
    (void)state;
    assert_int_equal(in_child(nobody_reads, NULL), 0);
}

/* The reader is slow but reads: nothing is lost, and waiting costs little. */
static void test_nonblocking_with_a_slow_reader(void **state)
{
    int ends[2], status;
    const struct job job = {.lines = 2000, .small = 3000, .large = LONG_SIZE};
    (void)state;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        dup2(ends[1], 1);
        close(ends[1]);
        if (fcntl(1, F_SETFL, O_NONBLOCK) != 0) _exit(1);
        struct sink sink = OPEN(&weftp_sink_stdout, "timeout", "10s");
        const double wall = now_ms(), cpu = cpu_ms();
        const int lost = write_lines(&sink, &job);
        const bool lazy = cpu_ms() - cpu < (now_ms() - wall) / 2 + 50;
        sink_close(&sink);
        _exit(lost ? 2 : lazy ? 0 : 3);
    }
    close(ends[1]);
    const struct tally tally = read_all(ends[0], 2);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(tally.torn, 0);
    assert_int_equal(tally.lines, job.lines);
}

/*
 * A line that is larger than the pipe goes out in part; the rest is kept, and comes before the next
 * line.
 */
static void rest_is_finished(void *arg)
{
    enum { SIZE = 150000 };
    static char line[SIZE], got[SIZE + 100];
    int reader;
    size_t size = 0;
    (void)arg;
    make_nonblocking_stdout(&reader);
    struct sink sink = OPEN(&weftp_sink_stdout, "timeout", "20ms");
    make_line(line, 3, 7, SIZE);
    if (sink_put_sized(&sink, line, SIZE, WEFT_LEVEL_INFO) != 1) _exit(2);
    if (sink.type->type.flush(sink.self, 10) != WEFT_ETIMEOUT) _exit(3);
    if (sink_put(&sink, "lost\n")) _exit(4);
    if (fcntl(reader, F_SETFL, O_NONBLOCK) != 0) _exit(5);
    for (int i = 0; i < 10; i++) {
        ssize_t n;
        while ((n = read(reader, got + size, sizeof got - size)) > 0) size += (size_t)n;
        sink.type->type.flush(sink.self, 0);
    }
    if (!sink_put(&sink, "next\n")) _exit(6);
    const ssize_t n = read(reader, got + size, sizeof got - size);
    if (n > 0) size += (size_t)n;
    if (size != SIZE + 5 || memcmp(got, line, SIZE) != 0) _exit(7);
    if (memcmp(got + SIZE, "next\n", 5) != 0) _exit(8);
    sink_close(&sink);
}

static void test_rest_is_finished(void **state)
{
    (void)state;
    assert_int_equal(in_child(rest_is_finished, NULL), 0);
}

/* ---- EINTR ---- */

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

static void test_signal_storm(void **state)
{
    int ends[2], status;
    const struct job job = {.lines = 1500, .small = 2000, .large = LONG_SIZE};
    (void)state;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        dup2(ends[1], 1);
        close(ends[1]);
        const struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
        sigaction(SIGALRM, &action, NULL);
        const struct itimerval often = {{0, 500}, {0, 500}};
        setitimer(ITIMER_REAL, &often, NULL);
        struct sink sink = sink_open(&weftp_sink_stdout, NULL);
        const int lost = write_lines(&sink, &job);
        sink_close(&sink);
        _exit(lost ? 1 : 0);
    }
    close(ends[1]);
    const struct tally tally = read_all(ends[0], 4);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(tally.torn, 0);
    assert_int_equal(tally.lines, job.lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_leaves),
        cmocka_unit_test(test_reader_leaves_while_we_wait),
        cmocka_unit_test(test_nonblocking_without_a_reader),
        cmocka_unit_test(test_nonblocking_with_a_slow_reader),
        cmocka_unit_test(test_rest_is_finished),
        cmocka_unit_test(test_signal_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
