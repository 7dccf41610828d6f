#include "clock.h"

#include "lock.h"

#define ANCHOR_NS  ((int64_t)WEFTP_CLOCK_ANCHOR_MS * 1000000)
#define HELD_NS    20000      /* the most that a thread's time waits for the kernel's */
#define MEASURE_NS 20000000   /* the least that a rate is measured over */
#define STALE_NS   1000000000 /* the most */
#define STRIKES    8 /* anchors in a row that are far off: the counter is not the kernel's */

/* Rates that a counter of 400 MHz to 10 GHz has. */
#define RATE_MIN ((UINT64_C(1) << 32) / 10)
#define RATE_MAX ((UINT64_C(10) << 32) / 4)

bool weftp_clock_rate_of(struct weftp_clock_rate *rate, const struct weftp_clock_reading *first,
                         const struct weftp_clock_reading *last)
{
    const int64_t ns = last->time_ns - first->time_ns;
    const uint64_t ticks = last->tick - first->tick;
    if (ns < MEASURE_NS || ns > STALE_NS || ticks == 0) return false;
    rate->rate = ((uint64_t)ns << 32) / ticks;
    if (rate->rate < RATE_MIN || rate->rate > RATE_MAX) return false;
    rate->span = ((uint64_t)ANCHOR_NS << 32) / rate->rate;
    return true;
}

/* The latest time that an anchor has told until a tick. */
static int64_t told_ns(const struct weftp_clock *own, uint64_t tick)
{
    uint64_t ticks = tick - own->tick;
    if ((int64_t)ticks < 0) ticks = 0;
    return weftp_clock_after_ns(own, ticks < own->span ? ticks : own->span);
}

/* Count anchors in a row that did not foresee the next one. */
static void judge(struct weftp_clock *own, const struct weftp_clock_reading *now)
{
    const uint64_t ticks = now->tick - own->tick;
    if (own->span == 0 || ticks > 4 * own->span) return; /* after a pause, it may have been set */
    const int64_t off_ns = weftp_clock_after_ns(own, ticks) - now->time_ns;
    const bool far = off_ns > HELD_NS || off_ns < -HELD_NS;
    own->strikes = far ? (uint16_t)(own->strikes + 1) : 0;
}

int64_t weftp_clock_anchor(struct weftp_clock *own, const struct weftp_clock_rate *rate,
                           const struct weftp_clock_reading *now)
{
    judge(own, now);
    const int64_t told = told_ns(own, now->tick), ahead_ns = told - now->time_ns;
    const bool held = ahead_ns > 0 && ahead_ns < HELD_NS;
    own->span = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    own->turn++;
    own->tick = now->tick;
    own->time_ns = held ? told : now->time_ns;
    own->rate = rate->rate;
    if (held) own->rate -= rate->rate * (uint64_t)ahead_ns / (uint64_t)ANCHOR_NS;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    own->span = own->strikes < STRIKES ? rate->span : 0;
    return own->time_ns;
}

/* The kernel's time, as it is. */
static int64_t plain_ns(struct weftp_clock *own)
{
    static const struct weftp_clock_rate none = {0, 0};
    const struct weftp_clock_reading now = {weftp_clock_ticks(), weftp_realtime_ns()};
    return own->span || own->time_ns > now.time_ns ? weftp_clock_anchor(own, &none, &now)
                                                   : now.time_ns;
}

#if defined __x86_64__
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BRACKET_TICKS 5000     /* the counter may move on by while the kernel is asked */
#define WAIT_TICKS    20000000 /* before it is worth while to look whether MEASURE_NS have passed */
#define MEASURES      8        /* that may disagree before the counter is given up */

enum state { NEW, BUSY, MEASURING, READY, NEVER };

/* The counter's rate, for all threads. */
static struct {
    int state;      /* atomic */
    uint64_t since; /* atomic: the tick of `first` */
    /* Of the thread that made the state BUSY: */
    struct weftp_clock_reading first;
    struct weftp_clock_rate last;
    unsigned measures;
    struct weftp_clock_rate rate; /* does not change when READY */
} counter;

/* Ask the kernel; false when that took so long that nobody knows which tick it was. */
static bool read_clock(clockid_t clock, struct weftp_clock_reading *reading)
{
    for (int i = 0; i < 3; i++) {
        struct timespec now;
        const uint64_t before = weftp_clock_ticks();
        clock_gettime(clock, &now);
        const uint64_t ticks = weftp_clock_ticks() - before;
        reading->tick = before + ticks / 2;
        reading->time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        if (ticks < BRACKET_TICKS) return true;
    }
    return false;
}

/* The counter runs on at the same rate, whatever the processor does: it says so itself. */
static bool is_invariant(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
}

/* The kernel, which compares the counters of all processors, takes its own time from them. */
static bool is_used_by_kernel(void)
{
    static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    char text[4];
    const int error = errno, cancel = weftp_cancel_disable();
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool used =
        fd >= 0 && read(fd, text, sizeof text) == sizeof text && memcmp(text, "tsc\n", 4) == 0;
    if (fd >= 0) close(fd);
    weftp_cancel_restore(cancel);
    errno = error;
    return used;
}

static enum state measure_from(const struct weftp_clock_reading *first)
{
    counter.first = *first;
    __atomic_store_n(&counter.since, first->tick, __ATOMIC_RELAXED);
    return MEASURING;
}

/* Two measures in a row that agree to a thousandth are believed. */
static enum state measure(const struct weftp_clock_reading *now)
{
    struct weftp_clock_rate rate;
    if (now->time_ns - counter.first.time_ns < MEASURE_NS) return MEASURING;
    if (!weftp_clock_rate_of(&rate, &counter.first, now)) rate = (struct weftp_clock_rate){0, 0};
    const uint64_t off = rate.rate > counter.last.rate ? rate.rate - counter.last.rate
                                                       : counter.last.rate - rate.rate;
    counter.last = rate;
    counter.rate = rate;
    if (rate.span && off <= rate.rate >> 10) return READY;
    if (now->time_ns - counter.first.time_ns <= STALE_NS && ++counter.measures > MEASURES)
        return NEVER;
    return measure_from(now);
}

static enum state next_state(enum state state)
{
    struct weftp_clock_reading now;
    if (state == NEW && (!is_invariant() || !is_used_by_kernel())) return NEVER;
    if (!read_clock(CLOCK_MONOTONIC, &now)) return state;
    return state == NEW ? measure_from(&now) : measure(&now);
}

/* Go on towards the rate, on whichever thread comes by; nobody waits. */
static void calibrate(int state)
{
    if (state == BUSY || state == NEVER) return;
    const uint64_t since = __atomic_load_n(&counter.since, __ATOMIC_RELAXED);
    if (state == MEASURING && weftp_clock_ticks() - since < WAIT_TICKS) return;
    if (!__atomic_compare_exchange_n(&counter.state, &state, BUSY, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&counter.state, (int)next_state((enum state)state), __ATOMIC_RELEASE);
}

static int64_t ask_ns(struct weftp_clock *own)
{
    struct weftp_clock_reading now;
    const int state = __atomic_load_n(&counter.state, __ATOMIC_ACQUIRE);
    if (state != READY) calibrate(state);
    if (state != READY || own->strikes >= STRIKES || !read_clock(CLOCK_REALTIME, &now))
        return plain_ns(own);
    return weftp_clock_anchor(own, &counter.rate, &now);
}

bool weftp_clock_counts(void)
{
    return __atomic_load_n(&counter.state, __ATOMIC_ACQUIRE) == READY;
}

void weftp_clock_forked(void)
{
    int busy = BUSY;
    __atomic_compare_exchange_n(&counter.state, &busy, NEW, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

#else

static int64_t ask_ns(struct weftp_clock *own)
{
    return plain_ns(own);
}

bool weftp_clock_counts(void)
{
    return false;
}

void weftp_clock_forked(void) {}

#endif

int64_t weftp_clock_ask_ns(struct weftp_clock *own)
{
    if (own->busy) return weftp_realtime_ns(); /* a signal handler in the midst of this */
    own->busy = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    const int64_t now_ns = ask_ns(own);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    own->busy = 0;
    return now_ns;
}
