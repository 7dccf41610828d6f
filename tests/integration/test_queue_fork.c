/*
 * fork(2) and its kin with a queue: nothing is written twice, nothing of the parent's by the child.
 * (async.integration.life has a thousand forks beside busy threads.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/queue_rows.h"
#include "support/tsan.h"

#include <spawn.h>

static void await_end(pid_t pid)
{
    int status = -1;
    EXPECT(pid > 0 && (status = test_wait(pid, 20)) == 0);
}

/* Writers 0 to 3 are the parent, its child, the child's child, and theirs. */
static void generations(void *arg)
{
    const unsigned depth = (unsigned)(uintptr_t)arg;
    row_log_many(depth, 50); /* in the queue when the fork comes */
    if (depth == 3) return;
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        generations((void *)(uintptr_t)(depth + 1));
        EXPECT(queue_sums().accepted == 100 || depth == 2);
        EXPECT(depth == 2 ? queue_stats().accepted == 50 : true);
        _exit(0); /* what is queued is flushed by queue_sums */
    }
    for (uint64_t seq = 50; seq < 100; seq++) row_log(depth, seq);
    await_end(pid);
}

static void a_forked_child_forks(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    if (UNDER_TSAN) skip(); /* it allows no threads in such a child */
    QUEUE_RUN(&row, generations, NULL);
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    assert_int_equal(seqs.lines, 350);
    for (size_t i = 0; i < 4; i++) assert_int_equal(seqs.next[i], i == 3 ? 50 : 100);
    row_end(&row);
}

/* Children of a parent whose queue stands before the gate: they do not take what is in it. */
static void fork_before_the_gate(void *arg)
{
    gate_begin_shut(arg);
    row_log_many(0, 100);
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        gate = (__typeof__(gate)){
            PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, gate.fd, 0};
        row_log_many(1, 2);
        (void)queue_sums();
        _exit(0); /* the parent's worker stood in the sink: what it had is lost memory here */
    }
    await_end(pid);
    gate_set(false);
    row_log(0, 100);
}

static void a_child_leaves_the_parents_queue_alone(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = gate_row();
    (void)state;
    if (UNDER_TSAN) skip();
    QUEUE_RUN(&row, fork_before_the_gate, &row);
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    assert_true(seqs.next[0] == 101 && seqs.next[1] == 2 && seqs.others == 1);
    row_end(&row);
}

/* It has not logged when it forks: what it inherits was never its own. */
static void fork_first(void *arg)
{
    (void)arg;
    row_log_many(0, 100);
    const pid_t pid = fork();
    if (pid == 0) {
        const pid_t inner = fork();
        if (inner == 0) {
            row_log_many(2, 100);
            exit(0);
        }
        await_end(inner);
        row_log_many(1, 100);
        exit(0);
    }
    await_end(pid);
}

static void a_child_forks_before_its_first_record(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    if (UNDER_TSAN) skip();
    QUEUE_RUN(&row, fork_first, NULL);
    row_read(&seqs, row.path);
    assert_true(!seqs.gap && seqs.lines == 300);
    row_end(&row);
}

/* ---- programs that are started ---- */

static bool stop;

static void *log_on(void *arg)
{
    for (uint64_t seq = 0; !__atomic_load_n(&stop, __ATOMIC_SEQ_CST); seq++) {
        row_log((unsigned)(uintptr_t)arg, seq);
        if (seq % 16 == 0) usleep(100);
    }
    return NULL;
}

extern char **environ;

static void start_programs(void *arg)
{
    static char *const command[] = {(char *)(uintptr_t) "true", NULL};
    pthread_t threads[2];
    (void)arg;
    for (uintptr_t i = 0; i < 2; i++)
        EXPECT(pthread_create(&threads[i], NULL, log_on, (void *)i) == 0);
    for (int i = 0; i < 30; i++) {
        pid_t pid;
        EXPECT(posix_spawnp(&pid, "true", NULL, NULL, command, environ) == 0);
        await_end(pid);
        if ((pid = vfork()) == 0) {
            execvp("true", command);
            _exit(1);
        }
        await_end(pid);
        /* No handler of pthread_atfork hears of it. */
        if ((pid = _Fork()) == 0) {
            execvp("true", command);
            _exit(1);
        }
        await_end(pid);
    }
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (size_t i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    EXPECT(queue_sums().dropped == 0);
}

static void starting_programs_harms_nothing(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    if (UNDER_TSAN) skip();
    QUEUE_RUN(&row, start_programs, NULL);
    row_read(&seqs, row.path);
    assert_true(!seqs.gap && seqs.next[0] > 100 && seqs.next[1] > 100);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forked_child_forks),
        cmocka_unit_test(a_child_leaves_the_parents_queue_alone),
        cmocka_unit_test(a_child_forks_before_its_first_record),
        cmocka_unit_test(starting_programs_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
