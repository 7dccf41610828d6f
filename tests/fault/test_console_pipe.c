/*
 * A pipe as stdout that several processes, or several sinks of one, write to, some lines longer than
 * PIPE_BUF: none is torn.
 */
#include "support/torn.h"

#include "sinks/console.h"
#include "src/port/pipe_lock.h"
#include <pthread.h>
#include <signal.h>

#define WRITERS       4
#define LONG_LINES    3000
#define SMALL_PIPE    16384 /* nearly every long line finds it too full */
#define SHORT_SIZE    100
#define HOLDER_TIME_S 60 /* it ends by itself when its test has failed */

/*
 * A process that has the pipe as its stdout and opens the sink by itself, as a started program
 * does. With so short a time long lines do not wait for room but block on the full pipe, where only
 * the lock keeps others out.
 */
static pid_t start_writer(int fd, const struct job *job)
{
    fflush(NULL);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    dup2(fd, 1);
    struct sink sink = OPEN(&weftp_sink_stdout, "lock", job->lock, "timeout", "1ms");
    const int lost = write_lines(&sink, job);
    sink_close(&sink);
    _exit(lost > 255 ? 255 : lost);
}

/* The first half of the writers do one job, the others the other. */
static struct tally run_mixed(const struct job *first, const struct job *second,
                              unsigned pause_every, int capacity)
{
    int ends[2], status;
    pid_t writers[WRITERS];
    assert_int_equal(pipe(ends), 0);
    if (capacity > 0) assert_true(fcntl(ends[1], F_SETPIPE_SZ, capacity) >= capacity);
    for (int i = 0; i < WRITERS; i++) {
        struct job job = i < WRITERS / 2 ? *first : *second;
        job.writer = i;
        writers[i] = start_writer(ends[1], &job);
        assert_true(writers[i] > 0);
    }
    close(ends[1]);
    const struct tally tally = read_all(ends[0], pause_every);
    close(ends[0]);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
        assert_int_equal(status, 0);
    }
    return tally;
}

static struct tally run_writers(const struct job *like, unsigned pause_every)
{
    return run_mixed(like, like, pause_every, 0);
}

static void test_long_lines_of_four_processes(void **state)
{
    const struct job job = {
        .lines = LONG_LINES, .small = LONG_SIZE, .large = LONG_SIZE, .lock = "auto"};
    (void)state;
    const struct tally tally = run_writers(&job, 0);
    assert_int_equal(tally.torn, 0);
    assert_int_equal(tally.lines, WRITERS * LONG_LINES);
}

static void test_long_lines_and_a_slow_reader(void **state)
{
    const struct job job = {.lines = 200, .small = LONG_SIZE, .large = LONG_SIZE, .lock = "auto"};
    (void)state;
    const struct tally tally = run_writers(&job, 4);
    assert_int_equal(tally.torn, 0);
    assert_int_equal(tally.lines, WRITERS * 200);
}

/*
 * Unrelated processes, some with lines that the kernel keeps whole by itself: those may not get
 * into a long one whose writer waits on the full pipe.
 */
static void test_short_and_long_of_unrelated_processes(void **state)
{
    const struct job large = {.lines = 400, .small = LONG_SIZE, .large = LONG_SIZE, .lock = "auto"};
    const struct job small = {.lines = 1600, .small = 3000, .large = 3000, .lock = "auto"};
    (void)state;
    const struct tally tally = run_mixed(&large, &small, 2, SMALL_PIPE);
    assert_int_equal(tally.torn, 0);
    assert_int_equal(tally.lines, 2 * (400 + 1600));
}

/* The test can fail: without the lock lines are torn, where there is more than one processor. */
static void test_without_the_lock(void **state)
{
    const struct job job = {
        .lines = LONG_LINES, .small = LONG_SIZE, .large = LONG_SIZE, .lock = "never"};
    (void)state;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) skip();
    assert_int_not_equal(run_writers(&job, 0).torn, 0);
}

/*
 * Children that go on with their parent's sink, and the parent too: all lines take the lock then,
 * the short ones too.
 */
static void test_short_and_long_of_forked_processes(void **state)
{
    const int lines = 4000;
    int ends[2], status;
    pid_t children[WRITERS - 1];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t parent = fork();
    if (parent == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        struct sink sink = sink_open(&weftp_sink_stdout, NULL);
        struct job job = {.lines = lines, .small = SHORT_SIZE, .large = LONG_SIZE};
        for (int i = 0; i < WRITERS - 1; i++) {
            children[i] = fork();
            if (children[i] != 0) continue;
            sink.type->forked(sink.self);
            job.writer = i + 1;
            _exit(write_lines(&sink, &job) ? 1 : 0);
        }
        int bad = write_lines(&sink, &job) != 0;
        for (int i = 0; i < WRITERS - 1; i++) {
            waitpid(children[i], &status, 0);
            bad |= status;
        }
        sink_close(&sink);
        _exit(bad ? 1 : 0);
    }
    close(ends[1]);
    const struct tally tally = read_all(ends[0], 16);
    close(ends[0]);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(status, 0);
    assert_int_equal(tally.torn, 0);
    assert_int_equal(tally.lines, WRITERS * lines);
}

/*
 * Two sinks of one process on one pipe, as with 2>&1: an fcntl lock alone would not keep them
 * apart.
 */
static void *write_from_thread(void *arg)
{
    static _Thread_local char line[LINE_SIZE_MAX];
    struct sink *sink = arg;
    const int writer = sink->type == &weftp_sink_stderr;
    for (int i = 0; i < 1000; i++) {
        make_line(line, writer, i, LONG_SIZE);
        if (sink_put_sized(sink, line, LONG_SIZE, WEFT_LEVEL_INFO) != 1) return NULL;
    }
    return arg;
}

static void test_stdout_and_stderr_on_one_pipe(void **state)
{
    int ends[2], status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        struct sink out = sink_open(&weftp_sink_stdout, NULL);
        struct sink err = sink_open(&weftp_sink_stderr, NULL);
        pthread_t thread;
        void *first, *second = NULL;
        if (pthread_create(&thread, NULL, write_from_thread, &out) != 0) _exit(1);
        first = write_from_thread(&err);
        pthread_join(thread, &second);
        _exit(first && second ? 0 : 2);
    }
    close(ends[1]);
    const struct tally tally = read_all(ends[0], 32);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(tally.torn, 0);
    assert_int_equal(tally.lines, 2000);
}

struct holder {
    int ends[2]; /* of the pipe */
    pid_t pid;
};

/* A process that takes the lock of a new pipe and does not move. */
static struct holder start_holder(int flags)
{
    struct holder holder;
    int ready[2];
    char byte;
    assert_int_equal(pipe2(holder.ends, flags), 0);
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    holder.pid = fork();
    if (holder.pid == 0) {
        if (!weftp_pipe_lock(holder.ends[1], 1, 0)) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(2);
        alarm(HOLDER_TIME_S);
        for (;;) pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return holder;
}

static void assert_received(struct holder *holder, const char *expected)
{
    char text[16] = "";
    int status;
    assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
    assert_int_equal(read(holder->ends[0], text, sizeof text), (ssize_t)strlen(expected));
    assert_string_equal(text, expected);
    close(holder->ends[0]);
    close(holder->ends[1]);
}

/* On a descriptor that does not block the line is lost within the time, not torn, not hung. */
static void test_stuck_holder(void **state)
{
    int status;
    (void)state;
    struct holder holder = start_holder(O_NONBLOCK);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        dup2(holder.ends[1], 1);
        struct sink sink = OPEN(&weftp_sink_stdout, "timeout", "100ms");
        if (sink_put(&sink, "lost\n") || sink_error(&sink).err != EAGAIN) _exit(1);
        kill(holder.pid, SIGKILL);
        WAIT_FOR(sink_put(&sink, "after\n"));
        sink_close(&sink);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_received(&holder, "after\n");
}

/* On one that blocks the line is not lost: it waits as the write would, longer than timeout=. */
static void test_slow_holder(void **state)
{
    int status;
    (void)state;
    struct holder holder = start_holder(0);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        dup2(holder.ends[1], 1);
        struct sink sink = OPEN(&weftp_sink_stdout, "timeout", "10ms");
        if (!sink_put(&sink, "late\n")) _exit(1);
        sink_close(&sink);
        _exit(0);
    }
    const struct timespec longer_than_timeout = {0, 200000000};
    nanosleep(&longer_than_timeout, NULL);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    kill(holder.pid, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_received(&holder, "late\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_lines_of_four_processes),
        cmocka_unit_test(test_long_lines_and_a_slow_reader),
        cmocka_unit_test(test_short_and_long_of_unrelated_processes),
        cmocka_unit_test(test_without_the_lock),
        cmocka_unit_test(test_short_and_long_of_forked_processes),
        cmocka_unit_test(test_stdout_and_stderr_on_one_pipe),
        cmocka_unit_test(test_stuck_holder),
        cmocka_unit_test(test_slow_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
