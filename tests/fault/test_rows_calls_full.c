/*
 * Rows 15 and 19 of the fault table: every system call of a life that logs, rotates, compresses and
 * reloads is interrupted, and those that touch files fail, by strace. What may be interrupted is
 * tried again and nothing is lost; what fails is counted, the line is lost as a whole, and the
 * process goes on.
 */
#include "support/rows.h"

#include <pthread.h>
#include <sys/mman.h>

#define RECORDS   120
#define CALLS_MAX 100

struct result {
    bool done;
    uint64_t accepted, written, dropped;
};
static struct result *result; /* shared with the child */

/* ---- the life ---- */

static bool is_traced(void)
{
    char *status = read_file("/proc/self/status");
    const char *tracer = strstr(status, "TracerPid:");
    const bool traced = tracer && atoi(tracer + strlen("TracerPid:")) != 0;
    free(status);
    return traced;
}

static void *log_beside(void *arg)
{
    (void)arg;
    row_log_many(1, RECORDS);
    return NULL;
}

static void live(const struct row *row)
{
    pthread_t thread;
    putenv((char *)(uintptr_t)row->sinks);
    while (!is_traced()) sched_yield();
    while (pthread_create(&thread, NULL, log_beside, NULL) != 0) sched_yield();
    row_log_many(0, RECORDS / 2);
    weft_reload();
    for (uint64_t seq = RECORDS / 2; seq < RECORDS; seq++) row_log(0, seq);
    pthread_join(thread, NULL);
    weft_flush(1000);
    weft_shutdown(5000);
    weft_stats stats;
    if (weft_stats_get(&stats, sizeof stats) != WEFT_OK) _exit(1);
    *result = (struct result){true, stats.accepted, stats.written, stats.dropped};
    _exit(0);
}

/* Run it under strace with these options; returns how it ended. */
static int live_under(const struct row *row, const char *options)
{
    *result = (struct result){.done = false};
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(30);
        const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, 1);
        dup2(null, 2);
        live(row);
    }
    row_shell("strace -f -q -p %d -o %s/strace %s 2>%s/strace.err", (int)pid, row->folder, options,
              row->folder);
    return test_wait(pid, 30);
}

static void check_sums(const char *what, int status)
{
    if (status != 0) fail_msg("%s: status %x", what, (unsigned)status);
    assert_true(result->done);
    if (result->accepted != 2 * RECORDS || result->accepted != result->written + result->dropped)
        fail_msg("%s: accepted %" PRIu64 ", written %" PRIu64 ", dropped %" PRIu64, what,
                 result->accepted, result->written, result->dropped);
}

/* What could not be finished is finished by the next start. */
static void start_again(void *arg)
{
    (void)arg;
    weft_info(NULL, "the next start");
    weft_shutdown(5000);
}

static struct row_seqs read_after_the_next_start(struct row *row)
{
    struct row_seqs seqs = {.lines = 0};
    row_run(row, start_again, NULL);
    row_read_set(&seqs, row->path);
    return seqs;
}

/* ---- which calls there are ---- */

static char calls[CALLS_MAX][32];
static size_t call_count;

/* The names in the last column of strace's summary. */
static void find_calls(void)
{
    struct row row = row_begin("?max_bytes=8000&keep=100&compress=gzip");
    assert_int_equal(live_under(&row, "-c -U name"), 0);
    char path[192];
    snprintf(path, sizeof path, "%s/strace", row.folder);
    char *text = read_file(path), *rest = text, *name;
    while ((name = strsep(&rest, " \t\n")) != NULL) {
        if (name[0] < 'a' || name[0] > 'z' || strcmp(name, "syscall") == 0 ||
            strcmp(name, "total") == 0)
            continue;
        assert_true(call_count < CALLS_MAX);
        snprintf(calls[call_count++], sizeof calls[0], "%s", name);
    }
    free(text);
    row_end(&row);
    assert_true(call_count > 10);
}

static bool is_in(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0) return true;
    return false;
}

/*
 * These never return with an error, or belong to the C library's threads. And futex: a wake-up that
 * is lost is nothing that the kernel does.
 */
static const char *const never[] = {"exit",  "exit_group",      "rt_sigreturn", "restart_syscall",
                                    "rseq",  "set_robust_list", "clone3",       "clone",
                                    "prctl", "rt_sigprocmask",  "futex",        NULL};
/* What signal(7) says may be interrupted, or a file system may: nothing is lost by it. */
static const char *const interruptible[] = {
    "openat",    "write", "writev",          "pwritev2",  "read", "pread64",   "fsync",
    "fdatasync", "flock", "clock_nanosleep", "nanosleep", "poll", "ftruncate", "fallocate",
    "close",     NULL};

static void row_15_every_call_is_interrupted(void **state)
{
    (void)state;
    if (ROWS_SANITIZED) row_skip("a sanitizer looks on by ptrace itself");
    if (!row_has_tool("strace")) row_skip("no strace");
    find_calls();
    for (size_t i = 0; i < call_count; i++) {
        char options[128];
        if (is_in(calls[i], never)) continue;
        struct row row = row_begin("?max_bytes=8000&keep=100&compress=gzip");
        snprintf(options, sizeof options, "-e inject=%.31s:error=EINTR:when=2+3", calls[i]);
        print_message("%s\n", calls[i]);
        check_sums(calls[i], live_under(&row, options));
        const struct row_seqs seqs = read_after_the_next_start(&row);
        if (seqs.lines != result->written)
            fail_msg("%s: %" PRIu64 " lines, %" PRIu64 " written", calls[i], seqs.lines,
                     result->written);
        if (is_in(calls[i], interruptible) && (result->dropped > 0 || seqs.gap))
            fail_msg("%s: %" PRIu64 " dropped, gap %d", calls[i], result->dropped, seqs.gap);
        row_end(&row);
    }
}

/* ---- errors ---- */

enum loses { NOTHING, LINES, PERHAPS };

struct failing {
    const char *inject;
    enum loses loses;
};

static void row_19_calls_that_fail(void **state)
{
    (void)state;
    static const struct failing failing[] = {
        {"write:error=EIO:when=3+3", LINES},
        {"write:error=ENOSPC:when=10+7", LINES},
        {"write:error=EDQUOT:when=5+2", LINES},
        {"fsync:error=EIO:when=1+2", NOTHING},
        {"flock:error=ENOLCK:when=1+2", NOTHING},
        {"flock:error=ENOLCK", NOTHING},
        {"close:error=EIO:when=1+2", NOTHING},
        {"renameat:error=EIO:when=1+2", NOTHING},
        {"renameat2,rename:error=EROFS:when=1+2", NOTHING},
        {"unlinkat,unlink:error=EIO", NOTHING},
        {"fstat,newfstatat:error=EIO:when=9+3", PERHAPS},
        {"read,pread64:error=EIO:when=20+1", NOTHING},
    };
    if (ROWS_SANITIZED) row_skip("a sanitizer looks on by ptrace itself");
    if (!row_has_tool("strace")) row_skip("no strace");
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++) {
        char options[128];
        struct row row = row_begin("?max_bytes=8000&keep=100&compress=gzip");
        snprintf(options, sizeof options, "-e inject=%s", failing[i].inject);
        print_message("%s\n", failing[i].inject);
        check_sums(failing[i].inject, live_under(&row, options));
        const struct row_seqs seqs = read_after_the_next_start(&row);
        const enum loses lost = result->dropped > 0 ? LINES : NOTHING;
        if (seqs.lines != result->written ||
            (failing[i].loses != PERHAPS && lost != failing[i].loses))
            fail_msg("%s: %" PRIu64 " lines, %" PRIu64 " written, %" PRIu64 " dropped",
                     failing[i].inject, seqs.lines, result->written, result->dropped);
        if (failing[i].loses == LINES) assert_true(seqs.lost > 0); /* the stream says so */
        row_end(&row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_15_every_call_is_interrupted),
        cmocka_unit_test(row_19_calls_that_fail),
    };
    result = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (result == MAP_FAILED) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
