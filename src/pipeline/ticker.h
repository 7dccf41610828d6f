/*
 * Calls back later: one thread for all sinks that keep something for a while.
 *
 * Its job: run a callback once, at its time. Not its job: what is done then (outlet.h). The thread is started by the
 * first arm and sleeps until the earliest time; with nothing armed it is never woken.
 *
 *   function            | called by
 *   --------------------|---------------------------------------------------
 *   arm                 | any thread; locks of sinks may be held
 *   drop                | any thread but the ticker's; no lock of a sink is held
 *   fork_*              | the thread that forks
 *   stop                | the thread that shuts down; nothing is armed any more
 *
 * Its lock comes after all others. May include: port.
 */
#ifndef WEFTP_PIPELINE_TICKER_H
#define WEFTP_PIPELINE_TICKER_H

#include <stdbool.h>
#include <stdint.h>

/* One callback, a member of what it is for. Begin with zeros, and `run`. The rest is ticker.c's. */
struct weftp_tick {
    void (*run)(struct weftp_tick *tick); /* on the ticker's thread, no lock held; may arm again */
    struct weftp_tick *next;
    int64_t at_ms; /* weftp_monotonic_ms() */
    bool armed;
};

/*
 * Have it run in `delay_ms`, unless it is armed already: then the earlier of both times counts. False: there is no
 * thread to be had, and it will not run.
 */
bool weftp_ticker_arm(struct weftp_tick *tick, uint32_t delay_ms);
/* It does not run any more when this returns; waits for one that runs just now. */
void weftp_ticker_drop(struct weftp_tick *tick);

void weftp_ticker_fork_prepare(void);
void weftp_ticker_fork_parent(void);
/* Nothing is armed in the child, and there is no thread. */
void weftp_ticker_fork_child(void);
/* End the thread; the next arm starts one anew. */
void weftp_ticker_stop(void);

#endif
