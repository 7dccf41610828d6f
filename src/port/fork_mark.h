/*
 * A word that tells a forked child from the process that it was marked in, without a system call
 * and however it was forked: fork(3), _Fork(3) or clone(2). A child that shares its parent's memory,
 * as vfork(2) makes it, is not told apart.
 *
 * Threads: any may read. Signals: reading is safe. Level 0.
 */
#ifndef WEFTP_PORT_FORK_MARK_H
#define WEFTP_PORT_FORK_MARK_H

#include <stdint.h>

/*
 * A word that is 1 here and 0 in a forked child, for the life of the process; where the kernel cannot
 * wipe memory at a fork (before Linux 4.14) it is 1 everywhere, and only fork(3)'s handlers tell.
 * One page for each call.
 */
volatile uint32_t *weftp_fork_mark(void);

#endif
