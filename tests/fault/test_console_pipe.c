/*
 * stdout as a pipe under bad conditions: several processes with lines longer than PIPE_BUF, a reader that is slow, gone
 * or asleep, a descriptor that does not block. No line is torn, nobody dies of SIGPIPE, nobody spins.
 */
#include "support/sinks.h"

#include "sinks/console.h"
#include "src/port/pipe_lock.h"
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

#define WRITERS       4
#define LONG_LINES    3000
#define LONG_SIZE     12000
#define SHORT_SIZE    100
#define LINE_SIZE_MAX 20000

/* ---- lines that show when they are torn: "<writer> <number> <size> xxx…x\n" ---- */

static void make_line(char *line, int writer, int number, size_t size)
{
    const int head = snprintf(line, size, "%d %d %zu ", writer, number, size);
    memset(line + head, 'a' + writer, size - (size_t)head - 1);
    line[size - 1] = '\n';
}

struct tally {
    unsigned torn;
    int next[16]; /* the number that each writer's next line has */
    unsigned lines;
};

static void check_line(struct tally *tally, const char *line, size_t size)
{
    int writer = -1, number = -1, head = 0;
    size_t said = 0;
    tally->lines++;
    bool good = sscanf(line, "%d %d %zu %n", &writer, &number, &said, &head) == 3 && said == size &&
                writer >= 0 && writer < 16 && number >= tally->next[writer];
    for (size_t i = (size_t)head; good && i < size - 1; i++) good = line[i] == 'a' + writer;
    if (good)
        tally->next[writer] = number + 1;
    else
        tally->torn++;
}

/* Read lines until the end of file. pause_every: sleep 1 ms after so many reads; 0: never. */
static struct tally read_all(int fd, unsigned pause_every)
{
    static char buffer[2 * LINE_SIZE_MAX];
    struct tally tally = {0};
    size_t held = 0;
    for (unsigned reads = 1;; reads++) {
        const ssize_t got = read(fd, buffer + held, sizeof buffer - held - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        held += (size_t)got;
        char *start = buffer, *end;
        while ((end = memchr(start, '\n', held - (size_t)(start - buffer))) != NULL) {
            check_line(&tally, start, (size_t)(end - start) + 1);
            start = end + 1;
        }
        held -= (size_t)(start - buffer);
        memmove(buffer, start, held);
        if (held >= LINE_SIZE_MAX) held = 0, tally.torn++;
        const struct timespec pause = {0, 1000000};
        if (pause_every && reads % pause_every == 0) nanosleep(&pause, NULL);
    }
    if (held > 0) tally.torn++;
    return tally;
}

/* ---- writers ---- */

struct job {
    int writer, lines;
    size_t small, large; /* sizes; every eighth line is large, or all when they are equal */
    const char *lock;
};

static int write_lines(struct sink *sink, const struct job *job)
{
    static char line[LINE_SIZE_MAX];
    int lost = 0;
    for (int i = 0; i < job->lines; i++) {
        const size_t size = i % 8 == 0 ? job->large : job->small;
        make_line(line, job->writer, i, size);
        if (sink_put_sized(sink, line, size, WEFT_LEVEL_INFO) != 1) lost++;
    }
    return lost;
}

/* A process that has the pipe as its stdout and opens the sink by itself, as a started program does. */
static pid_t start_writer(int fd, const struct job *job)
{
    fflush(NULL);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    dup2(fd, 1);
    struct sink sink = OPEN(&weftp_sink_stdout, "lock", job->lock);
    const int lost = write_lines(&sink, job);
    sink_close(&sink);
    _exit(lost > 255 ? 255 : lost);
}

static struct tally run_writers(const struct job *like, unsigned pause_every)
{
    int ends[2], status;
    pid_t writers[WRITERS];
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < WRITERS; i++) {
        struct job job = *like;
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

/* The test can fail: without the lock lines are torn, where there is more than one processor. */
static void test_without_the_lock(void **state)
{
    const struct job job = {
        .lines = LONG_LINES, .small = LONG_SIZE, .large = LONG_SIZE, .lock = "never"};
    (void)state;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) skip();
    assert_int_not_equal(run_writers(&job, 0).torn, 0);
}

/* Children that go on with their parent's sink, and the parent too: all lines take the lock then, the short ones too. */
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

/* Two sinks of one process on one pipe, as with 2>&1: an fcntl lock alone would not keep them apart. */
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

/* ---- a reader that leaves ---- */

static void reader_leaves(void *arg)
{
    static char line[LINE_SIZE_MAX];
    int ends[2];
    sigset_t pending;
    const bool blocked = arg != NULL;
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
    assert_int_equal(in_child(reader_leaves, NULL), 0);
    assert_int_equal(in_child(reader_leaves, (void *)1), 0);
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

/* A line that is larger than the pipe goes out in part; the rest is kept, and comes before the next line. */
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

/* A holder of the lock that does not move, with an empty pipe: the line is lost within the time, not torn, not hung. */
static void test_stuck_holder(void **state)
{
    int ends[2], ready[2], status;
    char byte;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    const pid_t holder = fork();
    if (holder == 0) {
        if (!weftp_pipe_lock(ends[1], 1, true, 0)) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(2);
        for (;;) pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        struct sink sink = OPEN(&weftp_sink_stdout, "timeout", "100ms", "lock", "always");
        if (sink_put(&sink, "lost\n") || sink_error(&sink).err != EAGAIN) _exit(1);
        kill(holder, SIGKILL);
        WAIT_FOR(sink_put(&sink, "after\n"));
        sink_close(&sink);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(waitpid(holder, &status, 0), holder);
    char text[16] = "";
    assert_int_equal(read(ends[0], text, sizeof text), 6);
    assert_string_equal(text, "after\n");
    for (int i = 0; i < 2; i++) close(ends[i]), close(ready[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_lines_of_four_processes),
        cmocka_unit_test(test_long_lines_and_a_slow_reader),
        cmocka_unit_test(test_without_the_lock),
        cmocka_unit_test(test_short_and_long_of_forked_processes),
        cmocka_unit_test(test_stdout_and_stderr_on_one_pipe),
        cmocka_unit_test(test_reader_leaves),
        cmocka_unit_test(test_reader_leaves_while_we_wait),
        cmocka_unit_test(test_nonblocking_without_a_reader),
        cmocka_unit_test(test_nonblocking_with_a_slow_reader),
        cmocka_unit_test(test_rest_is_finished),
        cmocka_unit_test(test_signal_storm),
        cmocka_unit_test(test_stuck_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
