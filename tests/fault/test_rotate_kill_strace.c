/*
 * SIGKILL, sent by strace, at every system call by which rotation and compression change something:
 * each line is there once afterwards, and the next run leaves no debris. What test_gzip_kill does
 * with calls that it stands before, this does with a whole process and all its threads.
 */
#include "support/sinks.h"

#include "sinks/file.h"
#include "sinks/kit/codec.h"
#include <signal.h>

#define LINES      6
#define POINTS_MAX 120

/* The calls that change something, each counted for itself in each thread. */
static const char *const calls[] = {"write",     "writev", "pwrite64",  "renameat", "unlinkat",
                                    "ftruncate", "fchmod", "utimensat", "fsync",    "flock"};

static const char *program;

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return 0;
}

/* The process that is killed: NAME names codec. */
static int write_lines(char **argv)
{
    char line[16];
    struct sink sink = OPEN(&weftp_sink_file, "path", argv[2], "max_bytes", "16", "keep", "90",
                            "names", argv[3], "compress", argv[4], "compress_delay", "0");
    if (sink.opened != WEFT_OK) return 1;
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "line %02d\n", i);
        if (!sink_put(&sink, line)) return 2;
    }
    sink_close(&sink);
    return 0;
}

/* Run it, killed at the nth of these calls if `point` is more than 0. Returns how it ended. */
static int run(const char *names, const char *codec, const char *call, int point)
{
    char inject[80], trace[40];
    int status = -1;
    const char *const argv[] = {"strace",    "-f",    "-qq",   "-o",
                                "/dev/null", "-e",    trace,   "-e",
                                inject,      program, "child", in_scratch("app.log"),
                                names,       codec,   NULL};
    snprintf(trace, sizeof trace, "trace=%s", call);
    snprintf(inject, sizeof inject, "inject=%s:signal=KILL:when=%d", call, point);
    const pid_t pid = fork();
    if (pid == 0) {
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* it cannot look for them under strace */
        char *const *all = (char *const *)(uintptr_t)argv;
        if (point > 0) execvp("strace", all);
        execv(program, all + 9);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

static char *read_lines(const char *name, size_t *size)
{
    if (!strstr(name, ".zst")) return slurp_sized(name, size);
    char line[500];
    snprintf(line, sizeof line, "zstd -q -d -f -o '%s/back' '%s/%s'", scratch, scratch, name);
    assert_int_equal(system(line), 0);
    return slurp_sized("back", size);
}

/* How often each line is there. Nothing may be torn, half done or twice in two forms. */
static void count_lines(const char *suffix, unsigned *counts)
{
    DIR *dir = opendir(scratch);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        size_t size = 0;
        assert_null(strstr(entry->d_name, ".tmp"));
        if (strncmp(entry->d_name, "app.log", 7) != 0) continue;
        /* All but the live one are compressed. */
        if (entry->d_name[7] != '\0') assert_non_null(strstr(entry->d_name, suffix));
        char *text = read_lines(entry->d_name, &size);
        assert_int_equal(size % 8, 0);
        for (size_t at = 0; at < size; at += 8) {
            assert_memory_equal(text + at, "line ", 5);
            const unsigned long number = strtoul(text + at + 5, NULL, 10);
            assert_true(number < LINES);
            counts[number]++;
        }
        free(text);
    }
    closedir(dir);
}

/* Returns whether the run was killed: there are as many calls. */
static bool kill_at(const char *names, const char *codec, const char *call, int point)
{
    unsigned counts[LINES] = {0};
    int once_more = 0;
    fresh(NULL);
    const int status = run(names, codec, call, point);
    if (WIFEXITED(status)) {
        assert_int_equal(status, 0);
        return false;
    }
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_int_equal(run(names, codec, call, 0), 0);
    count_lines(strcmp(codec, "gzip") == 0 ? ".gz" : ".zst", counts);
    for (int i = 0; i < LINES; i++) {
        assert_in_range(counts[i], 1, 2);
        /* Of the run that was killed: the first lines, without a gap. */
        if (counts[i] == 2) assert_int_equal(++once_more, i + 1);
    }
    return true;
}

static void kill_everywhere(const char *names, const char *codec)
{
    int kills = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        int point = 1;
        while (kill_at(names, codec, calls[i], point)) assert_true(++point < POINTS_MAX);
        kills += point - 1;
    }
    assert_true(kills > LINES * 3);
}

static void test_numbers_and_gzip(void **state)
{
    (void)state;
    kill_everywhere("number", "gzip");
}

static void test_dates_and_zstd(void **state)
{
    (void)state;
    if (!weftp_codec_available(WEFTP_CODEC_ZSTD)) skip();
    kill_everywhere("date", "zstd");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_numbers_and_gzip, fresh),
        cmocka_unit_test_setup(test_dates_and_zstd, fresh),
    };
    if (argc == 5 && strcmp(argv[1], "child") == 0) return write_lines(argv);
    program = argv[0];
    if (UNDER_TSAN || system("strace -qq -o /dev/null true") != 0) {
        fprintf(stderr, "no strace that may trace here: skipped\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, scratch_make_in_memory, scratch_remove);
}
