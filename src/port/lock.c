#include "lock.h"

#include <errno.h>

void weftp_nap_us(unsigned microseconds)
{
    const struct timespec time = {(time_t)(microseconds / 1000000),
                                  (long)(microseconds % 1000000) * 1000};
    const int cancel_state = weftp_cancel_disable();
    nanosleep(&time, NULL);
    weftp_cancel_restore(cancel_state);
}

/* pthread_mutex_timedlock goes by the wall clock, which jumps: sleep in short steps by the clock that does not. */
bool weftp_lock_until(struct weftp_lock *lock, int64_t deadline_ms)
{
    if (deadline_ms == INT64_MAX) {
        weftp_lock(lock);
        return true;
    }
    unsigned step_us = 50;
    while (pthread_mutex_trylock(&lock->mutex) != 0) {
        if (weftp_monotonic_ms() >= deadline_ms) return false;
        weftp_nap_us(step_us);
        if (step_us < 2000) step_us *= 2;
    }
    return true;
}
