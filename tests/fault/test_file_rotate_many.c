/*
 * Several processes and threads write one file, which rotates all the time and is compressed: every
 * line is there once, whole, and the lines of one writer stand in their order from the oldest file
 * to the newest.
 */
#include "support/written_lines.h"

#include "sinks/file.h"
#include <pthread.h>
#include <signal.h>

#define PROCESSES 2
#define THREADS   2
#define WRITERS   (PROCESSES * THREADS)
#define LINES     5000
#define MAX_BYTES 20000

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

static struct sink open_log(void)
{
    return OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "20000", "keep",
                "10000", "compress", "gzip");
}

static size_t make_line(char *line, int writer, int number)
{
    return writer_line(line, writer, number, 120);
}

struct writer {
    struct sink *sink;      /* shared by the threads of a process, or one's own */
    pthread_mutex_t *mutex; /* one thread at a time per instance is the caller's part */
    int number, failed;
};

static void *write_lines(void *arg)
{
    struct writer *writer = arg;
    char line[200];
    for (int i = 0; i < LINES; i++) {
        const size_t size = make_line(line, writer->number, i);
        pthread_mutex_lock(writer->mutex);
        writer->sink->time_ns += 1000000;
        if (sink_put_sized(writer->sink, line, size, WEFT_LEVEL_INFO) != 1) writer->failed++;
        pthread_mutex_unlock(writer->mutex);
    }
    return NULL;
}

/*
 * Two threads of one process. own: each has an instance of its own, as if it were another process.
 */
static int run_threads(struct sink *shared, int process, bool own)
{
    pthread_mutex_t mutexes[THREADS] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS];
    struct sink sinks[THREADS];
    struct writer writers[THREADS];
    int failed = 0;
    for (int i = 0; i < THREADS; i++) {
        if (i > 0 && own) sinks[i] = open_log();
        writers[i] = (struct writer){i > 0 && own ? &sinks[i] : shared, &mutexes[own ? i : 0],
                                     process * THREADS + i, 0};
        if (pthread_create(&threads[i], NULL, write_lines, &writers[i]) != 0) _exit(99);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failed += writers[i].failed;
        if (i > 0 && own) sink_close(&sinks[i]);
    }
    sink_close(shared);
    return failed;
}

struct tally {
    int next[WRITERS];
    unsigned torn, disordered, oversized, files, compressed;
};

static void check_line(void *arg, const char *line, size_t size)
{
    struct tally *tally = arg;
    char expected[200];
    int writer = -1, number = -1;
    if (sscanf(line, "%d %d ", &writer, &number) != 2 || writer < 0 || writer >= WRITERS ||
        number < 0 || number >= LINES || make_line(expected, writer, number) != size ||
        memcmp(expected, line, size) != 0) {
        tally->torn++;
        return;
    }
    if (tally->next[writer] != number) tally->disordered++;
    tally->next[writer] = number + 1;
}

static void check_file(struct tally *tally, const char *name)
{
    size_t size = 0;
    if (!each_written_line(name, check_line, tally, &size)) tally->torn++;
    tally->oversized += size > MAX_BYTES + MAX_BYTES / 2;
    tally->files++;
}

static void check_all(void)
{
    struct tally tally = {0};
    char name[32];
    unsigned top = 1;
    for (;; top++) {
        snprintf(name, sizeof name, "app.log.%u", top);
        const bool plain = exists(name);
        snprintf(name, sizeof name, "app.log.%u.gz", top);
        assert_false(plain && exists(name));
        if (!plain && !exists(name)) break;
    }
    while (--top > 0) {
        snprintf(name, sizeof name, "app.log.%u.gz", top);
        if (exists(name))
            tally.compressed++;
        else
            name[strlen(name) - 3] = '\0';
        check_file(&tally, name);
    }
    check_file(&tally, "app.log");
    assert_int_equal(tally.torn, 0);
    assert_int_equal(tally.disordered, 0);
    for (int i = 0; i < WRITERS; i++) assert_int_equal(tally.next[i], LINES);
    assert_true(tally.files > 50);
    /* On a busy machine a rotation may wait in vain for the lock, and is put off by a second. */
    assert_in_range(tally.oversized, 0, tally.files / 10);
    assert_true(tally.compressed > 0);
    assert_false(exists(".app.log.gz.tmp"));
}

static void run(bool inherited, bool own)
{
    pid_t children[PROCESSES];
    int status;
    struct sink parent = {0};
    if (inherited) {
        parent = open_log();
        assert_int_equal(sink_put_sized(&parent, "", 0, WEFT_LEVEL_INFO), 1);
    }
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] != 0) continue;
        if (inherited)
            parent.type->forked(parent.self);
        else
            parent = open_log();
        const int failed = run_threads(&parent, i, own);
        _exit(failed > 98 ? 98 : failed);
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    if (inherited) sink_close(&parent);
    /* What is still plain is compressed by the next start. */
    struct sink last = open_log();
    sink_close(&last);
    check_all();
}

static void test_processes(void **state)
{
    (void)state;
    run(false, false);
}

static void test_processes_and_instances(void **state)
{
    (void)state;
    run(false, true);
}

static void test_forked_processes(void **state)
{
    (void)state;
    run(true, false);
}

/* A process that dies in the middle of it all holds nobody up, and what it had written is there. */
static void test_killed_processes(void **state)
{
    struct tally tally = {0};
    char name[32];
    size_t size = 0;
    (void)state;
    for (int round = 0; round < 20; round++) {
        fflush(NULL);
        const pid_t victim = fork();
        if (victim == 0) {
            struct sink sink = open_log();
            char line[200];
            for (int i = 0;; i = (i + 1) % LINES)
                sink_put_sized(&sink, line, make_line(line, 0, i), WEFT_LEVEL_INFO);
        }
        const struct timespec pause = {0, 1000000 + round * 700000};
        nanosleep(&pause, NULL);
        kill(victim, SIGKILL);
        waitpid(victim, NULL, 0);
        struct sink sink = open_log();
        char line[200];
        for (int i = 0; i < 300; i++) {
            assert_int_equal(sink_put_sized(&sink, line, make_line(line, 1, i), WEFT_LEVEL_INFO),
                             1);
            assert_int_equal(sink.status, WEFT_OK);
        }
        sink_close(&sink);
    }
    unsigned found = 0, torn = 0;
    for (unsigned i = 0;; i++) {
        snprintf(name, sizeof name, i == 0 ? "app.log" : "app.log.%u", i);
        if (!exists(name)) snprintf(name, sizeof name, "app.log.%u.gz", i);
        if (!exists(name)) break;
        char *text = slurp_sized(name, &size), *end;
        for (char *at = text; at < text + size; at = end + 1) {
            end = memchr(at, '\n', (size_t)(text + size - at));
            assert_non_null(end);
            const unsigned before = tally.torn;
            check_line(&tally, at, (size_t)(end - at) + 1);
            torn += tally.torn - before;
            found += tally.torn == before && *at == '1';
        }
        free(text);
    }
    assert_int_equal(found, 20 * 300);
    assert_true(torn <= 20); /* at most the last line of each that was killed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_processes, fresh),
        cmocka_unit_test_setup(test_processes_and_instances, fresh),
        cmocka_unit_test_setup(test_forked_processes, fresh),
        cmocka_unit_test_setup(test_killed_processes, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
