/* The ticker: callbacks come once, in time's order, not after drop, and again when they arm themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/pipeline/ticker.h"
#include "src/port/lock.h"
#include "support/emulated.h"
#include "support/tsan.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_MS 600000

struct counted {
    struct weftp_tick tick;
    atomic_int runs;
    int again; /* arm so many times more */
    atomic_bool hold, entered;
};

static atomic_int order;
static int ran_at[4];
static struct counted counters[4];

static void count(struct weftp_tick *tick)
{
    struct counted *counted = (struct counted *)(void *)tick;
    counted->entered = true;
    while (counted->hold) weftp_nap_us(100);
    ran_at[counted - counters] = atomic_fetch_add(&order, 1);
    if (counted->again-- > 0) assert_true(weftp_ticker_arm(tick, 0));
    atomic_fetch_add(&counted->runs, 1);
}

static int fresh(void **state)
{
    (void)state;
    order = 0;
    for (size_t i = 0; i < 4; i++) counters[i] = (struct counted){.tick = {.run = count}};
    return 0;
}

static int stopped(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) weftp_ticker_drop(&counters[i].tick);
    weftp_ticker_stop();
    return 0;
}

/* The test's own time limit ends a wait in vain. */
static void wait_for(const atomic_int *value, int wanted)
{
    const int64_t deadline_ms = weftp_monotonic_ms() + 10000;
    while (*value < wanted) {
        assert_true(weftp_monotonic_ms() < deadline_ms);
        weftp_nap_us(200);
    }
}

static void runs_once_in_order(void **state)
{
    (void)state;
    assert_true(weftp_ticker_arm(&counters[0].tick, LONG_MS));
    assert_true(weftp_ticker_arm(&counters[1].tick, 60));
    assert_true(weftp_ticker_arm(&counters[2].tick, 20));
    wait_for(&counters[1].runs, 1);
    assert_int_equal(counters[0].runs, 0);
    assert_int_equal(ran_at[2], 0);
    assert_int_equal(ran_at[1], 1);
    assert_false(counters[1].tick.armed);
}

static void the_earlier_time_counts(void **state)
{
    (void)state;
    assert_true(weftp_ticker_arm(&counters[0].tick, LONG_MS));
    assert_true(weftp_ticker_arm(&counters[0].tick, 5));
    assert_true(weftp_ticker_arm(&counters[0].tick, LONG_MS));
    wait_for(&counters[0].runs, 1);
}

static void arms_itself_again(void **state)
{
    (void)state;
    counters[0].again = 5;
    assert_true(weftp_ticker_arm(&counters[0].tick, 0));
    wait_for(&counters[0].runs, 6);
    assert_true(weftp_ticker_arm(&counters[1].tick, 0));
    wait_for(&counters[1].runs, 1);
    assert_int_equal(counters[0].runs, 6);
}

static void drop_waits_for_the_one_that_runs(void **state)
{
    (void)state;
    counters[0].hold = true;
    assert_true(weftp_ticker_arm(&counters[0].tick, 0));
    while (!counters[0].entered) weftp_nap_us(100);
    counters[0].hold = false;
    weftp_ticker_drop(&counters[0].tick);
    assert_int_equal(counters[0].runs, 1);
    assert_true(weftp_ticker_arm(&counters[1].tick, LONG_MS));
    weftp_ticker_drop(&counters[1].tick);
    assert_false(counters[1].tick.armed);
}

static void starts_again_after_a_stop(void **state)
{
    (void)state;
    for (int i = 1; i <= 3; i++) {
        assert_true(weftp_ticker_arm(&counters[0].tick, 0));
        wait_for(&counters[0].runs, i);
        weftp_ticker_stop();
    }
}

static void a_child_has_a_ticker_of_its_own(void **state)
{
    (void)state;
    if (UNDER_TSAN || under_emulator()) skip(); /* qemu starts no threads in a child */
    assert_true(weftp_ticker_arm(&counters[0].tick, LONG_MS));
    weftp_ticker_fork_prepare();
    const pid_t pid = fork();
    if (pid == 0) {
        weftp_ticker_fork_child();
        if (counters[0].tick.armed) _exit(1);
        _exit(weftp_ticker_arm(&counters[1].tick, 0) ? 0 : 2);
    }
    weftp_ticker_fork_parent();
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(counters[0].tick.armed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_once_in_order, fresh, stopped),
        cmocka_unit_test_setup_teardown(the_earlier_time_counts, fresh, stopped),
        cmocka_unit_test_setup_teardown(arms_itself_again, fresh, stopped),
        cmocka_unit_test_setup_teardown(drop_waits_for_the_one_that_runs, fresh, stopped),
        cmocka_unit_test_setup_teardown(starts_again_after_a_stop, fresh, stopped),
        cmocka_unit_test_setup_teardown(a_child_has_a_ticker_of_its_own, fresh, stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
