/*
 * Log calls from where they must not deadlock: a sink, a signal handler over a log call, a thread that is cancelled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/child.h"

#include <pthread.h>
#include <sys/time.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

static weft_stats stats_now(void)
{
    weft_stats stats;
    SETTLE();
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == stats.written + stats.dropped);
    return stats;
}

static struct child run(void (*fn)(void *), const char *const *env)
{
    struct child child = run_child(fn, NULL, env);
    if (child.status != 0) fail_msg("status %d: %s", child.status, child.err);
    assert_int_equal(each_line(child.out, NULL, NULL), 0);
    return child;
}

/* ---- from inside of a sink ---- */

static unsigned callbacks;

static weft_status log_inside(void *arg, const struct weft_line *line)
{
    (void)arg;
    (void)line;
    callbacks++;
    weft_info(NULL, "from inside");
    weft_flush(1000);
    EXPECT(weft_reload() == WEFT_ESTATE);
    EXPECT(weft_shutdown(0) == WEFT_ESTATE);
    return WEFT_OK;
}

static void sink_that_logs(void *arg)
{
    (void)arg;
    EXPECT(weft_sink_callback_set(NULL, log_inside, NULL) == WEFT_OK);
    weft_info(NULL, "one");
    weft_info(NULL, "two");
    SETTLE();
    EXPECT(callbacks == 2);
    const weft_stats stats = stats_now();
    EXPECT(stats.dropped_reentrant == 2);
    EXPECT(stats.written == 2);
}

static void a_sink_may_not_log_but_nothing_hangs(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_SINKS=callback:", NULL};
    struct child child = run(sink_that_logs, env);
    child_free(&child);
}

/* ---- from a signal handler ---- */

static uint64_t handled;

static void log_in_handler(int signal_number)
{
    weft_info(NULL, "handler", weft_int("signal", signal_number));
    handled++;
}

static void timer(unsigned microseconds)
{
    const struct itimerval interval = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &interval, NULL);
}

static void log_under_signals(void *arg)
{
    (void)arg;
    weft_info(NULL, "warm", weft_int("signal", 0));
    const struct sigaction action = {.sa_handler = log_in_handler};
    sigaction(SIGALRM, &action, NULL);
    timer(1000);
    uint64_t logged = 1;
    while (handled < 300) {
        weft_info(NULL, "loop", weft_str("text", "some text that is long enough to take a while"));
        logged++;
    }
    timer(0);
    const weft_stats stats = stats_now();
    EXPECT(stats.accepted == logged + handled);
    EXPECT(stats.dropped == stats.dropped_reentrant);
}

static void a_signal_handler_never_deadlocks(void **state)
{
    (void)state;
    char *folder = test_folder(), env[160];
    snprintf(env, sizeof env, "WEFT_SINKS=file:%s/signal.log", folder);
    const char *const environment[] = {env, NULL};
    struct child child = run(log_under_signals, environment);
    child_free(&child);
    test_folder_remove(folder);
}

/* ---- cancellation ---- */

static void *log_until_cancelled(void *arg)
{
    for (;;) {
        weft_info(NULL, "cancel me", weft_uint("n", ++*(uint64_t *)arg));
        pthread_testcancel();
    }
    return NULL;
}

static void cancel_threads(void *arg)
{
    (void)arg;
    uint64_t counts[100] = {0};
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, log_until_cancelled, &counts[i]) != 0) abort();
        usleep((useconds_t)(i * 37 % 500));
        pthread_cancel(thread);
        pthread_join(thread, NULL);
        weft_info(NULL, "still here", weft_int("round", i));
    }
    uint64_t sum = 100;
    for (int i = 0; i < 100; i++) sum += counts[i];
    const weft_stats stats = stats_now();
    EXPECT(stats.accepted == sum);
    EXPECT(stats.written == sum);
}

static void cancellation_leaves_no_lock_and_no_half_line(void **state)
{
    (void)state;
    struct child child = run(cancel_threads, NULL);
    assert_true(count_lines(child.out) >= 100);
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sink_may_not_log_but_nothing_hangs),
        cmocka_unit_test(a_signal_handler_never_deadlocks),
        cmocka_unit_test(cancellation_leaves_no_lock_and_no_half_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
