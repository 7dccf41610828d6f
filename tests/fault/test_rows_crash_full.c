/*
 * Rows 1 to 6 of the fault table: a process dies in the middle of logging, by SIGKILL, by a fault,
 * by abort, in the encoder, with its stack at an end. What its calls had returned from is in the
 * file, the signal is the one that it was, and the next start goes on behind a torn line.
 */
#undef NDEBUG /* an assertion is to fail */
#include "support/rows.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define KILLS (ROWS_SANITIZED ? 20 : 200)

static uint64_t *returned; /* how many calls came back; shared with the dying child */

/*
 * A page that may not be written: what a sanitizer takes for a null pointer it reports in its own
 * way.
 */
static volatile int *nowhere;

static int shared_setup(void **state)
{
    (void)state;
    returned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return returned == MAP_FAILED || nowhere == MAP_FAILED ? -1 : 0;
}

static int shared_teardown(void **state)
{
    (void)state;
    return munmap(returned, 4096);
}

/* ---- 1, 2: SIGKILL, and the start after it ---- */

static void *log_for_ever(void *arg)
{
    const unsigned writer = (unsigned)(uintptr_t)arg;
    for (uint64_t seq = 0;; seq++) {
        row_log(writer, seq);
        __atomic_store_n(&returned[writer], seq + 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void die_logging(void)
{
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (pthread_create(&thread, NULL, log_for_ever, NULL) != 0) abort();
    log_for_ever((void *)(uintptr_t)1);
}

static void kill_after(const struct row *row, unsigned microseconds)
{
    returned[0] = returned[1] = 0;
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        putenv((char *)(uintptr_t)row->sinks);
        die_logging();
    }
    while (__atomic_load_n(&returned[0], __ATOMIC_SEQ_CST) == 0 &&
           __atomic_load_n(&returned[1], __ATOMIC_SEQ_CST) == 0)
        usleep(50);
    usleep(microseconds);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* A file of which the last line may be torn: take that one off. */
static void read_killed(struct row_seqs *seqs, const char *path)
{
    char *text = read_file(path), *last = strrchr(text, '\n');
    if (last) last[1] = '\0';
    assert_int_equal(each_line(text, row_count_line, seqs), 0);
    free(text);
}

static void row_01_sigkill_at_any_instant(void **state)
{
    (void)state;
    struct row row = row_begin("");
    for (unsigned i = 0; i < KILLS; i++) {
        struct row_seqs seqs = {.lines = 0};
        unlink(row.path);
        kill_after(&row, i * 613 % 1500);
        read_killed(&seqs, row.path);
        assert_false(seqs.gap);
        assert_true(seqs.next[0] >= returned[0]);
        assert_true(seqs.next[1] >= returned[1]);
    }
    row_end(&row);
}

static void log_ten(void *arg)
{
    (void)arg;
    row_log_many(2, 10);
    EXPECT(row_stats().written == 10);
}

/*
 * Each round is killed, has its last line torn as a power cut or a full disk leaves it, and is
 * started again.
 */
static void row_02_start_after_a_torn_line(void **state)
{
    (void)state;
    struct row row = row_begin("");
    for (unsigned i = 0; i < 20; i++) {
        struct row_seqs seqs = {.lines = 0};
        unlink(row.path);
        kill_after(&row, i * 101 % 1000);
        char *before = read_file(row.path);
        const size_t size = strlen(before);
        assert_int_equal(truncate(row.path, (off_t)(size - 2 - i)), 0);
        row_run(&row, log_ten, NULL);
        char *after = read_file(row.path);
        assert_memory_equal(after, before, size - 2 - i); /* nothing of the past is taken away */
        char *fresh = strchr(after + size - 2 - i, '\n');
        assert_non_null(fresh);
        assert_int_equal(each_line(fresh + 1, row_count_line, &seqs), 0);
        assert_int_equal(seqs.next[2], 10);
        assert_false(seqs.gap);
        free(before);
        free(after);
    }
    row_end(&row);
}

/* ---- 3 to 6: faults on a logging thread ---- */

struct crash {
    void (*how)(void);
    int signal_number;
    bool others; /* another thread logs meanwhile */
};

static void *crash_thread(void *arg)
{
    const struct crash *crash = arg;
    for (uint64_t seq = 0; seq < 200; seq++) {
        row_log(0, seq);
        __atomic_store_n(&returned[0], seq + 1, __ATOMIC_SEQ_CST);
    }
    crash->how();
    return NULL;
}

static void crash(void *arg)
{
    const struct rlimit no_core = {0, 0};
    pthread_t crashing, other;
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(20); /* a crash that hangs ends as SIGALRM */
    signal(SIGSEGV, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    returned[0] = returned[1] = 0;
    if (pthread_create(&other, NULL, log_for_ever, (void *)(uintptr_t)1) != 0) abort();
    if (pthread_create(&crashing, NULL, crash_thread, arg) != 0) abort();
    pthread_join(crashing, NULL);
}

static void crash_and_read(void (*how)(void), int signal_number)
{
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    struct crash what = {how, signal_number, true};
    row.env[0] = row.sinks;
    struct child child = run_child(crash, &what, row.env);
    if (!WIFSIGNALED(child.status) || WTERMSIG(child.status) != signal_number)
        fail_msg("status %x: %s", (unsigned)child.status, child.err);
    read_killed(&seqs, row.path);
    assert_false(seqs.gap);
    assert_int_equal(returned[0], 200);
    assert_true(seqs.next[0] >= 200);
    assert_true(seqs.next[1] >= returned[1]);
    child_free(&child);
    row_end(&row);
}

static void write_to_nowhere(void)
{
    *nowhere = 1;
}

static void row_03_segmentation_fault(void **state)
{
    (void)state;
    crash_and_read(write_to_nowhere, SIGSEGV);
}

/*
 * A message that ends where the next page is not to be read: the fault is in the encoder, in the
 * middle of a call.
 */
static void fault_in_the_encoder(void)
{
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + 4096, 4096, PROT_NONE) != 0) abort();
    memset(pages, 'm', 4096);
    weft_info(NULL, "faults", weft_strn("text", pages, 8000));
}

static void row_04_fault_inside_the_encoder(void **state)
{
    (void)state;
    crash_and_read(fault_in_the_encoder, SIGSEGV);
}

/*
 * The same under the sink's lock: the sink of the program faults, and weft's file has its lines all
 * the same.
 */
static weft_status fault_in_the_sink(void *arg, const struct weft_line *line)
{
    (void)arg;
    if (line->level == WEFT_LEVEL_ERROR) *nowhere = 1;
    return WEFT_OK;
}

static void fault_under_the_lock(void)
{
    weft_sink_callback_set(NULL, fault_in_the_sink, NULL);
    weft_error(NULL, "faults");
}

static void row_04_fault_with_the_lock_held(void **state)
{
    (void)state;
    struct row row = row_begin(" callback:");
    struct row_seqs seqs = {.lines = 0};
    struct crash what = {fault_under_the_lock, SIGSEGV, true};
    row.env[0] = row.sinks;
    struct child child = run_child(crash, &what, row.env);
    assert_true(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGSEGV);
    read_killed(&seqs, row.path);
    assert_false(seqs.gap);
    assert_true(seqs.next[0] >= 200 && seqs.next[1] >= returned[1]);
    child_free(&child);
    row_end(&row);
}

static void fail_an_assertion(void)
{
    assert(!nowhere);
}

static void row_05_abort_and_assert(void **state)
{
    (void)state;
    crash_and_read(abort, SIGABRT);
    crash_and_read(fail_an_assertion, SIGABRT);
}

static volatile int deepest = INT_MAX;

static int recurse(int depth)
{
    volatile char room[4096];
    room[0] = (char)depth;
    row_log(3, (uint64_t)depth);
    return depth < deepest ? recurse(depth + 1) + room[0] : 0;
}

static void use_up_the_stack(void)
{
    recurse(0);
}

static void row_06_stack_overflow(void **state)
{
    (void)state;
    crash_and_read(use_up_the_stack, SIGSEGV);
}

/* ---- a handler of the program's stays the program's ---- */

static void exit_7(int signal_number)
{
    (void)signal_number;
    _exit(7);
}

static void crash_with_a_handler(void *arg)
{
    (void)arg;
    const struct sigaction action = {.sa_handler = exit_7};
    sigaction(SIGSEGV, &action, NULL);
    row_log_many(0, 5);
    write_to_nowhere();
}

static void row_03_the_programs_own_handler_runs(void **state)
{
    (void)state;
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    row.env[0] = row.sinks;
    struct child child = run_child(crash_with_a_handler, NULL, row.env);
    assert_true(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 7);
    row_read(&seqs, row.path);
    assert_int_equal(seqs.next[0], 5);
    child_free(&child);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_01_sigkill_at_any_instant),
        cmocka_unit_test(row_02_start_after_a_torn_line),
        cmocka_unit_test(row_03_segmentation_fault),
        cmocka_unit_test(row_03_the_programs_own_handler_runs),
        cmocka_unit_test(row_04_fault_inside_the_encoder),
        cmocka_unit_test(row_04_fault_with_the_lock_held),
        cmocka_unit_test(row_05_abort_and_assert),
        cmocka_unit_test(row_06_stack_overflow),
    };
    return cmocka_run_group_tests(tests, shared_setup, shared_teardown);
}
