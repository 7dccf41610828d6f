/*
 * Whole lines on a pipe that several processes write. Writes of more than PIPE_BUF bytes are not
 * atomic, and one that blocks on a full pipe lets smaller ones in; under this lock they are whole,
 * among all who take it for every line. It is an fcntl lock: flock(2) would be shared by forked
 * processes. Within the process, where an fcntl lock excludes nobody, a mutex per pipe stands
 * before it.
 *
 *   function  | called by
 *   ----------|------------------------------------------
 *   lock etc. | any thread; never twice by the same thread
 *   forked    | a forked child, in its only thread
 *
 * An fcntl lock is lost when any descriptor of the same pipe is closed in this process
 * otherwise than by weftp_pipe_close. Level 0.
 */
#ifndef WEFTP_PORT_PIPE_LOCK_H
#define WEFTP_PORT_PIPE_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether writes to it wait for room. False for what is no descriptor. */
bool weftp_pipe_blocks(int fd);
/*
 * Take the lock. A descriptor that blocks is waited for without a bound, as the write itself would
 * wait; one that does not, at most timeout_ms. `key` (the inode) chooses the mutex.
 * False: not taken; errno is EAGAIN (the time is over) or EPIPE (no reader is left).
 */
bool weftp_pipe_lock(int fd, uint64_t key, uint32_t timeout_ms);
void weftp_pipe_unlock(int fd, uint64_t key);
/*
 * Close a descriptor of a pipe when no other thread holds the lock, which it would lose; after a
 * second in any case.
 */
void weftp_pipe_close(int fd, uint64_t key);
/*
 * Under the lock: wait until `size` bytes fit without blocking, so that a small write of a program
 * that takes no lock cannot slip in; at most timeout_ms. False: they do not fit. True at once for
 * more than the pipe can hold. *waited: it did not fit at first.
 */
bool weftp_pipe_wait_room(int fd, size_t size, uint32_t timeout_ms, bool *waited);
void weftp_pipe_lock_forked(void);

#endif
