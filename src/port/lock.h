/*
 * A mutex that can be waited for with a deadline, and remade in a forked child.
 *
 * Threads: any. Signals: unsafe. May include: libc only.
 */
#ifndef WEFTP_PORT_LOCK_H
#define WEFTP_PORT_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct weftp_lock {
    pthread_mutex_t mutex;
};
#define WEFTP_LOCK_INIT                                                                            \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER                                                                  \
    }

static inline void weftp_lock_init(struct weftp_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
}
static inline void weftp_lock_deinit(struct weftp_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}
static inline void weftp_lock(struct weftp_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}
static inline void weftp_unlock(struct weftp_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

/*
 * Put deferred cancellation off, and back to what it was: around system calls that a thread might be cancelled in
 * while it holds a lock.
 */
static inline int weftp_cancel_disable(void)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    return state;
}
static inline void weftp_cancel_restore(int state)
{
    pthread_setcancelstate(state, NULL);
}

/* Sleep, without being a point where the thread is cancelled. */
void weftp_nap_us(unsigned microseconds);

/* Milliseconds of a clock that never jumps. Signal-safe. */
static inline int64_t weftp_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Nanoseconds since 1970. Signal-safe. */
static inline int64_t weftp_realtime_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Lock until weftp_monotonic_ms() passes the deadline (INT64_MAX: wait for ever); false when it was not to be had. */
bool weftp_lock_until(struct weftp_lock *lock, int64_t deadline_ms);

/* The deadline that is `timeout_ms` from now; UINT32_MAX: never. */
static inline int64_t weftp_deadline_ms(uint32_t timeout_ms)
{
    return timeout_ms == UINT32_MAX ? INT64_MAX : weftp_monotonic_ms() + timeout_ms;
}

#endif
