/*
 * Whole lines on a pipe that several processes write. Writes of more than PIPE_BUF bytes are not
 * atomic; under this lock they are, among all who take it. It is an fcntl lock: flock(2) would be
 * shared by forked processes. Within the process, where an fcntl lock excludes nobody, a mutex per
 * pipe stands before it.
 *
 *   function  | called by
 *   ----------|------------------------------------------
 *   lock etc. | any thread; never twice by the same thread
 *   forked    | a forked child, in its only thread
 *
 * An fcntl lock is lost when any descriptor of the same pipe is closed in this process. Level 0.
 */
#ifndef WEFTP_PORT_PIPE_LOCK_H
#define WEFTP_PORT_PIPE_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Take the lock, waiting at most timeout_ms; when the descriptor is a blocking one, only time in
 * which the pipe was empty counts, for a holder that waits for a slow reader is no stuck holder.
 * `key` (the inode) chooses the mutex.
 */
bool weftp_pipe_lock(int fd, uint64_t key, bool blocking, uint32_t timeout_ms);
void weftp_pipe_unlock(int fd, uint64_t key);
/*
 * Under the lock: wait until `size` bytes fit without blocking, so that a small unlocked writer
 * cannot slip in; at most timeout_ms. False: they do not fit. True at once for more than the pipe
 * can hold. *waited: it did not fit at first.
 */
bool weftp_pipe_wait_room(int fd, size_t size, uint32_t timeout_ms, bool *waited);
void weftp_pipe_lock_forked(void);

/*
 * How many times this process has forked or been forked, counted since the first call of
 * weftp_fork_watch.
 */
void weftp_fork_watch(void);
unsigned weftp_fork_count(void);

#endif
