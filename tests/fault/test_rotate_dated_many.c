/*
 * Four processes write one file that rotates by dates and is compressed at once, while a fifth is
 * killed and started again: each line is there once, whole, in the order of its writer.
 */
#include "support/sinks.h"

#include "sinks/file.h"
#include <signal.h>

#define WRITERS 4
#define LINES   1500

struct writer {
    int number, first, last;
};

static struct sink open_log(const char *compress)
{
    return OPEN(&weftp_sink_file, "path", in_scratch("app.log"), "max_bytes", "1024", "names",
                "date", "keep", "100000", "compress", compress, "compress_delay", "0");
}

static void write_lines(void *arg)
{
    const struct writer *writer = arg;
    char line[32];
    struct sink sink = open_log("gzip");
    if (sink.opened != WEFT_OK) _exit(1);
    for (int i = writer->first; i < writer->last; i++) {
        snprintf(line, sizeof line, "w%d line %07d\n", writer->number, i);
        /* Lock waits and the like are said, and cost no line. */
        if (!sink_put(&sink, line)) _exit(2);
        sink.time_ns += SECOND_NS / 50;
    }
    sink_close(&sink);
}

static pid_t start(struct writer *writer)
{
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        write_lines(writer);
        _exit(0);
    }
    return pid;
}

static int end_of(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

static unsigned char seen[WRITERS + 1][LINES];

/* Lines of a file, each of which is whole; in the order of each writer. */
static void count_lines(const char *name)
{
    long last[WRITERS + 1] = {-1, -1, -1, -1, -1};
    size_t size = 0;
    char *text = slurp_sized(name, &size);
    assert_int_equal(size % 16, 0);
    for (char *line = text; line < text + size; line += 16) {
        const int writer = line[1] - '0';
        const long number = strtol(line + 8, NULL, 10);
        assert_memory_equal(line + 2, " line ", 6);
        assert_true(line[0] == 'w' && line[15] == '\n');
        assert_in_range(writer, 0, WRITERS);
        assert_in_range(number, 0, LINES - 1);
        assert_true(number > last[writer]);
        last[writer] = number;
        seen[writer][number]++;
    }
    free(text);
}

static void test_many(void **state)
{
    struct writer writers[WRITERS + 1];
    pid_t pids[WRITERS];
    unsigned files = 0;
    (void)state;
    for (int i = 0; i <= WRITERS; i++) writers[i] = (struct writer){i, 0, LINES};
    for (int i = 0; i < WRITERS; i++) pids[i] = start(&writers[i]);
    /* It never has the time to write all; what it wrote is counted below. */
    for (int i = 0; i < 10; i++) {
        writers[WRITERS].first = i * 100;
        writers[WRITERS].last = (i + 1) * 100;
        const pid_t pid = start(&writers[WRITERS]);
        const struct timespec while_it_works = {0, 3000000};
        nanosleep(&while_it_works, NULL);
        kill(pid, SIGKILL);
        end_of(pid);
    }
    for (int i = 0; i < WRITERS; i++) assert_int_equal(end_of(pids[i]), 0);
    /* One more start finishes what the killed ones left. */
    struct sink sink = open_log("gzip");
    sink_close(&sink);
    DIR *dir = opendir(scratch);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        assert_null(strstr(entry->d_name, ".tmp"));
        if (strncmp(entry->d_name, "app.log", 7) != 0) continue;
        count_lines(entry->d_name);
        files++;
    }
    closedir(dir);
    /* Fewer than by size alone: who waits too long for the lock goes on without a rotation. */
    assert_true(files > 20);
    for (int i = 0; i < WRITERS; i++)
        for (int line = 0; line < LINES; line++) assert_int_equal(seen[i][line], 1);
    for (int line = 0; line < LINES; line++) assert_in_range(seen[WRITERS][line], 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, scratch_make_in_memory, scratch_remove);
}
