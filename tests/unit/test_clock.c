/*
 * The cheap clock: against the kernel's, which this program stands in front of, so that it can be
 * set and its calls counted; and against readings that are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/port/clock.h"
#include "support/emulated.h"

#define MS INT64_C(1000000)

/* ---- the kernel's clock, with a screw ---- */

static int64_t set_by_ns;
static uint64_t asked;

static int64_t kernel_ns(clockid_t clock)
{
    struct {
        int64_t seconds, ns;
    } now;
#ifdef SYS_clock_gettime64
    syscall(SYS_clock_gettime64, clock, &now);
#else
    syscall(SYS_clock_gettime, clock, &now);
#endif
    return now.seconds * 1000000000 + now.ns + (clock == CLOCK_REALTIME ? set_by_ns : 0);
}

/* The library, which is linked in, asks this one. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int64_t ns = kernel_ns(clock);
    asked++;
    now->tv_sec = (time_t)(ns / 1000000000);
    now->tv_nsec = (long)(ns % 1000000000);
    return 0;
}

/* Whether this machine's counter is to be used. */
static bool must_count(void)
{
    char text[8192] = "";
    if (under_emulator() || sizeof(long) < 8) return false;
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");
    const bool tsc = file && fgets(text, sizeof text, file) && strcmp(text, "tsc\n") == 0;
    if (file) fclose(file);
    file = fopen("/proc/cpuinfo", "r");
    const size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    text[size] = '\0';
    return tsc && strstr(text, " nonstop_tsc");
}

/* Call until the counter's rate is known, or it is plain that it never will be. */
static void warm_up(struct weftp_clock *own)
{
    const int64_t start_ns = kernel_ns(CLOCK_MONOTONIC);
    while (!weftp_clock_counts() && kernel_ns(CLOCK_MONOTONIC) - start_ns < 1000 * MS)
        weftp_clock_realtime_ns(own);
    if (must_count()) assert_true(weftp_clock_counts());
}

static void wait_ns(int64_t ns)
{
    const int64_t start_ns = kernel_ns(CLOCK_MONOTONIC);
    while (kernel_ns(CLOCK_MONOTONIC) - start_ns < ns) continue;
}

static void test_agrees(void **state)
{
    (void)state;
    struct weftp_clock own = {0};
    int64_t last_ns = 0, before_ns = kernel_ns(CLOCK_REALTIME), off_ns = 0;
    const int calls = under_emulator() ? 10000 : 1000000;
    warm_up(&own);
    for (int i = 0; i < calls; i++) {
        const int64_t now_ns = weftp_clock_realtime_ns(&own);
        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
        if (i % 4) continue;
        const int64_t after_ns = kernel_ns(CLOCK_REALTIME);
        if (before_ns - now_ns > off_ns) off_ns = before_ns - now_ns;
        if (now_ns - after_ns > off_ns) off_ns = now_ns - after_ns;
        before_ns = after_ns;
    }
    assert_in_range(off_ns, 0, 5000);
    assert_int_equal(own.strikes, 0);
}

static void test_asks_seldom_or_always(void **state)
{
    (void)state;
    struct weftp_clock own = {0};
    warm_up(&own);
    weftp_clock_realtime_ns(&own);
    const int64_t start_ns = kernel_ns(CLOCK_MONOTONIC);
    asked = 0;
    for (int i = 0; i < 100000; i++) weftp_clock_realtime_ns(&own);
    const int64_t ms = (kernel_ns(CLOCK_MONOTONIC) - start_ns) / MS;
    if (weftp_clock_counts())
        assert_in_range(asked, 0, 3 * (ms / WEFTP_CLOCK_ANCHOR_MS + 1));
    else
        assert_int_equal(asked, 100000);
}

/* Whatever the clock is set to is told within the time that an anchor holds. */
static void test_follows_a_step(void **state)
{
    (void)state;
    const int64_t steps_ns[] = {3600 * INT64_C(1000000000), -7200 * INT64_C(1000000000), 50000,
                                -50000};
    struct weftp_clock own = {0};
    warm_up(&own);
    for (size_t i = 0; i < sizeof steps_ns / sizeof steps_ns[0]; i++) {
        weftp_clock_realtime_ns(&own);
        set_by_ns += steps_ns[i];
        wait_ns((WEFTP_CLOCK_ANCHOR_MS + 1) * MS);
        const int64_t before_ns = kernel_ns(CLOCK_REALTIME);
        const int64_t now_ns = weftp_clock_realtime_ns(&own);
        assert_in_range(now_ns, before_ns - 5000, kernel_ns(CLOCK_REALTIME) + 5000);
    }
    set_by_ns = 0;
}

/* ---- a handler that uses the state that it interrupted ---- */

static struct weftp_clock shared;
static volatile int handled;
static volatile int64_t worst_ns;

static void look(void)
{
    const int64_t before_ns = kernel_ns(CLOCK_REALTIME);
    const int64_t now_ns = weftp_clock_realtime_ns(&shared);
    const int64_t after_ns = kernel_ns(CLOCK_REALTIME);
    if (before_ns - now_ns > worst_ns) worst_ns = before_ns - now_ns;
    if (now_ns - after_ns > worst_ns) worst_ns = now_ns - after_ns;
}

static void handle(int number)
{
    (void)number;
    handled++;
    look();
}

static void test_signals(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART}, old;
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    warm_up(&shared);
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    setitimer(ITIMER_REAL, &often, NULL);
    const int64_t start_ns = kernel_ns(CLOCK_MONOTONIC);
    while (handled < 500 && kernel_ns(CLOCK_MONOTONIC) - start_ns < 2000 * MS) look();
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    assert_true(handled > 0);
    assert_in_range(worst_ns, 0, 20000);
}

static void test_fork_and_errno(void **state)
{
    (void)state;
    struct weftp_clock own = {0};
    errno = 4711;
    warm_up(&own);
    assert_int_equal(errno, 4711);
    const pid_t child = fork();
    if (child == 0) {
        weftp_clock_forked();
        const int64_t off_ns = weftp_clock_realtime_ns(&own) - kernel_ns(CLOCK_REALTIME);
        _exit(off_ns < 5000 && off_ns > -1000 * MS ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- made-up readings: a counter of 1 GHz, so that ticks are nanoseconds ---- */

static const struct weftp_clock_rate ghz = {UINT64_C(1) << 32, 2 * MS};

static void test_rates(void **state)
{
    (void)state;
    struct weftp_clock_rate rate;
    const struct weftp_clock_reading first = {1000, 1000};
    struct weftp_clock_reading last = {1000 + 50 * MS, 1000 + 20 * MS}; /* 2.5 GHz */
    assert_true(weftp_clock_rate_of(&rate, &first, &last));
    assert_in_range(rate.rate, (UINT64_C(1) << 32) * 4 / 10 - 1, (UINT64_C(1) << 32) * 4 / 10);
    assert_in_range(rate.span, 5 * MS - 1, 5 * MS + 1);
    last.time_ns--; /* too near */
    assert_false(weftp_clock_rate_of(&rate, &first, &last));
    last = (struct weftp_clock_reading){1000, 1000 + 20 * MS}; /* a counter that stands */
    assert_false(weftp_clock_rate_of(&rate, &first, &last));
    last.tick = 1000 + 20 * MS / 4; /* 250 MHz */
    assert_false(weftp_clock_rate_of(&rate, &first, &last));
    last.tick = 1000 + 220 * MS; /* 11 GHz */
    assert_false(weftp_clock_rate_of(&rate, &first, &last));
    last = (struct weftp_clock_reading){2000 * MS, 1100 * MS}; /* too far */
    assert_false(weftp_clock_rate_of(&rate, &first, &last));
}

/* The kernel slowed down: what was told is held, and met at the next anchor. */
static void test_never_back_a_little(void **state)
{
    (void)state;
    struct weftp_clock own = {0};
    struct weftp_clock_reading now = {5000, 1000000000};
    assert_true(weftp_clock_anchor(&own, &ghz, &now) == 1000000000);
    assert_true(weftp_clock_after_ns(&own, 1999999) == 1001999999);
    now = (struct weftp_clock_reading){5000 + 2 * MS, 1000000000 + 2 * MS - 15000};
    assert_true(weftp_clock_anchor(&own, &ghz, &now) == 1000000000 + 2 * MS);
    int64_t last_ns = 0;
    for (uint64_t ticks = 0; ticks < 2 * MS; ticks += 999) {
        assert_true(weftp_clock_after_ns(&own, ticks) >= last_ns);
        last_ns = weftp_clock_after_ns(&own, ticks);
    }
    const int64_t met_ns = weftp_clock_after_ns(&own, 2 * MS) - (now.time_ns + 2 * MS);
    assert_true(met_ns >= -2 && met_ns <= 2);
    /* After a long pause only what may have been told counts. */
    now = (struct weftp_clock_reading){900000000, 1000000000 + 3 * MS};
    assert_true(weftp_clock_anchor(&own, &ghz, &now) == 1000000000 + 4 * MS - 15000 ||
                weftp_clock_anchor(&own, &ghz, &now) == now.time_ns);
}

static void test_back_for_good(void **state)
{
    (void)state;
    struct weftp_clock own = {0};
    struct weftp_clock_reading now = {5000, 1000000000};
    weftp_clock_anchor(&own, &ghz, &now);
    now = (struct weftp_clock_reading){5000 + 2 * MS, 1000000000 + 2 * MS - 20000};
    assert_true(weftp_clock_anchor(&own, &ghz, &now) == now.time_ns);
    now = (struct weftp_clock_reading){4000, 900000000}; /* the counter, too */
    assert_true(weftp_clock_anchor(&own, &ghz, &now) == now.time_ns);
    assert_true(own.span > 0);
}

/* A counter that runs at another rate than the kernel's clock is given up; one step is none. */
static void test_gives_up(void **state)
{
    (void)state;
    struct weftp_clock own = {0};
    struct weftp_clock_reading now = {5000, 1000000000};
    weftp_clock_anchor(&own, &ghz, &now);
    for (int i = 0; i < 100; i++) {
        now.tick += 2 * MS;
        now.time_ns += 2 * MS + (i == 50 ? 1000000 : 0);
        weftp_clock_anchor(&own, &ghz, &now);
        assert_true(own.span > 0);
    }
    for (int i = 0; i < 20; i++) {
        now.tick += 2 * MS;
        now.time_ns += 20 * MS;
        assert_true(weftp_clock_anchor(&own, &ghz, &now) == now.time_ns);
    }
    assert_true(own.span == 0);
    const int64_t off_ns = weftp_clock_realtime_ns(&own) - kernel_ns(CLOCK_REALTIME);
    assert_true(off_ns > -1000 * MS && off_ns <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees),
        cmocka_unit_test(test_asks_seldom_or_always),
        cmocka_unit_test(test_follows_a_step),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_fork_and_errno),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_never_back_a_little),
        cmocka_unit_test(test_back_for_good),
        cmocka_unit_test(test_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
