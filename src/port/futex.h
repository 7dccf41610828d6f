/*
 * Sleeping on a word of memory: futex(2), within one process.
 *
 * Threads: any. Signals: wake is safe. Level 0.
 */
#ifndef WEFTP_PORT_FUTEX_H
#define WEFTP_PORT_FUTEX_H

#include <stdint.h>

/*
 * Sleep while *word is `value`, until a wake, a signal, or timeout_ns have passed; INT64_MAX: no
 * timeout. May return for no reason.
 */
void weftp_futex_wait(uint32_t *word, uint32_t value, int64_t timeout_ns);
/* Wake all that sleep on the word. */
void weftp_futex_wake(uint32_t *word);
/* A moment in which another processor may get on: for loops that are about to sleep. */
void weftp_relax(void);

#endif
