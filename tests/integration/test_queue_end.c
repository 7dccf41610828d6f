/*
 * How a process with a queue ends: exit, shutdown and signals while others log, beside sinks that
 * are slow or do not answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/queue_rows.h"
#include "support/tsan.h"

#include <sys/mman.h>

#define WRITERS 4

static uint64_t *returned; /* of each writer: calls that came back; shared with the parent */

static void *log_on(void *arg)
{
    const unsigned writer = (unsigned)(uintptr_t)arg;
    for (uint64_t seq = 0;; seq++) {
        row_log(writer, seq);
        __atomic_store_n(&returned[writer], seq + 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void start_writers(uintptr_t count)
{
    pthread_t thread;
    for (uintptr_t i = 0; i < count; i++) {
        EXPECT(pthread_create(&thread, NULL, log_on, (void *)i) == 0);
        pthread_detach(thread);
    }
    for (uintptr_t i = 0; i < count; i++)
        AWAIT(__atomic_load_n(&returned[i], __ATOMIC_SEQ_CST) > 50);
}

static void forget_returned(void)
{
    memset(returned, 0, WRITERS * sizeof *returned);
}

/* ---- exit and shutdown under load ---- */

static void note_accepted(void)
{
    const weft_stats stats = queue_stats();
    EXPECT(stats.queued == 0);
    dprintf(1, "%llu %llu %llu\n", (unsigned long long)stats.written,
            (unsigned long long)stats.dropped, (unsigned long long)stats.dropped_shutdown);
}

static void exit_under_load(void *arg)
{
    start_writers(WRITERS);
    if (arg) exit(0);
}

static void shut_down_under_load(void *arg)
{
    (void)arg;
    start_writers(WRITERS);
    const int64_t before = monotonic_ms();
    EXPECT(weft_shutdown(5000) == WEFT_OK);
    EXPECT(monotonic_ms() - before < 4000);
    note_accepted();
    _exit(0);
}

static void check_numbers(const struct row *row)
{
    struct row_seqs seqs = {.lines = 0};
    row_read(&seqs, row->path);
    assert_false(seqs.gap); /* of each writer all up to the last */
    assert_int_equal(seqs.others, 0);
    for (size_t i = 0; i < WRITERS; i++) assert_true(seqs.next[i] >= 50);
}

static void an_exit_under_load_writes_all_that_came_before(void **state)
{
    (void)state;
    for (uintptr_t i = 0; i < 4; i++) {
        struct row row = row_begin("");
        const int64_t before = monotonic_ms();
        forget_returned();
        QUEUE_RUN(&row, exit_under_load, (void *)(i % 2), i % 3 ? NULL : "WEFT_QUEUE_BYTES=64k");
        assert_true(monotonic_ms() - before < 10000);
        check_numbers(&row);
        row_end(&row);
    }
}

static void a_shutdown_under_load_writes_or_counts(void **state)
{
    unsigned long long written, dropped, after;
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    forget_returned();
    const char *const env[] = {row.sinks, "WEFT_ASYNC=on", NULL};
    struct child child = run_child(shut_down_under_load, NULL, env);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    assert_int_equal(sscanf(child.out, "%llu %llu %llu", &written, &dropped, &after), 3);
    check_numbers(&row);
    row_read(&seqs, row.path);
    assert_int_equal(seqs.lines, written);
    assert_int_equal(dropped, after); /* nothing but what was logged after it */
    child_free(&child);
    row_end(&row);
}

/* ---- sinks that hold the end up ---- */

static void *log_one_large(void *arg)
{
    static char large[100001];
    memset(large, 'l', sizeof large - 1);
    weft_info(NULL, large);
    return arg;
}

static void *flush_for_ever(void *arg)
{
    while (weft_flush(UINT32_MAX) == WEFT_OK) continue;
    return arg;
}

static void *log_to_the_end(void *arg)
{
    for (uint64_t i = 0; queue_stats().dropped_shutdown == 0; i++)
        row_log_many((unsigned)(uintptr_t)arg, 100);
    return NULL;
}

/* Whoever waits in a call gets out of it, and what is in the ring is counted. */
static void shut_down_before_the_gate(void *arg)
{
    pthread_t threads[4];
    gate_begin_shut(arg);
    for (uintptr_t i = 0; i < 2; i++)
        EXPECT(pthread_create(&threads[i], NULL, log_to_the_end, (void *)i) == 0);
    EXPECT(pthread_create(&threads[2], NULL, log_one_large, NULL) == 0);
    EXPECT(pthread_create(&threads[3], NULL, flush_for_ever, NULL) == 0);
    AWAIT(queue_stats().queued > 200 && queue_stats().queue_large == 1);
    const int64_t before = monotonic_ms();
    EXPECT(weft_shutdown(400) == WEFT_ETIMEOUT);
    const int64_t took = monotonic_ms() - before;
    EXPECT(took >= 300 && took < 1500);
    for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    weft_stats stats = queue_stats();
    EXPECT(stats.queued == 0 && stats.dropped_shutdown > 200);
    EXPECT(stats.accepted == stats.written + stats.dropped);
    const uint64_t accepted = stats.accepted;
    gate_set(false); /* it may go on with what it has; the sums hold all the same */
    AWAIT(queue_stats().written > 0);
    stats = queue_stats();
    EXPECT(stats.accepted == accepted);
    _exit(0);
}

static void a_shutdown_beside_a_sink_that_stalls_keeps_its_deadline(void **state)
{
    struct row row = gate_row();
    (void)state;
    QUEUE_RUN(&row, shut_down_before_the_gate, &row, "WEFT_QUEUE_BYTES=64k");
    row_end(&row);
}

static void shut_down_slowly(void *arg)
{
    gate_begin(arg);
    gate.pause_us = 1000;
    row_log_many(0, 2000);
    const int64_t before = monotonic_ms();
    EXPECT(weft_shutdown(300) == WEFT_ETIMEOUT);
    EXPECT(monotonic_ms() - before < 1000);
    const weft_stats stats = queue_stats();
    EXPECT(stats.queued == 0 && stats.accepted == 2000 && stats.dropped_shutdown > 1000);
    _exit(0);
}

static void a_shutdown_does_not_wait_for_all_of_a_slow_sink(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = gate_row();
    (void)state;
    QUEUE_RUN(&row, shut_down_slowly, &row, "WEFT_QUEUE_BYTES=1MiB");
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    row_end(&row);
}

/* ---- signals ---- */

static void log_for_ever(void *arg)
{
    (void)arg;
    start_writers(WRITERS);
    dprintf(1, ".");
    for (;;) pause();
}

/* What had returned when the signal was sent is in the file. */
static void die_of(int number)
{
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    int pipes[2], status;
    char dot;
    forget_returned();
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(pipes[1], 1);
        putenv(row.sinks);
        putenv((char *)(uintptr_t) "WEFT_ASYNC=on");
        log_for_ever(NULL);
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &dot, 1), 1);
    close(pipes[0]);
    uint64_t before[WRITERS];
    for (size_t i = 0; i < WRITERS; i++)
        before[i] = __atomic_load_n(&returned[i], __ATOMIC_SEQ_CST);
    kill(pid, number);
    status = test_wait(pid, 20);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    for (size_t i = 0; i < WRITERS; i++) assert_true(seqs.next[i] >= before[i]);
    row_end(&row);
}

static void signals_that_end_drain_first(void **state)
{
    (void)state;
    if (UNDER_TSAN) skip(); /* it keeps signals for later */
    die_of(SIGTERM);
    die_of(SIGINT);
}

/* ---- thread keys ---- */

static pthread_key_t first_key, last_key;

static void log_in_destructor(void *value)
{
    row_log(1, (uint64_t)(uintptr_t)value - 1);
}

static void *log_once(void *arg)
{
    pthread_setspecific(first_key, (void *)((uintptr_t)arg * 2 + 1));
    pthread_setspecific(last_key, (void *)((uintptr_t)arg * 2 + 2));
    row_log(0, (uint64_t)(uintptr_t)arg);
    return NULL;
}

/* One key is made before weft's own, one after it: one of the destructors runs after weft's. */
static void log_from_destructors(void *arg)
{
    pthread_t thread;
    (void)arg;
    EXPECT(pthread_key_create(&first_key, log_in_destructor) == 0);
    EXPECT(weft_init(NULL) == WEFT_OK);
    EXPECT(pthread_key_create(&last_key, log_in_destructor) == 0);
    for (uintptr_t i = 0; i < 100; i++) {
        EXPECT(pthread_create(&thread, NULL, log_once, (void *)i) == 0);
        pthread_join(thread, NULL);
    }
    const weft_stats stats = queue_sums();
    EXPECT(stats.written == 300 && stats.dropped == 0);
}

static void destructors_of_threads_may_log(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    QUEUE_RUN(&row, log_from_destructors, NULL);
    row_read(&seqs, row.path);
    assert_true(!seqs.gap && seqs.lines == 300);
    row_end(&row);
}

static int share_returned(void **state)
{
    (void)state;
    returned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return returned == MAP_FAILED;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_under_load_writes_all_that_came_before),
        cmocka_unit_test(a_shutdown_under_load_writes_or_counts),
        cmocka_unit_test(a_shutdown_beside_a_sink_that_stalls_keeps_its_deadline),
        cmocka_unit_test(a_shutdown_does_not_wait_for_all_of_a_slow_sink),
        cmocka_unit_test(signals_that_end_drain_first),
        cmocka_unit_test(destructors_of_threads_may_log),
    };
    return cmocka_run_group_tests(tests, share_returned, NULL);
}
