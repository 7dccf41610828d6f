/*
 * The lock of a set of rotated files: .app.log.lock beside them, which stays. All processes take it
 * by flock(2); the threads of one process exclude one another also where flock(2) fails, as it does
 * on file systems that have no such locks, or no more of them (ENOLCK).
 *
 * Threads: any; a struct belongs to one. Signals: unsafe.
 * May include: rotated, port.
 */
#ifndef WEFTP_SINKS_KIT_ROTATION_LOCK_H
#define WEFTP_SINKS_KIT_ROTATION_LOCK_H

#include "rotated.h"

/* A directory that is open, and the lock in it. */
struct weftp_rotation_lock {
    int dir, lock;   /* -1: not open */
    uint32_t *place; /* what excludes this process's threads, while it is held; else NULL */
};
#define WEFTP_ROTATION_LOCK_INIT                                                                   \
    {                                                                                              \
        .dir = -1, .lock = -1                                                                      \
    }

/* Take the lock, waiting at most timeout_ms (EAGAIN). Returns 0 or an errno. */
int weftp_rotation_lock(const struct weftp_rotation *rotation, struct weftp_rotation_lock *lock,
                        uint32_t timeout_ms);
void weftp_rotation_unlock(struct weftp_rotation_lock *lock);
/* In a forked child: close what the parent had open, and leave the parent its lock. */
void weftp_rotation_forked(struct weftp_rotation_lock *lock);

#endif
