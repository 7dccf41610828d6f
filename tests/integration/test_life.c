/*
 * From the first call to the end of the process: start, exit, shutdown, fork, SIGKILL, and what is
 * counted on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/rows.h"

#include <locale.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

static weft_stats stats_now(void)
{
    weft_stats stats;
    SETTLE();
    if (weft_stats_get(&stats, sizeof stats) != WEFT_OK) abort();
    if (stats.accepted != stats.written + stats.dropped) {
        fprintf(stderr, "accepted %llu, written %llu, dropped %llu\n",
                (unsigned long long)stats.accepted, (unsigned long long)stats.written,
                (unsigned long long)stats.dropped);
        _exit(99);
    }
    return stats;
}

/* While other threads are in the middle of a call, the sums do not add up yet. */
static uint64_t stats_now_unchecked(void)
{
    weft_stats stats;
    if (weft_stats_get(&stats, sizeof stats) != WEFT_OK) abort();
    return stats.written;
}

/* Run one child that must end well; returns its output. */
static struct child run(void (*fn)(void *), const char *const *env)
{
    struct child child = run_child(fn, NULL, env);
    if (child.status != 0) fail_msg("status %d: %s", child.status, child.err);
    assert_int_equal(each_line(child.out, NULL, NULL), 0);
    return child;
}

/* ---- start and end ---- */

static void log_at_exit(void)
{
    weft_info(NULL, "from an exit handler");
}

static void two_lines(void *arg)
{
    (void)arg;
    atexit(log_at_exit);
    weft_info(weft_logger_get("a"), "one", weft_int("n", 1));
    weft_debug(weft_logger_get("a"), "off");
    weft_infof(NULL, "two %d", 2);
    EXPECT(stats_now().accepted == 2);
}

static void exit_writes_everything(void **state)
{
    (void)state;
    struct child child = run(two_lines, NULL);
    assert_int_equal(count_lines(child.out), 3);
    assert_non_null(strstr(child.out, "from an exit handler"));
    assert_string_equal(child.err, "");
    child_free(&child);
}

static void exit_writes_what_sinks_keep(void **state)
{
    (void)state;
    char *folder = test_folder();
    char sinks[128], command[128];
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=file:%s/a?buffer_bytes=64k gzip:%s/b.gz", folder,
             folder);
    snprintf(command, sizeof command, "cd %s && zcat b.gz | cmp a && test $(wc -l <a) = 3", folder);
    const char *const env[] = {sinks, NULL};
    struct child child = run(two_lines, env);
    assert_int_equal(system(command), 0);
    child_free(&child);
    test_folder_remove(folder);
}

static void after_shutdown(void *arg)
{
    (void)arg;
    weft_info(NULL, "before");
    EXPECT(weft_shutdown(1000) == WEFT_OK);
    weft_info(NULL, "after");
    weft_errorf(weft_logger_get("x"), "after %d", 1);
    EXPECT(weft_flush(100) == WEFT_OK);
    EXPECT(weft_shutdown(1000) == WEFT_OK);
    EXPECT(weft_reload() == WEFT_ESTATE);
    EXPECT(weft_init(NULL) == WEFT_ESTATE);
    const weft_stats stats = stats_now();
    EXPECT(stats.dropped_shutdown == 2);
    EXPECT(stats.written == 1);
}

static void logging_after_shutdown_is_counted(void **state)
{
    (void)state;
    struct child child = run(after_shutdown, NULL);
    assert_int_equal(count_lines(child.out), 1);
    child_free(&child);
}

/* ---- threads ---- */

#define BURST                                                                                      \
    16 /* records that a thread logs between two pauses, so that a test's file stays small */
#define PAUSE_US 200

static bool stop, unhurried;
static uint64_t *returned; /* shared with the parent */

static void *busy_thread(void *arg)
{
    const uint64_t thread = (uint64_t)(uintptr_t)arg;
    weft_logger *log = weft_logger_get("busy");
    for (uint64_t seq = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); seq++) {
        weft_info(log, "seq", weft_uint("thread", thread), weft_uint("seq", seq));
        if (returned) __atomic_store_n(&returned[thread], seq + 1, __ATOMIC_SEQ_CST);
        if (unhurried && seq % BURST == 0) usleep(PAUSE_US);
    }
    return NULL;
}

static void start_threads(pthread_t *threads, size_t count)
{
    __atomic_store_n(&stop, false, __ATOMIC_RELAXED);
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, busy_thread, (void *)(uintptr_t)i) != 0) abort();
}

static void stop_threads(pthread_t *threads, size_t count)
{
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

static void exit_under_load(void *arg)
{
    (void)arg;
    pthread_t threads[4];
    start_threads(threads, 4);
    while (stats_now_unchecked() < 100) usleep(1000);
}

static void exit_with_threads_logging_ends(void **state)
{
    (void)state;
    const int64_t start = time(NULL);
    for (int i = 0; i < 10; i++) {
        struct child child = run(exit_under_load, NULL);
        assert_true(count_lines(child.out) > 0);
        child_free(&child);
    }
    assert_true(time(NULL) - start < 30);
}

/* ---- fork ---- */

#define FORKS (ROWS_SANITIZED ? 200 : 1000)

/* A sanitizer makes the worker slow, and a fork waits for what is queued. */
static int forks(void)
{
    return ROWS_SANITIZED && with_queue() ? 40 : FORKS;
}

static void fork_storm(void *arg)
{
    (void)arg;
    pthread_t threads[4];
    unhurried = true;
    start_threads(threads, 4);
    for (int i = 0; i < forks(); i++) {
        /*
         * Before it, so that the child need not allocate: AddressSanitizer may leave its allocator
         * locked there.
         */
        weft_info(NULL, "parent", weft_int("fork", i));
        const pid_t pid = fork();
        if (pid == 0) {
            alarm(20); /* ends one that hangs */
            weft_info(NULL, "child", weft_int("fork", i));
            EXPECT(stats_now().accepted == 1);
            _exit(0);
        }
        int status = -1;
        EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
        if (status != 0) fprintf(stderr, "fork %d: status %x\n", i, (unsigned)status);
        EXPECT(status == 0);
    }
    stop_threads(threads, 4);
    stats_now();
}

struct fork_count {
    unsigned children[FORKS], parents[FORKS];
    uint64_t next[4];
    bool reordered;
};

static void count_fork_line(void *arg, yajl_val line)
{
    struct fork_count *count = arg;
    const char *message = member_text(line, "message");
    if (strcmp(message, "seq") == 0) {
        const uint64_t thread = strtoull(member2_text(line, "numeric_labels", "thread"), NULL, 10);
        const uint64_t seq = strtoull(member2_text(line, "numeric_labels", "seq"), NULL, 10);
        if (seq != count->next[thread]++) count->reordered = true;
        return;
    }
    const int fork_number = atoi(member2_text(line, "numeric_labels", "fork"));
    if (strcmp(message, "child") == 0) count->children[fork_number]++;
    if (strcmp(message, "parent") == 0) count->parents[fork_number]++;
}

static void forks_lose_and_double_nothing(void **state)
{
    (void)state;
    static struct fork_count count;
    char *folder = test_folder(), path[128], env[160];
    snprintf(path, sizeof path, "%s/fork.log", folder);
    snprintf(env, sizeof env, "WEFT_SINKS=file:%s", path);
    const char *const environment[] = {env, NULL};
    struct child child = run(fork_storm, environment);
    char *text = read_file(path);
    assert_int_equal(each_line(text, count_fork_line, &count), 0);
    for (int i = 0; i < forks(); i++) {
        assert_int_equal(count.children[i], 1);
        assert_int_equal(count.parents[i], 1);
    }
    assert_false(count.reordered);
    free(text);
    child_free(&child);
    test_folder_remove(folder);
}

/* ---- SIGKILL ---- */

#define KILLS 25 /* fault/test_rows_crash_full.c has more of them */

static void log_for_ever(void *arg)
{
    (void)arg;
    pthread_t threads[2];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    start_threads(threads, 2);
    pause();
}

struct kill_count {
    uint64_t next[2];
    bool gap;
};

static void count_kill_line(void *arg, yajl_val line)
{
    struct kill_count *count = arg;
    if (strcmp(member_text(line, "message"), "seq") != 0) return;
    const uint64_t thread = strtoull(member2_text(line, "numeric_labels", "thread"), NULL, 10);
    const uint64_t seq = strtoull(member2_text(line, "numeric_labels", "seq"), NULL, 10);
    if (seq != count->next[thread]++) count->gap = true;
}

static void kill_once(const char *path, const char *env, unsigned seed)
{
    returned[0] = returned[1] = 0;
    unlink(path);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        putenv((char *)(uintptr_t)env);
        log_for_ever(NULL);
    }
    while (__atomic_load_n(&returned[0], __ATOMIC_SEQ_CST) == 0) usleep(100);
    usleep(seed * 613 % 15000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    struct kill_count count = {0};
    char *text = read_file(path);
    /*
     * The kernel may stop in the middle of a write that it kills: the line whose call never
     * returned.
     */
    char *last = strrchr(text, '\n');
    if (last) last[1] = '\0';
    assert_int_equal(each_line(text, count_kill_line, &count), 0);
    free(text);
    assert_false(count.gap);
    assert_true(count.next[0] >= returned[0]);
    assert_true(count.next[1] >= returned[1]);
}

static void every_call_that_returned_survives_sigkill(void **state)
{
    (void)state;
    if (with_queue()) return; /* what is queued dies with the process */
    char *folder = test_folder(), path[128], env[160];
    snprintf(path, sizeof path, "%s/kill.log", folder);
    snprintf(env, sizeof env, "WEFT_SINKS=file:%s", path);
    returned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(returned, MAP_FAILED);
    for (unsigned i = 0; i < KILLS; i++) kill_once(path, env, i);
    munmap(returned, 4096);
    returned = NULL;
    test_folder_remove(folder);
}

/* ---- what the surroundings must not change ---- */

static void odd_surroundings(void *arg)
{
    (void)arg;
    setlocale(LC_ALL, "de_DE.UTF-8");
    setenv("TZ", "Asia/Seoul", 1);
    tzset();
    prctl(PR_SET_NAME, "\x01\xff\"\\\n\x7f\xc3"
                       "abcdefgh");
    weft_info(NULL, "locale", weft_double("d", 1234.5));
    weft_infof(NULL, "%.2f|%'d|\xed\x95\x9c|%ls", 3.5, 1234567, L"\ud55c");
}

static void locale_zone_and_thread_name_change_nothing(void **state)
{
    (void)state;
    struct child child = run(odd_surroundings, NULL);
    assert_non_null(strstr(child.out, "\"d\":1234.5"));
    assert_non_null(strstr(child.out, "3.50|1234567|\xed\x95\x9c|\xed\x95\x9c"));
    assert_non_null(
        strstr(child.out, "\"process.thread.name\":\"\\u0001\xef\xbf\xbd\\\"\\\\\\n\x7f\xef\xbf\xbd"
                          "abcdefgh\""));
    char now[32];
    const time_t seconds = time(NULL);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    snprintf(now, sizeof now, "\"%04d-%02d-%02dT%02d", utc.tm_year + 1900, utc.tm_mon + 1,
             utc.tm_mday, utc.tm_hour);
    assert_non_null(strstr(child.out, now));
    child_free(&child);
}

static void keep_errno(void *arg)
{
    (void)arg;
    errno = EAGAIN;
    weft_info(NULL, "first");
    EXPECT(errno == EAGAIN);
    weft_infof(NULL, "%m");
    EXPECT(errno == EAGAIN);
    weft_mdc_put("k", "v");
    EXPECT(errno == EAGAIN);
    weft_flush(10);
    weft_logger_get("new");
    EXPECT(errno == EAGAIN);
}

static void errno_is_preserved(void **state)
{
    (void)state;
    struct child child = run(keep_errno, NULL);
    assert_non_null(strstr(child.out, "Resource temporarily unavailable"));
    child_free(&child);
}

/* ---- daemon ---- */

static void become_daemon(void *arg)
{
    (void)arg;
    weft_info(NULL, "in front");
    if (daemon(1, 0) != 0) abort();
    weft_info(NULL, "behind");
    stats_now();
}

static void survives_daemon(void **state)
{
    (void)state;
    char *folder = test_folder(), path[128], env[160];
    snprintf(path, sizeof path, "%s/daemon.log", folder);
    snprintf(env, sizeof env, "WEFT_SINKS=file:%s", path);
    const char *const environment[] = {env, NULL};
    struct child child = run(become_daemon, environment);
    char *text = strdup("");
    for (int i = 0; i < 500 && count_lines(text) < 2; i++) {
        free(text);
        usleep(10000);
        text = read_file(path);
    }
    assert_int_equal(count_lines(text), 2);
    assert_int_equal(each_line(text, NULL, NULL), 0);
    free(text);
    child_free(&child);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_writes_everything),
        cmocka_unit_test(exit_writes_what_sinks_keep),
        cmocka_unit_test(logging_after_shutdown_is_counted),
        cmocka_unit_test(exit_with_threads_logging_ends),
        cmocka_unit_test(forks_lose_and_double_nothing),
        cmocka_unit_test(every_call_that_returned_survives_sigkill),
        cmocka_unit_test(locale_zone_and_thread_name_change_nothing),
        cmocka_unit_test(errno_is_preserved),
        cmocka_unit_test(survives_daemon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
