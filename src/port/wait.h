/*
 * Bounded waiting: deadlines on the monotonic clock, and pauses that grow. For slow paths only. Any
 * thread; signal-safe. Level 0.
 */
#ifndef WEFTP_PORT_WAIT_H
#define WEFTP_PORT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds of the monotonic clock. */
int64_t weftp_monotonic_ns(void);

struct weftp_wait {
    int64_t deadline_ns; /* of the monotonic clock */
    int64_t pause_ns;    /* how long the next pause takes */
};

/* Start waiting for at most timeout_ms. */
void weftp_wait_start(struct weftp_wait *wait, uint32_t timeout_ms);
/*
 * Sleep a little, from 50 microseconds doubling up to 2 ms; false, without sleeping, when the time
 * is over.
 */
bool weftp_wait_pause(struct weftp_wait *wait);
/* Milliseconds that are left, rounded up; 0 when the time is over. */
int weftp_wait_left_ms(const struct weftp_wait *wait);
/* Sleep this long, or until a signal. */
void weftp_sleep_ns(int64_t ns);

#endif
