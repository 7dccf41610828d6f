/*
 * The wall clock, cheaply: where the kernel itself takes the time from the processor's tick
 * counter, a thread reads that counter and goes on from the last time that it asked the kernel.
 * Everywhere else, and until the counter's rate is known, each call asks the kernel.
 *
 * A thread asks the kernel again every WEFTP_CLOCK_ANCHOR_MS, so a clock that is set, slewed or
 * faked is followed within that time. Between, the time is the kernel's within a microsecond or so:
 * times of two threads that are closer than that may stand the other way round.
 *
 *   weftp_clock_realtime_ns | any thread, with a state of its own; signal-safe, also in a handler
 *                           | that interrupted a call with the same state
 *   weftp_clock_forked      | the child of a fork
 *
 * May include: libc only.
 */
#ifndef WEFTP_PORT_CLOCK_H
#define WEFTP_PORT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define WEFTP_CLOCK_ANCHOR_MS 2

/* A thread's own; made of zeroes. All of it private to the clock. */
struct weftp_clock {
    uint64_t span;    /* ticks that the anchor holds; 0: there is none */
    uint64_t tick;    /* of the anchor */
    int64_t time_ns;  /* of the anchor */
    uint64_t rate;    /* nanoseconds per tick, times 2^32 */
    uint32_t turn;    /* counts anchors, for a call that a signal handler interrupts */
    uint16_t busy;    /* the anchor is being changed */
    uint16_t strikes; /* anchors in a row that did not go with the one before */
};

/* Behind weftp_clock_realtime_ns: ask the kernel, and take a new anchor where that can be. */
int64_t weftp_clock_ask_ns(struct weftp_clock *own);

#if defined __x86_64__
static inline uint64_t weftp_clock_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
#else
/* Never asked: no anchor is taken. */
static inline uint64_t weftp_clock_ticks(void)
{
    return 0;
}
#endif

/* The time that an anchor gives `ticks` after it. */
static inline int64_t weftp_clock_after_ns(const struct weftp_clock *own, uint64_t ticks)
{
    return own->time_ns + (int64_t)(ticks * own->rate >> 32);
}

/*
 * Nanoseconds since 1970, UTC, as CLOCK_REALTIME has them. Never goes back within a thread (a
 * state), but where the clock was set back by 20 us or more.
 */
static inline int64_t weftp_clock_realtime_ns(struct weftp_clock *own)
{
    if (own->span) {
        const uint32_t turn = own->turn;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        const uint64_t ticks = weftp_clock_ticks() - own->tick;
        const int64_t now_ns = weftp_clock_after_ns(own, ticks);
        const bool holds = ticks < own->span;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (__builtin_expect(holds && own->turn == turn, 1)) return now_ns;
    }
    return weftp_clock_ask_ns(own);
}

/* ---- inside, for tests ---- */

/* What the kernel said, and the counter at that moment. */
struct weftp_clock_reading {
    uint64_t tick;
    int64_t time_ns;
};

struct weftp_clock_rate {
    uint64_t rate; /* nanoseconds per tick, times 2^32 */
    uint64_t span; /* ticks of WEFTP_CLOCK_ANCHOR_MS; 0: not known */
};

/* The rate between two readings; false when they are too near, too far, or no counter's. */
bool weftp_clock_rate_of(struct weftp_clock_rate *rate, const struct weftp_clock_reading *first,
                         const struct weftp_clock_reading *last);

/*
 * Take a new anchor, and return the time that it has. A time that is less than 20 us ahead of the
 * kernel's is held until the kernel has caught up: the anchor is then a little slower.
 */
int64_t weftp_clock_anchor(struct weftp_clock *own, const struct weftp_clock_rate *rate,
                           const struct weftp_clock_reading *now);

/* Whether the counter is used by now: asks nobody. */
bool weftp_clock_counts(void);

/* A child of a fork goes on with what is known; what another thread had half done is forgotten. */
void weftp_clock_forked(void);

#endif
