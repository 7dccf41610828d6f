/*
 * Random bytes for ids, from the kernel in batches that belong to a thread, so that an id costs no
 * system call.
 *
 * Its job: bytes that no other thread, process or forked child gets. Not its job: what an id looks
 * like (propagate/ids).
 *
 *   weftp_random_bytes, weftp_random_generation | any thread | not from a signal handler
 *
 * A forked child never sees its parent's batch again, whether fork(3), _Fork(3) or clone(2) made
 * it, where the kernel knows MADV_WIPEONFORK (Linux 4.14); with an older one fork(3) is safe, as
 * its handlers run.
 */
#ifndef WEFTP_PORT_RANDOM_H
#define WEFTP_PORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Fill `size` bytes. Never fails and never blocks: without getrandom(2) the bytes are mixed from
 * clocks and addresses.
 */
void weftp_random_bytes(void *out, size_t size);
/*
 * The number of this process among those that it was forked from: it stays while the process lives, and none of them
 * had it. Never 0. No system call but the first time.
 */
uint32_t weftp_random_generation(void);

#endif
