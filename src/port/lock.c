#include "lock.h"

#include <errno.h>

/* pthread_mutex_timedlock goes by the wall clock, which jumps: sleep in short steps by the clock that does not. */
bool weftp_lock_until(struct weftp_lock *lock, int64_t deadline_ms)
{
    if (deadline_ms == INT64_MAX) {
        weftp_lock(lock);
        return true;
    }
    struct timespec step = {0, 50000};
    while (pthread_mutex_trylock(&lock->mutex) != 0) {
        if (weftp_monotonic_ms() >= deadline_ms) return false;
        nanosleep(&step, NULL);
        if (step.tv_nsec < 2000000) step.tv_nsec *= 2;
    }
    return true;
}
