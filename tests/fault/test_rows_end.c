/*
 * Rows 9, 10, 13, 22 and 24 of the fault table, and a container's own: the ways in which a process
 * ends without a word to weft, what it hands to the programs that it starts, and a standard output
 * that nobody reads.
 */
#include "support/rows.h"

#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>

extern char **environ;

/* ---- 9: the ends that run no destructor ---- */

static void end_at_once(void *arg)
{
    const int way = *(const int *)arg;
    row_log_many(0, 1000);
    if (way == 0) _exit(0);
    if (way == 1) quick_exit(0);
    _Exit(0);
}

static void row_09_ends_without_a_destructor(void **state)
{
    (void)state;
    if (with_queue()) return; /* what is queued is lost then */
    for (int way = 0; way < 3; way++) {
        struct row row = row_begin("");
        struct row_seqs seqs = {.lines = 0};
        row_run(&row, end_at_once, &way);
        row_read(&seqs, row.path);
        assert_int_equal(seqs.next[0], 1000);
        assert_false(seqs.gap);
        row_end(&row);
    }
}

/* ---- 10: threads that nobody waits for ---- */

static unsigned under_way;

static void *log_detached(void *arg)
{
    const unsigned writer = (unsigned)(uintptr_t)arg;
    weft_mdc_put("thread", "detached");
    weft_logger *log = weft_logger_with(weft_logger_get("detached"), weft_int("n", 1));
    for (uint64_t seq = 0;; seq++) {
        weft_info(log, "seq", weft_uint("writer", writer), weft_uint("seq", seq));
        if (seq == 10) __atomic_fetch_add(&under_way, 1, __ATOMIC_SEQ_CST);
        if (seq % 8 == 0) sched_yield();
    }
    return NULL;
}

static void leave_detached(void *arg)
{
    (void)arg;
    pthread_attr_t detached;
    pthread_t thread;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (uintptr_t i = 0; i < 4; i++)
        if (pthread_create(&thread, &detached, log_detached, (void *)i) != 0) abort();
    while (__atomic_load_n(&under_way, __ATOMIC_SEQ_CST) < 4) sched_yield();
}

static void row_10_detached_threads_at_the_end(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct row row = row_begin("");
        struct row_seqs seqs = {.lines = 0};
        row_run(&row, leave_detached, NULL);
        row_read(&seqs, row.path);
        assert_false(seqs.gap);
        for (int writer = 0; writer < 4; writer++) assert_true(seqs.next[writer] > 10);
        row_end(&row);
    }
}

/* ---- 13: what a program that is started inherits ---- */

static char *list[] = {(char *)(uintptr_t) "ls", (char *)(uintptr_t) "/proc/self/fd", NULL};

/* The descriptors that `ls` finds open in itself, started one way or the other. */
static char *inherited(bool by_vfork)
{
    const int out = test_temporary();
    int status;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_addclose(&actions, out);
    const int saved = fcntl(1, F_DUPFD_CLOEXEC, 10);
    if (!by_vfork) {
        EXPECT(posix_spawn(&pid, "/bin/ls", &actions, NULL, list, environ) == 0);
    } else {
        dup2(out, 1);
        fcntl(out, F_SETFD, FD_CLOEXEC);
        pid = vfork();
        if (pid == 0) {
            execv("/bin/ls", list);
            _exit(127);
        }
        dup2(saved, 1);
    }
    close(saved);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
    char *text = read_whole(out);
    close(out);
    return text;
}

static void start_programs(void *arg)
{
    (void)arg;
    char *before[2] = {inherited(false), inherited(true)};
    row_log_many(0, 100);
    for (int i = 0; i < 2; i++) {
        char *after = inherited(i == 1);
        EXPECT(count_lines(after) >= 4);
        EXPECT(strcmp(before[i], after) == 0);
        free(before[i]);
        free(after);
    }
    row_log(0, 100);
    row_stats();
}

static void row_13_started_programs_inherit_nothing(void **state)
{
    (void)state;
    struct row row = row_begin("?max_bytes=4096&compress=gzip stdout: stderr:");
    row_run(&row, start_programs, NULL);
    row_end(&row);
}

/* ---- 22, 24: a standard output that takes nothing ---- */

static int log_much(void)
{
    row_log_many(0, 2000);
    const weft_stats stats = row_stats();
    return stats.dropped > 0 ? 0 : 1;
}

static void row_22_head_leaves_the_pipe(void **state)
{
    (void)state;
    struct row row = row_begin("");
    assert_int_equal(row_shell("(env -i WEFT_SINKS=stdout: %s much 2>%s/err; echo $? >%s/code) | "
                               "head -c 1000 >/dev/null",
                               row_self(), row.folder, row.folder),
                     0);
    assert_int_equal(
        row_shell("test \"$(cat %s/code)\" = 0 && grep -q EPIPE %s/err", row.folder, row.folder),
        0);
    row_end(&row);
}

static void row_24_dev_full(void **state)
{
    (void)state;
    struct row row = row_begin("");
    assert_int_equal(
        row_shell("env -i WEFT_SINKS=stdout: %s much >/dev/full 2>%s/err", row_self(), row.folder),
        0);
    assert_int_equal(row_shell("grep -q ENOSPC %s/err", row.folder), 0);
    assert_int_equal(
        row_shell("env -i WEFT_SINKS=file:/dev/full %s much 2>%s/err", row_self(), row.folder), 0);
    assert_int_equal(row_shell("grep -q ENOSPC %s/err", row.folder), 0);
    row_end(&row);
}

/* ---- the main process of a container ---- */

struct container {
    const char *options; /* of the file */
    const char *sigterm; /* WEFT_SIGTERM=… */
    bool handles;        /* the program has a handler of its own */
    int status;          /* how it ends by SIGTERM; -1: it goes on, as the kernel ignores it */
};

static volatile sig_atomic_t asked_to_end;

static void ask_to_end(int signal_number)
{
    (void)signal_number;
    asked_to_end = 1;
}

static unsigned *rounds; /* how many calls came back; shared with the container */

static unsigned rounds_now(void)
{
    return __atomic_load_n(rounds, __ATOMIC_SEQ_CST);
}

static void container_main(const struct container *container)
{
    uint64_t seq = 0;
    if (getpid() != 1) _exit(90);
    if (container->handles) signal(SIGTERM, ask_to_end);
    for (; !asked_to_end; usleep(100)) {
        row_log(0, seq++);
        weft_stats stats;
        weft_stats_get(&stats, sizeof stats);
        /* What is logged while it ends is counted as dropped. */
        if (stats.dropped == 0) __atomic_store_n(rounds, (unsigned)seq, __ATOMIC_SEQ_CST);
    }
    row_log(0, seq);
    exit(0);
}

/* Whether it has gone on for a hundred rounds; false: it has ended, *status says how. */
static bool goes_on(pid_t inner, int *status)
{
    const unsigned then = rounds_now();
    while (rounds_now() < then + 100) {
        if (waitpid(inner, status, WNOHANG) == inner) return false;
        usleep(1000);
    }
    return true;
}

/*
 * Start PID 1 of a namespace, let it log, send SIGTERM. Ends with its exit code; 77: without the
 * right to.
 */
static void run_outside(const struct container *container)
{
    int status = -1;
    if (unshare(CLONE_NEWPID) != 0) _exit(77);
    const pid_t inner = fork();
    if (inner == 0) container_main(container);
    if (!goes_on(inner, &status)) _exit(91);
    kill(inner, SIGTERM);
    if (container->status < 0) {
        if (!goes_on(inner, &status)) _exit(92);
        kill(inner, SIGKILL);
    }
    status = test_wait(inner, 10);
    if (status == -1) _exit(93);
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void check_container(const struct container *container)
{
    int status;
    struct row row = row_begin(container->options);
    struct row_seqs seqs = {.lines = 0};
    *rounds = 0;
    fflush(NULL);
    const pid_t outer = fork();
    if (outer == 0) {
        putenv((char *)(uintptr_t)row.sinks);
        putenv((char *)(uintptr_t)container->sigterm);
        run_outside(container);
    }
    assert_int_equal(waitpid(outer, &status, 0), outer);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        row_end(&row);
        row_skip("no right to make a PID namespace");
    }
    assert_int_equal(status, (container->status < 0 ? 128 + SIGKILL : container->status) << 8);
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    assert_true(seqs.next[0] >= rounds_now() || (with_queue() && container->status < 0));
    row_end(&row);
}

static void container_pid_1_and_sigterm(void **state)
{
    (void)state;
    const struct container containers[] = {
        {"", "WEFT_SIGTERM=flush", true, 0},
        {"", "WEFT_SIGTERM=off", true, 0},
        {"", "WEFT_SIGTERM=off", false, -1},
        {"", "WEFT_SIGTERM=flush", false, with_queue() ? 128 + SIGTERM : -1}, /* keeps nothing */
        {"?buffer_bytes=65536", "WEFT_SIGTERM=flush", false, 128 + SIGTERM},
        {"?buffer_bytes=65536", "WEFT_SIGTERM=flush", true, 0},
    };
    rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(rounds, MAP_FAILED);
    for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++)
        check_container(&containers[i]);
    munmap(rounds, 4096);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "much") == 0) return log_much();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_09_ends_without_a_destructor),
        cmocka_unit_test(row_10_detached_threads_at_the_end),
        cmocka_unit_test(row_13_started_programs_inherit_nothing),
        cmocka_unit_test(row_22_head_leaves_the_pipe),
        cmocka_unit_test(row_24_dev_full),
        cmocka_unit_test(container_pid_1_and_sigterm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
