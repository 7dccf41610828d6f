/*
 * Several processes of two threads write one file in batches, plain or as gzip members, which
 * rotates all the time; some are killed. Every line that a flush promised is there, whole, once and
 * in its writer's order; what a kill costs is less than a buffer.
 */
#include "support/written_lines.h"

#include "sinks/file.h"
#include "sinks/gzip.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define PROCESSES    4
#define THREADS      2
#define WRITERS      (PROCESSES * THREADS)
#define LINES        4000
#define BUFFER_BYTES 4096
#define ROUNDS       20

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static struct sink open_log(const struct weft_sink_type_more *type)
{
    const bool gzip = type == &weftp_sink_gzip;
    return OPEN(type, "path", in_scratch(gzip ? "app.log.gz" : "app.log"), "max_bytes",
                gzip ? "4000" : "60000", "keep", "10000", "buffer_bytes", "4k");
}

static size_t make_line(char *line, int writer, int number)
{
    return writer_line(line, writer, number, 90);
}

struct writer {
    struct sink *sink;
    pthread_mutex_t *mutex;
    int number, lines;
    bool failed;
};

static void *write_lines(void *arg)
{
    struct writer *writer = arg;
    char line[200];
    for (int i = 0; i < writer->lines && !writer->failed; i++) {
        const size_t size = make_line(line, writer->number, i);
        pthread_mutex_lock(writer->mutex);
        writer->sink->time_ns += 1000000;
        writer->failed = sink_put_sized(writer->sink, line, size, WEFT_LEVEL_INFO) != 1;
        pthread_mutex_unlock(writer->mutex);
    }
    return NULL;
}

static bool run_process(const struct weft_sink_type_more *type, int process)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[THREADS];
    struct writer writers[THREADS];
    struct sink sink = open_log(type);
    bool good = true;
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){&sink, &mutex, process * THREADS + i, LINES, false};
        if (pthread_create(&threads[i], NULL, write_lines, &writers[i]) != 0) _exit(99);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        good = good && !writers[i].failed;
    }
    good = sink.type->type.flush(sink.self, 1000) == WEFT_OK && good;
    sink_close(&sink);
    return good;
}

struct tally {
    int next[WRITERS];
    unsigned torn, gaps, doubled, files;
};

#define FOUND_MAX 2000000
static bool found[2][FOUND_MAX]; /* lines of the two writers that are killed */

static void check_line(void *arg, const char *line, size_t size)
{
    struct tally *tally = arg;
    char expected[200];
    int writer = -1, number = -1;
    if (sscanf(line, "%d %d ", &writer, &number) != 2 || writer < 0 || writer >= WRITERS ||
        number < 0 || make_line(expected, writer, number) != size ||
        memcmp(expected, line, size) != 0) {
        tally->torn++;
        return;
    }
    if (writer < 2 && number < FOUND_MAX) found[writer][number] = true;
    if (number > tally->next[writer]) tally->gaps++;
    if (number < tally->next[writer]) tally->doubled++;
    tally->next[writer] = number + 1;
}

static void check_file(struct tally *tally, const char *name)
{
    size_t size = 0;
    if (!each_written_line(name, check_line, tally, &size)) tally->torn++;
    tally->files++;
}

static struct tally check_all(const struct weft_sink_type_more *type)
{
    struct tally tally = {.torn = 0};
    const char *ext = type == &weftp_sink_gzip ? ".gz" : "";
    char name[64];
    /* A rotation that was killed leaves a gap in the numbers. */
    for (unsigned number = 2000; number > 0; number--) {
        snprintf(name, sizeof name, "app.log.%u%s", number, ext);
        if (exists(name)) check_file(&tally, name);
    }
    assert_true(tally.files < 1900);
    snprintf(name, sizeof name, "app.log%s", ext);
    check_file(&tally, name);
    return tally;
}

static void run(const struct weft_sink_type_more *type)
{
    pid_t children[PROCESSES];
    int status;
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) _exit(run_process(type, i) ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    const struct tally tally = check_all(type);
    assert_int_equal(tally.torn + tally.gaps + tally.doubled, 0);
    for (int i = 0; i < WRITERS; i++) assert_int_equal(tally.next[i], LINES);
    assert_true(tally.files > 10);
}

static void test_processes(void **state)
{
    (void)state;
    run(&weftp_sink_file);
}

static void test_processes_with_gzip(void **state)
{
    (void)state;
    run(&weftp_sink_gzip);
}

/* ---- kill -9 ---- */

/* Writes lines for ever, and says in shared memory how many calls have returned. */
static void write_for_ever(const struct weft_sink_type_more *type, int writer, int from,
                           volatile int *returned)
{
    char line[200];
    struct sink sink = open_log(type);
    for (int i = from;; i++) {
        if (sink_put_sized(&sink, line, make_line(line, writer, i), WEFT_LEVEL_INFO) != 1) _exit(1);
        *returned = i + 1;
    }
}

/* How much of what one life of a writer wrote is not there. */
static size_t missing_bytes(int writer, int from, int to)
{
    char line[200];
    size_t bytes = 0;
    for (int i = from; i < to && i < FOUND_MAX; i++)
        if (!found[writer][i]) bytes += make_line(line, writer, i);
    return bytes;
}

/*
 * Two writers at a time, killed at any moment; each begins anew where it knows to have been. What
 * is missing is less than a buffer's lines for each kill, and nothing is there twice.
 */
static void run_killed(const struct weft_sink_type_more *type)
{
    volatile int *returned =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    static int ends[2][ROUNDS];
    struct tally tally;
    memset(found, 0, sizeof found);
    assert_true(returned != MAP_FAILED);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t victims[2];
        fflush(NULL);
        for (int i = 0; i < 2; i++) {
            victims[i] = fork();
            if (victims[i] == 0) write_for_ever(type, i, returned[i], &returned[i]);
        }
        const struct timespec pause = {0, 2000000 + round * 300000};
        nanosleep(&pause, NULL);
        for (int i = 0; i < 2; i++) {
            kill(victims[i], SIGKILL);
            waitpid(victims[i], NULL, 0);
            ends[i][round] = returned[i];
        }
    }
    /* The next start mends what the last ones left. */
    struct sink sink = open_log(type);
    assert_int_equal(sink_put_sized(&sink, "7 0 \n", 5, WEFT_LEVEL_FATAL), 1);
    assert_int_equal(sink.status, WEFT_OK);
    sink_close(&sink);
    tally = check_all(type);
    assert_true(returned[0] > 1000 && returned[1] > 1000);
    assert_int_equal(tally.doubled, 0);
    assert_in_range(tally.gaps, 0, 2 * ROUNDS);
    /* A kill may come in the middle of a write, between two pages. */
    assert_in_range(tally.torn, 0, type == &weftp_sink_gzip ? 0 : 2 * ROUNDS);
    for (int i = 0; i < 2; i++) {
        int from = 0;
        for (int round = 0; round < ROUNDS; from = ends[i][round++])
            assert_true(missing_bytes(i, from, ends[i][round]) <= BUFFER_BYTES);
    }
    assert_int_equal(tally.next[7], 1);
    munmap((void *)(uintptr_t)returned, 4096);
}

static void test_killed(void **state)
{
    (void)state;
    run_killed(&weftp_sink_file);
}

/* What others make of it, members of several processes and of killed ones. */
static void test_killed_with_gzip(void **state)
{
    char command[400];
    (void)state;
    run_killed(&weftp_sink_gzip);
    snprintf(command, sizeof command, "cd %s && zcat app.log*.gz | wc -c > zcat.txt", scratch);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command,
             "cd %s && python3 -c 'import glob, gzip\n"
             "size = sum(len(gzip.open(name).read()) for name in glob.glob(\"app.log*.gz\"))\n"
             "raise SystemExit(int(open(\"zcat.txt\").read()) != size)'",
             scratch);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_processes, fresh),
        cmocka_unit_test_setup(test_processes_with_gzip, fresh),
        cmocka_unit_test_setup(test_killed, fresh),
        cmocka_unit_test_setup(test_killed_with_gzip, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
